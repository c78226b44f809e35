/* A vote certificate of 67 signatures, through what a node does between decoding and the event:
 * bft_verify_collect, the signature cache, td_secp_verify_many for what the cache lacks, and
 * remembering what was good.  Beside it, in the same run, the library alone: per signature one
 * parse and one secp256k1_ecdsa_verify with a parsed key, or one recovery. */
#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"
#include "base/host/pool.h"
#include "consensus/sigcache.h"
#include "tests/bench/groups.h"
#include "tests/bench/signers.h"
#include "tests/bench/timing.h"

#define RATIO_TARGET 1.1
#define CACHED_TARGET_US 10.0
#define CACHE_LOG_SETS 12u /* 8,192 entries, 1 MB: 27 rounds of three kinds at n = 100 */

struct certificate {
    struct bench_signers signers;
    struct bench_qc qc;
    struct bft_sigcache cache;
    void *cache_region;
    struct bft_sig_check *checks;
    struct td_pool *pool;
    enum bench_clock clock;
    secp256k1_context *lib;
    secp256k1_pubkey lib_pub[BENCH_QUORUM];
    struct td_hash digest;
};

/* The node's path.  Returns how many signatures the cache knew. */
static uint32_t verify(struct certificate *c)
{
    struct bft_verify_ctx ctx = {
        .domain = &c->signers.domain, .sets = {.cur = &c->signers.set}, .validators_max = 128};
    struct bft_msg m = {.kind = BFT_MSG_CERTIFICATE};
    struct td_secp_item items[BENCH_QUORUM];
    uint32_t source[BENCH_QUORUM];
    bool ok[BENCH_QUORUM];
    uint32_t count = 0, left = 0;
    m.u.certificate.kind = BFT_CERTIFICATE_QC;
    m.u.certificate.qc = &c->qc.qc;
    TD_ASSERT(bft_verify_collect(&ctx, &m, c->checks, &count) == BFT_OK && count == BENCH_QUORUM);
    for (uint32_t i = 0; i < count; i++) {
        const struct bft_sig_check *k = &c->checks[i];
        if (bft_sigcache_has(&c->cache, k))
            continue;
        source[left] = i;
        items[left++] = (struct td_secp_item){.pub = &c->signers.pub[k->signer],
                                              .digest = k->digest,
                                              .sig = k->sig,
                                              .exact = k->exact};
    }
    if (left > 0)
        TD_ASSERT(td_secp_verify_many(c->signers.secp, c->pool, ok, items, left) == left);
    for (uint32_t i = 0; i < left; i++)
        bft_sigcache_add(&c->cache, &c->checks[source[i]]);
    return count - left;
}

/* An empty cache each time; emptying it does not count. */
static uint64_t run_fresh(void *arg, uint64_t rounds)
{
    struct certificate *c = arg;
    uint64_t took_ns = 0;
    while (rounds-- > 0) {
        bft_sigcache_init(&c->cache, c->cache_region, CACHE_LOG_SETS, 42);
        uint64_t start_ns = bench_now_ns(c->clock);
        uint32_t known = verify(c);
        took_ns += bench_now_ns(c->clock) - start_ns;
        TD_ASSERT(known == 0);
    }
    return took_ns;
}

static uint64_t run_cached(void *arg, uint64_t rounds)
{
    struct certificate *c = arg;
    bft_sigcache_init(&c->cache, c->cache_region, CACHE_LOG_SETS, 42);
    TD_ASSERT(verify(c) == 0);
    uint64_t start_ns = bench_now_ns(c->clock);
    while (rounds-- > 0)
        TD_ASSERT(verify(c) == BENCH_QUORUM);
    return bench_now_ns(c->clock) - start_ns;
}

static void compact(uint8_t out[64], const struct td_sig *sig)
{
    memcpy(out, sig->b, 64);
    out[32] &= 0x7F;
}

static uint64_t run_library_verify(void *arg, uint64_t rounds)
{
    struct certificate *c = arg;
    uint64_t start_ns = bench_now_ns(c->clock);
    while (rounds-- > 0) {
        for (uint32_t i = 0; i < BENCH_QUORUM; i++) {
            uint8_t raw[64];
            secp256k1_ecdsa_signature sig;
            compact(raw, &c->qc.sigs[i]);
            TD_ASSERT(secp256k1_ecdsa_signature_parse_compact(c->lib, &sig, raw) == 1);
            TD_ASSERT(secp256k1_ecdsa_verify(c->lib, &sig, c->digest.b, &c->lib_pub[i]) == 1);
        }
    }
    return bench_now_ns(c->clock) - start_ns;
}

