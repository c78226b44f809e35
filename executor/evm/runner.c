#include "base/core/keccak.h"
#include "executor/evm.h"
#include "executor/evm/frame.h"
#include "executor/evm/u256_inline.h"
#include "executor/precompiles.h"
#include "executor/system.h"

static const char *const STATUS_TEXT[] = {
    [EXEC_SUCCESS] = "success",
    [EXEC_REVERT] = "execution reverted",
    [EXEC_OUT_OF_GAS] = "out of gas",
    [EXEC_OUT_OF_NATIVE] = "out of native resources",
    [EXEC_BAD_OPCODE] = "invalid opcode",
    [EXEC_STACK_UNDERFLOW] = "stack underflow",
    [EXEC_STACK_OVERFLOW] = "stack limit reached",
    [EXEC_BAD_JUMP] = "invalid jump destination",
    [EXEC_STATIC_WRITE] = "write protection",
    [EXEC_RETURN_DATA_RANGE] = "return data out of bounds",
    [EXEC_CALL_DEPTH] = "max call depth exceeded",
    [EXEC_BALANCE] = "insufficient balance for transfer",
    [EXEC_COLLISION] = "contract address collision",
    [EXEC_CODE_SIZE] = "max code size exceeded",
    [EXEC_CODE_PREFIX] = "invalid code: must not begin with 0xef",
    [EXEC_INITCODE_SIZE] = "max initcode size exceeded",
    [EXEC_NONCE_OVERFLOW] = "nonce has max value",
    [EXEC_PRECOMPILE] = "precompiled contract failed",
    [EXEC_ERROR] = "state could not be read or memory is exhausted",
};

const char *exec_status_text(enum exec_status s)
{
    if ((size_t)s >= sizeof STATUS_TEXT / sizeof STATUS_TEXT[0])
        return "unknown status";
    return STATUS_TEXT[s];
}

/* ---- sizes */

/* Words of memory that `gas` buys: the w with 3 w + w^2 / 512 <= gas, rounded up. */
static uint64_t memory_words(uint64_t gas)
{
    uint64_t low = 0;
    uint64_t high = UINT64_C(1) << 27; /* 2^32 bytes: no range reaches further */
    while (low < high) {
        uint64_t mid = (low + high + 1u) / 2u;
        if (EXEC_MEMORY_WORD * mid + mid * mid / 512u <= gas)
            low = mid;
        else
            high = mid - 1u;
    }
    return low + 1u;
}

/* The words a gas limit buys are most when all frames share it alike (their cost is convex); a
 * frame's room may be double what it uses, and the return data of one call lies on top.  A call
 * costs at least 100 gas, which bounds the frames. */
size_t exec_evm_arena_bytes(uint64_t gas_limit)
{
    uint64_t frames = gas_limit / 100u + 1u;
    if (frames > EXEC_CALL_DEPTH_MAX + 1u)
        frames = EXEC_CALL_DEPTH_MAX + 1u;
    uint64_t frame = sizeof(struct exec_frame) +
                     (EXEC_STACK_ITEMS + 1u) * sizeof(struct exec_u256) +
                     exec_code_prepared_bytes(EXEC_INITCODE_BYTES_MAX) + 128u;
    uint64_t memory = 2u * 32u * memory_words(gas_limit / frames) + 1024u;
    uint64_t output = 32u * memory_words(gas_limit);
    uint64_t total = frames * (frame + memory) + output;
    return total > SIZE_MAX ? SIZE_MAX : (size_t)total;
}

/* ---- addresses of creations */

/* keccak(rlp([sender, nonce]))[12..]: a list of at most 21 + 9 bytes. */
static void create_address(struct td_addr *out, const struct td_addr *sender, uint64_t nonce)
{
    uint8_t rlp[31];
    struct td_hash hash;
    size_t len = 1;
    rlp[len++] = 0x80u + TD_ADDR_BYTES;
    memcpy(rlp + len, sender->b, TD_ADDR_BYTES);
    len += TD_ADDR_BYTES;
    unsigned bytes = 0;
    while (bytes < 8u && nonce >> (8u * bytes) != 0)
        bytes++;
    if (nonce == 0 || nonce >= 0x80u)
        rlp[len++] = (uint8_t)(0x80u + bytes);
    for (unsigned i = bytes; i-- > 0;)
        rlp[len++] = (uint8_t)(nonce >> (8u * i));
    rlp[0] = (uint8_t)(0xc0u + len - 1u);
    td_keccak256(&hash, rlp, len);
    memcpy(out->b, hash.b + 12, TD_ADDR_BYTES);
}

