#include "base/core/assert.h"
#include "executor/chips.h"
#include "executor/tree/empty.h"
#include "executor/tree/tree_internal.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "limbs are cut from words in memory");

#define LIMB_BITS 30u
#define LIMB_MASK ((1u << LIMB_BITS) - 1u)
#define ADDR_LIMBS 6u
#define WORD_LIMBS 9u
#define RECORD_LIMBS 30u
/* Element 0 of a code: this bit apart from its length, so that no account record equals a code. */
#define CODE_MARK (1u << LIMB_BITS)
/* Code is packed by the chunk: 15 words of it are exactly 16 limbs. */
#define CHUNK_WORDS 15u
#define CHUNK_LIMBS 16u

const struct td_p2_digest EXEC_EMPTY_CODE_DIGEST = {{{0x483B6F15},
                                                     {0x74E9009A},
                                                     {0x46F90196},
                                                     {0x2741B0AF},
                                                     {0x0AD40D70},
                                                     {0x0717EA03},
                                                     {0x21B0BCD2},
                                                     {0x4BEEE352},
                                                     {0x770E0AAA}}};

/* Limb i of `words` words of a little-endian bit stream; unrolled, all shifts are constants. */
static inline __attribute__((always_inline)) void pack(struct td_kb *out, unsigned limbs,
                                                       const uint32_t *w, unsigned words)
{
#pragma GCC unroll 32
    for (unsigned i = 0; i < limbs; i++) {
        unsigned at = LIMB_BITS * i / 32u, shift = LIMB_BITS * i % 32u;
        uint32_t x = w[at] >> shift;
        if (shift > 32u - LIMB_BITS && at + 1u < words)
            x |= w[at + 1u] << (32u - shift);
        out[i].v = x & LIMB_MASK;
    }
}

static void pack_u256(struct td_kb *out, const struct exec_u256 *v)
{
    uint32_t w[8];
    memcpy(w, TD_WORDS_OF(v->w), sizeof w);
    pack(out, WORD_LIMBS, w, 8);
}

static void pack_bytes32(struct td_kb *out, const struct td_hash *h)
{
    uint32_t w[8];
    memcpy(w, TD_WORDS_OF(h->b), sizeof w);
    pack(out, WORD_LIMBS, w, 8);
}

/* ---- hashing through the chip; natively the same in C */

static void sponge_begin(struct td_kb s[TD_P2_WIDTH], enum td_p2_tag tag, uint32_t length)
{
    memset(TD_WORDS_OF(s), 0, TD_P2_WIDTH / 2u * sizeof *s); /* halves: stores and no call */
    memset(TD_WORDS_OF(s + TD_P2_WIDTH / 2u), 0, TD_P2_WIDTH / 2u * sizeof *s);
    s[TD_P2_RATE].v = (uint32_t)tag;
    s[TD_P2_RATE + 1u].v = length;
}

void exec_hash_flush(struct exec_hash_queue *q)
{
    uint32_t longer = 0;
    if (q->count > 0)
        q->hasher->permute(q->states, q->count);
    for (uint32_t i = 0; i < q->count; i++) {
        if (!q->two[i]) {
            memcpy(q->out[i]->e, q->states[i], sizeof q->out[i]->e);
            continue;
        }
        /* Those that go on move to the front, longer <= i. */
        memmove(q->states[longer], q->states[i], sizeof q->states[i]);
        memcpy(q->states[longer], q->rest[i], sizeof q->rest[i]);
        q->out[longer++] = q->out[i];
    }
    if (longer > 0)
        q->hasher->permute(q->states, longer);
    for (uint32_t i = 0; i < longer; i++)
        memcpy(q->out[i]->e, q->states[i], sizeof q->out[i]->e);
    q->count = 0;
}

