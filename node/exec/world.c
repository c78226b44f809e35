#include "node/exec/world.h"

#include <stdlib.h>
#include <string.h>

#include "base/core/hex.h"
#include "base/core/keccak.h"
#include "base/core/rlp.h"
#include "base/core/trie.h"

/* RLP of [nonce, balance, storage root, code hash] at its longest. */
#define ACCOUNT_RLP_BYTES_MAX 128u
#define SLOT_RLP_BYTES_MAX 33u

#define TEXT_BYTES TD_QUANTITY_TEXT_BYTES

/* ---- order */

static int by_addr(const void *a, const void *b)
{
    const struct node_world_account *x = a, *y = b;
    return td_addr_cmp(&x->addr, &y->addr);
}

static int by_slot(const void *a, const void *b)
{
    const struct node_world_slot *x = a, *y = b;
    return exec_u256_cmp(&x->slot, &y->slot);
}

static int by_code_hash(const void *a, const void *b)
{
    const struct node_world_account *const *x = a, *const *y = b;
    return td_hash_cmp(&(*x)->code_hash, &(*y)->code_hash);
}

static const struct node_world_account *find(const struct node_world *w, const struct td_addr *addr)
{
    struct node_world_account key = {.addr = *addr};
    if (w->account_count == 0)
        return NULL;
    return bsearch(&key, w->accounts, w->account_count, sizeof key, by_addr);
}

static bool is_listed(const struct node_world_account *a)
{
    return a->nonce != 0 || !exec_u256_is_zero(&a->balance) || a->code.len != 0 ||
           a->slot_count != 0;
}

/* ---- from JSON */

static void get_storage(struct node_world_account *a, struct node_json *j, json_t *in)
{
    const char *key;
    json_t *value;
    a->slots = node_json_room(j, json_object_size(in), sizeof *a->slots);
    json_object_foreach(in, key, value)
    {
        struct node_world_slot *s = &a->slots[a->slot_count];
        if (!node_json_ok(j))
            return;
        node_json_text_u256(j, key, "storage key", &s->slot);
        node_json_u256(j, in, key, &s->value);
        if (!exec_u256_is_zero(&s->value))
            a->slot_count++;
    }
    if (a->slot_count == 0)
        return;
    qsort(a->slots, a->slot_count, sizeof *a->slots, by_slot);
    for (size_t i = 1; i < a->slot_count; i++) {
        if (exec_u256_eq(&a->slots[i - 1].slot, &a->slots[i].slot))
            node_json_fail(j, "storage", "one slot twice, written in two ways");
    }
}

static void get_account(struct node_world_account *a, struct node_json *j, const json_t *in)
{
    a->nonce = node_json_u64(j, in, "nonce");
    node_json_u256(j, in, "balance", &a->balance);
    a->code = node_json_bytes(j, in, "code");
    td_keccak256(&a->code_hash, a->code.ptr, a->code.len);
    json_t *storage = node_json_object(j, in, "storage");
    if (node_json_ok(j))
        get_storage(a, j, storage);
}

void node_world_get(struct node_world *out, struct node_json *j, const json_t *in)
{
    const char *key;
    json_t *value;
    char section[sizeof j->path];
    size_t size = json_object_size(in);

    *out = (struct node_world){.account_count = 0};
    memcpy(section, j->path, sizeof section);
    out->accounts = node_json_room(j, size, sizeof *out->accounts);
    out->by_code = node_json_room(j, size, sizeof(struct node_world_account *));
    json_object_foreach((json_t *)in, key, value) /* the macro wants it mutable, and only reads */
    {
        if (!node_json_ok(j))
            return;
        struct node_world_account *a = &out->accounts[out->account_count];
        node_json_text_addr(j, key, "account", &a->addr);
        node_json_at(j, "%.60s.%.42s", section, key);
        get_account(a, j, value);
        if (is_listed(a))
            out->account_count++;
    }
    memcpy(j->path, section, sizeof section);
    if (!node_json_ok(j) || out->account_count == 0)
        return;
    qsort(out->accounts, out->account_count, sizeof *out->accounts, by_addr);
    for (size_t i = 0; i < out->account_count; i++) {
        out->by_code[i] = &out->accounts[i];
        if (i > 0 && td_addr_eq(&out->accounts[i - 1].addr, &out->accounts[i].addr))
            node_json_fail(j, NULL, "one account twice, written in two ways");
    }
    qsort(out->by_code, out->account_count, sizeof(struct node_world_account *), by_code_hash);
}

