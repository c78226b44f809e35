/* Things found by a hash: open addressing over pointers to structs that begin with a struct
 * td_hash. Not a container of memory: who puts a thing owns it.  Slot choice mixes in a secret, so
 * that who makes hashes cannot aim at one slot. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/core/types.h"

struct node_table {
    void **slot; /* [cap]; NULL = free */
    uint32_t cap, count;
    uint64_t secret; /* odd */
};

void node_table_init(struct node_table *t, uint64_t secret);
void node_table_free(struct node_table *t);
/* NULL: not there. */
void *node_table_find(const struct node_table *t, const struct td_hash *hash);
/* False: no memory.  The hash must not be there yet (a bug otherwise). */
bool node_table_put(struct node_table *t, void *item);
void node_table_remove(struct node_table *t, const struct td_hash *hash);
/* Walk: *at begins at 0; NULL at the end.  No put or remove in between. */
void *node_table_next(const struct node_table *t, uint32_t *at);
