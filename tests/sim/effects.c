/* Carrying out what a step asked for. */
#include <string.h>

#include "base/core/assert.h"
#include "tests/sim/world.h"

#define MONO_BASE_NS SIM_SEC
#define BUILD_NS (2 * SIM_MS)
#define FETCH_NS (250 * SIM_MS)

static void trace(struct sim_world *w, const struct sim_node *n, struct sim_trace_entry e)
{
    e.at_ns = w->now_ns;
    e.node = n->id;
    sim_trace_put(&w->trace, e);
}

static struct sim_local *local_put(struct sim_node *n, enum sim_local_kind kind)
{
    TD_ASSERT(n->local_count < SIM_LOCAL_MAX);
    struct sim_local *l = &n->local[(n->local_head + n->local_count++) % SIM_LOCAL_MAX];
    l->kind = kind;
    return l;
}

static struct td_sig *signature_of(struct bft_signed *m)
{
    switch (m->kind) {
    case BFT_SIGNED_PROPOSE:
        return &m->u.propose.sig;
    case BFT_SIGNED_VOTE:
        return &m->u.vote.sig;
    case BFT_SIGNED_COMMIT:
        return &m->u.commit.sig;
    case BFT_SIGNED_TIMEOUT:
        return &m->u.timeout.sig;
    case BFT_SIGNED_ATTEST:
        return &m->u.attest.sig;
    case BFT_SIGNED_BATCH:
        return &m->u.batch.sig;
    }
    TD_ASSERT(false);
    return NULL;
}

void sim_byz_sign(struct sim_world *w, struct sim_node *n, struct bft_signed *m)
{
    struct td_hash digest;
    bft_digest_signed(&digest, &w->base.domain, m);
    sim_key_sign(w->keys, n->key, &digest, signature_of(m));
}

static void do_sign(struct sim_world *w, struct sim_node *n, const struct bft_effect *fx)
{
    struct bft_signed m = fx->u.sign.msg;
    struct bft_guard *guard = &n->disk.live.guard;
    enum bft_guard_verdict v = bft_guard_admit(guard, &m);
    struct bft_slot slot = bft_signed_slot(&m);
    trace(w, n,
          (struct sim_trace_entry){.kind = SIM_TR_SIGN,
                                   .a = m.kind,
                                   .b = slot.epoch,
                                   .c = slot.round,
                                   .word = sim_content_of(&m)});
    if (v == BFT_GUARD_OK) {
        sim_byz_sign(w, n, &m);
        sim_check_made(w, n, &m, fx->u.sign.parent_round);
        if (n->byzantine == SIM_FAULT_LOSTGUARD)
            sim_check_silence(w, n, &m);
        bft_guard_keep(guard, &m, fx->u.sign.parent_round);
        n->disk.live.has_guard = true;
    } else if (v != BFT_GUARD_SAME) {
        if (sim_honest(w, n->id))
            sim_violate(w, n->id, "sign guard",
                        "the core asked for a %s at %llu/%llu that the guard refuses (%d)",
                        sim_signed_name(m.kind), (unsigned long long)slot.epoch,
                        (unsigned long long)slot.round, (int)v);
        n->halted = !sim_honest(w, n->id);
        return;
    }
    local_put(n, SIM_LOCAL_SIGNED)->msg = m;
}

