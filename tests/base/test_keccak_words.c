/* How the guest absorbs, compiled for this machine under other names, against the library's way.
 * Method: every fill of the block's words, every alignment of the source and every length that
 * crosses a block's end, the source between bytes that must not matter. */
#include <criterion/criterion.h>

#define TD_KECCAK_WORDS
#define td_keccak words_keccak
#define td_keccak_f words_keccak_f
#define td_keccak_f_portable words_keccak_f_portable
#define TD_KECCAK_ROUND_CONSTANTS words_round_constants
#define td_keccak_init words_keccak_init
#define td_keccak_update words_keccak_update
#define td_keccak_start words_keccak_start
#define td_keccak_set_hash words_keccak_set_hash
#define td_keccak_set_u64 words_keccak_set_u64
#define td_keccak_final words_keccak_final
#define td_keccak256 words_keccak256
#include "base/core/keccak.c"
#undef td_keccak
#undef td_keccak_f
#undef td_keccak_f_portable
#undef TD_KECCAK_ROUND_CONSTANTS
#undef td_keccak_init
#undef td_keccak_update
#undef td_keccak_start
#undef td_keccak_set_hash
#undef td_keccak_set_u64
#undef td_keccak_final
#undef td_keccak256

/* The header once more, under its own names. */
struct td_keccak {
    uint64_t s[25];
    uint32_t fill_bytes;
};
void td_keccak_init(struct td_keccak *k);
void td_keccak_update(struct td_keccak *k, const void *data, size_t len);
void td_keccak_final(struct td_keccak *k, struct td_hash *out);
void td_keccak256(struct td_hash *out, const void *data, size_t len);

static _Alignas(8) uint8_t source[640];

static void fill(uint32_t seed)
{
    for (uint32_t i = 0; i < sizeof source; i++)
        source[i] = (uint8_t)((i + seed) * 167u + (i >> 3));
}

/* Two updates: `first` bytes, then `len` bytes from alignment `at`. */
static bool same(uint32_t first, uint32_t at, uint32_t len)
{
    struct words_keccak w;
    struct td_keccak k;
    words_keccak_init(&w);
    td_keccak_init(&k);
    words_keccak_update(&w, source, first);
    td_keccak_update(&k, source, first);
    words_keccak_update(&w, source + 200u + at, len);
    td_keccak_update(&k, source + 200u + at, len);
    return w.fill_bytes == k.fill_bytes && memcmp(w.s, k.s, sizeof k.s) == 0;
}

Test(keccak_words, absorb_at_every_fill_alignment_and_length)
{
    for (uint32_t first = 0; first < TD_KECCAK_RATE_BYTES; first++) {
        fill(first);
        for (uint32_t at = 0; at < 4; at++) {
            for (uint32_t len = 0; len < 2u * TD_KECCAK_RATE_BYTES + 40u; len++)
                cr_assert(same(first, at, len), "%u, then %u at %u", first, len, at);
        }
    }
}

Test(keccak_words, one_shot_and_set_words)
{
    for (uint32_t len = 0; len < 300; len++) {
        struct td_hash a, b;
        fill(len);
        words_keccak256(&a, source + len % 4u, len);
        td_keccak256(&b, source + len % 4u, len);
        cr_assert(td_hash_eq(&a, &b), "%u", len);
    }
    struct words_keccak w;
    struct td_hash one, a, b;
    uint8_t all[96];
    words_keccak_init(&w);
    for (uint32_t i = 0; i < 2; i++) {
        memcpy(one.b, source + 32u * i, sizeof one.b);
        words_keccak_set_hash(&w, i, &one);
    }
    words_keccak_set_u64(&w, 2, UINT64_C(0x0102030405060708));
    words_keccak_final(&w, &a);
    memcpy(all, source, 64);
    memset(all + 64, 0, 24);
    for (uint32_t i = 0; i < 8; i++)
        all[88u + i] = (uint8_t)(i + 1u);
    td_keccak256(&b, all, sizeof all);
    cr_expect(td_hash_eq(&a, &b));
}
