/* What gas costs, from blocks that are there.
 *
 *     tip of a block     the median of what its transactions paid above the base fee, by gas used
 *     suggestion         the 60th percentile of the tips of the newest 20 blocks, at least 1 wei
 *     gas price          the next block's base fee and that tip */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/rpc/format.h"
#include "node/rpc/load.h"

#define HISTORY_BLOCKS_MAX 1024u
#define PERCENTILES_MAX 100u
#define TIP_BLOCKS 20u
#define TIP_PERCENTILE 60u

struct tip {
    struct exec_u256 wei;
    uint64_t gas;
};

static int by_wei(const void *a, const void *b)
{
    const struct tip *x = a, *y = b;
    return exec_u256_cmp(&x->wei, &y->wei);
}

/* Tips of a block's transactions in increasing order, in the worker's arena; deposits pay none and
 * are left out. */
static enum td_error read_tips(struct node_rpc_call *c, const struct node_block *block,
                               struct tip **out, uint32_t *count)
{
    struct td_arena *arena = &c->worker->arena;
    struct tip *tips = TD_ARENA_NEW(arena, struct tip, block->receipt_count);
    *count = 0;
    *out = tips;
    if (tips == NULL)
        return TD_E_NOSPACE;
    for (uint32_t i = 0; i < block->receipt_count; i++) {
        const struct node_receipt *r = &block->receipts[i];
        struct exec_u256 price;
        struct exec_tx tx;
        if (r->type == EXEC_TX_DEPOSIT)
            continue;
        struct td_arena_mark mark = td_arena_mark(arena);
        enum td_error err = node_rpc_block_tx(&tx, c->rpc->backend.genesis, block, r, arena);
        td_arena_rewind(arena, mark);
        if (err != TD_OK)
            return err;
        node_rpc_gas_price(&price, &tx, &block->base_fee);
        struct tip *t = &tips[(*count)++];
        if (exec_u256_sub(&t->wei, &price, &block->base_fee))
            t->wei = exec_u256_of(0);
        t->gas = r->gas_used;
    }
    qsort(tips, *count, sizeof *tips, by_wei);
    return TD_OK;
}

/* The tip below which `percent` of the gas paid. */
static struct exec_u256 percentile(const struct tip *tips, uint32_t count, double percent)
{
    uint64_t all = 0, seen = 0;
    for (uint32_t i = 0; i < count; i++)
        all += tips[i].gas;
    for (uint32_t i = 0; i < count; i++) {
        seen += tips[i].gas;
        if ((double)seen >= (double)all * percent / 100.0)
            return tips[i].wei;
    }
    return count == 0 ? exec_u256_of(0) : tips[count - 1u].wei;
}

/* ---- suggestions */

static struct exec_u256 suggest_tip(struct node_rpc_call *c)
{
    uint64_t latest = c->rpc->backend.heads(c->rpc->backend.self).latest;
    struct tip medians[TIP_BLOCKS];
    uint32_t found = 0;
    for (uint32_t i = 0; i < TIP_BLOCKS && latest > i && !c->done; i++) {
        struct td_arena_mark mark = td_arena_mark(&c->worker->arena);
        struct node_block block;
        struct tip *tips;
        uint32_t count;
        if (node_rpc_load(c, latest - i, true, true, &block) != TD_OK)
            break;
        node_rpc_fail_error(c, read_tips(c, &block, &tips, &count), "transactions");
        if (!c->done && count > 0)
            medians[found++] = (struct tip){.wei = percentile(tips, count, 50.0), .gas = 1};
        td_arena_rewind(&c->worker->arena, mark);
    }
    qsort(medians, found, sizeof medians[0], by_wei);
    struct exec_u256 tip = percentile(medians, found, TIP_PERCENTILE);
    return exec_u256_is_zero(&tip) ? exec_u256_of(1) : tip;
}

static struct exec_u256 next_base_fee(struct node_rpc_call *c)
{
    struct node_chain *chain = c->rpc->backend.chain;
    node_chain_lock(chain);
    struct exec_u256 fee = node_chain_cursor(chain)->base_fee;
    node_chain_unlock(chain);
    return fee;
}

