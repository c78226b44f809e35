#include "node/shell/shell.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/core/assert.h"
#include "base/host/secret.h"
#include "node/shell/shell_internal.h"

_Static_assert(P2P_PEERS_MAX <= BFT_PEERS_MAX, "every connection has a place in the core");

#define SIGCACHE_LOG_SETS 12u /* 8,192 signatures: 20 rounds of 128 validators */

int64_t shell_mono(const struct node_shell *s)
{
    return (int64_t)td_clock_mono_ns(&s->o.clock);
}

void shell_stop(struct node_shell *s, int exit_code, enum node_code code, const char *what,
                const char *hint)
{
    if (s->exit_code != 0)
        return;
    s->exit_code = exit_code;
    td_log_put(s->o.log, &(struct td_log_event){.level = TD_LOG_ERROR,
                                                .mod = "node",
                                                .msg = what,
                                                .code = (uint16_t)code,
                                                .hint = hint});
    /* A break before the loop runs is forgotten when it begins; an exit is not. */
    event_base_loopexit(s->o.base, NULL);
    event_base_loopbreak(s->o.base);
}

void shell_no_memory(struct node_shell *s)
{
    shell_stop(s, NODE_EXIT_INTERNAL, NODE_T_MEMORY, "no memory left",
               "give the process more memory, then start again");
}

/* ---- stepping the core */

void shell_local_put(struct node_shell *s, struct shell_local *l)
{
    l->next = NULL;
    *s->local_end = l;
    s->local_end = &l->next;
}

static enum bft_verdict step_once(struct node_shell *s, struct bft_event *ev)
{
    ev->mono_ns = shell_mono(s);
    ev->wall_ms = td_clock_wall_ms(&s->o.clock);
    s->stats.steps++;
    enum bft_verdict v = bft_step(s->replica, ev, s->fx);
    bft_view_get(s->replica, &s->view);
    shell_effects(s);
    return v;
}

static void local_event(struct node_shell *s, const struct shell_local *l)
{
    struct bft_event ev = {.kind = l->kind, .peer = BFT_NO_PEER};
    if (l->kind == BFT_EV_SIGNED)
        ev.u.signed_msg = &l->u.msg;
    else if (l->kind == BFT_EV_PAYLOAD_READY) {
        ev.u.verdict.hash = l->u.verdict.hash;
        ev.u.verdict.valid = l->u.verdict.valid;
    } else
        ev.u.built = l->u.built;
    step_once(s, &ev);
}

static void drain_local(struct node_shell *s)
{
    while (s->local_first != NULL && !s->halted && s->exit_code == 0) {
        struct shell_local *l = s->local_first;
        s->local_first = l->next;
        if (s->local_first == NULL)
            s->local_end = &s->local_first;
        local_event(s, l);
        free(l);
    }
    s->stepping = false;
    if (s->net != NULL)
        p2p_flush(s->net);
}

void shell_local_run(struct node_shell *s)
{
    if (s->stepping || s->local_first == NULL || s->replica == NULL)
        return;
    s->stepping = true;
    drain_local(s);
}

enum bft_verdict shell_step(struct node_shell *s, struct bft_event *ev)
{
    if (s->halted || s->exit_code != 0)
        return BFT_STALE;
    TD_ASSERT(!s->stepping);
    s->stepping = true;
    enum bft_verdict v = step_once(s, ev);
    drain_local(s);
    return v;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct bft_event ev = {.kind = BFT_EV_TICK, .peer = BFT_NO_PEER};
    (void)fd;
    (void)what;
    shell_step(arg, &ev);
}

/* ---- connections */

static void peer_up(void *ctx, uint32_t peer, const struct p2p_peer_info *info)
{
    struct node_shell *s = ctx;
    s->peers[peer] =
        (struct shell_peer){.up = true, .serial = ++s->peer_serial, .addr = info->validator};
    struct bft_event ev = {.kind = BFT_EV_PEER_UP, .peer = peer, .u.peer_addr = info->validator};
    shell_step(s, &ev);
}

static void peer_down(void *ctx, uint32_t peer)
{
    struct node_shell *s = ctx;
    s->peers[peer].up = false;
    struct bft_event ev = {.kind = BFT_EV_PEER_DOWN, .peer = peer};
    shell_step(s, &ev);
}

