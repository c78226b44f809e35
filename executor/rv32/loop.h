/* The interpreter loop, included twice by machine.c: RV32_WATCHED 0 is the fast one, 1 reports rows
 * and counts.  Not a header for anybody else, hence no include guard.
 *
 * Threaded: every handler ends in its own indirect jump, which branch predictors tell apart.
 *
 *     ip ──▶ {op, rd, rs1, rs2, imm} ──TARGETS[op]──▶ handler ──NEXT──▶ …
 *
 * ip replaces pc; branch immediates count instructions.  `left` is clk_end - clk.  m->pc and m->clk
 * are written back when the loop is left and around calls. */

#if RV32_WATCHED
#define ROW_BEGIN() watch_begin(m, ip, clk_end - left - 1, &row)
#define ROW_END()                                                                                  \
    do {                                                                                           \
        if (row.word != 0) /* the word 0 is illegal, so no executed row has it */                  \
            watch_end(m, ip, w, &row);                                                             \
    } while (0)
#else
#define ROW_BEGIN() (void)0
#define ROW_END() (void)0
#endif

#define GO()                                                                                       \
    do {                                                                                           \
        ROW_END();                                                                                 \
        if (__builtin_expect(left == 0, 0))                                                        \
            goto limit;                                                                            \
        left--;                                                                                    \
        ROW_BEGIN();                                                                               \
        goto *TARGETS[ip->op];                                                                     \
    } while (0)
#define NEXT()                                                                                     \
    do {                                                                                           \
        ip++;                                                                                      \
        GO();                                                                                      \
    } while (0)

#define RD x[ip->rd]
#define A x[ip->rs1]
#define B x[ip->rs2]
#define IMM ((uint32_t)ip->imm)
#define SIGNED(v) ((int32_t)(v))

#define ALU(label, value)                                                                          \
    label:                                                                                         \
    RD = (value);                                                                                  \
    NEXT();
#define BRANCH(label, taken)                                                                       \
    label:                                                                                         \
    ip += (taken) ? ip->imm : 1;                                                                   \
    GO();
/* One comparison checks the bounds and, by the rotation, the alignment of the fast case. */
#define LOAD(label, type, turn, convert)                                                           \
    label : {                                                                                      \
        uint32_t address = A + IMM;                                                                \
        uint32_t offset = address - RV32_RAM_BASE;                                                 \
        const uint8_t *from;                                                                       \
        type v;                                                                                    \
        if (__builtin_expect(rotate_right(offset, turn) < ram_bytes >> (turn), 1))                 \
            from = ram + offset;                                                                   \
        else if ((from = slow_load(m, address, sizeof v)) == NULL)                                 \
            goto trap;                                                                             \
        memcpy(&v, from, sizeof v);                                                                \
        RD = (uint32_t)(convert)v;                                                                 \
        NEXT();                                                                                    \
    }
#define STORE(label, type, turn)                                                                   \
    label : {                                                                                      \
        uint32_t address = A + IMM;                                                                \
        uint32_t offset = address - RV32_RAM_BASE;                                                 \
        uint8_t *to;                                                                               \
        type v = (type)B;                                                                          \
        if (__builtin_expect(rotate_right(offset, turn) < ram_bytes >> (turn), 1))                 \
            to = ram + offset;                                                                     \
        else if ((to = slow_store(m, address, sizeof v)) == NULL)                                  \
            goto trap;                                                                             \
        memcpy(to, &v, sizeof v);                                                                  \
        NEXT();                                                                                    \
    }