/* The next block's, and not below the newest one's: what a price is asked for is simulated on that
 * one (eth_estimateGas), whose base fee is the higher where it falls. */
static struct exec_u256 base_fee_to_pay(struct node_rpc_call *c)
{
    struct exec_u256 fee = next_base_fee(c);
    struct node_block latest;
    uint64_t height = c->rpc->backend.heads(c->rpc->backend.self).latest;
    if (node_rpc_load(c, height, false, false, &latest) == TD_OK &&
        exec_u256_cmp(&latest.base_fee, &fee) > 0)
        fee = latest.base_fee;
    return fee;
}

static void max_priority_fee(struct node_rpc_call *c)
{
    if (!node_rpc_params(c, 0, 0))
        return;
    struct exec_u256 tip = suggest_tip(c);
    node_rpc_answer_u256(c, &tip);
}

static void gas_price(struct node_rpc_call *c)
{
    if (!node_rpc_params(c, 0, 0))
        return;
    struct exec_u256 price = suggest_tip(c), base_fee = base_fee_to_pay(c);
    if (exec_u256_add(&price, &price, &base_fee))
        price = base_fee;
    node_rpc_answer_u256(c, &price);
}

static void blob_base_fee(struct node_rpc_call *c)
{
    if (node_rpc_params(c, 0, 0))
        node_rpc_answer_quantity(c, 1); /* what BLOBBASEFEE says on a chain without blobs */
}

/* ---- eth_feeHistory */

struct history {
    uint64_t count, oldest, newest;
    uint32_t percent_count;
    double percents[PERCENTILES_MAX];
    struct node_text fees, ratios, rewards;
};

/* A quantity, or a number as some clients send it. */
static bool read_count(struct node_rpc_call *c, uint64_t *out)
{
    const json_t *v = node_rpc_param(c, 0);
    *out = 0;
    if (!json_is_number(v))
        return node_rpc_param_u64(c, 0, out);
    double n = json_number_value(v);
    if (n >= 0 && n <= 1e6)
        *out = (uint64_t)n;
    if (n != (double)*out)
        node_rpc_bad(c, (struct node_rpc_place){.argument = 0}, "want a whole number of blocks");
    return !c->done;
}

static bool read_percents(struct node_rpc_call *c, struct history *h)
{
    const struct node_rpc_place at = {.argument = 2};
    const json_t *list = node_rpc_param(c, 2);
    if (list == NULL)
        return true;
    if (!json_is_array(list) || json_array_size(list) > PERCENTILES_MAX) {
        node_rpc_bad(c, at, "want an array of at most 100 percentiles");
        return false;
    }
    h->percent_count = (uint32_t)json_array_size(list);
    for (uint32_t i = 0; i < h->percent_count; i++) {
        const json_t *v = json_array_get(list, i);
        double p = json_is_number(v) ? json_number_value(v) : -1;
        if (!(p >= 0 && p <= 100) || (i > 0 && p <= h->percents[i - 1u])) {
            node_rpc_fail(c, NODE_RPC_SERVER,
                          "invalid reward percentile: want 0 to 100, each above the one before");
            return false;
        }
        h->percents[i] = p;
    }
    return true;
}

static bool read_history(struct node_rpc_call *c, struct history *h)
{
    struct node_rpc_block_ref ref;
    if (!node_rpc_params(c, 2, 3) || !read_count(c, &h->count) ||
        !node_rpc_param_block(c, 1, &ref) || !read_percents(c, h))
        return false;
    h->newest = ref.number;
    if (ref.number > c->rpc->backend.heads(c->rpc->backend.self).latest) {
        node_rpc_fail(c, NODE_RPC_SERVER, "request beyond head block: requested %llu",
                      (unsigned long long)ref.number);
        return false;
    }
    if (h->count > HISTORY_BLOCKS_MAX)
        h->count = HISTORY_BLOCKS_MAX;
    if (h->count > h->newest + 1u)
        h->count = h->newest + 1u;
    h->oldest = h->newest + 1u - h->count;
    return true;
}

