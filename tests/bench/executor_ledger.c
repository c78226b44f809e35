/* The ledger: its database, its genesis, its blocks. */
#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <stdlib.h>

#include "base/core/assert.h"
#include "base/core/keccak.h"
#include "base/core/rng.h"
#include "base/host/poseidon2_vector.h"
#include "consensus/header.h"
#include "executor/crypto/secp.h"
#include "executor/system.h"
#include "executor/tree/plan.h"
#include "tests/bench/executor.h"
#include "tests/bench/timing.h"
#include "tests/executor/evm/world.h"

#define FOREVER_BYTES ((size_t)320 << 20)
#define WORK_BYTES ((size_t)512 << 20)
#define RUN_WORDS ((size_t)4 << 20)
#define TREE_LEAVES (LEDGER_LEAVES + 65536u)
#define FILL_BATCH 16384u
#define ETHER UINT64_C(1000000000000000000)

static void *must(void *p)
{
    TD_ASSERT(p != NULL);
    return p;
}

static void must_ok(enum td_error err)
{
    TD_ASSERT(err == TD_OK);
}

/* ---- database */

static struct ledger_entry *entry_at(struct ledger_entry *table, const struct td_addr *addr,
                                     const struct exec_u256 *slot)
{
    uint64_t mix, words[3];
    memcpy(words, addr->b, 16);
    memcpy(&words[2], addr->b + 12, 8);
    mix = words[0] ^ words[1] * 5u ^ words[2] * 3u ^ slot->w[0] ^ slot->w[3];
    for (uint64_t i = mix * UINT64_C(0x9e3779b97f4a7c15) >> 32;; i++) {
        struct ledger_entry *e = &table[i % LEDGER_TABLE];
        if (!e->used || (td_addr_eq(&e->addr, addr) && exec_u256_eq(&e->slot, slot)))
            return e;
    }
}

static const struct exec_u256 ZERO;

static enum td_error read_account(void *self, const struct td_addr *addr, struct exec_account *out)
{
    const struct ledger *l = self;
    const struct ledger_entry *e = entry_at(l->accounts, addr, &ZERO);
    *out = (struct exec_account){.code_hash = EXEC_EMPTY_CODE_HASH};
    if (e->used)
        *out = e->account;
    return TD_OK;
}

static enum td_error read_slot(void *self, const struct td_addr *addr, const struct exec_u256 *slot,
                               struct exec_u256 *out)
{
    const struct ledger *l = self;
    const struct ledger_entry *e = entry_at(l->slots, addr, slot);
    *out = e->used ? e->value : ZERO;
    return TD_OK;
}

static const struct ledger_code *code_find(const struct ledger *l, const struct td_hash *hash)
{
    for (uint32_t i = 0; i < l->code_count; i++)
        if (td_hash_eq(&l->codes[i].hash, hash))
            return &l->codes[i];
    return NULL;
}

static enum td_error read_code(void *self, const struct td_hash *hash, struct td_bytes *out)
{
    const struct ledger_code *c = code_find(self, hash);
    if (c == NULL)
        return TD_E_NOTFOUND;
    *out = c->bytes;
    return TD_OK;
}

static enum td_error code_digest(void *self, const struct td_hash *hash, struct td_p2_digest *out)
{
    const struct ledger_code *c = code_find(self, hash);
    if (c == NULL)
        return TD_E_NOTFOUND;
    *out = c->digest;
    return TD_OK;
}

static void keep_state(struct ledger *l, const struct exec_state *s)
{
    for (uint32_t i = 0; i < exec_state_account_count(s); i++) {
        const struct exec_state_account *a = exec_state_account_at(s, i);
        struct ledger_entry *e = entry_at(l->accounts, &a->addr, &ZERO);
        *e = (struct ledger_entry){.used = true, .addr = a->addr, .account = a->now};
    }
    for (uint32_t i = 0; i < exec_state_slot_count(s); i++) {
        const struct exec_state_slot *x = exec_state_slot_at(s, i);
        struct ledger_entry *e = entry_at(l->slots, &x->addr, &x->slot);
        *e = (struct ledger_entry){.used = true, .addr = x->addr, .slot = x->slot, .value = x->now};
    }
}

