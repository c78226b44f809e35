#include "node/exec/blockfile.h"

#include <string.h>

#include "executor/genesis.h"

/* ---- defaults: a small chain on a developer's L1 */

static const struct exec_chain CHAIN = {
    .chain_id = 4242,
    .l1_chain_id = 31337,
    .contract = {{0xcc}},
    .config_hash = {{0xcf}},
    .gas_limit = 30000000,
    .native_limit = 40000000,
    .base_fee_min = {{7}},
    .prices = {.native_per_gas = 100, .gas_per_pubdata_byte = 16, .tx_native_max = 2200000},
    .fee_vault = {{0xfe, 0xee}}};

#define START_TS_MS UINT64_C(1700000000000)
#define BLOCK_MS 1000u
#define BASE_FEE 1000u
#define L1_BLOCK 0u

/* State, frames and witness of one block, and all that is kept: address space only. */
#define WORK_BYTES ((size_t)1 << 30)
#define KEPT_BYTES ((size_t)512 << 20)
/* What a block adds at most by default: a new leaf costs native units. */
#define LEAVES_PER_BLOCK 16384u

/* ---- the chain and where it begins */

static void get_chain(struct exec_chain *c, struct node_json *j, const json_t *in)
{
    *c = CHAIN;
    if (in == NULL)
        return;
    node_json_known(j, in,
                    "chainId l1ChainId contract configHash gasLimit nativeLimit baseFeeMin "
                    "nativePerGas gasPerPubdataByte txNativeMax feeVault");
    c->chain_id = node_json_opt_u64(j, in, "chainId", c->chain_id);
    c->l1_chain_id = node_json_opt_u64(j, in, "l1ChainId", c->l1_chain_id);
    node_json_opt_addr(j, in, "contract", &c->contract);
    node_json_opt_hash(j, in, "configHash", &c->config_hash);
    c->gas_limit = node_json_opt_u64(j, in, "gasLimit", c->gas_limit);
    c->native_limit = node_json_opt_u64(j, in, "nativeLimit", c->native_limit);
    node_json_opt_u256(j, in, "baseFeeMin", &c->base_fee_min);
    struct exec_prices *p = &c->prices;
    p->native_per_gas = node_json_opt_u64(j, in, "nativePerGas", p->native_per_gas);
    p->gas_per_pubdata_byte =
        node_json_opt_u64(j, in, "gasPerPubdataByte", p->gas_per_pubdata_byte);
    p->tx_native_max = node_json_opt_u64(j, in, "txNativeMax", p->tx_native_max);
    node_json_opt_addr(j, in, "feeVault", &c->fee_vault);
}

static void get_start(struct exec_cursor *c, struct node_json *j, const json_t *in)
{
    *c = (struct exec_cursor){
        .ts_ms = START_TS_MS, .block_hash = {{0x6e}}, .base_fee = exec_u256_of(BASE_FEE)};
    if (in == NULL)
        return;
    node_json_known(j, in, "timestampMs blockHash baseFee epoch");
    c->ts_ms = node_json_opt_u64(j, in, "timestampMs", c->ts_ms);
    node_json_opt_hash(j, in, "blockHash", &c->block_hash);
    node_json_opt_u256(j, in, "baseFee", &c->base_fee);
    c->epoch = node_json_opt_u64(j, in, "epoch", c->epoch);
}

/* NULL where it is missing, or no object (a complaint). */
static json_t *opt_object(struct node_json *j, const json_t *in, const char *field)
{
    return json_object_get(in, field) == NULL ? NULL : node_json_object(j, in, field);
}

static json_t *opt_array(struct node_json *j, const json_t *in, const char *field)
{
    return json_object_get(in, field) == NULL ? NULL : node_json_array(j, in, field);
}

static void get_pre(struct node_blockfile *f, struct node_json *j, json_t *in)
{
    const char *key;
    json_t *value;
    json_object_foreach(in, key, value)
    {
        struct td_addr addr;
        node_json_at(j, "pre.%.42s", key);
        node_json_text_addr(j, key, NULL, &addr);
        if (!json_is_object(value))
            node_json_fail(j, NULL, "not an object");
        node_json_known(j, value, "nonce balance code storage");
    }
    node_json_at(j, "pre");
    if (node_json_ok(j))
        node_world_get(&f->pre, j, in);
}

