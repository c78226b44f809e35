/* `make bench`: every group, or those named on the command line. */
#include <stdio.h>
#include <string.h>

#include "tests/bench/groups.h"
#include "tests/bench/timing.h"

static const struct {
    const char *name;
    void (*run)(void);
} groups[] = {{"core", bench_core},
              {"certificate", bench_certificate},
              {"codec", bench_codec},
              {"base", bench_base}};
#define GROUP_COUNT (sizeof groups / sizeof groups[0])

static int usage(const char *program)
{
    fprintf(stderr,
            "usage: %s [--quick] [core] [certificate] [codec] [base]\n"
            "       %s --count-steps all|vote|commit|attest|proposal   (see callgrind.sh)\n",
            program, program);
    return 64;
}

int main(int argc, char **argv)
{
    bool chosen[GROUP_COUNT] = {false};
    bool any = false;
    if (argc == 3 && strcmp(argv[1], "--count-steps") == 0)
        return bench_count_steps(argv[2]);
    for (int i = 1; i < argc; i++) {
        bool known = strcmp(argv[i], "--quick") == 0;
        if (known)
            bench_set_quick(true);
        for (size_t k = 0; k < GROUP_COUNT && !known; k++) {
            known = strcmp(argv[i], groups[k].name) == 0;
            chosen[k] = chosen[k] || known;
            any = any || known;
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
