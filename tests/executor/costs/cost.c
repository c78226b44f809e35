#define _GNU_SOURCE 1 /* MAP_ANONYMOUS */
#include "tests/executor/costs/cost.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/core/assert.h"
#include "executor/rv32/units.h"

#define ELF_BYTES_MAX ((size_t)16 << 20)
#define SENDERS 16u
#define FILLERS 160u
#define CACHE 512u
#define CODE_BYTES_BIG 24576u

static struct {
    struct rv32_program program;
    uint8_t *elf;
    struct world *assembler;
    struct td_secp *secp;
    struct td_secp_key key[SENDERS];
    struct td_addr sender[SENDERS];
    struct {
        char *text;
        uint32_t n, with;
        const char *genesis; /* the row's name, when its world is its own */
        struct cost cost;
    } cache[CACHE];
    uint32_t cached;
    double pop_units, pop_native;
} the;

void cost_open(const char *elf)
{
    FILE *f = fopen(elf, "rb");
    the.elf = malloc(ELF_BYTES_MAX);
    TD_ASSERT(f != NULL && the.elf != NULL);
    size_t len = fread(the.elf, 1, ELF_BYTES_MAX, f);
    (void)fclose(f);
    enum rv32_load verdict = rv32_program_decode(&the.program, td_bytes_of(the.elf, len));
    TD_ASSERT(verdict == RV32_LOADED);
    the.assembler = world_new();
    the.secp = td_secp_new();
    for (uint32_t i = 0; i < SENDERS; i++) {
        uint8_t secret[32] = {[0] = 9, [31] = (uint8_t)(i + 1u)};
        struct td_secp_pub pub;
        enum td_error err = td_secp_key_init(the.secp, &the.key[i], secret);
        TD_ASSERT(err == TD_OK);
        td_secp_key_pub(the.secp, &pub, &the.key[i]);
        td_secp_pub_addr(the.secp, &the.sender[i], &pub);
    }
}

void cost_close(void)
{
    for (uint32_t i = 0; i < the.cached; i++)
        free(the.cache[i].text);
    td_secp_free(the.secp);
    world_free(the.assembler);
    free(the.elf);
}

struct td_bytes cost_code(const char *text)
{
    return world_code(the.assembler, text);
}

struct td_addr cost_sender(uint32_t i)
{
    return the.sender[i % SENDERS];
}

void cost_send(struct chain *c, struct exec_tx *tx, uint32_t i)
{
    c->key[0] = the.key[i % SENDERS];
    c->addr[0] = the.sender[i % SENDERS];
    chain_sign(c, tx, 0);
    chain_add(c, tx);
}

/* ---- genesis */

/* PUSH3 i, then JUMPDESTs: the code that takes longest to analyse. */
static void put_code(struct chain *c, uint64_t at, uint32_t i, size_t bytes)
{
    static uint8_t code[CODE_BYTES_BIG];
    const uint8_t head[] = {0x62, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i, 0x00};
    memset(code, 0x5b, sizeof code);
    memcpy(code, head, sizeof head);
    struct td_addr a = world_addr(at + i);
    chain_put(c, &a, 1, td_bytes_of(code, bytes));
}

static void put_delegated(struct chain *c, uint32_t i)
{
    uint8_t code[23] = {0xef, 0x01, 0x00};
    struct td_addr to = world_addr(COST_AT_CODE + i), a = world_addr(COST_AT_DELEGATED + i);
    memcpy(code + 3, to.b, sizeof to.b);
    chain_put(c, &a, 1, td_bytes_of(code, sizeof code));
}

static void put_helpers(struct chain *c)
{
    static const struct {
        uint64_t at;
        const char *text;
    } HELPERS[] = {
        {COST_AT_STOP, "STOP"},
        {COST_AT_INVALID, "INVALID"},
        {COST_AT_RETURN, "0 CALLDATALOAD 1 RETURN"},
        {COST_AT_REVERT, "0 CALLDATALOAD 1 REVERT"},
        {COST_AT_UNDO, "0 CALLDATALOAD l: DUP1 DUP1 SSTORE 1 SWAP1 SUB DUP1 @l JUMPI 0 0 REVERT"},
        {COST_AT_DESTROY, "CALLER SELFDESTRUCT"},
    };
    for (uint32_t i = 0; i < sizeof HELPERS / sizeof HELPERS[0]; i++) {
        struct td_addr a = world_addr(HELPERS[i].at);
        chain_put(c, &a, 1, cost_code(HELPERS[i].text));
    }
}

