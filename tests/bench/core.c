/* bft_step at n = 100: what one validator of a fault-free network receives, replayed.
 *
 * Everything the node met is fed to a fresh replica in the recorded order: peer messages, and the
 * answers to its own effects (signed, persisted, executed, payload, timer).  Only messages are
 * counted; the time of the answers is inside. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"
#include "consensus/verify.h"
#include "tests/bench/groups.h"
#include "tests/bench/network.h"
#include "tests/bench/timing.h"

#define CORE_TARGET 200000.0

struct core {
    struct bench_stream stream;
    void *region;
    size_t region_bytes;
    struct bft_replica *replica;
    struct bft_effects *fx;
    struct bft_sig_check *checks;
    struct td_arena arena;
    bool with_codec;  /* decode each frame and collect its checks, as the shell does */
    bool count;       /* steps of `counted` go through bench_counted_step */
    uint32_t counted; /* enum bft_msg_kind, or 0 for all */
    uint64_t count_done;
};

/* What callgrind counts: nothing but a step, in a frame of its own. */
enum bft_verdict bench_counted_step(struct bft_replica *r, const struct bft_event *ev,
                                    struct bft_effects *fx);
__attribute__((noinline)) enum bft_verdict
bench_counted_step(struct bft_replica *r, const struct bft_event *ev, struct bft_effects *fx)
{
    enum bft_verdict v = bft_step(r, ev, fx);
    __asm__ volatile("" ::: "memory"); /* not a tail call, or the frame would be gone */
    return v;
}

static void core_init(struct core *c, const struct bench_network_shape *shape)
{
    *c = (struct core){0};
    bench_stream_record(&c->stream, shape);
    c->region_bytes = (bft_footprint(&c->stream.cfg) + 63u) & ~(size_t)63u;
    c->region = aligned_alloc(64, c->region_bytes);
    c->fx = malloc(sizeof *c->fx);
    c->checks = malloc(BFT_SIG_CHECKS_MAX * sizeof c->checks[0]);
    void *room = malloc(BFT_DECODE_ARENA_BYTES);
    TD_ASSERT(c->region != NULL && c->fx != NULL && c->checks != NULL && room != NULL);
    td_arena_init(&c->arena, room, BFT_DECODE_ARENA_BYTES);
}

static void core_reset(struct core *c)
{
    bench_stream_free(&c->stream);
    free(c->region);
    free(c->fx);
    free(c->checks);
    free(c->arena.base);
}

static void step_frame(struct core *c, const struct bench_event *e)
{
    struct bft_msg m;
    struct bft_event ev = e->ev;
    struct bft_verify_ctx ctx = {.domain = &c->stream.cfg.domain,
                                 .genesis_hash = c->stream.cfg.genesis_hash,
                                 .validators_max = c->stream.cfg.validators_max};
    uint32_t count = 0;
    td_arena_reset(&c->arena);
    bft_sets_get(c->replica, &ctx.sets);
    TD_ASSERT(bft_msg_decode(&m, &c->arena, e->frame, e->frame_bytes) == TD_OK);
    TD_ASSERT(bft_verify_collect(&ctx, &m, c->checks, &count) == BFT_OK);
    ev.u.msg = &m;
    (void)bft_step(c->replica, &ev, c->fx);
}

static void step(struct core *c, const struct bench_event *e)
{
    bool message = e->ev.kind == BFT_EV_MESSAGE;
    if (message && c->with_codec) {
        step_frame(c, e);
    } else if (message && c->count && (c->counted == 0 || e->ev.u.msg->kind == c->counted)) {
        (void)bench_counted_step(c->replica, &e->ev, c->fx);
        c->count_done++;
    } else {
        (void)bft_step(c->replica, &e->ev, c->fx);
    }
}

/* The replica must have done what the recorded node did, or the figure means nothing. */
static void compare(const struct core *c)
{
    const struct bft_view *want = &c->stream.end;
    struct bft_view got;
    bft_view_get(c->replica, &got);
    TD_ASSERT(got.final_height == want->final_height);
    TD_ASSERT(td_hash_eq(&got.final_hash, &want->final_hash));
    TD_ASSERT(got.attested_height == want->attested_height);
    TD_ASSERT(got.round == want->round && got.last_commit == want->last_commit);
    TD_ASSERT(memcmp(got.verdicts, want->verdicts, sizeof got.verdicts) == 0);
}

