/* Encodings of what messages are made of: bitmaps, signed bodies, certificates, proofs.  [P-14.1]
 *
 *   bitmap       u16 n <= 32 ‖ n bytes, bit i of the set = bit i mod 8 of byte i / 8, last byte !=
 * 0 QC           epoch ‖ round ‖ height ‖ hash ‖ bitmap ‖ signatures ‖ genesis? (1) ‖ AttestCert
 *   commit cert  epoch ‖ round ‖ hash ‖ bitmap ‖ signatures
 *   TC           epoch ‖ round ‖ bitmap ‖ (lockRound ‖ signature)* ‖ QC
 *   AttestCert   272 bytes of fields ‖ bitmap ‖ signatures
 *   entry        kind (1): 0 none, 1 QC, 2 TC, then that certificate
 *   proof        kind (1): 0 none, 1 AttestCert, 2 commit cert ‖ header D,
 *                3 QC(D) ‖ QC(D') ‖ header D ‖ header D'
 *   signed       kind (1) ‖ body
 *
 * No list carries a count of its own: signatures follow from the bitmap, so there is one encoding
 * per value.  */
#include "base/core/assert.h"
#include "base/core/keccak.h"
#include "consensus/message_internal.h"

/* ---- bitmaps and lists */

static uint32_t bitmap_used_bytes(const struct bft_bitmap *m)
{
    for (uint32_t i = BFT_BITMAP_WORDS; i-- > 0;) {
        if (m->word[i] != 0)
            return i * 8u + (71u - (uint32_t)__builtin_clzll(m->word[i])) / 8u;
    }
    return 0;
}

size_t bft_bitmap_size(const struct bft_bitmap *m)
{
    return 2u + bitmap_used_bytes(m);
}

void bft_bitmap_encode(struct td_writer *w, const struct bft_bitmap *m)
{
    uint32_t used = bitmap_used_bytes(m);
    td_put_u16(w, (uint16_t)used);
    for (uint32_t i = 0; i < used; i++)
        td_put_u8(w, (uint8_t)(m->word[i / 8u] >> (i % 8u * 8u)));
}

uint32_t bft_bitmap_decode(struct td_reader *r, struct bft_bitmap *m)
{
    *m = (struct bft_bitmap){{0}};
    uint32_t used = td_get_u16(r);
    if (used > BFT_SIGNERS_MAX / 8u) {
        td_reader_fail(r, TD_E_RANGE);
        return 0;
    }
    const uint8_t *at = td_get_space(r, used);
    if (at == NULL)
        return 0;
    if (at[used - 1] == 0) {
        td_reader_fail(r, TD_E_MALFORMED);
        return 0;
    }
    for (uint32_t i = 0; i < used; i++)
        m->word[i / 8u] |= (uint64_t)at[i] << (i % 8u * 8u);
    return bft_bitmap_count(m);
}

const struct td_sig *bft_sigs_view(struct td_reader *r, uint32_t count)
{
    return (const struct td_sig *)(const void *)td_get_space(r, (size_t)count * TD_SIG_BYTES);
}

/* The encoder's own data is wrong if this fails: decoded certificates always agree. */
static void sigs_encode(struct td_writer *w, const struct bft_bitmap *m, const struct td_sig *sigs,
                        uint32_t count)
{
    TD_ASSERT(count == bft_bitmap_count(m));
    bft_bitmap_encode(w, m);
    td_put_bytes(w, sigs, (size_t)count * TD_SIG_BYTES);
}

/* ---- bodies of signed messages */

void bft_attest_fields_encode(struct td_writer *w, const struct bft_attest_fields *f)
{
    td_put_u64(w, f->epoch);
    td_put_hash(w, &f->set_hash);
    td_put_u64(w, f->height);
    td_put_hash(w, &f->block_hash);
    td_put_hash(w, &f->parent_hash);
    td_put_hash(w, &f->state_commitment);
    td_put_hash(w, &f->messages_root);
    td_put_hash(w, &f->da_commitment);
    td_put_hash(w, &f->priority_hash);
    td_put_hash(w, &f->next_set_hash);
}

