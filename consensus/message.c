/* Wire encoding of the seventeen peer messages.  [P-14]
 *
 * Every size, encoder and decoder is a switch over the kind; the parts are in message_parts.c.
 * Counts that a field elsewhere already says (tx hashes, payload lengths, signatures) are not on
 * the wire, so they cannot disagree. */
#include "consensus/message.h"

#include "base/core/assert.h"
#include "consensus/message_internal.h"
#include "consensus/validators.h"

#define STATUS_HEAD_BYTES (4u * 8u + 2u * TD_HASH_BYTES)
#define HELLO_HEAD_BYTES (4u + TD_HASH_BYTES)
#define PROOF_BYTES_MAX (1u + 2u * QC_BYTES_MAX + 2u * BFT_HEADER_BYTES)
#define LARGER(a, b) ((a) > (b) ? (a) : (b))

_Static_assert(BFT_BLOCKS_HEADERS_MAX *(sizeof(struct bft_header) + sizeof(struct td_bytes)) +
                       2u * (sizeof(struct bft_qc) + sizeof(struct bft_attest_cert) +
                             sizeof(struct bft_header)) +
                       256u <=
                   BFT_DECODE_ARENA_BYTES,
               "arena holds a Blocks answer");
_Static_assert(2u * (BFT_SIGNERS_MAX * sizeof(struct bft_tc_entry) + sizeof(struct bft_tc)) +
                       4u * (sizeof(struct bft_qc) + sizeof(struct bft_attest_cert)) + 256u <=
                   BFT_DECODE_ARENA_BYTES,
               "arena holds any certificates of a message");

static const uint32_t BYTES_MAX[] = {
    [BFT_MSG_HELLO] = 1u + HELLO_HEAD_BYTES + 2u + BFT_ADDRESS_RECORD_MAX,
    [BFT_MSG_STATUS] = 1u + STATUS_HEAD_BYTES + 1u + BFT_OWN_MESSAGES_MAX * SIGNED_BYTES_MAX + 1u +
                       QC_BYTES_MAX + 1u + TC_BYTES_MAX,
    [BFT_MSG_PROPOSAL] = TD_PROPOSAL_BYTES_MAX,
    [BFT_MSG_VOTE] = 1u + BFT_VOTE_BYTES,
    [BFT_MSG_COMMIT] = 1u + BFT_COMMIT_BYTES,
    [BFT_MSG_TIMEOUT] = 1u + BFT_TIMEOUT_BYTES + 1u + QC_BYTES_MAX + 1u + TC_BYTES_MAX,
    [BFT_MSG_CERTIFICATE] = 2u + LARGER(TC_BYTES_MAX, PROOF_BYTES_MAX),
    [BFT_MSG_ATTEST] = 1u + BFT_ATTEST_BYTES,
    [BFT_MSG_ATTEST_CERT] = 1u + ATTEST_CERT_BYTES_MAX,
    [BFT_MSG_BATCH_ATTEST] = 1u + BFT_BATCH_ATTEST_BYTES,
    [BFT_MSG_BATCH_CERT] = 1u + BATCH_HEAD_BYTES + BITMAP_BYTES_MAX + SIGS_BYTES_MAX,
    [BFT_MSG_GET_BLOCKS] = 1u + 8u + 2u,
    [BFT_MSG_BLOCKS] = TD_FRAME_BYTES_MAX,
    [BFT_MSG_GET_BY_HASH] = 1u + 1u + 2u + BFT_BY_HASH_MAX * TD_HASH_BYTES,
    [BFT_MSG_BY_HASH] = TD_FRAME_BYTES_MAX,
    [BFT_MSG_EVIDENCE] = 2u + 2u * SIGNED_BYTES_MAX + BFT_HEADER_BYTES,
    [BFT_MSG_TX] = 1u + TD_TX_BYTES_MAX,
};

size_t bft_msg_bytes_max(uint8_t kind)
{
    return kind < sizeof BYTES_MAX / sizeof BYTES_MAX[0] ? BYTES_MAX[kind] : 0;
}

/* ---- sizes */

