/* The simulator's own tests.
 *
 * Goal: a run depends on its seed alone; the modes work; and the checker bites: every property is
 * fed one planted violation, and a run in which it stays silent fails.  Method: plain main, one
 * line per case, closing with "N passed, N failed, N skipped". */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sim/run.h"
#include "tests/sim/sim.h"

#define QUICK_SEEDS 20u

static uint32_t passed, failed, skipped;

static void verdict(const char *name, bool ok)
{
    printf("%s %s\n", ok ? "ok    " : "FAILED", name);
    fflush(stdout);
    if (ok)
        passed++;
    else
        failed++;
}

static struct sim_config quick(uint64_t seed, int64_t minutes, uint64_t faults)
{
    return (struct sim_config){.seed = seed,
                               .nodes = 7,
                               .duration_ns = minutes * 60 * SIM_SEC,
                               .interval_ns = SIM_SEC,
                               .delta_ns = 250 * SIM_MS,
                               .faults = faults};
}

/* Run the command line with output discarded; returns its exit code. */
static int run_cli(const char *const *args)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        char *argv[16];
        int argc = 0;
        argv[argc++] = (char *)(uintptr_t) "sim";
        for (; args[argc - 1] != NULL && argc < 15; argc++)
            argv[argc] = (char *)(uintptr_t)args[argc - 1];
        argv[argc] = NULL;
        if (freopen("/dev/null", "w", stdout) == NULL || freopen("/dev/null", "w", stderr) == NULL)
            _exit(99);
        int code = sim_main(argc, argv);
        fflush(NULL);
        _exit(code);
    }
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

/* ---- runs */

static void test_seeds(void)
{
    static struct sim_outcome o;
    uint32_t clean = 0, moved = 0;
    for (uint64_t seed = 1; seed <= QUICK_SEEDS; seed++) {
        struct sim_config cfg = quick(seed, 2, SIM_FAULT_ALL);
        sim_run(&cfg, &o);
        if (o.violation.set)
            sim_report_violation(&o, "tandem sim", stdout);
        clean += o.violation.set ? 0 : 1;
        moved += o.blocks > 20 ? 1 : 0;
    }
    verdict("20 seeds of 2 minutes with all faults: no violation", clean == QUICK_SEEDS);
    verdict("... and every one of them finalizes blocks", moved == QUICK_SEEDS);
}

static void test_replay(void)
{
    static struct sim_outcome a, b, c;
    struct sim_config cfg = quick(77, 2, SIM_FAULT_ALL), other = quick(78, 2, SIM_FAULT_ALL);
    sim_run(&cfg, &a);
    sim_run(&cfg, &b);
    sim_run(&other, &c);
    verdict("the same seed gives the same events and the same state",
            a.event_hash == b.event_hash && a.state_hash == b.state_hash &&
                a.stats.events == b.stats.events);
    verdict("another seed gives another run",
            a.event_hash != c.event_hash && a.state_hash != c.state_hash);
}

static void test_real_signatures(void)
{
    static struct sim_outcome o;
    struct sim_config cfg = quick(5, 1, SIM_FAULT_BIT(SIM_FAULT_GARBAGE));
    cfg.nodes = 4;
    cfg.duration_ns = 10 * SIM_SEC;
    cfg.real_signatures = true;
    sim_run(&cfg, &o);
    verdict("real secp256k1 signatures carry the protocol as tokens do",
            !o.violation.set && o.blocks >= 7);
}