static void put_world(struct chain *c, const struct cost_row *row, struct td_bytes program)
{
    struct td_addr a;
    for (uint32_t i = 0; i < SENDERS; i++)
        chain_put(c, &the.sender[i], 15, td_bytes_of(NULL, 0));
    put_helpers(c);
    for (uint32_t i = 1; i <= 2u * row->n; i++) {
        a = world_addr(COST_AT_EOA + i);
        if ((row->with & COST_EOA) != 0)
            chain_put(c, &a, 1, td_bytes_of(NULL, 0));
        if ((row->with & (COST_CODE | COST_DELEGATED)) != 0)
            put_code(c, COST_AT_CODE, i, 23);
        if ((row->with & COST_DELEGATED) != 0)
            put_delegated(c, i);
        if ((row->with & COST_BIG) != 0)
            put_code(c, COST_AT_BIG, i, CODE_BYTES_BIG);
    }
    for (uint32_t i = 0; (row->with & COST_FILL) != 0 && i < FILLERS; i++) {
        a = world_addr(UINT64_C(0xf111000000) + i);
        chain_put(c, &a, 1, td_bytes_of(NULL, 0));
    }
    a = world_addr(COST_AT_PROGRAM);
    chain_put(c, &a, 15, program);
    for (uint32_t i = 1; (row->with & COST_SLOTS) != 0 && i <= 2u * row->n; i++)
        chain_put_slot(c, &a, i, COST_SLOT_VALUE);
    if (row->genesis != NULL)
        row->genesis(c, row);
}

static struct chain *begin(const struct cost_row *row, struct td_bytes program)
{
    struct chain *c = chain_new();
    c->l.slopes = false;
    c->l.params.native_limit = UINT64_C(1) << 40;
    c->l.params.prices = (struct exec_prices){.tx_native_max = 5000000};
    if ((row->with & COST_FEW) != 0) {
        c->l.params.prices.tx_native_max = UINT64_C(1) << 32;
        c->l.params.gas_limit = 240000;
    }
    put_world(c, row, program);
    chain_genesis_any(c);
    if ((row->with & COST_DEEP) != 0)
        cost_scatter(c);
    return c;
}

/* ---- runs */

uint64_t cost_guest_units(struct chain *c)
{
    size_t bytes = rv32_footprint(&the.program, RV32_RAM_BYTES_MAX), count;
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const uint32_t *words = chain_run_words(c, &count);
    uint32_t *input = malloc(4u * (count + 1u));
    struct exec_statement want = chain_run_statement(c);
    struct td_p2_digest digest;
    struct rv32_machine m;
    TD_ASSERT(memory != MAP_FAILED && input != NULL);
    input[0] = (uint32_t)(4u * count);
    memcpy(input + 1, words, 4u * count);
    enum td_error err = rv32_init(&m, &the.program, memory, RV32_RAM_BYTES_MAX, (uint8_t *)input,
                                  4u * (count + 1u));
    TD_ASSERT(err == TD_OK);
    enum rv32_stop stop = rv32_run(&m, UINT64_C(1) << 34);
    if (stop != RV32_STOP_HALT)
        printf("guest stopped at 0x%08x: %s\n", m.pc, rv32_stop_text(stop));
    TD_ASSERT(stop == RV32_STOP_HALT);
    exec_statement_digest(&digest, &want);
    TD_ASSERT(memcmp(m.output, digest.e, sizeof m.output) == 0);
    (void)munmap(memory, bytes);
    free(input);
    return rv32_units(&m);
}

static void check_receipts(const struct chain *c, const struct cost_row *row, const char *text)
{
    for (uint32_t i = 0; i < c->l.block.payload_count; i++) {
        const struct exec_tx_result *x = &c->l.result.txs[i];
        if ((row->with & COST_ANY_RECEIPT) != 0 || (x->verdict == EXEC_TX_OK && x->receipt.success))
            continue;
        printf("%s: %s, %s\n  %s\n", row->name, exec_tx_verdict_text(x->verdict),
               exec_status_text(x->receipt.status), text != NULL ? text : "");
        (void)fflush(stdout);
        TD_ASSERT(false);
    }
}

