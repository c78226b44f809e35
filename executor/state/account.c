#include "base/core/keccak.h"
#include "executor/state/state_internal.h"

static bool same_hash(const struct td_hash *a, const struct td_hash *b)
{
    return td_hash_eq(a, b);
}

static bool is_no_code(const struct td_hash *h)
{
    return same_hash(h, &EXEC_EMPTY_CODE_HASH);
}

/* ---- finding */

struct exec_key exec_account_key(const void *owner, uint32_t i)
{
    return (struct exec_key){.addr = account_at(owner, i)->a.addr.b};
}

static bool account_same(const void *owner, const void *key, uint32_t i)
{
    return exec_addr_same(key, &account_at(owner, i)->a.addr);
}

static inline uint32_t find_hashed(const struct exec_state *s, const struct td_addr *a,
                                   const struct exec_addr_words *key, uint32_t hash)
{
    return exec_index_find(&s->account_index, hash, key, (struct exec_key){.addr = a->b},
                           account_same);
}

static uint32_t find(const struct exec_state *s, const struct td_addr *a)
{
    struct exec_addr_words key = exec_addr_load(a);
    return find_hashed(s, a, &key, exec_hash_end(exec_hash_addr(&s->hash_key, &key)));
}

struct account_entry *exec_account_need(struct exec_state *s, const struct td_addr *a,
                                        uint32_t *number)
{
    struct exec_addr_words key = exec_addr_load(a);
    return exec_account_need_hashed(s, a, &key, exec_hash_addr(&s->hash_key, &key), number);
}

struct account_entry *exec_account_need_hashed(struct exec_state *s, const struct td_addr *a,
                                               const struct exec_addr_words *key, uint64_t sum,
                                               uint32_t *number)
{
    uint32_t hash = exec_hash_end(sum);
    uint32_t i = find_hashed(s, a, key, hash);
    *number = i;
    if (i != EXEC_INDEX_NONE)
        return account_at(s, i);
    struct account_entry *e =
        exec_pool_add(s, &s->accounts, sizeof *e, _Alignof(struct account_entry));
    if (e != NULL) {
        e->a.addr = *a;
        e->a.code_known = e->a.touched = e->known = false;
        e->a.warm_tx = e->a.created_tx = e->a.destroyed_tx = e->a.wiped_slots = 0;
        e->dirty_tx = 0;
        e->first_slot = 0;
        *number = s->accounts.count - 1u;
        if (exec_index_add(&s->account_index, s->arena, hash, *number))
            return e;
        exec_state_fail(s, TD_E_NOSPACE);
        s->accounts.count--;
    }
    *number = EXEC_INDEX_NONE;
    s->lost_account = (struct account_entry){.a.addr = *a};
    return &s->lost_account;
}

/* What the reader says, or an empty account with the error set. */
static void know(struct exec_state *s, struct account_entry *e, uint32_t number)
{
    struct exec_account *o = &e->a.original;
    enum td_error err = s->err;
    if (err == TD_OK)
        err = s->reader.account(s->reader.self, &e->a.addr, o);
    if (err != TD_OK) {
        exec_state_fail(s, err);
        *o = (struct exec_account){.code_hash = EXEC_EMPTY_CODE_HASH};
    }
    e->a.now = *o;
    e->known = true;
    if (number != EXEC_INDEX_NONE)
        exec_list_add(s, &s->known_accounts, number);
}

static struct account_entry *load(struct exec_state *s, const struct td_addr *a, uint32_t *number)
{
    struct account_entry *e = exec_account_need(s, a, number);
    if (__builtin_expect(!e->known, 0))
        know(s, e, *number);
    return e;
}

/* Before any write: what the transaction found, once. */
static void touch(struct exec_state *s, struct account_entry *e, uint32_t number)
{
    e->a.touched = true;
    if (e->dirty_tx == s->tx)
        return;
    e->dirty_tx = s->tx;
    e->before = e->a.now;
    if (number != EXEC_INDEX_NONE)
        exec_list_add(s, &s->dirty_accounts, number);
}

