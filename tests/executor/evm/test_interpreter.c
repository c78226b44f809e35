/* Opcodes, one table row each: what a program returns and the exact gas it takes.  Gas is worked
 * out by hand from the execution specification's tables, not taken from a run. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/core/keccak.h"
#include "tests/executor/evm/world.h"

#define GAS 1000000
#define RET 13 /* `ret`: PUSH0 2, MSTORE 3 and a word of memory 3, PUSH1 3, PUSH0 2, RETURN 0 */

struct row {
    const char *code;
    const char *want; /* hexadecimal, or NULL: not compared */
    int64_t gas;      /* used */
    enum exec_status status;
};

static struct exec_u256 number(const char *hex)
{
    struct exec_u256 r = {{0}};
    for (; *hex != 0; hex++) {
        uint32_t digit = (uint32_t)(*hex <= '9' ? *hex - '0' : *hex - 'a' + 10);
        exec_u256_shl(&r, &r, 4);
        r.w[0] |= digit;
    }
    return r;
}

static void check_row(const struct row *r)
{
    struct world *w = world_new();
    struct exec_outcome out = world_run(w, r->code, GAS);
    cr_assert_eq(out.status, r->status, "%s: %s", r->code, exec_status_text(out.status));
    bool gone = r->status != EXEC_SUCCESS && r->status != EXEC_REVERT;
    cr_assert_eq(GAS - out.gas_left, gone ? GAS : r->gas, "%s: gas %lld, not %lld", r->code,
                 (long long)(GAS - out.gas_left), (long long)r->gas);
    if (r->want != NULL) {
        struct exec_u256 got = world_word(&out);
        struct exec_u256 want = number(r->want);
        cr_assert(exec_u256_eq(&got, &want), "%s: %016llx%016llx%016llx%016llx", r->code,
                  (unsigned long long)got.w[3], (unsigned long long)got.w[2],
                  (unsigned long long)got.w[1], (unsigned long long)got.w[0]);
    }
    cr_assert_eq(w->vm_arena.used, out.output.len);
    world_free(w);
}

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_row(&rows[i]);
}

#define CHECK(rows) check_rows(rows, sizeof rows / sizeof rows[0])
#define ONES "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define MIN "8000000000000000000000000000000000000000000000000000000000000000"

Test(interpreter, arithmetic)
{
    static const struct row ROWS[] = {
        {"2 3 ADD ret", "5", 9 + RET, EXEC_SUCCESS},
        {"1 0x" ONES " ADD ret", "0", 9 + RET, EXEC_SUCCESS},
        {"3 7 MUL ret", "15", 11 + RET, EXEC_SUCCESS},
        {"2 7 SUB ret", "5", 9 + RET, EXEC_SUCCESS},
        {"1 0 SUB ret", ONES, 8 + RET, EXEC_SUCCESS},
        {"3 10 DIV ret", "3", 11 + RET, EXEC_SUCCESS},
        {"0 10 DIV ret", "0", 10 + RET, EXEC_SUCCESS},
        {"2 0 NOT SDIV ret", "0", 13 + RET, EXEC_SUCCESS},
        {"0 NOT 0x" MIN " SDIV ret", MIN, 13 + RET, EXEC_SUCCESS},
        {"3 10 MOD ret", "1", 11 + RET, EXEC_SUCCESS},
        {"3 10 0 SUB SMOD ret", ONES, 16 + RET, EXEC_SUCCESS},
        {"7 5 0 NOT ADDMOD ret", "6", 19 + RET, EXEC_SUCCESS},
        {"7 0 NOT 0 NOT MULMOD ret", "1", 21 + RET, EXEC_SUCCESS},
        {"0 1 1 ADDMOD ret", "0", 16 + RET, EXEC_SUCCESS},
        {"10 2 EXP ret", "400", 6 + 60 + RET, EXEC_SUCCESS},
        {"0 2 EXP ret", "1", 5 + 10 + RET, EXEC_SUCCESS},
        {"256 2 EXP ret", "0", 6 + 110 + RET, EXEC_SUCCESS},
        {"0xff 0 SIGNEXTEND ret", ONES, 10 + RET, EXEC_SUCCESS},
    };
    CHECK(ROWS);
}

