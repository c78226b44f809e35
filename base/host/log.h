/* Structured log: one event, one line, as text for people or JSON for machines.
 *
 *     2026-10-01T12:00:00.123Z INFO consensus block final h=128 round=130 hash=0x3f2a91c0..
 *     {"ts":"2026-10-01T12:00:00.123Z","level":"INFO","mod":"consensus","msg":"block final",
 *      "node":"n0","h":128,"round":130,"hash":"0x3f2a91c0..all 64 digits"}          (one line)
 *
 * 1. Keys come in a fixed order: ts level mod msg code node hint, then the event's own fields.
 *    Absent code, node and hint are left out.
 * 2. Every WARN and ERROR has a code, printed Tnnnn; docs/codes.md lists them.
 * 3. mod, msg and keys are the program's own literals.  Values may hold bytes from anywhere: they
 *    are escaped so that a line stays one line of printable ASCII and JSON stays valid.
 *    In text, \xNN for what is not printable, quotes around values with spaces, quotes or "=".
 *    In JSON, \u00NN per byte outside printable ASCII (so bytes survive, not their encoding).
 * 4. Text shortens hashes to eight digits and ".."; JSON has them whole.
 * 5. A line never exceeds TD_LOG_LINE_BYTES_MAX, newline included; fields that do not fit are
 *    dropped whole from the first that does not fit on, and the line ends in cut=true.
 * 6. In a URL the user and password, the query, and any path segment longer than 15 bytes (where
 *    endpoints put access keys) are replaced by "***".
 * 7. A logger is read-only after init and may be shared by threads if its sink may. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/core/error.h"
#include "base/core/limits.h"
#include "base/core/types.h"
#include "base/host/clock.h"

enum td_log_level { TD_LOG_DEBUG, TD_LOG_INFO, TD_LOG_WARN, TD_LOG_ERROR };
enum td_log_format { TD_LOG_TEXT, TD_LOG_JSON };

enum td_log_kind {
    TD_LOG_KIND_U64,
    TD_LOG_KIND_I64,
    TD_LOG_KIND_BOOL,
    TD_LOG_KIND_BYTES, /* untrusted text */
    TD_LOG_KIND_HEX,   /* binary, printed 0x... */
    TD_LOG_KIND_HASH,
    TD_LOG_KIND_ADDR,
    TD_LOG_KIND_URL, /* credentials and query redacted */
};

/* One key with a value; made by the macros below. */
struct td_log_field {
    const char *key;
    enum td_log_kind kind;
    uint64_t number;       /* U64, I64 (two's complement), BOOL */
    struct td_bytes bytes; /* the rest; borrowed for the call */
};

#define TD_LOG_U64(k, v)                                                                           \
    {                                                                                              \
        .key = (k), .kind = TD_LOG_KIND_U64, .number = (uint64_t)(v)                               \
    }
#define TD_LOG_I64(k, v)                                                                           \
    {                                                                                              \
        .key = (k), .kind = TD_LOG_KIND_I64, .number = (uint64_t)(int64_t)(v)                      \
    }
#define TD_LOG_BOOL(k, v)                                                                          \
    {                                                                                              \
        .key = (k), .kind = TD_LOG_KIND_BOOL, .number = (v) ? 1u : 0u                              \
    }
#define TD_LOG_BYTES(k, p, n)                                                                      \
    {                                                                                              \
        .key = (k), .kind = TD_LOG_KIND_BYTES, .bytes = td_bytes_of((p), (n))                      \
    }
#define TD_LOG_STR(k, s)                                                                           \
    {                                                                                              \
        .key = (k), .kind = TD_LOG_KIND_BYTES, .bytes = td_bytes_of_text(s)                        \
    }
#define TD_LOG_HEX(k, p, n)                                                                        \
    {                                                                                              \
        .key = (k), .kind = TD_LOG_KIND_HEX, .bytes = td_bytes_of((p), (n))                        \
    }
