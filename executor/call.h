/* Calls that are no transactions: eth_call, eth_estimateGas, eth_createAccessList.  They run what a
 * transaction would run, on a state that is thrown away; native builds only, no guest has them.
 *
 *     base reader ◀── overlay: state overrides ◀── exec_state ◀── exec_call ──▶ status, output,
 *     (never written)                                  ▲              │          gas, native, bytes
 *                                                fresh each time      ├── exec_estimate: the least
 *                                                                     │   gas limit that succeeds
 *                                                                     └── exec_access_list: what to
 *                                                                         declare (EIP-2930)
 * 1. Rules are those of exec_tx_apply less the signature, the nonce and the sender's code; fees
 * only count where a price is named.  Method of estimate and access list: go-ethereum's, which
 * wallets are written against.
 * 2. Both meters and published bytes are in the gas that is reported, so an estimate covers all of
 *    what a transaction pays (docs/executor.md, "Two meters").
 * 3. Nothing is written; each run starts from the same state.
 * 4. Memory: `arena` holds the state of one run (executor/state.h says how much that takes), and
 *    vm_arena its frames (exec_evm_arena_bytes; less where native units run out first).  Views in
 *    results live until the caller resets either. */
#pragma once

#include "executor/chain.h"
#include "executor/tx.h"

/* ---- state overrides: the third parameter of eth_call */

#define EXEC_OVERRIDES_MAX 256u       /* accounts */
#define EXEC_OVERRIDE_SLOTS_MAX 4096u /* of all accounts together */
#define EXEC_OVERRIDE_CODE_BYTES_MAX                                                               \
    (1u << 20) /* of one account; EIP-170 does not bind a guess                                    \
                */

struct exec_override_slot {
    struct exec_u256 slot, value;
};

/* An account as the call is to see it; what is not named stays as it is.  A precompile or system
 * contract stays one whatever its account says: movePrecompileToAddress is not offered. */
struct exec_override {
    struct td_addr addr;
    bool has_balance, has_nonce, has_code;
    bool whole_state; /* `state`: slots[] are all there is; otherwise `stateDiff` */
    struct exec_u256 balance;
    uint64_t nonce;
    struct td_bytes code;
    uint32_t slot_count;
    const struct exec_override_slot *slots;
};

struct exec_overlay {
    struct exec_reader base; /* copied */
    const struct exec_override *list;
    uint32_t count;
    struct exec_overlay_entry *entries; /* accounts and slots in order, for bisection */
    uint32_t entry_count;
    struct td_hash *code_hashes; /* [count] */
};

/* The reader that answers from `list` first.  Borrows list and what it points to; index in the
 * arena.  TD_E_LIMIT: a bound above; TD_E_EXISTS: an account, or a slot of one, twice;
 * TD_E_NOSPACE.  Cost: a sort, one keccak per code. */
TD_MUST_CHECK enum td_error exec_overlay_init(struct exec_overlay *out,
                                              const struct exec_reader *base,
                                              const struct exec_override *list, uint32_t count,
                                              struct td_arena *arena);
/* Borrows *o, which stays where it is. */
struct exec_reader exec_overlay_reader(struct exec_overlay *o);

/* ---- where a call happens */

/* As the transactions of block `header` see it, on the state that block left ("latest").  base_fee
 * is that block's own: the cursor's before it. */
void exec_call_env_at(struct exec_block_env *out, const struct exec_chain *chain,
                      const struct exec_header *header, const struct exec_u256 *base_fee);
/* As the next block's would ("pending"), were it made at ts_ms; parent_hash below is then
 * &cursor->block_hash. */
void exec_call_env_next(struct exec_block_env *out, const struct exec_chain *chain,
                        const struct exec_cursor *cursor, uint64_t ts_ms);

