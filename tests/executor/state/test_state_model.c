/* executor/state against a model that copies everything.
 * Method: random operations on few addresses and slots, with nested marks, reverts and transaction
 * boundaries, on both the real state and a plain struct whose mark is a copy of itself; after each
 * operation the answers agree, and now and then everything does.  Reads ask the reader at most
 * once, in the order the footprint gives. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/core/keccak.h"
#include "base/core/rng.h"
#include "executor/state.h"

#define ADDRS 6u
#define SLOTS 5u
#define CODES 5u
#define DEPTH 8u
#define LOGS 64u

/* ---- the model */

struct model_tx_part {
    struct exec_u256 balance[ADDRS];
    uint64_t nonce[ADDRS];
    uint32_t code[ADDRS];
    struct exec_u256 slot[ADDRS][SLOTS];
    struct exec_u256 transient[ADDRS][SLOTS];
    bool warm[ADDRS], created[ADDRS], destroyed[ADDRS];
    bool slot_warm[ADDRS][SLOTS];
    int64_t refund;
    uint32_t log_count, message_count;
    uint64_t log_tag[LOGS], message_tag[LOGS];
};

struct model {
    struct model_tx_part base, start, now;
    struct model_tx_part saved[DEPTH];
    struct exec_mark mark[DEPTH];
    uint32_t depth;
};

static struct td_addr ADDR[ADDRS];
static struct exec_u256 SLOT[SLOTS];
static struct td_hash CODE_HASH[CODES];
static struct td_bytes CODE[CODES];

static void setup(void)
{
    static uint8_t bytes[CODES][40];
    for (uint32_t i = 0; i < ADDRS; i++) {
        memset(ADDR[i].b, 0x40 + (int)i, sizeof ADDR[i].b);
        ADDR[i].b[19] = (uint8_t)i;
    }
    /* One address is a precompile: never cold. */
    memset(ADDR[ADDRS - 1u].b, 0, 19);
    ADDR[ADDRS - 1u].b[19] = 9;
    for (uint32_t i = 0; i < SLOTS; i++)
        SLOT[i] = i < 3 ? exec_u256_of(i) : (struct exec_u256){{i, ~0ull, i * 77u, ~0ull / i}};
    for (uint32_t i = 0; i < CODES; i++) {
        memset(bytes[i], (int)i, sizeof bytes[i]);
        CODE[i] = td_bytes_of(bytes[i], i * 7u);
        td_keccak256(&CODE_HASH[i], bytes[i], i * 7u);
    }
}

/* ---- the reader */

struct source {
    const struct model_tx_part *base;
    uint32_t account_count, slot_count;
    uint32_t accounts[ADDRS * 2u], slots[ADDRS * SLOTS * 2u];
    bool twice;
};

static uint32_t index_of(const struct td_addr *a)
{
    for (uint32_t i = 0; i < ADDRS; i++)
        if (td_addr_eq(a, &ADDR[i]))
            return i;
    abort();
}

static enum td_error read_account(void *self, const struct td_addr *a, struct exec_account *out)
{
    struct source *s = self;
    uint32_t i = index_of(a);
    for (uint32_t k = 0; k < s->account_count; k++)
        s->twice |= s->accounts[k] == i;
    if (s->account_count < ADDRS * 2u)
        s->accounts[s->account_count++] = i;
    *out = (struct exec_account){.nonce = s->base->nonce[i],
                                 .balance = s->base->balance[i],
                                 .code_hash = CODE_HASH[s->base->code[i]],
                                 .code_bytes = (uint32_t)CODE[s->base->code[i]].len};
    return TD_OK;
}

static enum td_error read_slot(void *self, const struct td_addr *a, const struct exec_u256 *slot,
                               struct exec_u256 *out)
{
    struct source *s = self;
    uint32_t i = index_of(a), j = 0;
    while (!exec_u256_eq(slot, &SLOT[j]))
        j++;
    for (uint32_t k = 0; k < s->slot_count; k++)
        s->twice |= s->slots[k] == i * SLOTS + j;
    if (s->slot_count < ADDRS * SLOTS * 2u)
        s->slots[s->slot_count++] = i * SLOTS + j;
    *out = s->base->slot[i][j];
    return TD_OK;
}

