#include "sample/sampler.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sample/board.h"
#include "dyno.h"
#include "sample/lane.h"
#include "sample/options.h"
#include "base/ring_buffer.h"
#include "base/thread.h"
#include "sample/source.h"

/* A fast source may use one part in this many of a core; a costlier one is read less often. */
#define FAST_SOURCE_PARTS 100
#define COST_TRIES 5
#define RING_SECONDS 2
#define RING_LEAST 1024
#define JOIN_NS (2 * NS_PER_S)

struct sampler {
    struct options options;
    struct board *board;
    struct ring *ring;
    struct source sources[SOURCES_MAX];
    int source_count;
    struct lane lanes[LANES];
    double period_ns;
    _Atomic bool stop;
    bool started;
    bool stopped;
    uint64_t start_ns;
    uint64_t stop_ns;
    _Atomic int scheduling;
    _Atomic uint64_t ticks;
    _Atomic uint64_t missed;
    _Atomic uint64_t latest_ns; /* the largest lateness */
};

static void (*const OPEN[])(struct opening *) = {
    cpu_open,       memory_open,      pressure_open, disk_open,    network_open, process_open,
    cgroup_open,    frequency_open,   temperature_open, rapl_open, gpu_open,
};

/* The cost of one undisturbed read: the smallest of a few tries. */
static uint64_t cost_ns(struct source *source)
{
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < COST_TRIES; i++) {
        uint64_t begin = now_ns();
        source->read(source, begin);
        uint64_t cost = now_ns() - begin;
        if (cost < least) least = cost;
    }
    return least;
}

/* On a host with thousands of interrupts reading /proc/stat alone can take milliseconds. */
static void slow_down_costly_sources(struct sampler *sampler)
{
    for (int i = 0; i < sampler->source_count; i++) {
        struct source *source = &sampler->sources[i];
        if (!source->available || source->lane != LANE_FAST) continue;
        uint64_t cost = cost_ns(source);
        uint64_t period = cost * FAST_SOURCE_PARTS;
        if ((double)period <= sampler->period_ns) continue;
        atomic_store_explicit(&source->period_ns, period, memory_order_relaxed);
        if (!source->note[0])
            source_note(source, "one read takes %.1f us: read at most %.0f times a second",
                        (double)cost / 1e3, 1e9 / (double)period);
    }
}

static void open_sources(struct sampler *sampler)
{
    struct opening opening = {&sampler->options, sampler->board, sampler->sources, 0};
    for (size_t i = 0; i < sizeof OPEN / sizeof OPEN[0]; i++) OPEN[i](&opening);
    sampler->source_count = opening.count;
    for (int i = 0; i < opening.count; i++) {
        struct source *source = &sampler->sources[i];
        struct lane *lane = &sampler->lanes[source->lane];
        if (source->available) lane->sources[lane->count++] = source;
    }
    for (int i = 0; i < LANES; i++) sampler->lanes[i].stop = &sampler->stop;
    sampler->lanes[LANE_GPU].budgeted = true;
}

struct sampler *sampler_open(const char *options, char *error, size_t error_size)
{
    struct sampler *sampler = calloc(1, sizeof *sampler);
    if (!sampler) {
        snprintf(error, error_size, "out of memory");
        return NULL;
    }
    if (!options_parse(&sampler->options, options, error, error_size)) {
        free(sampler);
        return NULL;
    }
    sampler->period_ns = 1e9 / sampler->options.rate_hz;
    sampler->board = board_new();
    if (sampler->board) {
        open_sources(sampler);
        slow_down_costly_sources(sampler);
        uint32_t slots = sampler->options.ring_records;
        if (slots == 0) slots = (uint32_t)(sampler->options.rate_hz * RING_SECONDS);
        if (slots < RING_LEAST && sampler->options.ring_records == 0) slots = RING_LEAST;
        sampler->ring = ring_new(slots, board_record_bytes(sampler->board));
    }
    if (!sampler->ring) {
        snprintf(error, error_size, "out of memory");
        sampler_free(sampler);
        return NULL;
    }
    return sampler;
}

/* Writes one record; called by the sampling thread only. */
static void record(struct sampler *sampler, uint64_t now, uint64_t tick, uint64_t *nvml_ns)
{
    void *slot = ring_claim(sampler->ring);
    if (!slot) return;
    uint64_t spent =
        atomic_load_explicit(&sampler->lanes[LANE_GPU].spent_ns, memory_order_relaxed);
    board_snapshot(sampler->board, slot, (double)(now - sampler->start_ns), (double)tick,
                   (double)(spent - *nvml_ns));
    *nvml_ns = spent;
    ring_commit(sampler->ring);
}

static void *sample(void *argument)
{
    struct sampler *sampler = argument;
    struct lane *lane = &sampler->lanes[LANE_FAST];
    uint64_t nvml_ns = 0, tick = 0;
    atomic_store_explicit(&sampler->scheduling, thread_schedule_self(), memory_order_relaxed);
    for (;;) {
        uint64_t deadline = sampler->start_ns + (uint64_t)((double)tick * sampler->period_ns);
        if (!sleep_until(deadline, &sampler->stop)) break;
        uint64_t now = now_ns();
        if (now - deadline > atomic_load_explicit(&sampler->latest_ns, memory_order_relaxed))
            atomic_store_explicit(&sampler->latest_ns, now - deadline, memory_order_relaxed);
        lane_poll(lane, now);
        record(sampler, now, tick, &nvml_ns);
        atomic_fetch_add_explicit(&sampler->ticks, 1, memory_order_relaxed);
        /* Ticks whose time has passed are counted as missed and not made up for. */
        uint64_t next = (uint64_t)((double)(now_ns() - sampler->start_ns) / sampler->period_ns);
        if (next > tick + 1)
            atomic_fetch_add_explicit(&sampler->missed, next - tick - 1, memory_order_relaxed);
        tick = next > tick + 1 ? next : tick + 1;
    }
    lane_finish(lane);
    return NULL;
}