void node_blockfile_open(struct node_blockfile *out, struct node_json *j, const json_t *document)
{
    *out = (struct node_blockfile){.chain = CHAIN};
    if (!json_is_object(document)) {
        node_json_fail(j, NULL, "not an object with \"blocks\" in it");
        return;
    }
    node_json_at(j, "%s", "");
    node_json_known(j, document, "chain start pre blocks comment");
    out->blocks = node_json_array(j, document, "blocks");
    const json_t *chain = opt_object(j, document, "chain");
    const json_t *start = opt_object(j, document, "start");
    json_t *pre = opt_object(j, document, "pre");
    out->block_count = json_array_size(out->blocks);
    if (out->block_count == 0)
        node_json_fail(j, "blocks", "empty; a block is an object, {} the simplest");
    if (out->block_count > NODE_BLOCKFILE_BLOCKS_MAX)
        node_json_fail(j, "blocks", "more than 1,024");
    node_json_at(j, "chain");
    get_chain(&out->chain, j, chain);
    node_json_at(j, "start");
    get_start(&out->start, j, start);
    if (pre != NULL && node_json_ok(j))
        get_pre(out, j, pre);
}

/* ---- genesis */

struct node_ledger_limits node_blockfile_limits(const struct node_blockfile *f)
{
    uint64_t leaves = 1024u + f->pre.account_count + f->block_count * LEAVES_PER_BLOCK;
    for (size_t i = 0; i < f->pre.account_count; i++)
        leaves += f->pre.accounts[i].slot_count;
    if (leaves > NODE_BLOCKFILE_LEAVES_MAX)
        leaves = NODE_BLOCKFILE_LEAVES_MAX;
    return (struct node_ledger_limits){(uint32_t)leaves, KEPT_BYTES, WORK_BYTES};
}

static void complain_addr(struct node_json *j, const struct td_addr *a, enum exec_genesis verdict)
{
    node_json_at(j, "pre.0x%02x%02x…%02x%02x", a->b[0], a->b[1], a->b[18], a->b[19]);
    node_json_fail(j, NULL, exec_genesis_text(verdict));
}

static bool put_account(struct node_ledger *l, struct node_json *j,
                        const struct node_world_account *a)
{
    struct exec_state *s = l->genesis;
    const struct exec_account account = {.nonce = a->nonce,
                                         .balance = a->balance,
                                         .code_hash = a->code_hash,
                                         .code_bytes = (uint32_t)a->code.len};
    enum exec_genesis verdict = exec_genesis_account(&account, a->code, a->slot_count > 0);
    if (verdict != EXEC_GENESIS_OK) {
        complain_addr(j, &a->addr, verdict);
        return false;
    }
    exec_state_set_balance(s, &a->addr, &a->balance);
    exec_state_set_nonce(s, &a->addr, a->nonce);
    exec_state_set_code(s, &a->addr, a->code);
    for (size_t i = 0; i < a->slot_count; i++)
        exec_state_sstore(s, &a->addr, &a->slots[i].slot, &a->slots[i].value);
    return true;
}

enum td_error node_blockfile_genesis(const struct node_blockfile *f, struct node_json *j,
                                     struct node_ledger *l)
{
    l->params = f->chain;
    l->cursor.ts_ms = f->start.ts_ms;
    l->cursor.block_hash = f->start.block_hash;
    l->cursor.base_fee = f->start.base_fee;
    l->cursor.epoch = f->start.epoch;
    enum td_error err = node_ledger_genesis_begin(l);
    for (size_t i = 0; i < f->pre.account_count && err == TD_OK; i++) {
        if (!put_account(l, j, &f->pre.accounts[i]))
            return TD_E_RANGE;
        err = exec_state_error(l->genesis);
    }
    if (err == TD_OK)
        err = node_ledger_genesis_end(l);
    if (err != TD_OK)
        return err;
    const struct exec_reader reader = node_ledger_reader(l);
    enum exec_genesis verdict = exec_genesis_check(&l->params, &l->cursor, &reader);
    if (verdict == EXEC_GENESIS_OK)
        return TD_OK;
    node_json_at(j, "chain, start and pre");
    node_json_fail(j, NULL, exec_genesis_text(verdict));
    return TD_E_RANGE;
}

/* ---- transactions */

/* Where a transaction stands: its list's getters complain there. */
struct place {
    struct node_ledger *l;
    struct node_json *j;
    char path[96]; /* "blocks[0].transactions[3]" */
};

static void at(const struct place *p)
{
    node_json_at(p->j, "%s", p->path);
}

