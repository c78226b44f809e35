/* What waits for a block: counted on the loop, copied there within bounds, printed by a worker. */
#include <stdio.h>
#include <string.h>

#include "base/core/hex.h"
#include "node/rpc/format.h"
#include "node/rpc/params.h"

/* Of one answer: as many as go-ethereum's pool has slots for, and bytes that still print below
 * NODE_RPC_ANSWER_BYTES_MAX. */
#define SNAPSHOT_TXS_MAX 5120u
#define SNAPSHOT_BYTES_MAX (6u << 20)

static void status(struct node_rpc_call *c)
{
    struct node_mempool_stats s;
    if (!node_rpc_params(c, 0, 0))
        return;
    node_mempool_stats(c->rpc->backend.mempool(c->rpc->backend.self), &s);
    node_text_open(&c->out, '{');
    node_text_key(&c->out, "pending");
    node_text_quantity(&c->out, s.txs - s.queued);
    node_text_key(&c->out, "queued");
    node_text_quantity(&c->out, s.queued);
    node_text_close(&c->out, '}');
    node_rpc_answer(c);
}

/* ---- a copy of the pool, or of one sender's part */

struct entry {
    struct td_addr sender;
    uint64_t nonce;
    bool pending;
    size_t from, len; /* of bytes */
};

struct snapshot {
    struct td_addr only;
    bool has_only;
    uint32_t count, cap;
    size_t used, bytes_cap;
    struct entry *entries; /* in this memory, as are bytes */
    uint8_t *bytes;
};

static bool is_wanted(const struct snapshot *s, const struct node_mempool_tx *tx)
{
    return !s->has_only || td_addr_eq(&s->only, &tx->sender);
}

static bool count_one(void *ctx, const struct node_mempool_tx *tx)
{
    struct snapshot *s = ctx;
    if (!is_wanted(s, tx))
        return true;
    s->cap++;
    s->bytes_cap += tx->raw.len;
    return s->cap < SNAPSHOT_TXS_MAX && s->bytes_cap < SNAPSHOT_BYTES_MAX;
}

static bool copy_one(void *ctx, const struct node_mempool_tx *tx)
{
    struct snapshot *s = ctx;
    if (!is_wanted(s, tx))
        return true;
    if (s->count == s->cap)
        return false;
    s->entries[s->count++] = (struct entry){.sender = tx->sender,
                                            .nonce = tx->nonce,
                                            .pending = tx->executable || tx->held,
                                            .from = s->used,
                                            .len = tx->raw.len};
    memcpy(s->bytes + s->used, tx->raw.ptr, tx->raw.len);
    s->used += tx->raw.len;
    return true;
}

static void take(struct node_rpc_call *c)
{
    const struct node_mempool *m = c->rpc->backend.mempool(c->rpc->backend.self);
    struct snapshot s = {.has_only = c->keep != NULL};
    if (s.has_only)
        s.only = *(const struct td_addr *)c->keep;
    node_mempool_each(m, count_one, &s);
    struct snapshot *k = node_rpc_keep(c, sizeof s + s.cap * sizeof *s.entries + s.bytes_cap);
    if (k == NULL)
        return;
    s.entries = (struct entry *)(void *)(k + 1);
    s.bytes = (uint8_t *)(s.entries + s.cap);
    *k = s;
    node_mempool_each(m, copy_one, k);
}

static void everything(struct node_rpc_call *c)
{
    (void)node_rpc_params(c, 0, 0);
}

static void one_sender(struct node_rpc_call *c)
{
    struct td_addr addr;
    if (!node_rpc_params(c, 1, 1) || !node_rpc_param_addr(c, 0, &addr))
        return;
    struct td_addr *k = node_rpc_keep(c, sizeof *k);
    if (k != NULL)
        *k = addr;
}

/* ---- printing */

typedef void put_fn(struct node_text *t, const struct exec_tx *tx);

