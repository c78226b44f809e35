#define _GNU_SOURCE /* PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP */
#include "node/chain/chain.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/core/keccak.h"
#include "base/host/mem.h"
#include "node/chain/chain_internal.h"

/* Address space.  A leaf takes 205 bytes in the tree; codes lie beside it:
 * EIP-170's 24,576 bytes for each of 40,000 contracts. */
#define LEAF_BYTES ((size_t)256)
#define CODE_BYTES ((size_t)1 << 30)
/* One block: whatever gas and native units can buy (executor/state.h: 144 bytes for an undo record
 * that costs 100 gas, with 2^27 native units in all) and the frames of one transaction. */
#define WORK_BYTES ((size_t)4 << 30)
/* The cursor, and a row of each table while it is read. */
#define ITEM_BYTES ((size_t)1 << 16)

static __attribute__((format(printf, 3, 4))) enum td_error
fail(struct store_error *error, enum td_error err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    return err;
}

/* ---- life */

static bool make_lock(pthread_rwlock_t *lock)
{
    pthread_rwlockattr_t attr;
    if (pthread_rwlockattr_init(&attr) != 0)
        return false;
    /* Many readers, one writer that must not wait for ever. */
    bool made =
        pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP) == 0 &&
        pthread_rwlock_init(lock, &attr) == 0;
    pthread_rwlockattr_destroy(&attr);
    return made;
}

static struct node_chain *make(const struct node_chain_options *options)
{
    const struct node_ledger_limits limits = {
        .leaves = options->leaves,
        .kept_bytes = options->leaves * LEAF_BYTES + CODE_BYTES,
        .work_bytes = WORK_BYTES,
    };
    struct node_chain *c = calloc(1, sizeof *c);
    if (c == NULL || !make_lock(&c->lock)) {
        free(c);
        return NULL;
    }
    if (!node_key_cache_init(&c->known)) {
        pthread_rwlock_destroy(&c->lock);
        free(c);
        return NULL;
    }
    if (node_ledger_new(&c->ledger, &limits) != TD_OK) {
        node_chain_close(c);
        return NULL;
    }
    c->genesis = options->genesis;
    c->pool = options->pool;
    c->ledger.params = options->genesis->params;
    c->recoverer = (struct exec_recoverer){c, node_chain_recovered};
    c->ledger.recoverer = &c->recoverer;
    return c;
}

void node_chain_close(struct node_chain *c)
{
    if (c == NULL)
        return;
    node_recovered_free(&c->recovered);
    node_key_cache_free(&c->known);
    node_paranoid_free(c->paranoid);
    node_ledger_free(&c->ledger);
    pthread_rwlock_destroy(&c->lock);
    free(c);
}

/* ---- genesis */

static enum td_error begin_chain(struct node_chain *c, struct store_chain *writer,
                                 struct store_error *error)
{
    enum td_error err = node_genesis_state(c->genesis, &c->ledger);
    if (err == TD_E_LIMIT)
        return fail(error, err,
                    "genesis has more accounts and slots than the state tree has leaves (%u).\n"
                    "Raise state_leaves.",
                    c->ledger.tree.capacity);
    if (err != TD_OK)
        return fail(error, err, "genesis state: %s", td_error_text(err));
    struct node_changes *changes = node_changes_of_state(&c->ledger);
    if (changes == NULL)
        return fail(error, TD_E_NOMEM, "no memory to write the genesis state");
    err = store_chain_begin(writer);
    if (err == TD_OK) {
        node_changes_put(changes, writer);
        err = store_chain_commit(writer, error);
    } else {
        (void)fail(error, err, "chain database: %s", td_error_text(err));
    }
    node_changes_free(changes);
    return err;
}

/* ---- loading */

struct loading {
    struct node_chain *chain;
    const char *table;
    uint32_t leaves;
};

static enum td_error load_account(void *ctx, struct td_bytes key, struct td_bytes value)
{
    struct loading *l = ctx;
    struct exec_account account;
    struct td_addr addr;
    if (key.len != sizeof addr.b || node_account_decode(&account, value) != TD_OK)
        return TD_E_CORRUPT;
    memcpy(addr.b, key.ptr, sizeof addr.b);
    return node_ledger_put_account(&l->chain->ledger, &addr, &account);
}

