/* A strict reader for the part of TOML 1.0.0 that Tandem's files use: tandem.toml and the
 * scenarios of the local network.
 *
 *     [section]                 a table; [a.b] is a table named "a.b"
 *     [[section]]               one more table of that name, counted from 0
 *     key = "text" | 'text' | 12 | -3 | 0x1f | 1_000 | true | [ "a", "b", ]
 *
 * Not read, and refused with those words: floats, dates, inline tables, multi-line strings, quoted
 * or dotted keys, arrays of arrays or of mixed types, keys before the first table.
 *
 * 1. Text is UTF-8; control characters other than tab and line ends are refused, as TOML has it.
 * 2. A key twice in a table, or a table twice, is an error that names the first line.
 * 3. Everything returned lies in the caller's arena; the text is not referred to afterwards.
 * 4. Any byte string ends in a result or in an error with line and column, both from 1; a column
 *    counts bytes. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/core/arena.h"
#include "base/core/types.h"

/* Twenty times the file with every option and a comment on each. */
#define NODE_TOML_BYTES_MAX (256u << 10)
/* A scenario of 200 faults and expectations with five keys each. */
#define NODE_TOML_ENTRIES_MAX 1024u
#define NODE_TOML_ITEMS_MAX 256u /* of one array: as many peers as max_peers may name */
#define NODE_TOML_NAME_MAX 64u   /* of a table or key, in bytes */

/* Enough for a file of the greatest size: an item of a list takes two bytes there ("1,") and 56
 * here, 7 MiB in all; tables and entries 128 KiB; the text of strings is never longer than its
 * source. */
#define NODE_TOML_ARENA_BYTES ((size_t)8u << 20)

enum node_toml_type {
    NODE_TOML_STRING,
    NODE_TOML_INTEGER,
    NODE_TOML_BOOLEAN,
    NODE_TOML_ARRAY,
};

struct node_toml_value {
    enum node_toml_type type;
    uint32_t line, column;
    const char *text; /* STRING: NUL-terminated UTF-8 without a NUL inside */
    int64_t integer;
    bool boolean;
    const struct node_toml_value *items; /* ARRAY: [item_count] of one type */
    uint32_t item_count;
};

struct node_toml_entry {
    const char *table;
    uint32_t table_index; /* of [[table]]; 0 for [table] */
    const char *key;
    uint32_t line, column; /* of the key */
    struct node_toml_value value;
};

struct node_toml_table {
    const char *name;
    uint32_t index;
    uint32_t line;
    bool repeated; /* written [[name]] */
};

struct node_toml {
    const struct node_toml_table *tables; /* in file order */
    uint32_t table_count;
    const struct node_toml_entry *entries; /* in file order */
    uint32_t entry_count;
};

/* Where and why, for people: "file:line:column: text". */
struct node_toml_error {
    uint32_t line, column;
    char text[120];
};

/* "a string", "a whole number", "true or false", "a list". */
const char *node_toml_type_text(enum node_toml_type type);

/* Read `text`.  TD_E_MALFORMED with *error filled when it is not what the top of this file
 * describes; TD_E_LIMIT (error filled too) beyond a bound above; TD_E_NOSPACE when the arena has
 * less than NODE_TOML_ARENA_BYTES.  *out is empty then.  Cost: linear, and quadratic in the keys of
 * one table. */
TD_MUST_CHECK enum td_error node_toml_parse(struct node_toml *out, struct node_toml_error *error,
                                            struct td_arena *arena, struct td_bytes text);

/* The entry `key` of the table (name, index), or NULL. */
const struct node_toml_entry *node_toml_find(const struct node_toml *toml, const char *table,
                                             uint32_t index, const char *key);
