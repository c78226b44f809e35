#include "executor/tree/plan.h"
#include "executor/tree/tree_internal.h"

struct building {
    struct exec_witness_built *out;
    struct exec_plan plan;
    const struct exec_witness_source *source;
    struct td_p2_digest *digests; /* of each account's code at the start of the block */
    struct td_arena *arena;
    uint32_t *words;
};

static enum td_error plan_accesses(struct building *b)
{
    struct exec_plan *p = &b->plan;
    p->queue = td_arena_get(b->arena, sizeof *p->queue, _Alignof(struct exec_hash_queue));
    if (p->queue == NULL)
        return TD_E_NOSPACE;
    p->queue->hasher = b->source->hasher;
    p->queue->count = 0;
    for (uint32_t i = 0; i < p->account_count; i++) {
        const struct exec_account *o = &exec_state_account_at(p->state, i)->original;
        enum td_error err = TD_OK;
        b->digests[i] = EXEC_EMPTY_CODE_DIGEST;
        if (!td_hash_eq(&o->code_hash, &EXEC_EMPTY_CODE_HASH))
            err = b->source->code_digest(b->source->self, &o->code_hash, &b->digests[i]);
        if (err != TD_OK)
            return err;
        if (exec_plan_account(p, i, &b->digests[i]) != TD_OK)
            return TD_E_LIMIT;
    }
    for (uint32_t i = 0; i < p->slot_count; i++)
        exec_plan_slot(p, i);
    exec_hash_flush(p->queue);
    return TD_OK;
}

static enum td_error check_values(const struct building *b)
{
    const struct exec_tree_batch *t = &b->out->batch;
    for (uint32_t i = 0; i < t->access_count; i++) {
        const struct td_p2_digest *d = i < b->plan.account_count ? &b->digests[i] : NULL;
        if (!exec_plan_holds(&b->plan, i, &t->places[t->accesses[i].place].leaf, d))
            return TD_E_CORRUPT;
    }
    return TD_OK;
}

/* ---- words */

static void put_account(struct building *b, struct exec_witness_account *to, uint32_t i)
{
    const struct exec_state_account *a = exec_state_account_at(b->plan.state, i);
    const struct exec_account *o = &a->original;
    memcpy(to->addr, a->addr.b, sizeof to->addr);
    to->place = b->plan.accesses[i].place;
    to->nonce[0] = (uint32_t)o->nonce;
    to->nonce[1] = (uint32_t)(o->nonce >> 32);
    memcpy(to->balance, o->balance.w, sizeof to->balance);
    memcpy(to->code_hash, o->code_hash.b, sizeof to->code_hash);
    to->code_digest = b->digests[i];
    to->code_bytes = o->code_bytes;
    to->da_off = o->da_off ? 1u : 0u;
}

static void put_slot(struct building *b, struct exec_witness_slot *to, uint32_t i)
{
    const struct exec_state_slot *s = exec_state_slot_at(b->plan.state, i);
    memcpy(to->addr, s->addr.b, sizeof to->addr);
    to->place = b->plan.accesses[b->plan.account_count + i].place;
    memcpy(to->slot, s->slot.w, sizeof to->slot);
    memcpy(to->value, s->original.w, sizeof to->value);
}

/* Codes the state asked its reader for: an account that had the code when the block began. */
static enum td_error put_code(struct building *b, struct exec_witness_code *to,
                              const struct exec_state_code *c)
{
    memcpy(to->hash, c->hash.b, sizeof to->hash);
    to->bytes = (uint32_t)c->bytes.len;
    for (uint32_t i = 0; i < b->plan.account_count; i++) {
        const struct exec_account *o = &exec_state_account_at(b->plan.state, i)->original;
        if (td_hash_eq(&o->code_hash, &c->hash)) {
            to->account = i;
            return o->code_bytes == c->bytes.len ? TD_OK : TD_E_CORRUPT;
        }
    }
    return TD_E_CORRUPT;
}

static uint32_t words_of(size_t bytes)
{
    return (uint32_t)(bytes / 4u + (bytes % 4u != 0 ? 1u : 0u));
}

static enum td_error count_codes(const struct exec_state *s, uint32_t *codes, uint64_t *words)
{
    *codes = 0;
    *words = 0;
    for (uint32_t i = 0; i < exec_state_code_count(s); i++) {
        const struct exec_state_code *c = exec_state_code_at(s, i);
        if (!c->read)
            continue;
        if (c->bytes.len == 0 || c->bytes.len > EXEC_TREE_CODE_BYTES_MAX)
            return TD_E_LIMIT;
        (*codes)++;
        *words += words_of(c->bytes.len);
    }
    return TD_OK;
}

