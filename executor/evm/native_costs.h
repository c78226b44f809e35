/* What each operation costs the prover, in native units: one unit is the proving cost of one guest
 * cycle (prover.md: a cycle-equivalent).  Charged beside gas, so that a transaction that is cheap
 * in gas and dear to prove pays for it, and a block stops at its native budget.
 *
 * Where these numbers come from: tests/executor/costs runs every operation in the guest, counts
 * instructions and the weight of chip calls (executor/rv32/units.h), and refuses a price below
 * that; docs/native_costs.md has prices, figures and their ratio.  A price is the worst figure and
 * about a quarter more, because the figures depend on the compiler and on what else a block does.
 *
 * 1. Part of the program version: a changed table is a new program.
 * 2. Every loop whose length the input chooses has a cost per step here.
 * 3. State is priced by its longest path: a leaf alone in a tree of 2^32. */
#pragma once

enum exec_native_cost {
    /* opcodes, by class; executor/evm/opcodes.h says which is whose */
    EXEC_NATIVE_STOP = 60,
    EXEC_NATIVE_TINY = 60, /* POP, PC, GAS, small pushes, small numbers */
    EXEC_NATIVE_JUMPDEST = 30,
    EXEC_NATIVE_COPY = 60,     /* DUP */
    EXEC_NATIVE_SWAP = 80,     /* SWAP */
    EXEC_NATIVE_PUSH = 230,    /* PUSH3 and longer, byte by byte */
    EXEC_NATIVE_ADD = 500,     /* ADD, SUB: carries between words the machine does not have */
    EXEC_NATIVE_COMPARE = 90,  /* LT, GT, SLT, SGT, EQ, ISZERO, NOT, BYTE */
    EXEC_NATIVE_BITWISE = 120, /* AND, OR, XOR */
    EXEC_NATIVE_SHIFT = 400,   /* SHL, SHR, SAR */
    EXEC_NATIVE_SIGNEXTEND = 700,
    EXEC_NATIVE_MUL = 1100,    /* 36 partial products */
    EXEC_NATIVE_DIV = 2600,    /* DIV, SDIV, MOD, SMOD, ADDMOD: eight digits of eight products */
    EXEC_NATIVE_MULMOD = 4800, /* a product of 64 and nine digits more */
    EXEC_NATIVE_EXP = 280,
    EXEC_NATIVE_EXP_BYTE = 17000, /* eight squarings, eight products */
    EXEC_NATIVE_JUMP = 80,
    EXEC_NATIVE_CONTEXT = 105, /* what is in the message or the block: ADDRESS, CALLVALUE, ... */
    EXEC_NATIVE_MLOAD = 180,   /* MLOAD, MSTORE: 32 bytes, reversed */
    EXEC_NATIVE_CALLDATALOAD = 380, /* the same of data that may end before */
    EXEC_NATIVE_MSTORE8 = 70,
    EXEC_NATIVE_RANGE = 300, /* opcodes on a range of bytes, before its words */
    EXEC_NATIVE_KECCAK = 550,
    EXEC_NATIVE_LOG = 620,
    EXEC_NATIVE_LOG_TOPIC = 200,
    EXEC_NATIVE_WARM = 1200,        /* a probe of the state's tables: BALANCE, EXTCODESIZE, ... */
    EXEC_NATIVE_EXTCODEHASH = 1700, /* two, and a hash reversed */
    EXEC_NATIVE_SELFBALANCE = 600,
    EXEC_NATIVE_SLOAD = 720,
    EXEC_NATIVE_SSTORE = 1650, /* a probe or two, the journal */
    EXEC_NATIVE_TLOAD = 650,
    EXEC_NATIVE_TSTORE = 1100,
    EXEC_NATIVE_CALL = 4400,    /* a frame: message, marks, return */
    EXEC_NATIVE_CREATE = 14000, /* a frame, its address (keccak), two account writes */
    EXEC_NATIVE_SELFDESTRUCT = 7000,

    /* parts */
    EXEC_NATIVE_COPY_WORD = 75,     /* 32 bytes copied, any alignment */
    EXEC_NATIVE_MOVE_WORD = 250,    /* and where they overlap */
    EXEC_NATIVE_MEMORY = 160,       /* memory grows, */
    EXEC_NATIVE_MEMORY_WORD = 24,   /* by 32 bytes: cleared, eight memory-table rows */
    EXEC_NATIVE_KECCAK_BLOCK = 950, /* 136 bytes absorbed: 34 words and one keccak-f */
    EXEC_NATIVE_COLD_SLOT = 6800,
    EXEC_NATIVE_COLD_ACCOUNT = 7600,
    EXEC_NATIVE_SLOT_WRITE = 4000,   /* a slot's first change: its path again, or a new leaf */
    EXEC_NATIVE_VALUE = 7000,        /* wei moved between two accounts */
    EXEC_NATIVE_CODE = 2800,         /* a code first read: its entry, found and compared */
    EXEC_NATIVE_CODE_WORD = 440,     /* 32 bytes of it: hashed */
    EXEC_NATIVE_ANALYSE_WORD = 640,  /* copied, JUMPDESTs found */
    EXEC_NATIVE_HASH_WORD = 230,     /* CREATE2: 32 bytes of init code through keccak */
    EXEC_NATIVE_DEPOSIT_WORD = 1000, /* 32 bytes of new code: two hashes, copied, published */

    /* precompiled contracts: a base, and a step of the loop its input chooses */
    EXEC_NATIVE_ECRECOVER = 66000, /* about 260 double and 130 add calls, the inverses checked */
    EXEC_NATIVE_SHA256 = 1500,
    EXEC_NATIVE_SHA256_BLOCK = 6300, /* 64 bytes */
    EXEC_NATIVE_RIPEMD160 = 1800,
    EXEC_NATIVE_RIPEMD160_BLOCK = 7400, /* 64 bytes */
    EXEC_NATIVE_IDENTITY = 200,
    EXEC_NATIVE_MODEXP = 16000,
    EXEC_NATIVE_MODEXP_SETUP = 1900, /* per 8 x 8 byte product: reductions before and after */
    EXEC_NATIVE_MODEXP_STEP = 230,   /* per such product and bit of the exponent */
    EXEC_NATIVE_MODEXP_BIT = 600,    /* per bit */
    EXEC_NATIVE_BN254_ADD = 25000,
    EXEC_NATIVE_BN254_MUL = 800000,
    EXEC_NATIVE_PAIRING = 13000000,
    EXEC_NATIVE_PAIRING_PAIR = 10000000,
    EXEC_NATIVE_BLAKE2F = 2000,
    EXEC_NATIVE_BLAKE2F_ROUND = 760,
};
