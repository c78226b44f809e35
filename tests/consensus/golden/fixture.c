/* See fixture.h.  Changing a value here changes golden vectors: golden_vectors --regen. */
#include "tests/consensus/golden/fixture.h"

#include "base/core/assert.h"
#include "base/core/codec.h"
#include "base/core/keccak.h"

struct td_hash fx_hash(const char *label, uint64_t n)
{
    struct td_keccak k;
    struct td_hash out;
    uint8_t number[8];
    for (uint32_t i = 0; i < 8; i++)
        number[i] = (uint8_t)(n >> (56u - 8u * i));
    struct td_bytes text = td_bytes_of_text(label);
    td_keccak_init(&k);
    td_keccak_update(&k, text.ptr, text.len);
    td_keccak_update(&k, number, sizeof number);
    td_keccak_final(&k, &out);
    return out;
}

static void pattern_sign(void *ctx, const struct bft_set *set, uint32_t signer,
                         const struct td_hash *digest, struct td_sig *out)
{
    (void)ctx;
    struct td_hash half = fx_hash("signer", set->epoch << 16 | signer);
    for (uint32_t i = 0; i < TD_HASH_BYTES; i++) {
        out->b[i] = digest->b[i] ^ half.b[i];
        out->b[TD_HASH_BYTES + i] = half.b[i];
    }
}

static void sign(struct fx *f, uint64_t epoch, uint32_t signer, const struct td_hash *digest,
                 struct td_sig *out)
{
    f->sign(f->sign_ctx, &f->set[epoch], signer, digest, out);
}

void fx_init(struct fx *f, const struct bft_validator *entries, uint32_t count, fx_sign_fn *sign_fn,
             void *sign_ctx)
{
    static struct bft_validator made[BFT_SIGNERS_MAX];
    if (entries == NULL) {
        for (uint32_t i = 0; i < count; i++) {
            struct td_hash h = fx_hash("validator", i);
            memcpy(made[i].addr.b, h.b, TD_ADDR_BYTES);
            h = fx_hash("key", i);
            made[i].key.b[0] = 2;
            memcpy(made[i].key.b + 1, h.b, TD_HASH_BYTES);
            made[i].stake = 100 + i;
        }
        entries = made;
    }
    enum td_error err = bft_set_init(&f->set[0], 0, entries, count, BFT_SIGNERS_MAX);
    TD_ASSERT(err == TD_OK);
    bft_set_advance(&f->set[1], &f->set[0], 1);
    bft_set_advance(&f->set[2], &f->set[0], 2);
    f->genesis_hash = fx_hash("genesis", 0);
    bft_domain_init(&f->domain, 31337, &(struct td_addr){{0}}, 7001, &f->genesis_hash);
    f->ctx = (struct bft_verify_ctx){.domain = &f->domain,
                                     .sets = {&f->set[0], &f->set[1], &f->set[2]},
                                     .genesis_hash = f->genesis_hash,
                                     .validators_max = BFT_SIGNERS_MAX};
    f->sign = sign_fn != NULL ? sign_fn : pattern_sign;
    f->sign_ctx = sign_ctx;
    f->first = 1;
    td_arena_init(&f->arena, f->room, sizeof f->room);
}

/* ---- parts */

static void *take(struct fx *f, size_t count, size_t size)
{
    void *p = td_arena_get_array(&f->arena, count, size, 16);
    TD_ASSERT(p != NULL);
    return p;
}

/* The fewest signers from f->first on that weigh Q. */
static struct bft_bitmap quorum(const struct fx *f, const struct bft_set *set)
{
    struct bft_bitmap m = {{0}};
    for (uint32_t i = 0; bft_set_weight(set, &m) < set->quorum; i++)
        bft_bitmap_add(&m, (f->first + i) % set->count);
    return m;
}

static const struct td_sig *sigs_over(struct fx *f, uint64_t epoch, const struct bft_bitmap *m,
                                      const struct td_hash *digest)
{
    struct td_sig *sigs = take(f, bft_bitmap_count(m), sizeof *sigs);
    uint32_t next = 0;
    for (uint32_t i = 0; i < f->set[epoch].count; i++) {
        if (bft_bitmap_has(m, i))
            sign(f, epoch, i, digest, &sigs[next++]);
    }
    return sigs;
}

