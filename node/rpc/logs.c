#include "node/rpc/logs.h"

#include <inttypes.h>
#include <string.h>

/* ---- criteria */

static uint32_t word_count(const struct node_rpc_criteria *k)
{
    uint32_t count = k->addr_count;
    for (uint32_t i = 0; i < NODE_RPC_TOPICS_MAX; i++)
        count += k->alternatives[i];
    return count;
}

size_t node_rpc_criteria_bytes(const struct node_rpc_criteria *k)
{
    return sizeof *k + word_count(k) * sizeof k->words[0];
}

static struct node_rpc_place place(size_t i, const char *member)
{
    return (struct node_rpc_place){i, member};
}

static const json_t *member(const json_t *object, const char *name)
{
    const json_t *v = json_object_get(object, name);
    return json_is_null(v) ? NULL : v;
}

/* Counts of what the argument lists, within bounds, into *k; false: answered. */
static bool count_words(struct node_rpc_call *c, size_t i, const json_t *v,
                        struct node_rpc_criteria *k)
{
    const json_t *address = member(v, "address"), *topics = member(v, "topics");
    size_t count = json_is_array(address) ? json_array_size(address) : address != NULL;
    if (count > NODE_RPC_ADDRESSES_MAX)
        node_rpc_bad(c, place(i, "address"), "more than 1000 addresses");
    if (topics != NULL && !json_is_array(topics))
        node_rpc_bad(c, place(i, "topics"), "want an array");
    else if (json_array_size(topics) > NODE_RPC_TOPICS_MAX)
        node_rpc_bad(c, place(i, "topics"), "more than 4 topics");
    if (c->done)
        return false;
    k->addr_count = (uint32_t)count;
    k->topic_count = (uint32_t)json_array_size(topics);
    for (uint32_t t = 0; t < k->topic_count; t++) {
        const json_t *topic = json_array_get(topics, t);
        count = json_is_array(topic) ? json_array_size(topic) : !json_is_null(topic);
        if (count > NODE_RPC_ALTERNATIVES_MAX)
            node_rpc_bad(c, place(i, "topics"), "more than 1000 alternatives");
        k->alternatives[t] = (uint32_t)count;
        /* null among alternatives: any */
        for (size_t a = 0; json_is_array(topic) && a < count; a++)
            if (json_is_null(json_array_get(topic, a)))
                k->alternatives[t] = 0;
    }
    return !c->done;
}

static void read_words(struct node_rpc_call *c, size_t i, const json_t *v,
                       struct node_rpc_criteria *k)
{
    const json_t *address = member(v, "address"), *topics = member(v, "topics");
    uint32_t n = 0;
    for (; n < k->addr_count && !c->done; n++) {
        const json_t *one = json_is_array(address) ? json_array_get(address, n) : address;
        struct td_addr addr;
        (void)node_rpc_read_addr(c, place(i, "address"), one, &addr);
        memcpy(k->words[n].b, addr.b, TD_ADDR_BYTES);
    }
    for (uint32_t t = 0; t < k->topic_count; t++) {
        const json_t *topic = json_array_get(topics, t);
        for (uint32_t a = 0; a < k->alternatives[t] && !c->done; a++)
            (void)node_rpc_read_hash(c, place(i, "topics"),
                                     json_is_array(topic) ? json_array_get(topic, a) : topic,
                                     &k->words[n++]);
    }
}

static void read_range(struct node_rpc_call *c, size_t i, const json_t *v,
                       struct node_rpc_criteria *k)
{
    const json_t *from = member(v, "fromBlock"), *to = member(v, "toBlock"),
                 *hash = member(v, "blockHash");
    struct node_rpc_block_ref ref;
    if (hash != NULL) {
        k->by_hash = node_rpc_read_hash(c, place(i, "blockHash"), hash, &k->hash);
        if (from != NULL || to != NULL)
            node_rpc_fail(c, NODE_RPC_PARAMS,
                          "cannot specify both BlockHash and FromBlock/ToBlock, choose one or the "
                          "other");
        return;
    }
    /* What is pending has no logs yet: it is taken for latest. */
    if (from != NULL && node_rpc_read_block(c, place(i, "fromBlock"), from, &ref)) {
        k->has_from = !ref.latest && !ref.pending;
        k->from = ref.number;
    }
    if (to != NULL && node_rpc_read_block(c, place(i, "toBlock"), to, &ref)) {
        k->has_to = !ref.latest && !ref.pending;
        k->to = ref.number;
    }
    if (k->has_from && k->has_to && k->from > k->to)
        node_rpc_fail(c, NODE_RPC_PARAMS, "invalid block range params");
}

