#define _POSIX_C_SOURCE 200809L /* clock_gettime, readlink */
#include "node/cli/guest.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "executor/rv32/symbols.h"
#include "executor/rv32/units.h"
#include "node/exit_codes.h"

/* About half a minute: far beyond any block, and an image that loops still ends. */
#define CLK_LIMIT_DEFAULT (UINT64_C(1) << 33)
/* 1,024 pairs of call site and caller: a guest has some dozens. */
#define CALL_SITES_MAX 1024u
#define PROFILE_LINES_MAX 40u
#define ASSERT_TEXT_MAX 200u
#define DEFAULT_IMAGE "tandem-guest.elf"

static const char *const CALL_NAMES[RV32_CALL_COUNT] = {
    [TD_CHIP_HALT] = "halt",
    [TD_CHIP_P2_ABSORB] = "p2_absorb",
    [TD_CHIP_P2_PATH] = "p2_path",
    [TD_CHIP_EXT_DOT] = "ext_dot",
    [TD_CHIP_FRI_FOLD] = "fri_fold",
    [TD_CHIP_U256_MULMOD] = "u256_mulmod",
    [TD_CHIP_KECCAKF] = "keccakf",
    [TD_CHIP_SECP_ADD] = "secp_add",
    [TD_CHIP_SECP_DOUBLE] = "secp_double",
};

struct options {
    const char *witness;
    const char *elf;
    uint64_t clk_limit;
    bool profile;
    bool json;
};

/* Everything a run needs; all pointers are on the heap or NULL. */
struct guest {
    uint8_t *elf;
    size_t elf_bytes;
    uint8_t *input; /* as the guest sees it */
    size_t input_bytes;
    void *memory;
    struct rv32_symbol *symbols;
    size_t symbol_count;
    struct rv32_program program;
    struct rv32_machine machine;
    struct rv32_watch watch;
    double seconds;
};

static int usage(FILE *err, const char *what, const char *word)
{
    fprintf(err,
            "tandem guest: %s%s%s%s\n"
            "usage: tandem guest run WITNESS [--elf FILE] [--clk-limit N] [--profile] [--json]\n",
            what, word == NULL ? "" : " \"", word == NULL ? "" : word, word == NULL ? "" : "\"");
    return NODE_EXIT_USAGE;
}

static bool parse_count(uint64_t *out, const char *text)
{
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    *out = v;
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && v > 0;
}

static int parse(struct options *o, FILE *err, int argc, char **argv)
{
    *o = (struct options){.clk_limit = CLK_LIMIT_DEFAULT};
    if (argc < 2)
        return usage(err, "a subcommand is missing", NULL);
    if (strcmp(argv[1], "run") != 0)
        return usage(err, "unknown subcommand", argv[1]);
    for (int i = 2; i < argc; i++) {
        const char *a = argv[i];
        if (strcmp(a, "--profile") == 0) {
            o->profile = true;
        } else if (strcmp(a, "--json") == 0) {
            o->json = true;
        } else if (strcmp(a, "--elf") == 0 || strcmp(a, "--clk-limit") == 0) {
            if (++i == argc)
                return usage(err, "a value is missing after", a);
            if (strcmp(a, "--elf") == 0)
                o->elf = argv[i];
            else if (!parse_count(&o->clk_limit, argv[i]))
                return usage(err, "not a number of clk above 0:", argv[i]);
        } else if (a[0] == '-' && a[1] != '\0') {
            return usage(err, "unknown option", a);
        } else if (o->witness != NULL) {
            return usage(err, "one witness at a time; unexpected", a);
        } else {
            o->witness = a;
        }
    }
    return o->witness == NULL ? usage(err, "WITNESS is missing", NULL) : NODE_EXIT_OK;
}

/* ---- loading */

/* The whole file behind `head` reserved bytes, zero padded to a multiple of 4.  *len excludes both.
 * Reading stops one byte past `max`, so that a wrong file cannot fill the memory. */