const struct exec_account *exec_state_get(struct exec_state *s, const struct td_addr *a)
{
    uint32_t n;
    return &load(s, a, &n)->a.now;
}

bool exec_state_is_empty(struct exec_state *s, const struct td_addr *a)
{
    const struct exec_account *x = exec_state_get(s, a);
    return x->nonce == 0 && exec_u256_is_zero(&x->balance) && is_no_code(&x->code_hash);
}

/* ---- warm and cold (EIP-2929) */

/* Precompile addresses 0x01 .. 0x11 are warm from the start of every transaction. */
static bool always_warm(const struct td_addr *a)
{
    uint8_t any = 0;
    for (uint32_t i = 0; i < TD_ADDR_BYTES - 1u; i++)
        any |= a->b[i];
    return any == 0 && a->b[TD_ADDR_BYTES - 1u] >= 1u && a->b[TD_ADDR_BYTES - 1u] <= 0x11u;
}

bool exec_state_warm(struct exec_state *s, const struct td_addr *a)
{
    uint32_t n;
    if (always_warm(a))
        return false;
    struct account_entry *e = exec_account_need(s, a, &n);
    if (e->a.warm_tx == s->tx)
        return false;
    if (n != EXEC_INDEX_NONE)
        exec_undo_push(s, UNDO_ACCOUNT_WARM, n, NULL);
    e->a.warm_tx = s->tx;
    return true;
}

bool exec_state_is_warm(const struct exec_state *s, const struct td_addr *a)
{
    uint32_t i = find(s, a);
    return (i != EXEC_INDEX_NONE && account_at(s, i)->a.warm_tx == s->tx) || always_warm(a);
}

/* ---- balance and nonce */

static void write_balance(struct exec_state *s, struct account_entry *e, uint32_t n,
                          const struct exec_u256 *wei)
{
    if (exec_u256_eq(&e->a.now.balance, wei))
        return;
    touch(s, e, n);
    if (n != EXEC_INDEX_NONE)
        exec_undo_push(s, UNDO_BALANCE, n, e->a.now.balance.w);
    e->a.now.balance = *wei;
}

bool exec_state_add_balance(struct exec_state *s, const struct td_addr *a,
                            const struct exec_u256 *wei)
{
    uint32_t n;
    struct exec_u256 sum;
    struct account_entry *e = load(s, a, &n);
    if (exec_u256_add(&sum, &e->a.now.balance, wei))
        return false;
    write_balance(s, e, n, &sum);
    return true;
}

bool exec_state_sub_balance(struct exec_state *s, const struct td_addr *a,
                            const struct exec_u256 *wei)
{
    uint32_t n;
    struct exec_u256 rest;
    struct account_entry *e = load(s, a, &n);
    if (exec_u256_sub(&rest, &e->a.now.balance, wei))
        return false;
    write_balance(s, e, n, &rest);
    return true;
}

void exec_state_set_balance(struct exec_state *s, const struct td_addr *a,
                            const struct exec_u256 *wei)
{
    uint32_t n;
    struct account_entry *e = load(s, a, &n);
    write_balance(s, e, n, wei);
}

void exec_state_set_nonce(struct exec_state *s, const struct td_addr *a, uint64_t nonce)
{
    uint32_t n;
    struct account_entry *e = load(s, a, &n);
    if (e->a.now.nonce == nonce)
        return;
    touch(s, e, n);
    if (n != EXEC_INDEX_NONE)
        exec_undo_push(s, UNDO_NONCE, n, &e->a.now.nonce);
    e->a.now.nonce = nonce;
}

/* ---- code */

struct exec_key exec_code_key(const void *owner, uint32_t i)
{
    return (struct exec_key){.word = code_at(owner, i)->c.hash.b};
}

static bool code_same(const void *owner, const void *key, uint32_t i)
{
    return same_hash(&code_at(owner, i)->c.hash, key);
}

