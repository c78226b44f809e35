#define _POSIX_C_SOURCE 200809L
#include "node/cli/exec_block.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/host/mem.h"
#include "node/cli/exec_block_print.h"
#include "node/exit_codes.h"

/* Decoded documents; address space.  The pre state is the largest part. */
#define FILE_ARENA_BYTES ((size_t)512 << 20)

struct run {
    FILE *out, *err;
    bool json, post, slopes;
    const char *witness; /* NULL: none wanted */
    const char *file;
    struct td_arena arena;
    struct node_json j;
    struct node_blockfile blocks;
    struct node_ledger ledger;
};

/* ---- complaints: at most three lines, the file first */

static int refuse(struct run *r, int code)
{
    fprintf(r->err, "tandem exec block: %s: %s\n", r->file, r->j.error);
    if (code == NODE_EXIT_CHECK_FAILED)
        fprintf(r->err, "docs/executor.md, \"Blocks from JSON\", describes the format.\n");
    return code;
}

static int stop(struct run *r, size_t i, enum td_error err)
{
    const char *what = td_error_text(err);
    if (err == TD_E_NOSPACE || err == TD_E_NOMEM)
        what = "more memory would be needed than is set aside; split the block";
    else if (err == TD_E_LIMIT)
        what = "too large: above 2 MiB of payload, 65,536 messages in a batch, or more leaves than "
               "the tree was laid out for; split the block";
    else if (err == TD_E_CORRUPT)
        what = "header and payload are not ones that this chain can have at this place";
    fprintf(r->err, "tandem exec block: %s: blocks[%zu]: %s\n", r->file, i, what);
    return NODE_EXIT_CHECK_FAILED;
}

/* ---- the witness file */

static int write_witness(struct run *r)
{
    size_t count;
    enum td_error err = node_ledger_run_finish(&r->ledger, &count);
    if (err != TD_OK)
        return stop(r, r->blocks.block_count - 1u, err);
    FILE *f = fopen(r->witness, "wb");
    if (f == NULL) {
        fprintf(r->err, "tandem exec block: cannot create %s: %s\n", r->witness, strerror(errno));
        return NODE_EXIT_CANT_CREATE;
    }
    bool good = true;
    for (size_t i = 0; i < count && good; i++) {
        uint32_t v = r->ledger.writer.words[i];
        uint8_t b[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};
        good = fwrite(b, 1, sizeof b, f) == sizeof b;
    }
    if (fclose(f) != 0 || !good) {
        fprintf(r->err, "tandem exec block: cannot write %s: %s\n", r->witness, strerror(errno));
        return NODE_EXIT_IO;
    }
    if (!r->json)
        fprintf(r->out,
                "witness: %s, %zu bytes; `tandem guest run %s%s` must put out the statement's "
                "words\n",
                r->witness, 4u * count, r->witness,
                r->slopes ? " --elf tandem-guest-soft.elf" : "");
    return NODE_EXIT_OK;
}

/* ---- a file */

static int run_block(struct run *r, size_t i, size_t *differences)
{
    struct node_ledger *l = &r->ledger;
    struct bft_header h;
    if (!node_blockfile_payload(&r->blocks, &r->j, l, i, &h))
        return refuse(r, NODE_EXIT_CHECK_FAILED);
    enum td_error err = node_ledger_execute(l, &h);
    if (err == TD_OK)
        err = node_ledger_keep(l);
    if (err == TD_OK)
        err = node_ledger_run_add(l);
    if (err != TD_OK)
        return stop(r, i, err);
    if (r->json)
        node_block_print_json(r->out, r->file, l);
    else
        node_block_print(r->out, l);
    *differences += node_blockfile_check(&r->blocks, &r->j, l, i, r->json ? r->err : r->out);
    return node_json_ok(&r->j) ? NODE_EXIT_OK : refuse(r, NODE_EXIT_CHECK_FAILED);
}

static int finish(struct run *r, size_t differences)
{
    struct exec_statement statement;
    struct td_p2_digest d;
    node_ledger_statement(&r->ledger, &statement);
    exec_statement_digest(&d, &statement);
    if (r->json) {
        node_file_print_json(r->out, r->file, &r->ledger, &d, differences, r->post);
    } else {
        if (r->post)
            node_post_print(r->out, &r->ledger);
        fputs("statement  ", r->out);
        node_statement_print(r->out, &d);
        fputc('\n', r->out);
    }
    int code = r->witness == NULL ? NODE_EXIT_OK : write_witness(r);
    if (code != NODE_EXIT_OK || differences == 0)
        return code;
    if (!r->json)
        fprintf(r->out, "%zu %s from what %s expects\n", differences,
                differences == 1 ? "difference" : "differences", r->file);
    return NODE_EXIT_CHECK_FAILED;
}