struct bft_header *fx_header(struct fx *f, uint64_t round, uint64_t height)
{
    struct bft_header *h = take(f, 1, sizeof *h);
    *h = (struct bft_header){
        .epoch = 1,
        .round = round,
        .height = height,
        .end_batch = height % 4 == 0,
        .proposer = (uint16_t)(round % f->set[1].count),
        .parent = fx_hash("block", height - 1),
        .parent_round = round - 1,
        .prev_hash = fx_hash("block", height - 1),
        .ts_ms = UINT64_C(1700000000000) + 1000 * height,
        .payload_root = fx_hash("payload", height),
        .payload_bytes = 20,
        .tx_count = 3,
        .origin = {1234567, fx_hash("l1", 1234567), 42, fx_hash("priority", 42),
                   fx_hash("registry", 1)},
        .result_digest = fx_hash("result", height - 3),
        .att_height = height - 5,
        .att_digest = fx_hash("attested", height - 5),
        .next_set_hash = fx_hash("next set", 2),
    };
    return h;
}

struct bft_qc *fx_qc(struct fx *f, const struct bft_header *h)
{
    struct bft_qc *qc = take(f, 1, sizeof *qc);
    qc->epoch = h->epoch;
    qc->round = h->round;
    qc->height = h->height;
    bft_header_hash(&qc->hash, h);
    qc->signers = quorum(f, &f->set[h->epoch]);
    qc->sig_count = bft_bitmap_count(&qc->signers);
    struct td_hash digest;
    bft_digest_vote(&digest, &f->domain, qc->epoch, qc->round, qc->height, &qc->hash);
    qc->sigs = sigs_over(f, qc->epoch, &qc->signers, &digest);
    return qc;
}

struct bft_qc *fx_commit_cert(struct fx *f, const struct bft_header *h)
{
    struct bft_qc *qc = take(f, 1, sizeof *qc);
    qc->epoch = h->epoch;
    qc->round = h->round;
    bft_header_hash(&qc->hash, h);
    qc->signers = quorum(f, &f->set[h->epoch]);
    qc->sig_count = bft_bitmap_count(&qc->signers);
    struct td_hash digest;
    bft_digest_commit(&digest, &f->domain, qc->epoch, qc->round, &qc->hash);
    qc->sigs = sigs_over(f, qc->epoch, &qc->signers, &digest);
    return qc;
}

static void attest_fields(const struct fx *f, struct bft_attest_fields *out, uint64_t epoch,
                          uint64_t height, const struct td_hash *block_hash)
{
    *out = (struct bft_attest_fields){
        .epoch = epoch,
        .set_hash = f->set[epoch].hash,
        .height = height,
        .block_hash = *block_hash,
        .parent_hash = fx_hash("block", height - 1),
        .state_commitment = fx_hash("state", height),
        .messages_root = fx_hash("messages", height),
        .da_commitment = fx_hash("da", height),
        .priority_hash = fx_hash("priority", height),
        .next_set_hash = fx_hash("next set", epoch + 1),
    };
}

struct bft_attest_cert *fx_attest_cert(struct fx *f, uint64_t epoch, uint64_t height,
                                       const struct td_hash *block_hash)
{
    struct bft_attest_cert *c = take(f, 1, sizeof *c);
    attest_fields(f, &c->fields, epoch, height, block_hash);
    c->signers = quorum(f, &f->set[epoch]);
    c->sig_count = bft_bitmap_count(&c->signers);
    struct td_hash digest;
    bft_digest_attest(&digest, &f->domain, &c->fields);
    c->sigs = sigs_over(f, epoch, &c->signers, &digest);
    return c;
}

struct bft_qc *fx_genesis_qc(struct fx *f, uint64_t epoch)
{
    struct bft_qc *qc = take(f, 1, sizeof *qc);
    qc->epoch = epoch;
    qc->hash = f->genesis_hash;
    if (epoch == 0)
        return qc;
    qc->height = FX_LAST * epoch;
    qc->hash = fx_hash("block", qc->height);
    qc->genesis = fx_attest_cert(f, epoch - 1, qc->height, &qc->hash);
    return qc;
}