static struct code_entry *find_code(const struct exec_state *s, const struct td_hash *h,
                                    uint32_t *hash)
{
    struct exec_u256 word;
    memcpy(&word, h->b, sizeof word);
    *hash = exec_hash_end(exec_hash_word(&s->hash_key, &word));
    uint32_t i =
        exec_index_find(&s->code_index, *hash, h, (struct exec_key){.word = h->b}, code_same);
    return i == EXEC_INDEX_NONE ? NULL : code_at(s, i);
}

static struct code_entry *add_code(struct exec_state *s, const struct td_hash *h, uint32_t hash)
{
    struct code_entry *e = exec_pool_add(s, &s->codes, sizeof *e, _Alignof(struct code_entry));
    if (e != NULL) {
        *e = (struct code_entry){.c.hash = *h};
        if (exec_index_add(&s->code_index, s->arena, hash, s->codes.count - 1u))
            return e;
        exec_state_fail(s, TD_E_NOSPACE);
        s->codes.count--;
    }
    s->lost_code = (struct code_entry){.c.hash = *h};
    return &s->lost_code;
}

/* An account's code hash becomes `h`; keeps count of who has which code only since this block. */
static void move_code(struct exec_state *s, struct account_entry *e, const struct td_hash *h,
                      uint32_t code_bytes)
{
    const struct td_hash *from = &e->a.now.code_hash;
    const struct td_hash *original = &e->a.original.code_hash;
    uint32_t hash;
    if (!is_no_code(from) && !same_hash(from, original)) {
        struct code_entry *c = find_code(s, from, &hash);
        if (c != NULL && c->users > 0)
            c->c.made = --c->users > 0;
    }
    if (!is_no_code(h) && !same_hash(h, original)) {
        struct code_entry *c = find_code(s, h, &hash);
        if (c != NULL) {
            c->users++;
            c->c.made = true;
        }
    }
    e->a.now.code_hash = *h;
    e->a.now.code_bytes = code_bytes;
    e->a.code_known = false;
}

struct td_bytes exec_state_code(struct exec_state *s, const struct td_addr *a)
{
    uint32_t n, hash;
    struct account_entry *e = load(s, a, &n);
    if (e->a.code_known)
        return e->a.code;
    const struct td_hash *h = &e->a.now.code_hash;
    struct td_bytes code = {0};
    if (!is_no_code(h)) {
        struct code_entry *c = find_code(s, h, &hash);
        if (c == NULL) {
            enum td_error err = s->err;
            if (err == TD_OK)
                err = s->reader.code(s->reader.self, h, &code);
            if (err != TD_OK) {
                exec_state_fail(s, err);
                code = (struct td_bytes){0};
            }
            c = add_code(s, h, hash);
            c->c.bytes = code;
            c->c.read = true;
        }
        code = c->c.bytes;
    }
    e->a.code = code;
    e->a.code_known = true;
    return code;
}

void exec_state_set_code(struct exec_state *s, const struct td_addr *a, struct td_bytes code)
{
    uint32_t n, hash;
    struct td_hash h = EXEC_EMPTY_CODE_HASH;
    struct account_entry *e = load(s, a, &n);
    if (code.len > UINT32_MAX) {
        exec_state_fail(s, TD_E_LIMIT);
        return;
    }
    if (code.len > 0) {
        td_keccak256(&h, code.ptr, code.len);
        if (find_code(s, &h, &hash) == NULL) {
            uint8_t *copy = td_arena_get(s->arena, code.len, 1);
            if (copy == NULL) {
                exec_state_fail(s, TD_E_NOSPACE);
                return;
            }
            memcpy(copy, code.ptr, code.len);
            add_code(s, &h, hash)->c.bytes = td_bytes_of(copy, code.len);
        }
    }
    if (same_hash(&h, &e->a.now.code_hash))
        return;
    touch(s, e, n);
    if (n != EXEC_INDEX_NONE) {
        uint64_t words[5];
        memcpy(words, e->a.now.code_hash.b, TD_HASH_BYTES);
        words[4] = e->a.now.code_bytes;
        exec_undo_push(s, UNDO_CODE, n, words);
    }
    move_code(s, e, &h, (uint32_t)code.len);
}

