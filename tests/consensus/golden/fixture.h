/* Deterministic messages of every kind and variant: golden vectors, seeds for fuzzing, and the raw
 * material that the tests of the verifier bend.
 *
 *   epoch 0 ── set[0] ── blocks 1..64 ──▶ AttestCert(64) ──▶ epoch 1 ── set[1] ── blocks 65 ..
 *
 * All messages are structurally good for the context inside: members, weights and links hold.  With
 * a real `sign` function their signatures are good too; without one they are patterns. */
#pragma once

#include "base/core/arena.h"
#include "consensus/verify.h"

#define FX_LAST 64u /* last height of epoch 0 */
#define FX_ARENA_BYTES (512u * 1024u)
#define FX_MESSAGE_BYTES_MAX (256u * 1024u)

typedef void fx_sign_fn(void *ctx, const struct bft_set *set, uint32_t signer,
                        const struct td_hash *digest, struct td_sig *out);

struct fx {
    struct bft_set set[3]; /* epochs 0, 1, 2 */
    struct bft_domain domain;
    struct td_hash genesis_hash;
    struct bft_verify_ctx ctx; /* prev, cur, next = set[0], set[1], set[2] */
    fx_sign_fn *sign;
    void *sign_ctx;
    uint32_t first; /* certificates begin with this signer and wrap around */
    struct td_arena arena;
    _Alignas(16) uint8_t room[FX_ARENA_BYTES];
};

struct fx_case {
    const char *name;
    void (*build)(struct fx *f, struct bft_msg *m);
    enum bft_verdict want; /* of bft_verify_collect */
};
extern const struct fx_case FX_CASES[];
extern const uint32_t FX_CASE_COUNT;

/* entries NULL: `count` made-up validators.  sign NULL: pattern signatures. */
void fx_init(struct fx *f, const struct bft_validator *entries, uint32_t count, fx_sign_fn *sign,
             void *sign_ctx);

/* Build case `index`; the message lives until the next fx_build or fx_init. */
void fx_build(struct fx *f, uint32_t index, struct bft_msg *m);

/* Index of the case with that name; aborts if there is none. */
uint32_t fx_find(const char *name);

/* keccak(label ‖ n as eight bytes): a hash that says what it stands for. */
struct td_hash fx_hash(const char *label, uint64_t n);

/* Parts, in f->arena.  Certificates hold the fewest signers, from f->first on, that reach Q. */
struct bft_header *fx_header(struct fx *f, uint64_t round, uint64_t height);
struct bft_qc *fx_qc(struct fx *f, const struct bft_header *h);
struct bft_qc *fx_commit_cert(struct fx *f, const struct bft_header *h);
struct bft_qc *fx_genesis_qc(struct fx *f, uint64_t epoch);
struct bft_tc *fx_tc(struct fx *f, uint64_t round, const struct bft_qc *high);
struct bft_attest_cert *fx_attest_cert(struct fx *f, uint64_t epoch, uint64_t height,
                                       const struct td_hash *block_hash);
void fx_signed(struct fx *f, struct bft_signed *m); /* fills the signature */

/* Encode into buf[FX_MESSAGE_BYTES_MAX]; returns the length. */
size_t fx_encode(uint8_t *buf, const struct bft_msg *m);
