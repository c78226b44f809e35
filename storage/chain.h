/* The chain database: final blocks with their payloads, certificates and receipts, the state as of
 * the last executed block, and what the node needs to go on after a crash.  SQLite in WAL mode.  It
 * keeps bytes and knows nothing of what they mean.
 *
 *     writer thread:   begin ─▶ put.. ─▶ commit (one fsync) ─▶ begin ...      store_chain
 *     other threads:   each its own connection, never blocked by it           store_chain_reader
 *
 * 1. One process at a time: the writer's lock is exclusive from open to close (a lock file beside
 *    the database, so that readers of the same process get in); the kernel drops it when the
 * process dies.
 * 2. commit is atomic and on stable storage when it returns TD_OK (synchronous "full").  With
 *    "normal" a power loss may take back the newest commits, whole, never a part of one.
 * 3. After a failed put or commit the writer is dead: every later call fails.  A failed fsync is
 *    never repeated; the process must end.
 * 4. Every row carries a checksum over its table, key and bytes, since SQLite has none: a row that
 *    does not match is TD_E_CORRUPT, never data.
 * 5. The file names its schema version and genesis; an older version is migrated at open, a newer
 *    one refused (TD_E_UNSUPPORTED), another genesis refused (TD_E_RANGE).
 * 6. Readers see whole commits only, and what they return is copied into the caller's arena. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/core/arena.h"
#include "base/core/error.h"
#include "base/core/types.h"
#include "storage/guard.h" /* struct store_error */

#define STORE_CHAIN_VERSION 1u
/* The largest row: a payload of 2 MiB with its framing, or the receipts of a full block. */
#define STORE_CHAIN_BYTES_MAX (64u << 20)

struct store_chain;
struct store_chain_reader;

struct store_chain_options {
    struct td_hash genesis;
    bool create; /* make the file, and its folder's entry durable, where there is none */
    bool normal; /* synchronous=NORMAL instead of FULL */
};

/* TD_E_NOTFOUND (no file, create false), TD_E_BUSY (another process has it), TD_E_CORRUPT,
 * TD_E_RANGE, TD_E_UNSUPPORTED, TD_E_NOMEM, TD_E_IO; *out is NULL then and *error says why. */
TD_MUST_CHECK enum td_error store_chain_open(struct store_chain **out, const char *path,
                                             const struct store_chain_options *options,
                                             struct store_error *error);
/* Rolls back what was not committed.  NULL is allowed. */
void store_chain_close(struct store_chain *c);

/* ---- writing: between begin and commit; errors are sticky and come out of commit */

TD_MUST_CHECK enum td_error store_chain_begin(struct store_chain *c);
TD_MUST_CHECK enum td_error store_chain_commit(struct store_chain *c, struct store_error *error);

/* A singleton by number (the caller's enum), replaced by every put; empty bytes remove it. */
#define STORE_CHAIN_ITEMS 64u
void store_chain_put_item(struct store_chain *c, uint32_t item, struct td_bytes bytes);

/* A header that is not final yet, kept because something was signed about it.  Putting the same
 * hash again does nothing. */
void store_chain_put_header(struct store_chain *c, const struct td_hash *hash, uint64_t epoch,
                            uint64_t round, struct td_bytes header);
/* Forget every unfinal header at or below (epoch, round). */
void store_chain_drop_headers(struct store_chain *c, uint64_t epoch, uint64_t round);

/* A payload by its root.  height: of the block it was seen in, for drop_payloads. */
void store_chain_put_payload(struct store_chain *c, const struct td_hash *root, uint64_t height,
                             struct td_bytes payload);
/* Forget payloads seen at heights up to `height` that no final block names. */
void store_chain_drop_payloads(struct store_chain *c, uint64_t height);

/* A final block.  `state`: what the core keeps beside the header.  The same height again with
 * another hash is TD_E_CORRUPT: final is final. */