static size_t optional_qc_size(const struct bft_qc *qc)
{
    return 1u + (qc != NULL ? bft_qc_size(qc) : 0);
}

static size_t status_size(const struct bft_status *s)
{
    size_t size = STATUS_HEAD_BYTES + 1u + optional_qc_size(s->high_qc) + bft_entry_size(&s->entry);
    for (uint32_t i = 0; i < s->own_count; i++)
        size += bft_signed_size(&s->own[i]);
    return size;
}

static size_t proposal_size(const struct bft_proposal *p)
{
    return BFT_HEADER_BYTES + bft_qc_size(&p->qc) + 1u + (p->tc != NULL ? bft_tc_size(p->tc) : 0) +
           1u + (p->attest_cert != NULL ? bft_attest_cert_size(p->attest_cert) : 0) +
           (size_t)p->header.tx_count * TD_HASH_BYTES + TD_SIG_BYTES;
}

static size_t certificate_size(const struct bft_certificate *c)
{
    switch (c->kind) {
    case BFT_CERTIFICATE_QC:
        return 1u + bft_qc_size(c->qc);
    case BFT_CERTIFICATE_TC:
        return 1u + bft_tc_size(c->tc);
    case BFT_CERTIFICATE_COMMIT:
        return 1u + bft_commit_cert_size(c->qc);
    case BFT_CERTIFICATE_PROOF:
        return 1u + bft_proof_size(&c->proof);
    }
    TD_ASSERT(false);
    return 0;
}

static size_t blocks_size(const struct bft_blocks *b)
{
    size_t size =
        8u + 2u + (size_t)b->header_count * BFT_HEADER_BYTES + 2u + bft_proof_size(&b->proof);
    for (uint32_t i = 0; i < b->payload_count; i++)
        size += b->payloads[i].len;
    return size;
}

static size_t by_hash_size(const struct bft_by_hash *b)
{
    size_t size = 1u + 2u;
    for (uint32_t i = 0; i < b->object_count; i++)
        size += 4u + b->objects[i].len;
    return size;
}

size_t bft_msg_size(const struct bft_msg *m)
{
    switch (m->kind) {
    case BFT_MSG_HELLO:
        return 1u + HELLO_HEAD_BYTES + 2u + m->u.hello.address_record.len;
    case BFT_MSG_STATUS:
        return 1u + status_size(&m->u.status);
    case BFT_MSG_PROPOSAL:
        return 1u + proposal_size(&m->u.proposal);
    case BFT_MSG_VOTE:
        return 1u + BFT_VOTE_BYTES;
    case BFT_MSG_COMMIT:
        return 1u + BFT_COMMIT_BYTES;
    case BFT_MSG_TIMEOUT:
        return 1u + BFT_TIMEOUT_BYTES + optional_qc_size(m->u.timeout.lock_qc) +
               bft_entry_size(&m->u.timeout.entry);
    case BFT_MSG_CERTIFICATE:
        return 1u + certificate_size(&m->u.certificate);
    case BFT_MSG_ATTEST:
        return 1u + BFT_ATTEST_BYTES;
    case BFT_MSG_ATTEST_CERT:
        return 1u + bft_attest_cert_size(&m->u.attest_cert);
    case BFT_MSG_BATCH_ATTEST:
        return 1u + BFT_BATCH_ATTEST_BYTES;
    case BFT_MSG_BATCH_CERT:
        return 1u + BATCH_HEAD_BYTES + bft_bitmap_size(&m->u.batch_cert.signers) +
               (size_t)m->u.batch_cert.sig_count * TD_SIG_BYTES;
    case BFT_MSG_GET_BLOCKS:
        return 1u + 8u + 2u;
    case BFT_MSG_BLOCKS:
        return 1u + blocks_size(&m->u.blocks);
    case BFT_MSG_GET_BY_HASH:
        return 1u + 1u + 2u + (size_t)m->u.get_by_hash.hash_count * TD_HASH_BYTES;
    case BFT_MSG_BY_HASH:
        return 1u + by_hash_size(&m->u.by_hash);
    case BFT_MSG_EVIDENCE:
        return 2u + bft_signed_size(&m->u.evidence.a) + bft_signed_size(&m->u.evidence.b) +
               (m->u.evidence.kind == BFT_EVIDENCE_VOTE_THEN_LOWER_LOCK ? BFT_HEADER_BYTES : 0);
    case BFT_MSG_TX:
        return 1u + m->u.tx.len;
    }
    TD_ASSERT(false);
    return 0;
}