static void put_whole(struct node_text *t, const struct exec_tx *tx)
{
    node_rpc_put_tx(t, tx, NULL, NULL);
}

static void put_wei(struct node_text *t, const struct exec_u256 *v)
{
    char text[TD_WEI_TEXT_BYTES];
    struct td_wei wei;
    memcpy(wei.limb, v->w, sizeof wei.limb);
    td_wei_print(text, &wei);
    node_text_raw(t, text);
}

/* "0x..: 1 wei + 21000 gas × 7 wei", as go-ethereum's. */
static void put_line(struct node_text *t, const struct exec_tx *tx)
{
    char addr[TD_ADDR_TEXT_BYTES];
    td_addr_print(addr, &tx->to);
    node_text_open(t, '"');
    node_text_raw(t, tx->is_create ? "contract creation" : addr);
    node_text_raw(t, ": ");
    put_wei(t, &tx->value);
    node_text_raw(t, " wei + ");
    node_text_decimal(t, tx->gas_limit);
    node_text_raw(t, " gas \xc3\x97 ");
    put_wei(t, &tx->fee_cap);
    node_text_raw(t, " wei");
    node_text_close(t, '"');
}

static void put_entry(struct node_rpc_call *c, const struct snapshot *s, const struct entry *e,
                      put_fn *put)
{
    struct td_arena *arena = &c->worker->arena;
    struct td_arena_mark mark = td_arena_mark(arena);
    struct exec_tx tx;
    char nonce[24];
    int len = snprintf(nonce, sizeof nonce, "%llu", (unsigned long long)e->nonce);
    node_text_item(&c->out);
    node_text_string(&c->out, nonce, (size_t)len);
    node_text_raw(&c->out, ":");
    if (exec_tx_decode(&tx, arena, td_bytes_of(s->bytes + e->from, e->len),
                       c->rpc->backend.genesis->chain_id) == EXEC_TX_OK) {
        tx.sender = e->sender;
        put(&c->out, &tx);
    } else {
        node_text_null(&c->out);
    }
    td_arena_rewind(arena, mark);
}

/* Entries of one kind by nonce. */
static void put_kind(struct node_rpc_call *c, const struct snapshot *s, bool pending, put_fn *put)
{
    const struct entry *last = NULL;
    char addr[TD_ADDR_TEXT_BYTES];
    node_text_key(&c->out, pending ? "pending" : "queued");
    node_text_open(&c->out, '{');
    for (uint32_t i = 0; i < s->count && !c->out.failed; i++) {
        const struct entry *e = &s->entries[i];
        if (e->pending != pending)
            continue;
        if (!s->has_only && (last == NULL || !td_addr_eq(&last->sender, &e->sender))) {
            if (last != NULL)
                node_text_close(&c->out, '}');
            td_addr_print(addr, &e->sender);
            node_text_key(&c->out, addr);
            node_text_open(&c->out, '{');
        }
        put_entry(c, s, e, put);
        last = e;
    }
    if (last != NULL && !s->has_only)
        node_text_close(&c->out, '}');
    node_text_close(&c->out, '}');
}

static void print(struct node_rpc_call *c, put_fn *put)
{
    const struct snapshot *s = c->keep;
    node_text_open(&c->out, '{');
    put_kind(c, s, true, put);
    put_kind(c, s, false, put);
    node_text_close(&c->out, '}');
    node_rpc_answer(c);
}

static void content(struct node_rpc_call *c)
{
    print(c, put_whole);
}

static void inspect(struct node_rpc_call *c)
{
    print(c, put_line);
}

const struct node_rpc_method NODE_RPC_TXPOOL[] = {
    {.name = "txpool_status", .loop = status},
    {.name = "txpool_content", .prepare = everything, .loop = take, .finish = content},
    {.name = "txpool_contentFrom", .prepare = one_sender, .loop = take, .finish = content},
    {.name = "txpool_inspect", .prepare = everything, .loop = take, .finish = inspect},
    {.name = NULL},
};
