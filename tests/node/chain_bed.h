/* A chain over the store in memory, and payloads for it. */
#pragma once

#include "node/chain/chain.h"
#include "node/chain/record.h"
#include "tests/node/genesis_of.h"

#define BED_ENTRIES_MAX 8192u

struct bed {
    /* Set before bed_init. */
    const char *path;  /* NULL: whatever, for the store in memory */
    const char *guest; /* image for paranoid execution; NULL: once each */

    struct node_genesis *genesis;
    struct store_chain *writer;
    struct store_chain_reader *reader;
    struct node_chain *chain;
    struct store_error error;
    struct node_ledger wallet; /* signs and encodes */
    struct td_arena arena;
    uint64_t nonces[GENESIS_ACCOUNTS];
    /* The next block's payload. */
    struct td_bytes entries[BED_ENTRIES_MAX];
    uint32_t count;
    uint8_t *payload; /* of the newest block, malloc'ed */
    size_t payload_len;
    struct bft_header header; /* of the newest block */
    struct td_hash hash;
};

/* On an empty store; leaves: of the chain. */
void bed_init(struct bed *b, uint32_t leaves);
void bed_free(struct bed *b);
/* Close and open the chain as after a crash: only what was committed is there. */
enum td_error bed_reopen(struct bed *b, uint32_t leaves);

/* Add a transaction of account `from`: a transfer; a creation; a call; a transfer with a nonce of
 * its own.  Returns its hash. */
struct td_hash bed_transfer(struct bed *b, uint32_t from, const struct td_addr *to, uint64_t wei);
struct td_hash bed_create(struct bed *b, uint32_t from, struct td_bytes init);
struct td_hash bed_call(struct bed *b, uint32_t from, const struct td_addr *to,
                        struct td_bytes data);
struct td_hash bed_transfer_at(struct bed *b, uint32_t from, const struct td_addr *to,
                               uint64_t nonce);
void bed_entry(struct bed *b, struct td_bytes entry);

/* Header and payload of the entries so far, following the cursor; end_batch as told. */
void bed_block(struct bed *b, bool end_batch);
/* Execute that block; and put it with its changes in one commit. */
enum td_error bed_execute(struct bed *b, struct node_executed *out);
void bed_commit(struct bed *b, const struct node_executed *e);
