/* Transactions: by type, by what they carry, and those that are skipped.  A skipped one costs its
 * sender nothing, so what it costs to judge it is paid by its bytes alone. */
#include <stdlib.h>

#include "base/core/assert.h"
#include "base/core/rlp.h"
#include "tests/executor/costs/cost.h"

static uint64_t nonce_of(struct chain *c, const struct td_addr *a)
{
    const struct exec_account *x = chain_account(c, a);
    return x == NULL ? 0 : x->nonce;
}

static struct exec_tx tx_of(struct chain *c, uint32_t i, uint64_t to)
{
    struct td_addr from = cost_sender(i);
    struct exec_tx tx = chain_tx(c, 0, nonce_of(c, &from));
    tx.to = world_addr(to);
    tx.value = exec_u256_of(12345);
    tx.gas_limit = 500000;
    return tx;
}

/* Bytes without a zero, or all zero. */
static const uint8_t *data_bytes(bool zero)
{
    static uint8_t bytes[2][64u << 10];
    if (bytes[1][0] == 0)
        memset(bytes[1], 0xd7, sizeof bytes[1]);
    return bytes[!zero];
}

/* ---- one of its kind, n times, each from a sender of its own */

static void many(struct chain *c, uint32_t n, uint8_t type, uint64_t to)
{
    for (uint32_t i = 0; i < n; i++) {
        struct exec_tx tx = tx_of(c, i, to + i + 1u);
        tx.type = type;
        cost_send(c, &tx, i);
    }
}

static void type_0(struct chain *c, uint32_t n)
{
    many(c, n, 0, COST_AT_EOA);
}
static void type_1(struct chain *c, uint32_t n)
{
    many(c, n, 1, COST_AT_EOA);
}
static void type_2(struct chain *c, uint32_t n)
{
    many(c, n, 2, COST_AT_EOA);
}
static void type_2_new(struct chain *c, uint32_t n)
{
    many(c, n, 2, COST_AT_ABSENT);
}
static void type_2_code(struct chain *c, uint32_t n)
{
    many(c, n, 2, COST_AT_CODE);
}
static void type_2_delegated(struct chain *c, uint32_t n)
{
    many(c, n, 2, COST_AT_DELEGATED);
}

static void creations(struct chain *c, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct exec_tx tx = tx_of(c, i, 0);
        tx.is_create = true;
        cost_send(c, &tx, i);
    }
}

/* ---- skipped */

static void nonce_low(struct chain *c, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) { /* of the fillers, nonce 0 would be right for senders */
        struct exec_tx tx = tx_of(c, i, 1);
        tx.nonce = 7;
        cost_send(c, &tx, i);
    }
}

static void poor(struct chain *c, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct exec_tx tx = tx_of(c, i, 1);
        tx.value = exec_u256_of(UINT64_MAX);
        cost_send(c, &tx, i);
    }
}

/* Signatures nobody made.  r = 5 is no x of the curve; r = 1 is, and some key has signed. */
static void forged(struct chain *c, uint32_t n, uint64_t r)
{
    for (uint32_t i = 0; i < n; i++) {
        struct exec_tx tx = tx_of(c, i, 1);
        tx.r = exec_u256_of(r);
        tx.s = exec_u256_of(12345u + i);
        chain_add(c, &tx);
    }
}
static void forged_no_point(struct chain *c, uint32_t n)
{
    forged(c, n, 5);
}
static void forged_stranger(struct chain *c, uint32_t n)
{
    forged(c, n, 1);
}

/* x of the generator, whose y is even: with s the digest itself, s R - z G is nothing. */
static const struct exec_u256 GX = {{UINT64_C(0x59f2815b16f81798), UINT64_C(0x029bfcdb2dce28d9),
                                     UINT64_C(0x55a06295ce870b07), UINT64_C(0x79be667ef9dcbbac)}};

static void forged_infinite(struct chain *c, uint32_t n)
{
    uint32_t made = 0;
    for (uint64_t nonce = 0; made < n; nonce++) {
        struct exec_tx tx = tx_of(c, 0, 1), seen;
        tx.nonce = nonce;
        tx.r = GX;
        tx.s = exec_u256_of(1);
        enum exec_tx_verdict v =
            exec_tx_decode(&seen, &c->l.kept, chain_tx_bytes(c, &tx), c->l.params.chain_id);
        TD_ASSERT(v == EXEC_TX_OK);
        if (seen.signing_hash.b[0] >= 0x7f)
            continue; /* s must be low */
        exec_u256_from_be(&tx.s, seen.signing_hash.b, 32);
        chain_add(c, &tx);
        made++;
    }
}

