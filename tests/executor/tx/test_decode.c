/* executor/tx: decoding and encoding.
 * Method: the example of EIP-155; one sample of each type built field by field, read back, cut at
 * every byte, extended and bent in one place at a time; random damage, where whatever is accepted
 * encodes to the same bytes.  The public suites are in tests/executor/vectors. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/core/hex.h"
#include "base/core/keccak.h"
#include "base/core/rlp.h"
#include "base/core/rng.h"
#include "executor/tx.h"

#define BYTES_MAX 4096u
#define ARENA_BYTES (1u << 16)

static uint8_t MEM[ARENA_BYTES];

static enum exec_tx_verdict decode(struct exec_tx *tx, struct td_bytes bytes, uint64_t chain_id)
{
    struct td_arena arena;
    size_t room = EXEC_TX_ARENA_BYTES(bytes.len);
    td_arena_init(&arena, MEM, room < sizeof MEM ? room : sizeof MEM);
    return exec_tx_decode(tx, &arena, bytes, chain_id);
}

static struct td_bytes encode(uint8_t buf[BYTES_MAX], const struct exec_tx *tx)
{
    struct td_writer w;
    td_writer_init(&w, buf, BYTES_MAX);
    exec_tx_encode(&w, tx);
    cr_assert_eq(w.err, TD_OK);
    return td_bytes_of(buf, w.len);
}

/* ---- samples */

static const struct exec_u256 SLOTS[2] = {{{1, 0, 0, 0}}, {{0, 0, 0, 1ull << 63}}};
static const struct exec_access ACCESS[2] = {{.addr = {{0xaa}}, .slot_count = 2, .slots = SLOTS},
                                             {.addr = {{0xbb}}, .slot_count = 0}};
static struct exec_authorization AUTH[2] = {
    {.chain_id = {{1}}, .addr = {{0xcc}}, .nonce = 7, .y_parity = {{1}}, .r = {{5}}, .s = {{6}}},
    {.chain_id = {{0, 0, 0, 1}},
     .nonce = UINT64_MAX,
     .y_parity = {{255}},
     .r = {{~0ull, ~0ull, ~0ull, ~0ull}},
     .s = {{0}}}};

static struct exec_tx sample(uint8_t type)
{
    struct exec_tx tx = {.type = type,
                         .has_chain_id = true,
                         .chain_id = 1,
                         .nonce = 0x1234,
                         .gas_limit = 200000,
                         .fee_cap = {{100}},
                         .tip_cap = {{type >= 2 ? 3 : 100}},
                         .to = {{0x11, 0x22}},
                         .value = {{0, 1}},
                         .data = td_bytes_of("hello", 5),
                         .y_parity = 1,
                         .r = {{0xdead}},
                         .s = {{0xbeef}}};
    if (type != 0) {
        tx.access = ACCESS;
        tx.access_count = 2;
    }
    if (type == 4) {
        tx.auth = AUTH;
        tx.auth_count = 2;
    }
    return tx;
}

static const uint8_t TYPES[] = {0, 1, 2, 4};

/* What its signer signed, composed here item by item. */
static void signing_hash(struct td_hash *out, const struct exec_tx *tx)
{
    uint8_t buf[BYTES_MAX];
    struct exec_tx bare = *tx;
    struct td_rlp_reader outer, r;
    struct td_writer w;
    struct td_bytes whole = encode(buf, &bare);
    size_t skip = tx->type != 0;
    uint8_t again[BYTES_MAX];
    uint32_t items = 0;
    td_rlp_reader_init(&outer, td_bytes_of(whole.ptr + skip, whole.len - skip));
    td_rlp_get_list(&outer, &r);
    struct td_rlp_reader count = r;
    for (; td_rlp_reader_more(&count); items++)
        (void)td_rlp_get_item(&count);
    td_writer_init(&w, again, sizeof again);
    if (tx->type != 0)
        td_put_u8(&w, tx->type);
    size_t list = td_rlp_list_begin(&w);
    for (uint32_t i = 0; i + 3 < items; i++) {
        struct td_rlp_item item = td_rlp_get_item(&r);
        td_put_bytes(&w, item.whole.ptr, item.whole.len);
    }
    if (tx->type == 0 && tx->has_chain_id) {
        td_rlp_put_u64(&w, tx->chain_id);
        td_rlp_put_u64(&w, 0);
        td_rlp_put_u64(&w, 0);
    }
    td_rlp_list_end(&w, list);
    cr_assert_eq(w.err, TD_OK);
    td_keccak256(out, again, w.len);
}