/* Start-up, connections and the first blocks are replayed but not timed. */
static uint64_t replay(void *ctx, uint64_t rounds)
{
    struct core *c = ctx;
    uint64_t took_ns = 0;
    struct bft_restore none = {0};
    while (rounds-- > 0) {
        memset(c->region, 0, c->region_bytes);
        TD_ASSERT(bft_init(&c->replica, c->region, &c->stream.cfg, &none) == TD_OK);
        for (size_t i = 0; i < c->stream.first; i++)
            (void)bft_step(c->replica, &c->stream.event[i].ev, c->fx);
        uint64_t start_ns = bench_now_ns(BENCH_CPU);
        for (size_t i = c->stream.first; i < c->stream.count; i++)
            step(c, &c->stream.event[i]);
        took_ns += bench_now_ns(BENCH_CPU) - start_ns;
        compare(c);
    }
    return took_ns;
}

/* What the stream consists of. */
static void describe(const struct bench_stream *s)
{
    static const char *const names[BFT_MSG_TX + 1] = {
        [BFT_MSG_PROPOSAL] = "proposals",
        [BFT_MSG_VOTE] = "votes",
        [BFT_MSG_COMMIT] = "commit votes",
        [BFT_MSG_ATTEST] = "attestations",
        [BFT_MSG_ATTEST_CERT] = "attestation certificates",
        [BFT_MSG_BATCH_ATTEST] = "batch attestations",
        [BFT_MSG_BATCH_CERT] = "batch certificates",
        [BFT_MSG_CERTIFICATE] = "certificates",
        [BFT_MSG_TIMEOUT] = "timeouts",
        [BFT_MSG_STATUS] = "status",
    };
    bench_note("%llu blocks, %llu messages, of which", (unsigned long long)s->blocks,
               (unsigned long long)s->message_count);
    for (uint32_t k = 0; k <= BFT_MSG_TX; k++) {
        if (s->messages[k] > 0)
            bench_note("  %7llu %s", (unsigned long long)s->messages[k],
                       names[k] != NULL ? names[k] : "of other kinds");
    }
}

void bench_core(void)
{
    static const struct bench_network_shape full = {
        .nodes = 100, .txs = 100, .warm_height = 5, .end_height = 35};
    static const struct bench_network_shape quick = {
        .nodes = 100, .txs = 100, .warm_height = 2, .end_height = 4};
    struct core c;
    core_init(&c, bench_is_quick() ? &quick : &full);
    struct bench_work work = {replay, &c, c.stream.message_count};
    bench_group("core: messages into bft_step, n = 100, no signatures");
    bench_time_row("decoded messages, per core", BENCH_PER_S, &work, CORE_TARGET);
    c.with_codec = true;
    bench_time_row("... with bft_msg_decode and bft_verify_collect", BENCH_PER_S, &work, 0);
    describe(&c.stream);
    core_reset(&c);
}

int bench_count_steps(const char *kind)
{
    static const struct {
        const char *name;
        uint32_t kind;
    } kinds[] = {{"all", 0},
                 {"vote", BFT_MSG_VOTE},
                 {"commit", BFT_MSG_COMMIT},
                 {"attest", BFT_MSG_ATTEST},
                 {"proposal", BFT_MSG_PROPOSAL}};
    static const struct bench_network_shape shape = {
        .nodes = 100, .txs = 100, .warm_height = 3, .end_height = 8};
    struct core c;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kind, kinds[i].name) != 0)
            continue;
        core_init(&c, &shape);
        c.count = true;
        c.counted = kinds[i].kind;
        (void)replay(&c, 1);
        printf("steps %llu\n", (unsigned long long)c.count_done);
        core_reset(&c);
        return 0;
    }
    fprintf(stderr, "count-steps: \"%s\" is none of all, vote, commit, attest, proposal\n", kind);
    return 64;
}
