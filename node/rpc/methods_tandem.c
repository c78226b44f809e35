/* What Tandem has beside Ethereum: consensus, finality and certificates. */
#include <string.h>

#include "consensus/message.h"
#include "node/rpc/format.h"
#include "node/rpc/load.h"
#include "td_version.h"

static void put_quantity(struct node_text *t, const char *name, uint64_t v)
{
    node_text_key(t, name);
    node_text_quantity(t, v);
}

static void put_hash(struct node_text *t, const char *name, const struct td_hash *v)
{
    node_text_key(t, name);
    node_text_hex(t, v->b, TD_HASH_BYTES);
}

static void put_name(struct node_text *t, const char *name, const char *v)
{
    node_text_key(t, name);
    node_text_cstring(t, v);
}

static void put_bool(struct node_text *t, const char *name, bool v)
{
    node_text_key(t, name);
    node_text_bool(t, v);
}

/* null for nobody */
static void put_signer(struct node_text *t, const char *name, uint16_t signer)
{
    node_text_key(t, name);
    if (signer == BFT_NO_SIGNER)
        node_text_null(t);
    else
        node_text_quantity(t, signer);
}

static const char *mode_text(enum bft_mode mode)
{
    switch (mode) {
    case BFT_MODE_STARTING:
        return "starting";
    case BFT_MODE_ACTIVE:
        return "active";
    case BFT_MODE_PASSIVE:
        return "passive";
    case BFT_MODE_FOLLOWER:
        return "follower";
    case BFT_MODE_HALTED:
        return "halted";
    }
    return "unknown";
}

static const char *halt_text(enum bft_halt_reason reason)
{
    switch (reason) {
    case BFT_HALT_NONE:
        return "none";
    case BFT_HALT_TWO_QCS:
        return "two certified blocks in one round";
    case BFT_HALT_TWO_FINALS:
        return "a proof contradicts a final block";
    case BFT_HALT_DOPPELGANGER:
        return "somebody else signs with this key";
    case BFT_HALT_GUARD:
        return "the sign guard refused";
    }
    return "unknown";
}

/* ---- where this node stands */

static void status(struct node_rpc_call *c)
{
    const struct node_rpc_backend *b = &c->rpc->backend;
    struct node_rpc_status s;
    struct node_text *t = &c->out;
    if (!node_rpc_params(c, 0, 0))
        return;
    struct node_rpc_heads heads = b->heads(b->self);
    b->status(b->self, &s);
    node_text_open(t, '{');
    put_name(t, "name", s.name == NULL ? "" : s.name);
    put_name(t, "version", TD_VERSION);
    put_name(t, "chain", b->genesis->name);
    put_quantity(t, "chainId", b->genesis->chain_id);
    put_hash(t, "genesisHash", &b->genesis->genesis_hash);
    put_name(t, "mode", mode_text(s.view.mode));
    put_bool(t, "syncing", s.syncing);
    put_quantity(t, "latest", heads.latest);
    put_quantity(t, "safe", heads.safe);
    put_quantity(t, "finalized", heads.finalized);
    put_quantity(t, "ordered", s.view.final_height);
    put_quantity(t, "executed", s.view.executed_height);
    put_quantity(t, "attested", s.view.attested_height);
    put_quantity(t, "highestKnown", s.highest_known);
    put_quantity(t, "headAgeMs", s.head_age_ms);
    node_text_key(t, "peers");
    node_text_open(t, '{');
    put_quantity(t, "in", s.peers.in);
    put_quantity(t, "out", s.peers.out);
    node_text_close(t, '}');
    node_text_close(t, '}');
    node_rpc_answer(c);
}

static void consensus(struct node_rpc_call *c)
{
    struct node_rpc_status s;
    struct node_text *t = &c->out;
    if (!node_rpc_params(c, 0, 0))
        return;
    c->rpc->backend.status(c->rpc->backend.self, &s);
    const struct bft_view *v = &s.view;
    node_text_open(t, '{');
    put_name(t, "mode", mode_text(v->mode));
    put_name(t, "halt", halt_text(v->halt));
    put_quantity(t, "epoch", v->epoch);
    put_quantity(t, "round", v->round);
    put_signer(t, "leader", v->leader);
    put_signer(t, "signer", v->signer);
    put_quantity(t, "finalHeight", v->final_height);
    put_hash(t, "finalHash", &v->final_hash);
    put_quantity(t, "finalEpoch", v->final_slot.epoch);
    put_quantity(t, "finalRound", v->final_slot.round);
    put_quantity(t, "attestedHeight", v->attested_height);
    put_quantity(t, "highQcRound", v->high_qc_round);
    put_quantity(t, "lastVoted", v->last_voted);
    put_quantity(t, "lastTimeout", v->last_timeout);
    put_quantity(t, "lastCommit", v->last_commit);
    put_quantity(t, "headersHeld", v->tree_nodes);
    put_quantity(t, "roundsByCertificate", v->rounds_entered_qc);
    put_quantity(t, "roundsByTimeout", v->rounds_entered_tc);
    node_text_close(t, '}');
    node_rpc_answer(c);
}

static void validators(struct node_rpc_call *c)
{
    struct node_rpc_validator list[BFT_SIGNERS_MAX];
    struct node_text *t = &c->out;
    if (!node_rpc_params(c, 0, 0))
        return;
    uint32_t count = c->rpc->backend.validators(c->rpc->backend.self, list, BFT_SIGNERS_MAX);
    node_text_open(t, '[');
    for (uint32_t i = 0; i < count && i < BFT_SIGNERS_MAX; i++) {
        const struct node_rpc_validator *v = &list[i];
        node_text_item(t);
        node_text_open(t, '{');
        put_quantity(t, "index", i);
        node_text_key(t, "address");
        node_text_hex(t, v->addr.b, TD_ADDR_BYTES);
        put_quantity(t, "stake", v->stake);
        put_bool(t, "online", v->online);
        put_bool(t, "self", v->self);
        put_quantity(t, "lastVoteRound", v->last_vote_round);
        put_quantity(t, "rttNs", v->rtt_ns);
        node_text_close(t, '}');
    }
    node_text_close(t, ']');
    node_rpc_answer(c);
}

