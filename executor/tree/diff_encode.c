#include "base/core/codec.h"
#include "executor/tree/diff.h"
#include "executor/tree/plan.h"
#include "executor/tree/tree_internal.h"

static void put_varint(struct td_writer *w, uint32_t v)
{
    while (v >= 0x80u) {
        td_put_u8(w, (uint8_t)(v | 0x80u));
        v >>= 7;
    }
    td_put_u8(w, (uint8_t)v);
}

static void put_key(struct td_writer *w, const struct td_p2_digest *key)
{
    uint64_t acc = 0;
    uint32_t bits = 0;
    for (unsigned i = 0; i < TD_P2_DIGEST; i++) {
        acc |= (uint64_t)key->e[i].v << bits;
        for (bits += 31u; bits >= 8u; bits -= 8u) {
            td_put_u8(w, (uint8_t)acc);
            acc >>= 8;
        }
    }
    td_put_u8(w, (uint8_t)acc);
}

/* Certainly no closer than 2^248: what two hashes usually are.  The difference is then as long as
 * the value, and need not be known. */
static bool is_far(const struct exec_u256 *a, const struct exec_u256 *b)
{
    uint32_t x = (uint32_t)(a->w[3] >> 56), y = (uint32_t)(b->w[3] >> 56);
    return x > y + 1u || y > x + 1u;
}

/* The shortest of the three forms. */
static void put_number(struct td_writer *w, const struct exec_u256 *old,
                       const struct exec_u256 *now)
{
    struct exec_u256 delta;
    if (now->w[3] >> 56 != 0 && is_far(old, now)) {
        td_put_u8(w, 32);
        td_put_bytes(w, now->w, 32);
        return;
    }
    uint32_t form = exec_u256_sub(&delta, now, old) ? 2u : 1u;
    if (form == 2u)
        (void)exec_u256_sub(&delta, old, now);
    uint32_t len = exec_u256_byte_length(&delta), whole = exec_u256_byte_length(now);
    if (len >= whole) {
        form = 0;
        len = whole;
        delta = *now;
    }
    td_put_u8(w, (uint8_t)(form * 33u + len));
    td_put_bytes(w, delta.w, len);
}

static void put_account(struct td_writer *w, const struct exec_plan *p, uint32_t i)
{
    const struct exec_state_account *a = exec_state_account_at(p->state, i);
    const struct exec_account *old = &a->original, *now = &a->now;
    bool nonce = old->nonce != now->nonce;
    bool balance = !exec_u256_eq(&old->balance, &now->balance);
    bool code = !td_hash_eq(&old->code_hash, &now->code_hash);
    td_put_u8(w, (uint8_t)(0x80u | (nonce ? 1u : 0u) | (balance ? 2u : 0u) | (code ? 4u : 0u) |
                           (now->da_off ? 8u : 0u)));
    if (nonce) {
        struct exec_u256 from = exec_u256_of(old->nonce), to = exec_u256_of(now->nonce);
        put_number(w, &from, &to);
    }
    if (balance)
        put_number(w, &old->balance, &now->balance);
    if (code) {
        struct td_bytes bytes = exec_plan_code(p, i);
        put_varint(w, (uint32_t)bytes.len);
        td_put_bytes(w, bytes.ptr, bytes.len);
    }
}

static void put_change(struct td_writer *w, const struct exec_plan *p, uint32_t access)
{
    if (access < p->account_count) {
        put_account(w, p, access);
        return;
    }
    const struct exec_state_slot *s = exec_state_slot_at(p->state, access - p->account_count);
    put_number(w, &s->original, &s->now);
}

/* One of the two; *skipped says whether something belongs to the other. */
static void put_diff(struct td_writer *w, const struct exec_plan *p,
                     const struct exec_tree_batch *b, const struct exec_tree_change *changes,
                     bool off, bool *skipped)
{
    uint32_t last = 0;
    td_put_u8(w, EXEC_DIFF_VERSION);
    for (uint32_t i = 0; i < b->place_count + b->insert_count; i++) {
        const struct exec_tree_change *c = &changes[i];
        if (i == b->place_count) {
            td_put_u8(w, 0);
            last = b->old.leaf_count - 1u;
        }
        if (c->access == EXEC_TREE_NONE || !b->accesses[c->access].write)
            continue;
        if (exec_plan_is_off(p, c->access) != off) {
            *skipped = true;
            continue;
        }
        put_varint(w, c->index - last);
        last = c->index;
        if (i >= b->place_count)
            put_key(w, &c->now.key);
        put_change(w, p, c->access);
    }
    if (b->insert_count == 0)
        td_put_u8(w, 0);
    td_put_u8(w, 0);
}

/* Write into what is left of the arena and keep what was used. */
static enum td_error encode(struct td_bytes *out, const struct exec_plan *p,
                            const struct exec_tree_batch *b, const struct exec_tree_change *changes,
                            bool off, struct td_arena *arena, bool *skipped)
{
    struct td_arena_mark mark = td_arena_mark(arena);
    size_t room = td_arena_left(arena);
    uint8_t *at = td_arena_get(arena, room, 1);
    struct td_writer w;
    td_writer_init(&w, at, room);
    put_diff(&w, p, b, changes, off, skipped);
    td_arena_rewind(arena, mark);
    if (at == NULL || w.err != TD_OK)
        return TD_E_NOSPACE;
    *out = td_bytes_of(td_arena_get(arena, w.len, 1), w.len);
    return TD_OK;
}

enum td_error exec_diffs_encode(struct exec_diffs *out, const struct exec_plan *p,
                                const struct exec_tree_batch *batch,
                                const struct exec_tree_change *changes, struct td_arena *arena)
{
    static const uint8_t NOTHING[3] = {EXEC_DIFF_VERSION, 0, 0};
    bool more = false;
    enum td_error err = encode(&out->on, p, batch, changes, false, arena, &more);
    out->off = td_bytes_of(NOTHING, sizeof NOTHING);
    if (err == TD_OK && more)
        err = encode(&out->off, p, batch, changes, true, arena, &more);
    if (err != TD_OK)
        *out = (struct exec_diffs){.on = {.ptr = NULL}};
    return err;
}