struct bft_tc *fx_tc(struct fx *f, uint64_t round, const struct bft_qc *high)
{
    const struct bft_set *set = &f->set[high->epoch];
    struct bft_tc *tc = take(f, 1, sizeof *tc);
    tc->epoch = high->epoch;
    tc->round = round;
    tc->signers = quorum(f, set);
    tc->entry_count = bft_bitmap_count(&tc->signers);
    tc->high_qc = *high;
    struct bft_tc_entry *e = take(f, tc->entry_count, sizeof *e);
    uint32_t next = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        if (!bft_bitmap_has(&tc->signers, i))
            continue;
        struct td_hash digest;
        /* The second and later ones lag behind where they can. */
        e[next].lock_round = next > 0 && high->round > 0 ? high->round - 1 : high->round;
        bft_digest_timeout(&digest, &f->domain, tc->epoch, round, e[next].lock_round);
        sign(f, tc->epoch, i, &digest, &e[next].sig);
        next++;
    }
    tc->entries = e;
    return tc;
}

void fx_signed(struct fx *f, struct bft_signed *m)
{
    struct td_hash digest;
    struct td_sig sig;
    bft_digest_signed(&digest, &f->domain, m);
    sign(f, bft_signed_slot(m).epoch, bft_signed_signer(m), &digest, &sig);
    switch (m->kind) {
    case BFT_SIGNED_PROPOSE:
        m->u.propose.sig = sig;
        break;
    case BFT_SIGNED_VOTE:
        m->u.vote.sig = sig;
        break;
    case BFT_SIGNED_COMMIT:
        m->u.commit.sig = sig;
        break;
    case BFT_SIGNED_TIMEOUT:
        m->u.timeout.sig = sig;
        break;
    case BFT_SIGNED_ATTEST:
        m->u.attest.sig = sig;
        break;
    case BFT_SIGNED_BATCH:
        m->u.batch.sig = sig;
        break;
    }
}

/* ---- signed messages of signer 2 in epoch 1 */

static struct bft_signed make_propose(struct fx *f, uint64_t round, uint64_t n)
{
    struct bft_signed m = {.kind = BFT_SIGNED_PROPOSE,
                           .u.propose = {1, round, fx_hash("block", n), 2, {{0}}}};
    fx_signed(f, &m);
    return m;
}

static struct bft_signed make_vote(struct fx *f, uint64_t round, struct td_hash hash)
{
    struct bft_signed m = {.kind = BFT_SIGNED_VOTE, .u.vote = {1, round, 70, hash, 2, {{0}}}};
    fx_signed(f, &m);
    return m;
}

static struct bft_signed make_commit(struct fx *f, uint64_t round)
{
    struct bft_signed m = {.kind = BFT_SIGNED_COMMIT,
                           .u.commit = {1, round, fx_hash("block", 70), 2, {{0}}}};
    fx_signed(f, &m);
    return m;
}

static struct bft_signed make_timeout(struct fx *f, uint64_t round, uint64_t lock_round)
{
    struct bft_signed m = {.kind = BFT_SIGNED_TIMEOUT,
                           .u.timeout = {1, round, lock_round, 2, {{0}}}};
    fx_signed(f, &m);
    return m;
}

static struct bft_signed make_attest(struct fx *f, uint64_t height, uint64_t n)
{
    struct bft_signed m = {.kind = BFT_SIGNED_ATTEST, .u.attest.signer = 2};
    struct td_hash hash = fx_hash("block", n);
    attest_fields(f, &m.u.attest.fields, 1, height, &hash);
    fx_signed(f, &m);
    return m;
}

static struct bft_signed make_batch(struct fx *f, uint64_t height, uint64_t n)
{
    struct bft_signed m = {.kind = BFT_SIGNED_BATCH,
                           .u.batch = {1, f->set[1].hash, fx_hash("batch", n), height, 2, {{0}}}};
    fx_signed(f, &m);
    return m;
}

/* ---- messages */

static void hello(struct fx *f, struct bft_msg *m)
{
    static const uint8_t RECORD[] = "signed address record";
    m->kind = BFT_MSG_HELLO;
    m->u.hello = (struct bft_hello){1, f->genesis_hash, td_bytes_of(RECORD, sizeof RECORD - 1)};
}

static void hello_bare(struct fx *f, struct bft_msg *m)
{
    m->kind = BFT_MSG_HELLO;
    m->u.hello = (struct bft_hello){1, f->genesis_hash, td_bytes_of(NULL, 0)};
}

static void status_bare(struct fx *f, struct bft_msg *m)
{
    (void)f;
    m->kind = BFT_MSG_STATUS;
    m->u.status = (struct bft_status){.epoch = 1,
                                      .round = 9,
                                      .final_height = 70,
                                      .final_hash = fx_hash("block", 70),
                                      .l1_number = 1234567,
                                      .l1_hash = fx_hash("l1", 1234567)};
}

