#include "node/run/run.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/core/hex.h"
#include "base/host/secret.h"
#include "node/exit_codes.h"
#include "node/run/run_internal.h"

#define RPC_THREADS_MAX 4u
#define STATIC_PEERS_MAX 1024u
/* Address space of the state tree: about 190 bytes a leaf, touched only where leaves are. */
#define STATE_LEAVES (1u << 24)

bool run_socket(const char *text, char host[P2P_HOST_BYTES_MAX + 1u], uint16_t *port)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL)
        return false;
    const char *begin = text;
    size_t len = (size_t)(colon - text);
    if (len >= 2 && begin[0] == '[' && begin[len - 1u] == ']') {
        begin++;
        len -= 2;
    }
    unsigned long n = strtoul(colon + 1, NULL, 10);
    if (len == 0 || len > P2P_HOST_BYTES_MAX || n > UINT16_MAX)
        return false;
    memcpy(host, begin, len);
    host[len] = '\0';
    *port = (uint16_t)n;
    return true;
}

/* ---- peers to dial: the configuration's, then the genesis file's hints */

static bool known(const struct p2p_static_peer *list, uint32_t count, const uint8_t transport[32])
{
    for (uint32_t i = 0; i < count; i++)
        if (memcmp(list[i].transport, transport, 32) == 0)
            return true;
    return false;
}

static bool peer_of(struct p2p_static_peer *out, const char *text)
{
    const char *at = strchr(text, '@');
    return at != NULL &&
           td_hex_decode_fixed(out->transport, sizeof out->transport, TD_HEX_EITHER, text,
                               (size_t)(at - text)) == TD_OK &&
           run_socket(at + 1, out->host, &out->port);
}

static uint32_t static_peers(const struct run *r, struct p2p_static_peer *out, FILE *err, int *code)
{
    const struct node_config *c = r->o.config;
    uint8_t self[32];
    uint32_t n = 0;
    p2p_noise_public(self, r->o.transport);
    for (uint32_t i = 0; i < node_config_count(c, NODE_OPT_P2P_PEERS) && n < STATIC_PEERS_MAX;
         i++) {
        const char *text = node_config_item(c, NODE_OPT_P2P_PEERS, i)->text;
        if (!peer_of(&out[n], text)) {
            fprintf(err,
                    "tandem start: p2p.peers: \"%s\" is no peer\nexpected 64 hex digits of its "
                    "transport key, then @host:port\n",
                    text);
            *code = NODE_EXIT_CONFIG;
            return 0;
        }
        if (memcmp(out[n].transport, self, 32) != 0)
            n++;
    }
    for (uint32_t i = 0; i < r->o.genesis->validator_count && n < STATIC_PEERS_MAX; i++) {
        const struct node_genesis_validator *v = &r->o.genesis->validators[i];
        static const uint8_t none[32];
        if (v->host[0] == '\0' || v->port == 0 || memcmp(v->transport, none, 32) == 0 ||
            memcmp(v->transport, self, 32) == 0 || known(out, n, v->transport))
            continue;
        memcpy(out[n].transport, v->transport, 32);
        snprintf(out[n].host, sizeof out[n].host, "%s", v->host);
        out[n++].port = v->port;
    }
    return n;
}

/* ---- this node's address record */

static bool make_record(const struct run *r, struct p2p_record *out)
{
    char host[P2P_HOST_BYTES_MAX + 1u];
    uint16_t port;
    uint8_t transport[32];
    struct td_addr self = {{0}};
    const struct p2p_chain chain = {r->o.genesis->params.chain_id, r->o.genesis->genesis_hash};
    if (!run_socket(node_config_text(r->o.config, NODE_OPT_P2P_LISTEN), host, &port))
        return false;
    p2p_noise_public(transport, r->o.transport);
    if (r->o.key != NULL) {
        struct td_secp_pub pub;
        td_secp_key_pub(r->o.secp, &pub, r->o.key);
        td_secp_pub_addr(r->o.secp, &self, &pub);
    }
    /* The start time as sequence: later starts count, without a counter on disk. */
    if (p2p_record_init(out, td_clock_wall_ms(&r->clock), transport, &self, host,
                        port == 0 ? 1 : port) != TD_OK)
        return false;
    if (r->o.key == NULL)
        return true;
    struct td_hash digest;
    p2p_record_digest(&digest, out, &chain);
    return td_secp_sign(r->o.secp, r->o.key, &digest, &out->sig) == TD_OK;
}

/* ---- events of the shell */

static void on_block(void *ctx, uint64_t height)
{
    struct run *r = ctx;
    if (r->rpc != NULL)
        node_rpc_block(r->rpc, height);
}

static void on_pending(void *ctx, const struct td_hash *hash)
{
    struct run *r = ctx;
    if (r->rpc != NULL)
        node_rpc_pending(r->rpc, hash);
}

