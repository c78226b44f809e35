#define _POSIX_C_SOURCE 200809L
#include "storage/fault.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#define SLOW_SYNC_S 2

static _Atomic int disk;

/* SQLite's own file follows in the same memory; vfs.szOsFile has room for both.  SQLite aligns
 * that to 8 bytes, which is all that its files ask for. */
struct file {
    sqlite3_file base;
    sqlite3_file real[];
};

static sqlite3_file *real_of(sqlite3_file *f)
{
    return ((struct file *)f)->real;
}

static bool is(enum store_fault fault)
{
    return atomic_load_explicit(&disk, memory_order_relaxed) == (int)fault;
}

/* ---- what may fail */

static int file_write(sqlite3_file *f, const void *data, int len, sqlite3_int64 offset)
{
    if (is(STORE_FAULT_FULL))
        return SQLITE_FULL;
    return real_of(f)->pMethods->xWrite(real_of(f), data, len, offset);
}

static int file_sync(sqlite3_file *f, int flags)
{
    if (is(STORE_FAULT_EIO))
        return SQLITE_IOERR_FSYNC;
    if (is(STORE_FAULT_SLOW)) {
        struct timespec left = {.tv_sec = SLOW_SYNC_S};
        while (nanosleep(&left, &left) != 0)
            ;
    }
    return real_of(f)->pMethods->xSync(real_of(f), flags);
}

/* ---- what is passed on */

static int file_close(sqlite3_file *f)
{
    return real_of(f)->pMethods->xClose(real_of(f));
}

static int file_read(sqlite3_file *f, void *out, int len, sqlite3_int64 offset)
{
    return real_of(f)->pMethods->xRead(real_of(f), out, len, offset);
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    return real_of(f)->pMethods->xTruncate(real_of(f), size);
}

static int file_size(sqlite3_file *f, sqlite3_int64 *out)
{
    return real_of(f)->pMethods->xFileSize(real_of(f), out);
}

static int file_lock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int file_unlock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int file_reserved(sqlite3_file *f, int *out)
{
    return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}

static int file_control(sqlite3_file *f, int op, void *arg)
{
    return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int file_sector(sqlite3_file *f)
{
    return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int file_device(sqlite3_file *f)
{
    return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int shm_map(sqlite3_file *f, int region, int bytes, int extend, void volatile **out)
{
    return real_of(f)->pMethods->xShmMap(real_of(f), region, bytes, extend, out);
}

static int shm_lock(sqlite3_file *f, int offset, int count, int flags)
{
    return real_of(f)->pMethods->xShmLock(real_of(f), offset, count, flags);
}

static void shm_barrier(sqlite3_file *f)
{
    real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int shm_unmap(sqlite3_file *f, int forget)
{
    return real_of(f)->pMethods->xShmUnmap(real_of(f), forget);
}

/* Version 2: without memory-mapped pages, whose writes nobody here would see. */
static const sqlite3_io_methods METHODS = {.iVersion = 2,
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
                                           .xDeviceCharacteristics = file_device,
                                           .xShmMap = shm_map,
                                           .xShmLock = shm_lock,
                                           .xShmBarrier = shm_barrier,
                                           .xShmUnmap = shm_unmap};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
    sqlite3_vfs *below = vfs->pAppData;
    int rc = below->xOpen(below, name, real_of(f), flags, out_flags);
    /* SQLite closes a file whose methods are set, even after a failure. */
    f->pMethods = real_of(f)->pMethods != NULL ? &METHODS : NULL;
    return rc;
}

bool store_fault_install(void)
{
    static sqlite3_vfs vfs;
    if (vfs.zName != NULL)
        return true;
    sqlite3_vfs *below = sqlite3_vfs_find(NULL);
    if (below == NULL)
        return false;
    vfs = *below; /* paths, time and the rest are the system's; they take no file of ours */
    vfs.pNext = NULL;
    vfs.zName = "tandem-fault";
    vfs.szOsFile = (int)offsetof(struct file, real) + below->szOsFile;
    vfs.pAppData = below;
    vfs.xOpen = vfs_open;
    return sqlite3_vfs_register(&vfs, 1) == SQLITE_OK;
}

void store_fault_disk_set(enum store_fault fault)
{
    atomic_store(&disk, (int)fault);
}

enum store_fault store_fault_disk(void)
{
    return (enum store_fault)atomic_load(&disk);
}

enum store_fault store_fault_disk_parse(const char *word)
{
    static const char *const words[] = {"", "full", "eio", "slow"};
    for (int i = 1; i < 4; i++)
        if (strcmp(word, words[i]) == 0)
            return (enum store_fault)i;
    return STORE_FAULT_NONE;
}
