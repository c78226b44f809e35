#include "executor/evm/code.h"

#define OP_JUMPDEST 0x5bu
#define OP_PUSH1 0x60u
#define OP_PUSH32 0x7fu
#define CACHE_START 32u

size_t exec_code_prepared_bytes(size_t len)
{
    return (1u + EXEC_FUSED) * (len + EXEC_CODE_PADDING) + len / 8u + 1u;
}

/* A PUSH's data may run past the end of the code; the loop's condition is all that takes. */
static void analyse(uint8_t *jumpdests, const uint8_t *code, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint32_t op = code[i];
        if (op - OP_PUSH1 <= OP_PUSH32 - OP_PUSH1)
            i += op - OP_PUSH1 + 1u;
        else if (op == OP_JUMPDEST)
            jumpdests[i / 8u] |= (uint8_t)(1u << (i % 8u));
    }
}

bool exec_code_prepare(struct exec_code *out, struct td_arena *arena, struct td_bytes code)
{
    /* Rounded up to words, so that the guest's copy and clearing stay aligned. */
    size_t padded = (code.len + EXEC_CODE_PADDING + 3u) & ~(size_t)3;
    size_t map = code.len / 8u + 1u;
    uint8_t *bytes = td_arena_get(arena, padded, 8);
    uint8_t *jumpdests = td_arena_get_zeroed(arena, map, 8);
    if (bytes == NULL || jumpdests == NULL)
        return false;
    if (code.len > 0)
        memcpy(bytes, code.ptr, code.len);
    memset(bytes + code.len, 0, padded - code.len);
    analyse(jumpdests, bytes, code.len);
#if EXEC_FUSED
    uint8_t *ops = td_arena_get(arena, padded, 8);
    if (ops == NULL)
        return false;
    memcpy(ops, bytes, padded);
    exec_code_fuse(ops, bytes, code.len, jumpdests);
    out->ops = ops;
#endif
    out->bytes = bytes;
    out->jumpdests = jumpdests;
    out->len = (uint32_t)code.len;
    return true;
}

static struct exec_key key_of(const void *owner, uint32_t i)
{
    const struct exec_code_cache *c = owner;
    return (struct exec_key){.addr = NULL, .word = c->codes[i].hash.b};
}

static bool same_hash(const void *owner, const void *key, uint32_t i)
{
    const struct exec_code_cache *c = owner;
    return td_hash_eq(&c->codes[i].hash, key);
}

/* A code hash is a keccak output: any of its words spreads well; the index copes with those that
 * someone has chosen to collide. */
static uint32_t spread(const struct td_hash *hash)
{
    return (uint32_t)hash->b[0] | (uint32_t)hash->b[1] << 8 | (uint32_t)hash->b[2] << 16 |
           (uint32_t)hash->b[3] << 24;
}

void exec_code_cache_init(struct exec_code_cache *c, struct td_arena *arena)
{
    *c = (struct exec_code_cache){.arena = arena};
    exec_index_init(&c->index, c, key_of, NULL);
}

struct exec_code *exec_code_cache_find(struct exec_code_cache *c, const struct td_hash *hash)
{
    struct exec_key key = {.addr = NULL, .word = hash->b};
    uint32_t i = exec_index_find(&c->index, spread(hash), hash, key, same_hash);
    return i == EXEC_INDEX_NONE ? NULL : &c->codes[i];
}

static bool grow(struct exec_code_cache *c)
{
    uint32_t cap = c->cap == 0 ? CACHE_START : 2u * c->cap;
    struct exec_code *codes = TD_ARENA_NEW(c->arena, struct exec_code, cap);
    if (codes == NULL)
        return false;
    if (c->count > 0)
        memcpy(codes, c->codes, c->count * sizeof *codes);
    c->codes = codes;
    c->cap = cap;
    return true;
}

struct exec_code *exec_code_cache_put(struct exec_code_cache *c, const struct td_hash *hash,
                                      struct td_bytes code)
{
    if (c->count == c->cap && !grow(c))
        return NULL;
    struct exec_code *e = &c->codes[c->count];
    e->hash = *hash;
    e->run = 0;
    if (!exec_code_prepare(e, c->arena, code) ||
        !exec_index_add(&c->index, c->arena, spread(hash), c->count))
        return NULL;
    c->count++;
    return e;
}

bool exec_code_delegation(struct td_addr *target, struct td_bytes code)
{
    if (code.len != EXEC_DELEGATION_BYTES || code.ptr[0] != 0xef || code.ptr[1] != 0x01 ||
        code.ptr[2] != 0x00)
        return false;
    memcpy(target->b, code.ptr + 3, TD_ADDR_BYTES);
    return true;
}
