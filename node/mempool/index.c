#include <stdlib.h>

#include "base/core/assert.h"
#include "base/host/secret.h"
#include "node/mempool/mempool_internal.h"

static uint64_t fold(uint64_t a, uint64_t b)
{
    __extension__ unsigned __int128 p = (unsigned __int128)a * b;
    return (uint64_t)p ^ (uint64_t)(p >> 64);
}

/* Names are addresses or digests; multiplying salted halves spreads what is chosen on purpose. */
static uint64_t key_of(const struct mempool_index *x, const void *name)
{
    uint64_t w[4] = {0};
    memcpy(w, name, x->name_bytes);
    return fold(fold(w[0] ^ x->salt[0], w[1] ^ x->salt[1]) ^ w[2] ^ x->salt[2], w[3] ^ x->salt[3]);
}

static const uint8_t *name_of(const struct mempool_index *x, const void *record)
{
    return (const uint8_t *)record + x->name_offset;
}

/* Load stays at or below one half. */
bool node_mempool_index_init(struct mempool_index *x, uint32_t capacity, size_t name_offset,
                             size_t name_bytes)
{
    uint64_t slots = 16;
    while (slots < 2u * (uint64_t)capacity)
        slots *= 2;
    if (slots > UINT64_C(1) << 31)
        return false;
    *x = (struct mempool_index){.name_offset = name_offset, .name_bytes = name_bytes};
    TD_ASSERT(name_bytes <= sizeof x->salt);
    x->slots = calloc((size_t)slots, sizeof *x->slots);
    x->mask = (uint32_t)(slots - 1);
    td_secret_random(x->salt, sizeof x->salt);
    x->salt[3] |= 1u; /* a factor of zero would make all keys one */
    return x->slots != NULL;
}

void node_mempool_index_free(struct mempool_index *x)
{
    free(x->slots);
    x->slots = NULL;
}

static uint32_t slot_of(const struct mempool_index *x, uint64_t key, const void *name)
{
    uint32_t i = (uint32_t)key & x->mask;
    while (x->slots[i].record != NULL &&
           (x->slots[i].key != key ||
            memcmp(name_of(x, x->slots[i].record), name, x->name_bytes) != 0))
        i = (i + 1u) & x->mask;
    return i;
}

void *node_mempool_index_find(const struct mempool_index *x, const void *name)
{
    return x->slots[slot_of(x, key_of(x, name), name)].record;
}

static bool grow(struct mempool_index *x)
{
    uint64_t slots = 2u * ((uint64_t)x->mask + 1u);
    struct mempool_slot *old = x->slots;
    if (slots > UINT64_C(1) << 31 || (x->slots = calloc((size_t)slots, sizeof *x->slots)) == NULL) {
        x->slots = old;
        return false;
    }
    uint32_t old_mask = x->mask;
    x->mask = (uint32_t)(slots - 1);
    for (uint32_t i = 0;; i++) {
        if (old[i].record != NULL) {
            uint32_t to = (uint32_t)old[i].key & x->mask;
            while (x->slots[to].record != NULL)
                to = (to + 1u) & x->mask;
            x->slots[to] = old[i];
        }
        if (i == old_mask)
            break;
    }
    free(old);
    return true;
}

bool node_mempool_index_put(struct mempool_index *x, void *record)
{
    if (2u * ((uint64_t)x->count + 1u) > (uint64_t)x->mask + 1u && !grow(x))
        return false;
    uint64_t key = key_of(x, name_of(x, record));
    uint32_t i = slot_of(x, key, name_of(x, record));
    TD_ASSERT(x->slots[i].record == NULL);
    x->slots[i] = (struct mempool_slot){key, record};
    x->count++;
    return true;
}

/* Later records of the cluster move up, so that no tombstones pile up (Knuth, The Art of Computer
 * Programming 3, 6.4, algorithm R). */
void node_mempool_index_remove(struct mempool_index *x, const void *name)
{
    uint32_t hole = slot_of(x, key_of(x, name), name);
    if (x->slots[hole].record == NULL)
        return;
    x->count--;
    for (uint32_t i = (hole + 1u) & x->mask; x->slots[i].record != NULL; i = (i + 1u) & x->mask) {
        uint32_t home = (uint32_t)x->slots[i].key & x->mask;
        if (((i - home) & x->mask) < ((i - hole) & x->mask))
            continue; /* its home lies behind the hole */
        x->slots[hole] = x->slots[i];
        hole = i;
    }
    x->slots[hole].record = NULL;
}