void bft_attest_fields_decode(struct td_reader *r, struct bft_attest_fields *f)
{
    f->epoch = td_get_u64(r);
    td_get_hash(r, &f->set_hash);
    f->height = td_get_u64(r);
    td_get_hash(r, &f->block_hash);
    td_get_hash(r, &f->parent_hash);
    td_get_hash(r, &f->state_commitment);
    td_get_hash(r, &f->messages_root);
    td_get_hash(r, &f->da_commitment);
    td_get_hash(r, &f->priority_hash);
    td_get_hash(r, &f->next_set_hash);
}

void bft_propose_encode(struct td_writer *w, const struct bft_propose *m)
{
    td_put_u64(w, m->epoch);
    td_put_u64(w, m->round);
    td_put_hash(w, &m->hash);
    td_put_u16(w, m->signer);
    td_put_sig(w, &m->sig);
}

void bft_propose_decode(struct td_reader *r, struct bft_propose *m)
{
    m->epoch = td_get_u64(r);
    m->round = td_get_u64(r);
    td_get_hash(r, &m->hash);
    m->signer = td_get_u16(r);
    td_get_sig(r, &m->sig);
}

void bft_vote_encode(struct td_writer *w, const struct bft_vote *m)
{
    td_put_u64(w, m->epoch);
    td_put_u64(w, m->round);
    td_put_u64(w, m->height);
    td_put_hash(w, &m->hash);
    td_put_u16(w, m->signer);
    td_put_sig(w, &m->sig);
}

void bft_vote_decode(struct td_reader *r, struct bft_vote *m)
{
    m->epoch = td_get_u64(r);
    m->round = td_get_u64(r);
    m->height = td_get_u64(r);
    td_get_hash(r, &m->hash);
    m->signer = td_get_u16(r);
    td_get_sig(r, &m->sig);
}

void bft_commit_encode(struct td_writer *w, const struct bft_commit *m)
{
    td_put_u64(w, m->epoch);
    td_put_u64(w, m->round);
    td_put_hash(w, &m->hash);
    td_put_u16(w, m->signer);
    td_put_sig(w, &m->sig);
}

void bft_commit_decode(struct td_reader *r, struct bft_commit *m)
{
    m->epoch = td_get_u64(r);
    m->round = td_get_u64(r);
    td_get_hash(r, &m->hash);
    m->signer = td_get_u16(r);
    td_get_sig(r, &m->sig);
}

void bft_timeout_encode(struct td_writer *w, const struct bft_timeout *m)
{
    td_put_u64(w, m->epoch);
    td_put_u64(w, m->round);
    td_put_u64(w, m->lock_round);
    td_put_u16(w, m->signer);
    td_put_sig(w, &m->sig);
}

void bft_timeout_decode(struct td_reader *r, struct bft_timeout *m)
{
    m->epoch = td_get_u64(r);
    m->round = td_get_u64(r);
    m->lock_round = td_get_u64(r);
    m->signer = td_get_u16(r);
    td_get_sig(r, &m->sig);
}

void bft_attest_encode(struct td_writer *w, const struct bft_attest *m)
{
    bft_attest_fields_encode(w, &m->fields);
    td_put_u16(w, m->signer);
    td_put_sig(w, &m->sig);
}

void bft_attest_decode(struct td_reader *r, struct bft_attest *m)
{
    bft_attest_fields_decode(r, &m->fields);
    m->signer = td_get_u16(r);
    td_get_sig(r, &m->sig);
}

void bft_batch_attest_encode(struct td_writer *w, const struct bft_batch_attest *m)
{
    td_put_u64(w, m->epoch);
    td_put_hash(w, &m->set_hash);
    td_put_hash(w, &m->batch_hash);
    td_put_u64(w, m->height);
    td_put_u16(w, m->signer);
    td_put_sig(w, &m->sig);
}

void bft_batch_attest_decode(struct td_reader *r, struct bft_batch_attest *m)
{
    m->epoch = td_get_u64(r);
    td_get_hash(r, &m->set_hash);
    td_get_hash(r, &m->batch_hash);
    m->height = td_get_u64(r);
    m->signer = td_get_u16(r);
    td_get_sig(r, &m->sig);
}

