/* Whole nodes: blocks become final and executed, restarts resume without contradicting what was
 * signed, and what is on disk is enough to go on with. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/chain/record.h"
#include "node/exit_codes.h"
#include "node/shell/shell_internal.h"
#include "tests/node/shell_bed.h"

static struct shell_bed bed;

static void tear_down(void)
{
    shell_bed_free(&bed);
}

static bool same_slot_other_content(const struct bft_guard *a, const struct bft_guard *b)
{
    return (a->vote.epoch == b->vote.epoch && a->vote.round == b->vote.round &&
            !td_hash_eq(&a->vote.hash, &b->vote.hash)) ||
           (a->propose.epoch == b->propose.epoch && a->propose.round == b->propose.round &&
            !td_hash_eq(&a->propose.hash, &b->propose.hash));
}

/* ---- one validator */

Test(shell, one_validator_makes_and_executes_blocks_across_epochs, .fini = tear_down)
{
    struct td_hash tx;
    shell_bed_init(&bed, 1, 0);
    shell_bed_start(&bed, 0);
    SHELL_BED_UNTIL(&bed, 20, shell_bed_head(&bed, 0) >= 3);
    for (uint64_t n = 0; n < 10; n++)
        cr_assert_eq(shell_bed_transfer(&bed, 0, 2, n, &tx), NODE_MEMPOOL_OK);
    SHELL_BED_UNTIL(&bed, 30, shell_bed_head(&bed, 0) >= 150);
    struct node_shell_status s;
    node_shell_status(bed.node[0].shell, &s);
    cr_expect_eq(s.txs_executed, 10);
    cr_expect_eq(s.view.epoch, (s.view.final_height - 1) / 64);
    cr_expect_eq(bed.node[0].blocks, shell_bed_head(&bed, 0));
    cr_expect_eq(bed.errors, 0);
}

Test(shell, a_restart_goes_on_where_it_was, .fini = tear_down)
{
    shell_bed_init(&bed, 1, 0);
    uint64_t told = 0;
    struct bft_guard before, after;
    for (uint32_t life = 0; life < 6; life++) {
        struct td_hash was, is;
        shell_bed_start(&bed, 0);
        cr_assert_geq(shell_bed_head(&bed, 0), told, "life %u", life);
        if (life > 0)
            cr_assert(shell_bed_block(&bed, 0, told, &is));
        SHELL_BED_UNTIL(&bed, 20, shell_bed_head(&bed, 0) >= told + 20 + 9 * life);
        told = shell_bed_head(&bed, 0);
        cr_assert(shell_bed_block(&bed, 0, told, &was));
        shell_bed_stop(&bed, 0);
        shell_bed_guard(&bed, 0, &after);
        if (life > 0)
            cr_expect(!same_slot_other_content(&before, &after));
        before = after;
        cr_assert(shell_bed_block(&bed, 0, told, &is));
        cr_expect(td_hash_eq(&was, &is));
    }
    cr_expect_eq(bed.errors, 0);
}

Test(shell, a_foreign_genesis_is_refused, .fini = tear_down)
{
    struct node_shell_error e;
    shell_bed_init(&bed, 1, 0);
    shell_bed_start(&bed, 0);
    SHELL_BED_UNTIL(&bed, 20, shell_bed_head(&bed, 0) >= 1);
    shell_bed_stop(&bed, 0);
    bed.genesis->genesis_hash.b[0] ^= 1u;
    cr_assert_not(shell_bed_try(&bed, 0, &e));
    cr_expect_eq(e.exit_code, NODE_EXIT_CONFIG, "%d: %s", e.exit_code, e.text);
    bed.node[0].follower = true; /* without a guard it is the database that refuses */
    cr_assert_not(shell_bed_try(&bed, 0, &e));
    cr_expect_eq(e.exit_code, NODE_EXIT_CONFIG, "%d: %s", e.exit_code, e.text);
}

Test(shell, a_second_process_is_refused, .fini = tear_down)
{
    struct node_shell_error e;
    shell_bed_init(&bed, 1, 0);
    shell_bed_start(&bed, 0);
    struct node_shell *first = bed.node[0].shell;
    bed.node[0].shell = NULL;
    bed.node[0].port = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(shell_bed_try(&bed, 0, &e) ? 0 : e.exit_code);
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == NODE_EXIT_RUNNING, "%x", status);
    bed.node[0].shell = first;
}

/* ---- final blocks that were not executed before the end of the process */

/* Node 1's database gets what node 0's holds of final blocks, epochs and proofs, and nothing of
 * their execution: as after a sync that ran ahead of it. */
