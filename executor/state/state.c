#include "base/core/assert.h"
#include "base/core/keccak.h"
#include "base/core/memory.h"
#include "executor/state/state_internal.h"

const struct td_hash EXEC_EMPTY_CODE_HASH = {{0xc5, 0xd2, 0x46, 0x01, 0x86, 0xf7, 0x23, 0x3c,
                                              0x92, 0x7e, 0x7d, 0xb2, 0xdc, 0xc7, 0x03, 0xc0,
                                              0xe5, 0x00, 0xb6, 0x53, 0xca, 0x82, 0x27, 0x3b,
                                              0x7b, 0xfa, 0xd8, 0x04, 0x5d, 0x85, 0xa4, 0x70}};

/* ---- life */

size_t exec_state_footprint(void)
{
    return sizeof(struct exec_state);
}

static void pool_init(struct exec_pool *p, uint8_t *chunks[POOL_FIRST])
{
    for (uint32_t i = 0; i < POOL_FIRST; i++)
        chunks[i] = NULL;
    p->chunks = chunks;
    p->chunk_cap = POOL_FIRST;
    p->count = 0;
}

struct exec_state *exec_state_init_keyed(void *region, struct td_arena *arena,
                                         const struct exec_reader *reader,
                                         const uint64_t key[EXEC_STATE_KEY_WORDS])
{
    struct exec_state *s = region;
    memset(s, 0, offsetof(struct exec_state, hash_key));
#pragma GCC unroll 13
    for (uint32_t i = 0; i < EXEC_HASH_KEYS; i++)
        s->hash_key.k[i] = key[i];
    s->reader = *reader;
    s->arena = arena;
    s->tx = 1;
    s->serial = 1;
    exec_index_init(&s->account_index, s, exec_account_key, s->first_cells[0]);
    exec_index_init(&s->slot_index, s, exec_slot_key, s->first_cells[1]);
    exec_index_init(&s->transient_index, s, exec_transient_key, NULL);
    exec_index_init(&s->code_index, s, exec_code_key, NULL);
    pool_init(&s->accounts, s->first.accounts);
    pool_init(&s->slots, s->first.slots);
    pool_init(&s->transients, s->first.transients);
    pool_init(&s->codes, s->first.codes);
    s->known_accounts = (struct exec_list){s->first.known_accounts, 0, LIST_FIRST};
    s->known_slots = (struct exec_list){s->first.known_slots, 0, LIST_FIRST};
    s->dirty_accounts = (struct exec_list){s->first.dirty_accounts, 0, LIST_FIRST};
    s->dirty_slots = (struct exec_list){s->first.dirty_slots, 0, LIST_FIRST};
    s->journal = s->first.journal;
    s->journal_cap = JOURNAL_FIRST;
    return s;
}

struct exec_state *exec_state_init(void *region, struct td_arena *arena,
                                   const struct exec_reader *reader)
{
    struct td_keccak k;
    td_keccak_init(&k);
    td_keccak_f(k.s); /* a block of zeros; 17 lanes may be read */
    return exec_state_init_keyed(region, arena, reader, k.s);
}

enum td_error exec_state_error(const struct exec_state *s)
{
    return s->err;
}

void exec_state_fail(struct exec_state *s, enum td_error err)
{
    if (s->err == TD_OK)
        s->err = err;
}

/* ---- growing things */

void *exec_array_grow(struct exec_state *s, const void *old, uint32_t count, uint32_t *cap,
                      uint32_t cap_min, size_t item_bytes, size_t align)
{
    uint32_t want = *cap < cap_min ? cap_min : *cap * 2u;
    void *fresh = NULL;
    if (want > count && want <= SIZE_MAX / item_bytes)
        fresh = td_arena_get(s->arena, want * item_bytes, align);
    if (fresh == NULL) {
        exec_state_fail(s, TD_E_NOSPACE);
        return NULL;
    }
    if (count > 0)
        memcpy(fresh, old, count * item_bytes);
    *cap = want;
    return fresh;
}

