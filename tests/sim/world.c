#include "tests/sim/world.h"

#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"

#define EPOCHS_PLANNED 32u
#define EPOCH_SHORT 64u
#define EPOCH_LONG 100000u
#define STAKE_LOW 100u
#define STAKE_HIGH 300u

static void *zeroed(size_t count, size_t size)
{
    void *p = calloc(count, size);
    TD_ASSERT(p != NULL);
    return p;
}

void sim_violate(struct sim_world *w, uint32_t node, const char *property, const char *format, ...)
{
    if (w->violation.set)
        return;
    struct sim_violation *v = &w->violation;
    v->set = true;
    v->property = property;
    v->at_ns = w->now_ns;
    v->node = node;
    va_list args;
    va_start(args, format);
    vsnprintf(v->text, sizeof v->text, format, args);
    va_end(args);
}

void sim_push(struct sim_world *w, enum sim_item_kind kind, uint32_t node, int64_t at_ns,
              uint64_t value)
{
    sim_queue_put(&w->queue,
                  (struct sim_item){
                      .at_ns = at_ns > w->now_ns ? at_ns : w->now_ns,
                      .kind = kind,
                      .incarnation = node < w->node_count ? w->node[node].incarnation : 0,
                      .node = (uint16_t)node,
                      .u.value = value,
                  });
}

void sim_fault_count(struct sim_world *w, enum sim_fault f)
{
    w->stats.fault[f]++;
    sim_trace_put(&w->trace, (struct sim_trace_entry){.at_ns = w->now_ns,
                                                      .kind = SIM_TR_FAULT,
                                                      .node = SIM_TRACE_NOBODY,
                                                      .text = sim_fault_name(f)});
}

uint32_t sim_key_of(const struct sim_world *w, uint64_t epoch, uint16_t signer)
{
    if (epoch >= SIM_EPOCHS_MAX || !w->chain.epoch[epoch].known)
        return SIM_KEY_NONE;
    const struct sim_epoch *e = &w->chain.epoch[epoch];
    return signer < e->set.count ? e->key_of[signer] : SIM_KEY_NONE;
}

uint16_t sim_signer_of(const struct sim_world *w, uint64_t epoch, uint32_t key)
{
    if (epoch >= SIM_EPOCHS_MAX || !w->chain.epoch[epoch].known)
        return BFT_NO_SIGNER;
    return bft_set_find(&w->chain.epoch[epoch].set, &w->keys->key[key].addr);
}

bool sim_key_honest(const struct sim_world *w, uint32_t key)
{
    for (uint32_t i = 0; i < w->node_count; i++)
        if (w->node[i].key == key && !sim_honest(w, i))
            return false;
    return true;
}

/* The members an epoch must have: the schedule's, or with an L1 what the registry held at the
 * origin of block last - 16 of the epoch before.  [P-8.1] */
static const struct bft_set *members_of(const struct sim_world *w, uint64_t epoch)
{
    if (!w->base.has_l1 || epoch == 0)
        return &w->schedule[epoch < w->base.schedule_count ? epoch : w->base.schedule_count - 1];
    const struct sim_final *f =
        sim_final_at(&w->chain, epoch * w->base.epoch_length - TD_EPOCH_LOOKBACK);
    for (uint32_t i = 0; f != NULL && i < w->chain.l1_sets; i++)
        if (td_hash_eq(&w->chain.l1_set_hash[i], &f->block->header.origin.registry_set_hash))
            return &w->chain.l1_set[i];
    return NULL;
}

static bool same_members(const struct bft_set *a, const struct bft_set *b)
{
    bool same = b != NULL && a->count == b->count;
    for (uint32_t i = 0; same && i < a->count; i++)
        same = td_addr_eq(&a->v[i].addr, &b->v[i].addr) && a->v[i].stake == b->v[i].stake;
    return same;
}

bool sim_epoch_learn(struct sim_world *w, const struct bft_set *set, const struct td_hash *seed,
                     const struct bft_bitmap *excluded, const struct bft_attest_cert *genesis)
{
    TD_ASSERT(set->epoch < SIM_EPOCHS_MAX);
    struct sim_epoch *e = &w->chain.epoch[set->epoch];
    struct td_hash digest = {{0}};
    if (genesis != NULL)
        bft_attest_digest(&digest, &genesis->fields);
    if (e->known)
        return td_hash_eq(&e->set.hash, &set->hash) && td_hash_eq(&e->seed, seed) &&
               memcmp(&e->excluded, excluded, sizeof *excluded) == 0 &&
               td_hash_eq(&e->genesis_digest, &digest);
    if (!same_members(set, members_of(w, set->epoch)))
        return false;
    e->known = true;
    e->set = *set;
    e->seed = *seed;
    e->excluded = *excluded;
    e->genesis_digest = digest;
    for (uint32_t i = 0; i < set->count; i++)
        e->key_of[i] = (uint16_t)sim_keys_find(w->keys, &set->v[i].key);
    return true;
}

