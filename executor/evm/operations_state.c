/* Opcodes on accounts, storage and other contracts. */
#include "executor/evm/frame.h"
#include "executor/evm/u256_inline.h"

#define CHARGE(f, gas, native)                                                                     \
    do {                                                                                           \
        if (!exec_charge((f), (int64_t)(gas), (int64_t)(native)))                                  \
            return exec_charge_status(f);                                                          \
    } while (0)

#define TRY(call)                                                                                  \
    do {                                                                                           \
        enum exec_status try_ = (call);                                                            \
        if (try_ != EXEC_SUCCESS)                                                                  \
            return try_;                                                                           \
    } while (0)

/* Pay `cold_gas` for an account's first use in the transaction, before anything is read (EIP-2929:
 * the warm price is the opcode's own). */
static enum exec_status touch(struct exec_frame *f, const struct td_addr *a, int64_t cold_gas)
{
    if (exec_state_is_warm(f->vm->state, a))
        return EXEC_SUCCESS;
    CHARGE(f, cold_gas, EXEC_NATIVE_COLD_ACCOUNT);
    exec_state_warm(f->vm->state, a);
    return EXEC_SUCCESS;
}

/* ---- accounts */

enum exec_status exec_op_balance(struct exec_frame *f, struct exec_u256 *sp)
{
    struct td_addr a;
    exec_addr_of_word(&a, &sp[0]);
    TRY(touch(f, &a, EXEC_COLD_ACCOUNT_EXTRA));
    sp[0] = exec_state_get(f->vm->state, &a)->balance;
    return EXEC_SUCCESS;
}

enum exec_status exec_op_selfbalance(struct exec_frame *f, struct exec_u256 *sp)
{
    sp[1] = exec_state_get(f->vm->state, &f->msg.to)->balance;
    return EXEC_SUCCESS;
}

/* EIP-7702: the EXTCODE opcodes see the designator, not what it names. */
enum exec_status exec_op_extcodesize(struct exec_frame *f, struct exec_u256 *sp)
{
    struct td_addr a;
    exec_addr_of_word(&a, &sp[0]);
    TRY(touch(f, &a, EXEC_COLD_ACCOUNT_EXTRA));
    sp[0] = exec_u256_of(exec_state_get(f->vm->state, &a)->code_bytes);
    return EXEC_SUCCESS;
}

/* EIP-1052: 0 for an account that does not exist, which is the same as an empty one (EIP-161). */
enum exec_status exec_op_extcodehash(struct exec_frame *f, struct exec_u256 *sp)
{
    struct td_addr a;
    exec_addr_of_word(&a, &sp[0]);
    TRY(touch(f, &a, EXEC_COLD_ACCOUNT_EXTRA));
    if (exec_state_is_empty(f->vm->state, &a))
        sp[0] = exec_u256_of(0);
    else
        exec_u256_inline_from_be32(&sp[0], exec_state_get(f->vm->state, &a)->code_hash.b);
    return EXEC_SUCCESS;
}

enum exec_status exec_op_extcodecopy(struct exec_frame *f, struct exec_u256 *sp)
{
    struct td_addr a;
    exec_addr_of_word(&a, &sp[0]);
    TRY(touch(f, &a, EXEC_COLD_ACCOUNT_EXTRA));
    struct td_bytes code = {.ptr = NULL, .len = 0};
    if (!exec_u256_is_zero(&sp[-3])) {
        uint32_t bytes = exec_state_get(f->vm->state, &a)->code_bytes;
        CHARGE(f, 0, EXEC_NATIVE_CODE + (int64_t)exec_words(bytes) * EXEC_NATIVE_CODE_WORD);
        code = exec_state_code(f->vm->state, &a);
    }
    return exec_op_copy(f, sp - 1, code);
}

/* ---- storage */

/* Warm a slot without reading it; was it cold?  Warming is journaled, so the journal tells. */
static bool warm_unread(struct exec_state *state, const struct td_addr *a,
                        const struct exec_u256 *slot)
{
    uint32_t before = exec_state_mark(state).journal;
    exec_state_warm_slot(state, a, slot);
    return exec_state_mark(state).journal != before;
}

/* Read a slot, paying `cold_gas` before a cold one is asked from the reader.  One probe when what
 * is left pays for that in any case: then reading first cannot go unpaid. */
static enum exec_status read_slot(struct exec_frame *f, const struct exec_u256 *slot,
                                  int64_t cold_gas, struct exec_slot_view *view)
{
    struct exec_state *state = f->vm->state;
    const struct td_addr *a = &f->msg.to;
    bool rich = f->gas >= cold_gas && f->vm->native_left >= EXEC_NATIVE_COLD_SLOT;
    if (!rich && warm_unread(state, a, slot))
        CHARGE(f, cold_gas, EXEC_NATIVE_COLD_SLOT);
    exec_state_sload(state, a, slot, view);
    if (rich && view->was_cold)
        CHARGE(f, cold_gas, EXEC_NATIVE_COLD_SLOT);
    return EXEC_SUCCESS;
}

