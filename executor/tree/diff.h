/* State diffs: what a block publishes so that anyone can rebuild the tree without the block.
 *
 *     diff     u8 version = 1, updates, 0, inserts, 0
 *     update   varint index - index of the update before (the first: - 0), then change
 *     insert   varint index - index of the insert before (the first: - (old leaf count - 1)),
 *              key 35, then change, from an empty account or slot
 *     change   slot:    u8 form * 33 + len (0 .. 98), len bytes
 *              account: u8 0x80 | 1 nonce | 2 balance | 4 code | 8 da_off is set now, then
 *                       nonce and balance as number, code as varint length and its bytes
 *     number   u8 form * 33 + len, len bytes
 *     form     0: the value; 1: what was added; 2: what was subtracted (modulo nothing: exact).
 *              len <= 32 bytes, little-endian, the last one not zero.  The encoder takes the
 *              shortest, the value when equal
 *     key      nine elements of 31 bits, element 0 lowest in a little-endian 279-bit number
 *     varint   LEB128, shortest form, below 2^32
 *
 * 1. Indexes increase; a block's two diffs (published, committee) are of the same form and touch
 *    different leaves; inserts of both together are all the new leaves.
 * 2. `next` is never published: it follows from the keys.
 * 3. Applied to the tree before, the diffs alone give the tree after, to the bit.
 * 4. Bounds per entry: index at most 5 bytes; slot 33; account 1 + 9 + 33 (+ 4 + code); an insert
 *    35 more. */
#pragma once

#include "executor/tree.h"

#define EXEC_DIFF_VERSION 1u
#define EXEC_DIFF_KEY_BYTES 35u

/* What a leaf's value is made of. */
struct exec_diff_record {
    bool is_account;
    struct exec_account account;     /* has_storage is not kept */
    struct td_p2_digest code_digest; /* of the account's code */
    struct exec_u256 value;          /* of a slot */
};

struct exec_diff_entry {
    uint32_t index;
    bool insert;
    bool off; /* came in the committee's diff */
    bool code_changed;
    struct td_p2_digest key; /* filled for inserts */
    struct exec_diff_record now;
    struct td_bytes code; /* with code_changed; view into the diff */
};

/* Where the records before the block are kept. */
struct exec_diff_base {
    void *self;
    enum td_error (*record)(void *self, uint32_t index, struct exec_diff_record *out);
};

struct exec_diff_applied {
    struct exec_diff_entry *entries; /* updates and inserts of `on`, then of `off` */
    uint32_t entry_count;
    struct exec_tree_batch batch;
    struct exec_tree_update update; /* update.now: to be held against the state commitment */
};

/* Read two diffs and work out the tree after them; writes nothing.  TD_E_MALFORMED or
 * TD_E_TRUNCATED: not a diff; TD_E_CORRUPT: not one of this tree; TD_E_NOSPACE; or the error of
 * store or base.  Memory: about 700 bytes an entry, which has at least two. */
TD_MUST_CHECK enum td_error
exec_diff_apply(struct exec_diff_applied *out, const struct exec_tree_head *old, struct td_bytes on,
                struct td_bytes off, const struct exec_tree_store *store,
                const struct exec_diff_base *base, const struct exec_tree_hasher *hasher,
                struct td_arena *arena);