Test(interpreter, comparison_and_bits)
{
    static const struct row ROWS[] = {
        {"2 1 LT ret", "1", 9 + RET, EXEC_SUCCESS},
        {"1 2 LT ret", "0", 9 + RET, EXEC_SUCCESS},
        {"1 2 GT ret", "1", 9 + RET, EXEC_SUCCESS},
        {"1 0 NOT SLT ret", "1", 11 + RET, EXEC_SUCCESS},
        {"1 0 NOT SGT ret", "0", 11 + RET, EXEC_SUCCESS},
        {"1 1 EQ ret", "1", 9 + RET, EXEC_SUCCESS},
        {"0 ISZERO ret", "1", 5 + RET, EXEC_SUCCESS},
        {"12 10 AND ret", "8", 9 + RET, EXEC_SUCCESS},
        {"12 10 OR ret", "e", 9 + RET, EXEC_SUCCESS},
        {"12 10 XOR ret", "6", 9 + RET, EXEC_SUCCESS},
        {"0 NOT ret", ONES, 5 + RET, EXEC_SUCCESS},
        {"0x1234 30 BYTE ret", "12", 9 + RET, EXEC_SUCCESS},
        {"0x1234 32 BYTE ret", "0", 9 + RET, EXEC_SUCCESS},
        {"1 255 SHL ret", MIN, 9 + RET, EXEC_SUCCESS},
        {"1 256 SHL ret", "0", 9 + RET, EXEC_SUCCESS},
        {"0x" MIN " 255 SHR ret", "1", 9 + RET, EXEC_SUCCESS},
        {"0x" MIN " 0x" MIN " SHR ret", "0", 9 + RET, EXEC_SUCCESS},
        {"0x" MIN " 255 SAR ret", ONES, 9 + RET, EXEC_SUCCESS},
        {"0x" MIN " 0x" MIN " SAR ret", ONES, 9 + RET, EXEC_SUCCESS},
    };
    CHECK(ROWS);
}

Test(interpreter, keccak_and_memory)
{
    static const struct row ROWS[] = {
        {"0 0 KECCAK256 ret", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
         4 + 30 + RET, EXEC_SUCCESS},
        /* one word hashed, one word of memory that `ret` then has for nothing */
        {"32 0 KECCAK256 ret", "290decd9548b62a8d60345a988386fc84ba6bc95484008f6362f93160ef3e563",
         5 + 36 + 3 + RET - 3, EXEC_SUCCESS},
        {"7 64 MSTORE 64 MLOAD ret", "7", 6 + 3 + 9 + 3 + 3 + RET - 3, EXEC_SUCCESS},
        {"0xabcd 0 MSTORE8 0 MLOAD ret",
         "cd00000000000000000000000000000000000000000000000000000000000000",
         5 + 3 + 3 + 2 + 3 + RET - 3, EXEC_SUCCESS},
        {"1 33 MSTORE8 MSIZE ret", "40", 6 + 3 + 6 + 2 + RET - 3, EXEC_SUCCESS},
        {"MSIZE ret", "0", 2 + RET, EXEC_SUCCESS},
        /* memory of 1024 words: 3 * 1024 + 1024^2 / 512 */
        {"0 0x7fe0 MSTORE MSIZE ret", "8000", 5 + 3 + 3072 + 2048 + 2 + RET - 3, EXEC_SUCCESS},
        {"0 0xffffffff MSTORE", NULL, 0, EXEC_OUT_OF_GAS},
        {"0 0x" ONES " MSTORE", NULL, 0, EXEC_OUT_OF_GAS},
        {"0x" ONES " MLOAD", NULL, 0, EXEC_OUT_OF_GAS},
        {"0x" ONES " 0 KECCAK256", NULL, 0, EXEC_OUT_OF_GAS},
        /* a range of no bytes may lie anywhere */
        {"0 0x" ONES " KECCAK256 ret",
         "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470", 5 + 30 + RET,
         EXEC_SUCCESS},
        /* EIP-5656: 0x20 bytes from 0x20 to 0 */
        {"5 32 MSTORE 32 32 0 MCOPY 0 MLOAD ret", "5", 6 + 3 + 6 + 8 + 6 + 2 + 3 + RET - 3,
         EXEC_SUCCESS},
        {"5 0 MSTORE 31 0 1 MCOPY 32 MLOAD ret",
         "0000000000000000000000000000000000000000000000000000000000000000",
         5 + 3 + 3 + 8 + 6 + 3 + 3 + 3 + RET - 3, EXEC_SUCCESS},
        {"32 0 32 MCOPY MSIZE ret", "40", 8 + 6 + 6 + 2 + RET - 3, EXEC_SUCCESS},
        {"32 32 0 MCOPY MSIZE ret", "40", 8 + 6 + 6 + 2 + RET - 3, EXEC_SUCCESS},
        {"0 0x" ONES " 0 MCOPY MSIZE ret", "0", 7 + 3 + 2 + RET, EXEC_SUCCESS},
    };
    CHECK(ROWS);
}

