/* Opcodes on memory, hashes and data. */
#include "base/core/keccak.h"
#include "executor/evm/frame.h"
#include "executor/evm/native_costs.h"
#include "executor/evm/u256_inline.h"
#include "executor/system.h"

#define CHARGE(f, gas, native)                                                                     \
    do {                                                                                           \
        if (!exec_charge((f), (int64_t)(gas), (int64_t)(native)))                                  \
            return exec_charge_status(f);                                                          \
    } while (0)

#define NEED(f, offset, len, at, count)                                                            \
    do {                                                                                           \
        enum exec_status need_ = exec_memory_need((f), (offset), (len), (at), (count));            \
        if (need_ != EXEC_SUCCESS)                                                                 \
            return need_;                                                                          \
    } while (0)

void exec_addr_of_word(struct td_addr *out, const struct exec_u256 *word)
{
    uint8_t b[32];
    exec_u256_inline_to_be32(b, word);
    memcpy(out->b, b + 12, TD_ADDR_BYTES);
}

void exec_word_of_addr(struct exec_u256 *out, const struct td_addr *addr)
{
    uint8_t b[32] = {0};
    memcpy(b + 12, addr->b, TD_ADDR_BYTES);
    exec_u256_inline_from_be32(out, b);
}

enum exec_status exec_op_exp(struct exec_frame *f, struct exec_u256 *sp)
{
    uint32_t bytes = exec_u256_byte_length(&sp[-1]);
    CHARGE(f, EXEC_EXP_BYTE * bytes, EXEC_NATIVE_EXP_BYTE * bytes);
    exec_u256_exp(&sp[-1], &sp[0], &sp[-1]);
    return EXEC_SUCCESS;
}

enum exec_status exec_op_keccak256(struct exec_frame *f, struct exec_u256 *sp)
{
    size_t at, len;
    struct td_hash hash;
    NEED(f, &sp[0], &sp[-1], &at, &len);
    CHARGE(f, EXEC_KECCAK_WORD * exec_words(len),
           EXEC_NATIVE_KECCAK_BLOCK * (uint64_t)(len / TD_KECCAK_RATE_BYTES + 1u));
    td_keccak256(&hash, len > 0 ? f->memory + at : NULL, len);
    exec_u256_inline_from_be32(&sp[-1], hash.b);
    return EXEC_SUCCESS;
}

/* Copy into memory at sp[0] from offset sp[-1] of `from`, length sp[-2], zero-filled. */
enum exec_status exec_op_copy(struct exec_frame *f, struct exec_u256 *sp, struct td_bytes from)
{
    size_t at, len;
    NEED(f, &sp[0], &sp[-2], &at, &len);
    CHARGE(f, EXEC_COPY_WORD * exec_words(len), EXEC_NATIVE_COPY_WORD * exec_words(len));
    if (len == 0)
        return EXEC_SUCCESS;
    uint64_t offset = exec_u256_u64_or_max(&sp[-1]);
    size_t have = offset < from.len ? from.len - (size_t)offset : 0;
    if (have > len)
        have = len;
    if (have > 0)
        memcpy(f->memory + at, from.ptr + offset, have);
    memset(f->memory + at + have, 0, len - have);
    return EXEC_SUCCESS;
}

/* Reading past the end is an exceptional halt, for length 0 too (EIP-211). */
enum exec_status exec_op_returndatacopy(struct exec_frame *f, struct exec_u256 *sp)
{
    uint64_t offset = exec_u256_u64_or_max(&sp[-1]);
    uint64_t len = exec_u256_u64_or_max(&sp[-2]);
    if (offset > f->return_data.len || len > f->return_data.len - offset)
        return EXEC_RETURN_DATA_RANGE;
    size_t at, count;
    NEED(f, &sp[0], &sp[-2], &at, &count);
    CHARGE(f, EXEC_COPY_WORD * exec_words(count), EXEC_NATIVE_COPY_WORD * exec_words(count));
    if (count > 0) /* growing memory may have moved the return data: its pointer is read here */
        memcpy(f->memory + at, f->return_data.ptr + offset, count);
    return EXEC_SUCCESS;
}

