/* base/host/log: the two formats byte for byte, escaping, cutting, levels, redaction.
 * Method: expected lines written out; for hostile bytes, properties of every line produced. */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <jansson.h>

#include "base/core/rng.h"
#include "base/host/log.h"

#define NOON UINT64_C(1790856000123) /* 2026-10-01T12:00:00.123Z */

struct captured {
    char text[2 * TD_LOG_LINE_BYTES_MAX];
    size_t len;
    unsigned lines;
};

static void capture(void *ctx, const char *line, size_t line_bytes)
{
    struct captured *c = ctx;
    cr_assert_leq(line_bytes, TD_LOG_LINE_BYTES_MAX);
    memcpy(c->text, line, line_bytes);
    c->text[line_bytes] = '\0';
    c->len = line_bytes;
    c->lines++;
}

struct fixture {
    struct td_clock_virtual clock;
    struct captured out;
    struct td_log log;
};

static void start(struct fixture *f, enum td_log_level level, enum td_log_format format,
                  const char *node)
{
    memset(f, 0, sizeof *f);
    f->clock.wall_ms = NOON;
    td_log_init(&f->log, level, format, node, td_clock_of_virtual(&f->clock),
                (struct td_log_sink){.put = capture, .ctx = &f->out});
}

static void log_all_kinds(const struct td_log *log)
{
    struct td_hash hash = {{0x3F, 0x2A, 0x91, 0xC0, 0x55}};
    struct td_addr addr = {{0x5A, 0xAE, 0xB6, 0x05, 0x3F, 0x3E, 0x94, 0xC9, 0xB9, 0xA0,
                            0x9F, 0x33, 0x66, 0x94, 0x35, 0xE7, 0xEF, 0x1B, 0xEA, 0xED}};
    TD_LOG(log, TD_LOG_INFO, "consensus", "block final", TD_LOG_U64("h", 128),
           TD_LOG_I64("skew", -5), TD_LOG_I64("gain", 6), TD_LOG_BOOL("filler", false),
           TD_LOG_STR("who", "a b"), TD_LOG_STR("plain", "x"), TD_LOG_HEX("raw", "\x01\xFE", 2),
           TD_LOG_HASH("hash", &hash), TD_LOG_ADDR("addr", &addr),
           TD_LOG_URL("url", "https://u:p@h/"));
}

Test(base_log, text_line)
{
    static struct fixture f;
    start(&f, TD_LOG_INFO, TD_LOG_TEXT, NULL);
    log_all_kinds(&f.log);
    cr_expect_str_eq(f.out.text,
                     "2026-10-01T12:00:00.123Z INFO consensus block final h=128 skew=-5 gain=6 "
                     "filler=false who=\"a b\" plain=x raw=0x01fe hash=0x3f2a91c0.. "
                     "addr=0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed url=https://***@h/\n");
}

Test(base_log, json_line)
{
    static struct fixture f;
    start(&f, TD_LOG_INFO, TD_LOG_JSON, "n0");
    log_all_kinds(&f.log);
    cr_expect_str_eq(
        f.out.text,
        "{\"ts\":\"2026-10-01T12:00:00.123Z\",\"level\":\"INFO\",\"mod\":\"consensus\","
        "\"msg\":\"block final\",\"node\":\"n0\",\"h\":128,\"skew\":-5,\"gain\":6,"
        "\"filler\":false,\"who\":\"a b\",\"plain\":\"x\",\"raw\":\"0x01fe\","
        "\"hash\":\"0x3f2a91c055000000000000000000000000000000000000000000000000000000\","
        "\"addr\":\"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\","
        "\"url\":\"https://***@h/\"}\n");
}

Test(base_log, code_and_hint)
{
    static struct fixture f;
    struct td_log_event e = {.level = TD_LOG_WARN,
                             .mod = "storage",
                             .msg = "fsync slow",
                             .code = 42,
                             .hint = "check the disk"};
    start(&f, TD_LOG_INFO, TD_LOG_TEXT, "n1");
    td_log_put(&f.log, &e);
    cr_expect_str_eq(f.out.text, "2026-10-01T12:00:00.123Z WARN storage fsync slow code=T0042 "
                                 "node=n1 hint=\"check the disk\"\n");
    start(&f, TD_LOG_INFO, TD_LOG_JSON, NULL);
    e.level = TD_LOG_ERROR;
    e.code = 9999;
    td_log_put(&f.log, &e);
    cr_expect_str_eq(f.out.text,
                     "{\"ts\":\"2026-10-01T12:00:00.123Z\",\"level\":\"ERROR\",\"mod\":\"storage\","
                     "\"msg\":\"fsync slow\",\"code\":\"T9999\",\"hint\":\"check the disk\"}\n");
}