#define TD_LOG_HASH(k, h)                                                                          \
    {                                                                                              \
        .key = (k), .kind = TD_LOG_KIND_HASH, .bytes = td_bytes_of((h)->b, TD_HASH_BYTES)          \
    }
#define TD_LOG_ADDR(k, a)                                                                          \
    {                                                                                              \
        .key = (k), .kind = TD_LOG_KIND_ADDR, .bytes = td_bytes_of((a)->b, TD_ADDR_BYTES)          \
    }
#define TD_LOG_URL(k, s)                                                                           \
    {                                                                                              \
        .key = (k), .kind = TD_LOG_KIND_URL, .bytes = td_bytes_of_text(s)                          \
    }

/* One event; strings and fields are borrowed for the call. */
struct td_log_event {
    enum td_log_level level;
    const char *mod;
    const char *msg;
    uint16_t code;    /* 0 = none, else printed as Tnnnn, <= 9999; required from WARN on */
    const char *hint; /* what to do next; NULL = none */
    const struct td_log_field *fields;
    size_t field_count;
};

/* Receives one complete line, newline included; called on the logging thread. */
struct td_log_sink {
    void (*put)(void *ctx, const char *line, size_t line_bytes);
    void *ctx; /* borrowed */
};

struct td_log {
    enum td_log_level level; /* events below it are dropped */
    enum td_log_format format;
    const char *node; /* NULL = none */
    struct td_clock clock;
    struct td_log_sink sink;
};

/* Everything is borrowed for the life of `log`. */
void td_log_init(struct td_log *log, enum td_log_level level, enum td_log_format format,
                 const char *node, struct td_clock clock, struct td_log_sink sink);

/* Whether an event of this level would be written: guards expensive fields. */
static inline bool td_log_enabled(const struct td_log *log, enum td_log_level level)
{
    return level >= log->level;
}

/* Format and hand to the sink, or drop by level. */
void td_log_put(const struct td_log *log, const struct td_log_event *event);

/* Short form for the common case: fields as a brace list of the macros above.
 *     TD_LOG(log, TD_LOG_INFO, "consensus", "block final", TD_LOG_U64("h", h)); */
#define TD_LOG(log, lvl, module, message, ...)                                                     \
    do {                                                                                           \
        if (td_log_enabled((log), (lvl))) {                                                        \
            const struct td_log_field td_log_fields_[] = {__VA_ARGS__};                            \
            td_log_put((log), &(struct td_log_event){                                              \
                                  .level = (lvl),                                                  \
                                  .mod = (module),                                                 \
                                  .msg = (message),                                                \
                                  .fields = td_log_fields_,                                        \
                                  .field_count = sizeof td_log_fields_ / sizeof td_log_fields_[0], \
                              });                                                                  \
        }                                                                                          \
    } while (0)

/* Format one event into out[cap], newline included, without a terminator; returns its length.
 * cap >= 512 (a bug otherwise).  Pure: the time is an argument. */
size_t td_log_encode(char *out, size_t cap, const struct td_log *log,
                     const struct td_log_event *event, uint64_t wall_ms);

/* "debug" "info" "warn" "error"; TD_E_MALFORMED otherwise. */
TD_MUST_CHECK enum td_error td_log_level_parse(enum td_log_level *out, const char *text);

/* A sink that writes each line to a file descriptor with one write(2); errors are ignored,
 * because there is nowhere to report them.  *fd is borrowed and not closed.  The process must
 * ignore SIGPIPE when fd may be a pipe. */
struct td_log_sink td_log_sink_fd(int *fd);

/* YYYY-MM-DDThh:mm:ss.mmmZ and NUL (25 bytes); years above 9999 print as 9999-12-31T23:59:59.999Z.
 */
#define TD_TIMESTAMP_TEXT_BYTES 25u
void td_timestamp_print(char out[TD_TIMESTAMP_TEXT_BYTES], uint64_t wall_ms);

/* Copy `url` into out[cap] with the parts of invariant 6 replaced, cut to fit; NUL-terminated
 * (cap >= 1).  Returns the length. */
size_t td_url_redact(char *out, size_t cap, struct td_bytes url);
