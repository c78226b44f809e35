/* A node's disk: what is written, what is being synced, what a crash leaves.
 *
 *   live ──fsync begins──▶ flight ──fsync ends──▶ durable ──crash──▶ live
 *
 * One fsync at a time carries everything written before it began (group commit).  The guard record
 * goes through its production encoding at every crash. */
#include <string.h>

#include "base/core/assert.h"
#include "tests/sim/world.h"

#define COMPACT_AT (SIM_HEADERS_MAX - 1024u)
#define RECENT_HEADERS 8u

static void store_drop(struct sim_world *w, struct sim_store *s)
{
    sim_frame_drop(&w->pool, s->lock_qc);
    sim_frame_drop(&w->pool, s->entry);
    sim_frame_drop(&w->pool, s->attest);
    sim_frame_drop(&w->pool, s->genesis_cert);
    sim_frame_drop(&w->pool, s->proof);
    s->lock_qc = s->entry = s->attest = s->genesis_cert = s->proof = NULL;
}

static void store_copy(struct sim_world *w, struct sim_store *to, const struct sim_store *from)
{
    store_drop(w, to);
    *to = *from;
    struct sim_frame *const held[] = {to->lock_qc, to->entry, to->attest, to->genesis_cert,
                                      to->proof};
    for (size_t i = 0; i < sizeof held / sizeof held[0]; i++)
        if (held[i] != NULL)
            sim_frame_ref(held[i]);
}

void sim_disk_free(struct sim_world *w, struct sim_node *n)
{
    store_drop(w, &n->disk.live);
    store_drop(w, &n->disk.flight);
    store_drop(w, &n->disk.durable);
}

static void kick(struct sim_world *w, struct sim_node *n)
{
    struct sim_disk *d = &n->disk;
    if (d->busy || !d->dirty)
        return;
    store_copy(w, &d->flight, &d->live);
    d->busy = true;
    d->dirty = false;
    int64_t takes = n->sync_ns + (int64_t)td_rng_below(&w->disk_rng, (uint64_t)n->sync_ns);
    sim_push(w, SIM_IT_FSYNC, n->id, w->now_ns + takes, n->sync_fails ? 1 : 0);
}

void sim_disk_touch(struct sim_world *w, struct sim_node *n)
{
    n->disk.dirty = true;
    kick(w, n);
}

static bool below_final(const struct sim_world *w, const struct bft_header *h,
                        uint64_t final_height)
{
    const struct sim_final *f = sim_final_at(&w->chain, final_height);
    if (f == NULL)
        return false;
    struct bft_slot mine = {h->epoch, h->round};
    struct bft_slot final = {f->block->header.epoch, f->block->header.round};
    return bft_slot_cmp(mine, final) <= 0;
}

/* Drop headers that became final from the log; only while no write refers to its length. */
static void compact(const struct sim_world *w, struct sim_disk *d)
{
    uint32_t kept = 0, durable = 0;
    for (uint32_t i = 0; i < d->live.header_count; i++) {
        bool drop = below_final(w, &d->header[i]->header, d->durable.final_height);
        if (!drop)
            d->header[kept++] = d->header[i];
        if (i + 1 == d->durable.header_count)
            durable = kept;
    }
    d->live.header_count = kept;
    d->durable.header_count = durable;
}

static void header_write(struct sim_world *w, struct sim_disk *d, const struct bft_header *h)
{
    struct td_hash hash;
    bft_header_hash(&hash, h);
    uint32_t count = d->live.header_count;
    for (uint32_t i = 0; i < RECENT_HEADERS && i < count; i++)
        if (td_hash_eq(&d->header[count - 1 - i]->hash, &hash))
            return;
    if (count >= COMPACT_AT && !d->busy) {
        compact(w, d);
        count = d->live.header_count;
    }
    TD_ASSERT(count < SIM_HEADERS_MAX);
    d->header[count] = sim_block_add(&w->chain, h, &hash);
    d->live.header_count = count + 1;
}

static bool same_qc(const struct sim_frame *f, const struct bft_qc *qc)
{
    if (f == NULL || f->msg.u.certificate.kind != BFT_CERTIFICATE_QC)
        return false;
    const struct bft_qc *held = f->msg.u.certificate.qc;
    return held->epoch == qc->epoch && held->round == qc->round &&
           td_hash_eq(&held->hash, &qc->hash);
}

static bool same_tc(const struct sim_frame *f, const struct bft_tc *tc)
{
    if (f == NULL || f->msg.u.certificate.kind != BFT_CERTIFICATE_TC)
        return false;
    const struct bft_tc *held = f->msg.u.certificate.tc;
    return held->epoch == tc->epoch && held->round == tc->round;
}

