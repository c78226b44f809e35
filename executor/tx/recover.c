#include "executor/crypto/secp.h"
#include "executor/tx/tx_internal.h"

static bool software(void *self, uint8_t out_xy[64], const struct td_hash *digest,
                     const uint8_t r[32], const uint8_t s[32], uint32_t parity)
{
    (void)self;
    return exec_secp_recover(out_xy, digest, r, s, parity);
}

static bool recover(const struct exec_recoverer *by, struct td_addr *out,
                    const struct td_hash *digest, const struct exec_u256 *r,
                    const struct exec_u256 *s, uint32_t parity)
{
    uint8_t xy[64], r_be[32], s_be[32];
    exec_u256_to_be(r_be, r);
    exec_u256_to_be(s_be, s);
    if (!by->recover(by->self, xy, digest, r_be, s_be, parity))
        return false;
    exec_secp_address(out, xy);
    return true;
}

/* EIP-7702: an authorization that is not a signature is skipped, not refused; one whose nonce can
 * never apply is not worth a recovery. */
static void recover_authority(const struct exec_recoverer *by, struct exec_authorization *a)
{
    struct td_hash digest;
    a->has_authority = false;
    if (!exec_u256_is_u64(&a->y_parity) || a->y_parity.w[0] > 1 || a->nonce == UINT64_MAX ||
        !exec_tx_signature_in_range(&a->r, &a->s))
        return;
    exec_authorization_hash(&digest, a);
    a->has_authority =
        recover(by, &a->authority, &digest, &a->r, &a->s, (uint32_t)a->y_parity.w[0]);
}

enum exec_tx_verdict exec_tx_recover_by(struct exec_tx *tx, const struct exec_recoverer *by)
{
    static const struct exec_recoverer SOFTWARE = {.self = NULL, .recover = software};
    if (tx->type == EXEC_TX_DEPOSIT)
        return EXEC_TX_OK;
    if (by == NULL)
        by = &SOFTWARE;
    if (!recover(by, &tx->sender, &tx->signing_hash, &tx->r, &tx->s, tx->y_parity))
        return EXEC_TX_BAD_SIGNATURE;
    for (uint32_t i = 0; i < tx->auth_count; i++)
        recover_authority(by, &tx->auth[i]);
    return EXEC_TX_OK;
}

enum exec_tx_verdict exec_tx_recover(struct exec_tx *tx)
{
    return exec_tx_recover_by(tx, NULL);
}