/* keccak(0xff, sender, salt, keccak(init code))[12..]: EIP-1014. */
static void create2_address(struct td_addr *out, const struct exec_message *msg)
{
    uint8_t in[85];
    struct td_hash hash;
    in[0] = 0xff;
    memcpy(in + 1, msg->sender.b, TD_ADDR_BYTES);
    exec_u256_inline_to_be32(in + 21, &msg->salt);
    td_keccak256(&hash, msg->input.ptr, msg->input.len);
    memcpy(in + 53, hash.b, TD_HASH_BYTES);
    td_keccak256(&hash, in, sizeof in);
    memcpy(out->b, hash.b + 12, TD_ADDR_BYTES);
}

/* ---- frames */

static bool is_creation(const struct exec_message *msg)
{
    return msg->kind == EXEC_CREATE || msg->kind == EXEC_CREATE2;
}

/* These end the whole run, whatever frame they happen in. */
static bool is_final(enum exec_status s)
{
    return s == EXEC_OUT_OF_NATIVE || s == EXEC_ERROR;
}

static void trace_enter(const struct exec_vm *vm, const struct exec_message *msg)
{
#if __STDC_HOSTED__
    if (vm->tracer != NULL && vm->tracer->enter != NULL)
        vm->tracer->enter(vm->tracer->self, msg);
#else
    (void)vm;
    (void)msg;
#endif
}

static void trace_leave(const struct exec_vm *vm, const struct exec_message *msg,
                        const struct exec_outcome *out)
{
#if __STDC_HOSTED__
    if (vm->tracer != NULL && vm->tracer->leave != NULL)
        vm->tracer->leave(vm->tracer->self, msg, out);
#else
    (void)vm;
    (void)msg;
    (void)out;
#endif
}

static void interpret(struct exec_frame *f)
{
#if __STDC_HOSTED__
    if (f->vm->tracer != NULL) {
        exec_interpret_traced(f);
        return;
    }
#endif
    exec_interpret(f);
}

/* Native cost of code the first time a run reaches it; later calls find it prepared. */
static bool charge_code(struct exec_vm *vm, size_t len)
{
    vm->native_left -= EXEC_NATIVE_CODE + (int64_t)exec_words(len) *
                                              (EXEC_NATIVE_CODE_WORD + EXEC_NATIVE_ANALYSE_WORD);
    return vm->native_left >= 0;
}

/* The code msg runs, made ready.  *found is false when there is none.  EIP-7702: of a delegating
 * account it is the code of the account it names, followed once; a precompile has no code of its
 * own there. */
static enum exec_status load_code(struct exec_run *run, const struct exec_message *msg,
                                  struct exec_code *out, bool *found)
{
    struct exec_vm *vm = run->vm;
    struct exec_state *state = vm->state;
    struct td_addr at = msg->code_addr;
    const struct exec_account *account = exec_state_get(state, &at);
    *found = false;
    if (account->code_bytes == EXEC_DELEGATION_BYTES) {
        struct td_addr target;
        if (exec_code_delegation(&target, exec_state_code(state, &at))) {
            at = target;
            /* Inside a run the opcode has warmed it, and charged. */
            if (msg->depth == 0) {
                vm->native_left -= EXEC_NATIVE_COLD_ACCOUNT + EXEC_NATIVE_CODE;
                if (vm->native_left < 0)
                    return EXEC_OUT_OF_NATIVE;
                exec_state_warm(state, &at);
            }
            account = exec_state_get(state, &at);
        }
    }
    if (account->code_bytes == 0)
        return EXEC_SUCCESS;
    *found = true;
    struct td_hash hash = account->code_hash;
    struct exec_code *known = vm->codes != NULL ? exec_code_cache_find(vm->codes, &hash) : NULL;
    if (known != NULL && known->run == vm->codes->run) {
        *out = *known;
        return EXEC_SUCCESS;
    }
    if (!charge_code(vm, account->code_bytes))
        return EXEC_OUT_OF_NATIVE;
    if (known == NULL && vm->codes != NULL)
        known = exec_code_cache_put(vm->codes, &hash, exec_state_code(state, &at));
    if (known != NULL) {
        known->run = vm->codes->run;
        *out = *known;
        return EXEC_SUCCESS;
    }
    if (vm->codes == NULL && exec_code_prepare(out, vm->arena, exec_state_code(state, &at)))
        return EXEC_SUCCESS;
    vm->err = TD_E_NOSPACE;
    return EXEC_ERROR;
}