enum exec_status exec_op_sload_short(struct exec_frame *f, struct exec_u256 *sp)
{
    struct exec_slot_view view;
    TRY(read_slot(f, &sp[0], EXEC_COLD_SLOT_EXTRA, &view));
    sp[0] = view.now;
    return EXEC_SUCCESS;
}

/* What writing `value` adds to the refund (EIP-3529). */
static int64_t sstore_refund(const struct exec_slot_view *v, const struct exec_u256 *value)
{
    int64_t refund = 0;
    if (exec_u256_eq(&v->now, value))
        return 0;
    if (!exec_u256_is_zero(&v->tx_original)) {
        if (exec_u256_is_zero(&v->now))
            refund -= EXEC_SSTORE_CLEAR_REFUND;
        else if (exec_u256_is_zero(value))
            refund += EXEC_SSTORE_CLEAR_REFUND;
    }
    if (exec_u256_eq(&v->tx_original, value))
        refund +=
            exec_u256_is_zero(value) ? EXEC_SSTORE_SET - EXEC_WARM : EXEC_SSTORE_RESET - EXEC_WARM;
    return refund;
}

enum exec_status exec_op_sstore(struct exec_frame *f, struct exec_u256 *sp)
{
    struct exec_state *state = f->vm->state;
    const struct td_addr *a = &f->msg.to;
    const struct exec_u256 *value = &sp[-1];
    struct exec_slot_view view;
    if (f->msg.is_static)
        return EXEC_STATIC_WRITE;
    if (f->gas <= EXEC_CALL_STIPEND) /* EIP-2200 */
        return EXEC_OUT_OF_GAS;
    TRY(read_slot(f, &sp[0], EXEC_COLD_SLOT_FULL, &view));

    int64_t gas = EXEC_WARM, native = 0;
    if (exec_u256_eq(&view.tx_original, &view.now) && !exec_u256_eq(&view.now, value)) {
        gas = exec_u256_is_zero(&view.now) ? EXEC_SSTORE_SET : EXEC_SSTORE_RESET;
        native = EXEC_NATIVE_SLOT_WRITE;
    }
    CHARGE(f, gas, native);
    int64_t refund = sstore_refund(&view, value);
    if (refund != 0)
        exec_state_refund_add(state, refund);
    if (!exec_u256_eq(&view.now, value))
        exec_state_sstore(state, a, &sp[0], value);
    return EXEC_SUCCESS;
}

enum exec_status exec_op_tstore(struct exec_frame *f, struct exec_u256 *sp)
{
    if (f->msg.is_static)
        return EXEC_STATIC_WRITE;
    exec_state_tstore(f->vm->state, &f->msg.to, &sp[0], &sp[-1]);
    return EXEC_SUCCESS;
}

enum exec_status exec_op_selfdestruct(struct exec_frame *f, struct exec_u256 *sp)
{
    struct exec_state *state = f->vm->state;
    struct td_addr heir;
    exec_addr_of_word(&heir, &sp[0]);
    if (f->msg.is_static)
        return EXEC_STATIC_WRITE;
    TRY(touch(f, &heir, EXEC_COLD_ACCOUNT_FULL));
    bool rich = !exec_u256_is_zero(&exec_state_get(state, &f->msg.to)->balance);
    if (rich && exec_state_is_empty(state, &heir))
        CHARGE(f, EXEC_NEW_ACCOUNT, 0);
    exec_state_destroy(state, &f->msg.to, &heir);
    return EXEC_SUCCESS;
}

/* ---- calls */

/* EIP-7702: a call to a delegating account also reaches the account it names. */
static enum exec_status touch_delegate(struct exec_frame *f, const struct td_addr *a)
{
    struct td_addr target;
    if (exec_state_get(f->vm->state, a)->code_bytes != EXEC_DELEGATION_BYTES)
        return EXEC_SUCCESS;
    CHARGE(f, 0, EXEC_NATIVE_CODE + EXEC_NATIVE_CODE_WORD);
    if (!exec_code_delegation(&target, exec_state_code(f->vm->state, a)))
        return EXEC_SUCCESS;
    CHARGE(f, EXEC_WARM, EXEC_NATIVE_WARM);
    return touch(f, &target, EXEC_COLD_ACCOUNT_EXTRA);
}

/* Gas the child gets: what was asked, at most all but a 64th (EIP-150). */
static int64_t child_gas(const struct exec_frame *f, const struct exec_u256 *asked)
{
    int64_t most = f->gas - f->gas / 64;
    uint64_t want = exec_u256_u64_or_max(asked);
    return want < (uint64_t)most ? (int64_t)want : most;
}

/* Both memory ranges of a call.  The further one first: memory grows once. */
static enum exec_status call_ranges(struct exec_frame *f, const struct exec_u256 *args, size_t *in,
                                    size_t *in_len)
{
    TRY(exec_memory_need(f, &args[0], &args[-1], in, in_len));
    return exec_memory_need(f, &args[-2], &args[-3], &f->out_offset, &f->out_len);
}

