#include "tests/sim/trace.h"

#include <inttypes.h>

#include "consensus/replica.h"

static const char *const MSG_NAME[] = {
    "?",          "hello",  "status",      "proposal",    "vote",         "commit",
    "timeout",    "cert",   "attest",      "attest-cert", "batch-attest", "batch-cert",
    "get-blocks", "blocks", "get-by-hash", "by-hash",     "evidence",     "tx",
};
static const char *const SIGNED_NAME[] = {
    "?", "proposal", "vote", "commit vote", "timeout", "attestation", "batch attestation",
};
static const char *const ALARM_NAME[] = {"passive", "diverged", "attest-split", "clock"};
static const char *const HALT_NAME[] = {"none", "two certificates in a round", "two final blocks",
                                        "doppelganger", "sign guard refused"};

#define NAME(table, i) ((i) < sizeof(table) / sizeof(table)[0] ? (table)[i] : "?")

const char *sim_msg_name(uint64_t kind)
{
    return NAME(MSG_NAME, kind);
}

const char *sim_signed_name(uint64_t kind)
{
    return NAME(SIGNED_NAME, kind);
}

static void print_body(const struct sim_trace_entry *e, FILE *out)
{
    switch (e->kind) {
    case SIM_TR_BOOT:
        fprintf(out, "starts: final %" PRIu64 ", executed %" PRIu64 ", life %" PRIu64, e->a, e->b,
                e->c);
        break;
    case SIM_TR_CRASH:
        fprintf(out, "crashes: %s", e->text);
        break;
    case SIM_TR_DELIVER:
        fprintf(out, "gets %s from n%u (%" PRIu64 "/%" PRIu64 ") %08x", sim_msg_name(e->a), e->peer,
                e->b, e->c, (uint32_t)e->word);
        break;
    case SIM_TR_REFUSED:
        fprintf(out, "refuses %s from n%u: %s", sim_msg_name(e->a), e->peer,
                bft_verdict_text((enum bft_verdict)e->b));
        break;
    case SIM_TR_SIGN:
        fprintf(out, "signs %s (%" PRIu64 "/%" PRIu64 ") %08x", sim_signed_name(e->a), e->b, e->c,
                (uint32_t)e->word);
        break;
    case SIM_TR_ROUND:
        fprintf(out, "enters round %" PRIu64 "/%" PRIu64 "%s", e->b, e->c, e->a ? " by TC" : "");
        break;
    case SIM_TR_FINAL:
        fprintf(out, "final: height %" PRIu64 " (%" PRIu64 "/%" PRIu64 ") %08x", e->a, e->b, e->c,
                (uint32_t)e->word);
        break;
    case SIM_TR_EXECUTED:
        fprintf(out, "executed height %" PRIu64, e->a);
        break;
    case SIM_TR_SYNCED:
        fprintf(out, "synced to disk up to write %" PRIu64, e->a);
        break;
    case SIM_TR_EPOCH:
        fprintf(out, "enters epoch %" PRIu64, e->b);
        break;
    case SIM_TR_FAULT:
        fprintf(out, "fault: %s", e->text);
        break;
    case SIM_TR_PEER:
        fprintf(out, "n%u %s", e->peer, e->a ? "connected" : "disconnected");
        break;
    case SIM_TR_ALARM:
        fprintf(out, "alarm: %s", NAME(ALARM_NAME, e->a));
        break;
    case SIM_TR_HALT:
        fprintf(out, "halts: %s", NAME(HALT_NAME, e->a));
        break;
    case SIM_TR_BLOCKSYNC:
        fprintf(out, "block sync %s", e->a ? "begins" : "ends");
        break;
    case SIM_TR_EVIDENCE:
        fprintf(out, "evidence of kind %" PRIu64 " against signer %" PRIu64, e->a, e->b);
        break;
    case SIM_TR_SEND:
        fprintf(out, "sends %s", sim_msg_name(e->a));
        if (e->peer != SIM_TRACE_NOBODY)
            fprintf(out, " to n%u", e->peer);
        break;
    }
}

static void print_entry(const struct sim_trace_entry *e, FILE *out)
{
    fprintf(out, "%12.6f  ", (double)e->at_ns / 1e9);
    if (e->node == SIM_TRACE_NOBODY)
        fprintf(out, "---  ");
    else
        fprintf(out, "n%-3u ", e->node);
    print_body(e, out);
    fputc('\n', out);
}

void sim_trace_put(struct sim_trace *t, struct sim_trace_entry e)
{
    t->entry[t->next] = e;
    t->next = (t->next + 1) % SIM_TRACE_MAX;
    if (t->count < SIM_TRACE_MAX)
        t->count++;
    if (t->live)
        print_entry(&e, stdout);
}

void sim_trace_print(const struct sim_trace *t, FILE *out, uint32_t count)
{
    if (count > t->count)
        count = t->count;
    for (uint32_t i = 0; i < count; i++)
        print_entry(&t->entry[(t->next + SIM_TRACE_MAX - count + i) % SIM_TRACE_MAX], out);
}
