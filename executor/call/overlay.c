#include "base/core/keccak.h"
#include "executor/call.h"

/* An account (slot NULL, before its slots) or a slot of one. */
struct exec_overlay_entry {
    const struct td_addr *addr;
    const struct exec_u256 *slot;
    const struct exec_u256 *value;
    uint32_t number; /* of the override */
};

static int entry_cmp(const struct exec_overlay_entry *a, const struct exec_overlay_entry *b)
{
    int d = memcmp(a->addr->b, b->addr->b, TD_ADDR_BYTES);
    if (d != 0 || (a->slot == NULL && b->slot == NULL))
        return d;
    if (a->slot == NULL || b->slot == NULL)
        return a->slot == NULL ? -1 : 1;
    return exec_u256_cmp(a->slot, b->slot);
}

/* ---- order: heapsort (Williams 1964), which no choice of keys makes slow */

static void sift(struct exec_overlay_entry *e, uint32_t at, uint32_t count)
{
    struct exec_overlay_entry moving = e[at];
    for (uint32_t child = 2u * at + 1u; child < count; child = 2u * at + 1u) {
        if (child + 1u < count && entry_cmp(&e[child], &e[child + 1u]) < 0)
            child++;
        if (entry_cmp(&moving, &e[child]) >= 0)
            break;
        e[at] = e[child];
        at = child;
    }
    e[at] = moving;
}

static void sort(struct exec_overlay_entry *e, uint32_t count)
{
    for (uint32_t i = count / 2u; i > 0; i--)
        sift(e, i - 1u, count);
    for (uint32_t i = count; i > 1u; i--) {
        struct exec_overlay_entry last = e[i - 1u];
        e[i - 1u] = e[0];
        e[0] = last;
        sift(e, 0, i - 1u);
    }
}

static const struct exec_overlay_entry *
find(const struct exec_overlay *o, const struct td_addr *addr, const struct exec_u256 *slot)
{
    const struct exec_overlay_entry key = {.addr = addr, .slot = slot};
    uint32_t low = 0, high = o->entry_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2u;
        int d = entry_cmp(&key, &o->entries[middle]);
        if (d == 0)
            return &o->entries[middle];
        if (d < 0)
            high = middle;
        else
            low = middle + 1u;
    }
    return NULL;
}

/* ---- building */

static enum td_error check_bounds(const struct exec_override *list, uint32_t count, uint32_t *slots)
{
    *slots = 0;
    if (count > EXEC_OVERRIDES_MAX)
        return TD_E_LIMIT;
    for (uint32_t i = 0; i < count; i++) {
        if (list[i].slot_count > EXEC_OVERRIDE_SLOTS_MAX - *slots ||
            (list[i].has_code && list[i].code.len > EXEC_OVERRIDE_CODE_BYTES_MAX))
            return TD_E_LIMIT;
        *slots += list[i].slot_count;
    }
    return TD_OK;
}

static void add_account(struct exec_overlay *o, uint32_t number)
{
    const struct exec_override *x = &o->list[number];
    o->code_hashes[number] = EXEC_EMPTY_CODE_HASH;
    if (x->has_code && x->code.len > 0)
        td_keccak256(&o->code_hashes[number], x->code.ptr, x->code.len);
    o->entries[o->entry_count++] = (struct exec_overlay_entry){.addr = &x->addr, .number = number};
    for (uint32_t i = 0; i < x->slot_count; i++)
        o->entries[o->entry_count++] = (struct exec_overlay_entry){.addr = &x->addr,
                                                                   .slot = &x->slots[i].slot,
                                                                   .value = &x->slots[i].value,
                                                                   .number = number};
}

enum td_error exec_overlay_init(struct exec_overlay *out, const struct exec_reader *base,
                                const struct exec_override *list, uint32_t count,
                                struct td_arena *arena)
{
    uint32_t slots;
    enum td_error err = check_bounds(list, count, &slots);
    *out = (struct exec_overlay){.base = *base, .list = list, .count = count};
    if (err != TD_OK)
        return err;
    out->entries = TD_ARENA_NEW(arena, struct exec_overlay_entry, count + slots);
    out->code_hashes = TD_ARENA_NEW(arena, struct td_hash, count);
    if (out->entries == NULL || out->code_hashes == NULL)
        return TD_E_NOSPACE;
    for (uint32_t i = 0; i < count; i++)
        add_account(out, i);
    sort(out->entries, out->entry_count);
    for (uint32_t i = 1; i < out->entry_count; i++)
        if (entry_cmp(&out->entries[i - 1u], &out->entries[i]) == 0)
            return TD_E_EXISTS;
    return TD_OK;
}

/* ---- the reader */

static bool any_slot_set(const struct exec_override *x)
{
    for (uint32_t i = 0; i < x->slot_count; i++)
        if (!exec_u256_is_zero(&x->slots[i].value))
            return true;
    return false;
}

static enum td_error read_account(void *self, const struct td_addr *addr, struct exec_account *out)
{
    const struct exec_overlay *o = self;
    enum td_error err = o->base.account(o->base.self, addr, out);
    const struct exec_overlay_entry *e = find(o, addr, NULL);
    if (err != TD_OK || e == NULL)
        return err;
    const struct exec_override *x = &o->list[e->number];
    if (x->has_balance)
        out->balance = x->balance;
    if (x->has_nonce)
        out->nonce = x->nonce;
    if (x->has_code) {
        out->code_hash = o->code_hashes[e->number];
        out->code_bytes = (uint32_t)x->code.len;
    }
    if (x->whole_state)
        out->has_storage = any_slot_set(x);
    return TD_OK;
}

static enum td_error read_slot(void *self, const struct td_addr *addr, const struct exec_u256 *slot,
                               struct exec_u256 *out)
{
    const struct exec_overlay *o = self;
    const struct exec_overlay_entry *e = find(o, addr, slot);
    if (e != NULL) {
        *out = *e->value;
        return TD_OK;
    }
    e = find(o, addr, NULL);
    if (e != NULL && o->list[e->number].whole_state) {
        *out = exec_u256_of(0);
        return TD_OK;
    }
    return o->base.slot(o->base.self, addr, slot, out);
}

static enum td_error read_code(void *self, const struct td_hash *code_hash, struct td_bytes *out)
{
    const struct exec_overlay *o = self;
    for (uint32_t i = 0; i < o->count; i++) {
        if (o->list[i].has_code && td_hash_eq(&o->code_hashes[i], code_hash)) {
            *out = o->list[i].code;
            return TD_OK;
        }
    }
    return o->base.code(o->base.self, code_hash, out);
}

struct exec_reader exec_overlay_reader(struct exec_overlay *o)
{
    return (struct exec_reader){o, read_account, read_slot, read_code};
}
