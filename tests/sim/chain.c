#include "tests/sim/chain.h"

#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"

#define BLOCK_SLOTS 4096u
#define PAYLOAD_SLOTS 4096u
#define FINAL_CAP 1024u
#define TX_BYTES TD_HASH_BYTES /* the payload is the list of hashes */
#define GAS_PER_TX 21000u

static void *must(void *p)
{
    TD_ASSERT(p != NULL);
    return p;
}

void sim_chain_init(struct sim_chain *c)
{
    memset(c, 0, sizeof *c);
    c->slots = BLOCK_SLOTS;
    c->slot = must(calloc(c->slots, sizeof *c->slot));
    c->payload_slots = PAYLOAD_SLOTS;
    c->payload = must(calloc(c->payload_slots, sizeof *c->payload));
    c->final_cap = FINAL_CAP;
    c->final = must(calloc(c->final_cap, sizeof *c->final));
    c->epoch = must(calloc(SIM_EPOCHS_MAX, sizeof *c->epoch));
}

void sim_chain_free(struct sim_chain *c, struct sim_pool *pool)
{
    for (size_t i = 0; i < c->slots; i++)
        free(c->slot[i]);
    for (size_t i = 0; i < c->payload_slots; i++)
        free(c->payload[i]);
    for (uint64_t h = 0; h <= c->final_height; h++) {
        sim_frame_drop(pool, c->final[h].proof);
        sim_frame_drop(pool, c->final[h].attest);
    }
    free(c->slot);
    free(c->payload);
    free(c->final);
    free(c->epoch);
    memset(c, 0, sizeof *c);
}

static struct sim_block **block_slot(struct sim_block **slot, size_t slots,
                                     const struct td_hash *hash)
{
    size_t at = sim_hash_word(hash) & (slots - 1);
    while (slot[at] != NULL && !td_hash_eq(&slot[at]->hash, hash))
        at = (at + 1) & (slots - 1);
    return &slot[at];
}

static void blocks_grow(struct sim_chain *c)
{
    size_t slots = c->slots * 2;
    struct sim_block **slot = must(calloc(slots, sizeof *slot));
    for (size_t i = 0; i < c->slots; i++)
        if (c->slot[i] != NULL)
            *block_slot(slot, slots, &c->slot[i]->hash) = c->slot[i];
    free(c->slot);
    c->slot = slot;
    c->slots = slots;
}

struct sim_block *sim_block_add(struct sim_chain *c, const struct bft_header *h,
                                const struct td_hash *hash)
{
    struct sim_block **slot = block_slot(c->slot, c->slots, hash);
    if (*slot != NULL)
        return *slot;
    if (c->count * 2 >= c->slots) {
        blocks_grow(c);
        slot = block_slot(c->slot, c->slots, hash);
    }
    struct sim_block *b = must(calloc(1, sizeof *b));
    b->hash = *hash;
    b->header = *h;
    b->sent_ns = -1;
    if (h->tx_count > 0)
        b->payload = sim_payload_find(c, &h->payload_root);
    *slot = b;
    c->count++;
    return b;
}

struct sim_block *sim_block_find(const struct sim_chain *c, const struct td_hash *hash)
{
    return *block_slot(c->slot, c->slots, hash);
}

static struct sim_payload **payload_slot(struct sim_payload **slot, size_t slots,
                                         const struct td_hash *root)
{
    size_t at = sim_hash_word(root) & (slots - 1);
    while (slot[at] != NULL && !td_hash_eq(&slot[at]->root, root))
        at = (at + 1) & (slots - 1);
    return &slot[at];
}

struct sim_payload *sim_payload_find(const struct sim_chain *c, const struct td_hash *root)
{
    return *payload_slot(c->payload, c->payload_slots, root);
}

struct sim_payload *sim_payload_new(struct sim_chain *c, struct td_rng *rng, uint32_t author,
                                    uint32_t count)
{
    TD_ASSERT(count >= 1);
    TD_ASSERT(count <= SIM_TXS_MAX);
    if (c->payload_count * 2 >= c->payload_slots) {
        size_t slots = c->payload_slots * 2;
        struct sim_payload **grown = must(calloc(slots, sizeof *grown));
        for (size_t i = 0; i < c->payload_slots; i++)
            if (c->payload[i] != NULL)
                *payload_slot(grown, slots, &c->payload[i]->root) = c->payload[i];
        free(c->payload);
        c->payload = grown;
        c->payload_slots = slots;
    }
    struct sim_payload *p = must(calloc(1, sizeof *p));
    p->author = author;
    p->count = count;
    p->bytes = count * TX_BYTES;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t w = 0; w < 4; w++) {
            uint64_t v = td_rng_u64(rng);
            memcpy(p->tx[i].b + 8u * w, &v, 8);
        }
    struct td_hash scratch[SIM_TXS_MAX];
    bft_payload_root(&p->root, scratch, p->tx, count);
    sim_bit_put(p->holds, author, true);
    *payload_slot(c->payload, c->payload_slots, &p->root) = p;
    c->payload_count++;
    return p;
}