static enum td_error put_codes(struct building *b, struct exec_witness_code *to, uint32_t *words)
{
    const struct exec_state *s = b->plan.state;
    for (uint32_t i = 0; i < exec_state_code_count(s); i++) {
        const struct exec_state_code *c = exec_state_code_at(s, i);
        if (!c->read)
            continue;
        enum td_error err = put_code(b, to++, c);
        if (err != TD_OK)
            return err;
        memcpy(words, c->bytes.ptr, c->bytes.len);
        words += words_of(c->bytes.len);
    }
    return TD_OK;
}

static enum td_error put_words(struct building *b, struct td_bytes input)
{
    const struct exec_tree_batch *t = &b->out->batch;
    const struct exec_tree_update *u = &b->out->update;
    uint32_t codes, *first[EXEC_WITNESS_SECTIONS];
    uint64_t code_words, total = EXEC_WITNESS_HEADER_WORDS;
    enum td_error err = count_codes(b->plan.state, &codes, &code_words);
    if (err != TD_OK || input.len > UINT32_MAX || code_words > EXEC_WITNESS_WORDS_MAX)
        return err != TD_OK ? err : TD_E_LIMIT;
    const uint32_t count[EXEC_WITNESS_SECTIONS] = {
        words_of(input.len),  t->place_count,  b->plan.account_count, b->plan.slot_count, codes,
        (uint32_t)code_words, t->insert_count, u->sibling_count};
    for (uint32_t i = 0; i < EXEC_WITNESS_SECTIONS; i++)
        total += (uint64_t)count[i] * EXEC_WITNESS_ITEM_WORDS[i];
    if (total > EXEC_WITNESS_WORDS_MAX)
        return TD_E_LIMIT;
    uint32_t *w = TD_ARENA_NEW(b->arena, uint32_t, (size_t)total);
    if (w == NULL)
        return TD_E_NOSPACE;
    w[0] = EXEC_WITNESS_MAGIC;
    w[1] = EXEC_WITNESS_VERSION;
    w[2] = (uint32_t)total;
    w[3] = t->old.leaf_count;
    w[4] = (uint32_t)input.len;
    uint32_t at = EXEC_WITNESS_HEADER_WORDS;
    for (uint32_t i = 0; i < EXEC_WITNESS_SECTIONS; i++) {
        w[5u + 2u * i] = at;
        w[6u + 2u * i] = count[i];
        first[i] = w + at;
        at += count[i] * EXEC_WITNESS_ITEM_WORDS[i];
    }
    if (input.len > 0)
        memcpy(first[EXEC_WITNESS_INPUT], input.ptr, input.len);
    memcpy(first[EXEC_WITNESS_PLACES], t->places, t->place_count * sizeof t->places[0]);
    for (uint32_t i = 0; i < b->plan.account_count; i++)
        put_account(b, (struct exec_witness_account *)(void *)first[EXEC_WITNESS_ACCOUNTS] + i, i);
    for (uint32_t i = 0; i < b->plan.slot_count; i++)
        put_slot(b, (struct exec_witness_slot *)(void *)first[EXEC_WITNESS_SLOTS] + i, i);
    memcpy(first[EXEC_WITNESS_INSERTS], t->inserts, t->insert_count * sizeof t->inserts[0]);
    if (u->sibling_count > 0)
        memcpy(first[EXEC_WITNESS_SIBLINGS], u->siblings, u->sibling_count * sizeof u->siblings[0]);
    b->out->words = w;
    b->out->word_count = (uint32_t)total;
    return put_codes(b, (void *)first[EXEC_WITNESS_CODES], first[EXEC_WITNESS_CODE_WORDS]);
}

enum td_error exec_witness_build(struct exec_witness_built *out, const struct exec_state *state,
                                 const struct exec_tree_head *old,
                                 const struct exec_witness_source *source, struct td_bytes input,
                                 struct td_arena *arena)
{
    struct building b = {.out = out, .source = source, .arena = arena};
    memset(out, 0, sizeof *out);
    if (exec_state_error(state) != TD_OK)
        return exec_state_error(state);
    enum td_error err = exec_plan_init(&b.plan, state, arena);
    if (err != TD_OK)
        return err;
    b.digests = TD_ARENA_NEW(arena, struct td_p2_digest, b.plan.account_count);
    err = b.digests == NULL ? TD_E_NOSPACE : plan_accesses(&b);
    if (err == TD_OK)
        err = exec_tree_prepare(&out->batch, old, b.plan.accesses,
                                b.plan.account_count + b.plan.slot_count, source->tree, arena);
    if (err == TD_OK)
        err = check_values(&b);
    if (err == TD_OK)
        err = exec_tree_apply(&out->update, &out->batch, source->tree, source->hasher, arena);
    if (err == TD_OK)
        err = put_words(&b, input);
    if (err == TD_OK)
        err = exec_diffs_encode(&out->diffs, &b.plan, &out->batch, out->update.changes, arena);
    return err;
}
