#include "testnet/testnet.h"

#include <string.h>

#include "node/exit_codes.h"
#include "testnet/commands.h"

static const struct {
    const char *name;
    int (*run)(FILE *out, FILE *err, int argc, char **argv);
    const char *summary;
} COMMANDS[] = {
    {"up", testnet_up, "start a network, or the one of the folder again; Ctrl-C stops it"},
    {"down", testnet_down, "stop it from another terminal"},
    {"ps", testnet_ps, "its processes and heights"},
    {"logs", testnet_logs, "what a node wrote: logs N [-f]"},
    {"load", testnet_load_run, "send transfers at a rate and time their way into blocks"},
    {"fault", testnet_fault, "kill, pause, partition, delay, …; clear and list them"},
    {"run", testnet_run, "a scenario of faults and what must come of it"},
    {"report", testnet_report, "compare all nodes' chains, and the blocks' rhythm"},
};

static void print_help(FILE *to)
{
    fputs("usage: tandem testnet COMMAND [OPTION]…\n\n", to);
    for (size_t i = 0; i < sizeof COMMANDS / sizeof COMMANDS[0]; i++)
        fprintf(to, "  %-7s %s\n", COMMANDS[i].name, COMMANDS[i].summary);
    fputs("\nThe network lives in --dir DIR, $TANDEM_TESTNET or ./.testnet.  `tandem testnet "
          "COMMAND --help` says more.\n",
          to);
}

int testnet_main(int argc, char **argv)
{
    const char *word = argc < 2 ? "" : argv[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        print_help(stdout);
        return NODE_EXIT_OK;
    }
    for (size_t i = 0; i < sizeof COMMANDS / sizeof COMMANDS[0]; i++) {
        if (strcmp(word, COMMANDS[i].name) != 0)
            continue;
        int code = COMMANDS[i].run(stdout, stderr, argc - 1, argv + 1);
        if (fflush(stdout) == 0 && !ferror(stdout))
            return code;
        fprintf(stderr, "tandem testnet: cannot write to standard output\n");
        return code == NODE_EXIT_OK ? NODE_EXIT_IO : code;
    }
    if (word[0] == '\0') {
        print_help(stderr);
        return NODE_EXIT_USAGE;
    }
    fprintf(stderr,
            "tandem testnet: unknown command \"%.32s\"\n`tandem testnet --help` lists them\n",
            word);
    return NODE_EXIT_USAGE;
}