static enum td_error load_slot(void *ctx, struct td_bytes key, struct td_bytes value)
{
    struct loading *l = ctx;
    struct exec_u256 slot, word;
    struct td_addr addr;
    if (key.len != sizeof addr.b + 32u || value.len != 32u)
        return TD_E_CORRUPT;
    memcpy(addr.b, key.ptr, sizeof addr.b);
    exec_u256_from_be(&slot, key.ptr + sizeof addr.b, 32);
    exec_u256_from_be(&word, value.ptr, 32);
    return node_ledger_put_slot(&l->chain->ledger, &addr, &slot, &word);
}

static enum td_error load_code(void *ctx, struct td_bytes key, struct td_bytes value)
{
    struct loading *l = ctx;
    struct td_hash hash;
    td_keccak256(&hash, value.ptr, value.len);
    if (key.len != sizeof hash.b || memcmp(key.ptr, hash.b, sizeof hash.b) != 0)
        return TD_E_CORRUPT;
    return node_ledger_put_code(&l->chain->ledger, value);
}

static enum td_error load_leaf(void *ctx, struct td_bytes key, struct td_bytes value)
{
    struct loading *l = ctx;
    struct exec_tree_leaf leaf;
    if (key.len != 4u || node_leaf_decode(&leaf, value) != TD_OK)
        return TD_E_CORRUPT;
    uint32_t index = (uint32_t)key.ptr[0] << 24 | (uint32_t)key.ptr[1] << 16 |
                     (uint32_t)key.ptr[2] << 8 | key.ptr[3];
    if (index != l->leaves)
        return TD_E_CORRUPT; /* one is missing */
    enum td_error err = node_ledger_load_leaf(&l->chain->ledger, index, &leaf);
    l->leaves += err == TD_OK ? 1u : 0u;
    return err;
}

static enum td_error load_tables(struct loading *l, struct store_chain_reader *reader)
{
    static const struct {
        enum store_chain_table table;
        const char *name;
        enum td_error (*each)(void *ctx, struct td_bytes key, struct td_bytes value);
    } tables[] = {
        {STORE_CHAIN_ACCOUNTS, "account", load_account},
        {STORE_CHAIN_SLOTS, "slot", load_slot},
        {STORE_CHAIN_CODES, "code", load_code},
        {STORE_CHAIN_LEAVES, "leaf", load_leaf},
    };
    enum td_error err = TD_OK;
    for (uint32_t i = 0; i < sizeof tables / sizeof tables[0] && err == TD_OK; i++) {
        l->table = tables[i].name;
        err = store_chain_scan(reader, tables[i].table, tables[i].each, l);
    }
    return err;
}

/* The block the state is of must be in the database, and say of the state what the state says. */
static enum td_error check_block(const struct node_chain *c, struct store_chain_reader *reader,
                                 struct td_arena *arena, struct store_error *error)
{
    const struct exec_cursor *cursor = &c->ledger.cursor;
    struct store_chain_block block;
    struct node_record record;
    struct td_hash commitment;
    uint64_t final, executed;
    exec_cursor_commit(&commitment, cursor);
    enum td_error err = store_chain_heights(reader, &final, &executed);
    if (err != TD_OK)
        return fail(error, err, "chain database: %s", td_error_text(err));
    if (executed != cursor->number)
        return fail(error, TD_E_CORRUPT,
                    "the state is of block %llu, but block %llu is the last executed.\n"
                    "Restore a backup (tandem db restore).",
                    (unsigned long long)cursor->number, (unsigned long long)executed);
    if (executed == 0)
        return td_hash_eq(&commitment, &c->genesis->state_commitment)
                   ? TD_OK
                   : fail(error, TD_E_CORRUPT, "the stored state is not genesis'.");
    err = store_chain_block(reader, executed, arena, &block);
    if (err == TD_OK)
        err = node_record_decode(&record, block.record);
    if (err != TD_OK)
        return fail(error, err, "block %llu: %s", (unsigned long long)executed, td_error_text(err));
    if (!td_hash_eq(&block.hash, &cursor->block_hash) ||
        !td_hash_eq(&record.core.result.state_commitment, &commitment))
        return fail(error, TD_E_CORRUPT,
                    "the stored state is not what block %llu left.\n"
                    "Restore a backup (tandem db restore).",
                    (unsigned long long)executed);
    return TD_OK;
}

