/* node/config: where a value comes from, what is refused and how that reads, and that what is
 * printed is read back.  The defaults are held against what docs promise where users rely on it. */
#define _POSIX_C_SOURCE 200809L
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/config/options.h"
#include "node/config/suggest.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct node_config c;
static struct node_config_error e;

static void set_up(void)
{
    node_config_init(&c);
}

static void tear_down(void)
{
    node_config_reset(&c);
}

TestSuite(config, .init = set_up, .fini = tear_down);

static enum td_error file(const char *text)
{
    e.text[0] = '\0';
    return node_config_file(&c, &e, "t.toml", td_bytes_of_text(text));
}

static enum td_error environment(const char *one)
{
    char *copy = strdup(one), *list[] = {"PATH=/bin", copy, NULL};
    enum td_error err = node_config_environment(&c, &e, list);
    free(copy);
    return err;
}

Test(config, defaults_are_those_of_the_manual)
{
    cr_expect_str_eq(node_config_text(&c, NODE_OPT_P2P_LISTEN), "127.0.0.1:30645");
    cr_expect_str_eq(node_config_text(&c, NODE_OPT_RPC_HTTP), "127.0.0.1:8645");
    cr_expect_str_eq(node_config_text(&c, NODE_OPT_RPC_WS), "127.0.0.1:8646");
    cr_expect_str_eq(node_config_text(&c, NODE_OPT_OPS_LISTEN), "127.0.0.1:9645");
    cr_expect_eq(node_config_number(&c, NODE_OPT_P2P_MAX_PEERS), 192);
    cr_expect_eq(node_config_number(&c, NODE_OPT_P2P_HANDSHAKE_TIMEOUT), INT64_C(5000000000));
    cr_expect_eq(node_config_number(&c, NODE_OPT_STORAGE_MIN_FREE_BYTES), INT64_C(2147483648));
    cr_expect(node_config_boolean(&c, NODE_OPT_PROVER_SELF_VERIFY));
    cr_expect_not(node_config_boolean(&c, NODE_OPT_FAULT_ENABLED));
    cr_expect_eq(node_config_count(&c, NODE_OPT_P2P_PEERS), 0);
    cr_assert_eq(node_config_count(&c, NODE_OPT_RPC_NAMESPACES), 4);
    cr_expect_str_eq(node_config_item(&c, NODE_OPT_RPC_NAMESPACES, 3)->text, "tandem");
    cr_expect_eq(node_config_item(&c, NODE_OPT_PROVER_DEVICES, 0)->number, 0);
    cr_expect_eq(node_config_number(&c, NODE_OPT_NODE_ROLE), 0);
}

Test(config, every_option_says_what_it_is_and_no_two_share_a_name)
{
    for (size_t i = 0; i < NODE_OPTIONS_COUNT; i++) {
        const struct node_option_info *o = node_option_info((enum node_option)i);
        cr_assert_not_null(o->section, "option %zu is missing in the table", i);
        cr_expect_gt(strlen(o->summary), 5, "%s.%s", o->section, o->key);
        for (size_t k = 0; k < i; k++) {
            const struct node_option_info *other = node_option_info((enum node_option)k);
            cr_expect(strcmp(o->section, other->section) != 0 || strcmp(o->key, other->key) != 0);
        }
    }
}

Test(config, a_stronger_source_wins_whatever_it_replaces)
{
    cr_assert_eq(file("[p2p]\nmax_peers = 200\n[rpc]\nnamespaces = [\"eth\"]\n"), TD_OK);
    cr_expect_eq(node_config_number(&c, NODE_OPT_P2P_MAX_PEERS), 200);
    cr_expect_eq(c.values[NODE_OPT_P2P_MAX_PEERS].origin, NODE_ORIGIN_FILE);
    cr_expect_eq(node_config_count(&c, NODE_OPT_RPC_NAMESPACES), 1);
    cr_assert_eq(environment("TANDEM_P2P_MAX_PEERS=300"), TD_OK);
    cr_expect_eq(node_config_number(&c, NODE_OPT_P2P_MAX_PEERS), 300);
    cr_assert_eq(node_config_flag(&c, &e, "p2p.max_peers", "400"), TD_OK);
    cr_expect_eq(node_config_number(&c, NODE_OPT_P2P_MAX_PEERS), 400);
    cr_expect_eq(c.values[NODE_OPT_P2P_MAX_PEERS].origin, NODE_ORIGIN_FLAG);
    cr_assert_eq(environment("TANDEM_RPC_NAMESPACES=eth,net"), TD_OK);
    cr_expect_eq(node_config_count(&c, NODE_OPT_RPC_NAMESPACES), 2);
    cr_assert_eq(environment("TANDEM_RPC_NAMESPACES="), TD_OK);
    cr_expect_eq(node_config_count(&c, NODE_OPT_RPC_NAMESPACES), 0);
}

