/* Signature cache: remembers, forgets the older of two, and never mistakes one key for another.
 * Method: tables of a few sets, so that keys meet in one and evictions come at once. */
#include <criterion/criterion.h>

#include "base/core/rng.h"
#include "consensus/sigcache.h"
#include "tests/consensus/golden/fixture.h"

#define LOG_SETS 4u

static _Alignas(16) uint8_t region[(2u << 12) * sizeof(struct bft_sigcache_entry)];
static struct bft_sigcache cache;

static struct bft_sig_check check(uint64_t n)
{
    struct bft_sig_check k = {
        .digest = fx_hash("digest", n), .epoch = n % 3, .signer = (uint16_t)n};
    struct td_hash half = fx_hash("sig", n);
    memcpy(k.sig.b, half.b, 32);
    memcpy(k.sig.b + 32, k.digest.b, 32);
    return k;
}

static void setup(void)
{
    cr_assert(bft_sigcache_footprint(LOG_SETS) <= sizeof region);
    bft_sigcache_init(&cache, region, LOG_SETS, 12345);
}

TestSuite(sigcache, .init = setup);

Test(sigcache, finds_what_was_added_and_counts)
{
    struct bft_sig_check k = check(1);
    cr_expect(!bft_sigcache_has(&cache, &k));
    bft_sigcache_add(&cache, &k);
    cr_expect(bft_sigcache_has(&cache, &k));
    cr_expect(bft_sigcache_has(&cache, &k));
    cr_expect_eq(cache.hits, 2);
    cr_expect_eq(cache.misses, 1);
}

/* An all-zero key equals the bytes of an empty entry. */
Test(sigcache, an_empty_table_holds_nothing)
{
    struct bft_sig_check zero = {.epoch = 0};
    cr_expect(!bft_sigcache_has(&cache, &zero));
    bft_sigcache_add(&cache, &zero);
    cr_expect(bft_sigcache_has(&cache, &zero));
}

/* Two sets: every second key shares the set of the cached one. */
Test(sigcache, never_takes_one_key_for_another)
{
    struct bft_sig_check k = check(7), other;
    bft_sigcache_init(&cache, region, 1, 12345);
    bft_sigcache_add(&cache, &k);
    for (size_t bit = 0; bit < 8 * (32 + 64); bit++) {
        other = k;
        if (bit < 256)
            other.digest.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        else
            other.sig.b[bit / 8 - 32] ^= (uint8_t)(1u << bit % 8);
        cr_expect(!bft_sigcache_has(&cache, &other), "bit %zu", bit);
    }
    for (uint32_t bit = 0; bit < 64; bit++) {
        other = k;
        other.epoch ^= UINT64_C(1) << bit;
        cr_expect(!bft_sigcache_has(&cache, &other), "epoch bit %u", bit);
    }
    for (uint32_t bit = 0; bit < 16; bit++) {
        other = k;
        other.signer ^= (uint16_t)(1u << bit);
        cr_expect(!bft_sigcache_has(&cache, &other), "signer bit %u", bit);
    }
    cr_expect(bft_sigcache_has(&cache, &k));
}

/* The weaker check never stands for the stronger one; the stronger one stands for both, in whatever
 * order they come. */
