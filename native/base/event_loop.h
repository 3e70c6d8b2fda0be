/*
 * The event loop for every thread with sockets: epoll, one timer on CLOCK_MONOTONIC, and a way for
 * other threads to wake it.
 */
#ifndef DYNO_EVENT_LOOP_H
#define DYNO_EVENT_LOOP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct event_loop {
    int epoll, timer, wake_fd;
    uint64_t timer_ns;     /* the timer's setting; 0: off */
    _Atomic bool sleeping; /* or about to sleep: a thread that hands something over must wake it */
};

/*
 * Called for each ready file. A NULL owner means that the timer fired, or another thread woke the
 * loop.
 */
typedef void event_ready(void *context, void *owner, uint32_t events);

/* False and errno if the system has no more file descriptors; close it anyway. */
bool event_loop_open(struct event_loop *loop);
void event_loop_close(struct event_loop *loop);

/* EPOLL_CTL_ADD or EPOLL_CTL_MOD: reports `events` on a file, under its owner (not NULL). */
bool event_loop_watch(struct event_loop *loop, int operation, int fd, uint32_t events, void *owner);

/*
 * Closes a file that the loop watches. close() alone is not enough: while a child process that is being
 * started holds a copy, epoll goes on reporting the file, under an owner that may be freed by then.
 */
void event_loop_close_file(struct event_loop *loop, int fd);

/*
 * Sets when the loop wakes by itself, on now_ns()'s clock; 0: never. Setting the same time again is
 * free.
 */
void event_loop_set_timer(struct event_loop *loop, uint64_t due_ns);

/* Call this before event_loop_wait, ahead of the last check for something to do. */
void event_loop_will_sleep(struct event_loop *loop);

/* Reports what is ready. If nothing is, waits for it when may_wait is set. */
void event_loop_wait(struct event_loop *loop, bool may_wait, event_ready *ready, void *context);

/* Ends the loop's current wait, or its next one. May be called from any thread. */
void event_loop_wake(struct event_loop *loop);

/* The same, but only if the loop is sleeping; a later wait is not affected. */
void event_loop_wake_sleeping(struct event_loop *loop);

#endif
