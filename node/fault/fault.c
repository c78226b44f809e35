#define _GNU_SOURCE /* IN_ flags */
#include "node/fault/fault.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/fault.h"

#define SKEW_MS_MAX 86400000L /* a day */
#define WORD_BYTES 32u
#define FOLDER_BYTES 4096u

/* One process is one node: threads that reach a point have nothing else in common. */
static struct {
    _Atomic int point;
    _Atomic int64_t skew_ms;
    char file[FOLDER_BYTES + 16u]; /* HOME/fault/point; written before any thread starts */
} state;

struct node_fault {
    char folder[FOLDER_BYTES];
    int fd;
    struct event *event;
};

static const char *const NAMES[NODE_FAULT_POINTS] = {"", "before_commit", "after_commit",
                                                     "after_guard", "before_send"};

enum node_fault_point node_fault_point_parse(const char *name)
{
    for (uint32_t i = 1; i < NODE_FAULT_POINTS; i++)
        if (strcmp(name, NAMES[i]) == 0)
            return (enum node_fault_point)i;
    return NODE_FAULT_NONE;
}

const char *node_fault_point_names(void)
{
    return "before_commit after_commit after_guard before_send";
}

void node_fault_reached(enum node_fault_point point)
{
    int wanted = (int)point;
    if (atomic_load_explicit(&state.point, memory_order_relaxed) != wanted)
        return;
    (void)unlink(state.file);
    (void)kill(getpid(), SIGKILL);
}

/* ---- the clock */

static uint64_t system_mono(void *ctx)
{
    (void)ctx;
    const struct td_clock c = td_clock_system();
    return td_clock_mono_ns(&c);
}

static uint64_t skewed_wall(void *ctx)
{
    (void)ctx;
    const struct td_clock c = td_clock_system();
    /* Unsigned on purpose: a negative skew wraps to the same as a subtraction. */
    return td_clock_wall_ms(&c) +
           (uint64_t)atomic_load_explicit(&state.skew_ms, memory_order_relaxed);
}

struct td_clock node_fault_clock(void)
{
    return (struct td_clock){.mono_ns = system_mono, .wall_ms = skewed_wall};
}

struct node_fault_active node_fault_active(void)
{
    return (struct node_fault_active){.clock = atomic_load(&state.skew_ms) != 0,
                                      .disk = store_fault_disk() != STORE_FAULT_NONE,
                                      .point = atomic_load(&state.point) != NODE_FAULT_NONE};
}

/* ---- files */

/* The first word of a file, "" when there is none. */
static void read_word(char out[WORD_BYTES], const struct node_fault *f, const char *name)
{
    char path[FOLDER_BYTES + 16u];
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? 0 : read(fd, out, WORD_BYTES - 1u);
    if (fd >= 0)
        close(fd);
    out[len > 0 ? len : 0] = '\0';
    out[strcspn(out, " \r\n\t")] = '\0';
}

static void read_all(const struct node_fault *f)
{
    char word[WORD_BYTES], *end;
    read_word(word, f, "clock");
    long skew = strtol(word, &end, 10);
    bool good = word[0] != '\0' && *end == '\0' && skew >= -SKEW_MS_MAX && skew <= SKEW_MS_MAX;
    atomic_store(&state.skew_ms, good ? skew : 0);
    read_word(word, f, "disk");
    store_fault_disk_set(store_fault_disk_parse(word));
    read_word(word, f, "point");
    atomic_store(&state.point, (int)node_fault_point_parse(word));
}

static void on_change(evutil_socket_t fd, short what, void *arg)
{
    char events[4096];
    (void)what;
    while (read(fd, events, sizeof events) > 0)
        ;
    read_all(arg);
}

struct node_fault *node_fault_new(struct event_base *base, const char *home)
{
    struct node_fault *f = calloc(1, sizeof *f);
    if (f == NULL)
        return NULL;
    int len = snprintf(f->folder, sizeof f->folder, "%s/fault", home);
    f->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    bool good = f->fd >= 0 && len > 0 && (size_t)len < sizeof f->folder &&
                (mkdir(f->folder, 0700) == 0 || errno == EEXIST) &&
                inotify_add_watch(f->fd, f->folder, IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE) >= 0;
    if (good) {
        snprintf(state.file, sizeof state.file, "%s/point", f->folder);
        f->event = event_new(base, f->fd, EV_READ | EV_PERSIST, on_change, f);
        good = f->event != NULL && event_add(f->event, NULL) == 0 && store_fault_install();
    }
    if (!good) {
        int kept = errno;
        node_fault_free(f);
        errno = kept;
        return NULL;
    }
    read_all(f);
    return f;
}

void node_fault_free(struct node_fault *f)
{
    if (f == NULL)
        return;
    if (f->event != NULL)
        event_free(f->event);
    if (f->fd >= 0)
        close(f->fd);
    free(f);
}