Test(base_log, warnings_without_code_abort, .signal = SIGABRT)
{
    static struct fixture f;
    start(&f, TD_LOG_ERROR, TD_LOG_TEXT, NULL); /* even when the level filter would drop it */
    td_log_put(&f.log, &(struct td_log_event){.level = TD_LOG_WARN, .mod = "m", .msg = "no code"});
}

Test(base_log, level_filter)
{
    static struct fixture f;
    for (unsigned at = TD_LOG_DEBUG; at <= TD_LOG_ERROR; at++) {
        start(&f, (enum td_log_level)at, TD_LOG_TEXT, NULL);
        for (unsigned level = TD_LOG_DEBUG; level <= TD_LOG_ERROR; level++)
            td_log_put(&f.log,
                       &(struct td_log_event){
                           .level = (enum td_log_level)level, .mod = "m", .msg = "x", .code = 1});
        cr_expect_eq(f.out.lines, 4 - at);
    }
    enum td_log_level level = TD_LOG_DEBUG;
    cr_expect(td_log_level_parse(&level, "warn") == TD_OK && level == TD_LOG_WARN);
    cr_expect(td_log_level_parse(&level, "debug") == TD_OK && level == TD_LOG_DEBUG);
    cr_expect_eq(td_log_level_parse(&level, "WARN"), TD_E_MALFORMED);
    cr_expect_eq(td_log_level_parse(&level, "warning"), TD_E_MALFORMED);
    cr_expect_eq(td_log_level_parse(&level, ""), TD_E_MALFORMED);
}

/* All 256 bytes at once: text must stay one printable line, JSON must parse to the same bytes. */
Test(base_log, every_byte_is_escaped)
{
    static struct fixture f;
    uint8_t all[256];
    for (unsigned i = 0; i < 256; i++)
        all[i] = (uint8_t)i;
    start(&f, TD_LOG_INFO, TD_LOG_TEXT, NULL);
    TD_LOG(&f.log, TD_LOG_INFO, "p2p", "hello", TD_LOG_BYTES("v", all, 256));
    for (size_t i = 0; i + 1 < f.out.len; i++)
        cr_assert(f.out.text[i] >= 0x20 && f.out.text[i] < 0x7F, "byte %zu", i);
    cr_expect_eq(f.out.text[f.out.len - 1], '\n');
    cr_expect_not_null(strstr(f.out.text, " v=\"\\x00\\x01"));
    cr_expect_not_null(strstr(f.out.text, " !\\\"#"));

    start(&f, TD_LOG_INFO, TD_LOG_JSON, NULL);
    TD_LOG(&f.log, TD_LOG_INFO, "p2p", "hello", TD_LOG_BYTES("v", all, 256));
    json_t *root = json_loadb(f.out.text, f.out.len, JSON_ALLOW_NUL, NULL);
    cr_assert_not_null(root);
    const json_t *v = json_object_get(root, "v");
    const uint8_t *utf8 = (const uint8_t *)json_string_value(v);
    size_t at = 0;
    for (unsigned i = 0; i < 256; i++) { /* code point i, decoded from UTF-8 */
        unsigned got = utf8[at];
        if (got >= 0x80)
            got = (got & 0x1Fu) << 6 | (utf8[++at] & 0x3Fu);
        at++;
        cr_assert_eq(got, i);
    }
    cr_expect_eq(at, json_string_length(v));
    json_decref(root);
}