void *exec_pool_add(struct exec_state *s, struct exec_pool *p, size_t item_bytes, size_t align)
{
    uint32_t chunk = p->count >> CHUNK_SHIFT;
    if (chunk >= p->chunk_cap) {
        uint8_t **more = exec_array_grow(s, p->chunks, chunk, &p->chunk_cap, 4u, sizeof *more,
                                         _Alignof(uint8_t *));
        if (more == NULL)
            return NULL;
        memset(more + chunk, 0, (p->chunk_cap - chunk) * sizeof *more);
        p->chunks = more;
    }
    /* Chunks outlive a clear of their pool (transient storage). */
    if (p->chunks[chunk] == NULL)
        p->chunks[chunk] = td_arena_get(s->arena, CHUNK_ITEMS * item_bytes, align);
    if (p->chunks[chunk] == NULL) {
        exec_state_fail(s, TD_E_NOSPACE);
        return NULL;
    }
    void *item = p->chunks[chunk] + (p->count & (CHUNK_ITEMS - 1u)) * item_bytes;
    p->count++;
    return item;
}

void exec_list_add(struct exec_state *s, struct exec_list *l, uint32_t v)
{
    if (l->count == l->cap) {
        uint32_t *more =
            exec_array_grow(s, l->at, l->count, &l->cap, 32u, sizeof *more, _Alignof(uint32_t));
        if (more == NULL)
            return;
        l->at = more;
    }
    l->at[l->count++] = v;
}

/* ---- transactions */

void exec_state_tx_begin(struct exec_state *s)
{
    s->tx++;
    s->serial++;
    s->journal_count = 0;
    s->refund = 0;
    s->dirty_accounts.count = 0;
    s->dirty_slots.count = 0;
    exec_transients_clear(s);
    /* Receipts keep pointing at what was logged. */
    if (s->log_count > 0)
        s->logs += s->log_count;
    s->log_cap -= s->log_count;
    s->log_count = 0;
    if (s->message_count > 0)
        s->messages += s->message_count;
    s->message_cap -= s->message_count;
    s->message_count = 0;
}

void exec_state_tx_end(struct exec_state *s)
{
    exec_accounts_tx_end(s);
    s->journal_count = 0;
    s->serial++;
}

/* ---- journal */

static const uint8_t UNDO_WORDS[UNDO_COUNT] = {
    [UNDO_ACCOUNT_WARM] = 0, [UNDO_BALANCE] = 4, [UNDO_NONCE] = 1,     [UNDO_CODE] = 5,
    [UNDO_CREATE] = 3,       [UNDO_DESTROY] = 0, [UNDO_SLOT_WARM] = 0, [UNDO_SLOT] = 4,
    [UNDO_TRANSIENT] = 4,    [UNDO_REFUND] = 1,
};

void exec_undo_push(struct exec_state *s, enum undo_kind kind, uint32_t entry,
                    const uint64_t *words)
{
    uint32_t need = UNDO_WORDS[kind] + 1u;
    if (s->journal_cap - s->journal_count < need) {
        uint64_t *more = exec_array_grow(s, s->journal, s->journal_count, &s->journal_cap, 256u,
                                         sizeof *more, _Alignof(uint64_t));
        if (more == NULL)
            return;
        s->journal = more;
    }
    uint64_t *at = s->journal + s->journal_count;
    for (uint32_t i = 0; i + 1u < need; i++)
        at[i] = words[i];
    at[need - 1u] = ((uint64_t)kind << 32) | entry;
    s->journal_count += need;
}

struct exec_mark exec_state_mark(struct exec_state *s)
{
    s->serial++;
    return (struct exec_mark){
        .journal = s->journal_count, .log = s->log_count, .message = s->message_count};
}

