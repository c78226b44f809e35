#include "executor/block.h"

#include "base/core/codec.h"
#include "base/core/limits.h"
#include "base/core/payload.h"
#include "executor/block/abi.h"
#include "executor/block/costs.h"
#include "executor/evm/code.h"
#include "executor/evm/frame.h"
#include "executor/evm/native_costs.h"
#include "executor/inbox.h"
#include "executor/system.h"

struct run {
    const struct exec_chain *chain;
    const struct exec_block *block;
    const struct exec_ports *ports;
    struct td_arena *arena;
    struct exec_cursor *cursor;
    struct exec_batch *batch;
    struct exec_result *out;
    struct exec_header header;
    struct exec_vm vm;
    struct exec_code_cache codes;
    struct td_arena vm_arena;                /* frames and output of one transaction */
    uint64_t gas_left, native_left, seconds; /* the block's time */
    uint32_t inbox_taken;
    bool inbox_over; /* a transaction came: inbox entries stand first or nowhere */
};

/* ---- before the transactions */

static bool is_inbox(struct td_bytes entry)
{
    return entry.len > 0 && entry.ptr[0] == EXEC_TX_DEPOSIT;
}

/* Native units of the block itself, at most, and of looking at its payload. */
static uint64_t native_before(const struct td_bytes *payload, uint32_t count)
{
    uint64_t need = EXEC_NATIVE_BLOCK + EXEC_NATIVE_BATCH + (count > 0 ? EXEC_NATIVE_SHARED : 0);
    for (uint32_t i = 0; i < count; i++)
        need += exec_native_entry(payload[i]);
    return need;
}

bool exec_payload_fits(const struct exec_chain *chain, const struct td_bytes *payload,
                       uint32_t count)
{
    return native_before(payload, count) <= chain->native_limit;
}

static enum td_error check_payload(struct run *r)
{
    uint32_t n = r->block->payload_count;
    if (n != r->header.tx_count || n > TD_TXS_PER_BLOCK_MAX ||
        !exec_payload_fits(r->chain, r->block->payload, n))
        return TD_E_CORRUPT;
    if (n == 0) /* whose root is zero */
        return td_hash_is_zero(&r->header.payload_root) ? TD_OK : TD_E_CORRUPT;
    r->out->txs = TD_ARENA_NEW(r->arena, struct exec_tx_result, n);
    if (r->out->txs == NULL)
        return TD_E_NOSPACE;
    struct td_arena_mark mark = td_arena_mark(r->arena);
    struct td_hash *scratch = TD_ARENA_NEW(r->arena, struct td_hash, n);
    if (scratch == NULL)
        return TD_E_NOSPACE;
    for (uint32_t i = 0; i < n; i++) {
        /* Of every entry the same: no two payloads have one root.  [P-2.3] */
        td_keccak256(&scratch[i], r->block->payload[i].ptr, r->block->payload[i].len);
        r->out->txs[i].hash = scratch[i];
        r->out->txs[i].payload_index = i;
    }
    struct td_hash root;
    td_payload_root(&root, scratch, scratch, n);
    td_arena_rewind(r->arena, mark);
    return td_hash_eq(&root, &r->header.payload_root) ? TD_OK : TD_E_CORRUPT;
}

/* Epochs follow each other, and one ends with the last block of a batch [P-9.5]: L1 takes a batch
 * on the signatures of one epoch's set, which must have certified every block of it. */
static bool check_epoch(const struct run *r)
{
    uint64_t before = r->cursor->epoch, epoch = r->header.epoch;
    if (epoch == before)
        return !r->batch->open || r->batch->epoch == epoch;
    return epoch > before && epoch - before == 1u && !r->batch->open;
}

static enum td_error check_header(struct run *r)
{
    const struct exec_cursor *c = r->cursor;
    enum td_error err = exec_header_read(&r->header, r->block->header);
    if (err != TD_OK)
        return TD_E_CORRUPT;
    const struct exec_header *h = &r->header;
    if (h->filler || h->number != c->number + 1u || !td_hash_eq(&h->prev_hash, &c->block_hash) ||
        h->ts_ms <= c->ts_ms || h->inbox_count < c->inbox_index)
        return TD_E_CORRUPT;
    return check_epoch(r) ? TD_OK : TD_E_CORRUPT;
}

