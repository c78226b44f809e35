/* Messages between contracts: gas that is passed and comes back, value, context, return data, undo
 * of what fails, creation, delegation.  Gas is worked out by hand from the specification. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/core/keccak.h"
#include "tests/executor/evm/world.h"

#define GAS 1000000
#define RET 13
#define NONE td_bytes_of(NULL, 0)

/* Run `code` at 0x1000 with `callee` at 0x1001; returns the number it returns. */
static uint64_t pair(const char *code, const char *callee, int64_t *used)
{
    struct world *w = world_new();
    world_put_code(w, 0x1001, callee);
    struct exec_outcome out = world_run(w, code, GAS);
    cr_assert_eq(out.status, EXEC_SUCCESS, "%s: %s", code, exec_status_text(out.status));
    uint64_t r = world_number(&out);
    if (used != NULL)
        *used = GAS - out.gas_left;
    world_free(w);
    return r;
}

/* pushes: five zeros 10, address 3, GAS 2 */
#define CALL_IT "0 0 0 0 0 0x1001 GAS CALL "

Test(runner, a_call_returns_unused_gas)
{
    int64_t used;
    cr_assert_eq(pair(CALL_IT "ret", "STOP", &used), 1);
    cr_assert_eq(used, 15 + 2600 + RET);
    cr_assert_eq(pair(CALL_IT "ret", "1 POP", &used), 1);
    cr_assert_eq(used, 15 + 2600 + 5 + RET);
    cr_assert_eq(pair(CALL_IT "POP " CALL_IT "ret", "STOP", &used), 1);
    cr_assert_eq(used, 15 + 2600 + 2 + 15 + 100 + RET);
    /* REVERT keeps the rest, an exceptional halt takes what was passed */
    cr_assert_eq(pair(CALL_IT "ret", "0 0 REVERT", &used), 0);
    cr_assert_eq(used, 15 + 2600 + 4 + RET);
    cr_assert_eq(pair("0 0 0 0 0 0x1001 5000 CALL ret", "INVALID", &used), 0);
    cr_assert_eq(used, 16 + 2600 + 5000 + RET);
}

Test(runner, all_but_a_64th_is_passed)
{
    int64_t used;
    int64_t before = GAS - 15 - 2600;
    /* the callee's GAS costs 2 before it answers */
    uint64_t seen = pair("32 0 0 0 0 0x1001 GAS CALL POP 0 MLOAD ret", "GAS ret", &used);
    int64_t left = before - 1 - 3; /* PUSH1 32 for PUSH0; a word of memory */
    cr_assert_eq(seen, (uint64_t)(left - left / 64 - 2));
    seen = pair("32 0 0 0 0 0x1001 1000 CALL POP 0 MLOAD ret", "GAS ret", &used);
    cr_assert_eq(seen, 998);
}

Test(runner, kinds_of_call_differ_in_context)
{
    static const struct {
        const char *call, *question;
        uint64_t want;
    } ROWS[] = {
        {"32 0 0 0 3 0x1001 GAS CALL", "ADDRESS", 0x1001},
        {"32 0 0 0 3 0x1001 GAS CALL", "CALLER", 0x1000},
        {"32 0 0 0 3 0x1001 GAS CALL", "CALLVALUE", 3},
        {"32 0 0 0 3 0x1001 GAS CALL", "SELFBALANCE", 3},
        {"32 0 0 0 3 0x1001 GAS CALLCODE", "ADDRESS", 0x1000},
        {"32 0 0 0 3 0x1001 GAS CALLCODE", "CALLER", 0x1000},
        {"32 0 0 0 3 0x1001 GAS CALLCODE", "CALLVALUE", 3},
        {"32 0 0 0 3 0x1001 GAS CALLCODE", "SELFBALANCE", 50},
        {"32 0 0 0 0x1001 GAS DELEGATECALL", "ADDRESS", 0x1000},
        {"32 0 0 0 0x1001 GAS DELEGATECALL", "CALLER", WORLD_CALLER},
        {"32 0 0 0 0x1001 GAS DELEGATECALL", "CALLVALUE", 50},
        {"32 0 0 0 0x1001 GAS STATICCALL", "ADDRESS", 0x1001},
        {"32 0 0 0 0x1001 GAS STATICCALL", "CALLER", 0x1000},
        {"32 0 0 0 0x1001 GAS STATICCALL", "CALLVALUE", 0},
        {"32 0 0 0 0x1001 GAS STATICCALL", "CODESIZE", 7},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        char text[256];
        struct world *w = world_new();
        snprintf(text, sizeof text, "%s POP 0 MLOAD ret", ROWS[i].call);
        world_put_code(w, 0x1000, text);
        snprintf(text, sizeof text, "%s ret", ROWS[i].question);
        world_put_code(w, 0x1001, text);
        world_begin(w);
        struct exec_outcome out = world_call(w, 0x1000, GAS, 50, NONE);
        cr_assert_eq(world_number(&out), ROWS[i].want, "%s in %s", ROWS[i].question, ROWS[i].call);
        world_free(w);
    }
}

