/* The fault schedule: quiet, a window of a few kinds at once, healed and watched, the next window.
 */
#include "tests/sim/faults.h"

#include "base/core/assert.h"
#include "tests/sim/world.h"

#define QUIET_START_NS (15 * SIM_SEC)
#define WINDOW_MIN_NS (15 * SIM_SEC)
#define WINDOW_MAX_NS (60 * SIM_SEC)
#define WATCH_NS (50 * SIM_SEC)
#define KINDS_MAX 4u
#define RECONNECT_NS (50 * SIM_MS)

static const struct {
    const char *name;
    const char *text;
} FAULT[] = {
#define ROW(id, name, text) {name, text},
    SIM_FAULT_LIST(ROW)
#undef ROW
};

const char *sim_fault_name(enum sim_fault f)
{
    return f < SIM_FAULTS ? FAULT[f].name : "?";
}

const char *sim_fault_text(enum sim_fault f)
{
    return f < SIM_FAULTS ? FAULT[f].text : "?";
}

static uint64_t below(struct sim_world *w, uint64_t bound)
{
    return td_rng_below(&w->fault_rng, bound);
}

static struct sim_node *any_node(struct sim_world *w)
{
    return &w->node[below(w, w->node_count)];
}

static void arm(struct sim_world *w, int64_t after_ns)
{
    sim_push(w, SIM_IT_FAULT, 0, w->now_ns + after_ns, 0);
}

void sim_faults_init(struct sim_world *w)
{
    arm(w, QUIET_START_NS + (int64_t)below(w, 10) * SIM_SEC);
    sim_liveness_begin(w, QUIET_START_NS);
}

/* ---- links */

static void cut(struct sim_world *w, uint32_t from, uint32_t to)
{
    struct sim_link *l = sim_link_at(w, from, to);
    if (l->cut || from == to)
        return;
    l->cut = true;
    if (below(w, 2) == 0)
        sim_net_disconnect(w, from, to, (int64_t)(1 + below(w, 2)) * SIM_SEC, true);
}

static void mend_all(struct sim_world *w)
{
    for (uint32_t a = 0; a < w->node_count; a++)
        for (uint32_t b = a + 1; b < w->node_count; b++) {
            struct sim_link *ab = sim_link_at(w, a, b), *ba = sim_link_at(w, b, a);
            bool was_cut = ab->cut || ba->cut;
            ab->cut = ba->cut = false;
            /* A connection may outlive a cut: what was lost meanwhile then stays lost. */
            if (!ab->up || !ba->up || (was_cut && below(w, 2) == 0)) {
                sim_net_disconnect(w, a, b, 0, false);
                sim_net_connect(w, a, b, RECONNECT_NS);
            }
        }
}

static void partition(struct sim_world *w)
{
    uint64_t side = below(w, UINT64_C(1) << (w->node_count < 63 ? w->node_count : 63));
    if (below(w, 3) == 0)
        side = UINT64_C(1) << below(w, w->node_count < 63 ? w->node_count : 63); /* one alone */
    for (uint32_t a = 0; a < w->node_count; a++)
        for (uint32_t b = 0; b < w->node_count; b++)
            if ((side >> (a % 63) & 1) != (side >> (b % 63) & 1))
                cut(w, a, b);
}

static void cut_some(struct sim_world *w)
{
    for (uint32_t a = 0; a < w->node_count; a++)
        for (uint32_t b = 0; b < w->node_count; b++)
            if (below(w, 4) == 0)
                cut(w, a, b);
}

static void isolate_leader(struct sim_world *w)
{
    const struct bft_view *v = &w->node[below(w, w->cfg.nodes)].view;
    uint32_t key = sim_key_of(w, v->epoch, v->leader);
    if (key == SIM_KEY_NONE)
        return;
    for (uint32_t b = 0; b < w->node_count; b++) {
        cut(w, key, b);
        cut(w, b, key);
    }
}