static void fill_program(struct chain *c, uint32_t n)
{
    uint8_t data[32] = {[30] = (uint8_t)(n >> 8), [31] = (uint8_t)n};
    struct exec_tx tx = chain_tx(c, 0, 0);
    tx.to = world_addr(COST_AT_PROGRAM);
    tx.gas_limit = c->l.params.gas_limit;
    tx.data = td_bytes_of(data, sizeof data);
    cost_send(c, &tx, 0);
}

static struct cost run_once(const struct cost_row *row, uint32_t n, const char *text)
{
    struct td_bytes program = text != NULL ? cost_code(text) : cost_code("STOP");
    struct chain *c = begin(row, program);
    struct cost out = {0};
    chain_run_begin(c);
    for (uint32_t i = 0; i < (row->blocks != 0 ? n : 1u); i++) {
        if (row->fill != NULL)
            row->fill(c, n);
        else
            fill_program(c, n);
        chain_block(c, row->blocks == 2);
        check_receipts(c, row, text);
        out.native += (double)c->l.result.native_used;
    }
    out.units = (double)cost_guest_units(c);
    chain_free(c);
    return out;
}

/* What n repetitions cost beyond the first n, per repetition. */
static struct cost marginal(const struct cost_row *row, const char *text)
{
    for (uint32_t i = 0; text != NULL && i < the.cached; i++)
        if (the.cache[i].n == row->n && the.cache[i].with == row->with &&
            the.cache[i].genesis == (row->genesis != NULL ? row->name : NULL) &&
            strcmp(the.cache[i].text, text) == 0)
            return the.cache[i].cost;
    struct cost a = run_once(row, row->n, text), b = run_once(row, 2u * row->n, text);
    struct cost per = {(b.units - a.units) / row->n, (b.native - a.native) / row->n};
    if (text != NULL && the.cached < CACHE) {
        the.cache[the.cached].text = strdup(text);
        the.cache[the.cached].n = row->n;
        the.cache[the.cached].with = row->with;
        the.cache[the.cached].genesis = row->genesis != NULL ? row->name : NULL;
        the.cache[the.cached++].cost = per;
    }
    return per;
}

static struct cost looped(const struct cost_row *row, const char *body, uint32_t with)
{
    static char text[65536];
    struct cost_row copy = *row;
    copy.with = with;
    snprintf(text, sizeof text, "%s 0 CALLDATALOAD loop: %s 1 SWAP1 SUB DUP1 @loop JUMPI STOP",
             row->setup != NULL ? row->setup : "", body);
    return marginal(&copy, text);
}

/* The loop keeps its counter in memory here, so that the stack can run down. */
static void measure_pop(void)
{
    static const char setup[] = "0 CALLDATALOAD 0 MSTORE 999 l: 0 SWAP1 1 SWAP1 SUB DUP1 @l JUMPI";
    static char text[512];
    const char *const bodies[2] = {"", "POP"};
    struct cost cost[2];
    const struct cost_row row = {.name = "POP", .n = 200};
    for (uint32_t i = 0; i < 2; i++) {
        snprintf(text, sizeof text, "%s loop: %s 1 0 MLOAD SUB DUP1 0 MSTORE @loop JUMPI STOP",
                 setup, bodies[i]);
        cost[i] = marginal(&row, text);
    }
    the.pop_units = cost[1].units - cost[0].units;
    the.pop_native = cost[1].native - cost[0].native;
}

struct cost_figure cost_measure(const struct cost_row *row)
{
    if (the.pop_units == 0)
        measure_pop();
    if (row->body == NULL) {
        struct cost c = marginal(row, NULL);
        return (struct cost_figure){c.native, c.units};
    }
    struct cost a = looped(row, row->body, row->with);
    struct cost b = looped(row, row->against, row->with & ~(uint32_t)COST_ANY_RECEIPT);
    return (struct cost_figure){a.native - b.native + row->pops * the.pop_native,
                                a.units - b.units + row->pops * the.pop_units};
}