Test(runner, value_costs_and_its_stipend)
{
    struct world *w = world_new();
    world_put_code(w, 0x1000, "0 0 0 0 1 0x1001 0 CALL ret"); /* no gas but the stipend */
    world_put_code(w, 0x1001, "GAS 0 SSTORE");
    world_put_code(w, 0x1002, "0 0 0 0 1 0x77 0 CALL ret");
    world_begin(w);
    struct exec_outcome out = world_call(w, 0x1000, GAS, 10, NONE);
    cr_assert_eq(world_number(&out), 0); /* the stipend does not pay for a write */
    struct td_addr callee = world_addr(0x1001);
    cr_assert(exec_u256_is_zero(&exec_state_get(w->state, &callee)->balance));
    cr_assert_eq(GAS - out.gas_left, 16 + 2600 + 9000 + RET);
    /* to nobody: cold, value and a new account, and the stipend comes back */
    out = world_call(w, 0x1002, GAS, 10, NONE);
    cr_assert_eq(world_number(&out), 1);
    cr_assert_eq(GAS - out.gas_left, 16 + 2600 + 9000 + 25000 - 2300 + RET);
    struct td_addr heir = world_addr(0x77);
    cr_assert_eq(exec_state_get(w->state, &heir)->balance.w[0], 1);
    /* too poor: 0, no gas taken, return data empty */
    world_put_code(w, 0x1003, "0 0 0 0 99 0x1001 0 CALL RETURNDATASIZE ADD ret");
    out = world_call(w, 0x1003, GAS, 10, NONE);
    cr_assert_eq(world_number(&out), 0);
    cr_assert_eq(GAS - out.gas_left, 16 + 100 + 9000 - 2300 + 2 + 3 + RET);
    world_free(w);
}

Test(runner, a_failing_call_leaves_no_trace)
{
    static const char *const ENDS[] = {"0 0 REVERT", "INVALID", "ADD", "@nowhere JUMP"};
    for (size_t i = 0; i < sizeof ENDS / sizeof ENDS[0]; i++) {
        char text[256];
        struct world *w = world_new();
        snprintf(text, sizeof text, "7 1 SSTORE 8 2 TSTORE 0 0 LOG0 %s", ENDS[i]);
        world_put_code(w, 0x1001, text);
        world_put_code(w, 0x1000, "0 0 0 0 5 0x1001 200000 CALL ISZERO ret");
        world_begin(w);
        struct exec_outcome out = world_call(w, 0x1000, GAS, 5, NONE);
        struct exec_slot_view view;
        struct td_addr a = world_addr(0x1001);
        struct exec_u256 one = exec_u256_of(1);
        struct exec_u256 two = exec_u256_of(2);
        uint32_t count;
        cr_assert_eq(world_number(&out), 1);
        exec_state_tload(w->state, &a, &two, &view.now);
        cr_assert(exec_u256_is_zero(&view.now));
        exec_state_sload(w->state, &a, &one, &view);
        cr_assert(exec_u256_is_zero(&view.now));
        cr_assert(view.was_cold, "warmth is undone too");
        cr_assert(exec_u256_is_zero(&exec_state_get(w->state, &a)->balance));
        exec_state_logs(w->state, &count);
        cr_assert_eq(count, 0);
        world_free(w);
    }
}

