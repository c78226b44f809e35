/* Operating errors shared by every module: things that may happen to a correct program.
 *
 * A bug is TD_ASSERT (assert.h); a peer's or transaction's misbehaviour is a verdict of the
 * module that judges it.  Values are stable: they appear in logs and exit reports. */
#pragma once

#define TD_ERROR_LIST(X)                                                                           \
    X(TD_OK, 0, "success")                                                                         \
    X(TD_E_NOSPACE, 1, "caller's buffer is too small")                                             \
    X(TD_E_TRUNCATED, 2, "input ended inside a field")                                             \
    X(TD_E_MALFORMED, 3, "input is not canonical")                                                 \
    X(TD_E_IO, 4, "the operating system refused the I/O")                                          \
    X(TD_E_CORRUPT, 5, "stored data fails its checksum")                                           \
    X(TD_E_RANGE, 6, "value is outside its permitted range")                                       \
    X(TD_E_UNSUPPORTED, 7, "valid but not supported here")                                         \
    X(TD_E_NOTFOUND, 8, "no such entry")                                                           \
    X(TD_E_EXISTS, 9, "entry exists already")                                                      \
    X(TD_E_BUSY, 10, "resource is in use")                                                         \
    X(TD_E_NOMEM, 11, "the operating system has no memory to give")                                \
    X(TD_E_SIGNATURE, 12, "signature does not match")                                              \
    X(TD_E_LIMIT, 13, "a configured limit would be exceeded")

#define TD_ERROR_ENUM(name, value, text) name = (value),
enum td_error { TD_ERROR_LIST(TD_ERROR_ENUM) };
#undef TD_ERROR_ENUM

/* Put behind a declaration: ignoring the result is a compile error under -Werror. */
#define TD_MUST_CHECK __attribute__((warn_unused_result))

/* Text for people; never NULL, static storage, "unknown error" for a value outside the list. */
const char *td_error_text(enum td_error err);
