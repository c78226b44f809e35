/* The writer thread: everything that waits becomes one commit of the chain database and, where a
 * signature waits for it, one put of the sign guard after it. */
#include <stdio.h>
#include <stdlib.h>

#include "base/core/assert.h"
#include "node/chain/record.h"
#include "node/fault/fault.h"
#include "node/shell/shell_internal.h"

/* ---- encodings */

struct node_blob *shell_encode_msg(const struct bft_msg *m)
{
    struct node_blob *b = node_blob_new(bft_msg_size(m));
    struct td_writer w;
    if (b == NULL)
        return NULL;
    td_writer_init(&w, b->bytes, b->len);
    bft_msg_encode(&w, m);
    TD_ASSERT(w.err == TD_OK);
    TD_ASSERT(w.len == b->len);
    return b;
}

/* epoch 8 | seed 32 | exclusions 32 | set, u32 length first | AttestCert message or nothing. */
struct node_blob *shell_encode_epoch(const struct bft_effect *fx)
{
    const struct bft_set *set = fx->u.epoch.set;
    struct node_blob *cert = NULL;
    if (fx->u.epoch.genesis_cert != NULL) {
        struct bft_msg m = {.kind = BFT_MSG_ATTEST_CERT,
                            .u.attest_cert = *fx->u.epoch.genesis_cert};
        cert = shell_encode_msg(&m);
        if (cert == NULL)
            return NULL;
    }
    size_t cert_len = cert == NULL ? 0 : cert->len;
    struct node_blob *b = node_blob_new(76u + BFT_SET_BYTES_MAX + cert_len);
    if (b != NULL) {
        struct td_writer w;
        td_writer_init(&w, b->bytes, b->len);
        td_put_u64(&w, set->epoch);
        td_put_hash(&w, &fx->u.epoch.seed);
        for (uint32_t i = 0; i < BFT_BITMAP_WORDS; i++)
            td_put_u64(&w, fx->u.epoch.excluded.word[i]);
        size_t len = bft_set_encode(b->bytes + w.len + 4u, BFT_SET_BYTES_MAX, set);
        td_put_u32(&w, (uint32_t)len);
        td_put_space(&w, len);
        if (cert != NULL)
            td_put_bytes(&w, cert->bytes, cert->len);
        TD_ASSERT(w.err == TD_OK);
        b->len = w.len;
    }
    node_blob_drop(cert);
    return b;
}

static struct node_blob *encode_certificate(const struct bft_qc *qc, const struct bft_tc *tc)
{
    struct bft_msg m = {.kind = BFT_MSG_CERTIFICATE};
    m.u.certificate.kind = qc != NULL ? BFT_CERTIFICATE_QC : BFT_CERTIFICATE_TC;
    m.u.certificate.qc = qc;
    m.u.certificate.tc = tc;
    return shell_encode_msg(&m);
}

static struct node_blob *encode_header(const struct bft_header *h)
{
    struct node_blob *b = node_blob_new(BFT_HEADER_BYTES);
    struct td_writer w;
    if (b == NULL)
        return NULL;
    td_writer_init(&w, b->bytes, b->len);
    bft_header_encode(&w, h);
    TD_ASSERT(w.err == TD_OK);
    return b;
}

/* ---- the thread */