static void fill_message(struct exec_message *m, const struct exec_frame *f,
                         enum exec_message_kind kind, const struct td_addr *callee,
                         const struct exec_u256 *value)
{
    bool here = kind == EXEC_CALLCODE || kind == EXEC_DELEGATECALL; /* runs on this storage */
    /* Field by field: clearing the whole first costs more than all of this. */
    m->kind = kind;
    m->is_static = f->msg.is_static || kind == EXEC_STATICCALL;
    m->depth = f->msg.depth + 1u;
    m->sender = kind == EXEC_DELEGATECALL ? f->msg.sender : f->msg.to;
    m->to = here ? f->msg.to : *callee;
    m->code_addr = *callee;
    m->salt = exec_u256_of(0);
    m->input = (struct td_bytes){.ptr = NULL, .len = 0};
    if (kind == EXEC_DELEGATECALL)
        m->value = f->msg.value;
    else
        m->value = value != NULL ? *value : exec_u256_of(0);
}

enum exec_status exec_op_call(struct exec_frame *f, struct exec_u256 *sp,
                              enum exec_message_kind kind)
{
    struct exec_state *state = f->vm->state;
    bool has_value = kind == EXEC_CALL || kind == EXEC_CALLCODE;
    const struct exec_u256 *value = has_value ? &sp[-2] : NULL;
    const struct exec_u256 *args = has_value ? &sp[-3] : &sp[-2];
    struct exec_u256 *result = has_value ? &sp[-6] : &sp[-5];
    bool pays = has_value && !exec_u256_is_zero(value);
    struct td_addr callee;
    size_t in, in_len;

    if (kind == EXEC_CALL && pays && f->msg.is_static)
        return EXEC_STATIC_WRITE;
    exec_addr_of_word(&callee, &sp[-1]);
    TRY(call_ranges(f, args, &in, &in_len));
    TRY(touch(f, &callee, EXEC_COLD_ACCOUNT_EXTRA));
    TRY(touch_delegate(f, &callee));
    if (pays)
        CHARGE(f, EXEC_CALL_VALUE, EXEC_NATIVE_VALUE);
    if (kind == EXEC_CALL && pays && exec_state_is_empty(state, &callee))
        CHARGE(f, EXEC_NEW_ACCOUNT, 0);

    int64_t gas = child_gas(f, &sp[0]);
    int64_t stipend = pays ? EXEC_CALL_STIPEND : 0;
    if (!exec_return_data_set(f, (struct td_bytes){.ptr = NULL, .len = 0}))
        return EXEC_ERROR;
    bool poor = pays && exec_u256_inline_lt(&exec_state_get(state, &f->msg.to)->balance, value);
    if (poor || f->msg.depth >= EXEC_CALL_DEPTH_MAX) {
        f->gas += stipend; /* the stipend comes back with the child's gas, which was never taken */
        *result = exec_u256_of(0);
        return EXEC_SUCCESS;
    }
    struct exec_message *m = &f->run->pending;
    fill_message(m, f, kind, &callee, value);
    m->gas = gas + stipend;
    if (in_len > 0)
        m->input = td_bytes_of(f->memory + in, in_len);
    f->gas -= gas;
    f->yielded = true;
    return EXEC_SUCCESS;
}

enum exec_status exec_op_create(struct exec_frame *f, struct exec_u256 *sp,
                                enum exec_message_kind kind)
{
    struct exec_state *state = f->vm->state;
    const struct exec_u256 *value = &sp[0];
    struct exec_u256 *result = kind == EXEC_CREATE2 ? &sp[-3] : &sp[-2];
    size_t at, len;
    if (f->msg.is_static)
        return EXEC_STATIC_WRITE;
    TRY(exec_memory_need(f, &sp[-1], &sp[-2], &at, &len));
    if (len > EXEC_INITCODE_BYTES_MAX)
        return EXEC_INITCODE_SIZE; /* EIP-3860 */
    int64_t words = (int64_t)exec_words(len);
    int64_t per_word = EXEC_INITCODE_WORD + (kind == EXEC_CREATE2 ? EXEC_KECCAK_WORD : 0);
    int64_t native_word =
        EXEC_NATIVE_ANALYSE_WORD + (kind == EXEC_CREATE2 ? EXEC_NATIVE_HASH_WORD : 0);
    CHARGE(f, per_word * words, native_word * words);

    const struct exec_account *self = exec_state_get(state, &f->msg.to);
    if (!exec_return_data_set(f, (struct td_bytes){.ptr = NULL, .len = 0}))
        return EXEC_ERROR;
    if (exec_u256_inline_lt(&self->balance, value) || self->nonce == UINT64_MAX ||
        f->msg.depth >= EXEC_CALL_DEPTH_MAX) {
        *result = exec_u256_of(0);
        return EXEC_SUCCESS;
    }
    struct exec_message *m = &f->run->pending;
    *m = (struct exec_message){
        .kind = kind,
        .depth = f->msg.depth + 1u,
        .gas = f->gas - f->gas / 64,
        .sender = f->msg.to,
        .value = *value,
    };
    if (kind == EXEC_CREATE2)
        m->salt = sp[-3];
    if (len > 0)
        m->input = td_bytes_of(f->memory + at, len);
    f->gas -= m->gas;
    f->yielded = true;
    return EXEC_SUCCESS;
}