static void garbage(struct chain *c, uint32_t n)
{
    static const uint8_t bytes[] = {0x02, 0xc0};
    for (uint32_t i = 0; i < n; i++)
        chain_add_bytes(c, td_bytes_of(bytes, sizeof bytes));
}

/* A list that is a type 1's up to its access list, which consists of `items` times `item`. */
static void bad_list(struct chain *c, uint8_t type, uint32_t items, struct td_bytes item)
{
    static uint8_t bytes[128u << 10];
    struct td_writer w;
    size_t payload = items * item.len, head = type == 2 ? 8u : 7u;
    size_t list = payload + (payload > 65535u ? 4u : payload > 255u ? 3u : 2u);
    td_writer_init(&w, bytes, sizeof bytes);
    td_put_u8(&w, type);
    td_rlp_put_list(&w, head + 2u + list);
    td_put_u8(&w, 0x82); /* chain id 4242 */
    td_put_u8(&w, 0x10);
    td_put_u8(&w, 0x92);
    for (uint32_t i = 1; i < head; i++)
        td_put_u8(&w, 0x80);
    td_rlp_put_list(&w, payload);
    for (uint32_t i = 0; i < items; i++)
        td_put_bytes(&w, item.ptr, item.len);
    TD_ASSERT(w.err == TD_OK);
    chain_add_bytes(c, td_bytes_of(bytes, w.len));
}

static void bytes_as_accesses(struct chain *c, uint32_t n)
{
    static const uint8_t zero = 0;
    bad_list(c, 1, 1000u * n, td_bytes_of(&zero, 1));
}

static void lists_as_accesses(struct chain *c, uint32_t n)
{
    static const uint8_t empty = 0xc0;
    bad_list(c, 1, 1000u * n, td_bytes_of(&empty, 1));
}

static void access_skipped(struct chain *c, uint32_t n)
{
    static uint8_t entry[23] = {0xd6, 0x94, [22] = 0xc0};
    bad_list(c, 2, 100u * n, td_bytes_of(entry, sizeof entry));
}

/* Well-formed up to the nonce, which is wrong: all is decoded, nothing is paid. */
static void access_wasted(struct chain *c, uint32_t n)
{
    struct exec_access *list = calloc(100u * n, sizeof *list);
    TD_ASSERT(list != NULL);
    struct exec_tx tx = tx_of(c, 0, 1);
    tx.nonce = 77;
    tx.gas_limit = 29000000;
    tx.access = list;
    tx.access_count = 100u * n;
    cost_send(c, &tx, 0);
    free(list);
}

static void auths_wasted(struct chain *c, uint32_t n)
{
    struct exec_authorization *list = calloc(10u * n, sizeof *list);
    TD_ASSERT(list != NULL);
    for (uint32_t i = 0; i < 10u * n; i++)
        list[i].r = list[i].s = exec_u256_of(1);
    struct exec_tx tx = tx_of(c, 0, 1);
    tx.type = 4;
    tx.nonce = 77;
    tx.gas_limit = 1000; /* below intrinsic: known before anything is recovered */
    tx.auth = list;
    tx.auth_count = 10u * n;
    cost_send(c, &tx, 0);
    free(list);
}

static void data_wasted(struct chain *c, uint32_t n)
{
    struct exec_tx tx = tx_of(c, 0, 1);
    tx.nonce = 77;
    tx.gas_limit = 29000000;
    tx.data = td_bytes_of(data_bytes(false), 1000u * n);
    cost_send(c, &tx, 0);
}

/* ---- one transaction with n of something */

static void data_tx(struct chain *c, size_t len, bool zero, bool create)
{
    struct exec_tx tx = tx_of(c, 0, COST_AT_EOA + 1u);
    tx.gas_limit = 29000000;
    tx.is_create = create;
    tx.data = td_bytes_of(data_bytes(zero), len);
    cost_send(c, &tx, 0);
}

