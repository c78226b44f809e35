/* The ledger: its genesis, its users, its blocks. */
#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <stdlib.h>

#include "base/core/assert.h"
#include "base/core/keccak.h"
#include "base/core/rng.h"
#include "base/host/poseidon2_vector.h"
#include "executor/system.h"
#include "executor/tree/plan.h"
#include "tests/bench/executor.h"
#include "tests/bench/timing.h"
#include "tests/executor/evm/world.h"

#define FOREVER_BYTES ((size_t)320 << 20)
#define WORK_BYTES ((size_t)512 << 20)
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

/* ---- tree: the quick hasher, timed */

static uint64_t hashing_ns;

static void permute_timed(struct td_kb (*states)[TD_P2_WIDTH], size_t count)
{
    uint64_t begin = bench_now_ns(BENCH_CPU);
    td_p2_permute_many(states, count);
    hashing_ns += bench_now_ns(BENCH_CPU) - begin;
}

static uint64_t cpu_now(void)
{
    return bench_now_ns(BENCH_CPU);
}

/* The encoder by itself.  Keys are not what it reads of the plan. */
static void time_diffs(struct ledger *l, const struct exec_state *state)
{
    struct node_ledger *n = &l->n;
    struct td_arena_mark mark = td_arena_mark(&n->work);
    struct exec_plan plan;
    struct exec_diffs diffs;
    must_ok(exec_plan_init(&plan, state, &n->work));
    memcpy(plan.accesses, n->witness.batch.accesses,
           n->witness.batch.access_count * sizeof plan.accesses[0]);
    uint64_t begin = bench_now_ns(BENCH_CPU);
    must_ok(
        exec_diffs_encode(&diffs, &plan, &n->witness.batch, n->witness.update.changes, &n->work));
    l->times.diffs = bench_now_ns(BENCH_CPU) - begin;
    TD_ASSERT(diffs.on.len == n->witness.diffs.on.len &&
              memcmp(diffs.on.ptr, n->witness.diffs.on.ptr, diffs.on.len) == 0);
    td_arena_rewind(&n->work, mark);
}

/* ---- genesis */

static void put_code(struct exec_state *s, const struct td_addr *a, struct td_bytes code)
{
    exec_state_set_nonce(s, a, 1);
    exec_state_set_code(s, a, code);
}

/* One leaf of a user: its account, or its tokens. */
static void put_user_leaf(struct ledger *l, struct exec_tree_access *a, uint32_t user, bool tokens)
{
    const struct td_addr *addr = user % 2u == 0 ? &l->senders[user / 2u] : &l->targets[user / 2u];
    *a = (struct exec_tree_access){.write = true};
    if (tokens) {
        struct exec_u256 slot, value = exec_u256_of(5 * ETHER + user);
        bench_token_slot(&slot, addr);
        exec_key_slot(&a->key, &l->token, &slot);
        exec_slot_value(&a->value, &value);
        must_ok(node_ledger_put_slot(&l->n, &l->token, &slot, &value));
    } else {
        struct exec_account account = {.balance = exec_u256_of(10 * ETHER + user),
                                       .code_hash = EXEC_EMPTY_CODE_HASH};
        exec_key_account(&a->key, addr);
        must_ok(exec_account_value(&a->value, &account, &EXEC_EMPTY_CODE_DIGEST));
        must_ok(node_ledger_put_account(&l->n, addr, &account));
    }
}

static void make_users(struct ledger *l)
{
    l->keys = must(calloc(LEDGER_PAIRS, sizeof *l->keys));
    l->senders = must(calloc(LEDGER_PAIRS, sizeof *l->senders));
    l->targets = must(calloc(LEDGER_PAIRS, sizeof *l->targets));
    for (uint32_t i = 0; i < LEDGER_PAIRS; i++) {
        uint8_t secret[32] = {[0] = 1, [30] = (uint8_t)(i >> 8), [31] = (uint8_t)i};
        struct td_hash hash;
        must_ok(td_secp_key_init(l->n.secp, &l->keys[i], secret));
        node_ledger_key_addr(&l->n, &l->senders[i], &l->keys[i]);
        td_keccak256(&hash, l->senders[i].b, TD_ADDR_BYTES);
        memcpy(l->targets[i].b, hash.b, TD_ADDR_BYTES);
    }
}

static void genesis(struct ledger *l)
{
    struct exec_u256 wei = exec_u256_of(ETHER);
    struct world *w = world_new(); /* for its assembler */
    must_ok(node_ledger_genesis_begin(&l->n));
    struct exec_state *s = l->n.genesis;
    put_code(s, &l->token, world_code(w, BENCH_TOKEN));
    exec_state_set_balance(s, &l->n.params.fee_vault, &wei);
    for (uint32_t i = 0; i < LEDGER_HISTORY_SLOTS; i++) {
        struct exec_u256 slot = exec_u256_of(i);
        exec_state_sstore(s, &EXEC_HISTORY_ADDRESS, &slot, &wei);
    }
    must_ok(node_ledger_genesis_end(&l->n));
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
    struct node_ledger *n = &l->n;
    const struct exec_tree_store store = exec_tree_memory_store(&n->tree);
    struct td_rng rng;
    td_rng_init(&rng, 3);
    l->filler_first = n->cursor.leaf_count;
    l->is_users = must(calloc(TREE_LEAVES, sizeof *l->is_users));
    uint32_t batches = (LEDGER_LEAVES - l->filler_first + FILL_BATCH - 1u) / FILL_BATCH, done = 0;
    uint32_t user_leaves = (4u * LEDGER_PAIRS + batches - 1u) / batches; /* of each batch */
    while (n->cursor.leaf_count < LEDGER_LEAVES) {
        uint32_t count = LEDGER_LEAVES - n->cursor.leaf_count;
        struct exec_tree_head old = {n->cursor.tree_root, n->cursor.leaf_count};
        struct exec_tree_update update;
        struct exec_tree_batch batch;
        count = count < FILL_BATCH ? count : FILL_BATCH;
        td_arena_reset(&n->work);
        struct exec_tree_access *a = must(TD_ARENA_NEW(&n->work, struct exec_tree_access, count));
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
        must_ok(exec_tree_prepare(&batch, &old, a, count, &store, &n->work));
        must_ok(exec_tree_apply(&update, &batch, &store, &n->hasher, &n->work));
        must_ok(exec_tree_memory_put(&n->tree, &update));
        mark_users(l, &batch, &update, users);
        n->cursor.tree_root = update.now.root;
        n->cursor.leaf_count = update.now.leaf_count;
    }
    TD_ASSERT(done == 4u * LEDGER_PAIRS);
}