/* Is there anybody who could look at the block's environment? */
static bool has_readers(const struct run *r)
{
    return r->ports->results || r->block->payload_count > 0;
}

/* ms / 1000 in digits of 16 bits: the guest divides 32 bits by a constant with a multiplication, 64
 * with a library. */
static uint64_t seconds(uint64_t ms)
{
    uint32_t in[2] = {(uint32_t)(ms >> 32), (uint32_t)ms}, out[2], rest = 0;
#pragma GCC unroll 2
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t high = rest << 16 | in[i] >> 16;
        uint32_t low = high % 1000u << 16 | (in[i] & 0xFFFFu);
        rest = low % 1000u;
        out[i] = (high / 1000u) << 16 | low / 1000u;
    }
    return (uint64_t)out[0] << 32 | out[1];
}

static void environment(struct run *r)
{
    struct exec_block_env *e = &r->out->env;
    struct td_hash randao;
    if (!has_readers(r))
        return;
    td_keccak256(&randao, r->header.prev_hash.b, TD_HASH_BYTES);
    *e = (struct exec_block_env){.chain_id = r->chain->chain_id,
                                 .number = r->header.number,
                                 .timestamp = r->seconds,
                                 .gas_limit = r->chain->gas_limit,
                                 .base_fee = r->cursor->base_fee,
                                 .blob_base_fee = exec_u256_of(1),
                                 .coinbase = r->chain->fee_vault,
                                 .prices = r->chain->prices,
                                 .history = true};
    exec_u256_from_be(&e->prev_randao, randao.b, TD_HASH_BYTES);
}

/* ---- transactions */

static void finish_tx(struct run *r, struct exec_tx_result *x)
{
    if (x->verdict != EXEC_TX_OK) {
        r->out->skipped++;
        return;
    }
    struct exec_receipt *rc = &x->receipt;
    r->gas_left -= rc->gas_used;
    r->native_left -= r->native_left < rc->native_used ? r->native_left : rc->native_used;
    r->out->gas_used += rc->gas_used;
    rc->cumulative_gas = r->out->gas_used;
    r->out->tx_count++;
}

/* Messages join the batch's tree as their transaction ends, so that their order is execution's. */
static enum td_error take_messages(struct run *r, const struct exec_receipt *rc)
{
    for (uint32_t i = 0; i < rc->message_count; i++) {
        struct td_hash leaf;
        exec_message_leaf(&leaf, r->chain->chain_id, r->batch->number, r->batch->messages.count,
                          &rc->messages[i].sender, rc->messages[i].payload);
        if (!exec_messages_add(&r->batch->messages, &leaf))
            return TD_E_LIMIT;
        r->cursor->message_count++;
    }
    return TD_OK;
}

/* Work that must be paid before it is known whether anybody will: it comes out of the block's
 * budget, and where that does not suffice the work is not done. */
static bool native_take(struct run *r, uint64_t units)
{
    if (r->native_left < units)
        return false;
    r->native_left -= units;
    return true;
}

/* In place of what was reserved for decoding the list, if there is as much. */
static enum exec_tx_verdict take_recovering(struct run *r, uint32_t auth_count, uint64_t reserved)
{
    uint64_t units = (uint64_t)auth_count * EXEC_NATIVE_RECOVER;
    if (r->native_left + reserved < units)
        return EXEC_TX_BLOCK_NATIVE;
    r->native_left = r->native_left + reserved - units;
    return EXEC_TX_OK;
}

