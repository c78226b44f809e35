/* node_guard_lowered: an imported sign guard must forbid everything that the one here forbids.
 * Method: pairs of histories, made by bft_guard_keep; then, for every prefix of a long history,
 * that a later guard covers an earlier one and never the other way round. */
#include <criterion/criterion.h>
#include <string.h>

#include "node/cli/guard.h"

static struct bft_signed message(enum bft_signed_kind kind, uint64_t epoch, uint64_t round,
                                 uint8_t block, uint64_t lock)
{
    struct bft_signed m;
    struct td_hash hash = {{block}};
    memset(&m, 0, sizeof m);
    m.kind = kind;
    if (kind == BFT_SIGNED_PROPOSE)
        m.u.propose = (struct bft_propose){epoch, round, hash, 1, {{0}}};
    else if (kind == BFT_SIGNED_VOTE)
        m.u.vote = (struct bft_vote){epoch, round, round, hash, 1, {{0}}};
    else if (kind == BFT_SIGNED_COMMIT)
        m.u.commit = (struct bft_commit){epoch, round, hash, 1, {{0}}};
    else if (kind == BFT_SIGNED_TIMEOUT)
        m.u.timeout = (struct bft_timeout){epoch, round, lock, 1, {{0}}};
    else if (kind == BFT_SIGNED_BATCH)
        m.u.batch = (struct bft_batch_attest){.epoch = epoch, .batch_hash = hash, .height = round};
    if (kind == BFT_SIGNED_ATTEST) {
        m.u.attest.fields.epoch = epoch;
        m.u.attest.fields.height = round;
        m.u.attest.fields.block_hash = hash;
    }
    return m;
}

static void keep(struct bft_guard *g, enum bft_signed_kind kind, uint64_t epoch, uint64_t round,
                 uint8_t block, uint64_t lock)
{
    struct bft_signed m = message(kind, epoch, round, block, lock);
    bft_guard_keep(g, &m, lock);
}

struct signed_once {
    enum bft_signed_kind kind; /* 0: nothing */
    uint64_t epoch, round;
    uint8_t block;
    uint64_t lock;
};

static const struct {
    const char *name;
    struct signed_once here[2], file[2];
    const char *lowered; /* NULL: may be imported */
} CASES[] = {
    {"nothing into nothing", {{0}}, {{0}}, NULL},
    {"something into nothing", {{0}}, {{BFT_SIGNED_VOTE, 0, 5, 1, 4}}, NULL},
    {"nothing over a vote", {{BFT_SIGNED_VOTE, 0, 5, 1, 4}}, {{0}}, "vote"},
    {"an older vote", {{BFT_SIGNED_VOTE, 0, 5, 1, 4}}, {{BFT_SIGNED_VOTE, 0, 4, 1, 3}}, "vote"},
    {"a newer vote", {{BFT_SIGNED_VOTE, 0, 5, 1, 4}}, {{BFT_SIGNED_VOTE, 0, 6, 1, 5}}, NULL},
    {"the same vote", {{BFT_SIGNED_VOTE, 0, 5, 1, 4}}, {{BFT_SIGNED_VOTE, 0, 5, 1, 4}}, NULL},
    {"another vote of that round",
     {{BFT_SIGNED_VOTE, 0, 5, 1, 4}},
     {{BFT_SIGNED_VOTE, 0, 5, 2, 4}},
     "vote"},
    {"a newer vote with a lower lock",
     {{BFT_SIGNED_VOTE, 0, 5, 1, 4}},
     {{BFT_SIGNED_VOTE, 0, 6, 1, 3}},
     "lock"},
    {"a lock of the epoch before",
     {{BFT_SIGNED_VOTE, 0, 5, 1, 4}},
     {{BFT_SIGNED_VOTE, 1, 1, 1, 0}},
     NULL},
    {"an older proposal",
     {{BFT_SIGNED_PROPOSE, 1, 2, 1, 0}},
     {{BFT_SIGNED_PROPOSE, 0, 9, 1, 0}},
     "proposal"},
    {"an older commit",
     {{BFT_SIGNED_COMMIT, 0, 5, 1, 0}},
     {{BFT_SIGNED_COMMIT, 0, 4, 1, 0}},
     "commit vote"},
    {"no timeout", {{BFT_SIGNED_TIMEOUT, 0, 5, 0, 2}}, {{BFT_SIGNED_VOTE, 0, 9, 1, 8}}, "timeout"},
    {"a newer vote, an older proposal",
     {{BFT_SIGNED_PROPOSE, 0, 5, 1, 0}, {BFT_SIGNED_VOTE, 0, 5, 1, 4}},
     {{BFT_SIGNED_PROPOSE, 0, 4, 1, 0}, {BFT_SIGNED_VOTE, 0, 6, 1, 5}},
     "proposal"},
    {"another attestation of that height",
     {{BFT_SIGNED_ATTEST, 0, 5, 1, 0}},
     {{BFT_SIGNED_ATTEST, 0, 5, 2, 0}},
     "attestation"},
    {"an attestation that the file lacks",
     {{BFT_SIGNED_ATTEST, 0, 5, 1, 0}},
     {{BFT_SIGNED_ATTEST, 0, 6, 1, 0}},
     "attestation"},
    {"an attestation that the file has left behind",
     {{BFT_SIGNED_ATTEST, 0, 5, 1, 0}},
     {{BFT_SIGNED_ATTEST, 0, 5 + BFT_GUARD_ATTESTS, 1, 0}},
     NULL},
    {"a batch of another content",
     {{BFT_SIGNED_BATCH, 0, 5, 1, 0}},
     {{BFT_SIGNED_BATCH, 0, 5, 2, 0}},
     "batch attestation"},
    {"a batch that the file lacks",
     {{BFT_SIGNED_BATCH, 0, 5, 1, 0}},
     {{BFT_SIGNED_VOTE, 0, 5, 1, 4}},
     "batch attestation"},
};

