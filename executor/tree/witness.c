#include "executor/witness.h"

#include "executor/tree/plan.h"
#include "executor/tree/tree_internal.h"

const uint8_t EXEC_WITNESS_ITEM_WORDS[EXEC_WITNESS_SECTIONS] = {
    [EXEC_WITNESS_INPUT] = 1,
    [EXEC_WITNESS_PLACES] = sizeof(struct exec_tree_place) / 4u,
    [EXEC_WITNESS_ACCOUNTS] = sizeof(struct exec_witness_account) / 4u,
    [EXEC_WITNESS_SLOTS] = sizeof(struct exec_witness_slot) / 4u,
    [EXEC_WITNESS_CODES] = sizeof(struct exec_witness_code) / 4u,
    [EXEC_WITNESS_CODE_WORDS] = 1,
    [EXEC_WITNESS_INSERTS] = 1,
    [EXEC_WITNESS_SIBLINGS] = sizeof(struct td_p2_digest) / 4u,
};
_Static_assert(sizeof(struct exec_witness_account) == 35u * 4u, "offset table");
_Static_assert(sizeof(struct exec_witness_slot) == 22u * 4u, "offset table");
_Static_assert(sizeof(struct exec_witness_code) == 10u * 4u, "offset table");

static enum td_error fail(struct exec_witness *w, enum exec_witness_fault fault, uint32_t at)
{
    if (w->fault == EXEC_WITNESS_FINE) {
        w->fault = fault;
        w->fault_at = at;
    }
    return TD_E_CORRUPT;
}

/* ---- opening */

/* Bytes of the last word beyond `bytes` must be zero: one witness, one encoding. */
static bool is_padded(const uint32_t *words, uint32_t bytes)
{
    return bytes % 4u == 0 || words[bytes / 4u] >> (bytes % 4u * 8u) == 0;
}

static enum td_error refuse(struct exec_witness *w, enum exec_witness_fault fault, uint32_t at)
{
    (void)fail(w, fault, at);
    return TD_E_MALFORMED;
}

/* Sections in order, without gaps, up to the last word. */
static bool lay_out(struct exec_witness *w, const uint32_t *first[EXEC_WITNESS_SECTIONS])
{
    uint32_t at = EXEC_WITNESS_HEADER_WORDS;
#pragma GCC unroll 8 /* item sizes are constants then */
    for (uint32_t i = 0; i < EXEC_WITNESS_SECTIONS; i++) {
        uint32_t count = w->words[6u + 2u * i];
        uint64_t words = (uint64_t)count * EXEC_WITNESS_ITEM_WORDS[i];
        if (w->words[5u + 2u * i] != at || words > w->word_count - at)
            return false;
        first[i] = w->words + at;
        w->count[i] = count;
        at += (uint32_t)words;
    }
    return at == w->word_count;
}

static bool codes_fit(struct exec_witness *w, uint32_t *bad)
{
    uint32_t at = 0, left = w->count[EXEC_WITNESS_CODE_WORDS];
    for (uint32_t i = 0; i < w->count[EXEC_WITNESS_CODES]; i++) {
        uint32_t bytes = w->codes[i].bytes;
        uint32_t words = bytes / 4u + (bytes % 4u != 0 ? 1u : 0u);
        *bad = i;
        if (bytes == 0 || bytes > EXEC_TREE_CODE_BYTES_MAX || words > left ||
            !is_padded(w->code_words + at, bytes))
            return false;
        at += words;
        left -= words;
    }
    return left == 0;
}

enum td_error exec_witness_open(struct exec_witness *w, const uint32_t *words, size_t word_count)
{
    const uint32_t *first[EXEC_WITNESS_SECTIONS];
    uint32_t bad = 0;
    w->words = words;
    w->account_next = w->slot_next = w->code_next = w->code_word_next = 0;
    w->fault = EXEC_WITNESS_FINE;
    w->tree_verdict = EXEC_TREE_OK;
    w->fault_at = 0;
    if (word_count < EXEC_WITNESS_HEADER_WORDS || word_count > EXEC_WITNESS_WORDS_MAX ||
        words[0] != EXEC_WITNESS_MAGIC || words[1] != EXEC_WITNESS_VERSION ||
        words[2] != word_count)
        return refuse(w, EXEC_WITNESS_HEADER, 0);
    w->word_count = (uint32_t)word_count;
    w->leaf_count = words[3];
    if (!lay_out(w, first))
        return refuse(w, EXEC_WITNESS_LAYOUT, 0);
    uint32_t input_bytes = words[4], input_words = w->count[EXEC_WITNESS_INPUT];
    if (input_words != input_bytes / 4u + (input_bytes % 4u != 0 ? 1u : 0u))
        return refuse(w, EXEC_WITNESS_LAYOUT, 0);
    if (!is_padded(first[EXEC_WITNESS_INPUT], input_bytes))
        return refuse(w, EXEC_WITNESS_PADDING, 0);
    w->input = td_bytes_of(first[EXEC_WITNESS_INPUT], input_bytes);
    w->places = (const void *)first[EXEC_WITNESS_PLACES];
    w->accounts = (const void *)first[EXEC_WITNESS_ACCOUNTS];
    w->slots = (const void *)first[EXEC_WITNESS_SLOTS];
    w->codes = (const void *)first[EXEC_WITNESS_CODES];
    w->code_words = first[EXEC_WITNESS_CODE_WORDS];
    w->inserts = first[EXEC_WITNESS_INSERTS];
    w->siblings = (const void *)first[EXEC_WITNESS_SIBLINGS];
    if (!codes_fit(w, &bad))
        return refuse(w, EXEC_WITNESS_PADDING, bad);
    return TD_OK;
}

