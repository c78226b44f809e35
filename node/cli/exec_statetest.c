#define _POSIX_C_SOURCE 200809L
#include "node/cli/exec_statetest.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/core/hex.h"
#include "node/exec/statetest.h"
#include "node/exec/trace.h"
#include "node/exit_codes.h"

/* Deeper nesting is a loop of links or a mistake. */
#define FOLDERS_DEEP_MAX 32u
#define PATH_BYTES_MAX 4096u
#define REASONS_MAX 64u
#define REASON_BYTES 192u

struct reason {
    char text[REASON_BYTES];
    size_t count;
};

struct run {
    FILE *out, *err;
    bool json, verbose, trace;
    const char *filter;          /* NULL: all */
    unsigned long shard, shards; /* 1 <= shard <= shards */
    unsigned long files;         /* seen so far, of all shards */
    const char *file;            /* the one being run */
    struct node_statetest_runner runner;
    struct node_trace tracing;
    struct exec_tracer tracer;
    size_t passed, failed, skipped;
    struct reason reasons[REASONS_MAX]; /* the last one gathers what has no room */
    size_t reason_count;
    int exit_code; /* of the walk: NO_INPUT, ... */
};

/* ---- the report */

static void count_reason(struct run *run, const char *text)
{
    size_t i = 0;
    while (i < run->reason_count && strncmp(run->reasons[i].text, text, REASON_BYTES - 1) != 0)
        i++;
    if (i == REASONS_MAX)
        i--;
    if (i == run->reason_count) {
        run->reason_count++;
        snprintf(run->reasons[i].text, REASON_BYTES, "%s",
                 i + 1 == REASONS_MAX ? "other reasons" : text);
    }
    run->reasons[i].count++;
}

static void print_name(FILE *to, const struct node_statetest_case *c)
{
    fputs(c->name, to);
    if (!c->only)
        fprintf(to, " [%s %zu]", c->fork, c->index);
}

/* The outcome's lines, indented. */
static void print_lines(FILE *to, const char *text)
{
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        fprintf(to, "     %.*s\n", (int)len, text);
        text += len;
        text += *text == '\n' ? 1 : 0;
    }
}

static const char *const RESULT_NAMES[] = {
    [NODE_STATETEST_PASSED] = "passed",
    [NODE_STATETEST_FAILED] = "failed",
    [NODE_STATETEST_SKIPPED] = "skipped",
};

static void print_json(const struct run *run, const struct node_statetest_case *c,
                       const struct node_statetest_outcome *o)
{
    char root[TD_HASH_TEXT_BYTES];
    td_hash_print(root, &o->root);
    json_t *line = json_pack("{ss ss* ss si ss}", "file", run->file, "name", c->name, "fork",
                             c->fork, "index", (int)c->index, "result", RESULT_NAMES[o->result]);
    if (line != NULL && o->text[0] != '\0')
        json_object_set_new(line, "reason", json_string(o->text));
    if (line != NULL && !td_hash_is_zero(&o->root)) {
        json_object_set_new(line, "stateRoot", json_string(root));
        json_object_set_new(line, "gasUsed", json_integer((json_int_t)o->gas_used));
        json_object_set_new(line, "nanoseconds", json_integer((json_int_t)o->nanoseconds));
    }
    if (line == NULL || json_dumpf(line, run->out, JSON_COMPACT) != 0)
        fputs("{\"result\":\"failed\",\"reason\":\"no memory\"}", run->out);
    fputc('\n', run->out);
    json_decref(line);
}

static void print_text(const struct run *run, const struct node_statetest_case *c,
                       const struct node_statetest_outcome *o)
{
    switch (o->result) {
    case NODE_STATETEST_PASSED:
        if (!run->verbose)
            return;
        fputs("ok   ", run->out);
        print_name(run->out, c);
        fprintf(run->out, " (%llu gas, %llu us)\n", (unsigned long long)o->gas_used,
                (unsigned long long)o->nanoseconds / 1000);
        return;
    case NODE_STATETEST_FAILED:
        fputs("FAIL ", run->out);
        print_name(run->out, c);
        fprintf(run->out, "\n     in %s\n", run->file);
        print_lines(run->out, o->text);
        return;
    case NODE_STATETEST_SKIPPED:
        fputs("SKIP ", run->out);
        print_name(run->out, c);
        fprintf(run->out, ": %s\n", o->text);
        return;
    }
}

