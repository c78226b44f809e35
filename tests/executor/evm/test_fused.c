/* executor/evm/fused: sequences run as one give what their opcodes give.
 * Method: rows of code and what is dispatched on; then random programs, made of the sequences, of
 * their beginnings and near misses, each run with and without a tracer, which never fuses.  Status,
 * gas, native units and output must agree with ample limits and with every limit that cuts a
 * program off somewhere, stacks near both ends included. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/core/rng.h"
#include "executor/evm/code.h"
#include "tests/executor/evm/world.h"

#define PROGRAM 0x1000u
#define CODE_MAX 4096u
#define GAS 20000

struct program {
    uint8_t code[CODE_MAX];
    size_t len;
    size_t wants[512]; /* where two bytes of a jump's target go */
    size_t want_count;
};

/* ---- what is dispatched on */

static const struct {
    const char *code, *ops;
} ROWS[] = {
    {".6100035b", ".6100035b"}, /* no jump after it */
    {".610004565b", ".b00004565b"},
    {".610004575b", ".b10004575b"},
    {".610005575b", ".610005575b"},         /* beyond the end */
    {".610003575b", ".610003575b"},         /* not a JUMPDEST */
    {".61000657605b5b", ".b1000657605b5b"}, /* past a JUMPDEST that is data */
    {".61000557605b5b", ".61000557605b5b"}, /* at one */
    {".15610005575b", ".b2b10005575b"},
    {".15610005565b", ".15b00005565b"},
    {".8063a9059cbb1461000b575b", ".b363a9059cbb14b1000b575b"},
    {".8063a9059cbb1061000b575b", ".8063a9059cbb10b1000b575b"},
    {".73ffffffffffffffffffffffffffffffffffffffff16",
     ".b4ffffffffffffffffffffffffffffffffffffffff16"},
    {".73fffffffffffffffffffffffffffffffffffffffe16",
     ".73fffffffffffffffffffffffffffffffffffffffe16"},
    {".6001600160a01b0316", ".b501600160a01b0316"},
    {".6001600160a01b0216", ".6001600160a01b0216"},
    {".5050", ".b650"},
    {".505050", ".b6b650"},
    {".9050915092509350", ".b750b850b9509350"},
    {".600101", ".ba0101"},
    {".5f600101", ".5fba0101"},
    {".b0b5baaf", ".fefefeaf"}, /* undefined opcodes stay undefined */
    {".61b0b5bb", ".61b0b5bb"}, /* data stays data */
    {".615050", ".615050"},     /* a sequence that is data */
    {".6150", ".6150"},         /* cut off: the padding is not code */
    {".90", ".90"},
    {".7f600101", ".7f600101"},
};

Test(fused, what_is_dispatched_on)
{
    struct world *w = world_new();
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct exec_code code;
        struct td_bytes bytes = world_code(w, ROWS[i].code);
        struct td_bytes ops = world_code(w, ROWS[i].ops);
        cr_assert(exec_code_prepare(&code, &w->vm_arena, bytes));
        cr_assert_eq(ops.len, bytes.len);
        cr_expect_arr_eq(code.bytes, bytes.ptr, bytes.len, "%s", ROWS[i].code);
        cr_expect_arr_eq(code.ops, ops.ptr, ops.len, "%s", ROWS[i].code);
        for (size_t k = 0; k < EXEC_CODE_PADDING; k++)
            cr_expect_eq(code.ops[bytes.len + k], 0);
    }
    world_free(w);
}

/* ---- random programs */

static void emit(struct program *p, const void *bytes, size_t len)
{
    cr_assert_leq(p->len + len, (size_t)CODE_MAX);
    memcpy(p->code + p->len, bytes, len);
    p->len += len;
}

/* The sequences; `target` is where a jump's two bytes are, or 0. */
static const struct {
    uint8_t len, target;
    uint8_t bytes[22];
} SEQUENCES[] = {
    {4, 1, {0x61, 0, 0, 0x56}},
    {4, 1, {0x61, 0, 0, 0x57}},
    {5, 2, {0x15, 0x61, 0, 0, 0x57}},
    {11, 8, {0x80, 0x63, 0, 0, 0, 2, 0x14, 0x61, 0, 0, 0x57}},
    {22, 0, {0x73, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
             255,  255, 255, 255, 255, 255, 255, 255, 255, 255, 0x16}},
    {9, 0, {0x60, 1, 0x60, 1, 0x60, 0xa0, 0x1b, 0x03, 0x16}},
    {2, 0, {0x50, 0x50}},
    {2, 0, {0x90, 0x50}},
    {2, 0, {0x91, 0x50}},
    {2, 0, {0x92, 0x50}},
    {3, 0, {0x60, 0xff, 0x01}},
};
#define SEQUENCE_COUNT (sizeof SEQUENCES / sizeof SEQUENCES[0])

static void sequence(struct program *p, struct td_rng *r)
{
    uint8_t bytes[22];
    size_t which = td_rng_below(r, SEQUENCE_COUNT);
    size_t len = SEQUENCES[which].len;
    memcpy(bytes, SEQUENCES[which].bytes, sizeof bytes);
    if (td_rng_chance_ppm(r, 50000))
        bytes[td_rng_below(r, len)] ^= (uint8_t)(1u << td_rng_below(r, 8));
    if (SEQUENCES[which].target != 0)
        p->wants[p->want_count++] = p->len + SEQUENCES[which].target;
    if (td_rng_chance_ppm(r, 50000))
        len = 1 + td_rng_below(r, len);
    emit(p, bytes, len);
}

