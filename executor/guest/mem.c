/* memcpy, memmove, memset, memcmp for a machine that only knows aligned accesses: whole words
 * wherever possible, and for sources at another alignment two shifts per word instead of four byte
 * loads and stores.  A word that holds one wanted byte is read whole: words are the machine's
 * memory cells, so this touches no other cell. */
#include "base/core/memory.h"

#include <stdint.h>

#if !__STDC_HOSTED__ /* the functions themselves, not what memory.h makes of their names */
#undef memcpy
#undef memset
#endif

/* Reads and writes objects of any type. */
typedef uint32_t __attribute__((may_alias)) word;

#define WORD_MASK ((uintptr_t)3)
#define SHORT_MAX 12u /* below this, sorting out alignments costs more than bytes do */

/* len words from an address with the same alignment 0; ascending, so `to` may lie below `from`. */
static inline __attribute__((always_inline)) void copy_words(word *to, const word *from,
                                                             size_t words)
{
    for (; words >= 8; words -= 8, to += 8, from += 8) {
        word a = from[0], b = from[1], c = from[2], d = from[3];
        word e = from[4], f = from[5], g = from[6], h = from[7];
        to[0] = a;
        to[1] = b;
        to[2] = c;
        to[3] = d;
        to[4] = e;
        to[5] = f;
        to[6] = g;
        to[7] = h;
    }
    if (words >= 4) { /* addresses have five words */
        word a = from[0], b = from[1], c = from[2], d = from[3];
        to[0] = a;
        to[1] = b;
        to[2] = c;
        to[3] = d;
        words -= 4, to += 4, from += 4;
    }
    for (; words > 0; words--)
        *to++ = *from++;
}

/* The same from a source `skew` = 1..3 bytes past `from`. */
static void copy_skewed(word *to, const word *from, size_t words, unsigned skew)
{
    unsigned down = 8 * skew;
    unsigned up = 32 - down;
    word low = *from++;
    for (; words >= 4; words -= 4, to += 4, from += 4) {
        word a = from[0], b = from[1], c = from[2], d = from[3];
        to[0] = low >> down | a << up;
        to[1] = a >> down | b << up;
        to[2] = b >> down | c << up;
        to[3] = c >> down | d << up;
        low = d;
    }
    for (; words > 0; words--) {
        word high = *from++;
        *to++ = low >> down | high << up;
        low = high;
    }
}

static void copy_up(uint8_t *to, const uint8_t *from, size_t len)
{
    if (len >= SHORT_MAX) {
        for (; ((uintptr_t)to & WORD_MASK) != 0; len--)
            *to++ = *from++;
        size_t words = len / 4;
        unsigned skew = (unsigned)((uintptr_t)from & WORD_MASK);
        if (skew == 0)
            copy_words((word *)to, (const word *)from, words);
        else
            copy_skewed((word *)to, (const word *)(from - skew), words, skew);
        to += 4 * words;
        from += 4 * words;
        len &= 3;
    }
    for (; len > 0; len--)
        *to++ = *from++;
}

/* For `to` above `from` with an overlap: from the end. */
static void copy_down(uint8_t *to, const uint8_t *from, size_t len)
{
    if ((((uintptr_t)to ^ (uintptr_t)from) & WORD_MASK) == 0) {
        for (; len > 0 && ((uintptr_t)(to + len) & WORD_MASK) != 0; len--)
            to[len - 1] = from[len - 1];
        for (; len >= 4; len -= 4)
            *(word *)(to + len - 4) = *(const word *)(from + len - 4);
    }
    for (; len > 0; len--)
        to[len - 1] = from[len - 1];
}

void *memcpy(void *restrict to, const void *restrict from, size_t len)
{
    if ((((uintptr_t)to | (uintptr_t)from) & WORD_MASK) == 0) { /* most copies */
        size_t whole = len & ~(size_t)3;
        copy_words(to, from, len / 4);
        for (; whole < len; whole++)
            ((uint8_t *)to)[whole] = ((const uint8_t *)from)[whole];
    } else {
        copy_up(to, from, len);
    }
    return to;
}

void *memmove(void *to, const void *from, size_t len)
{
    if ((uintptr_t)to - (uintptr_t)from >= len)
        copy_up(to, from, len);
    else
        copy_down(to, from, len);
    return to;
}

void *memset(void *to, int value, size_t len)
{
    uint8_t *p = to;
    uint8_t byte = (uint8_t)value;
    if (len >= SHORT_MAX) {
        for (; ((uintptr_t)p & WORD_MASK) != 0; len--)
            *p++ = byte;
        word v = byte * UINT32_C(0x01010101);
        word *w = (word *)p;
        for (; len >= 32; len -= 32, w += 8) {
            w[0] = v;
            w[1] = v;
            w[2] = v;
            w[3] = v;
            w[4] = v;
            w[5] = v;
            w[6] = v;
            w[7] = v;
        }
        for (; len >= 4; len -= 4)
            *w++ = v;
        p = (uint8_t *)w;
    }
    for (; len > 0; len--)
        *p++ = byte;
    return to;
}

int memcmp(const void *a, const void *b, size_t len)
{
    const uint8_t *p = a;
    const uint8_t *q = b;
    if ((((uintptr_t)p ^ (uintptr_t)q) & WORD_MASK) == 0 && len >= SHORT_MAX) {
        for (; ((uintptr_t)p & WORD_MASK) != 0; p++, q++, len--) {
            if (*p != *q)
                return *p < *q ? -1 : 1;
        }
        /* The first differing word is left to the bytes below. */
        for (; len >= 4 && *(const word *)p == *(const word *)q; len -= 4, p += 4, q += 4) {
        }
    }
    for (; len > 0; p++, q++, len--) {
        if (*p != *q)
            return *p < *q ? -1 : 1;
    }
    return 0;
}
