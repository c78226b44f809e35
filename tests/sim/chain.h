/* What the omniscient side of the simulator knows: every header ever proposed, every payload, the
 * canonical final chain with its execution results, and the fake L1.
 *
 * Nodes never read this to decide anything; it stands in for their block stores (a node holds the
 * canonical prefix up to its own final height), for execution (results follow from the chain alone,
 * so equal chains give equal digests) and feeds the checker and the adversaries. */
#pragma once

#include "base/core/rng.h"
#include "consensus/replica.h"
#include "tests/sim/frame.h"

#define SIM_NODES_MAX 192u
#define SIM_NODE_WORDS (SIM_NODES_MAX / 64u)
#define SIM_TXS_MAX 4u

/* One payload: a handful of transaction hashes and who holds them. */
struct sim_payload {
    struct td_hash root;
    struct td_hash tx[SIM_TXS_MAX];
    uint32_t count;
    uint32_t bytes;
    bool withheld; /* only `holds` at proposal time has it; its author serves nobody */
    uint32_t author;
    uint64_t holds[SIM_NODE_WORDS];   /* nodes that have it */
    uint64_t durable[SIM_NODE_WORDS]; /* ... and would have it after a crash */
};

/* One header ever proposed, with the certificates its first proposal carried. */
struct sim_block {
    struct td_hash hash;
    struct bft_header header;
    struct sim_payload *payload; /* NULL: none, or nobody knows it */
    bool has_cert;               /* the fields below are known */
    uint64_t qc_round;
    struct td_hash qc_hash;
    bool has_tc;
    uint64_t tc_round;
    uint64_t tc_high; /* highest QC round among the TC's entries */
    int64_t sent_ns;  /* virtual time of the first proposal, -1 = never seen as one */
};

/* One final height. */
struct sim_final {
    const struct sim_block *block;
    struct bft_chain_state state;
    bool executed;
    struct bft_executed exec;
    struct td_hash digest;    /* resultDigest, once executed */
    struct sim_frame *proof;  /* Certificate(PROOF) whose newest final block is this one, or NULL */
    struct sim_frame *attest; /* AttestCert of this height, or NULL */
    int64_t final_ns;         /* first finality anywhere */
};

struct sim_epoch {
    bool known;
    struct bft_set set;
    struct td_hash seed;
    struct bft_bitmap excluded;
    struct td_hash genesis_digest;    /* of the genesis certificate's fields; zero in epoch 0 */
    uint16_t key_of[BFT_SIGNERS_MAX]; /* signer index to simulator key */
};

#define SIM_EPOCHS_MAX 1024u
#define SIM_L1_SETS 8u

struct sim_chain {
    struct sim_block **slot; /* owned; hash map, [slots] */
    size_t slots;
    size_t count;
    struct sim_payload **payload; /* owned; hash map by root, [payload_slots] */
    size_t payload_slots;
    size_t payload_count;
    struct sim_final *final; /* owned; [final_cap], index = height, 0 = genesis */
    uint64_t final_cap;
    uint64_t final_height;
    struct sim_epoch *epoch; /* owned; [SIM_EPOCHS_MAX] */
    uint64_t l1_salt;
    struct bft_set l1_set[SIM_L1_SETS]; /* registry contents over time */
    struct td_hash l1_set_hash[SIM_L1_SETS];
    uint32_t l1_sets;
};

void sim_chain_init(struct sim_chain *c);
void sim_chain_free(struct sim_chain *c, struct sim_pool *pool);

/* Enter a header (idempotent). */
struct sim_block *sim_block_add(struct sim_chain *c, const struct bft_header *h,
                                const struct td_hash *hash);
/* NULL = unknown. */
struct sim_block *sim_block_find(const struct sim_chain *c, const struct td_hash *hash);

/* A new payload of `count` fresh transactions, held by `author`. */
struct sim_payload *sim_payload_new(struct sim_chain *c, struct td_rng *rng, uint32_t author,
                                    uint32_t count);
struct sim_payload *sim_payload_find(const struct sim_chain *c, const struct td_hash *root);

static inline bool sim_bit_has(const uint64_t *words, uint32_t i)
{
    return (words[i / 64u] >> (i % 64u) & 1u) != 0;
}
static inline void sim_bit_put(uint64_t *words, uint32_t i, bool on)
{
    uint64_t bit = UINT64_C(1) << (i % 64u);
    words[i / 64u] = on ? words[i / 64u] | bit : words[i / 64u] & ~bit;
}

/* Whether `node` may vote for, or execute, this block as far as its payload goes. */
bool sim_block_held(const struct sim_block *b, uint32_t node);

/* Append the next canonical height.  Precondition: b->header.height == final_height + 1. */
struct sim_final *sim_final_add(struct sim_chain *c, const struct sim_block *b,
                                const struct bft_chain_state *state, int64_t now_ns);
struct sim_final *sim_final_at(const struct sim_chain *c, uint64_t height);

/* Execute up to and including `height` (idempotent). */
const struct sim_final *sim_chain_execute(struct sim_chain *c, uint64_t height);

/* The L1 block `number` as every honest endpoint serves it. */
void sim_l1_origin(const struct sim_chain *c, uint64_t number, struct bft_origin *out);
#define SIM_L1_START 1000u
#define SIM_L1_BLOCK_NS INT64_C(12000000000)
#define SIM_L1_SET_BLOCKS 16u /* the registry changes this often */

/* 64 bits of a hash, for tables. */
static inline uint64_t sim_hash_word(const struct td_hash *h)
{
    uint64_t v;
    memcpy(&v, h->b, sizeof v);
    return v;
}
