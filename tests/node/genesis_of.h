/* A small chain for tests: three validators and funded accounts, keys 1, 2, 3 .. in both. */
#pragma once

#include "node/genesis/genesis.h"

#define GENESIS_VALIDATORS 3u
#define GENESIS_ACCOUNTS 5u

/* Secret of validator or account i: i + 1 as a 256-bit number. */
void genesis_key(struct td_secp *secp, struct td_secp_key *key, uint32_t i);
/* Defaults and these members; accounts and slots are static memory, so one at a time. */
void genesis_of(struct node_genesis *g);
/* *g as JSON: malloc'ed, NUL-terminated. */
char *genesis_text(const struct node_genesis *g, size_t *len);
/* genesis_of, written and parsed. */
void genesis_parsed(struct node_genesis *out);
