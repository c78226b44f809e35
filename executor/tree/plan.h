/* From a block's footprint to a batch of tree accesses: the same natively and in the guest. */
#pragma once

#include "executor/state.h"
#include "executor/tree.h"
#include "executor/witness.h"

/* Size of one item of each section. */
extern const uint8_t EXEC_WITNESS_ITEM_WORDS[EXEC_WITNESS_SECTIONS];

/* Access i < account_count is account i of the state, the others its slots. */
struct exec_plan {
    const struct exec_state *state;
    uint32_t account_count, slot_count;
    struct exec_tree_access *accesses; /* key, value and write filled; place is the caller's */
    struct td_p2_digest *before;       /* what the leaf of access i must hold */
    struct exec_hash_queue *queue;     /* keys and digests wait in it; NULL: hashed at once */
};

/* Are they the same to the tree?  has_storage is not in it. */
bool exec_account_same(const struct exec_account *a, const struct exec_account *b);
/* What an account without a leaf must be. */
bool exec_account_is_default(const struct exec_account *a);

/* Room for every access, in the arena; TD_E_NOSPACE. */
TD_MUST_CHECK enum td_error exec_plan_init(struct exec_plan *p, const struct exec_state *state,
                                           struct td_arena *arena);
/* Account i, whose code at the start of the block has this digest.  TD_E_RANGE: code too long. */
TD_MUST_CHECK enum td_error exec_plan_account(struct exec_plan *p, uint32_t i,
                                              const struct td_p2_digest *code_digest);
void exec_plan_slot(struct exec_plan *p, uint32_t i);
/* Does the state's original value stand in this leaf, or is it empty and the leaf another's?
 * code_digest as above; not read for a slot. */
bool exec_plan_holds(const struct exec_plan *p, uint32_t access, const struct exec_tree_leaf *leaf,
                     const struct td_p2_digest *code_digest);

/* Do the published data of this access go to the committee?  A slot goes where its account goes;
 * one whose account the block never looked at is published. */
bool exec_plan_is_off(const struct exec_plan *p, uint32_t access);
/* Code that account i has at the end of the block, when it is another than before. */
struct td_bytes exec_plan_code(const struct exec_plan *p, uint32_t i);

/* Both diffs, in the arena. */
TD_MUST_CHECK enum td_error exec_diffs_encode(struct exec_diffs *out, const struct exec_plan *p,
                                              const struct exec_tree_batch *batch,
                                              const struct exec_tree_change *changes,
                                              struct td_arena *arena);
