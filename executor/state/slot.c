#include "executor/state/state_internal.h"

struct slot_key {
    struct exec_addr_words addr;
    const struct exec_u256 *slot;
};

/* ---- finding */

struct exec_key exec_slot_key(const void *owner, uint32_t i)
{
    const struct slot_entry *e = slot_at(owner, i);
    return (struct exec_key){.addr = e->s.addr.b, .word = (const uint8_t *)e->s.slot.w};
}

struct exec_key exec_transient_key(const void *owner, uint32_t i)
{
    const struct transient_entry *e = transient_at(owner, i);
    return (struct exec_key){.addr = e->addr.b, .word = (const uint8_t *)e->slot.w};
}

static bool slot_same(const void *owner, const void *key, uint32_t i)
{
    const struct slot_key *k = key;
    const struct slot_entry *e = slot_at(owner, i);
    return exec_u256_eq(k->slot, &e->s.slot) && exec_addr_same(&k->addr, &e->s.addr);
}

static bool transient_same(const void *owner, const void *key, uint32_t i)
{
    const struct slot_key *k = key;
    const struct transient_entry *e = transient_at(owner, i);
    return exec_u256_eq(k->slot, &e->slot) && exec_addr_same(&k->addr, &e->addr);
}

static inline uint32_t key_hash(const struct exec_state *s, struct slot_key *k,
                                const struct td_addr *a, const struct exec_u256 *slot)
{
    k->addr = exec_addr_load(a);
    k->slot = slot;
    return exec_hash_end(exec_hash_addr(&s->hash_key, &k->addr) +
                         exec_hash_word(&s->hash_key, slot));
}

/* A slot that nobody named before; `sum` is exec_hash_addr of the key's address. */
static struct slot_entry *add(struct exec_state *s, const struct td_addr *a,
                              const struct slot_key *key, uint64_t sum, uint32_t hash,
                              uint32_t *number)
{
    const struct exec_u256 *slot = key->slot;
    uint32_t account;
    exec_account_need_hashed(s, a, &key->addr, sum, &account);
    struct slot_entry *e = NULL;
    if (account != EXEC_INDEX_NONE)
        e = exec_pool_add(s, &s->slots, sizeof *e, _Alignof(struct slot_entry));
    if (e != NULL) {
        e->s.addr = *a;
        e->s.slot = *slot;
        e->s.tx_seen = e->s.warm_tx = 0;
        e->serial = e->dirty_tx = e->born_wiped_tx = 0;
        e->account = account;
        e->next_slot = 0;
        e->listed = false;
        *number = s->slots.count - 1u;
        if (exec_index_add(&s->slot_index, s->arena, hash, *number))
            return e;
        exec_state_fail(s, TD_E_NOSPACE);
        s->slots.count--;
    }
    *number = EXEC_INDEX_NONE;
    s->lost_slot = (struct slot_entry){.s.addr = *a, .s.slot = *slot};
    return &s->lost_slot;
}

/* ---- originals and the account's list of slots that may be non-zero: what a wipe must look at */

/* First use in a transaction: the value there is its original. */
static inline void see(const struct exec_state *s, struct slot_entry *e)
{
    if (e->s.tx_seen != s->tx) {
        e->s.tx_original = e->s.now;
        e->s.tx_seen = s->tx;
    }
}

static void list_slot(struct exec_state *s, struct slot_entry *e, uint32_t number)
{
    if (e->listed || number == EXEC_INDEX_NONE)
        return;
    struct account_entry *a = account_at(s, e->account);
    e->listed = true;
    e->next_slot = a->first_slot;
    a->first_slot = number + 1u;
}

static void write_slot(struct exec_state *s, struct slot_entry *e, uint32_t number,
                       const struct exec_u256 *value)
{
    if (e->serial != s->serial && number != EXEC_INDEX_NONE) {
        exec_undo_push(s, UNDO_SLOT, number, e->s.now.w);
        e->serial = s->serial;
    }
    if (e->dirty_tx != s->tx && number != EXEC_INDEX_NONE) {
        exec_list_add(s, &s->dirty_slots, number);
        e->dirty_tx = s->tx;
    }
    if (!e->listed && !exec_u256_is_zero(value))
        list_slot(s, e, number);
    e->s.now = *value;
}

