/*
 * Limits and use of this process's control groups, version 2 and version 1: what a container may
 * use. A limit is the smallest of our group and its parents, infinite if none is set. The memory in
 * use is that of the group which sets the limit, or of our own group if none does.
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

#define LEVELS_MAX 32
/* Version 1 writes the largest number of pages if there is no limit. */
#define NO_LIMIT_BYTES ((double)(1ull << 60))

/* A group or one of its parents; -1 for files that it lacks. */
struct level {
    int cpu_max;               /* version 2: "quota period" in microseconds, or "max period" */
    int cpu_quota, cpu_period; /* version 1: a number each; a quota of -1 means none */
    int memory_limit, memory_used, memory_stat;
    const char *inactive_key; /* of memory_stat */
};

/* Shared by two sources: the fast one reads use, the slow one reads limits. */
struct groups {
    int users;
    int level_count;
    struct level levels[LEVELS_MAX]; /* our own group first */
    int cpu_use; /* version 2's cpu.stat or version 1's cpuacct.usage */
    bool cpu_use_is_stat;
    int cpu_stat; /* the file that reports throttling */
    const char *throttled_key;
    double throttled_scale;
    _Atomic int limiting; /* the level with the smallest memory limit; -1: none has a limit */
    int cpu, throttled, memory, inactive, cpu_limit, memory_limit;
};

static void put_number(struct board *board, int field, int fd, const char *key, double scale,
                       uint64_t now)
{
    char text[8192];
    uint64_t value;
    if (fd < 0 || file_read(fd, text, sizeof text) <= 0) return;
    if (key ? find_u64(text, key, &value) : parse_u64(text, &value) != NULL)
        board_put(board, field, (double)value * scale, now);
}

static void use_read(struct source *source, uint64_t now)
{
    struct groups *groups = source->state;
    struct board *board = source->board;
    put_number(board, groups->cpu, groups->cpu_use, groups->cpu_use_is_stat ? "usage_usec " : NULL,
               groups->cpu_use_is_stat ? 1e-6 : 1e-9, now);
    put_number(board, groups->throttled, groups->cpu_stat, groups->throttled_key,
               groups->throttled_scale, now);
    int limiting = atomic_load_explicit(&groups->limiting, memory_order_relaxed);
    for (int i = limiting < 0 ? 0 : limiting; i < groups->level_count; i++) {
        const struct level *level = &groups->levels[i];
        if (level->memory_used < 0) continue;
        put_number(board, groups->memory, level->memory_used, NULL, 1, now);
        put_number(board, groups->inactive, level->memory_stat, level->inactive_key, 1, now);
        return;
    }
}

static double cores_allowed(const struct level *level)
{
    char text[64];
    uint64_t quota, period;
    const char *rest;
    if (level->cpu_max >= 0 && file_read(level->cpu_max, text, sizeof text) > 0 &&
        (rest = parse_u64(text, &quota)) && parse_u64(rest, &period) && period > 0)
        return (double)quota / (double)period;
    if (level->cpu_quota >= 0 && level->cpu_period >= 0 &&
        file_read_u64(level->cpu_quota, &quota) && file_read_u64(level->cpu_period, &period) &&
        period > 0)
        return (double)quota / (double)period;
    return INFINITY;
}

static void limits_read(struct source *source, uint64_t now)
{
    struct groups *groups = source->state;
    double cores = INFINITY, bytes = INFINITY;
    int limiting = -1;
    for (int i = 0; i < groups->level_count; i++) {
        const struct level *level = &groups->levels[i];
        uint64_t value;
        cores = fmin(cores, cores_allowed(level));
        if (level->memory_limit < 0 || !file_read_u64(level->memory_limit, &value)) continue;
        if ((double)value >= NO_LIMIT_BYTES || (double)value >= bytes) continue;
        bytes = (double)value;
        limiting = i;
    }
    atomic_store_explicit(&groups->limiting, limiting, memory_order_relaxed);
    board_put(source->board, groups->cpu_limit, cores, now);
    board_put(source->board, groups->memory_limit, bytes, now);
}

static void close_file(int fd)
{
    if (fd >= 0) close(fd);
}

