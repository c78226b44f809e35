/* EIP-712 digests of signed messages.  [P-1.3]
 *
 * The member order below and the type strings say the same thing twice; golden digests computed by
 * an independent implementation hold them together (tests/consensus/test_digest.c). */
#include "consensus/digest.h"

#include "base/core/assert.h"
#include "base/core/eip712.h"

static const char *const TYPE[BFT_SIGNED_KINDS] = {
    [BFT_SIGNED_PROPOSE - 1] = "Propose(uint64 epoch,uint64 round,bytes32 blockHash)",
    [BFT_SIGNED_VOTE - 1] = "Vote(uint64 epoch,uint64 round,uint64 height,bytes32 blockHash)",
    [BFT_SIGNED_COMMIT - 1] = "CommitVote(uint64 epoch,uint64 round,bytes32 blockHash)",
    [BFT_SIGNED_TIMEOUT - 1] = "Timeout(uint64 epoch,uint64 round,uint64 lockRound)",
    [BFT_SIGNED_ATTEST - 1] =
        "Attest(uint64 epoch,bytes32 setHash,uint64 height,bytes32 blockHash,bytes32 parentHash,"
        "bytes32 stateCommitment,bytes32 messagesRoot,bytes32 daCommitment,"
        "bytes32 priorityHash,bytes32 nextSetHash)",
    [BFT_SIGNED_BATCH - 1] = "BatchAttest(uint64 epoch,bytes32 setHash,bytes32 batchHash)",
};

void bft_domain_init(struct bft_domain *d, uint64_t l1_chain_id, const struct td_addr *contract,
                     uint64_t l2_chain_id, const struct td_hash *genesis_hash)
{
    td_eip712_domain_tandem(&d->separator, l1_chain_id, contract, l2_chain_id, genesis_hash);
    for (uint32_t i = 0; i < BFT_SIGNED_KINDS; i++)
        td_eip712_typehash(&d->typehash[i], TYPE[i]);
}

static void begin(struct td_eip712_struct *s, const struct bft_domain *d, enum bft_signed_kind kind)
{
    td_eip712_struct_init(s, &d->typehash[kind - 1]);
}

static void end(struct td_hash *out, struct td_eip712_struct *s, const struct bft_domain *d)
{
    struct td_hash inner;
    td_eip712_struct_final(s, &inner);
    td_eip712_digest(out, &d->separator, &inner);
}

void bft_digest_propose(struct td_hash *out, const struct bft_domain *d, uint64_t epoch,
                        uint64_t round, const struct td_hash *hash)
{
    struct td_eip712_struct s;
    begin(&s, d, BFT_SIGNED_PROPOSE);
    td_eip712_put_u64(&s, epoch);
    td_eip712_put_u64(&s, round);
    td_eip712_put_hash(&s, hash);
    end(out, &s, d);
}

void bft_digest_vote(struct td_hash *out, const struct bft_domain *d, uint64_t epoch,
                     uint64_t round, uint64_t height, const struct td_hash *hash)
{
    struct td_eip712_struct s;
    begin(&s, d, BFT_SIGNED_VOTE);
    td_eip712_put_u64(&s, epoch);
    td_eip712_put_u64(&s, round);
    td_eip712_put_u64(&s, height);
    td_eip712_put_hash(&s, hash);
    end(out, &s, d);
}

void bft_digest_commit(struct td_hash *out, const struct bft_domain *d, uint64_t epoch,
                       uint64_t round, const struct td_hash *hash)
{
    struct td_eip712_struct s;
    begin(&s, d, BFT_SIGNED_COMMIT);
    td_eip712_put_u64(&s, epoch);
    td_eip712_put_u64(&s, round);
    td_eip712_put_hash(&s, hash);
    end(out, &s, d);
}

void bft_digest_timeout(struct td_hash *out, const struct bft_domain *d, uint64_t epoch,
                        uint64_t round, uint64_t lock_round)
{
    struct td_eip712_struct s;
    begin(&s, d, BFT_SIGNED_TIMEOUT);
    td_eip712_put_u64(&s, epoch);
    td_eip712_put_u64(&s, round);
    td_eip712_put_u64(&s, lock_round);
    end(out, &s, d);
}

void bft_digest_attest(struct td_hash *out, const struct bft_domain *d,
                       const struct bft_attest_fields *f)
{
    struct td_eip712_struct s;
    begin(&s, d, BFT_SIGNED_ATTEST);
    td_eip712_put_u64(&s, f->epoch);
    td_eip712_put_hash(&s, &f->set_hash);
    td_eip712_put_u64(&s, f->height);
    td_eip712_put_hash(&s, &f->block_hash);
    td_eip712_put_hash(&s, &f->parent_hash);
    td_eip712_put_hash(&s, &f->state_commitment);
    td_eip712_put_hash(&s, &f->messages_root);
    td_eip712_put_hash(&s, &f->da_commitment);
    td_eip712_put_hash(&s, &f->priority_hash);
    td_eip712_put_hash(&s, &f->next_set_hash);
    end(out, &s, d);
}

void bft_digest_batch(struct td_hash *out, const struct bft_domain *d, uint64_t epoch,
                      const struct td_hash *set_hash, const struct td_hash *batch_hash)
{
    struct td_eip712_struct s;
    begin(&s, d, BFT_SIGNED_BATCH);
    td_eip712_put_u64(&s, epoch);
    td_eip712_put_hash(&s, set_hash);
    td_eip712_put_hash(&s, batch_hash);
    end(out, &s, d);
}

void bft_digest_signed(struct td_hash *out, const struct bft_domain *d, const struct bft_signed *m)
{
    switch (m->kind) {
    case BFT_SIGNED_PROPOSE:
        bft_digest_propose(out, d, m->u.propose.epoch, m->u.propose.round, &m->u.propose.hash);
        return;
    case BFT_SIGNED_VOTE:
        bft_digest_vote(out, d, m->u.vote.epoch, m->u.vote.round, m->u.vote.height,
                        &m->u.vote.hash);
        return;
    case BFT_SIGNED_COMMIT:
        bft_digest_commit(out, d, m->u.commit.epoch, m->u.commit.round, &m->u.commit.hash);
        return;
    case BFT_SIGNED_TIMEOUT:
        bft_digest_timeout(out, d, m->u.timeout.epoch, m->u.timeout.round, m->u.timeout.lock_round);
        return;
    case BFT_SIGNED_ATTEST:
        bft_digest_attest(out, d, &m->u.attest.fields);
        return;
    case BFT_SIGNED_BATCH:
        bft_digest_batch(out, d, m->u.batch.epoch, &m->u.batch.set_hash, &m->u.batch.batch_hash);
        return;
    }
    TD_ASSERT(false);
}
