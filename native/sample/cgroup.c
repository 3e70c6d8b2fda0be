/*
 * The limits and the use of the cgroup (version 2) that this process lives in: what a container
 * may take. A limit is the smallest on the way to the top; infinite where none is set.
 */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "sample/source.h"

#define LEVELS_MAX 16

struct usage {
    int cpu_stat;
    int memory_current;
    int cpu, throttled, memory;
};

struct limits {
    int levels;
    int cpu_max[LEVELS_MAX];
    int memory_max[LEVELS_MAX];
    int cpu, memory;
};

static void usage_read(struct source *source, uint64_t now)
{
    const struct usage *usage = source->state;
    char text[2048];
    uint64_t value;
    if (usage->cpu_stat >= 0 && file_read(usage->cpu_stat, text, sizeof text) > 0) {
        if (find_u64(text, "usage_usec ", &value))
            board_put(source->board, usage->cpu, (double)value / 1e6, now);
        if (find_u64(text, "throttled_usec ", &value))
            board_put(source->board, usage->throttled, (double)value / 1e6, now);
    }
    if (usage->memory_current >= 0 && file_read_u64(usage->memory_current, &value))
        board_put(source->board, usage->memory, (double)value, now);
}

static void usage_close(struct source *source)
{
    struct usage *usage = source->state;
    if (usage->cpu_stat >= 0) close(usage->cpu_stat);
    if (usage->memory_current >= 0) close(usage->memory_current);
    free(usage);
}

/* cpu.max: "quota period" in microseconds, or "max period". */
static double cores_allowed(int fd)
{
    char text[64];
    uint64_t quota, period;
    const char *rest;
    if (fd < 0 || file_read(fd, text, sizeof text) <= 0) return INFINITY;
    if (!(rest = parse_u64(text, &quota)) || !parse_u64(rest, &period) || period == 0)
        return INFINITY;
    return (double)quota / (double)period;
}

static void limits_read(struct source *source, uint64_t now)
{
    const struct limits *limits = source->state;
    double cores = INFINITY, bytes = INFINITY;
    for (int i = 0; i < limits->levels; i++) {
        uint64_t value;
        cores = fmin(cores, cores_allowed(limits->cpu_max[i]));
        if (limits->memory_max[i] >= 0 && file_read_u64(limits->memory_max[i], &value))
            bytes = fmin(bytes, (double)value);
    }
    board_put(source->board, limits->cpu, cores, now);
    board_put(source->board, limits->memory, bytes, now);
}

static void limits_close(struct source *source)
{
    struct limits *limits = source->state;
    for (int i = 0; i < limits->levels; i++) {
        if (limits->cpu_max[i] >= 0) close(limits->cpu_max[i]);
        if (limits->memory_max[i] >= 0) close(limits->memory_max[i]);
    }
    free(limits);
}

/* Version 2 alone is mounted at the top; beside version 1 it is in unified/. */
static bool find_mount(const char *root, char *mount, size_t size)
{
    static const char *const MOUNTS[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
    for (size_t i = 0; i < sizeof MOUNTS / sizeof MOUNTS[0]; i++) {
        int fd = file_open(root, "%s/cgroup.controllers", MOUNTS[i]);
        if (fd < 0) continue;
        close(fd);
        snprintf(mount, size, "%s", MOUNTS[i]);
        return true;
    }
    return false;
}

/* The path of "0::PATH"; "" for the top group. */
static bool find_own(const char *root, char *path, size_t size)
{
    char text[8192];
    int fd = file_open(root, "/proc/self/cgroup");
    if (fd < 0) return false;
    ssize_t length = file_read(fd, text, sizeof text);
    close(fd);
    for (const char *line = length > 0 ? text : NULL; line; line = next_line(line)) {
        if (strncmp(line, "0::", 3) != 0) continue;
        snprintf(path, size, "%.*s", (int)strcspn(line + 3, "\n"), line + 3);
        if (strcmp(path, "/") == 0) path[0] = '\0';
        return true;
    }
    return false;
}

static bool usage_open(struct opening *opening, struct source *source, const char *mount,
                       const char *path)
{
    const char *root = opening->options->root;
    struct board *board = opening->board;
    struct usage *usage = calloc(1, sizeof *usage);
    if (!usage) return false;
    usage->cpu_stat = file_open(root, "%s%s/cpu.stat", mount, path);
    usage->memory_current = file_open(root, "%s%s/memory.current", mount, path);
    usage->cpu = usage->throttled = usage->memory = -1;
    if (usage->cpu_stat >= 0) {
        usage->cpu = board_add(board, "cgroup", "s", COUNTER, "cgroup.cpu_s");
        usage->throttled = board_add(board, "cgroup", "s", COUNTER, "cgroup.throttled_s");
    }
    if (usage->memory_current >= 0)
        usage->memory = board_add(board, "cgroup", "bytes", GAUGE, "cgroup.memory_bytes");
    source_ready(source, usage, usage_read, usage_close);
    return true;
}

static void limits_open(struct opening *opening, struct source *source, const char *mount,
                        char *path)
{
    const char *root = opening->options->root;
    struct limits *limits = calloc(1, sizeof *limits);
    if (!limits) return;
    bool more = true;
    while (more && limits->levels < LEVELS_MAX) {
        int level = limits->levels++;
        limits->cpu_max[level] = file_open(root, "%s%s/cpu.max", mount, path);
        limits->memory_max[level] = file_open(root, "%s%s/memory.max", mount, path);
        char *last = strrchr(path, '/');
        more = last != NULL;
        if (last) *last = '\0';
    }
    limits->cpu = board_add(opening->board, "cgroup", "cores", GAUGE, "cgroup.cpu_limit_cores");
    limits->memory =
        board_add(opening->board, "cgroup", "bytes", GAUGE, "cgroup.memory_limit_bytes");
    source_ready(source, limits, limits_read, limits_close);
}

void cgroup_open(struct opening *opening)
{
    if (!(opening->options->metrics & METRICS_CGROUP)) return;
    struct source *use = source_add(opening, "cgroup", "cgroup v2 use", LANE_FAST, 0);
    struct source *limits =
        source_add(opening, "cgroup", "cgroup v2 limits", LANE_SLOW, NS_PER_S);
    if (!use || !limits) return;
    char mount[64], path[PATH_MAX / 2];
    if (!find_mount(opening->options->root, mount, sizeof mount) ||
        !find_own(opening->options->root, path, sizeof path)) {
        source_note(use, "no cgroup v2 is mounted in /sys/fs/cgroup");
        source_note(limits, "no cgroup v2 is mounted in /sys/fs/cgroup");
        return;
    }
    if (usage_open(opening, use, mount, path)) limits_open(opening, limits, mount, path);
}
