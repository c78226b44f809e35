/* Modular exponentiation against Python's pow (reference.py) over sizes, parities and cut inputs,
 * EIP-198's own examples, EIP-2565's gas, and the bounds: sizes no machine has, arenas too small.
 */
#include "tests/base/lines.h"

#include "executor/crypto/modexp.h"

#define ARENA_BYTES (1u << 20)

static uint8_t memory[ARENA_BYTES];

static struct td_bytes decode(uint8_t *buffer, size_t cap, const char *hex)
{
    return td_bytes_of(buffer, lines_hex(buffer, cap, hex));
}

Test(executor_modexp, reference)
{
    static char line[LINE_MAX_BYTES];
    FILE *f = lines_open();
    size_t cases = 0;
    while (lines_next(f, line)) {
        char *cursor = line;
        uint8_t data[2048];
        uint8_t want[512];
        struct td_bytes in = decode(data, sizeof data, lines_field(&cursor));
        struct td_bytes expected = decode(want, sizeof want, lines_field(&cursor));
        uint64_t gas = strtoull(lines_field(&cursor), NULL, 10);
        struct td_arena arena;
        struct td_bytes got;
        td_arena_init(&arena, memory, sizeof memory);
        cr_expect_eq(exec_modexp_gas(in), gas, "case %zu", cases);
        cr_assert_eq(exec_modexp(&arena, in, &got), EXEC_MODEXP_OK);
        cr_assert(td_bytes_eq(got, expected), "case %zu", cases);
        cr_expect(arena.used <= expected.len + 16, "scratch was not given back");
        cr_expect_leq(arena.peak, 25 * expected.len + 200);
        cases++;
    }
    fclose(f);
    cr_expect_geq(cases, 1500);
}

#define Z31 "00000000000000000000000000000000000000000000000000000000000000"
#define SECP_P "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f"
#define SECP_P_LESS_1 "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2e"

/* The examples of EIP-198 that terminate, with EIP-2565's gas for the first two (its test table).
 */
Test(executor_modexp, eip_198_examples)
{
    static const struct {
        const char *input;
        const char *want;
        uint64_t gas;
    } CASES[] = {
        {Z31 "01" Z31 "20" Z31 "20"
             "03" SECP_P_LESS_1 SECP_P,
         Z31 "01", 1360},
        {Z31 "00" Z31 "20" Z31 "20" SECP_P_LESS_1 SECP_P, Z31 "00", 1360},
        {Z31 "01" Z31 "02" Z31 "20"
             "03ffff8000000000000000000000000000000000000000000000000000000000000000"
             "07",
         "3b01b01ac41f2d6e917c6d6a221ce793802469026d9ab7578fa2e79e4da6aaab", 200},
        {Z31 "01" Z31 "02" Z31 "20"
             "03ffff80",
         "3b01b01ac41f2d6e917c6d6a221ce793802469026d9ab7578fa2e79e4da6aaab", 200},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        uint8_t data[256];
        uint8_t want[32];
        struct td_arena arena;
        struct td_bytes got;
        struct td_bytes in = decode(data, sizeof data, CASES[i].input);
        cr_assert_eq(lines_hex(want, sizeof want, CASES[i].want), 32);
        td_arena_init(&arena, memory, sizeof memory);
        cr_expect_eq(exec_modexp_gas(in), CASES[i].gas, "case %zu", i);
        cr_assert_eq(exec_modexp(&arena, in, &got), EXEC_MODEXP_OK);
        cr_expect(td_bytes_eq(got, td_bytes_of(want, 32)), "case %zu", i);
    }
}

/* A header of three sizes, each `high * 2^64 + low`, and nothing behind it. */
static struct td_bytes header(uint8_t out[96], const uint64_t low[3], const uint8_t high[3])
{
    memset(out, 0, 96);
    for (unsigned i = 0; i < 3; i++) {
        out[32 * i] = high[i];
        for (unsigned b = 0; b < 8; b++)
            out[32 * i + 31 - b] = (uint8_t)(low[i] >> (8 * b));
    }
    return td_bytes_of(out, 96);
}

/* EIP-2565's table: modulus and base of 64 to 1024 bytes, exponents 2 and 2^16 + 1. */
Test(executor_modexp, eip_2565_gas)
{
    static const struct {
        uint64_t size;
        uint64_t square;
        uint64_t pow_0x10001;
    } CASES[] = {
        {64, 200, 341}, {128, 200, 1365}, {256, 341, 5461}, {512, 1365, 21845}, {1024, 5461, 87381},
    };
    static uint8_t data[96 + 1024 + 3];
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        size_t size = (size_t)CASES[i].size;
        (void)header(data, (uint64_t[]){size, 1, size}, (uint8_t[]){0, 0, 0});
        memset(data + 96, 0, sizeof data - 96);
        data[96 + size] = 2;
        cr_expect_eq(exec_modexp_gas(td_bytes_of(data, 96 + size + 1)), CASES[i].square);
        data[32 + 31] = 3;
        memcpy(data + 96 + size, (uint8_t[]){1, 0, 1}, 3);
        cr_expect_eq(exec_modexp_gas(td_bytes_of(data, 96 + size + 3)), CASES[i].pow_0x10001);
    }
}