static enum exec_tx_verdict run_raw(struct run *r, struct td_bytes bytes, struct exec_tx_result *x)
{
    struct exec_tx tx;
    if (td_arena_left(r->arena) < EXEC_TX_ARENA_BYTES(bytes.len)) {
        r->vm.err = TD_E_NOSPACE; /* no verdict may depend on memory */
        return EXEC_TX_MALFORMED;
    }
    uint64_t lists = exec_native_lists(bytes);
    if (!native_take(r, lists))
        return EXEC_TX_BLOCK_NATIVE;
    enum exec_tx_verdict v = exec_tx_decode(&tx, r->arena, bytes, r->chain->chain_id);
    if (v == EXEC_TX_OK && tx.type == EXEC_TX_DEPOSIT)
        v = EXEC_TX_TYPE;
    if (v == EXEC_TX_OK)
        v = exec_tx_check(&tx, &r->out->env);
    if (v == EXEC_TX_OK)
        v = take_recovering(r, tx.auth_count, lists);
    if (v == EXEC_TX_OK)
        v = exec_tx_recover_by(&tx, r->ports->recoverer);
    if (v != EXEC_TX_OK)
        return v;
    x->sender = tx.sender;
    return exec_tx_apply(&r->vm, &tx, r->gas_left, r->native_left, &x->receipt);
}

/* What an entry comes to, before it is decided whether it is consumed. */
static enum exec_tx_verdict try_inbox(struct run *r, const struct exec_inbox_op *op,
                                      struct exec_tx_result *x)
{
    struct exec_tx tx;
    if (op->kind == EXEC_INBOX_RAW)
        return run_raw(r, op->data, x);
    exec_inbox_tx(&tx, op, &x->hash);
    if (tx.gas_limit > r->chain->gas_limit)
        tx.gas_limit = r->chain->gas_limit; /* more than any block has: it gets what there is */
    if (tx.gas_limit > r->gas_left)
        return EXEC_TX_BLOCK_GAS;
    x->sender = op->sender;
    return exec_tx_apply(&r->vm, &tx, r->gas_left, r->native_left, &x->receipt);
}

/* What a raw transaction's entry carries, at its L1 sender: it stays whatever becomes of the
 * transaction, for which it may pay.  False, nothing changed: there is nothing to mint. */
static bool mint(struct run *r, const struct exec_inbox_op *op)
{
    if (op->kind != EXEC_INBOX_RAW || exec_u256_is_zero(&op->value))
        return false;
    r->native_left -= r->native_left < EXEC_NATIVE_MINT ? r->native_left : EXEC_NATIVE_MINT;
    exec_state_tx_begin(r->out->state);
    bool fits = exec_state_add_balance(r->out->state, &op->sender, &op->value);
    exec_state_tx_end(r->out->state);
    return fits; /* more wei than 2^256 exist on no L1 */
}

static void unmint(struct run *r, const struct exec_inbox_op *op)
{
    exec_state_tx_begin(r->out->state);
    (void)exec_state_sub_balance(r->out->state, &op->sender, &op->value);
    exec_state_tx_end(r->out->state);
}

/* Does this block have what an entry may need at most?  What later entries cost to look at is gone
 * from native_left already, so whoever fills a payload could starve its first one. */
static bool has_room(const struct run *r, const struct exec_inbox_op *op)
{
    uint64_t most = r->chain->prices.tx_native_max;
    if (op->kind == EXEC_INBOX_RAW && !exec_u256_is_zero(&op->value))
        most += EXEC_NATIVE_MINT;
    return r->native_left >= most;
}

/* An entry that is not the next one, or for which this block has no room left, is not consumed and
 * stays the next.  One that finds too little gas as a block's first entry, or too few native units
 * as its only one, never will find more: it is consumed, and has no effect but its mint.
 * [executor.md: never skipped; their worst case is reserved first] */
static enum exec_tx_verdict run_inbox(struct run *r, uint32_t index, struct exec_tx_result *x)
{
    struct exec_inbox_op op;
    struct exec_cursor *c = r->cursor;
    if (exec_inbox_decode(&op, r->block->payload[index]) != TD_OK)
        return EXEC_TX_MALFORMED;
    if (r->inbox_over || op.index != c->inbox_index || op.index >= r->header.inbox_count ||
        r->inbox_taken >= EXEC_INBOX_PER_BLOCK_MAX)
        return EXEC_TX_MALFORMED;
    exec_inbox_hash(&x->hash, &op, r->chain->chain_id);
    bool alone = r->block->payload_count == 1u;
    if (!alone && !has_room(r, &op))
        return EXEC_TX_BLOCK_NATIVE;
    bool minted = mint(r, &op);
    enum exec_tx_verdict v = try_inbox(r, &op, x);
    if ((v == EXEC_TX_BLOCK_GAS && index > 0) || (v == EXEC_TX_BLOCK_NATIVE && !alone)) {
        if (minted)
            unmint(r, &op);
        return v;
    }
    c->inbox_index++;
    exec_inbox_add(&c->inbox_acc, &x->hash);
    r->inbox_taken++;
    return v;
}