Test(config, addresses_peers_and_times)
{
    static const struct {
        const char *name, *text;
        bool good;
    } cases[] = {
        {"p2p.listen", "localhost:1", true},
        {"p2p.listen", "10.0.0.1:65535", true},
        {"p2p.listen", "[::1]:30645", true},
        {"p2p.listen", "n-0.example.org:80", true},
        {"p2p.listen", "127.0.0.1", false},
        {"p2p.listen", ":80", false},
        {"p2p.listen", "a:", false},
        {"p2p.listen", "a:0", false},
        {"p2p.listen", "a:080", false},
        {"p2p.listen", "a:65536", false},
        {"p2p.listen", "a:99999999999", false},
        {"p2p.listen", "a b:1", false},
        {"p2p.listen", "[::1:1", false},
        {"p2p.listen", "[]:1", false},
        {"p2p.listen", "[::1]1", false},
        {"p2p.peers", ID "@h:1", true},
        {"p2p.peers", ID "@h:1," ID "@[::1]:2", true},
        {"p2p.peers", "h:1", false},
        {"p2p.peers", ID "0@h:1", false},
        {"p2p.peers", ID "@h", false},
        {"p2p.peers", ID "@h:1,", false},
        {"p2p.peers", "," ID "@h:1", false},
        {"p2p.handshake_timeout", "100ms", true},
        {"p2p.handshake_timeout", "60s", true},
        {"p2p.handshake_timeout", "1m", true},
        {"p2p.handshake_timeout", "99ms", false},
        {"p2p.handshake_timeout", "61s", false},
        {"p2p.handshake_timeout", "5", false},
        {"p2p.handshake_timeout", "5 s", false},
        {"p2p.handshake_timeout", "-5s", false},
        {"p2p.handshake_timeout", "05s", false},
        {"p2p.handshake_timeout", "999999999999h", false},
        {"log.level", "warn", true},
        {"log.level", "war", false},
        {"log.level", "info warn", false},
        {"log.level", "", false},
        {"ops.metrics", "false", true},
        {"ops.metrics", "yes", false},
        {"prover.devices", "0,1,255", true},
        {"prover.devices", "256", false},
        {"l1.quorum", "0", false},
        {"l1.quorum", "64", true},
        {"l1.quorum", "65", false},
        {"l1.quorum", "1x", false},
        {"l1.quorum", "99999999999999999999", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum td_error err = node_config_flag(&c, &e, cases[i].name, cases[i].text);
        cr_expect_eq(err == TD_OK, cases[i].good, "%s %s", cases[i].name, cases[i].text);
    }
    cr_expect_eq(node_config_number(&c, NODE_OPT_P2P_HANDSHAKE_TIMEOUT), INT64_C(60000000000),
                 "the last good one stands");
    cr_expect_eq(node_config_number(&c, NODE_OPT_LOG_LEVEL), 2, "warn");
}

Test(config, refusals_of_a_file_name_the_place_and_the_cure)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"[p2p]\nlisten = 5\n", "t.toml:2:10: p2p.listen: expected an address \"host:port\""},
        {"[p2p]\nlissten = \"a:1\"\n", "t.toml:2:1: unknown option \"p2p.lissten\"; did you mean "
                                       "\"p2p.listen\"?\n`tandem config defaults`"},
        {"[mempol]\n", "t.toml:1:1: unknown section [mempol]; did you mean \"mempool\"?"},
        {"[zzzzzz]\n", "t.toml:1:1: unknown section [zzzzzz]"},
        {"[p2p]\nzzzzzzzzzzzz = 1\n", "t.toml:2:1: unknown option \"p2p.zzzzzzzzzzzz\"\n"},
        {"[[p2p]]\n", "t.toml:1:1: [[p2p]] is written [p2p], once"},
        {"[p2p]\nmax_peers = \"192\"\n",
         "t.toml:2:13: p2p.max_peers: expected a whole number from 192 to 4096"},
        {"[p2p]\nmax_peers = 191\n",
         "t.toml:2:13: p2p.max_peers: expected a whole number from 192"},
        {"[p2p]\npeers = \"a\"\n", "t.toml:2:9: p2p.peers: expected a list, each item a peer"},
        {"[p2p]\npeers = [\n\"" ID "@h:1\",\n\"b\"]\n", "t.toml:4:1: p2p.peers: expected a list"},
        {"[ops]\nmetrics = 1\n", "t.toml:2:11: ops.metrics: expected true or false"},
        {"[log]\nlevel = \"loud\"\n",
         "t.toml:2:9: log.level: expected one of: debug info warn error"},
        {"[log]\nlevel = \n", "t.toml:2:9: expected a value"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_expect_eq(file(cases[i].text), TD_E_MALFORMED, "case %zu", i);
        cr_expect_eq(strncmp(e.text, cases[i].want, strlen(cases[i].want)), 0, "case %zu: %s", i,
                     e.text);
    }
}

