#include "executor/system.h"

#include "base/core/keccak.h"
#include "executor/block/costs.h"
#include "executor/evm/u256_inline.h"
#include "executor/messages.h"

enum contract { NONE, BRIDGE = 1, MESSENGER = 2, VALIDATORS = 3 };

/* EIP-2935: served window, and code that answers it.  The system call's branch of the EIP's
 * bytecode is left out: blocks write the ring themselves. */
#define HISTORY_WINDOW 8191u
#define BLOCKHASH_WINDOW 256u

const struct td_addr EXEC_HISTORY_ADDRESS = {{0x00, 0x00, 0xF9, 0x08, 0x27, 0xF1, 0xC5,
                                              0x3a, 0x10, 0xcb, 0x7A, 0x02, 0x33, 0x5B,
                                              0x17, 0x53, 0x20, 0x00, 0x29, 0x35}};

/* calldatasize == 32, and number - 8191 <= n < number: return sload(n % 8191); else revert. */
const uint8_t EXEC_HISTORY_CODE[] = {
    0x60, 0x20, 0x36, 0x14, 0x15, 0x60, 0x29, 0x57,             /* 00 size != 32 -> fail */
    0x5f, 0x35, 0x80, 0x43, 0x11, 0x15, 0x60, 0x29, 0x57,       /* 08 !(number > n) -> fail */
    0x61, 0x1f, 0xff, 0x81, 0x43, 0x03, 0x11, 0x60, 0x29, 0x57, /* 11 number - n > 8191 -> fail */
    0x61, 0x1f, 0xff, 0x90, 0x06, 0x54, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3, /* 1b answer */
    0x00, 0x00,                                                             /* 27 unreachable */
    0x5b, 0x5f, 0x5f, 0xfd,                                                 /* 29 fail */
};
const uint32_t EXEC_HISTORY_CODE_BYTES = sizeof EXEC_HISTORY_CODE;

static enum contract which(const struct td_addr *a)
{
    uint8_t any = 0;
    for (uint32_t i = 0; i < 18; i++)
        any |= a->b[i];
    if (any != 0 || a->b[18] != 0x80 || a->b[19] < BRIDGE || a->b[19] > VALIDATORS)
        return NONE;
    return (enum contract)a->b[19];
}

bool exec_system_is(const struct td_addr *a)
{
    return which(a) != NONE;
}

/* ---- calls */

struct call {
    struct exec_vm *vm;
    const struct exec_message *msg;
    struct exec_outcome *out;
};

static bool charge(struct call *c, int64_t gas, int64_t native)
{
    c->out->gas_left -= gas;
    if (c->vm->native_left != INT64_MAX)
        c->vm->native_left -= native;
    if (c->out->gas_left >= 0 && c->vm->native_left >= 0)
        return true;
    c->out->status = c->out->gas_left < 0 ? EXEC_OUT_OF_GAS : EXEC_OUT_OF_NATIVE;
    c->out->gas_left = 0;
    return false;
}

static void revert(struct call *c)
{
    c->out->status = EXEC_REVERT;
}

static bool selector_is(const struct call *c, const char *signature, size_t len)
{
    struct td_hash h;
    if (c->msg->input.len < 4)
        return false;
    td_keccak256(&h, signature, len);
    return memcmp(h.b, c->msg->input.ptr, 4) == 0;
}

#define SELECTOR_IS(c, text) selector_is(c, text, sizeof(text) - 1u)

static void answer(struct call *c, const struct exec_u256 *word)
{
    uint8_t *bytes = td_arena_get(c->vm->arena, 32, 8);
    if (bytes == NULL) {
        c->out->status = EXEC_ERROR;
        c->vm->err = TD_E_NOSPACE;
        return;
    }
    exec_u256_to_be(bytes, word);
    c->out->output = td_bytes_of(bytes, 32);
}

/* Address and amounts as topics. */
static void topic(struct td_hash *out, const struct td_addr *a)
{
    *out = (struct td_hash){{0}};
    memcpy(out->b + 12, a->b, sizeof a->b);
}

/* False when the batch's tree is full: a batch ends in time if users cannot fill it further. */
static bool message_put(struct call *c, const struct td_addr *sender, struct td_bytes payload)
{
    uint32_t count;
    (void)exec_state_messages(c->vm->state, &count);
    if (count + c->vm->block->message_count >= EXEC_MESSAGES_MAX)
        return false;
    exec_state_message(c->vm->state, &(struct exec_l1_message){*sender, payload});
    return true;
}

/* ---- bridge */

static void bridge(struct call *c)
{
    static const char event[] = "Withdrawal(address,address,uint256)";
    const struct exec_message *m = c->msg;
    if (!charge(c, EXEC_GAS_WITHDRAW, EXEC_NATIVE_MESSAGE))
        return;
    if (!SELECTOR_IS(c, "withdraw(address)") || m->input.len != 36) {
        revert(c);
        return;
    }
    if (m->is_static) {
        c->out->status = EXEC_STATIC_WRITE;
        c->out->gas_left = 0;
        return;
    }
    for (uint32_t i = 4; i < 16; i++) {
        if (m->input.ptr[i] != 0) {
            revert(c);
            return;
        }
    }
    uint8_t payload[EXEC_WITHDRAWAL_BYTES] = {0x01};
    memcpy(payload + 1, m->input.ptr + 16, 20);
    exec_u256_to_be(payload + 21, &m->value);
    if (!exec_state_sub_balance(c->vm->state, &m->to, &m->value)) {
        revert(c);
        return;
    }
    if (!message_put(c, &m->to, td_bytes_of(payload, sizeof payload))) {
        revert(c);
        return;
    }
    struct exec_log log = {.addr = m->to, .topic_count = 3};
    td_keccak256(&log.topic[0], event, sizeof event - 1u);
    topic(&log.topic[1], &m->sender);
    memcpy(log.topic[2].b + 12, m->input.ptr + 16, 20);
    log.data = td_bytes_of(payload + 21, 32);
    exec_state_log(c->vm->state, &log);
}