static void history(struct bft_guard *g, const struct signed_once list[2])
{
    bft_guard_init(g);
    for (size_t i = 0; i < 2 && list[i].kind != 0; i++)
        keep(g, list[i].kind, list[i].epoch, list[i].round, list[i].block, list[i].lock);
}

Test(guard_import, pairs)
{
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct bft_guard here, file;
        history(&here, CASES[i].here);
        history(&file, CASES[i].file);
        const char *lowered = node_guard_lowered(&file, &here);
        cr_expect_str_eq(lowered == NULL ? "nothing" : lowered,
                         CASES[i].lowered == NULL ? "nothing" : CASES[i].lowered, "%s",
                         CASES[i].name);
    }
}

#define ROUNDS 40u

/* One step of a validator's life: votes, commits, proposals, attestations, now and then a batch. */
static void live(struct bft_guard *g, uint64_t round)
{
    keep(g, BFT_SIGNED_VOTE, 0, round, 1, round - 1);
    if (round % 4 == 0)
        keep(g, BFT_SIGNED_PROPOSE, 0, round, 1, 0);
    if (round % 5 == 0)
        keep(g, BFT_SIGNED_BATCH, 0, round, 1, 0);
    if (round % 7 == 0)
        keep(g, BFT_SIGNED_TIMEOUT, 0, round, 0, round - 1);
    else
        keep(g, BFT_SIGNED_COMMIT, 0, round, 1, 0);
    keep(g, BFT_SIGNED_ATTEST, 0, round, 1, 0);
}

Test(guard_import, a_later_copy_covers_an_earlier_one_and_not_the_other_way)
{
    static struct bft_guard at[ROUNDS];
    bft_guard_init(&at[0]);
    for (uint32_t i = 1; i < ROUNDS; i++) {
        at[i] = at[i - 1];
        live(&at[i], i);
    }
    for (uint32_t a = 0; a < ROUNDS; a++) {
        for (uint32_t b = 0; b < ROUNDS; b++) {
            const char *lowered = node_guard_lowered(&at[a], &at[b]);
            cr_expect_eq(lowered == NULL, a >= b, "%u over %u: %s", a, b,
                         lowered == NULL ? "nothing" : lowered);
        }
    }
}
