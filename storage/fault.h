/* A disk that fails on demand, under SQLite: a file system that passes everything on to the
 * system's and refuses, or delays, what is written.  For development networks; a node installs it
 * only where [fault] enabled says so.
 *
 *     full   nothing more is written: SQLITE_FULL, as with ENOSPC
 *     eio    a sync fails: the written may or may not be there
 *     slow   a sync takes two seconds
 *
 * Reading always works.  Files opened before the installation are not touched by it. */
#pragma once

#include <stdbool.h>

enum store_fault {
    STORE_FAULT_NONE,
    STORE_FAULT_FULL,
    STORE_FAULT_EIO,
    STORE_FAULT_SLOW,
};

/* As SQLite's default from now on.  False: SQLite refuses. */
bool store_fault_install(void);

/* Any thread, at any time. */
void store_fault_disk_set(enum store_fault fault);
enum store_fault store_fault_disk(void);

/* "full", "eio", "slow"; anything else is STORE_FAULT_NONE. */
enum store_fault store_fault_disk_parse(const char *word);
