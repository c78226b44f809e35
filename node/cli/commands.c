#include "node/cli/commands.h"

#include <stdbool.h>
#include <string.h>

#include "node/cli/db.h"
#include "node/cli/exec.h"
#include "node/cli/guest.h"
#include "node/config/suggest.h"
#include "node/exit_codes.h"
#include "td_version.h"

static const struct {
    const char *name;
    const char *arguments;
    const char *summary;
} COMMANDS[] = {
    {"db", "ACTION…", "check, back up or restore the chain database"},
    {"exec", "KIND FILE…", "run blocks or Ethereum state tests from JSON on the executor"},
    {"guest", "run WITNESS", "run a guest image in the proof machine's emulator"},
    {"sim", "[OPTION]…", "run the consensus core through a simulated, faulty network"},
    {"version", "[--json]", "print version and commit"},
    {"help", "", "print this text"},
};

#define ARGUMENTS_LETTERS 11 /* of the longest */
#define COMMANDS_COUNT (sizeof COMMANDS / sizeof COMMANDS[0])

static const char *command_name(size_t index)
{
    return COMMANDS[index].name;
}

const char *node_command_suggest(const char *word)
{
    size_t found = node_suggest(word, command_name, COMMANDS_COUNT);
    return found < COMMANDS_COUNT ? command_name(found) : NULL;
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
    if (strcmp(word, "db") == 0) {
        int code = node_db_run(out, err, argc - 1, argv + 1);
        int written = finish(out, err);
        return written == NODE_EXIT_OK ? code : written;
    }
    if (strcmp(word, "guest") == 0)
        return node_guest_run(out, err, argc - 1, argv + 1);
    if (strcmp(word, "sim") == 0 && commands->sim != NULL)
        return commands->sim(argc - 1, argv + 1);
    return run_unknown(err, word);
}