/* ---- encoders */

static void optional_qc_encode(struct td_writer *w, const struct bft_qc *qc)
{
    td_put_u8(w, qc != NULL);
    if (qc != NULL)
        bft_qc_encode(w, qc);
}

static void hello_encode(struct td_writer *w, const struct bft_hello *h)
{
    TD_ASSERT(h->address_record.len <= BFT_ADDRESS_RECORD_MAX);
    td_put_u32(w, h->version);
    td_put_hash(w, &h->genesis_hash);
    td_put_u16(w, (uint16_t)h->address_record.len);
    td_put_bytes(w, h->address_record.ptr, h->address_record.len);
}

static void status_encode(struct td_writer *w, const struct bft_status *s)
{
    TD_ASSERT(s->own_count <= BFT_OWN_MESSAGES_MAX);
    td_put_u64(w, s->epoch);
    td_put_u64(w, s->round);
    td_put_u64(w, s->final_height);
    td_put_hash(w, &s->final_hash);
    td_put_u64(w, s->l1_number);
    td_put_hash(w, &s->l1_hash);
    td_put_u8(w, (uint8_t)s->own_count);
    for (uint32_t i = 0; i < s->own_count; i++)
        bft_signed_encode(w, &s->own[i]);
    optional_qc_encode(w, s->high_qc);
    bft_entry_encode(w, &s->entry);
}

static void proposal_encode(struct td_writer *w, const struct bft_proposal *p)
{
    bft_header_encode(w, &p->header);
    bft_qc_encode(w, &p->qc);
    td_put_u8(w, p->tc != NULL);
    if (p->tc != NULL)
        bft_tc_encode(w, p->tc);
    td_put_u8(w, p->attest_cert != NULL);
    if (p->attest_cert != NULL)
        bft_attest_cert_encode(w, p->attest_cert);
    td_put_bytes(w, p->tx_hashes, (size_t)p->header.tx_count * TD_HASH_BYTES);
    td_put_sig(w, &p->sig);
}

static void certificate_encode(struct td_writer *w, const struct bft_certificate *c)
{
    td_put_u8(w, (uint8_t)c->kind);
    switch (c->kind) {
    case BFT_CERTIFICATE_QC:
        bft_qc_encode(w, c->qc);
        return;
    case BFT_CERTIFICATE_TC:
        bft_tc_encode(w, c->tc);
        return;
    case BFT_CERTIFICATE_COMMIT:
        bft_commit_cert_encode(w, c->qc);
        return;
    case BFT_CERTIFICATE_PROOF:
        bft_proof_encode(w, &c->proof);
        return;
    }
    TD_ASSERT(false);
}

static void batch_cert_encode(struct td_writer *w, const struct bft_batch_cert *c)
{
    TD_ASSERT(c->sig_count == bft_bitmap_count(&c->signers));
    td_put_u64(w, c->epoch);
    td_put_hash(w, &c->set_hash);
    td_put_hash(w, &c->batch_hash);
    td_put_u64(w, c->height);
    bft_bitmap_encode(w, &c->signers);
    td_put_bytes(w, c->sigs, (size_t)c->sig_count * TD_SIG_BYTES);
}

static void blocks_encode(struct td_writer *w, const struct bft_blocks *b)
{
    TD_ASSERT(b->header_count <= BFT_BLOCKS_HEADERS_MAX);
    TD_ASSERT(b->payload_count <= b->header_count);
    td_put_u64(w, b->from);
    td_put_u16(w, (uint16_t)b->header_count);
    for (uint32_t i = 0; i < b->header_count; i++)
        bft_header_encode(w, &b->headers[i]);
    td_put_u16(w, (uint16_t)b->payload_count);
    for (uint32_t i = 0; i < b->payload_count; i++) {
        TD_ASSERT(b->payloads[i].len == b->headers[i].payload_bytes);
        td_put_bytes(w, b->payloads[i].ptr, b->payloads[i].len);
    }
    bft_proof_encode(w, &b->proof);
}