/* ---- messenger */

/* sendToL1(bytes): offset 32, length, data padded to words. */
static bool bytes_argument(struct td_bytes input, struct td_bytes *out)
{
    struct exec_u256 offset, len;
    if (input.len < 68)
        return false;
    exec_u256_from_be(&offset, input.ptr + 4, 32);
    exec_u256_from_be(&len, input.ptr + 36, 32);
    if (exec_u256_u64_or_max(&offset) != 32 || exec_u256_u64_or_max(&len) > EXEC_MESSAGE_BYTES_MAX)
        return false;
    size_t n = (size_t)len.w[0], padded = (n + 31u) & ~(size_t)31u;
    if (input.len != 68u + padded)
        return false;
    for (size_t i = n; i < padded; i++) {
        if (input.ptr[68u + i] != 0)
            return false;
    }
    *out = td_bytes_of(input.ptr + 68, n);
    return true;
}

static void messenger(struct call *c)
{
    static const char event[] = "L1MessageSent(address,bytes32,bytes)";
    const struct exec_message *m = c->msg;
    struct td_bytes payload;
    int64_t words = (int64_t)(m->input.len / 32u);
    if (!charge(c, EXEC_GAS_MESSAGE + words * EXEC_GAS_MESSAGE_WORD,
                EXEC_NATIVE_MESSAGE + words * EXEC_NATIVE_MESSAGE_WORD))
        return;
    if (!SELECTOR_IS(c, "sendToL1(bytes)") || !exec_u256_is_zero(&m->value) ||
        !bytes_argument(m->input, &payload)) {
        revert(c);
        return;
    }
    if (m->is_static) {
        c->out->status = EXEC_STATIC_WRITE;
        c->out->gas_left = 0;
        return;
    }
    if (!message_put(c, &m->sender, payload)) {
        revert(c);
        return;
    }
    struct exec_log log = {.addr = m->to, .topic_count = 3};
    td_keccak256(&log.topic[0], event, sizeof event - 1u);
    topic(&log.topic[1], &m->sender);
    td_keccak256(&log.topic[2], payload.ptr, payload.len);
    log.data = td_bytes_of(m->input.ptr + 4, m->input.len - 4u); /* abi.encode(bytes) as given */
    exec_state_log(c->vm->state, &log);
    struct exec_u256 hash;
    exec_u256_from_be(&hash, log.topic[2].b, 32);
    answer(c, &hash);
}

/* ---- validators */

static void validators(struct call *c)
{
    struct exec_u256 slot;
    struct exec_slot_view view;
    if (!charge(c, EXEC_GAS_VALIDATORS, EXEC_NATIVE_MESSAGE))
        return;
    if (SELECTOR_IS(c, "epoch()"))
        slot = exec_u256_of(0);
    else if (SELECTOR_IS(c, "nextSetHash()"))
        slot = exec_u256_of(1);
    else {
        revert(c);
        return;
    }
    if (c->msg->input.len != 4 || !exec_u256_is_zero(&c->msg->value)) {
        revert(c);
        return;
    }
    exec_state_sload(c->vm->state, &c->msg->to, &slot, &view);
    answer(c, &view.now);
}

void exec_system_run(struct exec_vm *vm, const struct exec_message *msg, struct exec_outcome *out)
{
    struct call c = {vm, msg, out};
    *out = (struct exec_outcome){.status = EXEC_SUCCESS, .gas_left = msg->gas};
    if (msg->kind != EXEC_CALL && msg->kind != EXEC_STATICCALL) {
        out->status = EXEC_PRECOMPILE;
        out->gas_left = 0;
        return;
    }
    switch (which(&msg->code_addr)) {
    case BRIDGE:
        bridge(&c);
        return;
    case MESSENGER:
        messenger(&c);
        return;
    case VALIDATORS:
        validators(&c);
        return;
    case NONE:
        out->status = EXEC_PRECOMPILE;
        out->gas_left = 0;
        return;
    }
}

/* ---- the block's own writes */

void exec_system_begin(struct exec_state *state, const struct td_hash *hash, uint64_t number,
                       bool new_epoch, uint64_t epoch, const struct td_hash *next_set_hash)
{
    static const struct td_addr contract = {{[18] = 0x80, [19] = VALIDATORS}};
    struct exec_u256 slot = exec_u256_of(number % HISTORY_WINDOW), value;
    exec_u256_inline_from_be32(&value, hash->b);
    exec_state_put(state, &EXEC_HISTORY_ADDRESS, &slot, &value);
    if (new_epoch) {
        value = exec_u256_of(epoch);
        slot = exec_u256_of(0);
        exec_state_put(state, &contract, &slot, &value);
    }
    if (!td_hash_is_zero(next_set_hash)) {
        slot = exec_u256_of(1);
        exec_u256_from_be(&value, next_set_hash->b, sizeof next_set_hash->b);
        exec_state_put(state, &contract, &slot, &value);
    }
}

void exec_system_block_hash(struct exec_state *state, uint64_t number, uint64_t n,
                            struct td_hash *out)
{
    struct exec_u256 slot = exec_u256_of(n % HISTORY_WINDOW), value = {{0}};
    if (n < number && number - n <= BLOCKHASH_WINDOW)
        exec_state_peek(state, &EXEC_HISTORY_ADDRESS, &slot, &value);
    exec_u256_to_be(out->b, &value);
}
