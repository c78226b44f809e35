/* Frames from peers: decode, judge structure, have signatures checked, hand to the core in order.
 */
#include "node/shell/shell_internal.h"

#include <stdlib.h>

#include "base/core/assert.h"

/* Whoever sends what no honest node sends.  100 points end a connection; 1 comes back a second. */
static int32_t points_of(enum bft_verdict v)
{
    switch (v) {
    case BFT_MALFORMED:
    case BFT_BAD_SIGNATURE:
        return 50;
    case BFT_BAD_CERT:
    case BFT_OUTSIDER:
    case BFT_WRONG_LEADER:
    case BFT_BAD_LINK:
        return 25;
    case BFT_BAD_HEADER:
    case BFT_BAD_ORIGIN:
        return 10;
    case BFT_UNSOLICITED:
        return 2; /* an answer that came after its question was given up looks the same */
    case BFT_OK:
    case BFT_DUPLICATE:
    case BFT_STALE:
    case BFT_FAR_FUTURE:
    case BFT_UNKNOWN_EPOCH:
    case BFT_BAD_TIME:
    case BFT_EQUIVOCATION:
    case BFT_OVERFLOW:
    case BFT_UNKNOWN_PARENT:
    case BFT_VERDICT_COUNT:
        break;
    }
    return 0;
}

static void refused(struct node_shell *s, uint32_t peer, enum bft_verdict v)
{
    s->stats.refused++;
    int32_t points = points_of(v);
    if (points > 0 && s->net != NULL)
        p2p_penalize(s->net, peer, points, bft_verdict_text(v));
}

static void inbound_free(struct shell_inbound *in)
{
    free(in->frame);
    free(in->memory);
    free(in->checks);
    free(in->items);
    free(in->pubs);
    free(in->ok);
    free(in);
}

void shell_inbound_clear(struct node_shell *s)
{
    while (s->in_first != NULL) {
        struct shell_inbound *in = s->in_first;
        s->in_first = in->next;
        inbound_free(in);
    }
    s->in_end = &s->in_first;
    s->in_count = s->in_checks = 0;
    s->in_bytes = 0;
}

/* ---- public keys of the sets in use, parsed once per epoch */

static void keys_fill(struct node_shell *s, struct shell_keys *k, const struct bft_set *set)
{
    if (set == NULL) {
        k->known = false;
        return;
    }
    if (k->known && k->epoch == set->epoch)
        return;
    k->epoch = set->epoch;
    k->count = set->count;
    k->known = true;
    for (uint32_t i = 0; i < set->count; i++)
        if (td_secp_pub_decode(s->o.secp, &k->pub[i], &set->v[i].key) != TD_OK)
            k->known = false; /* genesis was checked; a set from L1 is checked where it arrives */
}

void shell_epoch_keys(struct node_shell *s)
{
    bft_sets_get(s->replica, &s->verify_ctx.sets);
    keys_fill(s, &s->keys[0], s->verify_ctx.sets.prev);
    keys_fill(s, &s->keys[1], s->verify_ctx.sets.cur);
    keys_fill(s, &s->keys[2], s->verify_ctx.sets.next);
}

static const struct td_secp_pub *key_of(const struct node_shell *s, uint64_t epoch, uint16_t signer)
{
    for (uint32_t i = 0; i < 3; i++)
        if (s->keys[i].known && s->keys[i].epoch == epoch && signer < s->keys[i].count)
            return &s->keys[i].pub[signer];
    return NULL;
}

/* ---- to the core */

static void payloads_of_blocks(struct node_shell *s, const struct bft_blocks *b)
{
    for (uint32_t i = 0; i < b->payload_count && i < b->header_count; i++) {
        const struct bft_header *h = &b->headers[i];
        if (h->tx_count == 0 || h->height <= s->executed)
            continue;
        struct shell_payload *p = shell_payload_of(s, &h->payload_root);
        if (p == NULL || p->bytes != NULL)
            continue;
        if (h->height > p->height)
            p->height = h->height;
        struct node_blob *bytes = node_blob_copy(b->payloads[i]);
        if (bytes != NULL)
            shell_payload_arrived(s, p, bytes);
        node_blob_drop(bytes);
    }
}

static void note_peer(struct node_shell *s, uint32_t peer, const struct bft_msg *m)
{
    struct shell_peer *p = &s->peers[peer];
    if (m->kind == BFT_MSG_STATUS)
        p->final_height = m->u.status.final_height;
    if (m->kind == BFT_MSG_VOTE)
        p->last_vote_round = m->u.vote.round;
}

