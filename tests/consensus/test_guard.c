/* The sign guard.
 * Method: tables of histories for each invariant; then every sequence of four requests over three
 * rounds, two blocks and all locks, judged by a definition of conflict written down here without
 * looking at the guard; then the record, bit by bit. */
#include <criterion/criterion.h>
#include <signal.h>

#include "base/core/keccak.h"
#include "consensus/guard.h"
#include "tests/consensus/golden/fixture.h"

static struct bft_guard g;

static void setup(void)
{
    bft_guard_init(&g);
}

TestSuite(guard, .init = setup, .timeout = 120);

/* A request in short: kind, epoch, round or height, block, and parent round or lock round. */
struct ask {
    enum bft_signed_kind kind;
    uint64_t epoch, round;
    uint8_t block;
    uint64_t lock;
};

#define P BFT_SIGNED_PROPOSE
#define V BFT_SIGNED_VOTE
#define C BFT_SIGNED_COMMIT
#define T BFT_SIGNED_TIMEOUT
#define A BFT_SIGNED_ATTEST
#define B BFT_SIGNED_BATCH

static struct bft_signed message(struct ask a)
{
    struct bft_signed m;
    struct td_hash hash = {{a.block}};
    memset(&m, 0, sizeof m);
    m.kind = a.kind;
    switch (a.kind) {
    case BFT_SIGNED_PROPOSE:
        m.u.propose = (struct bft_propose){a.epoch, a.round, hash, 3, {{0}}};
        break;
    case BFT_SIGNED_VOTE:
        m.u.vote = (struct bft_vote){a.epoch, a.round, a.round, hash, 3, {{0}}};
        break;
    case BFT_SIGNED_COMMIT:
        m.u.commit = (struct bft_commit){a.epoch, a.round, hash, 3, {{0}}};
        break;
    case BFT_SIGNED_TIMEOUT:
        m.u.timeout = (struct bft_timeout){a.epoch, a.round, a.lock, 3, {{0}}};
        break;
    case BFT_SIGNED_ATTEST:
        m.u.attest.fields.epoch = a.epoch;
        m.u.attest.fields.height = a.round;
        m.u.attest.fields.block_hash = hash;
        m.u.attest.signer = 3;
        break;
    case BFT_SIGNED_BATCH:
        m.u.batch = (struct bft_batch_attest){a.epoch, {{0}}, hash, a.round, 3, {{0}}};
        break;
    }
    return m;
}

static enum bft_guard_verdict request(struct bft_guard *guard, struct ask a)
{
    struct bft_signed m = message(a);
    enum bft_guard_verdict v = bft_guard_admit(guard, &m);
    if (v == BFT_GUARD_OK)
        bft_guard_keep(guard, &m, a.lock);
    return v;
}