Test(interpreter, flow)
{
    static const struct row ROWS[] = {
        {"@on JUMP INVALID on: 7 ret", "7", 3 + 8 + 1 + 3 + RET, EXEC_SUCCESS},
        {"1 @on JUMPI INVALID on: 7 ret", "7", 6 + 10 + 1 + 3 + RET, EXEC_SUCCESS},
        {"0 @on JUMPI 9 ret on: 7 ret", "9", 5 + 10 + 3 + RET, EXEC_SUCCESS},
        {"3 JUMP", NULL, 0, EXEC_BAD_JUMP},
        {"0x" ONES " JUMP", NULL, 0, EXEC_BAD_JUMP},
        {"0x10000000000000000 JUMP", NULL, 0, EXEC_BAD_JUMP},
        /* a JUMPDEST inside a PUSH's data is none */
        {"4 JUMP .605b STOP", NULL, 0, EXEC_BAD_JUMP},
        /* the condition is the whole word */
        {"0x100000000000000000000000000000000 @on JUMPI INVALID on: 1 ret", "1",
         6 + 10 + 1 + 3 + RET, EXEC_SUCCESS},
        {"PC ret", "0", 2 + RET, EXEC_SUCCESS},
        {"STOP", NULL, 0, EXEC_SUCCESS},
        {".63ff", NULL, 3, EXEC_SUCCESS}, /* cut-off PUSH4, then the implicit STOP */
        {"INVALID", NULL, 0, EXEC_BAD_OPCODE},
        {".0c", NULL, 0, EXEC_BAD_OPCODE},
        {".ef", NULL, 0, EXEC_BAD_OPCODE},
        {"ADD", NULL, 0, EXEC_STACK_UNDERFLOW},
        {"1 ADD", NULL, 0, EXEC_STACK_UNDERFLOW},
        {"POP", NULL, 0, EXEC_STACK_UNDERFLOW},
        {"1 DUP2", NULL, 0, EXEC_STACK_UNDERFLOW},
        {"1 SWAP1", NULL, 0, EXEC_STACK_UNDERFLOW},
        {"on: 1 @on JUMP", NULL, 0, EXEC_STACK_OVERFLOW},
        {"on: @on JUMP", NULL, 0, EXEC_OUT_OF_GAS},
        {"0 0 REVERT", NULL, 4, EXEC_REVERT},
        {"7 0 MSTORE 32 0 REVERT", "7", 5 + 3 + 3 + 5, EXEC_REVERT},
        {"GAS ret", "f423e", 2 + RET, EXEC_SUCCESS},
    };
    CHECK(ROWS);
}

Test(interpreter, every_push_dup_and_swap)
{
    char text[256], want[80];
    for (unsigned n = 1; n <= 32; n++) {
        size_t at = (size_t)snprintf(text, sizeof text, ".%02x", 0x5fu + n);
        size_t digits = 0;
        for (unsigned i = 1; i <= n; i++) {
            at += (size_t)snprintf(text + at, sizeof text - at, "%02x", 0xa0u + i);
            digits += (size_t)snprintf(want + digits, sizeof want - digits, "%02x", 0xa0u + i);
        }
        snprintf(text + at, sizeof text - at, " ret");
        check_row(&(struct row){text, want, 3 + RET, EXEC_SUCCESS});
    }
    for (unsigned n = 1; n <= 16; n++) {
        size_t at = 0;
        for (unsigned i = n; i >= 1; i--)
            at += (size_t)snprintf(text + at, sizeof text - at, "%u ", i);
        snprintf(text + at, sizeof text - at, "DUP%u ret", n);
        snprintf(want, sizeof want, "%x", n);
        check_row(&(struct row){text, want, 3 * n + 3 + RET, EXEC_SUCCESS});
        /* one below the n just pushed comes to the top, and the top goes there */
        snprintf(text + at, sizeof text - at, "99 SWAP%u ret", n);
        check_row(&(struct row){text, want, 3 * n + 6 + RET, EXEC_SUCCESS});
        at += (size_t)snprintf(text + at, sizeof text - at, "99 SWAP%u ", n);
        for (unsigned i = 0; i < n; i++)
            at += (size_t)snprintf(text + at, sizeof text - at, "POP ");
        snprintf(text + at, sizeof text - at, "ret");
        check_row(&(struct row){text, "63", 3 * n + 6 + 2 * n + RET, EXEC_SUCCESS});
    }
}