/* Empties the list: what a wipe looks at was put there since the last one by a first read of
 * something, a write or an undone write, each paid for.  Kept, the list would let every creation at
 * an address that reverts walk all that the earlier ones had written there. */
void exec_storage_wipe(struct exec_state *s, struct account_entry *e)
{
    static const struct exec_u256 ZERO;
    uint32_t next, i = e->first_slot;
    if (e->a.wiped_slots == 0)
        e->a.wiped_slots = s->tx;
    e->first_slot = 0;
    for (; i != 0; i = next) {
        struct slot_entry *slot = slot_at(s, i - 1u);
        next = slot->next_slot;
        slot->listed = false;
        if (!exec_u256_is_zero(&slot->s.now)) {
            see(s, slot);
            write_slot(s, slot, i - 1u, &ZERO);
        }
        if (slot->born_wiped_tx == s->tx) /* exec_storage_unwipe looks for it */
            list_slot(s, slot, i - 1u);
    }
}

/* Slots asked for since the wipe with something in them are listed. */
void exec_storage_unwipe(struct exec_state *s, struct account_entry *e)
{
    for (uint32_t i = e->first_slot; i != 0; i = slot_at(s, i - 1u)->next_slot) {
        struct slot_entry *slot = slot_at(s, i - 1u);
        if (slot->born_wiped_tx != s->tx)
            continue;
        slot->born_wiped_tx = 0;
        slot->s.now = slot->s.original;
    }
}

/* ---- values */

/* First use in the block asks the reader. */
static void know(struct exec_state *s, struct slot_entry *e, uint32_t number)
{
    if (e->s.tx_seen != 0) {
        see(s, e);
        return;
    }
    enum td_error err = s->err;
    if (err == TD_OK)
        err = s->reader.slot(s->reader.self, &e->s.addr, &e->s.slot, &e->s.original);
    if (err != TD_OK) {
        exec_state_fail(s, err);
        e->s.original = exec_u256_of(0);
    }
    e->s.now = e->s.original;
    e->s.tx_original = e->s.original;
    e->s.tx_seen = s->tx;
    if (number == EXEC_INDEX_NONE)
        return;
    exec_list_add(s, &s->known_slots, number);
    if (exec_u256_is_zero(&e->s.original))
        return;
    list_slot(s, e, number);
    uint64_t wiped = account_at(s, e->account)->a.wiped_slots;
    if (wiped == 0)
        return;
    e->s.now = exec_u256_of(0);
    if (wiped == s->tx)
        e->born_wiped_tx = s->tx;
    else
        e->s.tx_original = e->s.now;
}

static __attribute__((noinline)) struct slot_entry *need_other(struct exec_state *s,
                                                               const struct td_addr *a,
                                                               const struct exec_u256 *slot,
                                                               uint32_t *number)
{
    struct slot_key k = {exec_addr_load(a), slot};
    uint64_t sum = exec_hash_addr(&s->hash_key, &k.addr);
    uint32_t hash = exec_hash_end(sum + exec_hash_word(&s->hash_key, slot));
    *number = exec_index_find(&s->slot_index, hash, &k,
                              (struct exec_key){.addr = a->b, .word = (const uint8_t *)slot->w},
                              slot_same);
    if (*number == EXEC_INDEX_NONE)
        return add(s, a, &k, sum, hash, number);
    s->recent_slot = slot_at(s, *number);
    s->recent_slot_number = *number;
    return s->recent_slot;
}

/* SSTORE reads and writes, mostly after an SLOAD: one slot is named several times in a row. */
static inline struct slot_entry *need(struct exec_state *s, const struct td_addr *a,
                                      const struct exec_u256 *slot, uint32_t *number)
{
    struct slot_entry *e = s->recent_slot;
    if (e != NULL && exec_u256_eq(slot, &e->s.slot)) {
        struct exec_addr_words words = exec_addr_load(a);
        if (exec_addr_same(&words, &e->s.addr)) {
            *number = s->recent_slot_number;
            return e;
        }
    }
    return need_other(s, a, slot, number);
}