/* ---- certificates */

static void put_cert(struct node_text *t, const struct bft_attest_cert *cert)
{
    const struct bft_attest_fields *f = &cert->fields;
    node_text_open(t, '{');
    put_quantity(t, "epoch", f->epoch);
    put_hash(t, "setHash", &f->set_hash);
    put_quantity(t, "height", f->height);
    put_hash(t, "blockHash", &f->block_hash);
    put_hash(t, "parentHash", &f->parent_hash);
    put_hash(t, "stateCommitment", &f->state_commitment);
    put_hash(t, "messagesRoot", &f->messages_root);
    put_hash(t, "daCommitment", &f->da_commitment);
    put_hash(t, "priorityHash", &f->priority_hash);
    put_hash(t, "nextSetHash", &f->next_set_hash);
    node_text_key(t, "signatures");
    node_text_open(t, '[');
    for (uint32_t i = 0, n = 0; i < BFT_SIGNERS_MAX && n < cert->sig_count; i++) {
        if (!bft_bitmap_has(&cert->signers, i))
            continue;
        node_text_item(t);
        node_text_open(t, '{');
        put_quantity(t, "signer", i);
        node_text_key(t, "signature");
        node_text_hex(t, cert->sigs[n++].b, TD_SIG_BYTES);
        node_text_close(t, '}');
    }
    node_text_close(t, ']');
    node_text_close(t, '}');
}

static void certificate(struct node_rpc_call *c)
{
    struct node_rpc_block_ref ref;
    struct bft_msg m;
    struct td_bytes bytes;
    uint64_t height;
    enum td_error err;
    if (!node_rpc_params(c, 1, 1) || !node_rpc_param_state_block(c, 0, &ref))
        return;
    err = ref.pending ? TD_E_NOTFOUND : node_rpc_height(c, &ref, &height);
    struct store_chain_reader *r = err == TD_OK ? node_rpc_reader(c->worker, &err) : NULL;
    if (err == TD_OK)
        err = store_chain_cert(r, NODE_CERT_ATTEST, height, &c->worker->arena, &bytes);
    if (err == TD_E_NOTFOUND) {
        node_rpc_answer_null(c);
        return;
    }
    if (err == TD_OK) {
        err = bft_msg_decode(&m, &c->worker->arena, bytes.ptr, bytes.len);
        if (err == TD_OK && m.kind != BFT_MSG_ATTEST_CERT)
            err = TD_E_CORRUPT;
    }
    if (err == TD_OK)
        put_cert(&c->out, &m.u.attest_cert);
    node_rpc_fail_error(c, err, "certificate");
    node_rpc_answer(c);
}

/* ---- finality of a block or of a transaction */

static void put_finality(struct node_rpc_call *c, const struct node_block *block, uint64_t attested)
{
    const struct node_rpc_backend *b = &c->rpc->backend;
    struct node_rpc_heads heads = b->heads(b->self);
    uint64_t height = block->header.height;
    const char *stage = height <= heads.finalized ? "finalized"
                        : height <= heads.safe    ? "safe"
                        : height <= attested      ? "attested"
                                                  : "final";
    node_text_open(&c->out, '{');
    put_quantity(&c->out, "blockNumber", height);
    put_hash(&c->out, "blockHash", &block->hash);
    put_name(&c->out, "stage", stage);
    put_bool(&c->out, "final", true); /* what is shown at all has a quorum's commit votes */
    put_bool(&c->out, "attested", height <= attested);
    put_bool(&c->out, "safe", height <= heads.safe);
    put_bool(&c->out, "finalized", height <= heads.finalized);
    node_text_close(&c->out, '}');
    node_rpc_answer(c);
}

static void finality(struct node_rpc_call *c)
{
    struct node_rpc_block_ref ref;
    struct node_block block;
    const struct node_receipt *receipt;
    uint64_t attested = 0;
    if (!node_rpc_params(c, 1, 1) || !node_rpc_param_state_block(c, 0, &ref))
        return;
    enum td_error err =
        ref.pending ? TD_E_NOTFOUND : node_rpc_load_ref(c, &ref, false, false, &block);
    if (err == TD_E_NOTFOUND && ref.by_hash)
        err = node_rpc_find_tx(c, &ref.hash, &block, &receipt);
    if (err == TD_E_NOTFOUND) {
        node_rpc_answer_null(c);
        return;
    }
    if (err != TD_OK)
        return;
    struct store_chain_reader *r = node_rpc_reader(c->worker, &err);
    if (err == TD_OK)
        err = store_chain_cert_last(r, NODE_CERT_ATTEST, INT64_MAX, &attested);
    if (err == TD_OK || err == TD_E_NOTFOUND)
        put_finality(c, &block, err == TD_OK ? attested : 0);
    else
        node_rpc_fail_error(c, err, "certificates");
}

const struct node_rpc_method NODE_RPC_TANDEM[] = {
    {.name = "tandem_status", .loop = status},
    {.name = "tandem_consensus", .loop = consensus},
    {.name = "tandem_validators", .loop = validators},
    {.name = "tandem_getQuorumCertificate", .prepare = certificate},
    {.name = "tandem_getFinality", .prepare = finality},
    {.name = NULL},
};
