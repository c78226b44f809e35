/* Headers and payloads the node has met: put together from transactions it knows, fetched where
 * they are missing, kept until they are executed and a little longer for those who come late.
 *
 *     proposal: hashes ─▶ parts from the mempool ─▶ rest from its sender ─▶ whole, from anybody
 *     final block without payload ──────────────────────────────────────▶ database, then anybody
 *
 * What was told to the core as ready went to the writer first, so it is on disk before a vote for
 * it leaves (persist.c: jobs are done in order). */
#include <stdlib.h>

#include "base/core/assert.h"
#include "node/shell/shell_internal.h"

/* Missing transactions asked for one by one up to here; beyond, the payload is asked for whole. */
#define PARTS_MAX (2u * BFT_BY_HASH_MAX)
/* Executed payloads stay this many heights for peers a little behind. */
#define KEEP_HEIGHTS 4u

/* ---- headers */

static void block_forget(struct node_shell *s, struct shell_block *b)
{
    if (b->held && s->mempool != NULL)
        node_mempool_release(s->mempool, &b->hash);
    node_table_remove(&s->blocks, &b->hash);
    free(b);
}

/* At the bound the lowest header goes: a peer can fill it only with what validators signed. */
static void blocks_trim(struct node_shell *s)
{
    struct shell_block *lowest = NULL, *b;
    uint32_t at = 0;
    if (s->blocks.count < NODE_BLOCKS_MAX)
        return;
    while ((b = node_table_next(&s->blocks, &at)) != NULL)
        if (!(b->final && b->header.height > s->executed) &&
            (lowest == NULL || b->header.height < lowest->header.height))
            lowest = b;
    if (lowest != NULL)
        block_forget(s, lowest);
}

struct shell_block *shell_block_add(struct node_shell *s, const struct td_hash *hash,
                                    const struct bft_header *h)
{
    struct shell_block *b = node_table_find(&s->blocks, hash);
    if (b != NULL)
        return b;
    blocks_trim(s);
    b = calloc(1, sizeof *b);
    if (b == NULL)
        return NULL;
    b->hash = *hash;
    b->header = *h;
    if (!node_table_put(&s->blocks, b)) {
        free(b);
        return NULL;
    }
    return b;
}

/* ---- payloads */

static void recount(struct node_shell *s, struct shell_payload *p)
{
    size_t cost = p->bytes == NULL ? 0 : p->bytes->len;
    cost += p->hashes == NULL ? 0 : p->count * sizeof *p->hashes;
    cost += p->parts == NULL ? 0 : p->count * sizeof(struct node_blob *) + p->parts_bytes;
    s->payload_bytes += cost - p->cost;
    p->cost = cost;
}

static void parts_free(struct shell_payload *p)
{
    for (uint32_t i = 0; p->parts != NULL && i < p->count; i++)
        node_blob_drop(p->parts[i]);
    free(p->parts);
    p->parts = NULL;
    p->missing = 0;
    p->parts_bytes = 0;
}

static void payload_forget(struct node_shell *s, struct shell_payload *p)
{
    s->payload_bytes -= p->cost;
    node_table_remove(&s->payloads, &p->root);
    parts_free(p);
    node_blob_drop(p->bytes);
    free(p->hashes);
    free(p);
}

/* All whole payloads are on disk: over the bound the lowest go, to be read again if needed. */
static void payloads_trim(struct node_shell *s)
{
    while (s->payload_bytes > NODE_PAYLOADS_BYTES || s->payloads.count >= NODE_BLOCKS_MAX) {
        struct shell_payload *lowest = NULL, *p;
        uint32_t at = 0;
        while ((p = node_table_next(&s->payloads, &at)) != NULL)
            if (lowest == NULL || p->height < lowest->height)
                lowest = p;
        if (lowest == NULL)
            return;
        payload_forget(s, lowest);
    }
}

struct shell_payload *shell_payload_of(struct node_shell *s, const struct td_hash *root)
{
    struct shell_payload *p = node_table_find(&s->payloads, root);
    if (p != NULL)
        return p;
    payloads_trim(s);
    p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->root = *root;
    p->source = BFT_NO_PEER;
    p->gas = s->o.genesis->params.gas_limit;
    if (!node_table_put(&s->payloads, p)) {
        free(p);
        return NULL;
    }
    return p;
}

