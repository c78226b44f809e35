/* Bytes with a count: payloads and records that the loop, the writer and the executor hold at the
 * same time.  The count is atomic; the bytes do not change after the maker has filled them. */
#pragma once

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/core/types.h"

struct node_blob {
    atomic_uint refs;
    size_t len;
    uint8_t bytes[];
};

/* One count for the caller; NULL without memory. */
static inline struct node_blob *node_blob_new(size_t len)
{
    struct node_blob *b = malloc(sizeof *b + len);
    if (b == NULL)
        return NULL;
    atomic_init(&b->refs, 1);
    b->len = len;
    return b;
}

static inline struct node_blob *node_blob_copy(struct td_bytes from)
{
    struct node_blob *b = node_blob_new(from.len);
    if (b != NULL && from.len > 0)
        memcpy(b->bytes, from.ptr, from.len);
    return b;
}

/* NULL is allowed. */
static inline struct node_blob *node_blob_ref(struct node_blob *b)
{
    if (b != NULL)
        atomic_fetch_add(&b->refs, 1);
    return b;
}

/* NULL is allowed. */
static inline void node_blob_drop(struct node_blob *b)
{
    if (b != NULL && atomic_fetch_sub(&b->refs, 1) == 1)
        free(b);
}

static inline struct td_bytes node_blob_view(const struct node_blob *b)
{
    return b == NULL ? td_bytes_of(NULL, 0) : td_bytes_of(b->bytes, b->len);
}