static enum td_error read_code(void *self, const struct td_hash *h, struct td_bytes *out)
{
    (void)self;
    for (uint32_t i = 0; i < CODES; i++)
        if (td_hash_eq(h, &CODE_HASH[i])) {
            *out = CODE[i];
            return TD_OK;
        }
    return TD_E_NOTFOUND;
}

/* ---- comparing everything */

static void compare_accounts(struct exec_state *s, const struct model *m)
{
    for (uint32_t i = 0; i < ADDRS; i++) {
        const struct exec_account *a = exec_state_get(s, &ADDR[i]);
        cr_assert_eq(a->nonce, m->now.nonce[i]);
        cr_assert(exec_u256_eq(&a->balance, &m->now.balance[i]));
        cr_assert(td_hash_eq(&a->code_hash, &CODE_HASH[m->now.code[i]]));
        cr_assert_eq(a->code_bytes, CODE[m->now.code[i]].len);
        cr_assert(td_bytes_eq(exec_state_code(s, &ADDR[i]), CODE[m->now.code[i]]));
        cr_assert_eq(exec_state_is_warm(s, &ADDR[i]), m->now.warm[i]);
        cr_assert_eq(exec_state_created_now(s, &ADDR[i]), m->now.created[i]);
        cr_assert_eq(exec_state_is_empty(s, &ADDR[i]), m->now.nonce[i] == 0 &&
                                                           m->now.code[i] == 0 &&
                                                           exec_u256_is_zero(&m->now.balance[i]));
    }
}

static void compare_slots(struct exec_state *s, struct model *m)
{
    for (uint32_t i = 0; i < ADDRS; i++)
        for (uint32_t j = 0; j < SLOTS; j++) {
            struct exec_u256 t;
            struct exec_slot_view v;
            exec_state_tload(s, &ADDR[i], &SLOT[j], &t);
            cr_assert(exec_u256_eq(&t, &m->now.transient[i][j]));
            exec_state_sload(s, &ADDR[i], &SLOT[j], &v);
            cr_assert(exec_u256_eq(&v.now, &m->now.slot[i][j]));
            cr_assert(exec_u256_eq(&v.tx_original, &m->start.slot[i][j]));
            cr_assert_eq(v.was_cold, !m->now.slot_warm[i][j]);
            m->now.slot_warm[i][j] = true;
        }
}

static void compare(struct exec_state *s, struct model *m, struct source *src)
{
    uint32_t count;
    compare_accounts(s, m);
    compare_slots(s, m);
    cr_assert_eq(exec_state_refund(s), m->now.refund);
    const struct exec_log *logs = exec_state_logs(s, &count);
    cr_assert_eq(count, m->now.log_count);
    for (uint32_t i = 0; i < count; i++) {
        cr_assert_eq(logs[i].data.len, m->now.log_tag[i] % 50u);
        cr_assert_eq(logs[i].topic[0].b[0], (uint8_t)m->now.log_tag[i]);
    }
    const struct exec_l1_message *ms = exec_state_messages(s, &count);
    cr_assert_eq(count, m->now.message_count);
    for (uint32_t i = 0; i < count; i++)
        cr_assert_eq(ms[i].payload.len, m->now.message_tag[i] % 50u);
    cr_assert_not(src->twice);
    cr_assert_eq(exec_state_account_count(s), src->account_count);
    for (uint32_t i = 0; i < src->account_count; i++)
        cr_assert(td_addr_eq(&exec_state_account_at(s, i)->addr, &ADDR[src->accounts[i]]));
    cr_assert_eq(exec_state_slot_count(s), src->slot_count);
    for (uint32_t i = 0; i < src->slot_count; i++)
        cr_assert(exec_u256_eq(&exec_state_slot_at(s, i)->slot, &SLOT[src->slots[i] % SLOTS]) &&
                  td_addr_eq(&exec_state_slot_at(s, i)->addr, &ADDR[src->slots[i] / SLOTS]));
    cr_assert_eq(exec_state_error(s), TD_OK);
}

/* Which codes the block made: some account has it now and had another at its start. */
static void compare_made(struct exec_state *s, const struct model *m)
{
    for (uint32_t i = 0; i < exec_state_code_count(s); i++) {
        const struct exec_state_code *c = exec_state_code_at(s, i);
        bool made = false;
        uint32_t k = 0;
        while (!td_hash_eq(&CODE_HASH[k], &c->hash))
            k++;
        for (uint32_t a = 0; a < ADDRS; a++)
            made |= m->now.code[a] == k && m->base.code[a] != k;
        cr_assert_eq(c->made, made, "code %u", k);
        cr_assert(td_bytes_eq(c->bytes, CODE[k]));
    }
}