/* ---- telling the core */

static void hold(struct node_shell *s, struct shell_block *b, const struct shell_payload *p)
{
    if (b->held || p->hashes == NULL || b->header.height <= s->executed)
        return;
    node_mempool_hold(s->mempool, &b->hash, p->hashes, p->count);
    b->held = true;
}

/* The disk forgets what was seen 64 executed blocks ago (persist.c): what a vote will stand on must
 * have been written for a height near the vote's. */
#define WRITTEN_HEIGHTS 32u

static void tell(struct node_shell *s, struct shell_block *b, struct shell_payload *p)
{
    struct shell_local *l = calloc(1, sizeof *l);
    if (l == NULL)
        return; /* the block gets no vote from here */
    l->kind = BFT_EV_PAYLOAD_READY;
    l->u.verdict.hash = b->hash;
    l->u.verdict.valid =
        node_chain_payload_valid(s->o.genesis, &b->header, node_blob_view(p->bytes), NULL);
    b->told = true;
    if (b->header.height > p->written + WRITTEN_HEIGHTS)
        shell_write_payload(s, p);
    hold(s, b, p);
    shell_local_put(s, l);
}

static void tell_all(struct node_shell *s, struct shell_payload *p)
{
    struct shell_block *b;
    uint32_t at = 0;
    while ((b = node_table_next(&s->blocks, &at)) != NULL)
        if (b->proposed && !b->told && td_hash_eq(&b->header.payload_root, &p->root))
            tell(s, b, p);
}

/* Hashes of the entries, malloc'ed, and the root they give; NULL: no payload at all. */
static struct td_hash *hashes_of(struct node_shell *s, struct td_bytes bytes, uint32_t *count,
                                 struct td_hash *root)
{
    if (node_payload_decode(bytes, s->built_entries, count) != TD_OK || *count == 0)
        return NULL;
    struct td_hash *hashes = malloc(*count * sizeof *hashes);
    if (hashes == NULL)
        return NULL;
    for (uint32_t i = 0; i < *count; i++)
        td_keccak256(&hashes[i], s->built_entries[i].ptr, s->built_entries[i].len);
    bft_payload_root(root, s->built_hashes, hashes, *count);
    return hashes;
}

/* Owns `hashes` and counts `bytes` for itself. */
static void take_over(struct node_shell *s, struct shell_payload *p, struct node_blob *bytes,
                      struct td_hash *hashes, uint32_t count)
{
    parts_free(p);
    free(p->hashes);
    p->hashes = hashes;
    p->count = count;
    p->bytes = node_blob_ref(bytes);
    recount(s, p);
}

/* Owns `hashes`.  The steps it causes may make room: p must not be used afterwards. */
static void arrived(struct node_shell *s, struct shell_payload *p, struct node_blob *bytes,
                    struct td_hash *hashes, uint32_t count)
{
    take_over(s, p, bytes, hashes, count);
    shell_write_payload(s, p);
    tell_all(s, p);
    shell_local_run(s);
    shell_exec_next(s);
}

bool shell_payload_arrived(struct node_shell *s, struct shell_payload *p, struct node_blob *bytes)
{
    struct td_hash root;
    uint32_t count = 0;
    if (p->bytes != NULL)
        return true;
    struct td_hash *hashes = hashes_of(s, node_blob_view(bytes), &count, &root);
    if (hashes == NULL || !td_hash_eq(&root, &p->root)) {
        free(hashes);
        return false;
    }
    arrived(s, p, bytes, hashes, count);
    return true;
}

struct shell_payload *shell_payload_own(struct node_shell *s, const struct td_hash *root,
                                        struct node_blob *bytes, const struct td_hash *hashes,
                                        uint32_t count, uint64_t gas)
{
    struct shell_payload *p = shell_payload_of(s, root);
    if (p == NULL || p->bytes != NULL)
        return p;
    struct td_hash *own = malloc(count * sizeof *own);
    if (own == NULL)
        return NULL;
    memcpy(own, hashes, count * sizeof *own);
    take_over(s, p, bytes, own, count);
    p->gas = gas;
    return p;
}

