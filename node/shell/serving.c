/* What the node answers from its store: blocks, payloads, transactions.  Headers and certificates
 * by hash are the core's.  Reading happens on a thread of its own. */
#include <stdlib.h>

#include "base/core/assert.h"
#include "node/shell/shell_internal.h"

/* Requests of one peer under way; TD_SYNC_OUTSTANDING_MAX it may have of each kind. */
#define PER_PEER_MAX (2u * TD_SYNC_OUTSTANDING_MAX)
/* Headers, certificates and framing beside the payloads of an answer. */
#define ANSWER_ARENA_BYTES (TD_SYNC_BYTES_MAX + TD_PAYLOAD_BYTES_MAX + ((size_t)1u << 20))

struct serve_job {
    struct node_job job; /* first */
    struct node_shell *s;
    uint32_t peer;
    uint64_t serial;
    bool blocks; /* else a payload */
    struct bft_get_blocks range;
    struct td_hash root;
    struct node_blob *hand_off, *answer;
};

/* ---- on the serve thread */

struct answering {
    struct node_shell *s;
    struct td_arena arena;
    struct bft_header *headers;
    struct td_bytes *payloads;
    uint32_t count;
    struct bft_msg proof;
};

static bool cert_at(struct answering *a, enum node_cert kind, uint64_t height,
                    enum bft_msg_kind want)
{
    struct td_bytes bytes;
    return store_chain_cert(a->s->serve_reader, (uint32_t)kind, height, &a->arena, &bytes) ==
               TD_OK &&
           bft_msg_decode(&a->proof, &a->arena, bytes.ptr, bytes.len) == TD_OK &&
           a->proof.kind == want;
}

static bool provable(struct answering *a, uint64_t height)
{
    return cert_at(a, NODE_CERT_ATTEST, height, BFT_MSG_ATTEST_CERT) ||
           cert_at(a, NODE_CERT_PROOF, height, BFT_MSG_CERTIFICATE);
}

/* Whether one more block of this height goes into the answer: same epoch, and room for it. */
static bool add_block(struct answering *a, uint64_t height, size_t *bytes)
{
    struct store_chain_block b;
    struct td_reader r;
    struct bft_header *h = &a->headers[a->count];
    if (store_chain_block(a->s->serve_reader, height, &a->arena, &b) != TD_OK)
        return false;
    td_reader_init(&r, b.header.ptr, b.header.len);
    bft_header_decode(&r, h);
    if (r.err != TD_OK || (a->count > 0 && h->epoch != a->headers[0].epoch) ||
        (a->count > 0 && *bytes + h->payload_bytes > TD_SYNC_BYTES_MAX))
        return false;
    a->payloads[a->count] = td_bytes_of(NULL, 0);
    if (h->tx_count > 0 && (store_chain_payload(a->s->serve_reader, &h->payload_root, &a->arena,
                                                &a->payloads[a->count]) != TD_OK ||
                            a->payloads[a->count].len != h->payload_bytes))
        return false;
    *bytes += h->payload_bytes;
    a->count++;
    return true;
}

/* [P-11.3]: up to `count` blocks from `from`, ending where finality can be proven: the last
 * provable height of those that fit, or else the next one above. */
static struct node_blob *answer_blocks(struct answering *a, const struct bft_get_blocks *q)
{
    struct bft_msg m = {.kind = BFT_MSG_BLOCKS, .u.blocks = {.from = q->from}};
    size_t bytes = 0;
    uint32_t provable_count = 0;
    while (a->count < BFT_BLOCKS_HEADERS_MAX && (a->count < q->count || provable_count == 0) &&
           add_block(a, q->from + a->count, &bytes)) {
        struct td_arena_mark mark = td_arena_mark(&a->arena);
        if (provable(a, q->from + a->count - 1u))
            provable_count = a->count;
        td_arena_rewind(&a->arena, mark);
    }
    if (provable_count > 0 && provable(a, q->from + provable_count - 1u)) {
        m.u.blocks.header_count = m.u.blocks.payload_count = provable_count;
        m.u.blocks.headers = a->headers;
        m.u.blocks.payloads = a->payloads;
        if (a->proof.kind == BFT_MSG_ATTEST_CERT)
            m.u.blocks.proof =
                (struct bft_proof){.kind = BFT_PROOF_ATTEST, .attest = &a->proof.u.attest_cert};
        else
            m.u.blocks.proof = a->proof.u.certificate.proof;
    }
    return shell_encode_msg(&m);
}

