#define _POSIX_C_SOURCE 200809L /* fmemopen */
/* `tandem exec block`'s document and all behind it (genesis, signing, the block, its check), on
 * arbitrary bytes: as JSON, and as a good document with pieces of the input where a person could go
 * wrong: code, raw transactions, data, an inbox entry.
 *
 * What must hold: no crash, no leak; a complaint or an error, or a block.  Work is bounded by the
 * gas and native limits, which the wrapped documents set low and the others may not raise. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"
#include "base/core/hex.h"
#include "base/host/mem.h"
#include "node/exec/blockfile.h"

#define INPUT_MAX 2048u
#define TEXT_MAX (16u * INPUT_MAX)
#define BLOCKS_MAX 2u
#define GAS_MAX 40000000u
#define NATIVE_MAX 60000000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct td_arena arena;

static void run_blocks(struct node_blockfile *f, struct node_json *j, struct node_ledger *l)
{
    char text[256];
    enum td_error err = node_blockfile_genesis(f, j, l);
    TD_ASSERT(err == TD_OK || l->run_blocks == 0);
    TD_ASSERT(err != TD_OK || node_json_ok(j));
    if (err == TD_OK)
        err = node_ledger_run_begin(l, NULL, NULL);
    for (size_t i = 0; i < f->block_count && err == TD_OK; i++) {
        struct bft_header h;
        if (!node_blockfile_payload(f, j, l, i, &h)) {
            TD_ASSERT(!node_json_ok(j));
            return;
        }
        err = node_ledger_execute(l, &h);
        if (err == TD_OK)
            err = node_ledger_keep(l);
        if (err != TD_OK)
            return;
        TD_ASSERT(l->result.gas_used <= f->chain.gas_limit);
        TD_ASSERT(l->result.tx_count + l->result.skipped == l->block.payload_count);
        TD_ASSERT(node_ledger_run_add(l) == TD_OK);
        FILE *to = fmemopen(text, sizeof text, "w");
        TD_ASSERT(to != NULL);
        (void)node_blockfile_check(f, j, l, i, to);
        fclose(to);
        if (!node_json_ok(j))
            return;
    }
}

static void run_text(const char *text, size_t len)
{
    struct node_json j;
    struct node_blockfile f;
    struct node_ledger l;
    td_arena_reset(&arena);
    node_json_init(&j, &arena);
    json_t *document = node_json_parse(&j, text, len);
    TD_ASSERT((document == NULL) != node_json_ok(&j));
    if (document != NULL) {
        node_blockfile_open(&f, &j, document);
        /* A small tree: laying out a large one is all that would be measured. */
        const struct node_ledger_limits limits = {512, (size_t)8 << 20, (size_t)512 << 20};
        if (node_json_ok(&j) && f.block_count <= BLOCKS_MAX && f.chain.gas_limit <= GAS_MAX &&
            f.chain.native_limit <= NATIVE_MAX && node_ledger_new(&l, &limits) == TD_OK) {
            run_blocks(&f, &j, &l);
            node_ledger_free(&l);
        }
    }
    json_decref(document);
}

static const char *piece_hex(size_t i, const uint8_t *data, size_t len)
{
    static char hex[4][2 * INPUT_MAX + 3];
    TD_ASSERT(td_hex_encode(hex[i], sizeof hex[i], TD_HEX_PREFIXED, data, len) == TD_OK);
    return hex[i];
}

static void run_wrapped(const uint8_t *data, size_t len)
{
    static char text[TEXT_MAX];
    const char *hex[4];
    size_t pos = len < 4 ? len : 4;
    for (size_t i = 0; i < 4; i++) {
        size_t left = len - pos, want = i < 3 && len > i + 1u ? data[i + 1u] : left;
        size_t part = want < left ? want : left;
        hex[i] = piece_hex(i, data + pos, part);
        pos += part;
    }
    int n = snprintf(
        text, sizeof text,
        "{\"pre\":{\"0x7e5f4552091a69125d5dfcb7b8c2659029395bdf\":{\"nonce\":\"0x0\",\"balance\":"
        "\"0xde0b6b3a7640000\",\"code\":\"0x\",\"storage\":{}},\"0x%040x\":{\"nonce\":\"0x1\","
        "\"balance\":\"0x2\",\"code\":\"%s\",\"storage\":{\"0x1\":\"0x2\"}}},\"blocks\":[{"
        "\"inbox\":[{\"to\":\"0x%040x\",\"value\":\"0x%x\",\"data\":\"%s\"}],\"transactions\":["
        "\"%s\",{\"type\":\"0x%x\",\"nonce\":\"0x0\",\"gasLimit\":\"0x30d40\",\"%s\":"
        "\"0x3b9aca00\",\"to\":\"0x%040x\",\"data\":\"%s\",\"secretKey\":\"0x%064x\"}],\"expect\":"
        "{\"gasUsed\":\"0x5208\",\"transactions\":[{\"status\":\"success\"}]}}]}",
        0x1000, hex[0], 0x1000, data[0], hex[1], hex[2], data[0] & 7u,
        (data[0] & 7u) < 2u ? "gasPrice" : "maxFeePerGas", 0x1000, hex[3], 1);
    TD_ASSERT(n > 0);
    TD_ASSERT((size_t)n < sizeof text);
    run_text(text, (size_t)n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0 || len > INPUT_MAX)
        return 0;
    if (arena.cap == 0)
        TD_ASSERT(td_mem_arena_new(&arena, (size_t)64 << 20) == TD_OK);
    if (data[0] == '{')
        run_text((const char *)data, len);
    else
        run_wrapped(data, len);
    return 0;
}
