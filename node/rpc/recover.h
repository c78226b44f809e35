/* Who signed the authorizations of a call: libsecp256k1 instead of the executor's portable code,
 * about eight times as fast. */
#pragma once

#include "base/host/secp.h"
#include "executor/tx.h"

/* Fills authorities; of the call itself nobody signed anything. */
void node_rpc_recover_authorities(struct exec_tx *tx, const struct td_secp *secp);
