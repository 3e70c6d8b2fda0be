/* The library's threads: starting, scheduling and CPU time. */
#ifndef DYNO_THREAD_H
#define DYNO_THREAD_H

#include <pthread.h>
#include <stdint.h>

/*
 * Starts a thread with every signal blocked, because signals are the runtime's to handle. Only the
 * signals of the thread's own faults stay open: if they were blocked, the process would end without
 * a message from the runtime or the kernel. Returns 0, or an errno.
 */
int thread_start(pthread_t *thread, void *(*run)(void *), void *argument);

/* CPU time used by a thread that has not been joined; 0 if unknown. */
uint64_t thread_cpu_ns(pthread_t thread);

enum scheduling { SCHEDULING_NONE, SCHEDULING_FIFO, SCHEDULING_NICE, SCHEDULING_NORMAL };

/*
 * Requests the best scheduling that this process may have: the real-time class, else a high
 * priority.
 */
enum scheduling thread_schedule_self(void);

/* "fifo", "nice", "normal"; "" before a thread has asked for scheduling. */
const char *scheduling_name(enum scheduling scheduling);

#endif
