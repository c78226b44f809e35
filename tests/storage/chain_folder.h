/* A folder of the test's own with a chain database in it, and shorthand for its bytes. */
#pragma once

#include <criterion/criterion.h>
#include <stdint.h>

#include "storage/chain.h"

extern const struct td_hash GENESIS;
extern char chain_folder[64], chain_path[96];

void chain_folder_make(void);
/* Everything in it, and itself. */
void chain_folder_remove(void);
/* "folder/name"; static, overwritten by the next call. */
const char *chain_folder_file(const char *name);

/* A hash, an address of these numbers. */
struct td_hash hash_of(uint32_t kind, uint64_t number);
struct td_addr addr_of(uint64_t number);
/* `len` bytes that depend on all arguments; static, overwritten by the next call of the same kind.
 */
struct td_bytes bytes_of(uint32_t kind, uint64_t number, size_t len);

/* Open or abort the test. */
struct store_chain *chain_open(bool create);
struct store_chain_reader *chain_reader(void);
void chain_begin(struct store_chain *c);
void chain_commit(struct store_chain *c);
/* A row of every kind, of this height, in the open transaction. */
void chain_put_all(struct store_chain *c, uint64_t height);

/* An arena over static memory, emptied. */
struct td_arena *arena_of_test(void);
