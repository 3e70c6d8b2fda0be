/*
 * The GPU's sources, on their own thread, because NVML's calls can block for milliseconds. For the
 * first second the counters are polled tightly to find how often they really change. After that
 * they are polled at twice that rate, within 10 to 50 Hz, or at the requested rate.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample/nvml/nvml.h"
#include "sample/source.h"

#define MS 1000000ull
#define PROBE_FAST_NS (2 * MS)
#define PROBE_SLOW_NS (50 * MS)
#define SHORTEST_NS (20 * MS)
#define LONGEST_NS (100 * MS)
#define UNKNOWN_PERIOD_NS (50 * MS)

struct device {
    struct gpu *gpu;
    bool ended;
    struct gpu_reading reading;
    int fields[GPU_METRICS];
    int process_fields[PIDS_MAX];
};

/* Shared by the GPU's sources, which run on one thread. The last one to close frees it. */
struct gpus {
    struct nvml *nvml;
    const struct options *options;
    int users;
    int count;
    struct device devices[GPUS_MAX];
    uint64_t probe_end_ns;
    bool opened;
    struct gpu_process processes[GPU_PROCESSES_MAX];
};

static void end(struct source *source, struct gpus *gpus, struct device *device, int code,
                uint64_t now)
{
    device->ended = true;
    board_end_series(source->board, device->gpu->series, nvml_error(gpus->nvml, code), now);
    for (int i = 0; i < GPU_METRICS; i++)
        board_put(source->board, device->fields[i], UNKNOWN, now);
    for (int i = 0; i < PIDS_MAX; i++)
        board_put(source->board, device->process_fields[i], UNKNOWN, now);
}

static void read_pace(struct source *source, enum pace pace, uint64_t now)
{
    struct gpus *gpus = source->state;
    for (int i = 0; i < gpus->count; i++) {
        struct device *device = &gpus->devices[i];
        if (device->ended) continue;
        int code = nvml_read(gpus->nvml, device->gpu, pace, &device->reading);
        if (nvml_is_lost(code)) {
            end(source, gpus, device, code, now);
            continue;
        }
        for (int m = 0; m < GPU_METRICS; m++)
            if (GPU_METRIC[m].pace == pace)
                board_put(source->board, device->fields[m], device->reading.value[m], now);
    }
}

/*
 * The shortest update period of the metrics that follow the load, over all devices; 0 if unknown.
 */
static uint64_t update_period_ns(const struct source *source, const struct gpus *gpus)
{
    static const enum gpu_metric MOVING[] = {GPU_ENERGY, GPU_POWER_INSTANT, GPU_POWER};
    uint64_t smallest = 0;
    for (int i = 0; i < gpus->count; i++)
        for (size_t m = 0; m < sizeof MOVING / sizeof MOVING[0]; m++) {
            uint64_t period =
                board_update_period_ns(source->board, gpus->devices[i].fields[MOVING[m]]);
            if (period && (smallest == 0 || period < smallest)) smallest = period;
        }
    return smallest;
}

/* A 32-bit PCIe counter must be read at least twice in the shortest time in which it can wrap. */
static uint64_t longest_period_ns(const struct gpus *gpus)
{
    uint64_t longest = LONGEST_NS;
    for (int i = 0; i < gpus->count; i++) {
        const struct gpu *gpu = gpus->devices[i].gpu;
        bool narrow = gpu->pcie[0].narrow || gpu->pcie[1].narrow;
        if (narrow && gpu->wrap_ns / 2 < longest) longest = gpu->wrap_ns / 2;
    }
    return longest < SHORTEST_NS ? SHORTEST_NS : longest;
}

static uint64_t fast_period_ns(const struct source *source, const struct gpus *gpus)
{
    if (gpus->options->gpu_hz > 0) return (uint64_t)(NS_PER_S / gpus->options->gpu_hz);
    uint64_t period = update_period_ns(source, gpus) / 2, longest = longest_period_ns(gpus);
    if (period == 0) period = UNKNOWN_PERIOD_NS;
    if (period < SHORTEST_NS) return SHORTEST_NS;
    return period > longest ? longest : period;
}

/* The first read happens at open; the probe begins with the thread's first read. */
static void fast_read(struct source *source, uint64_t now)
{
    struct gpus *gpus = source->state;
    if (!gpus->opened)
        gpus->opened = true;
    else if (gpus->probe_end_ns == 0)
        gpus->probe_end_ns = now + NVML_PROBE_NS;
    read_pace(source, PACE_FAST, now);
    if (gpus->probe_end_ns && now >= gpus->probe_end_ns &&
        atomic_load_explicit(&source->period_ns, memory_order_relaxed) == PROBE_FAST_NS)
        atomic_store_explicit(&source->period_ns, fast_period_ns(source, gpus),
                              memory_order_relaxed);
}

static void read_processes(struct source *source, struct gpus *gpus, struct device *device,
                           uint64_t now)
{
    uint32_t count = GPU_PROCESSES_MAX;
    int code = nvml_processes(gpus->nvml, device->gpu, gpus->processes, &count);
    if (code != NVML_OK) count = 0;
    for (int i = 0; i < gpus->options->pid_count; i++) {
        double bytes = UNKNOWN;
        for (uint32_t p = 0; p < count; p++)
            if (gpus->processes[p].pid == (uint32_t)gpus->options->pids[i])
                bytes = gpus->processes[p].memory_bytes;
        board_put(source->board, device->process_fields[i], bytes, now);
    }
}

