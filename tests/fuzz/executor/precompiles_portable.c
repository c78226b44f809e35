/* modexp and bn254 with the guest's 32-bit limbs, under other names, for fuzz_precompiles.c to hold
 * against the native path in one program. */
#include "executor/crypto/bn254.h"
#include "executor/crypto/modexp.h"

enum exec_modexp_result portable_modexp(struct td_arena *arena, struct td_bytes input,
                                        struct td_bytes *out);
uint64_t portable_modexp_gas(struct td_bytes input);
struct exec_modexp_work portable_modexp_count(struct td_bytes input);
enum exec_bn254_result portable_bn254_add(uint8_t out[64], const uint8_t in[128]);
enum exec_bn254_result portable_bn254_mul(uint8_t out[64], const uint8_t in[96]);
enum exec_bn254_result portable_bn254_pairing(bool *one, const uint8_t *in, size_t pairs);

#define TD_PORTABLE_ONLY
#define exec_modexp portable_modexp
#define exec_modexp_gas portable_modexp_gas
#define exec_modexp_count portable_modexp_count
#define exec_bn254_add portable_bn254_add
#define exec_bn254_mul portable_bn254_mul
#define exec_bn254_pairing portable_bn254_pairing
#define bn_fp_one portable_fp_one
#define bn_fp_decode portable_fp_decode
#define bn_fp_encode portable_fp_encode
#define bn_fp_inv portable_fp_inv
#define bn_fp2_mul portable_fp2_mul
#define bn_fp2_sqr portable_fp2_sqr
#define bn_fp2_mul_xi portable_fp2_mul_xi
#define bn_fp2_inv portable_fp2_inv
#define bn_fp12_one portable_fp12_one
#define bn_fp12_is_one portable_fp12_is_one
#define bn_fp12_mul portable_fp12_mul
#define bn_fp12_sqr portable_fp12_sqr
#define bn_fp12_mul_line portable_fp12_mul_line
#define bn_fp12_inv portable_fp12_inv
#define bn_fp12_conj portable_fp12_conj
#define bn_fp12_frobenius portable_fp12_frobenius
#define bn_fp12_cyclotomic_sqr portable_fp12_cyclotomic_sqr
#define bn_g1_decode portable_g1_decode
#define bn_g2_decode portable_g2_decode
#include "executor/crypto/bn254_curve.c"
#include "executor/crypto/bn254_field.c"
#include "executor/crypto/bn254_pairing.c"
#include "executor/crypto/bn254_tower.c"
#include "executor/crypto/modexp.c"
