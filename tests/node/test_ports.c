/* Who holds a port: the kernel's table as text, this process as the holder, addresses by table. */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/cli/ports.h"

/* As /proc/net/tcp and tcp6 have it (proc(5)): a listener on 8645, a connection to it, a listener
 * of IPv6 on 30645, and lines that are none. */
static const char TABLE[] =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode\n"
    "   0: 0100007F:21C5 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 "
    "111 1\n"
    "   1: 0100007F:21C5 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
    "222 1\n"
    "   2: 00000000000000000000000001000000:77B5 00000000000000000000000000000000:0000 0A "
    "00000000:00000000 00:00000000 00000000  1000        0 333 1\n"
    "garbage\n\n   3: 0100007F:21C6 00000000:0000 0A 0000\n";

static uint64_t inode(const char *text, uint16_t port)
{
    char copy[sizeof TABLE + 1024u];
    snprintf(copy, sizeof copy, "%s", text);
    FILE *f = fmemopen(copy, strlen(copy), "r");
    cr_assert_not_null(f);
    uint64_t got = node_port_inode(f, port);
    fclose(f);
    return got;
}

Test(ports, the_listener_is_found_not_a_connection)
{
    cr_expect_eq(inode(TABLE, 8645), 222);
    cr_expect_eq(inode(TABLE, 30645), 333);
    cr_expect_eq(inode(TABLE, 8646), 0);
    cr_expect_eq(inode("\n", 8645), 0);
}

Test(ports, a_listener_of_this_process_is_named)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    char holder[NODE_PORT_HOLDER_BYTES] = "", want[64];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    cr_assert_eq(listen(fd, 1), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    uint16_t port = ntohs(at.sin_port);
    cr_expect_not(node_port_free("127.0.0.1", port));
    cr_assert(node_port_holder(holder, port));
    snprintf(want, sizeof want, "process %ld (", (long)getpid());
    cr_expect_eq(strncmp(holder, want, strlen(want)), 0, "%s", holder);
    close(fd);
    cr_expect(node_port_free("127.0.0.1", port));
    cr_expect_not(node_port_holder(holder, port));
}

Test(ports, addresses_are_split)
{
    static const struct {
        const char *text, *host;
        uint16_t port;
    } cases[] = {
        {"127.0.0.1:8645", "127.0.0.1", 8645},
        {"[::1]:1", "::1", 1},
        {"a.b:65535", "a.b", 65535},
        {"a", NULL, 0},
        {":1", NULL, 0},
        {"a:0", NULL, 0},
        {"a:65536", NULL, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char host[16];
        uint16_t port = 0;
        bool good = node_socket_split(host, sizeof host, &port, cases[i].text);
        cr_assert_eq(good, cases[i].host != NULL, "%s", cases[i].text);
        if (!good)
            continue;
        cr_expect_str_eq(host, cases[i].host);
        cr_expect_eq(port, cases[i].port);
    }
    char small[4];
    uint16_t port;
    cr_expect_not(node_socket_split(small, sizeof small, &port, "abcd:1"));
}
