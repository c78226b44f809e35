/* A file system in memory under SQLite that loses power, tears writes and fails on demand.
 *
 *     write, truncate ──▶ live ──sync──▶ durable
 *     power loss:  live := durable + whichever of the writes since the last sync the seed keeps,
 *                          in any combination, the last of them perhaps torn
 *
 * 1. Registered as SQLite's default: the code under test opens files as always.
 * 2. A file's name is durable once the file was synced (SQLite syncs the folder with a new log's
 * first sync); a deletion is durable at once where SQLite asks for it, else it may be undone.
 * 3. Operations that change something are counted from 1: create, write, truncate, sync, delete. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fault_kind {
    FAULT_NONE,
    FAULT_STOP, /* the operation does not happen, nor any after it: the process was killed */
    FAULT_TEAR, /* a write does half its work, then as STOP */
    FAULT_EIO,  /* the operation fails, later ones work */
    FAULT_FULL, /* writes fail from here on: no space left */
};

void fault_vfs_install(void);
/* Forget all files and counts. */
void fault_vfs_reset(void);
/* A durable file of this content. */
void fault_vfs_add(const char *name, const void *bytes, size_t len);
/* Let operation `at` fail so; at 0: none does.  Restarts the count. */
void fault_vfs_arm(enum fault_kind kind, uint64_t at);
uint64_t fault_vfs_operations(void);
/* The process is gone, the machine stays up: what was written is there.  Locks are dropped. */
void fault_vfs_restart(void);
/* Power loss, as above; then restart. */
void fault_vfs_power_loss(uint64_t seed);
/* Flip one bit of a file's content; false beyond its end. */
bool fault_vfs_flip(const char *name, size_t byte, unsigned bit);
size_t fault_vfs_size(const char *name);