void store_chain_put_block(struct store_chain *c, uint64_t height, const struct td_hash *hash,
                           const struct td_hash *payload_root, struct td_bytes header,
                           struct td_bytes state);
/* What execution of that block yielded. */
void store_chain_put_executed(struct store_chain *c, uint64_t height, struct td_bytes record,
                              struct td_bytes receipts);
/* Where a transaction is: the newest put of a hash wins. */
void store_chain_put_tx(struct store_chain *c, const struct td_hash *hash, uint64_t height,
                        uint32_t index);
/* This height has a log of this key (8 bytes of a hash of address or topic). */
void store_chain_put_log(struct store_chain *c, uint64_t key, uint64_t height);

/* Certificates, proofs and evidence by kind (the caller's enum) and number, replaced by a put. */
void store_chain_put_cert(struct store_chain *c, uint32_t kind, uint64_t number,
                          struct td_bytes bytes);

/* State, as of the block whose put_executed is in the same commit.  leaf: index in the state tree.
 */
void store_chain_put_account(struct store_chain *c, const struct td_addr *addr,
                             struct td_bytes account);
void store_chain_put_slot(struct store_chain *c, const struct td_addr *addr,
                          const struct td_hash *slot, const struct td_hash *value);
void store_chain_put_code(struct store_chain *c, const struct td_hash *hash, struct td_bytes code);
void store_chain_put_leaf(struct store_chain *c, uint32_t index, struct td_bytes leaf);
/* Nodes of the state tree, many to a page; what a page holds is the caller's. */
void store_chain_put_page(struct store_chain *c, uint32_t level, uint32_t page,
                          struct td_bytes bytes);

/* Drop blocks' payloads, receipts, transaction and log index below `height` (headers and
 * certificates stay), at most `rows` blocks a call.  Returns blocks pruned through *pruned. */
void store_chain_prune(struct store_chain *c, uint64_t height, uint32_t rows, uint32_t *pruned);

/* ---- reading */

/* A connection of the calling thread's own; the file must be open for writing in this process, or
 * closed by all.  Errors as open. */
TD_MUST_CHECK enum td_error store_chain_reader_open(struct store_chain_reader **out,
                                                    const char *path, const struct td_hash *genesis,
                                                    struct store_error *error);
void store_chain_reader_close(struct store_chain_reader *r);

/* Several reads of one state of the database; optional. */
TD_MUST_CHECK enum td_error store_chain_read_begin(struct store_chain_reader *r);
void store_chain_read_end(struct store_chain_reader *r);

/* All of the following: TD_E_NOTFOUND, TD_E_CORRUPT, TD_E_NOSPACE (arena), TD_E_IO. */
TD_MUST_CHECK enum td_error store_chain_item(struct store_chain_reader *r, uint32_t item,
                                             struct td_arena *arena, struct td_bytes *out);
TD_MUST_CHECK enum td_error store_chain_header(struct store_chain_reader *r,
                                               const struct td_hash *hash, struct td_arena *arena,
                                               struct td_bytes *header);
TD_MUST_CHECK enum td_error store_chain_payload(struct store_chain_reader *r,
                                                const struct td_hash *root, struct td_arena *arena,
                                                struct td_bytes *payload);

struct store_chain_block {
    uint64_t height;
    struct td_hash hash, payload_root;
    struct td_bytes header, state;
    bool executed;
    struct td_bytes record; /* empty unless executed */
};
TD_MUST_CHECK enum td_error store_chain_block(struct store_chain_reader *r, uint64_t height,
                                              struct td_arena *arena,
                                              struct store_chain_block *out);
TD_MUST_CHECK enum td_error store_chain_block_height(struct store_chain_reader *r,
                                                     const struct td_hash *hash, uint64_t *height);
/* Greatest final and greatest executed height; 0 = none. */
TD_MUST_CHECK enum td_error store_chain_heights(struct store_chain_reader *r, uint64_t *final,
                                                uint64_t *executed);
