/* Threads of the library: how they start, how they are scheduled, what CPU time they took. */
#ifndef DYNO_THREAD_H
#define DYNO_THREAD_H

#include <pthread.h>
#include <stdint.h>

/*
 * Starts a thread with every signal blocked, as they are the runtime's to take, but those of its
 * faults: with these blocked a process ends without a word of the runtime or the kernel. 0, or an errno.
 */
int thread_start(pthread_t *thread, void *(*run)(void *), void *argument);

/* CPU time that a thread which was not joined yet has used; 0 where that cannot be told. */
uint64_t thread_cpu_ns(pthread_t thread);

enum scheduling { SCHEDULING_NONE, SCHEDULING_FIFO, SCHEDULING_NICE, SCHEDULING_NORMAL };

/* Asks for the best that this process may have: the real-time class, else a high priority. */
enum scheduling thread_schedule_self(void);

/* "fifo", "nice", "normal"; "" before a thread has asked. */
const char *scheduling_name(enum scheduling scheduling);

#endif
