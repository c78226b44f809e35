#include "executor/call.h"
#include "executor/evm/code.h"
#include "executor/system.h"

/* ---- what a list need not name */

struct known {
    const struct exec_call_at *at;
    const struct exec_tx *tx;
    bool has_delegate;
    struct td_addr delegate; /* of the recipient: its code is loaded before anything runs */
};

static bool is_warm_anyway(const struct known *k, const struct exec_state_account *a)
{
    const struct td_addr *x = &a->addr;
    if (exec_is_precompile(x) || td_addr_eq(x, &k->tx->sender) ||
        td_addr_eq(x, &k->at->block->coinbase) || a->created_tx != 0 ||
        (!k->tx->is_create && td_addr_eq(x, &k->tx->to)) ||
        (k->has_delegate && td_addr_eq(x, &k->delegate)))
        return true;
    for (uint32_t i = 0; i < k->tx->auth_count; i++)
        if (k->tx->auth[i].has_authority && td_addr_eq(x, &k->tx->auth[i].authority))
            return true;
    return false;
}

/* A slot that a block's own writes or BLOCKHASH looked at is nobody's access; a call of the
 * contract warms what it reads. */
static bool is_accessed(const struct exec_state_slot *s)
{
    return s->warm_tx != 0 || !td_addr_eq(&s->addr, &EXEC_HISTORY_ADDRESS);
}

/* ---- from the state's footprint to a list */

static uint32_t slots_of(const struct exec_state *s, const struct td_addr *addr,
                         struct exec_u256 *out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < exec_state_slot_count(s); i++) {
        const struct exec_state_slot *x = exec_state_slot_at(s, i);
        if (!td_addr_eq(&x->addr, addr) || !is_accessed(x))
            continue;
        if (out != NULL)
            out[count] = x->slot;
        count++;
    }
    return count;
}

static enum td_error gather(const struct known *k, const struct exec_state *s,
                            struct exec_access_result *out)
{
    struct td_arena *arena = k->at->vm_arena;
    uint32_t accounts = exec_state_account_count(s);
    struct exec_access *list = TD_ARENA_NEW(arena, struct exec_access, accounts);
    out->list = list;
    out->count = 0;
    if (list == NULL)
        return TD_E_NOSPACE;
    for (uint32_t i = 0; i < accounts; i++) {
        const struct exec_state_account *a = exec_state_account_at(s, i);
        uint32_t count = slots_of(s, &a->addr, NULL);
        if (count == 0 && is_warm_anyway(k, a))
            continue;
        struct exec_u256 *slots = TD_ARENA_NEW(arena, struct exec_u256, count);
        if (slots == NULL)
            return TD_E_NOSPACE;
        (void)slots_of(s, &a->addr, slots);
        list[out->count++] =
            (struct exec_access){.addr = a->addr, .slot_count = count, .slots = slots};
    }
    return TD_OK;
}

static bool same(const struct exec_access *a, uint32_t a_count, const struct exec_access *b,
                 uint32_t b_count)
{
    if (a_count != b_count)
        return false;
    for (uint32_t i = 0; i < a_count; i++) {
        if (!td_addr_eq(&a[i].addr, &b[i].addr) || a[i].slot_count != b[i].slot_count)
            return false;
        for (uint32_t k = 0; k < a[i].slot_count; k++)
            if (!exec_u256_eq(&a[i].slots[k], &b[i].slots[k]))
                return false;
    }
    return true;
}

static void find_delegate(struct known *k, struct exec_state *s)
{
    if (!k->tx->is_create)
        k->has_delegate = exec_code_delegation(&k->delegate, exec_state_code(s, &k->tx->to));
}

enum td_error exec_access_list(const struct exec_call_at *at, const struct exec_tx *tx,
                               struct exec_access_result *out)
{
    struct td_arena_mark mark = td_arena_mark(at->arena);
    struct exec_tx with = *tx;
    struct known k = {.at = at, .tx = tx};
    *out = (struct exec_access_result){.settled = false};
    for (uint32_t round = 0; round < EXEC_ACCESS_ROUNDS_MAX && !out->settled; round++) {
        td_arena_rewind(at->arena, mark);
        enum td_error err = exec_call(at, &with, &out->call);
        if (err != TD_OK || out->call.verdict != EXEC_TX_OK)
            return err;
        find_delegate(&k, out->call.state);
        err = gather(&k, out->call.state, out);
        if (err != TD_OK)
            return err;
        out->settled = same(with.access, with.access_count, out->list, out->count);
        with.access = out->list;
        with.access_count = out->count;
    }
    return exec_state_error(out->call.state);
}