/* Whoever asks for an epoch's first block may lack what lets it enter that epoch.  [P-8.4] */
static struct node_blob *hand_off(struct answering *a, uint64_t from)
{
    struct td_arena_mark mark = td_arena_mark(&a->arena);
    struct node_blob *out = NULL;
    if (from > 1 && (from - 1u) % a->s->config.epoch_length == 0 &&
        cert_at(a, NODE_CERT_ATTEST, from - 1u, BFT_MSG_ATTEST_CERT))
        out = shell_encode_msg(&a->proof);
    td_arena_rewind(&a->arena, mark);
    return out;
}

static struct node_blob *answer_payload(struct answering *a, const struct td_hash *root)
{
    struct td_bytes bytes;
    struct bft_msg m = {.kind = BFT_MSG_BY_HASH};
    m.u.by_hash = (struct bft_by_hash){.kind = BFT_OBJECT_PAYLOAD, .objects = &bytes};
    if (store_chain_payload(a->s->serve_reader, root, &a->arena, &bytes) == TD_OK)
        m.u.by_hash.object_count = 1;
    return shell_encode_msg(&m);
}

void shell_serve_run(void *ctx, struct node_job *jobs)
{
    struct answering a = {.s = ctx};
    void *memory = malloc(ANSWER_ARENA_BYTES);
    if (memory == NULL)
        return; /* no answer: they ask somebody else */
    for (struct node_job *j = jobs; j != NULL; j = j->next) {
        struct serve_job *q = (struct serve_job *)j;
        td_arena_init(&a.arena, memory, ANSWER_ARENA_BYTES);
        a.headers = TD_ARENA_NEW(&a.arena, struct bft_header, BFT_BLOCKS_HEADERS_MAX);
        a.payloads = TD_ARENA_NEW(&a.arena, struct td_bytes, BFT_BLOCKS_HEADERS_MAX);
        a.count = 0;
        if (store_chain_read_begin(a.s->serve_reader) != TD_OK)
            continue;
        if (q->blocks) {
            q->hand_off = hand_off(&a, q->range.from);
            q->answer = answer_blocks(&a, &q->range);
        } else {
            q->answer = answer_payload(&a, &q->root);
        }
        store_chain_read_end(a.s->serve_reader);
    }
    free(memory);
}

/* ---- on the loop */

static void serve_drop(struct node_job *job)
{
    struct serve_job *q = (struct serve_job *)job;
    node_blob_drop(q->hand_off);
    node_blob_drop(q->answer);
    free(q);
}

/* Whether this peer may have another answer: small questions must not buy large ones without end.
 */
static bool may_have(const struct node_shell *s, struct shell_peer *p)
{
    int64_t now = shell_mono(s), since = now - p->served_ns;
    int64_t ms = since < 60000000000 ? since / 1000000 : 60000;
    int64_t forgiven = NODE_SERVE_RATE / 1000 * ms;
    if (forgiven > 0) {
        p->served = p->served > forgiven ? p->served - forgiven : 0;
        p->served_ns = now;
    }
    return p->served < NODE_SERVE_BURST;
}

static void count_answer(struct shell_peer *p, size_t bytes)
{
    p->served += (int64_t)bytes > NODE_SERVE_LEAST ? (int64_t)bytes : NODE_SERVE_LEAST;
}

static void send_blob(struct node_shell *s, uint32_t peer, struct node_blob *blob)
{
    if (blob == NULL)
        return;
    count_answer(&s->peers[peer], blob->len);
    struct p2p_body *body = p2p_body_new(node_blob_view(blob));
    if (body != NULL)
        p2p_send(s->net, peer, P2P_BLOCKS, 0, body);
    p2p_body_drop(body);
}

