/* What a failed run says to people. */
#pragma once

#include "node/rpc/rpc_internal.h"

#define NODE_RPC_REASON_BYTES 400u

/* The reason in revert data: Error(string) or Panic(uint256) as Solidity's ABI encodes them; "" for
 * anything else.  Cut to fit. */
void node_rpc_revert_reason(char out[NODE_RPC_REASON_BYTES], struct td_bytes data);
/* Answer the call with the failure of `receipt`: 3 with data for a revert, -32000 otherwise. */
void node_rpc_fail_run(struct node_rpc_call *c, const struct exec_receipt *receipt);
/* The same as a text. */
void node_rpc_run_text(char *out, size_t cap, const struct exec_receipt *receipt);
