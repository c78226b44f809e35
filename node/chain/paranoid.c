#define _POSIX_C_SOURCE 200809L /* pthread_rwlock_t */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/host/mem.h"
#include "executor/rv32/machine.h"
#include "node/chain/chain_internal.h"

/* Half a minute of emulation: a block has at most 2^27 native units, so one that comes here loops.
 */
#define CLK_LIMIT (UINT64_C(1) << 33)
/* Sixteen times today's. */
#define IMAGE_BYTES_MAX ((size_t)16 << 20)

struct node_paranoid {
    struct rv32_program program;
    size_t elf_bytes;
    uint8_t elf[]; /* borrowed by program */
};

static struct node_paranoid *read_image(FILE *f)
{
    struct node_paranoid *p = malloc(sizeof *p + IMAGE_BYTES_MAX);
    if (p == NULL)
        return NULL;
    p->elf_bytes = fread(p->elf, 1, IMAGE_BYTES_MAX, f);
    struct node_paranoid *less = realloc(p, sizeof *p + p->elf_bytes);
    return less == NULL ? p : less;
}

enum td_error node_paranoid_new(struct node_paranoid **out, const char *path,
                                struct store_error *error)
{
    FILE *f = path == NULL ? NULL : fopen(path, "rb");
    *out = NULL;
    if (f == NULL) {
        snprintf(error->text, sizeof error->text,
                 "cannot open the guest image %.90s: %s\nparanoid execution needs it.",
                 path == NULL ? "(none named)" : path, path == NULL ? "no path" : strerror(errno));
        return TD_E_NOTFOUND;
    }
    struct node_paranoid *p = read_image(f);
    fclose(f);
    if (p == NULL) {
        snprintf(error->text, sizeof error->text, "no memory for the guest image");
        return TD_E_NOMEM;
    }
    enum rv32_load v = rv32_program_decode(&p->program, td_bytes_of(p->elf, p->elf_bytes));
    if (v != RV32_LOADED) {
        snprintf(error->text, sizeof error->text, "%.90s is no guest image: %s", path,
                 rv32_load_text(v));
        free(p);
        return TD_E_MALFORMED;
    }
    *out = p;
    return TD_OK;
}

void node_paranoid_free(struct node_paranoid *p)
{
    free(p);
}

/* ---- a block */

enum td_error node_paranoid_begin(struct node_chain *c)
{
    return node_ledger_run_begin(&c->ledger, NULL, NULL);
}

static enum td_error emulate(const struct node_paranoid *p, struct rv32_machine *m,
                             const uint32_t *words, size_t count)
{
    struct td_arena memory;
    uint32_t *input = malloc(4u * (count + 1u));
    if (input == NULL)
        return TD_E_NOMEM;
    if (td_mem_arena_new(&memory, rv32_footprint(&p->program, RV32_RAM_BYTES_MAX)) != TD_OK) {
        free(input);
        return TD_E_NOMEM;
    }
    input[0] = (uint32_t)(4u * count);
    memcpy(input + 1, words, 4u * count);
    enum td_error err = rv32_init(m, &p->program, memory.base, RV32_RAM_BYTES_MAX, (uint8_t *)input,
                                  4u * (count + 1u));
    if (err == TD_OK)
        (void)rv32_run(m, CLK_LIMIT);
    td_mem_arena_free(&memory);
    free(input);
    return err;
}

/* What both runs state is one digest.  Where it differs the run began in the same state, of the
 * same chain: what differs is what the block left. */
static enum td_error compare(struct node_chain *c, const struct rv32_machine *m)
{
    struct exec_statement statement;
    struct td_p2_digest want;
    node_ledger_statement(&c->ledger, &statement);
    exec_statement_digest(&want, &statement);
    if (m->stop != RV32_STOP_HALT) {
        snprintf(c->differs, sizeof c->differs,
                 "the guest stopped at pc 0x%08x (%s) where this node has a result", m->pc,
                 rv32_stop_text(m->stop));
        return TD_E_CORRUPT;
    }
    for (uint32_t i = 0; i < RV32_OUTPUT_WORDS; i++) {
        if (m->output[i] == want.e[i].v)
            continue;
        snprintf(c->differs, sizeof c->differs,
                 "state or batch after it (statement.after) differ in the guest: its word %u is "
                 "%08x, here %08x",
                 i, m->output[i], want.e[i].v);
        return TD_E_CORRUPT;
    }
    return TD_OK;
}

enum td_error node_paranoid_check(struct node_chain *c)
{
    struct node_ledger *l = &c->ledger;
    struct rv32_machine m;
    size_t count;
    enum td_error err = node_ledger_run_add(l);
    if (err == TD_OK)
        err = node_ledger_run_finish(l, &count);
    if (err == TD_OK)
        err = emulate(c->paranoid, &m, l->writer.words, count);
    return err == TD_OK ? compare(c, &m) : err;
}