Test(interpreter, stack_holds_1024_items)
{
    char text[8192];
    size_t at = 0;
    for (unsigned i = 0; i < 1024; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "PC ");
    struct world *w = world_new();
    struct exec_outcome out = world_run(w, text, GAS);
    cr_assert_eq(out.status, EXEC_SUCCESS);
    world_free(w);
    snprintf(text + at, sizeof text - at, "PC");
    check_row(&(struct row){text, NULL, 0, EXEC_STACK_OVERFLOW});
    snprintf(text + at, sizeof text - at, "DUP1");
    check_row(&(struct row){text, NULL, 0, EXEC_STACK_OVERFLOW});
}

Test(interpreter, surroundings)
{
    static const struct row ROWS[] = {
        {"ADDRESS ret", "1000", 2 + RET, EXEC_SUCCESS},
        {"ORIGIN ret", "ca11", 2 + RET, EXEC_SUCCESS},
        {"CALLER ret", "ca11", 2 + RET, EXEC_SUCCESS},
        {"CALLVALUE ret", "0", 2 + RET, EXEC_SUCCESS},
        {"GASPRICE ret", "9", 2 + RET, EXEC_SUCCESS},
        {"COINBASE ret", "c0", 2 + RET, EXEC_SUCCESS},
        {"TIMESTAMP ret", "6553f100", 2 + RET, EXEC_SUCCESS},
        {"NUMBER ret", "3e8", 2 + RET, EXEC_SUCCESS},
        {"PREVRANDAO ret", "7a4d", 2 + RET, EXEC_SUCCESS},
        {"GASLIMIT ret", "1c9c380", 2 + RET, EXEC_SUCCESS},
        {"CHAINID ret", "539", 2 + RET, EXEC_SUCCESS},
        {"BASEFEE ret", "7", 2 + RET, EXEC_SUCCESS},
        {"BLOBBASEFEE ret", "1", 2 + RET, EXEC_SUCCESS},
        {"0 BLOBHASH ret", "0", 5 + RET, EXEC_SUCCESS},
        {"SELFBALANCE ret", "0", 5 + RET, EXEC_SUCCESS},
        {"CODESIZE ret", "7", 2 + RET, EXEC_SUCCESS},
        /* bytes 4 to 6 of itself, then those from 10 and the zeros behind its 14 */
        {"3 4 0 CODECOPY 0 MLOAD ret",
         "5f395f0000000000000000000000000000000000000000000000000000000000",
         8 + 3 + 3 + 3 + 5 + RET - 3, EXEC_SUCCESS},
        {"32 10 0 CODECOPY 0 MLOAD ret",
         "60205ff300000000000000000000000000000000000000000000000000000000",
         8 + 3 + 3 + 3 + 5 + RET - 3, EXEC_SUCCESS},
        {"CALLDATASIZE ret", "0", 2 + RET, EXEC_SUCCESS},
        {"0 CALLDATALOAD ret", "0", 5 + RET, EXEC_SUCCESS},
        {"RETURNDATASIZE ret", "0", 2 + RET, EXEC_SUCCESS},
        {"0 0 0 RETURNDATACOPY", NULL, 6 + 3, EXEC_SUCCESS},
        {"0 1 0 RETURNDATACOPY", NULL, 0, EXEC_RETURN_DATA_RANGE},
        {"1 0 0 RETURNDATACOPY", NULL, 0, EXEC_RETURN_DATA_RANGE},
        {"0xca11 BALANCE ret", "de0b6b3a7640000", 3 + 100 + RET, EXEC_SUCCESS},
        {"0xbad BALANCE ret", "0", 3 + 2600 + RET, EXEC_SUCCESS},
        /* the address is the low 20 bytes */
        {"0xff000000000000000000000000000000000000ca11 BALANCE ret", "de0b6b3a7640000",
         3 + 100 + RET, EXEC_SUCCESS},
        {"0xbad EXTCODESIZE ret", "0", 3 + 2600 + RET, EXEC_SUCCESS},
        {"0xbad EXTCODEHASH ret", "0", 3 + 2600 + RET, EXEC_SUCCESS},
        {"0xca11 EXTCODEHASH ret",
         "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470", 3 + 100 + RET,
         EXEC_SUCCESS},
        {"0x1000 EXTCODESIZE ret", "a", 3 + 100 + RET, EXEC_SUCCESS},
        {"5 EXTCODESIZE ret", "0", 3 + 100 + RET, EXEC_SUCCESS}, /* precompiles are warm */
        {"999 BLOCKHASH ret", "0", 3 + 20 + RET, EXEC_SUCCESS},
    };
    CHECK(ROWS);
}

