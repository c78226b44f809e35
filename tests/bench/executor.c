/* `make bench`, the executor's part: every group, or those named on the command line. */
#include <stdio.h>
#include <string.h>

#include "tests/bench/executor.h"
#include "tests/bench/timing.h"

static const char *images[2], *folder;

static void guest(void)
{
    if (images[1] == NULL)
        bench_note("guest: left out, no images were given (--guest SOFT.elf CHIPS.elf)");
    else
        bench_exec_guest(images[0], images[1], folder);
}

static const struct {
    const char *name;
    void (*run)(void);
} groups[] = {{"evm", bench_exec_evm},
              {"precompiles", bench_exec_precompiles},
              {"tree", bench_exec_tree},
              {"blocks", bench_exec_blocks},
              {"guest", guest}};
#define GROUP_COUNT (sizeof groups / sizeof groups[0])

static int usage(const char *program)
{
    fprintf(stderr,
            "usage: %s [--quick] [--guest SOFT.elf CHIPS.elf [--dump FOLDER]]\n"
            "       [evm] [precompiles] [tree] [blocks] [guest]\n"
            "       %s --peer\n"
            "--peer is for peer.py.  --dump keeps the guest's inputs for `tandem guest run FILE "
            "--profile`.\n",
            program, program);
    return 64;
}

int main(int argc, char **argv)
{
    bool chosen[GROUP_COUNT] = {false}, any = false;
    for (int i = 1; i < argc; i++) {
        bool known = true;
        if (strcmp(argv[i], "--quick") == 0) {
            bench_set_quick(true);
        } else if (strcmp(argv[i], "--peer") == 0 && argc == 2) {
            bench_exec_peer();
            return 0;
        } else if (strcmp(argv[i], "--guest") == 0 && i + 2 < argc) {
            images[0] = argv[++i];
            images[1] = argv[++i];
        } else if (strcmp(argv[i], "--dump") == 0 && i + 1 < argc) {
            folder = argv[++i];
        } else {
            known = false;
            for (size_t k = 0; k < GROUP_COUNT && !known; k++) {
                known = strcmp(argv[i], groups[k].name) == 0;
                chosen[k] = chosen[k] || known;
                any = any || known;
            }
        }
        if (!known)
            return usage(argv[0]);
    }
    bench_head();
    for (size_t k = 0; k < GROUP_COUNT; k++) {
        if (!any || chosen[k])
            groups[k].run();
    }
    bench_foot();
    return 0;
}
