#include "node/cli/guard.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/core/assert.h"
#include "base/core/hex.h"
#include "node/cli/home.h"
#include "node/exit_codes.h"

#define FORMAT "tandem-guard"

/* ---- what forbids what */

/* Every message of `old` of the kinds that have a slot, then attestations, then batches. */
static bool knows(const struct bft_guard *now, struct bft_signed *m)
{
    return bft_guard_compare(now, m) == BFT_GUARD_KNOWN;
}

static const char *lowered_slots(const struct bft_guard *now, const struct bft_guard *old)
{
    static const char *const names[] = {"proposal", "vote", "commit vote", "timeout"};
    struct bft_signed m[4] = {
        {.kind = BFT_SIGNED_PROPOSE, .u.propose = old->propose},
        {.kind = BFT_SIGNED_VOTE, .u.vote = old->vote},
        {.kind = BFT_SIGNED_COMMIT, .u.commit = old->commit},
        {.kind = BFT_SIGNED_TIMEOUT, .u.timeout = old->timeout},
    };
    for (size_t i = 0; i < 4; i++)
        if (old->present[m[i].kind - 1] && !knows(now, &m[i]))
            return names[i];
    /* The lock of earlier votes binds within their epoch only. */
    if (old->present[BFT_SIGNED_VOTE - 1] && now->vote.epoch == old->vote.epoch &&
        now->vote_parent_round < old->vote_parent_round)
        return "lock";
    return NULL;
}

const char *node_guard_lowered(const struct bft_guard *now, const struct bft_guard *old)
{
    const char *what = lowered_slots(now, old);
    if (what != NULL)
        return what;
    for (uint32_t i = 0; i < BFT_GUARD_ATTESTS; i++) {
        struct bft_signed m = {.kind = BFT_SIGNED_ATTEST, .u.attest = old->attest[i]};
        if (old->attest[i].fields.height != 0 && !knows(now, &m))
            return "attestation";
    }
    for (uint32_t i = 0; i < BFT_GUARD_BATCHES; i++) {
        struct bft_signed m = {.kind = BFT_SIGNED_BATCH, .u.batch = old->batch[i]};
        if (old->batch[i].height != 0 && !knows(now, &m))
            return "batch attestation";
    }
    return now->attest_height < old->attest_height || now->batch_height < old->batch_height
               ? "height"
               : NULL;
}

/* ---- whose guard */

struct context {
    struct node_cli cli;
    char path[NODE_PATH_BYTES];
    struct store_guard_identity identity;
};

/* The signer's address and the chain's hash. */
static int identify(struct context *c, FILE *err, const char *key)
{
    struct node_key_file *file = calloc(1, sizeof *file);
    struct node_genesis *g = calloc(1, sizeof *g);
    TD_ASSERT(file != NULL && g != NULL);
    node_home_guard_path(c->path, &c->cli);
    int code = node_home_signer(&c->cli, err, key, file);
    if (code == NODE_EXIT_OK) {
        c->identity.validator = file->addr;
        code = node_home_genesis(&c->cli, err, g);
    }
    if (code == NODE_EXIT_OK) {
        c->identity.genesis = g->genesis_hash;
        node_genesis_free(g);
    }
    free(file);
    free(g);
    return code;
}

static int open_guard(struct context *c, FILE *err, struct store_guard **out)
{
    struct store_error why;
    enum td_error e = store_guard_open(out, c->path, &c->identity, &why);
    if (e == TD_OK)
        return NODE_EXIT_OK;
    if (e == TD_E_NOTFOUND)
        return node_cli_fail(&c->cli, err, NODE_EXIT_NO_INPUT,
                             "no sign guard at %s\n`tandem guard import FILE` brings a key's "
                             "history; `tandem guard new` is for a key without one",
                             c->path);
    return node_cli_fail(&c->cli, err, node_guard_exit(e), "%s: %s%s", c->path, why.text,
                         e == TD_E_BUSY ? "\nThe node holds it while it runs" : "");
}

