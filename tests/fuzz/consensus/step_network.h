/* What the network around a fuzzed replica did: per round a block or none, on which parent,
 * certified or not, committed or not; and the certificates that follow from it.
 *
 *   base ◀─ 1 ◀─ 2     4 ◀─ 5 ...      index = round - base round; 3 failed, 4 carries its TC
 *                └───────┘
 *
 * Invariant: a block that is final, by commit votes or by two certificates in a row, stays below
 * every later one, as under a quorum with two honest members.  Signatures are patterns: the fuzzer
 * delivers only what honest voices or one liar could have signed. */
#pragma once

#include "consensus/replica.h"

#define NET_ROUNDS 40u
#define NET_EPOCH_BLOCKS 64u
#define NET_HEIGHTS 160u

struct net_block {
    bool exists, certified, committed;
    bool own;        /* proposed by the replica itself */
    uint32_t parent; /* index; 0 = base */
    struct bft_header h;
    struct td_hash hash;
};

struct net_plan {
    uint64_t epoch;
    uint64_t base_round; /* round of index 0 */
    struct net_block at[NET_ROUNDS + 1u];
    struct bft_leaders leaders;
    struct bft_attest_cert genesis; /* of epochs >= 1 */
};

struct net {
    uint64_t start; /* which: two nets of one number differ in scripts alone */
    struct td_hash genesis_result;
    uint16_t self;           /* the replica: it alone proposes in the rounds it leads */
    struct bft_set set[3];   /* by epoch */
    struct net_plan plan[2]; /* this epoch's and, once it began, the next one's */
    const struct net_block *final_at[NET_HEIGHTS]; /* committed chain, by height */
    struct net_block history[NET_HEIGHTS];         /* blocks before the base of plan 0 */
};

/* One byte per round from `script` (NET_ROUNDS of them); zero bytes make a network where all goes
 * well.  plan->at[0], epoch, base_round, leaders and genesis are set. */
void net_lay_down(struct net *n, struct net_plan *p, const uint8_t *script);

/* The replica proposed this: its round has a block now, and later rounds are laid down again. */
void net_own_block(struct net *n, struct net_plan *p, const struct bft_header *h,
                   const uint8_t *script);

/* Execution result, the same for everyone. */
void net_executed(const struct bft_header *h, const struct td_hash *hash, struct bft_executed *out);

bool net_certified(const struct net_plan *p, uint32_t i);
bool net_final(const struct net *n, uint64_t height);
/* Certificates of three signers; `which` of the four is missing.  Borrow static signatures; tc's
 * entries live until the next call. */
struct bft_qc net_qc(const struct net_plan *p, uint32_t i, uint8_t which);
struct bft_qc net_commit(const struct net_plan *p, uint32_t i, uint8_t which);
struct bft_tc net_tc(const struct net_plan *p, uint32_t i, uint32_t high, uint8_t which);
struct bft_attest_fields net_attest_fields(const struct net *n, uint64_t height);
struct bft_attest_cert net_attest_cert(const struct net *n, uint64_t height, uint8_t which);