struct exec_call_at {
    const struct exec_block_env *block; /* the caller may have changed it: blockOverrides */
    const struct td_hash
        *parent_hash; /* not in EIP-2935's ring yet: written there first; or NULL */
    const struct exec_reader *reader;
    const struct exec_override *overrides;
    uint32_t override_count;
    struct td_arena *arena, *vm_arena; /* two */
    const struct exec_tracer *tracer;  /* or NULL; an estimate and an access list run many times */
};

/* ---- one call */

struct exec_call_result {
    enum exec_tx_verdict verdict; /* not OK: nothing ran, the receipt is empty */
    struct exec_receipt receipt; /* status, output or revert data, gas, native units, bytes, logs */
    uint64_t native_gas;         /* gas that the native units are worth; gas_used is not below it */
    uint64_t pubdata_gas;        /* part of gas_used */
    struct exec_state *state;    /* as the call left it */
};

/* Of `tx`: sender (zero: nobody in particular), to or is_create, gas_limit, fee_cap, tip_cap,
 * value, data, lists (authorities recovered); chain_id where has_chain_id.
 *
 * gas_limit 0: not given, and what exceeds it becomes, the block's.  Without a price (fee_cap 0)
 * the sender must have `value` and nothing more, and BASEFEE is 0 so that contracts find GASPRICE
 * not below it; with one it must be enough for the base fee, and the sender must have gas_limit *
 * fee_cap + value, which is bought and given back as for a transaction.
 *
 * Errors: the reader's; TD_E_NOSPACE: an arena; of overrides as exec_overlay_init. */
TD_MUST_CHECK enum td_error exec_call(const struct exec_call_at *at, const struct exec_tx *tx,
                                      struct exec_call_result *out);

/* ---- the least gas limit */

enum exec_estimate_verdict {
    EXEC_ESTIMATE_OK,
    EXEC_ESTIMATE_REFUSED,   /* no limit helps: call.verdict */
    EXEC_ESTIMATE_FAILED,    /* it reverts or halts: call.receipt has status and revert data */
    EXEC_ESTIMATE_ALLOWANCE, /* it wants more gas than `highest` */
};

struct exec_estimate {
    enum exec_estimate_verdict verdict;
    uint64_t gas; /* OK: succeeds with this limit; with one less it was seen to fail, or used more
                   * than that.  0 otherwise */
    uint64_t highest; /* tried first: tx->gas_limit or the block's, or what the balance can buy */
    uint32_t runs;
    struct exec_call_result call; /* OK: figures of the run with `gas`, no views, no state;
                                   * otherwise the run with `highest` */
};

/* Bisection between what the run with the highest limit used and that limit: 21,000 is tried first
 * for a transfer to an account without code, then used gas with refund and stipend by 64/63
 * (EIP-150), then halves, or doubles while the low end is small.  The error ratio is 0: exact.  At
 * most 66 runs, usually under 15.  For code that asks how much gas there is, more gas may fail
 * where less succeeds: then `gas` is one such border.  Errors as exec_call. */
TD_MUST_CHECK enum td_error exec_estimate(const struct exec_call_at *at, const struct exec_tx *tx,
                                          struct exec_estimate *out);

/* ---- an access list */

#define EXEC_ACCESS_ROUNDS_MAX 8u

struct exec_access_result {
    uint32_t count;
    const struct exec_access *list; /* in vm_arena, in order of first touch */
    bool settled;                 /* a run with this list touches what is in it, no more, no less */
    struct exec_call_result call; /* the run with the list: its gas pays for the list, too */
};

/* Addresses and slots the call touches, in frames that reverted too.  Left out: what is warm
 * without a list (sender, recipient and whom it delegates to, coinbase, precompiles, authorities,
 * contracts created by the call), unless for its slots; EIP-2935's ring where BLOCKHASH read it.
 * Repeated with the list found until it stays the same, since code may behave otherwise with it.
 * tx's own list is where it starts.  call.verdict not OK: no list. */
TD_MUST_CHECK enum td_error exec_access_list(const struct exec_call_at *at,
                                             const struct exec_tx *tx,
                                             struct exec_access_result *out);
