/* Comparisons over the plain data of types.h.
 *
 * Structs are compared field by field: they have padding, so memcmp would lie. */
#include "consensus/types.h"

#include "base/core/assert.h"

bool bft_origin_eq(const struct bft_origin *a, const struct bft_origin *b)
{
    return a->number == b->number && a->deposit_count == b->deposit_count &&
           td_hash_eq(&a->hash, &b->hash) && td_hash_eq(&a->priority_hash, &b->priority_hash) &&
           td_hash_eq(&a->registry_set_hash, &b->registry_set_hash);
}

uint16_t bft_signed_signer(const struct bft_signed *m)
{
    switch (m->kind) {
    case BFT_SIGNED_PROPOSE:
        return m->u.propose.signer;
    case BFT_SIGNED_VOTE:
        return m->u.vote.signer;
    case BFT_SIGNED_COMMIT:
        return m->u.commit.signer;
    case BFT_SIGNED_TIMEOUT:
        return m->u.timeout.signer;
    case BFT_SIGNED_ATTEST:
        return m->u.attest.signer;
    case BFT_SIGNED_BATCH:
        return m->u.batch.signer;
    }
    TD_ASSERT(false);
    return BFT_NO_SIGNER;
}

struct bft_slot bft_signed_slot(const struct bft_signed *m)
{
    switch (m->kind) {
    case BFT_SIGNED_PROPOSE:
        return (struct bft_slot){m->u.propose.epoch, m->u.propose.round};
    case BFT_SIGNED_VOTE:
        return (struct bft_slot){m->u.vote.epoch, m->u.vote.round};
    case BFT_SIGNED_COMMIT:
        return (struct bft_slot){m->u.commit.epoch, m->u.commit.round};
    case BFT_SIGNED_TIMEOUT:
        return (struct bft_slot){m->u.timeout.epoch, m->u.timeout.round};
    case BFT_SIGNED_ATTEST:
        return (struct bft_slot){m->u.attest.fields.epoch, m->u.attest.fields.height};
    case BFT_SIGNED_BATCH:
        return (struct bft_slot){m->u.batch.epoch, m->u.batch.height};
    }
    TD_ASSERT(false);
    return (struct bft_slot){0, 0};
}

static bool attest_fields_eq(const struct bft_attest_fields *a, const struct bft_attest_fields *b)
{
    return a->epoch == b->epoch && a->height == b->height &&
           td_hash_eq(&a->set_hash, &b->set_hash) && td_hash_eq(&a->block_hash, &b->block_hash) &&
           td_hash_eq(&a->parent_hash, &b->parent_hash) &&
           td_hash_eq(&a->state_commitment, &b->state_commitment) &&
           td_hash_eq(&a->messages_root, &b->messages_root) &&
           td_hash_eq(&a->da_commitment, &b->da_commitment) &&
           td_hash_eq(&a->priority_hash, &b->priority_hash) &&
           td_hash_eq(&a->next_set_hash, &b->next_set_hash);
}

bool bft_signed_same(const struct bft_signed *a, const struct bft_signed *b)
{
    if (a->kind != b->kind || bft_signed_signer(a) != bft_signed_signer(b) ||
        bft_slot_cmp(bft_signed_slot(a), bft_signed_slot(b)) != 0)
        return false;
    switch (a->kind) {
    case BFT_SIGNED_PROPOSE:
        return td_hash_eq(&a->u.propose.hash, &b->u.propose.hash);
    case BFT_SIGNED_VOTE:
        return a->u.vote.height == b->u.vote.height && td_hash_eq(&a->u.vote.hash, &b->u.vote.hash);
    case BFT_SIGNED_COMMIT:
        return td_hash_eq(&a->u.commit.hash, &b->u.commit.hash);
    case BFT_SIGNED_TIMEOUT:
        return a->u.timeout.lock_round == b->u.timeout.lock_round;
    case BFT_SIGNED_ATTEST:
        return attest_fields_eq(&a->u.attest.fields, &b->u.attest.fields);
    case BFT_SIGNED_BATCH:
        return td_hash_eq(&a->u.batch.set_hash, &b->u.batch.set_hash) &&
               td_hash_eq(&a->u.batch.batch_hash, &b->u.batch.batch_hash);
    }
    TD_ASSERT(false);
    return false;
}
