/* The proven program: a run of whole blocks, from input words to nine output words.
 *
 * Little-endian 32-bit words; 64-bit numbers low word first; hashes and addresses as they come.
 *
 *     word 0  EXEC_RUN_MAGIC      statement  W 9, program 9
 *          1  EXEC_RUN_VERSION    chain      struct exec_chain, EXEC_RUN_CHAIN_WORDS
 *          2  words in all        cursor     struct exec_cursor
 *          3  blocks              batch      open?, number, parent, end state; if open the rest
 *          4  ...                 then per block: words of its witness, the witness [witness.h]
 *
 * The witness's input section holds the block:
 *
 *     a zero and header 395 bytes | entries | per entry: bytes, the bytes padded to words |
 *     hints | per recovery, in order of execution: 0, or 1 | key 64 bytes | struct exec_secp_hint |
 *     slopes
 *
 * The zero stands first because the header is hashed after a tag of 13 bytes: so each word of it
 * falls into a word of the sponge.
 *
 * 1. Nothing here is trusted: cursor and batch are bound by the statement, blocks by their hashes,
 *    state by the witness's proof, keys by exec_secp_verify_hinted.  Hint 0 makes the guest recover
 *    the key itself, which is how an invalid signature is proven invalid.
 * 2. Trailing words and hints nobody asked for are refused: one run, one encoding.
 * 3. A fault means there is nothing to prove: the caller stops without output. */
#pragma once

#include "executor/block.h"
#include "executor/statement.h"
#include "executor/witness.h"

#define EXEC_RUN_MAGIC UINT32_C(0x4E524454) /* "TDRN" */
#define EXEC_RUN_VERSION 2u
#define EXEC_RUN_BLOCKS_MAX 4096u

struct exec_run_start {
    struct td_p2_digest whitelist, program;
    struct exec_chain chain;
    struct exec_cursor cursor;
    struct exec_batch batch;
};

/* Verify and execute; fill the statement.  Borrows words (word aligned).  memory is reset before
 * each block.  TD_E_CORRUPT, TD_E_NOSPACE, or as exec_block. */
TD_MUST_CHECK enum td_error exec_run(struct exec_statement *out, const uint32_t *words,
                                     size_t word_count, struct td_arena *memory);

/* ---- native side: making the input */

/* Words are appended to a caller's buffer; `need` counts on when it is full. */
struct exec_run_writer {
    uint32_t *words;
    size_t cap, need;
};

void exec_run_writer_init(struct exec_run_writer *w, uint32_t *words, size_t cap);
/* Where the run begins: before its first block. */
void exec_run_put_start(struct exec_run_writer *w, const struct exec_run_start *start);
/* A block's witness, as exec_witness_build made it. */
void exec_run_put_block(struct exec_run_writer *w, const uint32_t *witness, uint32_t word_count);
/* Fill the totals.  TD_E_NOSPACE: `need` words are needed. */
TD_MUST_CHECK enum td_error exec_run_finish(struct exec_run_writer *w, uint32_t block_count);

/* Signer keys found while a block ran natively, in order: what its hints are made of. */
struct exec_run_key {
    bool found;
    uint8_t xy[64];
    struct td_hash digest;
    uint8_t r[32], s[32];
    uint32_t parity;
};

/* Bytes of the witness's input section for a block; arena memory.  slopes: for a guest without
 * chips. */
TD_MUST_CHECK enum td_error exec_run_block_input(struct td_bytes *out,
                                                 const struct exec_block *block,
                                                 const struct exec_run_key *keys,
                                                 uint32_t key_count, bool slopes,
                                                 struct td_arena *arena);
