#define _POSIX_C_SOURCE 200809L
#include "node/cli/db.h"

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/core/hex.h"
#include "node/exit_codes.h"
#include "storage/chain.h"

#define DATABASE_IN_HOME "data/chain.db"

struct options {
    const char *home, *database, *file;
    bool has_genesis;
    struct td_hash genesis;
    char path[PATH_MAX];
};

static void print_help(FILE *to)
{
    fputs("usage: tandem db check [OPTION]…\n"
          "       tandem db backup [OPTION]… FILE\n"
          "       tandem db restore [OPTION]… FILE\n"
          "\n"
          "  check    every row against its checksum, and the database's own structure\n"
          "  backup   write a copy to FILE, which must not be there; the node may run\n"
          "  restore  check the copy FILE and put it in place; the node must not run, and an old\n"
          "           database must have been moved away\n"
          "\n"
          "  --home DIR       the node's home (~/.tandem); the database is DIR/" DATABASE_IN_HOME
          "\n"
          "  --database FILE  the database itself\n"
          "  --genesis HASH   refuse a database of any other chain\n"
          "\n"
          "Exit: 0 done; 64 usage; 66 no such file; 73 FILE is there already; 74 input or output\n"
          "failed; 78 another genesis or version; 82 damaged; 83 a node is running.\n",
          to);
}

static int usage(FILE *err, const char *what, const char *word)
{
    fprintf(err, "tandem db: %s%s%.64s%s\n`tandem db --help` lists commands and options.\n", what,
            word == NULL ? "" : " \"", word == NULL ? "" : word, word == NULL ? "" : "\"");
    return NODE_EXIT_USAGE;
}

static int parse_genesis(struct options *o, FILE *err, const char *text)
{
    o->has_genesis = true;
    if (td_hex_decode_fixed(o->genesis.b, TD_HASH_BYTES, TD_HEX_PREFIXED, text, strlen(text)) !=
        TD_OK)
        return usage(err, "--genesis takes 0x and 64 hexadecimal digits, not", text);
    return NODE_EXIT_OK;
}

static int parse_options(struct options *o, FILE *err, int argc, char **argv, bool wants_file)
{
    for (int i = 2; i < argc; i++) {
        const char *a = argv[i];
        bool home = strcmp(a, "--home") == 0, database = strcmp(a, "--database") == 0;
        if (home || database || strcmp(a, "--genesis") == 0) {
            if (++i == argc)
                return usage(err, "a value is missing after", a);
            if (home)
                o->home = argv[i];
            else if (database)
                o->database = argv[i];
            else if (parse_genesis(o, err, argv[i]) != NODE_EXIT_OK)
                return NODE_EXIT_USAGE;
        } else if (a[0] == '-') {
            return usage(err, "unknown option", a);
        } else if (!wants_file || o->file != NULL) {
            return usage(err, "unexpected argument", a);
        } else {
            o->file = a;
        }
    }
    if (wants_file && o->file == NULL)
        return usage(err, "FILE is missing", NULL);
    if (o->home != NULL && o->database != NULL)
        return usage(err, "--home or --database, not both", NULL);
    return NODE_EXIT_OK;
}

/* The database's path: as given, or in the home folder. */
static int find_database(struct options *o, FILE *err)
{
    const char *user = getenv("HOME");
    int len;
    if (o->database != NULL)
        len = snprintf(o->path, sizeof o->path, "%s", o->database);
    else if (o->home != NULL)
        len = snprintf(o->path, sizeof o->path, "%s/" DATABASE_IN_HOME, o->home);
    else if (user != NULL && user[0] != '\0')
        len = snprintf(o->path, sizeof o->path, "%s/.tandem/" DATABASE_IN_HOME, user);
    else
        return usage(err, "--home or --database is needed: HOME is not set", NULL);
    return (size_t)len < sizeof o->path ? NODE_EXIT_OK : usage(err, "the path is too long", NULL);
}

static int report(FILE *err, enum td_error e, const struct store_error *error)
{
    fprintf(err, "tandem db: %s\n", error->text[0] != '\0' ? error->text : td_error_text(e));
    switch ((unsigned)e) {
    case TD_E_NOTFOUND:
        return NODE_EXIT_NO_INPUT;
    case TD_E_CORRUPT:
        return NODE_EXIT_CORRUPT;
    case TD_E_RANGE:
    case TD_E_UNSUPPORTED:
        return NODE_EXIT_CONFIG;
    case TD_E_EXISTS:
        return NODE_EXIT_CANT_CREATE;
    case TD_E_BUSY:
        return NODE_EXIT_RUNNING;
    default:
        return NODE_EXIT_IO;
    }
}

/* One line that is written over, on a terminal only. */
static void show_progress(void *ctx, uint64_t done, uint64_t all)
{
    FILE *err = ctx;
    unsigned percent = all == 0 ? 100u : (unsigned)(done * 100u / all);
    fprintf(err, "\rchecking: %" PRIu64 " of %" PRIu64 " rows, %u%%", done, all, percent);
    if (done == all)
        fprintf(err, "; then the structure\n");
    fflush(err);
}

static int with_reader(struct options *o, FILE *out, FILE *err, bool backup)
{
    struct store_chain_reader *r;
    struct store_error error;
    const struct td_hash *genesis = &o->genesis;
    enum td_error e = TD_OK;
    error.text[0] = '\0';
    if (!o->has_genesis) /* what the file says: it is the operator's own */
        e = store_chain_identity(o->path, &o->genesis, &error);
    if (e == TD_OK)
        e = store_chain_reader_open(&r, o->path, genesis, &error);
    if (e != TD_OK)
        return report(err, e, &error);
    if (backup)
        e = store_chain_backup(r, o->file, &error);
    else
        e = store_chain_check(r, isatty(fileno(err)) == 1 ? show_progress : NULL, err, &error);
    store_chain_reader_close(r);
    if (e != TD_OK)
        return report(err, e, &error);
    fprintf(out, backup ? "%s: copied to %s\n" : "%s: no damage found\n", o->path, o->file);
    return NODE_EXIT_OK;
}

static int restore(struct options *o, FILE *out, FILE *err)
{
    struct store_error error;
    enum td_error e =
        store_chain_restore(o->file, o->path, o->has_genesis ? &o->genesis : NULL, &error);
    if (e != TD_OK)
        return report(err, e, &error);
    fprintf(out, "%s: checked and restored to %s\n", o->file, o->path);
    return NODE_EXIT_OK;
}

int node_db_run(FILE *out, FILE *err, int argc, char **argv)
{
    struct options o = {.home = NULL};
    if (argc < 2) {
        print_help(err);
        return NODE_EXIT_USAGE;
    }
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help(out);
            return NODE_EXIT_OK;
        }
    bool check = strcmp(argv[1], "check") == 0, backup = strcmp(argv[1], "backup") == 0;
    if (!check && !backup && strcmp(argv[1], "restore") != 0)
        return usage(err, "unknown command", argv[1]);
    int code = parse_options(&o, err, argc, argv, !check);
    if (code == NODE_EXIT_OK)
        code = find_database(&o, err);
    if (code != NODE_EXIT_OK)
        return code;
    return check || backup ? with_reader(&o, out, err, backup) : restore(&o, out, err);
}
