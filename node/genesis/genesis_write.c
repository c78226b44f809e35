#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/core/hex.h"
#include "node/genesis/genesis_internal.h"

/* Bytes of code printed in one go. */
#define HEX_CHUNK 256u

struct emit {
    const struct node_genesis_sink *to;
    bool canonical;
    bool first; /* no comma before the next item */
};

static void put(struct emit *e, const char *text)
{
    e->to->put(e->to->self, text, strlen(text));
}

static void line(struct emit *e, const char *indent)
{
    if (!e->canonical) {
        put(e, "\n");
        put(e, indent);
    }
}

static void comma(struct emit *e)
{
    if (!e->first)
        put(e, ",");
    e->first = false;
}

static void key(struct emit *e, const char *name)
{
    comma(e);
    put(e, "\"");
    put(e, name);
    put(e, "\":");
}

static void open(struct emit *e, const char *bracket)
{
    put(e, bracket);
    e->first = true;
}

static void close(struct emit *e, const char *bracket)
{
    put(e, bracket);
    e->first = false;
}

/* A key of the whole, on a line of its own. */
static void top(struct emit *e, const char *name)
{
    comma(e);
    line(e, " ");
    e->first = true;
    key(e, name);
}

/* ---- values */

static void number(struct emit *e, const char *name, uint64_t v)
{
    char text[24];
    key(e, name);
    snprintf(text, sizeof text, "%" PRIu64, v);
    put(e, text);
}

static void top_number(struct emit *e, const char *name, uint64_t v)
{
    comma(e);
    line(e, " ");
    e->first = true;
    number(e, name, v);
}

static void hex(struct emit *e, const uint8_t *bytes, size_t len)
{
    char text[2u * HEX_CHUNK + 1u];
    put(e, "\"0x");
    for (size_t at = 0; at < len; at += HEX_CHUNK) {
        size_t n = len - at < HEX_CHUNK ? len - at : HEX_CHUNK;
        if (td_hex_encode(text, sizeof text, TD_HEX_BARE, bytes + at, n) == TD_OK)
            put(e, text);
    }
    put(e, "\"");
}

static void quantity(struct emit *e, const struct exec_u256 *v)
{
    struct td_wei wei;
    char text[TD_QUANTITY_TEXT_BYTES];
    memcpy(wei.limb, v->w, sizeof wei.limb);
    td_quantity_print(text, &wei);
    put(e, "\"");
    put(e, text);
    put(e, "\"");
}

/* As JSON has it (RFC 8259); what is not printable ASCII is escaped by byte: names have none. */
static void string(struct emit *e, const char *text)
{
    put(e, "\"");
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        char escaped[8] = {(char)c, '\0'};
        if (c == '"' || c == '\\' || c < 0x20)
            snprintf(escaped, sizeof escaped, "\\u%04x", c);
        put(e, escaped);
    }
    put(e, "\"");
}

/* ---- parts */

static void limits(struct emit *e, const struct node_genesis *g)
{
    const struct exec_chain *p = &g->params;
    top_number(e, "blockIntervalMs", g->block_interval_ms);
    top_number(e, "deltaMs", g->delta_ms);
    top_number(e, "epochLength", g->epoch_length);
    top_number(e, "validatorsMax", g->validators_max);
    top_number(e, "maxBlockTxs", g->txs_max);
    top_number(e, "maxBlockBytes", g->payload_bytes_max);
    top_number(e, "gasLimit", p->gas_limit);
    top_number(e, "nativeLimit", p->native_limit);
    top_number(e, "txNativeMax", p->prices.tx_native_max);
    top_number(e, "nativePerGas", p->prices.native_per_gas);
    top_number(e, "gasPerPubdataByte", p->prices.gas_per_pubdata_byte);
    top(e, "baseFeeMin");
    quantity(e, &p->base_fee_min);
    top(e, "baseFee");
    quantity(e, &g->base_fee);
    top(e, "feeVault");
    hex(e, p->fee_vault.b, TD_ADDR_BYTES);
    top(e, "batch");
    open(e, "{");
    number(e, "blocksMin", g->batch_blocks_min);
    number(e, "blocksMax", g->batch_blocks_max);
    number(e, "msMax", g->batch_ms_max);
    number(e, "nativeMax", g->batch_native_max);
    number(e, "bytesMax", g->batch_bytes_max);
    close(e, "}");
}

static void validator(struct emit *e, const struct node_genesis_validator *v)
{
    comma(e);
    line(e, "  ");
    open(e, "{");
    key(e, "address");
    hex(e, v->member.addr.b, TD_ADDR_BYTES);
    key(e, "key");
    hex(e, v->member.key.b, TD_PUBKEY_BYTES);
    number(e, "stake", v->member.stake);
    if (!e->canonical) {
        key(e, "transport");
        hex(e, v->transport, sizeof v->transport);
        key(e, "host");
        string(e, v->host);
        number(e, "port", v->port);
    }
    close(e, "}");
}

static void account(struct emit *e, const struct node_genesis_account *a)
{
    comma(e);
    line(e, "  ");
    hex(e, a->addr.b, TD_ADDR_BYTES);
    put(e, ":");
    open(e, "{");
    key(e, "balance");
    quantity(e, &a->balance);
    number(e, "nonce", a->nonce);
    key(e, "code");
    hex(e, a->code.ptr, a->code.len);
    key(e, "storage");
    open(e, "{");
    for (uint32_t i = 0; i < a->slot_count; i++) {
        comma(e);
        quantity(e, &a->slots[i].slot);
        put(e, ":");
        quantity(e, &a->slots[i].value);
    }
    close(e, "}");
    close(e, "}");
}

void node_genesis_emit(const struct node_genesis *g, bool canonical,
                       const struct node_genesis_sink *sink)
{
    struct emit e = {.to = sink, .canonical = canonical};
    open(&e, "{");
    top_number(&e, "version", NODE_GENESIS_VERSION);
    if (!canonical) {
        top(&e, "name");
        string(&e, g->name);
    }
    top(&e, "l1");
    open(&e, "{");
    number(&e, "chainId", g->l1_chain_id);
    key(&e, "contract");
    hex(&e, g->contract.b, TD_ADDR_BYTES);
    close(&e, "}");
    top_number(&e, "chainId", g->chain_id);
    top_number(&e, "timestampMs", g->timestamp_ms);
    limits(&e, g);
    top(&e, "validators");
    open(&e, "[");
    for (uint32_t i = 0; i < g->validator_count; i++)
        validator(&e, &g->validators[i]);
    close(&e, "]");
    top(&e, "development");
    put(&e, g->development ? "true" : "false");
    top(&e, "alloc");
    open(&e, "{");
    for (uint32_t i = 0; i < g->account_count; i++)
        account(&e, &g->accounts[i]);
    close(&e, "}");
    line(&e, "");
    close(&e, "}");
    line(&e, "");
}

/* ---- to a file */

static void to_file(void *self, const char *text, size_t len)
{
    (void)fwrite(text, 1, len, self); /* ferror says it, once, at the end */
}

int node_genesis_write(const struct node_genesis *g, FILE *out)
{
    const struct node_genesis_sink sink = {out, to_file};
    errno = 0;
    node_genesis_emit(g, false, &sink);
    if (fflush(out) != 0 || ferror(out)) {
        if (errno == 0)
            errno = EIO;
        return -1;
    }
    return 0;
}
