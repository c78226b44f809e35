#define _GNU_SOURCE /* syscall, environ */
#include "testnet/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/core/assert.h"
#include "base/host/clock.h"

/* Where the system has no descriptors for processes (Linux before 5.3), they are looked at this
 * often while they end. */
#define LOOK_MS 20

/* ---- start */

/* The caller's environment without TANDEM_…, which would be every node's at once; malloc'ed. */
static char **clean_environment(void)
{
    size_t count = 0, kept = 0;
    while (environ[count] != NULL)
        count++;
    char **out = calloc(count + 1u, sizeof *out);
    TD_ASSERT(out != NULL);
    for (size_t i = 0; i < count; i++)
        if (strncmp(environ[i], "TANDEM_", 7) != 0)
            out[kept++] = environ[i];
    return out;
}

/* In the child: never returns. */
static _Noreturn void become(const char *program, const char *home, const char *log, char **env,
                             pid_t parent, bool bound)
{
    char *const argv[] = {(char *)"tandem", (char *)"start", (char *)"--home", (char *)home, NULL};
    sigset_t none;
    sigemptyset(&none);
    if (setpgid(0, 0) != 0 || (bound && prctl(PR_SET_PDEATHSIG, SIGTERM) != 0))
        _exit(126);
    if (bound && getppid() != parent) /* it ended before it was asked for */
        _exit(126);
    int in = open("/dev/null", O_RDONLY);
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (in < 0 || out < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
        _exit(126);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(program, argv, env);
    dprintf(2, "cannot run %s: %s\n", program, strerror(errno));
    _exit(127);
}

int testnet_spawn(struct testnet *t, uint32_t node, bool bound)
{
    char home[NODE_PATH_BYTES], log[NODE_PATH_BYTES], program[NODE_PATH_BYTES];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1u);
    if (len <= 0)
        return -1;
    program[len] = '\0';
    testnet_path(home, t, node, NULL);
    testnet_path(log, t, node, "log");
    char **env = clean_environment();
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        become(program, home, log, env, parent, bound);
    free(env);
    if (pid < 0)
        return -1;
    testnet_process_of(&t->nodes[node], pid);
    return 0;
}

/* ---- stop */

static int process_descriptor(pid_t pid)
{
#ifdef SYS_pidfd_open
    return (int)syscall(SYS_pidfd_open, pid, 0);
#else
    (void)pid;
    return -1;
#endif
}

/* Wait until all of those are gone, at most until the time given. */
static bool all_gone(const struct testnet_process *list, const int *fds, uint32_t count,
                     const struct td_clock *clock, uint64_t until_ns)
{
    for (;;) {
        struct pollfd polled[TESTNET_NODES_MAX];
        nfds_t waiting = 0;
        bool living = false, blind = false;
        for (uint32_t i = 0; i < count; i++) {
            if (!testnet_alive(&list[i]))
                continue;
            living = true;
            if (fds[i] >= 0)
                polled[waiting++] = (struct pollfd){.fd = fds[i], .events = POLLIN};
            else
                blind = true;
        }
        uint64_t now = td_clock_mono_ns(clock);
        if (!living || now >= until_ns)
            return !living;
        int left = (int)((until_ns - now) / 1000000u) + 1;
        if (poll(polled, waiting, blind && left > LOOK_MS ? LOOK_MS : left) < 0 && errno != EINTR)
            return false;
    }
}

static void signal_living(const struct testnet_process *list, uint32_t count, int signal)
{
    for (uint32_t i = 0; i < count; i++)
        if (testnet_alive(&list[i]))
            kill(list[i].pid, signal);
}

uint32_t testnet_stop(const struct testnet_process *list, uint32_t count, uint32_t grace_ms)
{
    int fds[TESTNET_NODES_MAX] = {0};
    uint32_t killed = 0;
    struct td_clock clock = td_clock_system();
    TD_ASSERT(count <= TESTNET_NODES_MAX);
    for (uint32_t i = 0; i < count; i++)
        fds[i] = testnet_alive(&list[i]) ? process_descriptor(list[i].pid) : -1;
    signal_living(list, count, SIGTERM);
    uint64_t grace_ns = (uint64_t)grace_ms * 1000000u;
    if (!all_gone(list, fds, count, &clock, td_clock_mono_ns(&clock) + grace_ns)) {
        for (uint32_t i = 0; i < count; i++)
            killed += testnet_alive(&list[i]) ? 1 : 0;
        signal_living(list, count, SIGKILL);
        (void)all_gone(list, fds, count, &clock, td_clock_mono_ns(&clock) + grace_ns);
    }
    for (uint32_t i = 0; i < count; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    return killed;
}

uint32_t testnet_stop_nodes(const struct testnet *t)
{
    signal_living(t->nodes, testnet_count(t), SIGCONT);
    uint32_t killed = testnet_stop(t->nodes, testnet_count(t), TESTNET_GRACE_MS);
    return killed + testnet_stop(&t->links, 1, TESTNET_GRACE_MS);
}

/* ---- logs */

void testnet_tail(FILE *out, const char *path, uint32_t lines, const char *indent)
{
    char text[16384];
    FILE *f = fopen(path, "rbe");
    if (f == NULL)
        return;
    long size = fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
    long from = size > (long)sizeof text ? size - (long)sizeof text : 0;
    size_t len = size < 0 || fseek(f, from, SEEK_SET) != 0 ? 0 : fread(text, 1, sizeof text, f);
    fclose(f);
    if (len > 0 && text[len - 1] == '\n')
        len--;
    size_t at = len;
    for (uint32_t seen = 0; at > 0; at--)
        if (text[at - 1] == '\n' && ++seen == lines)
            break;
    while (at < len) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t n = end == NULL ? len - at : (size_t)(end - text) - at;
        fprintf(out, "%s%.*s\n", indent, (int)n, text + at);
        at += n + 1u;
    }
}

void testnet_end_text(char out[64], int status)
{
    if (WIFSIGNALED(status))
        snprintf(out, 64, "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(out, 64, "exit code %d", WEXITSTATUS(status));
}
