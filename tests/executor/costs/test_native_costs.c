/* The meter is honest: see cost.h.
 *
 *     test_native_costs GUEST.elf            assert
 *     test_native_costs GUEST.elf --print    the tables, in Markdown
 *     test_native_costs GUEST.elf --doc FILE assert, and that FILE has the prices of the tables
 *
 * A plain main: all rows share one image and one assembler. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"
#include "executor/block/costs.h"
#include "tests/executor/block/random.h"
#include "tests/executor/costs/ops.h"

static char *read_all(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = calloc(1, (size_t)1 << 20);
    TD_ASSERT(f != NULL && text != NULL);
    size_t len = fread(text, 1, ((size_t)1 << 20) - 1u, f);
    TD_ASSERT(len > 0);
    (void)fclose(f);
    return text;
}

/* Whole blocks of anything, each a run: none costs more than it is charged. */
static bool random_blocks_hold(uint32_t count)
{
    struct random_blocks r;
    bool all = true;
    double least = 1e9, sum = 0;
    random_blocks_init(&r, 7);
    r.c->l.slopes = false; /* the image has chips */
    for (uint32_t i = 0; i < count; i++) {
        chain_run_begin(r.c);
        random_block(&r);
        double charged = (double)r.c->l.result.native_used + EXEC_NATIVE_RUN;
        double factor = charged / (double)cost_guest_units(r.c);
        all = all && factor >= 1;
        least = factor < least ? factor : least;
        sum += factor;
    }
    printf("%u random blocks: charged at least %.2f times what they cost, %.2f on average\n", count,
           least, sum / count);
    random_blocks_free(&r);
    return all;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 64;
    bool print = argc > 2 && strcmp(argv[2], "--print") == 0;
    const char *only = argc > 3 && print ? argv[3] : NULL;
    char *doc = argc > 3 && strcmp(argv[2], "--doc") == 0 ? read_all(argv[3]) : NULL;
    uint32_t passed = 0, failed = 0;
    cost_open(argv[1]);
    const struct cost_table tables[] = {cost_op_rows(), cost_call_rows(), cost_precompile_rows(),
                                        cost_tx_rows(), cost_block_rows()};
    for (uint32_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        if (print)
            printf("\n### %s\n\n| operation | price | measured | price / measured |\n"
                   "| --- | --: | --: | --: |\n",
                   tables[t].title);
        for (uint32_t i = 0; i < tables[t].count; i++) {
            const struct cost_row *row = &tables[t].rows[i];
            char line[256];
            if (only != NULL && strstr(row->name, only) == NULL &&
                strstr(tables[t].title, only) == NULL)
                continue;
            struct cost_figure f = cost_measure(row);
            int at = snprintf(line, sizeof line, "| %s | %.0f |", row->name, f.price);
            TD_ASSERT(at > 0);
            bool dear = f.measured > f.price;
            bool told = doc == NULL || strstr(doc, line) != NULL;
            if (print) {
                printf("%s %.0f | %.2f |%s\n", line, f.measured,
                       f.measured > 0 ? f.price / f.measured : 0, dear ? " LOW" : "");
                (void)fflush(stdout);
            }
            if (dear && !print)
                printf("%s costs %.1f and is charged %.1f\n", row->name, f.measured, f.price);
            if (!told)
                printf("the document lacks: %s\n", line);
            passed += !dear && told;
            failed += dear || !told;
        }
    }
    bool hold = random_blocks_hold(100);
    passed += hold;
    failed += !hold;
    bool every = cost_every_opcode();
    passed += every;
    failed += !every;
    printf("%s%u passed, %u failed, 0 skipped\n", print ? "\n" : "", passed, failed);
    cost_op_rows_free();
    cost_close();
    free(doc);
    return failed == 0 || print ? 0 : 1;
}
