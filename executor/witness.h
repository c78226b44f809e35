/* The witness of a block: all of the state it touched, in a form the guest reads in place, and the
 * check at the end of the block that it was true.  Source: executor design, "Witness".
 *
 * Little-endian 32-bit words; the words of a section follow those of the one before at once.
 *
 *     word  0      EXEC_WITNESS_MAGIC
 *           1      EXEC_WITNESS_VERSION
 *           2      words in all, this header included
 *           3      old leaf count
 *           4      bytes of the input section (it is padded with zeros to whole words)
 *           5..20  first word and number of items of each section below
 *           21     the sections
 *
 *     section    item (words)
 *     input      1   opaque here: block environment, transactions, hints
 *     places     28  index, key 9, value 9, next 9: struct exec_tree_place
 *     accounts   35  struct exec_witness_account, in order of first touch
 *     slots      22  struct exec_witness_slot, in order of first touch
 *     codes      10  struct exec_witness_code, in order of first request
 *     code bytes 1   each code padded with zeros to whole words, one after the other
 *     inserts    1   number of an access: account i is i, slot j is accounts + j
 *     siblings   9   the multiproof of tree.h
 *
 * 1. exec_witness_open checks every offset and count once; afterwards nothing is copied and no
 *    bound is checked twice.  There is one encoding: no gaps, no trailing words.
 * 2. What the reader answers is only claimed until exec_witness_finish returned TD_OK.  It checks:
 *    the accounts and slots are those the state asked for, in that order, none more; each stands
 *    in its leaf, or is empty and its key is absent; each code has the digest of an account that
 *    is proven to have that keccak; the leaves hash to the old root; nothing is left over.
 * 3. The keccak of an old code is not computed again: an account's leaf binds keccak and digest of
 *    its code together, and both were computed when the code was deployed, under proof.
 * 4. What is written: for each account and slot whose value at the end of the block differs from
 *    the one at its beginning, the new value; where there was no leaf one is inserted, in order of
 *    key.  A value that comes back to what it was is not written.
 * 5. Natively exec_witness_build runs the same code, so both sides agree on roots and diffs.
 *
 * Limits: TD_E_MALFORMED above 2^28 words (the guest's input region has 2^27).
 * Cost: an answer is a comparison of the key with the next entry. */
#pragma once

#include "executor/state.h"
#include "executor/tree.h"

#define EXEC_WITNESS_MAGIC UINT32_C(0x57574454) /* "TDWW" */
#define EXEC_WITNESS_VERSION 1u
#define EXEC_WITNESS_WORDS_MAX (1u << 28)

enum exec_witness_section {
    EXEC_WITNESS_INPUT,
    EXEC_WITNESS_PLACES,
    EXEC_WITNESS_ACCOUNTS,
    EXEC_WITNESS_SLOTS,
    EXEC_WITNESS_CODES,
    EXEC_WITNESS_CODE_WORDS,
    EXEC_WITNESS_INSERTS,
    EXEC_WITNESS_SIBLINGS,
    EXEC_WITNESS_SECTIONS
};

#define EXEC_WITNESS_HEADER_WORDS (5u + 2u * EXEC_WITNESS_SECTIONS)

struct exec_witness_account {
    uint32_t addr[5];  /* 20 bytes as they come */
    uint32_t place;    /* own leaf or predecessor */
    uint32_t nonce[2]; /* all numbers low word first */
    uint32_t balance[8];
    uint32_t code_hash[8]; /* 32 bytes as they come */
    struct td_p2_digest code_digest;
    uint32_t code_bytes;
    uint32_t da_off; /* 0 or 1 */
};

struct exec_witness_slot {
    uint32_t addr[5];
    uint32_t place;
    uint32_t slot[8];
    uint32_t value[8];
};

struct exec_witness_code {
    uint32_t hash[8];
    uint32_t account; /* entry whose leaf vouches for it */
    uint32_t bytes;
};

