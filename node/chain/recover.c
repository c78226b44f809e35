#define _POSIX_C_SOURCE 200809L /* pthread_rwlock_t */
#include <stdlib.h>
#include <string.h>

#include "node/chain/chain_internal.h"

/* A sender each, and as many authorizations again: what is beyond is recovered when the block asks,
 * and the block asks only for what its native units pay for. */
#define RECOVER_MAX (2u * TD_TXS_PER_BLOCK_MAX)

static bool grow(struct node_recovered *r, uint32_t want)
{
    if (want <= r->cap)
        return true;
    uint32_t cap = want > 2u * r->cap ? want : 2u * r->cap;
    struct td_secp_signed *items = realloc(r->items, cap * sizeof *items);
    if (items == NULL)
        return false;
    r->items = items;
    struct td_secp_signer *signers = realloc(r->signers, cap * sizeof *signers);
    if (signers == NULL)
        return false;
    r->signers = signers;
    r->cap = cap;
    return true;
}

void node_recovered_free(struct node_recovered *r)
{
    free(r->items);
    free(r->signers);
    *r = (struct node_recovered){.items = NULL};
}

/* Some authorizations at a time: a transaction has up to 5,000. */
#define SIGNATURES 1024u

static enum td_error add(struct node_chain *c, struct td_bytes entry)
{
    struct node_recovered *r = &c->recovered;
    struct td_arena *work = &c->ledger.work;
    struct exec_signature found[SIGNATURES];
    struct exec_tx tx;
    if (td_arena_left(work) < EXEC_TX_ARENA_BYTES(entry.len))
        return TD_E_NOSPACE;
    if (exec_tx_decode(&tx, work, entry, c->ledger.params.chain_id) != EXEC_TX_OK ||
        tx.type == EXEC_TX_DEPOSIT)
        return TD_OK;
    uint32_t most = RECOVER_MAX - r->count < SIGNATURES ? RECOVER_MAX - r->count : SIGNATURES;
    uint32_t count = exec_tx_signatures(found, most, &tx);
    if (count > most)
        count = most;
    if (!grow(r, r->count + count))
        return TD_E_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        struct td_secp_signed *item = &r->items[r->count++];
        item->digest = found[i].digest;
        memcpy(item->r, found[i].r, sizeof item->r);
        memcpy(item->s, found[i].s, sizeof item->s);
        item->parity = found[i].parity;
    }
    return TD_OK;
}

enum td_error node_chain_recover(struct node_chain *c, const struct td_bytes *entries,
                                 uint32_t count)
{
    struct node_recovered *r = &c->recovered;
    enum td_error err = TD_OK;
    r->count = r->next = 0;
    for (uint32_t i = 0; i < count && err == TD_OK; i++) {
        td_arena_reset(&c->ledger.work);
        if (entries[i].len > 0 && entries[i].ptr[0] != EXEC_TX_DEPOSIT)
            err = add(c, entries[i]);
    }
    if (err == TD_OK)
        (void)td_secp_recover_many(c->ledger.secp, c->pool, r->signers, r->items, r->count);
    return err;
}

static bool is_item(const struct td_secp_signed *item, const struct td_hash *digest,
                    const uint8_t r[32], const uint8_t s[32], uint32_t parity)
{
    return td_hash_eq(&item->digest, digest) && memcmp(item->r, r, sizeof item->r) == 0 &&
           memcmp(item->s, s, sizeof item->s) == 0 && item->parity == parity;
}

/* The block asks in the order of the list and leaves some out: the search goes on where it was.
 * What is not in the list costs a walk over its rest, less than recovering it. */
bool node_chain_recovered(void *self, uint8_t out_xy[64], const struct td_hash *digest,
                          const uint8_t r[32], const uint8_t s[32], uint32_t parity)
{
    struct node_chain *c = self;
    struct node_recovered *known = &c->recovered;
    struct td_secp_signer signer;
    for (uint32_t i = known->next; i < known->count; i++) {
        if (!is_item(&known->items[i], digest, r, s, parity))
            continue;
        known->next = i + 1u;
        memcpy(out_xy, known->signers[i].xy, sizeof known->signers[i].xy);
        return known->signers[i].found;
    }
    struct td_secp_signed item = {.digest = *digest, .parity = parity};
    memcpy(item.r, r, sizeof item.r);
    memcpy(item.s, s, sizeof item.s);
    bool found = td_secp_recover_many(c->ledger.secp, NULL, &signer, &item, 1) == 1;
    memcpy(out_xy, signer.xy, sizeof signer.xy);
    return found;
}
