/* The command line: which command runs, what is printed where, and the exit code.
 * Method: node_cli_run writes into memory streams; rows of arguments are compared with the exit
 * code and with a text that must appear on one stream while the other stays empty. */
#define _POSIX_C_SOURCE 200809L /* open_memstream */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "node/cli/commands.h"
#include "node/exit_codes.h"

static int sim_argc;
static const char *sim_last;

static int fake_sim(int argc, char **argv)
{
    sim_argc = argc;
    sim_last = argv[argc - 1];
    return 42;
}

struct streams {
    char *out_text, *err_text;
    size_t out_bytes, err_bytes;
};

static int run(const struct node_commands *commands, struct streams *s, int argc, char **argv)
{
    FILE *out = open_memstream(&s->out_text, &s->out_bytes);
    FILE *err = open_memstream(&s->err_text, &s->err_bytes);
    cr_assert_not_null(out);
    cr_assert_not_null(err);
    int code = node_cli_run(commands, out, err, argc, argv);
    fclose(out);
    fclose(err);
    return code;
}

static void release(struct streams *s)
{
    free(s->out_text);
    free(s->err_text);
}

#define ARGUMENTS_MAX 4

static const struct {
    const char *argument[ARGUMENTS_MAX];
    int exit_code;
    const char *out, *err; /* must occur there; NULL: that stream stays empty */
} CASES[] = {
    {{"help"}, NODE_EXIT_OK, "usage: tandem COMMAND", NULL},
    {{"--help"}, NODE_EXIT_OK, "version", NULL},
    {{"-h"}, NODE_EXIT_OK, "sim", NULL},
    {{NULL}, NODE_EXIT_USAGE, NULL, "usage: tandem COMMAND"},
    {{"version"}, NODE_EXIT_OK, "tandem 0.1.0 (", NULL},
    {{"--version"}, NODE_EXIT_OK, "tandem 0.1.0 (", NULL},
    {{"version", "--json"},
     NODE_EXIT_OK,
     "{\"name\":\"tandem\",\"version\":\"0.1.0\",\"commit\":\"",
     NULL},
    {{"version", "--jsn"}, NODE_EXIT_USAGE, NULL, "unexpected argument \"--jsn\""},
    {{"version", "--json", "x"}, NODE_EXIT_USAGE, NULL, "unexpected argument \"x\""},
    {{"smi"}, NODE_EXIT_USAGE, NULL, "Did you mean `tandem sim`?"},
    {{"versino"}, NODE_EXIT_USAGE, NULL, "Did you mean `tandem version`?"},
    {{"frobnicate"}, NODE_EXIT_USAGE, NULL, "unknown command \"frobnicate\"\n`tandem help`"},
    {{""}, NODE_EXIT_USAGE, NULL, "unknown command \"\""},
};

static void check_stream(size_t row, const char *stream, const char *text, const char *wanted)
{
    if (wanted == NULL)
        cr_expect_str_empty(text, "row %zu: %s should stay empty: %s", row, stream, text);
    else
        cr_expect_not_null(strstr(text, wanted), "row %zu: %s: %s", row, stream, text);
}

Test(node_commands, rows)
{
    const struct node_commands commands = {.sim = fake_sim};

    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char *argv[ARGUMENTS_MAX + 2] = {(char *)"tandem"};
        int argc = 1;
        while (argc <= ARGUMENTS_MAX && CASES[i].argument[argc - 1] != NULL) {
            argv[argc] = (char *)CASES[i].argument[argc - 1];
            argc++;
        }
        struct streams s;
        cr_expect_eq(run(&commands, &s, argc, argv), CASES[i].exit_code, "row %zu", i);
        check_stream(i, "out", s.out_text, CASES[i].out);
        check_stream(i, "err", s.err_text, CASES[i].err);
        release(&s);
    }
}

Test(node_commands, complaint_is_at_most_three_lines_even_for_a_huge_word)
{
    static char word[5000];
    memset(word, 'a', sizeof word - 1);
    char *argv[] = {(char *)"tandem", word, NULL};
    struct streams s;
    const struct node_commands commands = {0};

    cr_expect_eq(run(&commands, &s, 2, argv), NODE_EXIT_USAGE);
    cr_expect_lt(s.err_bytes, 200);
    size_t lines = 0;
    for (const char *p = s.err_text; *p != '\0'; p++)
        lines += *p == '\n';
    cr_expect_leq(lines, 3);
    release(&s);
}

Test(node_commands, sim_gets_its_own_arguments_and_decides_the_exit_code)
{
    const struct node_commands commands = {.sim = fake_sim};
    char *argv[] = {(char *)"tandem", (char *)"sim", (char *)"--seed", (char *)"7", NULL};
    struct streams s;

    cr_expect_eq(run(&commands, &s, 4, argv), 42);
    cr_expect_eq(sim_argc, 3);
    cr_expect_str_eq(sim_last, "7");
    release(&s);
}

Test(node_commands, a_build_without_the_simulator_says_unknown_command)
{
    const struct node_commands commands = {0};
    char *argv[] = {(char *)"tandem", (char *)"sim", NULL};
    struct streams s;

    cr_expect_eq(run(&commands, &s, 2, argv), NODE_EXIT_USAGE);
    cr_expect_not_null(strstr(s.err_text, "unknown command \"sim\""));
    release(&s);
}

static const struct {
    const char *word, *near; /* near NULL: no suggestion */
} SUGGESTIONS[] = {
    {"si", "sim"},        {"sin", "sim"},
    {"smi", "sim"},       {"simm", "sim"},
    {"hlep", "help"},     {"helpp", "help"},
    {"hlp", "help"},      {"versoni", "version"},
    {"ersio", "version"}, {"xyz", NULL},
    {"s", NULL},          {"", NULL},
    {"quux", NULL},       {"versionversionversionversionversion", NULL},
};

Test(node_commands, suggestion_is_the_nearest_name_or_none)
{
    for (size_t i = 0; i < sizeof SUGGESTIONS / sizeof SUGGESTIONS[0]; i++) {
        const char *near = node_command_suggest(SUGGESTIONS[i].word);
        if (SUGGESTIONS[i].near == NULL)
            cr_expect_null(near, "%s", SUGGESTIONS[i].word);
        else
            cr_expect_str_eq(near == NULL ? "none" : near, SUGGESTIONS[i].near, "%s",
                             SUGGESTIONS[i].word);
    }
}
