#include "node/cli/commands.h"

#include <stdbool.h>
#include <string.h>

#include "node/cli/exec.h"
#include "node/cli/guest.h"
#include "node/exit_codes.h"
#include "td_version.h"

/* Suggestions further away than this are noise. */
#define SUGGEST_EDITS_MAX 2u

static const struct {
    const char *name;
    const char *arguments;
    const char *summary;
} COMMANDS[] = {
    {"exec", "KIND FILE…", "run blocks or Ethereum state tests from JSON on the executor"},
    {"guest", "run WITNESS", "run a guest image in the proof machine's emulator"},
    {"sim", "[OPTION]…", "run the consensus core through a simulated, faulty network"},
    {"version", "[--json]", "print version and commit"},
    {"help", "", "print this text"},
};

#define ARGUMENTS_LETTERS 11 /* of the longest */
#define COMMANDS_COUNT (sizeof COMMANDS / sizeof COMMANDS[0])

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Edits that turn `a` into `b`: insert, delete, replace, or swap two neighbours (optimal string
 * alignment, Damerau 1964); without the swap, "smi" would be as far from "sim" as any word.
 * row[i % 3][k] is the distance of a's first i letters from b's first k. */
static size_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t row[3][NODE_COMMAND_NAME_MAX + 1];

    for (size_t k = 0; k <= b_len; k++)
        row[0][k] = k;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *here = row[i % 3];
        const size_t *last = row[(i + 2) % 3];
        const size_t *before_last = row[(i + 1) % 3];

        here[0] = i;
        for (size_t k = 1; k <= b_len; k++) {
            size_t replaced = last[k - 1] + (a[i - 1] == b[k - 1] ? 0 : 1);
            here[k] = least(replaced, last[k] + 1, here[k - 1] + 1);
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
                here[k] = least(here[k], before_last[k - 2] + 1, here[k]);
        }
    }
    return row[a_len % 3][b_len];
}

const char *node_command_suggest(const char *word)
{
    size_t word_len = strlen(word);
    if (word_len == 0 || word_len > NODE_COMMAND_NAME_MAX)
        return NULL;

    const char *best = NULL;
    size_t best_edits = SUGGEST_EDITS_MAX + 1;
    for (size_t i = 0; i < COMMANDS_COUNT; i++) {
        const char *name = COMMANDS[i].name;
        size_t edits = edit_distance(word, word_len, name, strlen(name));
        if (edits < best_edits && 2 * edits <= word_len) {
            best = name;
            best_edits = edits;
        }
    }
    return best;
}

/* Every command ends here: a full disk or a closed pipe must not look like success. */
static int finish(FILE *out, FILE *err)
{
    if (fflush(out) == 0 && !ferror(out))
        return NODE_EXIT_OK;
    fprintf(err, "tandem: cannot write the result to standard output\n");
    return NODE_EXIT_IO;
}

/* Letters of UTF-8 text: printf pads by bytes, and an ellipsis has three. */
static int letters(const char *text)
{
    int n = 0;
    for (; *text != '\0'; text++)
        n += ((unsigned char)*text & 0xC0u) != 0x80u ? 1 : 0;
    return n;
}

static void print_help(FILE *to)
{
    fprintf(to, "usage: tandem COMMAND [OPTION]…\n\n");
    for (size_t i = 0; i < COMMANDS_COUNT; i++)
        fprintf(to, "  %-8s %s%*s  %s\n", COMMANDS[i].name, COMMANDS[i].arguments,
                ARGUMENTS_LETTERS - letters(COMMANDS[i].arguments), "", COMMANDS[i].summary);
    fprintf(to,
            "\nResults go to standard output, logs to standard error. `tandem sim --help` lists "
            "the\nsimulator's options, `tandem exec --help` those of its kinds.\n");
}

static int run_version(FILE *out, FILE *err, int argc, char **argv)
{
    bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
    if (argc > 1 && !json) {
        fprintf(err, "tandem version: unexpected argument \"%s\"\nusage: tandem version [--json]\n",
                argv[argc > 2 ? 2 : 1]);
        return NODE_EXIT_USAGE;
    }
    if (json)
        fprintf(out, "{\"name\":\"tandem\",\"version\":\"%s\",\"commit\":\"%s\"}\n", TD_VERSION,
                TD_COMMIT);
    else
        fprintf(out, "tandem %s (%s)\n", TD_VERSION, TD_COMMIT);
    return finish(out, err);
}

static int run_unknown(FILE *err, const char *word)
{
    const char *near = node_command_suggest(word);

    fprintf(err, "tandem: unknown command \"%.*s\"\n", (int)NODE_COMMAND_NAME_MAX, word);
    if (near != NULL)
        fprintf(err, "Did you mean `tandem %s`?\n", near);
    fprintf(err, "`tandem help` lists the commands.\n");
    return NODE_EXIT_USAGE;
}

int node_cli_run(const struct node_commands *commands, FILE *out, FILE *err, int argc, char **argv)
{
    if (argc < 2) {
        print_help(err);
        return NODE_EXIT_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        print_help(out);
        return finish(out, err);
    }
    if (strcmp(word, "version") == 0 || strcmp(word, "--version") == 0)
        return run_version(out, err, argc - 1, argv + 1);
    if (strcmp(word, "exec") == 0) {
        int code = node_exec_run(out, err, argc - 1, argv + 1);
        int written = finish(out, err);
        return written == NODE_EXIT_OK ? code : written;
    }
    if (strcmp(word, "guest") == 0)
        return node_guest_run(out, err, argc - 1, argv + 1);
    if (strcmp(word, "sim") == 0 && commands->sim != NULL)
        return commands->sim(argc - 1, argv + 1);
    return run_unknown(err, word);
}