/* ---- one random operation on both */

static struct exec_u256 small(struct td_rng *r)
{
    return exec_u256_of(td_rng_below(r, 4));
}

static void op_account(struct exec_state *s, struct model *m, struct td_rng *r, uint32_t i)
{
    struct exec_u256 v = small(r), x;
    uint32_t j = (uint32_t)td_rng_below(r, ADDRS);
    switch (td_rng_below(r, 8)) {
    case 0:
        if (td_rng_below(r, 10) == 0)
            v = (struct exec_u256){{~0ull, ~0ull, ~0ull, ~0ull}};
        bool over = exec_u256_add(&x, &m->now.balance[i], &v);
        cr_assert_eq(exec_state_add_balance(s, &ADDR[i], &v), !over);
        if (!over)
            m->now.balance[i] = x;
        break;
    case 1: {
        bool poor = exec_u256_cmp(&m->now.balance[i], &v) < 0;
        cr_assert_eq(exec_state_sub_balance(s, &ADDR[i], &v), !poor);
        if (!poor)
            exec_u256_sub(&m->now.balance[i], &m->now.balance[i], &v);
        break;
    }
    case 2:
        exec_state_set_balance(s, &ADDR[i], &v);
        m->now.balance[i] = v;
        break;
    case 3:
        exec_state_set_nonce(s, &ADDR[i], v.w[0]);
        m->now.nonce[i] = v.w[0];
        break;
    case 4:
        m->now.code[i] = (uint32_t)td_rng_below(r, CODES);
        exec_state_set_code(s, &ADDR[i], CODE[m->now.code[i]]);
        break;
    case 5:
        exec_state_create(s, &ADDR[i]);
        m->now.created[i] = true;
        memset(m->now.slot[i], 0, sizeof m->now.slot[i]);
        break;
    case 6:
        if (exec_u256_add(&x, &m->now.balance[i], &m->now.balance[j]))
            break;
        exec_state_destroy(s, &ADDR[i], &ADDR[j]);
        if (i != j)
            m->now.balance[j] = x;
        if (i != j || m->now.created[i])
            m->now.balance[i] = exec_u256_of(0);
        m->now.destroyed[i] |= m->now.created[i];
        break;
    default:
        cr_assert_eq(exec_state_warm(s, &ADDR[i]), !m->now.warm[i]);
        m->now.warm[i] = true;
        break;
    }
}

static void op_slot(struct exec_state *s, struct model *m, struct td_rng *r, uint32_t i)
{
    struct exec_u256 v = small(r);
    uint32_t j = (uint32_t)td_rng_below(r, SLOTS);
    struct exec_slot_view view;
    switch (td_rng_below(r, 5)) {
    case 0:
        exec_state_sload(s, &ADDR[i], &SLOT[j], &view);
        cr_assert_eq(view.was_cold, !m->now.slot_warm[i][j]);
        cr_assert(exec_u256_eq(&view.now, &m->now.slot[i][j]));
        cr_assert(exec_u256_eq(&view.tx_original, &m->start.slot[i][j]));
        m->now.slot_warm[i][j] = true;
        break;
    case 1:
    case 2:
        exec_state_sstore(s, &ADDR[i], &SLOT[j], &v);
        m->now.slot[i][j] = v;
        break;
    case 3:
        exec_state_warm_slot(s, &ADDR[i], &SLOT[j]);
        m->now.slot_warm[i][j] = true;
        break;
    default:
        exec_state_tstore(s, &ADDR[i], &SLOT[j], &v);
        m->now.transient[i][j] = v;
        break;
    }
}

