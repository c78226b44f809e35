/* Precompiled contracts as calls see them: prices, inputs cut short or too long, failures.  The
 * mathematics is tested where it lives (tests/executor/crypto). */
#include <criterion/criterion.h>

#include "base/core/keccak.h"
#include "executor/precompiles.h"
#include "tests/executor/evm/world.h"

static uint8_t memory[1 << 20];

struct answer {
    enum exec_pre_result result;
    int64_t gas, native; /* used */
    struct td_bytes output;
};

static struct answer ask(uint32_t index, const void *input, size_t len, int64_t gas_limit,
                         int64_t native_limit)
{
    static struct td_arena arena;
    struct answer a;
    int64_t gas = gas_limit;
    int64_t native = native_limit;
    td_arena_init(&arena, memory, sizeof memory);
    a.result =
        exec_precompile_run(index, td_bytes_of(input, len), &gas, &native, &arena, &a.output);
    a.gas = gas_limit - gas;
    a.native = native_limit - native;
    cr_assert_geq(gas, 0);
    cr_assert_geq(native, 0);
    return a;
}

#define PLENTY (INT64_C(1) << 40)

Test(precompiles, addresses)
{
    for (uint64_t n = 0; n < 300; n++) {
        struct td_addr a = world_addr(n);
        cr_assert_eq(exec_precompile_index(&a), n <= 0x11 ? n : 0);
        cr_assert_eq(exec_is_precompile(&a), n >= 1 && n <= 0x11);
        a.b[0] = 1;
        cr_assert_eq(exec_precompile_index(&a), 0);
    }
}

/* Each is charged exactly, and with one unit less it does nothing. */
Test(precompiles, prices)
{
    static uint8_t input[384];
    static const struct {
        uint32_t index;
        size_t len;
        int64_t gas;
    } ROWS[] = {
        {1, 0, 3000}, {1, 128, 3000}, {2, 0, 60},    {2, 1, 72},      {2, 32, 72},
        {2, 33, 84},  {3, 0, 600},    {3, 32, 720},  {3, 33, 840},    {4, 0, 15},
        {4, 1, 18},   {4, 64, 21},    {5, 0, 200},   {6, 0, 150},     {6, 128, 150},
        {7, 0, 6000}, {7, 96, 6000},  {8, 0, 45000}, {8, 192, 79000}, {8, 384, 113000},
        {9, 213, 0},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct answer a = ask(ROWS[i].index, input, ROWS[i].len, PLENTY, PLENTY);
        cr_assert_eq(a.result, EXEC_PRE_OK, "%u of %zu", ROWS[i].index, ROWS[i].len);
        cr_assert_eq(a.gas, ROWS[i].gas, "%u of %zu", ROWS[i].index, ROWS[i].len);
        cr_assert_gt(a.native, 0);
        struct answer exact = ask(ROWS[i].index, input, ROWS[i].len, a.gas, a.native);
        cr_assert_eq(exact.result, EXEC_PRE_OK);
        struct answer poor = ask(ROWS[i].index, input, ROWS[i].len, a.gas, a.native - 1);
        cr_assert_eq(poor.result, EXEC_PRE_NATIVE);
        cr_assert_eq(poor.gas, 0);
        cr_assert_eq(poor.output.len, 0);
        if (a.gas == 0)
            continue;
        poor = ask(ROWS[i].index, input, ROWS[i].len, a.gas - 1, a.native);
        cr_assert_eq(poor.result, EXEC_PRE_OUT_OF_GAS);
        cr_assert_eq(poor.native, 0);
        cr_assert_eq(poor.output.len, 0);
    }
}

Test(precompiles, blake2f_pays_by_round)
{
    uint8_t input[213] = {0, 0, 1, 0};
    struct answer a = ask(9, input, sizeof input, PLENTY, PLENTY);
    cr_assert_eq(a.result, EXEC_PRE_OK);
    cr_assert_eq(a.gas, 256);
    cr_assert_eq(a.output.len, 64);
    input[212] = 2;
    cr_assert_eq(ask(9, input, sizeof input, PLENTY, PLENTY).result, EXEC_PRE_FAIL);
    cr_assert_eq(ask(9, input, 212, PLENTY, PLENTY).result, EXEC_PRE_FAIL);
    cr_assert_eq(ask(9, NULL, 0, PLENTY, PLENTY).result, EXEC_PRE_FAIL);
    memset(input, 0xff, 4);
    cr_assert_eq(ask(9, input, 213, 1000000, PLENTY).result, EXEC_PRE_OUT_OF_GAS);
}

Test(precompiles, hashes_of_nothing)
{
    static const uint8_t SHA[] = {0xe3, 0xb0, 0xc4, 0x42};
    static const uint8_t RIPEMD[] = {0x9c, 0x11, 0x85, 0xa5};
    struct answer a = ask(2, NULL, 0, PLENTY, PLENTY);
    cr_assert_eq(a.output.len, 32);
    cr_assert_arr_eq(a.output.ptr, SHA, 4);
    a = ask(3, NULL, 0, PLENTY, PLENTY);
    cr_assert_eq(a.output.len, 32);
    for (unsigned i = 0; i < 12; i++)
        cr_assert_eq(a.output.ptr[i], 0);
    cr_assert_arr_eq(a.output.ptr + 12, RIPEMD, 4);
}

