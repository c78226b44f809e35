#define _POSIX_C_SOURCE 200809L /* fmemopen, clock_gettime */
#include "node/exec/statetest.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/core/hex.h"
#include "base/host/mem.h"
#include "executor/precompiles.h"
#include "executor/receipt.h"
#include "executor/tx.h"

/* Address space only.  The state holds what a 2^63-gas transaction of a test touches; frames and
 * memory need a few MiB in every public test. */
#define FILE_ARENA_BYTES (256u << 20)
#define STATE_ARENA_BYTES (512u << 20)
#define VM_ARENA_BYTES (832u << 20)

#define DIFFERENCES_MAX 20u
#define TX_TYPE_BLOB 3u

/* EIP-4844's minimum, in wei. */
#define BLOB_BASE_FEE_MIN 1u

enum td_error node_statetest_init(struct node_statetest_runner *r)
{
    *r = (struct node_statetest_runner){.text = malloc(NODE_STATETEST_TEXT_BYTES)};
    if (r->text != NULL && td_mem_arena_new(&r->file, FILE_ARENA_BYTES) == TD_OK &&
        td_mem_arena_new(&r->state, STATE_ARENA_BYTES) == TD_OK &&
        td_mem_arena_new(&r->vm, VM_ARENA_BYTES) == TD_OK)
        return TD_OK;
    node_statetest_free(r);
    return TD_E_NOMEM;
}

void node_statetest_free(struct node_statetest_runner *r)
{
    td_mem_arena_free(&r->file);
    td_mem_arena_free(&r->state);
    td_mem_arena_free(&r->vm);
    if (r->to != NULL)
        fclose(r->to);
    r->to = NULL;
    free(r->text);
    r->text = NULL;
}

/* ---- what the file says */

/* EIP-4844: fee = e^(excess / fraction) in integers, by its Taylor series.  False when it exceeds
 * 256 bits, which also bounds the number of terms to some hundreds. */
static bool blob_base_fee(struct exec_u256 *out, uint64_t excess, uint64_t fraction)
{
    const struct exec_u256 numerator = exec_u256_of(excess);
    const struct exec_u256 denominator = exec_u256_of(fraction);
    struct exec_u256 term = denominator;
    struct exec_u256 sum = exec_u256_of(0);

    if (fraction == 0)
        return false;
    for (uint64_t i = 1; !exec_u256_is_zero(&term); i++) {
        struct exec_u256 divisor = exec_u256_of(i);
        if (exec_u256_add(&sum, &sum, &term) || exec_u256_mul_checked(&term, &term, &numerator))
            return false;
        exec_u256_mul(&divisor, &divisor, &denominator);
        exec_u256_div(&term, &term, &divisor);
    }
    exec_u256_div(out, &sum, &denominator);
    return true;
}

static void get_blob_fee(struct node_statetest_case *c, struct node_json *j, const json_t *env,
                         const json_t *config)
{
    c->env.blob_base_fee = exec_u256_of(BLOB_BASE_FEE_MIN);
    uint64_t excess = node_json_opt_u64(j, env, "currentExcessBlobGas", 0);
    if (excess == 0 || !node_json_ok(j))
        return;
    node_json_at(j, "config");
    const json_t *schedule = node_json_object(j, config, "blobSchedule");
    const json_t *prague = node_json_object(j, schedule, c->fork);
    uint64_t fraction = node_json_u64(j, prague, "baseFeeUpdateFraction");
    if (node_json_ok(j) && !blob_base_fee(&c->env.blob_base_fee, excess, fraction))
        node_json_fail(j, NULL, "the blob base fee exceeds 256 bits");
}

static void get_env(struct node_statetest_case *c, struct node_json *j, const json_t *in)
{
    const json_t *env = node_json_object(j, in, "env");
    const json_t *config = json_object_get(in, "config");

    node_json_at(j, "config");
    c->env.chain_id = config == NULL ? 1 : node_json_opt_u64(j, config, "chainid", 1);
    node_json_at(j, "env");
    node_json_addr(j, env, "currentCoinbase", &c->env.coinbase);
    c->env.number = node_json_u64(j, env, "currentNumber");
    c->env.timestamp = node_json_u64(j, env, "currentTimestamp");
    c->env.gas_limit = node_json_u64(j, env, "currentGasLimit");
    node_json_u256(j, env, "currentBaseFee", &c->env.base_fee);
    node_json_u256(j, env, "currentRandom", &c->env.prev_randao);
    if (node_json_ok(j))
        get_blob_fee(c, j, env, config);
}

