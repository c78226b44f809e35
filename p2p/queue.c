#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"
#include "p2p/net_internal.h"

/* Consensus: 256 validators' votes, commit votes, timeouts and attestations, once over; eight of
 * the largest proposals.  Blocks: answers to TD_SYNC_OUTSTANDING_MAX questions, at the largest, and
 * many small ones.  Transactions: two full payloads, small transfers counted. */
const struct p2p_queue_limits p2p_queue_limits[P2P_CLASSES] = {
    [P2P_CONSENSUS] = {1024, 8u << 20},
    [P2P_BLOCKS] = {256, TD_SYNC_OUTSTANDING_MAX *TD_FRAME_BYTES_MAX},
    [P2P_TX] = {8192, 4u << 20},
};

struct p2p_body *p2p_body_new(struct td_bytes bytes)
{
    TD_ASSERT(bytes.len > 0 && bytes.len <= TD_FRAME_BYTES_MAX);
    struct p2p_body *body = malloc(sizeof *body + bytes.len);
    if (body == NULL)
        return NULL;
    body->refs = 1;
    body->len = bytes.len;
    memcpy(body->bytes, bytes.ptr, bytes.len);
    return body;
}

void p2p_body_drop(struct p2p_body *body)
{
    if (body != NULL && --body->refs == 0)
        free(body);
}

static struct p2p_slot *slot_at(const struct p2p_queue *q, uint32_t i)
{
    return &q->slots[(q->head + i) & (q->cap - 1u)];
}

struct p2p_body *p2p_queue_pop(struct p2p_queue *q)
{
    if (q->count == 0)
        return NULL;
    struct p2p_body *body = slot_at(q, 0)->body;
    q->head = (q->head + 1u) & (q->cap - 1u);
    q->count--;
    q->bytes -= body->len;
    return body;
}

static bool grow(struct p2p_queue *q)
{
    uint32_t cap = q->cap == 0 ? 16u : 2u * q->cap;
    struct p2p_slot *slots = calloc(cap, sizeof *slots);
    if (slots == NULL)
        return false;
    for (uint32_t i = 0; i < q->count; i++)
        slots[i] = *slot_at(q, i);
    free(q->slots);
    q->slots = slots;
    q->cap = cap;
    q->head = 0;
    return true;
}

static uint32_t trim(struct p2p_queue *q, const struct p2p_queue_limits *limits)
{
    uint32_t lost = 0;
    while (q->count > limits->frames || q->bytes > limits->bytes) {
        p2p_body_drop(p2p_queue_pop(q));
        lost++;
    }
    return lost;
}

uint32_t p2p_queue_push(struct p2p_queue *q, const struct p2p_queue_limits *limits, uint64_t key,
                        struct p2p_body *body)
{
    /* The place is kept: what waited longest still goes first, with newer content. */
    for (uint32_t i = 0; key != 0 && i < q->count; i++) {
        struct p2p_slot *slot = slot_at(q, i);
        if (slot->key != key)
            continue;
        body->refs++;
        q->bytes += body->len;
        q->bytes -= slot->body->len;
        p2p_body_drop(slot->body);
        slot->body = body;
        return trim(q, limits);
    }
    if (q->count == q->cap && !grow(q))
        return 1;
    body->refs++;
    q->count++;
    *slot_at(q, q->count - 1u) = (struct p2p_slot){body, key};
    q->bytes += body->len;
    return trim(q, limits);
}

void p2p_queue_reset(struct p2p_queue *q)
{
    for (struct p2p_body *body; (body = p2p_queue_pop(q)) != NULL;)
        p2p_body_drop(body);
    free(q->slots);
    memset(q, 0, sizeof *q);
}
