/* The programs that a second EVM runs beside ours (peer.py), and our side of it. */
#include <stdio.h>
#include <stdlib.h>

#include "base/core/assert.h"
#include "base/core/hex.h"
#include "tests/bench/executor.h"
#include "tests/bench/timing.h"
#include "tests/executor/evm/world.h"

#define PROGRAM 0x1000u
#define TOKEN 0x1001u
#define RECIPIENT 0xbeefu

/* The same program with two counts: the difference is free of what a run or a request costs. */
struct program {
    const char *name;
    uint32_t count[2];
    char text[2][512];
    bool token;
};

/* transfer(RECIPIENT, 1) in memory, then that call again and again. */
static const char TRANSFERS[] = "0xa9059cbb 0xe0 SHL 0 MSTORE 0xbeef 4 MSTORE 1 0x24 MSTORE "
                                "%u loop: 0x20 0x60 0x44 0 0 0x1001 GAS CALL ISZERO @bad JUMPI "
                                "1 SWAP1 SUB DUP1 @loop JUMPI STOP bad: 0 0 REVERT";

static void program_get(struct program *p, uint32_t number)
{
    *p = (struct program){.token = number == BENCH_LOOPS};
    p->name = p->token ? "ERC-20 transfer and the CALL to it" : bench_loops[number].name;
    p->count[0] = p->token ? 1000 : 50000;
    p->count[1] = p->token ? 16000 : 550000;
    for (uint32_t i = 0; i < 2; i++) {
        int len = p->token ? snprintf(p->text[i], sizeof p->text[i], TRANSFERS, p->count[i])
                           : snprintf(p->text[i], sizeof p->text[i], BENCH_LOOP, p->count[i],
                                      bench_loops[number].body);
        TD_ASSERT(len > 0 && (size_t)len < sizeof p->text[i]);
    }
}

/* A world with the program, run with its first or second count, at PROGRAM. */
static struct world *load(const struct program *p, uint32_t which)
{
    struct world *w = world_new();
    const uint64_t owners[] = {PROGRAM, RECIPIENT};
    world_put_code(w, PROGRAM, p->text[which]);
    if (!p->token)
        return w;
    world_put_code(w, TOKEN, BENCH_TOKEN);
    for (uint32_t i = 0; i < 2; i++) {
        struct world_slot *s = &w->slots[w->slot_count++];
        struct td_addr owner = world_addr(owners[i]);
        *s = (struct world_slot){.addr = world_addr(TOKEN),
                                 .value = exec_u256_of(UINT64_C(1) << 60)};
        bench_token_slot(&s->slot, &owner);
    }
    return w;
}

static void print_hex(struct td_bytes bytes)
{
    size_t room = 2 * bytes.len + 3;
    char *text = malloc(room);
    TD_ASSERT(text != NULL);
    TD_ASSERT(td_hex_encode(text, room, TD_HEX_PREFIXED, bytes.ptr, bytes.len) == TD_OK);
    printf("\"%s\"", text);
    free(text);
}

static void print_addr(uint64_t n)
{
    struct td_addr a = world_addr(n);
    print_hex(td_bytes_of(a.b, TD_ADDR_BYTES));
}

static void print_word(const struct exec_u256 *word)
{
    uint8_t be[32];
    exec_u256_to_be(be, word);
    print_hex(td_bytes_of(be, sizeof be));
}

/* {"name", "counts": [2], "runs": [2 of {address: {"code", "stateDiff": {slot: value}}}]} */
static void print_program(const struct program *p)
{
    printf("{\"name\": \"%s\", \"counts\": [%u, %u], \"runs\": [", p->name, p->count[0],
           p->count[1]);
    for (uint32_t which = 0; which < 2; which++) {
        struct world *w = load(p, which);
        printf("%s{", which > 0 ? ", " : "");
        for (uint64_t at = PROGRAM, i = 0; i < (p->token ? 2u : 1u); i++, at++) {
            printf("%s", i > 0 ? ", " : "");
            print_addr(at);
            printf(": {\"code\": ");
            print_hex(w->accounts[i + 1].code); /* the caller is account 0 */
            printf(", \"stateDiff\": {");
            for (uint32_t k = 0; at == TOKEN && k < w->slot_count; k++) {
                printf("%s", k > 0 ? ", " : "");
                print_word(&w->slots[k].slot);
                printf(": ");
                print_word(&w->slots[k].value);
            }
            printf("}}");
        }
        printf("}");
        world_free(w);
    }
    printf("]}\n");
}

static uint64_t run_ns(const struct program *p, uint32_t which)
{
    struct world *w = load(p, which);
    world_begin(w);
    uint64_t begin = bench_now_ns(BENCH_CPU);
    struct exec_outcome out = world_call(w, PROGRAM, INT64_C(1) << 40, 0, td_bytes_of(NULL, 0));
    uint64_t ns = bench_now_ns(BENCH_CPU) - begin;
    TD_ASSERT(out.status == EXEC_SUCCESS);
    world_free(w);
    return ns;
}

void bench_exec_peer(void)
{
    struct program p;
    unsigned number;
    for (uint32_t i = 0; i <= BENCH_LOOPS; i++) {
        program_get(&p, i);
        print_program(&p);
    }
    printf("\n");
    fflush(stdout);
    while (scanf("%u", &number) == 1 && number <= BENCH_LOOPS) {
        program_get(&p, number);
        double few = (double)run_ns(&p, 0), many = (double)run_ns(&p, 1);
        printf("%.3f\n", (many - few) / (double)(p.count[1] - p.count[0]));
        fflush(stdout);
    }
}