static void expect_same(const struct exec_tx *a, const struct exec_tx *b)
{
    cr_expect_eq(a->type, b->type);
    cr_expect_eq(a->is_create, b->is_create);
    cr_expect_eq(a->has_chain_id, b->has_chain_id);
    cr_expect_eq(a->chain_id, b->chain_id);
    cr_expect_eq(a->nonce, b->nonce);
    cr_expect_eq(a->gas_limit, b->gas_limit);
    cr_expect(exec_u256_eq(&a->fee_cap, &b->fee_cap));
    cr_expect(exec_u256_eq(&a->tip_cap, &b->tip_cap));
    cr_expect(td_addr_eq(&a->to, &b->to));
    cr_expect(exec_u256_eq(&a->value, &b->value));
    cr_expect(td_bytes_eq(a->data, b->data));
    cr_expect_eq(a->y_parity, b->y_parity);
    cr_expect(exec_u256_eq(&a->r, &b->r) && exec_u256_eq(&a->s, &b->s));
    cr_assert_eq(a->access_count, b->access_count);
    for (uint32_t i = 0; i < a->access_count; i++) {
        cr_expect(td_addr_eq(&a->access[i].addr, &b->access[i].addr));
        cr_assert_eq(a->access[i].slot_count, b->access[i].slot_count);
        for (uint32_t k = 0; k < a->access[i].slot_count; k++)
            cr_expect(exec_u256_eq(&a->access[i].slots[k], &b->access[i].slots[k]));
    }
    cr_assert_eq(a->auth_count, b->auth_count);
    for (uint32_t i = 0; i < a->auth_count; i++) {
        const struct exec_authorization *x = &a->auth[i], *y = &b->auth[i];
        cr_expect(exec_u256_eq(&x->chain_id, &y->chain_id) && td_addr_eq(&x->addr, &y->addr) &&
                  x->nonce == y->nonce && exec_u256_eq(&x->y_parity, &y->y_parity) &&
                  exec_u256_eq(&x->r, &y->r) && exec_u256_eq(&x->s, &y->s));
    }
}

/* ---- tests */

Test(executor_tx_decode, example_of_eip155)
{
    static const char HEX[] =
        "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a7640000"
        "8025a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f"
        "761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83";
    static const char SIGNED[] = "daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53";
    static const char SENDER[] = "9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f";
    uint8_t raw[200], want[32], buf[BYTES_MAX];
    size_t len, n;
    struct exec_tx tx;
    cr_assert_eq(td_hex_decode(raw, sizeof raw, &len, TD_HEX_BARE, HEX, sizeof HEX - 1), TD_OK);
    cr_assert_eq(decode(&tx, td_bytes_of(raw, len), 1), EXEC_TX_OK);
    cr_assert_eq(td_hex_decode(want, 32, &n, TD_HEX_BARE, SIGNED, 64), TD_OK);
    cr_expect_arr_eq(tx.signing_hash.b, want, 32);
    cr_expect_eq(tx.nonce, 9);
    cr_expect_eq(tx.gas_limit, 21000);
    cr_expect_eq(tx.value.w[0], 1000000000000000000u);
    cr_expect_eq(tx.chain_id, 1);
    cr_assert_eq(exec_tx_recover(&tx), EXEC_TX_OK);
    cr_assert_eq(td_hex_decode(want, 32, &n, TD_HEX_BARE, SENDER, 40), TD_OK);
    cr_expect_arr_eq(tx.sender.b, want, 20);
    cr_expect(td_bytes_eq(encode(buf, &tx), td_bytes_of(raw, len)));
}