static uint8_t *read_file(FILE *err, const char *path, size_t head, size_t max, size_t *len)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = NULL;
    size_t cap = 1u << 16;
    *len = 0;
    if (f == NULL) {
        fprintf(err, "tandem guest: cannot open %s: %s\n", path, strerror(errno));
        return NULL;
    }
    for (;;) {
        uint8_t *more = realloc(bytes, head + cap + 4);
        if (more == NULL) {
            fprintf(err, "tandem guest: no memory for %s (%zu bytes and more)\n", path, *len);
            goto fail;
        }
        bytes = more;
        errno = 0;
        *len += fread(bytes + head + *len, 1, cap - *len, f);
        if (ferror(f)) {
            fprintf(err, "tandem guest: cannot read %s: %s\n", path, strerror(errno));
            goto fail;
        }
        if (*len > max) {
            fprintf(err, "tandem guest: %s is too large: at most %zu bytes\n", path, max);
            goto fail;
        }
        if (*len < cap)
            break;
        cap *= 2;
    }
    memset(bytes, 0, head);
    memset(bytes + head + *len, 0, 4);
    fclose(f);
    return bytes;

fail:
    free(bytes);
    fclose(f);
    return NULL;
}

/* DEFAULT_IMAGE beside the running program; false when that has no name. */
static bool default_image(char *path, size_t cap)
{
    ssize_t len = readlink("/proc/self/exe", path, cap - sizeof DEFAULT_IMAGE);
    if (len <= 0)
        return false;
    path[len] = '\0';
    char *slash = strrchr(path, '/');
    if (slash == NULL || (size_t)len + sizeof DEFAULT_IMAGE >= cap)
        return false;
    memcpy(slash + 1, DEFAULT_IMAGE, sizeof DEFAULT_IMAGE);
    return true;
}

static int load_image(struct guest *g, FILE *err, const char *path)
{
    char beside[PATH_MAX];
    const char *from = path;
    if (from == NULL) {
        from = default_image(beside, sizeof beside) ? beside : DEFAULT_IMAGE;
        if (access(from, R_OK) != 0) {
            fprintf(err,
                    "tandem guest: no guest image at %s: %s\n"
                    "Build it (needs riscv64-unknown-elf-gcc, see tools/deps.sh) or name one with "
                    "--elf FILE.\n",
                    from, strerror(errno));
            return NODE_EXIT_NO_INPUT;
        }
    }
    g->elf = read_file(err, from, 0, RV32_RAM_BASE, &g->elf_bytes);
    if (g->elf == NULL)
        return NODE_EXIT_NO_INPUT;
    enum rv32_load verdict =
        rv32_program_decode(&g->program, (struct td_bytes){.ptr = g->elf, .len = g->elf_bytes});
    if (verdict != RV32_LOADED) {
        fprintf(err,
                "tandem guest: %s: %s (file offset %" PRIu32 ")\n"
                "A guest image is linked with executor/guest/link.ld for rv32im without "
                "division.\n",
                from, rv32_load_text(verdict), g->program.fault_offset);
        return NODE_EXIT_CONFIG;
    }
    return NODE_EXIT_OK;
}

static int load_input(struct guest *g, FILE *err, const char *path)
{
    size_t len;
    g->input = read_file(err, path, 4, RV32_INPUT_BYTES_MAX - 4, &len);
    if (g->input == NULL)
        return NODE_EXIT_NO_INPUT;
    uint32_t word = (uint32_t)len;
    memcpy(g->input, &word, sizeof word);
    g->input_bytes = (4 + len + 3) & ~(size_t)3;
    return NODE_EXIT_OK;
}

static bool prepare(struct guest *g, bool profile)
{
    size_t names = rv32_symbols_count_max(&g->program);
    g->symbols = calloc(names + 1, sizeof *g->symbols);
    g->memory = calloc(1, rv32_footprint(&g->program, RV32_RAM_BYTES_MAX));
    if (g->symbols == NULL || g->memory == NULL)
        return false;
    g->symbol_count = rv32_symbols_decode(g->symbols, names, &g->program);
    if (profile) {
        g->watch.counts = calloc(g->program.text_words, sizeof *g->watch.counts);
        g->watch.sites = calloc(CALL_SITES_MAX, sizeof *g->watch.sites);
        g->watch.site_cap = CALL_SITES_MAX;
        if (g->watch.counts == NULL || g->watch.sites == NULL)
            return false;
    }
    return rv32_init(&g->machine, &g->program, g->memory, RV32_RAM_BYTES_MAX, g->input,
                     g->input_bytes) == TD_OK;
}

static void release(struct guest *g)
{
    free(g->watch.sites);
    free(g->watch.counts);
    free(g->symbols);
    free(g->memory);
    free(g->input);
    free(g->elf);
}

/* ---- reports */