static void status_qc(struct fx *f, struct bft_msg *m)
{
    status_bare(f, m);
    struct bft_qc *qc = fx_qc(f, fx_header(f, 8, 71));
    m->u.status.high_qc = qc;
    m->u.status.entry = (struct bft_entry){.kind = BFT_ENTRY_QC, .qc = qc};
}

static void status_full(struct fx *f, struct bft_msg *m)
{
    status_bare(f, m);
    struct bft_status *s = &m->u.status;
    struct bft_qc *high = fx_qc(f, fx_header(f, 7, 71));
    s->own_count = 8;
    s->own[0] = make_propose(f, 8, 72);
    s->own[1] = make_vote(f, 8, fx_hash("block", 72));
    s->own[2] = make_commit(f, 7);
    s->own[3] = make_timeout(f, 8, 7);
    s->own[4] = make_attest(f, 68, 68);
    s->own[5] = make_batch(f, 68, 1);
    s->own[6] = make_attest(f, 69, 69);
    s->own[7] = make_attest(f, 70, 70);
    s->high_qc = high;
    s->entry = (struct bft_entry){.kind = BFT_ENTRY_TC, .tc = fx_tc(f, 8, high)};
}

/* A proposal for `h`, which is completed from the certificates. */
static void propose(struct fx *f, struct bft_msg *m, struct bft_header *h, const struct bft_qc *qc,
                    const struct bft_tc *tc, const struct bft_attest_cert *cert)
{
    m->kind = BFT_MSG_PROPOSAL;
    struct bft_proposal *p = &m->u.proposal;
    h->epoch = qc->epoch;
    h->parent = qc->hash;
    h->parent_round = qc->round;
    if (tc != NULL)
        bft_tc_hash(&h->tc_hash, tc);
    struct td_hash *txs = take(f, h->tx_count, sizeof *txs);
    for (uint32_t i = 0; i < h->tx_count; i++)
        txs[i] = fx_hash("tx", i);
    *p = (struct bft_proposal){
        .header = *h, .qc = *qc, .tc = tc, .attest_cert = cert, .tx_hashes = txs};
    bft_header_hash(&p->hash, h);
    struct td_hash digest;
    bft_digest_propose(&digest, &f->domain, h->epoch, h->round, &p->hash);
    sign(f, h->epoch, h->proposer, &digest, &p->sig);
}

static void proposal_genesis(struct fx *f, struct bft_msg *m)
{
    struct bft_header *h = fx_header(f, 1, 1);
    h->tx_count = 0;
    h->payload_bytes = 0;
    h->payload_root = (struct td_hash){{0}};
    propose(f, m, h, fx_genesis_qc(f, 0), NULL, NULL);
}

static void proposal_epoch_genesis(struct fx *f, struct bft_msg *m)
{
    propose(f, m, fx_header(f, 1, FX_LAST + 1), fx_genesis_qc(f, 1), NULL, NULL);
}

static void proposal_qc(struct fx *f, struct bft_msg *m)
{
    propose(f, m, fx_header(f, 9, 72), fx_qc(f, fx_header(f, 8, 71)), NULL, NULL);
}

static void proposal_tc_attest(struct fx *f, struct bft_msg *m)
{
    struct bft_qc *qc = fx_qc(f, fx_header(f, 8, 71));
    struct td_hash hash = fx_hash("block", 68);
    propose(f, m, fx_header(f, 10, 72), qc, fx_tc(f, 9, qc), fx_attest_cert(f, 1, 68, &hash));
}

static struct bft_header *filler_on(struct fx *f, const struct bft_header *parent)
{
    struct bft_header *h = fx_header(f, parent->round + 1, parent->height);
    h->filler = true;
    h->end_batch = false;
    h->tx_count = 0;
    h->payload_bytes = 0;
    h->payload_root = (struct td_hash){{0}};
    bft_header_hash(&h->parent, parent);
    h->parent_round = parent->round;
    h->prev_hash = parent->filler ? parent->prev_hash : h->parent;
    return h;
}

static void proposal_filler(struct fx *f, struct bft_msg *m)
{
    struct bft_header *parent = fx_header(f, 8, 71);
    propose(f, m, filler_on(f, parent), fx_qc(f, parent), NULL, NULL);
}

static void vote(struct fx *f, struct bft_msg *m)
{
    m->kind = BFT_MSG_VOTE;
    m->u.vote = make_vote(f, 8, fx_hash("block", 70)).u.vote;
}

