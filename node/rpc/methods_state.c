/* Accounts, code and storage after the newest executed block. */
#include <string.h>

#include "executor/tree.h"
#include "node/rpc/format.h"
#include "node/rpc/load.h"

/* As many slots as go-ethereum takes in one eth_getProof. */
#define PROOF_SLOTS_MAX 1024u

static bool read_account(struct node_rpc_call *c, size_t block, struct td_addr *addr,
                         struct node_rpc_block_ref *ref)
{
    return node_rpc_param_addr(c, 0, addr) && node_rpc_param_state_block(c, block, ref) &&
           node_rpc_is_newest(c, ref);
}

static void get_account(struct node_rpc_call *c, const struct td_addr *addr,
                        struct exec_account *out)
{
    struct node_chain *chain = c->rpc->backend.chain;
    node_chain_lock(chain);
    node_chain_account(chain, addr, out);
    node_chain_unlock(chain);
}

static void get_balance(struct node_rpc_call *c)
{
    struct td_addr addr;
    struct node_rpc_block_ref ref;
    struct exec_account account;
    if (!node_rpc_params(c, 1, 2) || !read_account(c, 1, &addr, &ref))
        return;
    get_account(c, &addr, &account);
    node_rpc_answer_u256(c, &account.balance);
}

static void get_code(struct node_rpc_call *c)
{
    struct td_addr addr;
    struct node_rpc_block_ref ref;
    struct exec_account account;
    struct td_bytes code = {.ptr = NULL, .len = 0};
    if (!node_rpc_params(c, 1, 2) || !read_account(c, 1, &addr, &ref))
        return;
    struct node_chain *chain = c->rpc->backend.chain;
    node_chain_lock(chain);
    struct exec_reader reader = node_chain_state(chain);
    node_chain_account(chain, &addr, &account);
    enum td_error err =
        account.code_bytes == 0 ? TD_OK : reader.code(reader.self, &account.code_hash, &code);
    if (err == TD_OK)
        node_text_hex(&c->out, code.ptr, code.len);
    node_chain_unlock(chain);
    node_rpc_fail_error(c, err, "state");
    node_rpc_answer(c);
}

static void get_storage(struct node_rpc_call *c)
{
    struct td_addr addr;
    struct node_rpc_block_ref ref;
    struct exec_u256 slot, value;
    if (!node_rpc_params(c, 2, 3) || !read_account(c, 2, &addr, &ref) ||
        !node_rpc_read_slot(c, (struct node_rpc_place){.argument = 1}, node_rpc_param(c, 1), &slot))
        return;
    struct node_chain *chain = c->rpc->backend.chain;
    node_chain_lock(chain);
    struct exec_reader reader = node_chain_state(chain);
    enum td_error err = reader.slot(reader.self, &addr, &slot, &value);
    node_chain_unlock(chain);
    node_rpc_fail_error(c, err, "state");
    if (c->done)
        return;
    node_text_word(&c->out, &value);
    node_rpc_answer(c);
}

/* ---- nonce: "pending" counts what the pool holds */

struct count {
    struct td_addr addr;
    uint64_t nonce;
};

static void get_nonce(struct node_rpc_call *c)
{
    struct td_addr addr;
    struct node_rpc_block_ref ref;
    struct exec_account account;
    if (!node_rpc_params(c, 1, 2) || !read_account(c, 1, &addr, &ref))
        return;
    get_account(c, &addr, &account);
    struct count *k = ref.pending ? node_rpc_keep(c, sizeof *k) : NULL;
    if (k != NULL)
        *k = (struct count){.addr = addr, .nonce = account.nonce};
    else
        node_rpc_answer_quantity(c, account.nonce);
}

static void get_pending_nonce(struct node_rpc_call *c)
{
    const struct count *k = c->keep;
    uint64_t pool = node_mempool_nonce(c->rpc->backend.mempool(c->rpc->backend.self), &k->addr);
    node_rpc_answer_quantity(c, pool > k->nonce ? pool : k->nonce);
}

/* ---- proofs: docs/rpc.md has the encoding */

static void digest_bytes(uint8_t *out, const struct td_p2_digest *d)
{
    for (uint32_t i = 0; i < TD_P2_DIGEST; i++) {
        uint32_t v = d->e[i].v;
        for (uint32_t b = 0; b < 4u; b++)
            out[4u * i + b] = (uint8_t)(v >> (24u - 8u * b));
    }
}

static void put_digest(struct node_text *t, const struct td_p2_digest *d)
{
    uint8_t bytes[4u * TD_P2_DIGEST];
    digest_bytes(bytes, d);
    node_text_hex(t, bytes, sizeof bytes);
}

static enum td_error put_proof(struct node_text *t, struct node_chain *chain,
                               const struct td_p2_digest *key)
{
    uint8_t bytes[4u + 3u * 4u * TD_P2_DIGEST];
    uint32_t index;
    struct exec_tree_leaf leaf;
    struct td_p2_digest siblings[EXEC_TREE_DEPTH];
    enum td_error err = node_chain_proof(chain, key, &index, &leaf, siblings);
    if (err != TD_OK)
        return err;
    for (uint32_t b = 0; b < 4u; b++)
        bytes[b] = (uint8_t)(index >> (24u - 8u * b));
    digest_bytes(bytes + 4, &leaf.key);
    digest_bytes(bytes + 40, &leaf.value);
    digest_bytes(bytes + 76, &leaf.next);
    node_text_open(t, '[');
    node_text_hex(t, bytes, sizeof bytes);
    for (uint32_t i = 0; i < EXEC_TREE_DEPTH; i++) {
        node_text_item(t);
        put_digest(t, &siblings[i]);
    }
    node_text_close(t, ']');
    return TD_OK;
}