TD_MUST_CHECK enum td_error store_chain_receipts(struct store_chain_reader *r, uint64_t height,
                                                 struct td_arena *arena, struct td_bytes *out);
TD_MUST_CHECK enum td_error store_chain_tx(struct store_chain_reader *r, const struct td_hash *hash,
                                           uint64_t *height, uint32_t *index);
TD_MUST_CHECK enum td_error store_chain_cert(struct store_chain_reader *r, uint32_t kind,
                                             uint64_t number, struct td_arena *arena,
                                             struct td_bytes *out);
/* The greatest number of a kind at or below `most`; TD_E_NOTFOUND. */
TD_MUST_CHECK enum td_error store_chain_cert_last(struct store_chain_reader *r, uint32_t kind,
                                                  uint64_t most, uint64_t *number);
/* Heights in [from, to] that have a log of this key, ascending, at most `cap`; *count of them. */
TD_MUST_CHECK enum td_error store_chain_logs(struct store_chain_reader *r, uint64_t key,
                                             uint64_t from, uint64_t to, uint64_t *heights,
                                             uint32_t cap, uint32_t *count);

/* Every row of a table, in order of key, until `each` returns other than TD_OK, which is returned.
 * Views are valid during the call.  Keys: HEADER hash 32 (ordered by epoch, round); ACCOUNT address
 * 20; SLOT address 20 ‖ slot 32; CODE hash 32; LEAF u32 big-endian; PAGE level u32 ‖ page u32. */
enum store_chain_table {
    STORE_CHAIN_HEADERS,
    STORE_CHAIN_ACCOUNTS,
    STORE_CHAIN_SLOTS,
    STORE_CHAIN_CODES,
    STORE_CHAIN_LEAVES,
    STORE_CHAIN_PAGES,
};
TD_MUST_CHECK enum td_error
store_chain_scan(struct store_chain_reader *r, enum store_chain_table table,
                 enum td_error (*each)(void *ctx, struct td_bytes key, struct td_bytes value),
                 void *ctx);

/* ---- care */

/* Every row's checksum and SQLite's own integrity check.  `progress` (or NULL) is called with rows
 * done and in all, at most ten times a second or so.  TD_E_CORRUPT: *error names the first row. */
TD_MUST_CHECK enum td_error store_chain_check(struct store_chain_reader *r,
                                              void (*progress)(void *ctx, uint64_t done,
                                                               uint64_t all),
                                              void *ctx, struct store_error *error);
/* A consistent copy while the node runs (SQLite's backup API); appears under `to` whole or not at
 * all.  TD_E_EXISTS, TD_E_IO. */
TD_MUST_CHECK enum td_error store_chain_backup(struct store_chain_reader *r, const char *to,
                                               struct store_error *error);
/* The other way: copy the backup `from` beside `to`, check the copy as above, give it its name. The
 * node must not run, and `to` must not be there.  genesis NULL: any.  TD_E_NOTFOUND (from),
 * TD_E_EXISTS, TD_E_BUSY, TD_E_CORRUPT, TD_E_RANGE, TD_E_UNSUPPORTED, TD_E_NOMEM, TD_E_IO. */
TD_MUST_CHECK enum td_error store_chain_restore(const char *from, const char *to,
                                                const struct td_hash *genesis,
                                                struct store_error *error);
/* Which genesis a file is of; errors as store_chain_reader_open. */
TD_MUST_CHECK enum td_error store_chain_identity(const char *path, struct td_hash *genesis,
                                                 struct store_error *error);
/* Bytes of the database and its log on disk. */
uint64_t store_chain_bytes(const struct store_chain *c);
/* The checksum column, exposed for tests: SipHash-2-4 under a fixed key. */
uint64_t store_chain_checksum(uint32_t table, struct td_bytes key, struct td_bytes value);
