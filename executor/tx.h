/* Transactions: decoding, validation, and application to the state.
 *
 * Types: 0 legacy (EIP-155 and before), 1 (EIP-2930), 2 (EIP-1559), 4 (EIP-7702), and 0x7e, the
 * L1-to-L2 deposit, which exists only in the L1 inbox and never arrives as signed bytes.  Type 3
 * (blobs) is refused.
 *
 * 1. Decoding accepts exactly the canonical encoding: re-encoding gives the same bytes.
 * 2. A verdict other than EXEC_TX_OK leaves the state unchanged (skip: no receipt). */
#pragma once

#include "base/core/codec.h"
#include "executor/evm.h"

#define EXEC_TX_DEPOSIT 0x7eu

enum exec_tx_verdict {
    EXEC_TX_OK,
    /* decoding */
    EXEC_TX_MALFORMED,
    EXEC_TX_TYPE,          /* not supported here */
    EXEC_TX_BAD_SIGNATURE, /* range, high s (EIP-2), or no such point */
    EXEC_TX_CHAIN_ID,
    /* by itself */
    EXEC_TX_INTRINSIC_GAS, /* below intrinsic gas or the calldata floor (EIP-7623) */
    EXEC_TX_INITCODE_SIZE,
    EXEC_TX_TIP_ABOVE_FEE_CAP,
    EXEC_TX_NONCE_MAX,          /* EIP-2681 */
    EXEC_TX_NO_AUTHORIZATIONS,  /* EIP-7702: empty list */
    EXEC_TX_CREATE_NOT_ALLOWED, /* EIP-7702: no destination */
    /* against block and state */
    EXEC_TX_BLOCK_GAS,
    EXEC_TX_BLOCK_NATIVE,
    EXEC_TX_FEE_CAP_TOO_LOW,
    EXEC_TX_NONCE_TOO_LOW,
    EXEC_TX_NONCE_TOO_HIGH,
    EXEC_TX_INSUFFICIENT_FUNDS,
    EXEC_TX_SENDER_NOT_EOA, /* EIP-3607, EIP-7702 delegations allowed */
    EXEC_TX_COUNT
};

/* The names wallets know ("nonce too low", ...). */
const char *exec_tx_verdict_text(enum exec_tx_verdict v);

struct exec_access {
    struct td_addr addr;
    uint32_t slot_count;
    const struct exec_u256 *slots;
};

struct exec_authorization { /* EIP-7702 */
    struct exec_u256 chain_id;
    struct td_addr addr;
    uint64_t nonce;
    struct exec_u256 y_parity, r, s; /* any integer is well-formed; a bad one is skipped */
    bool has_authority;              /* recovered; false: this entry is skipped */
    struct td_addr authority;
};

struct exec_tx {
    uint8_t type;
    bool is_create;
    bool has_chain_id; /* legacy: EIP-155 or not */
    uint64_t chain_id;
    uint64_t nonce;
    uint64_t gas_limit;
    struct exec_u256 fee_cap; /* gasPrice, or maxFeePerGas */
    struct exec_u256 tip_cap; /* gasPrice, or maxPriorityFeePerGas */
    struct td_addr to;
    struct exec_u256 value;
    struct td_bytes data;
    uint32_t access_count;
    const struct exec_access *access;
    uint32_t auth_count;
    struct exec_authorization *auth;
    uint8_t y_parity;
    struct exec_u256 r, s;
    struct td_hash hash;         /* keccak of the bytes */
    struct td_hash signing_hash; /* what the sender signed */
    struct td_addr sender;       /* deposit: from the inbox; else after exec_tx_recover */
    struct exec_u256 mint;       /* deposit: wei that appear at the sender first */
};

/* Arena that decoding `len` bytes takes at most: an access list entry is 40 bytes for 23 on the
 * wire, a slot 32 for 33, an authorization under 208 for 27. */
#define EXEC_TX_ARENA_BYTES(len) (8u * (size_t)(len) + 64u)

/* Fills *out; views point into `bytes`, lists are in `arena`, which must have room for
 * EXEC_TX_ARENA_BYTES (a list that does not fit is MALFORMED, so the caller looks first).
 * OK, MALFORMED, TYPE, BAD_SIGNATURE (v, and the ranges of r and s, only), or CHAIN_ID; chain_id 0
 * accepts any.  Cost: two passes and two keccaks. */
enum exec_tx_verdict exec_tx_decode(struct exec_tx *out, struct td_arena *arena,
                                    struct td_bytes bytes, uint64_t chain_id);

