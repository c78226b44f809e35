/* What each operation costs the prover, in native units: one unit is the proving cost of one guest
 * cycle (prover.md: a cycle-equivalent).  Charged beside gas, so that a transaction that is cheap
 * in gas and dear to prove pays for it, and a block stops at its native budget.
 *
 * Where these numbers come from.  They are estimates, not yet derived opcode by opcode:
 *   - Opcodes: judged from the handler's work on eight 32-bit limbs, about 40 instructions of it
 * for fetching, the stack check and the two meters; those that measured above their price in the
 *     emulator, in loops built for it, were raised to cover it with a quarter to spare.
 *   - Accelerated work (keccak-f, Poseidon2, modular multiplication, curve steps): rows of its
 * table times columns divided by the cells of a cycle, by the designed tables; none is built yet.
 *   - State: what first touching an account or a slot adds to the verification of the witness, an
 *     update assumed: about 12 Poseidon2 node hashes, two permutations per leaf before and after.
 *
 * 1. Part of the program version: a changed table is a new program.
 * 2. Every loop whose length the input chooses has a cost per step here. */
#pragma once

enum exec_native_cost {
    /* opcodes, by class; executor/evm/opcodes.h says which is whose */
    EXEC_NATIVE_STOP = 60,
    EXEC_NATIVE_TINY = 60,     /* POP, JUMPDEST, PC, GAS, small pushes */
    EXEC_NATIVE_COPY = 80,     /* DUP */
    EXEC_NATIVE_SWAP = 100,    /* SWAP */
    EXEC_NATIVE_PUSH = 120,    /* PUSH3 and longer, byte by byte */
    EXEC_NATIVE_ADD = 140,     /* ADD, SUB */
    EXEC_NATIVE_COMPARE = 90,  /* LT, GT, SLT, SGT, EQ, ISZERO, AND, OR, XOR, NOT, BYTE */
    EXEC_NATIVE_SHIFT = 400,   /* SHL, SHR, SAR, SIGNEXTEND */
    EXEC_NATIVE_MUL = 700,     /* 36 partial products */
    EXEC_NATIVE_DIV = 3500,    /* DIV, SDIV, MOD, SMOD, ADDMOD: eight digits of eight products */
    EXEC_NATIVE_MULMOD = 6000, /* a product of 64 and nine digits more */
    EXEC_NATIVE_EXP = 200,
    EXEC_NATIVE_EXP_BYTE = 15000, /* eight squarings, eight products */
    EXEC_NATIVE_JUMP = 90,
    EXEC_NATIVE_CONTEXT = 130, /* what is in the message or the block: ADDRESS, CALLVALUE, ... */
    EXEC_NATIVE_MLOAD = 180,   /* MLOAD, MSTORE, CALLDATALOAD: 32 bytes, reversed */
    EXEC_NATIVE_MSTORE8 = 90,
    EXEC_NATIVE_RANGE = 200, /* opcodes on a range of bytes, before its words */
    EXEC_NATIVE_KECCAK = 400,
    EXEC_NATIVE_LOG = 600,       /* and 32 bytes per topic hashed into bloom and receipt */
    EXEC_NATIVE_LOG_TOPIC = 700, /* its three bloom bits come from a keccak */
    EXEC_NATIVE_WARM = 1200,     /* a probe of the state's tables */
    EXEC_NATIVE_SLOAD = 450,
    EXEC_NATIVE_SSTORE = 1400,
    EXEC_NATIVE_TRANSIENT = 600,
    EXEC_NATIVE_CALL = 5000,    /* a frame: message, marks, value transfer, return */
    EXEC_NATIVE_CREATE = 14000, /* a frame, its address (keccak), two account writes */
    EXEC_NATIVE_SELFDESTRUCT = 3000,

    /* parts */
    EXEC_NATIVE_COPY_WORD = 180,    /* 32 bytes copied, any alignment */
    EXEC_NATIVE_MEMORY_WORD = 24,   /* 32 new bytes of memory: cleared, eight memory-table rows */
    EXEC_NATIVE_KECCAK_BLOCK = 600, /* 136 bytes absorbed: 34 words and one keccak-f */
    EXEC_NATIVE_COLD_SLOT = 5000,
    EXEC_NATIVE_COLD_ACCOUNT = 6000,
    EXEC_NATIVE_CODE_WORD = 330,    /* 32 bytes of code first run: hashed, copied, analysed */
    EXEC_NATIVE_DEPOSIT_WORD = 600, /* 32 bytes of new code: two hashes, copied */

    /* precompiled contracts: a base, and a step of the loop its input chooses */
    EXEC_NATIVE_ECRECOVER = 120000, /* about 260 double and 130 add calls, the inverses checked */
    EXEC_NATIVE_SHA256 = 1500,
    EXEC_NATIVE_SHA256_BLOCK = 4600, /* 64 bytes */
    EXEC_NATIVE_RIPEMD160 = 1500,
    EXEC_NATIVE_RIPEMD160_BLOCK = 6500, /* 64 bytes */
    EXEC_NATIVE_IDENTITY = 200,
    EXEC_NATIVE_MODEXP = 20000,
    EXEC_NATIVE_MODEXP_GAS =
        1000, /* per unit of gas: one 8 x 8 byte product and reduction is 1/3 */
    EXEC_NATIVE_BN254_ADD = 60000,
    EXEC_NATIVE_BN254_MUL = 1600000,
    EXEC_NATIVE_PAIRING = 60000000,
    EXEC_NATIVE_PAIRING_PAIR = 40000000,
    EXEC_NATIVE_BLAKE2F = 2000,
    EXEC_NATIVE_BLAKE2F_ROUND = 1300,
};
