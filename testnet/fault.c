#include "testnet/fault.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/core/assert.h"

_Static_assert(TESTNET_NODES_MAX <= 64, "a set of nodes is a mask of 64 bits");

static const char *const NAMES[TESTNET_FAULT_KINDS] = {"kill", "stop",  "pause", "partition",
                                                       "link", "clock", "disk"};

const char *testnet_fault_name(enum testnet_fault_kind kind)
{
    return NAMES[kind];
}

/* ---- the file */

static void file_path(char out[NODE_PATH_BYTES], const char *dir, const char *suffix)
{
    int len = snprintf(out, NODE_PATH_BYTES, "%s/faults.json%s", dir, suffix);
    TD_ASSERT(len > 0 && (size_t)len < NODE_PATH_BYTES); /* testnet_dir left room */
}

static bool number(int64_t *out, const json_t *object, const char *key, int64_t least, int64_t most)
{
    const json_t *v = json_object_get(object, key);
    if (!json_is_integer(v))
        return false;
    *out = json_integer_value(v);
    return *out >= least && *out <= most;
}

static bool mask(uint64_t *out, const json_t *object, const char *key)
{
    const json_t *list = json_object_get(object, key);
    *out = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_int_t node = json_integer_value(json_array_get(list, i));
        if (node < 0 || node >= (json_int_t)TESTNET_NODES_MAX)
            return false;
        *out |= UINT64_C(1) << node;
    }
    return json_is_array(list);
}

static bool read_fault(struct testnet_fault *f, const json_t *v)
{
    int64_t id, delay, jitter, loss, rate, flap;
    const char *kind = json_string_value(json_object_get(v, "kind"));
    const char *word = json_string_value(json_object_get(v, "word"));
    uint32_t k = 0;
    while (k < TESTNET_FAULT_KINDS && (kind == NULL || strcmp(kind, NAMES[k]) != 0))
        k++;
    if (k == TESTNET_FAULT_KINDS || word == NULL || strlen(word) >= sizeof f->word ||
        !number(&id, v, "id", 1, INT32_MAX) || !mask(&f->a, v, "a") || !mask(&f->b, v, "b") ||
        !number(&delay, v, "delayMs", 0, TESTNET_DELAY_MS_MAX) ||
        !number(&jitter, v, "jitterMs", 0, TESTNET_DELAY_MS_MAX) ||
        !number(&loss, v, "lossPpm", 0, 1000000) || !number(&rate, v, "rateBps", 0, INT64_MAX) ||
        !number(&flap, v, "flapMs", 0, TESTNET_DELAY_MS_MAX) ||
        !number(&f->skew_ms, v, "skewMs", -TESTNET_SKEW_MS_MAX, TESTNET_SKEW_MS_MAX))
        return false;
    f->kind = (enum testnet_fault_kind)k;
    f->id = (uint32_t)id;
    f->one_way = json_is_true(json_object_get(v, "oneWay"));
    f->link = (struct testnet_link){.delay_ms = (uint32_t)delay,
                                    .jitter_ms = (uint32_t)jitter,
                                    .loss_ppm = (uint32_t)loss,
                                    .rate_bps = (uint64_t)rate,
                                    .flap_ms = (uint32_t)flap};
    memcpy(f->word, word, strlen(word) + 1u);
    return true;
}

static bool read_faults(struct testnet_faults *out, const json_t *root)
{
    int64_t next;
    const json_t *list = json_object_get(root, "faults");
    if (!number(&next, root, "next", 1, INT32_MAX) || !json_is_array(list) ||
        json_array_size(list) > TESTNET_FAULTS_MAX)
        return false;
    out->next = (uint32_t)next;
    out->count = (uint32_t)json_array_size(list);
    for (uint32_t i = 0; i < out->count; i++)
        if (!read_fault(&out->list[i], json_array_get(list, i)))
            return false;
    return true;
}

enum td_error testnet_faults_load(struct testnet_faults *out, const char *dir)
{
    char path[NODE_PATH_BYTES];
    json_error_t where;
    memset(out, 0, sizeof *out);
    out->next = 1;
    file_path(path, dir, "");
    if (access(path, R_OK) != 0)
        return errno == ENOENT ? TD_OK : TD_E_IO;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
    bool good = root != NULL && read_faults(out, root);
    json_decref(root);
    if (!good)
        memset(out, 0, sizeof *out);
    return good ? TD_OK : TD_E_MALFORMED;
}

