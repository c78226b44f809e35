#include "tests/executor/block/random.h"

#include "base/core/assert.h"

/* Contracts at 0x..c000 + index. */
static const struct program {
    uint8_t code[64];
    uint32_t bytes;
} PROGRAMS[] = {
    /* slot[calldata] += 1 */
    {{0x5f, 0x35, 0x80, 0x54, 0x60, 0x01, 0x01, 0x90, 0x55, 0x00}, 10},
    /* slot[calldata] = 0 */
    {{0x5f, 0x5f, 0x35, 0x55, 0x00}, 5},
    /* slot[keccak(calldata)] = number, timestamp, prevrandao hashed; logs it */
    {{0x36, 0x5f, 0x5f, 0x37, 0x36, 0x5f, 0x20, 0x43, 0x42, 0x18, 0x44, 0x18, 0x90, 0x55, 0x36,
      0x5f, 0xa0, 0x00},
     18},
    /* slot[1] = 7, then revert with calldata */
    {{0x60, 0x07, 0x60, 0x01, 0x55, 0x36, 0x5f, 0x5f, 0x37, 0x36, 0x5f, 0xfd}, 12},
    /* call the address in calldata with half the value; slot[2] = success */
    {{0x5f, 0x5f, 0x5f, 0x5f, 0x60, 0x02, 0x34, 0x04, 0x5f, 0x35, 0x5a, 0xf1, 0x60, 0x02, 0x55,
      0x00},
     16},
    /* create a child whose code is 0x33ff (selfdestruct to caller), call it; slot[3] = child */
    {{0x66, 0x61, 0x33, 0xff, 0x5f, 0x52, 0x60, 0x02, 0x5f, 0x52, 0x60, 0x07, 0x60, 0x19, 0x34,
      0xf0, 0x80, 0x60, 0x03, 0x55, 0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x94, 0x5a, 0xf1, 0x00},
     29},
    /* selfdestruct to the address in calldata */
    {{0x5f, 0x35, 0xff}, 3},
    /* staticcall precompile calldata[0] with the rest; slot[4] = success, slot[5] = first word */
    {{0x36, 0x5f, 0x5f, 0x37, 0x60, 0x20, 0x61, 0x04, 0x00, 0x60, 0x20, 0x36, 0x03, 0x60, 0x20,
      0x5f, 0x35, 0x5a, 0xfa, 0x60, 0x04, 0x55, 0x61, 0x04, 0x00, 0x51, 0x60, 0x05, 0x55, 0x00},
     30},
    /* blockhash of the parent and of calldata into slots 6 and 7 */
    {{0x60, 0x01, 0x43, 0x03, 0x40, 0x60, 0x06, 0x55, 0x5f, 0x35, 0x40, 0x60, 0x07, 0x55, 0x00},
     15},
    /* transient: t[0] += calldata; slot[8] = t[0] */
    {{0x5f, 0x5c, 0x5f, 0x35, 0x01, 0x80, 0x5f, 0x5d, 0x60, 0x08, 0x55, 0x00}, 12},
    /* an endless loop */
    {{0x5b, 0x5f, 0x56}, 3},
};
#define PROGRAM_COUNT (sizeof PROGRAMS / sizeof PROGRAMS[0])
#define RANDOM_PROGRAMS 8u

static struct td_addr contract(uint32_t i)
{
    struct td_addr a = {{[18] = 0xc0}};
    a.b[19] = (uint8_t)i;
    return a;
}

static uint32_t below(struct random_blocks *r, uint32_t n)
{
    return (uint32_t)td_rng_below(&r->rng, n);
}

static void fill(struct random_blocks *r, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)td_rng_u64(&r->rng);
}