/* All but the last step must be admitted. */
static const struct {
    const char *name;
    struct ask step[4];
    enum bft_guard_verdict want;
} CASES[] = {
    {"first_vote", {{V, 1, 5, 1, 4}}, BFT_GUARD_OK},
    {"round_0", {{V, 1, 0, 1, 0}}, BFT_GUARD_OLD},
    {"height_0", {{A, 1, 0, 1, 0}}, BFT_GUARD_OLD},
    {"batch_height_0", {{B, 1, 0, 1, 0}}, BFT_GUARD_OLD},
    /* 1: one per slot, slots only grow */
    {"same_propose", {{P, 1, 5, 1, 0}, {P, 1, 5, 1, 0}}, BFT_GUARD_SAME},
    {"second_propose", {{P, 1, 5, 1, 0}, {P, 1, 5, 2, 0}}, BFT_GUARD_CONFLICT},
    {"older_propose", {{P, 1, 5, 1, 0}, {P, 1, 4, 1, 0}}, BFT_GUARD_OLD},
    {"next_propose", {{P, 1, 5, 1, 0}, {P, 1, 6, 1, 0}}, BFT_GUARD_OK},
    {"same_vote", {{V, 1, 5, 1, 4}, {V, 1, 5, 1, 4}}, BFT_GUARD_SAME},
    {"second_vote", {{V, 1, 5, 1, 4}, {V, 1, 5, 2, 4}}, BFT_GUARD_CONFLICT},
    {"older_vote", {{V, 1, 5, 1, 4}, {V, 1, 4, 1, 3}}, BFT_GUARD_OLD},
    {"same_commit", {{C, 1, 5, 1, 0}, {C, 1, 5, 1, 0}}, BFT_GUARD_SAME},
    {"second_commit", {{C, 1, 5, 1, 0}, {C, 1, 5, 2, 0}}, BFT_GUARD_CONFLICT},
    {"older_commit", {{C, 1, 5, 1, 0}, {C, 1, 4, 1, 0}}, BFT_GUARD_OLD},
    {"same_timeout", {{T, 1, 5, 0, 4}, {T, 1, 5, 0, 4}}, BFT_GUARD_SAME},
    {"other_lock", {{T, 1, 5, 0, 4}, {T, 1, 5, 0, 3}}, BFT_GUARD_CONFLICT},
    {"older_timeout", {{T, 1, 5, 0, 4}, {T, 1, 4, 0, 3}}, BFT_GUARD_OLD},
    {"kinds_do_not_mix", {{P, 1, 5, 1, 0}, {V, 1, 5, 2, 4}, {C, 1, 5, 2, 0}}, BFT_GUARD_OK},
    /* 2: nothing at or below the last timeout */
    {"vote_at_timeout", {{T, 1, 5, 0, 4}, {V, 1, 5, 1, 4}}, BFT_GUARD_OLD},
    {"vote_below_timeout", {{T, 1, 5, 0, 4}, {V, 1, 4, 1, 3}}, BFT_GUARD_OLD},
    {"vote_above_timeout", {{T, 1, 5, 0, 4}, {V, 1, 6, 1, 4}}, BFT_GUARD_OK},
    {"commit_at_timeout", {{T, 1, 5, 0, 4}, {C, 1, 5, 1, 0}}, BFT_GUARD_OLD},
    {"commit_above_timeout", {{T, 1, 5, 0, 4}, {C, 1, 6, 1, 0}}, BFT_GUARD_OK},
    {"propose_after_timeout", {{T, 1, 5, 0, 4}, {P, 1, 5, 1, 0}}, BFT_GUARD_OK},
    {"vote_in_new_epoch", {{T, 1, 5, 0, 4}, {V, 2, 1, 1, 0}}, BFT_GUARD_OK},
    /* 3: locks */
    {"timeout_keeps_commit", {{C, 1, 5, 1, 0}, {T, 1, 6, 0, 5}}, BFT_GUARD_OK},
    {"timeout_forgets_commit", {{C, 1, 5, 1, 0}, {T, 1, 6, 0, 4}}, BFT_GUARD_LOCK},
    {"timeout_forgets_commit_later", {{C, 1, 5, 1, 0}, {T, 1, 60, 0, 4}}, BFT_GUARD_LOCK},
    {"timeout_at_commit", {{C, 1, 5, 1, 0}, {T, 1, 5, 0, 4}}, BFT_GUARD_LOCK},
    {"timeout_below_commit", {{C, 1, 5, 1, 0}, {T, 1, 4, 0, 3}}, BFT_GUARD_OLD},
    {"timeout_keeps_parent", {{V, 1, 5, 1, 4}, {T, 1, 5, 0, 4}}, BFT_GUARD_OK},
    {"timeout_forgets_parent", {{V, 1, 5, 1, 4}, {T, 1, 5, 0, 3}}, BFT_GUARD_LOCK},
    {"timeout_below_vote", {{V, 1, 5, 1, 4}, {T, 1, 4, 0, 3}}, BFT_GUARD_OLD},
    {"older_vote_still_binds", {{V, 1, 5, 1, 4}, {V, 1, 6, 1, 2}, {T, 1, 6, 0, 3}}, BFT_GUARD_LOCK},
    {"older_vote_is_kept", {{V, 1, 5, 1, 4}, {V, 1, 6, 1, 2}, {T, 1, 6, 0, 4}}, BFT_GUARD_OK},
    {"locks_end_with_the_epoch", {{V, 1, 5, 1, 4}, {C, 1, 5, 1, 0}, {T, 2, 1, 0, 0}}, BFT_GUARD_OK},
    {"vote_lock_of_new_epoch", {{V, 1, 5, 1, 4}, {V, 2, 2, 1, 0}, {T, 2, 2, 0, 0}}, BFT_GUARD_OK},
    {"lock_at_own_round", {{T, 1, 5, 0, 5}}, BFT_GUARD_LOCK},
    {"lock_above_own_round", {{T, 1, 5, 0, 9}}, BFT_GUARD_LOCK},
    /* 4: heights */
    {"same_attest", {{A, 1, 20, 1, 0}, {A, 1, 20, 1, 0}}, BFT_GUARD_SAME},
    {"second_attest", {{A, 1, 20, 1, 0}, {A, 1, 20, 2, 0}}, BFT_GUARD_CONFLICT},
    {"attest_of_other_epoch", {{A, 1, 20, 1, 0}, {A, 2, 20, 1, 0}}, BFT_GUARD_CONFLICT},
    {"skipped_height", {{A, 1, 20, 1, 0}, {A, 1, 19, 1, 0}}, BFT_GUARD_OK},
    {"skipped_then_taken",
     {{A, 1, 20, 1, 0}, {A, 1, 19, 1, 0}, {A, 1, 19, 2, 0}},
     BFT_GUARD_CONFLICT},
    {"window_edge", {{A, 1, 20, 1, 0}, {A, 1, 5, 1, 0}}, BFT_GUARD_OK},
    {"out_of_window", {{A, 1, 20, 1, 0}, {A, 1, 4, 1, 0}}, BFT_GUARD_OLD},
    {"overwritten_height", {{A, 1, 4, 1, 0}, {A, 1, 20, 1, 0}, {A, 1, 4, 2, 0}}, BFT_GUARD_OLD},
    {"attest_after_epoch", {{V, 2, 1, 1, 0}, {A, 1, 20, 1, 0}}, BFT_GUARD_OK},
    {"same_batch", {{B, 1, 20, 1, 0}, {B, 1, 20, 1, 0}}, BFT_GUARD_SAME},
    {"second_batch", {{B, 1, 20, 1, 0}, {B, 1, 20, 2, 0}}, BFT_GUARD_CONFLICT},
    {"older_batch", {{B, 1, 20, 1, 0}, {B, 1, 19, 1, 0}}, BFT_GUARD_OLD},
    {"next_batch", {{B, 1, 20, 1, 0}, {B, 1, 40, 1, 0}}, BFT_GUARD_OK},
    {"batch_before_last",
     {{B, 1, 20, 1, 0}, {B, 1, 40, 1, 0}, {B, 1, 20, 2, 0}},
     BFT_GUARD_CONFLICT},
    /* 5: epochs */
    {"vote_of_old_epoch", {{P, 2, 1, 1, 0}, {V, 1, 9, 1, 8}}, BFT_GUARD_OLD},
    {"commit_of_old_epoch", {{V, 2, 1, 1, 0}, {C, 1, 9, 1, 0}}, BFT_GUARD_OLD},
    {"timeout_of_old_epoch", {{C, 2, 1, 1, 0}, {T, 1, 9, 0, 8}}, BFT_GUARD_OLD},
    {"propose_of_old_epoch", {{T, 2, 1, 0, 0}, {P, 1, 9, 1, 0}}, BFT_GUARD_OLD},
    {"resend_of_old_epoch", {{V, 1, 9, 1, 8}, {T, 2, 1, 0, 0}, {V, 1, 9, 1, 8}}, BFT_GUARD_SAME},
};