static void by_hash_encode(struct td_writer *w, const struct bft_by_hash *b)
{
    TD_ASSERT(b->object_count <= BFT_BY_HASH_MAX);
    td_put_u8(w, (uint8_t)b->kind);
    td_put_u16(w, (uint16_t)b->object_count);
    for (uint32_t i = 0; i < b->object_count; i++) {
        td_put_u32(w, (uint32_t)b->objects[i].len);
        td_put_bytes(w, b->objects[i].ptr, b->objects[i].len);
    }
}

static void get_by_hash_encode(struct td_writer *w, const struct bft_get_by_hash *g)
{
    TD_ASSERT(g->hash_count <= BFT_BY_HASH_MAX);
    td_put_u8(w, (uint8_t)g->kind);
    td_put_u16(w, (uint16_t)g->hash_count);
    td_put_bytes(w, g->hashes, (size_t)g->hash_count * TD_HASH_BYTES);
}

static void evidence_encode(struct td_writer *w, const struct bft_evidence *e)
{
    td_put_u8(w, (uint8_t)e->kind);
    bft_signed_encode(w, &e->a);
    bft_signed_encode(w, &e->b);
    if (e->kind == BFT_EVIDENCE_VOTE_THEN_LOWER_LOCK)
        bft_header_encode(w, e->header);
}

void bft_msg_encode(struct td_writer *w, const struct bft_msg *m)
{
    td_put_u8(w, (uint8_t)m->kind);
    switch (m->kind) {
    case BFT_MSG_HELLO:
        hello_encode(w, &m->u.hello);
        return;
    case BFT_MSG_STATUS:
        status_encode(w, &m->u.status);
        return;
    case BFT_MSG_PROPOSAL:
        proposal_encode(w, &m->u.proposal);
        return;
    case BFT_MSG_VOTE:
        bft_vote_encode(w, &m->u.vote);
        return;
    case BFT_MSG_COMMIT:
        bft_commit_encode(w, &m->u.commit);
        return;
    case BFT_MSG_TIMEOUT:
        bft_timeout_encode(w, &m->u.timeout.t);
        optional_qc_encode(w, m->u.timeout.lock_qc);
        bft_entry_encode(w, &m->u.timeout.entry);
        return;
    case BFT_MSG_CERTIFICATE:
        certificate_encode(w, &m->u.certificate);
        return;
    case BFT_MSG_ATTEST:
        bft_attest_encode(w, &m->u.attest);
        return;
    case BFT_MSG_ATTEST_CERT:
        bft_attest_cert_encode(w, &m->u.attest_cert);
        return;
    case BFT_MSG_BATCH_ATTEST:
        bft_batch_attest_encode(w, &m->u.batch_attest);
        return;
    case BFT_MSG_BATCH_CERT:
        batch_cert_encode(w, &m->u.batch_cert);
        return;
    case BFT_MSG_GET_BLOCKS:
        td_put_u64(w, m->u.get_blocks.from);
        td_put_u16(w, (uint16_t)m->u.get_blocks.count);
        return;
    case BFT_MSG_BLOCKS:
        blocks_encode(w, &m->u.blocks);
        return;
    case BFT_MSG_GET_BY_HASH:
        get_by_hash_encode(w, &m->u.get_by_hash);
        return;
    case BFT_MSG_BY_HASH:
        by_hash_encode(w, &m->u.by_hash);
        return;
    case BFT_MSG_EVIDENCE:
        evidence_encode(w, &m->u.evidence);
        return;
    case BFT_MSG_TX:
        td_put_bytes(w, m->u.tx.ptr, m->u.tx.len);
        return;
    }
    TD_ASSERT(false);
}

/* ---- decoders */