/* ---- tree: the quick hasher, timed */

static uint64_t hashing_ns;

static void permute_timed(struct td_kb (*states)[TD_P2_WIDTH], size_t count)
{
    uint64_t begin = bench_now_ns(BENCH_CPU);
    td_p2_permute_many(states, count);
    hashing_ns += bench_now_ns(BENCH_CPU) - begin;
}

static enum td_error build(struct ledger *l, const struct exec_state *state,
                           struct exec_cursor *cursor, struct td_bytes input)
{
    static const struct exec_tree_hasher quick = {permute_timed};
    const struct exec_tree_head old = {cursor->tree_root, cursor->leaf_count};
    const struct exec_tree_store store = exec_tree_memory_store(&l->tree);
    const struct exec_witness_source source = {&store, &quick, l, code_digest};
    enum td_error err = exec_witness_build(&l->built, state, &old, &source, input, &l->work);
    cursor->tree_root = l->built.update.now.root;
    cursor->leaf_count = l->built.update.now.leaf_count;
    return err;
}

/* The encoder by itself.  Keys are not what it reads of the plan. */
static void time_diffs(struct ledger *l, const struct exec_state *state)
{
    struct td_arena_mark mark = td_arena_mark(&l->work);
    struct exec_plan plan;
    struct exec_diffs diffs;
    must_ok(exec_plan_init(&plan, state, &l->work));
    memcpy(plan.accesses, l->built.batch.accesses,
           l->built.batch.access_count * sizeof plan.accesses[0]);
    uint64_t begin = bench_now_ns(BENCH_CPU);
    must_ok(exec_diffs_encode(&diffs, &plan, &l->built.batch, l->built.update.changes, &l->work));
    l->times.diffs = bench_now_ns(BENCH_CPU) - begin;
    TD_ASSERT(diffs.on.len == l->built.diffs.on.len &&
              memcmp(diffs.on.ptr, l->built.diffs.on.ptr, diffs.on.len) == 0);
    td_arena_rewind(&l->work, mark);
}

/* ---- genesis */

static void put_code(struct ledger *l, struct exec_state *s, const struct td_addr *a,
                     struct td_bytes code)
{
    uint8_t *copy = must(td_arena_get(&l->forever, code.len, 4));
    TD_ASSERT(l->code_count < sizeof l->codes / sizeof l->codes[0]);
    struct ledger_code *c = &l->codes[l->code_count++];
    memcpy(copy, code.ptr, code.len);
    c->bytes = td_bytes_of(copy, code.len);
    td_keccak256(&c->hash, code.ptr, code.len);
    exec_code_digest(&c->digest, code);
    exec_state_set_nonce(s, a, 1);
    exec_state_set_code(s, a, code);
}

/* One leaf of a user: its account, or its tokens. */
static void put_user_leaf(struct ledger *l, struct exec_tree_access *a, uint32_t user, bool tokens)
{
    const struct td_addr *addr = user % 2u == 0 ? &l->senders[user / 2u] : &l->targets[user / 2u];
    struct ledger_entry e = {.used = true, .addr = tokens ? l->token : *addr};
    *a = (struct exec_tree_access){.write = true};
    if (tokens) {
        e.value = exec_u256_of(5 * ETHER + user);
        bench_token_slot(&e.slot, addr);
        exec_key_slot(&a->key, &l->token, &e.slot);
        exec_slot_value(&a->value, &e.value);
        *entry_at(l->slots, &e.addr, &e.slot) = e;
    } else {
        e.account = (struct exec_account){.balance = exec_u256_of(10 * ETHER + user),
                                          .code_hash = EXEC_EMPTY_CODE_HASH};
        exec_key_account(&a->key, addr);
        must_ok(exec_account_value(&a->value, &e.account, &EXEC_EMPTY_CODE_DIGEST));
        *entry_at(l->accounts, addr, &ZERO) = e;
    }
}

