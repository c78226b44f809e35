#define _POSIX_C_SOURCE 200809L /* pthread_rwlock_t */
#include <stdlib.h>
#include <string.h>

#include "node/chain/chain_internal.h"

/* A sender each, and as many authorizations again: what is beyond is recovered when the block asks,
 * and the block asks only for what its native units pay for. */
#define RECOVER_MAX (2u * TD_TXS_PER_BLOCK_MAX)
/* Of one transaction, which has up to 5,000. */
#define SIGNATURES 1024u

static void fill_key(struct node_key *k, const struct td_hash *digest, const uint8_t r[32],
                     const uint8_t s[32], uint32_t parity)
{
    *k = (struct node_key){.used = true, .digest = *digest, .parity = parity};
    memcpy(k->r, r, sizeof k->r);
    memcpy(k->s, s, sizeof k->s);
}

static bool same_question(const struct node_key *a, const struct node_key *b)
{
    return td_hash_eq(&a->digest, &b->digest) && memcmp(a->r, b->r, sizeof a->r) == 0 &&
           memcmp(a->s, b->s, sizeof a->s) == 0 && a->parity == b->parity;
}

static void signed_of(struct td_secp_signed *out, const struct node_key *k)
{
    out->digest = k->digest;
    out->parity = k->parity;
    memcpy(out->r, k->r, sizeof out->r);
    memcpy(out->s, k->s, sizeof out->s);
}

static void answer(struct node_key *k, const struct td_secp_signer *signer)
{
    k->found = signer->found;
    memcpy(k->xy, signer->xy, sizeof k->xy);
}

static void recover_one(const struct node_chain *c, struct node_key *k)
{
    struct td_secp_signed item;
    struct td_secp_signer signer;
    signed_of(&item, k);
    (void)td_secp_recover_many(c->ledger.secp, NULL, &signer, &item, 1);
    answer(k, &signer);
}

/* ---- remembered keys */

bool node_key_cache_init(struct node_key_cache *k)
{
    k->sets = calloc(NODE_KEY_SETS, sizeof *k->sets); /* touched as it fills */
    if (k->sets == NULL)
        return false;
    if (pthread_mutex_init(&k->lock, NULL) == 0)
        return true;
    free(k->sets);
    k->sets = NULL;
    return false;
}

void node_key_cache_free(struct node_key_cache *k)
{
    if (k->sets == NULL)
        return;
    pthread_mutex_destroy(&k->lock);
    free(k->sets);
    k->sets = NULL;
}

/* The digest is a hash; who makes many fall together only loses what was remembered. */
static struct node_key *set_of(struct node_key_cache *k, const struct node_key *key)
{
    uint32_t word;
    memcpy(&word, key->digest.b, sizeof word);
    return k->sets[word % NODE_KEY_SETS];
}

static bool recall(struct node_key_cache *cache, struct node_key *key)
{
    bool hit = false;
    pthread_mutex_lock(&cache->lock);
    const struct node_key *set = set_of(cache, key);
    for (uint32_t i = 0; i < NODE_KEY_WAYS && !hit; i++) {
        hit = set[i].used && same_question(&set[i], key);
        if (hit)
            *key = set[i];
    }
    pthread_mutex_unlock(&cache->lock);
    return hit;
}

static void remember(struct node_key_cache *cache, const struct node_key *key)
{
    pthread_mutex_lock(&cache->lock);
    struct node_key *set = set_of(cache, key);
    uint32_t way = cache->turn++ % NODE_KEY_WAYS;
    for (uint32_t i = 0; i < NODE_KEY_WAYS; i++) {
        if (!set[i].used)
            way = i;
    }
    set[way] = *key;
    pthread_mutex_unlock(&cache->lock);
}

static bool recover_known(void *self, uint8_t out_xy[64], const struct td_hash *digest,
                          const uint8_t r[32], const uint8_t s[32], uint32_t parity)
{
    struct node_chain *c = self;
    struct node_key key;
    fill_key(&key, digest, r, s, parity);
    if (!recall(&c->known, &key)) {
        recover_one(c, &key);
        remember(&c->known, &key);
    }
    memcpy(out_xy, key.xy, sizeof key.xy);
    return key.found;
}

