/* node/rpc/ws_frame: every rule of RFC 6455 section 5 for a server, fed whole and in bytes. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "node/rpc/ws_frame.h"

#define LIMIT 70000u

/* What a stream of frames came to, as text: "T(data)" a message, "P(data)" a ping, "Q" a pong,
 * "C1000" a close, "E1002" an error, "+" more is wanted. */
struct seen {
    char text[512];
    size_t bytes;
};

/* `kind`, then a number unless it is 0, or text in brackets unless it is NULL. */
static void say(struct seen *s, char kind, int number, const char *text, size_t len)
{
    char *to = s->text + s->bytes;
    size_t room = sizeof s->text - s->bytes;
    int n = text != NULL  ? snprintf(to, room, "%c(%.*s)", kind, (int)len, text)
            : number != 0 ? snprintf(to, room, "%c%d", kind, number)
                          : snprintf(to, room, "%c", kind);
    cr_assert(n >= 0 && (size_t)n < room);
    s->bytes += (size_t)n;
}

static void feed(struct seen *s, const uint8_t *frames, size_t len, size_t step)
{
    struct node_ws_in w;
    static uint8_t in[2u * LIMIT], message[LIMIT];
    size_t at = 0, have = 0;
    *s = (struct seen){0};
    memcpy(in, frames, len);
    node_ws_in_init(&w, LIMIT);
    for (;;) {
        struct td_bytes data;
        uint16_t code = 0;
        size_t n = len - at < step ? len - at : step, used;
        enum node_ws_event e = node_ws_feed(&w, &data, &code, in + at, n, &used);
        at += used;
        cr_assert_leq(used, n);
        const char *text = data.len == 0 ? "" : (const char *)data.ptr;
        switch (e) {
        case NODE_WS_MORE:
            cr_assert_eq(used, n);
            if (at == len) {
                say(s, '+', 0, NULL, 0);
                return;
            }
            break;
        case NODE_WS_DATA:
            cr_assert_leq(have + data.len, LIMIT);
            memcpy(message + have, data.ptr, data.len);
            have += data.len;
            break;
        case NODE_WS_END:
            if (have > 100u)
                say(s, 'T', (int)have, NULL, 0);
            else
                say(s, 'T', 0, (const char *)message, have);
            have = 0;
            break;
        case NODE_WS_GOT_PING:
            say(s, 'P', 0, text, data.len);
            break;
        case NODE_WS_GOT_PONG:
            say(s, 'Q', 0, NULL, 0);
            break;
        case NODE_WS_GOT_CLOSE:
            say(s, 'C', code, NULL, 0);
            return;
        case NODE_WS_ERROR:
            say(s, 'E', code, NULL, 0);
            cr_assert_eq(node_ws_feed(&w, &data, &code, in, 0, &used), NODE_WS_ERROR);
            return;
        }
    }
}

/* Appends a masked frame. */
static size_t frame(uint8_t *out, uint8_t first, const char *body, size_t len)
{
    static const uint8_t mask[4] = {0x37, 0xFA, 0x21, 0x3D};
    size_t n = 2;
    out[0] = first;
    out[1] = (uint8_t)(0x80u | (len < 126u ? len : len <= 0xFFFFu ? 126u : 127u));
    for (unsigned i = len < 126u ? 0 : len <= 0xFFFFu ? 2u : 8u; i-- > 0;)
        out[n++] = (uint8_t)(len >> 8u * i);
    memcpy(out + n, mask, 4);
    n += 4;
    for (size_t i = 0; i < len; i++)
        out[n + i] = (uint8_t)body[i] ^ mask[i % 4u];
    return n + len;
}

static void check(const uint8_t *in, size_t len, const char *want, const char *name)
{
    static const size_t steps[] = {1, 3, 1000000};
    struct seen s;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        feed(&s, in, len, steps[i]);
        cr_assert_str_eq(s.text, want, "%s by %zu: %s", name, steps[i], s.text);
    }
}

