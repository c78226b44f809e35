/* Code made ready to run: a copy that can be read past its end, and which bytes may be jumped to.
 *
 *     bytes:      code ........ | 33 zero bytes (STOP, and the data of a cut-off PUSH32)
 *     jumpdests:  bit i of byte i / 8: code[i] is a JUMPDEST and no PUSH's data
 *     ops:        natively, bytes again, where sequences run as one are marked (fused.h)
 *
 * 1. The cache is keyed by code hash and lives for one block: what it holds has been asked from the
 *    state in this block, so that the witness contains it.
 * 2. Nothing is ever evicted: whether a code was run before in this transaction decides a native
 *    charge, which must not depend on anything else the block did. */
#pragma once

#include "base/core/arena.h"
#include "base/core/types.h"
#include "executor/evm/fused.h"
#include "executor/state/index.h"

#define EXEC_CODE_PADDING 33u
#define EXEC_CODE_BYTES_MAX 24576u                         /* EIP-170 */
#define EXEC_INITCODE_BYTES_MAX (2u * EXEC_CODE_BYTES_MAX) /* EIP-3860 */
#define EXEC_DELEGATION_BYTES 23u                          /* 0xef0100 and an address: EIP-7702 */

struct exec_code {
    struct td_hash hash;
    const uint8_t *bytes;
    const uint8_t *jumpdests;
#if EXEC_FUSED
    const uint8_t *ops;
#endif
    uint32_t len;
    uint64_t run; /* the last one that ran it */
};

struct exec_code_cache {
    struct td_arena *arena;  /* borrowed for the block; not the vm's */
    struct exec_code *codes; /* [count] */
    uint32_t count, cap;
    struct exec_index index; /* by hash */
    uint64_t run;            /* counts runs */
};

/* Bytes that exec_code_prepare takes from an arena for `len` bytes of code, alignment aside. */
size_t exec_code_prepared_bytes(size_t len);

/* Copy and analyse; false when the arena has no room.  O(len). */
bool exec_code_prepare(struct exec_code *out, struct td_arena *arena, struct td_bytes code);

/* The cache must stay where it is afterwards. */
void exec_code_cache_init(struct exec_code_cache *c, struct td_arena *arena);

/* The entry of `hash`, or NULL.  Valid until the next put. */
struct exec_code *exec_code_cache_find(struct exec_code_cache *c, const struct td_hash *hash);

/* Prepare `code` and keep it; NULL when the arena has no room (the cache then holds what it held).
 */
struct exec_code *exec_code_cache_put(struct exec_code_cache *c, const struct td_hash *hash,
                                      struct td_bytes code);

/* Is `code` a delegation designator (EIP-7702)?  Then *target is the address it names. */
bool exec_code_delegation(struct td_addr *target, struct td_bytes code);
