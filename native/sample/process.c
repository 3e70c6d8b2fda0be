/*
 * CPU time and resident memory of given processes, without their children. On a real host the CPU
 * time comes from the process's clock (nanoseconds); under a fixture's root it comes from
 * /proc/PID/stat.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "sample/source.h"

/* In /proc/PID/stat after the name: utime is the 12th column, stime the 13th. */
#define UTIME_COLUMN 12

struct process {
    pid_t pid;
    int statm; /* tied to this process: reading fails once it is gone; -1 after its end */
    int stat;  /* -1 if the clock is used */
    clockid_t clock;
    int cpu;
    int rss;
};

struct processes {
    int count;
    double page_bytes;
    double tick_s;
    struct process processes[PIDS_MAX];
};

static bool clock_cpu_s(const struct process *process, double *cpu_s)
{
    struct timespec time;
    if (clock_gettime(process->clock, &time) != 0) return false;
    *cpu_s = (double)time.tv_sec + (double)time.tv_nsec / 1e9;
    return true;
}

static bool stat_cpu_s(const struct process *process, double tick_s, double *cpu_s)
{
    char text[1024];
    if (file_read(process->stat, text, sizeof text) < 0) return false;
    const char *column = strrchr(text, ')'); /* the name may contain blanks and brackets */
    for (int i = 0; i < UTIME_COLUMN && column; i++) column = strchr(column + 1, ' ');
    uint64_t user, system;
    if (!column || !(column = parse_u64(column, &user)) || !parse_u64(column, &system))
        return false;
    *cpu_s = (double)(user + system) * tick_s;
    return true;
}

static void end(struct source *source, struct process *process, uint64_t now)
{
    char series[32];
    snprintf(series, sizeof series, "process.%d", process->pid);
    board_end_series(source->board, series, "the process ended", now);
    board_put(source->board, process->cpu, UNKNOWN, now);
    board_put(source->board, process->rss, UNKNOWN, now);
    close(process->statm);
    if (process->stat >= 0) close(process->stat);
    process->statm = process->stat = -1;
}

static void process_read(struct source *source, uint64_t now)
{
    struct processes *all = source->state;
    for (int i = 0; i < all->count; i++) {
        struct process *process = &all->processes[i];
        if (process->statm < 0) continue;
        char text[256];
        double cpu_s;
        uint64_t size, resident;
        const char *rest;
        bool alive = file_read(process->statm, text, sizeof text) > 0 &&
                     (process->stat >= 0 ? stat_cpu_s(process, all->tick_s, &cpu_s)
                                         : clock_cpu_s(process, &cpu_s)) &&
                     (rest = parse_u64(text, &size)) && parse_u64(rest, &resident) && size > 0;
        if (!alive) { /* a zombie's memory is 0 pages */
            end(source, process, now);
            continue;
        }
        board_put(source->board, process->cpu, cpu_s, now);
        board_put(source->board, process->rss, (double)resident * all->page_bytes, now);
    }
}

static void process_close(struct source *source)
{
    struct processes *all = source->state;
    for (int i = 0; i < all->count; i++) {
        if (all->processes[i].statm >= 0) close(all->processes[i].statm);
        if (all->processes[i].stat >= 0) close(all->processes[i].stat);
    }
    free(all);
}

static bool add_process(struct processes *all, const struct opening *opening, pid_t pid)
{
    const char *root = opening->options->root;
    struct process *process = &all->processes[all->count];
    process->pid = pid;
    process->stat = -1;
    process->statm = file_open(root, "/proc/%d/statm", pid);
    if (process->statm < 0) return false;
    if (root[0] || clock_getcpuclockid(pid, &process->clock) != 0)
        process->stat = file_open(root, "/proc/%d/stat", pid);
    process->cpu =
        board_add(opening->board, "process", "s", COUNTER, "process.%d.cpu_s", pid);
    process->rss =
        board_add(opening->board, "process", "bytes", GAUGE, "process.%d.rss_bytes", pid);
    all->count++;
    return true;
}

void process_open(struct opening *opening)
{
    const struct options *options = opening->options;
    if (!(options->metrics & METRICS_PROCESS) || options->pid_count == 0) return;
    struct source *source = source_add(opening, "process", "/proc/PID", LANE_FAST, 0);
    struct processes *all = source ? calloc(1, sizeof *all) : NULL;
    if (!all) return;
    all->page_bytes = (double)sysconf(_SC_PAGESIZE);
    all->tick_s = 1.0 / (double)sysconf(_SC_CLK_TCK);
    for (int i = 0; i < options->pid_count; i++)
        if (!add_process(all, opening, options->pids[i]))
            source_note(source, "/proc/%d/statm: %s", options->pids[i], strerror(errno));
    if (all->count > 0)
        source_ready(source, all, process_read, process_close);
    else
        free(all);
}