static void weather(struct sim_world *w, enum sim_fault f)
{
    bool storm = below(w, 4) == 0;
    for (uint32_t i = 0; i < w->node_count * w->node_count; i++) {
        struct sim_link *l = &w->link[i];
        if (f == SIM_FAULT_LOSS)
            l->loss_ppm = (uint32_t)below(w, storm ? 1000000 : 300000);
        else if (f == SIM_FAULT_DUP)
            l->dup_ppm = (uint32_t)below(w, 600000);
        else if (f == SIM_FAULT_REORDER)
            l->reorder_ppm = (uint32_t)below(w, 1000000);
        else {
            l->base_ns = l->calm_base_ns + (int64_t)(100 + below(w, 400)) * SIM_MS;
            l->jitter_ns = l->calm_jitter_ns + 100 * SIM_MS;
        }
    }
}

/* ---- nodes */

static void crash(struct sim_world *w, struct sim_node *n, const char *why, int64_t down_ns)
{
    if (!n->alive || n->halted)
        return;
    sim_node_crash(w, n, why);
    sim_push(w, SIM_IT_BOOT, n->id, w->now_ns + down_ns, 0);
}

static void kill_all(struct sim_world *w)
{
    for (uint32_t i = 0; i < w->node_count; i++)
        crash(w, &w->node[i], "all killed", (int64_t)(1000 + below(w, 3000)) * SIM_MS);
}

static void pause_node(struct sim_world *w, struct sim_node *n)
{
    int64_t left = w->window.until_ns - w->now_ns;
    int64_t takes = (int64_t)(1 + below(w, 20)) * SIM_SEC;
    n->paused_until_ns = w->now_ns + (takes < left ? takes : left);
}

static void set_clock(struct sim_world *w, struct sim_node *n, enum sim_fault f)
{
    int64_t hour_ms = 3600 * 1000;
    if (f == SIM_FAULT_SKEW)
        n->wall_offset_ms = (int64_t)below(w, (uint64_t)(2 * hour_ms)) - hour_ms;
    else
        n->wall_offset_ms -= (int64_t)below(w, 60000);
}

/* What a kind does when its window opens. */
static void begin(struct sim_world *w, enum sim_fault f)
{
    uint32_t some = 1 + (uint32_t)below(w, w->node_count);
    if (f == SIM_FAULT_LOSS || f == SIM_FAULT_DELAY || f == SIM_FAULT_DUP || f == SIM_FAULT_REORDER)
        weather(w, f);
    else if (f == SIM_FAULT_PARTITION)
        partition(w);
    else if (f == SIM_FAULT_ONEWAY)
        cut_some(w);
    for (uint32_t i = 0; i < some; i++) {
        struct sim_node *n = any_node(w);
        if (f == SIM_FAULT_SKEW || f == SIM_FAULT_STEP)
            set_clock(w, n, f);
        else if (f == SIM_FAULT_SLOWEXEC)
            n->exec_ns = (int64_t)(200 + below(w, 2000)) * SIM_MS;
        else if (f == SIM_FAULT_SLOWSYNC)
            n->sync_ns = (int64_t)(20 + below(w, 1000)) * SIM_MS;
        else if (f == SIM_FAULT_L1STUCK)
            n->l1_stuck = true;
        else if (f == SIM_FAULT_NOATTEST)
            n->attest_mute = true;
    }
    sim_fault_count(w, f);
}

/* What a kind does again and again while its window is open. */
static void go_on(struct sim_world *w, enum sim_fault f)
{
    if (f == SIM_FAULT_FLAP) {
        w->window.flapped = !w->window.flapped;
        if (w->window.flapped)
            partition(w);
        else
            mend_all(w);
        sim_fault_count(w, f);
        return;
    }
    if (below(w, 4) != 0)
        return;
    if (f == SIM_FAULT_ISOLATE)
        isolate_leader(w);
    else if (f == SIM_FAULT_CRASH)
        crash(w, any_node(w), "killed", (int64_t)(200 + below(w, 8000)) * SIM_MS);
    else if (f == SIM_FAULT_KILLALL && below(w, 4) == 0)
        kill_all(w);
    else if (f == SIM_FAULT_PAUSE)
        pause_node(w, any_node(w));
    else if (f == SIM_FAULT_STEP)
        set_clock(w, any_node(w), f);
    else if (f == SIM_FAULT_FAILSYNC)
        any_node(w)->sync_fails = true;
    else if (f == SIM_FAULT_ONEWAY && below(w, 3) == 0) {
        mend_all(w);
        cut_some(w);
    } else
        return;
    if (f != SIM_FAULT_FAILSYNC)
        sim_fault_count(w, f);
}

