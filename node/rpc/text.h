/* JSON being written: a text that grows to a bound and knows where commas go.
 *
 *     node_text_open(t, '{');  node_text_key(t, "number");  node_text_quantity(t, 7);
 *     node_text_close(t, '}');                                          {"number":"0x7"}
 *
 * 1. A text beyond `max`, or without memory, is `failed` and takes nothing more: look once, at the
 *    end.
 * 2. Whether a comma is due is told by the last byte, so nothing is kept per level.
 * 3. What is written as a string may hold bytes from anywhere: it is escaped, and what is not UTF-8
 *    becomes U+FFFD, so that the result always is JSON. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/core/types.h"
#include "executor/u256.h"

struct node_text {
    char *ptr; /* owned, malloc'ed */
    size_t len, cap, max;
    bool failed;
};

void node_text_init(struct node_text *t, size_t max);
void node_text_free(struct node_text *t);

/* As they are. */
void node_text_put(struct node_text *t, const char *bytes, size_t len);
void node_text_raw(struct node_text *t, const char *literal);

void node_text_open(struct node_text *t, char bracket);
void node_text_close(struct node_text *t, char bracket);
/* "name": with a comma before it where one is due. */
void node_text_key(struct node_text *t, const char *name);
/* A comma where one is due before an array's next element. */
void node_text_item(struct node_text *t);

void node_text_string(struct node_text *t, const char *bytes, size_t len);
void node_text_cstring(struct node_text *t, const char *string);
void node_text_hex(struct node_text *t, const void *data, size_t len);
/* "0x" and the digits of a number, without leading zeros. */
void node_text_quantity(struct node_text *t, uint64_t v);
void node_text_u256(struct node_text *t, const struct exec_u256 *v);
/* All 32 bytes of a number. */
void node_text_word(struct node_text *t, const struct exec_u256 *v);
/* A JSON number. */
void node_text_decimal(struct node_text *t, uint64_t v);
void node_text_bool(struct node_text *t, bool v);
void node_text_null(struct node_text *t);
