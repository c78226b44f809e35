/* Frames, code, creation, return data, messages: what begins or ends a frame, pushes included. */
#include <stdio.h>

#include "base/core/keccak.h"
#include "tests/executor/costs/cost.h"

#define J4 "5b5b5b5b"
#define JUMPDESTS "0x" J4 J4 J4 J4 J4 J4 J4 J4
/* Bytes 32 .. 49,152 of memory become JUMPDESTs; byte 0 is a STOP. */
#define MEMORY_OF_JUMPDESTS                                                                        \
    JUMPDESTS " 32 MSTORE 32 32 64 MCOPY 64 32 96 MCOPY 128 32 160 MCOPY 256 32 288 MCOPY "        \
              "512 32 544 MCOPY 1024 32 1056 MCOPY 2048 32 2080 MCOPY 4096 32 4128 MCOPY "         \
              "8192 32 8224 MCOPY 16384 32 16416 MCOPY 16352 32 32800 MCOPY "
#define WARM "0 0 0 0 0 0xa00001 GAS CALL POP "

static void put(struct chain *c, uint64_t at, const char *text)
{
    struct td_addr a = world_addr(at);
    chain_put(c, &a, 1, cost_code(text));
}

/* 0xe7: takes what 0xe3 returns, then makes its memory grow beside it. */
static void genesis_grower(struct chain *c, const struct cost_row *row)
{
    (void)row;
    put(c, 0xe7,
        "0 CALLDATALOAD 0 MSTORE 0 0 32 0 0 0xe3 GAS CALL POP "
        "1 1030 MSTORE 1 2060 MSTORE 1 4120 MSTORE 1 8240 MSTORE 1 16480 MSTORE STOP");
}

/* 0xe8: init code that, paid, writes 100 slots; in any case it reverts.  0xe9: one that writes
 * eight and is gone at the end of the transaction. */
static void genesis_creators(struct chain *c, const struct cost_row *row)
{
    (void)row;
    put(c, 0xe8,
        "CALLVALUE @go JUMPI 0 0 REVERT go: 100 l: DUP1 DUP1 SSTORE 1 SWAP1 SUB "
        "DUP1 @l JUMPI 0 0 REVERT");
    put(c, 0xe9, "8 l: DUP1 DUP1 SSTORE 1 SWAP1 SUB DUP1 @l JUMPI CALLER SELFDESTRUCT");
}

/* 0xea: itself again, as deep as calldata[0] says. */
static void genesis_deep(struct chain *c, const struct cost_row *row)
{
    (void)row;
    put(c, 0xea,
        "0 CALLDATALOAD DUP1 ISZERO @end JUMPI 1 SWAP1 SUB 0 MSTORE "
        "0 0 32 0 0 ADDRESS GAS CALL POP end: STOP");
}

/* 0xeb: gives what it has to whom calldata[0] names. */
static void genesis_heirs(struct chain *c, const struct cost_row *row)
{
    (void)row;
    put(c, 0xeb, "0 CALLDATALOAD SELFDESTRUCT");
}

/* There are blocks to ask about. */
static void genesis_late(struct chain *c, const struct cost_row *row)
{
    (void)row;
    c->l.cursor.number = 5000;
    c->l.cursor.epoch = 5000 / 64; /* chain_try: an epoch has 64 blocks */
}

static char text[5][256];

static const char *selector(char *out, size_t cap, const char *signature, const char *rest)
{
    struct td_hash h;
    td_keccak256(&h, signature, strlen(signature));
    snprintf(out, cap, "0x%02x%02x%02x%02x 224 SHL 0 MSTORE %s", h.b[0], h.b[1], h.b[2], h.b[3],
             rest);
    return out;
}

#define ROW(title, count, has, code)                                                               \
    {                                                                                              \
        .name = (title), .n = (count), .with = (has), .body = (code), .against = ""                \
    }
#define ROW_AFTER(title, count, has, before, code)                                                 \
    {                                                                                              \
        .name = (title), .n = (count), .with = (has), .setup = (before), .body = (code),           \
        .against = ""                                                                              \
    }
