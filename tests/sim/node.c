/* The shell around one production replica: boot, crash, events in, effects out. */
#include <string.h>

#include "base/core/assert.h"
#include "tests/sim/world.h"

#define MONO_BASE_NS SIM_SEC /* monotonic clocks do not start at zero */
#define RESTART_CONNECT_NS (20 * SIM_MS)
#define DOWN_NOTICE_NS (1500 * SIM_MS)
#define L1_POLL_NS (3 * SIM_SEC)

static void trace(struct sim_world *w, const struct sim_node *n, struct sim_trace_entry e)
{
    e.at_ns = w->now_ns;
    e.node = n->id;
    sim_trace_put(&w->trace, e);
}

static enum bft_verdict step_once(struct sim_world *w, struct sim_node *n, struct bft_event *ev)
{
    struct bft_view before = n->view;
    ev->mono_ns = w->now_ns + MONO_BASE_NS;
    ev->wall_ms = sim_wall_ms(w, n);
    w->stats.steps++;
    enum bft_verdict v = bft_step(n->replica, ev, w->fx);
    bft_view_get(n->replica, &n->view);
    if (n->view.round != before.round || n->view.epoch != before.epoch)
        trace(w, n,
              (struct sim_trace_entry){.kind = SIM_TR_ROUND,
                                       .a = n->view.rounds_entered_tc != before.rounds_entered_tc,
                                       .b = n->view.epoch,
                                       .c = n->view.round});
    sim_effects_do(w, n);
    if (sim_honest(w, n->id))
        sim_check_step(w, n, &before);
    return v;
}

static void local_event(struct sim_world *w, struct sim_node *n, const struct sim_local *l)
{
    struct bft_event ev = {.peer = BFT_NO_PEER};
    switch (l->kind) {
    case SIM_LOCAL_SIGNED:
        ev.kind = BFT_EV_SIGNED;
        ev.u.signed_msg = &l->msg;
        break;
    case SIM_LOCAL_PAYLOAD:
        ev.kind = BFT_EV_PAYLOAD_READY;
        ev.u.verdict.hash = l->hash;
        ev.u.verdict.valid = true;
        break;
    }
    step_once(w, n, &ev);
}

enum bft_verdict sim_node_step(struct sim_world *w, struct sim_node *n, struct bft_event *ev)
{
    if (!n->alive || n->halted || w->violation.set)
        return BFT_STALE;
    TD_ASSERT(!n->stepping);
    n->stepping = true;
    enum bft_verdict v = step_once(w, n, ev);
    while (n->local_count > 0 && n->alive && !n->halted && !w->violation.set) {
        struct sim_local l = n->local[n->local_head];
        n->local_head = (n->local_head + 1) % SIM_LOCAL_MAX;
        n->local_count--;
        local_event(w, n, &l);
    }
    n->stepping = false;
    return v;
}

static void boot_config(struct sim_world *w, struct sim_node *n, struct bft_restore *restore)
{
    static struct bft_guard blank;
    /* A validator that joins later made its key, and with it an empty guard record, when it joined;
     * the genesis validators begin without one.  [P-10.4] */
    if (n->incarnation == 0 && bft_set_find(&w->base.schedule[0], &n->addr) == BFT_NO_SIGNER &&
        n->byzantine != SIM_FAULT_LOSTGUARD) {
        bft_guard_init(&n->disk.live.guard);
        n->disk.durable.guard = n->disk.live.guard;
        n->disk.live.has_guard = n->disk.durable.has_guard = true;
    }
    sim_disk_restore(w, n, restore);
    if (n->byzantine == SIM_FAULT_AMNESIA && n->incarnation > 0) {
        bft_guard_init(&blank);
        n->disk.live.guard = n->disk.durable.guard = blank;
        restore->guard = &blank;
        restore->lock_qc = NULL;
        restore->entry = (struct bft_entry){0};
    }
    if (n->byzantine == SIM_FAULT_LOSTGUARD && n->incarnation > 0)
        restore->guard = NULL;
    n->passive_ok = restore->guard == NULL;
    if (restore->guard == NULL) {
        n->lost = n->sent;
        bft_guard_init(&n->disk.live.guard);
        n->disk.live.has_guard = false;
    }
}

