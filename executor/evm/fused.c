#include "executor/evm/fused.h"

#if EXEC_FUSED

#include <stdbool.h>

#include "base/core/memory.h"
#include "executor/evm/opcodes.h"

#define OP_INVALID 0xfeu

/* A PUSH2 at p whose number may be jumped to. */
static bool pushes_target(const uint8_t *p, size_t len, const uint8_t *jumpdests)
{
    size_t to = (size_t)p[1] << 8 | p[2];
    return p[0] == EXEC_OP_PUSH2 && to < len &&
           ((uint32_t)jumpdests[to / 8u] >> (to % 8u) & 1u) != 0;
}

static bool is_address_mask(const uint8_t *p)
{
    for (unsigned i = 1; i <= 20; i++) {
        if (p[i] != 0xff)
            return false;
    }
    return p[0] == EXEC_OP_PUSH20 && p[21] == EXEC_OP_AND;
}

static bool is_address_sub(const uint8_t *p)
{
    static const uint8_t BYTES[] = {EXEC_OP_PUSH1, 1,    EXEC_OP_PUSH1, 1,
                                    EXEC_OP_PUSH1, 0xa0, EXEC_OP_SHL,   EXEC_OP_SUB,
                                    EXEC_OP_AND};
    return memcmp(p, BYTES, sizeof BYTES) == 0;
}

/* What runs at p; the longest sequence reads 22 bytes, and 33 are there behind the code. */
static uint8_t fused(const uint8_t *p, size_t len, const uint8_t *jumpdests)
{
    switch (p[0]) {
    case EXEC_OP_PUSH2:
        if (p[3] != EXEC_OP_JUMP && p[3] != EXEC_OP_JUMPI)
            break;
        if (pushes_target(p, len, jumpdests))
            return p[3] == EXEC_OP_JUMP ? EXEC_FUSED_PUSH2_JUMP : EXEC_FUSED_PUSH2_JUMPI;
        break;
    case EXEC_OP_ISZERO:
        if (p[4] == EXEC_OP_JUMPI && pushes_target(p + 1, len, jumpdests))
            return EXEC_FUSED_ISZERO_PUSH2_JUMPI;
        break;
    case EXEC_OP_DUP1:
        if (p[1] == EXEC_OP_PUSH4 && p[6] == EXEC_OP_EQ && p[10] == EXEC_OP_JUMPI &&
            pushes_target(p + 7, len, jumpdests))
            return EXEC_FUSED_SELECTOR;
        break;
    case EXEC_OP_PUSH20:
        if (is_address_mask(p))
            return EXEC_FUSED_ADDRESS_MASK;
        break;
    case EXEC_OP_PUSH1:
        if (is_address_sub(p))
            return EXEC_FUSED_ADDRESS_SUB;
        if (p[2] == EXEC_OP_ADD)
            return EXEC_FUSED_PUSH1_ADD;
        break;
    case EXEC_OP_POP:
        if (p[1] == EXEC_OP_POP)
            return EXEC_FUSED_POP_POP;
        break;
    case EXEC_OP_SWAP1:
    case EXEC_OP_SWAP2:
    case EXEC_OP_SWAP3:
        if (p[1] == EXEC_OP_POP)
            return (uint8_t)(EXEC_FUSED_SWAP1_POP + (p[0] - EXEC_OP_SWAP1));
        break;
    default:
        if (p[0] >= EXEC_FUSED_FIRST && p[0] < EXEC_FUSED_END)
            return OP_INVALID;
        break;
    }
    return p[0];
}

void exec_code_fuse(uint8_t *ops, const uint8_t *code, size_t len, const uint8_t *jumpdests)
{
    for (size_t i = 0; i < len; i++) {
        uint32_t op = code[i];
        ops[i] = fused(code + i, len, jumpdests);
        if (op >= EXEC_OP_PUSH1 && op <= EXEC_OP_PUSH32)
            i += op - EXEC_OP_PUSH1 + 1u;
    }
}

#else
/* ISO C wants something in every translation unit. */
extern const int exec_no_fusing;
#endif