static void copy_unexecuted(uint64_t upto)
{
    struct store_chain *to;
    struct store_chain_reader *from, *own;
    struct store_error why;
    struct node_chain *chain;
    struct td_arena arena;
    const size_t room = (size_t)16u << 20;
    void *memory = malloc(room);
    const struct td_hash *genesis = &bed.genesis->genesis_hash;
    const struct store_chain_options options = {.genesis = *genesis, .create = true};
    const struct node_chain_options state = {.genesis = bed.genesis, .leaves = 1u << 16};
    cr_assert_eq(store_chain_open(&to, bed.node[1].database, &options, &why), TD_OK);
    cr_assert_eq(store_chain_reader_open(&own, bed.node[1].database, genesis, &why), TD_OK);
    cr_assert_eq(store_chain_reader_open(&from, bed.node[0].database, genesis, &why), TD_OK);
    cr_assert_eq(node_chain_open(&chain, &state, to, own, &why), TD_OK);
    node_chain_close(chain);
    cr_assert_eq(store_chain_begin(to), TD_OK);
    for (uint64_t h = 1; h <= upto; h++) {
        struct store_chain_block b;
        struct td_bytes payload, cert;
        td_arena_init(&arena, memory, room);
        cr_assert_eq(store_chain_block(from, h, &arena, &b), TD_OK);
        store_chain_put_block(to, h, &b.hash, &b.payload_root, b.header, b.state);
        if (store_chain_payload(from, &b.payload_root, &arena, &payload) == TD_OK)
            store_chain_put_payload(to, &b.payload_root, h, payload);
        if (store_chain_cert(from, NODE_CERT_ATTEST, h, &arena, &cert) == TD_OK)
            store_chain_put_cert(to, NODE_CERT_ATTEST, h, cert);
    }
    static const uint32_t ITEMS[] = {NODE_ITEM_EPOCH, NODE_ITEM_PREV_SET};
    for (size_t i = 0; i < 2; i++) {
        struct td_bytes bytes;
        td_arena_init(&arena, memory, room);
        cr_assert_eq(store_chain_item(from, ITEMS[i], &arena, &bytes), TD_OK);
        store_chain_put_item(to, ITEMS[i], bytes);
    }
    cr_assert_eq(store_chain_commit(to, &why), TD_OK);
    store_chain_reader_close(from);
    store_chain_reader_close(own);
    store_chain_close(to);
    free(memory);
}

/* The core is given the newest 64 final blocks; execution may be further behind than that. */
Test(shell, executes_after_a_restart_however_far_behind, .fini = tear_down, .timeout = 60)
{
    shell_bed_init(&bed, 1, 0);
    shell_bed_start(&bed, 0);
    SHELL_BED_UNTIL(&bed, 30, shell_bed_head(&bed, 0) >= 200);
    uint64_t final = shell_bed_head(&bed, 0);
    shell_bed_stop(&bed, 0);
    bed.node[0].port = 0; /* nobody to ask */
    copy_unexecuted(final);
    shell_bed_start(&bed, 1);
    cr_assert_eq(shell_bed_head(&bed, 1), 0);
    SHELL_BED_UNTIL(&bed, 20,
                    shell_bed_head(&bed, 1) == final || node_shell_exit_code(bed.node[1].shell));
    cr_expect_eq(node_shell_exit_code(bed.node[1].shell), 0);
    cr_expect_eq(shell_bed_head(&bed, 1), final);
}

/* ---- ending */

Test(shell, what_stops_before_the_loop_runs_ends_it, .fini = tear_down)
{
    shell_bed_init(&bed, 1, 0);
    shell_bed_start(&bed, 0);
    shell_stop(bed.node[0].shell, NODE_EXIT_IO, 1201, "test", NULL);
    const struct timeval ten = {.tv_sec = 10};
    uint64_t began = shell_bed_now_ns();
    evtimer_add(bed.alarm, &ten);
    cr_assert_geq(event_base_dispatch(bed.base), 0);
    cr_expect_lt(shell_bed_now_ns() - began, 5000000000u);
    evtimer_del(bed.alarm);
    cr_expect_eq(node_shell_exit_code(bed.node[0].shell), NODE_EXIT_IO);
}

/* ---- strangers */

/* A connection that the network below knows nothing of. */
static void fake_peer(struct node_shell *s, uint32_t peer)
{
    s->peers[peer] = (struct shell_peer){.up = true, .serial = ++s->peer_serial};
}

static void bad_vote(struct node_shell *s, uint32_t peer, uint64_t round)
{
    struct bft_msg m = {.kind = BFT_MSG_VOTE};
    struct td_writer w;
    m.u.vote.epoch = s->view.epoch;
    m.u.vote.round = round;
    m.u.vote.hash.b[0] = 1;
    m.u.vote.sig.b[31] = 1;
    m.u.vote.sig.b[63] = 1;
    size_t len = bft_msg_size(&m);
    uint8_t *bytes = malloc(len);
    td_writer_init(&w, bytes, len);
    bft_msg_encode(&w, &m);
    cr_assert_eq(w.err, TD_OK);
    shell_frame(s, peer, bytes, len);
}

Test(shell, one_peer_has_a_share_of_the_queue_and_one_bad_signature, .fini = tear_down)
{
    shell_bed_init(&bed, 4, 1000); /* one of four: it makes no blocks */
    shell_bed_start(&bed, 0);
    struct node_shell *s = bed.node[0].shell;
    fake_peer(s, 7);
    fake_peer(s, 8);
    s->verifying = true; /* the thread is busy */
    for (uint32_t i = 0; i < 3u * NODE_INBOUND_PEER_MAX; i++)
        bad_vote(s, 7, 1 + i);
    cr_expect_eq(s->peers[7].in_count, NODE_INBOUND_PEER_MAX);
    uint64_t verified = s->stats.verified;
    s->verifying = false;
    bad_vote(s, 8, 1);
    SHELL_BED_UNTIL(&bed, 10, s->in_count == 0);
    cr_expect_eq(s->stats.verified - verified, 2); /* one of each connection */
    cr_expect_eq(s->in_checks, 0);
    cr_expect_eq(s->in_bytes, 0);
    cr_expect_eq(s->peers[7].in_count, 0);
    cr_expect_eq(s->peers[7].in_bytes, 0);
    s->peers[7].up = s->peers[8].up = false;
}