Test(interpreter, calldata_is_zero_past_its_end)
{
    static const uint8_t INPUT[40] = {[0] = 1, [31] = 2, [32] = 3, [39] = 4};
    static const struct {
        const char *code;
        const char *want;
    } ROWS[] = {
        {"0 CALLDATALOAD ret", "0100000000000000000000000000000000000000000000000000000000000002"},
        {"31 CALLDATALOAD ret", "0203000000000000040000000000000000000000000000000000000000000000"},
        {"40 CALLDATALOAD ret", "0"},
        {"0x" ONES " CALLDATALOAD ret", "0"},
        {"CALLDATASIZE ret", "28"},
        {"4 38 0 CALLDATACOPY 0 MLOAD ret",
         "0004000000000000000000000000000000000000000000000000000000000000"},
        {"0 NOT 0 MSTORE 32 0x" ONES " 0 CALLDATACOPY 0 MLOAD ret", "0"},
        {"64 8 0 CALLDATACOPY 0 MLOAD ret",
         "0000000000000000000000000000000000000000000000020300000000000004"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct world *w = world_new();
        world_put_code(w, 0x1000, ROWS[i].code);
        world_begin(w);
        struct exec_outcome out = world_call(w, 0x1000, GAS, 0, td_bytes_of(INPUT, sizeof INPUT));
        struct exec_u256 got = world_word(&out);
        struct exec_u256 want = number(ROWS[i].want);
        cr_assert(exec_u256_eq(&got, &want), "%s", ROWS[i].code);
        world_free(w);
    }
}

Test(interpreter, blockhash_knows_the_last_256)
{
    struct td_hash hashes[256];
    for (unsigned i = 0; i < 256; i++)
        memset(hashes[i].b, (int)i, 32);
    for (unsigned back = 0; back < 300; back++) {
        char text[64];
        struct world *w = world_new();
        w->block.hashes = hashes;
        w->block.hash_count = 256;
        snprintf(text, sizeof text, "%u BLOCKHASH ret", 1001 - back);
        struct exec_outcome out = world_run(w, text, GAS);
        bool known = back >= 2 && back <= 257;
        cr_assert_eq(out.output.len, 32);
        cr_assert_eq(out.output.ptr[9], known ? (uint8_t)(back - 2) : 0, "%u back", back);
        world_free(w);
    }
}

/* EIP-2200 and EIP-3529: the table of EIP-3529, each program's first access cold. */
Test(interpreter, storage_gas_and_refunds)
{
    static const struct {
        uint64_t original;
        const char *code;
        int64_t gas, refund;
    } ROWS[] = {
        {0, "0 0 SSTORE 0 0 SSTORE", 2300, 0},
        {0, "0 0 SSTORE 1 0 SSTORE", 22200 + 1, 0},
        {0, "1 0 SSTORE 0 0 SSTORE", 22200 + 1, 19900},
        {0, "1 0 SSTORE 2 0 SSTORE", 22200 + 2, 0},
        {0, "1 0 SSTORE 1 0 SSTORE", 22200 + 2, 0},
        {1, "0 0 SSTORE 0 0 SSTORE", 5100, 4800},
        {1, "0 0 SSTORE 1 0 SSTORE", 5100 + 1, 2800},
        {1, "0 0 SSTORE 2 0 SSTORE", 5100 + 1, 0},
        {1, "2 0 SSTORE 0 0 SSTORE", 5100 + 1, 4800},
        {1, "2 0 SSTORE 3 0 SSTORE", 5100 + 2, 0},
        {1, "2 0 SSTORE 1 0 SSTORE", 5100 + 2, 2800},
        {1, "2 0 SSTORE 2 0 SSTORE", 5100 + 2, 0},
        {1, "1 0 SSTORE 0 0 SSTORE", 5100 + 1, 4800},
        {1, "1 0 SSTORE 2 0 SSTORE", 5100 + 2, 0},
        {1, "1 0 SSTORE 1 0 SSTORE", 2300 + 2, 0},
        {0, "0 SLOAD POP 0 SLOAD", 2100 + 100 + 2 - 4, 0},
        {0, "1 0 TSTORE 0 TLOAD", 200 - 1, 0},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct world *w = world_new();
        world_put_slot(w, 0x1000, 0, ROWS[i].original);
        struct exec_outcome out = world_run(w, ROWS[i].code, GAS);
        cr_assert_eq(out.status, EXEC_SUCCESS);
        cr_assert_eq(GAS - out.gas_left, ROWS[i].gas + 8, "%s from %llu: gas %lld", ROWS[i].code,
                     (unsigned long long)ROWS[i].original, (long long)(GAS - out.gas_left));
        cr_assert_eq(exec_state_refund(w->state), ROWS[i].refund, "%s: refund", ROWS[i].code);
        world_free(w);
    }
}

Test(interpreter, sstore_needs_more_than_the_stipend)
{
    struct world *w = world_new();
    world_put_code(w, 0x1000, "0 0 SSTORE");
    world_begin(w);
    cr_assert_eq(world_call(w, 0x1000, 4 + 2300, 0, td_bytes_of(NULL, 0)).status, EXEC_OUT_OF_GAS);
    cr_assert_eq(world_call(w, 0x1000, 4 + 2301, 0, td_bytes_of(NULL, 0)).status, EXEC_SUCCESS);
    world_free(w);
}

/* What cannot pay for a cold slot never makes the reader look it up. */
Test(interpreter, cold_slots_are_paid_before_they_are_read)
{
    struct world *w = world_new();
    world_put_code(w, 0x1000, "5 SLOAD");
    world_put_code(w, 0x1001, "1 5 SSTORE");
    world_begin(w);
    cr_assert_eq(world_call(w, 0x1000, 2102, 0, td_bytes_of(NULL, 0)).status, EXEC_OUT_OF_GAS);
    w->vm.native_left = EXEC_NATIVE_COLD_SLOT;
    cr_assert_eq(world_call(w, 0x1000, 9999, 0, td_bytes_of(NULL, 0)).status, EXEC_OUT_OF_NATIVE);
    w->vm.native_left = 5000;
    cr_assert_eq(world_call(w, 0x1001, 99999, 0, td_bytes_of(NULL, 0)).status, EXEC_OUT_OF_NATIVE);
    cr_assert_eq(w->slot_reads, 0);
    w->vm.native_left = INT64_MAX;
    cr_assert_eq(world_call(w, 0x1000, 2103, 0, td_bytes_of(NULL, 0)).status, EXEC_SUCCESS);
    cr_assert_eq(w->slot_reads, 1);
    world_free(w);
}

Test(interpreter, logs_carry_topics_and_data)
{
    struct world *w = world_new();
    struct exec_outcome out =
        world_run(w, "0xabcd 0 MSTORE 4 3 2 1 32 0 LOG4 2 1 1 31 LOG2 0 0 LOG0", GAS);
    uint32_t count;
    const struct exec_log *logs = exec_state_logs(w->state, &count);
    cr_assert_eq(out.status, EXEC_SUCCESS);
    cr_assert_eq(count, 3);
    cr_assert_eq(logs[0].topic_count, 4);
    for (unsigned i = 0; i < 4; i++)
        cr_assert_eq(logs[0].topic[i].b[31], i + 1);
    cr_assert_eq(logs[0].data.len, 32);
    cr_assert_eq(logs[0].data.ptr[30], 0xab);
    cr_assert_eq(logs[1].topic_count, 2);
    cr_assert_eq(logs[1].data.len, 1);
    cr_assert_eq(logs[1].data.ptr[0], 0xcd);
    cr_assert_eq(logs[2].topic_count, 0);
    cr_assert_eq(logs[2].data.len, 0);
    /* pushes 8 * 3 + 3, MSTORE 3 + word 3; logs 375 each, 375 a topic, 8 a byte */
    cr_assert_eq(GAS - out.gas_left, 3 + 2 + 6 + 17 + 12 + 4 + 3 * 375 + 6 * 375 + 8 * 33);
    world_free(w);
}

Test(interpreter, native_units_stop_the_run)
{
    struct world *w = world_new();
    world_put_code(w, 0x1000, "on: 1 POP @on JUMP");
    world_begin(w);
    w->vm.native_left = 100000;
    struct exec_outcome out = world_call(w, 0x1000, GAS, 0, td_bytes_of(NULL, 0));
    cr_assert_eq(out.status, EXEC_OUT_OF_NATIVE);
    cr_assert_eq(out.gas_left, 0);
    cr_assert_eq(w->vm.native_left, 0);
    world_free(w);
}

Test(interpreter, a_failing_reader_ends_the_run)
{
    struct world *w = world_new();
    w->slot_error = TD_E_CORRUPT;
    struct exec_outcome out = world_run(w, "0 SLOAD ret", GAS);
    cr_assert_eq(out.status, EXEC_ERROR);
    cr_assert_eq(exec_state_error(w->state), TD_E_CORRUPT);
    world_free(w);
}

struct seen {
    uint32_t steps, enters, leaves;
    int64_t gas; /* charged between steps */
    uint8_t last;
};

static void on_step(void *self, const struct exec_trace_step *step)
{
    struct seen *s = self;
    s->steps++;
    s->last = step->opcode;
    s->gas = step->gas;
    if (step->stack_count > 0)
        cr_assert_eq(step->stack_top[0].w[1], 0);
}

static void on_enter(void *self, const struct exec_message *msg)
{
    ((struct seen *)self)->enters++;
    cr_assert_eq(msg->kind, EXEC_CALL);
}

static void on_leave(void *self, const struct exec_message *msg, const struct exec_outcome *out)
{
    ((struct seen *)self)->leaves++;
    cr_assert_eq(msg->depth == 0, out->output.len == 32);
}

Test(interpreter, a_tracer_sees_every_step_and_changes_nothing)
{
    static const char CODE[] = "1 2 ADD POP 0 0 0 0 0 0x1001 GAS CALL ret";
    struct seen seen = {0};
    struct exec_tracer tracer = {&seen, on_step, on_enter, on_leave};
    struct world *plain = world_new();
    struct world *traced = world_new();
    world_put_code(plain, 0x1001, "1 POP");
    world_put_code(traced, 0x1001, "1 POP");
    traced->vm.tracer = &tracer;
    struct exec_outcome a = world_run(plain, CODE, GAS);
    struct exec_outcome b = world_run(traced, CODE, GAS);
    cr_assert_eq(a.status, EXEC_SUCCESS);
    cr_assert_eq(a.gas_left, b.gas_left);
    cr_assert_eq(plain->vm.native_left, traced->vm.native_left);
    cr_assert_eq(seen.steps, 4 + 8 + 5 + 3);
    cr_assert_eq(seen.enters, 2);
    cr_assert_eq(seen.leaves, 2);
    cr_assert_eq(seen.last, EXEC_OP_RETURN);
    cr_assert_eq(seen.gas, b.gas_left);
    world_free(plain);
    world_free(traced);
}

static void on_metered_step(void *self, const struct exec_trace_step *step)
{
    int64_t *least = self;
    cr_expect_geq(step->gas, 0);
    cr_expect_geq(step->native, 0);
    if (step->native < *least)
        *least = step->native;
}

/* A creation's code (PUSH3 0x400000 MLOAD) asks for memory that neither its gas nor the native
 * units pay for: it ends for gas, so its creator is shown one more instruction, at which the run
 * ends. */
Test(interpreter, a_traced_meter_is_never_below_zero)
{
    int64_t least = INT64_MAX;
    struct exec_tracer tracer = {.self = &least, .step = on_metered_step};
    struct world *w = world_new();
    world_put_code(w, 0x1000, "0x6240000051 0 MSTORE 5 27 0 CREATE ret");
    world_begin(w);
    w->vm.tracer = &tracer;
    w->vm.native_left = 1000000;
    struct exec_outcome out = world_call(w, 0x1000, GAS, 0, td_bytes_of(NULL, 0));
    cr_assert_eq(out.status, EXEC_OUT_OF_NATIVE);
    cr_assert_eq(least, 0);
    cr_assert_eq(w->vm.native_left, 0);
    world_free(w);
}