Test(executor_tx_decode, every_type_reads_back)
{
    uint8_t buf[BYTES_MAX], again[BYTES_MAX];
    for (size_t i = 0; i < sizeof TYPES; i++) {
        for (uint32_t variant = 0; variant < 3; variant++) {
            struct exec_tx tx = sample(TYPES[i]), back;
            struct td_hash h;
            tx.is_create = variant == 1 && tx.type != 4;
            if (tx.is_create)
                tx.to = (struct td_addr){{0}};
            if (variant == 2 && tx.type == 0) {
                tx.has_chain_id = false;
                tx.chain_id = 0;
            }
            struct td_bytes bytes = encode(buf, &tx);
            cr_assert_eq(decode(&back, bytes, 1), EXEC_TX_OK, "type %u", tx.type);
            expect_same(&tx, &back);
            td_keccak256(&h, bytes.ptr, bytes.len);
            cr_expect(td_hash_eq(&h, &back.hash));
            signing_hash(&h, &tx);
            cr_expect(td_hash_eq(&h, &back.signing_hash), "type %u", tx.type);
            cr_expect(td_bytes_eq(encode(again, &back), bytes));
        }
    }
}

Test(executor_tx_decode, every_cut_and_extension_is_refused)
{
    uint8_t buf[BYTES_MAX];
    struct exec_tx back;
    for (size_t i = 0; i < sizeof TYPES; i++) {
        struct exec_tx tx = sample(TYPES[i]);
        struct td_bytes bytes = encode(buf, &tx);
        for (size_t n = 0; n < bytes.len; n++)
            cr_expect_eq(decode(&back, td_bytes_of(buf, n), 1), EXEC_TX_MALFORMED, "type %u, %zu",
                         TYPES[i], n);
        buf[bytes.len] = 0x80;
        cr_expect_eq(decode(&back, td_bytes_of(buf, bytes.len + 1), 1), EXEC_TX_MALFORMED);
    }
}

Test(executor_tx_decode, first_bytes)
{
    struct exec_tx tx;
    for (uint32_t b = 0; b < 0xc0; b++) {
        uint8_t bytes[2] = {(uint8_t)b, 0xc0};
        bool known = b == 1 || b == 2 || b == 4;
        enum exec_tx_verdict want = known || b >= 0x80 ? EXEC_TX_MALFORMED : EXEC_TX_TYPE;
        cr_expect_eq(decode(&tx, td_bytes_of(bytes, 2), 1), want, "%02x", b);
    }
    cr_expect_eq(decode(&tx, td_bytes_of(NULL, 0), 1), EXEC_TX_MALFORMED);
}

Test(executor_tx_decode, signature_ranges)
{
    static const struct exec_u256 N = {
        {0xbfd25e8cd0364141u, 0xbaaedce6af48a03bu, 0xfffffffffffffffeu, ~0ull}};
    static const struct exec_u256 HALF = {
        {0xdfe92f46681b20a0u, 0x5d576e7357a4501du, ~0ull, 0x7fffffffffffffffu}};
    struct exec_u256 one = exec_u256_of(1), top, above;
    exec_u256_sub(&top, &N, &one);
    exec_u256_add(&above, &HALF, &one);
    const struct {
        struct exec_u256 r, s;
        uint8_t parity;
        bool ok;
    } cases[] = {{one, one, 0, true},
                 {top, HALF, 1, true},
                 {N, one, 0, false},
                 {one, above, 0, false},
                 {exec_u256_of(0), one, 0, false},
                 {one, exec_u256_of(0), 0, false},
                 {one, N, 0, false},
                 {one, one, 2, false}};
    uint8_t buf[BYTES_MAX];
    for (size_t i = 0; i < sizeof TYPES; i++)
        for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
            struct exec_tx tx = sample(TYPES[i]), back;
            if (tx.type == 0 && cases[k].parity > 1)
                continue; /* v has another parity then */
            tx.r = cases[k].r;
            tx.s = cases[k].s;
            tx.y_parity = cases[k].parity;
            cr_expect_eq(decode(&back, encode(buf, &tx), 1),
                         cases[k].ok ? EXEC_TX_OK : EXEC_TX_BAD_SIGNATURE, "type %u case %zu",
                         TYPES[i], k);
        }
}

