#include "base/host/secret.h"

#include <sodium.h>

#include "base/core/assert.h"

void td_secret_random(void *out, size_t len)
{
    TD_ASSERT(sodium_init() >= 0); /* idempotent and safe between threads */
    randombytes_buf(out, len);
}

void td_secret_wipe(void *memory, size_t len)
{
    sodium_memzero(memory, len);
}

bool td_secret_eq(const void *a, const void *b, size_t len)
{
    return sodium_memcmp(a, b, len) == 0;
}

bool td_secret_scrypt(uint8_t *out, size_t out_len, const void *password, size_t password_len,
                      const uint8_t *salt, size_t salt_len, uint64_t n, uint32_t r, uint32_t p)
{
    TD_ASSERT(sodium_init() >= 0);
    return crypto_pwhash_scryptsalsa208sha256_ll(password, password_len, salt, salt_len, n, r, p,
                                                 out, out_len) == 0;
}
