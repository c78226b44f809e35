/* The last events before a violation, kept in a ring and turned into text only when printed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define SIM_TRACE_MAX 64u
#define SIM_TRACE_SHOWN 40u

enum sim_trace_kind {
    SIM_TR_BOOT,      /* a final height, b executed, c incarnation */
    SIM_TR_CRASH,     /* text */
    SIM_TR_DELIVER,   /* a message kind, b epoch, c round, peer, word = hash */
    SIM_TR_REFUSED,   /* a message kind, b verdict, peer */
    SIM_TR_SIGN,      /* a signed kind, b epoch, c round, word */
    SIM_TR_ROUND,     /* b epoch, c round, a 1 = by TC */
    SIM_TR_FINAL,     /* a height, b epoch, c round, word */
    SIM_TR_EXECUTED,  /* a height */
    SIM_TR_SYNCED,    /* a persist id */
    SIM_TR_EPOCH,     /* b epoch */
    SIM_TR_FAULT,     /* text */
    SIM_TR_PEER,      /* a 1 = up, peer */
    SIM_TR_ALARM,     /* a alarm */
    SIM_TR_HALT,      /* a reason */
    SIM_TR_BLOCKSYNC, /* a 1 = began */
    SIM_TR_EVIDENCE,  /* a kind, b signer */
    SIM_TR_SEND,      /* a message kind, peer */
};

#define SIM_TRACE_NOBODY UINT32_MAX

struct sim_trace_entry {
    int64_t at_ns;
    enum sim_trace_kind kind;
    uint32_t node;
    uint32_t peer;
    uint64_t a, b, c;
    uint64_t word;
    const char *text; /* static storage */
};

struct sim_trace {
    bool live; /* print as it happens */
    uint32_t count;
    uint32_t next;
    struct sim_trace_entry entry[SIM_TRACE_MAX];
};

void sim_trace_put(struct sim_trace *t, struct sim_trace_entry e);
/* The newest `count` entries, oldest first. */
void sim_trace_print(const struct sim_trace *t, FILE *out, uint32_t count);
const char *sim_msg_name(uint64_t kind);
const char *sim_signed_name(uint64_t kind);