/* The sample's v is one byte long, third item from the end: r and s take three bytes each. */
Test(executor_tx_decode, legacy_v)
{
    uint8_t buf[BYTES_MAX];
    struct exec_tx tx = sample(0), back;
    struct td_bytes bytes = encode(buf, &tx);
    size_t at = bytes.len - 7;
    cr_assert_eq(buf[at], 38);
    for (uint32_t v = 1; v < 0x80; v++) {
        buf[at] = (uint8_t)v;
        enum exec_tx_verdict got = decode(&back, bytes, 1);
        if (v == 27 || v == 28 || v == 37 || v == 38)
            cr_expect_eq(got, EXEC_TX_OK, "%u", v);
        else
            cr_expect_eq(got, v < 35 ? EXEC_TX_BAD_SIGNATURE : EXEC_TX_CHAIN_ID, "%u", v);
        if (v >= 35) {
            cr_expect_eq(decode(&back, bytes, 0), EXEC_TX_OK);
            cr_expect_eq(back.chain_id, (v - 35) / 2);
            cr_expect_eq(back.y_parity, (v - 35) % 2);
        }
    }
    tx.chain_id = UINT64_MAX; /* v needs 65 bits: no chain id here does */
    cr_expect_eq(decode(&back, encode(buf, &tx), 0), EXEC_TX_BAD_SIGNATURE);
    tx.chain_id = (UINT64_MAX - 36) / 2;
    cr_expect_eq(decode(&back, encode(buf, &tx), 0), EXEC_TX_OK);
    cr_expect_eq(back.chain_id, tx.chain_id);
}

Test(executor_tx_decode, chain_id_must_be_ours)
{
    uint8_t buf[BYTES_MAX];
    struct exec_tx back;
    for (size_t i = 0; i < sizeof TYPES; i++) {
        struct exec_tx tx = sample(TYPES[i]);
        cr_expect_eq(decode(&back, encode(buf, &tx), 2), EXEC_TX_CHAIN_ID);
        cr_expect_eq(decode(&back, encode(buf, &tx), 0), EXEC_TX_OK);
    }
}

Test(executor_tx_decode, authorization_parity_has_eight_bits)
{
    uint8_t buf[BYTES_MAX];
    struct exec_authorization auth = {.y_parity = {{255}}};
    struct exec_tx tx = sample(4), back;
    tx.auth = &auth;
    tx.auth_count = 1;
    cr_expect_eq(decode(&back, encode(buf, &tx), 1), EXEC_TX_OK);
    auth.y_parity = exec_u256_of(256);
    cr_expect_eq(decode(&back, encode(buf, &tx), 1), EXEC_TX_MALFORMED);
    auth.y_parity = (struct exec_u256){{0, 1}};
    cr_expect_eq(decode(&back, encode(buf, &tx), 1), EXEC_TX_MALFORMED);
}

struct asked {
    struct exec_signature x[8];
    uint32_t count;
};

static bool note_asked(void *self, uint8_t out_xy[64], const struct td_hash *digest,
                       const uint8_t r[32], const uint8_t s[32], uint32_t parity)
{
    struct asked *a = self;
    struct exec_signature *x = &a->x[a->count++];
    memset(out_xy, 0, 64);
    *x = (struct exec_signature){.digest = *digest, .parity = parity};
    memcpy(x->r, r, 32);
    memcpy(x->s, s, 32);
    return true;
}

/* What a batch is told to recover is what the run will ask, in that order: authorizations that are
 * skipped by their numbers alone are in neither. */
