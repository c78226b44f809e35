/* node/chain over the database it is made for: blocks executed, committed, closed and loaded again
 * come to the same, and what is on disk is all that is needed. */
#define _POSIX_C_SOURCE 200809L
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/node/chain_bed.h"

#define LEAVES 65536u
#define BLOCKS 12u

static struct bed bed;
static char folder[] = "/tmp/td_chain_XXXXXX";
static char path[64];

static void begin(void)
{
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/chain.db", folder);
    bed.path = path;
    bed_init(&bed, LEAVES);
    cr_assert_not_null(bed.chain, "%s", bed.error.text);
}

static void end(void)
{
    static const char *const names[] = {"", "-wal", "-shm", "-lock", ".lock"};
    char file[96];
    bed_free(&bed);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(file, sizeof file, "%s%s", path, names[i]);
        unlink(file);
    }
    cr_expect_eq(rmdir(folder), 0, "a file is left in %s", folder);
}

static void block(uint32_t number)
{
    for (uint32_t i = 0; i < 30; i++) {
        struct td_addr to = {{5, (uint8_t)(number % 3u), [19] = (uint8_t)i}};
        bed_transfer(&bed, i % 4u, &to, number);
    }
    bed_block(&bed, number % 5u == 0);
}

Test(chain_store, closed_and_opened_it_goes_on)
{
    struct td_hash through[BLOCKS + 1], digest;
    begin();
    for (uint32_t i = 1; i <= BLOCKS; i++) {
        struct node_executed e;
        struct node_block b;
        block(i);
        cr_assert_eq(bed_execute(&bed, &e), TD_OK, "%s", node_chain_why(bed.chain));
        cr_expect_eq(e.tx_count, 30);
        bed_commit(&bed, &e);
        bft_result_digest(&through[i], &e.core.result);
        cr_assert_eq(node_block_load(bed.genesis, bed.reader, i, true, true, &bed.arena, &b),
                     TD_OK);
        bft_result_digest(&digest, &b.exec.result);
        cr_expect(b.executed && td_hash_eq(&digest, &through[i]));
        cr_expect_eq(b.receipt_count, 30);
        cr_expect_eq(b.payload_count, 30);
        node_executed_free(&e);
        if (i % 2u == 0)
            cr_assert_eq(bed_reopen(&bed, LEAVES), TD_OK, "%s", bed.error.text);
        cr_expect_eq(node_chain_executed(bed.chain), i);
    }
    /* Two more that are lost, and again. */
    for (uint32_t lost = 0; lost < 2; lost++) {
        uint64_t nonces[GENESIS_ACCOUNTS];
        struct node_executed e;
        memcpy(nonces, bed.nonces, sizeof nonces);
        block(BLOCKS + 1);
        cr_assert_eq(bed_execute(&bed, &e), TD_OK);
        if (lost == 0)
            bft_result_digest(&through[0], &e.core.result);
        else
            bft_result_digest(&digest, &e.core.result);
        node_executed_free(&e);
        memcpy(bed.nonces, nonces, sizeof nonces);
        cr_assert_eq(bed_reopen(&bed, LEAVES), TD_OK, "%s", bed.error.text);
        cr_expect_eq(node_chain_executed(bed.chain), BLOCKS);
    }
    cr_expect(td_hash_eq(&digest, &through[0]));
    end();
}
