/* Arbitrary bytecode and call data over a small state.  Three runs of the same must agree in every
 * result: plain, traced, and with code prepared at each call instead of cached; the tracer also
 * checks that every step it is shown is within bounds.
 *
 *     byte 0     flags: 1 static, 2 creation, 4 little native, 8 little gas; high half 1: much
 *     bytes 1-2  length of the first code (big-endian, cut to what there is); then that code
 *     then       one length byte and the second code; the rest is call data */
#include <stdint.h>

#include "base/core/assert.h"
#include "base/core/keccak.h"
#include "executor/evm.h"

#define INPUT_MAX 4096u
#define GAS_MUCH 300000
#define GAS 60000 /* as a rule: most of what takes more is a loop */
#define GAS_LITTLE 25000
#define NATIVE 3000000
#define NATIVE_LITTLE 40000
#define STATE_BYTES (24u << 20)
#define VM_BYTES (48u << 20)
#define STATE_OBJECT_BYTES 65536u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct account {
    struct td_addr addr;
    struct exec_account data;
    struct td_bytes code;
};

struct input {
    uint8_t flags;
    struct account accounts[4]; /* sender, two contracts, and one that delegates to the first */
    struct td_bytes call_data;
};

struct result {
    struct exec_outcome out;
    int64_t native_left;
    int64_t refund;
    uint32_t log_count, slot_count, account_count;
    struct td_hash digest; /* of output, logs and slots */
    uint64_t steps;
};

static enum td_error read_account(void *self, const struct td_addr *addr, struct exec_account *out)
{
    const struct input *in = self;
    *out = (struct exec_account){.code_hash = EXEC_EMPTY_CODE_HASH};
    for (unsigned i = 0; i < 4; i++)
        if (td_addr_eq(&in->accounts[i].addr, addr))
            *out = in->accounts[i].data;
    return TD_OK;
}

static enum td_error read_slot(void *self, const struct td_addr *addr, const struct exec_u256 *slot,
                               struct exec_u256 *out)
{
    (void)self;
    (void)addr;
    *out = exec_u256_of(slot->w[0] & 1u);
    return TD_OK;
}

static enum td_error read_code(void *self, const struct td_hash *hash, struct td_bytes *out)
{
    const struct input *in = self;
    for (unsigned i = 0; i < 4; i++) {
        if (td_hash_eq(&in->accounts[i].data.code_hash, hash)) {
            *out = in->accounts[i].code;
            return TD_OK;
        }
    }
    return TD_E_NOTFOUND;
}

static struct td_addr address(uint8_t n)
{
    struct td_addr a = {{0}};
    a.b[18] = 0x10;
    a.b[19] = n;
    return a;
}

static void put(struct account *a, uint8_t n, uint64_t nonce, uint64_t balance,
                struct td_bytes code)
{
    *a = (struct account){.addr = address(n), .code = code};
    a->data.nonce = nonce;
    a->data.balance = exec_u256_of(balance);
    a->data.code_bytes = (uint32_t)code.len;
    td_keccak256(&a->data.code_hash, code.ptr, code.len);
}

static struct td_bytes take(struct td_bytes *rest, size_t len)
{
    if (len > rest->len)
        len = rest->len;
    struct td_bytes part = td_bytes_of(rest->ptr, len);
    rest->ptr += len;
    rest->len -= len;
    return part;
}

static bool parse(struct input *in, const uint8_t *data, size_t len)
{
    static uint8_t delegation[23] = {0xef, 0x01, 0x00};
    struct td_bytes rest = td_bytes_of(data, len);
    if (len < 4 || len > INPUT_MAX)
        return false;
    in->flags = *take(&rest, 1).ptr;
    struct td_bytes head = take(&rest, 2);
    struct td_bytes first = take(&rest, (size_t)head.ptr[0] << 8 | head.ptr[1]);
    struct td_bytes second = td_bytes_of(NULL, 0);
    if (rest.len > 0)
        second = take(&rest, *take(&rest, 1).ptr);
    in->call_data = rest;
    struct td_addr target = address(1);
    memcpy(delegation + 3, target.b, TD_ADDR_BYTES);
    put(&in->accounts[0], 0, 5, UINT64_C(1) << 60, td_bytes_of(NULL, 0));
    put(&in->accounts[1], 1, 1, 1000, first);
    put(&in->accounts[2], 2, 1, 1000, second);
    put(&in->accounts[3], 3, 1, 1000, td_bytes_of(delegation, sizeof delegation));
    return true;
}

static void on_step(void *self, const struct exec_trace_step *step)
{
    uint64_t *steps = self;
    (*steps)++;
    TD_ASSERT(step->stack_count <= 1024u);
    TD_ASSERT(step->depth <= 1024u);
    TD_ASSERT(step->gas >= 0);
    TD_ASSERT(step->native >= 0);
    TD_ASSERT(step->memory.len % 32u == 0);
    /* Every byte that is said to be there can be read. */
    volatile uint8_t sink = 0;
    if (step->memory.len > 0)
        sink = step->memory.ptr[step->memory.len - 1u];
    if (step->return_data.len > 0)
        sink = step->return_data.ptr[step->return_data.len - 1u];
    if (step->stack_count > 0)
        sink = (uint8_t)step->stack_top[1 - (int)step->stack_count].w[0];
    (void)sink;
}