/* A number that must lie in [low, high]; outside it the reader fails and 0 is returned. */
static uint32_t bounded(struct td_reader *r, uint32_t value, uint32_t low, uint32_t high)
{
    if (r->err == TD_OK && value >= low && value <= high)
        return value;
    td_reader_fail(r, TD_E_RANGE);
    return 0;
}

/* The next `count` hashes, seen in place. */
static const struct td_hash *hashes_view(struct td_reader *r, uint32_t count)
{
    return (const struct td_hash *)(const void *)td_get_space(r, (size_t)count * TD_HASH_BYTES);
}

static void hello_decode(struct td_reader *r, struct bft_hello *h)
{
    h->version = td_get_u32(r);
    td_get_hash(r, &h->genesis_hash);
    uint32_t len = bounded(r, td_get_u16(r), 0, BFT_ADDRESS_RECORD_MAX);
    h->address_record = td_get_view(r, len);
}

static void status_decode(struct td_reader *r, struct td_arena *arena, struct bft_status *s)
{
    s->epoch = td_get_u64(r);
    s->round = td_get_u64(r);
    s->final_height = td_get_u64(r);
    td_get_hash(r, &s->final_hash);
    s->l1_number = td_get_u64(r);
    td_get_hash(r, &s->l1_hash);
    s->own_count = bounded(r, td_get_u8(r), 0, BFT_OWN_MESSAGES_MAX);
    for (uint32_t i = 0; i < s->own_count; i++)
        bft_signed_decode(r, &s->own[i]);
    s->high_qc = td_get_bool(r) ? bft_qc_place(r, arena) : NULL;
    bft_entry_decode(r, arena, &s->entry);
}

static void proposal_decode(struct td_reader *r, struct td_arena *arena, struct bft_proposal *p)
{
    bft_header_decode(r, &p->header);
    bft_qc_decode(r, arena, &p->qc);
    p->tc = td_get_bool(r) ? bft_tc_place(r, arena) : NULL;
    p->attest_cert = td_get_bool(r) ? bft_attest_cert_place(r, arena) : NULL;
    p->tx_hashes = hashes_view(r, p->header.tx_count);
    td_get_sig(r, &p->sig);
    /* Hash only what is a whole proposal: the one expensive step here. */
    if (td_reader_finish(r) == TD_OK)
        bft_header_hash(&p->hash, &p->header);
}

static void certificate_decode(struct td_reader *r, struct td_arena *arena,
                               struct bft_certificate *c)
{
    uint8_t kind = td_get_u8(r);
    *c = (struct bft_certificate){.kind = (enum bft_certificate_kind)kind};
    switch (kind) {
    case BFT_CERTIFICATE_QC:
        c->qc = bft_qc_place(r, arena);
        return;
    case BFT_CERTIFICATE_TC:
        c->tc = bft_tc_place(r, arena);
        return;
    case BFT_CERTIFICATE_COMMIT:
        c->qc = bft_commit_cert_decode(r, arena);
        return;
    case BFT_CERTIFICATE_PROOF:
        bft_proof_decode(r, arena, &c->proof);
        if (c->proof.kind == BFT_PROOF_NONE)
            td_reader_fail(r, TD_E_MALFORMED);
        return;
    default:
        td_reader_fail(r, TD_E_MALFORMED);
    }
}

static void batch_cert_decode(struct td_reader *r, struct bft_batch_cert *c)
{
    c->epoch = td_get_u64(r);
    td_get_hash(r, &c->set_hash);
    td_get_hash(r, &c->batch_hash);
    c->height = td_get_u64(r);
    c->sig_count = bft_bitmap_decode(r, &c->signers);
    c->sigs = bft_sigs_view(r, c->sig_count);
}

static struct bft_header *headers_decode(struct td_reader *r, struct td_arena *arena,
                                         uint32_t count)
{
    if (count == 0)
        return NULL;
    if ((size_t)count * BFT_HEADER_BYTES > td_reader_left(r)) {
        td_reader_fail(r, TD_E_TRUNCATED);
        return NULL;
    }
    struct bft_header *headers = TD_ARENA_NEW(arena, struct bft_header, count);
    if (headers == NULL) {
        td_reader_fail(r, TD_E_NOSPACE);
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++)
        bft_header_decode(r, &headers[i]);
    return headers;
}

