#include "base/core/rlp.h"
#include "executor/tx.h"

static void put_u256(struct td_writer *w, const struct exec_u256 *v)
{
    struct td_wei wei;
    memcpy(wei.limb, v->w, sizeof wei.limb);
    td_rlp_put_wei(w, &wei);
}

static void put_to(struct td_writer *w, const struct exec_tx *tx)
{
    td_rlp_put_bytes(w, tx->to.b, tx->is_create ? 0 : TD_ADDR_BYTES);
}

static void put_access(struct td_writer *w, const struct exec_tx *tx)
{
    size_t list = td_rlp_list_begin(w);
    for (uint32_t i = 0; i < tx->access_count; i++) {
        const struct exec_access *a = &tx->access[i];
        size_t entry = td_rlp_list_begin(w);
        td_rlp_put_bytes(w, a->addr.b, TD_ADDR_BYTES);
        td_rlp_put_list(w, (size_t)a->slot_count * 33u);
        for (uint32_t k = 0; k < a->slot_count; k++) {
            uint8_t word[32];
            exec_u256_to_be(word, &a->slots[k]);
            td_rlp_put_bytes(w, word, sizeof word);
        }
        td_rlp_list_end(w, entry);
    }
    td_rlp_list_end(w, list);
}

static void put_authorizations(struct td_writer *w, const struct exec_tx *tx)
{
    size_t list = td_rlp_list_begin(w);
    for (uint32_t i = 0; i < tx->auth_count; i++) {
        const struct exec_authorization *a = &tx->auth[i];
        size_t entry = td_rlp_list_begin(w);
        put_u256(w, &a->chain_id);
        td_rlp_put_bytes(w, a->addr.b, TD_ADDR_BYTES);
        td_rlp_put_u64(w, a->nonce);
        put_u256(w, &a->y_parity);
        put_u256(w, &a->r);
        put_u256(w, &a->s);
        td_rlp_list_end(w, entry);
    }
    td_rlp_list_end(w, list);
}

/* v of EIP-155 may need 65 bits. */
static void put_v(struct td_writer *w, const struct exec_tx *tx)
{
    struct exec_u256 v = exec_u256_of(27u + tx->y_parity);
    if (tx->has_chain_id) {
        struct exec_u256 id = exec_u256_of(tx->chain_id);
        v = exec_u256_of(35u + tx->y_parity);
        exec_u256_add(&v, &v, &id);
        exec_u256_add(&v, &v, &id);
    }
    put_u256(w, &v);
}

void exec_tx_encode(struct td_writer *w, const struct exec_tx *tx)
{
    if (tx->type != 0)
        td_put_u8(w, tx->type);
    size_t list = td_rlp_list_begin(w);
    if (tx->type != 0)
        td_rlp_put_u64(w, tx->chain_id);
    td_rlp_put_u64(w, tx->nonce);
    if (tx->type > 1)
        put_u256(w, &tx->tip_cap);
    put_u256(w, &tx->fee_cap);
    td_rlp_put_u64(w, tx->gas_limit);
    put_to(w, tx);
    put_u256(w, &tx->value);
    td_rlp_put_bytes(w, tx->data.ptr, tx->data.len);
    if (tx->type != 0)
        put_access(w, tx);
    if (tx->type == 4)
        put_authorizations(w, tx);
    if (tx->type == 0)
        put_v(w, tx);
    else
        td_rlp_put_u64(w, tx->y_parity);
    put_u256(w, &tx->r);
    put_u256(w, &tx->s);
    td_rlp_list_end(w, list);
}
