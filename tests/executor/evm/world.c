#include "tests/executor/evm/world.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/core/assert.h"
#include "base/core/keccak.h"

#define STATE_BYTES (32u << 20)
#define VM_BYTES (96u << 20)
#define CODE_BYTES (4u << 20)

/* ---- the reader */

static enum td_error read_account(void *self, const struct td_addr *addr, struct exec_account *out)
{
    const struct world *w = self;
    *out = (struct exec_account){.code_hash = EXEC_EMPTY_CODE_HASH};
    for (uint32_t i = 0; i < w->account_count; i++)
        if (td_addr_eq(&w->accounts[i].addr, addr))
            *out = w->accounts[i].data;
    return TD_OK;
}

static enum td_error read_slot(void *self, const struct td_addr *addr, const struct exec_u256 *slot,
                               struct exec_u256 *out)
{
    struct world *w = self;
    w->slot_reads++;
    *out = exec_u256_of(0);
    for (uint32_t i = 0; i < w->slot_count; i++)
        if (td_addr_eq(&w->slots[i].addr, addr) && exec_u256_eq(&w->slots[i].slot, slot))
            *out = w->slots[i].value;
    return w->slot_error;
}

static enum td_error read_code(void *self, const struct td_hash *hash, struct td_bytes *out)
{
    const struct world *w = self;
    for (uint32_t i = 0; i < w->account_count; i++) {
        if (td_hash_eq(&w->accounts[i].data.code_hash, hash)) {
            *out = w->accounts[i].code;
            return TD_OK;
        }
    }
    return TD_E_NOTFOUND;
}

/* ---- life */

/* One set of arenas serves world after world: a test runner that fills what is allocated and freed
 * would spend its time on 132 MiB a world.  Worlds that live at once get their own. */
static void *spare[3];

static void *arena_take(uint32_t which, size_t bytes)
{
    void *memory = spare[which] != NULL ? spare[which] : malloc(bytes);
    spare[which] = NULL;
    TD_ASSERT(memory != NULL);
    return memory;
}

static void arena_give(uint32_t which, void *memory)
{
    free(spare[which]);
    spare[which] = memory;
}

struct world *world_new(void)
{
    struct world *w = calloc(1, sizeof *w);
    TD_ASSERT(w != NULL);
    td_arena_init(&w->state_arena, arena_take(0, STATE_BYTES), STATE_BYTES);
    td_arena_init(&w->vm_arena, arena_take(1, VM_BYTES), VM_BYTES);
    td_arena_init(&w->code_arena, arena_take(2, CODE_BYTES), CODE_BYTES);
    w->reader = (struct exec_reader){
        .self = w, .account = read_account, .slot = read_slot, .code = read_code};
    w->block = (struct exec_block_env){.chain_id = 1337,
                                       .number = 1000,
                                       .timestamp = 1700000000,
                                       .gas_limit = 30000000,
                                       .base_fee = exec_u256_of(7),
                                       .prev_randao = exec_u256_of(0x7a4d),
                                       .blob_base_fee = exec_u256_of(1),
                                       .coinbase = world_addr(0xc0),
                                       .hash_count = 0};
    w->state = exec_state_init(malloc(exec_state_footprint()), &w->state_arena, &w->reader);
    exec_code_cache_init(&w->codes, &w->state_arena);
    w->vm = (struct exec_vm){.state = w->state,
                             .block = &w->block,
                             .arena = &w->vm_arena,
                             .origin = world_addr(WORLD_CALLER),
                             .gas_price = exec_u256_of(9),
                             .native_left = INT64_MAX,
                             .codes = &w->codes};
    world_put(w, WORLD_CALLER, 1, UINT64_C(1000000000000000000), td_bytes_of(NULL, 0));
    return w;
}

void world_free(struct world *w)
{
    arena_give(0, w->state_arena.base);
    arena_give(1, w->vm_arena.base);
    arena_give(2, w->code_arena.base);
    free(w->state);
    free(w);
}

