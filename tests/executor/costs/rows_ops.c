/* One row per opcode and kind of operand.  The operands are those found to take longest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"
#include "executor/evm/opcodes.h"
#include "tests/executor/costs/ops.h"

#define F8 "ffffffff"
#define MAX "0x" F8 F8 F8 F8 F8 F8 F8 F8
#define MIN                                                                                        \
    "0x80000000"                                                                                   \
    "00000000"                                                                                     \
    "00000000"                                                                                     \
    "00000000"                                                                                     \
    "00000000"                                                                                     \
    "00000000"                                                                                     \
    "00000000"                                                                                     \
    "00000000"
#define ODD                                                                                        \
    "0x7fffffff"                                                                                   \
    "fffffffe"                                                                                     \
    "fffffffd" F8 F8 F8 F8 "fffffffb"
#define LOW4 "0x" F8 F8 F8 F8
#define BIT4                                                                                       \
    "0x80000000"                                                                                   \
    "00000000"                                                                                     \
    "00000000"                                                                                     \
    "00000001"
#define LOW2 "0x" F8 F8
#define ONE3                                                                                       \
    "0x80000000"                                                                                   \
    "00000000"                                                                                     \
    "00000000"
#define SIXTEEN "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 "
#define D1 "0x80000001"
#define KNUTH                                                                                      \
    "0x7fffffff" F8 "80000000"                                                                     \
    "00000000"                                                                                     \
    "00000000"                                                                                     \
    "00000000"                                                                                     \
    "00000000"                                                                                     \
    "00000000"

struct op {
    const char *op;    /* its name in the assembly */
    const char *args;  /* pushed, the last one on top */
    const char *tail;  /* after it, and after the POPs that stand for it */
    const char *setup; /* before the loop */
    const char *note;
    uint32_t n, with;
};

