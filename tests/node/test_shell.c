/* Whole nodes: blocks become final and executed, restarts resume without contradicting what was
 * signed, and what is on disk is enough to go on with. */
#define _GNU_SOURCE 1 /* usleep */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/core/keccak.h"
#include "base/core/rng.h"
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

static uint64_t executed_txs(uint32_t i)
{
    struct node_shell_status s;
    node_shell_status(bed.node[i].shell, &s);
    return s.txs_executed;
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
static void copy_unexecuted(uint64_t end)
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
    for (uint64_t h = 1; h <= end; h++) {
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

Test(shell, what_stops_before_the_loop_runs_ends_it, .fini = tear_down, .timeout = 20)
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

/* 16,384 times the hash of one transaction in the pool, under a root that is right. */
Test(shell, a_proposal_of_one_transaction_many_times_is_not_put_together, .fini = tear_down)
{
    struct td_hash tx;
    const uint32_t count = TD_TXS_PER_BLOCK_MAX;
    shell_bed_init(&bed, 4, 1000);
    shell_bed_start(&bed, 0);
    struct node_shell *s = bed.node[0].shell;
    cr_assert_eq(shell_bed_transfer(&bed, 0, 2, 0, &tx), NODE_MEMPOOL_OK);
    struct td_hash *hashes = calloc(count, sizeof *hashes),
                   *scratch = calloc(count, sizeof *scratch);
    for (uint32_t i = 0; i < count; i++)
        hashes[i] = tx;
    struct bft_proposal p = {.header = {.height = 1, .tx_count = count}, .tx_hashes = hashes};
    bft_payload_root(&p.header.payload_root, scratch, hashes, count);
    bed.genesis->payload_bytes_max = 1u << 20; /* of 1.8 MiB */
    fake_peer(s, 7);
    shell_proposal_seen(s, 7, &p);
    const struct shell_payload *held = node_table_find(&s->payloads, &p.header.payload_root);
    cr_assert_not_null(held);
    cr_expect_null(held->parts);
    cr_expect(held->whole);
    cr_expect_eq(s->payload_bytes, held->cost);
    cr_expect_leq(held->cost, (size_t)count * 40u);
    p.header.height = NODE_HEIGHTS_AHEAD + 1u; /* and one whose height nobody else can speak of */
    p.header.payload_root.b[0] ^= 1u;
    shell_proposal_seen(s, 7, &p);
    cr_expect_null(node_table_find(&s->payloads, &p.header.payload_root));
    s->peers[7].up = false;
    free(hashes);
    free(scratch);
}

Test(shell, small_questions_do_not_buy_large_answers_without_end, .fini = tear_down)
{
    struct td_hash root = {{1}};
    struct bft_msg m = {.kind = BFT_MSG_GET_BY_HASH,
                        .u.get_by_hash = {BFT_OBJECT_PAYLOAD, 1, &root}};
    shell_bed_init(&bed, 4, 1000);
    shell_bed_start(&bed, 0);
    struct node_shell *s = bed.node[0].shell;
    struct shell_payload *p = shell_payload_of(s, &root);
    struct node_blob *bytes = node_blob_new(TD_PAYLOAD_BYTES_MAX);
    memset(bytes->bytes, 0, bytes->len);
    p->bytes = bytes;
    fake_peer(s, 7);
    for (uint32_t i = 0; i < 1000; i++)
        cr_assert(shell_serve(s, 7, &m));
    cr_expect_lt(s->peers[7].served, NODE_SERVE_BURST + (int64_t)TD_PAYLOAD_BYTES_MAX);
    cr_expect_gt(s->peers[7].served, NODE_SERVE_BURST / 4);
    s->peers[7].served_ns -= 60000000000; /* a minute later */
    cr_assert(shell_serve(s, 7, &m));
    cr_expect_eq(s->peers[7].served, (int64_t)TD_PAYLOAD_BYTES_MAX);
    s->peers[7].up = false;
}

/* A payload that is wanted is taken from whom it was asked of, once per question. */
Test(shell, answers_nobody_asked_for_are_not_looked_at, .fini = tear_down)
{
    uint8_t entry[] = {1, 2, 3}, bytes[16];
    const struct td_bytes one = td_bytes_of(entry, sizeof entry);
    struct td_hash hash, scratch, root;
    shell_bed_init(&bed, 4, 1000);
    shell_bed_start(&bed, 0);
    struct node_shell *s = bed.node[0].shell;
    td_keccak256(&hash, entry, sizeof entry);
    bft_payload_root(&root, &scratch, &hash, 1);
    node_payload_encode(bytes, &one, 1);
    const struct td_bytes object = td_bytes_of(bytes, node_payload_bytes(&one, 1));
    const struct bft_msg m = {
        .kind = BFT_MSG_BY_HASH,
        .u.by_hash = {.kind = BFT_OBJECT_PAYLOAD, .object_count = 1, .objects = &object}};
    struct shell_payload *p = shell_payload_of(s, &root);
    fake_peer(s, 7);
    cr_assert(shell_serve(s, 7, &m));
    cr_expect_null(p->bytes);
    s->peers[7].asked = 1;
    cr_assert(shell_serve(s, 7, &m));
    cr_expect_not_null(p->bytes);
    cr_expect_eq(s->peers[7].asked, 0);
    s->peers[7].up = false;
}

Test(shell, peers_are_asked_in_turn, .fini = tear_down)
{
    static const uint32_t UP[] = {1, 2, 5};
    shell_bed_init(&bed, 4, 1000);
    shell_bed_start(&bed, 0);
    struct node_shell *s = bed.node[0].shell;
    cr_expect_eq(shell_peer_pick(s, 3), BFT_NO_PEER);
    for (uint32_t i = 0; i < 3; i++)
        fake_peer(s, UP[i]);
    for (uint32_t turn = 0; turn < 9; turn++)
        cr_expect_eq(shell_peer_pick(s, turn), UP[turn % 3]);
    for (uint32_t i = 0; i < 3; i++)
        s->peers[UP[i]].up = false;
}

/* A block beside the final one of its height gives its transactions back to the next leader. */
Test(shell, an_orphan_holds_no_transactions, .fini = tear_down)
{
    struct td_hash tx;
    struct node_mempool_tx found;
    const struct td_hash orphan = {{0xee}};
    const struct bft_header header = {.height = 1, .round = 1, .tx_count = 1};
    shell_bed_init(&bed, 1, 200);
    shell_bed_start(&bed, 0);
    struct node_shell *s = bed.node[0].shell;
    SHELL_BED_UNTIL(&bed, 20, s->executed >= 1);
    cr_assert_eq(shell_bed_transfer(&bed, 0, 2, 0, &tx), NODE_MEMPOOL_OK);
    struct shell_block *b = shell_block_add(s, &orphan, &header);
    node_mempool_hold(s->mempool, &orphan, &tx, 1);
    b->held = true;
    cr_assert(node_mempool_find(s->mempool, &tx, &found) && found.held);
    uint64_t height = s->executed;
    SHELL_BED_UNTIL(&bed, 20, executed_txs(0) == 1);
    cr_expect_leq(s->executed, height + 3);
}

/* ---- the disk */

static enum td_error count_header(void *ctx, struct td_bytes key, struct td_bytes value)
{
    (void)key;
    (void)value;
    ++*(uint32_t *)ctx;
    return TD_OK;
}

static uint32_t headers_stored(void)
{
    struct store_chain_reader *r;
    struct store_error why;
    uint32_t count = 0;
    const struct td_hash *genesis = &bed.genesis->genesis_hash;
    cr_assert_eq(store_chain_reader_open(&r, bed.node[0].database, genesis, &why), TD_OK);
    cr_assert_eq(store_chain_scan(r, STORE_CHAIN_HEADERS, count_header, &count), TD_OK);
    store_chain_reader_close(r);
    return count;
}

/* While heights stand still fillers become final; what they leave behind must not crowd out, at
 * the next start, the headers that the lock stands on. */
Test(shell, a_final_filler_lets_headers_go, .fini = tear_down)
{
    const struct td_bytes one = td_bytes_of((const uint8_t *)"x", 1);
    struct bft_effect fx = {.kind = BFT_FX_PERSIST};
    struct bft_header h = {.epoch = 0};
    shell_bed_init(&bed, 4, 1000);
    shell_bed_start(&bed, 0);
    struct node_shell *s = bed.node[0].shell;
    fx.u.persist.header = &h;
    for (h.round = 1; h.round <= 10; h.round++)
        shell_persist(s, &fx);
    shell_bed_stop(&bed, 0);
    cr_assert_geq(headers_stored(), 10);
    shell_bed_start(&bed, 0);
    h.round = 9;
    shell_write_proof(bed.node[0].shell, 0, node_blob_copy(one), &h); /* its own write does it */
    h.round = 8;
    h.filler = true;
    shell_write_proof(bed.node[0].shell, 0, node_blob_copy(one), &h);
    shell_bed_stop(&bed, 0);
    cr_expect_eq(headers_stored(), 2);
}

/* Run until the node ends by itself: its files may grow to `bytes`. */
static void live_in(rlim_t bytes)
{
    struct node_shell_error e;
    struct td_hash hash;
    const struct rlimit limit = {bytes, bytes};
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0 || event_reinit(bed.base) != 0)
        _exit(1);
    if (!shell_bed_try(&bed, 0, &e))
        _exit(e.exit_code);
    for (uint64_t nonce = 0; node_shell_exit_code(bed.node[0].shell) == 0; nonce++) {
        (void)shell_bed_transfer(&bed, 0, 2, nonce, &hash);
        shell_bed_turn(&bed, 5);
    }
    int code = node_shell_exit_code(bed.node[0].shell);
    shell_bed_stop(&bed, 0);
    _exit(code);
}

Test(shell, a_full_disk_ends_the_node_and_loses_nothing, .fini = tear_down, .timeout = 120)
{
    struct bft_guard before, after;
    shell_bed_init(&bed, 1, 0);
    shell_bed_start(&bed, 0);
    SHELL_BED_UNTIL(&bed, 20, shell_bed_head(&bed, 0) >= 5);
    uint64_t head = shell_bed_head(&bed, 0);
    shell_bed_stop(&bed, 0);
    shell_bed_guard(&bed, 0, &before);
    for (rlim_t i = 0; i < 8; i++) {
        int status = 0;
        pid_t child = fork();
        if (child == 0)
            live_in((64u << 10) + i * 50000u);
        cr_assert_eq(waitpid(child, &status, 0), child);
        cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == NODE_EXIT_IO, "%x", status);
        shell_bed_guard(&bed, 0, &after);
        cr_assert(!same_slot_other_content(&before, &after));
        before = after;
    }
    shell_bed_start(&bed, 0);
    cr_assert_geq(shell_bed_head(&bed, 0), head);
    head = shell_bed_head(&bed, 0);
    SHELL_BED_UNTIL(&bed, 20, shell_bed_head(&bed, 0) >= head + 5);
}