Test(guard, invariants)
{
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        uint32_t steps = 0;
        bft_guard_init(&g);
        while (steps < 4 && CASES[i].step[steps].kind != 0)
            steps++;
        for (uint32_t s = 0; s + 1 < steps; s++)
            cr_assert_eq(request(&g, CASES[i].step[s]), BFT_GUARD_OK, "%s step %u", CASES[i].name,
                         s);
        enum bft_guard_verdict got = request(&g, CASES[i].step[steps - 1]);
        cr_expect_eq(got, CASES[i].want, "%s: %d", CASES[i].name, (int)got);
    }
}

Test(guard, same_returns_the_kept_signature)
{
    for (uint32_t k = 1; k <= BFT_SIGNED_KINDS; k++) {
        struct ask a = {(enum bft_signed_kind)k, 1, 5, 1, 0};
        struct bft_signed m = message(a), again = message(a);
        uint8_t *sig[] = {m.u.propose.sig.b, m.u.vote.sig.b,   m.u.commit.sig.b,
                          m.u.timeout.sig.b, m.u.attest.sig.b, m.u.batch.sig.b};
        uint8_t *copy[] = {again.u.propose.sig.b, again.u.vote.sig.b,   again.u.commit.sig.b,
                           again.u.timeout.sig.b, again.u.attest.sig.b, again.u.batch.sig.b};
        memset(sig[k - 1], 0xab, TD_SIG_BYTES);
        cr_assert_eq(bft_guard_admit(&g, &m), BFT_GUARD_OK);
        bft_guard_keep(&g, &m, 0);
        setup();
        bft_guard_keep(&g, &m, 0);
        cr_assert_eq(bft_guard_admit(&g, &again), BFT_GUARD_SAME);
        cr_expect_arr_eq(copy[k - 1], sig[k - 1], TD_SIG_BYTES, "kind %u", k);
        setup();
    }
}