static void get_entry(struct node_statetest_case *c, struct node_json *j, const json_t *entry)
{
    const json_t *state = json_object_get(entry, "state");
    const json_t *exception = json_object_get(entry, "expectException");

    node_json_at(j, "post.%.20s[%zu]", c->fork, c->index);
    c->tx = node_json_bytes(j, entry, "txbytes");
    node_json_hash(j, entry, "hash", &c->root);
    node_json_hash(j, entry, "logs", &c->logs);
    c->exception = json_string_value(exception);
    if (exception != NULL && c->exception == NULL)
        node_json_fail(j, "expectException", "not a string");
    if (state != NULL && !json_is_object(state))
        node_json_fail(j, "state", "not an object");
    c->has_post = state != NULL;
    node_json_at(j, "post");
    if (c->has_post && node_json_ok(j))
        node_world_get(&c->post, j, state);
}

static void get_case(struct node_statetest_case *c, struct node_json *j, const json_t *in,
                     const json_t *entry)
{
    get_env(c, j, in);
    node_json_at(j, "%s", "");
    const json_t *pre = node_json_object(j, in, "pre");
    if (node_json_ok(j)) {
        node_json_at(j, "pre");
        node_world_get(&c->pre, j, pre);
    }
    if (node_json_ok(j))
        get_entry(c, j, entry);
}

/* ---- which refusal an exception means */

static const struct {
    const char *name; /* without "TransactionException." */
    enum exec_tx_verdict verdict, other;
} EXCEPTIONS[] = {
    {"INSUFFICIENT_ACCOUNT_FUNDS", EXEC_TX_INSUFFICIENT_FUNDS, EXEC_TX_INSUFFICIENT_FUNDS},
    {"GASLIMIT_PRICE_PRODUCT_OVERFLOW", EXEC_TX_INSUFFICIENT_FUNDS, EXEC_TX_MALFORMED},
    {"INTRINSIC_GAS_TOO_LOW", EXEC_TX_INTRINSIC_GAS, EXEC_TX_INTRINSIC_GAS},
    {"INTRINSIC_GAS_BELOW_FLOOR_GAS_COST", EXEC_TX_INTRINSIC_GAS, EXEC_TX_INTRINSIC_GAS},
    {"SENDER_NOT_EOA", EXEC_TX_SENDER_NOT_EOA, EXEC_TX_SENDER_NOT_EOA},
    {"INSUFFICIENT_MAX_FEE_PER_GAS", EXEC_TX_FEE_CAP_TOO_LOW, EXEC_TX_FEE_CAP_TOO_LOW},
    {"PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS", EXEC_TX_TIP_ABOVE_FEE_CAP, EXEC_TX_TIP_ABOVE_FEE_CAP},
    {"INITCODE_SIZE_EXCEEDED", EXEC_TX_INITCODE_SIZE, EXEC_TX_INITCODE_SIZE},
    {"NONCE_IS_MAX", EXEC_TX_NONCE_MAX, EXEC_TX_NONCE_MAX},
    {"NONCE_MISMATCH_TOO_LOW", EXEC_TX_NONCE_TOO_LOW, EXEC_TX_NONCE_TOO_LOW},
    {"NONCE_MISMATCH_TOO_HIGH", EXEC_TX_NONCE_TOO_HIGH, EXEC_TX_NONCE_TOO_HIGH},
    {"GAS_ALLOWANCE_EXCEEDED", EXEC_TX_BLOCK_GAS, EXEC_TX_BLOCK_GAS},
    {"INVALID_CHAINID", EXEC_TX_CHAIN_ID, EXEC_TX_CHAIN_ID},
    {"INVALID_SIGNATURE_VRS", EXEC_TX_BAD_SIGNATURE, EXEC_TX_BAD_SIGNATURE},
    {"TYPE_NOT_SUPPORTED", EXEC_TX_TYPE, EXEC_TX_TYPE},
    {"TYPE_4_EMPTY_AUTHORIZATION_LIST", EXEC_TX_NO_AUTHORIZATIONS, EXEC_TX_NO_AUTHORIZATIONS},
    /* the type has no encoding for "no destination", so the decoder may be the one to refuse */
    {"TYPE_4_TX_CONTRACT_CREATION", EXEC_TX_CREATE_NOT_ALLOWED, EXEC_TX_MALFORMED},
};

#define EXCEPTIONS_COUNT (sizeof EXCEPTIONS / sizeof EXCEPTIONS[0])

/* Whether `verdict` is a refusal of one of the classes in `names`.  A class that is not in the
 * table is satisfied by any refusal: such files come from newer rules. */
