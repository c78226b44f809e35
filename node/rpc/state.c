#include "node/rpc/state.h"

#include <string.h>

void node_rpc_state_init(struct node_rpc_state *s, struct node_rpc_worker *w, bool hold,
                         uint64_t deadline_ns)
{
    *s = (struct node_rpc_state){.chain = w->rpc->backend.chain,
                                 .arena = &w->state_arena,
                                 .clock = w->rpc->backend.clock,
                                 .deadline_ns = deadline_ns,
                                 .held = hold};
    node_chain_lock(s->chain);
    s->cursor = *node_chain_cursor(s->chain);
    if (!hold)
        node_chain_unlock(s->chain);
}

void node_rpc_state_reset(struct node_rpc_state *s)
{
    if (s->held)
        node_chain_unlock(s->chain);
    s->held = false;
}

/* To be left by `leave` whatever it says. */
static enum td_error enter(struct node_rpc_state *s)
{
    if (!s->held)
        node_chain_lock(s->chain);
    if (td_clock_mono_ns(&s->clock) >= s->deadline_ns)
        return TD_E_LIMIT;
    return node_chain_cursor(s->chain)->number == s->cursor.number ? TD_OK : TD_E_BUSY;
}

static void leave(struct node_rpc_state *s)
{
    if (!s->held)
        node_chain_unlock(s->chain);
}

static enum td_error get_account(void *self, const struct td_addr *addr, struct exec_account *out)
{
    struct node_rpc_state *s = self;
    enum td_error err = enter(s);
    if (err == TD_OK) {
        struct exec_reader r = node_chain_state(s->chain);
        err = r.account(r.self, addr, out);
    }
    leave(s);
    return err;
}

static enum td_error get_slot(void *self, const struct td_addr *addr, const struct exec_u256 *slot,
                              struct exec_u256 *out)
{
    struct node_rpc_state *s = self;
    enum td_error err = enter(s);
    if (err == TD_OK) {
        struct exec_reader r = node_chain_state(s->chain);
        err = r.slot(r.self, addr, slot, out);
    }
    leave(s);
    return err;
}

static enum td_error get_code(void *self, const struct td_hash *code_hash, struct td_bytes *out)
{
    struct node_rpc_state *s = self;
    struct td_bytes code = {.ptr = NULL, .len = 0};
    enum td_error err = enter(s);
    if (err == TD_OK) {
        struct exec_reader r = node_chain_state(s->chain);
        err = r.code(r.self, code_hash, &code);
    }
    if (err == TD_OK) {
        uint8_t *copy = td_arena_get(s->arena, code.len, 1);
        if (copy == NULL)
            err = TD_E_NOSPACE;
        else if (code.len > 0)
            memcpy(copy, code.ptr, code.len);
        *out = td_bytes_of(copy, copy == NULL ? 0 : code.len);
    }
    leave(s);
    return err;
}

struct exec_reader node_rpc_state_reader(struct node_rpc_state *s)
{
    return (struct exec_reader){
        .self = s, .account = get_account, .slot = get_slot, .code = get_code};
}