static void make_users(struct ledger *l)
{
    l->secp = must(td_secp_new());
    l->keys = must(calloc(LEDGER_PAIRS, sizeof *l->keys));
    l->senders = must(calloc(LEDGER_PAIRS, sizeof *l->senders));
    l->targets = must(calloc(LEDGER_PAIRS, sizeof *l->targets));
    for (uint32_t i = 0; i < LEDGER_PAIRS; i++) {
        uint8_t secret[32] = {[0] = 1, [30] = (uint8_t)(i >> 8), [31] = (uint8_t)i};
        struct td_secp_pub pub;
        struct td_hash hash;
        must_ok(td_secp_key_init(l->secp, &l->keys[i], secret));
        td_secp_key_pub(l->secp, &pub, &l->keys[i]);
        td_secp_pub_addr(l->secp, &l->senders[i], &pub);
        td_keccak256(&hash, l->senders[i].b, TD_ADDR_BYTES);
        memcpy(l->targets[i].b, hash.b, TD_ADDR_BYTES);
    }
}

static void genesis(struct ledger *l)
{
    static const uint8_t stub[] = {0xfe};
    const struct exec_reader reader = {l, read_account, read_slot, read_code};
    struct exec_u256 wei = exec_u256_of(ETHER);
    struct exec_state *s = exec_state_init(must(td_arena_get(&l->work, exec_state_footprint(), 64)),
                                           &l->work, &reader);
    struct world *w = world_new(); /* for its assembler */
    exec_state_tx_begin(s);
    for (uint8_t i = 1; i <= 3; i++) {
        struct td_addr a = {{[18] = 0x80, [19] = i}};
        if (i == 1)
            put_code(l, s, &a, td_bytes_of(stub, sizeof stub));
        exec_state_set_nonce(s, &a, 1);
    }
    put_code(l, s, &EXEC_HISTORY_ADDRESS, td_bytes_of(EXEC_HISTORY_CODE, EXEC_HISTORY_CODE_BYTES));
    put_code(l, s, &l->token, world_code(w, BENCH_TOKEN));
    exec_state_set_balance(s, &l->params.fee_vault, &wei);
    for (uint32_t i = 0; i < LEDGER_HISTORY_SLOTS; i++) {
        struct exec_u256 slot = exec_u256_of(i);
        exec_state_sstore(s, &EXEC_HISTORY_ADDRESS, &slot, &wei);
    }
    exec_state_tx_end(s);
    must_ok(build(l, s, &l->cursor, td_bytes_of(NULL, 0)));
    must_ok(exec_tree_memory_put(&l->tree, &l->built.update));
    keep_state(l, s);
    world_free(w);
}

/* Where the users' leaves have come to lie. */
static void mark_users(struct ledger *l, const struct exec_tree_batch *batch,
                       const struct exec_tree_update *update, uint32_t users)
{
    for (uint32_t i = 0; i < update->change_count; i++) {
        const struct exec_tree_change *c = &update->changes[i];
        if (c->access < users && !batch->accesses[c->access].present)
            l->is_users[c->index] = true;
    }
}

/* Users, and leaves nobody ever asks for: of every batch the first few accesses are users', and
 * order of key spreads them over it. */