/* Sizes up to 2^256 - 1 either cost more than 2^64 - 1 gas or do not matter; none is ever walked.
 */
Test(executor_modexp, absurd_sizes)
{
    static const struct {
        uint64_t low[3];
        uint8_t high[3];
        uint64_t gas;
        enum exec_modexp_result result;
    } CASES[] = {
        {{0, 0, 0}, {0, 0, 0}, 200, EXEC_MODEXP_OK},
        {{0, 0, 0}, {0, 255, 0}, 200, EXEC_MODEXP_OK}, /* no base, no modulus: free exponent */
        {{0, 0, 0}, {255, 0, 0}, UINT64_MAX, EXEC_MODEXP_OK},
        {{0, 0, 0}, {0, 0, 255}, UINT64_MAX, EXEC_MODEXP_MEMORY},
        {{0, 0, 0}, {1, 1, 1}, UINT64_MAX, EXEC_MODEXP_MEMORY},
        {{UINT64_MAX, UINT64_MAX, UINT64_MAX}, {0, 0, 0}, UINT64_MAX, EXEC_MODEXP_MEMORY},
        {{1, UINT64_MAX, 1}, {0, 0, 0}, UINT64_MAX, EXEC_MODEXP_MEMORY},
        {{1, UINT64_C(1) << 40, 1}, {0, 0, 0}, ((UINT64_C(1) << 43) - 256) / 3, EXEC_MODEXP_OK},
        {{UINT64_C(1) << 36, 0, 1}, {0, 0, 0}, UINT64_MAX, EXEC_MODEXP_OK}, /* (2^33)^2 / 3 */
        {{1, 1, UINT64_C(1) << 32}, {0, 0, 0}, (UINT64_C(1) << 58) / 3, EXEC_MODEXP_MEMORY},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        uint8_t data[96];
        struct td_arena arena;
        struct td_bytes got;
        struct td_bytes in = header(data, CASES[i].low, CASES[i].high);
        td_arena_init(&arena, memory, sizeof memory);
        cr_expect_eq(exec_modexp_gas(in), CASES[i].gas, "case %zu", i);
        cr_expect_eq(exec_modexp(&arena, in, &got), CASES[i].result, "case %zu", i);
        if (CASES[i].result == EXEC_MODEXP_MEMORY)
            cr_expect_eq(arena.used, 0);
        for (size_t k = 0; k < got.len; k++)
            cr_expect_eq(got.ptr[k], 0);
    }
}

/* Inputs shorter than the header are read as if zeros followed. */
Test(executor_modexp, cut_header)
{
    uint8_t data[96];
    struct td_arena arena;
    struct td_bytes got;
    struct td_bytes in = header(data, (uint64_t[]){1, 1, 2}, (uint8_t[]){0, 0, 0});
    for (size_t len = 0; len <= 96; len++) {
        td_arena_init(&arena, memory, sizeof memory);
        cr_assert_eq(exec_modexp(&arena, td_bytes_of(in.ptr, len), &got), EXEC_MODEXP_OK);
        cr_expect_eq(got.len, len == 96 ? 2 : 0);
        cr_expect_eq(exec_modexp_gas(td_bytes_of(in.ptr, len)), 200);
    }
}

/* Every arena too small for a mixed modulus is refused and left as it was; the first one that is
 * large enough gives the same bytes as a roomy one. */
Test(executor_modexp, every_small_arena)
{
    uint8_t data[96 + 120];
    uint8_t want[40];
    struct td_arena arena;
    struct td_bytes got;
    (void)header(data, (uint64_t[]){40, 40, 40}, (uint8_t[]){0, 0, 0});
    for (unsigned i = 0; i < 120; i++)
        data[96 + i] = (uint8_t)(17 * i + 5);
    memset(data + 96 + 100, 0, 20); /* 2^160 divides the modulus */
    td_arena_init(&arena, memory, sizeof memory);
    cr_assert_eq(exec_modexp(&arena, td_bytes_of(data, sizeof data), &got), EXEC_MODEXP_OK);
    memcpy(want, got.ptr, sizeof want);
    size_t need = arena.peak;
    cr_assert_leq(need, 40 * 40 + 40);
    for (size_t cap = 0; cap < need; cap++) {
        td_arena_init(&arena, memory, cap);
        cr_assert_eq(exec_modexp(&arena, td_bytes_of(data, sizeof data), &got), EXEC_MODEXP_MEMORY);
        cr_assert_eq(arena.used, 0);
        cr_assert_eq(got.len, 0);
    }
    td_arena_init(&arena, memory, need);
    cr_assert_eq(exec_modexp(&arena, td_bytes_of(data, sizeof data), &got), EXEC_MODEXP_OK);
    cr_expect(td_bytes_eq(got, td_bytes_of(want, sizeof want)));
}