static int start_shell(struct run *r, FILE *err)
{
    const struct node_config *c = r->o.config;
    struct p2p_static_peer *peers = calloc(STATIC_PEERS_MAX, sizeof *peers);
    struct node_shell_options o = {.base = r->base,
                                   .genesis = r->o.genesis,
                                   .secp = r->o.secp,
                                   .key = r->o.key,
                                   .guard_path = r->o.guard_path,
                                   .database_path = r->o.database_path,
                                   .create = true,
                                   .leaves = STATE_LEAVES,
                                   .name = r->o.name,
                                   .log = r->o.log,
                                   .clock = r->clock,
                                   .ctx = r,
                                   .on_block = on_block,
                                   .on_pending = on_pending};
    struct node_shell_error error;
    int code = NODE_EXIT_OK;
    if (peers == NULL)
        return NODE_EXIT_INTERNAL;
    o.net.peers = peers;
    o.net.peer_count = static_peers(r, peers, err, &code);
    o.net.max_peers = (uint32_t)node_config_number(c, NODE_OPT_P2P_MAX_PEERS);
    if (o.net.max_peers > P2P_PEERS_MAX)
        o.net.max_peers = P2P_PEERS_MAX;
    o.net.handshake_ns = node_config_number(c, NODE_OPT_P2P_HANDSHAKE_TIMEOUT);
    memcpy(o.net.static_secret, r->o.transport, 32);
    o.mempool.max_txs = (uint32_t)node_config_number(c, NODE_OPT_MEMPOOL_MAX_TXS);
    o.mempool.max_bytes = (uint64_t)node_config_number(c, NODE_OPT_MEMPOOL_MAX_BYTES);
    o.mempool.per_account = (uint32_t)node_config_number(c, NODE_OPT_MEMPOOL_PER_ACCOUNT);
    if (code == NODE_EXIT_OK && (!run_socket(node_config_text(c, NODE_OPT_P2P_LISTEN),
                                             o.net.listen_host, &o.net.listen_port) ||
                                 !make_record(r, &o.net.self))) {
        fprintf(err, "tandem start: p2p.listen: cannot be used as this node's address\n");
        code = NODE_EXIT_CONFIG;
    }
    if (code == NODE_EXIT_OK) {
        r->shell = node_shell_new(&o, &error);
        if (r->shell == NULL) {
            fprintf(err, "tandem start: %s\n", error.text);
            code = error.exit_code;
        }
    }
    td_secret_wipe(o.net.static_secret, 32);
    free(peers);
    return code;
}

/* ---- servers */

static bool serve(struct run *r, FILE *err, enum node_option option, struct node_http_options *o,
                  struct node_http **out)
{
    const char *text = node_config_text(r->o.config, option);
    char host[P2P_HOST_BYTES_MAX + 1u], why[160] = "";
    o->base = r->base;
    o->log = r->o.log;
    o->host = host;
    if (run_socket(text, host, &o->port) && node_http_new(out, o, why) == TD_OK)
        return true;
    const struct node_option_info *info = node_option_info(option);
    fprintf(err, "tandem start: %s.%s = \"%s\": %s\n", info->section, info->key, text, why);
    return false;
}

static int start_rpc(struct run *r, FILE *err)
{
    const struct node_config *c = r->o.config;
    const char *names[NODE_OPTION_ITEMS_MAX];
    uint32_t count = node_config_count(c, NODE_OPT_RPC_NAMESPACES);
    char why[160] = "";
    for (uint32_t i = 0; i < count; i++)
        names[i] = node_config_item(c, NODE_OPT_RPC_NAMESPACES, i)->text;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    run_backend(r);
    const struct node_rpc_options o = {.backend = &r->backend,
                                       .base = r->base,
                                       .threads = cores < 1                       ? 1u
                                                  : cores > (long)RPC_THREADS_MAX ? RPC_THREADS_MAX
                                                                                  : (uint32_t)cores,
                                       .namespaces = names,
                                       .namespace_count = count,
                                       .log = r->o.log};
    if (node_rpc_new(&r->rpc, &o, why) != TD_OK) {
        fprintf(err, "tandem start: %s\n", why);
        return NODE_EXIT_INTERNAL;
    }
    struct node_http_options http = {
        .max_conns = (uint32_t)node_config_number(c, NODE_OPT_RPC_MAX_CONNS),
        .max_body_bytes = (uint64_t)node_config_number(c, NODE_OPT_RPC_MAX_BODY_BYTES),
        .rate_per_ip = (uint32_t)node_config_number(c, NODE_OPT_RPC_RATE_PER_IP),
        .ctx = &r->http_port,
        .request = node_rpc_request,
        .closed = node_rpc_closed};
    struct node_http_options ws = http;
    ws.websocket = true;
    ws.ctx = &r->ws_port;
    r->http_port.rpc = r->ws_port.rpc = r->rpc;
    if (!serve(r, err, NODE_OPT_RPC_HTTP, &http, &r->http) ||
        !serve(r, err, NODE_OPT_RPC_WS, &ws, &r->ws))
        return NODE_EXIT_UNAVAILABLE;
    r->http_port.http = r->http;
    r->ws_port.http = r->ws;
    return run_ops(r, err) ? NODE_EXIT_OK : NODE_EXIT_UNAVAILABLE;
}

