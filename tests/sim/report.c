/* One run, and its report. */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "td_version.h"
#include "tests/sim/run.h"

uint64_t sim_host_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

void sim_run(const struct sim_config *cfg, struct sim_outcome *out)
{
    uint64_t start = sim_host_ns();
    struct sim_world *w = sim_world_new(cfg);
    sim_world_boot(w);
    sim_world_run(w, cfg->duration_ns);
    memset(out, 0, sizeof *out);
    out->cfg = *cfg;
    out->violation = w->violation;
    out->stats = w->stats;
    out->trace = w->trace;
    out->blocks = w->chain.final_height;
    for (uint64_t e = 0; e < SIM_EPOCHS_MAX && w->chain.epoch[e].known; e++)
        out->epochs = e;
    out->state_hash = sim_world_hash(w);
    out->event_hash = w->event_hash;
    out->byzantine_stake = w->byzantine_stake;
    out->byzantine_count = w->byzantine_count;
    out->total_stake = w->schedule[0].total;
    out->node_count = w->node_count;
    for (uint32_t i = 0; i < w->node_count; i++)
        out->byzantine[i] = w->node[i].byzantine;
    out->windows = w->window.count;
    out->has_l1 = w->base.has_l1;
    out->virtual_ns = w->now_ns;
    out->worst_heal_ns = w->live.worst_ns;
    out->frames = w->pool.made;
    sim_world_free(w);
    out->wall_ns = sim_host_ns() - start;
}

static double speed_of(const struct sim_outcome *o)
{
    return o->wall_ns == 0 ? 0 : (double)o->virtual_ns / (double)o->wall_ns;
}

static void print_byzantine(const struct sim_outcome *o, FILE *out)
{
    if (o->byzantine_count == 0) {
        fprintf(out, "none");
        return;
    }
    for (uint32_t i = 0, shown = 0; i < o->cfg.nodes; i++)
        if (o->byzantine[i] != SIM_FAULTS)
            fprintf(out, "%sn%u %s", shown++ > 0 ? ", " : "", i,
                    sim_fault_name((enum sim_fault)o->byzantine[i]));
    fprintf(out, " (stake %" PRIu64 " of %" PRIu64 ")", o->byzantine_stake, o->total_stake);
}

static void print_faults(const struct sim_outcome *o, FILE *out)
{
    uint32_t shown = 0;
    for (uint32_t f = 0; f < SIM_FAULTS; f++)
        if (o->stats.fault[f] > 0)
            fprintf(out, "%s%s %" PRIu64, shown++ > 0 ? ", " : "",
                    sim_fault_name((enum sim_fault)f), o->stats.fault[f]);
    if (shown == 0)
        fprintf(out, "none");
}

void sim_report_text(const struct sim_outcome *o, FILE *out)
{
    fprintf(out, "seed %" PRIu64 ", %u nodes, %.1f min of virtual time%s, commit %s\n", o->cfg.seed,
            o->cfg.nodes, (double)o->virtual_ns / 60e9, o->has_l1 ? ", with an L1" : "", TD_COMMIT);
    fprintf(out, "  events      %" PRIu64 " (%" PRIu64 " messages, %" PRIu64 " lost)\n",
            o->stats.events, o->stats.delivered, o->stats.lost);
    fprintf(out, "  rounds      %" PRIu64 " in the longest epoch, %" PRIu64 " epochs\n",
            o->stats.rounds, o->epochs + 1);
    fprintf(out, "  blocks      %" PRIu64 " final\n", o->blocks);
    fprintf(out, "  byzantine   ");
    print_byzantine(o, out);
    fprintf(out, "\n  faults      ");
    print_faults(o, out);
    fprintf(out,
            "\n              in %u windows, %" PRIu64 " restarts, %" PRIu64 " pieces of evidence",
            o->windows, o->stats.restarts, o->stats.evidence);
    if (o->worst_heal_ns > 0)
        fprintf(out, ", slowest recovery %.1f s", (double)o->worst_heal_ns / 1e9);
    fprintf(out, "\n  state hash  %016" PRIx64 ", event hash %016" PRIx64 "\n", o->state_hash,
            o->event_hash);
    fprintf(out, "  speed       %.2f s, %.0f x real time, %.2f us per message\n",
            (double)o->wall_ns / 1e9, speed_of(o),
            o->stats.delivered > 0 ? (double)o->wall_ns / 1e3 / (double)o->stats.delivered : 0.0);
    fprintf(out, "  verdict     %s\n", o->violation.set ? "VIOLATION" : "ok");
}

void sim_report_json(const struct sim_outcome *o, FILE *out)
{
    fprintf(out,
            "{\"seed\":%" PRIu64 ",\"nodes\":%u,\"commit\":\"%s\",\"virtual_seconds\":%.3f,"
            "\"events\":%" PRIu64 ",\"messages\":%" PRIu64 ",\"lost\":%" PRIu64
            ",\"rounds\":%" PRIu64 ",\"epochs\":%" PRIu64 ",\"blocks\":%" PRIu64
            ",\"restarts\":%" PRIu64 ",\"evidence\":%" PRIu64 ",\"byzantine\":%u,\"faults\":{",
            o->cfg.seed, o->cfg.nodes, TD_COMMIT, (double)o->virtual_ns / 1e9, o->stats.events,
            o->stats.delivered, o->stats.lost, o->stats.rounds, o->epochs + 1, o->blocks,
            o->stats.restarts, o->stats.evidence, o->byzantine_count);
    uint32_t shown = 0;
    for (uint32_t f = 0; f < SIM_FAULTS; f++)
        if (o->stats.fault[f] > 0)
            fprintf(out, "%s\"%s\":%" PRIu64, shown++ > 0 ? "," : "",
                    sim_fault_name((enum sim_fault)f), o->stats.fault[f]);
    fprintf(out,
            "},\"slowest_recovery_seconds\":%.3f,\"state_hash\":\"%016" PRIx64
            "\",\"event_hash\":\"%016" PRIx64 "\",\"wall_seconds\":%.3f,\"times_real_time\":%.1f,"
            "\"verdict\":\"%s\"",
            (double)o->worst_heal_ns / 1e9, o->state_hash, o->event_hash, (double)o->wall_ns / 1e9,
            speed_of(o), o->violation.set ? "violation" : "ok");
    if (o->violation.set)
        fprintf(out, ",\"property\":\"%s\",\"at_seconds\":%.6f,\"text\":\"%s\"",
                o->violation.property, (double)o->violation.at_ns / 1e9, o->violation.text);
    fprintf(out, "}\n");
}

void sim_report_violation(const struct sim_outcome *o, const char *program, FILE *out)
{
    const struct sim_violation *v = &o->violation;
    fprintf(out, "VIOLATION of %s: seed %" PRIu64 ", virtual time %.6f s, node n%u, commit %s\n",
            v->property, o->cfg.seed, (double)v->at_ns / 1e9, v->node, TD_COMMIT);
    fprintf(out, "  %s\n", v->text);
    fprintf(out, "Last %u events:\n", SIM_TRACE_SHOWN);
    sim_trace_print(&o->trace, out, SIM_TRACE_SHOWN);
    fprintf(out, "Again: %s --seed %" PRIu64 " --nodes %u --minutes %" PRId64 " --trace\n", program,
            o->cfg.seed, o->cfg.nodes, (int64_t)(o->cfg.duration_ns / (60 * SIM_SEC)));
}