Test(sigcache, an_inexact_check_never_answers_an_exact_one)
{
    struct bft_sig_check exact = check(5), either = exact;
    exact.exact = true;
    either.exact = false;
    bft_sigcache_add(&cache, &either);
    cr_expect(bft_sigcache_has(&cache, &either));
    cr_expect(!bft_sigcache_has(&cache, &exact), "nobody looked at the parity");
    bft_sigcache_add(&cache, &exact);
    cr_expect(bft_sigcache_has(&cache, &exact), "raised");
    cr_expect(bft_sigcache_has(&cache, &either));
    bft_sigcache_add(&cache, &either);
    cr_expect(bft_sigcache_has(&cache, &exact), "never lowered");

    setup();
    bft_sigcache_add(&cache, &exact);
    cr_expect(bft_sigcache_has(&cache, &either));
    cr_expect(bft_sigcache_has(&cache, &exact));
    uint32_t used = 0;
    for (uint32_t i = 0; i < 2u << LOG_SETS; i++)
        used += cache.entry[i].used != 0;
    cr_expect_eq(used, 1, "one entry, however it was checked");

    exact.sig.b[32] ^= 0x80;
    either.sig.b[32] ^= 0x80;
    cr_expect(!bft_sigcache_has(&cache, &either), "a flipped parity bit is a miss");
    cr_expect(!bft_sigcache_has(&cache, &exact));

    /* A place that is taken over does not keep the old entry's word. */
    bft_sigcache_init(&cache, region, 1, 12345);
    for (uint64_t n = 0; n < 40; n++) {
        struct bft_sig_check k = check(n);
        k.exact = true;
        bft_sigcache_add(&cache, &k);
    }
    for (uint64_t n = 40; n < 80; n++) {
        struct bft_sig_check k = check(n);
        bft_sigcache_add(&cache, &k);
        k.exact = true;
        cr_expect(!bft_sigcache_has(&cache, &k), "entry %u", (unsigned)n);
    }
}

/* Random load against a list of everything ever added: a hit must be in the list, and what the
 * table still holds is at most its size. */
Test(sigcache, evicts_and_stays_bounded)
{
    enum { KEYS = 400 };
    static bool added[KEYS];
    struct td_rng rng;
    td_rng_init(&rng, 1);
    for (uint32_t i = 0; i < 5000; i++) {
        uint64_t n = td_rng_below(&rng, KEYS);
        struct bft_sig_check k = check(n);
        if (td_rng_below(&rng, 2) == 0) {
            bft_sigcache_add(&cache, &k);
            added[n] = true;
            cr_assert(bft_sigcache_has(&cache, &k), "just added");
        } else if (bft_sigcache_has(&cache, &k)) {
            cr_assert(added[n]);
        }
    }
    uint32_t held = 0;
    for (uint32_t n = 0; n < KEYS; n++) {
        struct bft_sig_check k = check(n);
        held += bft_sigcache_has(&cache, &k);
    }
    cr_expect_leq(held, 2u << LOG_SETS);
    cr_expect_geq(held, 1u << LOG_SETS, "5000 additions fill the table");
}

/* Three keys of one set, the first one used in between: the second is the one to go. */
Test(sigcache, evicts_the_older_of_two)
{
    struct bft_sig_check same[3];
    uint32_t count = 0;
    const struct bft_sigcache_entry *set = NULL;
    for (uint64_t n = 0; count < 3; n++) {
        struct bft_sig_check k = check(n);
        setup();
        bft_sigcache_add(&cache, &k);
        uint32_t at = 0;
        while (cache.entry[at].used == 0)
            at++;
        if (set == NULL)
            set = &cache.entry[at];
        if (&cache.entry[at] == set)
            same[count++] = k;
    }
    setup();
    bft_sigcache_add(&cache, &same[0]);
    bft_sigcache_add(&cache, &same[1]);
    bft_sigcache_add(&cache, &same[0]); /* again: refreshes, takes no second place */
    bft_sigcache_add(&cache, &same[2]);
    cr_expect(bft_sigcache_has(&cache, &same[0]));
    cr_expect(!bft_sigcache_has(&cache, &same[1]));
    cr_expect(bft_sigcache_has(&cache, &same[2]));
}

/* Places depend on the secret, or a peer could aim at one set. */
Test(sigcache, secret_moves_the_places)
{
    uint32_t moved = 0;
    for (uint64_t n = 0; n < 64; n++) {
        struct bft_sig_check k = check(n);
        size_t at[2];
        for (uint32_t s = 0; s < 2; s++) {
            bft_sigcache_init(&cache, region, LOG_SETS, 1000 + s);
            bft_sigcache_add(&cache, &k);
            for (at[s] = 0; cache.entry[at[s]].used == 0; at[s]++)
                ;
        }
        moved += at[0] != at[1];
    }
    cr_expect_gt(moved, 48, "%u of 64", moved);
}
