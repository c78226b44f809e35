/* Figures of the executor: the groups of bench_executor, and the ledger that they share.
 *
 *     ledger: users, a token, a state tree filled up to LEDGER_LEAVES
 *        payload ──▶ header ──▶ recover ──▶ execute ──▶ exec_run words ──▶ guest
 *                                 (timed)     (timed, by part)
 *
 * 1. A block is executed on copies of cursor and batch: what was executed is forgotten unless
 *    ledger_keep follows, so that the same block can be timed again and again.
 * 2. Every transaction of a block has a sender and a recipient of its own, all of them known to the
 *    state (the token's balances too), their leaves scattered over the tree: no leaf is shared
 *    between transfers but the token's and the fee vault's.
 * 3. Whatever goes wrong aborts. */
#pragma once

#include "node/exec/ledger.h"

#define LEDGER_LEAVES 1000000u
#define LEDGER_PAIRS 1024u       /* senders; as many recipients */
#define LEDGER_HISTORY_SLOTS 32u /* of EIP-2935's ring, as if it had gone round */

/* Nanoseconds of this thread.  `signatures` is before the block; all others are parts of it. */
struct ledger_times {
    uint64_t signatures; /* decoding once more, and libsecp256k1 */
    uint64_t hints;      /* exec_run_block_input: what the prover wants, nobody else */
    uint64_t witness;    /* exec_witness_build: keys, tree, witness words, diffs */
    uint64_t diffs;      /* exec_diffs_encode, done once more beside the above: part of `witness` */
    uint64_t hashing;    /* the tree's permutations: part of `witness` */
    uint64_t block;      /* exec_block, without hints and the second encoding of diffs */
};

struct ledger {
    struct node_ledger n;
    uint32_t filler_first;             /* leaves from here on are filler, */
    bool *is_users;                    /* except those */
    struct td_secp_key *keys;          /* [LEDGER_PAIRS] */
    struct td_addr *senders, *targets; /* [LEDGER_PAIRS] */
    struct td_addr token;
    /* the block at hand: signers found before it */
    struct exec_recoverer recoverer;
    struct exec_run_key recovered[LEDGER_PAIRS];
    uint32_t recovered_at;
    struct ledger_times times;
    bool hints;  /* make them; without, the witness is of no use to a prover */
    bool slopes; /* for a guest without chips */
};

/* The ledger, made at first use; lives as long as the process.  Takes about 5 s and 700 MB. */
struct ledger *ledger_get(void);

enum ledger_kind { LEDGER_ETHER, LEDGER_TOKEN };
/* The payload becomes `count` transfers of that kind, count <= LEDGER_PAIRS, pairs 0 .. count - 1.
 * Bytes live until the next payload. */
void ledger_payload(struct ledger *l, enum ledger_kind kind, uint32_t count);

/* Recover all signers, then execute; fills times, and result and witness of n. */
void ledger_execute(struct ledger *l);
/* Take over what the last ledger_execute did. */
void ledger_keep(struct ledger *l);

/* A run for the guest: begin, add the block last executed (any number of times execute, add, keep),
 * then its words, borrowed until the next begin. */
void ledger_run_begin(struct ledger *l);
void ledger_run_add(struct ledger *l);
const uint32_t *ledger_run_words(struct ledger *l, size_t *count);
/* What the run added to so far must state. */
void ledger_run_digest(struct ledger *l, struct td_p2_digest *out);

/* The token's bytecode, in world.h's assembly. */
extern const char BENCH_TOKEN[];
/* Calldata of transfer(to, amount). */
#define BENCH_TRANSFER_BYTES 68u
void bench_transfer_data(uint8_t out[BENCH_TRANSFER_BYTES], const struct td_addr *to,
                         uint64_t amount);
/* Where the token keeps an owner's balance. */
void bench_token_slot(struct exec_u256 *out, const struct td_addr *owner);

/* The loops of the group `evm`: a counter runs down to 0 on the stack; `body` leaves it as it was.
 */
#define BENCH_LOOP "%u loop: %s 1 SWAP1 SUB DUP1 @loop JUMPI STOP"
#define BENCH_LOOPS 7u
struct bench_loop {
    const char *name, *body; /* body in world.h's assembly */
    double target;           /* ns per iteration; 0: none */
};
extern const struct bench_loop bench_loops[BENCH_LOOPS];

/* ---- the groups */

void bench_exec_evm(void);
void bench_exec_precompiles(void);
void bench_exec_tree(void);
void bench_exec_blocks(void);
/* Images without and with chips.  dump: folder for the runs' inputs, or NULL. */
void bench_exec_guest(const char *soft, const char *chips, const char *dump);

/* The interpreter's side of peer.py: one program per line on standard output, as JSON, then for
 * each line of standard input, a program's number, its nanoseconds per iteration.  Returns at the
 * end of input. */
void bench_exec_peer(void);