static enum td_error load(struct node_chain *c, struct td_bytes cursor_bytes,
                          struct store_chain_reader *reader, struct store_error *error)
{
    struct loading l = {.chain = c, .table = "cursor"};
    struct exec_cursor cursor;
    struct exec_batch batch;
    if (node_cursor_decode(&cursor, &batch, cursor_bytes) != TD_OK)
        return fail(error, TD_E_CORRUPT, "chain database: the state's cursor cannot be read.");
    enum td_error err = load_tables(&l, reader);
    if (err == TD_E_LIMIT)
        return fail(error, err,
                    "the state has %u leaves, and the state tree is set up for %u.\n"
                    "Raise state_leaves.",
                    cursor.leaf_count, c->ledger.tree.capacity);
    if (err != TD_OK)
        return fail(error, err, "chain database, state, %s: %s", l.table, td_error_text(err));
    if (l.leaves != cursor.leaf_count || node_ledger_load_end(&c->ledger, &cursor, &batch) != TD_OK)
        return fail(error, TD_E_CORRUPT,
                    "the stored state tree does not have the root of block %llu.\n"
                    "Restore a backup (tandem db restore).",
                    (unsigned long long)cursor.number);
    return TD_OK;
}

static enum td_error open_state(struct node_chain *c, struct store_chain *writer,
                                struct store_chain_reader *reader, struct td_arena *arena,
                                struct store_error *error)
{
    struct td_bytes cursor;
    enum td_error err = store_chain_item(reader, NODE_ITEM_CURSOR, arena, &cursor);
    if (err == TD_E_NOTFOUND)
        err = begin_chain(c, writer, error);
    else if (err == TD_OK)
        err = load(c, cursor, reader, error);
    else
        return fail(error, err, "chain database: %s", td_error_text(err));
    return err == TD_OK ? check_block(c, reader, arena, error) : err;
}

enum td_error node_chain_open(struct node_chain **out, const struct node_chain_options *options,
                              struct store_chain *writer, struct store_chain_reader *reader,
                              struct store_error *error)
{
    struct td_arena arena = {.base = NULL};
    *out = NULL;
    struct node_chain *c = make(options);
    if (c == NULL)
        return fail(error, TD_E_NOMEM,
                    "no memory for a state of %u leaves.\nLower state_leaves, or free some.",
                    options->leaves);
    enum td_error err = TD_OK;
    if (options->paranoid)
        err = node_paranoid_new(&c->paranoid, options->guest, error);
    c->ledger.hints = options->paranoid; /* nobody else reads the witness yet */
    if (err == TD_OK && td_mem_arena_new(&arena, ITEM_BYTES) != TD_OK)
        err = fail(error, TD_E_NOMEM, "no memory to open the chain with");
    if (err == TD_OK)
        err = open_state(c, writer, reader, &arena, error);
    td_mem_arena_free(&arena);
    if (err != TD_OK) {
        node_chain_close(c);
        return err;
    }
    atomic_store(&c->executed, c->ledger.cursor.number);
    *out = c;
    return TD_OK;
}

/* ---- the state */

void node_chain_lock(struct node_chain *c)
{
    pthread_rwlock_rdlock(&c->lock);
}

void node_chain_unlock(struct node_chain *c)
{
    pthread_rwlock_unlock(&c->lock);
}

const struct exec_cursor *node_chain_cursor(const struct node_chain *c)
{
    return &c->ledger.cursor;
}

struct exec_reader node_chain_state(struct node_chain *c)
{
    return node_ledger_reader(&c->ledger);
}

void node_chain_account(struct node_chain *c, const struct td_addr *addr, struct exec_account *out)
{
    const struct exec_account *a = node_ledger_account(&c->ledger, addr);
    *out = (struct exec_account){.code_hash = EXEC_EMPTY_CODE_HASH};
    if (a != NULL)
        *out = *a;
}

enum td_error node_chain_proof(struct node_chain *c, const struct td_p2_digest *key,
                               uint32_t *index, struct exec_tree_leaf *leaf,
                               struct td_p2_digest siblings[EXEC_TREE_DEPTH])
{
    struct exec_tree_memory *tree = &c->ledger.tree;
    const struct exec_tree_store store = exec_tree_memory_store(tree);
    enum td_error err = store.find(store.self, key, index);
    if (err == TD_OK)
        err = store.leaf(store.self, *index, leaf);
    for (uint32_t level = 0; level < EXEC_TREE_DEPTH && err == TD_OK; level++) {
        uint32_t sibling = (*index >> level) ^ 1u;
        if ((uint64_t)sibling << level >= tree->leaf_count)
            siblings[level] = *exec_tree_empty(level);
        else
            err = store.nodes(store.self, level, &sibling, 1, &siblings[level]);
    }
    return err;
}

uint64_t node_chain_executed(const struct node_chain *c)
{
    return atomic_load_explicit(&c->executed, memory_order_acquire);
}

const char *node_chain_why(const struct node_chain *c)
{
    return c->why;
}