/* ---- four validators and a follower */

static bool all_at(uint32_t nodes, uint64_t height)
{
    for (uint32_t i = 0; i < nodes; i++)
        if (bed.node[i].shell != NULL && shell_bed_head(&bed, i) < height)
            return false;
    return true;
}

Test(shell, four_validators_and_a_late_follower_have_one_chain, .fini = tear_down, .timeout = 120)
{
    struct td_hash hash, first, other;
    shell_bed_init(&bed, 4, 20);
    for (uint32_t i = 0; i < 4; i++)
        shell_bed_start(&bed, i);
    SHELL_BED_UNTIL(&bed, 30, all_at(4, 3));
    for (uint64_t n = 0; n < 40; n++)
        cr_assert_eq(shell_bed_transfer(&bed, n % 4, 2 + n % 2, n / 2, &hash) / 2, 0, "%d", (int)n);
    SHELL_BED_UNTIL(&bed, 30, executed_txs(0) == 40 && executed_txs(3) == 40);
    shell_bed_stop(&bed, 3);
    uint64_t height = shell_bed_head(&bed, 0);
    SHELL_BED_UNTIL(&bed, 30, all_at(3, height + 8));
    shell_bed_start(&bed, 3);
    shell_bed_start(&bed, 4);
    SHELL_BED_UNTIL(&bed, 60, all_at(5, height + 30) && all_at(5, 70)); /* epoch 1 */
    cr_expect_eq(executed_txs(4), 40);
    height = shell_bed_head(&bed, 0);
    SHELL_BED_UNTIL(&bed, 30, all_at(5, height));
    for (uint32_t i = 0; i < 5; i++)
        shell_bed_stop(&bed, i);
    for (uint64_t h = 1; h <= height; h++)
        for (uint32_t i = 0; i < 5; i++) {
            cr_assert(shell_bed_block(&bed, i, h, i == 0 ? &first : &other));
            cr_assert(i == 0 || td_hash_eq(&first, &other), "height %d of node %u", (int)h, i);
        }
    cr_expect_eq(bed.errors, 0);
}

