#include "tests/storage/fault_vfs.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/core/assert.h"

#define FILES_MAX 8u
#define NAME_MAX_BYTES 128u
#define PENDING_MAX 4096u
#define SHM_REGIONS_MAX 8u

struct bytes {
    uint8_t *at;
    size_t len, cap;
};

/* One write or truncation since the last sync. */
struct change {
    bool truncates;
    size_t offset, len;
    uint8_t *data;
};

/* Memory that connections of one process share about a log; gone with the process. */
struct shm {
    void *regions[SHM_REGIONS_MAX];
    int shared[SQLITE_SHM_NLOCK];
    bool exclusive[SQLITE_SHM_NLOCK];
};

struct node {
    char name[NAME_MAX_BYTES];
    bool exists, durable_name;
    struct bytes live, durable;
    struct change *pending;
    size_t pending_count;
    int lock;   /* the highest any handle has */
    int shared; /* handles that have any */
    struct shm shm;
};

struct handle {
    sqlite3_file base;
    struct node *node;
    int lock;
    bool shm_shared[SQLITE_SHM_NLOCK], shm_exclusive[SQLITE_SHM_NLOCK];
};

static struct {
    struct node files[FILES_MAX];
    enum fault_kind kind;
    uint64_t at, count;
    bool stopped;
} disk;

/* ---- content */

static void resize(struct bytes *b, size_t len)
{
    if (len > b->cap) {
        b->cap = len * 2u;
        b->at = realloc(b->at, b->cap);
        TD_ASSERT(b->at != NULL);
    }
    if (len > b->len)
        memset(b->at + b->len, 0, len - b->len);
    b->len = len;
}

static void apply(struct bytes *b, const struct change *c, size_t len)
{
    if (c->truncates) {
        resize(b, c->len);
        return;
    }
    if (b->len < c->offset + len)
        resize(b, c->offset + len);
    if (len > 0)
        memcpy(b->at + c->offset, c->data, len);
}

static void copy(struct bytes *to, const struct bytes *from)
{
    resize(to, from->len);
    if (from->len > 0)
        memcpy(to->at, from->at, from->len);
}

static void forget_pending(struct node *n)
{
    for (size_t i = 0; i < n->pending_count; i++)
        free(n->pending[i].data);
    n->pending_count = 0;
}

static void change(struct node *n, bool truncates, size_t offset, const void *data, size_t len)
{
    struct change c = {.truncates = truncates, .offset = offset, .len = len};
    if (n->pending == NULL)
        n->pending = calloc(PENDING_MAX, sizeof *n->pending);
    TD_ASSERT(n->pending != NULL && n->pending_count < PENDING_MAX);
    if (!truncates && len > 0) {
        c.data = malloc(len);
        TD_ASSERT(c.data != NULL);
        memcpy(c.data, data, len);
    }
    apply(&n->live, &c, len);
    n->pending[n->pending_count++] = c;
}

/* ---- faults */

/* Count an operation; what it should return, SQLITE_OK to go on. */
static int operation(int error, bool *tear)
{
    *tear = false;
    if (disk.stopped)
        return SQLITE_IOERR;
    disk.count++;
    if (disk.kind == FAULT_FULL && disk.at != 0 && disk.count >= disk.at)
        return SQLITE_FULL;
    if (disk.at == 0 || disk.count != disk.at || disk.kind == FAULT_NONE)
        return SQLITE_OK;
    if (disk.kind == FAULT_EIO)
        return error;
    disk.stopped = true;
    *tear = disk.kind == FAULT_TEAR;
    return SQLITE_IOERR;
}

/* ---- files */

static struct node *find(const char *name)
{
    for (size_t i = 0; i < FILES_MAX; i++)
        if (disk.files[i].exists && strcmp(disk.files[i].name, name) == 0)
            return &disk.files[i];
    return NULL;
}