/* Who is faulty, and how: at most floor((n - 1) / 3) validators, so that their stake can be kept
 * below a third whatever the weights. */
static void choose_byzantine(struct sim_world *w, struct td_rng *rng, uint32_t *kind_of)
{
    enum sim_fault kinds[SIM_FAULTS];
    uint32_t kinds_count = 0;
    for (uint32_t f = SIM_FAULT_BYZANTINE_FIRST; f < SIM_FAULTS; f++)
        if (w->cfg.faults & SIM_FAULT_BIT(f))
            kinds[kinds_count++] = (enum sim_fault)f;
    for (uint32_t i = 0; i < w->cfg.nodes; i++)
        kind_of[i] = SIM_FAULTS;
    uint32_t most = (w->cfg.nodes - 1) / 3;
    for (uint32_t i = 0; i < w->cfg.twins; i++, w->byzantine_count++)
        kind_of[i] = SIM_FAULT_TWIN;
    if (w->cfg.quiet || kinds_count == 0 || most == 0 || td_rng_below(rng, 5) == 0)
        return;
    uint32_t count = 1 + (uint32_t)td_rng_below(rng, most);
    if (td_rng_below(rng, 2) == 0)
        count = most;
    while (w->byzantine_count < count) {
        uint32_t i = (uint32_t)td_rng_below(rng, w->cfg.nodes);
        if (kind_of[i] != SIM_FAULTS)
            continue;
        kind_of[i] = kinds[td_rng_below(rng, kinds_count)];
        w->stats.fault[kind_of[i]]++;
        w->byzantine_count++;
    }
}

/* One validator set: uneven stakes, faulty ones below a third, and with `churn` some absent. */
static void draw_set(struct sim_world *w, struct bft_set *out, uint64_t epoch, struct td_rng *rng,
                     const uint32_t *kind_of, bool churn, bool even)
{
    struct bft_validator v[SIM_KEYS_MAX];
    uint32_t count = 0;
    uint64_t faulty = 0, total = 0;
    bool is_faulty[SIM_KEYS_MAX];

    memset(v, 0, sizeof v);
    uint32_t may_leave = churn && w->cfg.nodes > 5 ? w->cfg.nodes / 4 : 0;
    for (uint32_t k = 0; k < w->cfg.nodes; k++) {
        bool bad = kind_of[k] != SIM_FAULTS;
        if (may_leave > 0 && td_rng_below(rng, 4) == 0) {
            may_leave--;
            continue;
        }
        v[count].addr = w->keys->key[k].addr;
        v[count].key = w->keys->key[k].pub;
        v[count].stake = even ? STAKE_LOW : td_rng_range(rng, STAKE_LOW, STAKE_HIGH);
        is_faulty[count] = bad;
        faulty += bad ? v[count].stake : 0;
        total += v[count].stake;
        count++;
    }
    while (!even && 3 * faulty >= total)
        for (uint32_t i = 0; i < count; i++)
            if (is_faulty[i] && v[i].stake > 1) {
                uint64_t cut = (v[i].stake + 1) / 2;
                v[i].stake -= cut;
                faulty -= cut;
                total -= cut;
            }
    enum td_error err = bft_set_init(out, epoch, v, count, BFT_SIGNERS_MAX);
    TD_ASSERT(err == TD_OK);
}

static void make_sets(struct sim_world *w, struct td_rng *rng, const uint32_t *kind_of)
{
    bool churn = (w->cfg.faults & SIM_FAULT_BIT(SIM_FAULT_EPOCHS)) != 0;
    bool even = w->cfg.quiet;
    uint32_t planned = churn ? EPOCHS_PLANNED : 1;
    w->schedule = zeroed(planned, sizeof *w->schedule);
    for (uint32_t e = 0; e < planned; e++)
        draw_set(w, &w->schedule[e], e, rng, kind_of, churn && e > 0, even);
    w->chain.l1_sets = churn ? SIM_L1_SETS : 1;
    for (uint32_t i = 0; i < w->chain.l1_sets; i++) {
        w->chain.l1_set[i] = w->schedule[i];
        bft_set_registry_hash(&w->chain.l1_set_hash[i], &w->chain.l1_set[i]);
    }
    w->base.schedule = w->schedule;
    w->base.schedule_count = planned;
    w->base.epoch_length = churn ? EPOCH_SHORT : EPOCH_LONG;
    for (uint32_t i = 0; i < w->schedule[0].count; i++) {
        uint32_t key = sim_keys_find(w->keys, &w->schedule[0].v[i].key);
        if (kind_of[key] != SIM_FAULTS)
            w->byzantine_stake += w->schedule[0].v[i].stake;
    }
}