/* ---- the process dies at any moment */

/* What a life told its parent before it was killed. */
struct told {
    uint64_t head;
};

static void live(int out, uint32_t nodes)
{
    struct told t = {0};
    struct td_hash hash;
    uint64_t nonce = 0;
    if (event_reinit(bed.base) != 0)
        _exit(1);
    for (uint32_t i = 0; i < nodes; i++)
        shell_bed_start(&bed, i);
    for (;;) {
        uint64_t least = UINT64_MAX;
        shell_bed_turn(&bed, 5);
        (void)shell_bed_transfer(&bed, 0, 2, nonce++, &hash);
        for (uint32_t i = 0; i < nodes; i++)
            least = shell_bed_head(&bed, i) < least ? shell_bed_head(&bed, i) : least;
        if (least == t.head)
            continue;
        t.head = least;
        if (write(out, &t, sizeof t) != sizeof t)
            _exit(1);
    }
}

/* Kill a life `us` after it is up, or after a block above `above`; the newest head that all its
 * nodes had. */
static uint64_t kill_after(useconds_t us, uint64_t above, uint32_t nodes)
{
    int fds[2], status;
    struct told t = {0};
    cr_assert_eq(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        close(fds[0]);
        live(fds[1], nodes);
    }
    close(fds[1]);
    do
        cr_assert_eq(read(fds[0], &t, sizeof t), sizeof t);
    while (t.head <= above);
    usleep(us);
    kill(child, SIGKILL);
    while (read(fds[0], &t, sizeof t) == sizeof t)
        ;
    close(fds[0]);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "it ended by itself: %x", status);
    return t.head;
}

