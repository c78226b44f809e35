#include "executor/evm/frame.h"

#define CAP_START 1024u

/* Room for `cap` bytes in place; the return data above moves up. */
static bool reserve(struct exec_frame *f, size_t cap)
{
    struct td_arena *arena = f->vm->arena;
    size_t extra = cap - f->memory_cap;
    if (td_arena_get(arena, extra, 1) == NULL)
        return false;
    if (f->return_data.len > 0) {
        uint8_t *to = f->memory + cap;
        memmove(to, f->return_data.ptr, f->return_data.len);
        f->return_data.ptr = to;
    }
    f->memory_cap = cap;
    return true;
}

enum exec_status exec_memory_grow(struct exec_frame *f, uint64_t end)
{
    if (end > UINT32_MAX)
        return EXEC_OUT_OF_GAS;
    uint64_t words = exec_words(end);
    int64_t cost = (int64_t)(EXEC_MEMORY_WORD * words + words * words / 512u);
    uint64_t fresh = words - f->memory_len / 32u;
    int64_t native = EXEC_NATIVE_MEMORY + (int64_t)fresh * EXEC_NATIVE_MEMORY_WORD;
    if (32u * words > f->memory_cap) /* the return data above has to move */
        native += (int64_t)exec_words(f->return_data.len) * EXEC_NATIVE_COPY_WORD;
    if (!exec_charge(f, cost - f->memory_gas, native))
        return exec_charge_status(f);
    if (32u * words > SIZE_MAX)
        return EXEC_ERROR;
    size_t len = (size_t)(32u * words);
    if (len > f->memory_cap) {
        /* Doubling bounds how often return data moves; near the arena's end the exact size does. */
        size_t twice = 2u * f->memory_cap;
        size_t want = twice > len ? twice : len;
        if (want < CAP_START)
            want = CAP_START;
        if (!reserve(f, want) && !reserve(f, len)) {
            f->vm->err = TD_E_NOSPACE;
            return EXEC_ERROR;
        }
    }
    memset(f->memory + f->memory_len, 0, len - f->memory_len);
    f->memory_len = len;
    f->memory_gas = cost;
    return EXEC_SUCCESS;
}

enum exec_status exec_memory_need_more(struct exec_frame *f, const struct exec_u256 *offset,
                                       const struct exec_u256 *len, size_t *at, size_t *count)
{
    *at = 0;
    *count = 0;
    if (exec_u256_is_zero(len))
        return EXEC_SUCCESS;
    uint64_t from = exec_u256_u64_or_max(offset);
    uint64_t bytes = exec_u256_u64_or_max(len);
    if (from > UINT32_MAX || bytes > UINT32_MAX)
        return EXEC_OUT_OF_GAS;
    if (from + bytes > f->memory_len) {
        enum exec_status status = exec_memory_grow(f, from + bytes);
        if (status != EXEC_SUCCESS)
            return status;
    }
    *at = (size_t)from;
    *count = (size_t)bytes;
    return EXEC_SUCCESS;
}

bool exec_return_data_set(struct exec_frame *f, struct td_bytes data)
{
    struct td_arena *arena = f->vm->arena;
    size_t end = (size_t)(f->memory - arena->base) + f->memory_cap;
    f->return_data = (struct td_bytes){.ptr = NULL, .len = 0};
    td_arena_rewind(arena, (struct td_arena_mark){.used = end});
    if (data.len == 0)
        return true;
    uint8_t *to = td_arena_get(arena, data.len, 1);
    if (to == NULL)
        return false;
    memmove(to, data.ptr, data.len);
    f->return_data = td_bytes_of(to, data.len);
    return true;
}
