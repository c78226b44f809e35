#include "executor/rv32/calls.h"

enum { A0 = 10, A1 = 11, A2 = 12, A3 = 13, A7 = 17 };

#define ABSORB_CHUNK (16u * TD_P2_RATE) /* a multiple of the rate: chunks meet at block ends */
#define COORDINATE_WORDS 8u
#define POINT_WORDS (2u * COORDINATE_WORDS)

/* 2^256 - 2^32 - 977, least significant word first (SEC 2, secp256k1). */
static const uint32_t SECP_P[COORDINATE_WORDS] = {0xFFFFFC2F, 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFF,
                                                  0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF};

static bool stop(struct rv32_machine *m, enum rv32_stop why, uint32_t fault)
{
    m->stop = why;
    m->fault = fault;
    return false;
}

/* An operand of `words` words; NULL, and the machine stopped, when it cannot be had. */
static uint8_t *operand(struct rv32_machine *m, uint32_t address, uint64_t words, bool write)
{
    if (address % 4 != 0) {
        stop(m, RV32_STOP_CALL_ALIGN, address);
        return NULL;
    }
    uint8_t *p = rv32_memory_at(m, address, 4 * words, write);
    if (p == NULL)
        stop(m, write ? RV32_STOP_CALL_STORE : RV32_STOP_CALL_LOAD, address);
    return p;
}

/* Words that must be field elements, from host memory `p` standing for `address`. */
static bool field_words(struct rv32_machine *m, struct td_kb *out, const uint8_t *p,
                        uint32_t address, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t v;
        memcpy(&v, p + 4 * (size_t)i, sizeof v);
        if (td_kb_decode(&out[i], v) != TD_OK)
            return stop(m, RV32_STOP_CALL_FIELD, address + 4 * i);
    }
    return true;
}

static bool run_halt(struct rv32_machine *m)
{
    const uint8_t *in = operand(m, m->x[A0], RV32_OUTPUT_WORDS, false);
    if (in == NULL)
        return false;
    memcpy(m->output, in, sizeof m->output);
    return stop(m, RV32_STOP_HALT, 0);
}

static bool run_p2_absorb(struct rv32_machine *m)
{
    struct td_kb s[TD_P2_WIDTH];
    struct td_kb chunk[ABSORB_CHUNK];
    uint32_t count = m->x[A2];
    uint8_t *state = operand(m, m->x[A0], TD_P2_WIDTH, true);
    const uint8_t *data = operand(m, m->x[A1], count, false);
    if (state == NULL || data == NULL || !field_words(m, s, state, m->x[A0], TD_P2_WIDTH))
        return false;
    for (uint32_t done = 0; done < count;) {
        uint32_t now = count - done < ABSORB_CHUNK ? count - done : ABSORB_CHUNK;
        if (!field_words(m, chunk, data + 4 * (size_t)done, m->x[A1] + 4 * done, now))
            return false;
        td_chip_p2_absorb(s, chunk, now);
        done += now;
    }
    memcpy(state, s, sizeof s);
    return true;
}

static bool run_p2_path(struct rv32_machine *m)
{
    struct td_kb digest[TD_P2_DIGEST];
    struct td_kb siblings[TD_P2_DIGEST * RV32_PATH_LEVELS_MAX];
    uint32_t levels = m->x[A3];
    uint8_t *at = operand(m, m->x[A0], TD_P2_DIGEST, true);
    const uint8_t *from = operand(m, m->x[A1], (uint64_t)TD_P2_DIGEST * levels, false);
    if (at == NULL || from == NULL || !field_words(m, digest, at, m->x[A0], TD_P2_DIGEST) ||
        !field_words(m, siblings, from, m->x[A1], TD_P2_DIGEST * levels))
        return false;
    td_chip_p2_path(digest, siblings, m->x[A2], levels);
    memcpy(at, digest, sizeof digest);
    return true;
}

static bool run_mulmod(struct rv32_machine *m)
{
    uint32_t in[3][COORDINATE_WORDS];
    uint32_t out[COORDINATE_WORDS];
    uint8_t *to = operand(m, m->x[A0], COORDINATE_WORDS, true);
    if (to == NULL)
        return false;
    for (uint32_t k = 0; k < 3; k++) {
        const uint8_t *from = operand(m, m->x[A1 + k], COORDINATE_WORDS, false);
        if (from == NULL)
            return false;
        memcpy(in[k], from, sizeof in[k]);
    }
    uint32_t any = 0;
    for (uint32_t i = 0; i < COORDINATE_WORDS; i++)
        any |= in[2][i];
    if (any == 0)
        return stop(m, RV32_STOP_CALL_MODULUS, m->x[A3]);
    td_chip_u256_mulmod(out, in[0], in[1], in[2]);
    memcpy(to, out, sizeof out);
    return true;
}