static void check_kills(uint32_t nodes, uint32_t lives)
{
    struct bft_guard before[4], after;
    struct td_rng rng;
    shell_bed_init(&bed, nodes, 0);
    td_rng_init(&rng, 11);
    for (uint32_t i = 0; i < nodes; i++)
        shell_bed_start(&bed, i);
    SHELL_BED_UNTIL(&bed, 30, all_at(nodes, 50)); /* the next epoch is near */
    uint64_t head = shell_bed_head(&bed, 0);
    for (uint32_t i = 0; i < nodes; i++) {
        head = shell_bed_head(&bed, i) < head ? shell_bed_head(&bed, i) : head;
        shell_bed_stop(&bed, i);
    }
    for (uint32_t life = 0; life < lives; life++) {
        struct td_hash first, other;
        useconds_t us = (useconds_t)td_rng_below(&rng, 120000);
        uint64_t told = kill_after(us, life % 4 == 0 ? 0 : head, nodes);
        cr_assert_geq(told, head);
        for (uint32_t i = 0; i < nodes; i++) {
            bool there = shell_bed_block(&bed, i, told, i == 0 ? &first : &other);
            cr_assert(there, "life %u: %d of node %u is lost", life, (int)told, i);
            cr_assert(i == 0 || td_hash_eq(&first, &other));
            shell_bed_guard(&bed, i, &after);
            cr_assert(life == 0 || !same_slot_other_content(&before[i], &after));
            before[i] = after;
        }
        head = told;
    }
    cr_assert_gt(head, 64, "the kills were all in one epoch");
    for (uint32_t i = 0; i < nodes; i++)
        shell_bed_start(&bed, i);
    SHELL_BED_UNTIL(&bed, 20, all_at(nodes, head + 5));
    for (uint32_t i = 0; i < nodes; i++) {
        struct node_shell_status s;
        node_shell_status(bed.node[i].shell, &s);
        cr_expect_eq(s.evidence_seen, 0);
        cr_expect_eq(s.view.mode, BFT_MODE_ACTIVE);
    }
    cr_expect_eq(bed.errors, 0);
}