Test(base_log, quotes_only_where_needed)
{
    static const struct {
        const char *value, *want;
    } CASES[] = {
        {"", " v=\"\"\n"},       {"a", " v=a\n"},         {"a=b", " v=\"a=b\"\n"},
        {"\"", " v=\"\\\"\"\n"}, {"\\", " v=\"\\\\\"\n"}, {"a\nb", " v=a\\x0ab\n"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        static struct fixture f;
        start(&f, TD_LOG_INFO, TD_LOG_TEXT, NULL);
        TD_LOG(&f.log, TD_LOG_INFO, "m", "x", TD_LOG_STR("v", CASES[i].value));
        cr_expect_str_eq(strstr(f.out.text, " v="), CASES[i].want);
    }
}

/* For every size of the first field: the line fits, is whole, and says when something was cut. */
Test(base_log, long_lines_are_cut_at_a_field)
{
    static char big[TD_LOG_LINE_BYTES_MAX];
    static struct fixture f;
    memset(big, 'a', sizeof big);
    for (unsigned format = 0; format < 2; format++) {
        for (size_t n = 3900; n <= sizeof big; n++) {
            start(&f, TD_LOG_INFO, (enum td_log_format)format, NULL);
            TD_LOG(&f.log, TD_LOG_INFO, "m", "x", TD_LOG_BYTES("v", big, n), TD_LOG_U64("w", 7));
            bool whole = strstr(f.out.text, format == TD_LOG_JSON ? ",\"w\":7" : " w=7") != NULL;
            const char *cut = format == TD_LOG_JSON ? ",\"cut\":true}\n" : " cut=true\n";
            size_t cut_len = strlen(cut);
            cr_assert_eq(f.out.text[f.out.len - 1], '\n');
            cr_assert_eq(whole, memcmp(f.out.text + f.out.len - cut_len, cut, cut_len) != 0,
                         "n %zu", n);
            if (n < 4000)
                cr_assert(whole);
            if (format == TD_LOG_JSON) {
                json_t *root = json_loadb(f.out.text, f.out.len, 0, NULL);
                cr_assert_not_null(root);
                json_decref(root);
            }
        }
        cr_assert_null(strstr(f.out.text, "aaa"), "the field that did not fit is absent");
    }
}

/* Even the program's own words may be too long for a small buffer. */
Test(base_log, long_words_are_left_out)
{
    static struct fixture f;
    static char words[600];
    char line[512];
    memset(words, 'w', sizeof words - 1);
    struct td_log_event e = {.level = TD_LOG_INFO, .mod = words, .msg = "x"};
    start(&f, TD_LOG_INFO, TD_LOG_TEXT, NULL);
    size_t len = td_log_encode(line, sizeof line, &f.log, &e, NOON);
    cr_expect_eq(len, strlen("2026-10-01T12:00:00.123Z INFO cut=true\n"));
    cr_expect_eq(memcmp(line, "2026-10-01T12:00:00.123Z INFO cut=true\n", len), 0);
}

static const struct {
    uint64_t ms;
    const char *want;
} TIMES[] = {
    {0, "1970-01-01T00:00:00.000Z"},
    {NOON, "2026-10-01T12:00:00.123Z"},
    {UINT64_C(1709164799999), "2024-02-28T23:59:59.999Z"},
    {UINT64_C(1709164800000), "2024-02-29T00:00:00.000Z"},
    {UINT64_C(253402300799999), "9999-12-31T23:59:59.999Z"},
    {UINT64_C(253402300800000), "9999-12-31T23:59:59.999Z"},
    {UINT64_MAX, "9999-12-31T23:59:59.999Z"},
};

Test(base_log, timestamps)
{
    for (size_t i = 0; i < sizeof TIMES / sizeof TIMES[0]; i++) {
        char out[TD_TIMESTAMP_TEXT_BYTES];
        td_timestamp_print(out, TIMES[i].ms);
        cr_expect_str_eq(out, TIMES[i].want);
    }
}

static const struct {
    const char *url, *want;
} URLS[] = {
    {"http://127.0.0.1:8545", "http://127.0.0.1:8545"},
    {"http://h/a/b", "http://h/a/b"},
    {"http://user:secret@h:1/a", "http://***@h:1/a"},
    {"postgresql://user@h/db", "postgresql://***@h/db"},
    {"user:secret@h", "***@h"},
    {"http://a@b:secret@h/", "http://***@h/"},
    {"http://u:sec/ret@h/x", "http://***@h/x"},
    {"http://h/x?key=secret", "http://h/x?***"},
    {"http://h?key=secret", "http://h?***"},
    {"http://h/x#secret", "http://h/x?***"},
    {"http://u:pass?word@h/x", "http://***"},
    {"http://h/x?mail=a@secret", "http://***"},
    {"https://h/v3/0123456789abcdef", "https://h/v3/***"},
    {"https://h/v3/0123456789abcde", "https://h/v3/0123456789abcde"},
    {"https://h/0123456789abcdef/x", "https://h/***/x"},
    {"http://", "http://"},
    {"", ""},
};

Test(base_log, url_redaction)
{
    for (size_t i = 0; i < sizeof URLS / sizeof URLS[0]; i++) {
        char out[128];
        size_t len = td_url_redact(out, sizeof out, td_bytes_of_text(URLS[i].url));
        cr_expect_str_eq(out, URLS[i].want, "%s", URLS[i].url);
        cr_expect_eq(len, strlen(URLS[i].want));
        for (size_t cap = 1; cap <= len; cap++) {
            memset(out, '#', sizeof out);
            cr_expect_eq(td_url_redact(out, cap, td_bytes_of_text(URLS[i].url)), cap - 1);
            cr_expect(out[cap - 1] == '\0' && out[cap] == '#');
        }
    }
}

Test(base_log, fd_sink_writes_the_line)
{
    int ends[2];
    char got[128] = {0};
    cr_assert_eq(pipe(ends), 0);
    struct td_log_sink sink = td_log_sink_fd(&ends[1]);
    sink.put(sink.ctx, "one line\n", 9);
    cr_expect_eq(read(ends[0], got, sizeof got - 1), 9);
    cr_expect_str_eq(got, "one line\n");
    close(ends[0]);
    close(ends[1]);
    sink.put(sink.ctx, "nobody listens\n", 15); /* must simply return */
}