static enum td_error run_all(struct run *r)
{
    for (uint32_t i = 0; i < r->block->payload_count; i++) {
        struct exec_tx_result *x = &r->out->txs[i];
        td_arena_reset(&r->vm_arena);
        r->out->env.message_count = r->batch->messages.count;
        if (is_inbox(r->block->payload[i])) {
            x->verdict = run_inbox(r, i, x);
        } else {
            r->inbox_over = true;
            x->verdict = run_raw(r, r->block->payload[i], x);
        }
        /* A run that memory ended asks a witness for other things than it has: say what came first.
         */
        enum td_error err = r->vm.err;
        if (err == TD_OK)
            err = exec_state_error(r->out->state);
        if (err == TD_OK && x->verdict == EXEC_TX_OK)
            err = x->receipt.err != TD_OK ? x->receipt.err : take_messages(r, &x->receipt);
        if (err != TD_OK)
            return err;
        finish_tx(r, x);
        x->receipt.output = td_bytes_of(NULL, 0); /* it lived in the arena reset above */
    }
    return TD_OK;
}

/* ---- after the transactions */

/* u32 bytes | diff | u32 messages | per message: sender, u32 bytes, payload; big-endian. */
static enum td_error frame(struct run *r, struct td_bytes *out, struct td_bytes diff, bool messages)
{
    const struct exec_result *o = r->out;
    struct td_writer w;
    size_t bytes = 8u + diff.len;
    uint32_t count = 0;
    for (uint32_t i = 0; messages && i < r->block->payload_count; i++) {
        const struct exec_receipt *rc = &o->txs[i].receipt;
        count += rc->message_count;
        for (uint32_t k = 0; k < rc->message_count; k++)
            bytes += TD_ADDR_BYTES + 4u + rc->messages[k].payload.len;
    }
    void *buf = td_arena_get(r->arena, bytes, 8);
    if (buf == NULL)
        return TD_E_NOSPACE;
    td_writer_init(&w, buf, bytes);
    td_put_u32(&w, (uint32_t)diff.len);
    td_put_bytes(&w, diff.ptr, diff.len);
    td_put_u32(&w, count);
    for (uint32_t i = 0; messages && i < r->block->payload_count; i++) {
        const struct exec_receipt *rc = &o->txs[i].receipt;
        for (uint32_t k = 0; k < rc->message_count; k++) {
            td_put_addr(&w, &rc->messages[k].sender);
            td_put_u32(&w, (uint32_t)rc->messages[k].payload.len);
            td_put_bytes(&w, rc->messages[k].payload.ptr, rc->messages[k].payload.len);
        }
    }
    *out = td_bytes_of(buf, w.len);
    return w.err;
}

/* Frames as views of the result. */
static enum td_error show(struct run *r, const struct exec_published *diff)
{
    struct exec_result *o = r->out;
    struct td_hash parts[2];
    enum td_error err = frame(r, &o->data_on, diff->on, true);
    if (err == TD_OK)
        err = frame(r, &o->data_off, diff->off, false);
    if (err != TD_OK || !r->ports->results)
        return err;
    td_keccak256(&parts[0], o->data_on.ptr, o->data_on.len);
    td_keccak256(&parts[1], o->data_off.ptr, o->data_off.len);
    td_keccak256(&o->da_commitment, parts, sizeof parts);
    return TD_OK;
}

