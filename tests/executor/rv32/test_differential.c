/* The emulator against qemu-riscv32, an implementation by other people.
 * Method: programs that run unchanged in both and end in Linux's write (call 64, which the proof
 * machine does not have: the emulator stops there); what qemu wrote and the emulator's memory must
 * be equal.  (1) random instruction sequences that dump all registers and the memory they used; (2)
 * a compiled program.  Usage of TD_RV32_PROGRAMS: how many random programs (default 60). */
#define _POSIX_C_SOURCE 200809L /* popen, mkstemp */
#include <criterion/criterion.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/executor/rv32/box.h"
#include "tests/executor/rv32/image.h"

#define LINUX_WRITE 64u

/* What `qemu path` writes; at most cap bytes. */
static size_t qemu_output(const char *path, uint8_t *out, size_t cap)
{
    char command[512];
    snprintf(command, sizeof command, "%s %s", TD_QEMU, path);
    FILE *f = popen(command, "r");
    cr_assert_not_null(f);
    size_t len = fread(out, 1, cap, f);
    cr_assert_eq(pclose(f), 0, "%s failed", command);
    return len;
}

/* Stopped in front of Linux's write? */
static void expect_write(const struct rv32_machine *m)
{
    cr_assert(m->stop == RV32_STOP_CALL && m->fault == LINUX_WRITE, "%s %08x at %08x",
              rv32_stop_text(m->stop), m->fault, m->pc);
}

/* ---- random programs */

#define UNITS 1500u
#define BUFFER_BYTES 4096u /* x30 points to its middle: every immediate of 12 bits reaches it */
#define POINTER 30u
#define COUNTER 29u
#define DUMP_BYTES (BUFFER_BYTES + 128u)

struct program {
    uint32_t words[BOX_WORDS_MAX];
    size_t count;
    uint64_t random;
};

static uint32_t next_random(struct program *p)
{
    /* splitmix64 */
    uint64_t z = p->random += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)((z ^ z >> 31) >> 16);
}

static uint32_t below(struct program *p, uint32_t n)
{
    return next_random(p) % n;
}

static void emit(struct program *p, uint32_t word)
{
    cr_assert_lt(p->count, BOX_WORDS_MAX);
    p->words[p->count++] = word;
}

static void emit_li(struct program *p, uint32_t rd, uint32_t v)
{
    uint32_t w[2];
    enc_li(w, rd, v);
    emit(p, w[0]);
    emit(p, w[1]);
}

static uint32_t interesting(struct program *p)
{
    static const uint32_t EDGES[] = {0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFF, 0x10000, 31};
    return below(p, 3) == 0 ? EDGES[below(p, 8)] : next_random(p);
}

static void emit_alu(struct program *p)
{
    static const uint32_t FUNCT7[] = {0, 0, 0x20, 1};
    uint32_t rd = below(p, COUNTER); /* never the counter, the pointer, or x31 */
    uint32_t rs1 = below(p, 32);
    if (below(p, 8) == 0) {
        emit(p, enc_u(below(p, 2) ? 0x37 : 0x17, rd, next_random(p)));
    } else if (below(p, 2) == 0) {
        uint32_t funct7 = FUNCT7[below(p, 4)];
        uint32_t funct3 = below(p, funct7 == 1 ? 4 : 8);
        if (funct7 == 0x20)
            funct3 = below(p, 2) ? 5 : 0;
        emit(p, enc_r(funct7, funct3, rd, rs1, below(p, 32)));
    } else {
        uint32_t funct3 = below(p, 8);
        uint32_t imm = below(p, 4096);
        if (funct3 == 1)
            imm &= 31;
        if (funct3 == 5)
            imm &= 31 | 0x400;
        emit(p, enc_i(0x13, funct3, rd, rs1, (int32_t)imm));
    }
}

static void emit_memory(struct program *p)
{
    static const uint32_t LOADS[] = {0, 1, 2, 4, 5};
    uint32_t funct3 = LOADS[below(p, 5)];
    uint32_t imm = below(p, 4096) & ~((1u << (funct3 & 3)) - 1);
    if (below(p, 2) == 0)
        emit(p, ENC_LOAD(funct3, below(p, COUNTER), POINTER, (int32_t)imm));
    else
        emit(p, enc_s(funct3 & 3, POINTER, below(p, 32), (int32_t)imm));
}

