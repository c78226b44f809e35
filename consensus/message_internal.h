/* Encodings shared by message.c, message_parts.c and header.c.  Internal to consensus/. */
#pragma once

#include "base/core/arena.h"
#include "base/core/codec.h"
#include "consensus/message.h"

#define BITMAP_BYTES_MAX (2u + BFT_SIGNERS_MAX / 8u)
#define SIGS_BYTES_MAX (BFT_SIGNERS_MAX * TD_SIG_BYTES)
#define TC_ENTRY_BYTES (8u + TD_SIG_BYTES)
#define QC_HEAD_BYTES (3u * 8u + TD_HASH_BYTES)
#define COMMIT_HEAD_BYTES (2u * 8u + TD_HASH_BYTES)
#define BATCH_HEAD_BYTES (2u * 8u + 2u * TD_HASH_BYTES)

/* Largest encodings, in bytes. */
#define ATTEST_CERT_BYTES_MAX (BFT_ATTEST_FIELDS_BYTES + BITMAP_BYTES_MAX + SIGS_BYTES_MAX)
#define QC_BYTES_MAX                                                                               \
    (QC_HEAD_BYTES + BITMAP_BYTES_MAX + SIGS_BYTES_MAX + 1u + ATTEST_CERT_BYTES_MAX)
#define TC_BYTES_MAX (16u + BITMAP_BYTES_MAX + BFT_SIGNERS_MAX * TC_ENTRY_BYTES + QC_BYTES_MAX)
#define SIGNED_BYTES_MAX (1u + BFT_ATTEST_BYTES)

void bft_attest_fields_encode(struct td_writer *w, const struct bft_attest_fields *f);
void bft_attest_fields_decode(struct td_reader *r, struct bft_attest_fields *f);

size_t bft_bitmap_size(const struct bft_bitmap *m);
void bft_bitmap_encode(struct td_writer *w, const struct bft_bitmap *m);

/* Returns the number of set bits; 0, and an empty bitmap, on error. */
uint32_t bft_bitmap_decode(struct td_reader *r, struct bft_bitmap *m);

/* Bodies of signed messages, without a kind byte. */
void bft_propose_encode(struct td_writer *w, const struct bft_propose *m);
void bft_vote_encode(struct td_writer *w, const struct bft_vote *m);
void bft_commit_encode(struct td_writer *w, const struct bft_commit *m);
void bft_timeout_encode(struct td_writer *w, const struct bft_timeout *m);
void bft_attest_encode(struct td_writer *w, const struct bft_attest *m);
void bft_batch_attest_encode(struct td_writer *w, const struct bft_batch_attest *m);
void bft_propose_decode(struct td_reader *r, struct bft_propose *m);
void bft_vote_decode(struct td_reader *r, struct bft_vote *m);
void bft_commit_decode(struct td_reader *r, struct bft_commit *m);
void bft_timeout_decode(struct td_reader *r, struct bft_timeout *m);
void bft_attest_decode(struct td_reader *r, struct bft_attest *m);
void bft_batch_attest_decode(struct td_reader *r, struct bft_batch_attest *m);

size_t bft_qc_size(const struct bft_qc *qc);
size_t bft_commit_cert_size(const struct bft_qc *qc);
size_t bft_tc_size(const struct bft_tc *tc);
size_t bft_attest_cert_size(const struct bft_attest_cert *c);
size_t bft_entry_size(const struct bft_entry *e);
size_t bft_proof_size(const struct bft_proof *p);
size_t bft_signed_size(const struct bft_signed *m);

void bft_entry_encode(struct td_writer *w, const struct bft_entry *e);
void bft_entry_decode(struct td_reader *r, struct td_arena *arena, struct bft_entry *e);
void bft_proof_encode(struct td_writer *w, const struct bft_proof *p);
void bft_proof_decode(struct td_reader *r, struct td_arena *arena, struct bft_proof *p);

/* One element placed in the arena and decoded; NULL after an error. */
const struct bft_qc *bft_qc_place(struct td_reader *r, struct td_arena *arena);
const struct bft_tc *bft_tc_place(struct td_reader *r, struct td_arena *arena);
const struct bft_attest_cert *bft_attest_cert_place(struct td_reader *r, struct td_arena *arena);

/* `count` signatures as a view into the frame (struct td_sig has alignment 1). */
const struct td_sig *bft_sigs_view(struct td_reader *r, uint32_t count);