/* Questions are small and answered at a price: they count against the smaller quota. */
static enum p2p_class frame_class(uint8_t kind)
{
    if (kind == BFT_MSG_TX)
        return P2P_TX;
    return kind == BFT_MSG_BLOCKS || kind == BFT_MSG_BY_HASH ? P2P_BLOCKS : P2P_CONSENSUS;
}

/* ---- making one */

static void account(void *self, const struct td_addr *addr, uint64_t *nonce,
                    struct exec_u256 *balance)
{
    struct node_shell *s = self;
    struct exec_account a;
    node_chain_lock(s->chain);
    node_chain_account(s->chain, addr, &a);
    node_chain_unlock(s->chain);
    *nonce = a.nonce;
    *balance = a.balance;
}

static bool fail(struct node_shell_error *e, int exit_code, const char *what)
{
    if (e->text[0] == '\0')
        snprintf(e->text, sizeof e->text, "%s", what);
    e->exit_code = exit_code;
    return false;
}

static int exit_of(enum td_error err)
{
    switch (err) {
    case TD_E_BUSY:
        return NODE_EXIT_RUNNING;
    case TD_E_CORRUPT:
        return NODE_EXIT_CORRUPT;
    case TD_E_RANGE:
    case TD_E_UNSUPPORTED:
        return NODE_EXIT_CONFIG;
    case TD_E_NOTFOUND:
        return NODE_EXIT_NO_INPUT;
    case TD_OK:
    case TD_E_NOSPACE:
    case TD_E_TRUNCATED:
    case TD_E_MALFORMED:
    case TD_E_IO:
    case TD_E_EXISTS:
    case TD_E_NOMEM:
    case TD_E_SIGNATURE:
    case TD_E_LIMIT:
        break;
    }
    return NODE_EXIT_IO;
}

static bool open_stores(struct node_shell *s, struct node_shell_error *e)
{
    struct store_error error = {{0}};
    const struct node_genesis *g = s->o.genesis;
    const struct store_chain_options options = {.genesis = g->genesis_hash, .create = s->o.create};
    if (s->o.key != NULL) {
        struct store_guard_identity id = {.validator = s->self, .genesis = g->genesis_hash};
        enum td_error err = store_guard_open(&s->guard_file, s->o.guard_path, &id, &error);
        if (err != TD_OK) {
            snprintf(e->text, sizeof e->text, "the sign guard cannot be used: %.200s", error.text);
            return fail(e, err == TD_E_CORRUPT ? NODE_EXIT_SAFETY_HALT : exit_of(err), "");
        }
    }
    enum td_error err = store_chain_open(&s->database, s->o.database_path, &options, &error);
    if (err == TD_OK)
        err = store_chain_reader_open(&s->reader, s->o.database_path, &g->genesis_hash, &error);
    if (err == TD_OK)
        err =
            store_chain_reader_open(&s->serve_reader, s->o.database_path, &g->genesis_hash, &error);
    const struct node_chain_options chain = {.genesis = g, .leaves = s->o.leaves};
    if (err == TD_OK)
        err = node_chain_open(&s->chain, &chain, s->database, s->reader, &error);
    if (err != TD_OK) {
        snprintf(e->text, sizeof e->text, "the chain database cannot be used: %.200s", error.text);
        return fail(e, exit_of(err), "");
    }
    return true;
}

static bool make_memory(struct node_shell *s, struct node_shell_error *e)
{
    uint64_t secret[2];
    td_secret_random(secret, sizeof secret);
    node_table_init(&s->blocks, secret[0]);
    node_table_init(&s->payloads, secret[0]);
    s->fx = malloc(sizeof *s->fx);
    s->scratch = malloc(BFT_SIG_CHECKS_MAX * sizeof *s->scratch);
    s->final_hash = calloc(NODE_BLOCKS_MAX, sizeof *s->final_hash);
    s->built_hashes = malloc(TD_TXS_PER_BLOCK_MAX * sizeof *s->built_hashes);
    s->built_entries = malloc(TD_TXS_PER_BLOCK_MAX * sizeof *s->built_entries);
    s->taken = malloc(TD_TXS_PER_BLOCK_MAX * sizeof *s->taken);
    s->cache_region = malloc(bft_sigcache_footprint(SIGCACHE_LOG_SETS));
    if (s->fx == NULL || s->scratch == NULL || s->final_hash == NULL || s->built_hashes == NULL ||
        s->built_entries == NULL || s->taken == NULL || s->cache_region == NULL)
        return fail(e, NODE_EXIT_INTERNAL, "no memory to start with");
    bft_sigcache_init(&s->cache, s->cache_region, SIGCACHE_LOG_SETS, secret[1]);
    s->final_hash[0] = s->o.genesis->genesis_hash;
    s->native_per_gas_milli = 4000; /* what transfers cost beyond being looked at */
    return true;
}

