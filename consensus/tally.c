#include "consensus/replica_internal.h"

#include "base/core/memory.h"

void bft_tally_reset(struct bft_tally *t)
{
    t->seen = (struct bft_bitmap){{0}};
    t->group_count = 0;
}

static uint32_t group_find(const struct bft_tally *t, const struct td_hash *hash, uint64_t height)
{
    for (uint32_t i = 0; i < t->group_count; i++)
        if (t->group[i].height == height && td_hash_eq(&t->group[i].hash, hash))
            return i;
    return UINT32_MAX;
}

enum bft_tally_result bft_tally_add(struct bft_tally *t, const struct bft_set *set, uint16_t signer,
                                    const struct td_hash *hash, uint64_t height,
                                    const struct td_sig *sig, uint32_t *group)
{
    TD_ASSERT(signer < set->count);
    uint32_t g = group_find(t, hash, height);
    if (bft_bitmap_has(&t->seen, signer)) {
        *group = t->group_of[signer];
        return g == t->group_of[signer] ? BFT_TALLY_SAME : BFT_TALLY_OTHER;
    }
    if (g == UINT32_MAX) {
        /* Every signer opens at most one group, so there is always room for it. */
        TD_ASSERT(t->group_count < set->count);
        g = t->group_count++;
        t->group[g] = (struct bft_tally_group){.hash = *hash, .height = height};
    }
    bft_bitmap_add(&t->seen, signer);
    bft_bitmap_add(&t->group[g].signers, signer);
    t->group[g].weight += set->v[signer].stake;
    t->group_of[signer] = (uint16_t)g;
    t->sig[signer] = *sig;
    *group = g;
    return BFT_TALLY_NEW;
}

uint32_t bft_tally_collect(const struct bft_tally *t, uint32_t group, struct td_sig *sigs)
{
    uint32_t n = 0;
    for (uint32_t w = 0; w < BFT_BITMAP_WORDS; w++)
        for (uint64_t bits = t->group[group].signers.word[w]; bits != 0; bits &= bits - 1)
            sigs[n++] = t->sig[w * 64u + (uint32_t)__builtin_ctzll(bits)];
    return n;
}