Test(shell, nothing_told_is_lost_by_a_kill, .fini = tear_down, .timeout = 200)
{
    check_kills(1, 20);
}

/* What only they knew of the round they were in is on their disks.  [P-10.2] */
Test(shell, nothing_told_is_lost_when_all_are_killed_at_once, .fini = tear_down, .timeout = 200)
{
    check_kills(4, 20);
}

/* Node 3 hears no transactions: it asks for what a proposal names, one by one or the whole. */
Test(shell, transactions_that_did_not_arrive_are_fetched, .fini = tear_down, .timeout = 120)
{
    struct td_hash hash;
    shell_bed_init(&bed, 4, 20);
    for (uint32_t i = 0; i < 4; i++)
        shell_bed_start(&bed, i);
    struct node_shell *deaf = bed.node[3].shell;
    SHELL_BED_UNTIL(&bed, 30, all_at(4, 3));
    deaf->tx_waiting += NODE_TX_MAX;
    uint64_t nonce = 0;
    for (uint32_t few = 0; few < 10; few++, nonce++) {
        cr_assert_eq(shell_bed_transfer(&bed, 0, 2, nonce, &hash), NODE_MEMPOOL_OK);
        SHELL_BED_UNTIL(&bed, 30, executed_txs(3) > nonce);
    }
    for (uint32_t many = 0; many < 2000; many++, nonce++)
        cr_assert_eq(shell_bed_transfer(&bed, 0, 2, nonce, &hash), NODE_MEMPOOL_OK);
    SHELL_BED_UNTIL(&bed, 60, executed_txs(3) == nonce && executed_txs(0) == nonce);
    cr_expect_eq(deaf->tx_waiting, NODE_TX_MAX);
    cr_expect_geq(deaf->view.last_voted + 8, deaf->view.round);
    cr_expect_eq(bed.errors, 0);
}

static void forget_database(uint32_t i)
{
    static const char *const ENDS[] = {"", "-wal", "-shm", "-lock", ".lock"};
    for (size_t k = 0; k < sizeof ENDS / sizeof ENDS[0]; k++) {
        char path[PATH_MAX + 8];
        snprintf(path, sizeof path, "%s%s", bed.node[i].database, ENDS[k]);
        (void)unlink(path);
    }
}

/* Passive until an epoch that no peer had reported: how many that takes depends on how fast it
 * syncs. */
static bool votes_after(uint32_t i, uint64_t epoch)
{
    struct node_shell_status s;
    node_shell_status(bed.node[i].shell, &s);
    return s.view.mode == BFT_MODE_ACTIVE && s.view.epoch > epoch && s.view.last_voted > 0;
}

/* The guard is ahead of the chain then: nothing signed before may be contradicted. */
Test(shell, a_validator_that_lost_its_database_syncs_and_votes_again, .fini = tear_down,
     .timeout = 180)
{
    struct bft_guard before, after;
    struct node_shell_status s;
    shell_bed_init(&bed, 4, 20);
    for (uint32_t i = 0; i < 4; i++)
        shell_bed_start(&bed, i);
    SHELL_BED_UNTIL(&bed, 30, all_at(4, 80));
    shell_bed_stop(&bed, 2);
    shell_bed_guard(&bed, 2, &before);
    forget_database(2);
    shell_bed_start(&bed, 2);
    cr_assert_eq(shell_bed_head(&bed, 2), 0);
    uint64_t height = shell_bed_head(&bed, 0);
    SHELL_BED_UNTIL(&bed, 60, all_at(4, height + 70)); /* the next epoch */
    SHELL_BED_UNTIL(&bed, 60, votes_after(2, before.vote.epoch));
    shell_bed_stop(&bed, 2);
    shell_bed_guard(&bed, 2, &after);
    cr_expect(!same_slot_other_content(&before, &after));
    cr_expect(after.vote.epoch > before.vote.epoch);
    for (uint32_t i = 0; i < 4; i++) {
        if (i == 2)
            continue;
        node_shell_status(bed.node[i].shell, &s);
        cr_expect_eq(s.evidence_seen, 0);
    }
    cr_expect_eq(bed.errors, 0);
}
