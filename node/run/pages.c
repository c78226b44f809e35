/* The ops server: what the pages say of this node, and the pages over HTTP. */
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/core/hex.h"
#include "node/run/run_internal.h"
#include "td_version.h"

#define SHOWN_PEERS P2P_PEERS_MAX
#define SHOWN_METHODS 96u

/* Everything a view borrows; [loop] only. */
struct pages {
    struct node_ops_validator validators[BFT_SIGNERS_MAX];
    struct node_shell_validator known[BFT_SIGNERS_MAX];
    struct node_ops_peer peers[SHOWN_PEERS];
    char hosts[SHOWN_PEERS][P2P_HOST_BYTES_MAX + 1u];
    struct node_ops_block blocks[NODE_SHELL_RECENT];
    char leaders[NODE_SHELL_RECENT][TD_ADDR_TEXT_BYTES];
    struct node_ops_count rejected[1], faults[3];
    struct node_shell_status status;
};
static struct pages pages;

static void fill_validators(const struct run *r, struct node_ops_view *v)
{
    v->validator_count = node_shell_validators(r->shell, pages.known, BFT_SIGNERS_MAX);
    uint64_t total = 0;
    for (uint32_t i = 0; i < v->validator_count; i++) {
        const struct node_shell_validator *k = &pages.known[i];
        total += k->stake;
        pages.validators[i] = (struct node_ops_validator){.addr = k->addr,
                                                          .stake = k->stake,
                                                          .last_vote_round = k->last_vote_round,
                                                          .rtt_ns = k->rtt_ns,
                                                          .online = k->online,
                                                          .self = k->self};
    }
    v->validators = pages.validators;
    v->quorum_stake = 2u * total / 3u + 1u;
}

static void fill_peers(const struct run *r, struct node_ops_view *v, uint64_t now_ns)
{
    struct p2p_net *net = node_shell_net(r->shell);
    for (uint32_t i = 0; i < P2P_PEERS_MAX; i++) {
        struct p2p_peer_info info;
        if (!p2p_peer_info(net, i, &info))
            continue;
        uint32_t n = v->peer_count++;
        memcpy(pages.hosts[n], info.host, sizeof pages.hosts[n]);
        pages.peers[n] =
            (struct node_ops_peer){.host = pages.hosts[n],
                                   .port = info.port,
                                   .validator = info.validator,
                                   .outgoing = info.outgoing,
                                   .since_ns = now_ns > info.since_ns ? now_ns - info.since_ns : 0,
                                   .rtt_ns = info.rtt_ns,
                                   .bytes_in = info.bytes_in,
                                   .bytes_out = info.bytes_out,
                                   .score = info.score};
    }
    v->peers = pages.peers;
    struct p2p_net_stats stats;
    p2p_net_stats(net, &stats);
    v->p2p_bytes_in = stats.bytes_in;
    v->p2p_bytes_out = stats.bytes_out;
    pages.rejected[0] = (struct node_ops_count){"frame", stats.frames_rejected};
    v->frames_rejected = (struct node_ops_counts){pages.rejected, 1};
}

static void fill_blocks(const struct run *r, struct node_ops_view *v)
{
    uint64_t now = td_clock_wall_ms(&r->clock);
    for (uint32_t i = 0; i < pages.status.recent_count; i++) {
        const struct node_shell_block *b = &pages.status.recent[i];
        td_addr_print(pages.leaders[i], &b->proposer);
        pages.blocks[i] = (struct node_ops_block){
            .height = b->height,
            .round = b->round,
            .age_ns = now > b->ts_ms ? (now - b->ts_ms) * 1000000u : 0,
            .gas_used = b->gas_used,
            .hash = b->hash,
            .txs = b->txs,
            .leader = td_addr_is_zero(&b->proposer) ? NULL : pages.leaders[i]};
    }
    v->blocks = pages.blocks;
    v->block_count = pages.status.recent_count;
}

static void fill_disk(const struct run *r, struct node_ops_view *v)
{
    struct statvfs fs;
    v->disk_known = statvfs(r->o.database_path, &fs) == 0;
    if (v->disk_known)
        v->disk_free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    v->disk_min_bytes = (uint64_t)node_config_number(r->o.config, NODE_OPT_STORAGE_MIN_FREE_BYTES);
}