/* A frame without messages, straight into a running hash.  Returns its bytes. */
static uint64_t absorb(struct td_keccak *k, struct td_bytes diff)
{
    _Alignas(4) uint8_t buf[64];
    uint8_t *none = buf + 4; /* messages */
    buf[0] = (uint8_t)(diff.len >> 24);
    buf[1] = (uint8_t)(diff.len >> 16);
    buf[2] = (uint8_t)(diff.len >> 8);
    buf[3] = (uint8_t)diff.len;
    if (diff.len <= sizeof buf - 8u) { /* an empty block's: in one piece */
        memcpy(buf + 4, diff.ptr, diff.len);
        none += diff.len;
    }
    none[0] = none[1] = none[2] = none[3] = 0;
    if (diff.len <= sizeof buf - 8u) {
        td_keccak_update(k, buf, diff.len + 8u);
    } else {
        td_keccak_update(k, buf, 4);
        td_keccak_update(k, diff.ptr, diff.len);
        td_keccak_update(k, none, 4);
    }
    return diff.len + 8u;
}

static enum td_error publish(struct run *r, const struct exec_published *diff)
{
    struct exec_result *o = r->out;
    struct exec_batch *b = r->batch;
    if (!has_readers(r)) {
        b->data_bytes += absorb(&b->on, diff->on) + absorb(&b->off, diff->off);
        return TD_OK;
    }
    enum td_error err = show(r, diff);
    if (err != TD_OK)
        return err;
    td_keccak_update(&b->on, o->data_on.ptr, o->data_on.len);
    td_keccak_update(&b->off, o->data_off.ptr, o->data_off.len);
    b->data_bytes += o->data_on.len + o->data_off.len;
    return TD_OK;
}

static void advance(struct run *r)
{
    struct exec_cursor *c = r->cursor;
    const struct exec_header *h = &r->header;
    c->number = h->number;
    c->ts_ms = h->ts_ms;
    c->epoch = h->epoch;
    c->block_hash = h->hash;
    exec_base_fee_next(&c->base_fee, &c->base_fee, r->out->gas_used, r->chain->gas_limit,
                       &r->chain->base_fee_min);
    if (r->ports->results)
        exec_cursor_commit(&r->out->state_commitment, c);
}

static void batch_block(struct run *r)
{
    struct exec_batch *b = r->batch;
    struct exec_result *o = r->out;
    struct td_keccak k;
    b->last_block = r->header.number;
    b->last_time = r->seconds;
    b->inbox_to = r->cursor->inbox_index;
    b->inbox_acc = r->cursor->inbox_acc;
    b->l2_tx_count += r->block->payload_count - r->inbox_taken;
    b->last_block_hash = r->header.hash;
    b->native_used += o->native_used;
    td_keccak_init(&k);
    td_keccak_set_hash(&k, 0, &b->inputs);
    td_keccak_set_hash(&k, 1, &r->header.hash);
    td_keccak_set_hash(&k, 2, &r->header.payload_root);
    td_keccak_set_u64(&k, 3, r->cursor->inbox_index);
    td_keccak_final(&k, &b->inputs);
    if (r->ports->results)
        exec_messages_root(&o->messages_root, &b->messages);
    o->ends_batch = r->header.end_batch;
    if (!o->ends_batch)
        return;
    exec_cursor_commit(&b->post_state, r->cursor);
    exec_batch_end(&o->batch_hash, b, r->chain);
}

/* Room for one transaction's frames: what gas allows, or less where native units run out first.
 * Of those a frame takes EXEC_NATIVE_CALL and up to 36 KiB (stack, bookkeeping), 32 bytes of memory
 * take EXEC_NATIVE_MEMORY_WORD and, doubled and copied to the caller, 160 bytes at most, and code
 * that is prepared outside the cache costs more than memory does.  A unit is spent once, and on
 * frames it buys more bytes: most is taken by as many frames as there can be and, with what is left
 * then, memory. */
#define FRAME_BYTES (UINT64_C(36) << 10)
#define WORD_BYTES UINT64_C(160)
_Static_assert(FRAME_BYTES *EXEC_NATIVE_MEMORY_WORD > WORD_BYTES * EXEC_NATIVE_CALL,
               "frames are the cheaper bytes");