static void make_genesis(struct sim_world *w, struct td_rng *rng)
{
    struct bft_config *c = &w->base;
    w->chain.l1_salt = td_rng_u64(rng);
    c->has_l1 = (w->cfg.faults & SIM_FAULT_BIT(SIM_FAULT_L1)) != 0 && td_rng_below(rng, 2) == 0;
    c->genesis.ts_ms = SIM_WALL_START_MS - w->cfg.nonce;
    if (c->has_l1) {
        sim_l1_origin(&w->chain, SIM_L1_START, &c->genesis.origin);
        c->schedule_count = 1;
    }
    bft_header_hash(&c->genesis_hash, &c->genesis);
    struct bft_result result = {.height = 0, .block_hash = c->genesis_hash};
    bft_result_digest(&c->genesis_result, &result);
    struct td_addr contract = {{0}};
    bft_domain_init(&c->domain, 31337, &contract, w->cfg.seed, &c->genesis_hash);
    c->validators_max = w->cfg.nodes > 4 ? w->cfg.nodes : 4;
    c->payload_bytes_max = TD_PAYLOAD_BYTES_MAX;
    c->txs_max = TD_TXS_PER_BLOCK_MAX;
    c->batch_blocks_min = 4;
    c->batch_blocks_max = 24;
    c->batch_ms_max = 60000;
    c->batch_native_max = 24000;
    c->batch_bytes_max = 8000;
    c->block_interval_ns = w->cfg.interval_ns;
    c->delta_ns = w->cfg.delta_ns;
    struct sim_block *genesis = sim_block_add(&w->chain, &c->genesis, &c->genesis_hash);
    genesis->has_cert = true;
    struct td_hash zero = {{0}};
    struct bft_bitmap none = {{0}};
    bool learned = sim_epoch_learn(w, &w->schedule[0], &zero, &none, NULL);
    TD_ASSERT(learned);
}

static void node_init(struct sim_world *w, uint32_t id, uint32_t key, uint32_t byzantine)
{
    struct sim_node *n = &w->node[id];
    n->id = id;
    n->key = key;
    n->addr = w->keys->key[key].addr;
    n->byzantine = byzantine;
    n->region = aligned_alloc(64, w->region_bytes);
    TD_ASSERT(n->region != NULL);
    memset(n->region, 0, w->region_bytes);
    memset(n->region + w->region_bytes - SIM_CANARY_BYTES, SIM_CANARY, SIM_CANARY_BYTES);
    n->exec_ns = 5 * SIM_MS;
    n->sync_ns = SIM_MS;
    n->byz_victims = td_rng_u64(&w->byz_rng);
    n->l1_lag = td_rng_below(&w->byz_rng, 3);
    n->l1_head = SIM_L1_START;
}

static void make_nodes(struct sim_world *w, const uint32_t *kind_of)
{
    uint32_t twins = 0;
    for (uint32_t i = 0; i < w->cfg.nodes; i++)
        twins += kind_of[i] == SIM_FAULT_TWIN ? 1u : 0u;
    w->node_count = w->cfg.nodes + twins;
    TD_ASSERT(w->node_count <= SIM_NODES_MAX);
    w->region_bytes = (bft_footprint(&w->base) + 63u) / 64u * 64u + SIM_CANARY_BYTES;
    w->node = zeroed(w->node_count, sizeof *w->node);
    w->link = zeroed((size_t)w->node_count * w->node_count, sizeof *w->link);
    uint32_t id = w->cfg.nodes;
    for (uint32_t i = 0; i < w->cfg.nodes; i++) {
        node_init(w, i, i, kind_of[i]);
        if (kind_of[i] == SIM_FAULT_TWIN)
            node_init(w, id++, i, SIM_FAULT_TWIN);
    }
}

struct sim_world *sim_world_new(const struct sim_config *cfg)
{
    struct sim_world *w = zeroed(1, sizeof *w);
    w->cfg = *cfg;
    w->end_ns = cfg->duration_ns;
    w->trace.live = cfg->trace;
    sim_queue_init(&w->queue);
    sim_chain_init(&w->chain);
    sim_check_init(w);
    w->fx = zeroed(1, sizeof *w->fx);
    w->checks = zeroed(BFT_SIG_CHECKS_MAX, sizeof *w->checks);
    w->keys = zeroed(1, sizeof *w->keys);

    struct td_rng root;
    td_rng_init(&root, cfg->seed);
    w->net_rng = td_rng_fork(&root, 1);
    w->disk_rng = td_rng_fork(&root, 2);
    w->fault_rng = td_rng_fork(&root, 3);
    w->byz_rng = td_rng_fork(&root, 4);
    w->exec_rng = td_rng_fork(&root, 5);
    struct td_rng setup = td_rng_fork(&root, 6);