static void do_make_payload(struct sim_world *w, struct sim_node *n, const struct bft_effect *fx)
{
    struct bft_payload_built *b = &n->built;
    memset(b, 0, sizeof *b);
    b->epoch = fx->u.make.epoch;
    b->round = fx->u.make.round;
    b->end_batch = td_rng_below(&w->exec_rng, 6) == 0;
    uint32_t count = (uint32_t)td_rng_below(&w->exec_rng, SIM_TXS_MAX);
    if (count > 0 && !fx->u.make.empty && n->byzantine != SIM_FAULT_CENSOR) {
        struct sim_payload *p = sim_payload_new(&w->chain, &w->exec_rng, n->id, count);
        b->payload_root = p->root;
        b->payload_bytes = p->bytes;
        b->tx_count = count;
        bool withhold = (w->window.active & SIM_FAULT_BIT(SIM_FAULT_WITHHOLD)) != 0;
        if (withhold && td_rng_below(&w->fault_rng, 2) == 0) {
            p->withheld = true;
            sim_fault_count(w, SIM_FAULT_WITHHOLD);
            for (uint32_t given = 0; given < w->cfg.nodes / 3 + 1; given++)
                sim_bit_put(p->holds, (uint32_t)td_rng_below(&w->fault_rng, w->node_count), true);
        }
    }
    b->origin = fx->u.make.parent_origin;
    if (fx->u.make.advance_origin) {
        uint64_t number = fx->u.make.origin_max < n->l1_head ? fx->u.make.origin_max : n->l1_head;
        if (number > b->origin.number)
            sim_l1_origin(&w->chain, number, &b->origin);
    }
    n->built_pending = true;
    sim_push(w, SIM_IT_BUILT, n->id, w->cfg.quiet ? w->now_ns : w->now_ns + BUILD_NS, 0);
}

/* ---- L1 origins */

static void origin_verdict(struct sim_world *w, struct sim_node *n, const struct td_hash *hash,
                           bool valid)
{
    struct bft_event ev = {.kind = BFT_EV_ORIGIN_VERDICT, .peer = BFT_NO_PEER};
    ev.u.verdict.hash = *hash;
    ev.u.verdict.valid = valid;
    sim_node_step(w, n, &ev);
}

static bool origin_matches(const struct sim_world *w, const struct bft_origin *o)
{
    struct bft_origin want;
    if (o->number < SIM_L1_START)
        return false;
    sim_l1_origin(&w->chain, o->number, &want);
    return bft_origin_eq(&want, o);
}

void sim_origin_recheck(struct sim_world *w, struct sim_node *n)
{
    for (uint32_t i = 0; i < 4; i++) {
        if (n->origin_wait_number[i] == 0 || n->origin_wait_number[i] > n->l1_head)
            continue;
        const struct sim_block *b = sim_block_find(&w->chain, &n->origin_wait[i]);
        n->origin_wait_number[i] = 0;
        if (b != NULL)
            origin_verdict(w, n, &b->hash, origin_matches(w, &b->header.origin));
    }
}

/* Answers come once the own view reaches the number: never before, and maybe never. */
static void do_check_origin(struct sim_world *w, struct sim_node *n, const struct bft_effect *fx)
{
    struct bft_header h = *fx->u.block.header;
    sim_block_add(&w->chain, &h, &fx->u.block.hash);
    uint32_t at = n->origin_wait_next++ % 4;
    n->origin_wait[at] = fx->u.block.hash;
    n->origin_wait_number[at] = h.origin.number > 0 ? h.origin.number : 1;
    if (h.origin.number <= n->l1_head)
        sim_push(w, SIM_IT_L1, n->id, w->now_ns + 2 * SIM_MS, 1);
}

/* ---- finality and execution */

static void do_finalize(struct sim_world *w, struct sim_node *n, const struct bft_effect *fx)
{
    const struct bft_header *h = fx->u.block.header;
    trace(w, n,
          (struct sim_trace_entry){.kind = SIM_TR_FINAL,
                                   .a = h->height,
                                   .b = h->epoch,
                                   .c = h->round,
                                   .word = sim_hash_word(&fx->u.block.hash)});
    sim_check_final(w, n, h, &fx->u.block.hash, &fx->u.block.state);
    if (w->violation.set)
        return;
    n->disk.live.final_height = h->height;
    n->disk.dirty = true;
    if (w->on_final != NULL)
        w->on_final(w, n->id, h->height);
}

static void do_proof(struct sim_world *w, struct sim_node *n, const struct bft_effect *fx)
{
    if (sim_honest(w, n->id))
        sim_check_proof(w, n, &fx->u.proof);
    struct sim_final *f = sim_final_at(&w->chain, n->disk.live.final_height);
    if (w->violation.set)
        return;
    struct bft_msg m;
    m.kind = BFT_MSG_CERTIFICATE;
    memset(&m.u.certificate, 0, sizeof m.u.certificate);
    m.u.certificate.kind = BFT_CERTIFICATE_PROOF;
    m.u.certificate.proof = fx->u.proof;
    sim_frame_drop(&w->pool, n->disk.live.proof);
    n->disk.live.proof = sim_frame_new(&w->pool, n->id, &m);
    n->disk.dirty = true;
    if (f != NULL && f->proof == NULL) {
        f->proof = n->disk.live.proof;
        sim_frame_ref(f->proof);
    }
}