/* "name+0x1c", or "no symbol". */
static void print_place(FILE *to, const struct guest *g, uint32_t address)
{
    const struct rv32_symbol *s = rv32_symbol_find(g->symbols, g->symbol_count, address);
    if (s == NULL)
        fprintf(to, "no symbol");
    else
        fprintf(to, "%s+0x%" PRIx32, s->name, address - s->address);
}

/* A guest's string, printable characters only. */
static void guest_text(char out[ASSERT_TEXT_MAX], const struct guest *g, uint32_t address)
{
    size_t n = 0;
    for (; n + 1 < ASSERT_TEXT_MAX; n++) {
        const uint8_t *p = rv32_memory_at(&g->machine, address + (uint32_t)n, 1, false);
        if (p == NULL || *p < ' ' || *p > '~')
            break;
        out[n] = (char)*p;
    }
    out[n] = '\0';
}

static void explain_trap(FILE *err, const struct guest *g)
{
    const struct rv32_machine *m = &g->machine;
    const struct rv32_symbol *s = rv32_symbol_find(g->symbols, g->symbol_count, m->pc);
    fprintf(err, "tandem guest: %s%s: 0x%08" PRIx32 ", at pc 0x%08" PRIx32 " (",
            m->stop == RV32_STOP_LIMIT ? "" : "trap: ", rv32_stop_text(m->stop),
            m->stop == RV32_STOP_LIMIT ? m->pc : m->fault, m->pc);
    print_place(err, g, m->pc);
    fprintf(err, ", return address in ");
    print_place(err, g, m->x[1]);
    fprintf(err, ") after %" PRIu64 " instructions\n", rv32_instructions(m));
    if (m->stop == RV32_STOP_BREAK && s != NULL && strcmp(s->name, "td_assert_fail") == 0) {
        /* Its arguments are still in a0, a1, a2. */
        char file[ASSERT_TEXT_MAX];
        char text[ASSERT_TEXT_MAX];
        guest_text(file, g, m->x[10]);
        guest_text(text, g, m->x[12]);
        fprintf(err, "%s:%" PRIu32 ": assertion failed: %s\n", file, m->x[11], text);
    } else if (m->stop == RV32_STOP_LIMIT) {
        fprintf(err, "Allow more with --clk-limit N (this run: %" PRIu64 " clk).\n", m->clk);
    }
}

static void print_json(FILE *out, const struct guest *g, const struct rv32_function *f)
{
    const struct rv32_machine *m = &g->machine;
    fprintf(out, "{\"stop\":\"%s\",\"pc\":%" PRIu32 ",\"fault\":%" PRIu32 ",\"output\":[",
            rv32_stop_text(m->stop), m->pc, m->fault);
    for (uint32_t i = 0; i < RV32_OUTPUT_WORDS && m->stop == RV32_STOP_HALT; i++)
        fprintf(out, "%s%" PRIu32, i == 0 ? "" : ",", m->output[i]);
    fprintf(out,
            "],\"instructions\":%" PRIu64 ",\"units\":%" PRIu64 ",\"clk\":%" PRIu64
            ",\"cpu_seconds\":%.6f,\"calls\":{",
            rv32_instructions(m), rv32_units(m), m->clk, g->seconds);
    for (uint32_t i = 0; i < RV32_CALL_COUNT; i++)
        fprintf(out, "%s\"%s\":%" PRIu64, i == 0 ? "" : ",", CALL_NAMES[i], m->calls[i]);
    fprintf(out, "}");
    for (size_t i = 0; f != NULL && i <= g->symbol_count; i++) {
        /* Names come from the image; only letters that need no escaping are passed on. */
        const char *name = f[i].symbol == NULL ? "" : f[i].symbol->name;
        fprintf(out, "%s{\"function\":\"", i == 0 ? ",\"profile\":[" : ",");
        for (; *name != '\0'; name++)
            fputc(*name > ' ' && *name <= '~' && *name != '"' && *name != '\\' ? *name : '?', out);
        fprintf(out, "\",\"instructions\":%" PRIu64 "}%s", f[i].instructions,
                i == g->symbol_count ? "]" : "");
    }
    fprintf(out, "}\n");
}

static void print_calls(FILE *out, const uint64_t calls[RV32_CALL_COUNT])
{
    bool any = false;
    for (uint32_t i = 0; i < RV32_CALL_COUNT; i++) {
        if (calls[i] == 0)
            continue;
        fprintf(out, "%s%s %" PRIu64, any ? ", " : "", CALL_NAMES[i], calls[i]);
        any = true;
    }
    fprintf(out, "%s\n", any ? "" : "none");
}