static void put_rewards(struct node_rpc_call *c, struct history *h, const struct node_block *block)
{
    struct tip *tips;
    uint32_t count;
    node_rpc_fail_error(c, read_tips(c, block, &tips, &count), "transactions");
    if (c->done)
        return;
    node_text_item(&h->rewards);
    node_text_open(&h->rewards, '[');
    for (uint32_t i = 0; i < h->percent_count; i++) {
        struct exec_u256 wei = percentile(tips, count, h->percents[i]);
        node_text_item(&h->rewards);
        node_text_u256(&h->rewards, &wei);
    }
    node_text_close(&h->rewards, ']');
}

static void put_ratio(struct node_text *t, uint64_t used, uint64_t limit)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%.9g", (double)used / (double)limit);
    node_text_item(t);
    node_text_put(t, text, (size_t)len);
}

static void put_blocks(struct node_rpc_call *c, struct history *h)
{
    const struct node_genesis *g = c->rpc->backend.genesis;
    struct exec_u256 next = next_base_fee(c);
    bool rewards = h->percent_count > 0;
    for (uint64_t n = h->oldest; n < h->oldest + h->count && !c->done; n++) {
        struct td_arena_mark mark = td_arena_mark(&c->worker->arena);
        struct node_block block;
        if (node_rpc_load(c, n, rewards, rewards, &block) != TD_OK) {
            node_rpc_fail(c, NODE_RPC_SERVER, "header not found");
            return;
        }
        node_text_item(&h->fees);
        node_text_u256(&h->fees, &block.base_fee);
        put_ratio(&h->ratios, block.gas_used, g->params.gas_limit);
        if (rewards)
            put_rewards(c, h, &block);
        /* The newest block's successor is not there yet, but its base fee is. */
        if (n == h->newest)
            exec_base_fee_next(&next, &block.base_fee, block.gas_used, g->params.gas_limit,
                               &g->params.base_fee_min);
        td_arena_rewind(&c->worker->arena, mark);
    }
    node_text_item(&h->fees);
    node_text_u256(&h->fees, &next);
}

static void put_list(struct node_text *t, const char *name, const struct node_text *items)
{
    node_text_key(t, name);
    node_text_open(t, '[');
    node_text_put(t, items->ptr, items->len);
    node_text_close(t, ']');
    t->failed |= items->failed;
}

static void fee_history(struct node_rpc_call *c)
{
    struct history h = {.count = 0};
    if (!read_history(c, &h))
        return;
    node_text_init(&h.fees, NODE_RPC_ANSWER_BYTES_MAX);
    node_text_init(&h.ratios, NODE_RPC_ANSWER_BYTES_MAX);
    node_text_init(&h.rewards, NODE_RPC_ANSWER_BYTES_MAX);
    if (h.count > 0)
        put_blocks(c, &h);
    if (!c->done) {
        node_text_open(&c->out, '{');
        node_text_key(&c->out, "oldestBlock");
        node_text_quantity(&c->out, h.oldest);
        put_list(&c->out, "baseFeePerGas", &h.fees);
        put_list(&c->out, "gasUsedRatio", &h.ratios);
        if (h.percent_count > 0)
            put_list(&c->out, "reward", &h.rewards);
        node_text_close(&c->out, '}');
    }
    node_text_free(&h.fees);
    node_text_free(&h.ratios);
    node_text_free(&h.rewards);
    node_rpc_answer(c);
}

const struct node_rpc_method NODE_RPC_FEES[] = {
    {.name = "eth_gasPrice", .prepare = gas_price},
    {.name = "eth_maxPriorityFeePerGas", .prepare = max_priority_fee},
    {.name = "eth_blobBaseFee", .prepare = blob_base_fee},
    {.name = "eth_feeHistory", .prepare = fee_history},
    {.name = NULL},
};