/* ---- putting together */

/* True: it is whole, and p must not be used any more. */
static bool assemble(struct node_shell *s, struct shell_payload *p)
{
    for (uint32_t i = 0; i < p->count; i++)
        s->built_entries[i] = node_blob_view(p->parts[i]);
    struct node_blob *bytes = node_blob_new(node_payload_bytes(s->built_entries, p->count));
    if (bytes == NULL)
        return false;
    node_payload_encode(bytes->bytes, s->built_entries, p->count);
    bool whole = shell_payload_arrived(s, p, bytes);
    node_blob_drop(bytes);
    if (!whole) {
        parts_free(p);
        recount(s, p);
        p->whole = true;
    }
    return whole;
}

/* One part.  False: more than a payload can hold, so no payload: its parts are given up. */
static bool part_put(struct node_shell *s, struct shell_payload *p, uint32_t i, struct td_bytes raw)
{
    if (p->parts_bytes + raw.len + 4u > s->o.genesis->payload_bytes_max) {
        parts_free(p);
        p->whole = true;
        return false;
    }
    p->parts[i] = node_blob_copy(raw);
    if (p->parts[i] == NULL)
        return true;
    p->parts_bytes += raw.len + 4u;
    p->missing--;
    return true;
}

/* Are these the hashes the root is made of?  They may still be of anything, the same one again and
 * again. */
static bool take_hashes(struct node_shell *s, struct shell_payload *p, const struct bft_proposal *m)
{
    struct td_hash root;
    uint32_t count = m->header.tx_count;
    bft_payload_root(&root, s->built_hashes, m->tx_hashes, count);
    if (!td_hash_eq(&root, &p->root))
        return false;
    p->hashes = malloc(count * sizeof *p->hashes);
    p->parts = calloc(count, sizeof(struct node_blob *));
    if (p->hashes == NULL || p->parts == NULL) {
        free(p->hashes);
        free(p->parts);
        p->hashes = NULL;
        p->parts = NULL;
        return false;
    }
    memcpy(p->hashes, m->tx_hashes, count * sizeof *p->hashes);
    p->count = p->missing = count;
    p->gas = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct node_mempool_tx tx;
        if (!node_mempool_find(s->mempool, &p->hashes[i], &tx)) {
            p->gas = s->o.genesis->params.gas_limit;
            continue;
        }
        if (!part_put(s, p, i, tx.raw)) {
            p->gas = s->o.genesis->params.gas_limit;
            return true;
        }
        p->gas += tx.gas_limit < s->o.genesis->params.gas_limit - p->gas
                      ? tx.gas_limit
                      : s->o.genesis->params.gas_limit - p->gas;
    }
    return true;
}

/* ---- asking */

uint32_t shell_peer_pick(const struct node_shell *s, uint64_t turn)
{
    uint32_t count = 0, at = 0;
    for (uint32_t i = 0; i < BFT_PEERS_MAX; i++)
        count += s->peers[i].up ? 1u : 0u;
    if (count == 0)
        return BFT_NO_PEER;
    for (uint64_t left = turn % count;; at++)
        if (s->peers[at].up && left-- == 0)
            return at;
}

static uint32_t next_peer(const struct node_shell *s, const struct shell_payload *p)
{
    if (p->tries == 0 && p->source < BFT_PEERS_MAX && s->peers[p->source].up)
        return p->source;
    return shell_peer_pick(s, (uint64_t)p->source + p->tries);
}

/* Sooner than a slow link carries 2 MiB, but not from everybody at once: 250 ms, and from every
 * fourth try on twice as long, up to 2 s. */
static bool due(const struct node_shell *s, const struct shell_payload *p)
{
    int64_t wait = NODE_FETCH_RETRY_NS << (p->tries < 16 ? p->tries / 4u : 3u);
    return p->asked_ns == 0 || shell_mono(s) - p->asked_ns >= wait;
}

