/* Getting what is missing: headers by hash, and ranges of final blocks.  [P-11.3 .. P-11.5]
 *
 *   following ──peer's final height >= own + 4, or ahead for 2 s──▶ syncing
 *       ▲                                                             │ GetBlocks, one answer at a
 *       └──────── own final height reaches every claim ◀──────────────┘ time, other peer after 1 s
 *
 * Entered and left any number of times.  A claim that yields nothing is forgotten, so that a lying
 * peer costs one question each time it lies. */
#include "consensus/replica_internal.h"

#include "base/core/memory.h"

#define SYNC_GAP 4u
#define SYNC_RETRY_NS (1000 * NS_PER_MS)
#define FETCH_RETRY_NS (400 * NS_PER_MS)
#define FETCH_TRIES_MAX 64u

void bft_want(struct bft_replica *r, enum bft_object_kind kind, const struct td_hash *hash,
              const struct bft_bitmap *holders, uint64_t round)
{
    struct bft_wanted *slot = NULL;
    for (uint32_t i = 0; i < BFT_WANTED_MAX; i++) {
        struct bft_wanted *w = &r->wanted[i];
        if (w->used && w->kind == kind && td_hash_eq(&w->hash, hash))
            return;
        if (!w->used)
            slot = w;
    }
    for (uint32_t i = 0; slot == NULL && i < BFT_WANTED_MAX; i++)
        if (r->wanted[i].kind == BFT_OBJECT_HEADER && r->wanted[i].round < round)
            slot = &r->wanted[i];
    if (slot == NULL)
        return;
    *slot = (struct bft_wanted){.used = true,
                                .kind = kind,
                                .hash = *hash,
                                .holders = *holders,
                                .next_ns = r->now_ns,
                                .round = round};
    r->stepping_want = true;
}

void bft_want_chain(struct bft_replica *r, const struct td_hash *hash,
                    const struct bft_bitmap *holders, uint64_t round)
{
    struct td_hash missing = *hash;
    for (uint32_t step = 0; step < BFT_NODES_MAX; step++) {
        uint32_t i = bft_tree_find(&r->tree, &missing);
        if (i == BFT_NODE_NONE) {
            bft_want(r, BFT_OBJECT_HEADER, &missing, holders, round);
            return;
        }
        if (r->tree.node[i].anchored)
            return;
        missing = r->tree.node[i].header.parent;
        round = r->tree.node[i].header.parent_round;
    }
}

void bft_want_done(struct bft_replica *r, const struct td_hash *hash)
{
    for (uint32_t i = 0; i < BFT_WANTED_MAX; i++)
        if (r->wanted[i].used && td_hash_eq(&r->wanted[i].hash, hash))
            r->wanted[i].used = false;
}

int64_t bft_want_next(const struct bft_replica *r)
{
    int64_t next = BFT_NEVER;
    for (uint32_t i = 0; i < BFT_WANTED_MAX; i++)
        if (r->wanted[i].used && r->wanted[i].next_ns < next)
            next = r->wanted[i].next_ns;
    return next;
}

/* A connected peer to ask: mostly among those known to hold it, every fourth time among all, since
 * the holders may have been faulty or have lost it. */
static uint32_t choose(const struct bft_replica *r, const struct bft_bitmap *holders, uint32_t try)
{
    for (uint32_t pass = try % 4u == 3u ? 1 : 0; pass < 2; pass++) {
        uint32_t count = 0, seen = 0;
        for (uint32_t step = 0; step < 2; step++) {
            for (uint32_t i = 0; i < r->peer_high; i++) {
                const struct bft_peer *p = &r->peer[i];
                if (!p->up || (pass == 0 && !bft_bitmap_has(holders, p->signer)))
                    continue;
                if (step == 0)
                    count++;
                else if (seen++ == (try + r->self) % count)
                    return i;
            }
            if (count == 0)
                break;
        }
    }
    return BFT_NO_PEER;
}

