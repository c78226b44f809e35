#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/host/folder.h"
#include "node/keys/keystore.h"

static enum td_error system_error(struct node_keystore_error *error, enum td_error err,
                                  const char *what)
{
    snprintf(error->text, sizeof error->text, "%s: %s", what, strerror(errno));
    return err;
}

/* Invariant 4, on the open file and not on its name. */
static enum td_error check_access(int fd, struct node_keystore_error *error)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return system_error(error, TD_E_IO, "stat");
    if (!S_ISREG(st.st_mode)) {
        snprintf(error->text, sizeof error->text, "not a regular file");
        return TD_E_RANGE;
    }
    if (st.st_uid != geteuid() && st.st_uid != 0) {
        snprintf(error->text, sizeof error->text, "owned by user %u, who can read it; chown it",
                 (unsigned)st.st_uid);
        return TD_E_RANGE;
    }
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        snprintf(error->text, sizeof error->text,
                 "mode %04o lets others at the key; run: chmod 600 on it",
                 (unsigned)(st.st_mode & 07777u));
        return TD_E_RANGE;
    }
    return TD_OK;
}

/* All of it, or as much as `max`. */
static bool read_all(int fd, char *out, size_t max, size_t *len)
{
    *len = 0;
    while (*len < max) {
        ssize_t n = read(fd, out + *len, max - *len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        if (n == 0)
            break;
        *len += (size_t)n;
    }
    return true;
}

enum td_error node_keystore_read(char out[NODE_KEYSTORE_BYTES_MAX], size_t *len,
                                 struct node_keystore_error *error, const char *path)
{
    char more;
    size_t extra = 0;
    *len = 0;
    error->text[0] = '\0';
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ELOOP)
        return system_error(error, TD_E_RANGE, "a symbolic link");
    if (fd < 0)
        return system_error(error, errno == ENOENT ? TD_E_NOTFOUND : TD_E_IO, "open");
    enum td_error err = check_access(fd, error);
    if (err == TD_OK &&
        (!read_all(fd, out, NODE_KEYSTORE_BYTES_MAX, len) || !read_all(fd, &more, 1, &extra)))
        err = system_error(error, TD_E_IO, "read");
    if (err == TD_OK && extra > 0) {
        snprintf(error->text, sizeof error->text, "larger than a key file (%u bytes)",
                 NODE_KEYSTORE_BYTES_MAX);
        err = TD_E_LIMIT;
    }
    close(fd);
    if (err != TD_OK)
        *len = 0;
    return err;
}

static bool write_all(int fd, const char *at, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

enum td_error node_keystore_write(const char *path, const char *json, size_t len,
                                  struct node_keystore_error *error)
{
    error->text[0] = '\0';
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return system_error(error, errno == EEXIST ? TD_E_EXISTS : TD_E_IO, "create");
    const char *step = fchmod(fd, S_IRUSR | S_IWUSR) != 0 ? "chmod" /* whatever the umask was */
                       : !write_all(fd, json, len)        ? "write"
                       : fsync(fd) != 0                   ? "fsync"
                                                          : NULL;
    enum td_error err = step == NULL ? TD_OK : system_error(error, TD_E_IO, step);
    if (close(fd) != 0 && err == TD_OK)
        err = system_error(error, TD_E_IO, "close");
    if (err == TD_OK && td_folder_sync(path) != 0)
        err = system_error(error, TD_E_IO, "fsync of the folder");
    if (err != TD_OK)
        unlink(path);
    return err;
}