static bool has_calls(const struct rv32_function *f)
{
    uint64_t any = 0;
    for (uint32_t i = 0; i < RV32_CALL_COUNT; i++)
        any |= f->calls[i];
    return any != 0;
}

static void print_profile(FILE *out, const struct guest *g, const struct rv32_function *f)
{
    uint64_t total = rv32_instructions(&g->machine);
    fprintf(out, "\n%15s  %6s  %s\n", "instructions", "share", "function (chip calls)");
    for (size_t i = 0; i <= g->symbol_count && i < PROFILE_LINES_MAX; i++) {
        if (f[i].instructions == 0)
            break;
        fprintf(out, "%15" PRIu64 "  %5.1f%%  %s", f[i].instructions,
                100.0 * (double)f[i].instructions / (double)total,
                f[i].symbol == NULL ? "(no symbol)" : f[i].symbol->name);
        if (has_calls(&f[i])) {
            fprintf(out, "  — ");
            print_calls(out, f[i].calls);
        } else {
            fprintf(out, "\n");
        }
    }
    if (g->watch.sites_lost != 0)
        fprintf(out, "%" PRIu64 " chip calls from too many places are in no line\n",
                g->watch.sites_lost);
}

static void print_text(FILE *out, const struct guest *g, const struct rv32_function *f)
{
    const struct rv32_machine *m = &g->machine;
    double rate = g->seconds > 0 ? (double)rv32_instructions(m) / g->seconds / 1e6 : 0;
    if (m->stop == RV32_STOP_HALT) {
        fprintf(out, "output        ");
        for (uint32_t i = 0; i < RV32_OUTPUT_WORDS; i++)
            fprintf(out, "%08" PRIx32 "%s", m->output[i], i + 1 < RV32_OUTPUT_WORDS ? " " : "\n");
    }
    fprintf(out,
            "instructions  %" PRIu64 "\nnative units  %" PRIu64 "\nclk           %" PRIu64
            "%s\nchip calls    ",
            rv32_instructions(m), rv32_units(m), m->clk,
            m->clk > RV32_CLK_END ? " (more than one segment of a proof holds)" : "");
    print_calls(out, m->calls);
    fprintf(out, "CPU time      %.3f s, %.0f M instructions/s%s\n", g->seconds, rate,
            f == NULL ? "" : " (profiled)");
    if (f != NULL)
        print_profile(out, g, f);
}

/* CPU time: what others do on this machine does not count. */
static double now_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int run_and_report(struct guest *g, const struct options *o, FILE *out, FILE *err)
{
    struct rv32_function *functions = NULL;
    double start = now_seconds();
    enum rv32_stop stop = o->profile ? rv32_run_watched(&g->machine, o->clk_limit, &g->watch)
                                     : rv32_run(&g->machine, o->clk_limit);
    g->seconds = now_seconds() - start;
    if (o->profile) {
        functions = calloc(g->symbol_count + 1, sizeof *functions);
        if (functions != NULL)
            rv32_profile_sum(functions, g->symbols, g->symbol_count, &g->machine, &g->watch);
    }
    if (o->json)
        print_json(out, g, functions);
    else
        print_text(out, g, functions);
    free(functions);
    if (stop != RV32_STOP_HALT)
        explain_trap(err, g);
    if (fflush(out) != 0 || ferror(out)) {
        fprintf(err, "tandem guest: cannot write the result to standard output\n");
        return NODE_EXIT_IO;
    }
    return stop == RV32_STOP_HALT ? NODE_EXIT_OK : NODE_EXIT_CHECK_FAILED;
}

int node_guest_run(FILE *out, FILE *err, int argc, char **argv)
{
    struct options o;
    struct guest g = {.elf = NULL};
    int code = parse(&o, err, argc, argv);
    if (code == NODE_EXIT_OK)
        code = load_image(&g, err, o.elf);
    if (code == NODE_EXIT_OK)
        code = load_input(&g, err, o.witness);
    if (code == NODE_EXIT_OK && !prepare(&g, o.profile)) {
        fprintf(err,
                "tandem guest: cannot set up the machine: %zu MiB of memory, and a bss that "
                "fits, are needed\n",
                rv32_footprint(&g.program, RV32_RAM_BYTES_MAX) >> 20);
        code = NODE_EXIT_IO;
    }
    if (code == NODE_EXIT_OK)
        code = run_and_report(&g, &o, out, err);
    release(&g);
    return code;
}