void bft_want_due(struct bft_replica *r)
{
    for (uint32_t i = 0; i < BFT_WANTED_MAX; i++) {
        struct bft_wanted *w = &r->wanted[i];
        if (!w->used || w->next_ns > r->now_ns)
            continue;
        const struct bft_header *root = &r->tree.node[r->tree.root].header;
        bool header = w->kind == BFT_OBJECT_HEADER;
        bool over = header && ((root->epoch == r->epoch && w->round <= root->round) ||
                               w->tries >= FETCH_TRIES_MAX);
        if (over || (header && bft_tree_find(&r->tree, &w->hash) != BFT_NODE_NONE)) {
            w->used = false;
            continue;
        }
        struct bft_effect *fx = bft_fx(r, BFT_FX_FETCH);
        fx->peer = choose(r, &w->holders, w->tries);
        fx->u.fetch.kind = w->kind;
        fx->u.fetch.hash = w->hash;
        fx->u.fetch.holders = w->holders;
        w->tries++;
        w->next_ns = r->now_ns + FETCH_RETRY_NS;
    }
}

static bool wanted_header(const struct bft_replica *r, const struct td_hash *hash)
{
    for (uint32_t i = 0; i < BFT_WANTED_MAX; i++)
        if (r->wanted[i].used && r->wanted[i].kind == BFT_OBJECT_HEADER &&
            td_hash_eq(&r->wanted[i].hash, hash))
            return true;
    return false;
}

/* The requested header and its ancestors, parent by parent.  What links by hash to something a
 * quorum certified needs no signature of its own.  [P-11.4] */
enum bft_verdict bft_on_by_hash(struct bft_replica *r, const struct bft_by_hash *m)
{
    struct bft_header chain[BFT_HEADERS_PER_REPLY];
    struct td_hash hash[BFT_HEADERS_PER_REPLY];
    if (m->kind != BFT_OBJECT_HEADER || m->object_count == 0)
        return BFT_UNSOLICITED;
    const struct bft_node *root = &r->tree.node[r->tree.root];
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->object_count && i < BFT_HEADERS_PER_REPLY; i++) {
        struct td_reader rd;
        td_reader_init(&rd, m->objects[i].ptr, m->objects[i].len);
        bft_header_decode(&rd, &chain[n]);
        if (td_reader_finish(&rd) != TD_OK)
            return BFT_MALFORMED;
        bft_header_hash(&hash[n], &chain[n]);
        if (i == 0 && !wanted_header(r, &hash[0]))
            return BFT_UNSOLICITED;
        if (i > 0 && !td_hash_eq(&hash[n], &chain[n - 1u].parent))
            return BFT_BAD_LINK;
        if (bft_tree_find(&r->tree, &hash[n]) != BFT_NODE_NONE)
            break;
        if (chain[n].epoch != r->epoch ||
            (root->header.epoch == r->epoch && chain[n].round <= root->header.round))
            break; /* below the root: a fork that died, or an older epoch */
        n++;
    }
    bft_want_done(r, &hash[0]);
    for (uint32_t i = n; i-- > 0;)
        if (bft_tree_add(r, &chain[i], &hash[i]) == BFT_NODE_NONE)
            return BFT_OVERFLOW;
    if (n > 0 && chain[n - 1u].parent_round > 0)
        bft_want_chain(r, &hash[0], &(struct bft_bitmap){{0}}, chain[0].round);
    r->stepping_vote = true;
    return BFT_OK;
}

static void put_header(struct bft_replica *r, uint32_t i, const struct bft_header *h)
{
    struct td_writer w;
    td_writer_init(&w, r->reply + (size_t)i * BFT_HEADER_BYTES, BFT_HEADER_BYTES);
    bft_header_encode(&w, h);
    r->reply_view[i] = td_bytes_of(w.ptr, w.len);
}

/* Fillers below the root are gone, and block sync carries none: whoever asks for one, or for what
 * stands on it, needs the proof that the root is final.  [P-11.4] */