static void blocks_decode(struct td_reader *r, struct td_arena *arena, struct bft_blocks *b)
{
    b->from = td_get_u64(r);
    b->header_count = bounded(r, td_get_u16(r), 0, BFT_BLOCKS_HEADERS_MAX);
    b->headers = headers_decode(r, arena, b->header_count);
    b->payload_count = bounded(r, td_get_u16(r), 0, b->header_count);
    b->payloads = NULL;
    if (b->payload_count > 0) {
        struct td_bytes *payloads = TD_ARENA_NEW(arena, struct td_bytes, b->payload_count);
        size_t total = 0;
        if (payloads == NULL) {
            td_reader_fail(r, TD_E_NOSPACE);
            return;
        }
        for (uint32_t i = 0; i < b->payload_count; i++) {
            total += b->headers[i].payload_bytes;
            if (total > TD_SYNC_BYTES_MAX)
                td_reader_fail(r, TD_E_RANGE);
            payloads[i] = td_get_view(r, b->headers[i].payload_bytes);
        }
        b->payloads = payloads;
    }
    bft_proof_decode(r, arena, &b->proof);
    /* Headers without a proof claim nothing, and a proof without headers answers nothing. */
    if ((b->header_count == 0) != (b->proof.kind == BFT_PROOF_NONE))
        td_reader_fail(r, TD_E_MALFORMED);
}

static enum bft_object_kind object_kind_decode(struct td_reader *r)
{
    uint8_t kind = td_get_u8(r);
    if (kind < BFT_OBJECT_HEADER || kind > BFT_OBJECT_QC)
        td_reader_fail(r, TD_E_MALFORMED);
    return (enum bft_object_kind)kind;
}

static void get_by_hash_decode(struct td_reader *r, struct bft_get_by_hash *g)
{
    g->kind = object_kind_decode(r);
    g->hash_count = bounded(r, td_get_u16(r), 1, BFT_BY_HASH_MAX);
    g->hashes = hashes_view(r, g->hash_count);
}

/* Objects per answer and bytes per object. */
static const struct {
    uint32_t count;
    uint32_t low, high;
} OBJECT[] = {
    [BFT_OBJECT_HEADER] = {BFT_HEADERS_PER_REPLY, BFT_HEADER_BYTES, BFT_HEADER_BYTES},
    [BFT_OBJECT_TX] = {BFT_BY_HASH_MAX, 1, TD_TX_BYTES_MAX},
    [BFT_OBJECT_PAYLOAD] = {BFT_BY_HASH_MAX, 0, TD_PAYLOAD_BYTES_MAX},
    [BFT_OBJECT_SET] = {BFT_BY_HASH_MAX, 0, BFT_SET_BYTES_MAX},
    [BFT_OBJECT_QC] = {BFT_QCS_PER_REPLY, QC_HEAD_BYTES + 3u, QC_BYTES_MAX},
};

static void by_hash_decode(struct td_reader *r, struct td_arena *arena, struct bft_by_hash *b)
{
    b->kind = object_kind_decode(r);
    b->object_count = td_get_u16(r);
    b->objects = NULL;
    if (r->err != TD_OK)
        return;
    b->object_count = bounded(r, b->object_count, 0, OBJECT[b->kind].count);
    if (b->object_count == 0)
        return;
    struct td_bytes *objects = TD_ARENA_NEW(arena, struct td_bytes, b->object_count);
    if (objects == NULL) {
        td_reader_fail(r, TD_E_NOSPACE);
        return;
    }
    size_t total = 0;
    for (uint32_t i = 0; i < b->object_count; i++) {
        uint32_t len = td_get_u32(r);
        if (r->err == TD_OK)
            len = bounded(r, len, OBJECT[b->kind].low, OBJECT[b->kind].high);
        total += len;
        if (total > TD_SYNC_BYTES_MAX)
            td_reader_fail(r, TD_E_RANGE);
        objects[i] = td_get_view(r, len);
    }
    b->objects = objects;
}

