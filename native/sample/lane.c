#include "sample/lane.h"

#include <time.h>

#include "base/clock.h"
#include "base/thread.h"
#include "sample/nvml/nvml.h"

#define STOP_LATENCY_NS (NS_PER_S / 20)
/* NVML may use one part in this many of the wall time, and more while its periods are measured. */
#define BUDGET_PARTS 100
#define BUDGET_PARTS_PROBING 10
/* Unused budget is kept for at most this long, so a quiet hour does not allow a burst. */
#define BUDGET_CREDIT_NS (NS_PER_S / 4)

bool sleep_until(uint64_t deadline_ns, const _Atomic bool *stop)
{
    for (;;) {
        if (atomic_load_explicit(stop, memory_order_relaxed)) return false;
        uint64_t now = now_ns();
        if (now >= deadline_ns) return true;
        uint64_t wake = deadline_ns - now < STOP_LATENCY_NS ? deadline_ns : now + STOP_LATENCY_NS;
        struct timespec time = {(time_t)(wake / NS_PER_S), (long)(wake % NS_PER_S)};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
    }
}

void lane_poll(struct lane *lane, uint64_t now)
{
    uint64_t begin = now;
    for (int i = 0; i < lane->count; i++) {
        struct source *source = lane->sources[i];
        if (source->due_ns > now) continue;
        source->read(source, begin);
        uint64_t end = now_ns();
        uint64_t period = atomic_load_explicit(&source->period_ns, memory_order_relaxed);
        if (period) {
            uint64_t due = source->due_ns + period;
            source->due_ns = due > end ? due : end + period;
        }
        atomic_fetch_add_explicit(&source->reads, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&source->read_ns, end - begin, memory_order_relaxed);
        atomic_fetch_add_explicit(&lane->spent_ns, end - begin, memory_order_relaxed);
        begin = end;
    }
}

static uint64_t next_due(const struct lane *lane)
{
    uint64_t next = UINT64_MAX;
    for (int i = 0; i < lane->count; i++)
        if (lane->sources[i]->due_ns < next) next = lane->sources[i]->due_ns;
    return next;
}

void *lane_run(void *argument)
{
    struct lane *lane = argument;
    uint64_t start = atomic_load_explicit(&lane->start_ns, memory_order_relaxed);
    uint64_t paid_ns = start; /* reading so far has used the budget up to this time */
    for (;;) {
        uint64_t wake = next_due(lane);
        if (lane->budgeted && paid_ns > wake + BUDGET_CREDIT_NS) {
            wake = paid_ns - BUDGET_CREDIT_NS;
            atomic_fetch_add_explicit(&lane->backoffs, 1, memory_order_relaxed);
        }
        if (!sleep_until(wake, lane->stop)) break;
        uint64_t now = now_ns();
        uint64_t before = atomic_load_explicit(&lane->spent_ns, memory_order_relaxed);
        lane_poll(lane, now);
        uint64_t cost = atomic_load_explicit(&lane->spent_ns, memory_order_relaxed) - before;
        uint64_t parts = now - start < NVML_PROBE_NS ? BUDGET_PARTS_PROBING : BUDGET_PARTS;
        paid_ns = (paid_ns > now ? paid_ns : now) + cost * parts;
    }
    lane_finish(lane);
    return NULL;
}

int lane_start(struct lane *lane, void *(*run)(void *), void *argument)
{
    int failed = thread_start(&lane->thread, run, argument);
    lane->started = failed == 0;
    return failed;
}

void lane_finish(struct lane *lane)
{
    struct timespec time;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0)
        atomic_store_explicit(&lane->cpu_ns,
                              (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec,
                              memory_order_relaxed);
    atomic_store_explicit(&lane->finished, true, memory_order_release);
}

bool lane_join(struct lane *lane, uint64_t wait_ns)
{
    if (!lane->started) return true;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    uint64_t ns = (uint64_t)until.tv_nsec + wait_ns;
    until.tv_sec += (time_t)(ns / NS_PER_S);
    until.tv_nsec = (long)(ns % NS_PER_S);
    if (pthread_timedjoin_np(lane->thread, NULL, &until) != 0) return false;
    lane->started = false;
    return true;
}

uint64_t lane_cpu_ns(const struct lane *lane)
{
    bool running = lane->started && !atomic_load_explicit(&lane->finished, memory_order_acquire);
    uint64_t used = running ? thread_cpu_ns(lane->thread) : 0;
    return used ? used : atomic_load_explicit(&lane->cpu_ns, memory_order_relaxed);
}