size_t bft_signed_size(const struct bft_signed *m)
{
    switch (m->kind) {
    case BFT_SIGNED_PROPOSE:
        return 1u + BFT_PROPOSE_BYTES;
    case BFT_SIGNED_VOTE:
        return 1u + BFT_VOTE_BYTES;
    case BFT_SIGNED_COMMIT:
        return 1u + BFT_COMMIT_BYTES;
    case BFT_SIGNED_TIMEOUT:
        return 1u + BFT_TIMEOUT_BYTES;
    case BFT_SIGNED_ATTEST:
        return 1u + BFT_ATTEST_BYTES;
    case BFT_SIGNED_BATCH:
        return 1u + BFT_BATCH_ATTEST_BYTES;
    }
    TD_ASSERT(false);
    return 0;
}

void bft_signed_encode(struct td_writer *w, const struct bft_signed *m)
{
    td_put_u8(w, (uint8_t)m->kind);
    switch (m->kind) {
    case BFT_SIGNED_PROPOSE:
        bft_propose_encode(w, &m->u.propose);
        return;
    case BFT_SIGNED_VOTE:
        bft_vote_encode(w, &m->u.vote);
        return;
    case BFT_SIGNED_COMMIT:
        bft_commit_encode(w, &m->u.commit);
        return;
    case BFT_SIGNED_TIMEOUT:
        bft_timeout_encode(w, &m->u.timeout);
        return;
    case BFT_SIGNED_ATTEST:
        bft_attest_encode(w, &m->u.attest);
        return;
    case BFT_SIGNED_BATCH:
        bft_batch_attest_encode(w, &m->u.batch);
        return;
    }
    TD_ASSERT(false);
}

void bft_signed_decode(struct td_reader *r, struct bft_signed *m)
{
    uint8_t kind = td_get_u8(r);
    m->kind = (enum bft_signed_kind)kind;
    switch (kind) {
    case BFT_SIGNED_PROPOSE:
        bft_propose_decode(r, &m->u.propose);
        return;
    case BFT_SIGNED_VOTE:
        bft_vote_decode(r, &m->u.vote);
        return;
    case BFT_SIGNED_COMMIT:
        bft_commit_decode(r, &m->u.commit);
        return;
    case BFT_SIGNED_TIMEOUT:
        bft_timeout_decode(r, &m->u.timeout);
        return;
    case BFT_SIGNED_ATTEST:
        bft_attest_decode(r, &m->u.attest);
        return;
    case BFT_SIGNED_BATCH:
        bft_batch_attest_decode(r, &m->u.batch);
        return;
    default:
        td_reader_fail(r, TD_E_MALFORMED);
    }
}

/* ---- attestation certificates */

size_t bft_attest_cert_size(const struct bft_attest_cert *c)
{
    return BFT_ATTEST_FIELDS_BYTES + bft_bitmap_size(&c->signers) +
           (size_t)c->sig_count * TD_SIG_BYTES;
}

void bft_attest_cert_encode(struct td_writer *w, const struct bft_attest_cert *c)
{
    bft_attest_fields_encode(w, &c->fields);
    sigs_encode(w, &c->signers, c->sigs, c->sig_count);
}

void bft_attest_cert_decode(struct td_reader *r, struct td_arena *arena, struct bft_attest_cert *c)
{
    (void)arena; /* signatures are a view into the frame */
    bft_attest_fields_decode(r, &c->fields);
    c->sig_count = bft_bitmap_decode(r, &c->signers);
    c->sigs = bft_sigs_view(r, c->sig_count);
}

const struct bft_attest_cert *bft_attest_cert_place(struct td_reader *r, struct td_arena *arena)
{
    if (r->err != TD_OK)
        return NULL;
    struct bft_attest_cert *c = TD_ARENA_NEW(arena, struct bft_attest_cert, 1);
    if (c == NULL) {
        td_reader_fail(r, TD_E_NOSPACE);
        return NULL;
    }
    bft_attest_cert_decode(r, arena, c);
    return r->err == TD_OK ? c : NULL;
}