static bool on_case(void *self, const struct node_statetest_case *c,
                    const struct node_statetest_outcome *o)
{
    struct run *run = self;
    run->passed += o->result == NODE_STATETEST_PASSED ? 1 : 0;
    run->failed += o->result == NODE_STATETEST_FAILED ? 1 : 0;
    run->skipped += o->result == NODE_STATETEST_SKIPPED ? 1 : 0;
    if (o->result == NODE_STATETEST_SKIPPED)
        count_reason(run, o->text);
    if (run->json)
        print_json(run, c, o);
    else
        print_text(run, c, o);
    return true;
}

static bool is_wanted(void *self, const char *name)
{
    const struct run *run = self;
    return run->filter == NULL || strstr(name, run->filter) != NULL;
}

static void close_report(const struct run *run)
{
    if (run->json) {
        fprintf(run->out, "{\"passed\":%zu,\"failed\":%zu,\"skipped\":%zu}\n", run->passed,
                run->failed, run->skipped);
        return;
    }
    if (run->reason_count > 0)
        fputs("\nskipped, by reason:\n", run->out);
    for (size_t i = 0; i < run->reason_count; i++)
        fprintf(run->out, "%6zu  %s\n", run->reasons[i].count, run->reasons[i].text);
    fprintf(run->out, "%zu passed, %zu failed, %zu skipped\n", run->passed, run->failed,
            run->skipped);
}

/* ---- files and folders */

static void run_file(struct run *run, const char *path)
{
    struct node_json j;
    if (run->files++ % run->shards != run->shard - 1)
        return;
    run->file = path;
    td_arena_reset(&run->runner.file);
    node_json_init(&j, &run->runner.file);
    json_t *document = node_json_read(&j, path);
    if (document == NULL) {
        struct node_statetest_case c = {.name = path, .only = true};
        struct node_statetest_outcome o = {.result = NODE_STATETEST_FAILED, .text = j.error};
        on_case(run, &c, &o);
        return;
    }
    const struct node_statetest_visit visit = {.self = run,
                                               .wanted = is_wanted,
                                               .done = on_case,
                                               .tracer = run->trace ? &run->tracer : NULL};
    (void)node_statetest_run(&run->runner, document, &visit); /* on_case never stops it */
    json_decref(document);
}

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool ends_in_json(const char *name)
{
    size_t len = strlen(name);
    return len > 5 && strcmp(name + len - 5, ".json") == 0;
}

static void cannot(struct run *run, const char *path, const char *why)
{
    fprintf(run->err, "tandem exec statetest: %s: %s\n", path, why);
    run->exit_code = NODE_EXIT_NO_INPUT;
}

/* Open folders of a walk, as `path` names them one after the other. */
struct level {
    struct dirent **entries; /* scandir's */
    int count, next;
    size_t path_bytes; /* of the folder's own path */
};

struct walk {
    char path[PATH_BYTES_MAX];
    struct level level[FOLDERS_DEEP_MAX];
    size_t depth;
};

static void open_level(struct run *run, struct walk *w)
{
    struct level *l = &w->level[w->depth];
    if (w->depth == FOLDERS_DEEP_MAX) {
        cannot(run, w->path, "folders nested too deep");
        return;
    }
    *l = (struct level){.path_bytes = strlen(w->path)};
    l->count = scandir(w->path, &l->entries, is_shown, alphasort);
    if (l->count < 0)
        cannot(run, w->path, strerror(errno));
    else
        w->depth++;
}

/* The next entry of the innermost folder; or leave that folder. */
static void next_entry(struct run *run, struct walk *w)
{
    struct level *l = &w->level[w->depth - 1];
    struct stat about;

    w->path[l->path_bytes] = '\0';
    if (l->next == l->count) {
        free(l->entries);
        w->depth--;
        return;
    }
    struct dirent *entry = l->entries[l->next++];
    size_t room = sizeof w->path - l->path_bytes;
    int len = snprintf(w->path + l->path_bytes, room, "/%s", entry->d_name);
    bool fits = len > 0 && (size_t)len < room;
    bool json = ends_in_json(entry->d_name);
    free(entry);
    if (!fits)
        cannot(run, w->path, "path too long");
    else if (stat(w->path, &about) != 0)
        cannot(run, w->path, strerror(errno));
    else if (S_ISDIR(about.st_mode))
        open_level(run, w);
    else if (json)
        run_file(run, w->path);
}