static void fill(struct ledger *l)
{
    static const struct exec_tree_hasher quick = {permute_timed};
    const struct exec_tree_store store = exec_tree_memory_store(&l->tree);
    struct td_rng rng;
    td_rng_init(&rng, 3);
    l->filler_first = l->cursor.leaf_count;
    l->is_users = must(calloc(TREE_LEAVES, sizeof *l->is_users));
    uint32_t batches = (LEDGER_LEAVES - l->filler_first + FILL_BATCH - 1u) / FILL_BATCH, done = 0;
    uint32_t user_leaves = (4u * LEDGER_PAIRS + batches - 1u) / batches; /* of each batch */
    while (l->cursor.leaf_count < LEDGER_LEAVES) {
        uint32_t count = LEDGER_LEAVES - l->cursor.leaf_count;
        struct exec_tree_head old = {l->cursor.tree_root, l->cursor.leaf_count};
        struct exec_tree_update update;
        struct exec_tree_batch batch;
        count = count < FILL_BATCH ? count : FILL_BATCH;
        td_arena_reset(&l->work);
        struct exec_tree_access *a = must(TD_ARENA_NEW(&l->work, struct exec_tree_access, count));
        uint32_t users = 4u * LEDGER_PAIRS - done;
        users = users < user_leaves ? users : user_leaves;
        TD_ASSERT(users <= count);
        for (uint32_t i = 0; i < users; i++, done++)
            put_user_leaf(l, &a[i], done / 2u, done % 2u != 0);
        for (uint32_t i = users; i < count; i++) {
            for (uint32_t k = 0; k < TD_P2_DIGEST; k++) {
                a[i].key.e[k].v = (uint32_t)td_rng_below(&rng, TD_KB_P);
                a[i].value.e[k].v = (uint32_t)td_rng_below(&rng, TD_KB_P);
            }
            a[i].write = true;
        }
        must_ok(exec_tree_prepare(&batch, &old, a, count, &store, &l->work));
        must_ok(exec_tree_apply(&update, &batch, &store, &quick, &l->work));
        must_ok(exec_tree_memory_put(&l->tree, &update));
        mark_users(l, &batch, &update, users);
        l->cursor.tree_root = update.now.root;
        l->cursor.leaf_count = update.now.leaf_count;
    }
    TD_ASSERT(done == 4u * LEDGER_PAIRS);
}

static struct ledger *ledger_new(void)
{
    struct ledger *l = must(calloc(1, sizeof *l));
    l->params = (struct exec_chain){
        .chain_id = 4242,
        .l1_chain_id = 31337,
        .contract = {{0xcc}},
        .config_hash = {{0xcf}},
        .gas_limit = 200000000,
        .native_limit = UINT64_C(4000000000),
        .base_fee_min = exec_u256_of(7),
        .prices = {.native_per_gas = 100, .gas_per_pubdata_byte = 16, .tx_native_max = 2200000},
        .fee_vault = {{0xfe, 0xee}}};
    l->token = (struct td_addr){{0x70, 0x6b, [19] = 1}};
    l->accounts = must(calloc(LEDGER_TABLE, sizeof *l->accounts));
    l->slots = must(calloc(LEDGER_TABLE, sizeof *l->slots));
    td_arena_init(&l->forever, must(malloc(FOREVER_BYTES)), FOREVER_BYTES);
    td_arena_init(&l->work, must(malloc(WORK_BYTES)), WORK_BYTES);
    must_ok(exec_tree_memory_init(&l->tree, TREE_LEAVES, &l->forever));
    struct exec_tree_head head;
    exec_tree_init(&head);
    l->cursor = (struct exec_cursor){.tree_root = head.root,
                                     .leaf_count = head.leaf_count,
                                     .ts_ms = 1700000000000u,
                                     .block_hash = {{0x6e}},
                                     .base_fee = exec_u256_of(1000)};
    make_users(l);
    genesis(l);
    fill(l);
    exec_batch_init(&l->batch, &l->cursor);
    return l;
}

struct ledger *ledger_get(void)
{
    static struct ledger *the_one;
    if (the_one == NULL)
        the_one = ledger_new();
    return the_one;
}

/* ---- payload */

static struct td_bytes encode(struct ledger *l, const struct exec_tx *tx)
{
    uint8_t buf[512];
    struct td_writer w;
    td_writer_init(&w, buf, sizeof buf);
    exec_tx_encode(&w, tx);
    must_ok(w.err);
    uint8_t *copy = must(td_arena_get(&l->forever, w.len, 4));
    memcpy(copy, buf, w.len);
    return td_bytes_of(copy, w.len);
}

/* The signing hash is what the decoder says it is: encode with a dummy, decode, sign. */
static void sign(struct ledger *l, struct exec_tx *tx, uint32_t from)
{
    struct td_arena_mark mark = td_arena_mark(&l->forever);
    struct exec_tx seen;
    struct td_sig sig;
    tx->r = tx->s = exec_u256_of(1);
    TD_ASSERT(exec_tx_decode(&seen, &l->forever, encode(l, tx), 0) == EXEC_TX_OK);
    td_arena_rewind(&l->forever, mark);
    must_ok(td_secp_sign(l->secp, &l->keys[from], &seen.signing_hash, &sig));
    tx->y_parity = sig.b[32] >> 7;
    sig.b[32] &= 0x7f;
    exec_u256_from_be(&tx->r, sig.b, 32);
    exec_u256_from_be(&tx->s, sig.b + 32, 32);
}

