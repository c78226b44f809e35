/* JSON-RPC behind the real server: one call over HTTP, a subscription over a WebSocket, and what
 * namespaces that are not served answer. */
#define _POSIX_C_SOURCE 200809L
#include "tests/node/http_world.h"
#include "tests/node/rpc_world.h"

static struct world net;
static struct rpc_world w;
static struct node_rpc_port port;

static void route(struct world *n)
{
    n->options.websocket = true;
    n->options.ctx = &port;
    n->options.request = node_rpc_request;
    n->options.closed = node_rpc_closed;
}

static void build(void)
{
    world_open(&net, route);
    rpc_world_open(&w, net.base);
    port = (struct node_rpc_port){.rpc = w.rpc, .http = net.http};
    rpc_world_block(&w);
}

static void drop(void)
{
    /* No client is connected any more: the server has nothing left to say to what is gone. */
    node_rpc_free(w.rpc);
    w.rpc = NULL;
    world_close(&net);
    w.base = NULL;
    rpc_world_close(&w);
}

TestSuite(rpc_socket, .init = build, .fini = drop);

static void post(struct client *c, const char *body)
{
    char text[1024];
    snprintf(text, sizeof text,
             "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
             "Content-Length: %zu\r\n\r\n%s",
             strlen(body), body);
    client_text(&net, c, text);
}

Test(rpc_socket, answers_over_http)
{
    struct client c;
    client_open(&net, &c, NULL);
    post(&c, "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"eth_blockNumber\"}");
    client_expect(&net, &c, "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":\"0x1\"}");
    post(&c, "[{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"eth_getBalance\",\"params\":["
             "\"0x7e5f4552091a69125d5dfcb7b8c2659029395bdf\"]}]");
    client_expect(&net, &c,
                  "[{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":\"0x3e80000000000000000\"}]");
    client_close(&c);
}

/* RFC 6455, 5.2: a client's frames are masked; with zeros, they read as they are. */
static void send_frame(struct client *c, const char *text)
{
    size_t len = strlen(text);
    uint8_t head[8] = {0x81, 0x80u | 126u, (uint8_t)(len >> 8), (uint8_t)len};
    client_send(&net, c, head, sizeof head);
    client_text(&net, c, text);
}

Test(rpc_socket, pushes_over_a_websocket)
{
    struct client c;
    client_open(&net, &c, NULL);
    client_text(&net, &c,
                "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
    client_expect(&net, &c, "\r\n\r\n");
    send_frame(
        &c, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_subscribe\",\"params\":[\"newHeads\"]"
            ",\"pad\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}");
    client_expect(&net, &c, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x");
    rpc_world_block(&w);
    client_expect(&net, &c, "\"method\":\"eth_subscription\"");
    client_expect(&net, &c, "\"number\":\"0x2\"");
    /* closed: nobody is told any more, and nothing waits for that */
    client_close(&c);
    WORLD_UNTIL(&net, world_stats(&net).sockets == 0);
    rpc_world_block(&w);
    client_open(&net, &c, NULL);
    post(&c, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"eth_blockNumber\"}");
    client_expect(&net, &c, "\"result\":\"0x3\"");
    client_close(&c);
}

Test(rpc_socket, namespaces_not_served_do_not_exist)
{
    static const char *const ONE[] = {"net"};
    const struct node_rpc_options options = {.backend = &w.backend,
                                             .base = net.base,
                                             .threads = 1,
                                             .namespaces = ONE,
                                             .namespace_count = 1};
    char why[160];
    struct node_rpc *other;
    struct node_rpc_method_stats stats[8];
    struct client c;
    cr_assert_eq(node_rpc_new(&other, &options, why), TD_OK, "%s", why);
    port.rpc = other;
    client_open(&net, &c, NULL);
    post(&c, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_chainId\"}");
    client_expect(&net, &c, "\"code\":-32601");
    post(&c, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"net_version\"}");
    client_expect(&net, &c, "\"result\":\"271828\"");
    post(&c, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"net_version\",\"params\":[1]}");
    client_expect(&net, &c, "\"code\":-32602");
    cr_expect_eq(node_rpc_stats(other, stats, 8), 3);
    cr_expect_str_eq(stats[2].name, "net_version");
    cr_expect_eq(stats[2].calls, 2);
    cr_expect_eq(stats[2].errors, 1);
    client_close(&c);
    node_rpc_free(other);
}
