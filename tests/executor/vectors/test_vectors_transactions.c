/* executor/tx against Ethereum's public TransactionTests: what is valid there must decode, recover
 * and pass with the stated hash, sender and intrinsic gas; what is not must be refused for a reason
 * of the stated class.
 *
 * The files end at Cancun or before.  One rule since then changes an answer: Prague's calldata
 * floor (EIP-7623) refuses some valid ones; such a case must lie between its intrinsic gas and the
 * floor. */
#define _DEFAULT_SOURCE /* strsep */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/core/hex.h"
#include "executor/tx.h"

#define LINE_BYTES (512u << 10)
#define ARENA_BYTES (4u << 20)

/* Which verdicts a class of the files may be; sets of bits. */
#define BIT(verdict) (UINT64_C(1) << (verdict))
#define MALFORMED (BIT(EXEC_TX_MALFORMED) | BIT(EXEC_TX_TYPE))
#define SIGNATURE (BIT(EXEC_TX_BAD_SIGNATURE) | BIT(EXEC_TX_MALFORMED))

static const struct {
    const char *prefix; /* of the exception's name; the first that fits */
    uint64_t verdicts;
} CLASSES[] = {
    {"GASLIMIT_PRICE_PRODUCT_OVERFLOW", BIT(EXEC_TX_INSUFFICIENT_FUNDS)},
    {"INVALID_CHAINID", SIGNATURE | BIT(EXEC_TX_CHAIN_ID)},
    {"INVALID_SIGNATURE_VRS", SIGNATURE},
    {"RLP_INVALID_SIGNATURE_", SIGNATURE},
    {"EC_RECOVERY_FAIL", SIGNATURE},
    {"INTRINSIC_GAS_TOO_LOW", BIT(EXEC_TX_INTRINSIC_GAS)},
    {"INITCODE_SIZE_EXCEEDED", BIT(EXEC_TX_INITCODE_SIZE)},
    {"NONCE_TOO_BIG", BIT(EXEC_TX_NONCE_MAX)},
    {"PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS", BIT(EXEC_TX_TIP_ABOVE_FEE_CAP)},
    {"TYPE_NOT_SUPPORTED", MALFORMED},
    {"RLP_", MALFORMED},
    {"ADDRESS_TOO_", MALFORMED},
    {"NONCE_OVERFLOW", MALFORMED},
    {"GASLIMIT_OVERFLOW", MALFORMED},
    {"GASPRICE_OVERFLOW", MALFORMED},
    {"PRIORITY_OVERFLOW", MALFORMED},
    {"VALUE_OVERFLOW", MALFORMED},
};

static uint64_t class_of(const char *exception)
{
    for (size_t i = 0; i < sizeof CLASSES / sizeof CLASSES[0]; i++) {
        if (strncmp(exception, CLASSES[i].prefix, strlen(CLASSES[i].prefix)) == 0)
            return CLASSES[i].verdicts;
    }
    return 0;
}

/* ---- a state in which everyone has all the wei there can be, so that only arithmetic is refused
 */

static enum td_error rich_account(void *self, const struct td_addr *addr, struct exec_account *out)
{
    (void)self;
    (void)addr;
    *out = (struct exec_account){
        .balance = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}},
        .code_hash = EXEC_EMPTY_CODE_HASH,
    };
    return TD_OK;
}

static enum td_error zero_slot(void *self, const struct td_addr *addr, const struct exec_u256 *slot,
                               struct exec_u256 *out)
{
    (void)self;
    (void)addr;
    (void)slot;
    *out = exec_u256_of(0);
    return TD_OK;
}

static enum td_error no_code(void *self, const struct td_hash *code_hash, struct td_bytes *out)
{
    (void)self;
    (void)code_hash;
    *out = td_bytes_of(NULL, 0);
    return TD_E_NOTFOUND;
}

static const struct exec_block_env ENV = {.chain_id = 1, .number = 1, .gas_limit = UINT64_MAX};

static enum exec_tx_verdict apply(const struct exec_tx *tx)
{
    static uint8_t state_mem[ARENA_BYTES], vm_mem[ARENA_BYTES];
    const struct exec_reader reader = {
        .self = NULL, .account = rich_account, .slot = zero_slot, .code = no_code};
    struct td_arena state_arena, vm_arena;
    struct exec_receipt receipt;
    td_arena_init(&state_arena, state_mem, sizeof state_mem);
    td_arena_init(&vm_arena, vm_mem, sizeof vm_mem);
    void *region = td_arena_get(&state_arena, exec_state_footprint(), 16);
    struct exec_vm vm = {.state = exec_state_init(region, &state_arena, &reader),
                         .block = &ENV,
                         .arena = &vm_arena,
                         .native_left = INT64_MAX};
    return exec_tx_apply(&vm, tx, UINT64_MAX, UINT64_MAX, &receipt);
}