/* ---- creation and destruction (EIP-6780) */

void exec_state_create(struct exec_state *s, const struct td_addr *a)
{
    uint32_t n;
    struct account_entry *e = load(s, a, &n);
    if (n != EXEC_INDEX_NONE) {
        uint64_t words[3] = {e->a.created_tx, e->a.wiped_slots, e->a.now.has_storage};
        exec_undo_push(s, UNDO_CREATE, n, words);
    }
    touch(s, e, n);
    exec_storage_wipe(s, e);
    e->a.created_tx = s->tx;
    e->a.now.has_storage = false;
}

bool exec_state_created_now(const struct exec_state *s, const struct td_addr *a)
{
    uint32_t i = find(s, a);
    return i != EXEC_INDEX_NONE && account_at(s, i)->a.created_tx == s->tx;
}

void exec_state_destroy(struct exec_state *s, const struct td_addr *a, const struct td_addr *heir)
{
    static const struct exec_u256 ZERO;
    uint32_t n, heir_n;
    struct account_entry *e = load(s, a, &n);
    struct account_entry *h = load(s, heir, &heir_n);
    bool created = e->a.created_tx == s->tx;
    if (n != heir_n) {
        struct exec_u256 sum;
        /* No sum of balances reaches 2^256 while wei come from deposits and genesis; a test state
         * that has such balances keeps them apart instead of losing them. */
        if (!exec_u256_add(&sum, &h->a.now.balance, &e->a.now.balance)) {
            write_balance(s, h, heir_n, &sum);
            write_balance(s, e, n, &ZERO);
        }
    } else if (created) {
        write_balance(s, e, n, &ZERO);
    }
    if (!created || e->a.destroyed_tx == s->tx)
        return;
    touch(s, e, n);
    if (n != EXEC_INDEX_NONE)
        exec_undo_push(s, UNDO_DESTROY, n, NULL);
    e->a.destroyed_tx = s->tx;
}

void exec_accounts_tx_end(struct exec_state *s)
{
    for (uint32_t i = 0; i < s->dirty_accounts.count; i++) {
        struct account_entry *e = account_at(s, s->dirty_accounts.at[i]);
        if (e->a.destroyed_tx != s->tx)
            continue;
        move_code(s, e, &EXEC_EMPTY_CODE_HASH, 0);
        e->a.now.nonce = 0;
        e->a.now.balance = exec_u256_of(0);
        e->a.now.has_storage = false;
        e->a.destroyed_tx = 0;
        exec_storage_wipe(s, e);
    }
}

/* ---- undo */

void exec_account_undo(struct exec_state *s, enum undo_kind kind, uint32_t entry,
                       const uint64_t *words)
{
    struct account_entry *e = account_at(s, entry);
    if (kind == UNDO_ACCOUNT_WARM) {
        e->a.warm_tx = 0;
    } else if (kind == UNDO_BALANCE) {
        memcpy(e->a.now.balance.w, words, sizeof e->a.now.balance.w);
    } else if (kind == UNDO_NONCE) {
        e->a.now.nonce = words[0];
    } else if (kind == UNDO_CODE) {
        struct td_hash h;
        memcpy(h.b, words, TD_HASH_BYTES);
        move_code(s, e, &h, (uint32_t)words[4]);
    } else if (kind == UNDO_CREATE) {
        if (words[1] == 0)
            exec_storage_unwipe(s, e);
        e->a.created_tx = words[0];
        e->a.wiped_slots = words[1];
        e->a.now.has_storage = words[2] != 0;
    } else {
        e->a.destroyed_tx = 0;
    }
}