static void evidence_decode(struct td_reader *r, struct td_arena *arena, struct bft_evidence *e)
{
    uint8_t kind = td_get_u8(r);
    if (kind == 0 || kind > BFT_EVIDENCE_KINDS)
        td_reader_fail(r, TD_E_MALFORMED);
    e->kind = (enum bft_evidence_kind)kind;
    bft_signed_decode(r, &e->a);
    bft_signed_decode(r, &e->b);
    e->header = NULL;
    if (kind == BFT_EVIDENCE_VOTE_THEN_LOWER_LOCK)
        e->header = headers_decode(r, arena, 1);
}

/* Decode the body after the kind byte; the reader holds the verdict. */
static void body_decode(struct td_reader *r, struct td_arena *arena, struct bft_msg *out)
{
    switch (out->kind) {
    case BFT_MSG_HELLO:
        hello_decode(r, &out->u.hello);
        return;
    case BFT_MSG_STATUS:
        status_decode(r, arena, &out->u.status);
        return;
    case BFT_MSG_PROPOSAL:
        proposal_decode(r, arena, &out->u.proposal);
        return;
    case BFT_MSG_VOTE:
        bft_vote_decode(r, &out->u.vote);
        return;
    case BFT_MSG_COMMIT:
        bft_commit_decode(r, &out->u.commit);
        return;
    case BFT_MSG_TIMEOUT:
        bft_timeout_decode(r, &out->u.timeout.t);
        out->u.timeout.lock_qc = td_get_bool(r) ? bft_qc_place(r, arena) : NULL;
        bft_entry_decode(r, arena, &out->u.timeout.entry);
        return;
    case BFT_MSG_CERTIFICATE:
        certificate_decode(r, arena, &out->u.certificate);
        return;
    case BFT_MSG_ATTEST:
        bft_attest_decode(r, &out->u.attest);
        return;
    case BFT_MSG_ATTEST_CERT:
        bft_attest_cert_decode(r, arena, &out->u.attest_cert);
        return;
    case BFT_MSG_BATCH_ATTEST:
        bft_batch_attest_decode(r, &out->u.batch_attest);
        return;
    case BFT_MSG_BATCH_CERT:
        batch_cert_decode(r, &out->u.batch_cert);
        return;
    case BFT_MSG_GET_BLOCKS:
        out->u.get_blocks.from = td_get_u64(r);
        out->u.get_blocks.count = bounded(r, td_get_u16(r), 1, BFT_BLOCKS_MAX);
        return;
    case BFT_MSG_BLOCKS:
        blocks_decode(r, arena, &out->u.blocks);
        return;
    case BFT_MSG_GET_BY_HASH:
        get_by_hash_decode(r, &out->u.get_by_hash);
        return;
    case BFT_MSG_BY_HASH:
        by_hash_decode(r, arena, &out->u.by_hash);
        return;
    case BFT_MSG_EVIDENCE:
        evidence_decode(r, arena, &out->u.evidence);
        return;
    case BFT_MSG_TX:
        out->u.tx = td_get_view(r, td_reader_left(r));
        if (out->u.tx.len == 0)
            td_reader_fail(r, TD_E_TRUNCATED);
        return;
    }
    td_reader_fail(r, TD_E_MALFORMED);
}

enum td_error bft_msg_decode(struct bft_msg *out, struct td_arena *arena, const uint8_t *buf,
                             size_t len)
{
    struct td_reader r;
    td_reader_init(&r, buf, len);
    uint8_t kind = td_get_u8(&r);
    if (r.err != TD_OK)
        return r.err;
    size_t bytes_max = bft_msg_bytes_max(kind);
    if (bytes_max == 0)
        return TD_E_MALFORMED;
    if (len > bytes_max)
        return TD_E_RANGE;
    out->kind = (enum bft_msg_kind)kind;
    body_decode(&r, arena, out);
    return td_reader_finish(&r);
}