static void groups_close(struct source *source)
{
    struct groups *groups = source->state;
    if (--groups->users > 0) return;
    for (int i = 0; i < groups->level_count; i++) {
        const struct level *level = &groups->levels[i];
        int files[] = {level->cpu_max,      level->cpu_quota,   level->cpu_period,
                       level->memory_limit, level->memory_used, level->memory_stat};
        for (int f = 0; f < 6; f++) close_file(files[f]);
    }
    close_file(groups->cpu_use);
    close_file(groups->cpu_stat);
    free(groups);
}

/* Whether the list "cpu,cpuacct" before a colon contains a controller. */
static bool lists(const char *list, const char *controller)
{
    size_t length = strlen(controller);
    for (; *list && *list != ':'; list += strcspn(list, ",:"), list += *list == ',')
        if (strncmp(list, controller, length) == 0 && strchr(",:", list[length])) return true;
    return false;
}

/*
 * Our group's path in /proc/self/cgroup: for version 2 ("0::PATH"), or for a version 1 controller.
 */
static bool find_own(const char *text, const char *controller, char *path, size_t size)
{
    for (const char *line = text; line; line = next_line(line)) {
        const char *list = strchr(line, ':');
        const char *end = list ? strchr(list + 1, ':') : NULL;
        if (!end || !(controller[0] ? lists(list + 1, controller) : end == list + 1)) continue;
        snprintf(path, size, "%.*s", (int)strcspn(end + 1, "\n"), end + 1);
        if (strcmp(path, "/") == 0) path[0] = '\0';
        return true;
    }
    return false;
}

/* Removes the last part of the path; false at the top. */
static bool go_up(char *path)
{
    char *last = strrchr(path, '/');
    if (last) *last = '\0';
    return last != NULL;
}

static struct level *add_level(struct groups *groups)
{
    if (groups->level_count == LEVELS_MAX) return NULL;
    struct level *level = &groups->levels[groups->level_count++];
    *level = (struct level){-1, -1, -1, -1, -1, -1, NULL};
    return level;
}

/* On a host that also has version 1, version 2 has its own folder. */
static const char *mount_of_version_2(const char *root)
{
    int fd = file_open(root, "/sys/fs/cgroup/cgroup.controllers");
    if (fd < 0) fd = file_open(root, "/sys/fs/cgroup/unified/cgroup.controllers");
    else root = NULL;
    close_file(fd);
    return fd >= 0 && root ? "/sys/fs/cgroup/unified" : "/sys/fs/cgroup";
}

static void add_version_2(struct groups *groups, const char *root, const char *text)
{
    char path[PATH_MAX / 2];
    const char *mount = mount_of_version_2(root);
    struct level *level;
    if (find_own(text, "", path, sizeof path)) do {
            if (!(level = add_level(groups))) return;
            level->cpu_max = file_open(root, "%s%s/cpu.max", mount, path);
            level->memory_limit = file_open(root, "%s%s/memory.max", mount, path);
            level->memory_used = file_open(root, "%s%s/memory.current", mount, path);
            level->memory_stat = file_open(root, "%s%s/memory.stat", mount, path);
            level->inactive_key = "inactive_file ";
            if (groups->cpu_use < 0) {
                groups->cpu_use = file_open(root, "%s%s/cpu.stat", mount, path);
                groups->cpu_stat = file_open(root, "%s%s/cpu.stat", mount, path);
            }
        } while (go_up(path));
    groups->cpu_use_is_stat = groups->cpu_use >= 0;
    groups->throttled_key = "throttled_usec ";
    groups->throttled_scale = 1e-6;
}