/* ---- every short history */

/* May an honest key sign `b` after `a`, by the rules and by what L1 punishes?  Written from the
 * protocol: [P-4.1], [P-4.4], [P-5.1], [P-12.1]. */
static bool conflicts(const struct ask *a, const struct ask *b)
{
    if (a->kind == b->kind && a->round == b->round)
        return a->block != b->block || (a->kind == T && a->lock != b->lock);
    if (a->kind == b->kind)
        return b->round < a->round;
    if (a->kind == T && (b->kind == V || b->kind == C))
        return b->round <= a->round;
    if (b->kind != T || b->round < a->round)
        return false;
    return (a->kind == C || a->kind == V) && b->lock < (a->kind == C ? a->round : a->lock);
}

static struct ask asks[64];
static uint32_t ask_count;
static uint64_t admitted[5], refused[5];
static uint64_t over_strict; /* refused though no pair conflicts */

static void all_asks(void)
{
    for (uint64_t round = 1; round <= 3; round++) {
        for (uint8_t block = 1; block <= 2; block++) {
            asks[ask_count++] = (struct ask){P, 1, round, block, 0};
            asks[ask_count++] = (struct ask){C, 1, round, block, 0};
            for (uint64_t parent = 0; parent < round; parent++)
                asks[ask_count++] = (struct ask){V, 1, round, block, parent};
        }
        for (uint64_t lock = 0; lock < round; lock++)
            asks[ask_count++] = (struct ask){T, 1, round, 0, lock};
    }
}

static void explore(const struct bft_guard *before, const struct ask *signed_so_far[],
                    uint32_t depth)
{
    for (uint32_t i = 0; i < ask_count; i++) {
        struct bft_signed m = message(asks[i]);
        bool clash = false;
        for (uint32_t k = 0; k < depth; k++)
            clash |= conflicts(signed_so_far[k], &asks[i]);
        switch (bft_guard_admit(before, &m)) {
        case BFT_GUARD_OK:
            cr_assert(!clash, "kind %d round %d admitted at depth %u", (int)asks[i].kind,
                      (int)asks[i].round, depth);
            admitted[depth]++;
            if (depth < 3) {
                static struct bft_guard after[4];
                after[depth] = *before;
                bft_guard_keep(&after[depth], &m, asks[i].lock);
                signed_so_far[depth] = &asks[i];
                explore(&after[depth], signed_so_far, depth + 1);
            }
            break;
        case BFT_GUARD_SAME:
            break;
        case BFT_GUARD_CONFLICT:
        case BFT_GUARD_OLD:
        case BFT_GUARD_LOCK:
            refused[depth]++;
            over_strict += !clash;
            break;
        }
    }
}

Test(guard, never_signs_a_conflicting_pair_in_any_short_history)
{
    const struct ask *history[4];
    all_asks();
    cr_assert_eq(ask_count, 30);
    explore(&g, history, 0);
    cr_expect_eq(admitted[0], 30, "a fresh key may sign anything once");
    /* A guard that refused everything would pass the check above. */
    cr_expect_gt(admitted[3], 10000, "%lu", (unsigned long)admitted[3]);
    cr_expect_gt(refused[3], 10000, "%lu", (unsigned long)refused[3]);
    /* The one rule beyond conflicts: no timeout below the last vote or commit vote. */
    cr_expect_lt(over_strict * 10, refused[1] + refused[2] + refused[3], "%lu",
                 (unsigned long)over_strict);
}

/* ---- what others hold */

