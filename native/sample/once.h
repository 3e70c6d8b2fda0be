/*
 * Which devices make up the host's total, so that each byte counts once: what goes through a
 * bridge, a bond, a VLAN, a tunnel, a mapped disk or an array also goes through the devices below
 * it. lib/hardware/once.ts has the same rules in TypeScript; one test checks both against one
 * table.
 */
#ifndef DYNO_ONCE_H
#define DYNO_ONCE_H

#include <stdbool.h>

/* The kinds of interfaces, better ones higher: only the best kind that is present counts. */
enum interface_rank {
    INTERFACE_NEVER,  /* loopback, or on top of other interfaces */
    INTERFACE_TUNNEL, /* its packets leave again through another interface, if there is one */
    INTERFACE_VIRTUAL, /* with nothing below it: a container's own end */
    INTERFACE_HARDWARE,
};

enum interface_rank interface_rank(const char *root, const char *name);

/* A whole disk with nothing below it. */
bool disk_counts(const char *root, const char *name);

/*
 * A disk that gets its own series: not a partition, and not a file or memory that looks like a
 * disk. An NVMe disk with several paths is its paths, such as nvme0c1n1: under the disk's own name
 * Linux counts nothing before 6.1, and the same bytes again since.
 */
bool disk_is_shown(const char *root, const char *name);

#endif