/* ---- quorum and commit certificates */

size_t bft_qc_size(const struct bft_qc *qc)
{
    return QC_HEAD_BYTES + bft_bitmap_size(&qc->signers) + (size_t)qc->sig_count * TD_SIG_BYTES +
           1u + (qc->genesis != NULL ? bft_attest_cert_size(qc->genesis) : 0);
}

void bft_qc_encode(struct td_writer *w, const struct bft_qc *qc)
{
    td_put_u64(w, qc->epoch);
    td_put_u64(w, qc->round);
    td_put_u64(w, qc->height);
    td_put_hash(w, &qc->hash);
    sigs_encode(w, &qc->signers, qc->sigs, qc->sig_count);
    td_put_u8(w, qc->genesis != NULL);
    if (qc->genesis != NULL)
        bft_attest_cert_encode(w, qc->genesis);
}

void bft_qc_decode(struct td_reader *r, struct td_arena *arena, struct bft_qc *qc)
{
    qc->epoch = td_get_u64(r);
    qc->round = td_get_u64(r);
    qc->height = td_get_u64(r);
    td_get_hash(r, &qc->hash);
    qc->sig_count = bft_bitmap_decode(r, &qc->signers);
    qc->sigs = bft_sigs_view(r, qc->sig_count);
    qc->genesis = NULL;
    if (!td_get_bool(r))
        return;
    /* Only the genesis certificate of a later epoch nests one.  [P-8.4] */
    if (qc->round != 0 || qc->epoch == 0)
        td_reader_fail(r, TD_E_MALFORMED);
    qc->genesis = bft_attest_cert_place(r, arena);
}

const struct bft_qc *bft_qc_place(struct td_reader *r, struct td_arena *arena)
{
    if (r->err != TD_OK)
        return NULL;
    struct bft_qc *qc = TD_ARENA_NEW(arena, struct bft_qc, 1);
    if (qc == NULL) {
        td_reader_fail(r, TD_E_NOSPACE);
        return NULL;
    }
    bft_qc_decode(r, arena, qc);
    return r->err == TD_OK ? qc : NULL;
}

size_t bft_commit_cert_size(const struct bft_qc *qc)
{
    return COMMIT_HEAD_BYTES + bft_bitmap_size(&qc->signers) + (size_t)qc->sig_count * TD_SIG_BYTES;
}

void bft_commit_cert_encode(struct td_writer *w, const struct bft_qc *qc)
{
    td_put_u64(w, qc->epoch);
    td_put_u64(w, qc->round);
    td_put_hash(w, &qc->hash);
    sigs_encode(w, &qc->signers, qc->sigs, qc->sig_count);
}

const struct bft_qc *bft_commit_cert_decode(struct td_reader *r, struct td_arena *arena)
{
    if (r->err != TD_OK)
        return NULL;
    struct bft_qc *qc = TD_ARENA_NEW(arena, struct bft_qc, 1);
    if (qc == NULL) {
        td_reader_fail(r, TD_E_NOSPACE);
        return NULL;
    }
    qc->epoch = td_get_u64(r);
    qc->round = td_get_u64(r);
    td_get_hash(r, &qc->hash);
    qc->sig_count = bft_bitmap_decode(r, &qc->signers);
    qc->sigs = bft_sigs_view(r, qc->sig_count);
    return r->err == TD_OK ? qc : NULL;
}

/* ---- timeout certificates */

size_t bft_tc_size(const struct bft_tc *tc)
{
    return 16u + bft_bitmap_size(&tc->signers) + (size_t)tc->entry_count * TC_ENTRY_BYTES +
           bft_qc_size(&tc->high_qc);
}

void bft_tc_encode(struct td_writer *w, const struct bft_tc *tc)
{
    TD_ASSERT(tc->entry_count == bft_bitmap_count(&tc->signers));
    td_put_u64(w, tc->epoch);
    td_put_u64(w, tc->round);
    bft_bitmap_encode(w, &tc->signers);
    for (uint32_t i = 0; i < tc->entry_count; i++) {
        td_put_u64(w, tc->entries[i].lock_round);
        td_put_sig(w, &tc->entries[i].sig);
    }
    bft_qc_encode(w, &tc->high_qc);
}