static void cert_write(struct sim_world *w, struct sim_node *n, struct sim_frame **slot,
                       const struct bft_qc *qc, const struct bft_tc *tc)
{
    if (qc != NULL ? same_qc(*slot, qc) : same_tc(*slot, tc))
        return;
    struct bft_msg m;
    m.kind = BFT_MSG_CERTIFICATE;
    memset(&m.u.certificate, 0, sizeof m.u.certificate);
    m.u.certificate.kind = qc != NULL ? BFT_CERTIFICATE_QC : BFT_CERTIFICATE_TC;
    m.u.certificate.qc = qc;
    m.u.certificate.tc = tc;
    struct sim_frame *f = sim_frame_new(&w->pool, n->id, &m);
    const struct bft_msg *read_back = sim_frame_msg(f);
    TD_ASSERT(read_back != NULL);
    sim_frame_drop(&w->pool, *slot);
    *slot = f;
}

void sim_disk_write(struct sim_world *w, struct sim_node *n, const struct bft_effect *fx)
{
    struct sim_disk *d = &n->disk;
    d->live.persist_id = fx->u.persist.id;
    if (fx->u.persist.lock_qc != NULL)
        cert_write(w, n, &d->live.lock_qc, fx->u.persist.lock_qc, NULL);
    if (fx->u.persist.entry.kind == BFT_ENTRY_QC)
        cert_write(w, n, &d->live.entry, fx->u.persist.entry.qc, NULL);
    if (fx->u.persist.entry.kind == BFT_ENTRY_TC)
        cert_write(w, n, &d->live.entry, NULL, fx->u.persist.entry.tc);
    if (fx->u.persist.parent != NULL)
        header_write(w, d, fx->u.persist.parent);
    if (fx->u.persist.header != NULL)
        header_write(w, d, fx->u.persist.header);
    d->dirty = true;
    kick(w, n);
}

/* Payloads of stored headers and of final blocks are on disk with them. */
static void payloads_synced(struct sim_world *w, struct sim_node *n, uint32_t headers_before,
                            uint64_t final_before)
{
    struct sim_disk *d = &n->disk;
    for (uint32_t i = headers_before; i < d->durable.header_count; i++) {
        struct sim_payload *p = d->header[i]->payload;
        if (p != NULL && sim_bit_has(p->holds, n->id))
            sim_bit_put(p->durable, n->id, true);
    }
    for (uint64_t h = final_before + 1; h <= d->durable.final_height; h++) {
        struct sim_payload *p = w->chain.final[h].block->payload;
        if (p != NULL && sim_bit_has(p->holds, n->id))
            sim_bit_put(p->durable, n->id, true);
    }
}

void sim_disk_synced(struct sim_world *w, struct sim_node *n, bool failed)
{
    struct sim_disk *d = &n->disk;
    if (failed) {
        sim_fault_count(w, SIM_FAULT_FAILSYNC);
        sim_node_crash(w, n, "fsync failed");
        sim_push(w, SIM_IT_BOOT, n->id, w->now_ns + 2 * SIM_SEC, 0);
        return;
    }
    uint32_t headers_before = d->durable.header_count;
    uint64_t final_before = d->durable.final_height;
    uint64_t id_before = d->durable.persist_id;
    store_copy(w, &d->durable, &d->flight);
    d->busy = false;
    payloads_synced(w, n, headers_before, final_before);
    if (d->durable.final_height > n->acked_height)
        n->acked_height = d->durable.final_height;
    kick(w, n);
    if (d->durable.persist_id == id_before)
        return;
    sim_trace_put(&w->trace, (struct sim_trace_entry){.at_ns = w->now_ns,
                                                      .kind = SIM_TR_SYNCED,
                                                      .node = n->id,
                                                      .a = d->durable.persist_id});
    struct bft_event ev = {.kind = BFT_EV_PERSISTED, .u.persist_id = d->durable.persist_id};
    sim_node_step(w, n, &ev);
}