static void piece(struct program *p, struct td_rng *r)
{
    static const uint8_t SMALL[] = {0x01, 0x03, 0x10, 0x14, 0x15, 0x16, 0x19, 0x50, 0x5a, 0x58,
                                    0x80, 0x81, 0x82, 0x90, 0x91, 0x5b, 0x5b, 0x5b, 0x5f};
    uint64_t kind = td_rng_below(r, 100);
    if (kind < 45) {
        sequence(p, r);
    } else if (kind < 60) { /* a number, now and then of many bits */
        uint8_t push[33] = {(uint8_t)(0x60u + td_rng_below(r, 3) * td_rng_below(r, 12))};
        size_t count = push[0] - 0x5fu;
        for (size_t i = 1; i <= count; i++)
            push[i] = td_rng_chance_ppm(r, 500000) ? (uint8_t)td_rng_below(r, 4) : 0xff;
        emit(p, push, 1 + count);
    } else if (kind < 62) { /* a fused opcode's own number */
        emit(p, &(uint8_t){(uint8_t)(EXEC_FUSED_FIRST + td_rng_below(r, 12))}, 1);
    } else if (kind < 64) {
        emit(p, "\x5f\x51", 2); /* PUSH0 MLOAD */
    } else {
        emit(p, &SMALL[td_rng_below(r, sizeof SMALL)], 1);
    }
}

static void make(struct program *p, struct td_rng *r)
{
    p->len = 0;
    p->want_count = 0;
    /* An empty stack, a usual one, or one that is about to be full. */
    uint64_t depth = td_rng_below(r, 4);
    depth = depth == 0 ? td_rng_below(r, 4) : depth == 1 ? 1015 + td_rng_below(r, 10) : 20;
    for (uint64_t i = 0; i < depth; i++)
        emit(p, td_rng_chance_ppm(r, 300000) ? "\x5f" : "\x58", 1); /* PUSH0, PC */
    for (unsigned i = 0; i < 60; i++)
        piece(p, r);
    emit(p, "\x5f\x52\x60\x20\x5f\xf3", 6); /* PUSH0 MSTORE PUSH1 32 PUSH0 RETURN */
    for (size_t i = 0; i < p->want_count; i++) {
        size_t to = td_rng_below(r, p->len);
        for (unsigned k = 0; k < 200 && p->code[to] != 0x5b && !td_rng_chance_ppm(r, 3000); k++)
            to = td_rng_below(r, p->len);
        p->code[p->wants[i]] = (uint8_t)(to >> 8);
        p->code[p->wants[i] + 1] = (uint8_t)to;
    }
}

struct result {
    struct exec_outcome out;
    int64_t native_left;
    uint8_t output[32];
};

static void run(struct world *w, int64_t gas, int64_t native, const struct exec_tracer *tracer,
                struct result *r)
{
    struct td_arena_mark mark = td_arena_mark(&w->vm_arena);
    w->vm.tracer = tracer;
    w->vm.native_left = native;
    world_begin(w);
    r->out = world_call(w, PROGRAM, gas, 0, td_bytes_of(NULL, 0));
    r->native_left = w->vm.native_left;
    memset(r->output, 0, sizeof r->output);
    if (r->out.output.len == sizeof r->output)
        memcpy(r->output, r->out.output.ptr, sizeof r->output);
    td_arena_rewind(&w->vm_arena, mark);
}

/* Returns what the traced run left. */
static struct result both(struct world *w, int64_t gas, int64_t native, uint64_t seed)
{
    static const struct exec_tracer TRACER;
    struct result one, fused;
    run(w, gas, native, &TRACER, &one);
    run(w, gas, native, NULL, &fused);
    cr_assert_eq(fused.out.status, one.out.status, "program %llu: %s, one by one %s",
                 (unsigned long long)seed, exec_status_text(fused.out.status),
                 exec_status_text(one.out.status));
    cr_assert_eq(fused.out.gas_left, one.out.gas_left, "program %llu", (unsigned long long)seed);
    cr_assert_eq(fused.native_left, one.native_left, "program %llu", (unsigned long long)seed);
    cr_assert_eq(fused.out.output.len, one.out.output.len);
    cr_assert_arr_eq(fused.output, one.output, sizeof one.output);
    return one;
}

Test(fused, random_programs_agree_with_their_opcodes, .timeout = 120)
{
    unsigned statuses[32] = {0};
    for (uint64_t seed = 0; seed < 3000; seed++) {
        static struct program p;
        struct td_rng r;
        const int64_t native = 10000000;
        td_rng_init(&r, seed);
        make(&p, &r);
        struct world *w = world_new();
        world_put(w, PROGRAM, 1, 0, td_bytes_of(p.code, p.len));
        struct result full = both(w, GAS, native, seed);
        statuses[full.out.status]++;
        int64_t gas_used = GAS - full.out.gas_left, native_used = native - full.native_left;
        for (unsigned i = 0; i < 12; i++) {
            struct result cut =
                both(w, (int64_t)td_rng_below(&r, (uint64_t)gas_used + 1), native, seed);
            statuses[cut.out.status]++;
            cut = both(w, GAS, (int64_t)td_rng_below(&r, (uint64_t)native_used + 1), seed);
            statuses[cut.out.status]++;
        }
        world_free(w);
    }
    /* The programs are worth running: all of these happen. */
    static const enum exec_status SEEN[] = {
        EXEC_SUCCESS,        EXEC_OUT_OF_GAS,      EXEC_OUT_OF_NATIVE, EXEC_BAD_OPCODE,
        EXEC_STACK_OVERFLOW, EXEC_STACK_UNDERFLOW, EXEC_BAD_JUMP};
    for (size_t i = 0; i < sizeof SEEN / sizeof SEEN[0]; i++)
        cr_expect_geq(statuses[SEEN[i]], 20u, "%s", exec_status_text(SEEN[i]));
}
