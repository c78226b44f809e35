/* Validator sets: order, thresholds, bounds, encoding.
 * Method: tables, the reference file for hashes, truncation at every byte. */
#include <criterion/criterion.h>

#include "tests/consensus/golden/fixture.h"
#include "tests/consensus/golden/reference.h"

static struct bft_set set;
static struct bft_validator entries[BFT_SIGNERS_MAX + 1];

static void setup(void)
{
    for (uint32_t i = 0; i <= BFT_SIGNERS_MAX; i++) {
        struct td_hash h = fx_hash("validator", i);
        memcpy(entries[i].addr.b, h.b, TD_ADDR_BYTES);
        h = fx_hash("key", i);
        entries[i].key.b[0] = 2;
        memcpy(entries[i].key.b + 1, h.b, TD_HASH_BYTES);
        entries[i].stake = 100 + i;
    }
}

TestSuite(validators, .init = setup);

static enum td_error init(uint32_t count)
{
    return bft_set_init(&set, 1, entries, count, BFT_SIGNERS_MAX);
}

Test(validators, thresholds_by_total)
{
    static const struct {
        uint64_t total, quorum, weak;
    } CASES[] = {
        {1, 1, 1},
        {2, 2, 1},
        {3, 3, 2},
        {4, 3, 2},
        {5, 4, 2},
        {6, 5, 3},
        {7, 5, 3},
        {9, 7, 4},
        {10, 7, 4},
        {100, 67, 34},
        {TD_STAKE_TOTAL_MAX, UINT64_C(3074457345618258603), UINT64_C(1537228672809129302)}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        entries[0].stake = CASES[i].total;
        cr_assert_eq(init(1), TD_OK);
        cr_expect_eq(set.quorum, CASES[i].quorum, "row %zu: %lu", i, (unsigned long)set.quorum);
        cr_expect_eq(set.weak, CASES[i].weak, "row %zu: %lu", i, (unsigned long)set.weak);
        cr_expect_eq(set.total, CASES[i].total);
    }
}

Test(validators, sorts_any_order_for_any_count)
{
    for (uint32_t count = 1; count <= BFT_SIGNERS_MAX; count++) {
        cr_assert_eq(init(count), TD_OK);
        uint64_t total = 0;
        for (uint32_t i = 0; i < count; i++) {
            cr_assert(i == 0 || td_addr_cmp(&set.v[i - 1].addr, &set.v[i].addr) < 0);
            cr_assert_eq(bft_set_find(&set, &entries[i].addr) < count, true);
            cr_assert_eq(bft_set_find(&set, &set.v[i].addr), i);
            total += set.v[i].stake;
        }
        cr_assert_eq(set.total, total);
        cr_assert_eq(bft_set_find(&set, &entries[count].addr), BFT_NO_SIGNER);
    }
}

Test(validators, hashes_match_the_reference)
{
    static const struct {
        uint32_t count;
        const char *set, *registry;
    } CASES[] = {
        {1, "set_1", "registry_1"}, {7, "set_7", "registry_7"}, {256, "set_256", "registry_256"}};
    struct td_hash got;
    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(init(CASES[i].count), TD_OK);
        reference_expect(CASES[i].set, &set.hash);
        bft_set_registry_hash(&got, &set);
        reference_expect(CASES[i].registry, &got);
    }
}

Test(validators, refuses_bad_sets)
{
    cr_expect_eq(init(0), TD_E_RANGE);
    cr_expect_eq(init(BFT_SIGNERS_MAX + 1), TD_E_RANGE);
    cr_expect_eq(bft_set_init(&set, 1, entries, 5, 4), TD_E_RANGE);
    cr_expect_eq(bft_set_init(&set, 1, entries, 4, 4), TD_OK);
    entries[3].stake = 0;
    cr_expect_eq(init(4), TD_E_RANGE, "no stake");
    entries[3].stake = TD_STAKE_TOTAL_MAX - 303;
    cr_expect_eq(init(4), TD_OK, "total just below 2^62");
    entries[3].stake++;
    cr_expect_eq(init(4), TD_E_RANGE, "total 2^62");
    entries[3].stake = UINT64_MAX;
    cr_expect_eq(init(4), TD_E_RANGE, "total wraps");
    entries[3].stake = 1;
    entries[3].addr = entries[1].addr;
    cr_expect_eq(init(4), TD_E_MALFORMED, "repeated address");
}

