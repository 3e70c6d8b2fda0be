#include "sim/output.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/memory.h"

static void make_folder(const char *folder)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s", folder);
    for (char *slash = path + 1; *slash; slash++) {
        if (*slash != '/') continue;
        *slash = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST) die("%s: cannot be made: %m", path);
        *slash = '/';
    }
    if (mkdir(path, 0777) != 0 && errno != EEXIST) die("%s: cannot be made: %m", path);
}

static void join(char path[PATH_MAX], const char *folder, const char *name)
{
    int length = snprintf(path, PATH_MAX, "%s/%s", folder, name);
    if (length < 0 || length >= PATH_MAX) die("%s: the path is too long", folder);
}

static FILE *create(const char *path)
{
    FILE *file = fopen(path, "w");
    if (!file) die("%s: cannot be written: %m", path);
    return file;
}

static void finish(FILE *file, const char *path)
{
    bool bad = ferror(file) != 0;
    if (fclose(file) != 0 || bad) die("%s: cannot be written: %m", path);
}

void output_open(struct output *output, const char *folder)
{
    memset(output, 0, sizeof *output);
    join(output->summary_path, folder, "summary.csv");
    join(output->workflows_path, folder, "workflows.csv");
    join(output->tiers_path, folder, "tiers.csv");
    join(output->trace_path, folder, "trace.json");
    make_folder(folder);
    /*
     * A sweep treats a folder with a summary as a finished run, so an old summary is removed first.
     */
    if (remove(output->summary_path) != 0 && errno != ENOENT)
        die("%s: cannot be replaced: %m", output->summary_path);
    output->workflows = create(output->workflows_path);
    fputs("workflow_id,makespan_ms,cost,retries,cancellations,hedges_launched,wasted_ms\n",
          output->workflows);
}

static void add(struct series *series, double value)
{
    series->values = memory_grow(series->values, series->count, &series->capacity, sizeof value);
    series->values[series->count++] = value;
}

void output_workflow(struct output *output, const struct workflow *workflow, int64_t now)
{
    double makespan = (double)(now - workflow->arrived) / NS_PER_MS;
    double cost = (double)workflow->cost / MONEY_UNITS;
    add(&output->makespans, makespan);
    add(&output->costs, cost);
    output->makespan_sum += makespan;
    output->cost_sum += cost;
    fprintf(output->workflows,
            "%" PRId64 ",%.6f,%.9f,%" PRId64 ",%" PRId64 ",%" PRId64 ",%.6f\n", workflow->id,
            makespan, cost, workflow->retries, workflow->cancellations, workflow->hedges,
            (double)workflow->wasted_ns / NS_PER_MS);
}

void output_tiers(const struct output *output, const struct provider *providers, int count,
                  int64_t span)
{
    FILE *file = create(output->tiers_path);
    fputs("provider,tier_id,utilization,queue_wait_p95_ms,in_flight_avg\n", file);
    for (int p = 0; p < count; p++) {
        if (providers[p].config->local) continue;
        for (int t = 0; t < providers[p].config->tier_count; t++) {
            const struct tier *tier = &providers[p].tiers[t];
            double average = span > 0 ? tier->busy_ns / (double)span : 0;
            fprintf(file, "%s,%d,%.9f,%.6f,%.9f\n", providers[p].config->name, t,
                    average / (double)tier->config->concurrency, quantile_p95(tier->waits, 0),
                    average);
        }
    }
    finish(file, output->tiers_path);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/*
 * The quantile by its definition in the contract: the sorted value at floor(share * count), without
 * interpolation.
 */
static double quantile_of(const struct series *series, int percent)
{
    if (series->count == 0) return 0;
    return series->values[series->count * (size_t)percent / 100];
}

static void sort(struct series *series)
{
    if (series->count > 0)
        qsort(series->values, series->count, sizeof *series->values, ascending);
}

struct summary output_close(struct output *output)
{
    finish(output->workflows, output->workflows_path);
    sort(&output->makespans);
    sort(&output->costs);
    double count = output->makespans.count > 0 ? (double)output->makespans.count : 1;
    struct summary summary = {
        .makespan_mean = output->makespan_sum / count,
        .makespan_p50 = quantile_of(&output->makespans, 50),
        .makespan_p95 = quantile_of(&output->makespans, 95),
        .makespan_p99 = quantile_of(&output->makespans, 99),
        .cost_mean = output->cost_sum / count,
        .cost_p50 = quantile_of(&output->costs, 50),
    };
    FILE *file = create(output->summary_path);
    fputs("makespan_mean_ms,makespan_p50_ms,makespan_p95_ms,makespan_p99_ms,cost_mean,cost_p50\n",
          file);
    fprintf(file, "%.6f,%.6f,%.6f,%.6f,%.9f,%.9f\n", summary.makespan_mean, summary.makespan_p50,
            summary.makespan_p95, summary.makespan_p99, summary.cost_mean, summary.cost_p50);
    finish(file, output->summary_path);
    free(output->makespans.values);
    free(output->costs.values);
    return summary;
}