void sim_node_boot(struct sim_world *w, struct sim_node *n)
{
    if (n->alive || n->halted)
        return;
    struct bft_config config = w->base;
    config.self = n->addr;
    struct bft_restore restore;
    boot_config(w, n, &restore);
    enum td_error err = bft_init(&n->replica, n->region, &config, &restore);
    if (err != TD_OK) {
        sim_violate(w, n->id, "restart", "bft_init refuses the node's own durable state: %s",
                    td_error_text(err));
        return;
    }
    n->alive = true;
    n->stepping = false;
    n->local_count = 0;
    n->waiting_count = 0;
    n->fetch_armed = n->executing = n->built_pending = false;
    memset(n->origin_wait, 0, sizeof n->origin_wait);
    memset(n->origin_wait_number, 0, sizeof n->origin_wait_number);
    bft_view_get(n->replica, &n->view);
    trace(w, n,
          (struct sim_trace_entry){.kind = SIM_TR_BOOT,
                                   .a = n->disk.durable.final_height,
                                   .b = n->disk.durable.executed_height,
                                   .c = n->incarnation});
    if (n->incarnation > 0)
        w->stats.restarts++;
    if (sim_honest(w, n->id))
        sim_check_restart(w, n, n->view.final_height);
    struct bft_event ev = {.kind = BFT_EV_START, .peer = BFT_NO_PEER};
    sim_node_step(w, n, &ev);
    uint64_t spread_ms = w->cfg.quiet ? 1 : 20;
    for (uint32_t i = 0; i < w->node_count; i++)
        if (i != n->id)
            sim_net_connect(w, n->id, i,
                            RESTART_CONNECT_NS +
                                (int64_t)td_rng_below(&w->net_rng, spread_ms) * SIM_MS);
    if (w->base.has_l1)
        sim_push(w, SIM_IT_L1, n->id, w->now_ns, 0);
    if (n->byzantine < SIM_FAULTS)
        sim_push(w, SIM_IT_BYZANTINE, n->id, w->now_ns + SIM_SEC, 0);
    sim_exec_next(w, n);
}

void sim_node_crash(struct sim_world *w, struct sim_node *n, const char *why)
{
    if (!n->alive)
        return;
    trace(w, n, (struct sim_trace_entry){.kind = SIM_TR_CRASH, .text = why});
    for (uint32_t i = 0; i < w->node_count; i++) {
        sim_link_at(w, n->id, i)->up = false;
        if (i != n->id && w->node[i].alive)
            sim_net_disconnect(w, n->id, i,
                               (int64_t)td_rng_below(&w->net_rng, (uint64_t)DOWN_NOTICE_NS), false);
    }
    n->alive = false;
    n->incarnation++;
    n->timer_gen++;
    n->paused_until_ns = 0;
    n->sync_fails = false;
    n->local_count = 0;
    n->made = n->sent;
    sim_disk_crash(w, n, td_rng_below(&w->disk_rng, 2) == 0);
}

static void peer_up(struct sim_world *w, struct sim_node *n, uint32_t peer)
{
    struct sim_link *l = sim_link_at(w, n->id, peer);
    if (l->cut || sim_link_at(w, peer, n->id)->cut || !w->node[peer].alive)
        return;
    struct bft_event down = {.kind = BFT_EV_PEER_DOWN, .peer = peer};
    if (l->up)
        sim_node_step(w, n, &down); /* the old connection is known dead only now */
    l->up = true;
    trace(w, n, (struct sim_trace_entry){.kind = SIM_TR_PEER, .a = 1, .peer = peer});
    struct bft_event ev = {.kind = BFT_EV_PEER_UP, .peer = peer, .u.peer_addr = w->node[peer].addr};
    sim_node_step(w, n, &ev);
}

static void peer_down(struct sim_world *w, struct sim_node *n, uint32_t peer, uint64_t value)
{
    struct sim_link *l = sim_link_at(w, n->id, peer);
    bool mended = !l->cut && !sim_link_at(w, peer, n->id)->cut;
    if (!l->up || ((value & SIM_DOWN_BY_CUT) != 0 && mended) ||
        (w->node[peer].alive && w->node[peer].incarnation != (uint32_t)value))
        return; /* about a connection that was replaced since */
    l->up = false;
    trace(w, n, (struct sim_trace_entry){.kind = SIM_TR_PEER, .a = 0, .peer = peer});
    struct bft_event ev = {.kind = BFT_EV_PEER_DOWN, .peer = peer};
    sim_node_step(w, n, &ev);
}