static void print_mask(FILE *f, const char *key, uint64_t set)
{
    const char *comma = "";
    fprintf(f, ",\"%s\":[", key);
    for (uint32_t i = 0; i < TESTNET_NODES_MAX; i++) {
        if ((set >> i & 1u) == 0)
            continue;
        fprintf(f, "%s%" PRIu32, comma, i);
        comma = ",";
    }
    fputc(']', f);
}

int testnet_faults_save(const struct testnet_faults *list, const char *dir)
{
    char path[NODE_PATH_BYTES], made[NODE_PATH_BYTES];
    file_path(path, dir, "");
    file_path(made, dir, ".new");
    FILE *f = fopen(made, "we");
    if (f == NULL)
        return -1;
    fprintf(f, "{\"next\":%" PRIu32 ",\"faults\":[", list->next);
    for (uint32_t i = 0; i < list->count; i++) {
        const struct testnet_fault *x = &list->list[i];
        fprintf(f, "%s\n {\"id\":%" PRIu32 ",\"kind\":\"%s\"", i == 0 ? "" : ",", x->id,
                NAMES[x->kind]);
        print_mask(f, "a", x->a);
        print_mask(f, "b", x->b);
        fprintf(f,
                ",\"oneWay\":%s,\"delayMs\":%" PRIu32 ",\"jitterMs\":%" PRIu32
                ",\"lossPpm\":%" PRIu32 ",\"rateBps\":%" PRIu64 ",\"flapMs\":%" PRIu32
                ",\"skewMs\":%" PRId64 ",\"word\":\"%s\"}",
                x->one_way ? "true" : "false", x->link.delay_ms, x->link.jitter_ms,
                x->link.loss_ppm, x->link.rate_bps, x->link.flap_ms, x->skew_ms, x->word);
    }
    fputs("]}\n", f);
    bool good = fflush(f) == 0 && !ferror(f);
    if (fclose(f) != 0 || !good || rename(made, path) != 0) {
        int kept = errno;
        unlink(made);
        errno = kept;
        return -1;
    }
    return 0;
}

bool testnet_faults_add(struct testnet_faults *f, struct testnet_fault *fault)
{
    if (f->count == TESTNET_FAULTS_MAX)
        return false;
    fault->id = f->next++;
    f->list[f->count++] = *fault;
    return true;
}

void testnet_faults_drop(struct testnet_faults *f, uint32_t index)
{
    TD_ASSERT(index < f->count);
    memmove(&f->list[index], &f->list[index + 1u], (f->count - index - 1u) * sizeof f->list[0]);
    f->count--;
}

/* ---- links */

static bool covers(const struct testnet_fault *f, uint32_t i, uint32_t j)
{
    return (f->a >> i & f->b >> j & 1u) != 0;
}

void testnet_faults_link(struct testnet_link *out, const struct testnet_faults *f, uint32_t i,
                         uint32_t j)
{
    bool held = false;
    uint32_t flap_ms = 0;
    *out = (struct testnet_link){0};
    for (uint32_t k = 0; k < f->count; k++) {
        const struct testnet_fault *x = &f->list[k];
        bool cut = x->kind == TESTNET_FAULT_PARTITION &&
                   (covers(x, i, j) || (!x->one_way && covers(x, j, i)));
        if (cut && x->link.flap_ms == 0)
            held = true;
        else if (cut)
            flap_ms = x->link.flap_ms;
        else if (x->kind == TESTNET_FAULT_LINK && covers(x, i, j))
            *out = x->link;
    }
    out->held = held;
    if (flap_ms > 0)
        out->flap_ms = flap_ms;
}

/* ---- for people */

static void print_nodes(FILE *out, uint64_t set)
{
    const char *comma = "";
    for (uint32_t i = 0; i < TESTNET_NODES_MAX; i++) {
        if ((set >> i & 1u) == 0)
            continue;
        fprintf(out, "%sn%" PRIu32, comma, i);
        comma = ",";
    }
}

static void print_link(FILE *out, const struct testnet_link *l)
{
    if (l->delay_ms > 0 || l->jitter_ms > 0)
        fprintf(out, " delay %" PRIu32 " ms", l->delay_ms);
    if (l->jitter_ms > 0)
        fprintf(out, " ± %" PRIu32 " ms", l->jitter_ms);
    if (l->loss_ppm > 0)
        fprintf(out, " loss %.4g%%", (double)l->loss_ppm / 10000.0);
    if (l->rate_bps > 0)
        fprintf(out, " rate %.6g kbit/s", (double)l->rate_bps / 1000.0);
    if (l->flap_ms > 0)
        fprintf(out, " every other %" PRIu32 " ms", l->flap_ms);
}