static bool make_pool(struct node_shell *s, struct node_shell_error *e)
{
    struct node_mempool_options m = s->o.mempool;
    m.chain_id = s->o.genesis->params.chain_id;
    m.block_gas = s->o.genesis->params.gas_limit;
    m.base_fee_min = s->o.genesis->params.base_fee_min;
    m.tx_native_max = s->o.genesis->params.prices.tx_native_max;
    m.accounts_self = s;
    m.account = account;
    s->mempool = node_mempool_new(&m);
    return s->mempool != NULL || fail(e, NODE_EXIT_INTERNAL, "no memory for the mempool");
}

static bool make_threads(struct node_shell *s, struct node_shell_error *e)
{
    s->mailbox = node_mailbox_new(s->o.base);
    if (s->mailbox != NULL) {
        s->verify = node_thread_new(s->mailbox, "verify", s, shell_verify_run);
        s->writer = node_thread_new(s->mailbox, "writer", s, shell_writer_run);
        s->exec = node_thread_new(s->mailbox, "exec", s, shell_exec_run);
        s->serve = node_thread_new(s->mailbox, "serve", s, shell_serve_run);
        s->tx = node_thread_new(s->mailbox, "tx", s, shell_tx_run);
    }
    s->timer = evtimer_new(s->o.base, on_timer, s);
    s->fetch_timer = evtimer_new(s->o.base, shell_fetch_tick, s);
    if (s->verify == NULL || s->writer == NULL || s->exec == NULL || s->serve == NULL ||
        s->tx == NULL || s->timer == NULL || s->fetch_timer == NULL)
        return fail(e, NODE_EXIT_INTERNAL, "the system refuses threads or descriptors");
    return true;
}

static bool listen_peers(struct node_shell *s, struct node_shell_error *e)
{
    struct p2p_net_options n = s->o.net;
    char why[160] = "";
    n.base = s->o.base;
    n.secp = s->o.secp;
    n.chain = (struct p2p_chain){.chain_id = s->o.genesis->params.chain_id,
                                 .genesis = s->o.genesis->genesis_hash};
    n.frame_bytes_max = bft_msg_bytes_max;
    n.frame_class = frame_class;
    n.log = s->o.log;
    const struct p2p_net_events events = {s, peer_up, peer_down, shell_frame};
    enum td_error err = p2p_net_new(&s->net, &n, &events, why);
    if (err == TD_OK)
        return true;
    snprintf(e->text, sizeof e->text, "%s", why);
    return fail(e, err == TD_E_BUSY ? NODE_EXIT_UNAVAILABLE : NODE_EXIT_CONFIG, "cannot listen");
}

static void configure(struct node_shell *s)
{
    if (s->o.key != NULL) {
        struct td_secp_pub pub;
        td_secp_key_pub(s->o.secp, &pub, s->o.key);
        td_secp_pub_addr(s->o.secp, &s->self, &pub);
    }
    node_genesis_bft(s->o.genesis, &s->config, &s->self);
    s->verify_ctx = (struct bft_verify_ctx){.domain = &s->config.domain,
                                            .genesis_hash = s->config.genesis_hash,
                                            .validators_max = s->config.validators_max};
}

static void begin(struct node_shell *s)
{
    struct bft_event ev = {.kind = BFT_EV_START, .peer = BFT_NO_PEER};
    shell_epoch_keys(s);
    shell_step(s, &ev);
    shell_exec_next(s);
}