static void commit(struct fx *f, struct bft_msg *m)
{
    m->kind = BFT_MSG_COMMIT;
    m->u.commit = make_commit(f, 8).u.commit;
}

static void timeout_bare(struct fx *f, struct bft_msg *m)
{
    m->kind = BFT_MSG_TIMEOUT;
    m->u.timeout = (struct bft_timeout_msg){.t = make_timeout(f, 9, 8).u.timeout};
}

static void timeout_entry_qc(struct fx *f, struct bft_msg *m)
{
    timeout_bare(f, m);
    m->u.timeout.entry =
        (struct bft_entry){.kind = BFT_ENTRY_QC, .qc = fx_qc(f, fx_header(f, 8, 71))};
}

static void timeout_entry_genesis(struct fx *f, struct bft_msg *m)
{
    m->kind = BFT_MSG_TIMEOUT;
    m->u.timeout =
        (struct bft_timeout_msg){.t = make_timeout(f, 1, 0).u.timeout,
                                 .entry = {.kind = BFT_ENTRY_QC, .qc = fx_genesis_qc(f, 1)}};
}

static void timeout_lock_entry_tc(struct fx *f, struct bft_msg *m)
{
    struct bft_qc *low = fx_qc(f, fx_header(f, 6, 70));
    m->kind = BFT_MSG_TIMEOUT;
    m->u.timeout =
        (struct bft_timeout_msg){.t = make_timeout(f, 9, 7).u.timeout,
                                 .lock_qc = fx_qc(f, fx_header(f, 7, 71)),
                                 .entry = {.kind = BFT_ENTRY_TC, .tc = fx_tc(f, 8, low)}};
}

static void certificate_qc(struct fx *f, struct bft_msg *m)
{
    m->kind = BFT_MSG_CERTIFICATE;
    m->u.certificate =
        (struct bft_certificate){.kind = BFT_CERTIFICATE_QC, .qc = fx_qc(f, fx_header(f, 8, 71))};
}

static void certificate_genesis(struct fx *f, struct bft_msg *m)
{
    m->kind = BFT_MSG_CERTIFICATE;
    m->u.certificate =
        (struct bft_certificate){.kind = BFT_CERTIFICATE_QC, .qc = fx_genesis_qc(f, 2)};
}

static void certificate_tc(struct fx *f, struct bft_msg *m)
{
    m->kind = BFT_MSG_CERTIFICATE;
    m->u.certificate = (struct bft_certificate){.kind = BFT_CERTIFICATE_TC,
                                                .tc = fx_tc(f, 9, fx_qc(f, fx_header(f, 8, 71)))};
}

static void certificate_commit(struct fx *f, struct bft_msg *m)
{
    m->kind = BFT_MSG_CERTIFICATE;
    m->u.certificate = (struct bft_certificate){.kind = BFT_CERTIFICATE_COMMIT,
                                                .qc = fx_commit_cert(f, fx_header(f, 8, 71))};
}

static struct bft_proof proof_attest(struct fx *f, const struct bft_header *h)
{
    struct td_hash hash;
    bft_header_hash(&hash, h);
    return (struct bft_proof){.kind = BFT_PROOF_ATTEST,
                              .attest = fx_attest_cert(f, 1, h->height, &hash)};
}

static struct bft_proof proof_commit(struct fx *f, const struct bft_header *tip)
{
    return (struct bft_proof){
        .kind = BFT_PROOF_COMMIT, .commit = fx_commit_cert(f, tip), .tip = tip};
}

static struct bft_proof proof_two_chain(struct fx *f, const struct bft_header *tip)
{
    struct bft_header *child = fx_header(f, tip->round + 1, tip->height + 1);
    bft_header_hash(&child->parent, tip);
    return (struct bft_proof){.kind = BFT_PROOF_TWO_CHAIN,
                              .qc = fx_qc(f, tip),
                              .qc_child = fx_qc(f, child),
                              .tip = tip,
                              .child = child};
}

static void certificate_proof(struct bft_msg *m, struct bft_proof proof)
{
    m->kind = BFT_MSG_CERTIFICATE;
    m->u.certificate = (struct bft_certificate){.kind = BFT_CERTIFICATE_PROOF, .proof = proof};
}

static void certificate_proof_attest(struct fx *f, struct bft_msg *m)
{
    certificate_proof(m, proof_attest(f, fx_header(f, 8, 71)));
}