Test(runner, static_calls_refuse_every_write)
{
    static const char *const WRITES[] = {
        "1 0 SSTORE",
        "1 0 TSTORE",
        "0 0 LOG0",
        "1 0 0 LOG1",
        "0 0 0 CREATE",
        "0 0 0 0 CREATE2",
        "0 SELFDESTRUCT",
        "0 0 0 0 1 0x1002 GAS CALL",
        /* static carries over into calls */
        "0 0 0 0 0 0x1002 100000 CALL ISZERO @bad JUMPI STOP bad: INVALID",
        "0 0 0 0 0x1002 100000 DELEGATECALL ISZERO @bad JUMPI STOP bad: INVALID",
    };
    for (size_t i = 0; i < sizeof WRITES / sizeof WRITES[0]; i++) {
        struct world *w = world_new();
        world_put(w, 0x1001, 1, 100, world_code(w, WRITES[i]));
        world_put_code(w, 0x1002, "1 1 SSTORE");
        struct exec_outcome out = world_run(w, "0 0 0 0 0x1001 300000 STATICCALL ret", GAS);
        cr_assert_eq(world_number(&out), 0, "%s", WRITES[i]);
        cr_assert_gt(GAS - out.gas_left, 300000, "%s", WRITES[i]);
        world_free(w);
    }
    cr_assert_eq(
        pair("0 0 0 0 0x1001 GAS STATICCALL ret", "0 SLOAD 0 TLOAD 0 0 0 0 0 5 GAS CALL", NULL), 1);
}

Test(runner, return_data_is_the_last_call)
{
    static const char TELL[] = "7 0 MSTORE 8 32 MSTORE 40 0 RETURN";
    cr_assert_eq(pair(CALL_IT "POP RETURNDATASIZE ret", TELL, NULL), 40);
    cr_assert_eq(pair(CALL_IT "POP 32 0 0 RETURNDATACOPY 0 MLOAD ret", TELL, NULL), 7);
    /* memory that grows under it moves it, not its content */
    cr_assert_eq(pair(CALL_IT "POP 1 0x8000 MSTORE 32 0 0 RETURNDATACOPY 0 MLOAD ret", TELL, NULL),
                 7);
    /* output is cut to the room asked for, and what is not covered stays */
    cr_assert_eq(
        pair("0 NOT 32 MSTORE 32 0 0 0 0 0x1001 GAS CALL POP 32 MLOAD NOT ret", TELL, NULL), 0);
    cr_assert_eq(
        pair("0 NOT 0 MSTORE 32 0 0 0 0 0x1001 GAS CALL POP 0 MLOAD ret", "0 0 RETURN", NULL),
        UINT64_MAX);
    /* revert data too; a halt has none; the next call forgets it */
    cr_assert_eq(pair(CALL_IT "POP RETURNDATASIZE ret", "40 0 REVERT", NULL), 40);
    cr_assert_eq(pair("0 0 0 0 0 0x1001 9 CALL POP RETURNDATASIZE ret", "INVALID", NULL), 0);
    cr_assert_eq(pair(CALL_IT "POP 0 0 0 0 0 0x99 GAS CALL POP RETURNDATASIZE ret", TELL, NULL), 0);
    cr_assert_eq(pair(CALL_IT "POP 0 0 0 CREATE POP RETURNDATASIZE ret", TELL, NULL), 0);
}

Test(runner, depth_ends_at_1024)
{
    /* Calls itself, counting down in storage-free fashion: the answer is 1 + the callee's. */
    struct world *w = world_new();
    world_put_code(w, 0x1000, "32 0 0 0 0 ADDRESS GAS CALL POP 0 MLOAD 1 ADD ret");
    world_begin(w);
    struct exec_outcome out = world_call(w, 0x1000, INT64_C(1) << 50, 0, NONE);
    cr_assert_eq(out.status, EXEC_SUCCESS);
    cr_assert_eq(world_number(&out), 1025);
    cr_assert_leq(w->vm_arena.peak, exec_evm_arena_bytes(30000000));
    world_free(w);
}

/* Deploys three bytes of code (PUSH0 PUSH0 REVERT). */
#define DEPLOY "0x5f5ffd 0 MSTORE 3 29 RETURN"

