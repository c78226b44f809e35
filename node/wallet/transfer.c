#include "node/wallet/transfer.h"

#include <string.h>

#include "base/core/assert.h"
#include "base/core/keccak.h"
#include "executor/tx.h"

static struct exec_u256 number(const struct td_wei *v)
{
    struct exec_u256 out;
    memcpy(out.w, v->limb, sizeof out.w);
    return out;
}

static size_t encode(uint8_t out[NODE_TRANSFER_BYTES_MAX], const struct exec_tx *tx)
{
    struct td_writer w;
    td_writer_init(&w, out, NODE_TRANSFER_BYTES_MAX);
    exec_tx_encode(&w, tx);
    TD_ASSERT(w.err == TD_OK);
    return w.len;
}

enum td_error node_transfer_sign(uint8_t out[NODE_TRANSFER_BYTES_MAX], size_t *len,
                                 struct td_hash *hash, const struct td_secp *secp,
                                 const struct td_secp_key *key, const struct node_transfer *t)
{
    struct exec_tx tx = {.type = 2,
                         .has_chain_id = true,
                         .chain_id = t->chain_id,
                         .nonce = t->nonce,
                         .gas_limit = t->gas_limit,
                         .fee_cap = number(&t->fee_cap),
                         .tip_cap = number(&t->tip_cap),
                         .to = t->to,
                         .value = number(&t->value),
                         .r = exec_u256_of(1),
                         .s = exec_u256_of(1)};
    _Alignas(16) uint8_t memory[EXEC_TX_ARENA_BYTES(NODE_TRANSFER_BYTES_MAX)];
    struct td_arena arena;
    struct exec_tx seen;
    struct td_sig sig;
    /* The signing hash is what the decoder says it is: encode with a dummy signature first. */
    *len = encode(out, &tx);
    td_arena_init(&arena, memory, sizeof memory);
    if (exec_tx_decode(&seen, &arena, td_bytes_of(out, *len), 0) != EXEC_TX_OK)
        return TD_E_RANGE;
    enum td_error e = td_secp_sign(secp, key, &seen.signing_hash, &sig);
    if (e != TD_OK)
        return e;
    tx.y_parity = sig.b[32] >> 7;
    sig.b[32] &= 0x7F;
    exec_u256_from_be(&tx.r, sig.b, 32);
    exec_u256_from_be(&tx.s, sig.b + 32, 32);
    *len = encode(out, &tx);
    td_keccak256(hash, out, *len);
    return TD_OK;
}