size_t exec_block_vm_bytes(const struct exec_chain *chain)
{
    size_t by_gas = exec_evm_arena_bytes(chain->gas_limit);
    uint64_t native = chain->prices.tx_native_max;
    if (native == 0)
        return by_gas;
    uint64_t calls = native / EXEC_NATIVE_CALL;
    if (calls > EXEC_CALL_DEPTH_MAX)
        calls = EXEC_CALL_DEPTH_MAX;
    uint64_t words = (native - calls * EXEC_NATIVE_CALL) / EXEC_NATIVE_MEMORY_WORD;
    uint64_t bytes = (calls + 2u) * FRAME_BYTES + words * WORD_BYTES + (2u << 20);
    return bytes < by_gas ? (size_t)bytes : by_gas;
}

/* What only transactions need. */
static enum td_error begin_vm(struct run *r)
{
    size_t bytes = r->ports->vm_bytes;
    if (bytes == 0)
        bytes = exec_block_vm_bytes(r->chain);
    void *memory = td_arena_get(r->arena, bytes, 64);
    if (memory == NULL)
        return TD_E_NOSPACE;
    td_arena_init(&r->vm_arena, memory, bytes);
    exec_code_cache_init(&r->codes, r->arena);
    r->vm = (struct exec_vm){
        .state = r->out->state, .block = &r->out->env, .arena = &r->vm_arena, .codes = &r->codes};
    return TD_OK;
}

static enum td_error begin(struct run *r, const struct exec_reader *reader)
{
    enum td_error err = check_header(r);
    if (err == TD_OK)
        err = check_payload(r);
    if (err != TD_OK)
        return err;
    void *region = td_arena_get(r->arena, exec_state_footprint(), 64);
    if (region == NULL)
        return TD_E_NOSPACE;
    r->out->state =
        exec_state_init_keyed(region, r->arena, reader, exec_header_squeezed(&r->header));
    r->seconds = seconds(r->header.ts_ms);
    environment(r);
    bool within = r->batch->open && !r->header.end_batch &&
                  td_hash_is_zero(&r->header.next_set_hash); /* 0x..8003 is written otherwise */
    if (!r->batch->open &&
        !exec_batch_begin(r->batch, r->cursor, r->header.epoch, r->header.number, r->seconds))
        return TD_E_CORRUPT;
    if (r->block->payload_count > 0)
        err = begin_vm(r);
    if (err != TD_OK)
        return err;
    r->gas_left = r->chain->gas_limit;
    r->native_left = r->chain->native_limit - /* exec_payload_fits: there is as much */
                     native_before(r->block->payload, r->block->payload_count) +
                     (within ? EXEC_NATIVE_BATCH : 0);
    exec_system_begin(r->out->state, &r->cursor->block_hash, r->cursor->number,
                      r->header.epoch != r->cursor->epoch, r->header.epoch,
                      &r->header.next_set_hash);
    return exec_state_error(r->out->state);
}

enum td_error exec_block(const struct exec_chain *chain, const struct exec_block *block,
                         const struct exec_reader *reader, const struct exec_ports *ports,
                         struct td_arena *arena, struct exec_cursor *cursor,
                         struct exec_batch *batch, struct exec_result *result)
{
    struct run r; /* filled below and in begin: clearing it first would be half of what it costs */
    r.chain = chain;
    r.block = block;
    r.ports = ports;
    r.arena = arena;
    r.cursor = cursor;
    r.batch = batch;
    r.out = result;
    r.inbox_taken = 0;
    r.inbox_over = false;
    if (ports->results)
        memset(result, 0, sizeof *result);
    else
        memset(result, 0, offsetof(struct exec_result, block_hash));
    enum td_error err = begin(&r, reader);
    if (err == TD_OK)
        err = run_all(&r);
    if (err != TD_OK)
        return err;
    result->native_used = chain->native_limit - r.native_left;
    result->block_hash = r.header.hash;
    struct exec_published diff = {0};
    err = ports->close(ports->self, result->state, cursor, &diff);
    if (err == TD_OK)
        err = publish(&r, &diff);
    if (err == TD_OK && ports->results)
        err = exec_receipts_root(&result->receipts_root, result, block->payload_count, arena);
    if (err != TD_OK)
        return err;
    advance(&r);
    batch_block(&r);
    return TD_OK;
}