struct td_addr world_addr(uint64_t n)
{
    struct td_addr a = {{0}};
    for (unsigned i = 0; i < 8; i++)
        a.b[19 - i] = (uint8_t)(n >> (8 * i));
    return a;
}

void world_put(struct world *w, uint64_t addr, uint64_t nonce, uint64_t balance,
               struct td_bytes code)
{
    TD_ASSERT(w->account_count < WORLD_ACCOUNTS_MAX);
    struct world_account *a = &w->accounts[w->account_count++];
    *a = (struct world_account){.addr = world_addr(addr), .code = code};
    a->data.nonce = nonce;
    a->data.balance = exec_u256_of(balance);
    a->data.code_bytes = (uint32_t)code.len;
    td_keccak256(&a->data.code_hash, code.ptr, code.len);
}

void world_put_code(struct world *w, uint64_t addr, const char *text)
{
    world_put(w, addr, 1, 0, world_code(w, text));
}

void world_put_slot(struct world *w, uint64_t addr, uint64_t slot, uint64_t value)
{
    TD_ASSERT(w->slot_count < WORLD_SLOTS_MAX);
    w->slots[w->slot_count++] =
        (struct world_slot){world_addr(addr), exec_u256_of(slot), exec_u256_of(value)};
}

/* ---- assembler */

#define LABELS_MAX 32u

struct assembler {
    uint8_t *out;
    size_t len;
    struct {
        char name[32];
        size_t at;
    } labels[LABELS_MAX];
    size_t label_count;
};

static void bad(const char *token)
{
    fprintf(stderr, "assembly: %s?\n", token);
    TD_ASSERT(false);
}

static void emit(struct assembler *a, uint8_t byte)
{
    TD_ASSERT(a->len < WORLD_CODE_BYTES_MAX);
    a->out[a->len++] = byte;
}

static int opcode_of(const char *token)
{
#define ROW(code, name, in, out, gas, native) {#name, code},
#define NO_ROW(code)
    static const struct {
        const char *name;
        int code;
    } OPCODES[] = {EXEC_OPCODES(ROW, NO_ROW)};
    for (size_t i = 0; i < sizeof OPCODES / sizeof OPCODES[0]; i++)
        if (strcmp(OPCODES[i].name, token) == 0)
            return OPCODES[i].code;
    return strcmp(token, "INVALID") == 0 ? 0xfe : -1;
}

static void push_number(struct assembler *a, const char *token)
{
    uint8_t bytes[32] = {0};
    size_t count = 0;
    if (token[0] == '0' && token[1] == 'x') {
        size_t digits = strlen(token + 2);
        count = (digits + 1) / 2;
        TD_ASSERT(count <= 32);
        for (size_t i = 0; i < digits; i++) {
            char pair[2] = {token[2 + digits - 1 - i], 0};
            bytes[count - 1 - i / 2] |= (uint8_t)(strtoul(pair, NULL, 16) << (i % 2 * 4));
        }
    } else {
        char *end;
        uint64_t v = strtoull(token, &end, 10);
        if (*end != 0)
            bad(token);
        for (uint64_t rest = v; rest != 0; rest >>= 8)
            count++;
        for (size_t i = 0; i < count; i++)
            bytes[count - 1 - i] = (uint8_t)(v >> (8 * i));
    }
    emit(a, (uint8_t)(0x5f + count));
    for (size_t i = 0; i < count; i++)
        emit(a, bytes[i]);
}

static void push_label(struct assembler *a, const char *name)
{
    size_t at = 0;
    for (size_t i = 0; i < a->label_count; i++)
        if (strcmp(a->labels[i].name, name) == 0)
            at = a->labels[i].at;
    emit(a, 0x61);
    emit(a, (uint8_t)(at >> 8));
    emit(a, (uint8_t)at);
}