static void put_one(struct store_chain *c, const struct shell_write *w)
{
    switch (w->kind) {
    case SHELL_WRITE_PERSIST:
        if (w->e != NULL)
            store_chain_put_header(c, &w->parent_hash, w->parent_epoch, w->parent_round,
                                   node_blob_view(w->e));
        if (w->d != NULL)
            store_chain_put_header(c, &w->hash, w->epoch, w->round, node_blob_view(w->d));
        break;
    case SHELL_WRITE_PAYLOAD:
        store_chain_put_payload(c, &w->root, w->id, node_blob_view(w->a));
        break;
    case SHELL_WRITE_BLOCK:
        store_chain_put_block(c, w->id, &w->hash, &w->root, node_blob_view(w->a),
                              node_blob_view(w->b));
        store_chain_drop_headers(c, w->epoch, w->round);
        break;
    case SHELL_WRITE_CERT:
        store_chain_put_cert(c, w->number, w->id, node_blob_view(w->a));
        break;
    case SHELL_WRITE_EPOCH:
        store_chain_put_item(c, NODE_ITEM_EPOCH, node_blob_view(w->a));
        if (w->b != NULL)
            store_chain_put_item(c, NODE_ITEM_PREV_SET, node_blob_view(w->b));
        break;
    case SHELL_WRITE_PROOF:
        store_chain_put_item(c, NODE_ITEM_FINAL_PROOF, node_blob_view(w->a));
        store_chain_put_cert(c, NODE_CERT_PROOF, w->id, node_blob_view(w->a));
        if (w->drops)
            store_chain_drop_headers(c, w->epoch, w->round);
        break;
    case SHELL_WRITE_CHANGES:
        node_changes_put(w->executed->changes, c);
        store_chain_drop_payloads(c, w->id > 64u ? w->id - 64u : 0);
        break;
    }
}

/* A vote without a new header or payload touches the guard only. */
static bool touches_chain(const struct shell_write *w)
{
    return w->kind != SHELL_WRITE_PERSIST || w->d != NULL || w->e != NULL;
}

static enum td_error put_guard(struct node_shell *s, const struct shell_write *w,
                               struct store_error *error)
{
    struct store_guard_item items[3] = {{SHELL_GUARD_RECORD, node_blob_view(w->a)}};
    size_t count = 1;
    if (w->b != NULL)
        items[count++] = (struct store_guard_item){SHELL_GUARD_LOCK, node_blob_view(w->b)};
    if (w->c != NULL)
        items[count++] = (struct store_guard_item){SHELL_GUARD_ENTRY, node_blob_view(w->c)};
    return store_guard_put(s->guard_file, items, count, error);
}

static void fail_all(struct node_shell *s, struct node_job *jobs, const struct store_error *error)
{
    td_log_put(s->o.log, &(struct td_log_event){.level = TD_LOG_ERROR,
                                                .mod = "storage",
                                                .msg = error->text,
                                                .code = NODE_T_WRITE,
                                                .hint = "free space or replace the disk, then "
                                                        "start again"});
    for (struct node_job *j = jobs; j != NULL; j = j->next)
        ((struct shell_write *)j)->failed = true;
}

void shell_writer_run(void *ctx, struct node_job *jobs)
{
    struct node_shell *s = ctx;
    struct store_error error = {{0}};
    bool chain = false;
    const struct shell_write *guard = NULL;
    for (struct node_job *j = jobs; j != NULL; j = j->next) {
        const struct shell_write *w = (const struct shell_write *)j;
        chain |= touches_chain(w);
        if (w->kind == SHELL_WRITE_PERSIST)
            guard = w; /* the newest record holds all before it */
    }
    uint64_t began = td_clock_mono_ns(&s->o.clock);
    enum td_error err = TD_OK;
    if (chain) {
        node_fault_reached(NODE_FAULT_BEFORE_COMMIT);
        err = store_chain_begin(s->database);
        for (struct node_job *j = jobs; j != NULL && err == TD_OK; j = j->next)
            put_one(s->database, (const struct shell_write *)j);
        if (err == TD_OK)
            err = store_chain_commit(s->database, &error);
        node_fault_reached(NODE_FAULT_AFTER_COMMIT);
    }
    if (err == TD_OK && guard != NULL)
        err = put_guard(s, guard, &error);
    if (err != TD_OK && error.text[0] == '\0')
        snprintf(error.text, sizeof error.text, "%s: %s", s->o.database_path, td_error_text(err));
    if (guard != NULL)
        node_fault_reached(NODE_FAULT_AFTER_GUARD);
    if (err != TD_OK)
        fail_all(s, jobs, &error);
    ((struct shell_write *)jobs)->took_ns = td_clock_mono_ns(&s->o.clock) - began;
}