/* Mostly opcodes that keep a program going. */
static size_t random_program(struct random_blocks *r, uint8_t *out)
{
    static const uint8_t usual[] = {0x5f, 0x60, 0x01, 0x02, 0x03, 0x04, 0x06, 0x0a, 0x14, 0x16,
                                    0x1b, 0x20, 0x30, 0x31, 0x33, 0x35, 0x3b, 0x47, 0x51, 0x52,
                                    0x54, 0x55, 0x59, 0x5a, 0x80, 0x81, 0x90, 0x91, 0x5c, 0x5d};
    size_t n = 20u + below(r, 40);
    for (size_t i = 0; i < n; i++)
        out[i] = i < 6               ? 0x5f
                 : below(r, 16) == 0 ? (uint8_t)below(r, 256)
                                     : usual[below(r, sizeof usual)];
    return n;
}

void random_blocks_init(struct random_blocks *r, uint64_t seed)
{
    uint8_t code[64];
    *r = (struct random_blocks){.c = chain_new()};
    td_rng_init(&r->rng, seed);
    for (uint32_t i = 0; i < CHAIN_KEYS; i++)
        chain_put(r->c, &r->c->addr[i], 100000, td_bytes_of(NULL, 0));
    for (uint32_t i = 0; i < PROGRAM_COUNT + RANDOM_PROGRAMS; i++) {
        struct td_addr a = contract(i);
        size_t n = i < PROGRAM_COUNT ? PROGRAMS[i].bytes : random_program(r, code);
        const uint8_t *bytes = i < PROGRAM_COUNT ? PROGRAMS[i].code : code;
        chain_put(r->c, &a, i % 3u, td_bytes_of(bytes, n));
    }
    chain_genesis(r->c);
}

void random_blocks_free(struct random_blocks *r)
{
    chain_free(r->c);
}

static struct td_addr somewhere(struct random_blocks *r)
{
    struct td_addr a = {{0x77, [19] = 1}};
    switch (below(r, 8)) {
    case 0:
        return r->c->addr[below(r, CHAIN_KEYS)];
    case 1:
        a.b[18] = (uint8_t)below(r, 32); /* new accounts now and then */
        return a;
    case 2:
        a = (struct td_addr){{[19] = (uint8_t)below(r, 20)}}; /* precompiles */
        return a;
    case 3:
        a = (struct td_addr){{[18] = 0x80, [19] = (uint8_t)(1u + below(r, 3))}};
        return a;
    default:
        return contract(below(r, PROGRAM_COUNT + RANDOM_PROGRAMS));
    }
}

static struct td_bytes random_data(struct random_blocks *r, uint8_t out[160])
{
    static const size_t sizes[] = {0, 4, 32, 36, 64, 128, 160};
    size_t n = sizes[below(r, 7)];
    memset(out, 0, 160);
    if (below(r, 4) == 0) {
        fill(r, out, n);
    } else if (n >= 32) {
        struct td_addr a = somewhere(r);
        memcpy(out + 12, a.b, 20);
        if (below(r, 2) == 0)
            memset(out, 0, 31), out[31] = (uint8_t)below(r, 12);
        fill(r, out + 32, n > 64 ? 32 : n - 32);
    }
    return td_bytes_of(out, n);
}

static void authorize(struct random_blocks *r, struct exec_authorization *a)
{
    uint32_t who = below(r, CHAIN_KEYS);
    struct td_hash digest;
    struct td_sig sig;
    *a = (struct exec_authorization){.chain_id = exec_u256_of(below(r, 3) == 0 ? 0 : 4242),
                                     .addr = contract(below(r, 12)),
                                     .nonce = r->nonce[who] + below(r, 2)};
    exec_authorization_hash(&digest, a);
    enum td_error err = td_secp_sign(r->c->l.secp, &r->c->key[who], &digest, &sig);
    TD_ASSERT(err == TD_OK);
    a->y_parity = exec_u256_of(sig.b[32] >> 7);
    sig.b[32] &= 0x7f;
    exec_u256_from_be(&a->r, sig.b, 32);
    exec_u256_from_be(&a->s, sig.b + 32, 32);
}

