#include "tests/bench/signers.h"

#include <string.h>

#include "base/core/assert.h"
#include "base/core/keccak.h"
#include "tests/bench/network.h"

static const struct td_hash block = {{0xB1, 0x0C}};

void bench_signers_init(struct bench_signers *s)
{
    struct td_secp_key key[BENCH_SIGNERS];
    struct td_pubkey pubkey[BENCH_SIGNERS];
    struct td_addr addr[BENCH_SIGNERS];
    *s = (struct bench_signers){.secp = td_secp_new()};
    TD_ASSERT(s->secp != NULL);
    for (uint32_t i = 0; i < BENCH_SIGNERS; i++) {
        struct td_hash secret;
        struct td_secp_pub pub;
        td_keccak256(&secret, &i, sizeof i);
        TD_ASSERT(td_secp_key_init(s->secp, &key[i], secret.b) == TD_OK);
        td_secp_key_pub(s->secp, &pub, &key[i]);
        td_secp_pub_encode(s->secp, &pubkey[i], &pub);
        td_secp_pub_addr(s->secp, &addr[i], &pub);
    }
    bench_set(&s->set, BENCH_SIGNERS, pubkey, addr);
    for (uint32_t i = 0; i < BENCH_SIGNERS; i++) {
        uint16_t at = bft_set_find(&s->set, &addr[i]);
        TD_ASSERT(at < BENCH_SIGNERS);
        s->key[at] = key[i];
        TD_ASSERT(td_secp_pub_decode(s->secp, &s->pub[at], &pubkey[i]) == TD_OK);
    }
    bft_domain_init(&s->domain, 31337, &(struct td_addr){{0}}, 7, &block);
}

void bench_signers_reset(struct bench_signers *s)
{
    for (uint32_t i = 0; i < BENCH_SIGNERS; i++)
        td_secp_key_reset(&s->key[i]);
    td_secp_free(s->secp);
}

/* Signer number `k` of a quorum: 67 of 100 with gaps, as whoever answers first leaves them. */
static uint16_t nth(uint32_t k)
{
    return (uint16_t)(k * BENCH_SIGNERS / BENCH_QUORUM);
}

static void sign(const struct bench_signers *s, uint16_t signer, const struct td_hash *digest,
                 struct td_sig *sig)
{
    TD_ASSERT(td_secp_sign(s->secp, &s->key[signer], digest, sig) == TD_OK);
}

void bench_qc_make(struct bench_qc *out, const struct bench_signers *s, uint64_t round)
{
    struct td_hash digest;
    out->qc = (struct bft_qc){.round = round,
                              .height = round,
                              .hash = block,
                              .sig_count = BENCH_QUORUM,
                              .sigs = out->sigs};
    bft_digest_vote(&digest, &s->domain, 0, round, round, &block);
    for (uint32_t k = 0; k < BENCH_QUORUM; k++) {
        bft_bitmap_add(&out->qc.signers, nth(k));
        sign(s, nth(k), &digest, &out->sigs[k]);
    }
}

void bench_tc_make(struct bench_tc *out, const struct bench_signers *s, uint64_t round)
{
    struct td_hash digest;
    bench_qc_make(&out->high, s, round - 1);
    out->tc = (struct bft_tc){.round = round,
                              .signers = out->high.qc.signers,
                              .entry_count = BENCH_QUORUM,
                              .entries = out->entries,
                              .high_qc = out->high.qc};
    bft_digest_timeout(&digest, &s->domain, 0, round, round - 1);
    for (uint32_t k = 0; k < BENCH_QUORUM; k++) {
        out->entries[k].lock_round = round - 1;
        sign(s, nth(k), &digest, &out->entries[k].sig);
    }
}

void bench_vote_make(struct bft_vote *out, const struct bench_signers *s, uint64_t round)
{
    struct td_hash digest;
    *out = (struct bft_vote){.round = round, .height = round, .hash = block, .signer = 3};
    bft_digest_vote(&digest, &s->domain, 0, round, round, &block);
    sign(s, out->signer, &digest, &out->sig);
}

void bench_proposal_make(struct bft_proposal *out, const struct bench_signers *s,
                         const struct bench_qc *qc)
{
    struct td_hash digest;
    struct bft_header *h = &out->header;
    *out = (struct bft_proposal){.qc = qc->qc};
    h->round = qc->qc.round + 1;
    h->height = qc->qc.height + 1;
    h->parent = h->prev_hash = qc->qc.hash;
    h->parent_round = qc->qc.round;
    h->ts_ms = 1700000000000u;
    bft_header_hash(&out->hash, h);
    bft_digest_propose(&digest, &s->domain, 0, h->round, &out->hash);
    sign(s, h->proposer, &digest, &out->sig);
}