static void on_built(struct sim_world *w, struct sim_node *n)
{
    if (!n->built_pending)
        return;
    n->built_pending = false;
    struct bft_event ev = {.kind = BFT_EV_PAYLOAD_BUILT, .peer = BFT_NO_PEER, .u.built = n->built};
    sim_node_step(w, n, &ev);
}

static void on_executed(struct sim_world *w, struct sim_node *n, uint64_t height)
{
    n->executing = false;
    if (height != n->disk.live.executed_height + 1)
        return;
    struct bft_executed x = sim_chain_execute(&w->chain, height)->exec;
    if (n->byzantine == SIM_FAULT_BADDIGEST && height > 10)
        x.result.state_commitment.b[0] ^= 0xff;
    n->disk.live.executed_height = height;
    trace(w, n, (struct sim_trace_entry){.kind = SIM_TR_EXECUTED, .a = height});
    struct bft_event ev = {.kind = BFT_EV_EXECUTED, .peer = BFT_NO_PEER, .u.executed = &x};
    sim_node_step(w, n, &ev);
    sim_exec_next(w, n);
}

/* The finalized L1 head of this node's endpoint: behind the others' by its lag, or standing. */
static void on_l1(struct sim_world *w, struct sim_node *n, bool recheck_only)
{
    if (recheck_only) {
        sim_origin_recheck(w, n);
        return;
    }
    sim_push(w, SIM_IT_L1, n->id, w->now_ns + L1_POLL_NS, 0);
    uint64_t head = SIM_L1_START + (uint64_t)(w->now_ns / SIM_L1_BLOCK_NS);
    head = head > SIM_L1_START + n->l1_lag ? head - n->l1_lag : SIM_L1_START;
    if (n->l1_stuck || head < n->l1_head)
        head = n->l1_head;
    struct bft_origin origin;
    n->l1_head = head;
    sim_l1_origin(&w->chain, head, &origin);
    struct bft_event ev = {.kind = BFT_EV_L1_HEAD,
                           .peer = BFT_NO_PEER,
                           .u.l1 = {.number = origin.number, .hash = origin.hash}};
    sim_node_step(w, n, &ev);
    sim_origin_recheck(w, n);
}

void sim_node_item(struct sim_world *w, struct sim_node *n, const struct sim_item *item)
{
    if (item->kind == SIM_IT_BOOT) {
        sim_node_boot(w, n);
        return;
    }
    if (item->incarnation != n->incarnation || !n->alive)
        return;
    struct bft_event tick = {.kind = BFT_EV_TICK, .peer = BFT_NO_PEER};
    switch ((enum sim_item_kind)item->kind) {
    case SIM_IT_DELIVER:
        sim_net_deliver(w, n, item->from, item->u.frame);
        break;
    case SIM_IT_TIMER:
        if (item->u.value == n->timer_gen)
            sim_node_step(w, n, &tick);
        break;
    case SIM_IT_FSYNC:
        sim_disk_synced(w, n, item->u.value != 0);
        break;
    case SIM_IT_EXEC:
        on_executed(w, n, item->u.value);
        break;
    case SIM_IT_BUILT:
        on_built(w, n);
        break;
    case SIM_IT_PEER_UP:
        peer_up(w, n, item->from);
        break;
    case SIM_IT_PEER_DOWN:
        peer_down(w, n, item->from, item->u.value);
        break;
    case SIM_IT_FETCH:
        n->fetch_armed = false;
        sim_fetch_payloads(w, n);
        break;
    case SIM_IT_L1:
        on_l1(w, n, item->u.value != 0);
        break;
    case SIM_IT_BYZANTINE:
        sim_byz_act(w, n);
        break;
    case SIM_IT_BOOT:
    case SIM_IT_FAULT:
    case SIM_IT_LIVENESS:
        break;
    }
}