static int record_of(struct context *c, FILE *err, const struct store_guard *g,
                     struct bft_guard *out)
{
    struct td_bytes bytes = store_guard_get(g, 0);
    enum td_error e = bft_guard_decode(out, bytes.ptr, bytes.len);
    return e == TD_OK ? NODE_EXIT_OK
                      : node_cli_fail(&c->cli, err, NODE_EXIT_CORRUPT,
                                      "%s: its record does not decode: %s\nDo not sign with this "
                                      "key until that is understood",
                                      c->path, td_error_text(e));
}

static int begin(struct context *c, const struct node_cli_spec *spec, FILE *out, FILE *err,
                 int argc, char **argv, const char **key)
{
    int code = node_cli_parse(&c->cli, spec, out, err, argc, argv);
    if (code == NODE_EXIT_OK && !c->cli.help)
        code = node_cli_load(&c->cli, err);
    if (code == NODE_EXIT_OK && !c->cli.help)
        code = identify(c, err, *key);
    return code;
}

/* ---- new */

static int run_new(FILE *out, FILE *err, int argc, char **argv)
{
    const char *key = NULL;
    const struct node_cli_flag flags[] = {{.name = "--key", .value = &key}};
    const struct node_cli_spec spec = {
        .command = "guard new",
        .usage = "usage: tandem guard new [--key NAME]\n\n"
                 "An empty guard, for an imported key that has never signed anywhere.",
        .flags = flags,
        .flag_count = 1};
    struct context c;
    struct store_error why;
    int code = begin(&c, &spec, out, err, argc, argv, &key);
    if (code == NODE_EXIT_OK && !c.cli.help) {
        enum td_error e =
            node_home_guard_new(c.path, &c.identity.validator, &c.identity.genesis, &why);
        if (e == TD_OK)
            fprintf(out, "sign guard  %s\n", c.path);
        else
            code =
                node_cli_fail(&c.cli, err, NODE_EXIT_CANT_CREATE, "%s: %s", c.path,
                              e == TD_E_EXISTS ? "is there already and stays as it is" : why.text);
    }
    node_cli_free(&c.cli);
    return code;
}

/* ---- show */

static void show_slot(FILE *out, bool json, const char *name, bool present, uint64_t epoch,
                      uint64_t round)
{
    if (json && present)
        fprintf(out, ",\"%s\":{\"epoch\":%" PRIu64 ",\"round\":%" PRIu64 "}", name, epoch, round);
    else if (json)
        fprintf(out, ",\"%s\":null", name);
    else if (present)
        fprintf(out, "%-12s epoch %" PRIu64 " round %" PRIu64 "\n", name, epoch, round);
    else
        fprintf(out, "%-12s never\n", name);
}

static void show(const struct context *c, FILE *out, const struct store_guard *store,
                 const struct bft_guard *g)
{
    char addr[TD_ADDR_TEXT_BYTES], genesis[TD_HASH_TEXT_BYTES];
    bool json = c->cli.json;
    td_addr_print(addr, &c->identity.validator);
    td_hash_print(genesis, &c->identity.genesis);
    fprintf(out,
            json ? "{\"validator\":\"%s\",\"genesis\":\"%s\",\"generation\":%" PRIu64
                 : "validator    %s\ngenesis      %s\nwrites       %" PRIu64 "\n",
            addr, genesis, store_guard_generation(store));
    show_slot(out, json, "proposal", g->present[BFT_SIGNED_PROPOSE - 1], g->propose.epoch,
              g->propose.round);
    show_slot(out, json, "vote", g->present[BFT_SIGNED_VOTE - 1], g->vote.epoch, g->vote.round);
    show_slot(out, json, "commit", g->present[BFT_SIGNED_COMMIT - 1], g->commit.epoch,
              g->commit.round);
    show_slot(out, json, "timeout", g->present[BFT_SIGNED_TIMEOUT - 1], g->timeout.epoch,
              g->timeout.round);
    fprintf(out,
            json ? ",\"attestedHeight\":%" PRIu64 ",\"batchHeight\":%" PRIu64 "}\n"
                 : "attested     height %" PRIu64 "\nbatch        height %" PRIu64 "\n",
            g->attest_height, g->batch_height);
}

