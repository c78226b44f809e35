#define _GNU_SOURCE 1 /* MAP_ANONYMOUS */
#include "tests/executor/block/chain.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/core/assert.h"
#include "executor/genesis.h"

#define KEPT_BYTES ((size_t)192 << 20)
#define WORK_BYTES ((size_t)192 << 20)
#define TREE_LEAVES 65536u

static void must(enum td_error err)
{
    if (err != TD_OK)
        fprintf(stderr, "chain: %s\n", td_error_text(err));
    TD_ASSERT(err == TD_OK);
}

const struct exec_account *chain_account(const struct chain *c, const struct td_addr *addr)
{
    return node_ledger_account(&c->l, addr);
}

struct exec_u256 chain_slot(const struct chain *c, const struct td_addr *addr, uint64_t slot)
{
    struct exec_u256 k = exec_u256_of(slot);
    return node_ledger_slot(&c->l, addr, &k);
}

/* ---- life */

static void params(struct exec_chain *p)
{
    *p = (struct exec_chain){
        .chain_id = 4242,
        .l1_chain_id = 31337,
        .contract = {{0xcc}},
        .config_hash = {{0xcf}},
        .gas_limit = 30000000,
        .native_limit = 40000000,
        .base_fee_min = exec_u256_of(7),
        .prices = {.native_per_gas = 100, .gas_per_pubdata_byte = 16, .tx_native_max = 2200000},
        .fee_vault = {{0xfe, 0xee}}};
}

struct chain *chain_new(void)
{
    static const struct node_ledger_limits limits = {TREE_LEAVES, KEPT_BYTES, WORK_BYTES};
    struct chain *c = calloc(1, sizeof *c);
    TD_ASSERT(c != NULL);
    must(node_ledger_new(&c->l, &limits));
    params(&c->l.params);
    c->l.hasher = EXEC_TREE_HASHER_PLAIN;
    c->l.slopes = true; /* the native program has no chips */
    for (uint32_t i = 0; i < CHAIN_KEYS; i++) {
        uint8_t secret[32] = {[0] = 1, [31] = (uint8_t)(i + 1u)};
        must(td_secp_key_init(c->l.secp, &c->key[i], secret));
        node_ledger_key_addr(&c->l, &c->addr[i], &c->key[i]);
    }
    c->l.cursor.ts_ms = 1700000000000u;
    c->l.cursor.block_hash = (struct td_hash){{0x6e}};
    c->l.cursor.base_fee = exec_u256_of(1000);
    return c;
}

void chain_free(struct chain *c)
{
    node_ledger_free(&c->l);
    free(c);
}

/* ---- genesis */

static void begin(struct chain *c)
{
    if (c->l.genesis == NULL)
        must(node_ledger_genesis_begin(&c->l));
}

void chain_put(struct chain *c, const struct td_addr *addr, uint64_t ether, struct td_bytes code)
{
    const struct exec_u256 wei = exec_u256_of(1000000000000000000u);
    struct exec_u256 amount = exec_u256_of(ether);
    begin(c);
    exec_u256_mul(&amount, &amount, &wei);
    exec_state_set_balance(c->l.genesis, addr, &amount);
    if (code.len > 0) {
        exec_state_set_nonce(c->l.genesis, addr, 1);
        exec_state_set_code(c->l.genesis, addr, code);
    }
}

void chain_put_slot(struct chain *c, const struct td_addr *addr, uint64_t slot, uint64_t value)
{
    struct exec_u256 k = exec_u256_of(slot), v = exec_u256_of(value);
    begin(c);
    exec_state_sstore(c->l.genesis, addr, &k, &v);
}

void chain_genesis_any(struct chain *c)
{
    begin(c);
    must(node_ledger_genesis_end(&c->l));
}

void chain_genesis(struct chain *c)
{
    chain_genesis_any(c);
    const struct exec_reader reader = node_ledger_reader(&c->l);
    enum exec_genesis verdict = exec_genesis_check(&c->l.params, &c->l.cursor, &reader);
    TD_ASSERT(verdict == EXEC_GENESIS_OK);
}

/* ---- payload */

uint64_t chain_nonce(struct chain *c, uint32_t key)
{
    const struct exec_account *a = chain_account(c, &c->addr[key]);
    return a == NULL ? 0 : a->nonce;
}

struct exec_tx chain_tx(struct chain *c, uint32_t from, uint64_t nonce)
{
    return (struct exec_tx){.type = 2,
                            .has_chain_id = true,
                            .chain_id = c->l.params.chain_id,
                            .nonce = nonce,
                            .gas_limit = 1000000,
                            .fee_cap = exec_u256_of(1000000000),
                            .tip_cap = exec_u256_of(1),
                            .sender = c->addr[from]};
}

struct td_bytes chain_tx_bytes(struct chain *c, const struct exec_tx *tx)
{
    struct td_bytes out;
    must(node_ledger_encode(&c->l, &out, tx));
    return out;
}

void chain_sign(struct chain *c, struct exec_tx *tx, uint32_t from)
{
    must(node_ledger_sign(&c->l, tx, &c->key[from]));
}

void chain_add_bytes(struct chain *c, struct td_bytes bytes)
{
    must(node_ledger_add(&c->l, bytes));
}

void chain_add(struct chain *c, const struct exec_tx *tx)
{
    chain_add_bytes(c, chain_tx_bytes(c, tx));
}

void chain_add_inbox(struct chain *c, const struct exec_inbox_op *op)
{
    must(node_ledger_add_inbox(&c->l, op));
}

/* ---- blocks */

enum td_error chain_try(struct chain *c, bool end_batch)
{
    const struct exec_cursor *at = &c->l.cursor;
    uint64_t height = at->number + 1u;
    struct bft_header h = {.epoch = c->epoch != NULL ? *c->epoch : at->number / 64u,
                           .end_batch = end_batch || height % 64u == 0,
                           .ts_ms = at->ts_ms + 1000u,
                           .origin.deposit_count = c->inbox_ready};
    if (height % 64u > 60u)
        h.next_set_hash.b[0] = (uint8_t)(height / 64u + 1u);
    if (c->every_epoch)
        h.epoch = at->epoch + 1u;
    if (c->every_epoch || c->every_set)
        memset(h.next_set_hash.b, (int)(height & 0x7fu) + 1, sizeof h.next_set_hash.b);
    return node_ledger_execute(&c->l, &h);
}

void chain_block(struct chain *c, bool end_batch)
{
    must(chain_try(c, end_batch));
    must(node_ledger_keep(&c->l));
    if (c->running)
        must(node_ledger_run_add(&c->l));
    node_ledger_clear(&c->l);
}

/* ---- runs */

void chain_run_begin(struct chain *c)
{
    struct td_p2_digest whitelist, program;
    for (uint32_t i = 0; i < TD_P2_DIGEST; i++) {
        whitelist.e[i].v = 100u + i;
        program.e[i].v = 200u + i;
    }
    must(node_ledger_run_begin(&c->l, &whitelist, &program));
    c->running = true;
}

const uint32_t *chain_run_words(struct chain *c, size_t *count)
{
    must(node_ledger_run_finish(&c->l, count));
    return c->l.writer.words;
}

struct exec_statement chain_run_statement(struct chain *c)
{
    struct exec_statement s;
    node_ledger_statement(&c->l, &s);
    return s;
}