/* The generator times the group order minus one is its negative; their sum is the infinity. */
Test(precompiles, bn254_pads_and_refuses)
{
    uint8_t input[200] = {[31] = 1, [63] = 2};
    struct answer a = ask(6, input, 64, PLENTY, PLENTY); /* G + 0 */
    cr_assert_eq(a.result, EXEC_PRE_OK);
    cr_assert_eq(a.output.len, 64);
    cr_assert_arr_eq(a.output.ptr, input, 64);
    a = ask(6, input, 200, PLENTY, PLENTY); /* what follows is not looked at */
    cr_assert_arr_eq(a.output.ptr, input, 64);
    a = ask(7, input, 64, PLENTY, PLENTY); /* times 0 */
    for (unsigned i = 0; i < 64; i++)
        cr_assert_eq(a.output.ptr[i], 0);
    cr_assert_eq(ask(6, input, 63, PLENTY, PLENTY).result, EXEC_PRE_FAIL); /* (1, 0) */
    cr_assert_eq(ask(7, input, 63, PLENTY, PLENTY).result, EXEC_PRE_FAIL);
    cr_assert_eq(ask(8, input, 191, PLENTY, PLENTY).result, EXEC_PRE_FAIL);
    input[31] = 3;
    cr_assert_eq(ask(8, input, 192, PLENTY, PLENTY).result, EXEC_PRE_FAIL);
    a = ask(8, NULL, 0, PLENTY, PLENTY);
    cr_assert_eq(a.output.len, 32);
    cr_assert_eq(a.output.ptr[31], 1);
}

/* An unusable signature succeeds with no output. */
Test(precompiles, ecrecover_of_bad_signatures)
{
    uint8_t input[128] = {0};
    static const struct {
        unsigned at;
        uint8_t value;
    } CASES[] = {{63, 27}, {63, 28}, {63, 29}, {63, 0}, {32, 27}};
    for (unsigned i = 0; i < 5; i++) {
        memset(input, 0, sizeof input);
        input[CASES[i].at] = CASES[i].value;
        struct answer a = ask(1, input, sizeof input, PLENTY, PLENTY);
        cr_assert_eq(a.result, EXEC_PRE_OK);
        cr_assert_eq(a.output.len, 0);
        cr_assert_eq(a.gas, 3000);
    }
}

static size_t unhex(uint8_t *to, const char *hex)
{
    size_t len = strlen(hex) / 2;
    for (size_t i = 0; i < len; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], 0};
        to[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return len;
}

/* Key 1 signing digest 1 with nonce 1: r = G.x, s = 1 + r; its address is that of the generator. */
Test(precompiles, ecrecover_finds_the_signer)
{
    uint8_t input[160] = {0};
    static const char R[] = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
    uint8_t want[20];
    input[31] = 1;
    input[63] = 27;
    unhex(input + 64, R);
    unhex(input + 96, R);
    input[127]++;
    unhex(want, "7e5f4552091a69125d5dfcb7b8c2659029395bdf");
    struct answer a = ask(1, input, 128, PLENTY, PLENTY);
    cr_assert_eq(a.output.len, 32);
    cr_assert_arr_eq(a.output.ptr + 12, want, 20);
    cr_assert_eq(a.output.ptr[0], 0);
    a = ask(1, input, 160, PLENTY, PLENTY);
    cr_assert_eq(a.output.len, 32);
    input[32] = 1; /* v is a whole word */
    cr_assert_eq(ask(1, input, 128, PLENTY, PLENTY).output.len, 0);
}

Test(precompiles, modexp_sizes_beyond_all_gas)
{
    uint8_t input[96];
    memset(input, 0xff, sizeof input);
    cr_assert_eq(ask(5, input, 96, PLENTY, PLENTY).result, EXEC_PRE_OUT_OF_GAS);
    cr_assert_eq(ask(5, input, 96, INT64_MAX, INT64_MAX).result, EXEC_PRE_OUT_OF_GAS);
    memset(input, 0, sizeof input);
    input[95] = 1; /* 0^0 mod "nothing that follows": modulus 0 gives 0 */
    struct answer a = ask(5, input, 96, PLENTY, PLENTY);
    cr_assert_eq(a.result, EXEC_PRE_OK);
    cr_assert_eq(a.output.len, 1);
    cr_assert_eq(a.output.ptr[0], 0);
}

Test(precompiles, those_not_covered_fail)
{
    for (uint32_t i = 0x0a; i <= 0x11; i++)
        cr_assert_eq(ask(i, memory, 10, PLENTY, PLENTY).result, EXEC_PRE_FAIL);
    cr_assert_eq(ask(0, memory, 10, PLENTY, PLENTY).result, EXEC_PRE_FAIL);
    cr_assert_eq(ask(0x12, memory, 10, PLENTY, PLENTY).result, EXEC_PRE_FAIL);
}
