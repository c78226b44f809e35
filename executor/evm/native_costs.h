/* What each operation costs the prover, in native units: one unit is the proving cost of one guest
 * cycle (prover.md: a cycle-equivalent).  Charged beside gas, so that a transaction that is cheap
 * in gas and dear to prove pays for it, and a block stops at its native budget.
 *
 * Where these numbers come from: tests/executor/costs runs every operation in the guest, counts
 * instructions and the weight of chip calls (executor/rv32/units.h), and refuses a price below
 * that; docs/native_costs.md has prices, figures and their ratio.  A price is the worst figure and
 * about a fifth more, because the figures depend on the compiler and on what else a block does.
 *
 * 1. Part of the program version: a changed table is a new program.
 * 2. Every loop whose length the input chooses has a cost per step here.
 * 3. State is priced by its longest path: a leaf alone in a tree of 2^32. */
#pragma once

enum exec_native_cost {
    /* opcodes, by class; executor/evm/opcodes.h says which is whose */
    EXEC_NATIVE_STOP = 60,
    EXEC_NATIVE_TINY = 48, /* POP, PC, GAS, small pushes, small numbers */
    EXEC_NATIVE_JUMPDEST = 20,
    EXEC_NATIVE_COPY = 46,    /* DUP */
    EXEC_NATIVE_SWAP = 62,    /* SWAP */
    EXEC_NATIVE_PUSH = 146,   /* PUSH3 and longer: by words, the last in part */
    EXEC_NATIVE_ADD = 100,    /* ADD, SUB: carries between words the machine does not have */
    EXEC_NATIVE_COMPARE = 76, /* LT, GT, SLT, SGT, EQ, ISZERO, NOT, BYTE */
    EXEC_NATIVE_BITWISE = 64, /* AND, OR, XOR */
    EXEC_NATIVE_SHIFT = 195,  /* SHL, SHR, SAR */
    EXEC_NATIVE_SIGNEXTEND = 305,
    EXEC_NATIVE_MUL = 640,     /* 36 partial products */
    EXEC_NATIVE_DIV = 1480,    /* DIV, SDIV, MOD, SMOD, ADDMOD: eight digits of eight products */
    EXEC_NATIVE_MULMOD = 3550, /* a product of 64 and nine digits more */
    EXEC_NATIVE_EXP = 220,
    EXEC_NATIVE_EXP_BYTE = 8700, /* eight squarings, eight products */
    EXEC_NATIVE_JUMP = 74,
    EXEC_NATIVE_CONTEXT = 100, /* what is in the message or the block: ADDRESS, CALLVALUE, ... */
    EXEC_NATIVE_MLOAD = 160,   /* MLOAD, MSTORE: 32 bytes, reversed */
    EXEC_NATIVE_CALLDATALOAD = 350, /* the same of data that may end before */
    EXEC_NATIVE_MSTORE8 = 58,
    EXEC_NATIVE_RANGE = 390, /* opcodes on a range of bytes, before its words */
    EXEC_NATIVE_KECCAK = 340,
    EXEC_NATIVE_LOG = 560,
    EXEC_NATIVE_LOG_TOPIC = 160,
    EXEC_NATIVE_WARM = 650,        /* a probe of the state's tables: BALANCE, EXTCODESIZE, ... */
    EXEC_NATIVE_EXTCODEHASH = 960, /* two, and a hash reversed */
    EXEC_NATIVE_SELFBALANCE = 290,
    EXEC_NATIVE_SLOAD = 205,
    EXEC_NATIVE_SSTORE = 600, /* a probe or two, the journal */
    EXEC_NATIVE_TLOAD = 440,
    EXEC_NATIVE_TSTORE = 850,
    EXEC_NATIVE_CALL = 2100,   /* a frame: message, marks, return */
    EXEC_NATIVE_CREATE = 7700, /* a frame, its address (keccak), two account writes */
    EXEC_NATIVE_SELFDESTRUCT = 3600,

    /* parts */
    EXEC_NATIVE_COPY_WORD = 58,     /* 32 bytes copied, any alignment */
    EXEC_NATIVE_MOVE_WORD = 232,    /* and where they overlap */
    EXEC_NATIVE_MEMORY = 110,       /* memory grows, */
    EXEC_NATIVE_MEMORY_WORD = 20,   /* by 32 bytes: cleared, eight memory-table rows */
    EXEC_NATIVE_KECCAK_BLOCK = 470, /* 136 bytes absorbed: 34 words and one keccak-f */
    EXEC_NATIVE_COLD_SLOT = 3600,
    EXEC_NATIVE_COLD_ACCOUNT = 3850,
    EXEC_NATIVE_SLOT_WRITE = 2200,  /* a slot's first change: its path again, or a new leaf */
    EXEC_NATIVE_VALUE = 3600,       /* wei moved between two accounts */
    EXEC_NATIVE_CODE = 1200,        /* a code first read: its entry, found and compared */
    EXEC_NATIVE_CODE_WORD = 265,    /* 32 bytes of it: hashed */
    EXEC_NATIVE_ANALYSE_WORD = 610, /* copied, JUMPDESTs found */
    EXEC_NATIVE_HASH_WORD = 75,     /* CREATE2: 32 bytes of init code through keccak */
    EXEC_NATIVE_DEPOSIT_WORD = 500, /* 32 bytes of new code: two hashes, copied, published */

    /* precompiled contracts: a base, and a step of the loop its input chooses */
    EXEC_NATIVE_ECRECOVER = 53000, /* about 260 double and 130 add calls, the inverses checked */
    EXEC_NATIVE_SHA256 = 300,
    EXEC_NATIVE_SHA256_BLOCK = 6000, /* 64 bytes */
    EXEC_NATIVE_RIPEMD160 = 300,
    EXEC_NATIVE_RIPEMD160_BLOCK = 6950, /* 64 bytes */
    EXEC_NATIVE_IDENTITY = 100,
    EXEC_NATIVE_MODEXP = 12000,
    EXEC_NATIVE_MODEXP_SETUP = 1700, /* per 8 x 8 byte product: reductions before and after */
    EXEC_NATIVE_MODEXP_STEP = 175,   /* per such product and bit of the exponent */
    EXEC_NATIVE_MODEXP_BIT = 440,    /* per bit */
    EXEC_NATIVE_BN254_ADD = 22000,
    EXEC_NATIVE_BN254_MUL = 765000,
    EXEC_NATIVE_PAIRING = 9300000,
    EXEC_NATIVE_PAIRING_PAIR = 6900000,
    EXEC_NATIVE_BLAKE2F = 3000,
    EXEC_NATIVE_BLAKE2F_ROUND = 725,
};
