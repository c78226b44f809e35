/* Precompiled contracts, each in a STATICCALL whose pushes are included. */
#include <stdio.h>
#include <stdlib.h>

#include "base/core/assert.h"
#include "tests/executor/costs/cost.h"

#define F8 "ffffffff"
#define F32 F8 F8 F8 F8 F8 F8 F8 F8
#define Z8 "00000000"
#define Z28 Z8 Z8 Z8 Z8 Z8 Z8 Z8
#define W(n) Z28 #n /* a word from eight digits */
#define GX "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
#define N_SECP_LESS_1 "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140"
#define Z_ODD "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee01"
#define G1 W(00000001) W(00000002)
/* (3, sqrt 30) does not exist: not on the curve */
#define G1_OFF W(00000001) W(00000003)
#define G1_TWICE                                                                                   \
    "030644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd3"                             \
    "15ed738c0e0a7c92e7845f96b2ae9c0a68a6a449e3538fc7ff3ebf7a5a18a2c4"
#define G2                                                                                         \
    "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"                             \
    "1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"                             \
    "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"                             \
    "12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"
#define R_LESS_1 "30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000000"

/* Contract 0xf0's code is the input, and is copied to memory once; what lies behind it is `fill`.
 */
struct pre {
    const char *name;
    uint32_t address, len, n;
    const char *input; /* hex; from byte 1 of memory on, so that nothing is aligned */
    const char *fill;  /* a word, through the rest of the input */
    uint32_t out, with;
    uint32_t gas; /* 0: all there is */
};

