/* What the disk remembers, as the core wants it at start.  [P-10.6] */
#include <stdio.h>
#include <stdlib.h>

#include "node/shell/shell_internal.h"

/* Decoded certificates live here until bft_init has copied them. */
#define MESSAGES 8u
struct restoring {
    struct node_shell *s;
    struct td_arena arena;
    struct bft_restore out;
    struct bft_final_block *finals;
    struct bft_header *headers;
    uint32_t *produced;
    struct bft_set set, prev_set;
    struct bft_msg msg[MESSAGES];
    uint32_t msg_count;
    struct node_shell_error *error;
};

static bool corrupt(struct restoring *r, const char *what)
{
    snprintf(r->error->text, sizeof r->error->text,
             "the database is damaged: %s cannot be read back\n%s\nrestore a backup (`tandem db "
             "restore`) or remove the file and let the node sync again",
             what, r->s->o.database_path);
    r->error->exit_code = NODE_EXIT_CORRUPT;
    return false;
}

/* Nothing to try again with: a guard that does not say what was signed must not be used. */
static bool guard_corrupt(struct restoring *r, const char *what)
{
    snprintf(
        r->error->text, sizeof r->error->text,
        "the sign guard is damaged: its %s cannot be read back\n%s\ndo not sign with this key: "
        "see the operator's manual, \"safety halt\"",
        what, r->s->o.guard_path);
    r->error->exit_code = NODE_EXIT_SAFETY_HALT;
    return false;
}

static const struct bft_msg *decode(struct restoring *r, struct td_bytes bytes,
                                    enum bft_msg_kind kind)
{
    struct bft_msg *m = &r->msg[r->msg_count];
    if (r->msg_count == MESSAGES || bft_msg_decode(m, &r->arena, bytes.ptr, bytes.len) != TD_OK ||
        m->kind != kind)
        return NULL;
    r->msg_count++;
    return m;
}

/* ---- guard */

static bool guard_certificate(struct restoring *r, uint32_t slot, const struct bft_msg **out)
{
    struct td_bytes bytes = store_guard_get(r->s->guard_file, slot);
    *out = NULL;
    if (bytes.len == 0)
        return true;
    uint8_t *copy = td_arena_get(&r->arena, bytes.len, 8);
    if (copy == NULL)
        return corrupt(r, "nothing (no memory)");
    memcpy(copy, bytes.ptr, bytes.len);
    *out = decode(r, td_bytes_of(copy, bytes.len), BFT_MSG_CERTIFICATE);
    return *out != NULL || guard_corrupt(r, "certificate");
}

static bool restore_guard(struct restoring *r)
{
    struct node_shell *s = r->s;
    if (s->guard_file == NULL)
        return true;
    struct td_bytes record = store_guard_get(s->guard_file, SHELL_GUARD_RECORD);
    if (record.len == 0 || bft_guard_decode(&s->guard, record.ptr, record.len) != TD_OK)
        return guard_corrupt(r, "record");
    s->has_guard = true;
    r->out.guard = &s->guard;
    const struct bft_msg *lock, *entry;
    if (!guard_certificate(r, SHELL_GUARD_LOCK, &lock) ||
        !guard_certificate(r, SHELL_GUARD_ENTRY, &entry))
        return false;
    uint64_t epoch = r->out.set == NULL ? 0 : r->out.set->epoch;
    if (lock != NULL && lock->u.certificate.qc != NULL && lock->u.certificate.qc->epoch == epoch)
        r->out.lock_qc = lock->u.certificate.qc; /* of an epoch left behind: of no more use */
    if (entry != NULL && entry->u.certificate.qc != NULL && entry->u.certificate.qc->epoch == epoch)
        r->out.entry = (struct bft_entry){.kind = BFT_ENTRY_QC, .qc = entry->u.certificate.qc};
    if (entry != NULL && entry->u.certificate.tc != NULL && entry->u.certificate.tc->epoch == epoch)
        r->out.entry = (struct bft_entry){.kind = BFT_ENTRY_TC, .tc = entry->u.certificate.tc};
    return true;
}

/* ---- chain */