static const struct op OPS[] = {
    {.op = "ADD", .args = MAX " " MAX, .note = "carries"},
    {.op = "SUB", .args = MAX " 0", .note = "borrows"},
    {.op = "MUL", .args = MAX " " MAX},
    {.op = "DIV", .args = "3 " MAX, .note = "one limb"},
    {.op = "DIV", .args = D1 " " MAX, .note = "one large limb"},
    {.op = "DIV", .args = LOW2 " " MAX, .note = "two limbs"},
    {.op = "DIV", .args = ONE3 " " MAX, .note = "three limbs"},
    {.op = "DIV", .args = BIT4 " " MAX, .note = "four limbs"},
    {.op = "DIV", .args = LOW4 " " KNUTH, .note = "corrected digits"},
    {.op = "SDIV", .args = "0x" F8 F8 F8 F8 F8 F8 F8 "00000001 " MIN, .note = "negative"},
    {.op = "SDIV", .args = LOW2 " " MIN, .note = "negative, two limbs"},
    {.op = "MOD", .args = D1 " " MAX, .note = "one limb"},
    {.op = "MOD", .args = LOW2 " " MAX, .note = "two limbs"},
    {.op = "MOD", .args = BIT4 " " MAX, .note = "four limbs"},
    {.op = "SMOD", .args = LOW2 " " MIN, .note = "negative, two limbs"},
    {.op = "ADDMOD", .args = D1 " " MAX " " MAX, .note = "one limb"},
    {.op = "ADDMOD", .args = LOW2 " " MAX " " MAX, .note = "two limbs"},
    {.op = "ADDMOD", .args = ODD " " MAX " " MAX, .note = "eight limbs"},
    {.op = "MULMOD", .args = D1 " " MAX " " MAX, .note = "one limb"},
    {.op = "MULMOD", .args = LOW2 " " MAX " " MAX, .note = "two limbs"},
    {.op = "MULMOD", .args = BIT4 " " MAX " " MAX, .note = "four limbs"},
    {.op = "MULMOD", .args = ODD " " MAX " " MAX, .note = "eight limbs"},
    {.op = "EXP", .args = "0 3", .note = "exponent 0"},
    {.op = "EXP", .args = "255 " ODD, .note = "one byte of exponent", .n = 8},
    {.op = "EXP", .args = MAX " " ODD, .note = "32 bytes of exponent", .n = 2},
    {.op = "SIGNEXTEND", .args = MAX " 0", .note = "one byte"},
    {.op = "SIGNEXTEND", .args = "0x80 0", .note = "negative"},
    {.op = "SIGNEXTEND", .args = MAX " 17", .note = "18 bytes"},
    {.op = "LT", .args = MAX " " MAX},
    {.op = "GT", .args = MAX " " MAX},
    {.op = "SLT", .args = MIN " " MAX},
    {.op = "SGT", .args = MIN " " MAX},
    {.op = "EQ", .args = MAX " " MAX},
    {.op = "ISZERO", .args = "0"},
    {.op = "AND", .args = MAX " " MAX},
    {.op = "OR", .args = MAX " " MAX},
    {.op = "XOR", .args = MAX " " MAX},
    {.op = "NOT", .args = MAX},
    {.op = "BYTE", .args = MAX " 17"},
    {.op = "BYTE", .args = MAX " 0", .note = "the first"},
    {.op = "SHL", .args = MAX " 7"},
    {.op = "SHL", .args = MAX " 131", .note = "by 131"},
    {.op = "SHR", .args = MAX " 7"},
    {.op = "SHR", .args = MAX " 131", .note = "by 131"},
    {.op = "SAR", .args = MIN " 7", .note = "negative"},
    {.op = "SAR", .args = MIN " 131", .note = "negative, by 131"},
    {.op = "SAR", .args = MIN " 255", .note = "negative, by 255"},
    {.op = "KECCAK256", .args = "0 0", .note = "nothing"},
    {.op = "KECCAK256", .args = "64 0", .setup = "1 4096 MSTORE"},
    {.op = "KECCAK256",
     .args = "135 1",
     .setup = "1 4096 MSTORE",
     .note = "135 bytes, not aligned"},
    {.op = "KECCAK256",
     .args = "136 1",
     .setup = "1 4096 MSTORE",
     .note = "136 bytes, not aligned"},
    {.op = "KECCAK256",
     .args = "4000 1",
     .setup = "1 4096 MSTORE",
     .note = "4,000 bytes, not aligned"},
    {.op = "ADDRESS", .args = ""},
    {.op = "BALANCE", .args = "ADDRESS", .note = "warm"},
    {.op = "BALANCE",
     .args = "DUP1 0xa00000 ADD",
     .note = "cold",
     .n = 16,
     .with = COST_EOA | COST_DEEP},
    {.op = "BALANCE",
     .args = "DUP1 0x900000 ADD",
     .note = "cold, absent",
     .n = 16,
     .with = COST_FILL | COST_DEEP},
    {.op = "BALANCE",
     .args = "DUP1 0xb00000 ADD",
     .note = "cold, of a contract",
     .n = 16,
     .with = COST_CODE | COST_DEEP},
    {.op = "ORIGIN", .args = ""},
    {.op = "CALLER", .args = ""},
    {.op = "CALLVALUE", .args = ""},
    {.op = "CALLDATALOAD", .args = "0", .note = "all there"},
    {.op = "CALLDATALOAD", .args = "1", .note = "31 bytes there"},
    {.op = "CALLDATALOAD", .args = "31", .note = "one byte there"},
    {.op = "CALLDATALOAD", .args = MAX, .note = "nothing there"},
    {.op = "CALLDATASIZE", .args = ""},
    {.op = "CALLDATACOPY", .args = "0 0 0", .note = "nothing"},
    {.op = "CALLDATACOPY",
     .args = "32 0 1",
     .setup = "1 4096 MSTORE",
     .note = "32 bytes, not aligned"},
    {.op = "CALLDATACOPY",
     .args = "4000 31 1",
     .setup = "1 4096 MSTORE",
     .note = "4,000 bytes, past the end"},
    {.op = "CODESIZE", .args = ""},
    {.op = "CODECOPY", .args = "4000 1 2", .setup = "1 4096 MSTORE", .note = "4,000 bytes"},
    {.op = "GASPRICE", .args = ""},
    {.op = "EXTCODESIZE", .args = "ADDRESS", .note = "warm"},
    {.op = "EXTCODESIZE",
     .args = "DUP1 0xb00000 ADD",
     .note = "cold",
     .n = 16,
     .with = COST_CODE | COST_DEEP},
    {.op = "EXTCODECOPY", .args = "0 0 0 ADDRESS", .note = "nothing, warm"},
    {.op = "EXTCODECOPY",
     .args = "32 0 1 ADDRESS",
     .setup = "1 4096 MSTORE",
     .note = "32 bytes, warm"},
    {.op = "EXTCODECOPY",
     .args = "1 0 0 DUP4 0xb00000 ADD",
     .note = "one byte of a code never seen",
     .n = 16,
     .with = COST_CODE | COST_DEEP},
    {.op = "EXTCODECOPY",
     .args = "1 0 0 DUP4 0xb80000 ADD",
     .note = "one byte of 24 KiB never seen",
     .n = 2,
     .with = COST_BIG | COST_DEEP},
    {.op = "RETURNDATASIZE", .args = ""},
    {.op = "RETURNDATACOPY", .args = "0 0 0", .note = "nothing"},
    {.op = "RETURNDATACOPY",
     .args = "4000 1 2",
     .setup = "4096 0 MSTORE 1 4096 MSTORE 0 0 32 0 0 0xe3 GAS CALL POP",
     .note = "4,000 bytes"},
    {.op = "EXTCODEHASH", .args = "ADDRESS", .note = "warm"},
    {.op = "EXTCODEHASH",
     .args = "DUP1 0xb00000 ADD",
     .note = "cold",
     .n = 16,
     .with = COST_CODE | COST_DEEP},
    {.op = "BLOCKHASH", .args = "1 NUMBER SUB", .note = "again"},
    {.op = "BLOCKHASH", .args = "DUP1", .note = "of no such block"},
    {.op = "COINBASE", .args = ""},
    {.op = "TIMESTAMP", .args = ""},
    {.op = "NUMBER", .args = ""},
    {.op = "PREVRANDAO", .args = ""},
    {.op = "GASLIMIT", .args = ""},
    {.op = "CHAINID", .args = ""},
    {.op = "SELFBALANCE", .args = ""},
    {.op = "BASEFEE", .args = ""},
    {.op = "BLOBHASH", .args = "0"},
    {.op = "BLOBBASEFEE", .args = ""},
    {.op = "MLOAD", .args = "0", .setup = "1 4096 MSTORE"},
    {.op = "MLOAD", .args = "1", .setup = "1 4096 MSTORE", .note = "not aligned"},
    {.op = "MLOAD",
     .args = "DUP1 32 MUL",
     .note = "memory shrinks: no growth",
     .setup = "1 4096 MSTORE"},
    {.op = "MSTORE", .args = MAX " 0", .setup = "1 4096 MSTORE"},
    {.op = "MSTORE", .args = MAX " 1", .setup = "1 4096 MSTORE", .note = "not aligned"},
    {.op = "MSTORE", .args = "1 MSIZE", .note = "a new word", .n = 256},
    {.op = "MSTORE8", .args = MAX " 3", .setup = "1 4096 MSTORE"},
    {.op = "MSTORE8", .args = "1 1023 MSIZE ADD", .note = "1,024 new bytes", .n = 32},
    {.op = "SLOAD", .args = "1", .note = "warm", .with = COST_SLOTS},
    {.op = "SLOAD", .args = "DUP1", .note = "cold", .n = 16, .with = COST_SLOTS | COST_DEEP},
    {.op = "SLOAD",
     .args = "0x100000 DUP2 ADD",
     .note = "cold, absent",
     .n = 16,
     .with = COST_FILL | COST_DEEP},
    {.op = "SSTORE", .args = "DUP1 0", .note = "warm, changed again", .n = 64},
    {.op = "SSTORE", .args = "0 0", .note = "warm, same value"},
    {.op = "SSTORE",
     .args = "1 DUP2",
     .note = "cold, changed",
     .n = 16,
     .with = COST_SLOTS | COST_DEEP},
    {.op = "SSTORE",
     .args = "0 DUP2",
     .note = "cold, cleared",
     .n = 16,
     .with = COST_SLOTS | COST_DEEP},
    {.op = "SSTORE",
     .args = "0x1234567890 DUP2",
     .note = "cold, same value",
     .n = 16,
     .with = COST_SLOTS | COST_DEEP},
    {.op = "SSTORE",
     .args = MAX " 0x100000 DUP3 ADD",
     .note = "a new leaf",
     .n = 16,
     .with = COST_FILL | COST_DEEP},
    {.op = "SSTORE",
     .args = MAX " 0x100000 DUP3 ADD",
     .note = "a new leaf, keys in a row",
     .n = 16,
     .with = COST_DEEP},
    {.op = "SSTORE",
     .args = MAX " 0x100000 DUP3 ADD",
     .note = "a new leaf, 100 of them",
     .n = 100,
     .with = COST_FILL | COST_DEEP},
    {.op = "JUMP", .args = "@t", .tail = "t:"},
    {.op = "JUMPI", .args = "1 @t", .tail = "t:", .note = "taken"},
    {.op = "JUMPI", .args = MIN " @t", .tail = "t:", .note = "taken, high bit"},
    {.op = "JUMPI", .args = "0 @t", .tail = "t:", .note = "not taken"},
    {.op = "PC", .args = ""},
    {.op = "MSIZE", .args = ""},
    {.op = "GAS", .args = ""},
    {.op = "JUMPDEST", .args = ""},
    {.op = "TLOAD", .args = "1", .setup = "7 1 TSTORE"},
    {.op = "TLOAD", .args = "1", .note = "absent"},
    {.op = "TSTORE", .args = "DUP1 1", .note = "changed"},
    {.op = "TSTORE", .args = "1 DUP2", .note = "new", .n = 64},
    {.op = "MCOPY", .args = "0 0 0", .note = "nothing"},
    {.op = "MCOPY", .args = "4000 1 2", .setup = "1 4096 MSTORE", .note = "4,000 bytes upwards"},
    {.op = "MCOPY", .args = "4000 2 1", .setup = "1 4096 MSTORE", .note = "4,000 bytes downwards"},
    {.op = "MCOPY", .args = "33 64 3", .setup = "1 4096 MSTORE", .note = "33 bytes"},
    {.op = "PUSH0", .args = ""},
    {.op = "PUSH1 .ff", .args = ""},
    {.op = "PUSH2 .ffff", .args = ""},
    {.op = "PUSH3 .ffffff", .args = ""},
    {.op = "PUSH4 .ffffffff", .args = ""},
    {.op = "PUSH7 .ffffffffffffff", .args = ""},
    {.op = "PUSH15 .ffffffffffffffffffffffffffffff", .args = ""},
    {.op = "PUSH20 .ffffffffffffffffffffffffffffffffffffffff", .args = ""},
    {.op = "PUSH23 .ffffffffffffffffffffffffffffffffffffffffffffff", .args = ""},
    {.op = "PUSH31 .ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", .args = ""},
    {.op = "PUSH32 .ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", .args = ""},
    {.op = "DUP1", .args = "1"},
    {.op = "DUP8", .args = "1 2 3 4 5 6 7 8"},
    {.op = "DUP16", .args = SIXTEEN},
    {.op = "SWAP1", .args = "1 2"},
    {.op = "SWAP8", .args = "1 2 3 4 5 6 7 8 9"},
    {.op = "SWAP16", .args = SIXTEEN "17"},
    {.op = "LOG0", .args = "0 0", .note = "nothing"},
    {.op = "LOG1", .args = "7 0 0"},
    {.op = "LOG2", .args = "7 7 0 0"},
    {.op = "LOG4", .args = "7 7 7 7 0 0"},
    {.op = "LOG0", .args = "4000 1", .setup = "1 4096 MSTORE", .note = "4,000 bytes"},
    {.op = "LOG4",
     .args = MAX " " MAX " " MAX " " MAX " 137 3",
     .setup = "1 4096 MSTORE",
     .note = "137 bytes"},
};
#define OP_COUNT (sizeof OPS / sizeof OPS[0])