/* Sync must not fill the memory with what the disk and execution have yet to do. */
static bool far_behind(const struct node_shell *s)
{
    return s->final >= s->executed + NODE_BLOCKS_MAX / 2u ||
           node_thread_waiting(s->writer) > NODE_BLOCKS_MAX;
}

static void deliver(struct node_shell *s, struct shell_inbound *in)
{
    const struct bft_msg *m = &in->msg;
    if (!s->peers[in->peer].up || s->peers[in->peer].serial != in->peer_serial || s->halted)
        return;
    if (in->failed) {
        refused(s, in->peer, BFT_BAD_SIGNATURE);
        return;
    }
    note_peer(s, in->peer, m);
    if (m->kind == BFT_MSG_BLOCKS && far_behind(s))
        return; /* the core asks again in a second */
    if (m->kind == BFT_MSG_BLOCKS)
        payloads_of_blocks(s, &m->u.blocks);
    if (shell_serve(s, in->peer, m))
        return;
    struct bft_event ev = {.kind = BFT_EV_MESSAGE, .peer = in->peer, .u.msg = m};
    enum bft_verdict v = shell_step(s, &ev);
    if (v != BFT_OK)
        refused(s, in->peer, v);
    if (m->kind == BFT_MSG_PROPOSAL && !s->halted && (v == BFT_OK || v == BFT_UNKNOWN_PARENT))
        shell_proposal_seen(s, in->peer, &m->u.proposal);
}

static void verify_next(struct node_shell *s);

static void count_in(struct node_shell *s, const struct shell_inbound *in)
{
    struct shell_peer *p = &s->peers[in->peer];
    s->in_count++;
    s->in_bytes += in->len;
    s->in_checks += in->check_count;
    p->in_count++;
    p->in_bytes += in->len;
}

static void count_out(struct node_shell *s, const struct shell_inbound *in)
{
    struct shell_peer *p = &s->peers[in->peer];
    s->in_count--;
    s->in_bytes -= in->len;
    s->in_checks -= in->check_count;
    if (p->serial != in->peer_serial)
        return; /* another connection's counts */
    p->in_count--;
    p->in_bytes -= in->len;
}

/* Everything at the head of the queue that is verified. */
static void drain(struct node_shell *s)
{
    while (s->in_first != NULL && s->in_first->verified) {
        struct shell_inbound *in = s->in_first;
        s->in_first = in->next;
        if (s->in_first == NULL)
            s->in_end = &s->in_first;
        count_out(s, in);
        deliver(s, in);
        inbound_free(in);
    }
    verify_next(s);
}

/* ---- the verify thread's batch: every message that waits */

struct verify_job {
    struct node_job job; /* first */
    struct node_shell *s;
    struct shell_inbound **list;
    uint32_t count;
};

/* Signatures are looked at in pieces, and none after a piece with a bad one. */
#define PIECE 16u

static bool all_good(const struct node_shell *s, struct shell_inbound *in)
{
    for (uint32_t at = 0; at < in->check_count; at += PIECE) {
        uint32_t n = in->check_count - at < PIECE ? in->check_count - at : PIECE;
        in->checked = at + n;
        if (td_secp_verify_many(s->o.secp, NULL, in->ok + at, in->items + at, n) != n)
            return false;
    }
    return true;
}

/* Whether an earlier message of this connection has failed already. */
static bool known_bad(const struct verify_job *v, uint32_t end)
{
    for (uint32_t i = 0; i < end; i++)
        if (v->list[i]->failed && v->list[i]->peer == v->list[end]->peer &&
            v->list[i]->peer_serial == v->list[end]->peer_serial)
            return true;
    return false;
}

/* A message with a bad signature costs a piece, and its sender's other messages of the batch
 * nothing: else a stranger's queue of them would be what honest votes wait behind. */
void shell_verify_run(void *ctx, struct node_job *jobs)
{
    const struct node_shell *s = ctx;
    for (struct node_job *j = jobs; j != NULL; j = j->next) {
        struct verify_job *v = (struct verify_job *)j;
        bool any = false;
        for (uint32_t i = 0; i < v->count; i++) {
            struct shell_inbound *in = v->list[i];
            in->failed = (any && known_bad(v, i)) || !all_good(s, in);
            any |= in->failed;
        }
    }
}

static void verify_drop(struct node_job *job)
{
    struct verify_job *v = (struct verify_job *)job;
    free(v->list);
    free(v);
}

static void verify_done(struct node_job *job)
{
    struct verify_job *v = (struct verify_job *)job;
    struct node_shell *s = v->s;
    s->verifying = false;
    s->stats.verify_batches++;
    for (uint32_t i = 0; i < v->count; i++) {
        struct shell_inbound *in = v->list[i];
        s->stats.verified += in->checked;
        for (uint32_t k = 0; k < in->checked; k++)
            if (in->ok[k])
                bft_sigcache_add(&s->cache, &in->checks[k]);
        in->verified = true;
    }
    verify_drop(job);
    drain(s);
}

