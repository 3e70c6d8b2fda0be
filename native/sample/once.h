/*
 * Which devices make up the host's figure, so that each byte counts once: what goes through a bridge,
 * a bond, a VLAN, a tunnel, a mapped disk or an array goes through what lies below as well. The same
 * rules in TypeScript: lib/hardware/once.ts; one test holds both to one table.
 */
#ifndef DYNO_ONCE_H
#define DYNO_ONCE_H

#include <stdbool.h>

/* What an interface is, the better the higher: of those that are there only the best kind counts. */
enum interface_rank {
    INTERFACE_NEVER,  /* loopback, or on top of others */
    INTERFACE_TUNNEL, /* its packets leave again through another one, where there is one */
    INTERFACE_VIRTUAL, /* without anything below: a container's own end */
    INTERFACE_HARDWARE,
};

enum interface_rank interface_rank(const char *root, const char *name);

/* A whole disk with nothing below it. */
bool disk_counts(const char *root, const char *name);

/* A disk that is worth its own series: no partition, no file or memory that looks like a disk. */
bool disk_is_shown(const char *root, const char *name);

#endif