/* A frame that is ready to run, or NULL when the arena is full. */
static struct exec_frame *open_frame(struct exec_run *run, struct exec_frame *parent,
                                     const struct exec_message *msg, const struct exec_code *code,
                                     struct exec_mark mark, struct td_arena_mark arena_mark)
{
    struct td_arena *arena = run->vm->arena;
    struct exec_frame *f = td_arena_get(arena, sizeof *f, _Alignof(struct exec_frame));
    struct exec_u256 *stack = td_arena_get(arena, (EXEC_STACK_ITEMS + 1u) * sizeof *stack, 32);
    uint8_t *memory = td_arena_get(arena, 0, 32);
    if (f == NULL || stack == NULL || memory == NULL) {
        run->vm->err = TD_E_NOSPACE;
        return NULL;
    }
    /* Field by field: clearing the whole first costs more than all of this. */
    f->run = run;
    f->vm = run->vm;
    f->parent = parent;
    f->msg = *msg;
    f->mark = mark;
    f->arena_mark = arena_mark;
    f->code = code->bytes;
    f->jumpdests = code->jumpdests;
#if EXEC_FUSED
    f->ops = code->ops;
#endif
    f->code_len = code->len;
    f->pc = 0;
    f->stack = stack;
    f->sp = stack;
    f->gas = msg->gas;
    f->memory = memory;
    f->memory_len = 0;
    f->memory_cap = 0;
    f->memory_gas = 0;
    f->return_data = (struct td_bytes){.ptr = NULL, .len = 0};
    f->out_offset = 0;
    f->out_len = 0;
    f->yielded = false;
    f->status = EXEC_SUCCESS;
    f->output = (struct td_bytes){.ptr = NULL, .len = 0};
    if (is_creation(msg))
        f->msg.input = (struct td_bytes){.ptr = NULL, .len = 0}; /* init code has no call data */
    return f;
}

/* Nothing of the message remains; its gas does only when it asked for that by REVERT. */
static void fail(struct exec_outcome *out, enum exec_status status)
{
    *out = (struct exec_outcome){.status = status};
}

/* ---- starting a message */

/* The account a creation is for.  Before the mark: the nonce and the warm address stay when the
 * creation fails. */
static enum exec_status prepare_creation(struct exec_vm *vm, struct exec_message *msg)
{
    struct exec_state *state = vm->state;
    uint64_t nonce = exec_state_get(state, &msg->sender)->nonce;
    if (msg->depth == 0)
        nonce--; /* the transaction raised it */
    if (msg->kind == EXEC_CREATE2)
        create2_address(&msg->to, msg);
    else
        create_address(&msg->to, &msg->sender, nonce);
    msg->code_addr = msg->to;
    exec_state_warm(state, &msg->to); /* EIP-2929 */
    if (msg->depth > 0) {
        vm->native_left -= EXEC_NATIVE_COLD_ACCOUNT;
        if (vm->native_left < 0)
            return EXEC_OUT_OF_NATIVE;
        exec_state_set_nonce(state, &msg->sender, nonce + 1u);
    }
    const struct exec_account *there = exec_state_get(state, &msg->to);
    bool taken = there->nonce != 0 || there->has_storage || /* EIP-684, EIP-7610 */
                 !td_hash_eq(&there->code_hash, &EXEC_EMPTY_CODE_HASH);
    return taken ? EXEC_COLLISION : EXEC_SUCCESS;
}

static enum exec_status transfer(struct exec_state *state, const struct exec_message *msg)
{
    bool moves = msg->kind == EXEC_CALL || is_creation(msg);
    if (!moves || exec_u256_is_zero(&msg->value))
        return EXEC_SUCCESS;
    if (!exec_state_sub_balance(state, &msg->sender, &msg->value) ||
        !exec_state_add_balance(state, &msg->to, &msg->value))
        return EXEC_BALANCE;
    return EXEC_SUCCESS;
}