    uint32_t kind_of[SIM_KEYS_MAX];
    sim_keys_init(w->keys, cfg->nodes, cfg->real_signatures, &setup);
    choose_byzantine(w, &setup, kind_of);
    make_sets(w, &setup, kind_of);
    make_genesis(w, &setup);
    make_nodes(w, kind_of);
    sim_net_init(w);
    return w;
}

void sim_world_free(struct sim_world *w)
{
    if (w == NULL)
        return;
    struct sim_item item;
    while (sim_queue_get(&w->queue, &item))
        if (item.kind == SIM_IT_DELIVER)
            sim_frame_drop(&w->pool, item.u.frame);
    for (uint32_t i = 0; i < w->node_count; i++) {
        sim_disk_free(w, &w->node[i]);
        sim_frame_drop(&w->pool, w->node[i].byz_frame);
        free(w->node[i].region);
    }
    for (uint32_t i = 0; i < SIM_STASH; i++)
        sim_frame_drop(&w->pool, w->stash[i]);
    for (uint32_t i = 0; i < SIM_SEEN_QCS; i++)
        sim_frame_drop(&w->pool, w->seen_qc[i]);
    sim_chain_free(&w->chain, &w->pool);
    sim_check_free(w);
    sim_queue_free(&w->queue);
    sim_pool_free(&w->pool);
    sim_keys_free(w->keys);
    free(w->keys);
    free(w->schedule);
    free(w->node);
    free(w->link);
    free(w->fx);
    free(w->checks);
    free(w);
}

void sim_world_boot(struct sim_world *w)
{
    for (uint32_t i = 0; i < w->node_count; i++)
        sim_push(w, SIM_IT_BOOT, i, (int64_t)td_rng_below(&w->fault_rng, 50) * SIM_MS, 0);
    if (!w->cfg.quiet)
        sim_faults_init(w);
}

static void hash_item(struct sim_world *w, const struct sim_item *item)
{
    uint64_t h = w->event_hash ^ (uint64_t)item->at_ns;
    h = td_rotl64(h * UINT64_C(0x9FB21C651E98DF25), 29);
    h ^= (uint64_t)item->kind << 40 ^ (uint64_t)item->node << 20 ^ item->from;
    h ^= item->kind == SIM_IT_DELIVER ? item->u.frame->hash : item->u.value;
    w->event_hash = td_rotl64(h * UINT64_C(0xD6E8FEB86659FD93), 31);
}

static void dispatch(struct sim_world *w, struct sim_item *item)
{
    if (item->kind == SIM_IT_FAULT) {
        sim_faults_act(w);
        return;
    }
    if (item->kind == SIM_IT_LIVENESS) {
        sim_check_liveness(w);
        return;
    }
    struct sim_node *n = &w->node[item->node];
    if (n->paused_until_ns > w->now_ns && item->incarnation == n->incarnation) {
        item->at_ns = n->paused_until_ns;
        sim_queue_put(&w->queue, *item);
        return;
    }
    w->stats.events++;
    hash_item(w, item);
    sim_node_item(w, n, item);
    if (item->kind == SIM_IT_DELIVER)
        sim_frame_drop(&w->pool, item->u.frame);
}

void sim_world_run(struct sim_world *w, int64_t until_ns)
{
    struct sim_item item;
    while (!w->violation.set && w->queue.count > 0 && w->queue.item[0].at_ns <= until_ns) {
        sim_queue_get(&w->queue, &item);
        w->now_ns = item.at_ns;
        dispatch(w, &item);
    }
    if (!w->violation.set && w->now_ns < until_ns)
        w->now_ns = until_ns;
}

static void mix(uint64_t *h, uint64_t v)
{
    *h = td_rotl64((*h ^ v) * UINT64_C(0x9FB21C651E98DF25), 29);
}

uint64_t sim_world_hash(const struct sim_world *w)
{
    uint64_t h = w->chain.final_height;
    for (uint64_t i = 1; i <= w->chain.final_height; i++) {
        mix(&h, sim_hash_word(&w->chain.final[i].block->hash));
        mix(&h, w->chain.final[i].executed ? sim_hash_word(&w->chain.final[i].digest) : 0);
    }
    for (uint32_t i = 0; i < w->node_count; i++) {
        const struct bft_view *v = &w->node[i].view;
        mix(&h, v->epoch);
        mix(&h, v->round);
        mix(&h, v->final_height);
        mix(&h, v->high_qc_round);
        mix(&h, v->last_voted);
        mix(&h, v->last_timeout);
        mix(&h, v->attested_height);
        mix(&h, (uint64_t)v->mode);
    }
    return td_splitmix64(&h);
}
