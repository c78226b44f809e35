/* The payload of a block this node leads: the best of the pool that no ancestor has. */
#include <stdlib.h>

#include "base/core/assert.h"
#include "executor/block/costs.h"
#include "node/shell/shell_internal.h"

/* Parents of a proposal that are not executed yet, newest first: the core allows 3 heights and the
 * fillers between them, which bring nothing. */
struct ancestry {
    bool known; /* payloads of all of them */
    uint32_t count;
    struct shell_block *block[2u * TD_ATTEST_SLOTS];
};

static void ancestors(struct node_shell *s, const struct td_hash *parent, struct ancestry *out)
{
    out->known = true;
    out->count = 0;
    struct td_hash at = *parent;
    while (!td_hash_eq(&at, &s->config.genesis_hash)) {
        struct shell_block *b = node_table_find(&s->blocks, &at);
        if (b == NULL || out->count == sizeof out->block / sizeof out->block[0]) {
            /* The last executed block's header may be gone: that is the end, not a gap. */
            out->known =
                b == NULL && td_hash_eq(&at, &s->final_hash[s->executed % NODE_BLOCKS_MAX]);
            return;
        }
        if (!b->header.filler && b->header.height <= s->executed)
            return;
        if (b->header.tx_count > 0)
            out->block[out->count++] = b;
        at = b->header.parent;
    }
}

/* Blocks beside the chain we build on give their transactions back; those on it keep them. */
static void settle_holds(struct node_shell *s, struct ancestry *a)
{
    struct shell_block *b;
    uint32_t at = 0;
    while ((b = node_table_next(&s->blocks, &at)) != NULL) {
        bool mine = false;
        for (uint32_t i = 0; i < a->count; i++)
            mine |= a->block[i] == b;
        if (b->held && !mine) {
            node_mempool_release(s->mempool, &b->hash);
            b->held = false;
        }
    }
    for (uint32_t i = 0; i < a->count; i++) {
        const struct shell_payload *p =
            node_table_find(&s->payloads, &a->block[i]->header.payload_root);
        if (p == NULL || p->hashes == NULL) {
            a->known = false;
            continue;
        }
        if (!a->block[i]->held)
            node_mempool_hold(s->mempool, &a->block[i]->hash, p->hashes, p->count);
        a->block[i]->held = true;
    }
}

/* The base fee this block can have at most: what waits for execution may raise it. */
static struct exec_u256 base_fee_bound(struct node_shell *s, const struct ancestry *a)
{
    const struct exec_chain *params = &s->o.genesis->params;
    node_chain_lock(s->chain);
    struct exec_u256 fee = node_chain_cursor(s->chain)->base_fee;
    node_chain_unlock(s->chain);
    for (uint32_t i = a->count; i-- > 0;) {
        const struct shell_payload *p =
            node_table_find(&s->payloads, &a->block[i]->header.payload_root);
        uint64_t gas = p == NULL ? params->gas_limit : p->gas;
        struct exec_u256 next;
        exec_base_fee_next(&next, &fee, gas, params->gas_limit, &params->base_fee_min);
        if (exec_u256_cmp(&next, &fee) > 0)
            fee = next; /* a bound: what lowers it may turn out to have used more */
    }
    return fee;
}

/* What a transaction may cost in native units.  A bound (its gas times the rate, or the cap) would
 * leave a block nearly empty: plain transfers may use 2 million units and use 20,000.  So it is a
 * guess, by what gas has lately cost; what finds the block full is skipped and taken by a later one
 * (node_executed.hashes). */
struct costing {
    const struct exec_chain *chain;
    uint64_t per_gas_milli; /* thousandths of a unit */
};

static uint64_t native_cost(void *self, uint64_t raw_bytes, uint64_t gas_limit)
{
    const struct costing *k = self;
    uint64_t most = k->chain->prices.tx_native_max, look;
    uint64_t gas = gas_limit < k->chain->gas_limit ? gas_limit : k->chain->gas_limit;
    uint64_t guess = gas * k->per_gas_milli / 1000u; /* gas <= 2^40, rate < 2^20 */
    if (most != 0 && guess > most)
        guess = most;
    look = EXEC_NATIVE_TX + raw_bytes * (EXEC_NATIVE_TX_BYTE + EXEC_NATIVE_TX_BYTE_AUTH);
    return guess + look;
}

static void take(struct node_shell *s, const struct ancestry *a, struct bft_payload_built *built)
{
    const struct node_genesis *g = s->o.genesis;
    struct exec_chain params = g->params;
    const struct exec_prices *prices = &params.prices;
    /* The last one taken may ask for all that one may use. */
    const uint64_t spare =
        EXEC_NATIVE_BLOCK + EXEC_NATIVE_BATCH + EXEC_NATIVE_SHARED + prices->tx_native_max;
    struct costing costing = {&params, s->native_per_gas_milli};
    struct node_mempool_want want = {
        .base_fee = base_fee_bound(s, a),
        .gas = params.gas_limit,
        .native = params.native_limit > spare ? params.native_limit - spare : 1u,
        .bytes = g->payload_bytes_max,
        .count = g->txs_max,
        .cost_self = &costing,
        .cost = native_cost};
    uint32_t count = node_mempool_take(s->mempool, &want, s->taken);
    uint64_t gas = 0;
    size_t bytes = 0;
    uint32_t n = 0;
    for (; n < count; n++) {
        size_t more = s->taken[n].raw.len + 4u; /* framing */
        if (bytes + more > g->payload_bytes_max)
            break;
        bytes += more;
        gas += s->taken[n].gas_limit;
        s->built_entries[n] = s->taken[n].raw;
    }
    while (n > 0 && !exec_payload_fits(&params, s->built_entries, n))
        n--;
    if (n == 0)
        return;
    struct node_blob *blob = node_blob_new(node_payload_bytes(s->built_entries, n));
    struct td_hash *hashes = malloc(n * sizeof *hashes);
    if (blob != NULL && hashes != NULL) {
        node_payload_encode(blob->bytes, s->built_entries, n);
        for (uint32_t i = 0; i < n; i++)
            hashes[i] = s->taken[i].hash;
        bft_payload_root(&built->payload_root, s->built_hashes, hashes, n);
        struct shell_payload *p = shell_payload_own(s, &built->payload_root, blob, hashes, n, gas);
        if (p != NULL && p->bytes != NULL) {
            built->payload_bytes = (uint32_t)blob->len;
            built->tx_count = n;
            p->height = s->final + TD_EXEC_LAG + 1u; /* its own is known when it is proposed */
            shell_write_payload(s, p);
        } else {
            built->payload_root = (struct td_hash){{0}};
        }
    }
    free(hashes);
    node_blob_drop(blob);
}

void shell_make_payload(struct node_shell *s, const struct bft_effect *fx)
{
    struct shell_local *l = calloc(1, sizeof *l);
    if (l == NULL)
        return; /* the round times out */
    l->kind = BFT_EV_PAYLOAD_BUILT;
    l->u.built.epoch = fx->u.make.epoch;
    l->u.built.round = fx->u.make.round;
    l->u.built.origin = fx->u.make.parent_origin;
    struct ancestry a;
    ancestors(s, &fx->u.make.parent, &a);
    settle_holds(s, &a);
    if (!fx->u.make.empty && a.known)
        take(s, &a, &l->u.built);
    s->stats.proposals_made++;
    shell_local_put(s, l);
}