static bool get_key(const struct place *p, const json_t *in, struct td_secp_key *key)
{
    struct td_hash secret;
    node_json_hash(p->j, in, "secretKey", &secret);
    if (node_json_ok(p->j) && td_secp_key_init(p->l->secp, key, secret.b) != TD_OK)
        node_json_fail(p->j, "secretKey", "0, or not below the curve's order");
    return node_json_ok(p->j);
}

static void get_access(const struct place *p, const json_t *list, struct exec_tx *tx)
{
    struct node_json *j = p->j;
    size_t count = json_array_size(list);
    if (count > NODE_BLOCKFILE_LIST_MAX)
        node_json_fail(j, "accessList", "more than 4,096 entries");
    struct exec_access *access = node_json_ok(j) ? node_json_room(j, count, sizeof *access) : NULL;
    for (size_t i = 0; i < count && access != NULL && node_json_ok(j); i++) {
        const json_t *in = json_array_get(list, i);
        node_json_at(j, "%s.accessList[%zu]", p->path, i);
        if (!json_is_object(in))
            node_json_fail(j, NULL, "not an object");
        node_json_known(j, in, "address storageKeys");
        node_json_addr(j, in, "address", &access[i].addr);
        const json_t *keys = node_json_array(j, in, "storageKeys");
        size_t key_count = json_array_size(keys);
        if (key_count > NODE_BLOCKFILE_LIST_MAX)
            node_json_fail(j, "storageKeys", "more than 4,096");
        struct exec_u256 *slots =
            node_json_ok(j) ? node_json_room(j, key_count, sizeof *slots) : NULL;
        for (size_t k = 0; k < key_count && slots != NULL; k++) {
            const char *text = json_string_value(json_array_get(keys, k));
            node_json_text_u256(j, text == NULL ? "" : text, "storageKeys", &slots[k]);
        }
        access[i].slots = slots;
        access[i].slot_count = (uint32_t)key_count;
    }
    tx->access = access;
    tx->access_count = (uint32_t)count;
    at(p);
}

static void sign_authorization(const struct place *p, const json_t *in,
                               struct exec_authorization *a)
{
    struct td_secp_key key;
    struct td_hash digest;
    struct td_sig sig;
    if (!get_key(p, in, &key))
        return;
    exec_authorization_hash(&digest, a);
    if (td_secp_sign(p->l->secp, &key, &digest, &sig) != TD_OK) {
        node_json_fail(p->j, "secretKey", "cannot sign this");
        return;
    }
    a->y_parity = exec_u256_of(sig.b[32] >> 7);
    sig.b[32] &= 0x7f;
    exec_u256_from_be(&a->r, sig.b, 32);
    exec_u256_from_be(&a->s, sig.b + 32, 32);
    td_secp_key_reset(&key);
}

static void get_authorizations(const struct place *p, const json_t *list, struct exec_tx *tx)
{
    struct node_json *j = p->j;
    size_t count = json_array_size(list);
    if (count > NODE_BLOCKFILE_LIST_MAX)
        node_json_fail(j, "authorizationList", "more than 4,096 entries");
    struct exec_authorization *auth =
        node_json_ok(j) ? node_json_room(j, count, sizeof *auth) : NULL;
    for (size_t i = 0; i < count && auth != NULL && node_json_ok(j); i++) {
        const json_t *in = json_array_get(list, i);
        struct exec_authorization *a = &auth[i];
        node_json_at(j, "%s.authorizationList[%zu]", p->path, i);
        if (!json_is_object(in))
            node_json_fail(j, NULL, "not an object");
        node_json_known(j, in, "chainId address nonce secretKey yParity r s");
        a->chain_id = exec_u256_of(p->l->params.chain_id);
        node_json_opt_u256(j, in, "chainId", &a->chain_id);
        node_json_addr(j, in, "address", &a->addr);
        a->nonce = node_json_u64(j, in, "nonce");
        if (json_object_get(in, "secretKey") != NULL) {
            sign_authorization(p, in, a);
        } else {
            node_json_u256(j, in, "yParity", &a->y_parity);
            node_json_u256(j, in, "r", &a->r);
            node_json_u256(j, in, "s", &a->s);
        }
    }
    tx->auth = auth;
    tx->auth_count = (uint32_t)count;
    at(p);
}

