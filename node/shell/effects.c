/* Carrying out what a step asked for. */
#include "node/shell/shell_internal.h"

#include <stdlib.h>

#include "base/core/assert.h"
#include "node/fault/fault.h"

/* ---- sending */

static enum p2p_class class_of(enum bft_msg_kind kind)
{
    switch (kind) {
    case BFT_MSG_BLOCKS:
    case BFT_MSG_BY_HASH:
    case BFT_MSG_GET_BLOCKS:
    case BFT_MSG_GET_BY_HASH:
        return P2P_BLOCKS;
    case BFT_MSG_TX:
        return P2P_TX;
    case BFT_MSG_HELLO:
    case BFT_MSG_STATUS:
    case BFT_MSG_PROPOSAL:
    case BFT_MSG_VOTE:
    case BFT_MSG_COMMIT:
    case BFT_MSG_TIMEOUT:
    case BFT_MSG_CERTIFICATE:
    case BFT_MSG_ATTEST:
    case BFT_MSG_ATTEST_CERT:
    case BFT_MSG_BATCH_ATTEST:
    case BFT_MSG_BATCH_CERT:
    case BFT_MSG_EVIDENCE:
        break;
    }
    return P2P_CONSENSUS;
}

/* Which queued frame this one makes pointless: the newest of a kind counts, attestations by height.
 * 0: none. */
static uint64_t key_of(const struct bft_msg *m)
{
    uint64_t kind = m->kind;
    switch (m->kind) {
    case BFT_MSG_STATUS:
    case BFT_MSG_PROPOSAL:
    case BFT_MSG_VOTE:
    case BFT_MSG_COMMIT:
    case BFT_MSG_TIMEOUT:
        return kind;
    case BFT_MSG_CERTIFICATE:
        return kind | (uint64_t)m->u.certificate.kind << 8;
    case BFT_MSG_ATTEST:
        return kind | m->u.attest.fields.height << 8;
    case BFT_MSG_ATTEST_CERT:
        return kind | m->u.attest_cert.fields.height << 8;
    case BFT_MSG_BATCH_ATTEST:
        return kind | m->u.batch_attest.height << 8;
    case BFT_MSG_BATCH_CERT:
        return kind | m->u.batch_cert.height << 8;
    case BFT_MSG_HELLO:
    case BFT_MSG_GET_BLOCKS:
    case BFT_MSG_BLOCKS:
    case BFT_MSG_GET_BY_HASH:
    case BFT_MSG_BY_HASH:
    case BFT_MSG_EVIDENCE:
    case BFT_MSG_TX:
        break;
    }
    return 0;
}

void shell_send(struct node_shell *s, uint32_t peer, const struct bft_msg *m)
{
    size_t len = bft_msg_size(m);
    uint8_t *buf = malloc(len);
    struct td_writer w;
    if (buf == NULL)
        return; /* as if the network had lost it */
    td_writer_init(&w, buf, len);
    bft_msg_encode(&w, m);
    TD_ASSERT(w.err == TD_OK);
    struct p2p_body *body = p2p_body_new(td_bytes_of(buf, w.len));
    free(buf);
    if (body == NULL)
        return;
    node_fault_reached(NODE_FAULT_BEFORE_SEND);
    if (peer == BFT_NO_PEER)
        p2p_broadcast(s->net, P2P_NO_PEER, class_of(m->kind), key_of(m), body);
    else
        p2p_send(s->net, peer, class_of(m->kind), key_of(m), body);
    p2p_body_drop(body);
}