static void slow_read(struct source *source, uint64_t now)
{
    struct gpus *gpus = source->state;
    read_pace(source, PACE_SLOW, now);
    for (int i = 0; i < gpus->count && gpus->options->pid_count > 0; i++)
        if (!gpus->devices[i].ended) read_processes(source, gpus, &gpus->devices[i], now);
    if (gpus->probe_end_ns && now >= gpus->probe_end_ns)
        atomic_store_explicit(&source->period_ns, NS_PER_S, memory_order_relaxed);
}

static void gpm_source_read(struct source *source, uint64_t now)
{
    read_pace(source, PACE_GPM, now);
}

static void gpus_close(struct source *source)
{
    struct gpus *gpus = source->state;
    if (--gpus->users > 0) return;
    nvml_close(gpus->nvml);
    free(gpus);
}

static void add_fields(struct opening *opening, struct device *device)
{
    const struct options *options = opening->options;
    const struct gpu *gpu = device->gpu;
    for (int i = 0; i < GPU_METRICS; i++) {
        const struct gpu_metric_row *row = &GPU_METRIC[i];
        device->fields[i] = -1;
        if (gpu->absent >> i & 1) continue;
        if (row->pace != PACE_GPM && !(options->metrics & METRICS_GPU)) continue;
        device->fields[i] = board_add(opening->board, row->pace == PACE_GPM ? "gpm" : "gpu",
                                      row->unit, row->kind, "%s.%s", gpu->series, row->name);
    }
    for (int i = 0; i < PIDS_MAX; i++)
        device->process_fields[i] =
            i < options->pid_count && options->metrics & METRICS_GPU
                ? board_add(opening->board, "gpu", "bytes", GAUGE, "%s.process.%d.memory_bytes",
                            gpu->series, options->pids[i])
                : -1;
}

/* Devices that cannot be used come first, because a note has little room. */
static void note_devices(struct source *source, const struct gpus *gpus)
{
    char failures[sizeof source->note];
    nvml_say_failures(gpus->nvml, failures, sizeof failures);
    if (failures[0]) source_note(source, "%s", failures);
    for (int i = 0; i < gpus->count && !failures[0]; i++)
        if (gpus->devices[i].gpu->mig) {
            source_note(source, "%s is in MIG mode: no utilisation, its parts (%s.migN) offer "
                                "memory, processes and GPM",
                        gpus->devices[i].gpu->series, gpus->devices[i].gpu->series);
            return;
        }
}

static struct gpus *gpus_new(struct opening *opening, char *error, size_t error_size)
{
    struct gpus *gpus = calloc(1, sizeof *gpus);
    if (!gpus) return NULL;
    gpus->options = opening->options;
    gpus->nvml = nvml_open(opening->options->nvml, error, error_size);
    if (!gpus->nvml) {
        free(gpus);
        return NULL;
    }
    gpus->count = nvml_gpu_count(gpus->nvml);
    for (int i = 0; i < gpus->count; i++) {
        struct device *device = &gpus->devices[i];
        device->gpu = nvml_gpu(gpus->nvml, i);
        nvml_find_offer(gpus->nvml, device->gpu, opening->options->metrics & METRICS_GPM);
        add_fields(opening, device);
    }
    if (gpus->count > 0) return gpus;
    nvml_say_failures(gpus->nvml, error, error_size);
    if (!error[0]) snprintf(error, error_size, "NVML knows no device here");
    return gpus;
}

static void gpm_source_open(struct opening *opening, struct gpus *gpus)
{
    struct source *source = source_add(opening, "gpm", "NVML GPM", LANE_GPU, NS_PER_S);
    if (!source) return;
    bool any = false;
    for (int i = 0; i < gpus->count; i++) any |= gpus->devices[i].gpu->gpm != NULL;
    if (any) {
        gpus->users++;
        source_ready(source, gpus, gpm_source_read, gpus_close);
    } else {
        source_note(source, "no device here offers GPM (Hopper and later do)");
    }
}

void gpu_open(struct opening *opening)
{
    uint32_t metrics = opening->options->metrics;
    if (!(metrics & (METRICS_GPU | METRICS_GPM))) return;
    struct source *fast = source_add(opening, "gpu", "NVML", LANE_GPU, PROBE_FAST_NS);
    if (!fast) return;
    char error[200] = "out of memory";
    struct gpus *gpus = gpus_new(opening, error, sizeof error);
    if (!gpus) {
        source_note(fast, "%s", error);
        return;
    }
    gpus->users = 1;
    if (gpus->count == 0) {
        source_note(fast, "%s", error);
        fast->state = gpus;
        gpus_close(fast);
        fast->state = NULL;
        return;
    }
    note_devices(fast, gpus);
    source_ready(fast, gpus, fast_read, gpus_close);
    struct source *slow =
        source_add(opening, "gpu", "NVML, slow counters", LANE_GPU, PROBE_SLOW_NS);
    if (slow) {
        gpus->users++;
        source_ready(slow, gpus, slow_read, gpus_close);
    }
    if (metrics & METRICS_GPM) gpm_source_open(opening, gpus);
}