static void run_precompile(struct exec_vm *vm, const struct exec_message *msg, uint32_t index,
                           struct exec_outcome *out)
{
    int64_t gas = msg->gas;
    struct td_bytes output = {.ptr = NULL, .len = 0};
    switch (exec_precompile_run(index, msg->input, &gas, &vm->native_left, vm->arena, &output)) {
    case EXEC_PRE_OK:
        *out = (struct exec_outcome){.status = EXEC_SUCCESS, .gas_left = gas, .output = output};
        return;
    case EXEC_PRE_FAIL:
        fail(out, EXEC_PRECOMPILE);
        return;
    case EXEC_PRE_OUT_OF_GAS:
        fail(out, EXEC_OUT_OF_GAS);
        return;
    case EXEC_PRE_NATIVE:
        fail(out, EXEC_OUT_OF_NATIVE);
        return;
    case EXEC_PRE_MEMORY:
        vm->err = TD_E_NOSPACE;
        break;
    }
    fail(out, EXEC_ERROR);
}

/* Contracts that are part of the program.  False when msg does not run one. */
static bool run_builtin(struct exec_vm *vm, const struct exec_message *msg,
                        struct exec_outcome *out)
{
    uint32_t index = exec_precompile_index(&msg->code_addr);
    if (index != 0) {
        run_precompile(vm, msg, index, out);
        return true;
    }
    if (!exec_system_is(&msg->code_addr))
        return false;
    if (msg->kind == EXEC_CALL || msg->kind == EXEC_STATICCALL)
        exec_system_run(vm, msg, out);
    else
        fail(out, EXEC_PRECOMPILE); /* nothing to run on someone else's storage */
    return true;
}

/* Begin `msg`.  Returns its frame, or NULL with *out filled when it is over already. */
static struct exec_frame *start(struct exec_run *run, struct exec_frame *parent,
                                struct exec_message *msg, struct exec_outcome *out)
{
    struct exec_vm *vm = run->vm;
    struct exec_state *state = vm->state;
    struct td_arena_mark arena_mark = td_arena_mark(vm->arena);
    struct exec_code code = {.len = 0};
    struct exec_frame *f = NULL;
    bool found = true;
    enum exec_status status = EXEC_SUCCESS;

    if (is_creation(msg))
        status = prepare_creation(vm, msg);
    trace_enter(vm, msg);
    struct exec_mark mark = exec_state_mark(state);
    if (status == EXEC_SUCCESS && is_creation(msg)) {
        exec_state_create(state, &msg->to);
        exec_state_set_nonce(state, &msg->to, 1); /* EIP-161 */
    }
    if (status == EXEC_SUCCESS)
        status = transfer(state, msg);
    if (status == EXEC_SUCCESS && is_creation(msg)) {
        if (!exec_code_prepare(&code, vm->arena, msg->input)) {
            vm->err = TD_E_NOSPACE;
            status = EXEC_ERROR;
        }
    } else if (status == EXEC_SUCCESS) {
        if (run_builtin(vm, msg, out)) {
            if (out->status != EXEC_SUCCESS)
                exec_state_revert(state, mark);
            return NULL;
        }
        status = load_code(run, msg, &code, &found);
    }
    if (status == EXEC_SUCCESS && !found) {
        *out = (struct exec_outcome){.status = EXEC_SUCCESS, .gas_left = msg->gas};
        return NULL;
    }
    if (status == EXEC_SUCCESS)
        f = open_frame(run, parent, msg, &code, mark, arena_mark);
    if (f == NULL) {
        fail(out, status == EXEC_SUCCESS ? EXEC_ERROR : status);
        exec_state_revert(state, mark);
    }
    return f;
}

/* ---- ending a frame */

/* What init code returned becomes the account's code, if it may and is paid for. */
static enum exec_status deposit(struct exec_frame *f)
{
    struct td_bytes code = f->output;
    int64_t words = (int64_t)exec_words(code.len);
    if (code.len > EXEC_CODE_BYTES_MAX)
        return EXEC_CODE_SIZE;
    if (code.len > 0 && code.ptr[0] == 0xef)
        return EXEC_CODE_PREFIX;
    int64_t native = code.len > 0 ? EXEC_NATIVE_CODE + words * EXEC_NATIVE_DEPOSIT_WORD : 0;
    if (!exec_charge(f, (int64_t)code.len * EXEC_DEPOSIT_BYTE, native))
        return exec_charge_status(f);
    if (code.len > 0)
        exec_state_set_code(f->vm->state, &f->msg.to, code);
    return EXEC_SUCCESS;
}

