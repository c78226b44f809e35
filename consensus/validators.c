/* Validator sets: canonical order, thresholds, hashes.  [P-1.1, P-1.5] */
#include "consensus/validators.h"

#include "base/core/assert.h"
#include "base/core/codec.h"
#include "base/core/keccak.h"

_Static_assert(BFT_SET_ENTRY_BYTES == TD_SET_ENTRY_BYTES, "registry entry");

static void entry_encode(struct td_writer *w, const struct bft_validator *v)
{
    td_put_addr(w, &v->addr);
    td_put_bytes(w, v->key.b, TD_PUBKEY_BYTES);
    td_put_u64(w, v->stake);
}

/* setHash = keccak(epoch ‖ entries).  [P-1.5] */
static void set_hash(struct bft_set *set)
{
    uint8_t buf[BFT_SET_ENTRY_BYTES];
    struct td_writer w;
    struct td_keccak k;
    td_keccak_init(&k);
    td_writer_init(&w, buf, sizeof buf);
    td_put_u64(&w, set->epoch);
    td_keccak_update(&k, buf, w.len);
    for (uint32_t i = 0; i < set->count; i++) {
        td_writer_init(&w, buf, sizeof buf);
        entry_encode(&w, &set->v[i]);
        td_keccak_update(&k, buf, w.len);
    }
    td_keccak_final(&k, &set->hash);
}

static void sift_down(struct bft_validator *v, uint32_t root, uint32_t count)
{
    for (;;) {
        uint32_t child = 2 * root + 1;
        if (child >= count)
            return;
        if (child + 1 < count && td_addr_cmp(&v[child].addr, &v[child + 1].addr) < 0)
            child++;
        if (td_addr_cmp(&v[root].addr, &v[child].addr) >= 0)
            return;
        struct bft_validator swap = v[root];
        v[root] = v[child];
        v[child] = swap;
        root = child;
    }
}

/* Heapsort: O(n log n) in the worst case and no scratch memory. */
static void sort_by_address(struct bft_validator *v, uint32_t count)
{
    for (uint32_t i = count / 2; i-- > 0;)
        sift_down(v, i, count);
    for (uint32_t end = count; end-- > 1;) {
        struct bft_validator swap = v[0];
        v[0] = v[end];
        v[end] = swap;
        sift_down(v, 0, end);
    }
}

enum td_error bft_set_init(struct bft_set *set, uint64_t epoch, const struct bft_validator *entries,
                           uint32_t count, uint32_t validators_max)
{
    TD_ASSERT(validators_max <= BFT_SIGNERS_MAX);
    if (count == 0 || count > validators_max)
        return TD_E_RANGE;
    set->epoch = epoch;
    set->count = count;
    memmove(set->v, entries, count * sizeof *entries);
    sort_by_address(set->v, count);
    uint64_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t stake = set->v[i].stake;
        if (stake == 0 || stake > TD_STAKE_TOTAL_MAX - total)
            return TD_E_RANGE;
        total += stake;
        if (i > 0 && td_addr_eq(&set->v[i - 1].addr, &set->v[i].addr))
            return TD_E_MALFORMED;
    }
    set->total = total;
    set->quorum = 2 * total / 3 + 1; /* [P-1.1] */
    set->weak = total / 3 + 1;
    set_hash(set);
    return TD_OK;
}

void bft_set_advance(struct bft_set *out, const struct bft_set *set, uint64_t epoch)
{
    if (out != set)
        *out = *set;
    out->epoch = epoch;
    set_hash(out);
}

uint16_t bft_set_find(const struct bft_set *set, const struct td_addr *addr)
{
    uint32_t low = 0;
    uint32_t high = set->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int order = td_addr_cmp(&set->v[middle].addr, addr);
        if (order == 0)
            return (uint16_t)middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return BFT_NO_SIGNER;
}

uint64_t bft_set_weight(const struct bft_set *set, const struct bft_bitmap *m)
{
    uint64_t weight = 0;
    for (uint32_t w = 0; w < BFT_BITMAP_WORDS; w++) {
        for (uint64_t bits = m->word[w]; bits != 0; bits &= bits - 1) {
            uint32_t i = w * 64u + (uint32_t)__builtin_ctzll(bits);
            if (i < set->count)
                weight += set->v[i].stake;
        }
    }
    return weight;
}

size_t bft_set_encode(uint8_t *out, size_t cap, const struct bft_set *set)
{
    struct td_writer w;
    td_writer_init(&w, out, cap);
    td_put_u16(&w, (uint16_t)set->count);
    for (uint32_t i = 0; i < set->count; i++)
        entry_encode(&w, &set->v[i]);
    return w.err == TD_OK ? w.len : 0;
}

enum td_error bft_set_decode(struct bft_set *out, uint64_t epoch, const uint8_t *buf, size_t len,
                             uint32_t validators_max)
{
    TD_ASSERT(validators_max <= BFT_SIGNERS_MAX);
    struct td_reader r;
    td_reader_init(&r, buf, len);
    uint32_t count = td_get_u16(&r);
    if (r.err != TD_OK)
        return r.err;
    if (count == 0 || count > validators_max)
        return TD_E_RANGE;
    for (uint32_t i = 0; i < count; i++) {
        struct bft_validator *v = &out->v[i];
        td_get_addr(&r, &v->addr);
        td_get_bytes(&r, v->key.b, TD_PUBKEY_BYTES);
        v->stake = td_get_u64(&r);
        /* Canonical means ascending as it stands: sorting here would accept other preimages. */
        if (i > 0 && td_addr_cmp(&out->v[i - 1].addr, &v->addr) >= 0)
            td_reader_fail(&r, TD_E_MALFORMED);
    }
    enum td_error err = td_reader_finish(&r);
    if (err != TD_OK)
        return err;
    return bft_set_init(out, epoch, out->v, count, validators_max);
}

void bft_set_registry_hash(struct td_hash *out, const struct bft_set *set)
{
    uint8_t buf[BFT_SET_BYTES_MAX];
    size_t len = bft_set_encode(buf, sizeof buf, set);
    TD_ASSERT(len > 0);
    td_keccak256(out, buf, len);
}