#if __STDC_HOSTED__ /* the guest has no queue */
static void enqueue(struct exec_hash_queue *q, struct td_p2_digest *out, enum td_p2_tag tag,
                    const struct td_kb *data, uint32_t count)
{
    TD_ASSERT(count <= 2u * TD_P2_RATE);
    if (q->count == EXEC_HASH_QUEUE_MAX)
        exec_hash_flush(q);
    uint32_t at = q->count++;
    uint32_t first = count < TD_P2_RATE ? count : TD_P2_RATE;
    sponge_begin(q->states[at], tag, count);
    memcpy(q->states[at], data, first * sizeof *data);
    q->out[at] = out;
    q->two[at] = count > TD_P2_RATE;
    if (!q->two[at])
        return;
    memset(q->rest[at], 0, sizeof q->rest[at]);
    memcpy(q->rest[at], data + first, (count - first) * sizeof *data);
}
#endif

static void sponge_hash(struct exec_hash_queue *q, struct td_p2_digest *out, enum td_p2_tag tag,
                        const struct td_kb *data, uint32_t count)
{
    struct td_kb s[TD_P2_WIDTH];
#if __STDC_HOSTED__
    if (q != NULL) {
        enqueue(q, out, tag, data, count);
        return;
    }
#else
    (void)q;
#endif
    sponge_begin(s, tag, count);
    td_chip_p2_absorb(s, data, count);
    memcpy(TD_WORDS_OF(out->e), s, sizeof out->e);
}

void exec_key_account_by(struct exec_hash_queue *q, struct td_p2_digest *out,
                         const struct td_addr *addr)
{
    struct td_kb in[ADDR_LIMBS];
    uint32_t w[5];
    memcpy(w, TD_WORDS_OF(addr->b), sizeof w);
    pack(in, ADDR_LIMBS, w, 5);
    sponge_hash(q, out, TD_P2_KEY, in, ADDR_LIMBS);
}

void exec_key_account(struct td_p2_digest *out, const struct td_addr *addr)
{
    exec_key_account_by(NULL, out, addr);
}

void exec_key_slot_by(struct exec_hash_queue *q, struct td_p2_digest *out,
                      const struct td_addr *addr, const struct exec_u256 *slot)
{
    struct td_kb in[ADDR_LIMBS + WORD_LIMBS];
    uint32_t w[5];
    memcpy(w, TD_WORDS_OF(addr->b), sizeof w);
    pack(in, ADDR_LIMBS, w, 5);
    pack_u256(in + ADDR_LIMBS, slot);
    sponge_hash(q, out, TD_P2_KEY, in, ADDR_LIMBS + WORD_LIMBS);
}

void exec_key_slot(struct td_p2_digest *out, const struct td_addr *addr,
                   const struct exec_u256 *slot)
{
    exec_key_slot_by(NULL, out, addr, slot);
}

void exec_slot_value(struct td_p2_digest *out, const struct exec_u256 *value)
{
    pack_u256(out->e, value);
}

void exec_code_digest(struct td_p2_digest *out, struct td_bytes code)
{
    TD_ASSERT(code.len <= EXEC_TREE_CODE_BYTES_MAX);
    uint32_t bytes = (uint32_t)code.len;
    uint32_t words = (bytes + 3u) / 4u;
    uint32_t limbs =
        0; /* ceil(8 * bytes / 30) without dividing: 16 a chunk, the rest by counting */
    for (uint32_t left = bytes * 8u; left > 0; left -= left < LIMB_BITS ? left : LIMB_BITS)
        limbs++;
    struct td_kb s[TD_P2_WIDTH], buf[TD_P2_RATE + CHUNK_LIMBS];
    sponge_begin(s, TD_P2_RECORD, limbs + 1u);
    buf[0].v = CODE_MARK | bytes;
    uint32_t fill = 1;
    for (uint32_t at = 0; at < words; at += CHUNK_WORDS) {
        uint32_t w[CHUNK_WORDS] = {0};
        uint32_t len = bytes - 4u * at < sizeof w ? bytes - 4u * at : (uint32_t)sizeof w;
        uint32_t n = limbs < CHUNK_LIMBS ? limbs : CHUNK_LIMBS;
        memcpy(w, code.ptr + 4u * at, len);
        pack(buf + fill, CHUNK_LIMBS, w, CHUNK_WORDS);
        fill += n;
        limbs -= n;
        while (fill > TD_P2_RATE) {
            td_chip_p2_absorb(s, buf, TD_P2_RATE);
            fill -= TD_P2_RATE;
            memmove(buf, buf + TD_P2_RATE, fill * sizeof buf[0]);
        }
    }
    td_chip_p2_absorb(s, buf, fill);
    memcpy(TD_WORDS_OF(out->e), s, sizeof out->e);
}