static bool is_expected(const char *names, enum exec_tx_verdict verdict)
{
    static const char PREFIX[] = "TransactionException.";
    if (verdict == EXEC_TX_OK)
        return false;
    for (const char *at = names; at != NULL; at = strchr(at, '|')) {
        at += *at == '|' ? 1 : 0;
        if (strncmp(at, PREFIX, sizeof PREFIX - 1) == 0)
            at += sizeof PREFIX - 1;
        size_t len = strcspn(at, "|");
        bool known = false;
        for (size_t i = 0; i < EXCEPTIONS_COUNT; i++) {
            if (strlen(EXCEPTIONS[i].name) != len || strncmp(EXCEPTIONS[i].name, at, len) != 0)
                continue;
            known = true;
            if (verdict == EXCEPTIONS[i].verdict || verdict == EXCEPTIONS[i].other)
                return true;
        }
        if (!known)
            return true;
    }
    return false;
}

/* ---- calls of precompiles this chain does not have */

static const char *const ABSENT_PRECOMPILES[] = {
    "0x0a (KZG point evaluation)", "0x0b (BLS12-381 G1 add)",      "0x0c (BLS12-381 G1 multiply)",
    "0x0d (BLS12-381 G2 add)",     "0x0e (BLS12-381 G2 multiply)", "0x0f (BLS12-381 pairing)",
    "0x10 (BLS12-381 map to G1)",  "0x11 (BLS12-381 map to G2)",
};

#define ABSENT_FIRST 0x0au
#define ABSENT_COUNT (sizeof ABSENT_PRECOMPILES / sizeof ABSENT_PRECOMPILES[0])

struct watch {
    uint32_t called; /* bit i: ABSENT_PRECOMPILES[i] */
};

static void watch_enter(void *self, const struct exec_message *msg)
{
    struct watch *w = self;
    uint32_t index = exec_precompile_index(&msg->code_addr);
    if (msg->kind != EXEC_CREATE && msg->kind != EXEC_CREATE2 && index >= ABSENT_FIRST &&
        index - ABSENT_FIRST < ABSENT_COUNT)
        w->called |= 1u << (index - ABSENT_FIRST);
}

static void watch_step(void *self, const struct exec_trace_step *step)
{
    (void)self;
    (void)step;
}

static void watch_leave(void *self, const struct exec_message *msg, const struct exec_outcome *out)
{
    (void)self;
    (void)msg;
    (void)out;
}

/* ---- running */

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* What is known of a transaction before it meets the state. */
struct prepared {
    enum exec_tx_verdict verdict;
    struct exec_tx tx; /* its lists are in the file's arena */
};

static void prepare(struct node_statetest_runner *r, const struct node_statetest_case *c,
                    struct prepared *p)
{
    p->verdict = exec_tx_decode(&p->tx, &r->file, c->tx, c->env.chain_id);
    if (p->verdict == EXEC_TX_OK)
        p->verdict = exec_tx_recover_by(&p->tx, r->recoverer);
    if (p->verdict == EXEC_TX_OK)
        p->verdict = exec_tx_check(&p->tx, &c->env);
}

/* One execution of a case: the state it left, or an error that no transaction may cause. */
struct execution {
    struct exec_reader reader; /* the state borrows it */
    enum exec_tx_verdict verdict;
    struct exec_receipt receipt;
    struct exec_state *state;
    struct td_hash logs; /* of the receipt; the empty list's when refused */
    uint64_t nanoseconds;
    enum td_error err;
};

static void execute(struct node_statetest_runner *r, const struct node_statetest_case *c,
                    const struct prepared *p, const struct exec_tracer *tracer, struct execution *x)
{
    *x = (struct execution){.reader = node_world_reader(&c->pre), .verdict = p->verdict};
    exec_logs_hash(&x->logs, NULL, 0);
    td_arena_reset(&r->state);
    td_arena_reset(&r->vm);
    void *region = td_arena_get(&r->state, exec_state_footprint(), 16);
    x->state = exec_state_init(region, &r->state, &x->reader);
    if (x->verdict != EXEC_TX_OK)
        return;

    struct exec_code_cache codes;
    exec_code_cache_init(&codes, &r->state);
    struct exec_vm vm = {.state = x->state,
                         .codes = &codes,
                         .block = &c->env,
                         .arena = &r->vm,
                         .native_left = INT64_MAX,
                         .tracer = tracer};
    uint64_t began = now_ns();
    x->verdict = exec_tx_apply(&vm, &p->tx, c->env.gas_limit, UINT64_MAX, &x->receipt);
    x->nanoseconds = now_ns() - began;
    if (x->verdict == EXEC_TX_OK) {
        x->err = x->receipt.err;
        exec_logs_hash(&x->logs, x->receipt.logs, x->receipt.log_count);
    }
    if (x->err == TD_OK)
        x->err = exec_state_error(x->state);
}