bool shell_parity_fix(struct node_shell *s, struct bft_evidence *e)
{
    struct bft_msg m = {.kind = BFT_MSG_EVIDENCE, .u.evidence = *e};
    uint32_t count = 0;
    if (bft_verify_collect(&s->verify_ctx, &m, s->scratch, &count) != BFT_OK || count != 2)
        return false;
    struct bft_signed *const side[2] = {&e->a, &e->b};
    for (uint32_t i = 0; i < 2; i++) {
        struct td_secp_pub pub;
        struct td_sig *sig = NULL;
        switch (side[i]->kind) {
        case BFT_SIGNED_PROPOSE:
            sig = &side[i]->u.propose.sig;
            break;
        case BFT_SIGNED_VOTE:
            sig = &side[i]->u.vote.sig;
            break;
        case BFT_SIGNED_COMMIT:
            sig = &side[i]->u.commit.sig;
            break;
        case BFT_SIGNED_TIMEOUT:
            sig = &side[i]->u.timeout.sig;
            break;
        case BFT_SIGNED_ATTEST:
            sig = &side[i]->u.attest.sig;
            break;
        case BFT_SIGNED_BATCH:
            sig = &side[i]->u.batch.sig;
            break;
        }
        if (sig == NULL || td_secp_pub_decode(s->o.secp, &pub, s->scratch[i].key) != TD_OK ||
            td_secp_parity_fix(s->o.secp, &pub, &s->scratch[i].digest, sig) != TD_OK)
            return false;
    }
    return true;
}

/* Own proposals leave the core without the list of hashes; it is the payload's. */
static void send_proposal(struct node_shell *s, uint32_t peer, const struct bft_msg *m)
{
    struct bft_msg full = *m;
    const struct bft_header *h = &m->u.proposal.header;
    if (h->tx_count > 0 && m->u.proposal.tx_hashes == NULL) {
        const struct shell_payload *p = node_table_find(&s->payloads, &h->payload_root);
        if (p == NULL || p->hashes == NULL || p->count != h->tx_count)
            return; /* after a restart: what it was made of is gone, and with it the round */
        full.u.proposal.tx_hashes = p->hashes;
    }
    shell_block_add(s, &m->u.proposal.hash, h);
    shell_send(s, peer, &full);
}

static void do_send(struct node_shell *s, const struct bft_effect *fx)
{
    if (fx->u.msg->kind == BFT_MSG_PROPOSAL) {
        send_proposal(s, fx->peer, fx->u.msg);
        return;
    }
    if (fx->u.msg->kind == BFT_MSG_EVIDENCE) {
        struct bft_msg m = *fx->u.msg;
        if (shell_parity_fix(s, &m.u.evidence))
            shell_send(s, fx->peer, &m);
        return;
    }
    shell_send(s, fx->peer, fx->u.msg);
}

/* ---- signing */

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

/* Nothing that follows may be signed: the process ends, and its exit code keeps it from being
 * restarted. */
static void do_halt(struct node_shell *s, enum bft_halt_reason reason)
{
    static const struct {
        enum node_code code;
        const char *text;
    } WHY[] = {
        [BFT_HALT_TWO_QCS] = {NODE_T_TWO_QCS, "two certified blocks in one round: a third of the "
                                              "stake misbehaved"},
        [BFT_HALT_TWO_FINALS] = {NODE_T_TWO_FINALS,
                                 "a proof contradicts a block that is final here"},
        [BFT_HALT_DOPPELGANGER] = {NODE_T_DOPPELGANGER,
                                   "somebody else signs with this validator's key"},
        [BFT_HALT_GUARD] = {NODE_T_GUARD, "the sign guard refused a message"},
    };
    TD_ASSERT(reason != BFT_HALT_NONE);
    s->halted = true;
    shell_stop(s, NODE_EXIT_SAFETY_HALT, WHY[reason].code, WHY[reason].text,
               "do not restart: see docs/operations.md, \"Safety halt\"");
}

static void do_sign(struct node_shell *s, const struct bft_effect *fx)
{
    struct bft_signed m = fx->u.sign.msg;
    enum bft_guard_verdict v = bft_guard_admit(&s->guard, &m);
    if (v == BFT_GUARD_OK) {
        struct td_hash digest;
        bft_digest_signed(&digest, &s->config.domain, &m);
        if (s->o.key == NULL ||
            td_secp_sign(s->o.secp, s->o.key, &digest, signature_of(&m)) != TD_OK) {
            shell_stop(s, NODE_EXIT_INTERNAL, NODE_T_KEY, "cannot sign with the validator key",
                       "check the key file");
            return;
        }
        bft_guard_keep(&s->guard, &m, fx->u.sign.parent_round);
        s->has_guard = true;
    } else if (v != BFT_GUARD_SAME) {
        do_halt(s, BFT_HALT_GUARD);
        return;
    }
    struct shell_local *l = calloc(1, sizeof *l);
    if (l == NULL) {
        shell_no_memory(s);
        return;
    }
    l->kind = BFT_EV_SIGNED;
    l->u.msg = m;
    shell_local_put(s, l);
}

