/* exec_secp_verify_hinted accepts exactly the key exec_secp_recover finds, whatever the witness
 * says: the honest hint holds, and after any change by the fuzzer either the claim is still true or
 * the check refuses.
 *
 *     digest 32 | r 32 | s 32 | parity 1 | key 64 | 0..: changes (u16 position, u8 xor), or a hint
 *
 * With bit 4 of parity set, `key` replaces the recovered key as it is; otherwise it is XORed in, so
 * that zeros leave the true one.  With bit 5 the first two of the changes' bytes are a position and
 * a XOR in the claim (digest .. parity): the honest hint of the claim so changed must not carry its
 * key over to the one given. */
#include <stdbool.h>
#include <stdint.h>

#include "base/core/assert.h"
#include "executor/crypto/secp.h"

#define HEAD_BYTES 161u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct witness {
    struct exec_secp_hint hint;
    uint32_t slopes[8 * EXEC_SECP_SLOPES_MAX];
};

static void change(struct witness *w, const uint8_t *data, size_t len)
{
    uint8_t *bytes = (uint8_t *)w;
    size_t span = sizeof w->hint + 32u * (size_t)w->hint.slope_count;
    for (; len >= 3; data += 3, len -= 3)
        bytes[((size_t)data[0] << 8 | data[1]) % span] ^= data[2];
    if (w->hint.slope_count > EXEC_SECP_SLOPES_MAX) /* the witness's reader bounds it */
        w->hint.slope_count = EXEC_SECP_SLOPES_MAX;
}

struct claim { /* as the input has it */
    uint8_t digest[32], r[32], s[32], parity;
};

static bool recover(uint8_t xy[64], const struct claim *c)
{
    struct td_hash digest;
    memcpy(digest.b, c->digest, sizeof digest.b);
    return exec_secp_recover(xy, &digest, c->r, c->s, c->parity & 3u);
}

/* What passes for `claim` with an honest hint of another is the key of both. */
static void try_other(struct witness *w, const struct claim *claim, uint8_t at, uint8_t by)
{
    struct claim other = *claim;
    struct td_hash digest;
    uint8_t key[64], xy[64];
    ((uint8_t *)&other)[at % sizeof other] ^= by;
    if (!recover(key, &other))
        return;
    memcpy(digest.b, other.digest, sizeof digest.b);
    TD_ASSERT(
        exec_secp_hint(&w->hint, w->slopes, &digest, other.r, other.s, other.parity & 3u, key));
    memcpy(digest.b, claim->digest, sizeof digest.b);
    if (exec_secp_verify_hinted(&digest, claim->r, claim->s, claim->parity & 3u, key, &w->hint,
                                w->slopes))
        TD_ASSERT(recover(xy, claim) && memcmp(xy, key, sizeof xy) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct witness w;
    struct td_hash digest;
    uint8_t xy[64], key[64];
    if (len < HEAD_BYTES)
        return 0;
    if ((data[96] & 32u) != 0 && len >= HEAD_BYTES + 2u) {
        struct claim claim;
        memcpy(&claim, data, sizeof claim);
        try_other(&w, &claim, data[HEAD_BYTES], data[HEAD_BYTES + 1u]);
        return 0;
    }
    memcpy(digest.b, data, 32);
    const uint8_t *r = data + 32, *s = data + 64;
    uint32_t parity = data[96] & 3u;
    bool replace = (data[96] & 16u) != 0;
    bool found = exec_secp_recover(xy, &digest, r, s, parity);
    for (unsigned i = 0; i < 64; i++)
        key[i] = (uint8_t)((replace ? 0 : xy[i]) ^ data[97 + i]);
    bool right = found && memcmp(key, xy, 64) == 0;

    TD_ASSERT(exec_secp_hint(&w.hint, w.slopes, &digest, r, s, parity, key) == right);
    if (right)
        TD_ASSERT(exec_secp_verify_hinted(&digest, r, s, parity, key, &w.hint, w.slopes));
    else if (found && !exec_secp_hint(&w.hint, w.slopes, &digest, r, s, parity, xy))
        td_assert_fail(__FILE__, __LINE__, "no hint for a recovered key");
    change(&w, data + HEAD_BYTES, len - HEAD_BYTES);
    if (exec_secp_verify_hinted(&digest, r, s, parity, key, &w.hint, w.slopes))
        TD_ASSERT(right);
    return 0;
}
