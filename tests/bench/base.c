/* The primitives everything else is made of. */
#include <string.h>

#include "base/core/assert.h"
#include "base/core/keccak.h"
#include "base/core/poseidon2.h"
#include "base/host/pool.h"
#include "tests/bench/groups.h"
#include "tests/bench/signers.h"
#include "tests/bench/timing.h"

struct hashing {
    size_t len;
    uint8_t data[1088];
};

/* Each digest enters the next input, so that nothing overlaps or is left out. */
static uint64_t run_keccak(void *arg, uint64_t rounds)
{
    struct hashing *h = arg;
    uint64_t start_ns = bench_now_ns(BENCH_CPU);
    while (rounds-- > 0)
        td_keccak256((struct td_hash *)h->data, h->data, h->len);
    return bench_now_ns(BENCH_CPU) - start_ns;
}

static uint64_t run_poseidon2_16(void *arg, uint64_t rounds)
{
    uint64_t start_ns = bench_now_ns(BENCH_CPU);
    while (rounds-- > 0)
        td_poseidon2_16(arg);
    return bench_now_ns(BENCH_CPU) - start_ns;
}

static uint64_t run_poseidon2_24(void *arg, uint64_t rounds)
{
    uint64_t start_ns = bench_now_ns(BENCH_CPU);
    while (rounds-- > 0)
        td_poseidon2_24(arg);
    return bench_now_ns(BENCH_CPU) - start_ns;
}

struct signing {
    struct bench_signers signers;
    struct td_hash digest;
    struct td_sig sig;
    struct td_addr addr;
};

static uint64_t run_sign(void *arg, uint64_t rounds)
{
    struct signing *s = arg;
    uint64_t start_ns = bench_now_ns(BENCH_CPU);
    while (rounds-- > 0)
        TD_ASSERT(td_secp_sign(s->signers.secp, &s->signers.key[0], &s->digest, &s->sig) == TD_OK);
    return bench_now_ns(BENCH_CPU) - start_ns;
}

static uint64_t run_verify(void *arg, uint64_t rounds)
{
    struct signing *s = arg;
    uint64_t start_ns = bench_now_ns(BENCH_CPU);
    while (rounds-- > 0)
        TD_ASSERT(td_secp_verify(s->signers.secp, &s->signers.pub[0], &s->digest, &s->sig));
    return bench_now_ns(BENCH_CPU) - start_ns;
}

static uint64_t run_verify_either(void *arg, uint64_t rounds)
{
    struct signing *s = arg;
    uint64_t start_ns = bench_now_ns(BENCH_CPU);
    while (rounds-- > 0)
        TD_ASSERT(td_secp_verify_either(s->signers.secp, &s->signers.pub[0], &s->digest, &s->sig));
    return bench_now_ns(BENCH_CPU) - start_ns;
}

static uint64_t run_recover(void *arg, uint64_t rounds)
{
    struct signing *s = arg;
    uint64_t start_ns = bench_now_ns(BENCH_CPU);
    while (rounds-- > 0)
        TD_ASSERT(td_secp_recover(s->signers.secp, &s->addr, NULL, &s->digest, &s->sig) == TD_OK);
    return bench_now_ns(BENCH_CPU) - start_ns;
}

/* What a node does with a payload's signatures before it executes: wall time, all threads. */
#define RECOVERIES 512u

struct recovering {
    const struct td_secp *secp;
    struct td_pool *pool;
    struct td_secp_signed items[RECOVERIES];
    struct td_secp_signer out[RECOVERIES];
};

static uint64_t run_recover_many(void *arg, uint64_t rounds)
{
    struct recovering *r = arg;
    uint64_t start_ns = bench_now_ns(BENCH_WALL);
    while (rounds-- > 0)
        TD_ASSERT(td_secp_recover_many(r->secp, r->pool, r->out, r->items, RECOVERIES) ==
                  RECOVERIES);
    return bench_now_ns(BENCH_WALL) - start_ns;
}

static void bench_recover_many(const struct signing *s)
{
    static const char *const names[2] = {"td_secp_recover_many, 512, one thread (wall)",
                                         "td_secp_recover_many, 512, two threads (wall)"};
    static struct recovering r;
    r.secp = s->signers.secp;
    for (uint32_t i = 0; i < RECOVERIES; i++) {
        struct td_sig sig;
        td_keccak256(&r.items[i].digest, &i, sizeof i);
        TD_ASSERT(td_secp_sign(r.secp, &s->signers.key[0], &r.items[i].digest, &sig) == TD_OK);
        r.items[i].parity = sig.b[32] >> 7;
        sig.b[32] &= 0x7F;
        memcpy(r.items[i].r, sig.b, 32);
        memcpy(r.items[i].s, sig.b + 32, 32);
    }
    for (size_t workers = 0; workers < 2; workers++) { /* the caller works too */
        r.pool = td_pool_new(workers);
        TD_ASSERT(r.pool != NULL);
        bench_time_row(names[workers], BENCH_PER_S,
                       &(struct bench_work){run_recover_many, &r, RECOVERIES}, 0);
        td_pool_free(r.pool);
    }
}

void bench_base(void)
{
    static const struct {
        const char *name;
        size_t len;
    } inputs[] = {{"keccak-256 of 32 bytes", 32},
                  {"keccak-256 of 135 bytes (one block, full)", 135},
                  {"keccak-256 of 1,088 bytes (nine blocks)", 1088}};
    static struct signing s;
    struct td_kb state[TD_P2_WIDTH];
    bench_group("base, one core, scalar");
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        struct hashing h = {.len = inputs[i].len};
        bench_time_row(inputs[i].name, BENCH_NS, &(struct bench_work){run_keccak, &h, 1}, 0);
    }
    for (uint32_t i = 0; i < TD_P2_WIDTH; i++)
        state[i] = (struct td_kb){i + 1};
    bench_time_row("poseidon2 width 16, permutations", BENCH_PER_S,
                   &(struct bench_work){run_poseidon2_16, state, 1}, 0);
    bench_time_row("poseidon2 width 24, permutations", BENCH_PER_S,
                   &(struct bench_work){run_poseidon2_24, state, 1}, 0);
    bench_signers_init(&s.signers);
    td_keccak256(&s.digest, "bench", 5);
    bench_time_row("td_secp_sign", BENCH_PER_S, &(struct bench_work){run_sign, &s, 1}, 0);
    bench_time_row("td_secp_verify (exact: recovers and compares)", BENCH_PER_S,
                   &(struct bench_work){run_verify, &s, 1}, 0);
    bench_time_row("td_secp_verify_either (parity bit unchecked)", BENCH_PER_S,
                   &(struct bench_work){run_verify_either, &s, 1}, 0);
    bench_time_row("td_secp_recover (with the address)", BENCH_PER_S,
                   &(struct bench_work){run_recover, &s, 1}, 0);
    bench_recover_many(&s);
    bench_signers_reset(&s.signers);
}
