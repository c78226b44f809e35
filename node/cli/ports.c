#define _POSIX_C_SOURCE 200809L
#include "node/cli/ports.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTEN_STATE 0x0Au /* TCP_LISTEN of the kernel */
#define LINE_BYTES 512u

/*   sl  local_address rem_address   st tx_queue:rx_queue tr:tm->when retrnsmt   uid  timeout inode
 */
uint64_t node_port_inode(FILE *table, uint16_t port)
{
    char line[LINE_BYTES];
    unsigned local, state;
    uint64_t inode;
    while (fgets(line, sizeof line, table) != NULL) {
        if (sscanf(line,
                   " %*u: %*[0-9A-Fa-f]:%4X %*[0-9A-Fa-f]:%*X %2X %*s %*s %*s %*u %*u %" SCNu64,
                   &local, &state, &inode) == 3 &&
            local == port && state == LISTEN_STATE)
            return inode;
    }
    return 0;
}

bool node_socket_split(char *host, size_t cap, uint16_t *port, const char *text)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL)
        return false;
    size_t len = (size_t)(colon - text);
    unsigned long number = strtoul(colon + 1, NULL, 10);
    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    if (len == 0 || len >= cap || number == 0 || number > UINT16_MAX)
        return false;
    memcpy(host, text, len);
    host[len] = '\0';
    *port = (uint16_t)number;
    return true;
}

bool node_port_free(const char *host, uint16_t port)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    char service[8];
    const int yes = 1;
    bool good = false;
    snprintf(service, sizeof service, "%u", (unsigned)port);
    if (getaddrinfo(host, service, &hints, &list) != 0)
        return false;
    int fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        /* As servers do: what a closed connection leaves behind is no holder. */
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        good = bind(fd, list->ai_addr, list->ai_addrlen) == 0 && listen(fd, 1) == 0;
        int kept = errno;
        close(fd);
        errno = kept;
    }
    freeaddrinfo(list);
    return good;
}

/* Whether one of the process' open files is the socket. */
static bool holds(const char *pid, const char *socket_name)
{
    char path[64], target[64];
    bool found = false;
    snprintf(path, sizeof path, "/proc/%.20s/fd", pid);
    DIR *d = opendir(path);
    struct dirent *e;
    while (d != NULL && !found && (e = readdir(d)) != NULL) {
        ssize_t len = readlinkat(dirfd(d), e->d_name, target, sizeof target - 1u);
        if (len <= 0)
            continue;
        target[len] = '\0';
        found = strcmp(target, socket_name) == 0;
    }
    if (d != NULL)
        closedir(d);
    return found;
}

static void process_name(char out[32], const char *pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%.20s/comm", pid);
    FILE *f = fopen(path, "re");
    if (f == NULL || fgets(out, 32, f) == NULL)
        strcpy(out, "?");
    out[strcspn(out, "\n")] = '\0';
    if (f != NULL)
        fclose(f);
}

bool node_port_holder(char out[NODE_PORT_HOLDER_BYTES], uint16_t port)
{
    static const char *const tables[] = {"/proc/net/tcp", "/proc/net/tcp6"};
    char name[64], comm[32];
    uint64_t inode = 0;
    bool found = false;
    for (size_t i = 0; i < 2 && inode == 0; i++) {
        FILE *f = fopen(tables[i], "re");
        if (f == NULL)
            continue;
        inode = node_port_inode(f, port);
        fclose(f);
    }
    DIR *d = inode == 0 ? NULL : opendir("/proc");
    struct dirent *e;
    snprintf(name, sizeof name, "socket:[%" PRIu64 "]", inode);
    while (d != NULL && !found && (e = readdir(d)) != NULL) {
        if (e->d_name[0] < '1' || e->d_name[0] > '9' || !holds(e->d_name, name))
            continue;
        process_name(comm, e->d_name);
        snprintf(out, NODE_PORT_HOLDER_BYTES, "process %.20s (%s)", e->d_name, comm);
        found = true;
    }
    if (d != NULL)
        closedir(d);
    return found;
}