static void serve_done(struct node_job *job)
{
    struct serve_job *q = (struct serve_job *)job;
    struct shell_peer *p = &q->s->peers[q->peer];
    if (p->up && p->serial == q->serial) {
        p->serving--;
        send_blob(q->s, q->peer, q->hand_off);
        send_blob(q->s, q->peer, q->answer);
    }
    serve_drop(job);
}

static void put(struct node_shell *s, uint32_t peer, const struct bft_get_blocks *range,
                const struct td_hash *root)
{
    struct shell_peer *p = &s->peers[peer];
    if (p->serving >= PER_PEER_MAX || !may_have(s, p) ||
        node_thread_waiting(s->serve) >= NODE_SERVE_MAX)
        return; /* an honest peer asks again, or another */
    struct serve_job *q = calloc(1, sizeof *q);
    if (q == NULL)
        return;
    q->job.done = serve_done;
    q->job.drop = serve_drop;
    q->s = s;
    q->peer = peer;
    q->serial = p->serial;
    q->blocks = range != NULL;
    if (range != NULL)
        q->range = *range;
    else
        q->root = *root;
    p->serving++;
    node_thread_put(s->serve, &q->job);
}

/* From memory, since these are asked for in the middle of a round. */
static void serve_txs(struct node_shell *s, uint32_t peer, const struct bft_get_by_hash *q)
{
    struct td_bytes objects[BFT_BY_HASH_MAX];
    struct bft_msg m = {.kind = BFT_MSG_BY_HASH};
    size_t bytes = 0;
    if (!may_have(s, &s->peers[peer]))
        return;
    m.u.by_hash = (struct bft_by_hash){.kind = BFT_OBJECT_TX, .objects = objects};
    for (uint32_t i = 0; i < q->hash_count; i++) {
        struct node_mempool_tx tx;
        if (!node_mempool_find(s->mempool, &q->hashes[i], &tx) ||
            bytes + tx.raw.len > TD_SYNC_BYTES_MAX)
            continue;
        bytes += tx.raw.len;
        objects[m.u.by_hash.object_count++] = tx.raw;
    }
    count_answer(&s->peers[peer], bytes);
    shell_send(s, peer, &m);
}

static void serve_by_hash(struct node_shell *s, uint32_t peer, const struct bft_get_by_hash *q)
{
    if (q->kind == BFT_OBJECT_TX) {
        serve_txs(s, peer, q);
        return;
    }
    if (q->kind != BFT_OBJECT_PAYLOAD)
        return; /* sets come from L1; there is none yet */
    struct shell_payload *p = node_table_find(&s->payloads, &q->hashes[0]);
    if (p == NULL || p->bytes == NULL) {
        put(s, peer, NULL, &q->hashes[0]);
        return;
    }
    if (!may_have(s, &s->peers[peer]))
        return;
    struct td_bytes object = node_blob_view(p->bytes);
    struct bft_msg m = {.kind = BFT_MSG_BY_HASH};
    m.u.by_hash =
        (struct bft_by_hash){.kind = BFT_OBJECT_PAYLOAD, .object_count = 1, .objects = &object};
    count_answer(&s->peers[peer], object.len);
    shell_send(s, peer, &m);
}

bool shell_serve(struct node_shell *s, uint32_t peer, const struct bft_msg *m)
{
    if (m->kind == BFT_MSG_GET_BLOCKS) {
        put(s, peer, &m->u.get_blocks, NULL);
        return true;
    }
    if (m->kind == BFT_MSG_GET_BY_HASH && m->u.get_by_hash.kind != BFT_OBJECT_HEADER &&
        m->u.get_by_hash.kind != BFT_OBJECT_QC) {
        serve_by_hash(s, peer, &m->u.get_by_hash);
        return true;
    }
    if (m->kind == BFT_MSG_BY_HASH &&
        (m->u.by_hash.kind == BFT_OBJECT_PAYLOAD || m->u.by_hash.kind == BFT_OBJECT_TX)) {
        shell_objects_arrived(s, peer, &m->u.by_hash);
        return true;
    }
    return m->kind == BFT_MSG_BY_HASH && m->u.by_hash.kind == BFT_OBJECT_SET;
}
