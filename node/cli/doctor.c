#define _POSIX_C_SOURCE 200809L
#include "node/cli/doctor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/core/assert.h"
#include "base/core/hex.h"
#include "base/host/clock.h"
#include "base/host/log.h"
#include "consensus/guard.h"
#include "node/cli/home.h"
#include "node/cli/ports.h"
#include "node/exit_codes.h"

/* Files that are neither connections nor peers: databases, logs, listeners, epoll. */
#define FILES_OF_OUR_OWN 64u

/* 2026-01-01T00:00:00Z.  A clock before this program existed is wrong. */
#define CLOCK_LEAST_MS UINT64_C(1767225600000)

struct doctor {
    struct node_cli cli;
    FILE *out;
    uint32_t failed, count;
    struct node_genesis *genesis;
    bool has_genesis;
    struct node_key_file key;
    bool has_key, validator;
};

/* A complaint's lines as sentences of one line, cut to fit. */
static void one_line(char *text, size_t cap)
{
    size_t len = strlen(text);
    if (len > 0 && text[len - 1u] == '\n')
        text[--len] = '\0';
    for (char *p = text; (p = strchr(p, '\n')) != NULL; p++) {
        size_t rest = strlen(p + 1);
        size_t room = cap - (size_t)(p - text) - 3u;
        memmove(p + 2, p + 1, rest < room ? rest : room);
        p[2u + (rest < room ? rest : room)] = '\0';
        p[0] = '.';
        p[1] = ' ';
    }
}

__attribute__((format(printf, 4, 5))) static void say(struct doctor *d, const char *what, bool good,
                                                      const char *format, ...)
{
    va_list args;
    char text[600];
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    one_line(text, sizeof text);
    d->failed += good ? 0 : 1;
    d->count++;
    if (!d->cli.json) {
        const char *on = !d->cli.color ? "" : good ? "\033[32m" : "\033[31m";
        fprintf(d->out, "%s%s%s %-13s %s\n", on, good ? "✓" : "✗", d->cli.color ? "\033[0m" : "",
                what, text);
        return;
    }
    fprintf(d->out, "%s{\"check\":\"%s\",\"good\":%s,\"text\":\"", d->count == 1 ? "[" : ",\n ",
            what, good ? "true" : "false");
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\')
            fputc('\\', d->out);
        fputc((unsigned char)*p < 0x20 ? ' ' : *p, d->out);
    }
    fprintf(d->out, "\"}");
}

/* What a function that complains on a stream said, without "tandem doctor: " before it. */
struct complaint {
    FILE *stream;
    char *text;
    size_t len;
};

static void complaint_open(struct complaint *c)
{
    c->text = NULL;
    c->stream = open_memstream(&c->text, &c->len);
    TD_ASSERT(c->stream != NULL);
}

static const char *complaint_text(struct complaint *c)
{
    static const char lead[] = "tandem doctor: ";
    TD_ASSERT(fflush(c->stream) == 0);
    return strncmp(c->text, lead, sizeof lead - 1u) == 0 ? c->text + sizeof lead - 1u : c->text;
}

static void complaint_close(struct complaint *c)
{
    fclose(c->stream);
    free(c->text);
}

/* ---- files */

static void check_config(struct doctor *d)
{
    struct complaint c;
    complaint_open(&c);
    bool good = node_cli_load(&d->cli, c.stream) == NODE_EXIT_OK;
    if (!good)
        say(d, "configuration", false, "%s", complaint_text(&c));
    else
        say(d, "configuration", true, "%s",
            d->cli.config.file != NULL ? d->cli.config.file : "defaults: there is no tandem.toml");
    if (!good) { /* the other checks run with the defaults */
        node_cli_free(&d->cli);
        node_config_init(&d->cli.config);
        d->cli.loaded = true;
    }
    complaint_close(&c);
    d->validator = node_config_number(&d->cli.config, NODE_OPT_NODE_ROLE) == 0;
}