static void serve_root_proof(struct bft_replica *r, uint32_t peer)
{
    const struct bft_node *root = &r->tree.node[r->tree.root];
    struct bft_proof kept, copy;
    struct bft_slot slot = {root->header.epoch, root->header.round};
    if (peer >= BFT_PEERS_MAX || !r->peer[peer].up ||
        bft_slot_cmp(r->peer[peer].proof_sent, slot) >= 0)
        return; /* once per root: a small question must not buy a large answer again and again */
    bft_proof_get(r, &kept);
    bool tip_is_root = (kept.kind == BFT_PROOF_COMMIT || kept.kind == BFT_PROOF_TWO_CHAIN) &&
                       kept.tip->round == root->header.round && kept.tip->epoch == r->epoch;
    if (!root->header.filler || !tip_is_root || !bft_export_proof(r, &copy, &kept))
        return;
    struct bft_msg *m = bft_out(r, peer, BFT_MSG_CERTIFICATE);
    if (m == NULL)
        return;
    m->u.certificate = (struct bft_certificate){.kind = BFT_CERTIFICATE_PROOF, .proof = copy};
    r->peer[peer].proof_sent = slot;
}

enum bft_verdict bft_on_get_by_hash(struct bft_replica *r, const struct bft_get_by_hash *m,
                                    uint32_t peer)
{
    if (m->kind != BFT_OBJECT_HEADER || m->hash_count == 0)
        return BFT_OK; /* payloads, transactions, sets: the shell answers */
    const struct bft_tree *t = &r->tree;
    uint32_t n = 0;
    serve_root_proof(r, peer);
    for (uint32_t i = bft_tree_find(t, &m->hashes[0]);
         i != BFT_NODE_NONE && n < BFT_HEADERS_PER_REPLY; i = t->node[i].parent)
        put_header(r, n++, &t->node[i].header);
    for (uint32_t i = 0; n == 0 && i < BFT_FINAL_RING; i++)
        if (r->final_ring[i].header.height > 0 && td_hash_eq(&r->final_ring[i].hash, &m->hashes[0]))
            put_header(r, n++, &r->final_ring[i].header);
    struct bft_msg *out = n > 0 ? bft_out(r, peer, BFT_MSG_BY_HASH) : NULL;
    if (out != NULL)
        out->u.by_hash = (struct bft_by_hash){
            .kind = BFT_OBJECT_HEADER, .object_count = n, .objects = r->reply_view};
    return BFT_OK;
}

static uint64_t sync_target(struct bft_replica *r)
{
    if (r->claims_changed) {
        r->claims_changed = false;
        r->sync_top = 0;
        for (uint32_t i = 0; i < r->peer_high; i++)
            if (r->peer[i].up && r->peer[i].final_height > r->sync_top)
                r->sync_top = r->peer[i].final_height;
    }
    return r->sync_top > r->final_height ? r->sync_top : r->final_height;
}

static void forget_claim(struct bft_replica *r, uint32_t peer)
{
    r->peer[peer].final_height = r->final_height;
    r->claims_changed = true;
}

static void ask(struct bft_replica *r)
{
    uint32_t able = 0;
    for (uint32_t i = 0; i < r->peer_high; i++)
        able += r->peer[i].up && r->peer[i].final_height > r->final_height;
    if (able == 0)
        return;
    uint32_t pick = (r->sync_tries++ + r->self) % able;
    for (uint32_t i = 0; i < r->peer_high; i++) {
        if (!r->peer[i].up || r->peer[i].final_height <= r->final_height || pick-- > 0)
            continue;
        struct bft_msg *m = bft_out(r, i, BFT_MSG_GET_BLOCKS);
        if (m == NULL)
            return;
        m->u.get_blocks =
            (struct bft_get_blocks){.from = r->final_height + 1u, .count = BFT_BLOCKS_MAX};
        r->sync_peer = i;
        r->sync_from = r->final_height + 1u;
        r->sync_at_ns = r->now_ns + SYNC_RETRY_NS;
        return;
    }
}

static void set_syncing(struct bft_replica *r, bool on)
{
    r->syncing = on;
    bft_fx(r, BFT_FX_SYNC)->u.on = on;
}