struct exec_recoverer node_chain_recoverer(struct node_chain *c)
{
    return (struct exec_recoverer){c, recover_known};
}

/* ---- the block at hand */

static bool grow(struct node_recovered *r, uint32_t want)
{
    if (want <= r->cap)
        return true;
    uint32_t cap = want > 2u * r->cap ? want : 2u * r->cap;
    struct node_key *keys = realloc(r->keys, cap * sizeof *keys);
    r->keys = keys != NULL ? keys : r->keys;
    uint32_t *asked = realloc(r->asked, cap * sizeof *asked);
    r->asked = asked != NULL ? asked : r->asked;
    struct td_secp_signed *items = realloc(r->items, cap * sizeof *items);
    r->items = items != NULL ? items : r->items;
    struct td_secp_signer *signers = realloc(r->signers, cap * sizeof *signers);
    r->signers = signers != NULL ? signers : r->signers;
    if (keys == NULL || asked == NULL || items == NULL || signers == NULL)
        return false;
    r->cap = cap;
    return true;
}

void node_recovered_free(struct node_recovered *r)
{
    free(r->keys);
    free(r->asked);
    free(r->items);
    free(r->signers);
    *r = (struct node_recovered){.keys = NULL};
}

static enum td_error add(struct node_chain *c, struct td_bytes entry)
{
    struct node_recovered *r = &c->recovered;
    struct td_arena *work = &c->ledger.work;
    struct exec_signature found[SIGNATURES];
    struct exec_tx tx;
    if (td_arena_left(work) < EXEC_TX_ARENA_BYTES(entry.len))
        return TD_E_NOSPACE;
    if (exec_tx_decode(&tx, work, entry, c->ledger.params.chain_id) != EXEC_TX_OK)
        return TD_OK;
    uint32_t most = RECOVER_MAX - r->count < SIGNATURES ? RECOVER_MAX - r->count : SIGNATURES;
    uint32_t count = exec_tx_signatures(found, most, &tx);
    if (count > most)
        count = most;
    if (!grow(r, r->count + count))
        return TD_E_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        struct node_key *key = &r->keys[r->count];
        fill_key(key, &found[i].digest, found[i].r, found[i].s, found[i].parity);
        if (!recall(&c->known, key)) {
            signed_of(&r->items[r->ask_count], key);
            r->asked[r->ask_count++] = r->count;
        }
        r->count++;
    }
    return TD_OK;
}

enum td_error node_chain_recover(struct node_chain *c, const struct td_bytes *entries,
                                 uint32_t count)
{
    struct node_recovered *r = &c->recovered;
    enum td_error err = TD_OK;
    r->count = r->next = r->ask_count = 0;
    for (uint32_t i = 0; i < count && err == TD_OK; i++) {
        td_arena_reset(&c->ledger.work);
        if (entries[i].len > 0 && entries[i].ptr[0] != EXEC_TX_DEPOSIT)
            err = add(c, entries[i]);
    }
    if (err != TD_OK || r->ask_count == 0)
        return err;
    (void)td_secp_recover_many(c->ledger.secp, c->pool, r->signers, r->items, r->ask_count);
    for (uint32_t i = 0; i < r->ask_count; i++)
        answer(&r->keys[r->asked[i]], &r->signers[i]);
    return TD_OK;
}

/* The block asks in the order of the list and leaves some out: the search goes on where it was.
 * What is not in the list costs a walk over its rest, less than recovering it. */
bool node_chain_recovered(void *self, uint8_t out_xy[64], const struct td_hash *digest,
                          const uint8_t r[32], const uint8_t s[32], uint32_t parity)
{
    struct node_chain *c = self;
    struct node_recovered *list = &c->recovered;
    struct node_key key;
    fill_key(&key, digest, r, s, parity);
    for (uint32_t i = list->next; i < list->count; i++) {
        if (!same_question(&list->keys[i], &key))
            continue;
        list->next = i + 1u;
        memcpy(out_xy, list->keys[i].xy, sizeof list->keys[i].xy);
        return list->keys[i].found;
    }
    recover_one(c, &key);
    memcpy(out_xy, key.xy, sizeof key.xy);
    return key.found;
}