static int run_show(FILE *out, FILE *err, int argc, char **argv)
{
    const char *key = NULL;
    const struct node_cli_flag flags[] = {{.name = "--key", .value = &key}};
    const struct node_cli_spec spec = {.command = "guard show",
                                       .usage =
                                           "usage: tandem guard show [--key NAME] [--json]\n\n"
                                           "The last message of each kind that the key signed.",
                                       .flags = flags,
                                       .flag_count = 1};
    struct context c;
    struct store_guard *store = NULL;
    struct bft_guard g;
    int code = begin(&c, &spec, out, err, argc, argv, &key);
    if (code == NODE_EXIT_OK && !c.cli.help) {
        code = open_guard(&c, err, &store);
        if (code == NODE_EXIT_OK)
            code = record_of(&c, err, store, &g);
        if (code == NODE_EXIT_OK)
            show(&c, out, store, &g);
        store_guard_close(store);
    }
    node_cli_free(&c.cli);
    return code;
}

/* ---- export */

static void print_hex(FILE *out, struct td_bytes bytes)
{
    fputs("0x", out);
    for (size_t i = 0; i < bytes.len; i++)
        fprintf(out, "%02x", bytes.ptr[i]);
}

static void print_export(const struct context *c, FILE *out, const struct store_guard *store)
{
    char addr[TD_ADDR_TEXT_BYTES], genesis[TD_HASH_TEXT_BYTES];
    td_addr_print(addr, &c->identity.validator);
    td_hash_print(genesis, &c->identity.genesis);
    fprintf(out,
            "{\"format\":\"" FORMAT "\",\"version\":1,\"validator\":\"%s\",\"genesis\":\"%s\","
            "\"generation\":%" PRIu64 ",\"slots\":{",
            addr, genesis, store_guard_generation(store));
    for (uint32_t i = 0, shown = 0; i < STORE_GUARD_SLOTS; i++) {
        struct td_bytes bytes = store_guard_get(store, i);
        if (bytes.len == 0)
            continue;
        fprintf(out, "%s\"%" PRIu32 "\":\"", shown++ == 0 ? "" : ",", i);
        print_hex(out, bytes);
        fputc('"', out);
    }
    fputs("}}\n", out);
}

static int run_export(FILE *out, FILE *err, int argc, char **argv)
{
    const char *key = NULL;
    const struct node_cli_flag flags[] = {{.name = "--key", .value = &key}};
    const struct node_cli_spec spec = {
        .command = "guard export",
        .usage =
            "usage: tandem guard export [--key NAME] > FILE\n\n"
            "The key's history as JSON for `tandem guard import` on another machine.  Stop the "
            "node\nfirst, and never start it with this key again.",
        .flags = flags,
        .flag_count = 1};
    struct context c;
    struct store_guard *store = NULL;
    struct bft_guard g;
    int code = begin(&c, &spec, out, err, argc, argv, &key);
    if (code == NODE_EXIT_OK && !c.cli.help) {
        code = open_guard(&c, err, &store);
        if (code == NODE_EXIT_OK)
            code = record_of(&c, err, store, &g);
        if (code == NODE_EXIT_OK)
            print_export(&c, out, store);
        store_guard_close(store);
    }
    node_cli_free(&c.cli);
    return code;
}

/* ---- import */

struct import {
    struct store_guard_item items[STORE_GUARD_SLOTS];
    size_t count;
    uint8_t *bytes; /* of all items */
    struct bft_guard record;
};

static int foreign(struct context *c, FILE *err, const char *file, const char *what)
{
    return node_cli_fail(&c->cli, err, NODE_EXIT_CONFIG, "%s: %s", file, what);
}