/* A unit is entered at its first word and left past its last one. */
static void emit_unit(struct program *p)
{
    static const uint32_t BRANCHES[] = {0, 1, 4, 5, 6, 7};
    uint32_t kind = below(p, 12);
    uint32_t skipped = 1 + below(p, 3);
    if (kind < 6) {
        emit_alu(p);
    } else if (kind < 8) {
        emit_memory(p);
    } else if (kind == 8) { /* forward, over some instructions */
        emit(p, enc_b(BRANCHES[below(p, 6)], below(p, 32), below(p, 32), 4 + 4 * (int32_t)skipped));
        for (uint32_t i = 0; i < skipped; i++)
            emit_alu(p);
    } else if (kind == 9) {
        emit(p, enc_j(below(p, COUNTER), 4 + 4 * (int32_t)skipped));
        for (uint32_t i = 0; i < skipped; i++)
            emit_memory(p);
    } else if (kind == 10) { /* through a register, sometimes with bit 0 set */
        emit(p, ENC_AUIPC(COUNTER, 0));
        emit(p,
             ENC_JALR(below(p, COUNTER), COUNTER, 8 + 4 * (int32_t)skipped + (int32_t)below(p, 2)));
        for (uint32_t i = 0; i < skipped; i++)
            emit_alu(p);
    } else { /* backward: a short loop */
        emit(p, ENC_ADDI(COUNTER, 0, 1 + (int32_t)below(p, 5)));
        emit_alu(p);
        emit_memory(p);
        emit(p, ENC_ADDI(COUNTER, COUNTER, -1));
        emit(p, enc_b(1, COUNTER, 0, -12));
    }
}

static void build(struct program *p, uint64_t seed)
{
    *p = (struct program){.random = seed};
    for (uint32_t r = 1; r < 32; r++)
        emit_li(p, r, interesting(p));
    emit_li(p, POINTER, RV32_RAM_BASE + BUFFER_BYTES / 2);
    for (uint32_t i = 0; i < UNITS; i++) {
        emit_unit(p);
        if (below(p, 8) == 0)
            emit_li(p, 1 + below(p, COUNTER - 1), interesting(p));
    }
    /* All registers into the 128 bytes behind the buffer. */
    emit(p, ENC_ADDI(POINTER, POINTER, 2047));
    emit(p, ENC_ADDI(POINTER, POINTER, 1));
    for (uint32_t r = 0; r < 32; r++)
        emit(p, enc_s(2, POINTER, r, 4 * (int32_t)r));
    emit_li(p, 10, 1);
    emit_li(p, 11, RV32_RAM_BASE);
    emit_li(p, 12, DUMP_BYTES);
    emit_li(p, 17, LINUX_WRITE);
    emit(p, ENC_ECALL);
    emit_li(p, 10, 0);
    emit_li(p, 17, 93);
    emit(p, ENC_ECALL);
}

Test(rv32_differential, random_programs, .timeout = 120)
{
    static struct program p;
    static uint8_t elf[BOX_ELF_BYTES], wrote[DUMP_BYTES];
    const char *wanted = getenv("TD_RV32_PROGRAMS");
    uint64_t programs = wanted == NULL ? 60 : strtoull(wanted, NULL, 10);
    char path[] = "/tmp/tandem-rv32-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(fchmod(fd, 0700), 0);
    close(fd);
    for (uint64_t seed = 1; seed <= programs; seed++) {
        struct rv32_program program;
        struct rv32_machine m;
        build(&p, seed);
        size_t len = box_elf(elf, p.words, p.count, 64, 8192);
        FILE *f = fopen(path, "wb");
        cr_assert_not_null(f);
        cr_assert_eq(fwrite(elf, 1, len, f), len);
        cr_assert_eq(fclose(f), 0);
        cr_assert_eq(qemu_output(path, wrote, sizeof wrote), DUMP_BYTES, "seed %zu", (size_t)seed);
        cr_assert_eq(rv32_program_decode(&program, (struct td_bytes){elf, len}), RV32_LOADED);
        void *memory = calloc(1, rv32_footprint(&program, 8192));
        cr_assert_eq(rv32_init(&m, &program, memory, 8192, NULL, 0), TD_OK);
        rv32_run(&m, 1000000);
        expect_write(&m);
        cr_assert_gt(rv32_instructions(&m), UNITS);
        cr_assert_arr_eq(m.ram, wrote, DUMP_BYTES, "seed %zu", (size_t)seed);
        free(memory);
    }
    unlink(path);
}

/* ---- a compiled program */

#ifdef TD_TEST_GUEST_DIR
Test(rv32_differential, a_compiled_program, .timeout = 60)
{
    static uint8_t wrote[8192];
    struct image i;
    const char *path = TD_TEST_GUEST_DIR "/differential-guest.elf";
    cr_assert(image_open(&i, path, NULL, 0));
    rv32_run(&i.m, UINT64_C(1) << 32);
    expect_write(&i.m);
    size_t len = qemu_output(path, wrote, sizeof wrote);
    cr_assert_gt(len, 4000);
    cr_assert_eq(i.m.x[12], len);
    const uint8_t *own = rv32_memory_at(&i.m, i.m.x[11], len, false);
    cr_assert_not_null(own);
    cr_assert_arr_eq(own, wrote, len);
    image_close(&i);
}
#endif