/* Why exec_witness_open, the reader or exec_witness_finish refused. */
enum exec_witness_fault {
    EXEC_WITNESS_FINE,
    EXEC_WITNESS_HEADER,         /* magic, version or size */
    EXEC_WITNESS_LAYOUT,         /* an offset or count */
    EXEC_WITNESS_PADDING,        /* a padding byte is not zero */
    EXEC_WITNESS_ACCOUNT_ABSENT, /* the state asked for something that is not the next entry */
    EXEC_WITNESS_SLOT_ABSENT,
    EXEC_WITNESS_CODE_ABSENT,
    EXEC_WITNESS_FIELD,       /* an entry's field out of range */
    EXEC_WITNESS_UNUSED,      /* entries nobody asked for */
    EXEC_WITNESS_STATE,       /* the state is not of this witness, or had an error */
    EXEC_WITNESS_VALUE,       /* an entry differs from its leaf, or is not empty without one */
    EXEC_WITNESS_CODE_DIGEST, /* a code's bytes or hash are not its account's */
    EXEC_WITNESS_LEAF_COUNT,  /* not the state commitment's */
    EXEC_WITNESS_TREE,        /* see tree_verdict */
};

struct exec_witness {
    const uint32_t *words; /* borrowed */
    uint32_t word_count;
    uint32_t leaf_count;
    struct td_bytes input; /* view */
    const struct exec_tree_place *places;
    const struct exec_witness_account *accounts;
    const struct exec_witness_slot *slots;
    const struct exec_witness_code *codes;
    const uint32_t *code_words;
    const uint32_t *inserts;
    const struct td_p2_digest *siblings;
    uint32_t count[EXEC_WITNESS_SECTIONS];
    /* next entries to be asked for */
    uint32_t account_next, slot_next, code_next, code_word_next;
    enum exec_witness_fault fault;
    enum exec_tree_verdict tree_verdict; /* with EXEC_WITNESS_TREE */
    uint32_t fault_at;                   /* entry, where one is to blame */
};

/* The block's published data; views into the arena. */
struct exec_diffs {
    struct td_bytes on;  /* to L1 */
    struct td_bytes off; /* to the committee: accounts with da_off, and their slots */
};

/* Borrows words (4-byte aligned) until the end of the block.  TD_E_MALFORMED when they are not a
 * witness.  Cost: constant, plus the padding. */
TD_MUST_CHECK enum td_error exec_witness_open(struct exec_witness *w, const uint32_t *words,
                                              size_t word_count);

/* The port over an open witness.  It answers in order, as exec_state asks; anything but the
 * next entry is TD_E_CORRUPT, and w->fault says which.  No code needs no entry. */
struct exec_reader exec_witness_reader(struct exec_witness *w);

/* Check the witness against what `state` did and `old`, the head in the state commitment; fill the
 * head after the block and the diffs (may be NULL).  TD_E_CORRUPT: the witness lies, w->fault says
 * how; TD_E_NOSPACE; *now and *diffs are then zero.
 * Cost per account: 3 permutations for key and value, per slot 1, when written 2 and 0 more; per
 * place 2, when written 4; and exec_tree_verify's nodes.  No keccak. */
TD_MUST_CHECK enum td_error exec_witness_finish(struct exec_witness *w,
                                                const struct exec_state *state,
                                                const struct exec_tree_head *old,
                                                struct td_arena *arena, struct exec_tree_head *now,
                                                struct exec_diffs *diffs);

/* ---- native side */

struct exec_witness_source {
    const struct exec_tree_store *tree;
    const struct exec_tree_hasher *hasher;
    void *self;
    /* exec_code_digest of a stored code. */
    enum td_error (*code_digest)(void *self, const struct td_hash *code_hash,
                                 struct td_p2_digest *out);
};

struct exec_witness_built {
    const uint32_t *words; /* in the arena, as is everything below */
    uint32_t word_count;
    struct exec_tree_batch batch; /* accesses: accounts of the state, then its slots */
    struct exec_tree_update update;
    struct exec_diffs diffs;
};

/* From a finished block: its witness with `input` inside, the tree after it, and its diffs.
 * TD_E_CORRUPT when the store disagrees with what the state read; TD_E_LIMIT when something does
 * not fit the format; TD_E_NOSPACE; or the source's error. */
TD_MUST_CHECK enum td_error exec_witness_build(struct exec_witness_built *out,
                                               const struct exec_state *state,
                                               const struct exec_tree_head *old,
                                               const struct exec_witness_source *source,
                                               struct td_bytes input, struct td_arena *arena);