static struct node *create(const char *name)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        struct node *n = &disk.files[i];
        if (n->exists || n->durable_name)
            continue;
        TD_ASSERT(strlen(name) < sizeof n->name);
        memcpy(n->name, name, strlen(name) + 1u);
        n->exists = true;
        n->live.len = 0;
        n->durable.len = 0;
        return n;
    }
    TD_ASSERT(false);
    return NULL;
}

static int file_close(sqlite3_file *f)
{
    (void)f;
    return SQLITE_OK;
}

static struct node *node_of(sqlite3_file *f)
{
    return ((struct handle *)f)->node;
}

static int file_read(sqlite3_file *f, void *out, int len, sqlite3_int64 offset)
{
    const struct bytes *b = &node_of(f)->live;
    size_t at = (size_t)offset, want = (size_t)len;
    if (disk.stopped)
        return SQLITE_IOERR_READ;
    size_t have = at >= b->len ? 0 : b->len - at < want ? b->len - at : want;
    if (have > 0)
        memcpy(out, b->at + at, have);
    memset((uint8_t *)out + have, 0, want - have);
    return have == want ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *f, const void *data, int len, sqlite3_int64 offset)
{
    bool tear;
    int rc = operation(SQLITE_IOERR_WRITE, &tear);
    size_t bytes = rc == SQLITE_OK ? (size_t)len : tear ? (size_t)len / 2u : 0;
    if (bytes > 0)
        change(node_of(f), false, (size_t)offset, data, bytes);
    return rc;
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    bool tear;
    int rc = operation(SQLITE_IOERR_TRUNCATE, &tear);
    if (rc == SQLITE_OK)
        change(node_of(f), true, 0, NULL, (size_t)size);
    return rc;
}

static int file_sync(sqlite3_file *f, int flags)
{
    bool tear;
    struct node *n = node_of(f);
    int rc = operation(SQLITE_IOERR_FSYNC, &tear);
    (void)flags;
    if (rc != SQLITE_OK)
        return rc;
    copy(&n->durable, &n->live);
    n->durable_name = n->exists;
    forget_pending(n);
    return SQLITE_OK;
}

static int file_size(sqlite3_file *f, sqlite3_int64 *out)
{
    *out = (sqlite3_int64)node_of(f)->live.len;
    return SQLITE_OK;
}

/* One process: a lock of another handle above SHARED excludes, and any excludes EXCLUSIVE. */
static int file_lock(sqlite3_file *f, int level)
{
    struct handle *h = (struct handle *)f;
    int others = h->node->shared - (h->lock >= SQLITE_LOCK_SHARED ? 1 : 0);
    if (h->node->lock > h->lock && h->node->lock > SQLITE_LOCK_SHARED)
        return SQLITE_BUSY;
    if (level == SQLITE_LOCK_EXCLUSIVE && others > 0)
        return SQLITE_BUSY;
    if (h->lock < SQLITE_LOCK_SHARED && level >= SQLITE_LOCK_SHARED)
        h->node->shared++;
    if (level > h->lock)
        h->lock = level;
    if (h->lock > h->node->lock)
        h->node->lock = h->lock;
    return SQLITE_OK;
}

static int file_unlock(sqlite3_file *f, int level)
{
    struct handle *h = (struct handle *)f;
    if (level >= h->lock)
        return SQLITE_OK;
    if (level < SQLITE_LOCK_SHARED)
        h->node->shared--;
    h->lock = level;
    h->node->lock = h->node->shared > 0 ? SQLITE_LOCK_SHARED : SQLITE_LOCK_NONE;
    return SQLITE_OK;
}

/* ---- shared memory of the log */

static int shm_map(sqlite3_file *f, int region, int bytes, int extend, void volatile **out)
{
    struct shm *s = &node_of(f)->shm;
    TD_ASSERT(region >= 0 && (unsigned)region < SHM_REGIONS_MAX);
    if (s->regions[region] == NULL && extend) {
        s->regions[region] = calloc(1, (size_t)bytes);
        TD_ASSERT(s->regions[region] != NULL);
    }
    *out = s->regions[region];
    return SQLITE_OK;
}