static void fill(const struct run *r, struct node_ops_view *v)
{
    const struct node_shell_status *s = &pages.status;
    node_shell_status(r->shell, &pages.status);
    uint64_t mono = td_clock_mono_ns(&r->clock), wall = td_clock_wall_ms(&r->clock);
    uint64_t newest = s->head_ts_ms > r->started_ms ? s->head_ts_ms : r->started_ms;
    *v = (struct node_ops_view){
        .name = r->o.name,
        .role = r->o.key != NULL ? "validator" : "follower",
        .version = TD_VERSION,
        .commit = TD_COMMIT,
        .chain_id = r->o.genesis->params.chain_id,
        .uptime_ns = (wall > r->started_ms ? wall - r->started_ms : 0) * 1000000u,
        .block_interval_ns = r->o.genesis->block_interval_ms * 1000000u,
        .shutting_down = r->stopping,
        .core = s->view,
        .latest = s->head,
        .highest_known = s->highest_known,
        .head_age_ns = wall > newest ? (wall - newest) * 1000000u : 0,
        .diverged = s->diverged,
        .mempool_max_txs = (uint32_t)node_config_number(r->o.config, NODE_OPT_MEMPOOL_MAX_TXS),
        .mempool_max_bytes = (uint64_t)node_config_number(r->o.config, NODE_OPT_MEMPOOL_MAX_BYTES),
        .storage_error = s->storage_error,
        .signer_error =
            s->view.mode == BFT_MODE_PASSIVE ? "signs nothing until the next epoch" : NULL,
        .equivocations_seen = s->evidence_seen,
        .gas_used = s->gas_used,
        .commit_latency = &s->commit_latency,
        .exec = &s->exec_seconds,
        .db_fsync = &s->fsync_seconds,
    };
    node_mempool_stats(node_shell_mempool(r->shell), &v->mempool);
    fill_validators(r, v);
    fill_peers(r, v, mono);
    fill_blocks(r, v);
    fill_disk(r, v);
    if (r->fault != NULL) {
        const struct node_fault_active on = node_fault_active();
        pages.faults[0] = (struct node_ops_count){"clock", on.clock};
        pages.faults[1] = (struct node_ops_count){"disk", on.disk};
        pages.faults[2] = (struct node_ops_count){"point", on.point};
        v->faults = (struct node_ops_counts){pages.faults, 3};
    }
}

static void on_page(void *ctx, struct node_http_request *q, enum node_http_kind kind,
                    const char *path, struct td_bytes body)
{
    struct run *r = ctx;
    struct node_ops_view view;
    struct node_ops_text text = {0};
    const char *type = "text/plain";
    (void)body;
    if (kind != NODE_HTTP_GET) {
        node_http_reply(q, 405, type, td_bytes_of_text("this port answers GET only\n"));
        return;
    }
    fill(r, &view);
    int status =
        node_ops_page(&text, &view, path, node_config_boolean(r->o.config, NODE_OPT_OPS_DASHBOARD),
                      node_config_boolean(r->o.config, NODE_OPT_OPS_METRICS), &type);
    if (text.failed)
        node_http_reply(q, 500, "text/plain", td_bytes_of_text("no memory for this page\n"));
    else
        node_http_reply(q, status, type, td_bytes_of(text.data, text.len));
    free(text.data);
}

static void on_closed(void *ctx, uint64_t conn)
{
    (void)ctx;
    (void)conn;
}

bool run_ops(struct run *r, FILE *err)
{
    const char *text = node_config_text(r->o.config, NODE_OPT_OPS_LISTEN);
    char host[P2P_HOST_BYTES_MAX + 1u], why[160] = "";
    struct node_http_options o = {.base = r->base,
                                  .host = host,
                                  .max_conns = 256, /* monitors and a few browsers */
                                  .max_body_bytes = 1024,
                                  .log = r->o.log,
                                  .ctx = r,
                                  .request = on_page,
                                  .closed = on_closed};
    if (run_socket(text, host, &o.port) && node_http_new(&r->ops, &o, why) == TD_OK)
        return true;
    fprintf(err, "tandem start: ops.listen = \"%s\": %s\n", text, why);
    return false;
}
