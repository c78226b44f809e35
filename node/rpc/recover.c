#include "node/rpc/recover.h"

#include <string.h>

struct with {
    const struct td_secp *secp;
    bool unsigned_call; /* the next one asked for is the sender, whom nobody vouches for */
};

static bool recover(void *self, uint8_t out_xy[64], const struct td_hash *digest,
                    const uint8_t r[32], const uint8_t s[32], uint32_t parity)
{
    struct with *w = self;
    struct td_secp_signed item = {.digest = *digest, .parity = parity};
    struct td_secp_signer signer;
    memset(out_xy, 0, 64);
    if (w->unsigned_call) {
        w->unsigned_call = false;
        return true;
    }
    memcpy(item.r, r, sizeof item.r);
    memcpy(item.s, s, sizeof item.s);
    if (td_secp_recover_many(w->secp, NULL, &signer, &item, 1) == 0)
        return false;
    memcpy(out_xy, signer.xy, 64);
    return true;
}

void node_rpc_recover_authorities(struct exec_tx *tx, const struct td_secp *secp)
{
    struct with w = {.secp = secp, .unsigned_call = true};
    struct td_addr sender = tx->sender;
    if (tx->auth_count > 0)
        (void)exec_tx_recover_by(tx, &(struct exec_recoverer){.self = &w, .recover = recover});
    tx->sender = sender;
}
