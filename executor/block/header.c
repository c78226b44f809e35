/* The consensus header's fields that execution uses.  [P-2.1, P-2.2] */
#include "base/core/keccak.h"
#include "base/core/memory.h"
#include "executor/chain.h"

enum { FLAG_FILLER = 1, FLAG_END_BATCH = 2 };

/* Where they stand; what lies between is bound by the hash alone. */
enum offset {
    EPOCH = 0,
    NUMBER = 16,
    FLAGS = 24,
    PREV_HASH = 65,
    TS_MS = 97,
    PAYLOAD_ROOT = 107,
    PAYLOAD_BYTES = 139,
    TX_COUNT = 143,
    INBOX_COUNT = 187,
    NEXT_SET_HASH = 363,
};
_Static_assert(NEXT_SET_HASH + TD_HASH_BYTES == EXEC_HEADER_BYTES, "the last field ends it");

static const char HEADER_TAG[] = "TandemHeader1";

static uint32_t u32_at(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t u64_at(const uint8_t *p)
{
    return (uint64_t)u32_at(p) << 32 | u32_at(p + 4);
}

/* A hash at any offset; the guest takes two words for one where they do not coincide. */
static void hash_at(struct td_hash *out, const uint8_t *p)
{
#if defined(__riscv) && __riscv_xlen == 32 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    typedef uint32_t __attribute__((may_alias)) word;
    uint32_t skew = (uint32_t)((uintptr_t)p & 3u), down = 8u * skew, up = 32u - down;
    const word *from = (const word *)(const void *)(p - skew);
    word *to = (word *)(void *)out->b, low = *from;
#pragma GCC unroll 8
    for (uint32_t i = 0; i < 8; i++) {
        word next = skew == 0 ? low : from[i + 1u];
        to[i] = skew == 0 ? from[i] : low >> down | next << up;
        low = next;
    }
#else
    memcpy(out->b, p, TD_HASH_BYTES);
#endif
}

enum td_error exec_header_read(struct exec_header *out, struct td_bytes bytes)
{
    const uint8_t *p = bytes.ptr;
    struct td_keccak *k = &out->sponge;
    if (bytes.len != EXEC_HEADER_BYTES || p[FLAGS] > (FLAG_FILLER | FLAG_END_BATCH)) {
        memset(out, 0, sizeof *out);
        return TD_E_MALFORMED;
    }
    out->epoch = u64_at(p + EPOCH);
    out->number = u64_at(p + NUMBER);
    out->filler = (p[FLAGS] & FLAG_FILLER) != 0;
    out->end_batch = (p[FLAGS] & FLAG_END_BATCH) != 0;
    hash_at(&out->prev_hash, p + PREV_HASH);
    out->ts_ms = u64_at(p + TS_MS);
    hash_at(&out->payload_root, p + PAYLOAD_ROOT);
    out->payload_bytes = u32_at(p + PAYLOAD_BYTES);
    out->tx_count = u32_at(p + TX_COUNT);
    out->inbox_count = u64_at(p + INBOX_COUNT);
    hash_at(&out->next_set_hash, p + NEXT_SET_HASH);
    td_keccak_start(k, HEADER_TAG, sizeof HEADER_TAG - 1u);
    td_keccak_update(k, p, EXEC_HEADER_BYTES);
    td_keccak_final(k, &out->hash);
    return TD_OK;
}