Test(executor_tx_decode, signatures_are_listed_as_they_will_be_asked)
{
    struct exec_u256 one = exec_u256_of(1), zero = exec_u256_of(0), high = {{0, 0, 0, 1ull << 63}};
    struct exec_authorization auth[] = {
        {.nonce = 1, .y_parity = one, .r = one, .s = one},
        {.nonce = UINT64_MAX, .y_parity = one, .r = one, .s = one}, /* never applies */
        {.nonce = 2, .y_parity = exec_u256_of(2), .r = one, .s = one},
        {.nonce = 3, .y_parity = zero, .r = zero, .s = one},
        {.nonce = 4, .y_parity = zero, .r = one, .s = high},
        {.nonce = 5, .y_parity = zero, .r = one, .s = one},
    };
    struct exec_tx tx = sample(4), tx_deposit = {.type = EXEC_TX_DEPOSIT};
    struct exec_signature list[4];
    struct asked asked = {.count = 0};
    const struct exec_recoverer by = {&asked, note_asked};
    tx.auth = auth;
    tx.auth_count = 6;
    cr_assert_eq(exec_tx_recover_by(&tx, &by), EXEC_TX_OK);
    cr_assert_eq(asked.count, 3);
    cr_assert_eq(exec_tx_signatures(list, 4, &tx), 3);
    cr_expect_arr_eq(list, asked.x, 3 * sizeof list[0]);
    memset(list, 0, sizeof list);
    cr_expect_eq(exec_tx_signatures(list, 1, &tx), 3, "told how many there are");
    cr_expect_arr_eq(list, asked.x, sizeof list[0]);
    cr_expect_eq(list[1].r[31], 0, "and no more was written");
    cr_expect_eq(exec_tx_signatures(list, 4, &tx_deposit), 0);
}

/* The signing hash of an authorization: 0x05 and a list of three. */
Test(executor_tx_decode, authorization_hash)
{
    uint8_t buf[100];
    struct td_writer w;
    struct td_hash want, got;
    td_writer_init(&w, buf, sizeof buf);
    td_put_u8(&w, 5);
    size_t list = td_rlp_list_begin(&w);
    td_rlp_put_u64(&w, 1);
    td_rlp_put_bytes(&w, AUTH[0].addr.b, 20);
    td_rlp_put_u64(&w, 7);
    td_rlp_list_end(&w, list);
    td_keccak256(&want, buf, w.len);
    exec_authorization_hash(&got, &AUTH[0]);
    cr_expect(td_hash_eq(&want, &got));
}

/* Damage: nothing crashes, and what is accepted is the canonical encoding of what was read. */
Test(executor_tx_decode, accepted_bytes_are_canonical)
{
    struct td_rng r;
    uint8_t buf[BYTES_MAX], again[BYTES_MAX];
    uint32_t accepted = 0;
    td_rng_init(&r, 1);
    for (uint32_t k = 0; k < 60000; k++) {
        struct exec_tx tx = sample(TYPES[k % 4]), back;
        struct td_bytes bytes = encode(buf, &tx);
        for (uint64_t n = 1 + td_rng_below(&r, 3); n > 0; n--)
            buf[td_rng_below(&r, bytes.len)] = (uint8_t)td_rng_u64(&r);
        if (decode(&back, bytes, 0) != EXEC_TX_OK)
            continue;
        accepted++;
        cr_assert(td_bytes_eq(encode(again, &back), bytes));
    }
    cr_expect_gt(accepted, 1000);
}

Test(executor_tx_decode, a_small_arena_is_refused)
{
    uint8_t buf[BYTES_MAX];
    struct exec_tx tx = sample(4), back;
    struct td_bytes bytes = encode(buf, &tx);
    struct td_arena arena;
    bool fitted = false;
    for (size_t n = 0; n <= EXEC_TX_ARENA_BYTES(bytes.len); n++) {
        td_arena_init(&arena, MEM, n);
        enum exec_tx_verdict v = exec_tx_decode(&back, &arena, bytes, 1);
        cr_assert(v == EXEC_TX_OK || (v == EXEC_TX_MALFORMED && !fitted));
        fitted = v == EXEC_TX_OK;
    }
    cr_expect(fitted);
}