static void digest_state(struct result *r, const struct exec_state *state)
{
    struct td_keccak k;
    td_keccak_init(&k);
    td_keccak_update(&k, r->out.output.ptr, r->out.output.len);
    const struct exec_log *logs = exec_state_logs(state, &r->log_count);
    for (uint32_t i = 0; i < r->log_count; i++) {
        td_keccak_update(&k, logs[i].addr.b, TD_ADDR_BYTES);
        td_keccak_update(&k, logs[i].topic, logs[i].topic_count * sizeof logs[i].topic[0]);
        td_keccak_update(&k, logs[i].data.ptr, logs[i].data.len);
    }
    r->slot_count = exec_state_slot_count(state);
    for (uint32_t i = 0; i < r->slot_count; i++)
        td_keccak_update(&k, exec_state_slot_at(state, i)->now.w, 32);
    r->account_count = exec_state_account_count(state);
    for (uint32_t i = 0; i < r->account_count; i++) {
        const struct exec_state_account *a = exec_state_account_at(state, i);
        td_keccak_update(&k, a->addr.b, TD_ADDR_BYTES);
        td_keccak_update(&k, &a->now.nonce, sizeof a->now.nonce);
        td_keccak_update(&k, a->now.balance.w, 32);
        td_keccak_update(&k, a->now.code_hash.b, TD_HASH_BYTES);
    }
    td_keccak_final(&k, &r->digest);
}

static int64_t gas_of(const struct input *in)
{
    if ((in->flags & 8) != 0)
        return GAS_LITTLE;
    return in->flags >> 4 == 1 ? GAS_MUCH : GAS;
}

static void run(struct result *r, struct input *in, bool traced, bool cached)
{
    static uint64_t object[STATE_OBJECT_BYTES / 8u];
    static uint8_t state_memory[STATE_BYTES];
    static uint8_t vm_memory[VM_BYTES];
    struct td_arena state_arena, vm_arena;
    struct exec_code_cache codes;
    struct td_hash hashes[2] = {{{1}}, {{2}}};
    struct exec_reader reader = {in, read_account, read_slot, read_code};
    struct exec_tracer tracer = {.self = &r->steps, .step = on_step};
    struct exec_block_env block = {
        .chain_id = 1, .number = 300, .gas_limit = GAS_MUCH, .hashes = hashes, .hash_count = 2};
    *r = (struct result){.steps = 0};
    TD_ASSERT(exec_state_footprint() <= sizeof object);
    td_arena_init(&state_arena, state_memory, sizeof state_memory);
    td_arena_init(&vm_arena, vm_memory, sizeof vm_memory);
    exec_code_cache_init(&codes, &state_arena);
    struct exec_state *state = exec_state_init(object, &state_arena, &reader);
    struct exec_vm vm = {.state = state,
                         .block = &block,
                         .arena = &vm_arena,
                         .origin = address(0),
                         .native_left = in->flags & 4 ? NATIVE_LITTLE : NATIVE,
                         .codes = cached ? &codes : NULL,
                         .tracer = traced ? &tracer : NULL};
    struct exec_message msg = {.kind = in->flags & 2 ? EXEC_CREATE : EXEC_CALL,
                               .is_static = (in->flags & 3) == 1,
                               .gas = gas_of(in),
                               .sender = address(0),
                               .to = address(1),
                               .code_addr = address(1),
                               .input = in->flags & 2 ? in->accounts[1].code : in->call_data};
    exec_state_tx_begin(state);
    exec_evm_run(&vm, &msg, &r->out);
    TD_ASSERT(r->out.status != EXEC_ERROR);
    TD_ASSERT(r->out.gas_left >= 0);
    TD_ASSERT(r->out.gas_left <= msg.gas);
    TD_ASSERT(vm.native_left >= 0);
    TD_ASSERT(vm_arena.peak <= exec_evm_arena_bytes(GAS_MUCH));
    r->native_left = vm.native_left;
    r->refund = exec_state_refund(state);
    digest_state(r, state);
    exec_state_tx_end(state);
    TD_ASSERT(exec_state_error(state) == TD_OK);
}

static void same(const struct result *a, const struct result *b)
{
    TD_ASSERT(a->out.status == b->out.status);
    TD_ASSERT(a->out.gas_left == b->out.gas_left);
    TD_ASSERT(a->out.output.len == b->out.output.len);
    TD_ASSERT(a->refund == b->refund);
    TD_ASSERT(a->log_count == b->log_count);
    TD_ASSERT(a->slot_count == b->slot_count);
    TD_ASSERT(a->account_count == b->account_count);
    TD_ASSERT(td_hash_eq(&a->digest, &b->digest));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct input in;
    struct result plain, traced, uncached;
    if (!parse(&in, data, len))
        return 0;
    run(&plain, &in, false, true);
    run(&traced, &in, true, true);
    same(&plain, &traced);
    TD_ASSERT(plain.native_left == traced.native_left);
    /* Without the cache each call pays for its code: it may run out of native units where the
     * others do not, never the other way round.  What is left of them then says nothing: a
     * precompile that is too dear takes none. */
    run(&uncached, &in, false, false);
    if (uncached.out.status == EXEC_OUT_OF_NATIVE)
        return 0;
    TD_ASSERT(uncached.native_left <= plain.native_left);
    same(&plain, &uncached);
    return 0;
}
