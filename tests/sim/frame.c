#include "tests/sim/frame.h"

#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"
#include "base/core/rng.h"

#define BYTES_START 2048u
#define ARENA_START 16384u

static struct sim_frame *frame_get(struct sim_pool *p)
{
    struct sim_frame *f = p->free;
    if (f != NULL) {
        p->free = f->next;
    } else {
        f = calloc(1, sizeof *f);
        TD_ASSERT(f != NULL);
        f->cap = BYTES_START;
        f->bytes = malloc(f->cap);
        TD_ASSERT(f->bytes != NULL);
        p->made++;
    }
    p->live++;
    f->refs = 1;
    f->len = 0;
    f->decoded = f->malformed = f->audited = false;
    f->verify_count = 0;
    f->next = NULL;
    return f;
}

static void bytes_reserve(struct sim_frame *f, size_t len)
{
    if (len <= f->cap)
        return;
    free(f->bytes);
    f->cap = len;
    f->bytes = malloc(len);
    TD_ASSERT(f->bytes != NULL);
}

static uint64_t bytes_hash(const uint8_t *at, size_t len)
{
    uint64_t h = len, v = 0;
    for (; len >= 8; at += 8, len -= 8) {
        memcpy(&v, at, 8);
        h = td_rotl64((h ^ v) * UINT64_C(0x9FB21C651E98DF25), 27);
    }
    v = 0;
    memcpy(&v, at, len);
    h ^= v;
    return td_splitmix64(&h);
}

void sim_pool_free(struct sim_pool *p)
{
    while (p->free != NULL) {
        struct sim_frame *f = p->free;
        p->free = f->next;
        free(f->bytes);
        free(f->arena_mem);
        free(f);
    }
    *p = (struct sim_pool){0};
}

struct sim_frame *sim_frame_new(struct sim_pool *p, uint32_t from, const struct bft_msg *m)
{
    struct sim_frame *f = frame_get(p);
    size_t need = bft_msg_size(m);
    bytes_reserve(f, need);
    struct td_writer w;
    td_writer_init(&w, f->bytes, f->cap);
    bft_msg_encode(&w, m);
    TD_ASSERT(w.err == TD_OK);
    TD_ASSERT(w.len == need);
    f->len = w.len;
    f->from = from;
    f->hash = bytes_hash(f->bytes, f->len);
    return f;
}

struct sim_frame *sim_frame_raw(struct sim_pool *p, uint32_t from, const uint8_t *bytes, size_t len)
{
    struct sim_frame *f = frame_get(p);
    bytes_reserve(f, len);
    if (len > 0)
        memcpy(f->bytes, bytes, len);
    f->len = len;
    f->from = from;
    f->hash = bytes_hash(f->bytes, f->len);
    return f;
}

struct sim_frame *sim_frame_ref(struct sim_frame *f)
{
    TD_ASSERT(f->refs > 0);
    f->refs++;
    return f;
}

void sim_frame_drop(struct sim_pool *p, struct sim_frame *f)
{
    if (f == NULL)
        return;
    TD_ASSERT(f->refs > 0);
    if (--f->refs > 0)
        return;
    p->live--;
    f->next = p->free;
    p->free = f;
}

/* Most frames need an arena of a few KiB; one the decoder finds too small grows to the bound. */
const struct bft_msg *sim_frame_msg(struct sim_frame *f)
{
    if (f->decoded)
        return f->malformed ? NULL : &f->msg;
    f->decoded = true;
    size_t want = f->len * 2 + ARENA_START;
    for (;;) {
        if (f->arena_cap < want) {
            free(f->arena_mem);
            f->arena_mem = malloc(want);
            TD_ASSERT(f->arena_mem != NULL);
            f->arena_cap = want;
        }
        struct td_arena arena;
        td_arena_init(&arena, f->arena_mem, f->arena_cap);
        enum td_error err = bft_msg_decode(&f->msg, &arena, f->bytes, f->len);
        if (err == TD_E_NOSPACE && want < BFT_DECODE_ARENA_BYTES) {
            want = BFT_DECODE_ARENA_BYTES;
            continue;
        }
        f->malformed = err != TD_OK;
        return f->malformed ? NULL : &f->msg;
    }
}