/* ---- reading */

static bool same_addr(const uint32_t words[5], const struct td_addr *addr)
{
    uint32_t w[5];
    memcpy(w, TD_WORDS_OF(addr->b), sizeof w);
    return ((w[0] ^ words[0]) | (w[1] ^ words[1]) | (w[2] ^ words[2]) | (w[3] ^ words[3]) |
            (w[4] ^ words[4])) == 0;
}

/* `bytes` of a hash or a number. */
static bool same_words8(const uint32_t words[8], const void *bytes)
{
    uint32_t w[8], differ = 0;
    memcpy(w, TD_WORDS_OF(bytes), sizeof w);
#pragma GCC unroll 8
    for (unsigned i = 0; i < 8; i++)
        differ |= w[i] ^ words[i];
    return differ == 0;
}

static enum td_error read_account(void *self, const struct td_addr *addr, struct exec_account *out)
{
    struct exec_witness *w = self;
    uint32_t i = w->account_next;
    if (i >= w->count[EXEC_WITNESS_ACCOUNTS] || !same_addr(w->accounts[i].addr, addr))
        return fail(w, EXEC_WITNESS_ACCOUNT_ABSENT, i);
    const struct exec_witness_account *e = &w->accounts[i];
    if (e->da_off > 1 || e->code_bytes > EXEC_TREE_CODE_BYTES_MAX ||
        !words_are_elements(e->code_digest.e, TD_P2_DIGEST))
        return fail(w, EXEC_WITNESS_FIELD, i);
    *out = (struct exec_account){.nonce = (uint64_t)e->nonce[1] << 32 | e->nonce[0],
                                 .code_bytes = e->code_bytes,
                                 .da_off = e->da_off == 1};
    memcpy(out->balance.w, e->balance, sizeof out->balance.w);
    memcpy(out->code_hash.b, e->code_hash, sizeof out->code_hash.b);
    w->account_next++;
    return TD_OK;
}

static enum td_error read_slot(void *self, const struct td_addr *addr, const struct exec_u256 *slot,
                               struct exec_u256 *out)
{
    struct exec_witness *w = self;
    uint32_t i = w->slot_next;
    if (i >= w->count[EXEC_WITNESS_SLOTS] || !same_addr(w->slots[i].addr, addr) ||
        !same_words8(w->slots[i].slot, slot->w))
        return fail(w, EXEC_WITNESS_SLOT_ABSENT, i);
    memcpy(TD_WORDS_OF(out->w), TD_WORDS_OF(w->slots[i].value), sizeof out->w);
    w->slot_next++;
    return TD_OK;
}

static enum td_error read_code(void *self, const struct td_hash *code_hash, struct td_bytes *out)
{
    struct exec_witness *w = self;
    uint32_t i = w->code_next;
    if (td_hash_eq(code_hash, &EXEC_EMPTY_CODE_HASH)) {
        *out = td_bytes_of(NULL, 0);
        return TD_OK;
    }
    if (i >= w->count[EXEC_WITNESS_CODES] || !same_words8(w->codes[i].hash, code_hash->b))
        return fail(w, EXEC_WITNESS_CODE_ABSENT, i);
    uint32_t bytes = w->codes[i].bytes;
    *out = td_bytes_of(w->code_words + w->code_word_next, bytes);
    w->code_word_next += (bytes + 3u) / 4u;
    w->code_next++;
    return TD_OK;
}

struct exec_reader exec_witness_reader(struct exec_witness *w)
{
    return (struct exec_reader){
        .self = w, .account = read_account, .slot = read_slot, .code = read_code};
}

/* ---- the check at the end */