static void expect_hash(FILE *to, const char *what, const struct td_hash *expected,
                        const struct td_hash *got)
{
    char e[TD_HASH_TEXT_BYTES], g[TD_HASH_TEXT_BYTES];
    if (td_hash_eq(expected, got))
        return;
    td_hash_print(e, expected);
    td_hash_print(g, got);
    fprintf(to, "%s: expected %s, got %s\n", what, e, g);
}

/* Compare the verdict; the state, logs and root; each difference is a line of `to`. */
static void judge(struct node_statetest_runner *r, const struct node_statetest_case *c,
                  const struct execution *x, FILE *to, struct td_hash *root)
{
    struct node_world after;
    enum td_error err = x->err;
    if (c->exception == NULL && x->verdict != EXEC_TX_OK)
        fprintf(to, "transaction refused: %s\n", exec_tx_verdict_text(x->verdict));
    if (c->exception != NULL && x->verdict == EXEC_TX_OK)
        fprintf(to, "transaction accepted; must be refused: %s\n", c->exception);
    else if (c->exception != NULL && !is_expected(c->exception, x->verdict))
        fprintf(to, "transaction refused for \"%s\"; expected %s\n",
                exec_tx_verdict_text(x->verdict), c->exception);

    if (err == TD_OK)
        err = node_world_after(&after, &c->pre, x->state, &r->state);
    if (err == TD_OK)
        err = node_world_root(root, &after, &r->state);
    if (err != TD_OK) {
        fprintf(to, "execution ended by an error: %s\n", td_error_text(err));
        return;
    }
    size_t differences = 0;
    if (c->has_post)
        differences = node_world_compare(to, DIFFERENCES_MAX, &c->post, &after);
    if (differences > DIFFERENCES_MAX)
        fprintf(to, "... and %zu more differences\n", differences - DIFFERENCES_MAX);
    expect_hash(to, "state root", &c->root, root);
    expect_hash(to, "logs hash", &c->logs, &x->logs);
    if (ftell(to) > 0 && x->verdict == EXEC_TX_OK)
        fprintf(to, "(ran to %s, %llu gas)\n", exec_status_text(x->receipt.status),
                (unsigned long long)x->receipt.gas_used);
}

/* Whether the case, run once more, calls a precompile that is absent here; then *text says which.
 */
static bool calls_absent(struct node_statetest_runner *r, const struct node_statetest_case *c,
                         const struct prepared *p, char *text, size_t cap)
{
    struct watch watch = {0};
    struct exec_tracer tracer = {
        .self = &watch, .step = watch_step, .enter = watch_enter, .leave = watch_leave};
    struct execution x;
    execute(r, c, p, &tracer, &x);
    if (watch.called == 0)
        return false;
    const char *before = "calls precompile";
    size_t len = 0;
    for (uint32_t i = 0; i < ABSENT_COUNT && len < cap; i++) {
        if ((watch.called >> i & 1u) == 0)
            continue;
        len += (size_t)snprintf(text + len, cap - len, "%s %s", before, ABSENT_PRECOMPILES[i]);
        before = ",";
    }
    return true;
}

/* A blob transaction must be refused for what it is, then the case is skipped. */
static void run_blob(struct node_statetest_runner *r, const struct node_statetest_case *c,
                     struct node_statetest_outcome *o)
{
    struct exec_tx tx;
    enum exec_tx_verdict verdict = exec_tx_decode(&tx, &r->file, c->tx, c->env.chain_id);
    bool refused = verdict == EXEC_TX_TYPE;
    o->result = refused ? NODE_STATETEST_SKIPPED : NODE_STATETEST_FAILED;
    snprintf(r->text, NODE_STATETEST_TEXT_BYTES, "%s%s", "blob transaction (type 3)",
             refused ? "" : " not refused by its type\n");
}

/* The stream of complaints, at the start of the text.  One serves every case: opening it costs as
 * much as a small transaction. */
static FILE *complaints(struct node_statetest_runner *r)
{
    if (r->to == NULL)
        r->to = fmemopen(r->text, NODE_STATETEST_TEXT_BYTES, "w");
    else
        rewind(r->to);
    return r->to;
}

/* End the text; whether there is none. */
static bool end_complaints(struct node_statetest_runner *r)
{
    bool fits = fflush(r->to) == 0;
    long len = ftell(r->to);
    fits = fits && len >= 0 && len < (long)NODE_STATETEST_TEXT_BYTES;
    r->text[fits ? (size_t)len : NODE_STATETEST_TEXT_BYTES - 1u] = '\0';
    if (!fits) { /* what is left in its buffer must not reach the next case */
        fclose(r->to);
        r->to = NULL;
        r->text[NODE_STATETEST_TEXT_BYTES - 1u] = '\0';
    }
    return fits && len == 0;
}