static void verify_next(struct node_shell *s)
{
    if (s->verifying || s->in_first == NULL)
        return;
    uint32_t count = 0;
    for (struct shell_inbound *in = s->in_first; in != NULL; in = in->next)
        count += in->verified ? 0u : 1u;
    if (count == 0)
        return;
    struct verify_job *v = calloc(1, sizeof *v);
    struct shell_inbound **list = calloc(count, sizeof(struct shell_inbound *));
    if (v == NULL || list == NULL) {
        free(v);
        free(list);
        shell_no_memory(s);
        return;
    }
    for (struct shell_inbound *in = s->in_first; in != NULL; in = in->next)
        if (!in->verified)
            list[v->count++] = in;
    v->job.done = verify_done;
    v->job.drop = verify_drop;
    v->s = s;
    v->list = list;
    s->verifying = true;
    node_thread_put(s->verify, &v->job);
}

/* ---- arrival */

/* Fill the checks that the cache cannot answer.  False: no room or memory, or a key nobody parsed.
 */
static bool plan_checks(struct node_shell *s, struct shell_inbound *in, uint32_t count)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++)
        if (!bft_sigcache_has(&s->cache, &s->scratch[i]))
            s->scratch[kept++] = s->scratch[i];
    in->check_count = kept;
    in->verified = kept == 0;
    if (kept == 0)
        return true;
    if (s->in_checks + kept > NODE_INBOUND_CHECKS)
        return false;
    in->checks = malloc(kept * sizeof *in->checks);
    in->items = calloc(kept, sizeof *in->items);
    in->pubs = malloc(kept * sizeof *in->pubs);
    in->ok = calloc(kept, sizeof *in->ok);
    if (in->checks == NULL || in->items == NULL || in->pubs == NULL || in->ok == NULL)
        return false;
    memcpy(in->checks, s->scratch, kept * sizeof *in->checks);
    for (uint32_t i = 0; i < kept; i++) {
        const struct bft_sig_check *k = &in->checks[i];
        const struct td_secp_pub *pub = key_of(s, k->epoch, k->signer);
        if (pub == NULL)
            return false;
        in->pubs[i] = *pub;
        in->items[i] = (struct td_secp_item){
            .pub = &in->pubs[i], .digest = k->digest, .sig = k->sig, .exact = k->exact};
    }
    return true;
}

static enum bft_verdict admit(struct node_shell *s, struct shell_inbound *in)
{
    in->memory = malloc(BFT_DECODE_ARENA_BYTES);
    if (in->memory == NULL)
        return BFT_OVERFLOW;
    td_arena_init(&in->arena, in->memory, BFT_DECODE_ARENA_BYTES);
    if (bft_msg_decode(&in->msg, &in->arena, in->frame, in->len) != TD_OK)
        return BFT_MALFORMED;
    uint32_t count = 0;
    enum bft_verdict v = bft_verify_collect(&s->verify_ctx, &in->msg, s->scratch, &count);
    if (v != BFT_OK)
        return v;
    return plan_checks(s, in, count) ? BFT_OK : BFT_OVERFLOW;
}

static bool has_room(const struct node_shell *s, uint32_t peer, size_t len)
{
    const struct shell_peer *p = &s->peers[peer];
    return s->in_count < NODE_INBOUND_MAX && s->in_bytes + len <= NODE_INBOUND_BYTES &&
           p->in_count < NODE_INBOUND_PEER_MAX && p->in_bytes + len <= NODE_INBOUND_PEER_BYTES;
}

void shell_frame(void *ctx, uint32_t peer, uint8_t *body, size_t len)
{
    struct node_shell *s = ctx;
    s->stats.messages++;
    if (s->halted || peer >= BFT_PEERS_MAX || !s->peers[peer].up || len == 0) {
        free(body);
        return;
    }
    if (body[0] == BFT_MSG_TX) {
        shell_tx_frame(s, peer, body, len);
        return;
    }
    struct shell_inbound *in = has_room(s, peer, len) ? calloc(1, sizeof *in) : NULL;
    if (in == NULL) {
        free(body);
        refused(s, peer, BFT_OVERFLOW);
        return;
    }
    in->peer = peer;
    in->peer_serial = s->peers[peer].serial;
    in->frame = body;
    in->len = len;
    enum bft_verdict v = admit(s, in);
    if (v != BFT_OK) {
        refused(s, peer, v);
        inbound_free(in);
        return;
    }
    *s->in_end = in;
    s->in_end = &in->next;
    count_in(s, in);
    drain(s);
}