/* The type that the fields ask for, unless one is named. */
static void get_type(const struct place *p, const json_t *in, struct exec_tx *tx)
{
    bool legacy = json_object_get(in, "gasPrice") != NULL;
    uint64_t type = 2;
    if (json_object_get(in, "authorizationList") != NULL)
        type = 4;
    else if (legacy)
        type = json_object_get(in, "accessList") != NULL ? 1 : 0;
    type = node_json_opt_u64(p->j, in, "type", type);
    if (type > 4 || type == 3)
        node_json_fail(p->j, "type", "not one of 0x0, 0x1, 0x2, 0x4");
    if ((type < 2) != legacy)
        node_json_fail(p->j, "gasPrice",
                       type < 2 ? "missing" : "of types 0x0 and 0x1; others have maxFeePerGas");
    if (type != 4 && json_object_get(in, "authorizationList") != NULL)
        node_json_fail(p->j, "authorizationList", "of type 0x4");
    if (type == 0 && json_object_get(in, "accessList") != NULL)
        node_json_fail(p->j, "accessList", "not of type 0x0");
    tx->type = (uint8_t)type;
}

static void get_tx(const struct place *p, const json_t *in, struct exec_tx *tx)
{
    struct node_json *j = p->j;
    const json_t *to = json_object_get(in, "to");
    *tx = (struct exec_tx){.has_chain_id = true};
    node_json_known(j, in,
                    "type chainId nonce gasLimit gasPrice maxFeePerGas maxPriorityFeePerGas to "
                    "value data accessList authorizationList secretKey");
    get_type(p, in, tx);
    tx->chain_id = node_json_opt_u64(j, in, "chainId", p->l->params.chain_id);
    tx->nonce = node_json_u64(j, in, "nonce");
    tx->gas_limit = node_json_u64(j, in, "gasLimit");
    node_json_u256(j, in, tx->type < 2 ? "gasPrice" : "maxFeePerGas", &tx->fee_cap);
    if (tx->type < 2)
        tx->tip_cap = tx->fee_cap;
    else
        node_json_opt_u256(j, in, "maxPriorityFeePerGas", &tx->tip_cap);
    tx->is_create =
        to == NULL || json_is_null(to) || (json_is_string(to) && json_string_length(to) == 0);
    if (!tx->is_create)
        node_json_addr(j, in, "to", &tx->to);
    if (tx->is_create && tx->type == 4)
        node_json_fail(j, "to", "missing; type 0x4 cannot create");
    node_json_opt_u256(j, in, "value", &tx->value);
    if (json_object_get(in, "data") != NULL)
        tx->data = node_json_bytes(j, in, "data");
    get_access(p, opt_array(j, in, "accessList"), tx);
    get_authorizations(p, opt_array(j, in, "authorizationList"), tx);
}

/* Bytes of a transaction, signed here or by somebody before. */
static bool tx_bytes(const struct place *p, const json_t *in, struct td_bytes *out)
{
    struct td_secp_key key;
    struct exec_tx tx;
    at(p);
    if (json_is_string(in)) {
        *out = node_json_value_bytes(p->j, in, NULL);
        return node_json_ok(p->j);
    }
    if (!json_is_object(in)) {
        node_json_fail(p->j, NULL, "neither the transaction's bytes (\"0x02f8…\") nor an object");
        return false;
    }
    get_tx(p, in, &tx);
    if (!get_key(p, in, &key))
        return false;
    enum td_error err = node_ledger_sign(p->l, &tx, &key);
    td_secp_key_reset(&key);
    if (err == TD_OK)
        err = node_ledger_encode(p->l, out, &tx);
    if (err != TD_OK)
        node_json_fail(p->j, NULL,
                       err == TD_E_NOSPACE ? "larger than a block's payload may be (2 MiB)"
                                           : td_error_text(err));
    return err == TD_OK;
}

static bool add(const struct place *p, enum td_error err)
{
    if (err == TD_E_LIMIT)
        node_json_fail(p->j, NULL, "one entry too many: a block has at most 16,384");
    else if (err != TD_OK)
        node_json_fail(p->j, NULL, "no room left for payloads");
    return err == TD_OK;
}

static bool add_tx(const struct place *p, const json_t *in)
{
    struct td_bytes bytes;
    if (!tx_bytes(p, in, &bytes))
        return false;
    /* The inbox' entries have their own list, and run first. */
    if (bytes.len > 0 && bytes.ptr[0] == EXEC_TX_DEPOSIT)
        node_json_fail(p->j, NULL, "type 0x7e: entries of the inbox belong into \"inbox\"");
    return node_json_ok(p->j) && add(p, node_ledger_add(p->l, bytes));
}

/* ---- inbox */