struct piece {
    uint8_t first;
    const char *body;
};

Test(ws_frame, messages_fragments_and_control_frames)
{
    static const struct {
        struct piece p[4];
        const char *want;
    } cases[] = {
        {{{0x81, "Hello"}}, "T(Hello)+"},
        {{{0x81, ""}}, "T()+"},
        {{{0x81, "a"}, {0x81, "b"}}, "T(a)T(b)+"},
        {{{0x01, "He"}, {0x80, "llo"}}, "T(Hello)+"},
        {{{0x01, ""}, {0x00, ""}, {0x80, ""}}, "T()+"},
        {{{0x01, "a"}, {0x89, "p"}, {0x8A, ""}, {0x80, "b"}}, "P(p)QT(ab)+"},
        {{{0x01, "a"}}, "+"},
        {{{0x89, ""}}, "P()+"},
        {{{0x88, ""}}, "C1000"},
        {{{0x88, "\x03\xE9"}}, "C1001"},
        {{{0x88, "\x03\xE8 bye"}, {0x81, "x"}}, "C1000"},
        {{{0x88, "\x0B\xB8"}}, "C3000"},
        {{{0x88, "\x03"}}, "E1002"},
        {{{0x88, "\x03\xE7"}}, "E1002"},
        {{{0x88, "\x03\xEC"}}, "E1002"}, /* 1004 */
        {{{0x88, "\x03\xED"}}, "E1002"}, /* 1005 */
        {{{0x88, "\x03\xEE"}}, "E1002"}, /* 1006 */
        {{{0x88, "\x03\xF7"}}, "E1002"}, /* 1015 */
        {{{0x88, "\x13\x88"}}, "E1002"}, /* 5000 */
        {{{0x88, "\x03\xE8\xFF"}}, "E1007"},
        {{{0x88, "\x03\xE8\xC3"}}, "E1007"},
        {{{0x08, ""}}, "E1002"}, /* control in fragments */
        {{{0x09, ""}}, "E1002"},
        {{{0x80, "x"}}, "E1002"}, /* nothing to continue */
        {{{0x01, "a"}, {0x81, "b"}}, "E1002"},
        {{{0x81, "a"}, {0x80, "b"}}, "T(a)E1002"},
        {{{0x82, "x"}}, "E1003"},
        {{{0x01, "a"}, {0x82, "b"}}, "E1002"},
        {{{0xC1, "x"}}, "E1002"}, /* reserved bits */
        {{{0xA1, "x"}}, "E1002"},
        {{{0x91, "x"}}, "E1002"},
        {{{0x83, "x"}}, "E1002"}, /* reserved opcodes */
        {{{0x8B, "x"}}, "E1002"},
        {{{0x8F, ""}}, "E1002"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t in[256];
        char name[32];
        size_t n = 0;
        for (size_t k = 0; k < 4 && cases[i].p[k].body != NULL; k++)
            n += frame(in + n, cases[i].p[k].first, cases[i].p[k].body, strlen(cases[i].p[k].body));
        snprintf(name, sizeof name, "case %zu", i);
        check(in, n, cases[i].want, name);
    }
}

Test(ws_frame, text_is_utf_8)
{
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"\x7F", true},
        {"\xC2\x80", true},
        {"\xDF\xBF", true},
        {"\xE0\xA0\x80", true},
        {"\xED\x9F\xBF", true},
        {"\xEE\x80\x80", true},
        {"\xEF\xBF\xBF", true},
        {"\xF0\x90\x80\x80", true},
        {"\xF4\x8F\xBF\xBF", true},
        {"\xCE\xBA\xE1\xBD\xB9", true},
        {"\x80", false},
        {"\xBF", false},
        {"\xC0\x80", false},     /* overlong */
        {"\xC1\xBF", false},     /* overlong */
        {"\xE0\x9F\xBF", false}, /* overlong */
        {"\xF0\x8F\xBF\xBF", false},
        {"\xED\xA0\x80", false}, /* surrogate */
        {"\xED\xBF\xBF", false},
        {"\xF4\x90\x80\x80", false}, /* above U+10FFFF */
        {"\xF5\x80\x80\x80", false},
        {"\xFE", false},
        {"\xFF", false},
        {"\xC3(", false},
        {"\xE1\x80(", false},
        {"\xC3", false}, /* ends inside */
        {"\xF0\x90\x80", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t in[64];
        char want[32];
        size_t len = strlen(cases[i].text);
        snprintf(want, sizeof want, "T(%s)+", cases[i].text);
        check(in, frame(in, 0x81, cases[i].text, len), cases[i].valid ? want : "E1007", "whole");
        size_t n = frame(in, 0x01, cases[i].text, 1); /* a fragment inside a character */
        n += frame(in + n, 0x80, cases[i].text + 1, len - 1u);
        check(in, n, cases[i].valid ? want : "E1007", "in fragments");
    }
}

