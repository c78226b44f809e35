/* Encrypted key files: Web3 Secret Storage, version 3, as geth, cast and wallets write and read it.
 *
 *     password ──scrypt or PBKDF2(salt)──▶ derived key, 32 bytes
 *     derived[0..15]  ── AES-128-CTR(iv) ──▶ ciphertext = secret
 *     derived[16..31] ‖ ciphertext ── Keccak-256 ──▶ mac
 *
 * 1. Written files use scrypt; PBKDF2-HMAC-SHA256 is read too.  A wrong password and a damaged file
 *    look the same: the mac differs.
 * 2. The secret leaves this module only through `secret`; every other copy is wiped.
 * 3. What a file asks of the machine is bounded before it is done: NODE_SCRYPT_BYTES_MAX of memory,
 *    NODE_KDF_WORK_MAX of work.  A file beyond is refused, not tried.
 * 4. On disk: a regular file (no symbolic link), owned by the caller or root, no access for group
 *    and others.  New files never replace one, and are on disk when the call returns. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/core/error.h"
#include "base/core/types.h"

#define NODE_SECRET_BYTES 32u
#define NODE_KEYSTORE_BYTES_MAX 4096u /* written ones have about 500 */
#define NODE_PASSWORD_BYTES_MAX 1024u

/* geth's standard costs 256 MiB and about a second; its light form 4 MiB. */
#define NODE_SCRYPT_LOG_N 18u
#define NODE_SCRYPT_LOG_N_LIGHT 12u
#define NODE_SCRYPT_BYTES_MAX ((uint64_t)512u << 20) /* 128 * n * r */
#define NODE_KDF_WORK_MAX ((uint64_t)1u << 26)       /* n * r * p; PBKDF2: rounds */

/* Why a key was not opened or written, for people. */
struct node_keystore_error {
    char text[160];
};

/* Decrypt `json`.  Fills secret and *addr (as the file names it, or zero where it does not; the
 * caller compares it with the key's own).  TD_E_MALFORMED: not such a file.  TD_E_UNSUPPORTED: a
 * version, cipher or kdf that is not among those above.  TD_E_LIMIT: asks for too much.
 * TD_E_SIGNATURE: wrong password, or the file is damaged.  TD_E_NOMEM.  On any error secret is zero
 * and *error says what it was.  Takes about a second by design. */
TD_MUST_CHECK enum td_error node_keystore_decode(uint8_t secret[NODE_SECRET_BYTES],
                                                 struct td_addr *addr,
                                                 struct node_keystore_error *error,
                                                 struct td_bytes json, struct td_bytes password);

/* Encrypt into out[NODE_KEYSTORE_BYTES_MAX], NUL-terminated; fills *len.  Salt, iv and id are drawn
 * from the operating system.  log_n is 1 .. 20.  TD_E_NOMEM when scrypt's memory cannot be had. */
TD_MUST_CHECK enum td_error node_keystore_encode(char out[NODE_KEYSTORE_BYTES_MAX], size_t *len,
                                                 const uint8_t secret[NODE_SECRET_BYTES],
                                                 const struct td_addr *addr,
                                                 struct td_bytes password, uint32_t log_n);

/* Read the file at `path` into out[NODE_KEYSTORE_BYTES_MAX]; fills *len.  TD_E_NOTFOUND.
 * TD_E_RANGE: wrong kind of file, owner or mode (exit code 77); *error says which and how to mend
 * it.  TD_E_LIMIT: larger than a key file.  TD_E_IO. */
TD_MUST_CHECK enum td_error node_keystore_read(char out[NODE_KEYSTORE_BYTES_MAX], size_t *len,
                                               struct node_keystore_error *error, const char *path);

/* Create `path` with mode 0600, write, and sync file and folder.  TD_E_EXISTS: there is one
 * already, and it is untouched.  TD_E_IO: nothing is left behind; *error says why. */
TD_MUST_CHECK enum td_error node_keystore_write(const char *path, const char *json, size_t len,
                                                struct node_keystore_error *error);