static void ask_hashes(struct node_shell *s, uint32_t peer, enum bft_object_kind kind,
                       const struct td_hash *hashes, uint32_t count)
{
    struct bft_msg m = {.kind = BFT_MSG_GET_BY_HASH};
    m.u.get_by_hash = (struct bft_get_by_hash){.kind = kind, .hash_count = count, .hashes = hashes};
    if (s->peers[peer].asked < NODE_ASKED_MAX)
        s->peers[peer].asked++;
    shell_send(s, peer, &m);
}

static void ask(struct node_shell *s, struct shell_payload *p)
{
    uint32_t peer = next_peer(s, p);
    p->asked_ns = shell_mono(s);
    if (peer == BFT_NO_PEER)
        return;
    p->tries++;
    if (p->whole || p->parts == NULL || p->missing > PARTS_MAX || p->tries > 2) {
        ask_hashes(s, peer, BFT_OBJECT_PAYLOAD, &p->root, 1);
        return;
    }
    struct td_hash wanted[BFT_BY_HASH_MAX];
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->count; i++) {
        if (p->parts[i] != NULL)
            continue;
        wanted[n++] = p->hashes[i];
        if (n == BFT_BY_HASH_MAX) {
            ask_hashes(s, peer, BFT_OBJECT_TX, wanted, n);
            n = 0;
        }
    }
    if (n > 0)
        ask_hashes(s, peer, BFT_OBJECT_TX, wanted, n);
}

static void arm(struct node_shell *s)
{
    const struct timeval tv = {.tv_usec = NODE_FETCH_RETRY_NS / 1000};
    if (!event_pending(s->fetch_timer, EV_TIMEOUT, NULL))
        event_add(s->fetch_timer, &tv);
}

void shell_proposal_seen(struct node_shell *s, uint32_t peer, const struct bft_proposal *m)
{
    if (m->header.height > s->final + NODE_HEIGHTS_AHEAD)
        return;
    struct shell_block *b = shell_block_add(s, &m->hash, &m->header);
    if (b == NULL || m->header.tx_count == 0 || b->told)
        return;
    b->proposed = true;
    struct shell_payload *p = shell_payload_of(s, &m->header.payload_root);
    if (p == NULL)
        return;
    if (m->header.height > p->height)
        p->height = m->header.height;
    if (p->bytes != NULL) {
        tell(s, b, p);
        shell_local_run(s);
        return;
    }
    if (p->parts == NULL) {
        p->source = peer;
        if (p->hashes == NULL && !take_hashes(s, p, m))
            p->whole = true;
        recount(s, p);
    }
    if (p->parts != NULL && p->missing == 0 && assemble(s, p))
        return;
    ask(s, p);
    arm(s);
}

/* True: it was there, and p must not be used any more. */
static bool from_disk(struct node_shell *s, struct shell_payload *p)
{
    void *memory = malloc(TD_PAYLOAD_BYTES_MAX + 64u);
    struct td_arena arena;
    struct td_bytes stored;
    bool found = false;
    if (memory == NULL)
        return false;
    td_arena_init(&arena, memory, TD_PAYLOAD_BYTES_MAX + 64u);
    if (store_chain_payload(s->reader, &p->root, &arena, &stored) == TD_OK) {
        struct node_blob *bytes = node_blob_copy(stored);
        found = bytes != NULL && shell_payload_arrived(s, p, bytes);
        node_blob_drop(bytes);
    }
    free(memory);
    return found;
}

void shell_payload_want(struct node_shell *s, const struct shell_block *b, uint32_t source)
{
    struct shell_payload *p = shell_payload_of(s, &b->header.payload_root);
    if (p == NULL || p->bytes != NULL)
        return;
    p->height = b->header.height;
    arm(s);
    if (!due(s, p) || from_disk(s, p))
        return;
    if (p->source == BFT_NO_PEER)
        p->source = source;
    p->whole = true;
    ask(s, p);
}

/* ---- answers */

