/* What the JSON-RPC methods see of this node. */
#include "node/run/run_internal.h"

static struct node_rpc_heads heads(void *self)
{
    const struct run *r = self;
    /* safe and finalized are L1's, which this node has not yet: genesis. */
    return (struct node_rpc_heads){.latest = node_shell_head(r->shell)};
}

static struct node_mempool *mempool(void *self)
{
    return node_shell_mempool(((struct run *)self)->shell);
}

static enum node_mempool_verdict submit(void *self, const struct exec_tx *tx, struct td_bytes raw)
{
    return node_shell_submit(((struct run *)self)->shell, tx, raw);
}

static void status(void *self, struct node_rpc_status *out)
{
    const struct run *r = self;
    struct node_shell_status s;
    node_shell_status(r->shell, &s);
    uint64_t now = td_clock_wall_ms(&r->clock);
    *out = (struct node_rpc_status){.view = s.view,
                                    .highest_known = s.highest_known,
                                    .head_age_ms = now > s.head_ts_ms ? now - s.head_ts_ms : 0,
                                    .syncing = s.view.syncing,
                                    .name = r->o.name};
    struct p2p_net *net = node_shell_net(r->shell);
    for (uint32_t i = 0; net != NULL && i < P2P_PEERS_MAX; i++) {
        struct p2p_peer_info info;
        if (!p2p_peer_info(net, i, &info))
            continue;
        if (info.outgoing)
            out->peers.out++;
        else
            out->peers.in++;
    }
}

static uint32_t validators(void *self, struct node_rpc_validator *out, uint32_t cap)
{
    static struct node_shell_validator list[BFT_SIGNERS_MAX]; /* [loop] only */
    uint32_t n = node_shell_validators(((struct run *)self)->shell, list, BFT_SIGNERS_MAX);
    for (uint32_t i = 0; i < n && i < cap; i++)
        out[i] = (struct node_rpc_validator){.addr = list[i].addr,
                                             .stake = list[i].stake,
                                             .online = list[i].online,
                                             .self = list[i].self,
                                             .last_vote_round = list[i].last_vote_round,
                                             .rtt_ns = list[i].rtt_ns};
    return n;
}

void run_backend(struct run *r)
{
    r->backend = (struct node_rpc_backend){.self = r,
                                           .genesis = r->o.genesis,
                                           .chain = node_shell_chain(r->shell),
                                           .database = node_shell_database(r->shell),
                                           .secp = r->o.secp,
                                           .clock = r->clock,
                                           .heads = heads,
                                           .mempool = mempool,
                                           .submit = submit,
                                           .status = status,
                                           .validators = validators};
}