/* [P-11.5] */
void bft_sync_check(struct bft_replica *r)
{
    uint64_t target = sync_target(r);
    if (target <= r->final_height) {
        r->behind_since_ns = BFT_NEVER;
        r->sync_from = 0;
        if (r->syncing)
            set_syncing(r, false);
        return;
    }
    if (r->behind_since_ns == BFT_NEVER)
        r->behind_since_ns = r->now_ns;
    if (!r->syncing) {
        bool enter = target >= r->final_height + SYNC_GAP ||
                     r->now_ns - r->behind_since_ns >= BFT_SYNC_PATIENCE_NS;
        if (!enter || (BFT_PLANT(BFT_PLANT_SYNC_ONCE) && r->synced_once))
            return;
        r->synced_once = true;
        r->sync_from = 0;
        set_syncing(r, true);
    }
    if (r->sync_from == 0)
        ask(r);
}

void bft_sync_due(struct bft_replica *r)
{
    if (r->syncing && r->sync_from != 0 && r->now_ns >= r->sync_at_ns)
        r->sync_from = 0; /* no answer: the next check asks somebody else */
}

/* Final blocks that the tree does not hold: push them and start a new tree at their end. */
static void adopt(struct bft_replica *r, const struct bft_blocks *b, uint32_t first)
{
    struct bft_chain_state state = r->tree.node[r->tree.root].state;
    struct bft_header before = r->tree.node[r->tree.root].header;
    struct td_hash hash = r->final_hash;
    bft_proof_store(r, &b->proof);
    for (uint32_t i = first; i < b->header_count; i++) {
        bft_chain_step(&state, &state, &before, &b->headers[i]);
        before = b->headers[i];
        bft_header_hash(&hash, &before);
        bft_final_push(r, &before, &hash, &state);
    }
    bft_proof_emit(r);
    const struct bft_header *tip = b->proof.kind == BFT_PROOF_ATTEST ? NULL : b->proof.tip;
    if (tip != NULL && tip->filler) {
        before = *tip;
        bft_header_hash(&hash, tip);
    }
    bft_tree_adopt(r, &before, &hash, &state);
    if (r->high_qc.qc.round > before.round)
        bft_want_chain(r, &r->high_qc.qc.hash, &r->high_qc.qc.signers, r->high_qc.qc.round);
    bft_next_set_try(r);
    r->stepping_vote = r->stepping_final = true;
}

/* [P-11.3] The verifier has checked the chain of headers and the proof of its end. */
enum bft_verdict bft_on_blocks(struct bft_replica *r, const struct bft_blocks *b, uint32_t peer)
{
    if (peer >= BFT_PEERS_MAX || !r->peer[peer].up || !r->syncing)
        return BFT_UNSOLICITED;
    if (b->header_count == 0) {
        if (r->sync_peer == peer)
            r->sync_from = 0; /* nothing there: ask somebody else now */
        forget_claim(r, peer);
        return BFT_OK;
    }
    uint64_t first = b->headers[0].height, last = first + b->header_count - 1u;
    if (b->headers[0].epoch != r->epoch || last <= r->final_height)
        return BFT_STALE;
    if (first > r->final_height + 1u) {
        forget_claim(r, peer);
        return BFT_BAD_LINK;
    }
    uint32_t skip = (uint32_t)(r->final_height + 1u - first);
    if (!td_hash_eq(&b->headers[skip].prev_hash, &r->final_hash)) {
        bft_halt(r, BFT_HALT_TWO_FINALS);
        return BFT_OK;
    }
    r->sync_from = 0; /* useless answers above leave the question open until it times out */
    struct td_hash end;
    bft_header_hash(&end, &b->headers[b->header_count - 1u]);
    uint32_t held = bft_tree_find(&r->tree, &end);
    if (held != BFT_NODE_NONE && r->tree.node[held].anchored)
        bft_finalize(r, held, &b->proof);
    else
        adopt(r, b, skip);
    if (b->proof.kind == BFT_PROOF_ATTEST)
        (void)bft_on_attest_cert(r, b->proof.attest);
    return BFT_OK;
}