void bft_tc_decode(struct td_reader *r, struct td_arena *arena, struct bft_tc *tc)
{
    tc->epoch = td_get_u64(r);
    tc->round = td_get_u64(r);
    tc->entry_count = bft_bitmap_decode(r, &tc->signers);
    tc->entries = NULL;
    if ((size_t)tc->entry_count * TC_ENTRY_BYTES > td_reader_left(r)) {
        td_reader_fail(r, TD_E_TRUNCATED);
        tc->entry_count = 0;
    }
    if (tc->entry_count > 0) {
        struct bft_tc_entry *e = TD_ARENA_NEW(arena, struct bft_tc_entry, tc->entry_count);
        if (e == NULL) {
            td_reader_fail(r, TD_E_NOSPACE);
            tc->entry_count = 0;
        }
        for (uint32_t i = 0; i < tc->entry_count; i++) {
            e[i].lock_round = td_get_u64(r);
            td_get_sig(r, &e[i].sig);
        }
        tc->entries = e;
    }
    bft_qc_decode(r, arena, &tc->high_qc);
}

const struct bft_tc *bft_tc_place(struct td_reader *r, struct td_arena *arena)
{
    if (r->err != TD_OK)
        return NULL;
    struct bft_tc *tc = TD_ARENA_NEW(arena, struct bft_tc, 1);
    if (tc == NULL) {
        td_reader_fail(r, TD_E_NOSPACE);
        return NULL;
    }
    bft_tc_decode(r, arena, tc);
    return r->err == TD_OK ? tc : NULL;
}

static void hash_bitmap(struct td_keccak *k, const struct bft_bitmap *m)
{
    uint8_t buf[BITMAP_BYTES_MAX];
    struct td_writer w;
    td_writer_init(&w, buf, sizeof buf);
    bft_bitmap_encode(&w, m);
    td_keccak_update(k, buf, w.len);
}

static void hash_qc(struct td_keccak *k, const struct bft_qc *qc)
{
    uint8_t buf[BFT_ATTEST_FIELDS_BYTES];
    struct td_writer w;
    td_writer_init(&w, buf, sizeof buf);
    td_put_u64(&w, qc->epoch);
    td_put_u64(&w, qc->round);
    td_put_u64(&w, qc->height);
    td_put_hash(&w, &qc->hash);
    td_keccak_update(k, buf, w.len);
    hash_bitmap(k, &qc->signers);
    td_keccak_update(k, qc->sigs, (size_t)qc->sig_count * TD_SIG_BYTES);
    uint8_t present = qc->genesis != NULL;
    td_keccak_update(k, &present, 1);
    if (qc->genesis == NULL)
        return;
    td_writer_init(&w, buf, sizeof buf);
    bft_attest_fields_encode(&w, &qc->genesis->fields);
    td_keccak_update(k, buf, w.len);
    hash_bitmap(k, &qc->genesis->signers);
    td_keccak_update(k, qc->genesis->sigs, (size_t)qc->genesis->sig_count * TD_SIG_BYTES);
}

/* The same bytes as bft_tc_encode, without a buffer of 36 KiB; a test compares both. */
void bft_tc_hash(struct td_hash *out, const struct bft_tc *tc)
{
    uint8_t buf[TC_ENTRY_BYTES];
    struct td_writer w;
    struct td_keccak k;
    td_keccak_init(&k);
    td_writer_init(&w, buf, sizeof buf);
    td_put_u64(&w, tc->epoch);
    td_put_u64(&w, tc->round);
    td_keccak_update(&k, buf, w.len);
    hash_bitmap(&k, &tc->signers);
    for (uint32_t i = 0; i < tc->entry_count; i++) {
        td_writer_init(&w, buf, sizeof buf);
        td_put_u64(&w, tc->entries[i].lock_round);
        td_put_sig(&w, &tc->entries[i].sig);
        td_keccak_update(&k, buf, w.len);
    }
    hash_qc(&k, &tc->high_qc);
    td_keccak_final(&k, out);
}

/* ---- entries and proofs */