Test(ws_frame, heads_that_lie_or_waste)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *want;
    } cases[] = {
#define CASE(text, want) {text, sizeof text - 1u, want}
        CASE("\x81\x05Hello", "E1002"), /* not masked */
        CASE("\x89\x00", "E1002"),
        CASE("\x89\xFE\x00\x7E", "E1002"),                             /* a ping of 126 bytes */
        CASE("\x81\xFE\x00\x7D....", "E1002"),                         /* 125 in 16 bits */
        CASE("\x81\xFF\x00\x00\x00\x00\x00\x00\xFF\xFF....", "E1002"), /* 65,535 in 64 bits */
        CASE("\x81\xFF\x80\x00\x00\x00\x00\x00\x00\x00....", "E1002"), /* the highest bit */
        CASE("\x81\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF....", "E1009"),
        CASE("\x81\xFF\x00\x00\x00\x00\x00\x01\x11\x71....", "E1009"), /* 70,001 */
        CASE("\x81\xFF\x00\x00\x00\x00\x00\x01\x11\x70....", "+"),     /* 70,000 */
        CASE("\x81", "+"),
        CASE("\x81\x85", "+"),
        CASE("\x81\x85....", "+"),
        CASE("", "+"),
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check((const uint8_t *)cases[i].bytes, cases[i].len, cases[i].want, cases[i].want);
}

Test(ws_frame, the_limit_is_for_all_fragments_of_one_message)
{
    static uint8_t in[2u * LIMIT];
    static char body[LIMIT];
    memset(body, 'x', sizeof body);
    static const size_t sizes[] = {125, 126, 65535, 65536, LIMIT};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char want[32];
        snprintf(want, sizeof want, "T%zu+", sizes[i]);
        check(in, frame(in, 0x81, body, sizes[i]), want, "one frame");
        size_t n = frame(in, 0x01, body, 100);
        n += frame(in + n, 0x80, body, sizes[i] - 100u);
        check(in, n, want, "two frames");
    }
    size_t n = frame(in, 0x01, body, LIMIT - 1u);
    n += frame(in + n, 0x80, body, 2);
    check(in, n, "E1009", "one too many");
    n = frame(in, 0x81, body, LIMIT);
    n += frame(in + n, 0x81, body, 200);
    check(in, n, "T70000T200+", "the next message begins at 0");
}

Test(ws_frame, heads_of_ours_are_shortest)
{
    static const struct {
        uint64_t len;
        uint8_t want[10];
        size_t bytes;
    } cases[] = {{0, {0x81, 0}, 2},
                 {125, {0x81, 125}, 2},
                 {126, {0x81, 126, 0, 126}, 4},
                 {65535, {0x81, 126, 0xFF, 0xFF}, 4},
                 {65536, {0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0}, 10}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t out[NODE_WS_HEAD_BYTES_MAX];
        cr_assert_eq(node_ws_head_encode(out, NODE_WS_TEXT, cases[i].len), cases[i].bytes);
        cr_assert_eq(memcmp(out, cases[i].want, cases[i].bytes), 0);
    }
}