static void add_version_1(struct groups *groups, const char *root, const char *text)
{
    char path[PATH_MAX / 2];
    struct level *level;
    if (find_own(text, "memory", path, sizeof path)) do {
            if (!(level = add_level(groups))) return;
            const char *mount = "/sys/fs/cgroup/memory";
            level->memory_limit = file_open(root, "%s%s/memory.limit_in_bytes", mount, path);
            level->memory_used = file_open(root, "%s%s/memory.usage_in_bytes", mount, path);
            level->memory_stat = file_open(root, "%s%s/memory.stat", mount, path);
            level->inactive_key = "total_inactive_file ";
        } while (go_up(path));
    bool told = groups->cpu_stat >= 0;
    if (find_own(text, "cpu", path, sizeof path)) do {
            if (!(level = add_level(groups))) return;
            const char *mount = "/sys/fs/cgroup/cpu";
            level->cpu_quota = file_open(root, "%s%s/cpu.cfs_quota_us", mount, path);
            level->cpu_period = file_open(root, "%s%s/cpu.cfs_period_us", mount, path);
            if (groups->cpu_stat >= 0) continue;
            groups->cpu_stat = file_open(root, "%s%s/cpu.stat", mount, path);
            groups->throttled_key = "throttled_time ";
            groups->throttled_scale = 1e-9;
        } while (go_up(path));
    if (!told && find_own(text, "cpuacct", path, sizeof path)) do {
            if (groups->cpu_use >= 0) break;
            groups->cpu_use = file_open(root, "/sys/fs/cgroup/cpuacct%s/cpuacct.usage", path);
        } while (go_up(path));
}

static struct groups *find_groups(const char *root)
{
    char text[8192];
    int fd = file_open(root, "/proc/self/cgroup");
    struct groups *groups = fd < 0 ? NULL : calloc(1, sizeof *groups);
    ssize_t length = groups ? file_read(fd, text, sizeof text) : -1;
    close_file(fd);
    if (!groups) return NULL;
    groups->cpu_use = groups->cpu_stat = groups->limiting = -1;
    if (length > 0) {
        add_version_2(groups, root, text);
        add_version_1(groups, root, text);
    }
    return groups;
}

/* Whether any level has a file, given by its offset in the structure. */
static bool any_has(const struct groups *groups, size_t offset)
{
    for (int i = 0; i < groups->level_count; i++)
        if (*(const int *)((const char *)&groups->levels[i] + offset) >= 0) return true;
    return false;
}

static bool any_level_says(const struct groups *groups)
{
    static const size_t FILES[] = {
        offsetof(struct level, cpu_max),      offsetof(struct level, cpu_quota),
        offsetof(struct level, memory_limit), offsetof(struct level, memory_used),
    };
    for (size_t i = 0; i < sizeof FILES / sizeof FILES[0]; i++)
        if (any_has(groups, FILES[i])) return true;
    return false;
}

static void add_fields(struct groups *groups, struct board *board)
{
    bool memory = any_has(groups, offsetof(struct level, memory_used));
    bool stat = memory && any_has(groups, offsetof(struct level, memory_stat));
    groups->cpu = groups->throttled = groups->memory = groups->inactive = -1;
    if (groups->cpu_use >= 0)
        groups->cpu = board_add(board, "cgroup", "s", COUNTER, "cgroup.cpu_s");
    if (groups->cpu_stat >= 0)
        groups->throttled = board_add(board, "cgroup", "s", COUNTER, "cgroup.throttled_s");
    if (memory)
        groups->memory = board_add(board, "cgroup", "bytes", GAUGE, "cgroup.memory_bytes");
    if (stat)
        groups->inactive =
            board_add(board, "cgroup", "bytes", GAUGE, "cgroup.memory_inactive_file_bytes");
    groups->cpu_limit = board_add(board, "cgroup", "cores", GAUGE, "cgroup.cpu_limit_cores");
    groups->memory_limit =
        board_add(board, "cgroup", "bytes", GAUGE, "cgroup.memory_limit_bytes");
}

void cgroup_open(struct opening *opening)
{
    if (!(opening->options->metrics & METRICS_CGROUP)) return;
    struct source *use = source_add(opening, "cgroup", "control group, use", LANE_FAST, 0);
    struct source *limits =
        source_add(opening, "cgroup", "control group, limits", LANE_SLOW, NS_PER_S);
    if (!use || !limits) return;
    struct groups *groups = find_groups(opening->options->root);
    if (!groups || (groups->cpu_use < 0 && groups->cpu_stat < 0 && !any_level_says(groups))) {
        source_note(use, "no control group is mounted in /sys/fs/cgroup");
        source_note(limits, "no control group is mounted in /sys/fs/cgroup");
        use->state = groups;
        if (groups) groups->users = 1, groups_close(use);
        use->state = NULL;
        return;
    }
    add_fields(groups, opening->board);
    groups->users = 2;
    source_ready(limits, groups, limits_read, groups_close);
    source_ready(use, groups, use_read, groups_close);
}
