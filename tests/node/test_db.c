/* `tandem db`: what it says and the exit code, for a database that is whole, damaged, in use, of
 * another chain, and not there. */
#define _POSIX_C_SOURCE 200809L
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/cli/db.h"
#include "node/exit_codes.h"
#include "storage/chain.h"

static char home[64], data[96], database[112], copy[96], said[2048], complained[2048];

static const struct store_chain_options OPTIONS = {.genesis = {{1, 2}}, .create = true};

static struct store_chain *open_database(void)
{
    struct store_chain *c;
    struct store_error e;
    cr_assert_eq(store_chain_open(&c, database, &OPTIONS, &e), TD_OK, "%s", e.text);
    return c;
}

static void set_up(void)
{
    struct store_error e;
    snprintf(home, sizeof home, "db-XXXXXX");
    cr_assert_not_null(mkdtemp(home));
    snprintf(data, sizeof data, "%s/data", home);
    snprintf(database, sizeof database, "%s/chain.db", data);
    snprintf(copy, sizeof copy, "%s/copy.db", home);
    cr_assert_eq(mkdir(data, 0700), 0);
    struct store_chain *c = open_database();
    cr_assert_eq(store_chain_begin(c), TD_OK);
    store_chain_put_item(c, 3, td_bytes_of("what was put and is looked for", 30));
    cr_assert_eq(store_chain_commit(c, &e), TD_OK);
    store_chain_close(c);
}

static void empty(const char *folder)
{
    DIR *d = opendir(folder);
    cr_assert_not_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char name[400];
        snprintf(name, sizeof name, "%.100s/%s", folder, e->d_name);
        if (e->d_name[0] != '.')
            remove(name);
    }
    closedir(d);
    remove(folder);
}

static void tear_down(void)
{
    empty(data);
    empty(home);
}

TestSuite(db, .init = set_up, .fini = tear_down);

static int run(const char *a, const char *b, const char *c, const char *d, const char *e)
{
    char *argv[] = {(char *)"db", (char *)a, (char *)b, (char *)c, (char *)d, (char *)e, NULL};
    int argc = 0;
    while (argv[argc] != NULL)
        argc++;
    FILE *out = tmpfile(), *err = tmpfile();
    cr_assert(out != NULL && err != NULL);
    int code = node_db_run(out, err, argc, argv);
    rewind(out);
    rewind(err);
    said[fread(said, 1, sizeof said - 1u, out)] = '\0';
    complained[fread(complained, 1, sizeof complained - 1u, err)] = '\0';
    fclose(out);
    fclose(err);
    unsigned lines = 0;
    for (const char *p = complained; *p != '\0'; p++)
        lines += *p == '\n';
    cr_expect(a == NULL || lines <= 3, "at most three lines: %s", complained);
    return code;
}

Test(db, check_of_a_whole_database)
{
    cr_expect_eq(run("check", "--home", home, NULL, NULL), NODE_EXIT_OK, "%s", complained);
    cr_expect_not_null(strstr(said, "no damage"), "%s", said);
    cr_expect_str_empty(complained, "no progress where there is no terminal");
    cr_expect_eq(run("check", "--database", database, NULL, NULL), NODE_EXIT_OK);
}

Test(db, check_while_a_node_runs)
{
    struct store_chain *c = open_database();
    cr_expect_eq(run("check", "--home", home, NULL, NULL), NODE_EXIT_OK, "%s", complained);
    store_chain_close(c);
}

Test(db, damage_is_named)
{
    static uint8_t bytes[1u << 20];
    FILE *f = fopen(database, "r+b");
    cr_assert_not_null(f);
    size_t len = fread(bytes, 1, sizeof bytes, f), at = 0;
    while (at + 30u < len && memcmp(bytes + at, "what was put and is looked for", 30) != 0)
        at++;
    cr_assert_lt(at + 30u, len);
    cr_assert_eq(fseek(f, (long)at, SEEK_SET), 0);
    cr_assert_eq(fputc('W', f), 'W');
    fclose(f);
    cr_expect_eq(run("check", "--home", home, NULL, NULL), NODE_EXIT_CORRUPT);
    cr_expect_not_null(strstr(complained, "row 1 of items"), "%s", complained);
    cr_expect_eq(run("backup", "--home", home, copy, NULL), NODE_EXIT_OK, "%s", complained);
    remove(database);
    cr_expect_eq(run("restore", "--home", home, copy, NULL), NODE_EXIT_CORRUPT);
    cr_expect_neq(access(database, F_OK), 0, "a damaged copy is not put in place");
}

Test(db, backup_and_restore)
{
    cr_expect_eq(run("backup", "--home", home, copy, NULL), NODE_EXIT_OK, "%s", complained);
    cr_expect_eq(run("backup", "--home", home, copy, NULL), NODE_EXIT_CANT_CREATE);
    cr_expect_eq(run("restore", "--home", home, copy, NULL), NODE_EXIT_CANT_CREATE);
    struct store_chain *c = open_database();
    cr_expect_eq(run("restore", "--home", home, copy, NULL), NODE_EXIT_RUNNING);
    cr_expect_not_null(strstr(complained, "process"), "%s", complained);
    store_chain_close(c);
    remove(database);
    empty(data);
    cr_assert_eq(mkdir(data, 0700), 0);
    cr_expect_eq(run("restore", "--home", home, copy, NULL), NODE_EXIT_OK, "%s", complained);
    cr_expect_eq(run("check", "--home", home, NULL, NULL), NODE_EXIT_OK, "%s", complained);
}

Test(db, another_chain_is_refused)
{
    static const char zeros[] =
        "0x0000000000000000000000000000000000000000000000000000000000000000";
    cr_expect_eq(run("check", "--home", home, "--genesis", zeros), NODE_EXIT_CONFIG);
    cr_expect_not_null(strstr(complained, "genesis"), "%s", complained);
    cr_expect_eq(run("check", "--home", home, "--genesis", "0x12"), NODE_EXIT_USAGE);
}

Test(db, what_is_not_there)
{
    char none[96];
    snprintf(none, sizeof none, "%s/none", home);
    cr_expect_eq(run("check", "--home", none, NULL, NULL), NODE_EXIT_NO_INPUT, "%s", complained);
    cr_expect_not_null(strstr(complained, "none/data/chain.db"), "%s", complained);
    remove(database);
    cr_expect_eq(run("restore", "--home", home, none, NULL), NODE_EXIT_NO_INPUT);
}

Test(db, usage)
{
    cr_expect_eq(run(NULL, NULL, NULL, NULL, NULL), NODE_EXIT_USAGE);
    cr_expect_not_null(strstr(complained, "usage"));
    cr_expect_eq(run("--help", NULL, NULL, NULL, NULL), NODE_EXIT_OK);
    cr_expect_not_null(strstr(said, "restore"));
    cr_expect_eq(run("vacuum", NULL, NULL, NULL, NULL), NODE_EXIT_USAGE);
    cr_expect_eq(run("backup", "--home", home, NULL, NULL), NODE_EXIT_USAGE);
    cr_expect_eq(run("check", "--home", NULL, NULL, NULL), NODE_EXIT_USAGE);
    cr_expect_eq(run("check", "--force", NULL, NULL, NULL), NODE_EXIT_USAGE);
    cr_expect_eq(run("check", home, NULL, NULL, NULL), NODE_EXIT_USAGE);
}