Test(runner, creation_deploys_what_init_code_returns)
{
    struct world *w = world_new();
    world_begin(w);
    struct exec_outcome out = world_create(w, DEPLOY, GAS, 6);
    cr_assert_eq(out.status, EXEC_SUCCESS);
    cr_assert_eq(GAS - out.gas_left, 5 + 3 + 3 + 6 + 600);
    const struct exec_account *a = exec_state_get(w->state, &out.created);
    cr_assert_eq(a->nonce, 1);
    cr_assert_eq(a->balance.w[0], 6);
    cr_assert_eq(a->code_bytes, 3);
    struct td_bytes code = exec_state_code(w->state, &out.created);
    cr_assert_eq(code.ptr[2], 0xfd);
    /* keccak(rlp([caller, 0]))[12..] */
    uint8_t rlp[23] = {0xd6, 0x94};
    struct td_hash hash;
    struct td_addr caller = world_addr(WORLD_CALLER);
    memcpy(rlp + 2, caller.b, 20);
    rlp[22] = 0x80;
    td_keccak256(&hash, rlp, sizeof rlp);
    cr_assert_arr_eq(out.created.b, hash.b + 12, 20);
    /* the same again: the address is taken */
    out = world_create(w, DEPLOY, GAS, 6);
    cr_assert_eq(out.status, EXEC_COLLISION);
    cr_assert_eq(out.gas_left, 0);
    world_free(w);
}

/* Addresses of CREATE for nonces of every RLP length. */
Test(runner, created_addresses)
{
    static const uint64_t NONCES[] = {1, 0x7f, 0x80, 0xff, 0x100, UINT64_C(0x123456789abcdef0)};
    for (size_t i = 0; i < sizeof NONCES / sizeof NONCES[0]; i++) {
        uint8_t rlp[40];
        size_t len = 0;
        struct world *w = world_new();
        world_put(w, 0x1000, NONCES[i], 0, world_code(w, "0 0 0 CREATE ret"));
        world_begin(w);
        struct exec_outcome out = world_call(w, 0x1000, GAS, 0, NONE);
        struct td_addr self = world_addr(0x1000);
        unsigned bytes = 0;
        for (uint64_t v = NONCES[i]; v != 0; v >>= 8)
            bytes++;
        unsigned item = NONCES[i] < 0x80 ? 1 : 1 + bytes;
        rlp[len++] = (uint8_t)(0xc0 + 21 + item);
        rlp[len++] = 0x94;
        memcpy(rlp + len, self.b, 20);
        len += 20;
        if (item > 1)
            rlp[len++] = (uint8_t)(0x80 + bytes);
        for (unsigned b = bytes; b-- > 0;)
            rlp[len++] = (uint8_t)(NONCES[i] >> (8 * b));
        struct td_hash hash;
        td_keccak256(&hash, rlp, len);
        cr_assert_eq(out.output.len, 32);
        cr_assert_arr_eq(out.output.ptr + 12, hash.b + 12, 20);
        world_free(w);
    }
}

/* The first and the last example of EIP-1014: deployer 0, salt 0, init code 00 and none. */
Test(runner, create2_addresses_of_the_eip)
{
    static const uint8_t ONE[20] = {0x4d, 0x1a, 0x2e, 0x2b, 0xb4, 0xf8, 0x8f, 0x02, 0x50, 0xf2,
                                    0x6f, 0xff, 0xf0, 0x98, 0xb0, 0xb3, 0x0b, 0x26, 0xbf, 0x38};
    static const uint8_t EMPTY[20] = {0xe3, 0x3c, 0x0c, 0x7f, 0x7d, 0xf4, 0x80, 0x90, 0x55, 0xc3,
                                      0xeb, 0xa6, 0xc0, 0x9c, 0xfe, 0x4b, 0xaf, 0x1b, 0xd9, 0xe0};
    for (unsigned i = 0; i < 2; i++) {
        struct world *w = world_new();
        world_put(w, 0, 1, 0,
                  world_code(w, i == 0 ? "0 1 0 0 CREATE2 ret" : "0 0 0 0 CREATE2 ret"));
        world_begin(w);
        struct exec_outcome out = world_call(w, 0, GAS, 0, NONE);
        cr_assert_eq(out.output.len, 32);
        cr_assert_arr_eq(out.output.ptr + 12, i == 0 ? ONE : EMPTY, 20);
        world_free(w);
    }
}

