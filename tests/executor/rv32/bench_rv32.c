/* How fast the emulator runs: one image given on the command line, with an input of its own making,
 * repeated; CPU time of one core.  Usage: bench_rv32 [--quick] IMAGE... */
#include <inttypes.h>

#include "base/core/assert.h"
#include "tests/bench/timing.h"
#include "tests/executor/rv32/image.h"

#define INPUT_BYTES 4096u
#define CLK_LIMIT (UINT64_C(1) << 32)
#define TARGET_PER_S 1e8

struct run {
    const char *path;
    uint8_t input[INPUT_BYTES];
    bool watched;
    uint64_t instructions, calls;
};

static uint64_t run_rounds(void *ctx, uint64_t rounds)
{
    struct run *r = ctx;
    uint64_t ns = 0;
    for (uint64_t i = 0; i < rounds; i++) {
        struct image image;
        struct rv32_watch w = {.self = NULL};
        bool opened = image_open(&image, r->path, r->input, sizeof r->input);
        TD_ASSERT(opened);
        w.counts = calloc(image.program.text_words, sizeof *w.counts);
        uint64_t start = bench_now_ns(BENCH_CPU);
        enum rv32_stop stop =
            r->watched ? rv32_run_watched(&image.m, CLK_LIMIT, &w) : rv32_run(&image.m, CLK_LIMIT);
        ns += bench_now_ns(BENCH_CPU) - start;
        TD_ASSERT(stop == RV32_STOP_HALT);
        r->instructions = rv32_instructions(&image.m);
        r->calls = 0;
        for (uint32_t k = 0; k < RV32_CALL_COUNT; k++)
            r->calls += image.m.calls[k];
        free(w.counts);
        image_close(&image);
    }
    return ns;
}

static void bench_image(const char *path)
{
    static struct run r;
    const char *name = strrchr(path, '/') == NULL ? path : strrchr(path, '/') + 1;
    char label[96];
    r = (struct run){.path = path};
    for (uint32_t i = 0; i < INPUT_BYTES; i++)
        r.input[i] = (uint8_t)(i * 151 + (i >> 8));
    run_rounds(&r, 1);
    bench_note("%s: %" PRIu64 " instructions for %u bytes", name, r.instructions, INPUT_BYTES);
    struct bench_work work = {.run = run_rounds, .ctx = &r, .operations = r.instructions};
    snprintf(label, sizeof label, "%s, instructions", name);
    /* With chips the time goes into the calls' own arithmetic: no target for those. */
    bool calls = r.calls > 1;
    bench_time_row(label, BENCH_PER_S, &work, calls ? 0 : TARGET_PER_S);
    r.watched = true;
    snprintf(label, sizeof label, "%s, counted per address", name);
    bench_time_row(label, BENCH_PER_S, &work, 0);
}

int main(int argc, char **argv)
{
    int first = 1;
    if (argc > 1 && strcmp(argv[1], "--quick") == 0) {
        bench_set_quick(true);
        first = 2;
    }
    if (first >= argc) {
        fprintf(stderr, "usage: %s [--quick] IMAGE...\n", argv[0]);
        return 64;
    }
    bench_head();
    bench_group("rv32 emulator, one core");
    for (int i = first; i < argc; i++)
        bench_image(argv[i]);
    bench_foot();
    return 0;
}
