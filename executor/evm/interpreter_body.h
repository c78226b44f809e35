/* The interpreter's source, included by interpreter.c and interpreter_traced.c, which define
 * INTERPRET (the function's name) and, the latter, EXEC_TRACE.
 *
 * Program counter, stack pointer and both meters are locals, so that they stay in registers; SAVE
 * puts them into the frame before a call of frame.h and LOAD takes back what such a call charges.
 * Dispatch is by computed goto: one indirect jump per opcode, each with its own prediction. */

/* Labels as values are not ISO C; both compilers have them, the guest's too. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
/* Fused opcodes take the places of undefined ones in the table. */
#pragma GCC diagnostic ignored "-Woverride-init"

#define UNLIKELY(x) __builtin_expect(!!(x), 0)

#ifdef EXEC_TRACE
#define TRACE() trace(f, ip, sp, gas, native)
#else
#define TRACE() ((void)0)
#endif

/* What ip points into. */
#if EXEC_FUSED && !defined(EXEC_TRACE)
#define FUSE 1
#define CODE (f->ops)
#else
#define FUSE 0
#define CODE (f->code)
#endif

/* Check the stack and charge what every execution of the opcode costs. */
#define STEP(name)                                                                                 \
    do {                                                                                           \
        TRACE();                                                                                   \
        if (EXEC_IN_##name == 1 ? UNLIKELY(sp <= stack)                                            \
                                : EXEC_IN_##name > 0 && UNLIKELY(sp < stack + EXEC_IN_##name))     \
            goto underflow;                                                                        \
        if (EXEC_OUT_##name > EXEC_IN_##name && UNLIKELY(sp >= limit))                             \
            goto overflow;                                                                         \
        gas -= EXEC_GAS_##name;                                                                    \
        native -= EXEC_NATIVE_OF_##name;                                                           \
        if (UNLIKELY((gas | native) < 0))                                                          \
            goto exhausted;                                                                        \
    } while (0)

#define DISPATCH() goto *targets[*ip]
#define NEXT(bytes)                                                                                \
    do {                                                                                           \
        ip += (bytes);                                                                             \
        DISPATCH();                                                                                \
    } while (0)

#define SAVE()                                                                                     \
    do {                                                                                           \
        f->gas = gas;                                                                              \
        f->vm->native_left = native;                                                               \
    } while (0)
#define LOAD()                                                                                     \
    do {                                                                                           \
        gas = f->gas;                                                                              \
        native = f->vm->native_left;                                                               \
    } while (0)

/* An opcode done by a function of frame.h. */
#define OUTSIDE(name, call)                                                                        \
    op_##name : do                                                                                 \
    {                                                                                              \
        STEP(name);                                                                                \
        SAVE();                                                                                    \
        enum exec_status status_ = (call);                                                         \
        LOAD();                                                                                    \
        if (UNLIKELY(status_ != EXEC_SUCCESS)) {                                                   \
            f->status = status_;                                                                   \
            goto stopped;                                                                          \
        }                                                                                          \
        sp += EXEC_OUT_##name - EXEC_IN_##name;                                                    \
        NEXT(1);                                                                                   \
    }                                                                                              \
    while (0)

/* Two operands into one, by a call whose first argument is the result. */
#define BINARY(name, function)                                                                     \
    op_##name : do                                                                                 \
    {                                                                                              \
        STEP(name);                                                                                \
        function(&sp[-1], &sp[0], &sp[-1]);                                                        \
        sp--;                                                                                      \
        NEXT(1);                                                                                   \
    }                                                                                              \
    while (0)

#define COMPARE(name, condition)                                                                   \
    op_##name : do                                                                                 \
    {                                                                                              \
        STEP(name);                                                                                \
        bool truth_ = (condition);                                                                 \
        sp--;                                                                                      \
        sp[0] = exec_u256_of(truth_);                                                              \
        NEXT(1);                                                                                   \
    }                                                                                              \
    while (0)

#define BITWISE(name, operator)                                                                    \
    op_##name : do                                                                                 \
    {                                                                                              \
        STEP(name);                                                                                \
        for (int i_ = 0; i_ < 4; i_++)                                                             \
            sp[-1].w[i_] = sp[0].w[i_] operator sp[-1].w[i_];                                      \
        sp--;                                                                                      \
        NEXT(1);                                                                                   \
    }                                                                                              \
    while (0)

#define SHIFT(name, function)                                                                      \
    op_##name : do                                                                                 \
    {                                                                                              \
        STEP(name);                                                                                \
        uint64_t bits_ = exec_u256_u64_or_max(&sp[0]);                                             \
        function(&sp[-1], &sp[-1], bits_ < 256u ? (uint32_t)bits_ : 256u);                         \
        sp--;                                                                                      \
        NEXT(1);                                                                                   \
    }                                                                                              \
    while (0)

/* Push a word, or a small number. */
#define CONTEXT(name, value)                                                                       \
    op_##name : do                                                                                 \
    {                                                                                              \
        STEP(name);                                                                                \
        *++sp = (value);                                                                           \
        NEXT(1);                                                                                   \
    }                                                                                              \
    while (0)
#define NUMBER(name, value) CONTEXT(name, exec_u256_of(value))
#define ADDRESS_OF(name, addr)                                                                     \
    op_##name : do                                                                                 \
    {                                                                                              \
        STEP(name);                                                                                \
        push_addr(++sp, (addr));                                                                   \
        NEXT(1);                                                                                   \
    }                                                                                              \
    while (0)

#define PUSH(n)                                                                                    \
    op_PUSH##n : do                                                                                \
    {                                                                                              \
        STEP(PUSH##n);                                                                             \
        push_bytes(++sp, ip + 1, (n));                                                             \
        NEXT(1 + (n));                                                                             \
    }                                                                                              \
    while (0)

#define DUP(n)                                                                                     \
    op_DUP##n : do                                                                                 \
    {                                                                                              \
        STEP(DUP##n);                                                                              \
        sp[1] = sp[1 - (n)];                                                                       \
        sp++;                                                                                      \
        NEXT(1);                                                                                   \
    }                                                                                              \
    while (0)

#define SWAP(n)                                                                                    \
    op_SWAP##n : do                                                                                \
    {                                                                                              \
        STEP(SWAP##n);                                                                             \
        for (int i_ = 0; i_ < 4; i_++) { /* word by word: no copy of the whole goes to memory */   \
            uint64_t kept_ = sp[0].w[i_];                                                          \
            sp[0].w[i_] = sp[-(n)].w[i_];                                                          \
            sp[-(n)].w[i_] = kept_;                                                                \
        }                                                                                          \
        NEXT(1);                                                                                   \
    }                                                                                              \
    while (0)

#define LOG(n) OUTSIDE(LOG##n, exec_op_log(f, sp, (n)))

/* Go on at `to`, which is a JUMPDEST: that one is done here, without another dispatch. */
#define JUMP_FOUND(to)                                                                             \
    do {                                                                                           \
        ip = CODE + (to);                                                                          \
        STEP(JUMPDEST);                                                                            \
        NEXT(1);                                                                                   \
    } while (0)

/* Go to *dest, which must be a JUMPDEST. */
#define JUMP_TO(dest)                                                                              \
    do {                                                                                           \
        const struct exec_u256 *dest_ = (dest);                                                    \
        if (UNLIKELY(!exec_u256_is_u64(dest_) || dest_->w[0] >= f->code_len))                      \
            goto bad_jump;                                                                         \
        uint32_t to_ = (uint32_t)dest_->w[0];                                                      \
        if (UNLIKELY(((uint32_t)f->jumpdests[to_ / 8u] >> (to_ % 8u) & 1u) == 0))                  \
            goto bad_jump;                                                                         \
        JUMP_FOUND(to_);                                                                           \
    } while (0)

/* Memory for `bytes` at *offset; the common case is that it is there. */
#define MEMORY(offset, bytes)                                                                      \
    do {                                                                                           \
        if (UNLIKELY(!exec_u256_is_u64(offset) || (offset)->w[0] > UINT32_MAX)) {                  \
            gas = -1;                                                                              \
            goto exhausted;                                                                        \
        }                                                                                          \
        if (UNLIKELY((offset)->w[0] + (bytes) > f->memory_len)) {                                  \
            SAVE();                                                                                \
            enum exec_status status_ = exec_memory_grow(f, (offset)->w[0] + (bytes));              \
            LOAD();                                                                                \
            if (UNLIKELY(status_ != EXEC_SUCCESS)) {                                               \
                f->status = status_;                                                               \
                goto stopped;                                                                      \
            }                                                                                      \
        }                                                                                          \
    } while (0)

/* `n` big-endian bytes as a word.  Code is padded, so eight can be read where fewer count. */
static inline __attribute__((always_inline)) void push_bytes(struct exec_u256 *out,
                                                             const uint8_t *p, unsigned n)
{
    for (unsigned i = 0; i < 4; i++) {
        unsigned left = n > 8u * i ? n - 8u * i : 0; /* bytes of this word and above it */
        if (left >= 8u) {
            out->w[i] = exec_load_be64(p + left - 8u);
        } else if (left > 0) {
#if EXEC_U256_FAST
            out->w[i] = exec_load_be64(p) >> (64u - 8u * left);
#else
            uint64_t v = 0;
            for (unsigned j = 0; j < left; j++)
                v = v << 8 | p[j];
            out->w[i] = v;
#endif
        } else {
            out->w[i] = 0;
        }
    }
}

static inline void push_addr(struct exec_u256 *out, const struct td_addr *a)
{
    out->w[0] = exec_load_be64(a->b + 12);
    out->w[1] = exec_load_be64(a->b + 4);
    out->w[2] =
        (uint64_t)a->b[0] << 24 | (uint64_t)a->b[1] << 16 | (uint64_t)a->b[2] << 8 | a->b[3];
    out->w[3] = 0;
}

#if FUSE
/* A sequence that begins with `first`: it takes `in` operands, stands at most `grow` higher than
 * before, and costs as much as its parts.  If anything is short, its opcodes run one by one. */
#define FUSED_STEP(first, in, grow, gas_cost, native_cost)                                         \
    do {                                                                                           \
        if (UNLIKELY(sp < stack + (in)) || UNLIKELY((grow) > 0 && sp > limit - (grow)) ||          \
            UNLIKELY(((gas - (gas_cost)) | (native - (native_cost))) < 0))                         \
            goto op_##first;                                                                       \
        gas -= (gas_cost);                                                                         \
        native -= (native_cost);                                                                   \
    } while (0)
#define GAS2(a, b) (EXEC_GAS_##a + EXEC_GAS_##b)
#define GAS3(a, b, c) (EXEC_GAS_##a + GAS2(b, c))
#define NATIVE2(a, b) (EXEC_NATIVE_OF_##a + EXEC_NATIVE_OF_##b)
#define NATIVE3(a, b, c) (EXEC_NATIVE_OF_##a + NATIVE2(b, c))

/* The number of the PUSH2 at p. */
static inline uint32_t pushed(const uint8_t *p)
{
    return (uint32_t)p[1] << 8 | p[2];
}

static inline void mask_address(struct exec_u256 *x)
{
    x->w[2] &= UINT32_MAX;
    x->w[3] = 0;
}

#define SWAP_POP(n)                                                                                \
    op_SWAP##n##_POP : do                                                                          \
    {                                                                                              \
        FUSED_STEP(SWAP##n, (n) + 1, 0, GAS2(SWAP##n, POP), NATIVE2(SWAP##n, POP));                \
        sp[-(n)] = sp[0];                                                                          \
        sp--;                                                                                      \
        NEXT(2);                                                                                   \
    }                                                                                              \
    while (0)
#endif

#ifdef EXEC_TRACE
static void trace(const struct exec_frame *f, const uint8_t *ip, const struct exec_u256 *sp,
                  int64_t gas, int64_t native)
{
    const struct exec_tracer *t = f->vm->tracer;
    struct exec_trace_step step = {
        .pc = (uint32_t)(ip - f->code),
        .depth = f->msg.depth,
        .opcode = *ip,
        .gas = gas,
        /* A call that ran out of gas and native units at once left less than none; this instruction
         * will not run. */
        .native = native < 0 ? 0 : native,
        .stack_top = sp,
        .stack_count = (uint32_t)(sp - f->stack),
        .memory = td_bytes_of(f->memory, f->memory_len),
        .return_data = f->return_data,
        .to = f->msg.to,
        .refund = exec_state_refund(f->vm->state),
    };
    if (t->step != NULL)
        t->step(t->self, &step);
}
#endif

void INTERPRET(struct exec_frame *f)
{
#define TARGET(code, name, in, out, gas, native) &&op_##name,
#define TARGET_UNDEFINED(code) &&op_undefined,
#if FUSE
#define TARGET_FUSED(code, name) [code] = &&op_##name,
    static const void *const targets[256] = {EXEC_OPCODES(TARGET, TARGET_UNDEFINED)
                                                 EXEC_FUSED_OPCODES(TARGET_FUSED)};
#undef TARGET_FUSED
#else
    static const void *const targets[256] = {EXEC_OPCODES(TARGET, TARGET_UNDEFINED)};
#endif
#undef TARGET
#undef TARGET_UNDEFINED
    const uint8_t *ip = CODE + f->pc;
    struct exec_u256 *sp = f->sp;
    struct exec_u256 *const stack = f->stack;
    const struct exec_u256 *limit = stack + EXEC_STACK_ITEMS;
    __asm__("" : "+r"(limit)); /* a variable: not computed again at every push */
    int64_t gas = f->gas;
    int64_t native = f->vm->native_left;
    f->yielded = false;
    DISPATCH();

op_STOP:
    STEP(STOP);
    f->status = EXEC_SUCCESS;
    goto stopped;

    BINARY(ADD, exec_u256_inline_add);
    BINARY(MUL, exec_u256_inline_mul);
    BINARY(SUB, exec_u256_inline_sub);
    BINARY(DIV, exec_u256_div);
    BINARY(SDIV, exec_u256_sdiv);
    BINARY(MOD, exec_u256_mod);
    BINARY(SMOD, exec_u256_smod);
    BINARY(SIGNEXTEND, exec_u256_sign_extend);
    OUTSIDE(EXP, exec_op_exp(f, sp));

op_ADDMOD:
    STEP(ADDMOD);
    exec_u256_addmod(&sp[-2], &sp[0], &sp[-1], &sp[-2]);
    sp -= 2;
    NEXT(1);
op_MULMOD:
    STEP(MULMOD);
    exec_u256_mulmod(&sp[-2], &sp[0], &sp[-1], &sp[-2]);
    sp -= 2;
    NEXT(1);

    COMPARE(LT, exec_u256_inline_lt(&sp[0], &sp[-1]));
    COMPARE(GT, exec_u256_inline_lt(&sp[-1], &sp[0]));
    COMPARE(SLT, exec_u256_inline_slt(&sp[0], &sp[-1]));
    COMPARE(SGT, exec_u256_inline_slt(&sp[-1], &sp[0]));
    COMPARE(EQ, exec_u256_eq(&sp[0], &sp[-1]));
    BITWISE(AND, &);
    BITWISE(OR, |);
    BITWISE(XOR, ^);

op_ISZERO:
    STEP(ISZERO);
    sp[0] = exec_u256_of(exec_u256_is_zero(&sp[0]));
    NEXT(1);
op_NOT:
    STEP(NOT);
    for (int i = 0; i < 4; i++)
        sp[0].w[i] = ~sp[0].w[i];
    NEXT(1);
op_BYTE:
    STEP(BYTE);
    {
        uint64_t at = exec_u256_u64_or_max(&sp[0]);
        uint64_t byte = 0;
        if (at < 32u)
            byte = sp[-1].w[3u - at / 8u] >> (56u - 8u * (at % 8u)) & 0xffu;
        sp--;
        sp[0] = exec_u256_of(byte);
    }
    NEXT(1);

    SHIFT(SHL, exec_u256_shl);
    SHIFT(SHR, exec_u256_shr);
    SHIFT(SAR, exec_u256_sar);

    OUTSIDE(KECCAK256, exec_op_keccak256(f, sp));

    ADDRESS_OF(ADDRESS, &f->msg.to);
    ADDRESS_OF(ORIGIN, &f->vm->origin);
    ADDRESS_OF(CALLER, &f->msg.sender);
    ADDRESS_OF(COINBASE, &f->vm->block->coinbase);
    CONTEXT(CALLVALUE, f->msg.value);
    CONTEXT(GASPRICE, f->vm->gas_price);
    CONTEXT(PREVRANDAO, f->vm->block->prev_randao);
    CONTEXT(BASEFEE, f->vm->block->base_fee);
    CONTEXT(BLOBBASEFEE, f->vm->block->blob_base_fee);
    NUMBER(CALLDATASIZE, f->msg.input.len);
    NUMBER(CODESIZE, f->code_len);
    NUMBER(RETURNDATASIZE, f->return_data.len);
    NUMBER(TIMESTAMP, f->vm->block->timestamp);
    NUMBER(NUMBER, f->vm->block->number);
    NUMBER(GASLIMIT, f->vm->block->gas_limit);
    NUMBER(CHAINID, f->vm->block->chain_id);
    NUMBER(PC, (uint64_t)(ip - CODE));
    NUMBER(MSIZE, f->memory_len);
    NUMBER(GAS, (uint64_t)gas);
    NUMBER(PUSH0, 0);

op_CALLDATALOAD:
    STEP(CALLDATALOAD);
    if (exec_u256_is_u64(&sp[0]) && f->msg.input.len >= 32u && sp[0].w[0] <= f->msg.input.len - 32u)
        exec_u256_inline_from_be32(&sp[0], f->msg.input.ptr + sp[0].w[0]);
    else
        exec_op_calldataload(f, sp);
    NEXT(1);

    OUTSIDE(CALLDATACOPY, exec_op_copy(f, sp, f->msg.input));
    OUTSIDE(CODECOPY, exec_op_copy(f, sp, td_bytes_of(f->code, f->code_len)));
    OUTSIDE(RETURNDATACOPY, exec_op_returndatacopy(f, sp));
    OUTSIDE(MCOPY, exec_op_mcopy(f, sp));
    OUTSIDE(BALANCE, exec_op_balance(f, sp));
    OUTSIDE(SELFBALANCE, exec_op_selfbalance(f, sp));
    OUTSIDE(EXTCODESIZE, exec_op_extcodesize(f, sp));
    OUTSIDE(EXTCODEHASH, exec_op_extcodehash(f, sp));
    OUTSIDE(EXTCODECOPY, exec_op_extcodecopy(f, sp));
    OUTSIDE(BLOCKHASH, exec_op_blockhash(f, sp));
    OUTSIDE(BLOBHASH, exec_op_blobhash(f, sp));

op_POP:
    STEP(POP);
    sp--;
    NEXT(1);
op_MLOAD:
    STEP(MLOAD);
    MEMORY(&sp[0], 32u);
    exec_u256_inline_from_be32(&sp[0], f->memory + sp[0].w[0]);
    NEXT(1);
op_MSTORE:
    STEP(MSTORE);
    MEMORY(&sp[0], 32u);
    exec_u256_inline_to_be32(f->memory + sp[0].w[0], &sp[-1]);
    sp -= 2;
    NEXT(1);
op_MSTORE8:
    STEP(MSTORE8);
    MEMORY(&sp[0], 1u);
    f->memory[sp[0].w[0]] = (uint8_t)sp[-1].w[0];
    sp -= 2;
    NEXT(1);

op_SLOAD:
    STEP(SLOAD);
    if (UNLIKELY(gas < EXEC_COLD_SLOT_EXTRA || native < EXEC_NATIVE_COLD_SLOT)) {
        SAVE();
        enum exec_status status = exec_op_sload_short(f, sp);
        LOAD();
        if (status != EXEC_SUCCESS) {
            f->status = status;
            goto stopped;
        }
    } else if (exec_state_sload_now(f->vm->state, &f->msg.to, &sp[0], &sp[0])) {
        /* Enough for a cold slot: one probe reads and says whether it was. */
        gas -= EXEC_COLD_SLOT_EXTRA;
        native -= EXEC_NATIVE_COLD_SLOT;
    }
    NEXT(1);
    OUTSIDE(SSTORE, exec_op_sstore(f, sp));
op_TLOAD:
    STEP(TLOAD);
    exec_state_tload(f->vm->state, &f->msg.to, &sp[0], &sp[0]);
    NEXT(1);
    OUTSIDE(TSTORE, exec_op_tstore(f, sp));

op_JUMP:
    STEP(JUMP);
    sp--;
    JUMP_TO(&sp[1]);
op_JUMPI:
    STEP(JUMPI);
    sp -= 2;
    if (!exec_u256_is_zero(&sp[1]))
        JUMP_TO(&sp[2]);
    NEXT(1);
op_JUMPDEST:
    STEP(JUMPDEST);
    NEXT(1);

    /* clang-format off */
    PUSH(1); PUSH(2); PUSH(3); PUSH(4); PUSH(5); PUSH(6); PUSH(7); PUSH(8);
    PUSH(9); PUSH(10); PUSH(11); PUSH(12); PUSH(13); PUSH(14); PUSH(15); PUSH(16);
    PUSH(17); PUSH(18); PUSH(19); PUSH(20); PUSH(21); PUSH(22); PUSH(23); PUSH(24);
    PUSH(25); PUSH(26); PUSH(27); PUSH(28); PUSH(29); PUSH(30); PUSH(31); PUSH(32);
    DUP(1); DUP(2); DUP(3); DUP(4); DUP(5); DUP(6); DUP(7); DUP(8);
    DUP(9); DUP(10); DUP(11); DUP(12); DUP(13); DUP(14); DUP(15); DUP(16);
    SWAP(1); SWAP(2); SWAP(3); SWAP(4); SWAP(5); SWAP(6); SWAP(7); SWAP(8);
    SWAP(9); SWAP(10); SWAP(11); SWAP(12); SWAP(13); SWAP(14); SWAP(15); SWAP(16);
    LOG(0); LOG(1); LOG(2); LOG(3); LOG(4);
    /* clang-format on */

/* Calls and creations stop here, result pending, or have put 0 on the stack. */
#define YIELDING(name, call)                                                                       \
    op_##name : do                                                                                 \
    {                                                                                              \
        STEP(name);                                                                                \
        SAVE();                                                                                    \
        enum exec_status status_ = (call);                                                         \
        LOAD();                                                                                    \
        if (UNLIKELY(status_ != EXEC_SUCCESS)) {                                                   \
            f->status = status_;                                                                   \
            goto stopped;                                                                          \
        }                                                                                          \
        sp += EXEC_OUT_##name - EXEC_IN_##name;                                                    \
        ip++;                                                                                      \
        if (f->yielded)                                                                            \
            goto stopped;                                                                          \
        DISPATCH();                                                                                \
    }                                                                                              \
    while (0)

    YIELDING(CALL, exec_op_call(f, sp, EXEC_CALL));
    YIELDING(CALLCODE, exec_op_call(f, sp, EXEC_CALLCODE));
    YIELDING(DELEGATECALL, exec_op_call(f, sp, EXEC_DELEGATECALL));
    YIELDING(STATICCALL, exec_op_call(f, sp, EXEC_STATICCALL));
    YIELDING(CREATE, exec_op_create(f, sp, EXEC_CREATE));
    YIELDING(CREATE2, exec_op_create(f, sp, EXEC_CREATE2));

op_RETURN:
    STEP(RETURN);
    SAVE();
    f->status = exec_op_output(f, sp);
    LOAD();
    goto stopped;
op_REVERT:
    STEP(REVERT);
    SAVE();
    f->status = exec_op_output(f, sp);
    LOAD();
    if (f->status == EXEC_SUCCESS)
        f->status = EXEC_REVERT;
    goto stopped;
op_SELFDESTRUCT:
    STEP(SELFDESTRUCT);
    SAVE();
    f->status = exec_op_selfdestruct(f, sp);
    LOAD();
    goto stopped;

#if FUSE
op_PUSH2_JUMP:
    FUSED_STEP(PUSH2, 0, 1, GAS2(PUSH2, JUMP), NATIVE2(PUSH2, JUMP));
    JUMP_FOUND(pushed(ip));
op_PUSH2_JUMPI:
    FUSED_STEP(PUSH2, 1, 1, GAS2(PUSH2, JUMPI), NATIVE2(PUSH2, JUMPI));
    sp--;
    if (!exec_u256_is_zero(&sp[1]))
        JUMP_FOUND(pushed(ip));
    NEXT(4);
op_ISZERO_PUSH2_JUMPI:
    FUSED_STEP(ISZERO, 1, 1, GAS3(ISZERO, PUSH2, JUMPI), NATIVE3(ISZERO, PUSH2, JUMPI));
    sp--;
    if (exec_u256_is_zero(&sp[1]))
        JUMP_FOUND(pushed(ip + 1));
    NEXT(5);
op_SELECTOR:
    FUSED_STEP(DUP1, 1, 2, GAS3(DUP1, PUSH4, EQ) + GAS2(PUSH2, JUMPI),
               NATIVE3(DUP1, PUSH4, EQ) + NATIVE2(PUSH2, JUMPI));
    if (exec_u256_is_u64(&sp[0]) && sp[0].w[0] == exec_load_be64(ip + 2) >> 32)
        JUMP_FOUND(pushed(ip + 7));
    NEXT(11);
op_ADDRESS_MASK:
    FUSED_STEP(PUSH20, 1, 1, GAS2(PUSH20, AND), NATIVE2(PUSH20, AND));
    mask_address(sp);
    NEXT(22);
op_ADDRESS_SUB:
    FUSED_STEP(PUSH1, 1, 3, 3 * EXEC_GAS_PUSH1 + GAS3(SHL, SUB, AND),
               3 * EXEC_NATIVE_OF_PUSH1 + NATIVE3(SHL, SUB, AND));
    mask_address(sp);
    NEXT(9);
op_POP_POP:
    FUSED_STEP(POP, 2, 0, GAS2(POP, POP), NATIVE2(POP, POP));
    sp -= 2;
    NEXT(2);
    SWAP_POP(1);
    SWAP_POP(2);
    SWAP_POP(3);
op_PUSH1_ADD:
    FUSED_STEP(PUSH1, 1, 1, GAS2(PUSH1, ADD), NATIVE2(PUSH1, ADD));
    {
        struct exec_u256 number = exec_u256_of(ip[1]);
        exec_u256_inline_add(sp, sp, &number);
    }
    NEXT(3);
#endif

op_undefined:
    TRACE();
    f->status = EXEC_BAD_OPCODE;
    goto stopped;
underflow:
    f->status = EXEC_STACK_UNDERFLOW;
    goto stopped;
overflow:
    f->status = EXEC_STACK_OVERFLOW;
    goto stopped;
bad_jump:
    f->status = EXEC_BAD_JUMP;
    goto stopped;
exhausted:
    f->status = gas < 0 ? EXEC_OUT_OF_GAS : EXEC_OUT_OF_NATIVE;
stopped:
    SAVE();
    f->sp = sp;
    f->pc = (uint32_t)(ip - CODE);
}

#pragma GCC diagnostic pop
