/* A frame arrives: decode, judge, let the checker look, then the shell or the replica takes it. */
#include "base/core/assert.h"
#include "tests/sim/world.h"

/* How often transactions have reached a validator before the proposal that names them. */
#define PAYLOAD_HERE_PPM 930000u

static struct bft_slot slot_of(const struct bft_msg *m)
{
    switch (m->kind) {
    case BFT_MSG_STATUS:
        return (struct bft_slot){m->u.status.epoch, m->u.status.round};
    case BFT_MSG_PROPOSAL:
        return (struct bft_slot){m->u.proposal.header.epoch, m->u.proposal.header.round};
    case BFT_MSG_VOTE:
        return (struct bft_slot){m->u.vote.epoch, m->u.vote.round};
    case BFT_MSG_COMMIT:
        return (struct bft_slot){m->u.commit.epoch, m->u.commit.round};
    case BFT_MSG_TIMEOUT:
        return (struct bft_slot){m->u.timeout.t.epoch, m->u.timeout.t.round};
    case BFT_MSG_ATTEST:
        return (struct bft_slot){m->u.attest.fields.epoch, m->u.attest.fields.height};
    case BFT_MSG_ATTEST_CERT:
        return (struct bft_slot){m->u.attest_cert.fields.epoch, m->u.attest_cert.fields.height};
    case BFT_MSG_CERTIFICATE:
        if (m->u.certificate.qc != NULL)
            return bft_qc_slot(m->u.certificate.qc);
        if (m->u.certificate.tc != NULL)
            return (struct bft_slot){m->u.certificate.tc->epoch, m->u.certificate.tc->round};
        return (struct bft_slot){0, 0};
    case BFT_MSG_HELLO:
    case BFT_MSG_BATCH_ATTEST:
    case BFT_MSG_BATCH_CERT:
    case BFT_MSG_GET_BLOCKS:
    case BFT_MSG_BLOCKS:
    case BFT_MSG_GET_BY_HASH:
    case BFT_MSG_BY_HASH:
    case BFT_MSG_EVIDENCE:
    case BFT_MSG_TX:
        break;
    }
    return (struct bft_slot){0, 0};
}

static void refused(struct sim_world *w, struct sim_node *n, uint32_t from, uint64_t kind,
                    enum bft_verdict v)
{
    w->stats.refused[v]++;
    sim_trace_put(&w->trace, (struct sim_trace_entry){.at_ns = w->now_ns,
                                                      .kind = SIM_TR_REFUSED,
                                                      .node = n->id,
                                                      .peer = from,
                                                      .a = kind,
                                                      .b = v});
    if (sim_honest(w, n->id))
        sim_check_refusal(w, n, from, kind, v);
}

/* The payload a proposal names: mostly here already, else asked for. */
static void payload_of_proposal(struct sim_world *w, struct sim_node *n,
                                const struct bft_proposal *p)
{
    if (p->header.tx_count == 0)
        return;
    struct sim_block *b = sim_block_find(&w->chain, &p->hash);
    if (b == NULL || b->payload == NULL)
        return; /* an adversary's invention: nobody can have it */
    bool here = sim_bit_has(b->payload->holds, n->id);
    bool instant = w->cfg.quiet || td_rng_chance_ppm(&w->net_rng, PAYLOAD_HERE_PPM);
    sim_payload_want(w, n, b);
    if (here || (!b->payload->withheld && instant))
        sim_payload_arrived(w, n, b->payload);
}

/* Blocks bring their payloads: they are this node's before the core hears of the blocks. */
static void payloads_of_blocks(struct sim_world *w, struct sim_node *n, const struct bft_blocks *b)
{
    for (uint32_t i = 0; i < b->payload_count && i < b->header_count; i++) {
        if (b->headers[i].tx_count == 0)
            continue;
        struct sim_payload *p = sim_payload_find(&w->chain, &b->headers[i].payload_root);
        if (p != NULL)
            sim_payload_arrived(w, n, p);
    }
}

void sim_net_deliver(struct sim_world *w, struct sim_node *n, uint32_t from, struct sim_frame *f)
{
    if (n->halted || !sim_link_at(w, n->id, from)->up)
        return; /* no connection on this side any more */
    w->stats.delivered++;
    const struct bft_msg *m = sim_frame_msg(f);
    if (m == NULL) {
        refused(w, n, from, f->len > 0 ? f->bytes[0] : 0, BFT_MALFORMED);
        return;
    }
    struct bft_slot slot = slot_of(m);
    sim_trace_put(&w->trace, (struct sim_trace_entry){.at_ns = w->now_ns,
                                                      .kind = SIM_TR_DELIVER,
                                                      .node = n->id,
                                                      .peer = from,
                                                      .a = m->kind,
                                                      .b = slot.epoch,
                                                      .c = slot.round,
                                                      .word = f->hash});
    if (!sim_honest(w, n->id) && sim_byz_receive(w, n, m))
        return;
    enum bft_verdict v = sim_net_verify(w, n, f, &m);
    if (v != BFT_OK) {
        refused(w, n, from, m->kind, v);
        return;
    }
    if (!f->audited && sim_honest(w, n->id)) {
        f->audited = true;
        sim_check_frame(w, n, f, m);
    }
    if (m->kind == BFT_MSG_BLOCKS)
        payloads_of_blocks(w, n, &m->u.blocks);
    if (sim_store_serve(w, n, from, m))
        return;
    struct bft_event ev = {.kind = BFT_EV_MESSAGE, .peer = from, .u.msg = m};
    v = sim_node_step(w, n, &ev);
    if (v != BFT_OK)
        refused(w, n, from, m->kind, v);
    if (m->kind == BFT_MSG_PROPOSAL && n->alive && !n->halted)
        payload_of_proposal(w, n, &m->u.proposal);
}