static bool warm(struct exec_state *s, struct slot_entry *e, uint32_t number)
{
    if (e->s.warm_tx == s->tx)
        return false;
    if (number != EXEC_INDEX_NONE)
        exec_undo_push(s, UNDO_SLOT_WARM, number, NULL);
    e->s.warm_tx = s->tx;
    return true;
}

/* Warm and known; was it cold? */
static __attribute__((noinline)) bool sload_first(struct exec_state *s, struct slot_entry *e,
                                                  uint32_t number)
{
    bool was_cold = warm(s, e, number);
    know(s, e, number);
    return was_cold;
}

static inline struct slot_entry *sload(struct exec_state *s, const struct td_addr *a,
                                       const struct exec_u256 *slot, bool *was_cold)
{
    uint32_t n;
    struct slot_entry *e = need(s, a, slot, &n);
    *was_cold = false;
    if (__builtin_expect(e->s.warm_tx != s->tx || e->s.tx_seen != s->tx, 0))
        *was_cold = sload_first(s, e, n);
    return e;
}

void exec_state_sload(struct exec_state *s, const struct td_addr *a, const struct exec_u256 *slot,
                      struct exec_slot_view *out)
{
    const struct slot_entry *e = sload(s, a, slot, &out->was_cold);
    out->tx_original = e->s.tx_original;
    out->now = e->s.now;
}

bool exec_state_sload_now(struct exec_state *s, const struct td_addr *a,
                          const struct exec_u256 *slot, struct exec_u256 *now)
{
    bool was_cold;
    *now = sload(s, a, slot, &was_cold)->s.now;
    return was_cold;
}

void exec_state_peek(struct exec_state *s, const struct td_addr *a, const struct exec_u256 *slot,
                     struct exec_u256 *out)
{
    uint32_t n;
    struct slot_entry *e = need(s, a, slot, &n);
    know(s, e, n);
    *out = e->s.now;
}

void exec_state_sstore(struct exec_state *s, const struct td_addr *a, const struct exec_u256 *slot,
                       const struct exec_u256 *value)
{
    uint32_t n;
    struct slot_entry *e = need(s, a, slot, &n);
    if (e->s.tx_seen != s->tx)
        know(s, e, n);
    if (!exec_u256_eq(&e->s.now, value))
        write_slot(s, e, n, value);
}

void exec_state_put(struct exec_state *s, const struct td_addr *a, const struct exec_u256 *slot,
                    const struct exec_u256 *value)
{
    uint32_t n;
    struct slot_entry *e = need(s, a, slot, &n);
    know(s, e, n);
    if (!exec_u256_is_zero(value))
        list_slot(s, e, n);
    e->s.now = *value;
}

void exec_state_warm_slot(struct exec_state *s, const struct td_addr *a,
                          const struct exec_u256 *slot)
{
    uint32_t n;
    struct slot_entry *e = need(s, a, slot, &n);
    warm(s, e, n);
}

/* ---- transient storage (EIP-1153) */

void exec_state_tload(struct exec_state *s, const struct td_addr *a, const struct exec_u256 *slot,
                      struct exec_u256 *out)
{
    struct slot_key k;
    uint32_t hash = key_hash(s, &k, a, slot);
    uint32_t i = exec_index_find(&s->transient_index, hash, &k,
                                 (struct exec_key){.addr = a->b, .word = (const uint8_t *)slot->w},
                                 transient_same);
    *out = i == EXEC_INDEX_NONE ? exec_u256_of(0) : transient_at(s, i)->now;
}

static struct transient_entry *add_transient(struct exec_state *s, const struct td_addr *a,
                                             const struct exec_u256 *slot, uint32_t hash)
{
    struct transient_entry *e =
        exec_pool_add(s, &s->transients, sizeof *e, _Alignof(struct transient_entry));
    if (e == NULL)
        return NULL;
    *e = (struct transient_entry){.addr = *a, .slot = *slot};
    if (exec_index_add(&s->transient_index, s->arena, hash, s->transients.count - 1u))
        return e;
    exec_state_fail(s, TD_E_NOSPACE);
    s->transients.count--;
    return NULL;
}