/* Opcodes whose rows are in other tables, because a frame ends or begins there. */
static const char *const ELSEWHERE[] = {"STOP",   "CREATE",       "CALL",    "CALLCODE",
                                        "RETURN", "DELEGATECALL", "CREATE2", "STATICCALL",
                                        "REVERT", "SELFDESTRUCT", "POP"};

struct facts {
    const char *name;
    int in, out;
};
#define FACT(code, name, in, out, gas, native) {#name, in, out},
#define NO_FACT(code)
static const struct facts FACTS[] = {EXEC_OPCODES(FACT, NO_FACT)};
#define FACT_COUNT (sizeof FACTS / sizeof FACTS[0])

static bool same_op(const char *text, const char *name)
{
    size_t len = strcspn(text, " ");
    return strlen(name) == len && strncmp(text, name, len) == 0;
}

static char *join(const char *a, const char *between, const char *b)
{
    size_t cap = strlen(a) + strlen(between) + strlen(b) + 1u;
    char *out = malloc(cap);
    TD_ASSERT(out != NULL);
    snprintf(out, cap, "%s%s%s", a, between, b);
    return out;
}

/* `count` times `word`. */
static char *times(const char *word, int count)
{
    char *out = calloc((size_t)count + 1u, strlen(word) + 1u);
    TD_ASSERT(out != NULL);
    for (int i = 0; i < count; i++) {
        strcat(out, word);
        strcat(out, " ");
    }
    return out;
}