/* What recover_all found, in order. */
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

static struct ledger *ledger_new(void)
{
    static const struct node_ledger_limits limits = {TREE_LEAVES, FOREVER_BYTES, WORK_BYTES};
    struct ledger *l = must(calloc(1, sizeof *l));
    struct node_ledger *n = &l->n;
    must_ok(node_ledger_new(n, &limits));
    n->params = (struct exec_chain){
        .chain_id = 4242,
        .l1_chain_id = 31337,
        .contract = {{0xcc}},
        .config_hash = {{0xcf}},
        .gas_limit = 200000000,
        .native_limit = UINT64_C(4000000000),
        .base_fee_min = exec_u256_of(7),
        .prices = {.native_per_gas = 100, .gas_per_pubdata_byte = 16, .tx_native_max = 2200000},
        .fee_vault = {{0xfe, 0xee}}};
    n->hasher = (struct exec_tree_hasher){permute_timed};
    n->clock = cpu_now;
    n->cursor.ts_ms = 1700000000000u;
    n->cursor.block_hash = (struct td_hash){{0x6e}};
    n->cursor.base_fee = exec_u256_of(1000);
    l->recoverer = (struct exec_recoverer){l, recovered_next};
    n->recoverer = &l->recoverer;
    l->token = (struct td_addr){{0x70, 0x6b, [19] = 1}};
    make_users(l);
    genesis(l);
    fill(l);
    exec_batch_init(&n->batch, &n->cursor);
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

void ledger_payload(struct ledger *l, enum ledger_kind kind, uint32_t count)
{
    static struct td_arena_mark base;
    if (base.used == 0)
        base = td_arena_mark(&l->n.kept);
    td_arena_rewind(&l->n.kept, base);
    node_ledger_clear(&l->n);
    TD_ASSERT(count <= LEDGER_PAIRS);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t data[BENCH_TRANSFER_BYTES];
        struct td_bytes bytes;
        struct exec_tx tx = {.type = 2,
                             .has_chain_id = true,
                             .chain_id = l->n.params.chain_id,
                             .nonce = node_ledger_account(&l->n, &l->senders[i])->nonce,
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
        must_ok(node_ledger_sign(&l->n, &tx, &l->keys[i]));
        must_ok(node_ledger_encode(&l->n, &bytes, &tx));
        must_ok(node_ledger_add(&l->n, bytes));
    }
}

/* ---- a block */

/* All signers at once, as a node does when transactions arrive: libsecp256k1, on this thread. */
static void recover_all(struct ledger *l)
{
    static secp256k1_context *lib;
    if (lib == NULL)
        lib = must(secp256k1_context_create(SECP256K1_CONTEXT_NONE));
    uint64_t begin = bench_now_ns(BENCH_CPU);
    for (uint32_t i = 0; i < l->n.payload_count; i++) {
        struct exec_run_key *k = &l->recovered[i];
        secp256k1_ecdsa_recoverable_signature raw;
        secp256k1_pubkey pub;
        uint8_t compact[64], full[65];
        size_t len = sizeof full;
        struct exec_tx tx;
        TD_ASSERT(exec_tx_decode(&tx, &l->n.work, l->n.payload[i], 0) == EXEC_TX_OK);
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

void ledger_execute(struct ledger *l)
{
    struct node_ledger *n = &l->n;
    struct bft_header h = {.epoch = n->cursor.epoch, .ts_ms = n->cursor.ts_ms + 1000u};
    l->times = (struct ledger_times){0};
    l->recovered_at = 0;
    n->hints = l->hints;
    n->slopes = l->slopes;
    td_arena_reset(&n->work);
    recover_all(l);
    hashing_ns = 0;
    must_ok(node_ledger_execute(n, &h));
    l->times.hashing = hashing_ns;
    l->times.hints = n->times.hints;
    l->times.witness = n->times.witness;
    l->times.block = n->times.block;
    time_diffs(l, n->result.state);
    TD_ASSERT(n->result.tx_count == n->payload_count);
    for (uint32_t i = 0; i < n->payload_count; i++)
        TD_ASSERT(n->result.txs[i].receipt.success);
}

void ledger_keep(struct ledger *l)
{
    must_ok(node_ledger_keep(&l->n));
}

/* ---- runs */

void ledger_run_begin(struct ledger *l)
{
    must_ok(node_ledger_run_begin(&l->n, NULL, NULL));
}

void ledger_run_add(struct ledger *l)
{
    must_ok(node_ledger_run_add(&l->n));
}

const uint32_t *ledger_run_words(struct ledger *l, size_t *count)
{
    must_ok(node_ledger_run_finish(&l->n, count));
    return l->n.writer.words;
}

void ledger_run_digest(struct ledger *l, struct td_p2_digest *out)
{
    struct exec_statement s;
    node_ledger_statement(&l->n, &s);
    exec_statement_digest(out, &s);
}