struct proof {
    struct td_addr addr;
    uint32_t slot_count;
    struct exec_u256 *slots;
};

static enum td_error put_slots(struct node_text *t, struct node_chain *chain, const struct proof *p)
{
    struct exec_reader reader = node_chain_state(chain);
    enum td_error err = TD_OK;
    node_text_key(t, "storageProof");
    node_text_open(t, '[');
    for (uint32_t i = 0; i < p->slot_count && err == TD_OK && !t->failed; i++) {
        struct td_p2_digest key;
        struct exec_u256 value;
        exec_key_slot(&key, &p->addr, &p->slots[i]);
        err = reader.slot(reader.self, &p->addr, &p->slots[i], &value);
        if (err != TD_OK)
            return err;
        node_text_item(t);
        node_text_open(t, '{');
        node_text_key(t, "key");
        node_text_word(t, &p->slots[i]);
        node_text_key(t, "value");
        node_text_u256(t, &value);
        node_text_key(t, "proof");
        err = put_proof(t, chain, &key);
        node_text_close(t, '}');
    }
    node_text_close(t, ']');
    return err;
}

static void put_cursor(struct node_text *t, const struct exec_cursor *x)
{
    struct td_hash commitment;
    exec_cursor_commit(&commitment, x);
    node_text_key(t, "tandem");
    node_text_open(t, '{');
    node_text_key(t, "blockNumber");
    node_text_quantity(t, x->number);
    node_text_key(t, "stateRoot");
    node_text_hex(t, commitment.b, TD_HASH_BYTES);
    node_text_key(t, "treeRoot");
    put_digest(t, &x->tree_root);
    node_text_key(t, "leafCount");
    node_text_quantity(t, x->leaf_count);
    node_text_key(t, "timestampMs");
    node_text_quantity(t, x->ts_ms);
    node_text_key(t, "epoch");
    node_text_quantity(t, x->epoch);
    node_text_key(t, "blockHash");
    node_text_hex(t, x->block_hash.b, TD_HASH_BYTES);
    node_text_key(t, "baseFeeNext");
    node_text_u256(t, &x->base_fee);
    node_text_key(t, "messageCount");
    node_text_quantity(t, x->message_count);
    node_text_key(t, "inboxIndex");
    node_text_quantity(t, x->inbox_index);
    node_text_key(t, "inboxHash");
    node_text_hex(t, x->inbox_acc.b, TD_HASH_BYTES);
    node_text_close(t, '}');
}

/* Under the chain's lock: all of one state. */
static enum td_error put_account(struct node_text *t, struct node_chain *chain,
                                 const struct proof *p)
{
    static const struct td_hash NONE;
    struct exec_account account;
    struct td_p2_digest key;
    node_chain_account(chain, &p->addr, &account);
    exec_key_account(&key, &p->addr);
    node_text_open(t, '{');
    node_text_key(t, "address");
    node_text_hex(t, p->addr.b, TD_ADDR_BYTES);
    node_text_key(t, "balance");
    node_text_u256(t, &account.balance);
    node_text_key(t, "nonce");
    node_text_quantity(t, account.nonce);
    node_text_key(t, "codeHash");
    node_text_hex(t, account.code_hash.b, TD_HASH_BYTES);
    node_text_key(t, "storageHash"); /* accounts have no trees of their own */
    node_text_hex(t, NONE.b, TD_HASH_BYTES);
    node_text_key(t, "accountProof");
    enum td_error err = put_proof(t, chain, &key);
    if (err == TD_OK)
        err = put_slots(t, chain, p);
    put_cursor(t, node_chain_cursor(chain));
    node_text_close(t, '}');
    return err;
}

static bool read_slots(struct node_rpc_call *c, struct proof *p)
{
    const struct node_rpc_place at = {.argument = 1};
    const json_t *list = node_rpc_param(c, 1);
    if (!json_is_array(list))
        node_rpc_bad(c, at, "want an array of slots");
    else if (json_array_size(list) > PROOF_SLOTS_MAX)
        node_rpc_bad(c, at, "more than 1024 slots");
    if (c->done)
        return false;
    p->slot_count = (uint32_t)json_array_size(list);
    p->slots = TD_ARENA_NEW(&c->worker->arena, struct exec_u256, p->slot_count);
    if (p->slots == NULL)
        node_rpc_fail_error(c, TD_E_NOSPACE, "arguments");
    for (uint32_t i = 0; i < p->slot_count && !c->done; i++)
        (void)node_rpc_read_slot(c, at, json_array_get(list, i), &p->slots[i]);
    return !c->done;
}

static void get_proof(struct node_rpc_call *c)
{
    struct node_rpc_block_ref ref;
    struct proof p;
    if (!node_rpc_params(c, 2, 3) || !read_account(c, 2, &p.addr, &ref) || !read_slots(c, &p))
        return;
    struct node_chain *chain = c->rpc->backend.chain;
    node_chain_lock(chain);
    enum td_error err = put_account(&c->out, chain, &p);
    node_chain_unlock(chain);
    node_rpc_fail_error(c, err, "state");
    node_rpc_answer(c);
}

const struct node_rpc_method NODE_RPC_STATE[] = {
    {.name = "eth_getBalance", .prepare = get_balance},
    {.name = "eth_getCode", .prepare = get_code},
    {.name = "eth_getStorageAt", .prepare = get_storage},
    {.name = "eth_getTransactionCount", .prepare = get_nonce, .loop = get_pending_nonce},
    {.name = "eth_getProof", .prepare = get_proof},
    {.name = NULL},
};