/* ---- what is kept */

static void do_attested(struct node_shell *s, const struct bft_effect *fx)
{
    struct bft_msg m = {.kind = BFT_MSG_ATTEST_CERT, .u.attest_cert = *fx->u.attested};
    shell_write_cert(s, NODE_CERT_ATTEST, fx->u.attested->fields.height, shell_encode_msg(&m));
}

static void do_batch(struct node_shell *s, const struct bft_effect *fx)
{
    struct bft_msg m = {.kind = BFT_MSG_BATCH_CERT, .u.batch_cert = *fx->u.batch};
    shell_write_cert(s, NODE_CERT_BATCH, fx->u.batch->height, shell_encode_msg(&m));
}

static void do_proof(struct node_shell *s, const struct bft_effect *fx)
{
    struct bft_msg m = {.kind = BFT_MSG_CERTIFICATE};
    m.u.certificate.kind = BFT_CERTIFICATE_PROOF;
    m.u.certificate.proof = fx->u.proof;
    bool has_tip = fx->u.proof.kind == BFT_PROOF_COMMIT || fx->u.proof.kind == BFT_PROOF_TWO_CHAIN;
    shell_write_proof(s, s->final, shell_encode_msg(&m), has_tip ? fx->u.proof.tip : NULL);
}

static void do_epoch(struct node_shell *s, const struct bft_effect *fx)
{
    shell_epoch_keys(s);
    const struct bft_set *left = s->verify_ctx.sets.prev;
    struct node_blob *prev = NULL;
    if (left != NULL) { /* for evidence and late attestations after a restart */
        uint8_t buf[8u + BFT_SET_BYTES_MAX];
        struct td_writer w;
        td_writer_init(&w, buf, sizeof buf);
        td_put_u64(&w, left->epoch);
        size_t len = bft_set_encode(buf + 8, sizeof buf - 8u, left);
        prev = node_blob_copy(td_bytes_of(buf, 8u + len));
    }
    shell_write_epoch(s, left != NULL && prev == NULL ? NULL : shell_encode_epoch(fx), prev);
    TD_LOG(s->o.log, TD_LOG_INFO, "consensus", "epoch entered",
           TD_LOG_U64("epoch", fx->u.epoch.set->epoch),
           TD_LOG_U64("validators", fx->u.epoch.set->count));
}

static void do_evidence(struct node_shell *s, const struct bft_effect *fx)
{
    struct bft_msg m = {.kind = BFT_MSG_EVIDENCE, .u.evidence = *fx->u.evidence};
    s->stats.evidence_seen++;
    uint16_t signer = bft_signed_signer(&m.u.evidence.a);
    struct td_log_field fields[] = {TD_LOG_U64("kind", m.u.evidence.kind),
                                    TD_LOG_U64("signer", signer)};
    td_log_put(s->o.log, &(struct td_log_event){.level = TD_LOG_WARN,
                                                .mod = "consensus",
                                                .msg = "evidence of misbehaviour",
                                                .code = NODE_T_EVIDENCE,
                                                .hint = "stored; the validator can be slashed",
                                                .fields = fields,
                                                .field_count = 2});
    if (!shell_parity_fix(s, &m.u.evidence))
        return;
    shell_write_cert(s, NODE_CERT_EVIDENCE, ++s->evidence_number, shell_encode_msg(&m));
}

/* ---- news for the operator */

