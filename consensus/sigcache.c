/* Cache of verified signatures.  [P-1.4]
 *
 *   set s:  entry[2s], entry[2s + 1]      used: 0 empty, 1 older, 2 newer of the two  */
#include "consensus/sigcache.h"

#include "base/core/assert.h"
#include "base/core/memory.h"

enum { EMPTY, OLDER, NEWER };

size_t bft_sigcache_footprint(uint32_t log_sets)
{
    TD_ASSERT(log_sets >= 1);
    TD_ASSERT(log_sets <= 20);
    return (sizeof(struct bft_sigcache_entry) * 2u) << log_sets;
}

void bft_sigcache_init(struct bft_sigcache *c, void *region, uint32_t log_sets, uint64_t secret)
{
    memset(region, 0, bft_sigcache_footprint(log_sets));
    *c = (struct bft_sigcache){.entry = region, .log_sets = log_sets, .secret = secret};
}

/* Both halves of a 128-bit product: every input bit reaches the middle of it. */
static uint64_t fold(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t word(const uint8_t *at)
{
    uint64_t v;
    memcpy(&v, at, sizeof v);
    return v;
}

/* First entry of the key's set.  Which set it is matters to speed alone, so host byte order and a
 * light keyed mix are enough; the secret keeps peers from choosing keys that share a set. */
static struct bft_sigcache_entry *set_of(const struct bft_sigcache *c,
                                         const struct bft_sig_check *k)
{
    uint64_t h = fold(word(k->sig.b) ^ c->secret, word(k->digest.b) ^ UINT64_C(0x9E3779B97F4A7C15));
    h = fold(h ^ word(k->sig.b + 32) ^ k->signer, c->secret ^ k->epoch ^ word(k->digest.b + 16));
    h = fold(h ^ c->secret, UINT64_C(0xD6E8FEB86659FD93));
    return &c->entry[2u * (h >> (64u - c->log_sets))];
}

static bool entry_is(const struct bft_sigcache_entry *e, const struct bft_sig_check *k)
{
    return e->used != EMPTY && e->signer == k->signer && e->epoch == k->epoch &&
           td_sig_eq(&e->sig, &k->sig) && td_hash_eq(&e->digest, &k->digest);
}

/* Make `set[way]` the newer one. */
static void touch(struct bft_sigcache_entry *set, uint32_t way)
{
    set[way].used = NEWER;
    if (set[1 - way].used == NEWER)
        set[1 - way].used = OLDER;
}

bool bft_sigcache_has(struct bft_sigcache *c, const struct bft_sig_check *k)
{
    struct bft_sigcache_entry *set = set_of(c, k);
    for (uint32_t way = 0; way < 2; way++) {
        if (entry_is(&set[way], k) && (set[way].exact || !k->exact)) {
            touch(set, way);
            c->hits++;
            return true;
        }
    }
    c->misses++;
    return false;
}

void bft_sigcache_add(struct bft_sigcache *c, const struct bft_sig_check *k)
{
    struct bft_sigcache_entry *set = set_of(c, k);
    uint32_t way = set[0].used <= set[1].used ? 0 : 1; /* empty before older before newer */
    for (uint32_t i = 0; i < 2; i++) {
        if (entry_is(&set[i], k)) {
            set[i].exact = set[i].exact || k->exact;
            touch(set, i);
            return;
        }
    }
    set[way].digest = k->digest;
    set[way].sig = k->sig;
    set[way].epoch = k->epoch;
    set[way].signer = k->signer;
    set[way].exact = k->exact;
    touch(set, way);
}