/* Files ending in .json, in the order of their names; folders whose name begins with a dot, as test
 * releases use for their index, are left out. */
static void run_path(struct run *run, const char *path)
{
    struct stat about;
    if (stat(path, &about) != 0) {
        cannot(run, path, strerror(errno));
        return;
    }
    if (!S_ISDIR(about.st_mode)) {
        run_file(run, path);
        return;
    }
    struct walk *w = calloc(1, sizeof *w);
    if (w == NULL || strlen(path) >= sizeof w->path) {
        cannot(run, path, w == NULL ? strerror(ENOMEM) : "path too long");
        free(w);
        return;
    }
    snprintf(w->path, sizeof w->path, "%s", path);
    open_level(run, w);
    while (w->depth > 0)
        next_entry(run, w);
    free(w);
}

/* ---- options */

static int usage(FILE *err, const char *what, const char *word)
{
    fprintf(err, "tandem exec statetest: %s%s%.64s%s\n`tandem exec --help` lists the options.\n",
            what, word == NULL ? "" : " \"", word == NULL ? "" : word, word == NULL ? "" : "\"");
    return NODE_EXIT_USAGE;
}

static bool parse_shard(struct run *run, const char *text)
{
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return false;
    run->shard = strtoul(text, &end, 10);
    if (end[0] != '/' || end[1] < '0' || end[1] > '9')
        return false;
    run->shards = strtoul(end + 1, &end, 10);
    return *end == '\0' && run->shard >= 1 && run->shard <= run->shards;
}

/* Reads options; paths are moved to the front of argv and counted.  NODE_EXIT_OK, or USAGE. */
static int parse(struct run *run, int argc, char **argv, int *path_count)
{
    *path_count = 0;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        bool takes = strcmp(word, "--filter") == 0 || strcmp(word, "--shard") == 0;
        if (word[0] != '-') {
            argv[(*path_count)++] = argv[i];
            continue;
        }
        if (takes && value == NULL)
            return usage(run->err, "a value is missing after", word);
        if (strcmp(word, "--json") == 0)
            run->json = true;
        else if (strcmp(word, "--verbose") == 0)
            run->verbose = true;
        else if (strcmp(word, "--trace") == 0)
            run->trace = run->verbose = true; /* the name tells where a case's trace ends */
        else if (strcmp(word, "--filter") == 0)
            run->filter = value;
        else if (!takes)
            return usage(run->err, "unknown option", word);
        else if (!parse_shard(run, value))
            return usage(run->err, "--shard wants I/N like 1/4, not", value);
        i += takes ? 1 : 0;
    }
    if (*path_count == 0)
        return usage(run->err, "which file or folder?", NULL);
    return NODE_EXIT_OK;
}

int node_exec_statetest(FILE *out, FILE *err, int argc, char **argv)
{
    struct run *run = calloc(1, sizeof *run);
    int path_count;
    if (run == NULL || node_statetest_init(&run->runner) != TD_OK) {
        free(run);
        fprintf(err, "tandem exec statetest: not enough memory\n");
        return NODE_EXIT_INTERNAL;
    }
    run->out = out;
    run->err = err;
    run->shard = run->shards = 1;
    run->tracer = node_trace_init(&run->tracing, out);

    int code = parse(run, argc, argv, &path_count);
    if (code == NODE_EXIT_OK) {
        for (int i = 0; i < path_count; i++)
            run_path(run, argv[i]);
        close_report(run);
        code = run->exit_code;
        if (code == NODE_EXIT_OK && (run->failed > 0 || run->passed + run->skipped == 0))
            code = NODE_EXIT_CHECK_FAILED;
    }
    node_statetest_free(&run->runner);
    free(run);
    return code;
}