/* ---- jobs */

static void write_drop(struct node_job *job)
{
    struct shell_write *w = (struct shell_write *)job;
    node_blob_drop(w->a);
    node_blob_drop(w->b);
    node_blob_drop(w->c);
    node_blob_drop(w->d);
    node_blob_drop(w->e);
    if (w->executed != NULL) {
        node_executed_free(w->executed);
        free(w->executed);
    }
    free(w);
}

static void changes_written(struct node_shell *s, uint64_t height)
{
    s->changes_waiting--;
    atomic_store(&s->head, height);
    if (s->o.on_block != NULL)
        s->o.on_block(s->o.ctx, height);
    shell_exec_next(s);
}

static void write_done(struct node_job *job)
{
    struct shell_write *w = (struct shell_write *)job;
    struct node_shell *s = w->s;
    s->write_bytes -= w->bytes;
    if (w->took_ns > 0) { /* the first of a commit */
        s->stats.commits++;
        node_histogram_observe(&s->stats.fsync_seconds, w->took_ns);
    }
    if (w->failed) {
        s->stats.storage_error = "a write failed";
        shell_stop(s, NODE_EXIT_IO, NODE_T_WRITE_STOP, "cannot write to disk",
                   "see the line above; nothing acknowledged is lost");
    } else if (w->kind == SHELL_WRITE_PERSIST && !s->halted) {
        struct bft_event ev = {.kind = BFT_EV_PERSISTED, .peer = BFT_NO_PEER};
        ev.u.persist_id = w->id;
        shell_step(s, &ev);
    } else if (w->kind == SHELL_WRITE_CHANGES) {
        changes_written(s, w->id);
    } else if (w->kind == SHELL_WRITE_BLOCK && w->id == s->executed + 1u) {
        shell_exec_next(s); /* may have waited to read it back */
    }
    write_drop(job);
}

static struct shell_write *write_new(struct node_shell *s, enum shell_write_kind kind)
{
    struct shell_write *w = calloc(1, sizeof *w);
    if (w == NULL) {
        shell_no_memory(s);
        return NULL;
    }
    w->job.done = write_done;
    w->job.drop = write_drop;
    w->s = s;
    w->kind = kind;
    return w;
}

/* A part that should be there and is not means memory ran out: stop rather than store half. */
static void write_put(struct node_shell *s, struct shell_write *w, bool whole)
{
    if (!whole) {
        write_drop(&w->job);
        shell_no_memory(s);
        return;
    }
    const struct node_blob *const parts[] = {w->a, w->b, w->c, w->d, w->e};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        w->bytes += parts[i] == NULL ? 0 : parts[i]->len;
    s->write_bytes += w->bytes;
    if (s->write_bytes > NODE_WRITE_BYTES)
        shell_stop(s, NODE_EXIT_IO, NODE_T_WRITE_BEHIND,
                   "the disk does not take what the chain makes",
                   "see whether it is broken or overloaded, then start again");
    node_thread_put(s->writer, &w->job);
}