/* ---- the reader */

static enum td_error read_account(void *self, const struct td_addr *addr, struct exec_account *out)
{
    const struct node_world_account *a = find(self, addr);
    *out = (struct exec_account){.code_hash = EXEC_EMPTY_CODE_HASH};
    if (a == NULL)
        return TD_OK;
    out->nonce = a->nonce;
    out->balance = a->balance;
    out->code_hash = a->code_hash;
    out->code_bytes = (uint32_t)a->code.len;
    out->has_storage = a->slot_count != 0;
    return TD_OK;
}

static enum td_error read_slot(void *self, const struct td_addr *addr, const struct exec_u256 *slot,
                               struct exec_u256 *out)
{
    const struct node_world_account *a = find(self, addr);
    const struct node_world_slot *s = NULL;
    struct node_world_slot key = {.slot = *slot};
    if (a != NULL && a->slot_count != 0)
        s = bsearch(&key, a->slots, a->slot_count, sizeof key, by_slot);
    *out = s == NULL ? exec_u256_of(0) : s->value;
    return TD_OK;
}

static enum td_error read_code(void *self, const struct td_hash *code_hash, struct td_bytes *out)
{
    const struct node_world *w = self;
    struct node_world_account key_account = {.code_hash = *code_hash};
    struct node_world_account *key = &key_account;
    struct node_world_account **hit = NULL;
    if (w->account_count != 0)
        hit = bsearch(&key, w->by_code, w->account_count, sizeof key, by_code_hash);
    *out = hit == NULL ? td_bytes_of(NULL, 0) : (*hit)->code;
    return hit == NULL && !td_hash_eq(code_hash, &EXEC_EMPTY_CODE_HASH) ? TD_E_NOTFOUND : TD_OK;
}

struct exec_reader node_world_reader(const struct node_world *w)
{
    return (struct exec_reader){
        .self = (void *)w, .account = read_account, .slot = read_slot, .code = read_code};
}

/* ---- after the execution */

/* Where an address or slot was seen; sorting brings the same ones together. */
struct seen_slot {
    struct td_addr addr;
    bool has_slot; /* false: the account alone; sorts before its slots */
    struct exec_u256 slot;
};

static int seen_cmp(const void *a, const void *b)
{
    const struct seen_slot *x = a, *y = b;
    int order = td_addr_cmp(&x->addr, &y->addr);
    if (order != 0)
        return order;
    if (x->has_slot != y->has_slot)
        return x->has_slot ? 1 : -1;
    return exec_u256_cmp(&x->slot, &y->slot);
}

static struct seen_slot *collect(const struct node_world *before, const struct exec_state *s,
                                 struct td_arena *arena, size_t *count)
{
    uint32_t account_count = exec_state_account_count(s);
    uint32_t slot_count = exec_state_slot_count(s);
    size_t n = (size_t)account_count + slot_count + before->account_count;
    for (size_t i = 0; i < before->account_count; i++)
        n += before->accounts[i].slot_count;
    *count = n;
    struct seen_slot *seen = TD_ARENA_NEW(arena, struct seen_slot, n + 1);
    if (seen == NULL)
        return NULL;

    struct seen_slot *p = seen;
    for (uint32_t i = 0; i < account_count; i++)
        *p++ = (struct seen_slot){.addr = exec_state_account_at(s, i)->addr};
    for (uint32_t i = 0; i < slot_count; i++) {
        const struct exec_state_slot *slot = exec_state_slot_at(s, i);
        *p++ = (struct seen_slot){.addr = slot->addr, .has_slot = true, .slot = slot->slot};
    }
    for (size_t i = 0; i < before->account_count; i++) {
        const struct node_world_account *a = &before->accounts[i];
        *p++ = (struct seen_slot){.addr = a->addr};
        for (size_t k = 0; k < a->slot_count; k++)
            *p++ = (struct seen_slot){.addr = a->addr, .has_slot = true, .slot = a->slots[k].slot};
    }
    qsort(seen, n, sizeof *seen, seen_cmp);
    return seen;
}

enum td_error node_world_after(struct node_world *out, const struct node_world *before,
                               struct exec_state *s, struct td_arena *arena)
{
    size_t count;
    struct seen_slot *seen = collect(before, s, arena, &count);