static bool run_keccakf(struct rv32_machine *m)
{
    uint64_t s[25];
    uint8_t *at = operand(m, m->x[A0], 50, true);
    if (at == NULL)
        return false;
    memcpy(s, at, sizeof s);
    td_chip_keccakf(s);
    memcpy(at, s, sizeof s);
    return true;
}

static bool coordinate_is_canonical(const uint32_t a[COORDINATE_WORDS])
{
    for (uint32_t i = COORDINATE_WORDS; i-- > 0;) {
        if (a[i] != SECP_P[i])
            return a[i] < SECP_P[i];
    }
    return false;
}

/* A point operand; both coordinates must be below the prime. */
static uint8_t *point(struct rv32_machine *m, uint32_t out[POINT_WORDS], uint32_t address,
                      bool write)
{
    uint8_t *at = operand(m, address, POINT_WORDS, write);
    if (at == NULL)
        return NULL;
    memcpy(out, at, POINT_WORDS * sizeof out[0]);
    if (coordinate_is_canonical(out) && coordinate_is_canonical(out + COORDINATE_WORDS))
        return at;
    stop(m, RV32_STOP_CALL_POINT, address);
    return NULL;
}

static bool run_secp_add(struct rv32_machine *m)
{
    uint32_t p[POINT_WORDS];
    uint32_t q[POINT_WORDS];
    uint8_t *at = point(m, p, m->x[A0], true);
    if (at == NULL || point(m, q, m->x[A1], false) == NULL)
        return false;
    if (memcmp(p, q, COORDINATE_WORDS * sizeof p[0]) == 0)
        return stop(m, RV32_STOP_CALL_POINT, m->x[A1]);
    td_chip_secp_add(p, q);
    memcpy(at, p, sizeof p);
    return true;
}

static bool run_secp_double(struct rv32_machine *m)
{
    static const uint32_t ZERO[COORDINATE_WORDS];
    uint32_t p[POINT_WORDS];
    uint8_t *at = point(m, p, m->x[A0], true);
    if (at == NULL)
        return false;
    if (memcmp(p + COORDINATE_WORDS, ZERO, sizeof ZERO) == 0)
        return stop(m, RV32_STOP_CALL_POINT, m->x[A0]);
    td_chip_secp_double(p);
    memcpy(at, p, sizeof p);
    return true;
}

static const struct {
    bool (*run)(struct rv32_machine *m); /* NULL: no such call */
    uint32_t rows;                       /* 0: depends on the arguments */
} CALLS[RV32_CALL_COUNT] = {
    [TD_CHIP_HALT] = {run_halt, 1},
    [TD_CHIP_P2_ABSORB] = {run_p2_absorb, 0},
    [TD_CHIP_P2_PATH] = {run_p2_path, 0},
    [TD_CHIP_U256_MULMOD] = {run_mulmod, 1},
    [TD_CHIP_KECCAKF] = {run_keccakf, 24},
    [TD_CHIP_SECP_ADD] = {run_secp_add, 1},
    [TD_CHIP_SECP_DOUBLE] = {run_secp_double, 1},
};

uint32_t rv32_call_rows(struct rv32_machine *m)
{
    uint32_t number = m->x[A7];
    if (number >= RV32_CALL_COUNT || CALLS[number].run == NULL) {
        stop(m, RV32_STOP_CALL, number);
        return 0;
    }
    if (CALLS[number].rows != 0)
        return CALLS[number].rows;
    uint32_t count = number == TD_CHIP_P2_ABSORB ? m->x[A2] : m->x[A3];
    if (count == 0 || (number == TD_CHIP_P2_PATH && count > RV32_PATH_LEVELS_MAX)) {
        stop(m, RV32_STOP_CALL_COUNT, count);
        return 0;
    }
    return number == TD_CHIP_P2_PATH ? count : (count - 1) / TD_P2_RATE + 1;
}

bool rv32_call_run(struct rv32_machine *m)
{
    return CALLS[m->x[A7]].run(m);
}