/* Append the canonical bytes of a signed transaction: the ones it was decoded from. */
void exec_tx_encode(struct td_writer *w, const struct exec_tx *tx);

/* Signing hash of one authorization: keccak(0x05 || rlp([chain_id, address, nonce])). */
void exec_authorization_hash(struct td_hash *out, const struct exec_authorization *a);

/* Sender and authorities by public-key recovery in portable C (executor/crypto/secp.h).  Natively
 * the node recovers in batches and sets sender, has_authority and authority itself. */
enum exec_tx_verdict exec_tx_recover(struct exec_tx *tx);

/* The same through another way of recovery (a batch's results, or checked hints): fills the key as
 * exec_secp_recover does, or returns false.  by NULL: exec_secp_recover. */
struct exec_recoverer {
    void *self;
    bool (*recover)(void *self, uint8_t out_xy[64], const struct td_hash *digest,
                    const uint8_t r[32], const uint8_t s[32], uint32_t parity);
};
enum exec_tx_verdict exec_tx_recover_by(struct exec_tx *tx, const struct exec_recoverer *by);

/* What exec_tx_recover_by would ask for `tx`, in its order, so that a batch can be recovered before
 * the block runs: the sender's, then those of authorizations that are not skipped unasked.  Fills
 * out[0 .. cap) and returns how many there are.  Which transactions are asked about at all is
 * decided as the block runs: match by content, not by number. */
struct exec_signature {
    struct td_hash digest;
    uint8_t r[32], s[32]; /* big-endian */
    uint32_t parity;
};
uint32_t exec_tx_signatures(struct exec_signature *out, uint32_t cap, const struct exec_tx *tx);

uint64_t exec_tx_intrinsic_gas(const struct exec_tx *tx);
uint64_t exec_tx_floor_gas(const struct exec_tx *tx); /* EIP-7623 */

/* Rules that need no state. */
enum exec_tx_verdict exec_tx_check(const struct exec_tx *tx, const struct exec_block_env *block);

struct exec_receipt {
    uint8_t type;
    bool success;
    enum exec_status status;
    enum td_error err;       /* other than TD_OK: the block ends */
    uint64_t gas_used;       /* of this transaction, refunds and extra prices included */
    uint64_t cumulative_gas; /* filled by the block */
    uint64_t native_used;
    uint64_t pubdata_bytes;
    struct td_addr created; /* of a creation */
    struct td_bytes output; /* return or revert data, valid until the next run */
    uint32_t log_count;
    const struct exec_log *logs;
    uint32_t message_count;
    const struct exec_l1_message *messages;
};

/* Validate against state and, if OK, run: buys gas, raises the nonce, warms (EIP-2929, 2930, 3651),
 * installs delegations, runs, refunds (EIP-3529), applies the floor (EIP-7623), pays the coinbase
 * its tip (the base fee is burnt), and ends the transaction in the state.  block_gas_left and
 * block_native_left are the block's; UINT64_MAX native units: unmetered.  vm needs state, block and
 * arena, which must not be the state's; the rest is set here.  exec_tx_check comes first, except
 * for a deposit, which has no verdict but OK.
 *
 * A transaction may use min(tx_native_max, gas_limit * native_per_gas) native units; if the block
 * has fewer left it is not for this block (BLOCK_NATIVE).  What it pays is
 *
 *     gas_used = max(EVM gas, ceil(native_used / native_per_gas))
 *                + pubdata_bytes * gas_per_pubdata_byte
 *
 * Out of native, or pubdata that the gas limit does not cover: the run is reverted whole (not the
 * nonce, the delegations or the mint), all gas is consumed, status is OUT_OF_NATIVE or
 * OUT_OF_GAS.  Where native units do not even cover what the transaction names, nothing it names
 * is looked at, its delegations included.
 *
 * Deposits: `mint` appears first and stays whatever happens; the nonce is raised; no gas is bought,
 * returned or tipped. */
enum exec_tx_verdict exec_tx_apply(struct exec_vm *vm, const struct exec_tx *tx,
                                   uint64_t block_gas_left, uint64_t block_native_left,
                                   struct exec_receipt *out);

#if __STDC_HOSTED__
/* As exec_tx_apply but for calls (executor/call.h): no signature, nonce or sender's code is looked
 * at, nor what the block has left.  With fee_cap 0 the base fee must be 0, too, and the sender
 * needs the value only; otherwise OK, FEE_CAP_TOO_LOW or INSUFFICIENT_FUNDS.  Not in the guest. */
enum exec_tx_verdict exec_tx_call(struct exec_vm *vm, const struct exec_tx *tx,
                                  struct exec_receipt *out);
#endif