static void op_other(struct exec_state *s, struct model *m, struct td_rng *r)
{
    static const uint8_t data[50];
    uint64_t tag = td_rng_u64(r);
    if (tag & 1u) {
        int64_t d = (int64_t)td_rng_below(r, 9) - 4;
        exec_state_refund_add(s, d);
        m->now.refund += d;
    } else if (m->now.log_count < LOGS) {
        struct exec_log log = {.addr = ADDR[0], .topic_count = 1};
        log.topic[0].b[0] = (uint8_t)tag;
        log.data = td_bytes_of(data, tag % 50u);
        exec_state_log(s, &log);
        m->now.log_tag[m->now.log_count++] = tag;
    }
    if (tag % 3u == 0 && m->now.message_count < LOGS) {
        struct exec_l1_message msg = {ADDR[1], td_bytes_of(data, tag % 50u)};
        exec_state_message(s, &msg);
        m->now.message_tag[m->now.message_count++] = tag;
    }
}

static void tx_end(struct exec_state *s, struct model *m)
{
    exec_state_tx_end(s);
    for (uint32_t i = 0; i < ADDRS; i++)
        if (m->now.destroyed[i]) {
            m->now.nonce[i] = 0;
            m->now.code[i] = 0;
            m->now.balance[i] = exec_u256_of(0);
            memset(m->now.slot[i], 0, sizeof m->now.slot[i]);
        }
    m->depth = 0;
}

static void tx_begin(struct exec_state *s, struct model *m)
{
    exec_state_tx_begin(s);
    struct model_tx_part *n = &m->now;
    memset(n->transient, 0, sizeof n->transient);
    memset(n->warm, 0, sizeof n->warm);
    memset(n->created, 0, sizeof n->created);
    memset(n->destroyed, 0, sizeof n->destroyed);
    memset(n->slot_warm, 0, sizeof n->slot_warm);
    n->warm[ADDRS - 1u] = true;
    n->refund = 0;
    n->log_count = 0;
    n->message_count = 0;
    m->start = m->now;
}

static void step(struct exec_state *s, struct model *m, struct td_rng *r)
{
    uint64_t dice = td_rng_below(r, 100);
    uint32_t i = (uint32_t)td_rng_below(r, ADDRS);
    if (dice < 35) {
        op_account(s, m, r, i);
    } else if (dice < 75) {
        op_slot(s, m, r, i);
    } else if (dice < 82) {
        op_other(s, m, r);
    } else if (dice < 90 && m->depth < DEPTH) {
        m->mark[m->depth] = exec_state_mark(s);
        m->saved[m->depth++] = m->now;
    } else if (dice < 96 && m->depth > 0) {
        /* Back to any live mark: what an inner frame kept goes with the outer one. */
        m->depth = (uint32_t)td_rng_below(r, m->depth);
        exec_state_revert(s, m->mark[m->depth]);
        m->now = m->saved[m->depth];
    } else if (dice < 97 && m->depth > 0) {
        m->depth--; /* the frame succeeds */
    } else if (dice >= 98) {
        tx_end(s, m);
        tx_begin(s, m);
    }
}

static void random_base(struct model *m, struct td_rng *r)
{
    memset(m, 0, sizeof *m);
    for (uint32_t i = 0; i < ADDRS; i++) {
        m->base.balance[i] = small(r);
        m->base.nonce[i] = td_rng_below(r, 3);
        m->base.code[i] = (uint32_t)td_rng_below(r, CODES);
        for (uint32_t j = 0; j < SLOTS; j++)
            m->base.slot[i][j] = small(r);
    }
    m->base.warm[ADDRS - 1u] = true;
    m->now = m->base;
    m->start = m->base;
}

static void sequence(uint64_t seed, void *mem, size_t mem_bytes, uint32_t steps)
{
    static struct model m;
    struct td_rng r;
    struct td_arena arena;
    td_rng_init(&r, seed);
    random_base(&m, &r);
    struct source src = {.base = &m.base};
    struct exec_reader reader = {&src, read_account, read_slot, read_code};
    td_arena_init(&arena, mem, mem_bytes);
    struct exec_state *s =
        exec_state_init(td_arena_get(&arena, exec_state_footprint(), 16), &arena, &reader);
    for (uint32_t k = 0; k < steps; k++) {
        step(s, &m, &r);
        if (td_rng_below(&r, 40) == 0)
            compare(s, &m, &src);
    }
    compare(s, &m, &src);
    compare_made(s, &m);
}

Test(executor_state_model, agrees_with_a_copying_model)
{
    size_t bytes = 4u << 20;
    void *mem = malloc(bytes);
    setup();
    for (uint64_t seed = 0; seed < 4000; seed++)
        sequence(seed, mem, bytes, 50u + (uint32_t)(seed % 400u));
    free(mem);
}
