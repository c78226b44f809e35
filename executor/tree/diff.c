#include "executor/tree/diff.h"

#include "base/core/codec.h"
#include "base/core/keccak.h"
#include "executor/tree/tree_internal.h"

struct decoder {
    const struct exec_diff_base *base; /* NULL: only count */
    const struct exec_tree_head *old;
    struct exec_diff_entry *entries;
    uint32_t count;
    bool off;
    enum td_error err; /* of the base */
};

/* ---- numbers */

static uint32_t get_varint(struct td_reader *r)
{
    uint64_t v = 0;
    for (uint32_t shift = 0; shift < 35u; shift += 7u) {
        uint8_t b = td_get_u8(r);
        v |= (uint64_t)(b & 0x7Fu) << shift;
        if ((b & 0x80u) != 0)
            continue;
        if ((b == 0 && shift > 0) || v > UINT32_MAX)
            break;
        return (uint32_t)v;
    }
    td_reader_fail(r, TD_E_MALFORMED);
    return 0;
}

/* Little-endian, in the fewest bytes; the sum or difference must fit. */
static void get_number_as(struct td_reader *r, uint8_t meta, struct exec_u256 *value, bool known)
{
    struct exec_u256 x = {{0}}, old = *value;
    uint32_t form = meta < 33u ? 0u : meta < 66u ? 1u : 2u;
    uint32_t len = meta - form * 33u;
    if (meta >= 99u) {
        td_reader_fail(r, TD_E_MALFORMED);
        return;
    }
    const uint8_t *at = td_get_space(r, len);
    if (at != NULL) {
        memcpy(x.w, at, len);
        if (at[len - 1u] == 0)
            td_reader_fail(r, TD_E_MALFORMED);
    }
    if (form == 0)
        *value = x;
    else if ((form == 1u ? exec_u256_add(value, &old, &x) : exec_u256_sub(value, &old, &x)) &&
             known)
        td_reader_fail(r, TD_E_CORRUPT);
}

static void get_key(struct td_reader *r, struct td_p2_digest *key)
{
    uint8_t b[EXEC_DIFF_KEY_BYTES];
    uint64_t acc = 0;
    uint32_t bits = 0, at = 0;
    td_get_bytes(r, b, sizeof b);
    for (unsigned i = 0; i < TD_P2_DIGEST; i++) {
        for (; bits < 31u; bits += 8u)
            acc |= (uint64_t)b[at++] << bits;
        key->e[i].v = (uint32_t)acc & 0x7FFFFFFFu;
        acc >>= 31;
        bits -= 31u;
    }
    if (acc != 0 || !words_are_elements(key->e, TD_P2_DIGEST))
        td_reader_fail(r, TD_E_MALFORMED);
}

/* ---- entries */

static void get_account(struct td_reader *r, struct exec_diff_entry *e, uint8_t meta, bool known)
{
    struct exec_account *a = &e->now.account;
    if ((meta & 0x70u) != 0)
        td_reader_fail(r, TD_E_MALFORMED);
    if ((meta & 1u) != 0) {
        struct exec_u256 nonce = exec_u256_of(a->nonce);
        get_number_as(r, td_get_u8(r), &nonce, known);
        if (known && !exec_u256_is_u64(&nonce))
            td_reader_fail(r, TD_E_CORRUPT);
        a->nonce = nonce.w[0];
    }
    if ((meta & 2u) != 0)
        get_number_as(r, td_get_u8(r), &a->balance, known);
    a->da_off = (meta & 8u) != 0;
    if ((meta & 4u) == 0)
        return;
    uint32_t len = get_varint(r);
    if (len > EXEC_TREE_CODE_BYTES_MAX)
        td_reader_fail(r, TD_E_MALFORMED);
    e->code_changed = true;
    e->code = td_get_view(r, len);
    if (!known || r->err != TD_OK)
        return;
    a->code_bytes = len;
    td_keccak256(&a->code_hash, e->code.ptr, len);
    exec_code_digest(&e->now.code_digest, e->code);
}

/* What stood in the leaf, or an empty record for a new one. */
static void get_before(struct td_reader *r, struct decoder *d, struct exec_diff_entry *e,
                       bool is_account)
{
    e->now = (struct exec_diff_record){.is_account = is_account};
    e->now.account.code_hash = EXEC_EMPTY_CODE_HASH;
    e->now.code_digest = EXEC_EMPTY_CODE_DIGEST;
    if (d->base == NULL || e->insert || r->err != TD_OK)
        return;
    d->err = d->base->record(d->base->self, e->index, &e->now);
    if (d->err != TD_OK || e->now.is_account != is_account)
        td_reader_fail(r, TD_E_CORRUPT);
}