static void certificate_proof_commit(struct fx *f, struct bft_msg *m)
{
    certificate_proof(m, proof_commit(f, fx_header(f, 8, 71)));
}

static void certificate_proof_two_chain(struct fx *f, struct bft_msg *m)
{
    certificate_proof(m, proof_two_chain(f, fx_header(f, 8, 71)));
}

static void attest(struct fx *f, struct bft_msg *m)
{
    m->kind = BFT_MSG_ATTEST;
    m->u.attest = make_attest(f, 70, 70).u.attest;
}

static void attest_cert(struct fx *f, struct bft_msg *m)
{
    struct td_hash hash = fx_hash("block", 70);
    m->kind = BFT_MSG_ATTEST_CERT;
    m->u.attest_cert = *fx_attest_cert(f, 1, 70, &hash);
}

static void batch_attest(struct fx *f, struct bft_msg *m)
{
    m->kind = BFT_MSG_BATCH_ATTEST;
    m->u.batch_attest = make_batch(f, 68, 1).u.batch;
}

static void batch_cert(struct fx *f, struct bft_msg *m)
{
    m->kind = BFT_MSG_BATCH_CERT;
    struct bft_batch_cert *c = &m->u.batch_cert;
    *c = (struct bft_batch_cert){.epoch = 1,
                                 .set_hash = f->set[1].hash,
                                 .batch_hash = fx_hash("batch", 1),
                                 .height = 68,
                                 .signers = quorum(f, &f->set[1])};
    struct td_hash digest;
    bft_digest_batch(&digest, &f->domain, 1, &c->set_hash, &c->batch_hash);
    c->sig_count = bft_bitmap_count(&c->signers);
    c->sigs = sigs_over(f, 1, &c->signers, &digest);
}

static void get_blocks(struct fx *f, struct bft_msg *m)
{
    (void)f;
    m->kind = BFT_MSG_GET_BLOCKS;
    m->u.get_blocks = (struct bft_get_blocks){65, BFT_BLOCKS_MAX};
}

static void blocks_none(struct fx *f, struct bft_msg *m)
{
    (void)f;
    m->kind = BFT_MSG_BLOCKS;
    m->u.blocks = (struct bft_blocks){.from = 70};
}

/* Three headers from 70 on, payloads for two. */
static const struct bft_header *blocks_three(struct fx *f, struct bft_msg *m)
{
    static const uint8_t PAYLOAD[2][20] = {"the first payload..", "the second payload."};
    struct bft_header *h = take(f, 3, sizeof *h);
    struct td_bytes *payloads = take(f, 2, sizeof *payloads);
    for (uint32_t i = 0; i < 3; i++) {
        h[i] = *fx_header(f, 6 + i, 70 + i);
        if (i > 0)
            bft_header_hash(&h[i].prev_hash, &h[i - 1]);
        h[i].parent = h[i].prev_hash;
    }
    payloads[0] = td_bytes_of(PAYLOAD[0], 20);
    payloads[1] = td_bytes_of(PAYLOAD[1], 20);
    m->kind = BFT_MSG_BLOCKS;
    m->u.blocks = (struct bft_blocks){
        .from = 70, .header_count = 3, .headers = h, .payload_count = 2, .payloads = payloads};
    return &h[2];
}

static void blocks_attest(struct fx *f, struct bft_msg *m)
{
    const struct bft_header *last = blocks_three(f, m);
    m->u.blocks.proof = proof_attest(f, last);
}

static void blocks_commit(struct fx *f, struct bft_msg *m)
{
    const struct bft_header *last = blocks_three(f, m);
    m->u.blocks.proof = proof_commit(f, last);
}

static void blocks_filler_tip(struct fx *f, struct bft_msg *m)
{
    const struct bft_header *last = blocks_three(f, m);
    m->u.blocks.proof = proof_commit(f, filler_on(f, filler_on(f, last)));
}

static void blocks_two_chain(struct fx *f, struct bft_msg *m)
{
    const struct bft_header *last = blocks_three(f, m);
    m->u.blocks.proof = proof_two_chain(f, last);
}

static void get_by_hash(struct fx *f, struct bft_msg *m)
{
    struct td_hash *hashes = take(f, 2, sizeof *hashes);
    hashes[0] = fx_hash("tx", 0);
    hashes[1] = fx_hash("tx", 1);
    m->kind = BFT_MSG_GET_BY_HASH;
    m->u.get_by_hash = (struct bft_get_by_hash){BFT_OBJECT_TX, 2, hashes};
}

