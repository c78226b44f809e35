#define _GNU_SOURCE 1 /* MAP_ANONYMOUS */
#include "tests/executor/block/chain.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/core/assert.h"
#include "base/core/keccak.h"
#include "consensus/header.h"
#include "executor/crypto/secp.h"
#include "executor/system.h"

#define FOREVER_BYTES ((size_t)192 << 20)
#define BLOCK_BYTES ((size_t)192 << 20)
#define RUN_WORDS ((size_t)32 << 20)
#define TREE_LEAVES 65536u

static void *must(void *p)
{
    TD_ASSERT(p != NULL);
    return p;
}

/* Zeros that cost nothing where they are not written, however often a chain is made: an allocator
 * that is told to perturb would fill them. */
static void *region_new(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    TD_ASSERT(p != MAP_FAILED);
    return p;
}

/* ---- reader and store */

const struct exec_account *chain_account(const struct chain *c, const struct td_addr *addr)
{
    for (uint32_t i = 0; i < c->account_count; i++)
        if (td_addr_eq(&c->accounts[i].addr, addr))
            return &c->accounts[i].data;
    return NULL;
}

static enum td_error read_account(void *self, const struct td_addr *addr, struct exec_account *out)
{
    const struct exec_account *a = chain_account(self, addr);
    *out = (struct exec_account){.code_hash = EXEC_EMPTY_CODE_HASH};
    if (a != NULL)
        *out = *a;
    return TD_OK;
}

static struct chain_slot *slot_find(const struct chain *c, const struct td_addr *addr,
                                    const struct exec_u256 *slot)
{
    for (uint32_t i = 0; i < c->slot_count; i++)
        if (td_addr_eq(&c->slots[i].addr, addr) && exec_u256_eq(&c->slots[i].slot, slot))
            return &c->slots[i];
    return NULL;
}

static enum td_error read_slot(void *self, const struct td_addr *addr, const struct exec_u256 *slot,
                               struct exec_u256 *out)
{
    const struct chain_slot *s = slot_find(self, addr, slot);
    *out = s != NULL ? s->value : (struct exec_u256){{0}};
    return TD_OK;
}

struct exec_u256 chain_slot(const struct chain *c, const struct td_addr *addr, uint64_t slot)
{
    struct exec_u256 k = exec_u256_of(slot), v;
    (void)read_slot((void *)(uintptr_t)c, addr, &k, &v);
    return v;
}

static const struct chain_code *code_find(const struct chain *c, const struct td_hash *hash)
{
    for (uint32_t i = 0; i < c->code_count; i++)
        if (td_hash_eq(&c->codes[i].hash, hash))
            return &c->codes[i];
    return NULL;
}

static enum td_error read_code(void *self, const struct td_hash *hash, struct td_bytes *out)
{
    const struct chain_code *code = code_find(self, hash);
    if (code == NULL)
        return TD_E_NOTFOUND;
    *out = code->bytes;
    return TD_OK;
}

static enum td_error code_digest(void *self, const struct td_hash *hash, struct td_p2_digest *out)
{
    const struct chain_code *code = code_find(self, hash);
    if (code == NULL)
        return TD_E_NOTFOUND;
    *out = code->digest;
    return TD_OK;
}

static struct td_bytes keep(struct chain *c, struct td_bytes b)
{
    uint8_t *copy = must(td_arena_get(&c->forever, b.len, 4));
    if (b.len > 0)
        memcpy(copy, b.ptr, b.len);
    return td_bytes_of(copy, b.len);
}

static void keep_codes(struct chain *c, const struct exec_state *s)
{
    for (uint32_t i = 0; i < exec_state_code_count(s); i++) {
        const struct exec_state_code *code = exec_state_code_at(s, i);
        if (!code->made || code_find(c, &code->hash) != NULL)
            continue;
        TD_ASSERT(c->code_count < CHAIN_CODES_MAX);
        struct chain_code *k = &c->codes[c->code_count++];
        k->hash = code->hash;
        k->bytes = keep(c, code->bytes);
        exec_code_digest(&k->digest, k->bytes);
    }
}