void testnet_fault_print(const struct testnet_fault *f, FILE *out)
{
    fprintf(out, "%s ", NAMES[f->kind]);
    print_nodes(out, f->a);
    switch (f->kind) {
    case TESTNET_FAULT_PARTITION:
        fputs(f->one_way ? " -> " : " / ", out);
        print_nodes(out, f->b);
        print_link(out, &f->link);
        break;
    case TESTNET_FAULT_LINK:
        fputs(" -> ", out);
        print_nodes(out, f->b);
        print_link(out, &f->link);
        break;
    case TESTNET_FAULT_CLOCK:
        fprintf(out, " %+" PRId64 " ms", f->skew_ms);
        break;
    case TESTNET_FAULT_KILL:
        fprintf(out, "%s%s", f->word[0] != '\0' ? " at " : "", f->word);
        break;
    case TESTNET_FAULT_DISK:
        fprintf(out, " %s", f->word);
        break;
    case TESTNET_FAULT_STOP:
    case TESTNET_FAULT_PAUSE:
        break;
    }
}

bool testnet_nodes_parse(uint64_t *out, const char *text, uint32_t count)
{
    *out = 0;
    for (const char *at = text;;) {
        char *end;
        if (at[0] != 'n' || at[1] < '0' || at[1] > '9')
            return false;
        unsigned long node = strtoul(at + 1, &end, 10);
        if (node >= count || (*out >> node & 1u) != 0)
            return false;
        *out |= UINT64_C(1) << node;
        if (*end == '\0')
            return true;
        if (*end != ',')
            return false;
        at = end + 1;
    }
}

/* Digits with at most three decimals, in thousandths. */
static const char *thousandths(uint64_t *out, const char *text)
{
    uint64_t v = 0;
    uint32_t digits = 0, decimals = 0;
    for (; *text >= '0' && *text <= '9' && digits < 12u; text++, digits++)
        v = v * 10u + (uint64_t)(*text - '0');
    if (digits == 0)
        return NULL;
    if (*text == '.')
        for (text++; *text >= '0' && *text <= '9' && decimals < 3u; text++, decimals++)
            v = v * 10u + (uint64_t)(*text - '0');
    for (; decimals < 3u; decimals++)
        v *= 10u;
    *out = v;
    return text;
}

bool testnet_duration_parse(int64_t *out_ms, const char *text, bool negative, int64_t most_ms)
{
    static const struct {
        const char *unit;
        uint64_t ms;
    } UNITS[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    bool minus = negative && text[0] == '-';
    uint64_t v;
    const char *unit = thousandths(&v, text + (negative && (text[0] == '-' || text[0] == '+')));
    for (size_t i = 0; unit != NULL && i < 4; i++) {
        if (strcmp(unit, UNITS[i].unit) != 0)
            continue;
        if (v / 1000u > (uint64_t)most_ms / UNITS[i].ms)
            return false;
        int64_t ms = (int64_t)(v * UNITS[i].ms / 1000u);
        *out_ms = minus ? -ms : ms;
        return ms <= most_ms;
    }
    return false;
}

bool testnet_percent_parse(uint32_t *out_ppm, const char *text)
{
    uint64_t v;
    const char *end = thousandths(&v, text);
    if (end == NULL || strcmp(end, "%") != 0 || v > 100000u)
        return false;
    *out_ppm = (uint32_t)v * 10u;
    return true;
}

bool testnet_rate_parse(uint64_t *out_bps, const char *text)
{
    uint64_t v;
    const char *unit = thousandths(&v, text);
    if (unit == NULL || v > UINT64_C(1000000000))
        return false;
    if (strcmp(unit, "kbit") == 0)
        *out_bps = v;
    else if (strcmp(unit, "mbit") == 0)
        *out_bps = v * 1000u;
    else
        return false;
    return *out_bps >= 8000u;
}

bool testnet_disk_word(const char *text)
{
    return strcmp(text, "full") == 0 || strcmp(text, "eio") == 0 || strcmp(text, "slow") == 0;
}