size_t bft_entry_size(const struct bft_entry *e)
{
    switch (e->kind) {
    case BFT_ENTRY_NONE:
        return 1u;
    case BFT_ENTRY_QC:
        return 1u + bft_qc_size(e->qc);
    case BFT_ENTRY_TC:
        return 1u + bft_tc_size(e->tc);
    }
    TD_ASSERT(false);
    return 0;
}

void bft_entry_encode(struct td_writer *w, const struct bft_entry *e)
{
    td_put_u8(w, (uint8_t)e->kind);
    if (e->kind == BFT_ENTRY_QC)
        bft_qc_encode(w, e->qc);
    else if (e->kind == BFT_ENTRY_TC)
        bft_tc_encode(w, e->tc);
}

void bft_entry_decode(struct td_reader *r, struct td_arena *arena, struct bft_entry *e)
{
    uint8_t kind = td_get_u8(r);
    *e = (struct bft_entry){.kind = (enum bft_entry_kind)kind, .qc = NULL, .tc = NULL};
    if (kind == BFT_ENTRY_QC)
        e->qc = bft_qc_place(r, arena);
    else if (kind == BFT_ENTRY_TC)
        e->tc = bft_tc_place(r, arena);
    else if (kind != BFT_ENTRY_NONE)
        td_reader_fail(r, TD_E_MALFORMED);
}

size_t bft_proof_size(const struct bft_proof *p)
{
    switch (p->kind) {
    case BFT_PROOF_NONE:
        return 1u;
    case BFT_PROOF_ATTEST:
        return 1u + bft_attest_cert_size(p->attest);
    case BFT_PROOF_COMMIT:
        return 1u + bft_commit_cert_size(p->commit) + BFT_HEADER_BYTES;
    case BFT_PROOF_TWO_CHAIN:
        return 1u + bft_qc_size(p->qc) + bft_qc_size(p->qc_child) + 2u * BFT_HEADER_BYTES;
    }
    TD_ASSERT(false);
    return 0;
}

void bft_proof_encode(struct td_writer *w, const struct bft_proof *p)
{
    td_put_u8(w, (uint8_t)p->kind);
    switch (p->kind) {
    case BFT_PROOF_NONE:
        return;
    case BFT_PROOF_ATTEST:
        bft_attest_cert_encode(w, p->attest);
        return;
    case BFT_PROOF_COMMIT:
        bft_commit_cert_encode(w, p->commit);
        bft_header_encode(w, p->tip);
        return;
    case BFT_PROOF_TWO_CHAIN:
        bft_qc_encode(w, p->qc);
        bft_qc_encode(w, p->qc_child);
        bft_header_encode(w, p->tip);
        bft_header_encode(w, p->child);
        return;
    }
    TD_ASSERT(false);
}

static const struct bft_header *header_place(struct td_reader *r, struct td_arena *arena)
{
    if (r->err != TD_OK)
        return NULL;
    struct bft_header *h = TD_ARENA_NEW(arena, struct bft_header, 1);
    if (h == NULL) {
        td_reader_fail(r, TD_E_NOSPACE);
        return NULL;
    }
    bft_header_decode(r, h);
    return r->err == TD_OK ? h : NULL;
}

void bft_proof_decode(struct td_reader *r, struct td_arena *arena, struct bft_proof *p)
{
    uint8_t kind = td_get_u8(r);
    *p = (struct bft_proof){.kind = (enum bft_proof_kind)kind};
    switch (kind) {
    case BFT_PROOF_NONE:
        return;
    case BFT_PROOF_ATTEST:
        p->attest = bft_attest_cert_place(r, arena);
        return;
    case BFT_PROOF_COMMIT:
        p->commit = bft_commit_cert_decode(r, arena);
        p->tip = header_place(r, arena);
        return;
    case BFT_PROOF_TWO_CHAIN:
        p->qc = bft_qc_place(r, arena);
        p->qc_child = bft_qc_place(r, arena);
        p->tip = header_place(r, arena);
        p->child = header_place(r, arena);
        return;
    default:
        td_reader_fail(r, TD_E_MALFORMED);
    }
}
