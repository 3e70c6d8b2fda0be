#include "sample/options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const METRICS_NAMES[] = {
    "cpu",     "cores",       "frequency", "memory",  "pressure", "disk", "network",
    "temperature", "rapl", "process",   "cgroup",  "gpu",      "gpm",
};
#define METRICS_COUNT (sizeof METRICS_NAMES / sizeof METRICS_NAMES[0])
/* GPM shares its counters with profilers, so it must be requested by name. */
#define METRICS_DEFAULT (((1u << METRICS_COUNT) - 1) & ~(uint32_t)METRICS_GPM)

static bool number_within(const char *key, const char *value, double least, double most,
                          double *number, char *error, size_t error_size)
{
    char *end;
    *number = strtod(value, &end);
    if (end != value && *end == '\0' && *number >= least && *number <= most) return true;
    snprintf(error, error_size, "%s: \"%s\" is not a number from %g to %g", key, value, least,
             most);
    return false;
}

static bool parse_metrics(struct options *options, char *names, char *error, size_t error_size)
{
    options->metrics = 0;
    for (char *rest, *name = strtok_r(names, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
        size_t i = 0;
        while (i < METRICS_COUNT && strcmp(METRICS_NAMES[i], name) != 0) i++;
        if (i == METRICS_COUNT) {
            int used = snprintf(error, error_size, "metrics: \"%s\" is none of", name);
            for (i = 0; i < METRICS_COUNT && (size_t)used < error_size; i++)
                used += snprintf(error + used, error_size - (size_t)used, " %s", METRICS_NAMES[i]);
            return false;
        }
        options->metrics |= 1u << i;
    }
    return true;
}

static bool parse_pids(struct options *options, char *pids, char *error, size_t error_size)
{
    for (char *rest, *pid = strtok_r(pids, ",", &rest); pid; pid = strtok_r(NULL, ",", &rest)) {
        double number;
        if (options->pid_count == PIDS_MAX) {
            snprintf(error, error_size, "pids: more than %d processes", PIDS_MAX);
            return false;
        }
        if (!number_within("pids", pid, 1, INT32_MAX, &number, error, error_size)) return false;
        options->pids[options->pid_count++] = (pid_t)number;
    }
    return true;
}

static bool parse_path(char *path, const char *key, const char *value, char *error,
                       size_t error_size)
{
    if (strlen(value) < PATH_MAX) {
        strcpy(path, value);
        return true;
    }
    snprintf(error, error_size, "%s: the path is longer than %d bytes", key, PATH_MAX - 1);
    return false;
}

static bool parse_one(struct options *options, const char *key, char *value, char *error,
                      size_t size)
{
    if (strcmp(key, "rate_hz") == 0)
        return number_within(key, value, 1, RATE_HZ_MAX, &options->rate_hz, error, size);
    if (strcmp(key, "gpu_hz") == 0)
        return number_within(key, value, 1, GPU_HZ_MAX, &options->gpu_hz, error, size);
    if (strcmp(key, "ring_records") == 0) {
        double records;
        if (!number_within(key, value, 2, 1 << 22, &records, error, size)) return false;
        options->ring_records = (uint32_t)records;
        return true;
    }
    if (strcmp(key, "metrics") == 0) return parse_metrics(options, value, error, size);
    if (strcmp(key, "pids") == 0) return parse_pids(options, value, error, size);
    if (strcmp(key, "root") == 0) return parse_path(options->root, key, value, error, size);
    if (strcmp(key, "nvml") == 0) return parse_path(options->nvml, key, value, error, size);
    snprintf(error, size, "\"%s\" is not an option of the sampler", key);
    return false;
}

bool options_parse(struct options *options, const char *text, char *error, size_t error_size)
{
    memset(options, 0, sizeof *options);
    options->rate_hz = 100;
    options->metrics = METRICS_DEFAULT;
    char *lines = strdup(text);
    if (!lines) {
        snprintf(error, error_size, "out of memory");
        return false;
    }
    bool good = true;
    for (char *rest, *line = strtok_r(lines, "\n", &rest); line && good;
         line = strtok_r(NULL, "\n", &rest)) {
        char *equals = strchr(line, '=');
        if (!equals) {
            snprintf(error, error_size, "\"%s\" is not key=value", line);
            good = false;
        } else {
            *equals = '\0';
            good = parse_one(options, line, equals + 1, error, error_size);
        }
    }
    free(lines);
    return good;
}
