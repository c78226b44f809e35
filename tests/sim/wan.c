/* Latencies over a table of regions: validators in a full mesh, nothing faulty but the dead.
 *
 * Table: from,to,rtt_ms,bandwidth_bps per ordered pair of regions; a one-way delay is half the
 * round trip.  Validators take the regions in turn.  A sender's messages leave one after the other
 * at the bandwidth of their link.  Proposal to finality is measured at every live node. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"
#include "base/core/keccak.h"
#include "node/exit_codes.h"
#include "tests/sim/run.h"

#define REGIONS_MAX 16u
#define NAME_MAX 32u
#define WITHIN_REGION_NS (500 * 1000)
#define FSYNC_NS (500 * 1000)
#define EXEC_NS (2 * SIM_MS)
#define MINUTES_DEFAULT 2
#define WARM_UP_BLOCKS 5u
#define STALL_NS (10 * SIM_SEC)

struct table {
    char name[REGIONS_MAX][NAME_MAX];
    uint32_t count;
    int64_t one_way_ns[REGIONS_MAX][REGIONS_MAX];
    uint64_t bandwidth_bps[REGIONS_MAX][REGIONS_MAX];
    uint64_t best_bps;
};

struct samples {
    int64_t *ns; /* owned */
    size_t count, cap;
};

struct wan {
    struct samples latency; /* per node and block */
    struct samples gap;     /* per block, at the first node */
    bool dead[SIM_NODES_MAX];
};

static uint32_t region_of(struct table *t, const char *name)
{
    for (uint32_t i = 0; i < t->count; i++)
        if (strcmp(t->name[i], name) == 0)
            return i;
    size_t len = strlen(name);
    if (t->count == REGIONS_MAX || len == 0 || len >= NAME_MAX)
        return REGIONS_MAX;
    memcpy(t->name[t->count], name, len + 1);
    return t->count++;
}

/* "103.4" ms round trip to ns one way, in integers. */
static bool parse_rtt(const char *text, int64_t *one_way_ns)
{
    int64_t whole = 0, part = 0, scale = 1000000;
    const char *p = text;
    if (*p < '0' || *p > '9')
        return false;
    for (; *p >= '0' && *p <= '9' && whole < 1000000; p++)
        whole = whole * 10 + (*p - '0');
    if (*p == '.')
        for (p++; *p >= '0' && *p <= '9' && scale >= 10; p++) {
            scale /= 10;
            part += (*p - '0') * scale;
        }
    *one_way_ns = (whole * 1000000 + part) / 2;
    return *p == '\0';
}

/* One line; false when it cannot be read. */
static bool parse_line(struct table *t, char *line)
{
    char *field[4] = {line, NULL, NULL, NULL};
    for (uint32_t i = 1; i < 4; i++) {
        field[i] = strchr(field[i - 1], ',');
        if (field[i] == NULL)
            return false;
        *field[i]++ = '\0';
    }
    uint32_t from = region_of(t, field[0]), to = region_of(t, field[1]);
    char *end = NULL;
    unsigned long long bps = strtoull(field[3], &end, 10);
    if (from == REGIONS_MAX || to == REGIONS_MAX || end == field[3] || *end != '\0' || bps == 0)
        return false;
    t->bandwidth_bps[from][to] = bps;
    t->best_bps = bps > t->best_bps ? bps : t->best_bps;
    return parse_rtt(field[2], &t->one_way_ns[from][to]);
}

static bool complete(const struct table *t, const struct sim_options *o)
{
    for (uint32_t a = 0; a < t->count; a++)
        for (uint32_t b = 0; b < t->count; b++)
            if (a != b && t->bandwidth_bps[a][b] == 0) {
                fprintf(stderr, "%s: %s has no line from %s to %s\n", o->program, o->wan_file,
                        t->name[a], t->name[b]);
                return false;
            }
    return t->count > 0;
}

static int table_read(struct table *t, const struct sim_options *o)
{
    char line[256];
    memset(t, 0, sizeof *t);
    FILE *f = fopen(o->wan_file, "r");
    if (f == NULL) {
        fprintf(stderr, "%s: cannot open %s\nIt wants lines of from,to,rtt_ms,bandwidth_bps.\n",
                o->program, o->wan_file);
        return NODE_EXIT_NO_INPUT;
    }
    for (uint32_t number = 1; fgets(line, sizeof line, f) != NULL; number++) {
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] == '#' || line[0] == '\0' || strncmp(line, "from,", 5) == 0)
            continue;
        if (!parse_line(t, line)) {
            fprintf(stderr, "%s: %s:%u is not from,to,rtt_ms,bandwidth_bps\n", o->program,
                    o->wan_file, number);
            fclose(f);
            return NODE_EXIT_CONFIG;
        }
    }
    fclose(f);
    return complete(t, o) ? NODE_EXIT_OK : NODE_EXIT_CONFIG;
}

