/* An ERC-20 token with what a compiler puts around transfer(address,uint256): a call-value check, a
 * selector switch, an argument decoder, internal functions with return addresses on the stack, the
 * checks of the usual library, and the event.  Written by hand after the layout of compiled code;
 * balances are mapping 0. */
#include "base/core/keccak.h"
#include "tests/bench/executor.h"

#define MASK "0xffffffffffffffffffffffffffffffffffffffff "
/* ... address (masked) -> its slot in mapping 0 */
#define MAPPING "0 SWAP1 DUP2 MSTORE 0x20 DUP2 SWAP1 MSTORE 0x40 SWAP1 KECCAK256 "

const char BENCH_TOKEN[] =
    "0x80 0x40 MSTORE CALLVALUE @bad JUMPI "
    "4 CALLDATASIZE LT @bad JUMPI 0 CALLDATALOAD 0xe0 SHR "
    "DUP1 0x06fdde03 EQ @bad JUMPI DUP1 0x095ea7b3 EQ @bad JUMPI DUP1 0x18160ddd EQ @bad JUMPI "
    "DUP1 0x23b872dd EQ @bad JUMPI DUP1 0x70a08231 EQ @bad JUMPI "
    "DUP1 0xa9059cbb EQ @transfer JUMPI "
    "bad: 0 DUP1 REVERT "
    /* external entry: decode, call, encode the answer */
    "transfer: @out @called 4 CALLDATASIZE SWAP1 @decode JUMP "
    "called: @impl JUMP "
    "out: 0x40 MLOAD SWAP1 ISZERO ISZERO DUP2 MSTORE 0x20 ADD "
    "0x40 MLOAD DUP1 SWAP2 SUB SWAP1 RETURN "
    /* (ret, end, head) -> to, amount */
    "decode: 0 DUP1 0x40 DUP4 DUP6 SUB SLT @bad JUMPI DUP3 CALLDATALOAD "
    "@checked DUP2 @validate JUMP "
    "checked: SWAP2 POP DUP3 0x20 ADD CALLDATALOAD SWAP1 POP SWAP3 POP SWAP1 POP SWAP2 JUMP "
    "validate: DUP1 " MASK "AND DUP2 EQ ISZERO @bad JUMPI POP JUMP "
    /* (ret, to, amount) -> true */
    "impl: 0 @owner @sender JUMP "
    "owner: @moved DUP2 DUP6 DUP6 @move JUMP "
    "moved: 1 SWAP2 POP POP SWAP3 SWAP2 POP POP JUMP "
    "sender: CALLER SWAP1 JUMP "
    /* (ret, from, to, amount) */
    "move: " MASK "DUP4 AND ISZERO @bad JUMPI " MASK "DUP3 AND ISZERO @bad JUMPI "
    "@updated DUP4 DUP4 DUP4 @update JUMP "
    "updated: POP POP POP JUMP "
    "update: " MASK "DUP4 AND ISZERO @bad JUMPI " MASK "DUP4 AND " MAPPING
    "SLOAD "                                                   /* ret from to amount balance */
    "DUP2 DUP2 LT @bad JUMPI " MASK "DUP5 AND " MAPPING        /* ... balance slot */
    "DUP3 DUP3 SUB SWAP1 SSTORE POP " MASK "DUP3 AND " MAPPING /* ret from to amount slot */
    "DUP1 SLOAD DUP3 ADD SWAP1 SSTORE " MASK "DUP3 AND " MASK "DUP5 AND "
    "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef "
    "DUP4 0x40 MLOAD @logged SWAP2 SWAP1 @encode JUMP "
    "logged: 0x40 MLOAD DUP1 SWAP2 SUB SWAP1 LOG3 POP POP POP JUMP "
    /* (ret, word, at) -> end */
    "encode: DUP2 DUP2 MSTORE 0x20 ADD SWAP2 SWAP1 POP JUMP ";

void bench_transfer_data(uint8_t out[BENCH_TRANSFER_BYTES], const struct td_addr *to,
                         uint64_t amount)
{
    static const uint8_t selector[] = {0xa9, 0x05, 0x9c, 0xbb};
    memset(out, 0, BENCH_TRANSFER_BYTES);
    memcpy(out, selector, sizeof selector);
    memcpy(out + 16, to->b, sizeof to->b);
    for (uint32_t i = 0; i < 8; i++)
        out[BENCH_TRANSFER_BYTES - 1u - i] = (uint8_t)(amount >> (8u * i));
}

void bench_token_slot(struct exec_u256 *out, const struct td_addr *owner)
{
    uint8_t key[64] = {0};
    struct td_hash hash;
    memcpy(key + 12, owner->b, sizeof owner->b);
    td_keccak256(&hash, key, sizeof key);
    exec_u256_from_be(out, hash.b, sizeof hash.b);
}
