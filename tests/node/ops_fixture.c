#include "tests/node/ops_fixture.h"

#include <string.h>

#define MS UINT64_C(1000000)

static void others(struct ops_fixture *f)
{
    static const char *const names[4] = {"n0", "n1", "n2", "n3"};
    for (uint32_t i = 0; i < 4; i++) {
        f->validators[i] = (struct node_ops_validator){.name = names[i],
                                                       .stake = 10,
                                                       .last_vote_round = 130,
                                                       .rtt_ns = i * 80000u,
                                                       .online = true,
                                                       .self = i == 0};
        memset(f->validators[i].addr.b, (int)(0x10 + i), sizeof f->validators[i].addr.b);
        f->peers[i] = (struct node_ops_peer){.host = "127.0.0.1",
                                             .port = (uint16_t)(30645 + 10 * i),
                                             .outgoing = i == 1,
                                             .since_ns = 60000 * MS,
                                             .rtt_ns = i * 80000u,
                                             .bytes_in = 123456,
                                             .bytes_out = 7890123,
                                             .score = 100};
        if (i > 0)
            f->peers[i].validator = f->validators[i].addr;
    }
    for (uint32_t i = 0; i < 3; i++) {
        f->blocks[i] = (struct node_ops_block){.height = 128 - i,
                                               .round = 130 - i,
                                               .age_ns = (400 + 1000u * i) * MS,
                                               .gas_used = 21000u * 412u,
                                               .txs = 412,
                                               .leader = names[(4u - i) % 4u]};
        memset(f->blocks[i].hash.b, (int)(0x3f + i), sizeof f->blocks[i].hash.b);
    }
}

void ops_fixture_init(struct ops_fixture *f)
{
    memset(f, 0, sizeof *f);
    others(f);
    node_histogram_observe(&f->histogram, 4 * MS);
    node_histogram_observe(&f->histogram, 400 * MS);
    node_histogram_observe(&f->histogram, 40000 * MS);
    f->proposals[0] = (struct node_ops_count){"accepted", 120};
    f->proposals[1] = (struct node_ops_count){"refused", 1};
    f->votes[0] = (struct node_ops_count){"cast", 128};
    f->votes[1] = (struct node_ops_count){"late", 3};
    f->frames[0] = (struct node_ops_count){"too_long", 2};
    f->refused[0] = (struct node_ops_count){"older_round", 1};
    f->errors[0] = (struct node_ops_count){"-32601", 7};
    f->errors[1] = (struct node_ops_count){"3", 2};
    f->faults[0] = (struct node_ops_count){"disk_slow", 0};
    f->faults[1] = (struct node_ops_count){"partition", 1};
    f->methods[0] = (struct node_ops_method){"eth_blockNumber", &f->histogram};
    f->methods[1] = (struct node_ops_method){"eth_call", &f->histogram};
    f->view = (struct node_ops_view){.name = "n0",
                                     .role = "validator",
                                     .version = "0.1.0",
                                     .commit = "0123456789ab",
                                     .chain_id = 1337,
                                     .uptime_ns = 131000 * MS,
                                     .block_interval_ns = 1000 * MS,
                                     .latest = 128,
                                     .highest_known = 128,
                                     .head_age_ns = 400 * MS,
                                     .quorum_stake = 27,
                                     .validators = f->validators,
                                     .validator_count = 4,
                                     .peers = f->peers + 1,
                                     .peer_count = 3,
                                     .blocks = f->blocks,
                                     .block_count = 3,
                                     .mempool_max_txs = 1000,
                                     .mempool_max_bytes = 1u << 20,
                                     .disk_known = true,
                                     .clock_known = true,
                                     .disk_free_bytes = UINT64_C(100) << 30,
                                     .disk_min_bytes = UINT64_C(2) << 30,
                                     .db_bytes = 5u << 20,
                                     .clock_skew_ns = -12500,
                                     .missed_leader_slots = 1,
                                     .gas_used = 21000u * 412u * 128u,
                                     .p2p_bytes_in = 1u << 24,
                                     .p2p_bytes_out = 1u << 25,
                                     .proposals = {f->proposals, 2},
                                     .votes = {f->votes, 2},
                                     .frames_rejected = {f->frames, 1},
                                     .sign_refused = {f->refused, 1},
                                     .rpc_errors = {f->errors, 2},
                                     .faults = {f->faults, 2},
                                     .commit_latency = &f->histogram,
                                     .exec = &f->histogram,
                                     .db_fsync = &f->histogram,
                                     .p2p_rtt = &f->histogram,
                                     .rpc = f->methods,
                                     .rpc_count = 2};
    f->view.core.mode = BFT_MODE_ACTIVE;
    f->view.core.epoch = 1;
    f->view.core.round = 131;
    f->view.core.leader = 2;
    f->view.core.final_height = 129;
    f->view.core.rounds_entered_qc = 129;
    f->view.core.rounds_entered_tc = 2;
    f->view.mempool.txs = 40;
    f->view.mempool.executable = 38;
    f->view.mempool.queued = 2;
    f->view.mempool.bytes = 30000;
    f->view.mempool.refused[NODE_MEMPOOL_NONCE_LOW] = 5;
}