static bool restore_finals(struct restoring *r, uint64_t final)
{
    uint64_t from = final > BFT_FINAL_RING ? final - BFT_FINAL_RING + 1u : 1u;
    r->finals = TD_ARENA_NEW(&r->arena, struct bft_final_block, BFT_FINAL_RING);
    if (r->finals == NULL)
        return corrupt(r, "nothing (no memory)");
    for (uint64_t h = from; h <= final; h++) {
        struct td_arena_mark mark = td_arena_mark(&r->arena);
        struct node_block b;
        if (node_block_load(r->s->o.genesis, r->s->reader, h, false, false, &r->arena, &b) != TD_OK)
            return corrupt(r, "a final block");
        td_arena_rewind(&r->arena, mark);
        r->finals[r->out.final_count++] = (struct bft_final_block){.header = b.header,
                                                                   .hash = b.hash,
                                                                   .state = b.state,
                                                                   .executed = b.executed,
                                                                   .exec = b.exec};
        r->s->final_hash[h % NODE_BLOCKS_MAX] = b.hash;
        if (!b.executed) {
            struct shell_block *sb = shell_block_add(r->s, &b.hash, &b.header);
            if (sb == NULL)
                return corrupt(r, "nothing (no memory)");
            sb->final = true;
            sb->state = b.state;
        }
        r->s->head_ts_ms = b.header.ts_ms;
    }
    r->out.finals = r->out.final_count > 0 ? r->finals : NULL;
    return true;
}

static bool restore_produced(struct restoring *r, uint64_t final)
{
    uint64_t epoch = r->out.set == NULL ? 0 : r->out.set->epoch;
    r->produced = TD_ARENA_NEW(&r->arena, uint32_t, BFT_SIGNERS_MAX);
    if (r->produced == NULL)
        return corrupt(r, "nothing (no memory)");
    for (uint64_t h = final; h >= 1; h--) {
        struct td_arena_mark mark = td_arena_mark(&r->arena);
        struct node_block b;
        if (node_block_load(r->s->o.genesis, r->s->reader, h, false, false, &r->arena, &b) != TD_OK)
            return corrupt(r, "a final block");
        td_arena_rewind(&r->arena, mark);
        if (b.header.epoch != epoch)
            break;
        if (b.header.proposer < BFT_SIGNERS_MAX)
            r->produced[b.header.proposer]++;
    }
    r->out.produced = r->produced;
    return true;
}

static enum td_error one_header(void *ctx, struct td_bytes key, struct td_bytes value)
{
    struct restoring *r = ctx;
    struct td_reader reader;
    (void)key;
    if (r->out.header_count == TD_UNFINAL_HEADERS_MAX)
        return TD_OK;
    struct bft_header *h = &r->headers[r->out.header_count];
    td_reader_init(&reader, value.ptr, value.len);
    bft_header_decode(&reader, h);
    if (reader.err != TD_OK)
        return TD_E_CORRUPT;
    r->out.header_count++;
    return TD_OK;
}

static bool restore_headers(struct restoring *r)
{
    r->headers = TD_ARENA_NEW(&r->arena, struct bft_header, TD_UNFINAL_HEADERS_MAX);
    if (r->headers == NULL ||
        store_chain_scan(r->s->reader, STORE_CHAIN_HEADERS, one_header, r) != TD_OK)
        return corrupt(r, "an unfinal header");
    r->out.headers = r->headers;
    return true;
}

static bool restore_prev_set(struct restoring *r)
{
    struct td_bytes bytes;
    enum td_error err = store_chain_item(r->s->reader, NODE_ITEM_PREV_SET, &r->arena, &bytes);
    if (err == TD_E_NOTFOUND)
        return true;
    struct td_reader reader;
    td_reader_init(&reader, bytes.ptr, err == TD_OK ? bytes.len : 0);
    uint64_t epoch = td_get_u64(&reader);
    if (reader.err != TD_OK || bft_set_decode(&r->prev_set, epoch, bytes.ptr + 8, bytes.len - 8u,
                                              r->s->config.validators_max) != TD_OK)
        return corrupt(r, "the set of the epoch before");
    r->out.prev_set = &r->prev_set;
    return true;
}

