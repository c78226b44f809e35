/* Leader table and reputation.
 * Method: shares are compared with exact fractions for random sets; the shuffled table with a
 * reference written in another language; exclusions by table. */
#include <criterion/criterion.h>

#include "base/core/keccak.h"
#include "base/core/rng.h"
#include "consensus/leader.h"
#include "tests/consensus/golden/fixture.h"
#include "tests/consensus/golden/reference.h"

static struct bft_set set, next;
static struct bft_leaders leaders;
static const struct bft_bitmap NOBODY = {{0}};

static void make_set(struct bft_set *out, uint64_t epoch, uint32_t count, const uint64_t *stakes)
{
    struct bft_validator v[BFT_SIGNERS_MAX] = {0};
    for (uint32_t i = 0; i < count; i++) {
        v[i].addr.b[0] = (uint8_t)i; /* signer i is the i-th given */
        v[i].addr.b[1] = 1;
        v[i].stake = stakes[i];
    }
    cr_assert_eq(bft_set_init(out, epoch, v, count, BFT_SIGNERS_MAX), TD_OK);
}

static void hash_of_table(struct td_hash *out)
{
    uint8_t bytes[2 * TD_LEADER_SLOTS];
    for (uint32_t i = 0; i < TD_LEADER_SLOTS; i++) {
        bytes[2 * i] = (uint8_t)(leaders.slot[i] >> 8);
        bytes[2 * i + 1] = (uint8_t)leaders.slot[i];
    }
    td_keccak256(out, bytes, sizeof bytes);
}

static void fixture_table(uint32_t count, const struct bft_bitmap *excluded, uint64_t seed)
{
    static struct fx f;
    fx_init(&f, NULL, count, NULL, NULL);
    struct td_hash h = fx_hash("seed", seed);
    bft_leaders_init(&leaders, &f.set[1], excluded, &h);
}

Test(leader, table_matches_the_reference)
{
    struct td_hash got;
    fixture_table(7, &NOBODY, 1);
    hash_of_table(&got);
    reference_expect("leaders_7", &got);
    struct bft_bitmap third = {{1u << 3}};
    fixture_table(7, &third, 2);
    hash_of_table(&got);
    reference_expect("leaders_7_without_3", &got);
    fixture_table(100, &NOBODY, 3);
    hash_of_table(&got);
    reference_expect("leaders_100", &got);
}

__extension__ typedef unsigned __int128 wide;

/* |slots - 1024 stake / total| < 1, exactly. */
static void expect_fair(const struct bft_bitmap *excluded)
{
    uint32_t slots[BFT_SIGNERS_MAX] = {0};
    uint64_t total = set.total - bft_set_weight(&set, excluded);
    for (uint32_t s = 0; s < TD_LEADER_SLOTS; s++) {
        cr_assert_lt(leaders.slot[s], set.count);
        slots[leaders.slot[s]]++;
    }
    for (uint32_t i = 0; i < set.count; i++) {
        if (bft_bitmap_has(excluded, i)) {
            cr_assert_eq(slots[i], 0);
            continue;
        }
        wide have = (wide)slots[i] * total;
        wide ideal = (wide)set.v[i].stake * TD_LEADER_SLOTS;
        wide off = have > ideal ? have - ideal : ideal - have;
        cr_assert(off < total, "signer %u of %u has %u slots", i, set.count, slots[i]);
    }
}

Test(leader, shares_are_exact_to_less_than_one_slot)
{
    struct td_rng rng;
    struct td_hash seed = fx_hash("seed", 9);
    td_rng_init(&rng, 2);
    for (uint32_t run = 0; run < 60; run++) {
        uint64_t stakes[BFT_SIGNERS_MAX];
        uint32_t count = (uint32_t)td_rng_range(&rng, 1, run % 4 == 0 ? 256 : 12);
        for (uint32_t i = 0; i < count; i++) {
            uint64_t most = run % 3 == 0 ? 10 : run % 3 == 1 ? 1000000 : (UINT64_C(1) << 53);
            stakes[i] = td_rng_range(&rng, 1, most);
        }
        make_set(&set, 1, count, stakes);
        bft_leaders_init(&leaders, &set, &NOBODY, &seed);
        expect_fair(&NOBODY);
        struct bft_bitmap some = {{0}};
        for (uint32_t i = 1; i < count; i += 3)
            bft_bitmap_add(&some, i);
        bft_leaders_init(&leaders, &set, &some, &seed);
        expect_fair(&some);
    }
}

Test(leader, one_whale_and_a_dust_stake)
{
    static const uint64_t STAKES[] = {(UINT64_C(1) << 62) - 2, 1};
    struct td_hash seed = fx_hash("seed", 1);
    make_set(&set, 1, 2, STAKES);
    bft_leaders_init(&leaders, &set, &NOBODY, &seed);
    expect_fair(&NOBODY);
}