/* Bytes by digest: the account's leaf says that this digest and this keccak are of one code. */
static enum td_error check_codes(struct exec_witness *w)
{
    const uint32_t *words = w->code_words;
    for (uint32_t i = 0; i < w->count[EXEC_WITNESS_CODES]; i++) {
        const struct exec_witness_code *c = &w->codes[i];
        struct td_p2_digest digest;
        if (c->account >= w->count[EXEC_WITNESS_ACCOUNTS])
            return fail(w, EXEC_WITNESS_CODE_DIGEST, i);
        const struct exec_witness_account *a = &w->accounts[c->account];
        exec_code_digest(&digest, td_bytes_of(words, c->bytes));
        if (c->bytes != a->code_bytes || !same_words8(c->hash, a->code_hash) ||
            !digest_eq(&digest, &a->code_digest))
            return fail(w, EXEC_WITNESS_CODE_DIGEST, i);
        words += (c->bytes + 3u) / 4u;
    }
    return TD_OK;
}

static enum td_error check_counts(struct exec_witness *w, const struct exec_state *state,
                                  const struct exec_tree_head *old)
{
    if (w->fault != EXEC_WITNESS_FINE)
        return TD_E_CORRUPT;
    if (exec_state_error(state) != TD_OK || exec_state_account_count(state) != w->account_next ||
        exec_state_slot_count(state) != w->slot_next)
        return fail(w, EXEC_WITNESS_STATE, 0);
    if (w->account_next != w->count[EXEC_WITNESS_ACCOUNTS] ||
        w->slot_next != w->count[EXEC_WITNESS_SLOTS] ||
        w->code_next != w->count[EXEC_WITNESS_CODES])
        return fail(w, EXEC_WITNESS_UNUSED, 0);
    if (w->leaf_count != old->leaf_count)
        return fail(w, EXEC_WITNESS_LEAF_COUNT, 0);
    return TD_OK;
}

/* Every account and slot as a tree access, its original value held against its place. */
static enum td_error plan_accesses(struct exec_witness *w, struct exec_plan *p)
{
    uint32_t places = w->count[EXEC_WITNESS_PLACES];
    for (uint32_t i = 0; i < p->account_count; i++) {
        const struct exec_witness_account *e = &w->accounts[i];
        p->accesses[i].place = e->place;
        if (e->place >= places || exec_plan_account(p, i, &e->code_digest) != TD_OK)
            return fail(w, EXEC_WITNESS_FIELD, i);
        if (!exec_plan_holds(p, i, &w->places[e->place].leaf, &e->code_digest))
            return fail(w, EXEC_WITNESS_VALUE, i);
    }
    for (uint32_t i = 0; i < p->slot_count; i++) {
        uint32_t at = p->account_count + i, place = w->slots[i].place;
        p->accesses[at].place = place;
        if (place >= places)
            return fail(w, EXEC_WITNESS_FIELD, at);
        exec_plan_slot(p, i);
        if (!exec_plan_holds(p, at, &w->places[place].leaf, NULL))
            return fail(w, EXEC_WITNESS_VALUE, at);
    }
    return TD_OK;
}

static enum td_error tree_fail(struct exec_witness *w, enum exec_tree_verdict v)
{
    if (v == EXEC_TREE_NOSPACE)
        return TD_E_NOSPACE;
    w->tree_verdict = v;
    return fail(w, EXEC_WITNESS_TREE, 0);
}

enum td_error exec_witness_finish(struct exec_witness *w, const struct exec_state *state,
                                  const struct exec_tree_head *old, struct td_arena *arena,
                                  struct exec_tree_head *now, struct exec_diffs *diffs)
{
    struct exec_plan p;
    struct exec_tree_change *changes;
    *now = (struct exec_tree_head){.leaf_count = 0};
    if (diffs != NULL)
        *diffs = (struct exec_diffs){.on = {.ptr = NULL}};
    enum td_error err = check_counts(w, state, old);
    if (err == TD_OK)
        err = check_codes(w);
    if (err == TD_OK)
        err = exec_plan_init(&p, state, arena);
    if (err == TD_OK)
        err = plan_accesses(w, &p);
    if (err != TD_OK)
        return err;
    struct exec_tree_batch batch = {.old = *old,
                                    .places = w->places,
                                    .place_count = w->count[EXEC_WITNESS_PLACES],
                                    .accesses = p.accesses,
                                    .access_count = p.account_count + p.slot_count,
                                    .inserts = w->inserts,
                                    .insert_count = w->count[EXEC_WITNESS_INSERTS]};
    enum exec_tree_verdict v = exec_tree_link(&changes, &batch, arena);
    if (v == EXEC_TREE_OK)
        v = exec_tree_verify(now, &batch, changes, w->siblings, w->count[EXEC_WITNESS_SIBLINGS],
                             arena);
    if (v != EXEC_TREE_OK)
        return tree_fail(w, v);
    if (diffs != NULL)
        err = exec_diffs_encode(diffs, &p, &batch, changes, arena);
    if (err != TD_OK)
        *now = (struct exec_tree_head){.leaf_count = 0};
    return err;
}