bool sampler_start(struct sampler *sampler, char *error, size_t error_size)
{
    if (sampler->started) {
        snprintf(error, error_size, "the sampler was started before; open another one");
        return false;
    }
    sampler->started = true;
    sampler->start_ns = now_ns();
    for (int i = 0; i < sampler->source_count; i++)
        sampler->sources[i].due_ns = sampler->start_ns;
    int failed = 0;
    for (int i = LANES - 1; i >= 0 && !failed; i--) {
        struct lane *lane = &sampler->lanes[i];
        atomic_store_explicit(&lane->start_ns, sampler->start_ns, memory_order_relaxed);
        if (i == LANE_FAST)
            failed = lane_start(lane, sample, sampler);
        else if (lane->count > 0)
            failed = lane_start(lane, lane_run, lane);
    }
    if (!failed) return true;
    snprintf(error, error_size, "no thread: %s", strerror(failed));
    sampler_stop(sampler);
    return false;
}

bool sampler_stop(struct sampler *sampler)
{
    if (!sampler->started) return true;
    atomic_store_explicit(&sampler->stop, true, memory_order_relaxed);
    bool joined = true;
    for (int i = 0; i < LANES; i++) joined &= lane_join(&sampler->lanes[i], JOIN_NS);
    if (!sampler->stopped) sampler->stop_ns = now_ns();
    sampler->stopped = true;
    return joined;
}

void sampler_free(struct sampler *sampler)
{
    for (int i = 0; i < sampler->source_count; i++) {
        struct source *source = &sampler->sources[i];
        if (source->close && source->state) source->close(source);
    }
    ring_free(sampler->ring);
    board_free(sampler->board);
    free(sampler);
}

uint32_t sampler_drain(struct sampler *sampler, void *records, uint32_t bytes)
{
    return ring_drain(sampler->ring, records, bytes / board_record_bytes(sampler->board));
}

int32_t sampler_layout(const struct sampler *sampler, char *text, size_t size)
{
    static const char *const LANE[LANES] = {"fast", "slow", "gpu"};
    struct json json;
    json_begin(&json, text, size);
    json_open(&json, NULL, '{');
    json_number(&json, "abi", DYNO_ABI);
    json_number(&json, "rate_hz", sampler->options.rate_hz);
    json_number(&json, "ring_records", ring_slots(sampler->ring));
    board_layout(sampler->board, &json);
    json_open(&json, "sources", '[');
    for (int i = 0; i < sampler->source_count; i++) {
        const struct source *source = &sampler->sources[i];
        json_open(&json, NULL, '{');
        json_string(&json, "name", source->name);
        json_string(&json, "where", source->where);
        json_string(&json, "thread", LANE[source->lane]);
        json_bool(&json, "available", source->available);
        json_text(&json, "note", source->note);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_close(&json, '}');
    return json_end(&json);
}

static double count(const _Atomic uint64_t *counter)
{
    return (double)atomic_load_explicit(counter, memory_order_relaxed);
}

static void sources_status(const struct sampler *sampler, double elapsed_ns, struct json *json)
{
    json_open(json, "sources", '[');
    for (int i = 0; i < sampler->source_count; i++) {
        const struct source *source = &sampler->sources[i];
        double reads = count(&source->reads);
        json_open(json, NULL, '{');
        json_string(json, "name", source->name);
        json_string(json, "where", source->where);
        json_number(json, "reads", reads);
        json_number(json, "read_hz", elapsed_ns > 0 ? reads / elapsed_ns * 1e9 : UNKNOWN);
        json_number(json, "mean_ns", reads > 0 ? count(&source->read_ns) / reads : UNKNOWN);
        json_close(json, '}');
    }
    json_close(json, ']');
}

int32_t sampler_status(struct sampler *sampler, char *text, size_t size)
{
    struct json json;
    const struct lane *gpu = &sampler->lanes[LANE_GPU];
    uint64_t until = sampler->stopped ? sampler->stop_ns : now_ns();
    double elapsed_ns = sampler->started ? (double)(until - sampler->start_ns) : 0;
    json_begin(&json, text, size);
    json_open(&json, NULL, '{');
    json_bool(&json, "running", sampler->started && !sampler->stopped);
    json_digits(&json, "start_ns", sampler->start_ns);
    json_number(&json, "elapsed_ns", elapsed_ns);
    json_number(&json, "ticks", count(&sampler->ticks));
    json_number(&json, "missed_ticks", count(&sampler->missed));
    json_number(&json, "records", (double)ring_committed(sampler->ring));
    json_number(&json, "overruns", (double)ring_overruns(sampler->ring));
    json_number(&json, "worst_lateness_ns", count(&sampler->latest_ns));
    json_text(&json, "scheduling",
              scheduling_name(atomic_load_explicit(&sampler->scheduling, memory_order_relaxed)));
    json_open(&json, "cpu_ns", '{');
    json_number(&json, "fast", (double)lane_cpu_ns(&sampler->lanes[LANE_FAST]));
    json_number(&json, "slow", (double)lane_cpu_ns(&sampler->lanes[LANE_SLOW]));
    json_number(&json, "gpu", (double)lane_cpu_ns(gpu));
    json_close(&json, '}');
    json_number(&json, "nvml_ns", count(&gpu->spent_ns));
    json_number(&json, "nvml_backoffs", count(&gpu->backoffs));
    sources_status(sampler, elapsed_ns, &json);
    board_status(sampler->board, &json, sampler->start_ns);
    json_close(&json, '}');
    return json_end(&json);
}
