/* Shared by the parts of executor/tx. */
#pragma once

#include "executor/tx.h"

/* 1 <= r < n, 1 <= s <= n/2 (EIP-2). */
bool exec_tx_signature_in_range(const struct exec_u256 *r, const struct exec_u256 *s);

/* Native units beside EXEC_NATIVE_TX, which is for any transaction (executor/block/costs.h). */
enum exec_tx_native_cost {
    EXEC_NATIVE_APPLY = 3000,         /* gas bought and returned; sender and callee written */
    EXEC_NATIVE_AUTHORIZATION = 2000, /* an account read and written, its code */
    EXEC_NATIVE_ACCESS = 3900,        /* an address or slot: decoded, and warm when it is read */
};

/* Intrinsic gas and the floor of EIP-7623 in one pass over the data. */
void exec_tx_gas(const struct exec_tx *tx, uint64_t *intrinsic, uint64_t *floor);
