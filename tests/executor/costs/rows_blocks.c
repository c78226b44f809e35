/* Inbox entries, and blocks themselves. */
#include "base/core/assert.h"
#include "tests/executor/costs/cost.h"

static uint8_t full[64u << 10];

static void deposits(struct chain *c, uint32_t n, uint64_t to)
{
    for (uint32_t i = 0; i < n; i++) {
        struct exec_inbox_op op = {.index = i,
                                   .kind = EXEC_INBOX_CALL,
                                   .gas_limit = 200000,
                                   .l1_block = 9,
                                   .sender = world_addr(UINT64_C(0x5e4de40000) + i),
                                   .to = world_addr(to + 1u + i),
                                   .value = exec_u256_of(1000)};
        chain_add_inbox(c, &op);
    }
    c->inbox_ready = n;
}
static void deposits_known(struct chain *c, uint32_t n)
{
    deposits(c, n, COST_AT_EOA);
}
static void deposits_new(struct chain *c, uint32_t n)
{
    deposits(c, n, COST_AT_ABSENT);
}

/* One entry of n times 1,000 bytes. */
static void data(struct chain *c, uint32_t n, uint8_t kind)
{
    memset(full, 0xd7, sizeof full);
    struct exec_inbox_op op = {.index = 0,
                               .kind = kind,
                               .gas_limit = 20000000,
                               .sender = world_addr(0x5e4de4),
                               .to = world_addr(COST_AT_EOA + 1u),
                               .data = td_bytes_of(full, 1000u * n)};
    chain_add_inbox(c, &op);
    c->inbox_ready = 1;
}
static void data_call(struct chain *c, uint32_t n)
{
    data(c, n, EXEC_INBOX_CALL);
}
static void data_raw(struct chain *c, uint32_t n)
{
    data(c, n, EXEC_INBOX_RAW);
}

/* Raw entries: transfers, or signatures that are none. */
static void raws(struct chain *c, uint32_t n, bool forged, uint64_t value)
{
    for (uint32_t i = 0; i < n; i++) {
        struct exec_tx tx = chain_tx(c, 0, 0);
        tx.to = world_addr(COST_AT_EOA + 1u + i);
        tx.value = exec_u256_of(1000);
        tx.r = exec_u256_of(5);
        tx.s = exec_u256_of(1);
        c->l.payload_count = i;
        if (!forged) { /* signed as if it were payload, then taken out again */
            cost_send(c, &tx, i);
            c->l.payload_count = i;
        }
        struct exec_inbox_op op = {.index = i,
                                   .kind = EXEC_INBOX_RAW,
                                   .sender = world_addr(UINT64_C(0x5e4de40000) + i),
                                   .value = exec_u256_of(value),
                                   .data = chain_tx_bytes(c, &tx)};
        chain_add_inbox(c, &op);
    }
    c->inbox_ready = n;
}
static void raw_transfers(struct chain *c, uint32_t n)
{
    raws(c, n, false, 0);
}
static void raw_forged(struct chain *c, uint32_t n)
{
    raws(c, n, true, 0);
}
static void raw_mints(struct chain *c, uint32_t n)
{
    raws(c, n, true, 1000);
}

/* Entries whose turn it is not: judged, and left. */
static void early(struct chain *c, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct exec_inbox_op op = {.index = 5u + i, .kind = EXEC_INBOX_CALL};
        chain_add_inbox(c, &op);
    }
}

static void nothing(struct chain *c, uint32_t n)
{
    (void)c;
    (void)n;
}

/* Every block begins an epoch and announces a set. */
static void epochs(struct chain *c, uint32_t n)
{
    (void)n;
    c->every_epoch = true;
}

/* An epoch's last blocks state the next set [P-8.2], within a batch or not. */
static void announced(struct chain *c, uint32_t n)
{
    (void)n;
    c->every_set = true;
}

/* One transaction that reads all that no transaction pays to read first. */
static void warm_accounts(struct chain *c, uint32_t n)
{
    struct exec_tx tx = chain_tx(c, 0, c->l.cursor.number);
    (void)n;
    tx.to = world_addr(0xeb);
    cost_send(c, &tx, 0);
}

static void genesis_warm(struct chain *c, const struct cost_row *row)
{
    struct td_addr a = world_addr(0xeb);
    (void)row;
    chain_put(c, &a, 1,
              cost_code("17 l: DUP1 BALANCE POP 1 SWAP1 SUB DUP1 @l JUMPI "
                        "COINBASE BALANCE POP 1 NUMBER SUB BLOCKHASH POP STOP"));
}

#define FILLED (COST_EOA | COST_FILL | COST_DEEP)

static const struct cost_row ROWS[] = {
    {.name = "inbox, deposit", .n = 8, .with = FILLED, .fill = deposits_known},
    {.name = "inbox, deposit to a new account", .n = 8, .with = FILLED, .fill = deposits_new},
    {.name = "inbox, 1,000 bytes of data", .n = 8, .with = COST_EOA, .fill = data_call},
    {.name = "inbox, raw, 1,000 malformed bytes",
     .n = 8,
     .with = COST_EOA | COST_ANY_RECEIPT,
     .fill = data_raw},
    {.name = "inbox, raw transfer", .n = 8, .with = FILLED, .fill = raw_transfers},
    {.name = "inbox, raw, no such point",
     .n = 8,
     .with = FILLED | COST_ANY_RECEIPT,
     .fill = raw_forged},
    {.name = "inbox, raw, no such point, a mint",
     .n = 8,
     .with = FILLED | COST_ANY_RECEIPT,
     .fill = raw_mints},
    {.name = "inbox, not the next", .n = 8, .with = COST_ANY_RECEIPT, .fill = early},
    {.name = "block, empty", .n = 4, .with = COST_FILL, .fill = nothing, .blocks = 1},
    {.name = "block, states the next set",
     .n = 4,
     .with = COST_FILL,
     .fill = announced,
     .blocks = 1},
    {.name = "block, a batch", .n = 4, .with = COST_FILL, .fill = nothing, .blocks = 2},
    {.name = "block, a transaction that reads what is warm",
     .n = 4,
     .with = COST_FILL,
     .fill = warm_accounts,
     .genesis = genesis_warm,
     .blocks = 1},
    {.name = "block, a batch and a new epoch",
     .n = 4,
     .with = COST_FILL,
     .fill = epochs,
     .blocks = 2},
};

struct cost_table cost_block_rows(void)
{
    return (struct cost_table){"Inbox entries, blocks", ROWS, sizeof ROWS / sizeof ROWS[0]};
}