void ledger_payload(struct ledger *l, enum ledger_kind kind, uint32_t count)
{
    static struct td_arena_mark base;
    if (base.used == 0)
        base = td_arena_mark(&l->forever);
    td_arena_rewind(&l->forever, base);
    TD_ASSERT(count <= LEDGER_PAIRS);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t data[BENCH_TRANSFER_BYTES];
        struct exec_account sender;
        must_ok(read_account(l, &l->senders[i], &sender));
        struct exec_tx tx = {.type = 2,
                             .has_chain_id = true,
                             .chain_id = l->params.chain_id,
                             .nonce = sender.nonce,
                             .gas_limit = 100000,
                             .fee_cap = exec_u256_of(1000000000),
                             .tip_cap = exec_u256_of(1),
                             .to = l->targets[i],
                             .value = exec_u256_of(ETHER / 1000u + i)};
        if (kind == LEDGER_TOKEN) {
            bench_transfer_data(data, &l->targets[i], ETHER / 1000u + i);
            tx.to = l->token;
            tx.value = exec_u256_of(0);
            tx.data = td_bytes_of(data, sizeof data);
        }
        sign(l, &tx, i);
        l->payload[i] = encode(l, &tx);
    }
    l->payload_count = count;
}

static void make_header(struct ledger *l)
{
    struct td_hash hashes[LEDGER_PAIRS];
    struct bft_header h = {.epoch = l->cursor.epoch,
                           .round = l->cursor.number + 1u,
                           .height = l->cursor.number + 1u,
                           .parent = l->cursor.block_hash,
                           .prev_hash = l->cursor.block_hash,
                           .ts_ms = l->cursor.ts_ms + 1000u,
                           .tx_count = l->payload_count};
    struct td_writer w;
    for (uint32_t i = 0; i < l->payload_count; i++) {
        td_keccak256(&hashes[i], l->payload[i].ptr, l->payload[i].len);
        h.payload_bytes += (uint32_t)l->payload[i].len;
    }
    bft_payload_root(&h.payload_root, hashes, hashes, l->payload_count);
    td_writer_init(&w, l->header, sizeof l->header);
    bft_header_encode(&w, &h);
    must_ok(w.err);
    l->block =
        (struct exec_block){td_bytes_of(l->header, sizeof l->header), l->payload, l->payload_count};
}

/* ---- a block */

/* All signers at once, as a node does when transactions arrive: libsecp256k1, on this thread. */
static void recover_all(struct ledger *l)
{
    static secp256k1_context *lib;
    if (lib == NULL)
        lib = must(secp256k1_context_create(SECP256K1_CONTEXT_NONE));
    uint64_t begin = bench_now_ns(BENCH_CPU);
    for (uint32_t i = 0; i < l->payload_count; i++) {
        struct exec_run_key *k = &l->recovered[i];
        secp256k1_ecdsa_recoverable_signature raw;
        secp256k1_pubkey pub;
        uint8_t compact[64], full[65];
        size_t len = sizeof full;
        struct exec_tx tx;
        TD_ASSERT(exec_tx_decode(&tx, &l->work, l->payload[i], 0) == EXEC_TX_OK);
        k->digest = tx.signing_hash;
        k->parity = tx.y_parity;
        exec_u256_to_be(k->r, &tx.r);
        exec_u256_to_be(k->s, &tx.s);
        memcpy(compact, k->r, 32);
        memcpy(compact + 32, k->s, 32);
        k->found =
            secp256k1_ecdsa_recoverable_signature_parse_compact(lib, &raw, compact,
                                                                (int)k->parity) == 1 &&
            secp256k1_ecdsa_recover(lib, &pub, &raw, k->digest.b) == 1 &&
            secp256k1_ec_pubkey_serialize(lib, full, &len, &pub, SECP256K1_EC_UNCOMPRESSED) == 1;
        memcpy(k->xy, full + 1, 64);
    }
    l->times.signatures = bench_now_ns(BENCH_CPU) - begin;
}

