/* Accounts in memory: what a state test calls `pre` and `post`.
 *
 *     JSON ──node_world_get──▶ world ──node_world_reader──▶ execution ──node_world_after──▶ world
 *                                └──────────── node_world_compare, node_world_root ────────────┘
 *
 * 1. Accounts are sorted by address and a world names each once; slots likewise, and none is zero.
 * 2. An empty account (EIP-161) without storage is not listed: it is the same as an absent one. */
#pragma once

#include <stdio.h>

#include "executor/state.h"
#include "node/exec/json.h"

struct node_world_slot {
    struct exec_u256 slot, value;
};

struct node_world_account {
    struct td_addr addr;
    uint64_t nonce;
    struct exec_u256 balance;
    struct td_bytes code;
    struct td_hash code_hash;
    size_t slot_count;
    struct node_world_slot *slots;
};

struct node_world {
    size_t account_count;
    struct node_world_account *accounts;
    struct node_world_account **by_code; /* the same accounts, sorted by code hash */
};

/* Read an object of accounts, by address: nonce, balance, code, storage.  Complaints go to `j`. */
void node_world_get(struct node_world *out, struct node_json *j, const json_t *in);

/* The port through which the executor reads; borrows `w`. */
struct exec_reader node_world_reader(const struct node_world *w);

/* What `before` has become: every account and slot of it, and of the footprint of `s`, read through
 * `s` as the next transaction would.  Begins a transaction there.  TD_E_NOSPACE: the arena. */
TD_MUST_CHECK enum td_error node_world_after(struct node_world *out,
                                             const struct node_world *before, struct exec_state *s,
                                             struct td_arena *arena);

/* Write one line per difference to `to`, at most `lines_max`; returns how many there are. */
size_t node_world_compare(FILE *to, size_t lines_max, const struct node_world *expected,
                          const struct node_world *got);

/* Root of the state trie over `w`. */
TD_MUST_CHECK enum td_error node_world_root(struct td_hash *root, const struct node_world *w,
                                            struct td_arena *arena);