static bool add_inbox(const struct place *p, const json_t *in, uint64_t index)
{
    struct node_json *j = p->j;
    struct exec_inbox_op op = {.kind = EXEC_INBOX_CALL};
    at(p);
    if (!json_is_object(in)) {
        node_json_fail(j, NULL, "not an object");
        return false;
    }
    node_json_known(j, in, "index l1Block sender to value gasLimit data transaction");
    op.index = node_json_opt_u64(j, in, "index", index);
    op.l1_block = node_json_opt_u64(j, in, "l1Block", L1_BLOCK);
    node_json_opt_addr(j, in, "sender", &op.sender);
    node_json_opt_addr(j, in, "to", &op.to);
    node_json_opt_u256(j, in, "value", &op.value);
    op.gas_limit = node_json_opt_u64(j, in, "gasLimit", 1000000);
    if (json_object_get(in, "data") != NULL)
        op.data = node_json_bytes(j, in, "data");
    const json_t *raw = json_object_get(in, "transaction");
    if (raw != NULL) {
        struct place inner = *p;
        snprintf(inner.path, sizeof inner.path, "%.80s.transaction", p->path);
        op.kind = EXEC_INBOX_RAW;
        if (!tx_bytes(&inner, raw, &op.data))
            return false;
        at(p);
    }
    if (op.data.len > EXEC_INBOX_DATA_BYTES_MAX)
        node_json_fail(j, "data", "more than 96 KiB, which L1 refuses");
    return node_json_ok(j) && add(p, node_ledger_add_inbox(p->l, &op));
}

/* ---- a block */

static void get_header(struct bft_header *h, struct node_json *j, const json_t *in,
                       const struct node_ledger *l, size_t inbox_count)
{
    const struct exec_cursor *c = &l->cursor;
    *h = (struct bft_header){.epoch = c->epoch,
                             .ts_ms = c->ts_ms + BLOCK_MS,
                             .origin.deposit_count = c->inbox_index + inbox_count};
    if (in == NULL)
        return;
    node_json_known(j, in, "timestampMs epoch endBatch inboxCount nextSetHash");
    h->ts_ms = node_json_opt_u64(j, in, "timestampMs", h->ts_ms);
    h->epoch = node_json_opt_u64(j, in, "epoch", h->epoch);
    h->end_batch = node_json_opt_bool(j, in, "endBatch", false);
    h->origin.deposit_count = node_json_opt_u64(j, in, "inboxCount", h->origin.deposit_count);
    node_json_opt_hash(j, in, "nextSetHash", &h->next_set_hash);
    if (h->ts_ms <= c->ts_ms)
        node_json_fail(j, "timestampMs", "not later than the block before");
    if (h->epoch != c->epoch && (h->epoch != c->epoch + 1u || l->batch.open))
        node_json_fail(j, "epoch",
                       "neither that of the block before, nor the next one after a "
                       "block with endBatch");
    if (h->origin.deposit_count < c->inbox_index)
        node_json_fail(j, "inboxCount", "lower than what blocks before have consumed");
}

bool node_blockfile_payload(const struct node_blockfile *f, struct node_json *j,
                            struct node_ledger *l, size_t i, struct bft_header *h)
{
    const json_t *in = json_array_get(f->blocks, i);
    struct place p = {.l = l, .j = j};
    node_json_at(j, "blocks[%zu]", i);
    node_ledger_clear(l);
    td_arena_reset(&l->work);
    if (!json_is_object(in)) {
        node_json_fail(j, NULL, "not an object");
        return false;
    }
    node_json_known(j, in, "header inbox transactions expect comment");
    const json_t *inbox = opt_array(j, in, "inbox");
    const json_t *txs = opt_array(j, in, "transactions");
    const json_t *header = opt_object(j, in, "header");
    node_json_at(j, "blocks[%zu].header", i);
    get_header(h, j, header, l, json_array_size(inbox));
    for (size_t k = 0; k < json_array_size(inbox) && node_json_ok(j); k++) {
        snprintf(p.path, sizeof p.path, "blocks[%zu].inbox[%zu]", i, k);
        add_inbox(&p, json_array_get(inbox, k), l->cursor.inbox_index + k);
    }
    for (size_t k = 0; k < json_array_size(txs) && node_json_ok(j); k++) {
        snprintf(p.path, sizeof p.path, "blocks[%zu].transactions[%zu]", i, k);
        add_tx(&p, json_array_get(txs, k));
    }
    node_json_at(j, "blocks[%zu]", i);
    if (node_json_ok(j) && !exec_payload_fits(&l->params, l->payload, l->payload_count))
        node_json_fail(j, NULL, "judging these entries alone costs more than the native limit");
    return node_json_ok(j);
}