struct node_rpc_criteria *node_rpc_param_criteria(struct node_rpc_call *c, size_t i, bool range)
{
    static const json_t *const NONE = NULL;
    const json_t *v = node_rpc_param(c, i);
    struct node_rpc_criteria counts = {.refs = 1};
    if (v != NULL && !json_is_object(v))
        node_rpc_bad(c, place(i, NULL), "want an object of criteria");
    if (c->done || !count_words(c, i, v != NULL ? v : NONE, &counts))
        return NULL;
    struct node_rpc_criteria *k = node_rpc_keep(c, node_rpc_criteria_bytes(&counts));
    if (k == NULL)
        return NULL;
    *k = counts;
    read_words(c, i, v, k);
    if (range)
        read_range(c, i, v, k);
    return c->done ? NULL : k;
}

/* ---- one log */

static bool is_among(const struct td_hash *words, uint32_t count, const uint8_t *name, size_t len)
{
    for (uint32_t i = 0; i < count; i++)
        if (memcmp(words[i].b, name, len) == 0)
            return true;
    return false;
}

bool node_rpc_log_matches(const struct node_rpc_criteria *k, const struct node_log *log)
{
    const struct td_hash *words = k->words + k->addr_count;
    if (k->addr_count > 0 && !is_among(k->words, k->addr_count, log->addr.b, TD_ADDR_BYTES))
        return false;
    if (k->topic_count > log->topic_count)
        return false;
    for (uint32_t t = 0; t < k->topic_count; words += k->alternatives[t], t++)
        if (k->alternatives[t] > 0 &&
            !is_among(words, k->alternatives[t], log->topic[t].b, TD_HASH_BYTES))
            return false;
    return true;
}

/* ---- blocks that may have one */

#define BITS_WORDS ((NODE_RPC_LOG_BLOCKS_MAX + 63u) / 64u)
/* A range this short is looked at without the index. */
#define DIRECT_BLOCKS 4u

struct search {
    struct node_rpc_call *c;
    struct store_chain_reader *reader;
    uint64_t from, to, deadline_ns;
    uint64_t may[BITS_WORDS]; /* bit i: block from + i */
    uint64_t *heights;        /* [NODE_RPC_LOG_BLOCKS_MAX] */
};

static bool in_time(struct search *s)
{
    if (td_clock_mono_ns(&s->c->rpc->backend.clock) < s->deadline_ns)
        return true;
    node_rpc_fail(s->c, NODE_RPC_LIMIT, "query takes longer than 5 s: ask for fewer blocks");
    return false;
}

/* Keep blocks that have one of these names. */
static void narrow(struct search *s, const struct td_hash *words, uint32_t count, size_t len)
{
    uint64_t has[BITS_WORDS] = {0};
    for (uint32_t i = 0; i < count && in_time(s); i++) {
        uint32_t found = 0;
        enum td_error err =
            store_chain_logs(s->reader, node_log_key(td_bytes_of(words[i].b, len)), s->from, s->to,
                             s->heights, NODE_RPC_LOG_BLOCKS_MAX, &found);
        if (err != TD_OK && err != TD_E_NOTFOUND) {
            node_rpc_fail_error(s->c, err, "log index");
            return;
        }
        for (uint32_t h = 0; h < found; h++) {
            uint64_t bit = s->heights[h] - s->from;
            has[bit / 64u] |= UINT64_C(1) << (bit % 64u);
        }
    }
    for (uint32_t i = 0; i < BITS_WORDS; i++)
        s->may[i] &= has[i];
}

