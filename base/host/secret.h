/* What key material needs and the C library does not have: randomness from the operating system,
 * erasure the compiler keeps, comparison whose time does not depend on the bytes, and a slow hash
 * for passwords.  libsodium's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Fill out[len]; aborts when the system has no randomness, as nothing secret can be made then. */
void td_secret_random(void *out, size_t len);

void td_secret_wipe(void *memory, size_t len);

/* Same bytes?  Time depends on len only. */
bool td_secret_eq(const void *a, const void *b, size_t len);

/* scrypt (RFC 7914) with any n that is a power of two: published key files break the RFC's bound of
 * n against r, which libcrypto insists on.  Takes 128 * n * r bytes of memory, which the caller has
 * bounded; false when they cannot be had. */
bool td_secret_scrypt(uint8_t *out, size_t out_len, const void *password, size_t password_len,
                      const uint8_t *salt, size_t salt_len, uint64_t n, uint32_t r, uint32_t p);