static void finish(struct exec_frame *f, struct exec_outcome *out)
{
    struct exec_state *state = f->vm->state;
    bool creation = is_creation(&f->msg);
    if (f->status == EXEC_SUCCESS && creation) {
        f->status = deposit(f);
        f->output = (struct td_bytes){.ptr = NULL, .len = 0};
    }
    if (exec_state_error(state) != TD_OK)
        f->status = EXEC_ERROR;
    *out = (struct exec_outcome){.status = f->status};
    if (f->status == EXEC_SUCCESS || f->status == EXEC_REVERT) {
        out->gas_left = f->gas;
        out->output = f->output;
    }
    if (f->status == EXEC_SUCCESS && creation)
        out->created = f->msg.to;
    if (f->status != EXEC_SUCCESS)
        exec_state_revert(state, f->mark);
}

/* Hand a finished call's outcome to the frame that made it; false when that frame must stop too. */
static bool deliver(struct exec_frame *f, enum exec_message_kind kind,
                    const struct exec_outcome *done)
{
    bool creation = kind == EXEC_CREATE || kind == EXEC_CREATE2;
    struct td_bytes output = done->output;
    f->status = done->status;
    if (is_final(done->status))
        return false;
    if (creation && done->status == EXEC_SUCCESS)
        output.len = 0;
    if (!exec_return_data_set(f, output)) {
        f->vm->err = TD_E_NOSPACE;
        f->status = EXEC_ERROR;
        return false;
    }
    f->gas += done->gas_left;
    *f->sp = exec_u256_of(done->status == EXEC_SUCCESS);
    if (creation) {
        if (done->status == EXEC_SUCCESS)
            exec_word_of_addr(f->sp, &done->created);
        return true;
    }
    size_t len = f->return_data.len < f->out_len ? f->return_data.len : f->out_len;
    if (!exec_charge(f, 0, EXEC_NATIVE_COPY_WORD * (int64_t)exec_words(len))) {
        f->status = EXEC_OUT_OF_NATIVE;
        return false;
    }
    if (len > 0)
        memcpy(f->memory + f->out_offset, f->return_data.ptr, len);
    return true;
}

/* ---- the loop */

/* Run frames until the one at the bottom is done. */
static void run_frames(struct exec_run *run, struct exec_frame *f, struct exec_outcome *out)
{
    struct exec_vm *vm = run->vm;
    bool alive = true; /* false: f stops with f->status, set by what it called */
    for (;;) {
        if (alive)
            interpret(f);
        if (alive && f->yielded && exec_state_error(vm->state) == TD_OK) {
            enum exec_message_kind kind = run->pending.kind;
            struct exec_frame *child = start(run, f, &run->pending, out);
            if (child != NULL) {
                f = child;
                continue;
            }
            trace_leave(vm, &run->pending, out);
            alive = deliver(f, kind, out);
            continue;
        }
        finish(f, out);
        trace_leave(vm, &f->msg, out);
        struct exec_frame *parent = f->parent;
        if (parent == NULL)
            return;
        /* The frame's memory stays readable until the parent's return data covers it. */
        enum exec_message_kind kind = f->msg.kind;
        td_arena_rewind(vm->arena, f->arena_mark);
        alive = deliver(parent, kind, out);
        f = parent;
    }
}

void exec_evm_run(struct exec_vm *vm, const struct exec_message *msg, struct exec_outcome *out)
{
    struct exec_run run; /* pending is written before it is read, and it is large */
    struct exec_message top = *msg;
    run.vm = vm;
    run.start = td_arena_mark(vm->arena);
    if (vm->codes != NULL)
        vm->codes->run++;
    *out = (struct exec_outcome){.status = EXEC_SUCCESS};
    if (is_creation(&top) && top.input.len > EXEC_INITCODE_BYTES_MAX) {
        fail(out, EXEC_INITCODE_SIZE);
        return;
    }
    struct exec_frame *f = start(&run, NULL, &top, out);
    if (f != NULL)
        run_frames(&run, f, out);
    else
        trace_leave(vm, &top, out);
    if (exec_state_error(vm->state) != TD_OK)
        fail(out, EXEC_ERROR);
    if (vm->native_left < 0)
        vm->native_left = 0;

    /* Only the output stays in the arena. */
    td_arena_rewind(vm->arena, run.start);
    if (out->output.len > 0) {
        uint8_t *to = td_arena_get(vm->arena, out->output.len, 1);
        if (to == NULL) {
            vm->err = TD_E_NOSPACE;
            fail(out, EXEC_ERROR);
            return;
        }
        memmove(to, out->output.ptr, out->output.len);
        out->output.ptr = to;
    }
}

bool exec_is_precompile(const struct td_addr *a)
{
    return exec_precompile_index(a) != 0;
}
