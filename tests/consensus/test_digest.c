/* EIP-712 digests of everything a validator signs.
 * Method: reference.txt holds what an implementation in another language computes from the type
 * strings; here every field must also change the digest. */
#include <criterion/criterion.h>

#include "tests/consensus/golden/fixture.h"
#include "tests/consensus/golden/reference.h"

static struct bft_domain domain;
static struct td_hash block;

static void setup(void)
{
    struct td_hash genesis = fx_hash("genesis", 0);
    struct td_addr contract;
    for (uint8_t i = 0; i < TD_ADDR_BYTES; i++)
        contract.b[i] = (uint8_t)(i + 1);
    bft_domain_init(&domain, 1, &contract, 7001, &genesis);
    block = fx_hash("block", 70);
}

TestSuite(digest, .init = setup);

static struct bft_attest_fields attest_fields(void)
{
    return (struct bft_attest_fields){1,
                                      fx_hash("set", 1),
                                      70,
                                      block,
                                      fx_hash("block", 69),
                                      fx_hash("state", 70),
                                      fx_hash("messages", 70),
                                      fx_hash("da", 70),
                                      fx_hash("priority", 70),
                                      fx_hash("next set", 2)};
}

/* One message of each kind; the fields are those reference.py uses. */
static struct bft_signed message(enum bft_signed_kind kind)
{
    struct bft_signed m = {.kind = kind};
    switch (kind) {
    case BFT_SIGNED_PROPOSE:
        m.u.propose = (struct bft_propose){1, 8, block, 2, {{0}}};
        break;
    case BFT_SIGNED_VOTE:
        m.u.vote = (struct bft_vote){1, 8, 70, block, 2, {{0}}};
        break;
    case BFT_SIGNED_COMMIT:
        m.u.commit = (struct bft_commit){1, 8, block, 2, {{0}}};
        break;
    case BFT_SIGNED_TIMEOUT:
        m.u.timeout = (struct bft_timeout){1, 9, 8, 2, {{0}}};
        break;
    case BFT_SIGNED_ATTEST:
        m.u.attest = (struct bft_attest){attest_fields(), 2, {{0}}};
        break;
    case BFT_SIGNED_BATCH:
        m.u.batch =
            (struct bft_batch_attest){1, fx_hash("set", 1), fx_hash("batch", 1), 68, 2, {{0}}};
        break;
    }
    return m;
}

Test(digest, separators_match_the_reference)
{
    struct bft_domain zero;
    struct td_hash genesis = fx_hash("genesis", 0);
    bft_domain_init(&zero, 31337, &(struct td_addr){{0}}, 7001, &genesis);
    reference_expect("separator", &zero.separator);
    reference_expect("separator_contract", &domain.separator);
}

Test(digest, every_kind_matches_the_reference)
{
    static const char *const NAME[] = {"propose", "vote", "commit", "timeout", "attest", "batch"};
    for (uint32_t i = 0; i < BFT_SIGNED_KINDS; i++) {
        struct bft_signed m = message((enum bft_signed_kind)(i + 1));
        struct td_hash got;
        bft_digest_signed(&got, &domain, &m);
        reference_expect(NAME[i], &got);
    }
}

/* Signer, signature and the batch's height are not part of what is signed. */
Test(digest, binds_fields_and_nothing_else)
{
    struct bft_signed m = message(BFT_SIGNED_BATCH);
    struct td_hash before, after;
    bft_digest_signed(&before, &domain, &m);
    m.u.batch.height++;
    m.u.batch.signer++;
    m.u.batch.sig.b[0] = 1;
    bft_digest_signed(&after, &domain, &m);
    cr_assert(td_hash_eq(&before, &after));
    m.u.batch.batch_hash.b[31] ^= 1;
    bft_digest_signed(&after, &domain, &m);
    cr_assert(!td_hash_eq(&before, &after));
}

Test(digest, kinds_with_equal_fields_differ)
{
    struct td_hash propose, commit;
    bft_digest_propose(&propose, &domain, 1, 8, &block);
    bft_digest_commit(&commit, &domain, 1, 8, &block);
    cr_assert(!td_hash_eq(&propose, &commit));
}

Test(digest, domains_differ_by_each_member)
{
    struct td_hash genesis = fx_hash("genesis", 0), other = fx_hash("genesis", 1);
    struct td_addr contract = {{1}}, elsewhere = {{2}};
    const struct {
        uint64_t l1;
        const struct td_addr *contract;
        uint64_t l2;
        const struct td_hash *genesis;
    } CASES[] = {{1, &contract, 2, &genesis},
                 {2, &contract, 2, &genesis},
                 {1, &elsewhere, 2, &genesis},
                 {1, &contract, 3, &genesis},
                 {1, &contract, 2, &other}};
    struct td_hash seen[5];
    for (size_t i = 0; i < 5; i++) {
        struct bft_domain d;
        bft_domain_init(&d, CASES[i].l1, CASES[i].contract, CASES[i].l2, CASES[i].genesis);
        bft_digest_timeout(&seen[i], &d, 1, 2, 1);
        for (size_t k = 0; k < i; k++)
            cr_expect(!td_hash_eq(&seen[i], &seen[k]), "%zu and %zu", i, k);
    }
}
