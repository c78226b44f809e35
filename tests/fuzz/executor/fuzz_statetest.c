/* The state-test loader and everything behind it, on arbitrary bytes: as a JSON document, and as
 * one in which the bytes are the parts that a person would get wrong: transaction, code, storage.
 *
 * What must hold: no crash, no leak, one outcome per entry, a complaint with every failure.  Work
 * is bounded by the gas limit of the block, which inputs may not raise above GAS_MAX.
 *
 * What is the same in every run is made once: the document around the bytes, the memory they run
 * in, the keys of signatures already seen. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"
#include "base/core/hex.h"
#include "base/core/rlp.h"
#include "executor/crypto/secp.h"
#include "executor/tx.h"
#include "node/exec/statetest.h"

#define INPUT_MAX 2048u
#define GAS_MAX 240000u
#define GAS 70000u /* as a rule: most of what takes more is a loop */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* ASan's defaults fill what malloc returns and keep where it was called from; the little that is
 * allocated here is jansson's strings.  ASAN_OPTIONS still has the last word. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "max_malloc_fill_size=0:malloc_context_size=4";
}

static struct node_statetest_runner runner;

static bool count(void *self, const struct node_statetest_case *c,
                  const struct node_statetest_outcome *o)
{
    size_t *outcomes = self;
    (*outcomes)++;
    TD_ASSERT(c->name != NULL);
    TD_ASSERT(c->fork != NULL);
    TD_ASSERT(o->gas_used <= GAS_MAX);
    TD_ASSERT((o->result == NODE_STATETEST_PASSED) == (o->text[0] == '\0'));
    return *outcomes < 16; /* entries of one document; each is a run of up to GAS_MAX */
}

/* Whether a document's transactions are small enough to be run here: every number that could be a
 * gas limit is. */
static bool is_small(const json_t *document)
{
    const char *name;
    json_t *body;
    json_object_foreach((json_t *)document, name, body)
    {
        struct node_json j;
        uint8_t mem[64];
        struct td_arena arena;
        td_arena_init(&arena, mem, sizeof mem);
        node_json_init(&j, &arena);
        const json_t *env = node_json_object(&j, body, "env");
        uint64_t limit = node_json_u64(&j, env, "currentGasLimit");
        if (node_json_ok(&j) && limit > GAS_MAX)
            return false;
    }
    return true;
}

/* ---- keys of signatures already recovered */

#define KEYS_LOG2 14

struct key {
    struct exec_signature of;
    uint8_t xy[64];
    bool is_known, is_found;
};

/* A change of code or storage leaves the transaction as it was, so most signatures were met before.
 * Each new one goes through exec_secp_recover. */
static bool recover(void *self, uint8_t out_xy[64], const struct td_hash *digest,
                    const uint8_t r[32], const uint8_t s[32], uint32_t parity)
{
    static struct key keys[1u << KEYS_LOG2];
    (void)self;
    uint32_t at = (uint32_t)digest->b[0] << 8 | digest->b[1];
    struct key *k = &keys[(at ^ parity) & ((1u << KEYS_LOG2) - 1u)];
    bool same = k->is_known && k->of.parity == parity && td_hash_eq(&k->of.digest, digest) &&
                memcmp(k->of.r, r, 32) == 0 && memcmp(k->of.s, s, 32) == 0;
    if (!same) {
        k->of = (struct exec_signature){.digest = *digest, .parity = parity};
        memcpy(k->of.r, r, 32);
        memcpy(k->of.s, s, 32);
        k->is_found = exec_secp_recover(k->xy, digest, r, s, parity);
        k->is_known = true;
    }
    memcpy(out_xy, k->xy, 64);
    return k->is_found;
}

/* ---- a document */

static void run_document(const json_t *document)
{
    size_t outcomes = 0;
    const struct node_statetest_visit visit = {.self = &outcomes, .done = count};
    if (!is_small(document))
        return;
    bool all = node_statetest_run(&runner, document, &visit);
    TD_ASSERT(all || outcomes == 16);
    TD_ASSERT(!json_is_object(document) || json_object_size(document) == 0 || outcomes > 0);
}

static void run_text(const char *text, size_t len)
{
    struct node_json j;
    td_arena_reset(&runner.file);
    node_json_init(&j, &runner.file);
    json_t *document = node_json_parse(&j, text, len);
    TD_ASSERT((document == NULL) != node_json_ok(&j));
    if (document != NULL)
        run_document(document);
    json_decref(document);
}

/* Input after the first byte, in three pieces as the next two bytes cut it. */
static void cut(struct td_bytes piece[3], const uint8_t *data, size_t len)
{
    uint8_t cuts[2] = {len > 1 ? data[1] : 0, len > 2 ? data[2] : 0};
    size_t pos = len < 3 ? len : 3;
    for (size_t i = 0; i < 3; i++) {
        size_t left = len - pos;
        size_t part = i == 2 || cuts[i] > left ? left : cuts[i];
        piece[i] = td_bytes_of(data + pos, part);
        pos += part;
    }
}

