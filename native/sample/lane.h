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
    bool budgeted; /* its reading time is limited to a share of the wall time */
    const _Atomic bool *stop;
    pthread_t thread;
    bool started;
    _Atomic bool finished;
    _Atomic uint64_t start_ns;
    _Atomic uint64_t spent_ns; /* spent in reads */
    _Atomic uint64_t backoffs; /* rounds delayed by the budget */
    _Atomic uint64_t cpu_ns;   /* of the thread, once it has finished */
};

/* Reads the sources that are due. */
void lane_poll(struct lane *lane, uint64_t now);

/*
 * Runs a function on a new thread with every signal blocked, because signals are the runtime's to
 * handle.
 */
int lane_start(struct lane *lane, void *(*run)(void *), void *argument);

/* For a lane that only polls its sources: pass this to lane_start, with the lane as argument. */
void *lane_run(void *lane);

/* The last call of a lane's thread. */
void lane_finish(struct lane *lane);

/* Waits for the thread; false if it did not end in time (it is stuck in a driver's call). */
bool lane_join(struct lane *lane, uint64_t wait_ns);

/* CPU time that the thread has used. */
uint64_t lane_cpu_ns(const struct lane *lane);

/* Sleeps until an absolute time, and wakes now and then to check stop. False if stop was set. */
bool sleep_until(uint64_t deadline_ns, const _Atomic bool *stop);

#endif