static void find_blocks(struct search *s, const struct node_rpc_criteria *k)
{
    const struct td_hash *words = k->words + k->addr_count;
    memset(s->may, 0xff, sizeof s->may);
    if (s->to - s->from < DIRECT_BLOCKS)
        return;
    s->heights = TD_ARENA_NEW(&s->c->worker->arena, uint64_t, NODE_RPC_LOG_BLOCKS_MAX);
    if (s->heights == NULL) {
        node_rpc_fail_error(s->c, TD_E_NOSPACE, "logs");
        return;
    }
    if (k->addr_count > 0)
        narrow(s, k->words, k->addr_count, TD_ADDR_BYTES);
    for (uint32_t t = 0; t < k->topic_count && !s->c->done; words += k->alternatives[t], t++)
        if (k->alternatives[t] > 0)
            narrow(s, words, k->alternatives[t], TD_HASH_BYTES);
}

/* ---- their logs */

static void put_block(struct node_rpc_call *c, const struct node_rpc_criteria *k,
                      const struct node_block *block, uint32_t *left)
{
    const struct node_rpc_site site = node_rpc_site_of(block);
    for (uint32_t i = 0; i < block->receipt_count && !c->done; i++) {
        const struct node_receipt *r = &block->receipts[i];
        for (uint32_t n = 0; n < r->log_count && !c->done; n++) {
            if (!node_rpc_log_matches(k, &r->logs[n]))
                continue;
            if (*left == 0 || c->out.failed) {
                node_rpc_fail(c, NODE_RPC_LIMIT,
                              "query returns more than %u logs or 16 MiB: ask for fewer blocks",
                              NODE_RPC_LOGS_MAX);
                return;
            }
            *left -= 1;
            node_text_item(&c->out);
            node_rpc_put_log(&c->out, &site, r, n);
        }
    }
}

bool node_rpc_put_logs(struct node_rpc_call *c, const struct node_rpc_criteria *k, uint64_t from,
                       uint64_t to)
{
    struct search s = {.c = c,
                       .from = from,
                       .to = to,
                       .deadline_ns = td_clock_mono_ns(&c->rpc->backend.clock) + NODE_RPC_CALL_NS};
    uint32_t left = NODE_RPC_LOGS_MAX;
    enum td_error err;
    if (from <= to && to - from >= NODE_RPC_LOG_BLOCKS_MAX) {
        node_rpc_fail(c, NODE_RPC_LIMIT, "range of %" PRIu64 " blocks: at most %u at a time",
                      to - from + 1u, NODE_RPC_LOG_BLOCKS_MAX);
        return false;
    }
    s.reader = node_rpc_reader(c->worker, &err);
    node_rpc_fail_error(c, err, "database");
    node_text_open(&c->out, '[');
    if (!c->done && from <= to)
        find_blocks(&s, k);
    for (uint64_t n = from; from <= to && n <= to && !c->done; n++) {
        struct node_block block;
        uint64_t bit = n - from;
        if ((s.may[bit / 64u] >> (bit % 64u) & 1u) == 0 || !in_time(&s))
            continue;
        struct td_arena_mark mark = td_arena_mark(&c->worker->arena);
        if (node_rpc_load(c, n, false, true, &block) == TD_OK)
            put_block(c, k, &block, &left);
        td_arena_rewind(&c->worker->arena, mark);
    }
    if (!c->done)
        node_text_close(&c->out, ']');
    return !c->done;
}

bool node_rpc_put_logs_named(struct node_rpc_call *c, const struct node_rpc_criteria *k)
{
    uint64_t latest = c->rpc->backend.heads(c->rpc->backend.self).latest, height;
    if (k->by_hash) {
        const struct node_rpc_block_ref ref = {.by_hash = true, .hash = k->hash};
        enum td_error err = node_rpc_height(c, &ref, &height);
        if (err == TD_E_NOTFOUND)
            node_rpc_fail(c, NODE_RPC_SERVER, "unknown block");
        return err == TD_OK && node_rpc_put_logs(c, k, height, height);
    }
    uint64_t from = k->has_from ? k->from : latest, to = k->has_to ? k->to : latest;
    return node_rpc_put_logs(c, k, from, to < latest ? to : latest);
}