#if RV32_WATCHED
enum rv32_stop rv32_run_watched(struct rv32_machine *m, uint64_t clk_end, struct rv32_watch *w)
#else
enum rv32_stop rv32_run(struct rv32_machine *m, uint64_t clk_end)
#endif
{
    static const void *const TARGETS[LOOP_OP_COUNT] = {[RV32_ILLEGAL] = &&illegal,
                                                       [RV32_LUI] = &&lui,
                                                       [RV32_AUIPC] = &&illegal,
                                                       [RV32_JAL] = &&jal,
                                                       [RV32_JALR] = &&jalr,
                                                       [RV32_BEQ] = &&beq,
                                                       [RV32_BNE] = &&bne,
                                                       [RV32_BLT] = &&blt,
                                                       [RV32_BGE] = &&bge,
                                                       [RV32_BLTU] = &&bltu,
                                                       [RV32_BGEU] = &&bgeu,
                                                       [RV32_LB] = &&lb,
                                                       [RV32_LH] = &&lh,
                                                       [RV32_LW] = &&lw,
                                                       [RV32_LBU] = &&lbu,
                                                       [RV32_LHU] = &&lhu,
                                                       [RV32_SB] = &&sb,
                                                       [RV32_SH] = &&sh,
                                                       [RV32_SW] = &&sw,
                                                       [RV32_ADDI] = &&addi,
                                                       [RV32_SLTI] = &&slti,
                                                       [RV32_SLTIU] = &&sltiu,
                                                       [RV32_XORI] = &&xori,
                                                       [RV32_ORI] = &&ori,
                                                       [RV32_ANDI] = &&andi,
                                                       [RV32_SLLI] = &&slli,
                                                       [RV32_SRLI] = &&srli,
                                                       [RV32_SRAI] = &&srai,
                                                       [RV32_ADD] = &&add,
                                                       [RV32_SUB] = &&sub,
                                                       [RV32_SLL] = &&sll,
                                                       [RV32_SLT] = &&slt,
                                                       [RV32_SLTU] = &&sltu,
                                                       [RV32_XOR] = &&xor,
                                                       [RV32_SRL] = &&srl,
                                                       [RV32_SRA] = &&sra,
                                                       [RV32_OR] = && or
                                                       ,
                                                       [RV32_AND] = &&and,
                                                       [RV32_MUL] = &&mul,
                                                       [RV32_MULH] = &&mulh,
                                                       [RV32_MULHSU] = &&mulhsu,
                                                       [RV32_MULHU] = &&mulhu,
                                                       [RV32_ECALL] = &&ecall,
                                                       [RV32_EBREAK] = &&ebreak,
                                                       [LOOP_END] = &&end,
                                                       [LOOP_JAL_OUT] = &&jal_out,
                                                       [LOOP_BRANCH_OUT] = &&branch_out};
    uint32_t *const x = m->x;
    uint8_t *const ram = m->ram;
    const uint32_t ram_bytes = m->ram_bytes;
    const uint32_t text_address = m->text_address;
    const uint32_t text_words = m->text_words;
    const struct rv32_insn *const code = m->code;
    const struct rv32_insn *ip;
    uint64_t left = clk_end > m->clk ? clk_end - m->clk : 0;
#if RV32_WATCHED
    struct rv32_row row = {.word = 0};
#endif

    if (left == 0)
        return m->stop = RV32_STOP_LIMIT;
    ip = code + (m->pc - text_address) / 4;
    GO();

    ALU(lui, IMM)
    ALU(addi, A + IMM)
    ALU(slti, SIGNED(A) < ip->imm)
    ALU(sltiu, A < IMM)
    ALU(xori, A ^ IMM)
    ALU(ori, A | IMM)
    ALU(andi, A & IMM)
    ALU(slli, A << IMM)
    ALU(srli, A >> IMM)
    ALU(srai, shift_right_signed(A, IMM))
    ALU(add, A + B)
    ALU(sub, A - B)
    ALU(sll, A << (B & 31))
    ALU(slt, SIGNED(A) < SIGNED(B))
    ALU(sltu, A < B)
    ALU(xor, A ^ B)
    ALU(srl, A >> (B & 31))
    ALU(sra, shift_right_signed(A, B & 31))
    ALU(or, A | B)
    ALU(and, A & B)
    ALU(mul, A * B)
    ALU(mulh, (uint32_t)((uint64_t)((int64_t)SIGNED(A) * SIGNED(B)) >> 32))
    ALU(mulhsu, (uint32_t)((uint64_t)((int64_t)SIGNED(A) * (int64_t)B) >> 32))
    ALU(mulhu, (uint32_t)((uint64_t)A * B >> 32))

    BRANCH(beq, A == B)
    BRANCH(bne, A != B)
    BRANCH(blt, SIGNED(A) < SIGNED(B))
    BRANCH(bge, SIGNED(A) >= SIGNED(B))
    BRANCH(bltu, A < B)
    BRANCH(bgeu, A >= B)

    LOAD(lb, uint8_t, 0, int8_t)
    LOAD(lh, uint16_t, 1, int16_t)
    LOAD(lw, uint32_t, 2, uint32_t)
    LOAD(lbu, uint8_t, 0, uint8_t)
    LOAD(lhu, uint16_t, 1, uint16_t)
    STORE(sb, uint8_t, 0)
    STORE(sh, uint16_t, 1)
    STORE(sw, uint32_t, 2)

jal:
    RD = text_address + 4 * (uint32_t)(ip - code + 1);
    ip += ip->imm;
    GO();

jalr : {
    /* The manual clears bit 0 of the sum; bit 1 is what misaligns. */
    uint32_t target = (A + IMM) & ~UINT32_C(1);
    uint32_t index = rotate_right(target - text_address, 2);
    if (__builtin_expect(index >= text_words, 0)) {
        stop_jump(m, target);
        goto trap;
    }
    RD = text_address + 4 * (uint32_t)(ip - code + 1);
    ip = code + index;
    GO();
}

ecall : {
    m->pc = text_address + 4 * (uint32_t)(ip - code);
    m->clk = clk_end - left - 1;
    uint32_t rows = rv32_call_rows(m);
    if (rows == 0)
        return m->stop;
    if (rows > left)
        return m->stop = RV32_STOP_LIMIT;
#if RV32_WATCHED
    watch_call(m, w, rows, false);
#endif
    bool on = rv32_call_run(m);
    if (!on && m->stop != RV32_STOP_HALT)
        return m->stop;
    left -= rows;
    m->calls[x[17]]++;
    m->call_rows += rows;
#if RV32_WATCHED
    watch_call(m, w, rows, true);
#endif
    if (on)
        NEXT();
    /* Halted: pc stays at the ecall, which has executed. */
    m->clk += 1 + (uint64_t)rows;
#if RV32_WATCHED
    watch_end(m, ip, w, &row);
#endif
    return m->stop;
}

illegal:
    m->stop = RV32_STOP_ILLEGAL;
    m->fault = word_at(m, ip);
    goto trap;
ebreak:
    m->stop = RV32_STOP_BREAK;
    m->fault = word_at(m, ip);
    goto trap;
end:
    m->stop = RV32_STOP_PC;
    m->fault = text_address + 4 * text_words;
    goto trap;
jal_out:
    stop_jump(m, text_address + 4 * (uint32_t)(ip - code) + IMM);
    goto trap;
branch_out:
    /* rd holds the condition's funct3; imm is in bytes here. */
    if (branch_taken(ip->rd, A, B)) {
        stop_jump(m, text_address + 4 * (uint32_t)(ip - code) + IMM);
        goto trap;
    }
    NEXT();

trap:
    left++; /* the instruction at fault did not happen */
    goto leave;
limit:
    m->stop = RV32_STOP_LIMIT;
leave:
    m->pc = text_address + 4 * (uint32_t)(ip - code);
    m->clk = clk_end - left;
    return m->stop;
}

#undef ROW_BEGIN
#undef ROW_END
#undef GO
#undef NEXT
#undef RD
#undef A
#undef B
#undef IMM
#undef SIGNED
#undef ALU
#undef BRANCH
#undef LOAD
#undef STORE
