/* Parsing and printing of one option's value.  Internal to node/config. */
#pragma once

#include "node/config/options.h"

/* Append one item to `v`, from text or, for numbers and booleans of a TOML file, from what the
 * reader already decoded.  False: `why` (size bytes) says what was expected. */
bool node_option_add_text(struct node_option_value *v, const struct node_option_info *o,
                          const char *text, char *why, size_t size);
bool node_option_add_number(struct node_option_value *v, const struct node_option_info *o,
                            int64_t number, char *why, size_t size);

void node_option_clear(struct node_option_value *v);

/* "a whole number from 1 to 64", "a list of addresses \"host:port\"" */
void node_option_expected(char *out, size_t size, const struct node_option_info *o);
