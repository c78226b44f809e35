/* Reading fields of JSON (RFC 8259) the way Ethereum's test files write them: numbers and bytes are
 * hex strings.  A reader collects the first complaint, with the place, and then does nothing more:
 * look at it once at the end.
 *
 * 1. Getters after a complaint, or of a missing field, give zero or an empty view.
 * 2. Bytes are copied into the arena, so that the document may be freed.
 * 3. Depth is bounded by the JSON library (2,048 levels), a file's size by NODE_JSON_BYTES_MAX,
 * keys may not repeat inside an object. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/core/arena.h"
#include "base/core/types.h"
#include "executor/u256.h"

/* Sixteen times the largest public file; the parsed form takes about twenty times a file. */
#define NODE_JSON_BYTES_MAX (32u << 20)

#define NODE_JSON_TEXT_BYTES 480u

struct node_json {
    struct td_arena *arena;              /* borrowed: bytes, and whatever the caller builds */
    char path[NODE_JSON_TEXT_BYTES / 4]; /* "pre.0x12…": prefix for field names in complaints */
    char error[NODE_JSON_TEXT_BYTES];    /* empty: all is well */
};

/* Forget complaint and path. */
void node_json_init(struct node_json *j, struct td_arena *arena);

static inline bool node_json_ok(const struct node_json *j)
{
    return j->error[0] == '\0';
}

/* Where the following getters are, for complaints; printf-like. */
__attribute__((format(printf, 2, 3))) void node_json_at(struct node_json *j, const char *format,
                                                        ...);

/* Complain about `field` (NULL: about the object itself); the first complaint stays. */
void node_json_fail(struct node_json *j, const char *field, const char *what);

/* Parse `len` bytes of text, or a file; NULL, and "line:column: what" in error, when it is not
 * JSON. The caller owns the result (json_decref). */
json_t *node_json_parse(struct node_json *j, const char *text, size_t len);
json_t *node_json_read(struct node_json *j, const char *file);

/* ---- fields of an object.  Missing is a complaint unless the name says `opt`. */

json_t *node_json_object(struct node_json *j, const json_t *in, const char *field);
json_t *node_json_array(struct node_json *j, const json_t *in, const char *field);

/* "0x" and one or more hex digits; leading zeros are allowed, as those files have them. */
void node_json_u256(struct node_json *j, const json_t *in, const char *field,
                    struct exec_u256 *out);
uint64_t node_json_u64(struct node_json *j, const json_t *in, const char *field);
uint64_t node_json_opt_u64(struct node_json *j, const json_t *in, const char *field,
                           uint64_t otherwise);

/* Leaves *out alone where the field is missing. */
void node_json_opt_u256(struct node_json *j, const json_t *in, const char *field,
                        struct exec_u256 *out);
bool node_json_opt_bool(struct node_json *j, const json_t *in, const char *field, bool otherwise);

/* Complain about a field that is none of `names`, which are separated by blanks. */
void node_json_known(struct node_json *j, const json_t *in, const char *names);

/* "0x" and an even number of digits. */
struct td_bytes node_json_bytes(struct node_json *j, const json_t *in, const char *field);
void node_json_hash(struct node_json *j, const json_t *in, const char *field, struct td_hash *out);
void node_json_addr(struct node_json *j, const json_t *in, const char *field, struct td_addr *out);
void node_json_opt_hash(struct node_json *j, const json_t *in, const char *field,
                        struct td_hash *out);
void node_json_opt_addr(struct node_json *j, const json_t *in, const char *field,
                        struct td_addr *out);

/* The same for a text that is no field: an object's key or an array's element.  `what` names it in
 * a complaint. */
void node_json_text_addr(struct node_json *j, const char *text, const char *what,
                         struct td_addr *out);
void node_json_text_u256(struct node_json *j, const char *text, const char *what,
                         struct exec_u256 *out);
struct td_bytes node_json_value_bytes(struct node_json *j, const json_t *value, const char *what);

/* `count` zeroed elements from the reader's arena, or NULL and a complaint. */
void *node_json_room(struct node_json *j, size_t count, size_t size);