static void run_case(struct node_statetest_runner *r, const struct node_statetest_case *c,
                     const struct exec_tracer *tracer, struct node_statetest_outcome *o)
{
    struct prepared p;
    struct execution x;
    FILE *to = complaints(r);
    if (to == NULL) {
        snprintf(r->text, NODE_STATETEST_TEXT_BYTES, "no memory\n");
        return;
    }
    prepare(r, c, &p);
    execute(r, c, &p, tracer, &x);
    judge(r, c, &x, to, &o->root);
    bool held = end_complaints(r);
    o->gas_used = x.receipt.gas_used;
    o->nanoseconds = x.nanoseconds;
    if (held)
        o->result = NODE_STATETEST_PASSED;
    else if (calls_absent(r, c, &p, r->text, NODE_STATETEST_TEXT_BYTES))
        o->result = NODE_STATETEST_SKIPPED;
}

/* ---- a document */

struct place { /* of one entry */
    const char *name, *fork;
    const json_t *body, *entry;
    size_t index, entries;
};

static bool visit_entry(struct node_statetest_runner *r, const struct place *at,
                        const struct node_statetest_visit *visit)
{
    struct node_statetest_outcome o = {.result = NODE_STATETEST_FAILED, .text = r->text};
    struct node_statetest_case c = {
        .name = at->name, .fork = at->fork, .index = at->index, .only = at->entries == 1};
    struct node_json j;

    r->text[0] = '\0';
    td_arena_reset(&r->file);
    node_json_init(&j, &r->file);
    if (strcmp(at->fork, NODE_STATETEST_FORK) != 0) {
        o.result = NODE_STATETEST_SKIPPED;
        snprintf(r->text, NODE_STATETEST_TEXT_BYTES, "rules of %.40s; this is " NODE_STATETEST_FORK,
                 at->fork);
        return visit->done(visit->self, &c, &o);
    }
    get_case(&c, &j, at->body, at->entry);
    if (!node_json_ok(&j))
        snprintf(r->text, NODE_STATETEST_TEXT_BYTES, "%s\n", j.error);
    else if (c.tx.len > 0 && c.tx.ptr[0] == TX_TYPE_BLOB)
        run_blob(r, &c, &o);
    else
        run_case(r, &c, visit->tracer, &o);
    return visit->done(visit->self, &c, &o);
}

/* A case without a list of entries fails as a whole. */
static bool visit_malformed(struct node_statetest_runner *r, const char *name, const char *what,
                            const struct node_statetest_visit *visit)
{
    struct node_statetest_outcome o = {.result = NODE_STATETEST_FAILED, .text = r->text};
    struct node_statetest_case c = {.name = name, .fork = NODE_STATETEST_FORK, .only = true};
    snprintf(r->text, NODE_STATETEST_TEXT_BYTES, "%s\n", what);
    return visit->done(visit->self, &c, &o);
}

static bool visit_case(struct node_statetest_runner *r, const char *name, const json_t *body,
                       const struct node_statetest_visit *visit)
{
    json_t *post = json_object_get(body, "post");
    const char *fork;
    json_t *list;

    if (!json_is_object(post) || json_object_size(post) == 0)
        return visit_malformed(r, name, "post: not an object with a fork in it", visit);
    struct place at = {.name = name, .body = body};
    json_object_foreach(post, fork, list)
    {
        at.entries += json_array_size(list);
        if (!json_is_array(list) || json_array_size(list) == 0)
            return visit_malformed(r, name, "post: a fork without a list of entries", visit);
    }
    json_object_foreach(post, fork, list)
    {
        at.fork = fork;
        for (at.index = 0; at.index < json_array_size(list); at.index++) {
            at.entry = json_array_get(list, at.index);
            if (!visit_entry(r, &at, visit))
                return false;
        }
    }
    return true;
}

bool node_statetest_run(struct node_statetest_runner *r, const json_t *document,
                        const struct node_statetest_visit *visit)
{
    const char *name;
    json_t *body;
    if (!json_is_object(document))
        return visit_malformed(r, "(document)", "not an object of test cases", visit);
    json_object_foreach((json_t *)document, name, body)
    {
        bool wanted = visit->wanted == NULL || visit->wanted(visit->self, name);
        if (wanted && !visit_case(r, name, body, visit))
            return false;
    }
    return true;
}