static void test_cli(void)
{
    static const struct {
        const char *name;
        int want;
        const char *args[10];
    } CASES[] = {
        {"--help is a success", 0, {"--help"}},
        {"an unknown option is a usage error", 64, {"--sede", "1"}},
        {"a missing value is a usage error", 64, {"--seed"}},
        {"a number that is none is a usage error", 64, {"--nodes", "seven"}},
        {"an unknown fault is a usage error", 64, {"--faults", "loss,rain"}},
        {"the release binary refuses --planted", 64, {"--planted"}},
        {"a missing table is named", 66, {"--wan", "/nonexistent.csv", "--nodes", "6"}},
        {"--replay of one minute is identical", 0, {"--replay", "--minutes", "1"}},
        {"--expect notices another hash", 1, {"--expect", "1", "--minutes", "1"}},
        {"a swarm of four seeds on two processes",
         0,
         {"--swarm", "4", "-j", "2", "--minutes", "1"}},
        {"a sample of twins, and f + 1 twins fork", 0, {"--twins", "--sample", "300", "-j", "2"}},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        verdict(CASES[i].name, run_cli(CASES[i].args) == CASES[i].want);
}

static void test_wan(void)
{
    const char *const file = TD_VECTORS_DIR "/wan_six_regions.csv";
    const char *const table[] = {"--wan",     file, "--nodes",          "12", "--dead", "3",
                                 "--minutes", "1",  "--block-interval", "0",  NULL};
    FILE *f = fopen(file, "r");
    if (f == NULL) {
        printf("SKIP: %s is not there\n", file);
        skipped++;
        return;
    }
    fclose(f);
    verdict("WAN: 12 validators over six regions, 3 dead", run_cli(table) == 0);
}

/* ---- the checker: one planted violation each */

static struct sim_world *running(uint64_t faults)
{
    struct sim_config cfg = quick(3, 1, faults);
    struct sim_world *w = sim_world_new(&cfg);
    for (uint32_t i = 0; i < w->node_count; i++)
        sim_push(w, SIM_IT_BOOT, i, 0, 0);
    sim_world_run(w, 12 * SIM_SEC);
    return w;
}

/* The violation seen is of this property, and its text says this. */
static bool caught(const struct sim_world *w, const char *property, const char *words)
{
    const struct sim_violation *v = &w->violation;
    if (v->set && strcmp(v->property, property) == 0 && strstr(v->text, words) != NULL)
        return true;
    printf("    wanted %s (%s), got %s: %s\n", property, words, v->set ? v->property : "nothing",
           v->text);
    return false;
}

static void plant_agreement(struct sim_world *w)
{
    struct sim_node *n = &w->node[2];
    const struct sim_final *f = &w->chain.final[5];
    struct td_hash other = f->block->hash;
    other.b[0] ^= 1;
    n->disk.live.final_height = 4;
    sim_check_final(w, n, &f->block->header, &other, &f->state);
}

static void plant_state(struct sim_world *w)
{
    struct sim_node *n = &w->node[2];
    const struct sim_final *f = &w->chain.final[5];
    struct bft_chain_state state = f->state;
    state.batch_count++;
    n->disk.live.final_height = 4;
    sim_check_final(w, n, &f->block->header, &f->block->hash, &state);
}

static void plant_order(struct sim_world *w)
{
    struct sim_node *n = &w->node[2];
    const struct sim_final *f = &w->chain.final[5];
    n->disk.live.final_height = 3;
    sim_check_final(w, n, &f->block->header, &f->block->hash, &f->state);
}

static void plant_double_vote(struct sim_world *w)
{
    struct sim_node *n = &w->node[1];
    struct bft_signed m = {.kind = BFT_SIGNED_VOTE};
    m.u.vote = (struct bft_vote){.round = n->made.vote.round, .height = 3};
    m.u.vote.signer = n->view.signer;
    sim_check_made(w, n, &m, 0);
}

static void plant_two_sent(struct sim_world *w)
{
    struct sim_node *n = &w->node[1];
    struct bft_signed m = {.kind = BFT_SIGNED_VOTE};
    m.u.vote = (struct bft_vote){.round = 2, .height = 99};
    m.u.vote.signer = n->view.signer;
    sim_check_sent(w, n, &m);
}

static void plant_low_timeout(struct sim_world *w)
{
    struct sim_node *n = &w->node[1];
    struct bft_signed m = {.kind = BFT_SIGNED_TIMEOUT};
    m.u.timeout = (struct bft_timeout){.round = n->view.round, .lock_round = 1};
    m.u.timeout.signer = n->view.signer;
    sim_check_made(w, n, &m, 0);
}

static void plant_commit_after_timeout(struct sim_world *w)
{
    struct sim_node *n = &w->node[1];
    n->made.has[BFT_SIGNED_TIMEOUT - 1] = true;
    n->made.timeout.round = n->view.round + 5;
    struct bft_signed m = {.kind = BFT_SIGNED_COMMIT};
    m.u.commit = (struct bft_commit){.round = n->view.round + 3};
    m.u.commit.signer = n->view.signer;
    sim_check_made(w, n, &m, 0);
}

/* A vote for a real block, changed in one field, in a round not voted in yet. */
static struct bft_signed vote_for_changed(struct sim_world *w, struct sim_node *n,
                                          const struct sim_block *like, struct sim_block **made)
{
    struct bft_header h = like->header;
    struct td_hash hash;
    h.ts_ms += 1;
    bft_header_hash(&hash, &h);
    struct sim_block *b = sim_block_add(&w->chain, &h, &hash);
    b->has_cert = true;
    b->qc_round = like->qc_round;
    b->qc_hash = like->qc_hash;
    n->made = (struct sim_signs){0};
    struct bft_signed m = {.kind = BFT_SIGNED_VOTE};
    m.u.vote =
        (struct bft_vote){.epoch = h.epoch, .round = h.round, .height = h.height, .hash = hash};
    m.u.vote.signer = n->view.signer;
    *made = b;
    return m;
}

static void plant_vote(struct sim_world *w, uint32_t what)
{
    struct sim_node *n = &w->node[1];
    struct sim_block *b = NULL;
    struct bft_signed m = vote_for_changed(w, n, w->chain.final[8].block, &b);
    static const struct td_hash WRONG = {{7}};
    switch (what) {
    case 0:
        b->header.result_digest = WRONG;
        break;
    case 1:
        b->header.att_height = 0;
        b->header.height = m.u.vote.height = 13;
        b->header.result_digest = w->chain.final[10].digest;
        break;
    case 2:
        b->header.ts_ms = sim_wall_ms(w, n) + 60000;
        break;
    case 3:
        b->header.tx_count = 1;
        b->payload = NULL;
        break;
    case 4:
        b->qc_round -= 1;
        break;
    case 5:
        b->header.round = m.u.vote.round = b->header.round + 2;
        break;
    case 6:
        b->header.origin.number = 9;
        break;
    default:
        b->has_cert = false;
        break;
    }
    if (what == 1) { /* its parent must carry the height below */
        struct sim_block *p = sim_block_find(&w->chain, &b->header.parent);
        p->header.height = 12;
    }
    sim_check_made(w, n, &m, b->header.parent_round);
}

static void plant_early_commit(struct sim_world *w)
{
    struct sim_node *n = &w->node[1];
    struct sim_block *b = NULL;
    vote_for_changed(w, n, w->chain.final[8].block, &b);
    struct bft_signed m = {.kind = BFT_SIGNED_COMMIT};
    m.u.commit = (struct bft_commit){.round = b->header.round, .hash = b->hash};
    m.u.commit.signer = n->view.signer;
    sim_check_made(w, n, &m, 0);
}

static void plant_attest(struct sim_world *w)
{
    struct sim_node *n = &w->node[1];
    struct bft_signed m = {.kind = BFT_SIGNED_ATTEST};
    m.u.attest.fields.height = 5;
    m.u.attest.signer = n->view.signer;
    sim_check_made(w, n, &m, 0);
}

/* The certificate everybody's votes for a final block make. */
static struct bft_qc qc_of(const struct sim_world *w, uint64_t height)
{
    const struct sim_block *b = w->chain.final[height].block;
    struct bft_qc qc = {.round = b->header.round, .height = height, .hash = b->hash};
    uint64_t content = sim_content_block(height, &qc.hash);
    for (uint32_t i = 0; i < w->chain.epoch[0].set.count; i++)
        if (sim_tally_has(w, BFT_SIGNED_VOTE, 0, qc.round, content, w->chain.epoch[0].key_of[i]))
            bft_bitmap_add(&qc.signers, i);
    return qc;
}

/* A real QC short of signers, or for another block. */
static void plant_cert(struct sim_world *w, bool light)
{
    struct bft_msg m = {.kind = BFT_MSG_CERTIFICATE};
    struct bft_qc qc = qc_of(w, 6);
    if (light)
        qc.signers.word[0] &= 7u;
    else
        qc.hash.b[1] ^= 1;
    m.u.certificate = (struct bft_certificate){.kind = BFT_CERTIFICATE_QC, .qc = &qc};
    sim_check_frame(w, &w->node[1], NULL, &m);
}

static void plant_two_chain(struct sim_world *w)
{
    struct bft_qc qc = qc_of(w, 6), child = qc_of(w, 8);
    struct bft_proof p = {.kind = BFT_PROOF_TWO_CHAIN,
                          .qc = &qc,
                          .qc_child = &child,
                          .tip = &w->chain.final[6].block->header,
                          .child = &w->chain.final[8].block->header};
    sim_check_proof(w, &w->node[1], &p);
}

static void plant_evidence(struct sim_world *w)
{
    struct bft_evidence e = {.kind = BFT_EVIDENCE_TWO_VOTES};
    e.a.kind = e.b.kind = BFT_SIGNED_VOTE;
    e.a.u.vote.signer = e.b.u.vote.signer = w->node[3].view.signer;
    sim_check_evidence(w, &w->node[1], &e);
}

static void plant_canary(struct sim_world *w)
{
    struct bft_view before = w->node[1].view;
    w->node[1].region[w->region_bytes - 1] ^= 1;
    sim_check_step(w, &w->node[1], &before);
}

static void plant_headers(struct sim_world *w)
{
    struct bft_view before = w->node[1].view;
    w->node[1].view.tree_nodes = TD_UNFINAL_HEADERS_MAX + 1;
    sim_check_step(w, &w->node[1], &before);
}

static void plant_back(struct sim_world *w)
{
    struct bft_view before = w->node[1].view;
    before.round++;
    sim_check_step(w, &w->node[1], &before);
}

static void plant_stuck(struct sim_world *w)
{
    for (uint32_t i = 0; i < w->node_count * w->node_count; i++)
        w->link[i].cut = true;
    sim_liveness_begin(w, 60 * SIM_SEC);
    sim_world_run(w, w->now_ns + 40 * SIM_SEC);
}

static void plant_straggler(struct sim_world *w)
{
    for (uint32_t i = 0; i < w->node_count; i++)
        sim_link_at(w, i, 4)->cut = sim_link_at(w, 4, i)->cut = true;
    sim_liveness_begin(w, 60 * SIM_SEC);
    sim_world_run(w, w->now_ns + 50 * SIM_SEC);
}

static void plant_one(struct sim_world *w, uint32_t which)
{
    if (which < 8)
        plant_vote(w, which);
    else if (which == 8)
        plant_cert(w, true);
    else if (which == 9)
        plant_cert(w, false);
    else if (which == 10)
        sim_check_refusal(w, &w->node[1], 2, BFT_MSG_VOTE, BFT_BAD_SIGNATURE);
    else if (which == 11)
        sim_check_halt(w, &w->node[1], BFT_HALT_TWO_QCS);
    else {
        w->node[1].acked_height = 10;
        sim_check_restart(w, &w->node[1], 9);
    }
}

static void test_checker(void)
{
    static const struct {
        const char *name;
        const char *property;
        const char *words;
        void (*plant)(struct sim_world *w);
        uint32_t which; /* of plant_one, when plant is NULL */
    } CASES[] = {
        {"two final blocks at a height", "agreement", "two final blocks", plant_agreement, 0},
        {"another chain state at a height", "agreement", "another chain state", plant_state, 0},
        {"a height skipped", "finality order", "right after height", plant_order, 0},
        {"two votes in a round", "signatures", "votes a second time", plant_double_vote, 0},
        {"two votes sent for a round", "signatures", "two different votes", plant_two_sent, 0},
        {"a timeout below the lock", "signatures", "times out below", plant_low_timeout, 0},
        {"a commit vote after a timeout", "signatures", "commit vote in a round it has timed out",
         plant_commit_after_timeout, 0},
        {"a vote for a wrong result digest", "vote rule", "another execution result", NULL, 0},
        {"a vote outside the attestation window", "vote rule", "attestation window", NULL, 1},
        {"a vote for a block from the future", "vote rule", "from the future", NULL, 2},
        {"a vote without the payload", "vote rule", "payload", NULL, 3},
        {"a vote for a certificate of another round", "vote rule", "certificate is not its parent",
         NULL, 4},
        {"a vote for an unjustified round", "vote rule", "do not allow in that round", NULL, 5},
        {"a vote for an invented L1 origin", "vote rule", "L1 origin", NULL, 6},
        {"a vote for a block nobody proposed", "vote rule", "nobody proposed", NULL, 7},
        {"a commit vote without a quorum of votes", "vote rule", "without a quorum",
         plant_early_commit, 0},
        {"an attestation of other roots", "equal roots", "other results", plant_attest, 0},
        {"a certificate short of a quorum", "certificates", "weighs", NULL, 8},
        {"a certificate nobody signed", "certificates", "never signed", NULL, 9},
        {"a two-chain with a gap", "certificates", "two-chain", plant_two_chain, 0},
        {"evidence against an honest signer", "evidence", "honest signer", plant_evidence, 0},
        {"an honest message judged bad", "refusal", "bad-signature", NULL, 10},
        {"an honest node that stops", "halt", "stops for good", NULL, 11},
        {"an acknowledged block lost", "durability", "comes back", NULL, 12},
        {"a write behind the region", "bounds", "behind its region", plant_canary, 0},
        {"too many headers", "bounds", "headers", plant_headers, 0},
        {"a round that goes back", "monotony", "goes back", plant_back, 0},
        {"no block after healing", "liveness", "no block", plant_stuck, 0},
        {"a node that never catches up", "liveness", "long ago", plant_straggler, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char name[96];
        struct sim_world *w = running(0);
        bool clean = !w->violation.set && w->chain.final_height > 8;
        if (CASES[i].plant != NULL)
            CASES[i].plant(w);
        else
            plant_one(w, CASES[i].which);
        snprintf(name, sizeof name, "checker: %s", CASES[i].name);
        verdict(name, clean && caught(w, CASES[i].property, CASES[i].words));
        sim_world_free(w);
    }
}

int main(void)
{
    test_checker();
    test_cli();
    test_replay();
    test_real_signatures();
    test_wan();
    test_seeds();
    printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
    return failed == 0 ? 0 : 1;
}
