#include "base/core/poseidon2.h"

#include "base/core/assert.h"
#include "base/core/memory.h"
#include "base/core/poseidon2_tables.h"
#include "base/core/poseidon2_words.h"

#define FULL_HALF 4u /* full rounds before, and again after, the partial rounds */

/* ---- the permutation, on Montgomery words */

static inline uint32_t cube(uint32_t x)
{
    return td_kb_mont_mul(td_kb_mont_mul(x, x), x);
}

/* x mod p for x < 2^36: one fold of the part above bit 31 leaves less than 2^31 + 2^29 < 2p. */
static inline uint32_t reduce_sum(uint64_t x)
{
    uint32_t t = (uint32_t)((x >> 31) * ((1u << 24) - 1u) + (x & UINT64_C(0x7FFFFFFF)));
    return t >= TD_KB_P ? t - TD_KB_P : t;
}

/* circ(2*M4, M4, .., M4) with M4 = circ(2, 3, 1, 1): row i of M4 is the sum of the four plus x_i
 * plus twice the next one. */
static inline __attribute__((always_inline)) void external_layer(uint32_t *s, unsigned width)
{
    uint64_t column[4] = {0, 0, 0, 0};
    for (unsigned c = 0; c < width; c += 4) {
        uint64_t x0 = s[c], x1 = s[c + 1], x2 = s[c + 2], x3 = s[c + 3];
        uint64_t sum = x0 + x1 + x2 + x3;
        s[c] = reduce_sum(sum + x0 + 2 * x1);
        s[c + 1] = reduce_sum(sum + x1 + 2 * x2);
        s[c + 2] = reduce_sum(sum + x2 + 2 * x3);
        s[c + 3] = reduce_sum(sum + x3 + 2 * x0);
        for (unsigned i = 0; i < 4; i++)
            column[i] += s[c + i];
    }
    for (unsigned c = 0; c < width; c += 4) {
        for (unsigned i = 0; i < 4; i++)
            s[c + i] = reduce_sum(column[i] + s[c + i]);
    }
}

/* 1 + diag(v): every element becomes the sum of all plus v_i times itself. */
static inline __attribute__((always_inline)) void internal_layer(uint32_t *s, unsigned width,
                                                                 const uint32_t *diag)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < width; i++)
        total += s[i];
    uint32_t sum = reduce_sum(total);
    for (unsigned i = 0; i < width; i++)
        s[i] = td_kb_raw_add(sum, td_kb_mont_mul(s[i], diag[i]));
}

static inline __attribute__((always_inline)) void full_rounds(uint32_t *s, unsigned width,
                                                              const uint32_t *constants)
{
    for (unsigned round = 0; round < FULL_HALF; round++) {
        for (unsigned i = 0; i < width; i++)
            s[i] = cube(td_kb_raw_add(s[i], constants[round * width + i]));
        external_layer(s, width);
    }
}

static inline __attribute__((always_inline)) void
permute(struct td_kb *state, unsigned width, const uint32_t *full, const uint32_t *partial,
        unsigned partial_count, const uint32_t *diag)
{
    uint32_t s[TD_P2_WIDTH];
    for (unsigned i = 0; i < width; i++)
        s[i] = td_kb_to_mont(state[i]);

    external_layer(s, width);
    full_rounds(s, width, full);
    for (unsigned round = 0; round < partial_count; round++) {
        s[0] = cube(td_kb_raw_add(s[0], partial[round]));
        internal_layer(s, width, diag);
    }
    full_rounds(s, width, full + FULL_HALF * width);

    for (unsigned i = 0; i < width; i++)
        state[i] = td_kb_from_mont(s[i]);
}

void td_poseidon2_16(struct td_kb s[16])
{
    permute(s, 16, TD_P2_FULL_16, TD_P2_PART_16, TD_P2_PARTIAL_16, TD_P2_DIAG_16);
}