static void data_zero(struct chain *c, uint32_t n)
{
    data_tx(c, 32u * n, true, false);
}
static void data_full(struct chain *c, uint32_t n)
{
    data_tx(c, 32u * n, false, false);
}

/* Init code is JUMPDESTs behind a STOP. */
static void data_create(struct chain *c, uint32_t n)
{
    static uint8_t code[64u << 10];
    memset(code, 0x5b, sizeof code);
    code[0] = 0;
    struct exec_tx tx = tx_of(c, 0, 0);
    tx.gas_limit = 29000000;
    tx.is_create = true;
    tx.data = td_bytes_of(code, 32u * n);
    cost_send(c, &tx, 0);
}

static void accesses(struct chain *c, uint32_t n, uint64_t at, uint32_t slots)
{
    struct exec_access *list = calloc(n, sizeof *list);
    struct exec_u256 *slot = calloc(slots + 1u, sizeof *slot);
    TD_ASSERT(list != NULL && slot != NULL);
    for (uint32_t i = 0; i < slots; i++)
        slot[i] = exec_u256_of(UINT64_C(0x77000000) + i);
    for (uint32_t i = 0; i < n; i++)
        list[i] = (struct exec_access){world_addr(at + 1u + i), slots, slot};
    struct exec_tx tx = tx_of(c, 0, COST_AT_EOA + 1u);
    tx.gas_limit = 10000000;
    tx.access = list;
    tx.access_count = n;
    cost_send(c, &tx, 0);
    free(list);
    free(slot);
}

static void access_addresses(struct chain *c, uint32_t n)
{
    accesses(c, n, COST_AT_EOA, 0);
}
static void access_slots(struct chain *c, uint32_t n)
{
    accesses(c, 1, COST_AT_EOA, n);
}

/* Addresses that are named and then read. */
static void access_read(struct chain *c, uint32_t n)
{
    struct exec_access *list = calloc(n, sizeof *list);
    uint8_t data[32] = {[31] = (uint8_t)n};
    TD_ASSERT(list != NULL);
    for (uint32_t i = 0; i < n; i++)
        list[i] = (struct exec_access){world_addr(COST_AT_EOA + 1u + i), 0, NULL};
    struct exec_tx tx = tx_of(c, 0, 0xeb);
    tx.value = exec_u256_of(0);
    tx.gas_limit = 5000000;
    tx.access = list;
    tx.access_count = n;
    tx.data = td_bytes_of(data, sizeof data);
    cost_send(c, &tx, 0);
    free(list);
}

static void genesis_reader(struct chain *c, const struct cost_row *row)
{
    struct td_addr a = world_addr(0xeb);
    (void)row;
    chain_put(c, &a, 1,
              cost_code("0 CALLDATALOAD loop: DUP1 0xa00000 ADD BALANCE POP 1 SWAP1 SUB "
                        "DUP1 @loop JUMPI STOP"));
}

/* An authorization signed by r and s that happen to be some key's. */
static void auths(struct chain *c, uint32_t n, uint64_t r, bool nonce)
{
    struct exec_authorization *list = calloc(n, sizeof *list);
    TD_ASSERT(list != NULL);
    for (uint32_t i = 0; i < n; i++) {
        list[i].addr = world_addr(COST_AT_CODE + 1u);
        list[i].r = exec_u256_of(r);
        list[i].s = exec_u256_of(1000u + i);
        list[i].nonce = nonce;
    }
    struct exec_tx tx = tx_of(c, 0, COST_AT_EOA + 1u);
    tx.type = 4;
    tx.gas_limit = 5000000;
    tx.auth = list;
    tx.auth_count = n;
    cost_send(c, &tx, 0);
    free(list);
}
static void auths_apply(struct chain *c, uint32_t n)
{
    auths(c, n, 1, false);
}
static void auths_nonce(struct chain *c, uint32_t n)
{
    auths(c, n, 1, true);
}
static void auths_no_point(struct chain *c, uint32_t n)
{
    auths(c, n, 5, false);
}

