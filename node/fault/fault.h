/* Faults that a node of a local network does to itself, so that what it does about them can be
 * seen.  Only with [fault] enabled, which needs a genesis marked as one for development.
 *
 *     HOME/fault/clock   milliseconds, signed: added to the wall clock
 *     HOME/fault/disk    full | eio | slow: what writing is like (storage/fault.h)
 *     HOME/fault/point   name of a point below: the process dies there, once
 *
 * 1. Files are read at the start and whenever one changes; a file that is gone is a fault that is
 *    over, one that cannot be read or understood is ignored.
 * 2. At the point the file is removed, and then the process gets SIGKILL: nothing is flushed, no
 *    handler runs, and the next start lives.
 * 3. Nothing here costs more than one load of a word while no fault is on. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/host/clock.h"

struct event_base;

enum node_fault_point {
    NODE_FAULT_NONE,
    NODE_FAULT_BEFORE_COMMIT, /* of the chain database */
    NODE_FAULT_AFTER_COMMIT,  /* and before the sign guard's put */
    NODE_FAULT_AFTER_GUARD,   /* and before anything signed leaves */
    NODE_FAULT_BEFORE_SEND,   /* of a frame of this node's own core */
};
#define NODE_FAULT_POINTS 5u

/* NODE_FAULT_NONE for an unknown name. */
enum node_fault_point node_fault_point_parse(const char *name);
/* The names, parted by spaces. */
const char *node_fault_point_names(void);

struct node_fault;

/* Obey HOME/fault from now on, on the loop of `base`.  One per process.  NULL: the folder cannot be
 * made or watched; errno says why. */
struct node_fault *node_fault_new(struct event_base *base, const char *home);
void node_fault_free(struct node_fault *f);

/* The system's clock with the skew that is asked for; any thread, with or without a node_fault. */
struct td_clock node_fault_clock(void);

/* How many of a kind are on: clock, disk, point. */
struct node_fault_active {
    bool clock, disk, point;
};
struct node_fault_active node_fault_active(void);

/* Die here if that is asked for; any thread. */
void node_fault_reached(enum node_fault_point point);