struct node_shell *node_shell_new(const struct node_shell_options *options,
                                  struct node_shell_error *error)
{
    struct node_shell *s = calloc(1, sizeof *s);
    *error = (struct node_shell_error){.exit_code = NODE_EXIT_INTERNAL};
    if (s == NULL) {
        fail(error, NODE_EXIT_INTERNAL, "no memory to start with");
        return NULL;
    }
    s->o = *options;
    s->local_end = &s->local_first;
    s->in_end = &s->in_first;
    configure(s);
    /* The core steps once the sockets are there: what it sends at start goes to who connects. */
    if (make_memory(s, error) && open_stores(s, error) && make_pool(s, error) &&
        shell_restore(s, error) && make_threads(s, error) && listen_peers(s, error)) {
        begin(s);
        return s;
    }
    node_shell_free(s);
    return NULL;
}

static void stop_threads(struct node_shell *s)
{
    s->halted = true;
    if (s->net != NULL)
        p2p_net_free(s->net);
    s->net = NULL;
    node_thread_stop(s->verify, 0);
    node_thread_stop(s->tx, 0);
    node_thread_stop(s->serve, 0);
    node_thread_stop(s->exec, 0);
    node_thread_stop(s->writer, 1);
    node_mailbox_free(s->mailbox);
}

void node_shell_free(struct node_shell *s)
{
    if (s == NULL)
        return;
    stop_threads(s);
    shell_inbound_clear(s);
    shell_payloads_free(s);
    while (s->local_first != NULL) {
        struct shell_local *l = s->local_first;
        s->local_first = l->next;
        free(l);
    }
    if (s->timer != NULL)
        event_free(s->timer);
    if (s->fetch_timer != NULL)
        event_free(s->fetch_timer);
    node_mempool_free(s->mempool);
    node_chain_close(s->chain);
    store_chain_reader_close(s->reader);
    store_chain_reader_close(s->serve_reader);
    store_chain_close(s->database);
    store_guard_close(s->guard_file);
    free(s->region);
    free(s->fx);
    free(s->scratch);
    free(s->final_hash);
    free(s->built_hashes);
    free(s->built_entries);
    free(s->taken);
    free(s->cache_region);
    free(s);
}

/* ---- looking at one */

int node_shell_exit_code(const struct node_shell *s)
{
    return s->exit_code;
}

struct node_chain *node_shell_chain(struct node_shell *s)
{
    return s->chain;
}

struct node_mempool *node_shell_mempool(struct node_shell *s)
{
    return s->mempool;
}

struct p2p_net *node_shell_net(struct node_shell *s)
{
    return s->net;
}

const char *node_shell_database(const struct node_shell *s)
{
    return s->o.database_path;
}

uint64_t node_shell_head(const struct node_shell *s)
{
    return atomic_load(&((struct node_shell *)(uintptr_t)s)->head);
}

void node_shell_status(const struct node_shell *s, struct node_shell_status *out)
{
    *out = s->stats;
    out->view = s->view;
    out->head = node_shell_head(s);
    out->head_ts_ms = s->head_ts_ms;
    out->payloads_held = s->payloads.count;
    out->highest_known = s->final; /* what connected peers claim: a liar's word goes with it */
    for (uint32_t i = 0; i < BFT_PEERS_MAX; i++)
        if (s->peers[i].up && s->peers[i].final_height > out->highest_known)
            out->highest_known = s->peers[i].final_height;
}

uint32_t node_shell_validators(const struct node_shell *s, struct node_shell_validator *out,
                               uint32_t cap)
{
    const struct bft_set *set = s->verify_ctx.sets.cur;
    uint32_t n = set == NULL ? 0 : set->count;
    for (uint32_t i = 0; i < n && i < cap; i++) {
        out[i] = (struct node_shell_validator){.addr = set->v[i].addr,
                                               .stake = set->v[i].stake,
                                               .self = td_addr_eq(&set->v[i].addr, &s->self)};
        out[i].online = out[i].self;
        out[i].last_vote_round = out[i].self ? s->view.last_voted : 0;
        for (uint32_t p = 0; p < BFT_PEERS_MAX; p++) {
            if (!s->peers[p].up || !td_addr_eq(&s->peers[p].addr, &out[i].addr))
                continue;
            struct p2p_peer_info info;
            out[i].online = true;
            out[i].last_vote_round = s->peers[p].last_vote_round;
            if (p2p_peer_info(s->net, p, &info))
                out[i].rtt_ns = info.rtt_ns;
        }
    }
    return n;
}