/* What the database would do with the change set. */
static void keep_state(struct chain *c, const struct exec_state *s)
{
    for (uint32_t i = 0; i < exec_state_account_count(s); i++) {
        const struct exec_state_account *a = exec_state_account_at(s, i);
        struct exec_account *have = (struct exec_account *)(uintptr_t)chain_account(c, &a->addr);
        if (have == NULL) {
            TD_ASSERT(c->account_count < CHAIN_ACCOUNTS_MAX);
            c->accounts[c->account_count].addr = a->addr;
            have = &c->accounts[c->account_count++].data;
        }
        *have = a->now;
    }
    for (uint32_t i = 0; i < exec_state_slot_count(s); i++) {
        const struct exec_state_slot *x = exec_state_slot_at(s, i);
        struct chain_slot *have = slot_find(c, &x->addr, &x->slot);
        if (have == NULL) {
            TD_ASSERT(c->slot_count < CHAIN_SLOTS_MAX);
            have = &c->slots[c->slot_count++];
            *have = (struct chain_slot){.addr = x->addr, .slot = x->slot};
        }
        have->value = x->now;
    }
    keep_codes(c, s);
}

static struct exec_reader reader_of(struct chain *c)
{
    return (struct exec_reader){c, read_account, read_slot, read_code};
}

static enum td_error build(struct chain *c, const struct exec_state *state,
                           struct exec_cursor *cursor, struct td_bytes input)
{
    const struct exec_tree_head old = {cursor->tree_root, cursor->leaf_count};
    const struct exec_witness_source source = {&c->store, &EXEC_TREE_HASHER_PLAIN, c, code_digest};
    enum td_error err =
        exec_witness_build(&c->witness, state, &old, &source, input, &c->block_arena);
    if (err != TD_OK)
        return err;
    cursor->tree_root = c->witness.update.now.root;
    cursor->leaf_count = c->witness.update.now.leaf_count;
    return TD_OK;
}

/* ---- ports */

static bool recover(void *self, uint8_t out_xy[64], const struct td_hash *digest,
                    const uint8_t r[32], const uint8_t s[32], uint32_t parity)
{
    struct chain *c = self;
    TD_ASSERT(c->recovered_count < CHAIN_RECOVERIES_MAX);
    struct exec_run_key *k = &c->recovered[c->recovered_count++];
    *k = (struct exec_run_key){.digest = *digest, .parity = parity};
    memcpy(k->r, r, 32);
    memcpy(k->s, s, 32);
    k->found = exec_secp_recover(out_xy, digest, r, s, parity);
    memcpy(k->xy, out_xy, 64);
    return k->found;
}

static enum td_error close(void *self, const struct exec_state *state, struct exec_cursor *cursor,
                           struct exec_published *out)
{
    struct chain *c = self;
    struct td_bytes input;
    enum td_error err = exec_run_block_input(&input, &c->block, c->recovered, c->recovered_count,
                                             c->slopes, &c->block_arena);
    if (err == TD_OK)
        err = build(c, state, cursor, input);
    if (err != TD_OK)
        return err;
    *out = (struct exec_published){c->witness.diffs.on, c->witness.diffs.off};
    return TD_OK;
}

/* ---- life */

static void params(struct exec_chain *p)
{
    *p = (struct exec_chain){
        .chain_id = 4242,
        .l1_chain_id = 31337,
        .contract = {{0xcc}},
        .config_hash = {{0xcf}},
        .gas_limit = 30000000,
        .native_limit = 40000000,
        .base_fee_min = exec_u256_of(7),
        .prices = {.native_per_gas = 100, .gas_per_pubdata_byte = 16, .tx_native_max = 2200000},
        .fee_vault = {{0xfe, 0xee}}};
}