/* EIP-5656: memory grows for source and destination alike. */
enum exec_status exec_op_mcopy(struct exec_frame *f, struct exec_u256 *sp)
{
    size_t to, from, len;
    const struct exec_u256 *further = exec_u256_inline_lt(&sp[0], &sp[-1]) ? &sp[-1] : &sp[0];
    NEED(f, further, &sp[-2], &to, &len);
    NEED(f, &sp[0], &sp[-2], &to, &len);
    NEED(f, &sp[-1], &sp[-2], &from, &len);
    CHARGE(f, EXEC_COPY_WORD * exec_words(len), EXEC_NATIVE_MOVE_WORD * exec_words(len));
    if (len > 0)
        memmove(f->memory + to, f->memory + from, len);
    return EXEC_SUCCESS;
}

enum exec_status exec_op_calldataload(struct exec_frame *f, struct exec_u256 *sp)
{
    uint8_t word[32] = {0};
    uint64_t offset = exec_u256_u64_or_max(&sp[0]);
    struct td_bytes in = f->msg.input;
    if (offset < in.len) {
        size_t have = in.len - (size_t)offset;
        memcpy(word, in.ptr + offset, have < 32u ? have : 32u);
    }
    exec_u256_inline_from_be32(&sp[0], word);
    return EXEC_SUCCESS;
}

enum exec_status exec_op_blockhash(struct exec_frame *f, struct exec_u256 *sp)
{
    const struct exec_block_env *b = f->vm->block;
    uint64_t number = exec_u256_u64_or_max(&sp[0]);
    if (b->history) {
        struct td_hash hash;
        if (!exec_charge(f, 0, EXEC_NATIVE_COLD_SLOT))
            return exec_charge_status(f);
        exec_system_block_hash(f->vm->state, b->number, number, &hash);
        exec_u256_inline_from_be32(&sp[0], hash.b);
        return EXEC_SUCCESS;
    }
    uint64_t back = b->number - number - 1u; /* wraps, and so fails, when number >= b->number */
    if (number < b->number && back < b->hash_count && back < 256u)
        exec_u256_inline_from_be32(&sp[0], b->hashes[back].b);
    else
        sp[0] = exec_u256_of(0);
    return EXEC_SUCCESS;
}

enum exec_status exec_op_blobhash(struct exec_frame *f, struct exec_u256 *sp)
{
    uint64_t index = exec_u256_u64_or_max(&sp[0]);
    if (index < f->vm->blob_hash_count)
        exec_u256_inline_from_be32(&sp[0], f->vm->blob_hashes[index].b);
    else
        sp[0] = exec_u256_of(0);
    return EXEC_SUCCESS;
}

enum exec_status exec_op_log(struct exec_frame *f, struct exec_u256 *sp, uint32_t topics)
{
    size_t at, len;
    struct exec_log log;
    if (f->msg.is_static)
        return EXEC_STATIC_WRITE;
    NEED(f, &sp[0], &sp[-1], &at, &len);
    CHARGE(f, (uint64_t)EXEC_LOG_TOPIC * topics + (uint64_t)EXEC_LOG_BYTE * len,
           (uint64_t)EXEC_NATIVE_LOG_TOPIC * topics +
               (uint64_t)EXEC_NATIVE_COPY_WORD * exec_words(len));
    log.addr = f->msg.to;
    log.topic_count = topics;
    for (uint32_t i = 0; i < topics; i++)
        exec_u256_inline_to_be32(log.topic[i].b, &sp[-2 - (int)i]);
    for (uint32_t i = topics; i < 4; i++)
        log.topic[i] = (struct td_hash){{0}};
    log.data = td_bytes_of(len > 0 ? f->memory + at : NULL, len);
    exec_state_log(f->vm->state, &log);
    return EXEC_SUCCESS;
}

enum exec_status exec_op_output(struct exec_frame *f, struct exec_u256 *sp)
{
    size_t at, len;
    NEED(f, &sp[0], &sp[-1], &at, &len);
    CHARGE(f, 0, EXEC_NATIVE_COPY_WORD * exec_words(len)); /* into the caller's return data */
    if (len > 0)
        f->output = td_bytes_of(f->memory + at, len);
    return EXEC_SUCCESS;
}
