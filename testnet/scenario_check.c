#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"
#include "base/core/hex.h"
#include "td_version.h"
#include "testnet/scenario_run.h"

/* Heights asked for at once, so that an answer stays small. */
#define BATCH 50u

struct compared {
    struct td_hash hash, state;
    bool block, cert;
    bool cert_fits; /* it certifies that block and that state */
};

__attribute__((format(printf, 4, 5))) static void result(struct scenario_check *c, const char *name,
                                                         bool good, const char *format, ...)
{
    va_list args;
    c->name = name;
    c->good = good;
    va_start(args, format);
    vsnprintf(c->text, sizeof c->text, format, args);
    va_end(args);
}

/* ---- all nodes' chains */

static bool hash_member(struct td_hash *out, const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL &&
           td_hex_decode_fixed(out->b, sizeof out->b, TD_HEX_PREFIXED, text, strlen(text)) == TD_OK;
}

/* blocks `from` .. `from + count - 1` of a node with their certificates. */
static bool fetch(struct scenario_run *r, uint32_t node, uint64_t from, uint32_t count,
                  struct compared out[BATCH])
{
    char text[BATCH * 256u];
    json_t *answers[2u * BATCH];
    size_t len = 0;
    text[len++] = '[';
    for (uint32_t i = 0; i < 2u * count; i++) {
        bool block = i % 2u == 0;
        int n = snprintf(text + len, sizeof text - len,
                         "%s{\"jsonrpc\":\"2.0\",\"id\":%" PRIu32
                         ",\"method\":\"%s\",\"params\":[\"0x%" PRIx64 "\"%s]}",
                         i == 0 ? "" : ",", i,
                         block ? "eth_getBlockByNumber" : "tandem_getQuorumCertificate",
                         from + i / 2u, block ? ",false" : "");
        TD_ASSERT(n > 0 && (size_t)n < sizeof text - len - 1u);
        len += (size_t)n;
    }
    text[len++] = ']';
    memset(out, 0, count * sizeof *out);
    json_t *root =
        testnet_rpc_batch(&r->nodes[node].rpc, td_bytes_of(text, len), answers, 2u * count);
    for (uint32_t i = 0; root != NULL && i < count; i++) {
        const json_t *block = json_object_get(answers[2u * i], "result");
        const json_t *cert = json_object_get(answers[2u * i + 1u], "result");
        struct td_hash hash, state;
        out[i].block = hash_member(&out[i].hash, block, "hash") &&
                       hash_member(&out[i].state, block, "stateRoot");
        out[i].cert =
            hash_member(&hash, cert, "blockHash") && hash_member(&state, cert, "stateCommitment");
        out[i].cert_fits =
            out[i].cert && td_hash_eq(&hash, &out[i].hash) && td_hash_eq(&state, &out[i].state);
    }
    json_decref(root);
    return root != NULL;
}

struct comparison {
    uint64_t blocks, certs, missing, other_block, other_state, other_cert, lost;
};

static void count_once(uint64_t *first, uint64_t height)
{
    if (*first == 0)
        *first = height;
}