static int run_blocks(struct run *r)
{
    size_t differences = 0;
    enum td_error err = node_blockfile_genesis(&r->blocks, &r->j, &r->ledger);
    if (!node_json_ok(&r->j))
        return refuse(r, NODE_EXIT_CHECK_FAILED);
    if (err == TD_OK)
        err = node_ledger_run_begin(&r->ledger, NULL, NULL);
    if (err != TD_OK) {
        bool large = err == TD_E_LIMIT || err == TD_E_NOSPACE || err == TD_E_NOMEM;
        fprintf(r->err, "tandem exec block: %s: pre: %s\n", r->file,
                large ? "more accounts, slots and code than there is room for; split the file"
                      : td_error_text(err));
        return NODE_EXIT_CHECK_FAILED;
    }
    r->ledger.slopes = r->slopes;
    for (size_t i = 0; i < r->blocks.block_count; i++) {
        int code = run_block(r, i, &differences);
        if (code != NODE_EXIT_OK)
            return code;
    }
    return finish(r, differences);
}

static int run_file(struct run *r, const char *path)
{
    r->file = path;
    td_arena_reset(&r->arena);
    node_json_init(&r->j, &r->arena);
    json_t *document = node_json_read(&r->j, path);
    if (document == NULL)
        return refuse(r, access(path, R_OK) == 0 ? NODE_EXIT_CHECK_FAILED : NODE_EXIT_NO_INPUT);
    node_blockfile_open(&r->blocks, &r->j, document);
    int code = NODE_EXIT_OK;
    if (!node_json_ok(&r->j))
        code = refuse(r, NODE_EXIT_CHECK_FAILED);
    const struct node_ledger_limits limits = node_blockfile_limits(&r->blocks);
    if (code == NODE_EXIT_OK && node_ledger_new(&r->ledger, &limits) != TD_OK) {
        fprintf(r->err, "tandem exec block: not enough memory\n");
        code = NODE_EXIT_INTERNAL;
    } else if (code == NODE_EXIT_OK) {
        code = run_blocks(r);
        node_ledger_free(&r->ledger);
    }
    json_decref(document);
    return code;
}

/* ---- options */

static int usage(FILE *err, const char *what, const char *word)
{
    fprintf(err, "tandem exec block: %s%s%.64s%s\n`tandem exec --help` lists the options.\n", what,
            word == NULL ? "" : " \"", word == NULL ? "" : word, word == NULL ? "" : "\"");
    return NODE_EXIT_USAGE;
}

/* Reads options; paths are moved to the front of argv and counted. */
static int parse(struct run *r, int argc, char **argv, int *path_count)
{
    *path_count = 0;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (word[0] != '-')
            argv[(*path_count)++] = argv[i];
        else if (strcmp(word, "--json") == 0)
            r->json = true;
        else if (strcmp(word, "--post") == 0)
            r->post = true;
        else if (strcmp(word, "--soft") == 0)
            r->slopes = true;
        else if (strcmp(word, "--witness") != 0)
            return usage(r->err, "unknown option", word);
        else if (++i == argc)
            return usage(r->err, "a file name is missing after", word);
        else
            r->witness = argv[i];
    }
    if (*path_count == 0)
        return usage(r->err, "which file?", NULL);
    if (*path_count > 1 && r->witness != NULL)
        return usage(r->err, "--witness is of one FILE at a time; unexpected", argv[1]);
    return NODE_EXIT_OK;
}

int node_exec_block(FILE *out, FILE *err, int argc, char **argv)
{
    struct run r = {.out = out, .err = err};
    int path_count;
    int code = parse(&r, argc, argv, &path_count);
    if (code != NODE_EXIT_OK)
        return code;
    if (td_mem_arena_new(&r.arena, FILE_ARENA_BYTES) != TD_OK) {
        fprintf(err, "tandem exec block: not enough memory\n");
        return NODE_EXIT_INTERNAL;
    }
    for (int i = 0; i < path_count; i++) {
        int one = run_file(&r, argv[i]);
        code = code == NODE_EXIT_OK ? one : code;
    }
    td_mem_arena_free(&r.arena);
    return code;
}