static bool recovered_next(void *self, uint8_t out_xy[64], const struct td_hash *digest,
                           const uint8_t r[32], const uint8_t s[32], uint32_t parity)
{
    struct ledger *l = self;
    const struct exec_run_key *k = &l->recovered[l->recovered_at++];
    TD_ASSERT(td_hash_eq(&k->digest, digest) && memcmp(k->r, r, 32) == 0 &&
              memcmp(k->s, s, 32) == 0 && k->parity == parity);
    memcpy(out_xy, k->xy, 64);
    return k->found;
}

static enum td_error close_block(void *self, const struct exec_state *state,
                                 struct exec_cursor *cursor, struct exec_published *out)
{
    struct ledger *l = self;
    struct td_bytes input = {0};
    uint64_t begin = bench_now_ns(BENCH_CPU);
    if (l->hints)
        must_ok(exec_run_block_input(&input, &l->block, l->recovered, l->recovered_at, l->slopes,
                                     &l->work));
    uint64_t built = bench_now_ns(BENCH_CPU);
    hashing_ns = 0;
    enum td_error err = build(l, state, cursor, input);
    l->times.hints = built - begin;
    l->times.witness = bench_now_ns(BENCH_CPU) - built;
    l->times.hashing = hashing_ns;
    *out = (struct exec_published){l->built.diffs.on, l->built.diffs.off};
    return err;
}

void ledger_execute(struct ledger *l)
{
    const struct exec_reader reader = {l, read_account, read_slot, read_code};
    const struct exec_recoverer recoverer = {l, recovered_next};
    const struct exec_ports ports = {
        .self = l, .recoverer = &recoverer, .close = close_block, .results = true};
    l->times = (struct ledger_times){0};
    l->recovered_at = 0;
    td_arena_reset(&l->work);
    make_header(l);
    recover_all(l);
    l->next_cursor = l->cursor;
    l->next_batch = l->batch;
    uint64_t begin = bench_now_ns(BENCH_CPU);
    must_ok(exec_block(&l->params, &l->block, &reader, &ports, &l->work, &l->next_cursor,
                       &l->next_batch, &l->result));
    l->times.block = bench_now_ns(BENCH_CPU) - begin - l->times.hints;
    time_diffs(l, l->result.state);
    TD_ASSERT(l->result.tx_count == l->payload_count);
    for (uint32_t i = 0; i < l->payload_count; i++)
        TD_ASSERT(l->result.txs[i].receipt.success);
}

void ledger_keep(struct ledger *l)
{
    must_ok(exec_tree_memory_put(&l->tree, &l->built.update));
    keep_state(l, l->result.state);
    l->cursor = l->next_cursor;
    l->batch = l->next_batch;
}

/* ---- runs */

void ledger_run_begin(struct ledger *l)
{
    uint32_t *words = l->writer.words;
    if (words == NULL)
        words = must(malloc(RUN_WORDS * sizeof *words));
    exec_run_writer_init(&l->writer, words, RUN_WORDS);
    l->start = (struct exec_run_start){.chain = l->params, .cursor = l->cursor, .batch = l->batch};
    exec_run_put_start(&l->writer, &l->start);
    l->run_blocks = 0;
}

void ledger_run_add(struct ledger *l)
{
    exec_run_put_block(&l->writer, l->built.words, l->built.word_count);
    l->run_blocks++;
}

const uint32_t *ledger_run_words(struct ledger *l, size_t *count)
{
    must_ok(exec_run_finish(&l->writer, l->run_blocks));
    *count = l->writer.need;
    return l->writer.words;
}

void ledger_run_digest(struct ledger *l, struct td_p2_digest *out)
{
    struct exec_statement s = {.whitelist = l->start.whitelist, .program = l->start.program};
    exec_chain_digest(&s.chain, &l->params);
    exec_point_digest(&s.before, &l->start.cursor, &l->start.batch);
    exec_point_digest(&s.after, &l->next_cursor, &l->next_batch);
    exec_statement_digest(out, &s);
}
