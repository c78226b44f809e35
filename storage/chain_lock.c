/* One process at a time: a lock file beside the database, since a lock on the database itself would
 * keep out this process's own readers. */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "storage/chain_internal.h"

static enum td_error held(int fd, const char *path, struct store_error *error)
{
    char text[24] = "";
    ssize_t len = pread(fd, text, sizeof text - 1u, 0);
    long pid = len > 0 ? strtol(text, NULL, 10) : 0;
    if (pid > 0)
        return store_fail(error, TD_E_BUSY, path, "process %ld uses it; stop that one first", pid);
    return store_fail(error, TD_E_BUSY, path, "another process uses it; stop that one first");
}

enum td_error store_lock_take(int *fd, const char *path, struct store_error *error)
{
    char name[PATH_MAX], text[24];
    *fd = -1;
    if ((size_t)snprintf(name, sizeof name, "%s.lock", path) >= sizeof name)
        return store_fail(error, TD_E_IO, path, "the path is too long");
    int f = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    if (f < 0)
        return store_fail(error, errno == ENOENT ? TD_E_NOTFOUND : TD_E_IO, path,
                          "cannot open its lock file (.lock): %s", strerror(errno));
    if (flock(f, LOCK_EX | LOCK_NB) != 0) {
        enum td_error err = errno == EWOULDBLOCK
                                ? held(f, path, error)
                                : store_fail(error, TD_E_IO, path, "cannot lock its lock file: %s",
                                             strerror(errno));
        close(f);
        return err;
    }
    /* For the message alone: the lock counts, also on a full disk. */
    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(f, 0) != 0 || pwrite(f, text, (size_t)len, 0) != len)
        errno = 0;
    *fd = f;
    return TD_OK;
}
