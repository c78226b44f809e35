/* The sign guard's database: what a validator's key has signed, on disk before any of it leaves the
 * process.  It keeps bytes; what they forbid is consensus/guard.h's.  [P-10.1] [P-10.2]
 *
 *     create ──▶ (file)          once, when the key is made
 *     open ──▶ get... ──▶ put ──▶ put ──▶ ... ──▶ close
 *                          └─ any failure ──▶ dead: no call succeeds again; the process must end
 *
 * 1. put is atomic and on stable storage when it returns TD_OK: SQLite in WAL mode,
 * synchronous=FULL, one sync of the log per put, and the folder synced when the log is created.
 * 2. A failed put is never repeated: after a failed fsync the kernel may report success for pages
 * it has dropped.
 * 3. One process at a time: the lock is exclusive from open to close, and the kernel drops it when
 * the process dies.
 * 4. Opening refuses on any doubt: SQLite's own integrity check, a digest over every slot and the
 *    count of puts, the identity (key and genesis) it was made for, a version this program knows.
 *    What no check in a file can see is an older copy of it: that is the Start rule's [P-10.4].
 * 5. A slot holds the newest bytes put there; a slot never put is empty. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/core/error.h"
#include "base/core/types.h"

#define STORE_GUARD_SLOTS 16u
/* A TC of 256 signers with its QC has 42 KiB. */
#define STORE_GUARD_BYTES_MAX (64u << 10)

/* Whom the guard is of; another's is refused. */
struct store_guard_identity {
    struct td_addr validator;
    struct td_hash genesis;
};

struct store_guard_item {
    uint32_t slot; /* 0 .. STORE_GUARD_SLOTS - 1 */
    struct td_bytes bytes;
};

/* Why an operation failed, for people: what, and what to do. */
struct store_error {
    char text[200];
};

struct store_guard;

/* Create the file with these items; it appears under `path` whole or not at all.  TD_E_EXISTS:
 * there is one, untouched.  TD_E_IO: *error says why. */
TD_MUST_CHECK enum td_error store_guard_create(const char *path,
                                               const struct store_guard_identity *identity,
                                               const struct store_guard_item *items, size_t count,
                                               struct store_error *error);

/* Open and lock; fills *out, which the caller gives to store_guard_close.  TD_E_NOTFOUND.
 * TD_E_BUSY: another process holds it.  TD_E_CORRUPT: damaged, or not a guard: do not sign; restore
 * nothing, see the operator's manual.  TD_E_RANGE: of another validator or genesis.
 * TD_E_UNSUPPORTED: written by a newer program.  TD_E_NOMEM, TD_E_IO.  Then *out is NULL. */
TD_MUST_CHECK enum td_error store_guard_open(struct store_guard **out, const char *path,
                                             const struct store_guard_identity *identity,
                                             struct store_error *error);

/* Replace the bytes of some slots together.  Items name different slots (a bug otherwise), each at
 * most STORE_GUARD_BYTES_MAX.  TD_E_IO: nothing may be assumed of what is on disk, the guard is
 * dead. Cost: one fsync. */
TD_MUST_CHECK enum td_error store_guard_put(struct store_guard *g,
                                            const struct store_guard_item *items, size_t count,
                                            struct store_error *error);

/* View what a slot holds, empty if never put; valid until the next put or close. */
struct td_bytes store_guard_get(const struct store_guard *g, uint32_t slot);

/* How many puts there were in the file's life, creation included. */
uint64_t store_guard_generation(const struct store_guard *g);

/* NULL is allowed. */
void store_guard_close(struct store_guard *g);