static void get_entry(struct td_reader *r, struct decoder *d, uint32_t index, bool insert)
{
    struct exec_diff_entry e = {.index = index, .insert = insert, .off = d->off};
    bool known = d->base != NULL;
    if (insert)
        get_key(r, &e.key);
    uint8_t meta = td_get_u8(r);
    get_before(r, d, &e, (meta & 0x80u) != 0);
    if ((meta & 0x80u) != 0)
        get_account(r, &e, meta, known);
    else
        get_number_as(r, meta, &e.now.value, known);
    if (r->err != TD_OK)
        return;
    if (known)
        d->entries[d->count] = e;
    d->count++;
}

/* Entries until a zero; indexes in (last, end). */
static void get_entries(struct td_reader *r, struct decoder *d, uint32_t last, uint64_t end,
                        bool insert)
{
    for (;;) {
        uint32_t delta = get_varint(r);
        if (r->err != TD_OK || delta == 0)
            return;
        if ((uint64_t)last + delta >= end) {
            td_reader_fail(r, TD_E_CORRUPT);
            return;
        }
        last += delta;
        get_entry(r, d, last, insert);
    }
}

static enum td_error get_diff(struct decoder *d, struct td_bytes diff, bool off)
{
    struct td_reader r;
    td_reader_init(&r, diff.ptr, diff.len);
    d->off = off;
    if (td_get_u8(&r) != EXEC_DIFF_VERSION)
        td_reader_fail(&r, TD_E_MALFORMED);
    get_entries(&r, d, 0, d->old->leaf_count, false);
    get_entries(&r, d, d->old->leaf_count - 1u, UINT32_MAX, true);
    enum td_error err = td_reader_finish(&r);
    return d->err != TD_OK ? d->err : err;
}

static enum td_error decode(struct decoder *d, struct td_bytes on, struct td_bytes off)
{
    d->count = 0;
    enum td_error err = get_diff(d, on, false);
    return err == TD_OK ? get_diff(d, off, true) : err;
}

/* ---- applying */

static enum td_error make_access(struct exec_tree_access *a, const struct exec_diff_entry *e,
                                 const struct exec_tree_store *store)
{
    memset(a, 0, sizeof *a);
    a->write = true;
    a->key = e->key;
    if (!e->insert) {
        struct exec_tree_leaf leaf;
        enum td_error err = store->leaf(store->self, e->index, &leaf);
        if (err != TD_OK)
            return err;
        a->key = leaf.key;
    }
    if (e->now.is_account)
        return exec_account_value(&a->value, &e->now.account, &e->now.code_digest);
    exec_slot_value(&a->value, &e->now.value);
    return TD_OK;
}

/* The new leaves stand where the diffs say, and there are no others. */
static bool inserts_agree(const struct exec_diff_applied *x)
{
    uint32_t inserts = 0;
    for (uint32_t i = 0; i < x->entry_count; i++)
        inserts += x->entries[i].insert ? 1u : 0u;
    if (inserts != x->batch.insert_count)
        return false;
    for (uint32_t i = 0; i < inserts; i++) {
        const struct exec_diff_entry *e = &x->entries[x->batch.inserts[i]];
        if (!e->insert || e->index != x->batch.old.leaf_count + i)
            return false;
    }
    return true;
}

enum td_error exec_diff_apply(struct exec_diff_applied *out, const struct exec_tree_head *old,
                              struct td_bytes on, struct td_bytes off,
                              const struct exec_tree_store *store,
                              const struct exec_diff_base *base,
                              const struct exec_tree_hasher *hasher, struct td_arena *arena)
{
    memset(out, 0, sizeof *out);
    if (old->leaf_count == 0)
        return TD_E_CORRUPT;
    struct decoder d = {.old = old};
    enum td_error err = decode(&d, on, off);
    if (err != TD_OK)
        return err;
    uint32_t count = d.count;
    d.base = base;
    d.entries = TD_ARENA_NEW(arena, struct exec_diff_entry, count);
    struct exec_tree_access *accesses = TD_ARENA_NEW(arena, struct exec_tree_access, count);
    if (d.entries == NULL || accesses == NULL)
        return TD_E_NOSPACE;
    err = decode(&d, on, off);
    for (uint32_t i = 0; err == TD_OK && i < count; i++)
        err = make_access(&accesses[i], &d.entries[i], store);
    if (err != TD_OK)
        return err;
    out->entries = d.entries;
    out->entry_count = count;
    err = exec_tree_prepare(&out->batch, old, accesses, count, store, arena);
    if (err == TD_OK && !inserts_agree(out))
        err = TD_E_CORRUPT;
    if (err == TD_OK)
        err = exec_tree_apply(&out->update, &out->batch, store, hasher, arena);
    return err == TD_E_EXISTS ? TD_E_CORRUPT : err;
}
