/* Encoding and decoding of the messages that a round is made of. */
#include <stdio.h>
#include <stdlib.h>

#include "base/core/assert.h"
#include "tests/bench/groups.h"
#include "tests/bench/signers.h"
#include "tests/bench/timing.h"

#define FRAME_MAX 32768u

struct codec {
    struct bft_msg msg;
    uint8_t frame[FRAME_MAX];
    size_t frame_bytes;
    uint8_t out[FRAME_MAX];
    struct td_arena arena;
};

static uint64_t run_encode(void *arg, uint64_t rounds)
{
    struct codec *c = arg;
    uint64_t start_ns = bench_now_ns(BENCH_CPU);
    while (rounds-- > 0) {
        struct td_writer w;
        td_writer_init(&w, c->out, sizeof c->out);
        bft_msg_encode(&w, &c->msg);
        TD_ASSERT(w.err == TD_OK && w.len == c->frame_bytes);
    }
    return bench_now_ns(BENCH_CPU) - start_ns;
}

static uint64_t run_decode(void *arg, uint64_t rounds)
{
    struct codec *c = arg;
    struct bft_msg m;
    uint64_t start_ns = bench_now_ns(BENCH_CPU);
    while (rounds-- > 0) {
        td_arena_reset(&c->arena);
        TD_ASSERT(bft_msg_decode(&m, &c->arena, c->frame, c->frame_bytes) == TD_OK);
    }
    return bench_now_ns(BENCH_CPU) - start_ns;
}

static void rows(struct codec *c, const char *name)
{
    char text[64];
    struct td_writer w;
    struct bench_work encode = {run_encode, c, 1};
    struct bench_work decode = {run_decode, c, 1};
    td_writer_init(&w, c->frame, sizeof c->frame);
    bft_msg_encode(&w, &c->msg);
    TD_ASSERT(w.err == TD_OK);
    c->frame_bytes = w.len;
    (void)snprintf(text, sizeof text, "encode %s, %zu bytes", name, c->frame_bytes);
    bench_time_row(text, BENCH_NS, &encode, 0);
    (void)snprintf(text, sizeof text, "decode %s", name);
    bench_time_row(text, BENCH_NS, &decode, 0);
}

void bench_codec(void)
{
    static struct codec c;
    static struct bench_signers signers;
    static struct bench_qc qc;
    static struct bench_tc tc;
    void *room = malloc(BFT_DECODE_ARENA_BYTES);
    TD_ASSERT(room != NULL);
    td_arena_init(&c.arena, room, BFT_DECODE_ARENA_BYTES);
    bench_signers_init(&signers);
    bench_qc_make(&qc, &signers, 9);
    bench_tc_make(&tc, &signers, 9);

    bench_group("codec");
    c.msg = (struct bft_msg){.kind = BFT_MSG_VOTE};
    bench_vote_make(&c.msg.u.vote, &signers, 9);
    rows(&c, "Vote");
    c.msg = (struct bft_msg){.kind = BFT_MSG_PROPOSAL};
    bench_proposal_make(&c.msg.u.proposal, &signers, &qc);
    rows(&c, "Proposal (QC of 67, no transactions)");
    c.msg = (struct bft_msg){.kind = BFT_MSG_CERTIFICATE};
    c.msg.u.certificate.kind = BFT_CERTIFICATE_TC;
    c.msg.u.certificate.tc = &tc.tc;
    rows(&c, "TC (67 entries, QC of 67)");

    bench_signers_reset(&signers);
    free(room);
}