static const struct pre PRECOMPILES[] = {
    {"ecrecover, a signature", 1, 128, 4, Z_ODD W(0000001b) GX N_SECP_LESS_1, NULL, 32, 0, 0},
    {"ecrecover, no such point", 1, 128, 4, Z_ODD W(0000001c) W(00000005) Z_ODD, NULL, 32, 0, 0},
    {"ecrecover, r = 1", 1, 128, 4, F32 W(0000001b) W(00000001) Z_ODD, NULL, 32, 0, 0},
    {"ecrecover, the sum is infinity", 1, 128, 4,
     "7"
     "0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee01" W(0000001b) GX
     "7"
     "0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee01",
     NULL, 32, 0, 0},
    {"ecrecover, bad v", 1, 128, 8, Z_ODD W(0000001d) GX Z_ODD, NULL, 32, 0, 0},
    {"sha256, nothing", 2, 0, 16, "", NULL, 32, 0, 0},
    {"sha256, 55 bytes", 2, 55, 16, Z_ODD Z_ODD, NULL, 32, 0, 0},
    {"sha256, 56 bytes", 2, 56, 16, Z_ODD Z_ODD, NULL, 32, 0, 0},
    {"sha256, 4,000 bytes", 2, 4000, 2, Z_ODD, Z_ODD, 32, 0, 0},
    {"ripemd160, nothing", 3, 0, 16, "", NULL, 32, 0, 0},
    {"ripemd160, 55 bytes", 3, 55, 16, Z_ODD Z_ODD, NULL, 32, 0, 0},
    {"ripemd160, 4,000 bytes", 3, 4000, 2, Z_ODD, Z_ODD, 32, 0, 0},
    {"identity, nothing", 4, 0, 16, "", NULL, 0, 0, 0},
    {"identity, 32 bytes", 4, 32, 16, Z_ODD, NULL, 32, 0, 0},
    {"identity, 4,000 bytes", 4, 4000, 8, Z_ODD, Z_ODD, 4000, 0, 0},
    {"identity, 20,000 bytes", 4, 20000, 4, Z_ODD, Z_ODD, 20000, 0, 0},
    {"modexp, no numbers", 5, 0, 4, "", NULL, 0, 0, 0},
    {"modexp, 1^1 mod 1 byte", 5, 99, 4, W(00000001) W(00000001) W(00000001) "ffffff", NULL, 1, 0,
     0},
    {"modexp, 32 bytes, exponent 2", 5, 193, 4, W(00000020) W(00000001) W(00000020) F32 "02" Z_ODD,
     NULL, 32, 0, 0},
    {"modexp, 32 bytes", 5, 192, 1, W(00000020) W(00000020) W(00000020) F32 F32 Z_ODD, NULL, 32, 0,
     0},
    {"modexp, 32 bytes, even modulus", 5, 192, 1,
     W(00000020) W(00000020) W(00000020) F32 F32 "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00"
                                                 "c0ffee00c0000000",
     NULL, 32, 0, 0},
    {"modexp, 8 bytes, 32 bytes of exponent", 5, 144, 1,
     W(00000008) W(00000020) W(00000008) F8 F8 F32 F8 F8, NULL, 8, 0, 0},
    {"modexp, 9 bytes, 32 bytes of exponent", 5, 146, 1,
     W(00000009) W(00000020) W(00000009) F8 F8 "ff" F32 F8 F8 "ff", NULL, 9, 0, 0},
    {"modexp, 1 byte, 32 bytes of exponent", 5, 130, 1,
     W(00000001) W(00000020) W(00000001) "fe" F32 "ff", NULL, 1, 0, 0},
    {"modexp, 1 byte, even, 32 bytes of exponent", 5, 130, 1,
     W(00000001) W(00000020) W(00000001) "ff" F32 "fe", NULL, 1, 0, 0},
    {"modexp, 64 bytes, exponent 3", 5, 225, 2, W(00000040) W(00000001) W(00000040) F32 F32 "03",
     Z_ODD, 64, 0, 0},
    {"modexp, 256 bytes, exponent 3", 5, 609, 1, W(00000100) W(00000001) W(00000100) F32 "03" F32,
     Z_ODD, 256, 0, 0},
    {"modexp, 256 bytes, even, exponent 65,537", 5, 611, 1, W(00000100) W(00000003) W(00000100) F32,
     "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00"
     "c0ffee00c0fffe00",
     256, COST_FEW, 0},
    {"modexp, 512 bytes of base, 1 of modulus", 5, 610, 1, W(00000200) W(00000001) W(00000001) F32,
     F32, 1, COST_FEW, 0},
    {"modexp, 1 byte of base, 512 of modulus", 5, 610, 1,
     W(00000001) W(00000001) W(00000200) "ff03" F32, F32, 512, COST_FEW, 0},
    {"modexp, 512 bytes, no exponent", 5, 1120, 1, W(00000200) W(00000000) W(00000200) F32, Z_ODD,
     512, COST_FEW, 0},
    {"modexp, 1 byte of base, 256 of modulus, even", 5, 354, 2,
     W(00000001) W(00000001) W(00000100) "ff03",
     "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00"
     "c0ffee00c0fffe00",
     256, COST_FEW, 0},
    {"modexp, 1,024 bytes of modulus, all zero", 5, 1122, 1,
     W(00000001) W(00000001) W(00000400) "0301", Z28 Z8, 1024, COST_FEW, 0},
    {"bn254 add, a point and itself", 6, 128, 4, G1 G1, NULL, 64, 0, 0},
    {"bn254 add, two points", 6, 128, 4, G1 G1_TWICE, NULL, 64, 0, 0},
    {"bn254 add, not on the curve", 6, 128, 4, G1 G1_OFF, NULL, 64, 0, 1000},
    {"bn254 add, nothing", 6, 0, 8, "", NULL, 64, 0, 0},
    {"bn254 mul, r - 1", 7, 96, 1, G1_TWICE R_LESS_1, NULL, 64, 0, 0},
    {"bn254 mul, all ones", 7, 96, 1, G1_TWICE F32, NULL, 64, 0, 0},
    {"bn254 mul, alternating bits", 7, 96, 1,
     G1_TWICE "2aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL, 64, 0, 0},
    {"bn254 pairing, none", 8, 0, 1, "", NULL, 32, COST_FEW, 0},
    {"bn254 pairing, one", 8, 192, 1, G1_TWICE G2, NULL, 32, COST_FEW, 0},
    {"bn254 pairing, not on the curve", 8, 192, 1, G1_OFF G2, NULL, 32, COST_FEW, 80000},
    {"blake2f, no rounds", 9, 213, 8, "00000000" Z_ODD, NULL, 64, 0, 0},
    {"blake2f, 12 rounds", 9, 213, 8, "0000000c" Z_ODD Z_ODD Z_ODD Z_ODD, NULL, 64, 0, 0},
    {"blake2f, 500 rounds", 9, 213, 1, "000001f4" Z_ODD Z_ODD Z_ODD Z_ODD, NULL, 64, 0, 0},
    {"blake2f, malformed", 9, 100, 16, "0000000c", NULL, 64, 0, 1000},
};
#define PRE_COUNT (sizeof PRECOMPILES / sizeof PRECOMPILES[0])
#define INPUT_BYTES_MAX 20480u

static struct cost_row rows[PRE_COUNT];
static char texts[PRE_COUNT][160], setups[PRE_COUNT][160];

static uint32_t digits(uint8_t *out, const char *hex)
{
    uint32_t n = 0;
    for (; hex[2u * n] != '\0'; n++) {
        char pair[3] = {hex[2u * n], hex[2u * n + 1u], 0};
        out[n] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return n;
}

static void genesis(struct chain *c, const struct cost_row *row)
{
    static uint8_t bytes[INPUT_BYTES_MAX];
    const struct pre *p = PRECOMPILES;
    while (p->name != row->name)
        p++;
    struct td_addr a = world_addr(0xf0);
    uint8_t fill[32];
    uint32_t len = digits(bytes, p->input);
    if (p->fill != NULL) {
        TD_ASSERT(digits(fill, p->fill) == 32);
        for (; len < p->len; len += 32u)
            memcpy(bytes + len, fill, 32);
    }
    if (len < p->len)
        memset(bytes + len, 0, p->len - len);
    chain_put(c, &a, 1, td_bytes_of(bytes, p->len > 0 ? p->len : 1));
}

struct cost_table cost_precompile_rows(void)
{
    for (uint32_t i = 0; i < PRE_COUNT; i++) {
        const struct pre *p = &PRECOMPILES[i];
        snprintf(setups[i], sizeof setups[i], "1 %u MSTORE %u 0 1 0xf0 EXTCODECOPY",
                 2u * (p->len + p->out) + 4096u, p->len);
        snprintf(texts[i], sizeof texts[i], "%u %u %u 1 %u %u STATICCALL POP", p->out, p->len + 7u,
                 p->len, p->address, p->gas != 0 ? p->gas : 20000000u);
        rows[i] = (struct cost_row){.name = p->name,
                                    .n = p->n,
                                    .with = p->with,
                                    .setup = setups[i],
                                    .body = texts[i],
                                    .against = "",
                                    .genesis = genesis};
    }
    return (struct cost_table){"Precompiled contracts", rows, PRE_COUNT};
}