static void make(struct cost_row *row, const struct op *op)
{
    const struct facts *f = FACTS;
    while (f < FACTS + FACT_COUNT && !same_op(op->op, f->name))
        f++;
    TD_ASSERT(f < FACTS + FACT_COUNT);
    char *in = times("POP", f->in), *out = times("POP", f->out);
    char *tail_in = join(in, op->tail != NULL ? op->tail : "", "");
    char *tail_out = join(op->tail != NULL ? op->tail : "", " ", out);
    char *with_op = join(op->args, " ", op->op);
    *row = (struct cost_row){.n = op->n != 0 ? op->n : 32u, .with = op->with, .setup = op->setup};
    row->name = join(f->name, op->note != NULL ? ", " : "", op->note != NULL ? op->note : "");
    row->body = join(with_op, " ", tail_out);
    row->against = join(op->args, " ", tail_in);
    row->pops = f->in - f->out;
    free(in);
    free(out);
    free(tail_in);
    free(tail_out);
    free(with_op);
}

static struct cost_row rows[OP_COUNT];

struct cost_table cost_op_rows(void)
{
    for (uint32_t i = 0; i < OP_COUNT; i++)
        make(&rows[i], &OPS[i]);
    return (struct cost_table){"Opcodes", rows, OP_COUNT};
}

void cost_op_rows_free(void)
{
    for (uint32_t i = 0; i < OP_COUNT; i++) {
        free((void *)(uintptr_t)rows[i].name);
        free((void *)(uintptr_t)rows[i].body);
        free((void *)(uintptr_t)rows[i].against);
    }
}

/* PUSH, DUP, SWAP and LOG by some of theirs. */
static bool is_family(const char *name)
{
    return strncmp(name, "PUSH", 4) == 0 || strncmp(name, "DUP", 3) == 0 ||
           strncmp(name, "SWAP", 4) == 0 || strncmp(name, "LOG", 3) == 0;
}

bool cost_every_opcode(void)
{
    bool all = true;
    for (uint32_t i = 0; i < FACT_COUNT; i++) {
        bool has = is_family(FACTS[i].name);
        for (uint32_t k = 0; k < OP_COUNT && !has; k++)
            has = same_op(OPS[k].op, FACTS[i].name);
        for (uint32_t k = 0; k < sizeof ELSEWHERE / sizeof ELSEWHERE[0] && !has; k++)
            has = strcmp(ELSEWHERE[k], FACTS[i].name) == 0;
        if (!has)
            printf("no row measures %s\n", FACTS[i].name);
        all = all && has;
    }
    return all;
}