Test(runner, creation_that_fails)
{
    static const struct {
        const char *init;
        enum exec_status status;
    } ROWS[] = {
        {"0xef 0 MSTORE8 1 0 RETURN", EXEC_CODE_PREFIX},
        {"0x6001 0 RETURN", EXEC_CODE_SIZE},
        {"0x6000 0 RETURN", EXEC_OUT_OF_GAS}, /* 24,576 * 200 gas */
        {"INVALID", EXEC_BAD_OPCODE},
        {"0 0 REVERT", EXEC_REVERT},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct world *w = world_new();
        world_begin(w);
        struct exec_outcome out = world_create(w, ROWS[i].init, GAS, 5);
        struct td_addr caller = world_addr(WORLD_CALLER);
        cr_assert_eq(out.status, ROWS[i].status, "%s: %s", ROWS[i].init,
                     exec_status_text(out.status));
        cr_assert_eq(out.gas_left, ROWS[i].status == EXEC_REVERT ? GAS - 4 : 0);
        cr_assert_eq(exec_state_get(w->state, &caller)->balance.w[0],
                     UINT64_C(1000000000000000000));
        world_free(w);
    }
    struct world *w = world_new();
    world_begin(w);
    cr_assert_eq(world_create(w, "0x6000 0 RETURN", 6000000, 0).status, EXEC_SUCCESS);
    world_free(w);
}

