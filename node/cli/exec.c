#include "node/cli/exec.h"

#include <string.h>

#include "node/cli/exec_block.h"
#include "node/cli/exec_statetest.h"
#include "node/exit_codes.h"

static void print_help(FILE *to)
{
    fputs("usage: tandem exec statetest [OPTION]… FILE|DIRECTORY…\n"
          "       tandem exec block [OPTION]… FILE…\n"
          "\n"
          "  statetest   run Ethereum state tests (JSON) at " NODE_STATETEST_RULES " rules\n"
          "  block       run blocks from JSON, a chain per file (docs/executor.md has the format)\n"
          "\n"
          "Options of statetest:\n"
          "  --filter TEXT  only cases whose name contains TEXT\n"
          "  --shard I/N    only the I-th of N parts of the files (1/1 is all of them)\n"
          "  --verbose      a line for each case that passed, too\n"
          "  --trace        every instruction as a line of JSON (EIP-3155); implies --verbose\n"
          "  --json         one JSON object a line: each case, then the totals\n"
          "\n"
          "Options of block:\n"
          "  --json         one JSON object a line: each block in full, then the file\n"
          "  --post         every account after the last block\n"
          "  --witness OUT  write what `tandem guest run OUT` takes; both end in the same words\n"
          "  --soft         that file is for the image without chips, tandem-guest-soft.elf\n"
          "\n"
          "Exit: 0 all as it should be; 1 a case failed or none was found, a block differs from "
          "what\n"
          "its file expects, or a file is refused; 64 usage; 66 no such file; 73, 74 OUT not "
          "written.\n",
          to);
}

int node_exec_run(FILE *out, FILE *err, int argc, char **argv)
{
    const char *word = argc < 2 ? NULL : argv[1];
    if (word == NULL) {
        print_help(err);
        return NODE_EXIT_USAGE;
    }
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help(out);
            return NODE_EXIT_OK;
        }
    }
    if (strcmp(word, "statetest") == 0)
        return node_exec_statetest(out, err, argc - 1, argv + 1);
    if (strcmp(word, "block") == 0)
        return node_exec_block(out, err, argc - 1, argv + 1);
    fprintf(err,
            "tandem exec: unknown kind \"%.32s\"\n"
            "`tandem exec --help` lists what it runs.\n",
            word);
    return NODE_EXIT_USAGE;
}