/* ---- life */

static void on_signal(evutil_socket_t number, short what, void *arg)
{
    struct run *r = arg;
    (void)what;
    r->signal_seen = (int)number;
    r->stopping = true;
    TD_LOG(r->o.log, TD_LOG_INFO, "node", "stopping",
           TD_LOG_STR("signal", number == SIGINT ? "SIGINT" : "SIGTERM"));
    event_base_loopbreak(r->base);
}

static void on_housekeeping(evutil_socket_t fd, short what, void *arg)
{
    struct run *r = arg;
    (void)fd;
    (void)what;
    node_mempool_expire(node_shell_mempool(r->shell), td_clock_mono_ns(&r->clock));
}

static bool start_events(struct run *r)
{
    static const int NUMBERS[2] = {SIGINT, SIGTERM};
    const struct timeval ten = {.tv_sec = 10};
    for (size_t i = 0; i < 2; i++) {
        r->signals[i] = evsignal_new(r->base, NUMBERS[i], on_signal, r);
        if (r->signals[i] == NULL || event_add(r->signals[i], NULL) != 0)
            return false;
    }
    r->housekeeping = event_new(r->base, -1, EV_PERSIST, on_housekeeping, r);
    return r->housekeeping != NULL && event_add(r->housekeeping, &ten) == 0;
}

static void stop(struct run *r)
{
    /* Servers first: they tell node_rpc of connections that close. */
    struct node_http *const servers[] = {r->ops, r->http, r->ws};
    for (size_t i = 0; i < sizeof servers / sizeof servers[0]; i++)
        if (servers[i] != NULL)
            node_http_free(servers[i]);
    if (r->rpc != NULL)
        node_rpc_free(r->rpc);
    node_shell_free(r->shell);
    for (size_t i = 0; i < 2; i++)
        if (r->signals[i] != NULL)
            event_free(r->signals[i]);
    if (r->housekeeping != NULL)
        event_free(r->housekeeping);
    node_fault_free(r->fault);
    event_base_free(r->base);
}

/* Before anything is opened: the disk's faults are under every file from then on. */
static int start_faults(struct run *r, FILE *err)
{
    if (r->o.fault_home == NULL)
        return NODE_EXIT_OK;
    r->clock = node_fault_clock();
    r->fault = node_fault_new(r->base, r->o.fault_home);
    if (r->fault != NULL)
        return NODE_EXIT_OK;
    fprintf(err, "tandem start: %s/fault: %s\n", r->o.fault_home, strerror(errno));
    return NODE_EXIT_CANT_CREATE;
}

int node_run(const struct node_run_options *options, FILE *err)
{
    struct run *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NODE_EXIT_INTERNAL;
    signal(SIGPIPE, SIG_IGN);
    r->o = *options;
    r->clock = td_clock_system();
    r->started_ms = td_clock_wall_ms(&r->clock);
    r->base = event_base_new();
    if (r->base == NULL) {
        fprintf(err, "tandem start: the system refuses descriptors\n");
        free(r);
        return NODE_EXIT_INTERNAL;
    }
    /* Signals first: one that comes while the node opens its files ends it in order as well. */
    int code = start_events(r) ? start_faults(r, err) : NODE_EXIT_INTERNAL;
    if (code == NODE_EXIT_OK)
        code = start_shell(r, err);
    if (code == NODE_EXIT_OK)
        code = start_rpc(r, err);
    if (code == NODE_EXIT_OK) {
        TD_LOG(r->o.log, TD_LOG_INFO, "node", "ready",
               TD_LOG_STR("http", node_config_text(r->o.config, NODE_OPT_RPC_HTTP)),
               TD_LOG_STR("p2p", node_config_text(r->o.config, NODE_OPT_P2P_LISTEN)),
               TD_LOG_STR("ops", node_config_text(r->o.config, NODE_OPT_OPS_LISTEN)),
               TD_LOG_U64("chain", r->o.genesis->params.chain_id),
               TD_LOG_HASH("genesis", &r->o.genesis->genesis_hash),
               TD_LOG_U64("head", node_shell_head(r->shell)));
        event_base_dispatch(r->base);
        code = node_shell_exit_code(r->shell);
    }
    stop(r);
    if (code == NODE_EXIT_OK)
        TD_LOG(options->log, TD_LOG_INFO, "node", "stopped", TD_LOG_STR("why", "signal"));
    free(r);
    return code;
}
