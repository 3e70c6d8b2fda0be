/* The options of a sampler. */
#ifndef DYNO_OPTIONS_H
#define DYNO_OPTIONS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PIDS_MAX 64
#define RATE_HZ_MAX 10000
#define GPU_HZ_MAX 1000

enum metrics {
    METRICS_CPU = 1 << 0,
    METRICS_CORES = 1 << 1,
    METRICS_FREQUENCY = 1 << 2,
    METRICS_MEMORY = 1 << 3,
    METRICS_PRESSURE = 1 << 4,
    METRICS_DISK = 1 << 5,
    METRICS_NETWORK = 1 << 6,
    METRICS_TEMPERATURE = 1 << 7,
    METRICS_RAPL = 1 << 8,
    METRICS_PROCESS = 1 << 9,
    METRICS_CGROUP = 1 << 10,
    METRICS_GPU = 1 << 11,
    METRICS_GPM = 1 << 12,
};

struct options {
    double rate_hz;
    double gpu_hz; /* 0: from the measured update period */
    uint32_t metrics;
    uint32_t ring_records; /* 0: two seconds' worth */
    char root[PATH_MAX];   /* "" on a real host */
    char nvml[PATH_MAX];   /* "" for the default */
    pid_t pids[PIDS_MAX];
    int pid_count;
};

/* Reads lines of "key=value". On failure returns false and a message. */
bool options_parse(struct options *options, const char *text, char *error, size_t error_size);

#endif