static json_t *read_json(struct context *c, FILE *err, const char *path, int *code)
{
    json_error_t where;
    char *text = malloc(NODE_GUARD_JSON_BYTES_MAX + 1u);
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe");
    json_t *root = NULL;
    TD_ASSERT(text != NULL);
    *code = NODE_EXIT_OK;
    size_t len = f == NULL ? 0 : fread(text, 1, NODE_GUARD_JSON_BYTES_MAX + 1u, f);
    if (f == NULL)
        *code = node_cli_fail(&c->cli, err, errno == ENOENT ? NODE_EXIT_NO_INPUT : NODE_EXIT_IO,
                              "%s: %s", path, strerror(errno));
    else if (ferror(f))
        *code = node_cli_fail(&c->cli, err, NODE_EXIT_IO, "%s: cannot be read", path);
    else if (len > NODE_GUARD_JSON_BYTES_MAX)
        *code = foreign(c, err, path, "larger than any guard");
    else if ((root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where)) == NULL)
        *code = node_cli_fail(&c->cli, err, NODE_EXIT_CONFIG, "%s:%d:%d: %.100s", path, where.line,
                              where.column, where.text);
    if (f != NULL && f != stdin)
        fclose(f);
    free(text);
    return root;
}

static bool hex_is(const json_t *root, const char *name, const void *want, size_t len)
{
    uint8_t got[TD_HASH_BYTES];
    const char *text = json_string_value(json_object_get(root, name));
    return text != NULL &&
           td_hex_decode_fixed(got, len, TD_HEX_PREFIXED, text, strlen(text)) == TD_OK &&
           memcmp(got, want, len) == 0;
}

/* One slot; NULL or what is wrong with it. */
static const char *read_slot(struct import *in, const char *name, const json_t *value, size_t *used)
{
    uint64_t slot;
    size_t len = 0;
    const char *text = json_string_value(value);
    if (!node_cli_number(&slot, name, 0, STORE_GUARD_SLOTS - 1u) ||
        (name[0] == '0' && name[1] != '\0'))
        return "slots: expected numbers below 16";
    if (text == NULL ||
        td_hex_decode(in->bytes + *used, STORE_GUARD_BYTES_MAX, &len, TD_HEX_PREFIXED, text,
                      strlen(text)) != TD_OK ||
        len == 0)
        return "slots: expected hex of 1 to 65536 bytes";
    in->items[in->count++] = (struct store_guard_item){
        .slot = (uint32_t)slot, .bytes = td_bytes_of(in->bytes + *used, len)};
    *used += len;
    return NULL;
}

static const char *read_import(struct context *c, struct import *in, json_t *root)
{
    const char *format = json_string_value(json_object_get(root, "format")), *name, *wrong = NULL;
    json_t *slots = json_object_get(root, "slots"), *value;
    size_t used = 0;
    bool record = false;
    if (format == NULL || strcmp(format, FORMAT) != 0)
        return "not an exported sign guard";
    if (json_integer_value(json_object_get(root, "version")) != 1)
        return "of a version that this program does not know";
    if (!hex_is(root, "validator", c->identity.validator.b, TD_ADDR_BYTES))
        return "of another validator's key";
    if (!hex_is(root, "genesis", c->identity.genesis.b, TD_HASH_BYTES))
        return "of another chain";
    if (!json_is_object(slots) || json_object_size(slots) > STORE_GUARD_SLOTS)
        return "slots: expected an object of at most 16";
    json_object_foreach(slots, name, value)
    {
        wrong = read_slot(in, name, value, &used);
        if (wrong != NULL)
            return wrong;
        const struct store_guard_item *item = &in->items[in->count - 1];
        if (item->slot != 0)
            continue;
        record = true;
        if (bft_guard_decode(&in->record, item->bytes.ptr, item->bytes.len) != TD_OK)
            return "slots.0: damaged, or no record of a guard";
    }
    return record ? NULL : "slots.0: the record is missing";
}