static int shm_lock(sqlite3_file *f, int offset, int count, int flags)
{
    struct handle *h = (struct handle *)f;
    struct shm *s = &h->node->shm;
    bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0, lock = (flags & SQLITE_SHM_LOCK) != 0;
    for (int i = offset; lock && i < offset + count; i++)
        if ((s->exclusive[i] && !h->shm_exclusive[i]) ||
            (exclusive && s->shared[i] > (h->shm_shared[i] ? 1 : 0)))
            return SQLITE_BUSY;
    for (int i = offset; i < offset + count; i++) {
        if (exclusive) {
            s->exclusive[i] = lock;
            h->shm_exclusive[i] = lock;
        } else if (h->shm_shared[i] != lock) {
            s->shared[i] += lock ? 1 : -1;
            h->shm_shared[i] = lock;
        }
    }
    return SQLITE_OK;
}

static void shm_barrier(sqlite3_file *f)
{
    (void)f;
}

static void shm_forget(struct shm *s)
{
    for (size_t i = 0; i < SHM_REGIONS_MAX; i++)
        free(s->regions[i]);
    memset(s, 0, sizeof *s);
}

static int shm_unmap(sqlite3_file *f, int forget)
{
    if (forget)
        shm_forget(&node_of(f)->shm);
    return SQLITE_OK;
}

static int file_reserved(sqlite3_file *f, int *out)
{
    *out = node_of(f)->lock >= SQLITE_LOCK_RESERVED;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *f, int op, void *arg)
{
    (void)f;
    (void)op;
    (void)arg;
    return SQLITE_NOTFOUND;
}

static int file_sector(sqlite3_file *f)
{
    (void)f;
    return 4096;
}

static int file_device(sqlite3_file *f)
{
    (void)f;
    return 0; /* promises nothing */
}

static const sqlite3_io_methods METHODS = {.iVersion = 2,
                                           .xShmMap = shm_map,
                                           .xShmLock = shm_lock,
                                           .xShmBarrier = shm_barrier,
                                           .xShmUnmap = shm_unmap,
                                           .xClose = file_close,
                                           .xRead = file_read,
                                           .xWrite = file_write,
                                           .xTruncate = file_truncate,
                                           .xSync = file_sync,
                                           .xFileSize = file_size,
                                           .xLock = file_lock,
                                           .xUnlock = file_unlock,
                                           .xCheckReservedLock = file_reserved,
                                           .xFileControl = file_control,
                                           .xSectorSize = file_sector,
                                           .xDeviceCharacteristics = file_device};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
    struct handle *h = (struct handle *)f;
    bool tear;
    (void)vfs;
    memset(h, 0, sizeof *h);
    if (disk.stopped || name == NULL)
        return SQLITE_CANTOPEN;
    h->node = find(name);
    if (h->node == NULL) {
        if ((flags & SQLITE_OPEN_CREATE) == 0)
            return SQLITE_CANTOPEN;
        int rc = operation(SQLITE_CANTOPEN, &tear);
        if (rc != SQLITE_OK)
            return rc;
        h->node = create(name);
    }
    h->base.pMethods = &METHODS;
    if (out_flags != NULL)
        *out_flags = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    bool tear;
    struct node *n = find(name);
    (void)vfs;
    if (n == NULL)
        return SQLITE_IOERR_DELETE_NOENT;
    int rc = operation(SQLITE_IOERR_DELETE, &tear);
    if (rc != SQLITE_OK)
        return rc;
    n->exists = false;
    if (sync_folder)
        n->durable_name = false;
    return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    (void)vfs;
    (void)flags;
    *out = find(name) != NULL;
    return SQLITE_OK;
}

