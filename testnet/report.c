/* `tandem testnet report`: do all nodes have one chain, and how regular is it? */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"
#include "node/exit_codes.h"
#include "testnet/commands.h"
#include "testnet/live.h"

#define RPC_TIMEOUT_MS 5000u
#define BLOCKS_MAX TESTNET_BATCH_MAX

struct block {
    char hash[80];
    uint64_t time_ms, txs; /* time: seconds where the node tells no more */
    bool known;
};

struct report {
    struct testnet net;
    struct testnet_live live;
    uint64_t from; /* first height compared */
    uint32_t count;
    struct block blocks[TESTNET_NODES_MAX][BLOCKS_MAX];
};

static void read_block(struct block *out, const json_t *answer)
{
    const json_t *b = json_object_get(answer, "result");
    const char *hash = json_string_value(json_object_get(b, "hash"));
    uint64_t seconds = 0;
    out->known = hash != NULL && strlen(hash) < sizeof out->hash &&
                 testnet_quantity(&seconds, json_object_get(b, "timestamp"));
    if (!out->known)
        return;
    snprintf(out->hash, sizeof out->hash, "%s", hash);
    const json_t *extras = json_object_get(b, "tandem");
    if (!testnet_quantity(&out->time_ms, json_object_get(extras, "timestampMs")))
        out->time_ms = seconds * 1000u;
    out->txs = json_array_size(json_object_get(b, "transactions"));
}

static bool read_blocks(struct report *r, uint32_t node)
{
    char text[BLOCKS_MAX * 128u];
    json_t *answers[BLOCKS_MAX];
    size_t len = 0;
    text[len++] = '[';
    for (uint32_t i = 0; i < r->count; i++) {
        int n =
            snprintf(text + len, sizeof text - len,
                     "%s{\"jsonrpc\":\"2.0\",\"id\":%" PRIu32
                     ",\"method\":\"eth_getBlockByNumber\",\"params\":[\"0x%" PRIx64 "\",false]}",
                     i == 0 ? "" : ",", i, r->from + i);
        TD_ASSERT(n > 0 && (size_t)n < sizeof text - len - 1u);
        len += (size_t)n;
    }
    text[len++] = ']';
    json_t *root =
        testnet_rpc_batch(&r->live.clients[node], td_bytes_of(text, len), answers, r->count);
    for (uint32_t i = 0; root != NULL && i < r->count; i++)
        read_block(&r->blocks[node][i], answers[i]);
    json_decref(root);
    return root != NULL;
}

/* The first height at which a node that answers has no block or another one; UINT64_MAX: none. */
static uint64_t first_difference(const struct report *r, uint32_t first)
{
    for (uint32_t i = 0; i < r->count; i++) {
        const struct block *one = &r->blocks[first][i];
        for (uint32_t n = first; n < testnet_count(&r->net); n++) {
            const struct block *b = &r->blocks[n][i];
            if (r->live.answers[n] && (!b->known || strcmp(one->hash, b->hash) != 0))
                return r->from + i;
        }
    }
    return UINT64_MAX;
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void print_rhythm(FILE *out, const struct report *r, uint32_t node)
{
    uint64_t gaps[BLOCKS_MAX], txs = 0, span = 0;
    uint32_t count = 0;
    const struct block *b = r->blocks[node];
    for (uint32_t i = 0; i < r->count; i++) {
        txs += b[i].txs;
        if (i > 0 && b[i].known && b[i - 1].known && b[i].time_ms >= b[i - 1].time_ms) {
            gaps[count] = b[i].time_ms - b[i - 1].time_ms;
            span += gaps[count++];
        }
    }
    if (count == 0)
        return;
    qsort(gaps, count, sizeof gaps[0], by_size);
    fprintf(out,
            "blocks %" PRIu64 " to %" PRIu64 ": interval p50 %" PRIu64 " ms, p99 %" PRIu64
            " ms, longest %" PRIu64 " ms; %" PRIu64 " transactions",
            r->from, r->from + r->count - 1u, gaps[count / 2u], gaps[(count * 99u) / 100u],
            gaps[count - 1u], txs);
    if (span > 0)
        fprintf(out, ", %.1f a second", (double)txs * 1000.0 / (double)span);
    fputc('\n', out);
}

static int report(struct report *r, const struct node_cli *cli, FILE *out, FILE *err)
{
    uint64_t least = UINT64_MAX;
    uint32_t first = UINT32_MAX;
    testnet_live_look(&r->live);
    for (uint32_t i = 0; i < testnet_count(&r->net); i++) {
        if (!r->live.answers[i])
            continue;
        first = first == UINT32_MAX ? i : first;
        least = r->live.heights[i] < least ? r->live.heights[i] : least;
    }
    if (first == UINT32_MAX)
        return node_cli_fail(cli, err, NODE_EXIT_UNAVAILABLE,
                             "no node answers\nStart the network: tandem testnet up");
    r->count = (uint32_t)(least + 1u < BLOCKS_MAX ? least + 1u : BLOCKS_MAX);
    r->from = least + 1u - r->count;
    for (uint32_t i = 0; i < testnet_count(&r->net); i++) {
        if (r->live.answers[i] && !read_blocks(r, i))
            r->live.answers[i] = false;
        fprintf(out, "  n%-4" PRIu32 " ", i);
        if (r->live.answers[i])
            fprintf(out, "height %8" PRIu64 "  block %" PRIu64 " %.18s..\n", r->live.heights[i],
                    least, r->blocks[i][r->count - 1u].hash);
        else
            fprintf(out, "✗ does not answer\n");
    }
    print_rhythm(out, r, first);
    uint64_t differs = first_difference(r, first);
    if (differs != UINT64_MAX)
        fprintf(out, "✗ chains differ at height %" PRIu64 "\n", differs);
    else
        fprintf(out, "✓ one chain on all nodes that answer, %" PRIu32 " blocks compared\n",
                r->count);
    return differs == UINT64_MAX && r->live.faults == 0 ? NODE_EXIT_OK : NODE_EXIT_CHECK_FAILED;
}

int testnet_report(FILE *out, FILE *err, int argc, char **argv)
{
    const char *dir = NULL;
    const struct node_cli_flag flags[] = {{.name = "--dir", .value = &dir}};
    const struct node_cli_spec spec = {
        .command = "testnet report",
        .usage = "usage: tandem testnet report [--dir DIR]\n\n"
                 "Compares the newest blocks of all nodes; exit 1 when they differ or one is "
                 "silent.",
        .flags = flags,
        .flag_count = 1};
    struct node_cli cli;
    struct report *r = calloc(1, sizeof *r);
    TD_ASSERT(r != NULL);
    int code = node_cli_parse(&cli, &spec, out, err, argc, argv);
    if (code == NODE_EXIT_OK && !cli.help) {
        code = testnet_find(&r->net, &cli, err, dir);
        if (code == NODE_EXIT_OK) {
            testnet_live_init(&r->live, &r->net, RPC_TIMEOUT_MS);
            code = report(r, &cli, out, err);
            testnet_live_free(&r->live);
        }
    }
    free(r);
    return code;
}