static void open_window(struct sim_world *w)
{
    enum sim_fault kinds[SIM_FAULTS];
    uint32_t count = 0;
    for (uint32_t f = 0; f < SIM_FAULT_BYZANTINE_FIRST; f++)
        if ((w->cfg.faults & SIM_FAULT_BIT(f)) != 0 && f != SIM_FAULT_EPOCHS && f != SIM_FAULT_L1)
            kinds[count++] = (enum sim_fault)f;
    w->window.open = true;
    w->window.count++;
    w->window.active = 0;
    w->window.until_ns =
        w->now_ns + WINDOW_MIN_NS + (int64_t)below(w, (uint64_t)(WINDOW_MAX_NS - WINDOW_MIN_NS));
    if (count == 0)
        return;
    uint32_t chosen = 1 + (uint32_t)below(w, KINDS_MAX);
    for (uint32_t i = 0; i < chosen; i++) {
        enum sim_fault f = kinds[below(w, count)];
        if (w->window.active & SIM_FAULT_BIT(f))
            continue;
        w->window.active |= SIM_FAULT_BIT(f);
        if (f != SIM_FAULT_FLAP && f != SIM_FAULT_CRASH && f != SIM_FAULT_KILLALL &&
            f != SIM_FAULT_PAUSE && f != SIM_FAULT_FAILSYNC && f != SIM_FAULT_ISOLATE &&
            f != SIM_FAULT_WITHHOLD)
            begin(w, f);
    }
}

void sim_faults_heal(struct sim_world *w)
{
    w->window.open = w->window.flapped = false;
    w->window.active = 0;
    for (uint32_t i = 0; i < w->node_count * w->node_count; i++) {
        struct sim_link *l = &w->link[i];
        l->base_ns = l->calm_base_ns;
        l->jitter_ns = l->calm_jitter_ns;
        l->loss_ppm = l->dup_ppm = l->reorder_ppm = 0;
    }
    for (uint32_t i = 0; i < w->node_count; i++) {
        struct sim_node *n = &w->node[i];
        n->exec_ns = 5 * SIM_MS;
        n->sync_ns = SIM_MS;
        n->sync_fails = n->l1_stuck = n->attest_mute = false;
        if (sim_honest(w, i))
            n->wall_offset_ms = 0;
        n->paused_until_ns = 0;
        if (!n->alive && !n->halted)
            sim_push(w, SIM_IT_BOOT, i, w->now_ns, 0);
    }
    mend_all(w);
}

void sim_faults_act(struct sim_world *w)
{
    if (!w->window.open) {
        /* The last window must leave time to heal and look. */
        if (w->now_ns + WINDOW_MAX_NS + WATCH_NS > w->end_ns)
            return;
        sim_liveness_end(w);
        open_window(w);
        arm(w, 500 * SIM_MS);
        return;
    }
    if (w->now_ns < w->window.until_ns) {
        for (uint32_t f = 0; f < SIM_FAULT_BYZANTINE_FIRST; f++)
            if (w->window.active & SIM_FAULT_BIT(f))
                go_on(w, (enum sim_fault)f);
        arm(w, (int64_t)(500 + below(w, 1000)) * SIM_MS);
        return;
    }
    sim_faults_heal(w);
    sim_liveness_begin(w, WATCH_NS);
    arm(w, WATCH_NS);
}