void shell_persist(struct node_shell *s, const struct bft_effect *fx)
{
    struct shell_write *w = write_new(s, SHELL_WRITE_PERSIST);
    if (w == NULL)
        return;
    bool whole = true;
    w->id = fx->u.persist.id;
    w->a = node_blob_new(BFT_GUARD_BYTES_MAX);
    if (w->a != NULL)
        w->a->len = bft_guard_encode(w->a->bytes, BFT_GUARD_BYTES_MAX, &s->guard);
    whole &= w->a != NULL && w->a->len > 0;
    if (fx->u.persist.lock_qc != NULL) {
        w->b = encode_certificate(fx->u.persist.lock_qc, NULL);
        whole &= w->b != NULL;
    }
    if (fx->u.persist.entry.kind != BFT_ENTRY_NONE) {
        w->c = encode_certificate(fx->u.persist.entry.qc, fx->u.persist.entry.tc);
        whole &= w->c != NULL;
    }
    const struct bft_header *h = fx->u.persist.header, *parent = fx->u.persist.parent;
    if (h != NULL) {
        bft_header_hash(&w->hash, h);
        w->epoch = h->epoch;
        w->round = h->round;
        w->d = encode_header(h);
        whole &= w->d != NULL;
    }
    if (parent != NULL) {
        bft_header_hash(&w->parent_hash, parent);
        w->parent_epoch = parent->epoch;
        w->parent_round = parent->round;
        w->e = encode_header(parent);
        whole &= w->e != NULL;
    }
    write_put(s, w, whole);
}

void shell_write_payload(struct node_shell *s, struct shell_payload *p)
{
    struct shell_write *w = write_new(s, SHELL_WRITE_PAYLOAD);
    if (w == NULL)
        return;
    w->id = p->written = p->height;
    w->root = p->root;
    w->a = node_blob_ref(p->bytes);
    write_put(s, w, true);
}

static struct node_blob *encode_state(const struct bft_chain_state *state)
{
    struct node_blob *b = node_blob_new(NODE_STATE_BYTES);
    if (b != NULL)
        node_chain_state_encode(b->bytes, state);
    return b;
}

void shell_write_block(struct node_shell *s, const struct shell_block *b)
{
    struct shell_write *w = write_new(s, SHELL_WRITE_BLOCK);
    if (w == NULL)
        return;
    w->id = b->header.height;
    w->hash = b->hash;
    w->root = b->header.payload_root;
    w->epoch = b->header.epoch;
    w->round = b->header.round;
    w->a = encode_header(&b->header);
    w->b = encode_state(&b->state);
    write_put(s, w, w->a != NULL && w->b != NULL);
}

void shell_write_cert(struct node_shell *s, enum node_cert kind, uint64_t number,
                      struct node_blob *bytes)
{
    struct shell_write *w = write_new(s, SHELL_WRITE_CERT);
    if (w == NULL) {
        node_blob_drop(bytes);
        return;
    }
    w->number = (uint32_t)kind;
    w->id = number;
    w->a = bytes;
    write_put(s, w, bytes != NULL);
}

void shell_write_epoch(struct node_shell *s, struct node_blob *epoch, struct node_blob *prev)
{
    struct shell_write *w = write_new(s, SHELL_WRITE_EPOCH);
    if (w == NULL) {
        node_blob_drop(epoch);
        node_blob_drop(prev);
        return;
    }
    w->a = epoch;
    w->b = prev;
    write_put(s, w, epoch != NULL);
}

/* What a filler ends can be no child's ancestor any more, as with a block (put_one): while heights
 * stand still and fillers become final, nothing else would drop headers, and a start takes in no
 * more than 1,024 of them. */
void shell_write_proof(struct node_shell *s, uint64_t height, struct node_blob *bytes,
                       const struct bft_header *tip)
{
    struct shell_write *w = write_new(s, SHELL_WRITE_PROOF);
    if (w == NULL) {
        node_blob_drop(bytes);
        return;
    }
    w->id = height;
    w->a = bytes;
    w->drops = tip != NULL && tip->filler;
    if (w->drops) {
        w->epoch = tip->epoch;
        w->round = tip->round;
    }
    write_put(s, w, bytes != NULL);
}

void shell_write_changes(struct node_shell *s, struct node_executed *e)
{
    struct shell_write *w = write_new(s, SHELL_WRITE_CHANGES);
    if (w == NULL)
        return;
    w->id = e->height;
    w->executed = e;
    s->changes_waiting++;
    node_thread_put(s->writer, &w->job);
}