static void by_hash(struct fx *f, struct bft_msg *m, enum bft_object_kind kind, uint32_t count)
{
    m->kind = BFT_MSG_BY_HASH;
    m->u.by_hash = (struct bft_by_hash){kind, count, take(f, count, sizeof(struct td_bytes))};
}

static void by_hash_set_object(struct bft_msg *m, uint32_t i, const void *ptr, size_t len)
{
    struct td_bytes *objects = (struct td_bytes *)m->u.by_hash.objects;
    objects[i] = td_bytes_of(ptr, len);
}

static void by_hash_none(struct fx *f, struct bft_msg *m)
{
    by_hash(f, m, BFT_OBJECT_PAYLOAD, 0);
    m->u.by_hash.objects = NULL;
}

static void by_hash_header(struct fx *f, struct bft_msg *m)
{
    const struct bft_header *h[2];
    h[1] = fx_header(f, 8, 71);
    h[0] = filler_on(f, h[1]);
    by_hash(f, m, BFT_OBJECT_HEADER, 2);
    for (uint32_t i = 0; i < 2; i++) {
        struct td_writer w;
        td_writer_init(&w, take(f, 1, BFT_HEADER_BYTES), BFT_HEADER_BYTES);
        bft_header_encode(&w, h[i]);
        by_hash_set_object(m, i, w.ptr, w.len);
    }
}

static void by_hash_tx(struct fx *f, struct bft_msg *m)
{
    by_hash(f, m, BFT_OBJECT_TX, 2);
    by_hash_set_object(m, 0, "first transaction", 17);
    by_hash_set_object(m, 1, "second", 6);
}

static void by_hash_payload(struct fx *f, struct bft_msg *m)
{
    by_hash(f, m, BFT_OBJECT_PAYLOAD, 2);
    by_hash_set_object(m, 0, "a payload", 9);
    by_hash_set_object(m, 1, NULL, 0);
}

static void by_hash_set(struct fx *f, struct bft_msg *m)
{
    uint8_t *buf = take(f, 1, BFT_SET_BYTES_MAX);
    by_hash(f, m, BFT_OBJECT_SET, 1);
    by_hash_set_object(m, 0, buf, bft_set_encode(buf, BFT_SET_BYTES_MAX, &f->set[1]));
}

static void by_hash_qc(struct fx *f, struct bft_msg *m)
{
    const struct bft_qc *qc[2] = {fx_qc(f, fx_header(f, 8, 71)), fx_genesis_qc(f, 1)};
    by_hash(f, m, BFT_OBJECT_QC, 2);
    for (uint32_t i = 0; i < 2; i++) {
        struct td_writer w;
        td_writer_init(&w, take(f, 1, 40000), 40000);
        bft_qc_encode(&w, qc[i]);
        by_hash_set_object(m, i, w.ptr, w.len);
    }
}

static void evidence(struct bft_msg *m, enum bft_evidence_kind kind, struct bft_signed a,
                     struct bft_signed b)
{
    m->kind = BFT_MSG_EVIDENCE;
    m->u.evidence = (struct bft_evidence){.kind = kind, .a = a, .b = b};
}

static void evidence_two_proposals(struct fx *f, struct bft_msg *m)
{
    evidence(m, BFT_EVIDENCE_TWO_PROPOSALS, make_propose(f, 8, 70), make_propose(f, 8, 71));
}

static void evidence_two_votes(struct fx *f, struct bft_msg *m)
{
    evidence(m, BFT_EVIDENCE_TWO_VOTES, make_vote(f, 8, fx_hash("block", 70)),
             make_vote(f, 8, fx_hash("block", 71)));
}

static void evidence_two_timeouts(struct fx *f, struct bft_msg *m)
{
    evidence(m, BFT_EVIDENCE_TWO_TIMEOUTS, make_timeout(f, 8, 7), make_timeout(f, 8, 6));
}

static void evidence_two_attests(struct fx *f, struct bft_msg *m)
{
    evidence(m, BFT_EVIDENCE_TWO_ATTESTS, make_attest(f, 70, 70), make_attest(f, 70, 71));
}

static void evidence_commit_lock(struct fx *f, struct bft_msg *m)
{
    evidence(m, BFT_EVIDENCE_COMMIT_THEN_LOWER_LOCK, make_commit(f, 7), make_timeout(f, 9, 6));
}