static void assemble_token(struct assembler *a, char *token)
{
    size_t len = strlen(token);
    int op = opcode_of(token);
    if (op >= 0) {
        emit(a, (uint8_t)op);
    } else if (token[len - 1] == ':') {
        TD_ASSERT(a->label_count < LABELS_MAX);
        token[len - 1] = 0;
        snprintf(a->labels[a->label_count].name, sizeof a->labels[0].name, "%s", token);
        a->labels[a->label_count++].at = a->len;
        emit(a, EXEC_OP_JUMPDEST);
    } else if (token[0] == '@') {
        push_label(a, token + 1);
    } else if (token[0] == '.') {
        for (size_t i = 1; i + 1 < len; i += 2) {
            char pair[3] = {token[i], token[i + 1], 0};
            emit(a, (uint8_t)strtoul(pair, NULL, 16));
        }
    } else if (strcmp(token, "ret") == 0) {
        static const uint8_t RET[] = {0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3};
        for (size_t i = 0; i < sizeof RET; i++)
            emit(a, RET[i]);
    } else {
        push_number(a, token);
    }
}

struct td_bytes world_code(struct world *w, const char *text)
{
    struct assembler a = {.out = malloc(WORLD_CODE_BYTES_MAX)};
    TD_ASSERT(a.out != NULL);
    for (int pass = 0; pass < 2; pass++) { /* the second knows where labels are */
        char *copy = malloc(strlen(text) + 1);
        TD_ASSERT(copy != NULL);
        strcpy(copy, text);
        a.len = 0;
        size_t known = a.label_count;
        for (char *t = strtok(copy, " \n"); t != NULL; t = strtok(NULL, " \n"))
            assemble_token(&a, t);
        if (pass == 1)
            a.label_count = known;
        free(copy);
    }
    uint8_t *kept = td_arena_get(&w->code_arena, a.len, 1);
    TD_ASSERT(kept != NULL);
    if (a.len > 0)
        memcpy(kept, a.out, a.len);
    free(a.out);
    return td_bytes_of(kept, a.len);
}

/* ---- running */

void world_begin(struct world *w)
{
    exec_state_tx_begin(w->state);
    struct td_addr caller = world_addr(WORLD_CALLER);
    exec_state_warm(w->state, &caller);
}

struct exec_outcome world_call(struct world *w, uint64_t to, int64_t gas, uint64_t value,
                               struct td_bytes input)
{
    struct exec_message msg = {.kind = EXEC_CALL,
                               .gas = gas,
                               .sender = world_addr(WORLD_CALLER),
                               .to = world_addr(to),
                               .code_addr = world_addr(to),
                               .value = exec_u256_of(value),
                               .input = input};
    struct exec_outcome out;
    exec_state_warm(w->state, &msg.to);
    exec_evm_run(&w->vm, &msg, &out);
    return out;
}

struct exec_outcome world_create(struct world *w, const char *init, int64_t gas, uint64_t value)
{
    struct exec_message msg = {.kind = EXEC_CREATE,
                               .gas = gas,
                               .sender = world_addr(WORLD_CALLER),
                               .value = exec_u256_of(value),
                               .input = world_code(w, init)};
    struct exec_outcome out;
    exec_evm_run(&w->vm, &msg, &out);
    return out;
}

struct exec_outcome world_run(struct world *w, const char *text, int64_t gas)
{
    world_put_code(w, 0x1000, text);
    world_begin(w);
    return world_call(w, 0x1000, gas, 0, td_bytes_of(NULL, 0));
}

struct exec_u256 world_word(const struct exec_outcome *out)
{
    struct exec_u256 r = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
    if (out->output.len == 32)
        exec_u256_from_be(&r, out->output.ptr, 32);
    return r;
}

uint64_t world_number(const struct exec_outcome *out)
{
    struct exec_u256 r = world_word(out);
    return exec_u256_u64_or_max(&r);
}
