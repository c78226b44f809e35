/* base/core/keccak absorbing by words, as the guest's build does, against this machine's lanes.
 * Method: the source compiled here under other names; every alignment, every length up to two
 * blocks and a half, cut in two at every kind of place. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/core/keccak.h"

#define TD_KECCAK_WORDS 1
#define td_keccak_f words_keccak_f
#define td_keccak_init words_keccak_init
#define td_keccak_update words_keccak_update
#define td_keccak_final words_keccak_final
#define td_keccak256 words_keccak256
void words_keccak_f(uint64_t s[25]);
void words_keccak_init(struct td_keccak *k);
void words_keccak_update(struct td_keccak *k, const void *data, size_t len);
void words_keccak_final(struct td_keccak *k, struct td_hash *out);
void words_keccak256(struct td_hash *out, const void *data, size_t len);
#include "base/core/keccak.c"
#undef td_keccak256

#define LEN_MAX 340u

Test(base_keccak_words, equal_lanes_at_every_alignment_length_and_cut)
{
    static _Alignas(8) uint8_t data[LEN_MAX + 16];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 167u + (i >> 3) + 1u);
    for (size_t skew = 0; skew < 4; skew++) {
        const uint8_t *p = data + 4 + skew; /* a word before and after is read */
        for (size_t len = 0; len <= LEN_MAX; len++) {
            struct td_hash want, got;
            td_keccak256(&want, p, len);
            for (size_t cut = 0; cut <= len; cut += cut < 9 ? 1 : 31) {
                struct td_keccak k;
                words_keccak_init(&k);
                words_keccak_update(&k, p, cut);
                words_keccak_update(&k, p + cut, len - cut);
                words_keccak_final(&k, &got);
                cr_assert_arr_eq(got.b, want.b, TD_HASH_BYTES, "skew %zu length %zu cut %zu", skew,
                                 len, cut);
            }
        }
    }
}
