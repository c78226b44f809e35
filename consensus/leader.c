/* Leader table and reputation.  [P-3.5, P-3.6]
 *
 * Dealing.  With weight w = stake / total, the k-th slot of a validator (k = 0, 1, ...) may be
 * given from step floor(k / w) on and is due before step ceil((k + 1) / w).  Serving, at each step,
 * the earliest deadline among those that may be given meets every deadline (proportionate fairness:
 * Baruah, Cohen, Plaxton, Varvel, 1996), so after every step each validator holds its exact share
 * rounded down or up.  Plain stride scheduling without the release time only bounds the error from
 * below. */
#include "consensus/leader.h"

#include "base/core/assert.h"
#include "base/core/codec.h"
#include "base/core/keccak.h"

__extension__ typedef unsigned __int128 wide;

/* Rounds a validator must have led before its record says anything.  [P-3.6] */
#define REPUTATION_SLOTS_MIN 8u
#define REPUTATION_FACTOR 4u /* "less than a quarter of the average" */

/* ---- dealing */

static void deal(struct bft_leaders *l, const struct bft_set *set,
                 const struct bft_bitmap *excluded, uint64_t total)
{
    uint32_t held[BFT_SIGNERS_MAX] = {0};
    for (uint32_t step = 0; step < TD_LEADER_SLOTS; step++) {
        uint32_t best = BFT_SIGNERS_MAX;
        for (uint32_t i = 0; i < set->count; i++) {
            uint64_t stake = set->v[i].stake;
            if (bft_bitmap_has(excluded, i))
                continue;
            /* Released: held / w < step + 1. */
            if ((wide)held[i] * total >= (wide)(step + 1) * stake)
                continue;
            /* Deadline (held + 1) / stake, cross-multiplied; the lower index wins a tie. */
            if (best == BFT_SIGNERS_MAX ||
                (wide)(held[i] + 1) * set->v[best].stake < (wide)(held[best] + 1) * stake)
                best = i;
        }
        TD_ASSERT(best < set->count);
        held[best]++;
        l->slot[step] = (uint16_t)best;
    }
}

/* ---- shuffling */

/* Counter stream: block i = keccak(seed ‖ u64 i), read as sixteen big-endian 16-bit words. */
struct stream {
    struct td_hash seed;
    struct td_hash block;
    uint64_t counter;
    uint32_t used; /* words taken from block */
};

static uint32_t stream_word(struct stream *s)
{
    if (s->used == TD_HASH_BYTES / 2u) {
        uint8_t buf[TD_HASH_BYTES + 8];
        struct td_writer w;
        td_writer_init(&w, buf, sizeof buf);
        td_put_hash(&w, &s->seed);
        td_put_u64(&w, s->counter++);
        td_keccak256(&s->block, buf, w.len);
        s->used = 0;
    }
    const uint8_t *at = &s->block.b[2u * s->used++];
    return (uint32_t)at[0] << 8 | at[1];
}

/* Uniform below `bound` (1..1024): words under 2^16 mod bound are drawn again. */
static uint32_t stream_below(struct stream *s, uint32_t bound)
{
    uint32_t threshold = 65536u % bound;
    for (;;) {
        uint32_t v = stream_word(s);
        if (v >= threshold)
            return v % bound;
    }
}

void bft_leaders_init(struct bft_leaders *l, const struct bft_set *set,
                      const struct bft_bitmap *excluded, const struct td_hash *seed)
{
    uint64_t total = set->total - bft_set_weight(set, excluded);
    TD_ASSERT(total > 0);
    deal(l, set, excluded, total);
    struct stream s = {.seed = *seed, .used = TD_HASH_BYTES / 2u};
    for (uint32_t i = TD_LEADER_SLOTS - 1; i > 0; i--) {
        uint32_t j = stream_below(&s, i + 1);
        uint16_t swap = l->slot[i];
        l->slot[i] = l->slot[j];
        l->slot[j] = swap;
    }
}

/* ---- reputation */

struct record {
    uint16_t signer; /* in the set that ends */
    uint32_t produced;
    uint64_t slots; /* rounds 1..last_round it led */
};

/* Rounds 1..last_round that signer i led, for all i. */
static void count_slots(uint64_t slots[BFT_SIGNERS_MAX], const struct bft_leaders *leaders,
                        uint64_t last_round)
{
    uint64_t turns = last_round / TD_LEADER_SLOTS;
    uint64_t rest = last_round % TD_LEADER_SLOTS;
    for (uint32_t i = 0; i < BFT_SIGNERS_MAX; i++)
        slots[i] = 0;
    /* Rounds 0..last_round: `turns` full turns, then slots 0..rest. */
    for (uint32_t s = 0; s < TD_LEADER_SLOTS; s++)
        slots[leaders->slot[s]] += turns + (s <= rest ? 1u : 0u);
    slots[leaders->slot[0]]--; /* round 0 is led by nobody */
}

/* Worst first: lowest blocks per slot, then more slots, then the lower index. */
static bool worse(const struct record *a, const struct record *b)
{
    wide left = (wide)a->produced * b->slots;
    wide right = (wide)b->produced * a->slots;
    if (left != right)
        return left < right;
    if (a->slots != b->slots)
        return a->slots > b->slots;
    return a->signer < b->signer;
}

static uint32_t candidates(struct record *list, const struct bft_set *set,
                           const struct bft_leaders *leaders, const uint32_t *produced,
                           uint64_t last_round, const struct bft_bitmap *before)
{
    uint64_t slots[BFT_SIGNERS_MAX];
    count_slots(slots, leaders, last_round);
    uint64_t blocks = 0;
    for (uint32_t i = 0; i < set->count; i++)
        blocks += produced[i];
    uint32_t count = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        if (slots[i] < REPUTATION_SLOTS_MIN || bft_bitmap_has(before, i))
            continue;
        /* produced / slots < (blocks / last_round) / 4 */
        if ((wide)produced[i] * REPUTATION_FACTOR * last_round >= (wide)blocks * slots[i])
            continue;
        struct record r = {(uint16_t)i, produced[i], slots[i]};
        uint32_t at = count++;
        for (; at > 0 && worse(&r, &list[at - 1]); at--)
            list[at] = list[at - 1];
        list[at] = r;
    }
    return count;
}

void bft_reputation_exclude(struct bft_bitmap *out, const struct bft_set *next,
                            const struct bft_set *set, const struct bft_leaders *leaders,
                            const uint32_t *produced, uint64_t last_round,
                            const struct bft_bitmap *before)
{
    struct record list[BFT_SIGNERS_MAX];
    uint32_t count = candidates(list, set, leaders, produced, last_round, before);
    uint64_t weight = 0;
    *out = (struct bft_bitmap){{0}};
    for (uint32_t i = 0; i < count; i++) {
        uint16_t signer = bft_set_find(next, &set->v[list[i].signer].addr);
        if (signer == BFT_NO_SIGNER)
            continue;
        /* Below a third of the new stake; one that is too heavy does not shield the next. */
        uint64_t stake = next->v[signer].stake;
        if (3u * (weight + stake) >= next->total)
            continue;
        weight += stake;
        bft_bitmap_add(out, signer);
    }
}