    *out = (struct node_world){.account_count = 0};
    out->accounts = TD_ARENA_NEW(arena, struct node_world_account, count);
    struct node_world_slot *slots = TD_ARENA_NEW(arena, struct node_world_slot, count);
    if (seen == NULL || out->accounts == NULL || slots == NULL)
        return TD_E_NOSPACE;

    exec_state_tx_begin(s);
    for (size_t i = 0; i < count;) {
        struct node_world_account *a = &out->accounts[out->account_count];
        const struct exec_account *now = exec_state_get(s, &seen[i].addr);
        *a = (struct node_world_account){.addr = seen[i].addr,
                                         .nonce = now->nonce,
                                         .balance = now->balance,
                                         .code_hash = now->code_hash,
                                         .slots = slots};
        a->code = exec_state_code(s, &a->addr);
        for (; i < count && td_addr_eq(&seen[i].addr, &a->addr); i++) {
            struct exec_slot_view view;
            bool again = i > 0 && seen_cmp(&seen[i - 1], &seen[i]) == 0;
            if (again || !seen[i].has_slot)
                continue;
            exec_state_sload(s, &a->addr, &seen[i].slot, &view);
            if (!exec_u256_is_zero(&view.now))
                a->slots[a->slot_count++] =
                    (struct node_world_slot){.slot = seen[i].slot, .value = view.now};
        }
        slots += a->slot_count;
        if (is_listed(a))
            out->account_count++;
    }
    return exec_state_error(s);
}

/* ---- comparison */

struct diff {
    FILE *to;
    size_t left, count;
};

static void number_text(char out[TEXT_BYTES], const struct exec_u256 *v)
{
    struct td_wei wei = {{v->w[0], v->w[1], v->w[2], v->w[3]}};
    td_quantity_print(out, &wei);
}

static void addr_text(char out[TD_ADDR_TEXT_BYTES], const struct td_addr *a)
{
    if (td_hex_encode(out, TD_ADDR_TEXT_BYTES, TD_HEX_PREFIXED, a->b, sizeof a->b) != TD_OK)
        out[0] = '\0';
}

static void differ(struct diff *d, const struct td_addr *addr, const char *what,
                   const char *expected, const char *got)
{
    char text[TD_ADDR_TEXT_BYTES];
    d->count++;
    if (d->left == 0)
        return;
    d->left--;
    addr_text(text, addr);
    fprintf(d->to, "%s %s: expected %s, got %s\n", text, what, expected, got);
}

static void differ_number(struct diff *d, const struct td_addr *addr, const char *what,
                          const struct exec_u256 *expected, const struct exec_u256 *got)
{
    char e[TEXT_BYTES], g[TEXT_BYTES];
    if (exec_u256_eq(expected, got))
        return;
    number_text(e, expected);
    number_text(g, got);
    differ(d, addr, what, e, g);
}

static void differ_slots(struct diff *d, const struct node_world_account *e,
                         const struct node_world_account *g)
{
    const struct exec_u256 zero = exec_u256_of(0);
    size_t i = 0, k = 0;
    while (i < e->slot_count || k < g->slot_count) {
        char name[TEXT_BYTES + 16], slot[TEXT_BYTES];
        int order = i == e->slot_count   ? 1
                    : k == g->slot_count ? -1
                                         : by_slot(&e->slots[i], &g->slots[k]);
        number_text(slot, order <= 0 ? &e->slots[i].slot : &g->slots[k].slot);
        snprintf(name, sizeof name, "slot %s", slot);
        differ_number(d, &e->addr, name, order <= 0 ? &e->slots[i].value : &zero,
                      order >= 0 ? &g->slots[k].value : &zero);
        i += order <= 0 ? 1 : 0;
        k += order >= 0 ? 1 : 0;
    }
}

static void differ_accounts(struct diff *d, const struct node_world_account *e,
                            const struct node_world_account *g)
{
    struct exec_u256 nonce_e = exec_u256_of(e->nonce), nonce_g = exec_u256_of(g->nonce);
    differ_number(d, &e->addr, "nonce", &nonce_e, &nonce_g);
    differ_number(d, &e->addr, "balance", &e->balance, &g->balance);
    if (!td_bytes_eq(e->code, g->code)) {
        char size_e[40], size_g[40];
        snprintf(size_e, sizeof size_e, "%zu bytes", e->code.len);
        snprintf(size_g, sizeof size_g, "%zu%s bytes", g->code.len,
                 e->code.len == g->code.len ? " other" : "");
        differ(d, &e->addr, "code", size_e, size_g);
    }
    differ_slots(d, e, g);
}

