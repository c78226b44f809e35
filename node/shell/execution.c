/* Final blocks, one after the other, through the exec thread. */
#include <stdlib.h>

#include "executor/block/costs.h"
#include "node/shell/shell_internal.h"

struct exec_job {
    struct node_job job; /* first */
    struct node_shell *s;
    struct td_hash hash;
    struct bft_header header;
    struct node_blob *payload;
    struct node_executed *out;
    enum td_error err;
};

void shell_exec_run(void *ctx, struct node_job *jobs)
{
    struct node_shell *s = ctx;
    for (struct node_job *j = jobs; j != NULL; j = j->next) {
        struct exec_job *e = (struct exec_job *)j;
        e->err = node_chain_execute(s->chain, &e->header, node_blob_view(e->payload), e->out);
    }
}

static void exec_drop(struct node_job *job)
{
    struct exec_job *e = (struct exec_job *)job;
    node_blob_drop(e->payload);
    if (e->out != NULL) {
        if (e->err == TD_OK)
            node_executed_free(e->out);
        free(e->out);
    }
    free(e);
}

/* How many native units a unit of gas came to, smoothed over eight blocks. */
static void learn_cost(struct node_shell *s, const struct node_executed *x)
{
    const uint64_t most = (UINT64_C(1) << 20) - 1u;
    if (x->gas_used == 0)
        return;
    /* What building.c counts apart: looking at each entry, and the block itself. */
    uint64_t apart =
        (uint64_t)EXEC_NATIVE_BLOCK + EXEC_NATIVE_SHARED +
        ((uint64_t)x->tx_count + x->skipped) * (EXEC_NATIVE_TX + 110u * EXEC_NATIVE_TX_BYTE);
    uint64_t native = x->native_used > apart ? x->native_used - apart : 0;
    uint64_t now = native * 1000u / x->gas_used; /* native <= 2^27 */
    if (now > most)
        now = most;
    s->native_per_gas_milli = (7u * s->native_per_gas_milli + now) / 8u;
}

static void remember(struct node_shell *s, const struct exec_job *e)
{
    struct node_shell_status *t = &s->stats;
    memmove(t->recent + 1, t->recent, (NODE_SHELL_RECENT - 1u) * sizeof t->recent[0]);
    t->recent_count += t->recent_count < NODE_SHELL_RECENT ? 1u : 0u;
    const struct bft_set *set = bft_sets_find(&s->verify_ctx.sets, e->header.epoch);
    t->recent[0] = (struct node_shell_block){.height = e->header.height,
                                             .round = e->header.round,
                                             .ts_ms = e->header.ts_ms,
                                             .gas_used = e->out->gas_used,
                                             .hash = e->hash,
                                             .txs = e->out->tx_count};
    if (set != NULL && e->header.proposer < set->count)
        t->recent[0].proposer = set->v[e->header.proposer].addr;
    node_histogram_observe(&t->exec_seconds, e->out->took_ns);
}

static void executed(struct node_shell *s, const struct exec_job *e)
{
    struct node_executed *x = e->out;
    s->executed = x->height;
    s->stats.exec_blocks++;
    s->stats.exec_ns += x->took_ns;
    s->stats.gas_used += x->gas_used;
    s->stats.txs_executed += x->tx_count;
    s->stats.txs_skipped += x->skipped;
    learn_cost(s, x);
    remember(s, e);
    node_mempool_settle(s->mempool, &e->hash, x->hashes, x->hash_count, x->senders, x->sender_count,
                        (uint64_t)shell_mono(s));
    struct shell_block *b = node_table_find(&s->blocks, &e->hash);
    if (b != NULL)
        b->held = false; /* settled */
    struct bft_event ev = {.kind = BFT_EV_EXECUTED, .peer = BFT_NO_PEER, .u.executed = &x->core};
    shell_write_changes(s, x); /* owns x; freed by the writer, later than this event */
    if (!s->halted)
        shell_step(s, &ev);
    shell_payloads_drop(s);
}

static void cannot_execute(struct node_shell *s, enum td_error err)
{
    if (err == TD_E_NOMEM)
        shell_no_memory(s);
    else if (err == TD_E_LIMIT)
        shell_stop(s, NODE_EXIT_CONFIG, NODE_T_STATE_FULL, "the state exceeds what this node holds",
                   "a version with more room for it is needed");
    else
        shell_stop(s, NODE_EXIT_DIVERGENCE, NODE_T_EXECUTE, "a final block cannot be executed here",
                   "keep the data folder and report it (`tandem db check` first)");
}