Test(guard, compares_with_messages_of_others)
{
    static const struct {
        const char *name;
        struct ask kept, theirs;
        enum bft_guard_knows want;
    } ROWS[] = {
        {"nothing_kept", {0}, {V, 1, 1, 1, 0}, BFT_GUARD_NEWER},
        {"other_kind_kept", {V, 1, 5, 1, 0}, {C, 1, 1, 1, 0}, BFT_GUARD_NEWER},
        {"same", {V, 1, 5, 1, 0}, {V, 1, 5, 1, 0}, BFT_GUARD_KNOWN},
        {"older", {V, 1, 5, 1, 0}, {V, 1, 4, 1, 0}, BFT_GUARD_KNOWN},
        {"newer", {V, 1, 5, 1, 0}, {V, 1, 6, 1, 0}, BFT_GUARD_NEWER},
        {"newer_epoch", {V, 1, 5, 1, 0}, {V, 2, 1, 1, 0}, BFT_GUARD_NEWER},
        {"contrary", {V, 1, 5, 1, 0}, {V, 1, 5, 2, 0}, BFT_GUARD_CONTRARY},
        {"propose", {P, 1, 5, 1, 0}, {P, 1, 5, 2, 0}, BFT_GUARD_CONTRARY},
        {"commit", {C, 1, 5, 1, 0}, {C, 1, 5, 2, 0}, BFT_GUARD_CONTRARY},
        {"timeout", {T, 1, 5, 0, 1}, {T, 1, 5, 0, 2}, BFT_GUARD_CONTRARY},
        {"attest_same", {A, 1, 20, 1, 0}, {A, 1, 20, 1, 0}, BFT_GUARD_KNOWN},
        {"attest_contrary", {A, 1, 20, 1, 0}, {A, 1, 20, 2, 0}, BFT_GUARD_CONTRARY},
        {"attest_newer", {A, 1, 20, 1, 0}, {A, 1, 21, 1, 0}, BFT_GUARD_NEWER},
        {"attest_never_signed", {A, 1, 20, 1, 0}, {A, 1, 19, 1, 0}, BFT_GUARD_NEWER},
        {"attest_forgotten", {A, 1, 20, 1, 0}, {A, 1, 4, 1, 0}, BFT_GUARD_KNOWN},
        {"batch_same", {B, 1, 20, 1, 0}, {B, 1, 20, 1, 0}, BFT_GUARD_KNOWN},
        {"batch_contrary", {B, 1, 20, 1, 0}, {B, 1, 20, 2, 0}, BFT_GUARD_CONTRARY},
        {"batch_newer", {B, 1, 20, 1, 0}, {B, 1, 21, 1, 0}, BFT_GUARD_NEWER},
        {"batch_never_signed", {B, 1, 20, 1, 0}, {B, 1, 10, 1, 0}, BFT_GUARD_NEWER},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        setup();
        if (ROWS[i].kept.kind != 0)
            cr_assert_eq(request(&g, ROWS[i].kept), BFT_GUARD_OK);
        struct bft_signed theirs = message(ROWS[i].theirs);
        cr_expect_eq(bft_guard_compare(&g, &theirs), ROWS[i].want, "%s", ROWS[i].name);
    }
}

Test(guard, forgets_batches_in_order)
{
    for (uint64_t h = 1; h <= BFT_GUARD_BATCHES + 1; h++)
        cr_assert_eq(request(&g, (struct ask){B, 1, 10 * h, 1, 0}), BFT_GUARD_OK);
    struct bft_signed first = message((struct ask){B, 1, 10, 2, 0});
    struct bft_signed second = message((struct ask){B, 1, 20, 2, 0});
    cr_expect_eq(bft_guard_compare(&g, &first), BFT_GUARD_KNOWN, "older than the ring");
    cr_expect_eq(bft_guard_compare(&g, &second), BFT_GUARD_CONTRARY);
    cr_expect_eq(bft_guard_admit(&g, &first), BFT_GUARD_OLD);
}

/* ---- record */

static void fill(void)
{
    for (uint64_t h = 3; h < 40; h++)
        cr_assert_eq(request(&g, (struct ask){A, 1, h, 1, 0}), BFT_GUARD_OK);
    for (uint64_t h = 1; h < 8; h++)
        cr_assert_eq(request(&g, (struct ask){B, 1, 10 * h, 1, 0}), BFT_GUARD_OK);
    static const struct ask STEPS[] = {
        {P, 1, 5, 1, 0}, {V, 1, 5, 1, 4}, {V, 1, 6, 1, 2}, {C, 1, 5, 1, 0}, {T, 1, 6, 0, 5}};
    for (size_t i = 0; i < 5; i++)
        cr_assert_eq(request(&g, STEPS[i]), BFT_GUARD_OK);
}