static int vfs_path(sqlite3_vfs *vfs, const char *name, int len, char *out)
{
    (void)vfs;
    sqlite3_snprintf(len, out, "%s", name);
    return SQLITE_OK;
}

static int vfs_random(sqlite3_vfs *vfs, int len, char *out)
{
    (void)vfs;
    memset(out, 0x5A, (size_t)len); /* the same file contents in every run */
    return len;
}

static int vfs_sleep(sqlite3_vfs *vfs, int us)
{
    (void)vfs;
    return us;
}

static int vfs_time(sqlite3_vfs *vfs, double *out)
{
    (void)vfs;
    *out = 2460000.0;
    return SQLITE_OK;
}

static sqlite3_vfs VFS = {.iVersion = 1,
                          .szOsFile = sizeof(struct handle),
                          .mxPathname = (int)NAME_MAX_BYTES,
                          .zName = "fault",
                          .xOpen = vfs_open,
                          .xDelete = vfs_delete,
                          .xAccess = vfs_access,
                          .xFullPathname = vfs_path,
                          .xRandomness = vfs_random,
                          .xSleep = vfs_sleep,
                          .xCurrentTime = vfs_time};

/* ---- for tests */

void fault_vfs_install(void)
{
    TD_ASSERT(sqlite3_vfs_register(&VFS, 1) == SQLITE_OK);
}

void fault_vfs_reset(void)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        struct node *n = &disk.files[i];
        forget_pending(n);
        free(n->pending);
        free(n->live.at);
        free(n->durable.at);
        shm_forget(&n->shm);
    }
    memset(&disk, 0, sizeof disk);
}

void fault_vfs_add(const char *name, const void *bytes, size_t len)
{
    struct node *n = create(name);
    resize(&n->live, len);
    if (len > 0)
        memcpy(n->live.at, bytes, len);
    copy(&n->durable, &n->live);
    n->durable_name = true;
}

void fault_vfs_arm(enum fault_kind kind, uint64_t at)
{
    disk.kind = kind;
    disk.at = at;
    disk.count = 0;
}

uint64_t fault_vfs_operations(void)
{
    return disk.count;
}

void fault_vfs_restart(void)
{
    disk.stopped = false;
    disk.kind = FAULT_NONE;
    for (size_t i = 0; i < FILES_MAX; i++) {
        disk.files[i].lock = 0;
        disk.files[i].shared = 0;
        shm_forget(&disk.files[i].shm);
    }
}

/* splitmix64 */
static uint64_t draw(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

void fault_vfs_power_loss(uint64_t seed)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        struct node *n = &disk.files[i];
        bool name_kept = n->durable_name || (n->exists && draw(&seed) % 2u == 0);
        uint64_t keep = seed == 0 ? 0 : draw(&seed) % 4u; /* of four: none, some, most, all */
        for (size_t k = 0; k < n->pending_count; k++) {
            const struct change *c = &n->pending[k];
            if (keep == 0 || (keep < 3 && draw(&seed) % 4u >= keep + 1u))
                continue;
            bool torn = !c->truncates && k + 1u == n->pending_count && draw(&seed) % 2u == 0;
            apply(&n->durable, c, torn ? (size_t)(draw(&seed) % (c->len + 1u)) : c->len);
        }
        forget_pending(n);
        n->exists = name_kept;
        n->durable_name = name_kept;
        copy(&n->live, &n->durable);
    }
    fault_vfs_restart();
}

bool fault_vfs_flip(const char *name, size_t byte, unsigned bit)
{
    struct node *n = find(name);
    if (n == NULL || byte >= n->live.len)
        return false;
    n->live.at[byte] ^= (uint8_t)(1u << bit);
    copy(&n->durable, &n->live);
    return true;
}

size_t fault_vfs_size(const char *name)
{
    const struct node *n = find(name);
    return n == NULL ? 0 : n->live.len;
}