static void check_home(struct doctor *d)
{
    struct stat st;
    char keys[NODE_PATH_BYTES];
    if (stat(d->cli.home, &st) != 0 || !S_ISDIR(st.st_mode)) {
        say(d, "home", false, "no folder %s: tandem init --home %s", d->cli.home, d->cli.home);
        return;
    }
    if (access(d->cli.home, W_OK | X_OK) != 0) {
        say(d, "home", false, "%s cannot be written by this user: chown it", d->cli.home);
        return;
    }
    node_cli_home_path(keys, &d->cli, "keys");
    if (stat(keys, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        say(d, "home", false, "others can look into %s: chmod 700 %s", keys, keys);
    else
        say(d, "home", true, "%s", d->cli.home);
}

static void check_genesis(struct doctor *d)
{
    struct complaint c;
    char hash[TD_HASH_TEXT_BYTES];
    complaint_open(&c);
    d->has_genesis = node_home_genesis(&d->cli, c.stream, d->genesis) == NODE_EXIT_OK;
    if (!d->has_genesis) {
        say(d, "genesis", false, "%s", complaint_text(&c));
    } else {
        td_hash_print(hash, &d->genesis->genesis_hash);
        say(d, "genesis", true, "chain %" PRIu64 ", %" PRIu32 " validators, %.18s..",
            d->genesis->chain_id, d->genesis->validator_count, hash);
    }
    complaint_close(&c);
}

static void check_transport(struct doctor *d)
{
    struct complaint c;
    uint8_t secret[32];
    complaint_open(&c);
    bool good = node_home_transport(&d->cli, c.stream, secret) == NODE_EXIT_OK;
    say(d, "transport key", good, "%s", good ? "keys/transport.key" : complaint_text(&c));
    memset(secret, 0, sizeof secret);
    complaint_close(&c);
}

static bool in_genesis(const struct doctor *d)
{
    for (uint32_t i = 0; i < d->genesis->validator_count; i++)
        if (td_addr_eq(&d->genesis->validators[i].member.addr, &d->key.addr))
            return true;
    return false;
}

static void check_key(struct doctor *d)
{
    struct complaint c;
    char addr[TD_ADDR_TEXT_BYTES];
    complaint_open(&c);
    d->has_key = node_home_signer(&d->cli, c.stream, NULL, &d->key) == NODE_EXIT_OK;
    if (!d->has_key) {
        say(d, "validator key", false, "%s", complaint_text(&c));
    } else {
        td_addr_print(addr, &d->key.addr);
        if (d->has_genesis && !in_genesis(d))
            say(d, "validator key", true, "%s (not one of genesis' validators)", addr);
        else
            say(d, "validator key", true, "%s", addr);
    }
    complaint_close(&c);
}

static void check_password(struct doctor *d)
{
    struct complaint c;
    struct node_password p;
    if (node_config_text(&d->cli.config, NODE_OPT_SIGNER_PASSWORD_FILE)[0] == '\0') {
        say(d, "password", false,
            "[signer] password_file names none: a node without a terminal cannot open its key");
        return;
    }
    complaint_open(&c);
    bool good = node_home_password(&d->cli, c.stream, NULL, false, &p) == NODE_EXIT_OK;
    say(d, "password", good, "%s",
        good ? node_config_text(&d->cli.config, NODE_OPT_SIGNER_PASSWORD_FILE)
             : complaint_text(&c));
    node_password_wipe(&p);
    complaint_close(&c);
}

static void check_guard(struct doctor *d)
{
    char path[NODE_PATH_BYTES];
    struct store_error why;
    struct store_guard *store = NULL;
    struct bft_guard record;
    if (!d->has_key || !d->has_genesis) {
        say(d, "sign guard", false, "not looked at: key and genesis come first");
        return;
    }
    struct store_guard_identity identity = {.validator = d->key.addr,
                                            .genesis = d->genesis->genesis_hash};
    node_home_guard_path(path, &d->cli);
    enum td_error e = store_guard_open(&store, path, &identity, &why);
    if (e == TD_E_NOTFOUND)
        say(d, "sign guard", false,
            "none at %s: tandem guard import FILE brings a key's history, tandem guard new is for "
            "a key that never signed",
            path);
    else if (e == TD_E_BUSY)
        say(d, "sign guard", false, "%s is held: the node runs already", path);
    else if (e != TD_OK)
        say(d, "sign guard", false, "%s: %s", path, why.text);
    if (e != TD_OK)
        return;
    struct td_bytes bytes = store_guard_get(store, 0);
    bool good = bft_guard_decode(&record, bytes.ptr, bytes.len) == TD_OK;
    say(d, "sign guard", good, good ? "%s" : "%s: its record does not decode; do not sign", path);
    store_guard_close(store);
}

/* ---- the machine */

static void check_files(struct doctor *d)
{
    struct rlimit limit;
    uint64_t want = (uint64_t)node_config_number(&d->cli.config, NODE_OPT_RPC_MAX_CONNS) +
                    (uint64_t)node_config_number(&d->cli.config, NODE_OPT_P2P_MAX_PEERS) +
                    FILES_OF_OUR_OWN;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        say(d, "open files", false, "cannot be asked: %s", strerror(errno));
        return;
    }
    /* The node raises the soft limit to the hard one itself. */
    bool good = limit.rlim_max == RLIM_INFINITY || (uint64_t)limit.rlim_max >= want;
    if (good)
        say(d, "open files", true, "%" PRIu64 " needed at most", want);
    else
        say(d, "open files", false,
            "%" PRIu64 " allowed, %" PRIu64 " needed: ulimit -n, or lower rpc.max_conns",
            (uint64_t)limit.rlim_max, want);
}

static void check_disk(struct doctor *d)
{
    struct statvfs v;
    char path[NODE_PATH_BYTES];
    uint64_t want = (uint64_t)node_config_number(&d->cli.config, NODE_OPT_STORAGE_MIN_FREE_BYTES);
    node_cli_path(path, &d->cli, NODE_OPT_STORAGE_PATH, "data/chain.db");
    char *slash = strrchr(path, '/');
    if (slash != NULL && slash != path)
        *slash = '\0';
    if (statvfs(path, &v) != 0 && statvfs(d->cli.home, &v) != 0) {
        say(d, "disk", false, "%s: %s", path, strerror(errno));
        return;
    }
    uint64_t left = (uint64_t)v.f_bavail * (uint64_t)v.f_frsize;
    say(d, "disk", left >= want, "%" PRIu64 " MiB free%s (storage.min_free_bytes: %" PRIu64 " MiB)",
        left >> 20, left >= want ? "" : ", too little: make room", want >> 20);
}

static void check_clock(struct doctor *d)
{
    struct td_clock clock = td_clock_system();
    char text[TD_TIMESTAMP_TEXT_BYTES];
    uint64_t now = td_clock_wall_ms(&clock);
    td_timestamp_print(text, now);
    if (now < CLOCK_LEAST_MS)
        say(d, "clock", false, "%s is in the past: set it, and run a time service", text);
    else if (d->has_genesis && now < d->genesis->timestamp_ms)
        say(d, "clock", false, "%s is before genesis: wait, or set it right", text);
    else
        say(d, "clock", true, "%s", text);
}

static void check_port(struct doctor *d, enum node_option option, const char *what)
{
    char host[256], holder[NODE_PORT_HOLDER_BYTES];
    uint16_t port;
    const char *text = node_config_text(&d->cli.config, option);
    if (!node_socket_split(host, sizeof host, &port, text)) {
        say(d, what, false, "%s: not an address", text);
        return;
    }
    if (node_port_free(host, port)) {
        say(d, what, true, "%s is free", text);
        return;
    }
    const char *problem = strerror(errno);
    if (node_port_holder(holder, port))
        say(d, what, false, "%s is held by %s: stop it, or choose another port", text, holder);
    else
        say(d, what, false, "%s: %s", text, problem);
}

int node_doctor_run(FILE *out, FILE *err, int argc, char **argv)
{
    const struct node_cli_spec spec = {
        .command = "doctor",
        .usage = "usage: tandem doctor [--home DIR] [--json]\n\n"
                 "Checks what `tandem start` will need.  Exit 1 when something is missing."};
    struct doctor *d = calloc(1, sizeof *d);
    TD_ASSERT(d != NULL);
    d->out = out;
    d->genesis = calloc(1, sizeof *d->genesis);
    TD_ASSERT(d->genesis != NULL);
    int code = node_cli_parse(&d->cli, &spec, out, err, argc, argv);
    if (code == NODE_EXIT_OK && !d->cli.help) {
        check_config(d);
        check_home(d);
        check_genesis(d);
        check_transport(d);
        if (d->validator) {
            check_key(d);
            check_password(d);
            check_guard(d);
        }
        check_files(d);
        check_disk(d);
        check_clock(d);
        check_port(d, NODE_OPT_P2P_LISTEN, "port p2p");
        check_port(d, NODE_OPT_RPC_HTTP, "port http");
        check_port(d, NODE_OPT_RPC_WS, "port ws");
        check_port(d, NODE_OPT_OPS_LISTEN, "port ops");
        fputs(d->cli.json ? "]\n" : "", out);
        code = d->failed == 0 ? NODE_EXIT_OK : NODE_EXIT_CHECK_FAILED;
    }
    if (d->has_genesis)
        node_genesis_free(d->genesis);
    node_cli_free(&d->cli);
    free(d->genesis);
    free(d);
    return code;
}