static void auths_infinite(struct chain *c, uint32_t n)
{
    struct exec_authorization *list = calloc(n, sizeof *list);
    TD_ASSERT(list != NULL);
    for (uint32_t i = 0, nonce = 0; i < n; nonce++) {
        struct td_hash digest;
        list[i].addr = world_addr(COST_AT_CODE + 1u);
        list[i].nonce = nonce;
        list[i].r = GX;
        exec_authorization_hash(&digest, &list[i]);
        exec_u256_from_be(&list[i].s, digest.b, 32);
        i += digest.b[0] < 0x7f;
    }
    struct exec_tx tx = tx_of(c, 0, COST_AT_EOA + 1u);
    tx.type = 4;
    tx.gas_limit = 5000000;
    tx.auth = list;
    tx.auth_count = n;
    cost_send(c, &tx, 0);
    free(list);
}

#define FILLED (COST_EOA | COST_FILL | COST_DEEP)
#define SKIPS (COST_ANY_RECEIPT | COST_DEEP)

static const struct cost_row ROWS[] = {
    {.name = "transfer, type 0", .n = 8, .with = FILLED, .fill = type_0},
    {.name = "transfer, type 1", .n = 8, .with = FILLED, .fill = type_1},
    {.name = "transfer, type 2", .n = 8, .with = FILLED, .fill = type_2},
    {.name = "transfer, to a new account", .n = 8, .with = FILLED, .fill = type_2_new},
    {.name = "call of a new code", .n = 8, .with = FILLED | COST_CODE, .fill = type_2_code},
    {.name = "call of a new delegation",
     .n = 8,
     .with = FILLED | COST_DELEGATED,
     .fill = type_2_delegated},
    {.name = "creation of nothing", .n = 8, .with = FILLED, .fill = creations},
    {.name = "skipped, wrong nonce", .n = 8, .with = SKIPS, .fill = nonce_low},
    {.name = "skipped, cannot pay", .n = 8, .with = SKIPS, .fill = poor},
    {.name = "skipped, no such point", .n = 8, .with = SKIPS, .fill = forged_no_point},
    {.name = "skipped, an unknown sender",
     .n = 8,
     .with = SKIPS | COST_FILL,
     .fill = forged_stranger},
    {.name = "skipped, the key is infinity", .n = 8, .with = SKIPS, .fill = forged_infinite},
    {.name = "skipped, malformed", .n = 8, .with = SKIPS, .fill = garbage},
    {.name = "skipped, 1,000 bytes for an access list",
     .n = 8,
     .with = SKIPS,
     .fill = bytes_as_accesses},
    {.name = "skipped, 1,000 empty lists for an access list",
     .n = 8,
     .with = SKIPS,
     .fill = lists_as_accesses},
    {.name = "skipped, 100 accesses, malformed after them",
     .n = 8,
     .with = SKIPS,
     .fill = access_skipped},
    {.name = "skipped, 100 accesses, wrong nonce", .n = 8, .with = SKIPS, .fill = access_wasted},
    {.name = "skipped, 10 authorizations, little gas", .n = 8, .with = SKIPS, .fill = auths_wasted},
    {.name = "skipped, 1,000 bytes of data", .n = 8, .with = SKIPS, .fill = data_wasted},
    {.name = "data, 32 zeros", .n = 64, .with = COST_EOA, .fill = data_zero},
    {.name = "data, 32 bytes", .n = 64, .with = COST_EOA, .fill = data_full},
    {.name = "init code, 32 bytes", .n = 64, .with = 0, .fill = data_create},
    {.name = "access list, an address", .n = 16, .with = FILLED, .fill = access_addresses},
    {.name = "access list, a slot", .n = 16, .with = FILLED, .fill = access_slots},
    {.name = "access list, an address that is read",
     .n = 16,
     .with = FILLED,
     .fill = access_read,
     .genesis = genesis_reader},
    {.name = "access list, beyond what the transaction may use",
     .n = 1700,
     .with = COST_ANY_RECEIPT,
     .fill = access_addresses},
    {.name = "authorization, applied", .n = 8, .with = FILLED, .fill = auths_apply},
    {.name = "authorization, wrong nonce", .n = 8, .with = FILLED, .fill = auths_nonce},
    {.name = "authorization, no such point", .n = 8, .with = FILLED, .fill = auths_no_point},
    {.name = "authorization, the key is infinity", .n = 8, .with = FILLED, .fill = auths_infinite},
};

struct cost_table cost_tx_rows(void)
{
    return (struct cost_table){"Transactions", ROWS, sizeof ROWS / sizeof ROWS[0]};
}
