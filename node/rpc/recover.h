/* Who signed: libsecp256k1 instead of the executor's portable code, about eight times as fast. */
#pragma once

#include "base/host/secp.h"
#include "executor/tx.h"

/* Fills sender, and authorities of authorizations.  OK or BAD_SIGNATURE. */
enum exec_tx_verdict node_rpc_recover(struct exec_tx *tx, const struct td_secp *secp);
/* Authorities alone: of a call, which nobody signed. */
void node_rpc_recover_authorities(struct exec_tx *tx, const struct td_secp *secp);