struct chain *chain_new(void)
{
    struct chain *c = must(calloc(1, sizeof *c));
    params(&c->params);
    c->accounts = must(calloc(CHAIN_ACCOUNTS_MAX, sizeof *c->accounts));
    c->slots = must(calloc(CHAIN_SLOTS_MAX, sizeof *c->slots));
    c->codes = must(calloc(CHAIN_CODES_MAX, sizeof *c->codes));
    td_arena_init(&c->forever, region_new(FOREVER_BYTES), FOREVER_BYTES);
    td_arena_init(&c->block_arena, region_new(BLOCK_BYTES), BLOCK_BYTES);
    enum td_error err = exec_tree_memory_init(&c->tree, TREE_LEAVES, &c->forever);
    TD_ASSERT(err == TD_OK);
    c->store = exec_tree_memory_store(&c->tree);
    c->slopes = true; /* the native program has no chips */
    c->secp = must(td_secp_new());
    for (uint32_t i = 0; i < CHAIN_KEYS; i++) {
        uint8_t secret[32] = {[0] = 1, [31] = (uint8_t)(i + 1u)};
        struct td_secp_pub pub;
        err = td_secp_key_init(c->secp, &c->key[i], secret);
        TD_ASSERT(err == TD_OK);
        td_secp_key_pub(c->secp, &pub, &c->key[i]);
        td_secp_pub_addr(c->secp, &c->addr[i], &pub);
    }
    struct exec_tree_head head;
    exec_tree_init(&head);
    c->cursor = (struct exec_cursor){.tree_root = head.root,
                                     .leaf_count = head.leaf_count,
                                     .ts_ms = 1700000000000u,
                                     .block_hash = {{0x6e}},
                                     .base_fee = exec_u256_of(1000)};
    return c;
}

void chain_free(struct chain *c)
{
    td_secp_free(c->secp);
    free(c->accounts);
    free(c->slots);
    free(c->codes);
    (void)munmap(c->forever.base, FOREVER_BYTES);
    (void)munmap(c->block_arena.base, BLOCK_BYTES);
    if (c->writer.words != NULL)
        (void)munmap(c->writer.words, RUN_WORDS * sizeof *c->writer.words);
    free(c);
}

/* ---- genesis: a state without blocks, closed like one */

static struct exec_state *genesis_state;

void chain_put(struct chain *c, const struct td_addr *addr, uint64_t ether, struct td_bytes code)
{
    const struct exec_u256 wei = exec_u256_of(1000000000000000000u);
    static struct exec_reader reader;
    struct exec_u256 amount = exec_u256_of(ether);
    if (genesis_state == NULL) {
        reader = reader_of(c);
        void *region = must(td_arena_get(&c->block_arena, exec_state_footprint(), 64));
        genesis_state = exec_state_init(region, &c->block_arena, &reader);
        exec_state_tx_begin(genesis_state);
    }
    exec_u256_mul(&amount, &amount, &wei);
    exec_state_set_balance(genesis_state, addr, &amount);
    if (code.len > 0) {
        exec_state_set_nonce(genesis_state, addr, 1);
        exec_state_set_code(genesis_state, addr, keep(c, code));
    }
}

/* The address is known to chain_put already. */
void chain_put_slot(struct chain *c, const struct td_addr *addr, uint64_t slot, uint64_t value)
{
    struct exec_u256 k = exec_u256_of(slot), v = exec_u256_of(value);
    (void)c;
    TD_ASSERT(genesis_state != NULL);
    exec_state_sstore(genesis_state, addr, &k, &v);
}

void chain_genesis(struct chain *c)
{
    static const uint8_t stub[] = {0xfe};
    for (uint8_t i = 1; i <= 3; i++) {
        struct td_addr a = {{[18] = 0x80}};
        a.b[19] = i;
        chain_put(c, &a, 0, td_bytes_of(stub, sizeof stub));
    }
    chain_put(c, &EXEC_HISTORY_ADDRESS, 0, td_bytes_of(EXEC_HISTORY_CODE, EXEC_HISTORY_CODE_BYTES));
    exec_state_tx_end(genesis_state);
    enum td_error err = build(c, genesis_state, &c->cursor, td_bytes_of(NULL, 0));
    TD_ASSERT(err == TD_OK);
    err = exec_tree_memory_put(&c->tree, &c->witness.update);
    TD_ASSERT(err == TD_OK);
    keep_state(c, genesis_state);
    exec_batch_init(&c->batch, &c->cursor);
    genesis_state = NULL;
}

