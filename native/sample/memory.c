/* Memory from /proc/meminfo, and time stalled from /proc/pressure. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "sample/source.h"

static const struct {
    const char *key;
    const char *field;
} MEMORY[] = {
    {"MemTotal:", "memory.total_bytes"},         {"MemFree:", "memory.free_bytes"},
    {"MemAvailable:", "memory.available_bytes"}, {"Buffers:", "memory.buffers_bytes"},
    {"Cached:", "memory.cached_bytes"},          {"SwapTotal:", "memory.swap_total_bytes"},
    {"SwapFree:", "memory.swap_free_bytes"},
};
#define MEMORY_COUNT ((int)(sizeof MEMORY / sizeof MEMORY[0]))

struct memory {
    int fd;
    int fields[MEMORY_COUNT];
};

static void memory_read(struct source *source, uint64_t now)
{
    struct memory *memory = source->state;
    char text[8192];
    if (file_read(memory->fd, text, sizeof text) < 0) return;
    const char *line = text;
    for (int i = 0; i < MEMORY_COUNT && line; line = next_line(line)) {
        /* The kernel lists the keys in this order, so the search continues from the last match. */
        for (int j = i; j < MEMORY_COUNT; j++) {
            size_t length = strlen(MEMORY[j].key);
            uint64_t kib;
            if (strncmp(line, MEMORY[j].key, length) != 0) continue;
            if (parse_u64(line + length, &kib))
                board_put(source->board, memory->fields[j], (double)kib * 1024, now);
            i = j + 1;
            break;
        }
    }
}

static void memory_close(struct source *source)
{
    struct memory *memory = source->state;
    close(memory->fd);
    free(memory);
}

void memory_open(struct opening *opening)
{
    if (!(opening->options->metrics & METRICS_MEMORY)) return;
    struct source *source = source_add(opening, "memory", "/proc/meminfo", LANE_FAST, 0);
    if (!source) return;
    struct memory *memory = calloc(1, sizeof *memory);
    int fd = file_open(opening->options->root, "/proc/meminfo");
    if (fd < 0 || !memory) {
        source_note(source, "/proc/meminfo: %s", strerror(errno));
        if (fd >= 0) close(fd);
        free(memory);
        return;
    }
    memory->fd = fd;
    for (int i = 0; i < MEMORY_COUNT; i++)
        memory->fields[i] =
            board_add(opening->board, "memory", "bytes", GAUGE, "%s", MEMORY[i].field);
    source_ready(source, memory, memory_read, memory_close);
}

enum { RESOURCES = 3 };
static const char *const PRESSURE[RESOURCES] = {"cpu", "memory", "io"};

struct pressure {
    int fds[RESOURCES];
    int some[RESOURCES];
    int full[RESOURCES];
};

/*
 * "some avg10=… total=N": microseconds in which some task waited; "full": in which all tasks
 * waited.
 */
static void put_total(struct board *board, int field, const char *line, uint64_t now)
{
    const char *total = strstr(line, "total=");
    uint64_t us;
    if (total && parse_u64(total + 6, &us)) board_put(board, field, (double)us / 1e6, now);
}

static void pressure_read(struct source *source, uint64_t now)
{
    const struct pressure *pressure = source->state;
    char text[512];
    for (int i = 0; i < RESOURCES; i++) {
        if (pressure->fds[i] < 0 || file_read(pressure->fds[i], text, sizeof text) < 0) continue;
        const char *full = strstr(text, "full ");
        put_total(source->board, pressure->some[i], text, now);
        if (full) put_total(source->board, pressure->full[i], full, now);
    }
}

static void pressure_close(struct source *source)
{
    struct pressure *pressure = source->state;
    for (int i = 0; i < RESOURCES; i++)
        if (pressure->fds[i] >= 0) close(pressure->fds[i]);
    free(pressure);
}

void pressure_open(struct opening *opening)
{
    if (!(opening->options->metrics & METRICS_PRESSURE)) return;
    struct source *source = source_add(opening, "pressure", "/proc/pressure", LANE_FAST, 0);
    if (!source) return;
    struct pressure *pressure = calloc(1, sizeof *pressure);
    if (!pressure) return;
    int found = 0;
    for (int i = 0; i < RESOURCES; i++) {
        const char *name = PRESSURE[i];
        pressure->some[i] = pressure->full[i] = -1;
        pressure->fds[i] = file_open(opening->options->root, "/proc/pressure/%s", name);
        char text[512];
        if (pressure->fds[i] < 0 || file_read(pressure->fds[i], text, sizeof text) < 0) continue;
        found++;
        pressure->some[i] =
            board_add(opening->board, "pressure", "s", COUNTER, "pressure.%s_some_s", name);
        if (strstr(text, "full "))
            pressure->full[i] =
                board_add(opening->board, "pressure", "s", COUNTER, "pressure.%s_full_s", name);
    }
    if (found) {
        source_ready(source, pressure, pressure_read, pressure_close);
        return;
    }
    source_note(source, "/proc/pressure: %s; the kernel needs CONFIG_PSI, and psi=1 at boot where "
                        "it is off by default", strerror(errno));
    source->state = pressure;
    pressure_close(source);
    source->state = NULL;
}