void exec_state_tstore(struct exec_state *s, const struct td_addr *a, const struct exec_u256 *slot,
                       const struct exec_u256 *value)
{
    struct slot_key k;
    uint32_t hash = key_hash(s, &k, a, slot);
    uint32_t i = exec_index_find(&s->transient_index, hash, &k,
                                 (struct exec_key){.addr = a->b, .word = (const uint8_t *)slot->w},
                                 transient_same);
    struct transient_entry *e = NULL;
    if (i != EXEC_INDEX_NONE) {
        e = transient_at(s, i);
    } else {
        if (exec_u256_is_zero(value))
            return;
        e = add_transient(s, a, slot, hash);
        if (e == NULL)
            return;
        i = s->transients.count - 1u;
    }
    if (exec_u256_eq(&e->now, value))
        return;
    if (e->serial != s->serial) {
        exec_undo_push(s, UNDO_TRANSIENT, i, e->now.w);
        e->serial = s->serial;
    }
    e->now = *value;
}

void exec_transients_clear(struct exec_state *s)
{
    for (uint32_t i = 0; i < s->transients.count; i++) {
        struct transient_entry *e = transient_at(s, i);
        struct slot_key k;
        exec_index_blank(&s->transient_index, key_hash(s, &k, &e->addr, &e->slot), i);
    }
    exec_index_clear(&s->transient_index);
    s->transients.count = 0;
}

/* ---- undo */

void exec_slot_undo(struct exec_state *s, enum undo_kind kind, uint32_t entry,
                    const uint64_t *words)
{
    if (kind == UNDO_TRANSIENT) {
        struct transient_entry *e = transient_at(s, entry);
        memcpy(e->now.w, words, sizeof e->now.w);
        return;
    }
    struct slot_entry *e = slot_at(s, entry);
    if (kind == UNDO_SLOT_WARM) {
        e->s.warm_tx = 0;
        return;
    }
    memcpy(e->s.now.w, words, sizeof e->s.now.w);
    if (!exec_u256_is_zero(&e->s.now)) /* a wipe may have taken it off the list */
        list_slot(s, e, entry);
}

/* ---- what the transaction would publish */

static uint32_t bytes_of_u64(uint64_t v)
{
    struct exec_u256 x = exec_u256_of(v);
    return exec_u256_byte_length(&x);
}

uint64_t exec_state_tx_pubdata(const struct exec_state *s)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < s->dirty_slots.count; i++) {
        const struct slot_entry *e = slot_at(s, s->dirty_slots.at[i]);
        const struct account_entry *a = account_at(s, e->account);
        if ((a->known && a->a.now.da_off) || exec_u256_eq(&e->s.now, &e->s.tx_original))
            continue;
        sum += EXEC_PUBDATA_LEAF_BYTES + exec_u256_byte_length(&e->s.now);
        if (exec_u256_is_zero(&e->s.original))
            sum += EXEC_PUBDATA_SLOT_KEY_BYTES;
    }
    for (uint32_t i = 0; i < s->dirty_accounts.count; i++) {
        const struct account_entry *e = account_at(s, s->dirty_accounts.at[i]);
        const struct exec_account *now = &e->a.now;
        bool code_same = td_hash_eq(&now->code_hash, &e->before.code_hash);
        if (now->da_off || (code_same && now->nonce == e->before.nonce &&
                            exec_u256_eq(&now->balance, &e->before.balance)))
            continue;
        sum += EXEC_PUBDATA_LEAF_BYTES + bytes_of_u64(now->nonce) +
               exec_u256_byte_length(&now->balance);
        if (e->a.original.nonce == 0 && exec_u256_is_zero(&e->a.original.balance) &&
            td_hash_eq(&e->a.original.code_hash, &EXEC_EMPTY_CODE_HASH))
            sum += EXEC_PUBDATA_ACCOUNT_KEY_BYTES;
        if (!code_same)
            sum += EXEC_PUBDATA_CODE_BYTES + now->code_bytes;
    }
    for (uint32_t i = 0; i < s->message_count; i++)
        sum += EXEC_PUBDATA_MESSAGE_BYTES + s->messages[i].payload.len;
    return sum;
}
