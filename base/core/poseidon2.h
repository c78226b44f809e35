/* Poseidon2 over KoalaBear, widths 16 and 24, and the hash modes of the proof system and the
 * state tree.  Source: Grassi, Khovratovich, Schofnegger, "Poseidon2" (eprint 2023/323); S-box
 * x^3, 8 full rounds, 20 (width 16) or 23 (width 24) partial rounds, external layer M4-circulant,
 * internal layer 1 + diag(v).  The constants are in poseidon2_tables.h, generated.
 *
 *     sponge                                       node
 *     s[0..14]  block, overwritten, zero-padded    s[0..8]   left digest
 *     s[15]     tag                                s[9..17]  right digest
 *     s[16]     length in elements                 s[18]     tag
 *     s[17..23] 0                                  s[19..23] 0
 *     digest = s[0..8] after the last permutation  digest = s[0..8] after one permutation
 *
 * 1. All elements are canonical on both sides.
 * 2. The length is bound in the capacity, so zero padding is unambiguous.  An empty input absorbs
 *    one all-zero block, otherwise its digest would not depend on the tag.
 * 3. Digests have nine elements (278 bits): eight would give 124-bit collision resistance. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/core/error.h"
#include "base/core/field.h"
#include "base/core/types.h"

#define TD_P2_RATE 15u
#define TD_P2_WIDTH 24u
#define TD_P2_DIGEST 9u

/* What is hashed; part of every digest. */
enum td_p2_tag {
    TD_P2_ROW_LEAF = 1,
    TD_P2_NODE = 2,
    TD_P2_FRI_LEAF = 3,
    TD_P2_STATE_LEAF = 4,
    TD_P2_STATE_NODE = 5,
    TD_P2_KEY = 6,
    TD_P2_RECORD = 7,
    TD_P2_TRANSCRIPT = 8,
    TD_P2_VK = 9,
    TD_P2_STATEMENT = 10,
};

struct td_p2_digest {
    struct td_kb e[TD_P2_DIGEST];
};

struct td_p2_sponge {
    struct td_kb s[TD_P2_WIDTH];
    uint32_t fill;     /* elements in the current block, <= TD_P2_RATE */
    uint32_t absorbed; /* elements so far */
    uint32_t length;   /* elements announced */
};

/* The permutations, in place. */
void td_poseidon2_16(struct td_kb s[16]);
void td_poseidon2_24(struct td_kb s[24]);

/* Sponge over an input whose length (elements, < p) is known at the start.  Absorbing more or
 * fewer than `length` elements in total is a bug and aborts. */
void td_p2_sponge_init(struct td_p2_sponge *h, enum td_p2_tag tag, uint32_t length);
void td_p2_sponge_update(struct td_p2_sponge *h, const struct td_kb *data, size_t count);
void td_p2_sponge_final(struct td_p2_sponge *h, struct td_p2_digest *out);

/* One-shot sponge; count < p. */
void td_p2_hash(struct td_p2_digest *out, enum td_p2_tag tag, const struct td_kb *data,
                size_t count);

/* Compress two digests; tag is TD_P2_NODE or TD_P2_STATE_NODE.  `out` may be l or r. */
void td_p2_node(struct td_p2_digest *out, enum td_p2_tag tag, const struct td_p2_digest *l,
                const struct td_p2_digest *r);

/* Field-element equality of digests. */
bool td_p2_digest_eq(const struct td_p2_digest *a, const struct td_p2_digest *b);

/* pack30: a 256-bit integer as eight 30-bit limbs and one 16-bit limb, least significant first.
 * Injective, and every limb is below p. */
void td_pack30_encode(struct td_kb out[9], const struct td_wei *v);

/* Inverse of pack30; TD_E_RANGE, and *out = 0, when a limb is too large. */
TD_MUST_CHECK enum td_error td_pack30_decode(struct td_wei *out, const struct td_kb in[9]);
