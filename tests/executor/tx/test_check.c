/* executor/tx/check: gas of a transaction itself, and rules that need no state.
 * Method: gas computed by hand from the EIPs in a table; each verdict by one change to a good one.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "executor/tx.h"

static const uint8_t ZEROS[50000];
static const struct exec_access ACCESS[2] = {{.slot_count = 3}, {.slot_count = 0}};

Test(executor_tx_check, intrinsic_and_floor_gas)
{
    const struct {
        const char *name;
        struct exec_tx tx;
        uint64_t intrinsic, floor;
    } cases[] = {
        {"transfer", {.type = 0}, 21000, 21000},
        {"data", {.data = td_bytes_of("\1\0\2\0\0", 5)}, 21000 + 2 * 16 + 3 * 4, 21000 + 110},
        {"create", {.is_create = true, .data = td_bytes_of("\1", 1)}, 53000 + 16 + 2, 21040},
        {"33 bytes of init code",
         {.is_create = true, .data = td_bytes_of(ZEROS, 33)},
         53000 + 33 * 4 + 4,
         21330},
        {"access", {.type = 1, .access = ACCESS, .access_count = 2}, 21000 + 4800 + 5700, 21000},
        {"authorizations", {.type = 4, .auth_count = 3}, 21000 + 75000, 21000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_expect_eq(exec_tx_intrinsic_gas(&cases[i].tx), cases[i].intrinsic, "%s", cases[i].name);
        cr_expect_eq(exec_tx_floor_gas(&cases[i].tx), cases[i].floor, "%s", cases[i].name);
    }
}

static const struct exec_block_env ENV = {.chain_id = 5, .gas_limit = 30000000};

static struct exec_tx good(void)
{
    return (struct exec_tx){.type = 2,
                            .has_chain_id = true,
                            .chain_id = 5,
                            .gas_limit = 100000,
                            .fee_cap = {{10}},
                            .tip_cap = {{10}}};
}

Test(executor_tx_check, each_verdict)
{
    struct exec_tx tx = good();
    cr_expect_eq(exec_tx_check(&tx, &ENV), EXEC_TX_OK);
    tx.chain_id = 6;
    cr_expect_eq(exec_tx_check(&tx, &ENV), EXEC_TX_CHAIN_ID);
    tx = good();
    tx.tip_cap = exec_u256_of(11);
    cr_expect_eq(exec_tx_check(&tx, &ENV), EXEC_TX_TIP_ABOVE_FEE_CAP);
    tx = good();
    tx.nonce = UINT64_MAX;
    cr_expect_eq(exec_tx_check(&tx, &ENV), EXEC_TX_NONCE_MAX);
    tx.nonce--;
    cr_expect_eq(exec_tx_check(&tx, &ENV), EXEC_TX_OK);
    tx = good();
    tx.gas_limit = 20999;
    cr_expect_eq(exec_tx_check(&tx, &ENV), EXEC_TX_INTRINSIC_GAS);
    tx.gas_limit = 21000;
    cr_expect_eq(exec_tx_check(&tx, &ENV), EXEC_TX_OK);
    tx = good();
    tx.type = 4;
    cr_expect_eq(exec_tx_check(&tx, &ENV), EXEC_TX_NO_AUTHORIZATIONS);
    tx.auth_count = 1;
    cr_expect_eq(exec_tx_check(&tx, &ENV), EXEC_TX_OK);
    tx.is_create = true;
    cr_expect_eq(exec_tx_check(&tx, &ENV), EXEC_TX_CREATE_NOT_ALLOWED);
}

/* The floor alone refuses: 1,000 non-zero bytes are 16,000 gas of data, 40,000 of floor. */
Test(executor_tx_check, floor_refuses)
{
    static uint8_t ones[1000];
    struct exec_tx tx = good();
    memset(ones, 1, sizeof ones);
    tx.data = td_bytes_of(ones, sizeof ones);
    tx.gas_limit = 60999;
    cr_expect_eq(exec_tx_check(&tx, &ENV), EXEC_TX_INTRINSIC_GAS);
    tx.gas_limit = 61000;
    cr_expect_eq(exec_tx_check(&tx, &ENV), EXEC_TX_OK);
}

Test(executor_tx_check, init_code_is_bounded)
{
    struct exec_tx tx = good();
    tx.gas_limit = 10000000;
    tx.is_create = true;
    tx.data = td_bytes_of(ZEROS, 49152);
    cr_expect_eq(exec_tx_check(&tx, &ENV), EXEC_TX_OK);
    tx.data.len++;
    cr_expect_eq(exec_tx_check(&tx, &ENV), EXEC_TX_INITCODE_SIZE);
    tx.is_create = false;
    cr_expect_eq(exec_tx_check(&tx, &ENV), EXEC_TX_OK);
}

Test(executor_tx_check, wallets_know_the_names)
{
    for (uint32_t v = 0; v < EXEC_TX_COUNT; v++) {
        cr_assert_not_null(exec_tx_verdict_text((enum exec_tx_verdict)v), "%u", v);
        for (uint32_t u = 0; u < v; u++)
            cr_expect_str_neq(exec_tx_verdict_text((enum exec_tx_verdict)v),
                              exec_tx_verdict_text((enum exec_tx_verdict)u));
    }
    cr_expect_str_eq(exec_tx_verdict_text(EXEC_TX_NONCE_TOO_LOW), "nonce too low");
    cr_expect_str_eq(exec_tx_verdict_text(EXEC_TX_INSUFFICIENT_FUNDS),
                     "insufficient funds for gas * price + value");
    cr_expect_str_eq(exec_tx_verdict_text(EXEC_TX_COUNT), "unknown verdict");
}