bool sim_block_held(const struct sim_block *b, uint32_t node)
{
    return b->header.tx_count == 0 || (b->payload != NULL && sim_bit_has(b->payload->holds, node));
}

struct sim_final *sim_final_add(struct sim_chain *c, const struct sim_block *b,
                                const struct bft_chain_state *state, int64_t now_ns)
{
    TD_ASSERT(b->header.height == c->final_height + 1);
    if (c->final_height + 2 >= c->final_cap) {
        c->final = must(realloc(c->final, c->final_cap * 2 * sizeof *c->final));
        memset(c->final + c->final_cap, 0, c->final_cap * sizeof *c->final);
        c->final_cap *= 2;
    }
    c->final_height++;
    struct sim_final *f = &c->final[c->final_height];
    *f = (struct sim_final){.block = b, .state = *state, .final_ns = now_ns};
    return f;
}

struct sim_final *sim_final_at(const struct sim_chain *c, uint64_t height)
{
    return height >= 1 && height <= c->final_height ? &c->final[height] : NULL;
}

/* 32 bytes that follow from two hashes and a label; stands for a state root and its kin. */
static void blend(struct td_hash *out, const struct td_hash *a, const struct td_hash *b,
                  uint64_t label)
{
    uint64_t x[4], y[4];
    memcpy(x, a->b, 32);
    memcpy(y, b->b, 32);
    uint64_t state = label;
    for (uint32_t i = 0; i < 4; i++) {
        state ^= x[i];
        state = td_splitmix64(&state) ^ y[i];
    }
    for (uint32_t i = 0; i < 4; i++) {
        uint64_t v = td_splitmix64(&state);
        memcpy(out->b + 8u * i, &v, 8);
    }
}

static void execute_one(struct sim_chain *c, uint64_t height)
{
    struct sim_final *f = &c->final[height];
    const struct sim_final *before = &c->final[height - 1];
    const struct bft_header *h = &f->block->header;
    struct bft_executed *x = &f->exec;

    memset(x, 0, sizeof *x);
    x->result.height = height;
    x->result.block_hash = f->block->hash;
    blend(&x->result.state_commitment, &before->exec.result.state_commitment, &f->block->hash, 1);
    blend(&x->result.receipts_root, &f->block->hash, &h->payload_root, 2);
    blend(&x->result.messages_root, &f->block->hash, &h->payload_root, 3);
    blend(&x->result.da_commitment, &f->block->hash, &h->payload_root, 4);
    x->result.priority_hash = h->origin.priority_hash;
    x->result.gas_used = (uint64_t)h->tx_count * GAS_PER_TX;
    bool fresh = height == 1 || before->block->header.end_batch;
    x->batch_native = (fresh ? 0 : before->exec.batch_native) + 1000u + 700u * h->tx_count;
    x->batch_bytes = (fresh ? 0 : before->exec.batch_bytes) + 64u + h->payload_bytes;
    if (h->end_batch)
        blend(&x->batch_hash, &x->result.state_commitment, &f->block->hash, 5);
    bft_result_digest(&f->digest, &x->result);
    f->executed = true;
}

const struct sim_final *sim_chain_execute(struct sim_chain *c, uint64_t height)
{
    TD_ASSERT(height >= 1);
    TD_ASSERT(height <= c->final_height);
    uint64_t from = height;
    while (from > 1 && !c->final[from - 1].executed)
        from--;
    for (uint64_t h = from; h <= height; h++)
        if (!c->final[h].executed)
            execute_one(c, h);
    return &c->final[height];
}

void sim_l1_origin(const struct sim_chain *c, uint64_t number, struct bft_origin *out)
{
    struct td_hash salt = {{0}}, count = {{0}};
    memcpy(salt.b, &c->l1_salt, sizeof c->l1_salt);
    memcpy(count.b, &number, sizeof number);
    memset(out, 0, sizeof *out);
    out->number = number;
    out->deposit_count = (number - SIM_L1_START) * 2u;
    blend(&out->hash, &salt, &count, 6);
    blend(&out->priority_hash, &salt, &count, 7);
    uint64_t index = (number - SIM_L1_START) / SIM_L1_SET_BLOCKS;
    out->registry_set_hash = c->l1_set_hash[index % c->l1_sets];
}