Test(validators, weight_counts_members_only)
{
    cr_assert_eq(init(BFT_SIGNERS_MAX), TD_OK); /* leaves stakes behind the next set's end */
    cr_assert_eq(init(70), TD_OK);
    struct bft_bitmap m = {{0}};
    cr_expect_eq(bft_set_weight(&set, &m), 0);
    bft_bitmap_add(&m, 0);
    bft_bitmap_add(&m, 69);
    uint64_t two = set.v[0].stake + set.v[69].stake;
    cr_expect_eq(bft_set_weight(&set, &m), two);
    bft_bitmap_add(&m, 70);
    bft_bitmap_add(&m, 255);
    cr_expect_eq(bft_set_weight(&set, &m), two);
    memset(&m, 0xff, sizeof m);
    cr_expect_eq(bft_set_weight(&set, &m), set.total);
}

Test(validators, advance_changes_epoch_and_hash)
{
    static struct bft_set next;
    cr_assert_eq(init(7), TD_OK);
    struct td_hash before = set.hash;
    bft_set_advance(&next, &set, 2);
    cr_expect_eq(next.epoch, 2);
    cr_expect(!td_hash_eq(&next.hash, &before));
    cr_expect_eq(next.quorum, set.quorum);
    cr_expect(td_addr_eq(&next.v[6].addr, &set.v[6].addr));
    bft_set_advance(&next, &next, 1);
    cr_expect(td_hash_eq(&next.hash, &before), "in place, back again");
}

Test(validators, round_trip_and_truncation_at_every_byte)
{
    static uint8_t bytes[BFT_SET_BYTES_MAX + 1];
    static struct bft_set back;
    cr_assert_eq(init(7), TD_OK);
    size_t len = bft_set_encode(bytes, sizeof bytes, &set);
    cr_assert_eq(len, 2 + 7 * BFT_SET_ENTRY_BYTES);
    cr_assert_eq(bft_set_decode(&back, 1, bytes, len, 7), TD_OK);
    cr_assert(td_hash_eq(&back.hash, &set.hash));
    cr_expect_eq(bft_set_decode(&back, 1, bytes, len, 6), TD_E_RANGE);
    cr_expect_eq(bft_set_decode(&back, 1, bytes, len + 1, 7), TD_E_MALFORMED);
    for (size_t n = 0; n < len; n++) {
        cr_expect_eq(bft_set_decode(&back, 1, bytes, n, 7), TD_E_TRUNCATED, "at %zu", n);
        cr_expect_eq(bft_set_encode(bytes, n, &set), 0);
    }
    cr_assert_eq(bft_set_encode(bytes, sizeof bytes, &set), len);
    bytes[1] = 0;
    cr_expect_eq(bft_set_decode(&back, 1, bytes, 2, 7), TD_E_RANGE, "empty");
}

Test(validators, decode_accepts_one_order_only)
{
    static uint8_t bytes[BFT_SET_BYTES_MAX];
    static struct bft_set back;
    uint8_t swap[BFT_SET_ENTRY_BYTES];
    cr_assert_eq(init(3), TD_OK);
    size_t len = bft_set_encode(bytes, sizeof bytes, &set);
    uint8_t *second = bytes + 2 + BFT_SET_ENTRY_BYTES;
    memcpy(swap, second, sizeof swap);
    memmove(second, second + BFT_SET_ENTRY_BYTES, sizeof swap);
    memcpy(second + BFT_SET_ENTRY_BYTES, swap, sizeof swap);
    cr_expect_eq(bft_set_decode(&back, 1, bytes, len, 7), TD_E_MALFORMED, "out of order");
    memcpy(second, second + BFT_SET_ENTRY_BYTES, sizeof swap);
    cr_expect_eq(bft_set_decode(&back, 1, bytes, len, 7), TD_E_MALFORMED, "repeated");
    cr_assert_eq(bft_set_encode(bytes, sizeof bytes, &set), len);
    memset(bytes + 2 + 53, 0, 8);
    cr_expect_eq(bft_set_decode(&back, 1, bytes, len, 7), TD_E_RANGE, "no stake");
}
