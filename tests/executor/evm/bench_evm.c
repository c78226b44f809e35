/* Nanoseconds of processor time per iteration of four loops of a million, and of one ERC-20
 * transfer with prepared code.  Prints a table; takes no arguments. */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/core/keccak.h"
#include "tests/executor/evm/world.h"

#define ITERATIONS 1000000u
#define ROUNDS 5u

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* A counter runs down to 0 on the stack; `body` leaves the stack as it was. */
static void loop(const char *name, const char *body)
{
    char text[512];
    double best = 1e18;
    struct world *w = world_new();
    snprintf(text, sizeof text, "%u loop: %s 1 SWAP1 SUB DUP1 @loop JUMPI STOP", ITERATIONS, body);
    world_put_code(w, 0x1000, text);
    for (unsigned i = 0; i < ROUNDS; i++) {
        world_begin(w);
        double begin = now_ns();
        struct exec_outcome out = world_call(w, 0x1000, INT64_C(1) << 40, 0, td_bytes_of(NULL, 0));
        double took = (now_ns() - begin) / ITERATIONS;
        if (out.status != EXEC_SUCCESS) {
            printf("%s: %s\n", name, exec_status_text(out.status));
            exit(1);
        }
        if (took < best)
            best = took;
    }
    printf("%-28s %8.1f ns/iteration\n", name, best);
    world_free(w);
}

/* transfer(address,uint256) as a compiler lays it out: dispatch among five selectors, argument
 * checks, balances[msg.sender] and balances[to] with checked arithmetic, Transfer event, true. */
static const char TRANSFER[] =
    "0x80 0x40 MSTORE CALLVALUE DUP1 ISZERO @payok JUMPI 0 DUP1 REVERT payok: POP "
    "4 CALLDATASIZE LT @bad JUMPI 0 CALLDATALOAD 0xe0 SHR "
    "DUP1 0x095ea7b3 EQ @bad JUMPI DUP1 0x18160ddd EQ @bad JUMPI "
    "DUP1 0x23b872dd EQ @bad JUMPI DUP1 0x70a08231 EQ @bad JUMPI "
    "DUP1 0xa9059cbb EQ @transfer JUMPI bad: 0 DUP1 REVERT "
    "transfer: 0x44 CALLDATASIZE LT @bad JUMPI 4 CALLDATALOAD DUP1 "
    "0xffffffffffffffffffffffffffffffffffffffff AND DUP2 EQ ISZERO @bad JUMPI "
    "36 CALLDATALOAD " /* selector to amount */
    "DUP2 ISZERO @bad JUMPI CALLER ISZERO @bad JUMPI "
    "CALLER 0 MSTORE 0 0x20 MSTORE 0x40 0 KECCAK256 "   /* ... key */
    "DUP1 SLOAD DUP3 DUP2 LT @bad JUMPI "               /* ... key balance */
    "DUP3 SWAP1 SUB SWAP1 SSTORE "                      /* selector to amount */
    "DUP2 0 MSTORE 0 0x20 MSTORE 0x40 0 KECCAK256 "     /* ... key2 */
    "DUP1 SLOAD DUP3 DUP2 ADD DUP2 DUP2 LT @bad JUMPI " /* ... key2 balance sum */
    "SWAP1 POP SWAP1 SSTORE "                           /* selector to amount */
    "0x40 MLOAD DUP2 DUP2 MSTORE "                      /* selector to amount free */
    "DUP3 CALLER 0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef "
    "0x20 DUP5 LOG3 POP POP POP POP 1 0x40 MLOAD DUP2 DUP2 MSTORE SWAP1 POP 0x20 SWAP1 RETURN";

static void erc20(void)
{
    enum { CALLS = 20000 };
    uint8_t input[68] = {0xa9, 0x05, 0x9c, 0xbb};
    uint8_t key[64] = {0};
    double best = 1e18;
    struct td_hash slot;
    struct world *w = world_new();
    struct td_addr caller = world_addr(WORLD_CALLER);
    world_put_code(w, 0x1000, TRANSFER);
    memcpy(key + 12, caller.b, 20);
    td_keccak256(&slot, key, sizeof key);
    struct world_slot *s = &w->slots[w->slot_count++];
    s->addr = world_addr(0x1000);
    exec_u256_from_be(&s->slot, slot.b, 32);
    s->value = exec_u256_of(UINT64_C(1) << 60);
    input[35] = 0xbe;
    input[67] = 1;
    for (unsigned round = 0; round < ROUNDS; round++) {
        world_begin(w);
        double begin = now_ns();
        for (unsigned i = 0; i < CALLS / ROUNDS; i++) {
            struct td_arena_mark mark = td_arena_mark(&w->vm_arena);
            struct exec_outcome out =
                world_call(w, 0x1000, 100000, 0, td_bytes_of(input, sizeof input));
            if (out.status != EXEC_SUCCESS || world_number(&out) != 1) {
                printf("transfer: %s\n", exec_status_text(out.status));
                exit(1);
            }
            td_arena_rewind(&w->vm_arena, mark);
        }
        double took = (now_ns() - begin) / (CALLS / ROUNDS);
        if (took < best)
            best = took;
    }
    printf("%-28s %8.1f ns/transfer\n", "ERC-20 transfer, prepared", best);
    world_free(w);
}

int main(void)
{
    loop("empty loop", "");
    loop("ADD", "1 2 ADD POP");
    loop("MSTORE", "DUP1 0x20 MSTORE");
    loop("SLOAD", "0 SLOAD POP");
    loop("KECCAK256 of 64 bytes", "0x40 0 KECCAK256 POP");
    loop("MUL", "3 DUP2 MUL POP");
    loop("DIV", "3 NOT DUP2 DIV POP");
    erc20();
    return 0;
}
