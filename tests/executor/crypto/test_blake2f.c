/* BLAKE2b's F against EIP-152's vectors 3 to 7 and against a second implementation that is itself
 * held against hashlib (reference.py).  Vectors 0 to 2 have another length, which the caller
 * refuses; vector 8 runs 2^32 - 1 rounds, a minute. */
#include "tests/base/lines.h"

#include "executor/crypto/blake2f.h"

#define STATE                                                                                      \
    "48c9bdf267e6096a3ba7ca8485ae67bb2bf894fe72f36e3cf1361d5f3af54fa5"                             \
    "d182e6ad7f520e511f6c3e2b8c68059b6bbd41fbabd9831f79217e1319cde05b"

static const struct {
    uint32_t rounds;
    uint8_t final;
    const char *want;
} EIP_152[] = {
    {0, 1,
     "08c9bcf367e6096a3ba7ca8485ae67bb2bf894fe72f36e3cf1361d5f3af54fa5"
     "d282e6ad7f520e511f6c3e2b8c68059b9442be0454267ce079217e1319cde05b"},
    {12, 1,
     "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
     "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"},
    {12, 0,
     "75ab69d3190a562c51aef8d88f1c2775876944407270c42c9844252c26d28752"
     "98743e7f6d5ea2f2d3e8d226039cd31b4e426ac4f2d3d666a610c2116fde4735"},
    {1, 1,
     "b63a380cb2897d521994a85234ee2c181b5f844d2c624c002677e9703449d2fb"
     "a551b3a8333bcdf5f2f7e08993d53923de3d64fcc68c034e717b9293fed7a421"},
};

/* The input of EIP-152's vectors: the state above, the message "abc". */
static void prepare(uint8_t in[EXEC_BLAKE2F_IN_BYTES], uint32_t rounds, uint8_t final)
{
    memset(in, 0, EXEC_BLAKE2F_IN_BYTES);
    for (unsigned i = 0; i < 4; i++)
        in[i] = (uint8_t)(rounds >> (24 - 8 * i));
    cr_assert_eq(lines_hex(in + 4, 64, STATE), 64);
    memcpy(in + 68, "abc", 3);
    in[196] = 3;
    in[212] = final;
}

Test(executor_blake2f, eip_152)
{
    for (size_t i = 0; i < sizeof EIP_152 / sizeof EIP_152[0]; i++) {
        uint8_t in[EXEC_BLAKE2F_IN_BYTES];
        uint8_t want[EXEC_BLAKE2F_OUT_BYTES];
        uint8_t got[EXEC_BLAKE2F_OUT_BYTES];
        prepare(in, EIP_152[i].rounds, EIP_152[i].final);
        cr_assert_eq(lines_hex(want, sizeof want, EIP_152[i].want), sizeof want);
        cr_expect_eq(exec_blake2f_rounds(in), EIP_152[i].rounds);
        cr_assert(exec_blake2f(got, in));
        cr_expect_arr_eq(got, want, sizeof want, "vector %zu", i + 4);
        cr_assert(exec_blake2f(in, in), "output over input");
        cr_expect_arr_eq(in, want, sizeof want);
    }
}

Test(executor_blake2f, final_flag_must_be_a_bit)
{
    for (unsigned final = 2; final < 256; final++) {
        uint8_t in[EXEC_BLAKE2F_IN_BYTES];
        uint8_t got[EXEC_BLAKE2F_OUT_BYTES];
        memset(got, 0xA5, sizeof got);
        prepare(in, UINT32_MAX, (uint8_t) final);
        cr_expect_not(exec_blake2f(got, in));
        cr_expect_eq(exec_blake2f_rounds(in), UINT32_MAX);
        for (size_t i = 0; i < sizeof got; i++)
            cr_expect_eq(got[i], 0xA5);
    }
}

Test(executor_blake2f, reference)
{
    static char line[LINE_MAX_BYTES];
    FILE *f = lines_open();
    size_t cases = 0;
    for (; lines_next(f, line); cases++) {
        char *cursor = line;
        uint8_t in[EXEC_BLAKE2F_IN_BYTES];
        uint8_t want[EXEC_BLAKE2F_OUT_BYTES];
        uint8_t got[EXEC_BLAKE2F_OUT_BYTES];
        cr_assert_eq(lines_hex(in, sizeof in, lines_field(&cursor)), sizeof in);
        cr_assert_eq(lines_hex(want, sizeof want, lines_field(&cursor)), sizeof want);
        cr_assert(exec_blake2f(got, in));
        cr_expect_arr_eq(got, want, sizeof want, "case %zu", cases);
    }
    fclose(f);
    cr_expect_eq(cases, 40);
}
