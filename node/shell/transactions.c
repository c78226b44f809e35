/* Transactions from peers: recovered on a thread, judged by the pool, passed on when new. */
#include <stdlib.h>

#include "base/core/assert.h"
#include "executor/call.h"
#include "node/shell/shell_internal.h"

struct tx_job {
    struct node_job job; /* first */
    struct node_shell *s;
    uint32_t peer;
    uint64_t serial;
    uint8_t *frame; /* kind byte, raw */
    size_t len;
    struct exec_tx tx;
    void *memory;
    bool good, hostile;
};

static struct td_bytes raw_of(const struct tx_job *t)
{
    return td_bytes_of(t->frame + 1, t->len - 1u);
}

/* ---- on the tx thread */

static void judge(struct node_shell *s, struct tx_job *t)
{
    const struct exec_chain *params = &s->o.genesis->params;
    struct td_bytes raw = raw_of(t);
    size_t room = EXEC_TX_ARENA_BYTES(raw.len);
    struct td_arena arena;
    t->memory = malloc(room);
    if (t->memory == NULL)
        return;
    td_arena_init(&arena, t->memory, room);
    t->hostile = true; /* an honest node passes on nothing that fails from here on */
    if (exec_tx_decode(&t->tx, &arena, raw, params->chain_id) != EXEC_TX_OK ||
        t->tx.gas_limit > params->gas_limit)
        return;
    struct exec_block_env env = {.chain_id = params->chain_id, .gas_limit = params->gas_limit};
    if (exec_tx_check(&t->tx, &env) != EXEC_TX_OK)
        return;
    const struct exec_recoverer by = node_chain_recoverer(s->chain); /* its block will ask again */
    if (exec_tx_recover_by(&t->tx, &by) != EXEC_TX_OK)
        return;
    t->hostile = false;
    t->good = true;
}

void shell_tx_run(void *ctx, struct node_job *jobs)
{
    for (struct node_job *j = jobs; j != NULL; j = j->next)
        judge(ctx, (struct tx_job *)j);
}

/* ---- on the loop */

static void gossip(struct node_shell *s, uint32_t except, struct td_bytes raw)
{
    uint8_t *frame = malloc(raw.len + 1u);
    if (frame == NULL)
        return;
    frame[0] = BFT_MSG_TX;
    memcpy(frame + 1, raw.ptr, raw.len);
    struct p2p_body *body = p2p_body_new(td_bytes_of(frame, raw.len + 1u));
    free(frame);
    if (body != NULL)
        p2p_broadcast(s->net, except, P2P_TX, 0, body);
    p2p_body_drop(body);
}

static enum node_mempool_verdict add(struct node_shell *s, uint32_t from, const struct exec_tx *tx,
                                     struct td_bytes raw)
{
    enum node_mempool_verdict v = node_mempool_add(s->mempool, tx, raw, (uint64_t)shell_mono(s));
    if (v != NODE_MEMPOOL_OK && v != NODE_MEMPOOL_QUEUED)
        return v;
    shell_tx_arrived(s, &tx->hash, raw);
    gossip(s, from, raw);
    if (s->o.on_pending != NULL)
        s->o.on_pending(s->o.ctx, &tx->hash);
    return v;
}

enum node_mempool_verdict node_shell_submit(struct node_shell *s, const struct exec_tx *tx,
                                            struct td_bytes raw)
{
    return add(s, P2P_NO_PEER, tx, raw);
}

static void tx_drop(struct node_job *job)
{
    struct tx_job *t = (struct tx_job *)job;
    free(t->frame);
    free(t->memory);
    free(t);
}

static void tx_done(struct node_job *job)
{
    struct tx_job *t = (struct tx_job *)job;
    struct node_shell *s = t->s;
    s->tx_waiting--;
    s->tx_bytes -= t->len;
    if (t->good)
        add(s, t->peer, &t->tx, raw_of(t));
    else if (t->hostile && s->peers[t->peer].up && s->peers[t->peer].serial == t->serial)
        p2p_penalize(s->net, t->peer, 10, "invalid transaction");
    tx_drop(job);
}

void shell_tx_frame(struct node_shell *s, uint32_t peer, uint8_t *frame, size_t len)
{
    struct td_hash hash;
    struct node_mempool_tx known;
    if (len < 2u || len > 1u + TD_TX_BYTES_MAX || s->tx_waiting >= NODE_TX_MAX ||
        s->tx_bytes + len > NODE_TX_BYTES) {
        free(frame);
        return;
    }
    td_keccak256(&hash, frame + 1, len - 1u);
    struct tx_job *t = NULL;
    if (!node_mempool_find(s->mempool, &hash, &known))
        t = calloc(1, sizeof *t);
    if (t == NULL) {
        free(frame);
        return;
    }
    t->job.done = tx_done;
    t->job.drop = tx_drop;
    t->s = s;
    t->peer = peer;
    t->serial = s->peers[peer].serial;
    t->frame = frame;
    t->len = len;
    s->tx_waiting++;
    s->tx_bytes += len;
    node_thread_put(s->tx, &t->job);
}