/* Everything that can be said about a transaction without a particular state. */
static enum exec_tx_verdict judge(struct exec_tx *tx, struct td_bytes bytes)
{
    static uint8_t mem[ARENA_BYTES];
    struct td_arena arena;
    td_arena_init(&arena, mem, sizeof mem);
    enum exec_tx_verdict v = exec_tx_decode(tx, &arena, bytes, ENV.chain_id);
    if (v == EXEC_TX_OK)
        v = exec_tx_recover(tx);
    if (v == EXEC_TX_OK)
        v = exec_tx_check(tx, &ENV);
    return v;
}

/* ---- lines */

static char *next_field(char **cursor)
{
    char *field = strsep(cursor, " \n");
    cr_assert_not_null(field);
    return field;
}

static void expect_hex(const char *name, const char *what, const uint8_t *got, size_t len,
                       const char *want)
{
    char text[2 * 32 + 1];
    cr_assert_eq(td_hex_encode(text, sizeof text, TD_HEX_BARE, got, len), TD_OK);
    cr_expect_str_eq(text, want, "%s: %s", name, what);
}

/* Returns true when Prague's floor is what refuses it. */
static bool expect_valid(const char *name, const struct exec_tx *tx, enum exec_tx_verdict v,
                         char **cursor)
{
    const char *hash = next_field(cursor), *sender = next_field(cursor);
    uint64_t intrinsic = strtoull(next_field(cursor), NULL, 10);
    bool below_floor = v == EXEC_TX_INTRINSIC_GAS && tx->gas_limit >= intrinsic &&
                       tx->gas_limit < exec_tx_floor_gas(tx);
    cr_expect(v == EXEC_TX_OK || below_floor, "%s: refused: %s", name, exec_tx_verdict_text(v));
    expect_hex(name, "hash", tx->hash.b, sizeof tx->hash.b, hash);
    expect_hex(name, "sender", tx->sender.b, sizeof tx->sender.b, sender);
    cr_expect_eq(exec_tx_intrinsic_gas(tx), intrinsic, "%s: intrinsic gas", name);
    return below_floor;
}

static void expect_invalid(const char *name, const struct exec_tx *tx, enum exec_tx_verdict v,
                           const char *exception)
{
    uint64_t allowed = class_of(exception);
    cr_expect_neq(allowed, 0, "%s: no class for %s", name, exception);
    if (v == EXEC_TX_OK && allowed == BIT(EXEC_TX_INSUFFICIENT_FUNDS))
        v = apply(tx); /* a price no balance can pay shows against the state only */
    cr_expect(v != EXEC_TX_OK && (allowed & BIT(v)) != 0, "%s: %s, got: %s", name, exception,
              exec_tx_verdict_text(v));
}

Test(executor_vectors_transactions, public_suite, .timeout = 100)
{
    static char line[LINE_BYTES];
    static uint8_t raw[LINE_BYTES / 2];
    size_t valid = 0, invalid = 0, floor = 0;
    const char *path = getenv("TD_VECTOR_FILE");
    if (path == NULL)
        cr_skip_test("TD_VECTOR_FILE is not set; meson runs this through transactions.py");
    FILE *f = fopen(path, "r");
    cr_assert_not_null(f, "%s", path);

    while (fgets(line, sizeof line, f) != NULL) {
        char *cursor = line;
        struct exec_tx tx;
        size_t len = 0;
        cr_assert_not_null(strchr(line, '\n'), "line longer than the buffer");
        const char *name = next_field(&cursor);
        (void)next_field(&cursor); /* the fork, for people */
        const char *hex = next_field(&cursor);
        if (strcmp(hex, "-") != 0)
            cr_assert_eq(td_hex_decode(raw, sizeof raw, &len, TD_HEX_BARE, hex, strlen(hex)),
                         TD_OK);
        enum exec_tx_verdict v = judge(&tx, td_bytes_of(raw, len));
        if (strcmp(next_field(&cursor), "valid") == 0) {
            floor += expect_valid(name, &tx, v, &cursor) ? 1 : 0;
            valid++;
        } else {
            expect_invalid(name, &tx, v, next_field(&cursor));
            invalid++;
        }
    }
    fclose(f);
    printf("transactions: %zu valid (%zu of them below Prague's floor), %zu invalid\n", valid,
           floor, invalid);
    cr_expect_geq(valid, 50);
    cr_expect_geq(invalid, 160);
}
