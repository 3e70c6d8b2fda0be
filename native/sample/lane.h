/* A thread that reads its sources when they are due. */
#ifndef DYNO_LANE_H
#define DYNO_LANE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "sample/source.h"

struct lane {
    struct source *sources[SOURCES_MAX];
    int count;
    bool budgeted; /* its reading time is held under a share of the wall's */
    const _Atomic bool *stop;
    pthread_t thread;
    bool started;
    _Atomic bool finished;
    _Atomic uint64_t start_ns;
    _Atomic uint64_t spent_ns; /* in reads */
    _Atomic uint64_t backoffs; /* rounds put off by the budget */
    _Atomic uint64_t cpu_ns;   /* of the thread, once it has finished */
};

/* Reads the sources that are due. */
void lane_poll(struct lane *lane, uint64_t now);

/* Runs a function on a new thread with every signal blocked: they are the runtime's to take. */
int lane_start(struct lane *lane, void *(*run)(void *), void *argument);

/* A lane that only polls its sources: lane_start's function, the lane its argument. */
void *lane_run(void *lane);

/* To be called by a lane's thread as its last act. */
void lane_finish(struct lane *lane);

/* Waits for the thread; false when it did not come within the time (stuck in a driver's call). */
bool lane_join(struct lane *lane, uint64_t wait_ns);

/* CPU time that the thread has used. */
uint64_t lane_cpu_ns(const struct lane *lane);

/* Sleeps to an absolute time, waking now and then to look at stop. False when told to stop. */
bool sleep_until(uint64_t deadline_ns, const _Atomic bool *stop);

#endif