Test(guard, record_round_trips)
{
    static uint8_t bytes[BFT_GUARD_BYTES_MAX], again[BFT_GUARD_BYTES_MAX];
    static struct bft_guard back;
    for (int full = 0; full < 2; full++) {
        if (full)
            fill();
        size_t len = bft_guard_encode(bytes, sizeof bytes, &g);
        cr_assert_gt(len, 0);
        cr_assert_eq(bft_guard_decode(&back, bytes, len), TD_OK);
        cr_assert_eq(bft_guard_encode(again, sizeof again, &back), len);
        cr_expect_arr_eq(bytes, again, len);
        cr_expect_eq(back.vote_parent_round, full ? 4 : 0);
        cr_expect_eq(request(&back, (struct ask){T, 1, 7, 0, 4}),
                     full ? BFT_GUARD_LOCK : BFT_GUARD_OK);
        cr_expect_eq(request(&back, (struct ask){A, 1, 39, 2, 0}),
                     full ? BFT_GUARD_CONFLICT : BFT_GUARD_OK);
    }
}

Test(guard, damaged_records_are_refused)
{
    static uint8_t bytes[BFT_GUARD_BYTES_MAX + 1], small[BFT_GUARD_BYTES_MAX];
    static struct bft_guard back;
    fill();
    size_t len = bft_guard_encode(bytes, sizeof bytes, &g);
    for (size_t bit = 0; bit < 8 * len; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_assert_eq(bft_guard_decode(&back, bytes, len), TD_E_CORRUPT, "bit %zu", bit);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t n = 0; n < len; n++) {
        cr_assert_eq(bft_guard_decode(&back, bytes, n), TD_E_TRUNCATED, "at %zu", n);
        if (n % 61 == 0 || n + 33 > len)
            cr_assert_eq(bft_guard_encode(small, n, &g), 0);
    }
    cr_assert_eq(bft_guard_decode(&back, bytes, len + 1), TD_E_MALFORMED);
}

/* Change a byte and mend the checksum: only a bug of a writer could do that. */
Test(guard, inconsistent_records_are_refused)
{
    static uint8_t bytes[BFT_GUARD_BYTES_MAX];
    static struct bft_guard back;
    static const struct {
        const char *name;
        size_t from_start, from_end;
        uint8_t value;
        enum td_error want;
    } ROWS[] = {
        {"untouched", 0, 0, 0x54, TD_OK},
        {"magic", 0, 0, 0x55, TD_E_MALFORMED},
        {"version", 7, 0, 2, TD_E_UNSUPPORTED},
        {"present_2", 8, 0, 2, TD_E_MALFORMED},
        {"attests_absent", 12, 0, 0, TD_E_CORRUPT},
        {"batches_absent", 13, 0, 0, TD_E_CORRUPT},
        {"batch_cursor_4", 0, 32 + 1, 4, TD_E_CORRUPT},
        {"batch_height", 0, 32 + 4 + 1, 71, TD_E_CORRUPT},
        {"attest_height", 0, 32 + 4 + 8 + 4 * 146 + 1, 40, TD_E_CORRUPT},
        {"attest_in_wrong_place", 8 + 6 + 114 + 122 + 8 + 114 + 90 + 47, 0, 33, TD_E_CORRUPT},
    };
    fill();
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        size_t len = bft_guard_encode(bytes, sizeof bytes, &g);
        size_t at = ROWS[i].from_end != 0 ? len - ROWS[i].from_end : ROWS[i].from_start;
        struct td_hash sum;
        bytes[at] = ROWS[i].value;
        td_keccak256(&sum, bytes, len - 32);
        memcpy(bytes + len - 32, sum.b, 32);
        enum td_error got = bft_guard_decode(&back, bytes, len);
        cr_expect_eq(got, ROWS[i].want, "%s: %d", ROWS[i].name, (int)got);
    }
}

Test(guard, keeping_what_was_not_admitted_is_a_bug, .signal = SIGABRT)
{
    struct bft_signed m = message((struct ask){V, 1, 5, 1, 0});
    bft_guard_keep(&g, &m, 0);
    m.u.vote.hash.b[0] ^= 1;
    bft_guard_keep(&g, &m, 0);
}
