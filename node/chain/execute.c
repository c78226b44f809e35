#define _POSIX_C_SOURCE 200809L /* pthread_rwlock_t */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/core/keccak.h"
#include "base/host/clock.h"
#include "node/chain/chain_internal.h"

static enum td_error say(struct node_chain *c, enum td_error err, uint64_t height, const char *what)
{
    snprintf(c->why, sizeof c->why, "block %llu: %s", (unsigned long long)height, what);
    return err;
}

static const char *text_of(enum td_error err)
{
    if (err == TD_E_LIMIT)
        return "the state tree is full: raise the node's state_leaves and start again";
    if (err == TD_E_CORRUPT)
        return "header, payload and state do not fit together: the database is damaged, restore it";
    if (err == TD_E_NOMEM)
        return "the system has no memory left: free some and start again";
    return td_error_text(err);
}

static enum td_error check(const struct node_chain *c, const struct bft_header *h,
                           const struct td_bytes *entries, uint32_t count)
{
    const struct exec_cursor *cursor = &c->ledger.cursor;
    /* The rest, hash of the payload included, is exec_block's. */
    return h->height == cursor->number + 1u && td_hash_eq(&h->prev_hash, &cursor->block_hash) &&
                   !h->filler && h->tx_count == count &&
                   h->payload_bytes == node_payload_bytes(entries, count)
               ? TD_OK
               : TD_E_CORRUPT;
}

/* ---- what it came to */

static void fill_record(const struct node_ledger *l, const struct bft_header *h,
                        struct node_record *out)
{
    const struct exec_result *r = &l->result;
    const struct exec_batch *before = &l->batch;
    *out = (struct node_record){
        .core = {.result = {.height = h->height,
                            .block_hash = r->block_hash,
                            .state_commitment = r->state_commitment,
                            .receipts_root = r->receipts_root,
                            .messages_root = r->messages_root,
                            .da_commitment = r->da_commitment,
                            .priority_hash = l->next_cursor.inbox_acc,
                            .gas_used = r->gas_used}},
        .native_used = r->native_used,
        .base_fee = l->cursor.base_fee,
        .payload_count = h->tx_count,
        .receipt_count = r->tx_count,
    };
    /* Of the batch with this block; what next_batch holds is the next one's if this one ends it. */
    out->core.batch_native = before->native_used + r->native_used;
    out->core.batch_bytes = before->data_bytes + r->data_on.len + r->data_off.len;
    if (r->ends_batch)
        out->core.batch_hash = r->batch_hash;
}

/* Skipped, and yet it may be taken later: another block has room, the fee falls, the nonce comes.
 */
static bool may_come_back(enum exec_tx_verdict v)
{
    return v == EXEC_TX_BLOCK_GAS || v == EXEC_TX_BLOCK_NATIVE || v == EXEC_TX_FEE_CAP_TOO_LOW ||
           v == EXEC_TX_NONCE_TOO_HIGH;
}

static enum td_error fill_lists(const struct node_ledger *l, struct node_executed *out)
{
    const struct exec_block *b = &l->block;
    const struct exec_result *r = &l->result;
    struct td_hash *hashes = malloc((b->payload_count + 1u) * sizeof *hashes);
    struct td_addr *senders = malloc((r->tx_count + 1u) * sizeof *senders);
    out->hashes = hashes;
    out->senders = senders;
    if (hashes == NULL || senders == NULL)
        return TD_E_NOMEM;
    for (uint32_t i = 0; i < b->payload_count; i++) {
        struct td_hash *hash = &hashes[out->hash_count];
        if (may_come_back(r->txs[i].verdict))
            continue;
        if (b->payload[i].len > 0 &&
            b->payload[i].ptr[0] == EXEC_TX_DEPOSIT) /* whose result names L1's hash */
            td_keccak256(hash, b->payload[i].ptr, b->payload[i].len);
        else
            *hash = r->txs[i].hash;
        out->hash_count++;
        if (r->txs[i].verdict == EXEC_TX_OK)
            senders[out->sender_count++] = r->txs[i].sender;
    }
    return TD_OK;
}

static enum td_error fill(const struct node_ledger *l, const struct bft_header *h,
                          struct node_executed *out)
{
    struct node_record record;
    fill_record(l, h, &record);
    out->height = h->height;
    out->core = record.core;
    out->tx_count = l->result.tx_count;
    out->skipped = l->result.skipped;
    out->gas_used = l->result.gas_used;
    out->native_used = l->result.native_used;
    out->base_fee_next = l->next_cursor.base_fee;
    enum td_error err = fill_lists(l, out);
    if (err != TD_OK)
        return err;
    out->changes = node_changes_of_block(l, &record);
    return out->changes == NULL ? TD_E_NOMEM : TD_OK;
}

void node_executed_free(struct node_executed *e)
{
    free((void *)e->hashes);
    free((void *)e->senders);
    node_changes_free(e->changes);
    *e = (struct node_executed){.height = 0};
}

/* ---- the run */

static enum td_error keep(struct node_chain *c)
{
    pthread_rwlock_wrlock(&c->lock);
    enum td_error err = node_ledger_keep(&c->ledger);
    pthread_rwlock_unlock(&c->lock);
    return err;
}

static enum td_error run(struct node_chain *c, const struct bft_header *header,
                         const struct td_bytes *entries, uint32_t count, struct node_executed *out)
{
    enum td_error err = check(c, header, entries, count);
    if (err == TD_OK)
        err = node_chain_recover(c, entries, count);
    if (err == TD_OK && c->paranoid != NULL)
        err = node_paranoid_begin(c);
    if (err == TD_OK)
        err = node_ledger_execute_as(&c->ledger, header, entries, count);
    if (err == TD_OK && c->paranoid != NULL)
        err = node_paranoid_check(c);
    if (err == TD_OK)
        err = fill(&c->ledger, header, out);
    return err == TD_OK ? keep(c) : err;
}

enum td_error node_chain_execute(struct node_chain *c, const struct bft_header *header,
                                 struct td_bytes payload, struct node_executed *out)
{
    const struct td_clock clock = td_clock_system();
    uint64_t begin = td_clock_mono_ns(&clock);
    struct td_bytes entries[TD_TXS_PER_BLOCK_MAX]; /* 256 KiB of the exec thread's stack */
    uint32_t count;
    *out = (struct node_executed){.height = 0};
    c->differs[0] = '\0';
    if (node_payload_decode(payload, entries, &count) != TD_OK)
        return say(c, TD_E_CORRUPT, header->height, "its payload is no list of entries");
    enum td_error err = run(c, header, entries, count, out);
    if (err != TD_OK) {
        node_executed_free(out);
        return say(c, err, header->height, c->differs[0] != '\0' ? c->differs : text_of(err));
    }
    out->took_ns = td_clock_mono_ns(&clock) - begin;
    atomic_store_explicit(&c->executed, header->height, memory_order_release);
    return TD_OK;
}