/* A transaction with `input` that anyone can afford; its signature has a public key, whoever's. */
static size_t make_tx(uint8_t *out, size_t cap, uint8_t flags, uint32_t gas, struct td_bytes input)
{
    /* x of the generator: r of a signature whose nonce is 1 */
    static const uint8_t R[32] = {0x79, 0xbe, 0x66, 0x7e, 0xf9, 0xdc, 0xbb, 0xac, 0x55, 0xa0, 0x62,
                                  0x95, 0xce, 0x87, 0x0b, 0x07, 0x02, 0x9b, 0xfc, 0xdb, 0x2d, 0xce,
                                  0x28, 0xd9, 0x59, 0xf2, 0x81, 0x5b, 0x16, 0xf8, 0x17, 0x98};
    static const uint8_t TO[20] = {[18] = 0x10};
    struct td_writer w;
    td_writer_init(&w, out, cap);
    size_t begin = td_rlp_list_begin(&w);
    td_rlp_put_u64(&w, 0);
    td_rlp_put_u64(&w, 0);
    td_rlp_put_u64(&w, gas);
    td_rlp_put_bytes(&w, TO, (flags & 1u) != 0 ? 0 : sizeof TO);
    td_rlp_put_u64(&w, 0);
    td_rlp_put_bytes(&w, input.ptr, input.len);
    td_rlp_put_u64(&w, 27u + (flags >> 1 & 1u));
    td_rlp_put_bytes(&w, R, sizeof R);
    td_rlp_put_u64(&w, 1);
    td_rlp_list_end(&w, begin);
    TD_ASSERT(w.err == TD_OK);
    return w.len;
}

/* A well-formed document, parsed once, and what in it an input replaces. */
struct frame {
    json_t *document;
    json_t *code[2];
    json_t *tx;
    json_t *gas_limit;
};

static json_t *at(const json_t *in, const char *key)
{
    json_t *value = json_object_get(in, key);
    TD_ASSERT(value != NULL);
    return value;
}

static void make_frame(struct frame *f)
{
    static const char TEXT[] =
        "{\"t\":{\"env\":{\"currentCoinbase\":\"0x0000000000000000000000000000000000000007\","
        "\"currentNumber\":\"0x2\",\"currentTimestamp\":\"0x3\",\"currentGasLimit\":\"0x1\","
        "\"currentBaseFee\":\"0x0\",\"currentRandom\":\"0x0\"},\"pre\":{"
        "\"0x0000000000000000000000000000000000001000\":{\"nonce\":\"0x1\",\"balance\":\"0x2\","
        "\"code\":\"0x\",\"storage\":{\"0x1\":\"0x2\"}},"
        "\"0x0000000000000000000000000000000000002000\":{\"nonce\":\"0x0\",\"balance\":\"0x0\","
        "\"code\":\"0x\",\"storage\":{}}},\"post\":{\"Prague\":[{\"txbytes\":\"0x\",\"state\":{},"
        "\"hash\":\"0x0000000000000000000000000000000000000000000000000000000000000000\","
        "\"logs\":\"0x0000000000000000000000000000000000000000000000000000000000000000\"}]}}}";
    struct node_json j;
    node_json_init(&j, &runner.file);
    f->document = node_json_parse(&j, TEXT, sizeof TEXT - 1);
    TD_ASSERT(f->document != NULL);
    const json_t *t = at(f->document, "t");
    const json_t *pre = at(t, "pre");
    f->code[0] = at(at(pre, "0x0000000000000000000000000000000000001000"), "code");
    f->code[1] = at(at(pre, "0x0000000000000000000000000000000000002000"), "code");
    f->tx = at(json_array_get(at(at(t, "post"), NODE_STATETEST_FORK), 0), "txbytes");
    f->gas_limit = at(at(t, "env"), "currentGasLimit");
}

static void set_hex(json_t *string, struct td_bytes bytes)
{
    static char hex[2 * (INPUT_MAX + 256) + 3];
    TD_ASSERT(td_hex_encode(hex, sizeof hex, TD_HEX_PREFIXED, bytes.ptr, bytes.len) == TD_OK);
    TD_ASSERT(json_string_set_nocheck(string, hex) == 0);
}

/* A well-formed document around the input: a transaction, or (bit 2 of the first byte) what goes
 * into one, and the code of two accounts. */
static void run_wrapped(const uint8_t *data, size_t len)
{
    static uint8_t tx[INPUT_MAX + 256];
    static struct frame frame;
    struct td_bytes piece[3];
    if (frame.document == NULL)
        make_frame(&frame);
    cut(piece, data, len);
    uint32_t gas = data[0] >> 4 == 0x5 ? GAS_MAX : GAS;
    if ((data[0] & 4u) != 0)
        piece[0] = td_bytes_of(tx, make_tx(tx, sizeof tx, data[0], gas, piece[0]));
    char limit[16];
    snprintf(limit, sizeof limit, "0x%x", gas);
    TD_ASSERT(json_string_set_nocheck(frame.gas_limit, limit) == 0);
    set_hex(frame.tx, piece[0]);
    set_hex(frame.code[0], piece[1]);
    set_hex(frame.code[1], piece[2]);
    run_document(frame.document);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct exec_recoverer RECOVERER = {.self = NULL, .recover = recover};
    if (len == 0 || len > INPUT_MAX)
        return 0;
    if (runner.text == NULL) {
        TD_ASSERT(node_statetest_init(&runner) == TD_OK);
        runner.recoverer = &RECOVERER;
    }
    if (data[0] == '{')
        run_text((const char *)data, len);
    else
        run_wrapped(data, len);
    return 0;
}