static void do_attested(struct sim_world *w, struct sim_node *n, const struct bft_effect *fx)
{
    struct bft_msg m;
    m.kind = BFT_MSG_ATTEST_CERT;
    m.u.attest_cert = *fx->u.attested;
    struct sim_frame *f = sim_frame_new(&w->pool, n->id, &m);
    sim_frame_drop(&w->pool, n->disk.live.attest);
    n->disk.live.attest = f;
    n->disk.dirty = true;
    struct sim_final *final = sim_final_at(&w->chain, fx->u.attested->fields.height);
    if (final != NULL && final->attest == NULL)
        final->attest = sim_frame_ref(f);
}

void sim_exec_next(struct sim_world *w, struct sim_node *n)
{
    uint64_t height = n->disk.live.executed_height + 1;
    if (n->executing || !n->alive || height > n->disk.live.final_height)
        return;
    const struct sim_block *b = w->chain.final[height].block;
    if (!sim_block_held(b, n->id)) {
        sim_payload_want(w, n, b);
        return;
    }
    n->executing = true;
    int64_t takes = n->exec_ns;
    if (takes > 0)
        takes += (int64_t)td_rng_below(&w->exec_rng, (uint64_t)takes);
    sim_push(w, SIM_IT_EXEC, n->id, w->now_ns + takes, height);
}

/* ---- payloads */

void sim_payload_want(struct sim_world *w, struct sim_node *n, const struct sim_block *b)
{
    for (uint32_t i = 0; i < n->waiting_count; i++)
        if (n->waiting[i] == b)
            return;
    if (n->waiting_count == SIM_WAITING_MAX) {
        memmove(n->waiting, n->waiting + 1, (SIM_WAITING_MAX - 1) * sizeof n->waiting[0]);
        n->waiting_count--;
    }
    n->waiting[n->waiting_count++] = b;
    if (!n->fetch_armed) {
        n->fetch_armed = true;
        sim_push(w, SIM_IT_FETCH, n->id, w->now_ns + 10 * SIM_MS, 0);
    }
}

void sim_payload_arrived(struct sim_world *w, struct sim_node *n, struct sim_payload *p)
{
    sim_bit_put(p->holds, n->id, true);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n->waiting_count; i++) {
        const struct sim_block *b = n->waiting[i];
        if (b->payload != p) {
            n->waiting[kept++] = b;
            continue;
        }
        struct bft_event ev = {.kind = BFT_EV_PAYLOAD_READY, .peer = BFT_NO_PEER};
        ev.u.verdict.hash = b->hash;
        ev.u.verdict.valid = true;
        if (n->stepping)
            local_put(n, SIM_LOCAL_PAYLOAD)->hash = b->hash;
        else
            sim_node_step(w, n, &ev);
    }
    n->waiting_count = kept;
    sim_exec_next(w, n);
}

/* ---- the rest */

static void do_epoch(struct sim_world *w, struct sim_node *n, const struct bft_effect *fx)
{
    uint64_t epoch = fx->u.epoch.set->epoch;
    trace(w, n, (struct sim_trace_entry){.kind = SIM_TR_EPOCH, .b = epoch});
    if (!sim_epoch_learn(w, fx->u.epoch.set, &fx->u.epoch.seed, &fx->u.epoch.excluded,
                         fx->u.epoch.genesis_cert)) {
        sim_violate(w, n->id, "agreement",
                    "n%u enters epoch %llu with other members, seed or hand-off than the chain's",
                    n->id, (unsigned long long)epoch);
        return;
    }
    n->disk.live.epoch = epoch;
    sim_frame_drop(&w->pool, n->disk.live.genesis_cert);
    n->disk.live.genesis_cert = NULL;
    sim_frame_drop(&w->pool, n->disk.live.lock_qc);
    sim_frame_drop(&w->pool, n->disk.live.entry);
    n->disk.live.lock_qc = n->disk.live.entry = NULL; /* of the epoch left behind */
    if (fx->u.epoch.genesis_cert != NULL) {
        struct bft_msg m;
        m.kind = BFT_MSG_ATTEST_CERT;
        m.u.attest_cert = *fx->u.epoch.genesis_cert;
        n->disk.live.genesis_cert = sim_frame_new(&w->pool, n->id, &m);
    }
    n->disk.dirty = true;
}