/* ---- payload */

uint64_t chain_nonce(struct chain *c, uint32_t key)
{
    const struct exec_account *a = chain_account(c, &c->addr[key]);
    return a == NULL ? 0 : a->nonce;
}

struct exec_tx chain_tx(struct chain *c, uint32_t from, uint64_t nonce)
{
    return (struct exec_tx){.type = 2,
                            .has_chain_id = true,
                            .chain_id = c->params.chain_id,
                            .nonce = nonce,
                            .gas_limit = 1000000,
                            .fee_cap = exec_u256_of(1000000000),
                            .tip_cap = exec_u256_of(1),
                            .sender = c->addr[from]};
}

struct td_bytes chain_tx_bytes(struct chain *c, const struct exec_tx *tx)
{
    size_t cap = (size_t)512 << 10;
    struct td_arena_mark mark = td_arena_mark(&c->block_arena);
    uint8_t *buf = must(td_arena_get(&c->block_arena, cap, 8));
    struct td_writer w;
    td_writer_init(&w, buf, cap);
    exec_tx_encode(&w, tx);
    TD_ASSERT(w.err == TD_OK);
    struct td_bytes kept = keep(c, td_bytes_of(buf, w.len));
    td_arena_rewind(&c->block_arena, mark);
    return kept;
}

/* The signing hash is what the decoder says it is: sign a dummy, decode, sign. */
void chain_sign(struct chain *c, struct exec_tx *tx, uint32_t from)
{
    struct exec_tx seen;
    struct td_sig sig;
    tx->r = tx->s = exec_u256_of(1);
    struct td_bytes bytes = chain_tx_bytes(c, tx);
    enum exec_tx_verdict v = exec_tx_decode(&seen, &c->forever, bytes, 0);
    TD_ASSERT(v == EXEC_TX_OK);
    enum td_error err = td_secp_sign(c->secp, &c->key[from], &seen.signing_hash, &sig);
    TD_ASSERT(err == TD_OK);
    tx->y_parity = sig.b[32] >> 7;
    sig.b[32] &= 0x7f;
    exec_u256_from_be(&tx->r, sig.b, 32);
    exec_u256_from_be(&tx->s, sig.b + 32, 32);
    tx->sender = c->addr[from];
}

void chain_add_bytes(struct chain *c, struct td_bytes bytes)
{
    TD_ASSERT(c->payload_count < CHAIN_PAYLOAD_MAX);
    c->payload[c->payload_count++] = keep(c, bytes);
}

void chain_add(struct chain *c, const struct exec_tx *tx)
{
    chain_add_bytes(c, chain_tx_bytes(c, tx));
}

void chain_add_inbox(struct chain *c, const struct exec_inbox_op *op)
{
    size_t cap = EXEC_INBOX_HEADER_BYTES + op->data.len;
    uint8_t *buf = must(malloc(cap)), value[32];
    struct td_writer w;
    exec_u256_to_be(value, &op->value);
    td_writer_init(&w, buf, cap);
    td_put_u8(&w, EXEC_TX_DEPOSIT);
    td_put_u64(&w, op->index);
    td_put_u8(&w, op->kind);
    td_put_addr(&w, &op->sender);
    td_put_addr(&w, &op->to);
    td_put_bytes(&w, value, sizeof value);
    td_put_u64(&w, op->gas_limit);
    td_put_u64(&w, op->l1_block);
    td_put_bytes(&w, op->data.ptr, op->data.len);
    TD_ASSERT(w.err == TD_OK);
    chain_add_bytes(c, td_bytes_of(buf, w.len));
    free(buf);
}

/* ---- blocks */

