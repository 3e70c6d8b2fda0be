/* CPU time from /proc/stat, for the whole host and per core, in seconds since boot. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "sample/source.h"

#define CORES_MAX 4096

/* The columns of a line, in order. */
enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, COLUMNS };

struct cpu {
    int fd;
    double tick_s;
    int busy, user, system, idle, iowait, steal;
    int cores; /* highest core number + 1; 0 if only the total is needed */
    int core_busy[CORES_MAX];
    int core_idle[CORES_MAX];
    bool seen[CORES_MAX];
    size_t text_size;
    char *text;
};

static const char *parse_columns(const char *text, uint64_t columns[COLUMNS])
{
    for (int i = 0; i < COLUMNS && text; i++) text = parse_u64(text, &columns[i]);
    return text;
}

/* Guest time is part of user time; time stolen by the hypervisor is not ours. */
static uint64_t busy_ticks(const uint64_t columns[COLUMNS])
{
    return columns[USER] + columns[NICE] + columns[SYSTEM] + columns[IRQ] + columns[SOFTIRQ];
}

static void read_total(struct source *source, const uint64_t columns[COLUMNS], uint64_t now)
{
    const struct cpu *cpu = source->state;
    double tick_s = cpu->tick_s;
    board_put(source->board, cpu->busy, (double)busy_ticks(columns) * tick_s, now);
    board_put(source->board, cpu->user, (double)(columns[USER] + columns[NICE]) * tick_s, now);
    board_put(source->board, cpu->system,
              (double)(columns[SYSTEM] + columns[IRQ] + columns[SOFTIRQ]) * tick_s, now);
    board_put(source->board, cpu->idle, (double)columns[IDLE] * tick_s, now);
    board_put(source->board, cpu->iowait, (double)columns[IOWAIT] * tick_s, now);
    board_put(source->board, cpu->steal, (double)columns[STEAL] * tick_s, now);
}

static void cpu_read(struct source *source, uint64_t now)
{
    struct cpu *cpu = source->state;
    uint64_t columns[COLUMNS], core;
    if (file_read(cpu->fd, cpu->text, cpu->text_size) < 0) return;
    const char *line = cpu->text;
    if (strncmp(line, "cpu ", 4) != 0) return;
    if (parse_columns(line + 4, columns)) read_total(source, columns, now);
    if (cpu->cores == 0) return;
    memset(cpu->seen, 0, (size_t)cpu->cores * sizeof cpu->seen[0]);
    while ((line = next_line(line)) && strncmp(line, "cpu", 3) == 0) {
        const char *rest = parse_u64(line + 3, &core);
        if (!rest || core >= (uint64_t)cpu->cores || !parse_columns(rest, columns)) continue;
        board_put(source->board, cpu->core_busy[core], (double)busy_ticks(columns) * cpu->tick_s,
                  now);
        board_put(source->board, cpu->core_idle[core],
                  (double)(columns[IDLE] + columns[IOWAIT]) * cpu->tick_s, now);
        cpu->seen[core] = true;
    }
    for (int i = 0; i < cpu->cores; i++) {
        if (cpu->seen[i]) continue;
        board_put(source->board, cpu->core_busy[i], UNKNOWN, now);
        board_put(source->board, cpu->core_idle[i], UNKNOWN, now);
    }
}

static void cpu_close(struct source *source)
{
    struct cpu *cpu = source->state;
    close(cpu->fd);
    free(cpu->text);
    free(cpu);
}

static void add_total(struct cpu *cpu, struct board *board)
{
    cpu->busy = board_add(board, "cpu", "s", COUNTER, "cpu.busy_s");
    cpu->user = board_add(board, "cpu", "s", COUNTER, "cpu.user_s");
    cpu->system = board_add(board, "cpu", "s", COUNTER, "cpu.system_s");
    cpu->idle = board_add(board, "cpu", "s", COUNTER, "cpu.idle_s");
    cpu->iowait = board_add(board, "cpu", "s", COUNTER, "cpu.iowait_s");
    cpu->steal = board_add(board, "cpu", "s", COUNTER, "cpu.steal_s");
}

static void add_core(struct cpu *cpu, struct board *board, uint64_t core)
{
    if (core >= CORES_MAX || cpu->core_busy[core] >= 0) return;
    cpu->core_busy[core] =
        board_add(board, "cores", "s", COUNTER, "cpu%llu.busy_s", (unsigned long long)core);
    cpu->core_idle[core] =
        board_add(board, "cores", "s", COUNTER, "cpu%llu.idle_s", (unsigned long long)core);
    if ((int)core >= cpu->cores) cpu->cores = (int)core + 1;
}

/* Adds the cores that run, and those that may come online later: "0-3,8" in /sys. */
static void add_cores(struct cpu *cpu, struct board *board, const char *root)
{
    char present[512] = "";
    uint64_t core, last;
    for (const char *line = cpu->text; line; line = next_line(line))
        if (strncmp(line, "cpu", 3) == 0 && line[3] != ' ' && parse_u64(line + 3, &core))
            add_core(cpu, board, core);
    file_line(present, sizeof present, root, "/sys/devices/system/cpu/present");
    for (const char *at = present; (at = parse_u64(at, &core)); at++) {
        last = core;
        if (*at == '-' && !(at = parse_u64(at + 1, &last))) return;
        for (; core <= last && core < CORES_MAX; core++) add_core(cpu, board, core);
        if (*at != ',') return;
    }
}

void cpu_open(struct opening *opening)
{
    uint32_t metrics = opening->options->metrics;
    if (!(metrics & (METRICS_CPU | METRICS_CORES))) return;
    struct source *source = source_add(opening, "cpu", "/proc/stat", LANE_FAST, 0);
    if (!source) return;
    struct cpu *cpu = calloc(1, sizeof *cpu);
    int fd = file_open(opening->options->root, "/proc/stat");
    if (fd < 0 || !cpu) {
        source_note(source, "/proc/stat: %s", strerror(errno));
        if (fd >= 0) close(fd);
        free(cpu);
        return;
    }
    cpu->fd = fd;
    cpu->tick_s = 1.0 / (double)sysconf(_SC_CLK_TCK);
    cpu->busy = cpu->user = cpu->system = cpu->idle = cpu->iowait = cpu->steal = -1;
    for (int i = 0; i < CORES_MAX; i++) cpu->core_busy[i] = cpu->core_idle[i] = -1;
    cpu->text_size = metrics & METRICS_CORES ? 192 * CORES_MAX : 1024; /* the CPU lines come first */
    cpu->text = malloc(cpu->text_size);
    if (!cpu->text || file_read(fd, cpu->text, cpu->text_size) <= 0) {
        source_note(source, "/proc/stat cannot be read: %s", strerror(errno));
        source->state = cpu;
        cpu_close(source);
        return;
    }
    if (metrics & METRICS_CPU) add_total(cpu, opening->board);
    if (metrics & METRICS_CORES) add_cores(cpu, opening->board, opening->options->root);
    source_ready(source, cpu, cpu_read, cpu_close);
}