static uint64_t run_library_recover(void *arg, uint64_t rounds)
{
    struct certificate *c = arg;
    uint64_t start_ns = bench_now_ns(c->clock);
    while (rounds-- > 0) {
        for (uint32_t i = 0; i < BENCH_QUORUM; i++) {
            uint8_t raw[64];
            secp256k1_ecdsa_recoverable_signature sig;
            secp256k1_pubkey pub;
            compact(raw, &c->qc.sigs[i]);
            TD_ASSERT(secp256k1_ecdsa_recoverable_signature_parse_compact(
                          c->lib, &sig, raw, c->qc.sigs[i].b[32] >> 7) == 1);
            TD_ASSERT(secp256k1_ecdsa_recover(c->lib, &pub, &sig, c->digest.b) == 1);
        }
    }
    return bench_now_ns(c->clock) - start_ns;
}

static void certificate_init(struct certificate *c)
{
    bench_signers_init(&c->signers);
    bench_qc_make(&c->qc, &c->signers, 9);
    bft_digest_vote(&c->digest, &c->signers.domain, 0, 9, 9, &c->qc.qc.hash);
    c->cache_region = malloc(bft_sigcache_footprint(CACHE_LOG_SETS));
    c->checks = malloc(BFT_SIG_CHECKS_MAX * sizeof c->checks[0]);
    c->lib = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    TD_ASSERT(c->cache_region != NULL && c->checks != NULL && c->lib != NULL);
    uint32_t next = 0;
    for (uint32_t i = 0; i < BENCH_SIGNERS; i++) {
        if (!bft_bitmap_has(&c->qc.qc.signers, i))
            continue;
        TD_ASSERT(secp256k1_ec_pubkey_parse(c->lib, &c->lib_pub[next++], c->signers.set.v[i].key.b,
                                            TD_PUBKEY_BYTES) == 1);
    }
    TD_ASSERT(next == BENCH_QUORUM);
}

void bench_certificate(void)
{
    static struct certificate c;
    struct bench_series plain, fresh, recover, ratio;
    struct bench_work work_plain = {run_library_verify, &c, 1};
    struct bench_work work_recover = {run_library_recover, &c, 1};
    struct bench_work work_fresh = {run_fresh, &c, 1};
    struct bench_work work_cached = {run_cached, &c, 1};
    certificate_init(&c);

    bench_group("certificate: a QC of 67 signatures, n = 100");
    bench_time_pair(&plain, &fresh, &work_plain, &work_fresh);
    bench_row("67 library verifications", BENCH_US, &plain, 0);
    bench_row("the node's path, nothing cached", BENCH_US, &fresh, 0);
    bench_divide(&ratio, &fresh, &plain);
    bench_row("... in library verifications", BENCH_RATIO, &ratio, RATIO_TARGET);
    bench_time_pair(&recover, &fresh, &work_recover, &work_fresh);
    bench_row("67 library recoveries", BENCH_US, &recover, 0);
    bench_divide(&ratio, &fresh, &recover);
    bench_row("the node's path in library recoveries", BENCH_RATIO, &ratio, 0);

    c.pool = td_pool_new(1); /* the caller works too */
    TD_ASSERT(c.pool != NULL);
    c.clock = BENCH_PROCESS;
    bench_time_pair(&plain, &fresh, &work_plain, &work_fresh);
    bench_row("through the pool, 2 threads, CPU time of both", BENCH_US, &fresh, 0);
    bench_divide(&ratio, &fresh, &plain);
    bench_row("... in library verifications", BENCH_RATIO, &ratio, RATIO_TARGET);
    c.clock = BENCH_WALL;
    bench_time_row("through the pool, 2 threads, wall", BENCH_US, &work_fresh, 0);
    td_pool_free(c.pool);
    c.pool = NULL;
    c.clock = BENCH_CPU;

    bench_time_row("the node's path, everything cached", BENCH_US, &work_cached, CACHED_TARGET_US);

    secp256k1_context_destroy(c.lib);
    free(c.checks);
    free(c.cache_region);
    bench_signers_reset(&c.signers);
}