Test(config, unknown_variables_and_flags_are_refused)
{
    cr_expect_eq(environment("TANDEM_P2P_LISTN=x"), TD_E_MALFORMED);
    cr_expect_str_eq(e.text, "TANDEM_P2P_LISTN: no option has this variable; did you mean "
                             "\"TANDEM_P2P_LISTEN\"?");
    cr_expect_eq(environment("TANDEM_P2P_MAX_PEERS=many"), TD_E_MALFORMED);
    cr_expect_str_eq(e.text, "TANDEM_P2P_MAX_PEERS: \"many\": expected a whole number from 192 to "
                             "4096");
    cr_expect_eq(environment("TANDEM_HOME=/x"), TD_OK);
    cr_expect_eq(environment("OTHER_P2P_LISTN=x"), TD_OK);
    cr_expect_eq(node_config_flag(&c, &e, "p2p.listn", "x"), TD_E_MALFORMED);
    cr_expect_str_eq(e.text, "--p2p.listn: no such option; did you mean \"p2p.listen\"?");
    cr_expect_eq(node_config_flag(&c, &e, "ops.metrics", "no"), TD_E_MALFORMED);
    cr_expect_str_eq(e.text, "--ops.metrics: \"no\": expected true or false");
}

/* Print into memory; the caller frees. */
static char *printed(bool origins)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    cr_assert_not_null(out);
    node_config_print(&c, out, origins);
    fclose(out);
    return text;
}

Test(config, what_is_printed_reads_back_to_the_same)
{
    cr_assert_eq(file("[node]\nname = \"a\\\"b\\\\c\\u0001\"\n[p2p]\npeers = [\"" ID "@h:1\"]\n"
                      "handshake_timeout = \"2s\"\n[prover]\ndevices = [3, 4]\n"),
                 TD_OK, "%s", e.text);
    char *first = printed(false);
    node_config_reset(&c);
    node_config_init(&c);
    cr_assert_eq(file(first), TD_OK, "%s", e.text);
    char *second = printed(false);
    cr_expect_str_eq(first, second);
    cr_expect_str_eq(node_config_text(&c, NODE_OPT_NODE_NAME), "a\"b\\c\x01");
    cr_expect_eq(node_config_number(&c, NODE_OPT_P2P_HANDSHAKE_TIMEOUT), INT64_C(2000000000));
    for (size_t i = 0; i < NODE_OPTIONS_COUNT; i++)
        cr_expect_eq(c.values[i].origin, NODE_ORIGIN_FILE, "option %zu was not printed", i);
    free(first);
    free(second);
}

Test(config, origins_name_file_variable_and_flag)
{
    cr_assert_eq(file("[log]\n  level = \"warn\"\n"), TD_OK);
    cr_assert_eq(environment("TANDEM_OPS_LISTEN=a:1"), TD_OK);
    cr_assert_eq(node_config_flag(&c, &e, "rpc.http", "b:2"), TD_OK);
    char *text = printed(true);
    cr_expect_not_null(strstr(text, "level = \"warn\"  # t.toml:2:3\n"));
    cr_expect_not_null(strstr(text, "listen = \"a:1\"  # TANDEM_OPS_LISTEN in the environment\n"));
    cr_expect_not_null(strstr(text, "http = \"b:2\"  # --rpc.http\n"));
    cr_expect_not_null(strstr(text, "max_peers = 192  # default\n"));
    free(text);
}

Test(config, credentials_of_urls_are_not_printed)
{
    cr_assert_eq(file("[l1]\nendpoints = [\"https://user:secret@host/v2/x@y\", \"http://h/a@b\"]\n"
                      "[prover]\nqueue = \"postgresql://u:secret@db\"\n"),
                 TD_OK);
    char *text = printed(true);
    cr_expect_null(strstr(text, "secret"));
    cr_expect_not_null(strstr(text, "\"https://***@host/v2/x@y\", \"http://h/a@b\""));
    cr_expect_not_null(strstr(text, "\"postgresql://***@db\""));
    free(text);
}

/* ---- suggestions */

static const char *const NAMES[] = {"sim", "start", "status"};

static const char *name_at(size_t i)
{
    return NAMES[i];
}

Test(suggest, nearest_within_two_edits_and_half_the_word)
{
    static const struct {
        const char *word;
        size_t want;
    } cases[] = {{"xm", 3},    {"smi", 0},    {"sm", 0},       {"stat", 1},
                 {"satrt", 1}, {"statsu", 2}, {"statuses", 2}, {"statusesx", 3},
                 {"x", 3},     {"", 3},       {"sim", 0}};
    char longest[NODE_SUGGEST_BYTES_MAX + 2u];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect_eq(node_suggest(cases[i].word, name_at, 3), cases[i].want, "%s", cases[i].word);
    memset(longest, 's', sizeof longest);
    longest[sizeof longest - 1u] = '\0';
    cr_expect_eq(node_suggest(longest, name_at, 3), 3);
}
