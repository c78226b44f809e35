#include "testnet/live.h"

#include <inttypes.h>
#include <string.h>

#include "base/core/assert.h"

void testnet_live_init(struct testnet_live *l, const struct testnet *t, uint32_t timeout_ms)
{
    memset(l, 0, sizeof *l);
    l->t = t;
    l->clock = td_clock_system();
    for (uint32_t i = 0; i < testnet_count(t); i++)
        testnet_rpc_init(&l->clients[i], t, i, timeout_ms);
}

void testnet_live_free(struct testnet_live *l)
{
    for (uint32_t i = 0; i < testnet_count(l->t); i++)
        node_http_client_free(&l->clients[i]);
}

/* Add the transactions of at most a batch of blocks above `counted`. */
static void count_txs(struct testnet_live *l, struct node_http_client *c, uint64_t to)
{
    char text[TESTNET_BATCH_MAX * 128u];
    json_t *answers[TESTNET_BATCH_MAX];
    uint32_t count = 0;
    size_t len = 0;
    if (to <= l->counted)
        return;
    text[len++] = '[';
    for (uint64_t h = l->counted + 1u; h <= to && count < TESTNET_BATCH_MAX; h++, count++) {
        int n = snprintf(
            text + len, sizeof text - len,
            "%s{\"jsonrpc\":\"2.0\",\"id\":%" PRIu32
            ",\"method\":\"eth_getBlockTransactionCountByNumber\",\"params\":[\"0x%" PRIx64 "\"]}",
            count == 0 ? "" : ",", count, h);
        TD_ASSERT(n > 0 && (size_t)n < sizeof text - len - 1u);
        len += (size_t)n;
    }
    text[len++] = ']';
    json_t *root = testnet_rpc_batch(c, td_bytes_of(text, len), answers, count);
    for (uint32_t i = 0; root != NULL && i < count; i++) {
        uint64_t txs;
        if (!testnet_quantity(&txs, json_object_get(answers[i], "result")))
            break;
        l->txs += txs;
        l->counted++;
    }
    json_decref(root);
}

void testnet_live_look(struct testnet_live *l)
{
    struct node_http_client *best = NULL;
    uint64_t best_height = 0;
    l->faults = 0;
    for (uint32_t i = 0; i < testnet_count(l->t); i++) {
        l->answers[i] = testnet_rpc_number(&l->heights[i], &l->clients[i], "eth_blockNumber", "[]");
        if (!l->answers[i]) {
            l->faults++;
        } else if (best == NULL || l->heights[i] > best_height) {
            best = &l->clients[i];
            best_height = l->heights[i];
        }
    }
    if (best != NULL) {
        if (best_height > l->final)
            l->final = best_height;
        if (!testnet_rpc_number(&l->peers, best, "net_peerCount", "[]"))
            l->peers = 0;
        if (l->look_count == 0)
            l->counted = best_height; /* rates begin now */
        count_txs(l, best, best_height);
    }
    uint32_t slot = l->look_count++ % TESTNET_LOOKS;
    l->looks[slot].at_ns = td_clock_mono_ns(&l->clock);
    l->looks[slot].height = l->final;
    l->looks[slot].txs = l->txs;
}

void testnet_live_print(const struct testnet_live *l, FILE *out)
{
    TD_ASSERT(l->look_count > 0);
    uint32_t last = (l->look_count - 1u) % TESTNET_LOOKS;
    uint32_t first = l->look_count <= TESTNET_LOOKS ? 0 : l->look_count % TESTNET_LOOKS;
    double seconds = (double)(l->looks[last].at_ns - l->looks[first].at_ns) / 1e9;
    uint64_t blocks = l->looks[last].height - l->looks[first].height;
    uint64_t txs = l->looks[last].txs - l->looks[first].txs;
    fprintf(out, "final %" PRIu64 " ·", l->final);
    for (uint32_t i = 0; i < testnet_count(l->t); i++) {
        if (l->answers[i])
            fprintf(out, " n%" PRIu32 " %" PRIu64, i, l->heights[i]);
        else
            fprintf(out, " n%" PRIu32 " ✗", i);
    }
    if (blocks > 0)
        fprintf(out, " | %.2f s/blk", seconds / (double)blocks);
    else
        fprintf(out, " | – s/blk");
    fprintf(out, " | %.0f tx/s | peers %" PRIu64 "/%" PRIu32 " | faults %" PRIu32,
            seconds > 0 ? (double)txs / seconds : 0.0, l->peers, testnet_count(l->t) - 1u,
            l->faults);
}
