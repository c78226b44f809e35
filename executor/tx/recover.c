#include "executor/crypto/secp.h"
#include "executor/tx/tx_internal.h"

static bool software(void *self, uint8_t out_xy[64], const struct td_hash *digest,
                     const uint8_t r[32], const uint8_t s[32], uint32_t parity)
{
    (void)self;
    return exec_secp_recover(out_xy, digest, r, s, parity);
}

static void put(struct exec_signature *out, const struct td_hash *digest, const struct exec_u256 *r,
                const struct exec_u256 *s, uint32_t parity)
{
    out->digest = *digest;
    exec_u256_to_be(out->r, r);
    exec_u256_to_be(out->s, s);
    out->parity = parity;
}

static void sender_signature(struct exec_signature *out, const struct exec_tx *tx)
{
    put(out, &tx->signing_hash, &tx->r, &tx->s, tx->y_parity);
}

/* EIP-7702: an authorization that is not a signature is skipped, not refused; one whose nonce can
 * never apply is not worth a recovery. */
static bool authority_signature(struct exec_signature *out, const struct exec_authorization *a)
{
    struct td_hash digest;
    if (!exec_u256_is_u64(&a->y_parity) || a->y_parity.w[0] > 1 || a->nonce == UINT64_MAX ||
        !exec_tx_signature_in_range(&a->r, &a->s))
        return false;
    exec_authorization_hash(&digest, a);
    put(out, &digest, &a->r, &a->s, (uint32_t)a->y_parity.w[0]);
    return true;
}

static bool recover(const struct exec_recoverer *by, struct td_addr *out,
                    const struct exec_signature *x)
{
    uint8_t xy[64];
    if (!by->recover(by->self, xy, &x->digest, x->r, x->s, x->parity))
        return false;
    exec_secp_address(out, xy);
    return true;
}

enum exec_tx_verdict exec_tx_recover_by(struct exec_tx *tx, const struct exec_recoverer *by)
{
    static const struct exec_recoverer SOFTWARE = {.self = NULL, .recover = software};
    if (tx->type == EXEC_TX_DEPOSIT)
        return EXEC_TX_OK;
    if (by == NULL)
        by = &SOFTWARE;
    struct exec_signature x;
    sender_signature(&x, tx);
    if (!recover(by, &tx->sender, &x))
        return EXEC_TX_BAD_SIGNATURE;
    for (uint32_t i = 0; i < tx->auth_count; i++) {
        struct exec_authorization *a = &tx->auth[i];
        a->has_authority = authority_signature(&x, a) && recover(by, &a->authority, &x);
    }
    return EXEC_TX_OK;
}

uint32_t exec_tx_signatures(struct exec_signature *out, uint32_t cap, const struct exec_tx *tx)
{
    struct exec_signature x;
    uint32_t count = 0;
    if (tx->type == EXEC_TX_DEPOSIT)
        return 0;
    for (uint32_t i = 0; i <= tx->auth_count; i++) {
        if (i == 0)
            sender_signature(&x, tx);
        else if (!authority_signature(&x, &tx->auth[i - 1u]))
            continue;
        if (count < cap)
            out[count] = x;
        count++;
    }
    return count;
}

enum exec_tx_verdict exec_tx_recover(struct exec_tx *tx)
{
    return exec_tx_recover_by(tx, NULL);
}
