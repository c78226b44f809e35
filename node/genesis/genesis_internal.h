/* Shared by the files of node/genesis only: the one order of keys that file and hash have. */
#pragma once

#include "node/genesis/genesis.h"

#define NODE_GENESIS_VERSION 1u

/* Where text goes. */
struct node_genesis_sink {
    void *self;
    void (*put)(void *self, const char *text, size_t len);
};

/* The file's text.  canonical: without white space, name and where validators are to be found; what
 * configHash is the hash of.  Accounts, slots and validators stand in order of address and number
 * in *g. */
void node_genesis_emit(const struct node_genesis *g, bool canonical,
                       const struct node_genesis_sink *sink);

/* Leaves that are not of the file: the sentinel and the system's accounts (executor/genesis.h). */
#define NODE_GENESIS_LEAVES_OWN 8u

/* configHash, header, genesis hash and params' chain members. */
void node_genesis_hash(struct node_genesis *g);
/* The hashes, and what building the state once tells. */
TD_MUST_CHECK enum td_error node_genesis_derive(struct node_genesis *g, enum exec_genesis *verdict);
/* What a ledger needs for this state. */
void node_genesis_room(const struct node_genesis *g, struct node_ledger_limits *out);