/* One transaction; true when it completed a payload (then the table changed). */
static bool part_arrived(struct node_shell *s, struct shell_payload *p, const struct td_hash *hash,
                         struct td_bytes raw)
{
    if (p->bytes != NULL || p->parts == NULL || p->missing == 0)
        return false;
    for (uint32_t i = 0; i < p->count; i++) {
        if (p->parts[i] != NULL || !td_hash_eq(&p->hashes[i], hash))
            continue;
        bool fits = part_put(s, p, i, raw);
        recount(s, p);
        if (!fits)
            return false;
        break;
    }
    return p->missing == 0 && assemble(s, p);
}

void shell_tx_arrived(struct node_shell *s, const struct td_hash *hash, struct td_bytes raw)
{
    struct shell_payload *p;
    uint32_t at = 0;
    while ((p = node_table_next(&s->payloads, &at)) != NULL)
        if (part_arrived(s, p, hash, raw))
            return;
}

static void payload_object(struct node_shell *s, struct td_bytes object)
{
    struct td_hash root;
    uint32_t count = 0;
    struct td_hash *hashes = hashes_of(s, object, &count, &root);
    struct shell_payload *p = hashes == NULL ? NULL : node_table_find(&s->payloads, &root);
    struct node_blob *bytes = p == NULL || p->bytes != NULL ? NULL : node_blob_copy(object);
    if (bytes != NULL)
        arrived(s, p, bytes, hashes, count);
    else
        free(hashes); /* nobody asked, or it came some other way */
    node_blob_drop(bytes);
}

/* Hashing megabytes is work: only as many answers are looked at as questions went out.  What comes
 * late was asked for all the same. */
void shell_objects_arrived(struct node_shell *s, uint32_t peer, const struct bft_by_hash *m)
{
    if (s->peers[peer].asked == 0) {
        p2p_penalize(s->net, peer, 10, "an answer that nobody asked for");
        return;
    }
    s->peers[peer].asked--;
    for (uint32_t i = 0; i < m->object_count; i++) {
        struct td_hash hash;
        if (m->kind != BFT_OBJECT_TX) {
            payload_object(s, m->objects[i]);
            continue;
        }
        td_keccak256(&hash, m->objects[i].ptr, m->objects[i].len);
        shell_tx_arrived(s, &hash, m->objects[i]);
    }
}

static bool wanted(const struct node_shell *s, const struct shell_payload *p)
{
    const struct shell_block *b;
    uint32_t at = 0;
    if (p->bytes != NULL)
        return false;
    while ((b = node_table_next(&s->blocks, &at)) != NULL)
        if (td_hash_eq(&b->header.payload_root, &p->root) && b->header.height > s->executed &&
            (b->final || (b->proposed && b->header.height > s->final)))
            return true;
    return false;
}

void shell_fetch_tick(evutil_socket_t fd, short what, void *arg)
{
    struct node_shell *s = arg;
    struct shell_payload *p;
    uint32_t at = 0;
    bool any = false;
    (void)fd;
    (void)what;
    while ((p = node_table_next(&s->payloads, &at)) != NULL) {
        if (!wanted(s, p))
            continue;
        any = true;
        if (due(s, p))
            ask(s, p);
    }
    if (any)
        arm(s);
}

/* ---- end of life */

void shell_payloads_drop(struct node_shell *s)
{
    uint64_t below = s->executed > KEEP_HEIGHTS ? s->executed - KEEP_HEIGHTS : 0;
    bool again = true;
    while (again) {
        again = false;
        uint32_t at = 0;
        for (struct shell_payload *p; (p = node_table_next(&s->payloads, &at)) != NULL;)
            if (p->height < below) {
                payload_forget(s, p);
                again = true;
                break;
            }
        at = 0;
        for (struct shell_block *b; !again && (b = node_table_next(&s->blocks, &at)) != NULL;)
            if (b->header.height < below) {
                block_forget(s, b);
                again = true;
            }
    }
}

void shell_payloads_free(struct node_shell *s)
{
    uint32_t at = 0;
    for (struct shell_payload *p; (p = node_table_next(&s->payloads, &at)) != NULL; at = 0)
        payload_forget(s, p);
    at = 0;
    for (struct shell_block *b; (b = node_table_next(&s->blocks, &at)) != NULL; at = 0)
        block_forget(s, b);
    node_table_free(&s->payloads);
    node_table_free(&s->blocks);
}