void exec_state_revert(struct exec_state *s, struct exec_mark mark)
{
    TD_ASSERT(mark.journal <= s->journal_count);
    TD_ASSERT(mark.log <= s->log_count);
    TD_ASSERT(mark.message <= s->message_count);
    s->serial++;
    while (s->journal_count > mark.journal) {
        uint64_t head = s->journal[s->journal_count - 1u];
        enum undo_kind kind = (enum undo_kind)(head >> 32);
        TD_ASSERT(kind < UNDO_COUNT);
        s->journal_count -= UNDO_WORDS[kind] + 1u;
        const uint64_t *words = s->journal + s->journal_count;
        if (kind == UNDO_REFUND)
            s->refund = (int64_t)words[0];
        else if (kind < UNDO_SLOT_WARM)
            exec_account_undo(s, kind, (uint32_t)head, words);
        else
            exec_slot_undo(s, kind, (uint32_t)head, words);
    }
    s->log_count = mark.log;
    s->message_count = mark.message;
}

/* ---- refund, logs, messages */

int64_t exec_state_refund(const struct exec_state *s)
{
    return s->refund;
}

void exec_state_refund_add(struct exec_state *s, int64_t gas)
{
    if (s->refund_serial != s->serial) {
        exec_undo_push(s, UNDO_REFUND, 0, &(uint64_t){(uint64_t)s->refund});
        s->refund_serial = s->serial;
    }
    s->refund += gas;
}

/* Into the arena; an empty view when it does not fit. */
static struct td_bytes keep(struct exec_state *s, struct td_bytes b)
{
    if (b.len == 0)
        return td_bytes_of(NULL, 0);
    uint8_t *copy = td_arena_get(s->arena, b.len, 1);
    if (copy == NULL) {
        exec_state_fail(s, TD_E_NOSPACE);
        return td_bytes_of(NULL, 0);
    }
    memcpy(copy, b.ptr, b.len);
    return td_bytes_of(copy, b.len);
}

void exec_state_log(struct exec_state *s, const struct exec_log *log)
{
    if (s->log_count == s->log_cap) {
        struct exec_log *more = exec_array_grow(s, s->logs, s->log_count, &s->log_cap, 16u,
                                                sizeof *more, _Alignof(struct exec_log));
        if (more == NULL)
            return;
        s->logs = more;
    }
    struct exec_log *l = &s->logs[s->log_count++];
    *l = *log;
    l->data = keep(s, log->data);
}

const struct exec_log *exec_state_logs(const struct exec_state *s, uint32_t *count)
{
    *count = s->log_count;
    return s->logs;
}

void exec_state_message(struct exec_state *s, const struct exec_l1_message *m)
{
    if (s->message_count == s->message_cap) {
        struct exec_l1_message *more =
            exec_array_grow(s, s->messages, s->message_count, &s->message_cap, 4u, sizeof *more,
                            _Alignof(struct exec_l1_message));
        if (more == NULL)
            return;
        s->messages = more;
    }
    struct exec_l1_message *to = &s->messages[s->message_count++];
    *to = *m;
    to->payload = keep(s, m->payload);
}

const struct exec_l1_message *exec_state_messages(const struct exec_state *s, uint32_t *count)
{
    *count = s->message_count;
    return s->messages;
}

/* ---- the block's footprint */

uint32_t exec_state_account_count(const struct exec_state *s)
{
    return s->known_accounts.count;
}

const struct exec_state_account *exec_state_account_at(const struct exec_state *s, uint32_t i)
{
    TD_ASSERT(i < s->known_accounts.count);
    return &account_at(s, s->known_accounts.at[i])->a;
}

uint32_t exec_state_slot_count(const struct exec_state *s)
{
    return s->known_slots.count;
}

const struct exec_state_slot *exec_state_slot_at(const struct exec_state *s, uint32_t i)
{
    TD_ASSERT(i < s->known_slots.count);
    return &slot_at(s, s->known_slots.at[i])->s;
}

uint32_t exec_state_code_count(const struct exec_state *s)
{
    return s->codes.count;
}

const struct exec_state_code *exec_state_code_at(const struct exec_state *s, uint32_t i)
{
    TD_ASSERT(i < s->codes.count);
    return &code_at(s, i)->c;
}
