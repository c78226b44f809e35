#include "executor/tree/plan.h"

#include "executor/state/state_internal.h"
#include "executor/tree/tree_internal.h"

bool exec_account_same(const struct exec_account *a, const struct exec_account *b)
{
    return a->nonce == b->nonce && a->code_bytes == b->code_bytes && a->da_off == b->da_off &&
           exec_u256_eq(&a->balance, &b->balance) && td_hash_eq(&a->code_hash, &b->code_hash);
}

bool exec_account_is_default(const struct exec_account *a)
{
    return a->nonce == 0 && a->code_bytes == 0 && !a->da_off && exec_u256_is_zero(&a->balance) &&
           td_hash_eq(&a->code_hash, &EXEC_EMPTY_CODE_HASH);
}

enum td_error exec_plan_init(struct exec_plan *p, const struct exec_state *state,
                             struct td_arena *arena)
{
    *p = (struct exec_plan){.state = state,
                            .account_count = exec_state_account_count(state),
                            .slot_count = exec_state_slot_count(state)};
    size_t count = (size_t)p->account_count + p->slot_count;
    if (count < p->slot_count || count >= EXEC_TREE_NONE)
        return TD_E_NOSPACE;
    if (count > SIZE_MAX / sizeof *p->accesses)
        return TD_E_NOSPACE;
    p->accesses =
        td_arena_get(arena, count * sizeof *p->accesses, _Alignof(struct exec_tree_access));
    p->before = td_arena_get(arena, count * sizeof *p->before, _Alignof(struct td_p2_digest));
    return p->accesses == NULL || p->before == NULL ? TD_E_NOSPACE : TD_OK;
}

/* ---- code by its hash, as the state keeps it */

static bool code_same(const void *owner, const void *key, uint32_t i)
{
    return td_hash_eq(&code_at(owner, i)->c.hash, key);
}

static struct td_bytes code_of(const struct exec_state *s, const struct td_hash *h)
{
    struct exec_u256 word;
    memcpy(&word, h->b, sizeof word);
    uint32_t i = exec_index_find(&s->code_index, exec_hash_end(exec_hash_word(&s->hash_key, &word)),
                                 h, (struct exec_key){.word = h->b}, code_same);
    return i == EXEC_INDEX_NONE ? td_bytes_of(NULL, 0) : code_at(s, i)->c.bytes;
}

struct td_bytes exec_plan_code(const struct exec_plan *p, uint32_t i)
{
    const struct exec_account *now = &exec_state_account_at(p->state, i)->now;
    if (td_hash_eq(&now->code_hash, &EXEC_EMPTY_CODE_HASH))
        return td_bytes_of(NULL, 0);
    return code_of(p->state, &now->code_hash);
}

/* ---- accesses */

enum td_error exec_plan_account(struct exec_plan *p, uint32_t i,
                                const struct td_p2_digest *code_digest)
{
    const struct exec_state_account *a = exec_state_account_at(p->state, i);
    struct exec_tree_access *x = &p->accesses[i];
    exec_key_account_by(p->queue, &x->key, &a->addr);
    x->present = false;
    x->write = !exec_account_same(&a->original, &a->now);
    enum td_error err = exec_account_value_by(p->queue, &p->before[i], &a->original, code_digest);
    if (err != TD_OK || !x->write)
        return err;
    struct td_p2_digest fresh;
    if (!td_hash_eq(&a->original.code_hash, &a->now.code_hash)) {
        struct td_bytes code = exec_plan_code(p, i);
        if (code.len != a->now.code_bytes || code.len > EXEC_TREE_CODE_BYTES_MAX)
            return TD_E_RANGE;
        exec_code_digest(&fresh, code);
        code_digest = &fresh;
    }
    return exec_account_value_by(p->queue, &x->value, &a->now, code_digest);
}

void exec_plan_slot(struct exec_plan *p, uint32_t i)
{
    const struct exec_state_slot *s = exec_state_slot_at(p->state, i);
    uint32_t at = p->account_count + i;
    struct exec_tree_access *x = &p->accesses[at];
    exec_key_slot_by(p->queue, &x->key, &s->addr, &s->slot);
    x->present = false;
    x->write = !exec_u256_eq(&s->original, &s->now);
    exec_slot_value(&p->before[at], &s->original);
    if (x->write)
        exec_slot_value(&x->value, &s->now);
}

bool exec_plan_holds(const struct exec_plan *p, uint32_t access, const struct exec_tree_leaf *leaf,
                     const struct td_p2_digest *code_digest)
{
    if (digest_eq(&p->accesses[access].key, &leaf->key))
        return digest_eq(&p->before[access], &leaf->value);
    if (access >= p->account_count)
        return exec_u256_is_zero(
            &exec_state_slot_at(p->state, access - p->account_count)->original);
    /* Without a leaf nothing vouches for the digest, and a write would carry it into one. */
    return digest_eq(code_digest, &EXEC_EMPTY_CODE_DIGEST) &&
           exec_account_is_default(&exec_state_account_at(p->state, access)->original);
}

bool exec_plan_is_off(const struct exec_plan *p, uint32_t access)
{
    if (access < p->account_count)
        return exec_state_account_at(p->state, access)->now.da_off;
    const struct exec_state *s = p->state;
    uint32_t entry = s->known_slots.at[access - p->account_count];
    uint32_t account = slot_at(s, entry)->account;
    if (account == EXEC_INDEX_NONE)
        return false;
    const struct account_entry *e = account_at(s, account);
    return e->known && e->a.now.da_off;
}
