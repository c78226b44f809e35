/* The interpreter alone: loops of a million iterations, and one token transfer as a message. */
#include <stdio.h>

#include "base/core/assert.h"
#include "base/core/keccak.h"
#include "tests/bench/executor.h"
#include "tests/bench/timing.h"
#include "tests/executor/evm/world.h"

#define ITERATIONS 1000000u
#define QUICK_ITERATIONS 1000u
#define TRANSFERS 1000u /* per round: what the state keeps of them stays small */
#define PROGRAM 0x1000u

const struct bench_loop bench_loops[BENCH_LOOPS] = {
    {"loop alone: PUSH SWAP SUB DUP PUSH JUMPI", "", 0},
    {"with PUSH PUSH ADD POP", "1 2 ADD POP", 20},
    {"with DUP PUSH MSTORE", "DUP1 0x20 MSTORE", 26},
    {"with PUSH SLOAD POP", "0 SLOAD POP", 38},
    {"with PUSH PUSH KECCAK256 POP, 64 bytes", "0x40 0 KECCAK256 POP", 339},
    {"with PUSH DUP MUL POP", "3 DUP2 MUL POP", 0},
    {"with PUSH NOT DUP DIV POP", "3 NOT DUP2 DIV POP", 0},
};

static uint64_t run_loop(void *ctx, uint64_t rounds)
{
    struct world *w = ctx;
    uint64_t ns = 0;
    while (rounds-- > 0) {
        world_begin(w);
        uint64_t begin = bench_now_ns(BENCH_CPU);
        struct exec_outcome out = world_call(w, PROGRAM, INT64_C(1) << 40, 0, td_bytes_of(NULL, 0));
        ns += bench_now_ns(BENCH_CPU) - begin;
        TD_ASSERT(out.status == EXEC_SUCCESS);
    }
    return ns;
}

static void loop(const struct bench_loop *l)
{
    char text[512];
    uint32_t iterations = bench_is_quick() ? QUICK_ITERATIONS : ITERATIONS;
    struct world *w = world_new();
    snprintf(text, sizeof text, BENCH_LOOP, iterations, l->body);
    world_put_code(w, PROGRAM, text);
    bench_time_row(l->name, BENCH_NS, &(struct bench_work){run_loop, w, iterations}, l->target);
    world_free(w);
}

/* ---- the token */

struct transfers {
    struct world *w;
    uint8_t data[BENCH_TRANSFER_BYTES];
    uint64_t instructions;
};

static void transfer(struct transfers *t)
{
    struct td_arena_mark mark = td_arena_mark(&t->w->vm_arena);
    struct exec_outcome out =
        world_call(t->w, PROGRAM, 100000, 0, td_bytes_of(t->data, sizeof t->data));
    TD_ASSERT(out.status == EXEC_SUCCESS && world_number(&out) == 1);
    td_arena_rewind(&t->w->vm_arena, mark);
}

/* The same memory again and again: a fresh state, code prepared and slots warm. */
static void begin_again(struct transfers *t)
{
    struct world *w = t->w;
    td_arena_reset(&w->state_arena);
    w->state = exec_state_init(w->state, &w->state_arena, &w->reader);
    exec_code_cache_init(&w->codes, &w->state_arena);
    world_begin(w);
    transfer(t);
}

static uint64_t run_transfers(void *ctx, uint64_t rounds)
{
    struct transfers *t = ctx;
    uint64_t ns = 0;
    while (rounds-- > 0) {
        begin_again(t);
        uint64_t begin = bench_now_ns(BENCH_CPU);
        for (uint32_t i = 0; i < TRANSFERS; i++)
            transfer(t);
        ns += bench_now_ns(BENCH_CPU) - begin;
    }
    return ns;
}

static void count_step(void *self, const struct exec_trace_step *step)
{
    (void)step;
    ((struct transfers *)self)->instructions++;
}

static void token(void)
{
    struct transfers t = {.w = world_new()};
    const struct exec_tracer tracer = {.self = &t, .step = count_step};
    struct td_addr caller = world_addr(WORLD_CALLER), to = world_addr(0xbeef);
    const struct td_addr *const owners[] = {&caller, &to};
    world_put_code(t.w, PROGRAM, BENCH_TOKEN);
    for (uint32_t i = 0; i < 2; i++) {
        struct world_slot *s = &t.w->slots[t.w->slot_count++];
        *s = (struct world_slot){.addr = world_addr(PROGRAM),
                                 .value = exec_u256_of(UINT64_C(1) << 60)};
        bench_token_slot(&s->slot, owners[i]);
    }
    bench_transfer_data(t.data, &to, 1);
    begin_again(&t);
    t.w->vm.tracer = &tracer;
    transfer(&t);
    t.w->vm.tracer = NULL;
    bench_time_row("ERC-20 transfer, code prepared, slots warm", BENCH_US,
                   &(struct bench_work){run_transfers, &t, TRANSFERS}, 1.6);
    bench_note(
        "the token is hand-written in the manner of compiled code: %u instructions, %u bytes",
        (unsigned)t.instructions, (unsigned)t.w->accounts[1].code.len);
    world_free(t.w);
}

void bench_exec_evm(void)
{
    bench_group("EVM loops, per iteration of a million");
    for (uint32_t i = 0; i < BENCH_LOOPS; i++)
        loop(&bench_loops[i]);
    token();
}
