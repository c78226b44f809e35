/* The mempool: what a transaction costs on its way in and out, and what a block's choice does. */
#include <stdlib.h>

#include "base/core/assert.h"
#include "base/core/rng.h"
#include "node/mempool/mempool.h"
#include "tests/bench/timing.h"

#define POOL_TXS 65536u
#define BLOCK_TXS 5000u
#define RAW_BYTES 110u /* a transfer */

struct bench_pool {
    struct node_mempool *pool;
    struct exec_tx *txs;
    struct td_hash *hashes;
    struct td_addr *senders;
    struct node_mempool_tx *taken;
    uint64_t *nonces;    /* per sender, as executed */
    uint32_t per_sender; /* transactions */
    uint64_t block;
};

static void account(void *self, const struct td_addr *addr, uint64_t *nonce,
                    struct exec_u256 *balance)
{
    const struct bench_pool *b = self;
    uint32_t s;
    memcpy(&s, addr->b, sizeof s);
    *nonce = b->nonces[s];
    *balance = (struct exec_u256){{0, 1, 0, 0}};
}

static void pool_open(struct bench_pool *b)
{
    struct node_mempool_options o = {.max_txs = POOL_TXS,
                                     .per_account = 64,
                                     .max_bytes = 1u << 30,
                                     .block_gas = 200000000,
                                     .accounts_self = b,
                                     .account = account};
    memset(b->nonces, 0, POOL_TXS * sizeof b->nonces[0]);
    b->pool = node_mempool_new(&o);
    TD_ASSERT(b->pool != NULL);
}

/* As wallets would: every sender's first, then every sender's second, ... */
static void prepare(struct bench_pool *b, uint32_t per_sender)
{
    struct td_rng rng;
    uint32_t senders = POOL_TXS / per_sender;
    td_rng_init(&rng, per_sender);
    b->per_sender = per_sender;
    for (uint32_t i = 0; i < POOL_TXS; i++) {
        uint32_t s = i % senders;
        struct exec_tx *tx = &b->txs[i];
        *tx = (struct exec_tx){.type = 2, .nonce = i / senders, .gas_limit = 21000};
        tx->tip_cap = exec_u256_of(td_rng_below(&rng, 1000000000));
        tx->fee_cap = exec_u256_of(2000000000);
        memcpy(tx->sender.b, &s, sizeof s);
        for (uint32_t k = 0; k < 32; k += 8) {
            uint64_t v = td_rng_u64(&rng);
            memcpy(tx->hash.b + k, &v, sizeof v);
        }
        b->hashes[i] = tx->hash;
        b->senders[i] = tx->sender;
    }
}

static void fill(struct bench_pool *b)
{
    static const uint8_t raw[RAW_BYTES];
    for (uint32_t i = 0; i < POOL_TXS; i++) {
        enum node_mempool_verdict v =
            node_mempool_add(b->pool, &b->txs[i], (struct td_bytes){raw, RAW_BYTES}, i);
        TD_ASSERT(v == NODE_MEMPOOL_OK);
    }
}

static uint64_t run_add(void *ctx, uint64_t rounds)
{
    struct bench_pool *b = ctx;
    uint64_t ns = 0;
    for (uint64_t r = 0; r < rounds; r++) {
        pool_open(b);
        uint64_t start = bench_now_ns(BENCH_CPU);
        fill(b);
        ns += bench_now_ns(BENCH_CPU) - start;
        node_mempool_free(b->pool);
    }
    return ns;
}

/* In blocks, in the order they came: held when proposed, settled when executed. */
static uint64_t run_settle(void *ctx, uint64_t rounds)
{
    struct bench_pool *b = ctx;
    uint64_t ns = 0;
    for (uint64_t r = 0; r < rounds; r++) {
        pool_open(b);
        fill(b);
        for (uint32_t i = 0; i < POOL_TXS; i += BLOCK_TXS) {
            uint32_t count = POOL_TXS - i < BLOCK_TXS ? POOL_TXS - i : BLOCK_TXS;
            struct td_hash block = {{0}};
            memcpy(block.b, &i, sizeof i);
            for (uint32_t k = i; k < i + count; k++) {
                uint32_t s;
                memcpy(&s, b->senders[k].b, sizeof s);
                b->nonces[s]++;
            }
            uint64_t start = bench_now_ns(BENCH_CPU);
            node_mempool_hold(b->pool, &block, b->hashes + i, count);
            node_mempool_settle(b->pool, &block, b->hashes + i, count, b->senders + i, count, 0);
            ns += bench_now_ns(BENCH_CPU) - start;
        }
        struct node_mempool_stats stats;
        node_mempool_stats(b->pool, &stats);
        TD_ASSERT(stats.txs == 0);
        node_mempool_free(b->pool);
    }
    return ns;
}

static uint64_t run_take(void *ctx, uint64_t rounds)
{
    struct bench_pool *b = ctx;
    struct node_mempool_want want = {.base_fee = {{1000000000}},
                                     .gas = UINT64_MAX,
                                     .native = UINT64_MAX,
                                     .bytes = UINT64_MAX,
                                     .count = BLOCK_TXS};
    uint64_t start = bench_now_ns(BENCH_CPU);
    for (uint64_t r = 0; r < rounds; r++) {
        uint32_t got = node_mempool_take(b->pool, &want, b->taken);
        TD_ASSERT(got == BLOCK_TXS);
    }
    return bench_now_ns(BENCH_CPU) - start;
}

static void rows(struct bench_pool *b, uint32_t per_sender, const char *const names[3])
{
    prepare(b, per_sender);
    bench_time_row(names[0], BENCH_PER_S, &(struct bench_work){run_add, b, POOL_TXS}, 200000);
    bench_time_row(names[1], BENCH_PER_S, &(struct bench_work){run_settle, b, POOL_TXS}, 200000);
    pool_open(b);
    fill(b);
    bench_time_row(names[2], BENCH_US, &(struct bench_work){run_take, b, 1}, 5000);
    node_mempool_free(b->pool);
}

int main(int argc, char **argv)
{
    struct bench_pool b = {.txs = calloc(POOL_TXS, sizeof *b.txs),
                           .hashes = calloc(POOL_TXS, sizeof *b.hashes),
                           .senders = calloc(POOL_TXS, sizeof *b.senders),
                           .taken = calloc(BLOCK_TXS, sizeof *b.taken),
                           .nonces = calloc(POOL_TXS, sizeof *b.nonces)};
    TD_ASSERT(b.txs != NULL && b.hashes != NULL && b.senders != NULL && b.taken != NULL &&
              b.nonces != NULL);
    bench_set_quick(argc > 1 && strcmp(argv[1], "--quick") == 0);
    bench_head();
    bench_group("mempool of 65,536 transactions");
    rows(&b, 1,
         (const char *const[]){"add, one a sender", "hold and settle, one a sender",
                               "take 5,000, one a sender"});
    rows(&b, 64,
         (const char *const[]){"add, 64 a sender", "hold and settle, 64 a sender",
                               "take 5,000, 64 a sender"});
    bench_foot();
    free(b.txs);
    free(b.hashes);
    free(b.senders);
    free(b.taken);
    free(b.nonces);
    return 0;
}