void sim_disk_crash(struct sim_world *w, struct sim_node *n, bool luck)
{
    struct sim_disk *d = &n->disk;
    if (d->busy && luck) {
        uint32_t headers_before = d->durable.header_count;
        uint64_t final_before = d->durable.final_height;
        store_copy(w, &d->durable, &d->flight);
        payloads_synced(w, n, headers_before, final_before);
    }
    d->busy = d->dirty = false;
    store_drop(w, &d->flight);
    static uint8_t record[BFT_GUARD_BYTES_MAX];
    if (d->durable.has_guard) {
        size_t len = bft_guard_encode(record, sizeof record, &d->durable.guard);
        TD_ASSERT(len > 0);
        enum td_error err = bft_guard_decode(&d->durable.guard, record, len);
        TD_ASSERT(err == TD_OK);
    }
    d->durable.persist_id = 0; /* the next life counts its writes from one again */
    store_copy(w, &d->live, &d->durable);
    for (size_t i = 0; i < w->chain.payload_slots; i++) {
        struct sim_payload *p = w->chain.payload[i];
        if (p != NULL)
            sim_bit_put(p->holds, n->id, sim_bit_has(p->durable, n->id));
    }
}

static struct bft_final_block finals_out[BFT_FINAL_RING];
static struct bft_header headers_out[TD_UNFINAL_HEADERS_MAX];
static uint32_t produced_out[BFT_SIGNERS_MAX];

static void restore_finals(struct sim_world *w, const struct sim_store *s, struct bft_restore *out)
{
    uint64_t from = s->final_height > BFT_FINAL_RING ? s->final_height - BFT_FINAL_RING + 1 : 1;
    for (uint64_t h = from; h <= s->final_height; h++) {
        const struct sim_final *f = &w->chain.final[h];
        struct bft_final_block *o = &finals_out[out->final_count++];
        memset(o, 0, sizeof *o);
        o->header = f->block->header;
        o->hash = f->block->hash;
        o->state = f->state;
        o->executed = h <= s->executed_height;
        if (o->executed)
            o->exec = f->exec;
    }
    out->finals = out->final_count > 0 ? finals_out : NULL;
    memset(produced_out, 0, sizeof produced_out);
    for (uint64_t h = s->final_height; h >= 1; h--) {
        const struct bft_header *head = &w->chain.final[h].block->header;
        if (head->epoch != s->epoch)
            break;
        produced_out[head->proposer]++;
    }
    out->produced = produced_out;
}

static void restore_headers(struct sim_world *w, const struct sim_node *n, struct bft_restore *out)
{
    const struct sim_disk *d = &n->disk;
    for (uint32_t i = 0; i < d->durable.header_count; i++) {
        const struct sim_block *b = d->header[i];
        if (below_final(w, &b->header, d->durable.final_height) ||
            out->header_count == TD_UNFINAL_HEADERS_MAX)
            continue;
        bool twice = false;
        for (uint32_t k = 0; k < out->header_count && !twice; k++)
            twice = headers_out[k].round == b->header.round &&
                    headers_out[k].epoch == b->header.epoch &&
                    td_hash_eq(&headers_out[k].parent, &b->header.parent) &&
                    headers_out[k].ts_ms == b->header.ts_ms;
        if (!twice)
            headers_out[out->header_count++] = b->header;
    }
    out->headers = headers_out;
}

void sim_disk_restore(struct sim_world *w, struct sim_node *n, struct bft_restore *out)
{
    const struct sim_store *s = &n->disk.durable;
    const struct sim_epoch *e = &w->chain.epoch[s->epoch];
    memset(out, 0, sizeof *out);
    out->guard = s->has_guard ? &s->guard : NULL;
    restore_finals(w, s, out);
    restore_headers(w, n, out);
    if (s->epoch > 0) {
        TD_ASSERT(e->known);
        out->set = &e->set;
        out->prev_set = &w->chain.epoch[s->epoch - 1].set;
        out->epoch_seed = e->seed;
        out->excluded = e->excluded;
    }
    out->attest_cert = s->attest != NULL ? &sim_frame_msg(s->attest)->u.attest_cert : NULL;
    out->genesis_cert =
        s->genesis_cert != NULL ? &sim_frame_msg(s->genesis_cert)->u.attest_cert : NULL;
    out->final_proof = s->proof != NULL ? &sim_frame_msg(s->proof)->u.certificate.proof : NULL;
    out->lock_qc = s->lock_qc != NULL ? s->lock_qc->msg.u.certificate.qc : NULL;
    if (s->entry != NULL) {
        const struct bft_certificate *c = &s->entry->msg.u.certificate;
        bool is_tc = c->kind == BFT_CERTIFICATE_TC;
        out->entry = (struct bft_entry){.kind = is_tc ? BFT_ENTRY_TC : BFT_ENTRY_QC,
                                        .qc = is_tc ? NULL : c->qc,
                                        .tc = is_tc ? c->tc : NULL};
    }
}