Test(runner, create_opcodes)
{
    struct world *w = world_new();
    char text[256];
    /* init code of the callee: DEPLOY, 15 bytes, right-aligned in a word */
    struct td_bytes init = world_code(w, DEPLOY);
    size_t at = 0;
    at += (size_t)snprintf(text + at, sizeof text - at, "0x");
    for (size_t i = 0; i < init.len; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%02x", init.ptr[i]);
    size_t put = at;
    at += (size_t)snprintf(text + at, sizeof text - at,
                           " 0 MSTORE %zu %zu 0 CREATE EXTCODESIZE ret", init.len, 32 - init.len);
    struct exec_outcome out = world_run(w, text, GAS);
    cr_assert_eq(world_number(&out), 3);
    /* pushes 5, MSTORE 6, pushes 8, CREATE and a word of init code, the child, EXTCODESIZE warm */
    cr_assert_eq(GAS - out.gas_left, 5 + 6 + 8 + 32002 + 17 + 600 + 100 + RET - 3);
    struct td_addr self = world_addr(0x1000);
    cr_assert_eq(exec_state_get(w->state, &self)->nonce, 2);

    snprintf(text + put, sizeof text - put, " 0 MSTORE 9 %zu %zu 0 CREATE2 EXTCODESIZE ret",
             init.len, 32 - init.len);
    world_put_code(w, 0x1001, text);
    out = world_call(w, 0x1001, GAS, 0, NONE);
    cr_assert_eq(world_number(&out), 3);
    cr_assert_eq(GAS - out.gas_left, 5 + 6 + 11 + 32002 + 6 + 17 + 600 + 100 + RET - 3);
    /* the same salt and code: 0, the gas passed is gone, the nonce has moved */
    out = world_call(w, 0x1001, GAS, 0, NONE);
    cr_assert_eq(world_number(&out), 0);
    cr_assert_lt(out.gas_left, GAS / 32);
    struct td_addr second = world_addr(0x1001);
    cr_assert_eq(exec_state_get(w->state, &second)->nonce, 3);
    world_free(w);
}

Test(runner, create_limits)
{
    struct world *w = world_new();
    world_put(w, 0x1001, UINT64_MAX, 0, world_code(w, "0 0 0 CREATE ret"));
    struct exec_outcome out = world_run(w, "0xc001 0 0 CREATE ret", GAS);
    cr_assert_eq(out.status, EXEC_INITCODE_SIZE); /* EIP-3860: 49,153 bytes */
    out = world_call(w, 0x1001, GAS, 0, NONE);    /* EIP-2681 */
    cr_assert_eq(world_number(&out), 0);
    cr_assert_eq(GAS - out.gas_left, 6 + 32000 + RET);
    world_put_code(w, 0x1002, "0 0 5 CREATE ret"); /* endowment it does not have */
    out = world_call(w, 0x1002, GAS, 0, NONE);
    cr_assert_eq(world_number(&out), 0);
    cr_assert_eq(GAS - out.gas_left, 7 + 32000 + RET);
    world_free(w);
}

Test(runner, selfdestruct_moves_the_balance)
{
    struct world *w = world_new();
    world_put(w, 0x1001, 1, 0, world_code(w, "0x77 SELFDESTRUCT"));
    world_begin(w);
    struct exec_outcome out = world_call(w, 0x1001, GAS, 5, NONE);
    struct td_addr heir = world_addr(0x77);
    struct td_addr self = world_addr(0x1001);
    cr_assert_eq(out.status, EXEC_SUCCESS);
    cr_assert_eq(GAS - out.gas_left, 3 + 5000 + 2600 + 25000);
    cr_assert_eq(exec_state_get(w->state, &heir)->balance.w[0], 5);
    out = world_call(w, 0x1001, GAS, 0, NONE); /* nothing to move, the heir is warm */
    cr_assert_eq(GAS - out.gas_left, 3 + 5000);
    exec_state_tx_end(w->state); /* EIP-6780: not created now, so it stays */
    cr_assert_eq(exec_state_get(w->state, &self)->code_bytes, 3);
    world_free(w);
}

/* EIP-7702: 0xde1e delegates to `target`. */
static void put_delegation(struct world *w, uint64_t target)
{
    char text[64];
    snprintf(text, sizeof text, ".ef0100%040llx", (unsigned long long)target);
    world_put_code(w, 0xde1e, text);
}

Test(runner, delegated_code_runs_at_the_authority)
{
    struct world *w = world_new();
    put_delegation(w, 0x1001);
    world_put_code(w, 0x1001, "ADDRESS ret");
    struct exec_outcome out = world_run(w, "32 0 0 0 0 0xde1e GAS CALL POP 0 MLOAD ret", GAS);
    cr_assert_eq(world_number(&out), 0xde1e);
    /* both accounts cold */
    cr_assert_eq(GAS - out.gas_left,
                 3 + 8 + 3 + 2 + 3 + 2600 + 2600 + 2 + RET + 2 + 2 + 3 + RET - 3);
    out = world_call(w, 0x1000, GAS, 0, NONE); /* both warm now */
    cr_assert_eq(GAS - out.gas_left, 3 + 8 + 3 + 2 + 3 + 200 + 2 + RET + 2 + 2 + 3 + RET - 3);
    out = world_call(w, 0xde1e, GAS, 0, NONE); /* from a transaction */
    cr_assert_eq(world_number(&out), 0xde1e);
    world_put_code(w, 0x1003, "0xde1e EXTCODESIZE ret");
    out = world_call(w, 0x1003, GAS, 0, NONE);
    cr_assert_eq(world_number(&out), 23);
    world_free(w);
}

Test(runner, delegation_is_followed_once_and_not_to_precompiles)
{
    struct world *w = world_new();
    put_delegation(w, 0xde1e); /* to itself: 0xef01... is run, and 0xef is no opcode */
    struct exec_outcome out = world_run(w, "0 0 0 0 0 0xde1e 50000 CALL ret", GAS);
    cr_assert_eq(world_number(&out), 0);
    cr_assert_eq(GAS - out.gas_left, 16 + 2600 + 100 + 50000 + RET);
    world_free(w);
    w = world_new();
    put_delegation(w, 4); /* the identity contract has no code to run here */
    out = world_run(w, "0 0 32 0 0 0xde1e 50000 CALL POP RETURNDATASIZE ret", GAS);
    cr_assert_eq(world_number(&out), 0);
    cr_assert_eq(GAS - out.gas_left, 17 + 3 + 2600 + 100 + 2 + 2 + RET - 3);
    world_free(w);
}

Test(runner, precompiles_answer_calls)
{
    /* identity of 32 bytes: 15 + 3, warm */
    struct world *w = world_new();
    struct exec_outcome out =
        world_run(w, "7 0 MSTORE 32 32 32 0 0 4 GAS CALL POP 32 MLOAD ret", GAS);
    cr_assert_eq(world_number(&out), 7);
    cr_assert_eq(GAS - out.gas_left, 5 + 6 + 9 + 4 + 3 + 2 + 3 + 100 + 18 + 2 + 6 + RET - 3);
    world_put_code(w, 0x1001, "0 0 0 0 0 10 5000 CALL ret"); /* not covered: fails, takes its gas */
    out = world_call(w, 0x1001, GAS, 0, NONE);
    cr_assert_eq(world_number(&out), 0);
    cr_assert_eq(GAS - out.gas_left, 16 + 100 + 5000 + RET);
    /* return data is a copy: writing over the input does not change it */
    world_put_code(
        w, 0x1002,
        "7 0 MSTORE 0 0 32 0 0 4 GAS CALL POP 9 0 MSTORE 32 0 0 RETURNDATACOPY 0 MLOAD ret");
    out = world_call(w, 0x1002, GAS, 0, NONE);
    cr_assert_eq(world_number(&out), 7);
    world_free(w);
}

Test(runner, native_exhaustion_inside_ends_everything)
{
    struct world *w = world_new();
    world_put_code(w, 0x1001, "on: @on JUMP");
    w->vm.native_left = 200000;
    struct exec_outcome out = world_run(w, "1 0 SSTORE 0 0 0 0 0 0x1001 GAS CALL ret", GAS);
    struct td_addr a = world_addr(0x1000);
    struct exec_u256 zero = exec_u256_of(0);
    struct exec_slot_view view;
    cr_assert_eq(out.status, EXEC_OUT_OF_NATIVE);
    cr_assert_eq(out.gas_left, 0);
    exec_state_sload(w->state, &a, &zero, &view);
    cr_assert(exec_u256_is_zero(&view.now));
    world_free(w);
}

/* Code costs native units once a run, however often it is called. */
Test(runner, code_is_prepared_once)
{
    struct world *w = world_new();
    world_put_code(w, 0x1001, "STOP");
    struct exec_outcome out = world_run(w, CALL_IT "POP " CALL_IT "POP", GAS);
    int64_t first = INT64_MAX - w->vm.native_left;
    cr_assert_eq(out.status, EXEC_SUCCESS);
    cr_assert_eq(w->codes.count, 2);
    w->vm.native_left = INT64_MAX;
    world_call(w, 0x1000, GAS, 0, NONE);
    /* the second run finds the account warm, and pays for both codes again */
    cr_assert_eq(INT64_MAX - w->vm.native_left, first - EXEC_NATIVE_COLD_ACCOUNT);
    cr_assert_eq(w->codes.count, 2);
    w->vm.native_left = INT64_MAX;
    w->vm.codes = NULL;
    world_call(w, 0x1000, GAS, 0, NONE);
    cr_assert_eq(INT64_MAX - w->vm.native_left, first - EXEC_NATIVE_COLD_ACCOUNT +
                                                    EXEC_NATIVE_CODE + EXEC_NATIVE_CODE_WORD +
                                                    EXEC_NATIVE_ANALYSE_WORD);
    world_free(w);
}

Test(runner, a_message_without_balance_fails)
{
    struct world *w = world_new();
    world_begin(w);
    struct exec_outcome out = world_call(w, 0x77, GAS, UINT64_MAX, NONE);
    cr_assert_eq(out.status, EXEC_BALANCE);
    out = world_create(w, "STOP", GAS, UINT64_MAX);
    cr_assert_eq(out.status, EXEC_BALANCE);
    cr_assert_str_eq(exec_status_text(out.status), "insufficient balance for transfer");
    world_free(w);
}

Test(runner, a_full_arena_is_an_error_and_no_crash)
{
    size_t sizes[] = {0, 100, 1000, 40000, 80000, 200000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct world *w = world_new();
        world_put_code(w, 0x1001, "1 0x40000 MSTORE 0x40000 0 RETURN");
        w->vm_arena.cap = sizes[i];
        struct exec_outcome out = world_run(w, CALL_IT "ret", GAS);
        cr_assert_eq(out.status, EXEC_ERROR, "%zu bytes", sizes[i]);
        cr_assert_eq(w->vm.err, TD_E_NOSPACE);
        world_free(w);
    }
}
