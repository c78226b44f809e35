/* node/rpc/http_peers: who counts as one, what a bucket gives, and that the table stays small. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "node/rpc/http_peers.h"

#define SECOND 1000000000u

static struct node_http_peer *enter(struct node_http_peers *p, const char *text)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
        return node_http_peers_enter(p, (const struct sockaddr *)&in, 0);
    cr_assert_eq(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    return node_http_peers_enter(p, (const struct sockaddr *)&in6, 0);
}

Test(http_peers, one_subscriber_is_one_peer)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"1.2.3.4", "1.2.3.4", true},          {"1.2.3.4", "1.2.3.5", false},
        {"1.2.3.4", "::ffff:1.2.3.4", true},   {"2001:db8::1", "2001:db8::2:1", true},
        {"2001:db8::", "2001:db8:1::", false}, {"::ffff:1.2.3.4", "::ffff:1.2.3.5", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct node_http_peers *p = node_http_peers_new(1);
        struct node_http_peer *a = enter(p, cases[i].a), *b = enter(p, cases[i].b);
        cr_assert_eq(a == b, cases[i].same, "%s %s", cases[i].a, cases[i].b);
        cr_assert_eq(a->conns, cases[i].same ? 2u : 1u);
        node_http_peers_free(p);
    }
}

Test(http_peers, a_bucket_gives_a_second_and_then_the_rate)
{
    struct node_http_peers *p = node_http_peers_new(10);
    struct node_http_peer *e = enter(p, "1.2.3.4");
    for (unsigned i = 0; i < 10; i++)
        cr_assert_eq(node_http_peers_take(p, e, 0), 0);
    uint64_t wait = node_http_peers_take(p, e, 0);
    cr_assert(wait > SECOND / 10u - 10u && wait < SECOND / 10u + 10u, "%lu", wait);
    cr_assert_gt(node_http_peers_take(p, e, wait / 2u), 0);
    cr_assert_eq(node_http_peers_take(p, e, wait), 0);
    cr_assert_gt(node_http_peers_take(p, e, wait), 0);
    unsigned given = 0; /* an hour later: a second's worth, not an hour's */
    while (node_http_peers_take(p, e, 3600ull * SECOND) == 0)
        given++;
    cr_assert_eq(given, 10);
    node_http_peers_free(p);
}

Test(http_peers, credit_is_paid_back_by_waiting)
{
    struct node_http_peers *p = node_http_peers_new(2);
    struct node_http_peer *e = enter(p, "1.2.3.4");
    cr_assert_eq(node_http_peers_owe(p, e, 0), 0);
    cr_assert_eq(node_http_peers_owe(p, e, 0), 0);
    uint64_t one = node_http_peers_owe(p, e, 0), two = node_http_peers_owe(p, e, 0);
    cr_assert(one > SECOND / 2u - 10u && one < SECOND / 2u + 10u);
    cr_assert(two > SECOND - 10u && two < SECOND + 10u);
    cr_assert_gt(node_http_peers_take(p, e, two), 0);
    cr_assert_eq(node_http_peers_take(p, e, two + SECOND / 2u), 0);
    node_http_peers_free(p);
}

Test(http_peers, rate_0_is_no_limit)
{
    struct node_http_peers *p = node_http_peers_new(0);
    struct node_http_peer *e = enter(p, "1.2.3.4");
    for (unsigned i = 0; i < 1000; i++)
        cr_assert(node_http_peers_take(p, e, 0) == 0 && node_http_peers_owe(p, e, 0) == 0);
    node_http_peers_free(p);
}

Test(http_peers, table_forgets_the_longest_gone_and_nobody_connected)
{
    struct node_http_peers *p = node_http_peers_new(1);
    struct node_http_peer *stays = enter(p, "9.9.9.9");
    struct node_http_peer *spent = NULL;
    for (uint32_t i = 0; i < 3u * NODE_HTTP_PEERS_IDLE_MAX; i++) {
        char text[32];
        snprintf(text, sizeof text, "10.%u.%u.%u", i >> 16, i >> 8 & 255u, i & 255u);
        struct node_http_peer *e = enter(p, text);
        if (i == 2u * NODE_HTTP_PEERS_IDLE_MAX + 5u) {
            spent = e;
            cr_assert_eq(node_http_peers_take(p, e, 0), 0);
        }
        node_http_peers_leave(p, e);
        cr_assert_leq(node_http_peers_count(p), NODE_HTTP_PEERS_IDLE_MAX + 1u);
    }
    cr_assert_eq(enter(p, "9.9.9.9"), stays);
    cr_assert_eq(enter(p, "10.0.32.5"), spent); /* recent: remembered, its bucket still empty */
    cr_assert_gt(node_http_peers_take(p, spent, 0), 0);
    cr_assert_eq(enter(p, "10.0.32.5"), spent);
    cr_assert_eq(spent->conns, 2);
    node_http_peers_free(p);
}