static void do_alarm(struct node_shell *s, enum bft_alarm alarm)
{
    static const struct {
        enum node_code code;
        const char *text, *hint;
    } ALARMS[] = {
        [BFT_ALARM_PASSIVE] = {NODE_T_PASSIVE, "this node signs nothing until the next epoch",
                               "its sign guard is missing or older than what peers hold"},
        [BFT_ALARM_DIVERGED] = {NODE_T_DIVERGED,
                                "a certified block has another result than this node computed",
                                "compare `tandem status` of several nodes"},
        [BFT_ALARM_ATTEST_SPLIT] = {NODE_T_ATTEST_SPLIT,
                                    "a peer attests another result at this height",
                                    "compare `tandem status` of both nodes"},
        [BFT_ALARM_CLOCK] = {NODE_T_CLOCK, "certified timestamps run ahead of this clock",
                             "synchronise the clock (chrony, ntpd)"},
    };
    s->stats.diverged |= alarm == BFT_ALARM_DIVERGED;
    td_log_put(s->o.log, &(struct td_log_event){.level = TD_LOG_WARN,
                                                .mod = "consensus",
                                                .msg = ALARMS[alarm].text,
                                                .code = (uint16_t)ALARMS[alarm].code,
                                                .hint = ALARMS[alarm].hint});
}

static void do_timer(struct node_shell *s, int64_t at_ns)
{
    int64_t wait = at_ns - shell_mono(s);
    if (wait < 0)
        wait = 0;
    struct timeval tv = {.tv_sec = wait / 1000000000, .tv_usec = (wait % 1000000000) / 1000};
    event_add(s->timer, &tv);
}

static void do_fetch(struct node_shell *s, const struct bft_effect *fx)
{
    uint32_t peer = fx->peer == BFT_NO_PEER ? shell_peer_pick(s, s->stats.steps) : fx->peer;
    if (peer == BFT_NO_PEER)
        return;
    struct bft_msg m = {.kind = BFT_MSG_GET_BY_HASH};
    m.u.get_by_hash = (struct bft_get_by_hash){
        .kind = fx->u.fetch.kind, .hash_count = 1, .hashes = &fx->u.fetch.hash};
    shell_send(s, peer, &m);
}

static void do_effect(struct node_shell *s, const struct bft_effect *fx)
{
    switch (fx->kind) {
    case BFT_FX_SIGN:
        do_sign(s, fx);
        break;
    case BFT_FX_PERSIST:
        shell_persist(s, fx);
        break;
    case BFT_FX_SEND:
        do_send(s, fx);
        break;
    case BFT_FX_TIMER:
        do_timer(s, fx->u.at_ns);
        break;
    case BFT_FX_FETCH:
        do_fetch(s, fx);
        break;
    case BFT_FX_MAKE_PAYLOAD:
        shell_make_payload(s, fx);
        break;
    case BFT_FX_CHECK_ORIGIN:
        break; /* no L1 yet: the core never asks on such a network */
    case BFT_FX_FINALIZE:
        shell_final(s, fx);
        break;
    case BFT_FX_FINAL_PROOF:
        do_proof(s, fx);
        break;
    case BFT_FX_ATTESTED:
        do_attested(s, fx);
        break;
    case BFT_FX_BATCH_CERT:
        do_batch(s, fx);
        break;
    case BFT_FX_ENTER_EPOCH:
        do_epoch(s, fx);
        break;
    case BFT_FX_EVIDENCE:
        do_evidence(s, fx);
        break;
    case BFT_FX_SYNC:
        TD_LOG(s->o.log, TD_LOG_INFO, "consensus", fx->u.on ? "syncing" : "in step with the others",
               TD_LOG_U64("final", s->final));
        break;
    case BFT_FX_ALARM:
        do_alarm(s, fx->u.alarm);
        break;
    case BFT_FX_HALT:
        do_halt(s, fx->u.halt);
        break;
    }
}

void shell_effects(struct node_shell *s)
{
    for (uint32_t i = 0; i < s->fx->count && s->exit_code == 0; i++)
        do_effect(s, &s->fx->list[i]);
    shell_exec_next(s);
}