#define ROW_FROM(title, count, has, before, code, made)                                            \
    {                                                                                              \
        .name = (title), .n = (count), .with = (has), .setup = (before), .body = (code),           \
        .against = "", .genesis = (made)                                                           \
    }

static struct cost_row rows[] = {
    ROW_FROM("BLOCKHASH, never read", 16, COST_FILL | COST_DEEP, "",
             "DUP1 NUMBER SUB BLOCKHASH POP", genesis_late),
    ROW_AFTER("CALL, no code, warm", 32, COST_EOA, WARM, WARM),
    ROW("CALL, no code, cold", 16, COST_EOA | COST_DEEP,
        "0 0 0 0 0 DUP6 0xa00000 ADD GAS CALL POP"),
    ROW("CALL, no code, cold, with value", 16, COST_EOA | COST_DEEP,
        "0 0 0 0 1 DUP6 0xa00000 ADD GAS CALL POP"),
    ROW("CALL, to a new account, with value", 16, COST_FILL | COST_DEEP,
        "0 0 0 0 1 DUP6 0x900000 ADD GAS CALL POP"),
    ROW("CALL, too little balance", 32, 0, "0 0 0 0 0x" J4 J4 J4 " 0xe1 GAS CALL POP"),
    ROW("CALL, code that stops", 32, 0, "0 0 0 0 0 0xe1 GAS CALL POP"),
    ROW("CALL, code that stops, with value", 32, 0, "0 0 0 0 1 0xe1 GAS CALL POP"),
    ROW("CALL, code that fails", 32, 0, "0 0 0 0 1 0xe2 1000 CALL POP"),
    ROW("CALLCODE, code that stops", 32, 0, "0 0 0 0 1 0xe1 GAS CALLCODE POP"),
    ROW("DELEGATECALL, code that stops", 32, 0, "0 0 0 0 0xe1 GAS DELEGATECALL POP"),
    ROW("STATICCALL, code that stops", 32, 0, "0 0 0 0 0xe1 GAS STATICCALL POP"),
    ROW("CALL, a new code of 23 bytes", 16, COST_CODE | COST_DEEP,
        "0 0 0 0 0 DUP6 0xb00000 ADD GAS CALL POP"),
    ROW("CALL, a new code of 24 KiB", 2, COST_BIG | COST_DEEP,
        "0 0 0 0 0 DUP6 0xb80000 ADD GAS CALL POP"),
    ROW("CALL, a new delegation to a new code", 16, COST_DELEGATED | COST_DEEP,
        "0 0 0 0 0 DUP6 0xd00000 ADD GAS CALL POP"),
    ROW_AFTER("CALL, a delegation, warm", 32, COST_DELEGATED, "0 0 0 0 0 0xd00001 GAS CALL POP ",
              "0 0 0 0 0 0xd00001 GAS CALL POP"),
    ROW_FROM("CALL, 20 deep", 4, 0, "20 0 MSTORE ", "0 0 32 0 0 0xea GAS CALL POP", genesis_deep),
    ROW_AFTER("RETURN, 32 bytes", 32, 0, "32 0 MSTORE", "0 0 32 0 0 0xe3 GAS CALL POP"),
    ROW_AFTER("RETURN, 4,000 bytes", 8, 0, "4000 0 MSTORE 1 4096 MSTORE",
              "0 0 32 0 0 0xe3 GAS CALL POP"),
    ROW_AFTER("RETURN, 4,000 bytes, into memory", 8, 0, "4000 0 MSTORE 1 4096 MSTORE",
              "4000 35 32 0 0 0xe3 GAS CALL POP"),
    ROW_AFTER("RETURN, 40,000 bytes, into memory", 4, 0, "40000 0 MSTORE 1 40100 MSTORE",
              "40000 35 32 0 0 0xe3 GAS CALL POP"),
    ROW_AFTER("REVERT, 4,000 bytes, into memory", 8, 0, "4000 0 MSTORE 1 4096 MSTORE",
              "4000 35 32 0 0 0xe4 GAS CALL POP"),
    ROW_FROM("RETURN, 40,000 bytes, and memory grows beside them", 2, 0, "40000 0 MSTORE",
             "0 0 32 0 0 0xe7 GAS CALL POP", genesis_grower),
    ROW_AFTER("REVERT, of 20 slots written", 8, 0, "20 0 MSTORE", "0 0 32 0 0 0xe5 GAS CALL POP"),
    ROW("SELFDESTRUCT, with value", 32, 0, "0 0 0 0 1 0xe6 GAS CALL POP"),
    ROW_FROM("SELFDESTRUCT, to a new account", 16, COST_FILL | COST_DEEP, "",
             "DUP1 0x900000 ADD 0 MSTORE 0 0 32 0 1 0xeb GAS CALL POP", genesis_heirs),
    ROW("CREATE, nothing", 16, COST_FILL | COST_DEEP, "0 0 0 CREATE POP"),
    ROW("CREATE, nothing, with value", 16, COST_FILL | COST_DEEP, "0 0 1 CREATE POP"),
    ROW("CREATE2, nothing", 16, COST_FILL | COST_DEEP, "DUP1 0 0 0 CREATE2 POP"),
    ROW_AFTER("CREATE, 48 KiB of init code", 2, 0, MEMORY_OF_JUMPDESTS, "49152 0 0 CREATE POP"),
    ROW_AFTER("CREATE2, 48 KiB of init code", 1, 0, MEMORY_OF_JUMPDESTS,
              "DUP1 49152 0 0 CREATE2 POP"),
    ROW_AFTER("CREATE, reverts", 16, COST_FILL | COST_DEEP, "0x5f5ffd 0 MSTORE",
              "3 29 0 CREATE POP"),
    ROW_AFTER("CREATE, 32 bytes of new code", 8, COST_FILL | COST_DEEP,
              "0x305f526100205ff3 0 MSTORE", "8 24 0 CREATE POP"),
    ROW_AFTER("CREATE, 24 KiB of new code", 1, COST_FILL | COST_DEEP, "0x305f526160005ff3 0 MSTORE",
              "8 24 0 CREATE POP"),
    ROW_AFTER("CREATE, destroyed at once", 16, COST_FILL | COST_DEEP, "0x33ff 0 MSTORE",
              "2 30 1 CREATE POP"),
    ROW_FROM("CREATE, eight slots, destroyed", 8, 0, "40 0 0 0xe9 EXTCODECOPY", "40 0 0 CREATE POP",
             genesis_creators),
    ROW_FROM("CREATE2, where 100 slots were written and reverted", 16, 0,
             "64 0 0 0xe8 EXTCODECOPY 7 64 0 1 CREATE2 POP ", "7 64 0 0 CREATE2 POP",
             genesis_creators),
    ROW_FROM("CREATE2, where nothing was", 16, 0, "64 0 0 0xe8 EXTCODECOPY ",
             "7 64 0 0 CREATE2 POP", genesis_creators),
    ROW_AFTER("sendToL1, nothing", 8, 0, text[0], "0 0 68 0 0 0x8002 GAS CALL POP"),
    ROW_AFTER("sendToL1, 1,024 bytes", 4, 0, text[1], "0 0 1092 0 0 0x8002 GAS CALL POP"),
    ROW_AFTER("sendToL1, malformed", 8, 0, text[2], "0 0 68 0 0 0x8002 GAS CALL POP"),
    ROW_AFTER("withdraw", 8, 0, text[3], "0 0 36 0 1 0x8001 GAS CALL POP"),
    ROW_AFTER("epoch()", 8, 0, text[4], "0 0 4 0 0 0x8003 GAS CALL POP"),
};

struct cost_table cost_call_rows(void)
{
    (void)selector(text[0], sizeof text[0], "sendToL1(bytes)", "32 4 MSTORE 0 36 MSTORE");
    (void)selector(text[1], sizeof text[1], "sendToL1(bytes)",
                   "32 4 MSTORE 1024 36 MSTORE 7 1060 MSTORE");
    (void)selector(text[2], sizeof text[2], "sendToL1(bytes)", "33 4 MSTORE 0 36 MSTORE");
    (void)selector(text[3], sizeof text[3], "withdraw(address)", "CALLER 4 MSTORE");
    (void)selector(text[4], sizeof text[4], "epoch()", "");
    return (struct cost_table){"Frames, code, creation, messages", rows,
                               sizeof rows / sizeof rows[0]};
}