Test(leader, seed_moves_slots_and_nothing_else)
{
    static const uint64_t STAKES[] = {5, 3, 2, 7};
    uint32_t counts[2][4] = {{0}};
    struct bft_leaders first;
    struct td_hash seed = fx_hash("seed", 1);
    make_set(&set, 1, 4, STAKES);
    bft_leaders_init(&first, &set, &NOBODY, &seed);
    bft_leaders_init(&leaders, &set, &NOBODY, &seed);
    cr_assert_arr_eq(first.slot, leaders.slot, sizeof first.slot);
    seed = fx_hash("seed", 2);
    bft_leaders_init(&leaders, &set, &NOBODY, &seed);
    uint32_t moved = 0;
    for (uint32_t s = 0; s < TD_LEADER_SLOTS; s++) {
        counts[0][first.slot[s]]++;
        counts[1][leaders.slot[s]]++;
        moved += first.slot[s] != leaders.slot[s];
    }
    cr_expect_arr_eq(counts[0], counts[1], sizeof counts[0]);
    cr_expect_gt(moved, 500);
    cr_expect_eq(bft_leaders_at(&leaders, 5), bft_leaders_at(&leaders, 5 + TD_LEADER_SLOTS));
}

/* ---- reputation: slots dealt in turn, signer = round mod count */

static void in_turn(uint32_t count)
{
    for (uint32_t s = 0; s < TD_LEADER_SLOTS; s++)
        leaders.slot[s] = (uint16_t)(s % count);
}

static uint64_t exclude(const uint32_t *produced, uint64_t last_round, uint64_t before)
{
    struct bft_bitmap out, b = {{before}};
    bft_reputation_exclude(&out, &next, &set, &leaders, produced, last_round, &b);
    cr_assert_eq(bft_bitmap_count(&out), (uint32_t)__builtin_popcountll(out.word[0]));
    return out.word[0];
}

Test(leader, excludes_by_record)
{
    static const uint64_t EQUAL[8] = {10, 10, 10, 10, 10, 10, 10, 10};
    make_set(&set, 1, 8, EQUAL);
    make_set(&next, 2, 8, EQUAL);
    in_turn(8);
    static const struct {
        const char *name;
        uint32_t produced[8];
        uint64_t last_round, before, want;
    } CASES[] = {
        {"all_good", {100, 100, 100, 100, 100, 100, 100, 100}, 800, 0, 0},
        {"one_silent", {100, 100, 0, 100, 100, 100, 100, 100}, 800, 0, 1u << 2},
        {"two_silent", {100, 100, 0, 100, 0, 100, 100, 100}, 800, 0, 1u << 2 | 1u << 4},
        {"three_silent_two_fit", {0, 100, 0, 100, 0, 100, 100, 100}, 800, 0, 1u << 0 | 1u << 2},
        {"worst_first", {4, 100, 3, 100, 0, 100, 100, 100}, 800, 0, 1u << 2 | 1u << 4},
        {"below_a_quarter", {24, 100, 100, 100, 100, 100, 100, 176}, 800, 0, 1u << 0},
        {"at_a_quarter", {25, 100, 100, 100, 100, 100, 100, 175}, 800, 0, 0},
        {"not_twice_in_a_row", {100, 100, 0, 100, 100, 100, 100, 100}, 800, 1u << 2, 0},
        {"too_few_slots", {8, 8, 0, 8, 8, 8, 8, 8}, 57, 0, 0},           /* 7 slots of signer 2 */
        {"just_enough_slots", {8, 8, 0, 8, 8, 8, 8, 8}, 58, 0, 1u << 2}, /* 8 slots */
        {"nobody_produced", {0}, 800, 0, 0},
        {"no_rounds", {0}, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        cr_expect_eq(
            exclude(CASES[i].produced, CASES[i].last_round, CASES[i].before), CASES[i].want,
            "%s: %lx", CASES[i].name,
            (unsigned long)exclude(CASES[i].produced, CASES[i].last_round, CASES[i].before));
}

/* Stake of the next set counts: strictly below a third, heavy ones are passed over. */
Test(leader, excludes_less_than_a_third_of_the_next_stake)
{
    static const uint64_t EQUAL[4] = {10, 10, 10, 10}, HEAVY[4] = {10, 20, 9, 21},
                          EXACT[3] = {10, 10, 10};
    static const uint32_t PRODUCED[4] = {200, 0, 0, 200};
    make_set(&set, 1, 4, EQUAL);
    make_set(&next, 2, 4, HEAVY);
    in_turn(4);
    cr_expect_eq(exclude(PRODUCED, 800, 0), 1u << 2, "20 of 60 is a third: passed over");
    make_set(&set, 1, 3, EXACT);
    make_set(&next, 2, 3, EXACT);
    in_turn(3);
    cr_expect_eq(exclude(PRODUCED, 800, 0), 0, "10 of 30 is a third");
}

Test(leader, exclusions_follow_members_into_the_next_set)
{
    static const uint64_t EQUAL[8] = {10, 10, 10, 10, 10, 10, 10, 10};
    static const uint32_t PRODUCED[8] = {100, 100, 0, 100, 0, 100, 100, 100};
    make_set(&set, 1, 8, EQUAL);
    in_turn(8);
    struct bft_validator v[6];
    uint32_t count = 0;
    for (uint32_t i = 0; i < 8; i++) {
        if (i != 0 && i != 2) /* both leave; signer 4 becomes 2 */
            v[count++] = set.v[i];
    }
    cr_assert_eq(bft_set_init(&next, 2, v, count, BFT_SIGNERS_MAX), TD_OK);
    cr_expect_eq(exclude(PRODUCED, 800, 0), 1u << 2);
}