static void do_alarm(struct sim_world *w, struct sim_node *n, enum bft_alarm alarm)
{
    trace(w, n, (struct sim_trace_entry){.kind = SIM_TR_ALARM, .a = alarm});
    if (alarm == BFT_ALARM_PASSIVE && sim_honest(w, n->id) && !n->passive_ok)
        sim_violate(w, n->id, "start rule", "an honest node with its guard intact went passive");
}

static void do_send(struct sim_world *w, struct sim_node *n, const struct bft_effect *fx)
{
    trace(w, n,
          (struct sim_trace_entry){.kind = SIM_TR_SEND, .a = fx->u.msg->kind, .peer = fx->peer});
    if (!sim_honest(w, n->id) && sim_byz_send(w, n, fx->peer, fx->u.msg))
        return;
    sim_net_send(w, n, fx->peer, fx->u.msg);
}

static void do_effect(struct sim_world *w, struct sim_node *n, const struct bft_effect *fx)
{
    switch (fx->kind) {
    case BFT_FX_SIGN:
        do_sign(w, n, fx);
        break;
    case BFT_FX_PERSIST:
        sim_disk_write(w, n, fx);
        break;
    case BFT_FX_SEND:
        do_send(w, n, fx);
        break;
    case BFT_FX_TIMER:
        n->timer_gen++;
        n->timer_at_ns = fx->u.at_ns - MONO_BASE_NS;
        sim_push(w, SIM_IT_TIMER, n->id, n->timer_at_ns, n->timer_gen);
        break;
    case BFT_FX_FETCH:
        sim_fetch_object(w, n, fx);
        break;
    case BFT_FX_MAKE_PAYLOAD:
        do_make_payload(w, n, fx);
        break;
    case BFT_FX_CHECK_ORIGIN:
        do_check_origin(w, n, fx);
        break;
    case BFT_FX_FINALIZE:
        do_finalize(w, n, fx);
        break;
    case BFT_FX_FINAL_PROOF:
        do_proof(w, n, fx);
        break;
    case BFT_FX_ATTESTED:
        do_attested(w, n, fx);
        break;
    case BFT_FX_BATCH_CERT:
        break;
    case BFT_FX_ENTER_EPOCH:
        do_epoch(w, n, fx);
        break;
    case BFT_FX_EVIDENCE:
        w->stats.evidence++;
        trace(w, n,
              (struct sim_trace_entry){.kind = SIM_TR_EVIDENCE,
                                       .a = fx->u.evidence->kind,
                                       .b = bft_signed_signer(&fx->u.evidence->a)});
        if (sim_honest(w, n->id))
            sim_check_evidence(w, n, fx->u.evidence);
        break;
    case BFT_FX_SYNC:
        trace(w, n, (struct sim_trace_entry){.kind = SIM_TR_BLOCKSYNC, .a = fx->u.on});
        break;
    case BFT_FX_ALARM:
        do_alarm(w, n, fx->u.alarm);
        break;
    case BFT_FX_HALT:
        trace(w, n, (struct sim_trace_entry){.kind = SIM_TR_HALT, .a = fx->u.halt});
        n->halted = true;
        if (sim_honest(w, n->id))
            sim_check_halt(w, n, fx->u.halt);
        break;
    }
}

void sim_effects_do(struct sim_world *w, struct sim_node *n)
{
    if (w->fx->count > w->stats.effects_max)
        w->stats.effects_max = w->fx->count;
    for (uint32_t i = 0; i < w->fx->count && !w->violation.set; i++)
        do_effect(w, n, &w->fx->list[i]);
    if (n->disk.dirty)
        sim_disk_touch(w, n);
    sim_exec_next(w, n);
}