static bool restore_epoch(struct restoring *r)
{
    struct td_bytes bytes;
    enum td_error err = store_chain_item(r->s->reader, NODE_ITEM_EPOCH, &r->arena, &bytes);
    if (err == TD_E_NOTFOUND)
        return true;
    struct td_reader reader;
    td_reader_init(&reader, bytes.ptr, err == TD_OK ? bytes.len : 0);
    uint64_t epoch = td_get_u64(&reader);
    td_get_hash(&reader, &r->out.epoch_seed);
    for (uint32_t i = 0; i < BFT_BITMAP_WORDS; i++)
        r->out.excluded.word[i] = td_get_u64(&reader);
    uint32_t len = td_get_u32(&reader);
    struct td_bytes set = td_get_view(&reader, len);
    if (reader.err != TD_OK ||
        bft_set_decode(&r->set, epoch, set.ptr, set.len, r->s->config.validators_max) != TD_OK)
        return corrupt(r, "the epoch's validator set");
    r->out.set = &r->set;
    if (reader.pos == reader.len)
        return restore_prev_set(r);
    const struct bft_msg *m = decode(
        r, td_bytes_of(reader.ptr + reader.pos, reader.len - reader.pos), BFT_MSG_ATTEST_CERT);
    if (m == NULL)
        return corrupt(r, "the epoch's genesis certificate");
    r->out.genesis_cert = &m->u.attest_cert;
    return restore_prev_set(r);
}

static bool restore_certificates(struct restoring *r)
{
    struct store_chain_reader *db = r->s->reader;
    uint64_t number;
    struct td_bytes bytes;
    if (store_chain_cert_last(db, NODE_CERT_ATTEST, UINT64_MAX, &number) == TD_OK) {
        const struct bft_msg *m = NULL;
        if (store_chain_cert(db, NODE_CERT_ATTEST, number, &r->arena, &bytes) == TD_OK)
            m = decode(r, bytes, BFT_MSG_ATTEST_CERT);
        if (m == NULL)
            return corrupt(r, "the newest attestation certificate");
        r->out.attest_cert = &m->u.attest_cert;
    }
    if (store_chain_cert_last(db, NODE_CERT_BATCH, UINT64_MAX, &number) == TD_OK)
        r->out.batch_certified = number;
    if (store_chain_cert_last(db, NODE_CERT_EVIDENCE, UINT64_MAX, &number) == TD_OK)
        r->s->evidence_number = number;
    if (store_chain_item(db, NODE_ITEM_FINAL_PROOF, &r->arena, &bytes) == TD_OK) {
        const struct bft_msg *m = decode(r, bytes, BFT_MSG_CERTIFICATE);
        if (m == NULL)
            return corrupt(r, "the newest proof of finality");
        r->out.final_proof = &m->u.certificate.proof;
    }
    return true;
}

static bool init_core(struct restoring *r)
{
    struct node_shell *s = r->s;
    size_t bytes = bft_footprint(&s->config);
    s->region = aligned_alloc(64, (bytes + 63u) / 64u * 64u);
    if (s->region == NULL)
        return corrupt(r, "nothing (no memory)");
    if (bft_init(&s->replica, s->region, &s->config, &r->out) != TD_OK)
        return corrupt(r, "the state of consensus (its parts contradict each other)");
    return true;
}

bool shell_restore(struct node_shell *s, struct node_shell_error *error)
{
    struct restoring *r = calloc(1, sizeof *r);
    uint64_t final = 0, executed = 0;
    /* Headers 0.5 MiB, certificates under 64 KiB each, their decoded lists. */
    const size_t room = (size_t)8u << 20;
    void *memory = malloc(room);
    if (r == NULL || memory == NULL) {
        free(r);
        free(memory);
        snprintf(error->text, sizeof error->text, "no memory to start with");
        error->exit_code = NODE_EXIT_INTERNAL;
        return false;
    }
    r->s = s;
    r->error = error;
    td_arena_init(&r->arena, memory, room);
    bool ok = store_chain_heights(s->reader, &final, &executed) == TD_OK ||
              corrupt(r, "the list of blocks");
    ok = ok && restore_epoch(r) && restore_guard(r) && restore_finals(r, final) &&
         restore_produced(r, final) && restore_headers(r) && restore_certificates(r) &&
         init_core(r);
    s->final = final;
    s->executed = s->submitted = executed;
    atomic_store(&s->head, executed);
    free(memory);
    free(r);
    return ok;
}