#ifndef TD_CHIPS /* a guest with chips has it as one call: executor/crypto/chips.c */
void td_poseidon2_24(struct td_kb s[24])
{
#if UINTPTR_MAX > UINT32_MAX
    permute(s, 24, TD_P2_FULL_24, TD_P2_PART_24, TD_P2_PARTIAL_24, TD_P2_DIAG_24);
#else
    td_poseidon2_24_words(s);
#endif
}
#endif

/* ---- hash modes */

void td_p2_sponge_init(struct td_p2_sponge *h, enum td_p2_tag tag, uint32_t length)
{
    TD_ASSERT(length < TD_KB_P);
    *h = (struct td_p2_sponge){.length = length};
    h->s[TD_P2_RATE].v = (uint32_t)tag;
    h->s[TD_P2_RATE + 1].v = length;
}

/* Overwriting a block starts with its first element: what the previous permutation left in the
 * rate beyond a short last block is replaced by zeros in final. */
void td_p2_sponge_update(struct td_p2_sponge *h, const struct td_kb *data, size_t count)
{
    TD_ASSERT(count <= h->length - h->absorbed);
    h->absorbed += (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        if (h->fill == TD_P2_RATE) {
            td_poseidon2_24(h->s);
            h->fill = 0;
        }
        h->s[h->fill++] = data[i];
    }
}

void td_p2_sponge_final(struct td_p2_sponge *h, struct td_p2_digest *out)
{
    TD_ASSERT(h->absorbed == h->length);
    for (uint32_t i = h->fill; i < TD_P2_RATE; i++)
        h->s[i].v = 0;
    td_poseidon2_24(h->s);
    memcpy(out->e, h->s, sizeof out->e);
}

void td_p2_hash(struct td_p2_digest *out, enum td_p2_tag tag, const struct td_kb *data,
                size_t count)
{
    struct td_p2_sponge h;
    TD_ASSERT(count < TD_KB_P);
    td_p2_sponge_init(&h, tag, (uint32_t)count);
    td_p2_sponge_update(&h, data, count);
    td_p2_sponge_final(&h, out);
}

void td_p2_node(struct td_p2_digest *out, enum td_p2_tag tag, const struct td_p2_digest *l,
                const struct td_p2_digest *r)
{
    struct td_kb s[TD_P2_WIDTH] = {{0}};
    memcpy(s, l->e, sizeof l->e);
    memcpy(s + TD_P2_DIGEST, r->e, sizeof r->e);
    s[2 * TD_P2_DIGEST].v = (uint32_t)tag;
    td_poseidon2_24(s);
    memcpy(out->e, s, sizeof out->e);
}

bool td_p2_digest_eq(const struct td_p2_digest *a, const struct td_p2_digest *b)
{
    return memcmp(a->e, b->e, sizeof a->e) == 0;
}

/* ---- pack30 */

#define LIMB_BITS 30u
#define LIMB_MASK ((1u << LIMB_BITS) - 1u)

void td_pack30_encode(struct td_kb out[9], const struct td_wei *v)
{
    for (unsigned i = 0; i < 9; i++) {
        unsigned bit = LIMB_BITS * i;
        unsigned shift = bit % 64u;
        uint64_t x = v->limb[bit / 64u] >> shift;
        if (shift > 64u - LIMB_BITS && bit / 64u < 3u)
            x |= v->limb[bit / 64u + 1] << (64u - shift);
        out[i].v = (uint32_t)x & LIMB_MASK;
    }
}

enum td_error td_pack30_decode(struct td_wei *out, const struct td_kb in[9])
{
    *out = (struct td_wei){.limb = {0, 0, 0, 0}};
    for (unsigned i = 0; i < 9; i++) {
        if (in[i].v > (i < 8 ? LIMB_MASK : 0xFFFFu))
            return TD_E_RANGE;
    }
    for (unsigned i = 0; i < 9; i++) {
        unsigned bit = LIMB_BITS * i;
        unsigned shift = bit % 64u;
        out->limb[bit / 64u] |= (uint64_t)in[i].v << shift;
        if (shift > 64u - LIMB_BITS && bit / 64u < 3u)
            out->limb[bit / 64u + 1] |= (uint64_t)in[i].v >> (64u - shift);
    }
    return TD_OK;
}