static void payload_root(struct chain *c, struct bft_header *h)
{
    struct td_hash hashes[CHAIN_PAYLOAD_MAX];
    for (uint32_t i = 0; i < c->payload_count; i++) {
        struct exec_inbox_op op;
        bool inbox = c->payload[i].len > 0 && c->payload[i].ptr[0] == EXEC_TX_DEPOSIT &&
                     exec_inbox_decode(&op, c->payload[i]) == TD_OK;
        if (inbox)
            exec_inbox_hash(&hashes[i], &op, c->params.chain_id);
        else
            td_keccak256(&hashes[i], c->payload[i].ptr, c->payload[i].len);
        h->payload_bytes += (uint32_t)c->payload[i].len;
    }
    h->tx_count = c->payload_count;
    bft_payload_root(&h->payload_root, hashes, hashes, c->payload_count);
}

static void make_header(struct chain *c, bool end_batch)
{
    static uint8_t bytes[BFT_HEADER_BYTES];
    struct bft_header h = {.epoch = c->cursor.number / 64u,
                           .round = c->cursor.number + 1u,
                           .height = c->cursor.number + 1u,
                           .end_batch = end_batch,
                           .parent = c->cursor.block_hash,
                           .prev_hash = c->cursor.block_hash,
                           .ts_ms = c->cursor.ts_ms + 1000u};
    struct td_writer w;
    h.origin.deposit_count = c->inbox_ready;
    if (h.height % 64u > 60u)
        h.next_set_hash.b[0] = (uint8_t)(h.height / 64u + 1u);
    if (c->every_epoch) {
        h.epoch = c->cursor.epoch + 1u;
        memset(h.next_set_hash.b, (int)(h.height & 0x7fu) + 1, sizeof h.next_set_hash.b);
    }
    payload_root(c, &h);
    td_writer_init(&w, bytes, sizeof bytes);
    bft_header_encode(&w, &h);
    c->block = (struct exec_block){td_bytes_of(bytes, sizeof bytes), c->payload, c->payload_count};
}

enum td_error chain_try(struct chain *c, bool end_batch)
{
    const struct exec_reader reader = reader_of(c);
    const struct exec_recoverer recoverer = {c, recover};
    const struct exec_ports ports = {c, &recoverer, close, true};
    c->recovered_count = 0;
    td_arena_reset(&c->block_arena);
    make_header(c, end_batch);
    return exec_block(&c->params, &c->block, &reader, &ports, &c->block_arena, &c->cursor,
                      &c->batch, &c->result);
}

void chain_block(struct chain *c, bool end_batch)
{
    enum td_error err = chain_try(c, end_batch);
    TD_ASSERT(err == TD_OK);
    if (!c->frozen)
        err = exec_tree_memory_put(&c->tree, &c->witness.update);
    TD_ASSERT(err == TD_OK);
    keep_state(c, c->result.state);
    if (c->writer.words != NULL) {
        exec_run_put_block(&c->writer, c->witness.words, c->witness.word_count);
        c->run_blocks++;
    }
    c->payload_count = 0;
}

/* ---- runs */

void chain_run_begin(struct chain *c)
{
    uint32_t *words = c->writer.words;
    if (words == NULL)
        words = region_new(RUN_WORDS * sizeof *words);
    exec_run_writer_init(&c->writer, words, RUN_WORDS);
    c->start = (struct exec_run_start){.chain = c->params, .cursor = c->cursor, .batch = c->batch};
    for (uint32_t i = 0; i < TD_P2_DIGEST; i++) {
        c->start.whitelist.e[i].v = 100u + i;
        c->start.program.e[i].v = 200u + i;
    }
    exec_run_put_start(&c->writer, &c->start);
    c->run_blocks = 0;
}

const uint32_t *chain_run_words(struct chain *c, size_t *count)
{
    enum td_error err = exec_run_finish(&c->writer, c->run_blocks);
    TD_ASSERT(err == TD_OK);
    *count = c->writer.need;
    return c->writer.words;
}

struct exec_statement chain_run_statement(struct chain *c)
{
    struct exec_statement s = {.whitelist = c->start.whitelist, .program = c->start.program};
    exec_chain_digest(&s.chain, &c->params);
    exec_point_digest(&s.before, &c->start.cursor, &c->start.batch);
    exec_point_digest(&s.after, &c->cursor, &c->batch);
    return s;
}