static void compare_range(struct scenario_run *r, struct comparison *c, uint64_t from,
                          uint32_t count)
{
    struct compared one[BATCH], other[BATCH];
    if (!fetch(r, 0, from, count, one))
        memset(one, 0, sizeof one);
    for (uint32_t node = 0; node < testnet_count(&r->net); node++) {
        if (!fetch(r, node, from, count, other))
            memset(other, 0, sizeof other);
        for (uint32_t i = 0; i < count; i++) {
            uint64_t h = from + i;
            if (!one[i].block || !other[i].block)
                count_once(&c->missing, h);
            else if (!td_hash_eq(&one[i].hash, &other[i].hash))
                count_once(&c->other_block, h);
            else if (!td_hash_eq(&one[i].state, &other[i].state))
                count_once(&c->other_state, h);
            if (other[i].cert && !other[i].cert_fits)
                count_once(&c->other_cert, h);
            c->certs += other[i].cert ? 1 : 0;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        c->blocks++;
        if (!td_hash_is_zero(&r->seen[from + i]) &&
            (!one[i].block || !td_hash_eq(&r->seen[from + i], &one[i].hash)))
            c->lost++;
    }
}

/* Blocks that a node told of, and that are above what all of them have now. */
static uint64_t lost_above(const struct scenario_run *r, uint64_t height)
{
    uint64_t lost = 0;
    for (uint64_t h = height + 1u; h < SCENARIO_HEIGHTS_MAX; h++)
        lost += td_hash_is_zero(&r->seen[h]) ? 0 : 1;
    return lost;
}

static uint64_t equivocations(struct scenario_run *r)
{
    uint64_t seen = 0;
    for (uint32_t i = 0; i < testnet_count(&r->net); i++) {
        struct node_http_client *c = &r->nodes[i].ops;
        static const char name[] = "\ntandem_equivocations_seen_total ";
        if (node_http_get(c, "/metrics") != TD_OK)
            continue;
        const char *at = strstr(c->body, name);
        seen += at == NULL ? 0 : strtoull(at + sizeof name - 1u, NULL, 10);
    }
    return seen;
}

void scenario_check(struct scenario_run *r)
{
    struct comparison c = {0};
    uint64_t least = UINT64_MAX;
    uint32_t alone = UINT32_MAX;
    for (uint32_t i = 0; i < testnet_count(&r->net); i++) {
        least = r->nodes[i].height < least ? r->nodes[i].height : least;
        alone = r->nodes[i].alone && alone == UINT32_MAX ? i : alone;
    }
    if (least >= SCENARIO_HEIGHTS_MAX)
        least = SCENARIO_HEIGHTS_MAX - 1u;
    for (uint64_t h = 1; h <= least; h += BATCH)
        compare_range(r, &c, h, (uint32_t)(least + 1u - h < BATCH ? least + 1u - h : BATCH));
    uint64_t lost = c.lost + lost_above(r, r->highest < least ? least : r->highest);
    uint64_t seen = equivocations(r);
    uint64_t first = c.other_block != 0 ? c.other_block : c.missing;
    if (r->contradiction != 0)
        first = r->contradiction;
    result(&r->checks[0], "one chain", first == 0 && c.blocks > 0,
           first == 0 ? "%" PRIu64 " blocks on all nodes" : "differs or is missing at %" PRIu64,
           first == 0 ? c.blocks : first);
    result(&r->checks[1], "state roots", c.other_state == 0,
           c.other_state == 0 ? "equal" : "differ at %" PRIu64, c.other_state);
    result(&r->checks[2], "certificates", c.other_cert == 0 && c.certs > 0,
           c.other_cert == 0 ? "%" PRIu64 " fit their blocks" : "wrong at %" PRIu64,
           c.other_cert == 0 ? c.certs : c.other_cert);
    result(&r->checks[3], "no double vote", seen == 0, "%" PRIu64 " proofs of one", seen);
    result(&r->checks[4], "processes", alone == UINT32_MAX,
           alone == UINT32_MAX ? "none ended by itself"
                               : "n%" PRIu32 " ended by itself, exit code %" PRId64,
           alone, alone == UINT32_MAX ? 0 : r->nodes[alone].exit_code);
    result(&r->checks[5], "blocks lost", lost == 0 && r->recovered, "%" PRIu64 "%s", lost,
           r->recovered ? "" : "; not all nodes came to the head again");
}

/* ---- the table */

bool scenario_report(const struct scenario_run *r)
{
    uint32_t failed = 0;
    fprintf(r->out, "\n%s · %" PRIu32 " nodes · %" PRId64 " ms a block\n", r->file,
            testnet_count(&r->net), r->s.interval_ms);
    for (uint32_t i = 0; i < SCENARIO_CHECKS; i++) {
        fprintf(r->out, "  %s %-15s %s\n", r->checks[i].good ? "✓" : "✗", r->checks[i].name,
                r->checks[i].text);
        failed += r->checks[i].good ? 0 : 1;
    }
    for (uint32_t i = 0; i < r->s.expect_count; i++)
        failed += r->expects[i].good ? 0 : 1;
    fprintf(r->out,
            "    longest stall   %.1f s\n    recovery        %.1f s\n    seed            %" PRIu64
            "\n    commit          %s\n",
            (double)r->stall_ns / 1e9, (double)r->recovery_ns / 1e9, r->seed, TD_COMMIT);
    fprintf(r->out, "%s %" PRIu32 " expectations, %u checks, %" PRIu32 " failed\n",
            failed == 0 ? "passed:" : "FAILED:", r->s.expect_count, SCENARIO_CHECKS, failed);
    return failed == 0;
}

static void escaped(FILE *f, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '<')
            fputs("&lt;", f);
        else if (*text == '>')
            fputs("&gt;", f);
        else if (*text == '&')
            fputs("&amp;", f);
        else if (*text == '"')
            fputs("&quot;", f);
        else
            fputc(*text, f);
    }
}

static void test_case(FILE *f, const char *name, bool good, const char *text)
{
    fputs("  <testcase classname=\"testnet\" name=\"", f);
    escaped(f, name);
    fputs(good ? "\"/>\n" : "\"><failure message=\"", f);
    if (good)
        return;
    escaped(f, text);
    fputs("\"/></testcase>\n", f);
}

int scenario_junit(const struct scenario_run *r, const char *path)
{
    uint32_t failed = 0;
    FILE *f = fopen(path, "we");
    if (f == NULL)
        return -1;
    for (uint32_t i = 0; i < SCENARIO_CHECKS; i++)
        failed += r->checks[i].good ? 0 : 1;
    for (uint32_t i = 0; i < r->s.expect_count; i++)
        failed += r->expects[i].good ? 0 : 1;
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"", f);
    escaped(f, r->file);
    fprintf(f, "\" tests=\"%" PRIu32 "\" failures=\"%" PRIu32 "\" errors=\"0\">\n",
            SCENARIO_CHECKS + r->s.expect_count, failed);
    for (uint32_t i = 0; i < SCENARIO_CHECKS; i++)
        test_case(f, r->checks[i].name, r->checks[i].good, r->checks[i].text);
    for (uint32_t i = 0; i < r->s.expect_count; i++) {
        const struct scenario_expect *e = &r->s.expects[i];
        char name[160], text[64];
        snprintf(name, sizeof name, "line %" PRIu32 ": %s %s %" PRId64, e->line, e->metric,
                 scenario_op_text(e->op), e->value);
        snprintf(text, sizeof text, "is %" PRId64, r->expects[i].value);
        test_case(f, name, r->expects[i].good, text);
    }
    fputs("</testsuite>\n", f);
    bool good = !ferror(f);
    return fclose(f) == 0 && good ? 0 : -1;
}