static void random_tx(struct random_blocks *r, bool raw_inbox)
{
    static const uint8_t types[] = {2, 2, 0, 1, 4};
    uint8_t data[160];
    uint32_t from = below(r, CHAIN_KEYS);
    struct exec_tx tx = chain_tx(r->c, from, r->nonce[from]);
    struct exec_authorization auth[2];
    struct exec_u256 slots[2] = {exec_u256_of(1), exec_u256_of(below(r, 9))};
    struct exec_access access = {contract(below(r, 10)), 2, slots};
    tx.type = types[below(r, 5)];
    tx.to = somewhere(r);
    tx.is_create = tx.type != 4 && below(r, 10) == 0;
    tx.data = random_data(r, data);
    tx.value = exec_u256_of(below(r, 3) == 0 ? td_rng_u64(&r->rng) >> 20 : 0);
    tx.gas_limit = below(r, 6) == 0 ? 20000u + below(r, 40000) : 300000;
    if (tx.type <= 1)
        tx.tip_cap = tx.fee_cap;
    if (tx.type >= 1 && below(r, 3) == 0) {
        tx.access_count = 1;
        tx.access = &access;
    }
    if (tx.type == 4) {
        tx.auth_count = 1u + below(r, 2);
        tx.auth = auth;
        for (uint32_t i = 0; i < tx.auth_count; i++)
            authorize(r, &auth[i]);
    }
    if (below(r, 12) == 0)
        tx.nonce += 1u + below(r, 3);
    chain_sign(r->c, &tx, from);
    if (below(r, 20) == 0)
        tx.s.w[0] ^= 1u + below(r, 1000); /* another signer, or none */
    r->nonce[from]++;
    if (!raw_inbox) {
        chain_add(r->c, &tx);
        return;
    }
    struct exec_inbox_op op = {.index = r->inbox_next++,
                               .kind = EXEC_INBOX_RAW,
                               .sender = somewhere(r),
                               .value = exec_u256_of(below(r, 2) * (td_rng_u64(&r->rng) >> 10)),
                               .data = chain_tx_bytes(r->c, &tx)};
    chain_add_inbox(r->c, &op);
}

static void random_inbox(struct random_blocks *r)
{
    uint8_t data[160];
    if (below(r, 3) == 0) {
        random_tx(r, true);
        return;
    }
    struct exec_inbox_op op = {.index = r->inbox_next,
                               .gas_limit = 50000u + below(r, 200000),
                               .to = somewhere(r),
                               .value = exec_u256_of(td_rng_u64(&r->rng) >> 10),
                               .data = random_data(r, data)};
    op.sender.b[0] = (uint8_t)(1u + below(r, 4));
    if (below(r, 2) == 0) { /* delegated to the wrong contract a key loses everything: fund it */
        op.sender = op.to = r->c->addr[below(r, CHAIN_KEYS)];
        op.value = (struct exec_u256){{0, 1u << 12, 0, 0}};
    }
    if (below(r, 8) == 0)
        op.index += 1u + below(r, 2); /* not the next one */
    else
        r->inbox_next++;
    chain_add_inbox(r->c, &op);
}

void random_block(struct random_blocks *r)
{
    uint8_t junk[24];
    uint32_t inbox = below(r, 4) == 0 ? 1u + below(r, 2) : 0, txs = below(r, 5);
    for (uint32_t i = 0; i < CHAIN_KEYS; i++)
        r->nonce[i] = chain_nonce(r->c, i);
    r->inbox_next = r->c->l.cursor.inbox_index;
    for (uint32_t i = 0; i < inbox; i++)
        random_inbox(r);
    r->c->inbox_ready = r->inbox_next;
    for (uint32_t i = 0; i < txs; i++)
        random_tx(r, false);
    if (below(r, 10) == 0) {
        fill(r, junk, sizeof junk);
        chain_add_bytes(r->c, td_bytes_of(junk, sizeof junk));
    }
    chain_block(r->c, below(r, 7) == 0);
}