static void sample(struct samples *s, int64_t ns)
{
    if (s->count == s->cap) {
        s->cap = s->cap == 0 ? 4096 : s->cap * 2;
        s->ns = realloc(s->ns, s->cap * sizeof *s->ns);
        TD_ASSERT(s->ns != NULL);
    }
    s->ns[s->count++] = ns;
}

static void on_final(struct sim_world *w, uint32_t node, uint64_t height)
{
    (void)node;
    struct wan *wan = w->hook;
    const struct sim_final *f = &w->chain.final[height];
    if (height > WARM_UP_BLOCKS && f->block->sent_ns >= 0)
        sample(&wan->latency, w->now_ns - f->block->sent_ns);
    if (height > WARM_UP_BLOCKS && f->final_ns == w->now_ns && w->chain.final_height == height) {
        int64_t gap = w->now_ns - w->chain.final[height - 1].final_ns;
        bool first = wan->gap.count == 0 || height > WARM_UP_BLOCKS + wan->gap.count;
        if (first)
            sample(&wan->gap, gap);
    }
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* Milliseconds at `permille` of the sorted samples. */
static double at(const struct samples *s, uint32_t permille)
{
    if (s->count == 0)
        return 0;
    size_t i = s->count * permille / 1000;
    return (double)s->ns[i < s->count ? i : s->count - 1] / 1e6;
}

static struct sim_world *build(const struct sim_options *o, const struct table *t, struct wan *wan)
{
    struct sim_config cfg = o->cfg;
    cfg.quiet = true;
    cfg.faults = 0;
    struct sim_world *w = sim_world_new(&cfg);
    struct td_rng rng;
    td_rng_init(&rng, cfg.seed ^ UINT64_C(0x77616e));
    for (uint32_t killed = 0; killed < o->dead;) {
        uint32_t i = (uint32_t)td_rng_below(&rng, w->node_count);
        killed += wan->dead[i] ? 0 : 1;
        wan->dead[i] = true;
    }
    for (uint32_t a = 0; a < w->node_count; a++) {
        w->node[a].sync_ns = FSYNC_NS;
        w->node[a].exec_ns = EXEC_NS;
        for (uint32_t b = 0; b < w->node_count; b++) {
            struct sim_link *l = sim_link_at(w, a, b);
            uint32_t x = a % t->count, y = b % t->count;
            l->base_ns = x == y ? WITHIN_REGION_NS : t->one_way_ns[x][y];
            l->jitter_ns = l->base_ns / 50 + 1;
            l->bandwidth_bps = x == y ? t->best_bps : t->bandwidth_bps[x][y];
        }
    }
    w->hook = wan;
    w->on_final = on_final;
    for (uint32_t i = 0; i < w->node_count; i++)
        if (!wan->dead[i])
            sim_push(w, SIM_IT_BOOT, i, (int64_t)td_rng_below(&rng, 50) * SIM_MS, 0);
    return w;
}

/* Longest run of dead leaders between two rounds: what the rules make everyone wait for. */
static uint32_t dead_run(const struct sim_world *w, const struct wan *wan,
                         const struct bft_leaders *leaders, uint64_t from, uint64_t to)
{
    uint32_t run = 0, longest = 0;
    for (uint64_t r = from; r < to; r++) {
        uint32_t key = sim_key_of(w, 0, bft_leaders_at(leaders, r));
        run = wan->dead[key] ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

static uint32_t print_stalls(const struct sim_world *w, const struct wan *wan, bool json)
{
    static struct bft_leaders leaders;
    struct bft_bitmap none = {{0}};
    struct td_hash seed;
    uint32_t stalls = 0;
    td_keccak256(&seed, w->base.genesis_hash.b, sizeof seed.b);
    bft_leaders_init(&leaders, &w->chain.epoch[0].set, &none, &seed);
    for (uint64_t h = WARM_UP_BLOCKS; h <= w->chain.final_height; h++) {
        const struct sim_final *f = &w->chain.final[h], *p = &w->chain.final[h - 1];
        int64_t gap = f->final_ns - p->final_ns;
        if (gap <= STALL_NS)
            continue;
        uint64_t from = p->block->header.round + 1, to = f->block->header.round;
        uint32_t run = dead_run(w, wan, &leaders, from, to);
        printf(json ? "%s{\"height\":%" PRIu64 ",\"seconds\":%.3f,\"rounds\":[%" PRIu64 ",%" PRIu64
                      "],\"dead_leaders_in_a_row\":%u}"
                    : "%sheight %" PRIu64 ": %.1f s, rounds %" PRIu64 " to %" PRIu64
                      ", %u dead leaders in a row\n",
               json ? (stalls > 0 ? "," : "") : "  stall       ", h, (double)gap / 1e9, from, to,
               run);
        stalls++;
    }
    return stalls;
}

static void report_text(const struct sim_options *o, struct sim_world *w, const struct wan *wan,
                        const struct table *t, double wall_s)
{
    printf("%u validators in %u regions (%s), %u dead, block interval %" PRId64
           " ms, %.1f min of virtual time, seed %" PRIu64 "\n",
           o->cfg.nodes, t->count, o->wan_file, o->dead, o->cfg.interval_ns / SIM_MS,
           (double)w->now_ns / 60e9, o->cfg.seed);
    printf("  blocks      %" PRIu64 " final, %" PRIu64 " messages, %.1f MB sent\n",
           w->chain.final_height, w->stats.delivered, (double)w->stats.bytes / 1e6);
    printf("  finality    p50 %.1f ms, p90 %.1f, p99 %.1f, max %.1f after the proposal (%zu "
           "samples)\n",
           at(&wan->latency, 500), at(&wan->latency, 900), at(&wan->latency, 990),
           at(&wan->latency, 1000), wan->latency.count);
    printf("  per block   p50 %.1f ms, p90 %.1f, p99 %.1f, max %.1f from one final block to the "
           "next\n",
           at(&wan->gap, 500), at(&wan->gap, 900), at(&wan->gap, 990), at(&wan->gap, 1000));
    if (print_stalls(w, wan, false) == 0)
        printf("  stalls      none above %d s\n", (int)(STALL_NS / SIM_SEC));
    printf("  speed       %.1f s, %.2f us per message\n", wall_s,
           w->stats.delivered > 0 ? wall_s * 1e6 / (double)w->stats.delivered : 0.0);
}

static void report_json(const struct sim_options *o, struct sim_world *w, const struct wan *wan,
                        const struct table *t, double wall_s)
{
    printf("{\"validators\":%u,\"regions\":%u,\"dead\":%u,\"block_interval_ms\":%" PRId64
           ",\"seed\":%" PRIu64 ",\"virtual_seconds\":%.1f,\"blocks\":%" PRIu64
           ",\"messages\":%" PRIu64 ",\"bytes\":%" PRIu64,
           o->cfg.nodes, t->count, o->dead, o->cfg.interval_ns / SIM_MS, o->cfg.seed,
           (double)w->now_ns / 1e9, w->chain.final_height, w->stats.delivered, w->stats.bytes);
    printf(",\"finality_ms\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"max\":%.1f,\"samples\":%zu}",
           at(&wan->latency, 500), at(&wan->latency, 900), at(&wan->latency, 990),
           at(&wan->latency, 1000), wan->latency.count);
    printf(",\"block_gap_ms\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"max\":%.1f},\"stalls\":[",
           at(&wan->gap, 500), at(&wan->gap, 900), at(&wan->gap, 990), at(&wan->gap, 1000));
    print_stalls(w, wan, true);
    printf("],\"wall_seconds\":%.2f,\"verdict\":\"%s\"}\n", wall_s,
           w->violation.set ? "violation" : "ok");
}

int sim_wan(const struct sim_options *options)
{
    struct sim_options o = *options;
    static struct table t;
    struct wan wan = {.latency = {0}};
    int code = table_read(&t, &o);
    if (code != NODE_EXIT_OK)
        return code;
    if (o.cfg.duration_ns == 0)
        o.cfg.duration_ns = MINUTES_DEFAULT * 60 * SIM_SEC;
    uint64_t start = sim_host_ns();
    struct sim_world *w = build(&o, &t, &wan);
    sim_world_run(w, o.cfg.duration_ns);
    double wall_s = (double)(sim_host_ns() - start) / 1e9;
    if (wan.latency.count > 0)
        qsort(wan.latency.ns, wan.latency.count, sizeof wan.latency.ns[0], by_value);
    if (wan.gap.count > 0)
        qsort(wan.gap.ns, wan.gap.count, sizeof wan.gap.ns[0], by_value);
    (o.json ? report_json : report_text)(&o, w, &wan, &t, wall_s);
    code = NODE_EXIT_OK;
    if (w->violation.set) {
        fprintf(stderr, "VIOLATION of %s at %.3f s: %s\n", w->violation.property,
                (double)w->violation.at_ns / 1e9, w->violation.text);
        code = NODE_EXIT_CHECK_FAILED;
    }
    free(wan.latency.ns);
    free(wan.gap.ns);
    sim_world_free(w);
    return code;
}
