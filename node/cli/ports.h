/* Who holds a TCP port on this machine: the kernel's table of sockets, then the processes' open
 * files. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define NODE_PORT_HOLDER_BYTES 96u

/* The inode of the first listening socket on `port` in one table (/proc/net/tcp or tcp6) given as
 * text; 0 when there is none.  Lines that are not of that form are passed over. */
uint64_t node_port_inode(FILE *table, uint16_t port);

/* Whether a server can listen at host:port now: it is tried, and closed again. */
bool node_port_free(const char *host, uint16_t port);

/* "process 123 (name)" into out, or false when nobody listens there or it cannot be told (another
 * user's process). */
bool node_port_holder(char out[NODE_PORT_HOLDER_BYTES], uint16_t port);

/* Part "host:port", an IPv6 address in brackets, as node/config/options.h has checked it. */
bool node_socket_split(char *host, size_t cap, uint16_t *port, const char *text);