/* Into the guard that is there. */
static int import_over(struct context *c, FILE *err, const struct import *in,
                       struct store_guard *store)
{
    struct bft_guard old;
    struct store_error why;
    int code = record_of(c, err, store, &old);
    if (code != NODE_EXIT_OK)
        return code;
    const char *lowered = node_guard_lowered(&in->record, &old);
    if (lowered != NULL)
        return node_cli_fail(&c->cli, err, NODE_EXIT_SAFETY_HALT,
                             "refused: the guard here knows a later %s than the file\n"
                             "Nothing was changed; the file is older, or the key signed twice",
                             lowered);
    if (store_guard_put(store, in->items, in->count, &why) != TD_OK)
        return node_cli_fail(&c->cli, err, NODE_EXIT_IO, "%s: %s", c->path, why.text);
    return NODE_EXIT_OK;
}

static int import_into(struct context *c, FILE *err, const struct import *in)
{
    struct stat st;
    struct store_error why;
    struct store_guard *store = NULL;
    if (stat(c->path, &st) != 0 && errno == ENOENT) {
        enum td_error e = store_guard_create(c->path, &c->identity, in->items, in->count, &why);
        return e == TD_OK ? NODE_EXIT_OK
                          : node_cli_fail(&c->cli, err, NODE_EXIT_CANT_CREATE, "%s: %s", c->path,
                                          why.text);
    }
    int code = open_guard(c, err, &store);
    if (code == NODE_EXIT_OK)
        code = import_over(c, err, in, store);
    store_guard_close(store);
    return code;
}

static int import_file(struct context *c, FILE *out, FILE *err, const char *path)
{
    struct import in = {.bytes = malloc((size_t)STORE_GUARD_SLOTS * STORE_GUARD_BYTES_MAX)};
    int code;
    TD_ASSERT(in.bytes != NULL);
    json_t *root = read_json(c, err, path, &code);
    if (root != NULL) {
        const char *wrong = read_import(c, &in, root);
        code = wrong != NULL ? foreign(c, err, path, wrong) : import_into(c, err, &in);
    }
    json_decref(root);
    free(in.bytes);
    if (code == NODE_EXIT_OK)
        fprintf(out, "sign guard  %s\n", c->path);
    return code;
}

static int run_import(FILE *out, FILE *err, int argc, char **argv)
{
    const char *key = NULL;
    const struct node_cli_flag flags[] = {{.name = "--key", .value = &key}};
    const struct node_cli_spec spec = {
        .command = "guard import",
        .usage = "usage: tandem guard import FILE|- [--key NAME]\n\n"
                 "Takes over what the key signed elsewhere.  Refuses (exit 80) to forget "
                 "anything that is known here.",
        .flags = flags,
        .flag_count = 1,
        .words_min = 1,
        .words_max = 1};
    struct context c;
    int code = begin(&c, &spec, out, err, argc, argv, &key);
    if (code == NODE_EXIT_OK && !c.cli.help)
        code = import_file(&c, out, err, c.cli.words[0]);
    node_cli_free(&c.cli);
    return code;
}

int node_guard_run(FILE *out, FILE *err, int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(FILE *out, FILE *err, int argc, char **argv);
    } kinds[] = {
        {"new", run_new}, {"show", run_show}, {"export", run_export}, {"import", run_import}};
    static const char usage[] = "usage: tandem guard new|show|export|import [OPTION]…\n";
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        fputs(usage, argc < 2 ? err : out);
        return argc < 2 ? NODE_EXIT_USAGE : NODE_EXIT_OK;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(argv[1], kinds[i].name) == 0)
            return kinds[i].run(out, err, argc - 1, argv + 1);
    fprintf(err, "tandem guard: unknown subcommand \"%.32s\"\n%s", argv[1], usage);
    return NODE_EXIT_USAGE;
}