static void exec_done(struct node_job *job)
{
    struct exec_job *e = (struct exec_job *)job;
    struct node_shell *s = e->s;
    s->executing = false;
    if (e->err != TD_OK) {
        TD_LOG(s->o.log, TD_LOG_INFO, "exec", "block failed", TD_LOG_U64("h", e->header.height),
               TD_LOG_STR("why", node_chain_why(s->chain)));
        cannot_execute(s, e->err);
    } else {
        executed(s, e);
        e->out = NULL;
        shell_exec_next(s);
    }
    exec_drop(job);
}

/* A final block's header from the database: after a restart, or where more are final than are kept
 * in memory.  NULL: the writer has not got to it yet, and tells (persist.c); or the end. */
static struct shell_block *block_stored(struct node_shell *s, uint64_t height)
{
    const size_t room = (size_t)1u << 20; /* a header and records, a few KiB */
    void *memory = malloc(room);
    struct td_arena arena;
    struct node_block stored;
    if (memory == NULL)
        return NULL;
    td_arena_init(&arena, memory, room);
    enum td_error err =
        node_block_load(s->o.genesis, s->reader, height, false, false, &arena, &stored);
    free(memory);
    if (err == TD_E_NOTFOUND)
        return NULL;
    struct shell_block *b = err == TD_OK ? shell_block_add(s, &stored.hash, &stored.header) : NULL;
    if (b == NULL) {
        shell_stop(s, err == TD_OK ? NODE_EXIT_INTERNAL : NODE_EXIT_CORRUPT, NODE_T_HEADER_GONE,
                   "a final block cannot be read back",
                   "`tandem db check`; restore a backup or let the node sync again");
        return NULL;
    }
    b->final = true;
    b->state = stored.state;
    s->final_hash[height % NODE_BLOCKS_MAX] = b->hash;
    return b;
}

static struct shell_block *block_next(struct node_shell *s, uint64_t height)
{
    struct shell_block *b = node_table_find(&s->blocks, &s->final_hash[height % NODE_BLOCKS_MAX]);
    return b != NULL && b->header.height == height ? b : block_stored(s, height);
}

void shell_exec_next(struct node_shell *s)
{
    if (s->executing || s->chain == NULL || s->executed >= s->final || s->exit_code != 0 ||
        s->changes_waiting >= NODE_CHANGES_MAX)
        return;
    struct shell_block *b = block_next(s, s->executed + 1u);
    if (b == NULL)
        return;
    struct shell_payload *p = NULL;
    if (b->header.tx_count > 0) {
        p = node_table_find(&s->payloads, &b->header.payload_root);
        if (p == NULL || p->bytes == NULL) {
            s->executing = true; /* what arrives at once must not come back here */
            shell_payload_want(s, b, BFT_NO_PEER);
            s->executing = false;
            p = node_table_find(&s->payloads, &b->header.payload_root);
        }
        if (p == NULL || p->bytes == NULL)
            return; /* comes back when it arrives */
    }
    struct exec_job *e = calloc(1, sizeof *e);
    struct node_executed *out = calloc(1, sizeof *out);
    if (e == NULL || out == NULL) {
        free(e);
        free(out);
        shell_no_memory(s);
        return;
    }
    e->job.done = exec_done;
    e->job.drop = exec_drop;
    e->err = TD_E_IO; /* until it ran there is no result to free */
    e->s = s;
    e->hash = b->hash;
    e->header = b->header;
    e->payload = p == NULL ? NULL : node_blob_ref(p->bytes);
    e->out = out;
    s->executing = true;
    node_thread_put(s->exec, &e->job);
}

void shell_final(struct node_shell *s, const struct bft_effect *fx)
{
    const struct bft_header *h = fx->u.block.header;
    /* Execution so far behind reads its blocks back. */
    struct shell_block far = {.hash = fx->u.block.hash, .header = *h}, *b = &far;
    if (h->height < s->executed + NODE_BLOCKS_MAX / 2u) {
        b = shell_block_add(s, &fx->u.block.hash, h);
        if (b == NULL) {
            shell_no_memory(s);
            return;
        }
        s->final_hash[h->height % NODE_BLOCKS_MAX] = b->hash;
    }
    b->final = true;
    b->state = fx->u.block.state;
    s->final = h->height;
    s->head_ts_ms = h->ts_ms;
    shell_write_block(s, b);
    uint64_t wall = td_clock_wall_ms(&s->o.clock);
    if (wall >= h->ts_ms && !s->view.syncing)
        node_histogram_observe(&s->stats.commit_latency, (wall - h->ts_ms) * 1000000u);
    TD_LOG(s->o.log, TD_LOG_INFO, "consensus", "block final", TD_LOG_U64("h", h->height),
           TD_LOG_U64("round", h->round), TD_LOG_U64("txs", h->tx_count),
           TD_LOG_HASH("hash", &fx->u.block.hash),
           TD_LOG_I64("ms", (int64_t)wall - (int64_t)h->ts_ms));
}
