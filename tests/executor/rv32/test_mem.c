/* executor/guest/mem.c, compiled for this machine under other names, against the C library's.
 * Method: every pair of alignments, every length up to three unrolled rounds, sentinels around the
 * target; overlaps at every distance.  The emulator runs the same source in test_differential. */
#include <criterion/criterion.h>
#include <string.h>

#define memcpy guest_memcpy
#define memmove guest_memmove
#define memset guest_memset
#define memcmp guest_memcmp
void *guest_memcpy(void *restrict to, const void *restrict from, size_t len);
void *guest_memmove(void *to, const void *from, size_t len);
void *guest_memset(void *to, int value, size_t len);
int guest_memcmp(const void *a, const void *b, size_t len);
#include "executor/guest/mem.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp

#define LEN_MAX 110u
#define ROOM 160u /* a word before and after is read by skewed copies */

static _Alignas(8) uint8_t source[ROOM], target[ROOM], expected[ROOM];

static void fill(uint8_t *p, uint32_t seed)
{
    for (uint32_t i = 0; i < ROOM; i++)
        p[i] = (uint8_t)((i + seed) * 167 + (i >> 3));
}

Test(guest_mem, copies_at_every_alignment_and_length)
{
    for (uint32_t to = 8; to < 12; to++) {
        for (uint32_t from = 8; from < 12; from++) {
            for (uint32_t len = 0; len < LEN_MAX; len++) {
                fill(source, len);
                fill(target, 99);
                memcpy(expected, target, ROOM);
                memcpy(expected + to, source + from, len);
                cr_assert_eq(guest_memcpy(target + to, source + from, len), target + to);
                cr_assert_arr_eq(target, expected, ROOM, "to %u from %u len %u", to, from, len);
            }
        }
    }
}

Test(guest_mem, moves_over_every_overlap)
{
    for (uint32_t to = 8; to < 52; to++) {
        for (uint32_t from = 8; from < 52; from++) {
            for (uint32_t len = 0; len < LEN_MAX - 8; len++) {
                fill(target, len);
                memcpy(expected, target, ROOM);
                memmove(expected + to, expected + from, len);
                cr_assert_eq(guest_memmove(target + to, target + from, len), target + to);
                cr_assert_arr_eq(target, expected, ROOM, "to %u from %u len %u", to, from, len);
            }
        }
    }
}

Test(guest_mem, sets_at_every_alignment_and_length)
{
    static const int VALUES[] = {0, 1, 0x80, 0xFF, -1, 0x1234};
    for (size_t v = 0; v < sizeof VALUES / sizeof VALUES[0]; v++) {
        for (uint32_t to = 8; to < 12; to++) {
            for (uint32_t len = 0; len < LEN_MAX; len++) {
                fill(target, len);
                memcpy(expected, target, ROOM);
                memset(expected + to, VALUES[v], len);
                cr_assert_eq(guest_memset(target + to, VALUES[v], len), target + to);
                cr_assert_arr_eq(target, expected, ROOM);
            }
        }
    }
}

static int sign(int v)
{
    return (v > 0) - (v < 0);
}

Test(guest_mem, compares_with_a_difference_at_every_place)
{
    for (uint32_t a = 8; a < 12; a++) {
        for (uint32_t b = 8; b < 12; b++) {
            for (uint32_t len = 0; len < 50; len++) {
                fill(source, 3);
                memmove(target + b, source + a, len);
                target[b + len] = (uint8_t)~source[a + len]; /* beyond the end */
                cr_assert_eq(guest_memcmp(source + a, target + b, len), 0);
                for (uint32_t at = 0; at < len; at++) {
                    uint8_t kept = target[b + at];
                    target[b + at] = (uint8_t)(kept ^ (at % 2 == 0 ? 0x80 : 0x01));
                    int got = guest_memcmp(source + a, target + b, len);
                    cr_assert_eq(sign(got), sign(memcmp(source + a, target + b, len)));
                    cr_assert_neq(got, 0);
                    target[b + at] = kept;
                }
            }
        }
    }
}