size_t node_world_compare(FILE *to, size_t lines_max, const struct node_world *expected,
                          const struct node_world *got)
{
    struct diff d = {.to = to, .left = lines_max};
    size_t i = 0, k = 0;
    while (i < expected->account_count || k < got->account_count) {
        const struct node_world_account *e = &expected->accounts[i], *g = &got->accounts[k];
        int order = i == expected->account_count ? 1 : k == got->account_count ? -1 : by_addr(e, g);
        if (order == 0)
            differ_accounts(&d, e, g);
        else if (order < 0)
            differ(&d, &e->addr, "account", "present", "absent");
        else
            differ(&d, &g->addr, "account", "absent", "present");
        i += order <= 0 ? 1 : 0;
        k += order >= 0 ? 1 : 0;
    }
    return d.count;
}

/* ---- the state root (Yellow Paper, section 4.1) */

static void put_u256(struct td_writer *w, const struct exec_u256 *v)
{
    struct td_wei wei = {{v->w[0], v->w[1], v->w[2], v->w[3]}};
    td_rlp_put_wei(w, &wei);
}

static enum td_error storage_root(struct td_hash *root, const struct node_world_account *a,
                                  struct td_arena *arena)
{
    size_t n = a->slot_count;
    struct td_trie_pair *pairs = TD_ARENA_NEW(arena, struct td_trie_pair, n);
    uint8_t(*keys)[32] = td_arena_get(arena, n * 32, 1);
    uint8_t(*values)[SLOT_RLP_BYTES_MAX] = td_arena_get(arena, n * SLOT_RLP_BYTES_MAX, 1);
    if (pairs == NULL || keys == NULL || values == NULL)
        return TD_E_NOSPACE;
    for (size_t i = 0; i < n; i++) {
        struct td_writer w;
        exec_u256_to_be(keys[i], &a->slots[i].slot);
        td_writer_init(&w, values[i], SLOT_RLP_BYTES_MAX);
        put_u256(&w, &a->slots[i].value);
        pairs[i] = (struct td_trie_pair){td_bytes_of(keys[i], 32), td_bytes_of(values[i], w.len)};
    }
    return td_trie_secure_root(root, pairs, n, arena);
}

enum td_error node_world_root(struct td_hash *root, const struct node_world *w,
                              struct td_arena *arena)
{
    size_t n = w->account_count;
    struct td_arena_mark outer = td_arena_mark(arena);
    struct td_trie_pair *pairs = TD_ARENA_NEW(arena, struct td_trie_pair, n);
    uint8_t(*values)[ACCOUNT_RLP_BYTES_MAX] = td_arena_get(arena, n * ACCOUNT_RLP_BYTES_MAX, 1);
    enum td_error err = pairs == NULL || values == NULL ? TD_E_NOSPACE : TD_OK;

    *root = (struct td_hash){{0}};
    for (size_t i = 0; i < n && err == TD_OK; i++) {
        const struct node_world_account *a = &w->accounts[i];
        struct td_arena_mark mark = td_arena_mark(arena);
        struct td_hash storage;
        struct td_writer out;
        err = storage_root(&storage, a, arena);
        td_arena_rewind(arena, mark);
        td_writer_init(&out, values[i], ACCOUNT_RLP_BYTES_MAX);
        size_t begin = td_rlp_list_begin(&out);
        td_rlp_put_u64(&out, a->nonce);
        put_u256(&out, &a->balance);
        td_rlp_put_bytes(&out, storage.b, sizeof storage.b);
        td_rlp_put_bytes(&out, a->code_hash.b, sizeof a->code_hash.b);
        td_rlp_list_end(&out, begin);
        pairs[i] = (struct td_trie_pair){td_bytes_of(a->addr.b, sizeof a->addr.b),
                                         td_bytes_of(values[i], out.len)};
    }
    if (err == TD_OK)
        err = td_trie_secure_root(root, pairs, n, arena);
    td_arena_rewind(arena, outer);
    return err;
}