enum td_error exec_account_value_by(struct exec_hash_queue *q, struct td_p2_digest *out,
                                    const struct exec_account *account,
                                    const struct td_p2_digest *code_digest)
{
    struct td_kb in[RECORD_LIMBS];
    if (account->code_bytes > EXEC_TREE_CODE_BYTES_MAX) {
        memset(out, 0, sizeof *out);
        return TD_E_RANGE;
    }
    uint32_t lo = (uint32_t)account->nonce, hi = (uint32_t)(account->nonce >> 32);
    in[0].v = lo & LIMB_MASK;
    in[1].v = (lo >> LIMB_BITS | hi << 2) & LIMB_MASK;
    in[2].v = hi >> 28 | (account->da_off ? 1u << 4 : 0u) | account->code_bytes << 5;
    pack_u256(in + 3, &account->balance);
    pack_bytes32(in + 12, &account->code_hash);
    memcpy(in + 21, code_digest->e, sizeof code_digest->e);
    sponge_hash(q, out, TD_P2_RECORD, in, RECORD_LIMBS);
    return TD_OK;
}

enum td_error exec_account_value(struct td_p2_digest *out, const struct exec_account *account,
                                 const struct td_p2_digest *code_digest)
{
    return exec_account_value_by(NULL, out, account, code_digest);
}

int exec_key_cmp(const struct td_p2_digest *a, const struct td_p2_digest *b)
{
#pragma GCC unroll 9
    for (unsigned i = 0; i < TD_P2_DIGEST; i++) {
        if (a->e[i].v != b->e[i].v)
            return a->e[i].v < b->e[i].v ? -1 : 1;
    }
    return 0;
}

/* ---- leaves and what is empty */

_Static_assert(sizeof(struct exec_tree_leaf) == EXEC_TREE_LEAF_ELEMENTS * sizeof(struct td_kb),
               "a leaf is hashed as it lies");
_Static_assert(sizeof(struct exec_tree_place) == 28u * sizeof(uint32_t), "witness form");

void exec_tree_leaf_hash_by(struct exec_hash_queue *q, struct td_p2_digest *out,
                            const struct exec_tree_leaf *leaf)
{
    sponge_hash(q, out, TD_P2_STATE_LEAF, leaf_elements(leaf), EXEC_TREE_LEAF_ELEMENTS);
}

void exec_tree_leaf_hash(struct td_p2_digest *out, const struct exec_tree_leaf *leaf)
{
    exec_tree_leaf_hash_by(NULL, out, leaf);
}

const struct td_p2_digest *exec_tree_empty(uint32_t level)
{
    TD_ASSERT(level <= EXEC_TREE_DEPTH);
    return &EMPTY_SUBTREES[level];
}

void exec_tree_sentinel(struct exec_tree_leaf *out)
{
    memset(out, 0, sizeof *out);
    for (unsigned i = 0; i < TD_P2_DIGEST; i++)
        out->next.e[i].v = TD_KB_P - 1u;
}

void exec_tree_init(struct exec_tree_head *out)
{
    struct exec_tree_leaf sentinel;
    exec_tree_sentinel(&sentinel);
    exec_tree_leaf_hash(&out->root, &sentinel);
    td_chip_p2_path(out->root.e, digest_elements(EMPTY_SUBTREES), 0, EXEC_TREE_DEPTH);
    out->leaf_count = 1;
}