static void evidence_vote_lock(struct fx *f, struct bft_msg *m)
{
    struct bft_header *h = fx_header(f, 8, 70);
    struct td_hash hash;
    bft_header_hash(&hash, h);
    evidence(m, BFT_EVIDENCE_VOTE_THEN_LOWER_LOCK, make_vote(f, 8, hash), make_timeout(f, 8, 6));
    m->u.evidence.header = h;
}

static void evidence_two_batches(struct fx *f, struct bft_msg *m)
{
    evidence(m, BFT_EVIDENCE_TWO_BATCHES, make_batch(f, 68, 1), make_batch(f, 68, 2));
}

static void tx(struct fx *f, struct bft_msg *m)
{
    (void)f;
    m->kind = BFT_MSG_TX;
    m->u.tx = td_bytes_of("raw transaction bytes", 21);
}

#define CASE(name, want)                                                                           \
    {                                                                                              \
#name, name, want                                                                          \
    }
const struct fx_case FX_CASES[] = {
    CASE(hello, BFT_OK),
    CASE(hello_bare, BFT_OK),
    CASE(status_bare, BFT_OK),
    CASE(status_qc, BFT_OK),
    CASE(status_full, BFT_OK),
    CASE(proposal_genesis, BFT_OK),
    CASE(proposal_epoch_genesis, BFT_OK),
    CASE(proposal_qc, BFT_OK),
    CASE(proposal_tc_attest, BFT_OK),
    CASE(proposal_filler, BFT_OK),
    CASE(vote, BFT_OK),
    CASE(commit, BFT_OK),
    CASE(timeout_bare, BFT_OK),
    CASE(timeout_entry_qc, BFT_OK),
    CASE(timeout_entry_genesis, BFT_OK),
    CASE(timeout_lock_entry_tc, BFT_OK),
    CASE(certificate_qc, BFT_OK),
    CASE(certificate_genesis, BFT_OK),
    CASE(certificate_tc, BFT_OK),
    CASE(certificate_commit, BFT_OK),
    CASE(certificate_proof_attest, BFT_OK),
    CASE(certificate_proof_commit, BFT_OK),
    CASE(certificate_proof_two_chain, BFT_OK),
    CASE(attest, BFT_OK),
    CASE(attest_cert, BFT_OK),
    CASE(batch_attest, BFT_OK),
    CASE(batch_cert, BFT_OK),
    CASE(get_blocks, BFT_OK),
    CASE(blocks_none, BFT_OK),
    CASE(blocks_attest, BFT_OK),
    CASE(blocks_commit, BFT_OK),
    CASE(blocks_filler_tip, BFT_OK),
    CASE(blocks_two_chain, BFT_OK),
    CASE(get_by_hash, BFT_OK),
    CASE(by_hash_none, BFT_OK),
    CASE(by_hash_header, BFT_OK),
    CASE(by_hash_tx, BFT_OK),
    CASE(by_hash_payload, BFT_OK),
    CASE(by_hash_set, BFT_OK),
    CASE(by_hash_qc, BFT_OK),
    CASE(evidence_two_proposals, BFT_OK),
    CASE(evidence_two_votes, BFT_OK),
    CASE(evidence_two_timeouts, BFT_OK),
    CASE(evidence_two_attests, BFT_OK),
    CASE(evidence_commit_lock, BFT_OK),
    CASE(evidence_vote_lock, BFT_OK),
    CASE(evidence_two_batches, BFT_BAD_CERT), /* its height is not signed: proves nothing */
    CASE(tx, BFT_OK),
};
const uint32_t FX_CASE_COUNT = sizeof FX_CASES / sizeof FX_CASES[0];

void fx_build(struct fx *f, uint32_t index, struct bft_msg *m)
{
    TD_ASSERT(index < FX_CASE_COUNT);
    td_arena_reset(&f->arena);
    memset(m, 0, sizeof *m);
    FX_CASES[index].build(f, m);
}

uint32_t fx_find(const char *name)
{
    for (uint32_t i = 0; i < FX_CASE_COUNT; i++) {
        if (strcmp(FX_CASES[i].name, name) == 0)
            return i;
    }
    TD_ASSERT(false);
    return 0;
}

size_t fx_encode(uint8_t *buf, const struct bft_msg *m)
{
    struct td_writer w;
    td_writer_init(&w, buf, FX_MESSAGE_BYTES_MAX);
    bft_msg_encode(&w, m);
    TD_ASSERT(w.err == TD_OK);
    return w.len;
}
