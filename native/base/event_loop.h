/*
 * The event loop of every thread with sockets: epoll, one timer on CLOCK_MONOTONIC, and a way to be
 * woken by other threads.
 */
#ifndef DYNO_EVENT_LOOP_H
#define DYNO_EVENT_LOOP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct event_loop {
    int epoll, timer, wake_fd;
    uint64_t timer_ns;     /* what the timer is set to; 0: nothing */
    _Atomic bool sleeping; /* or about to: whoever hands something over must wake it */
};

/* Called for each file that is ready. A NULL owner: the timer went off, or somebody woke the loop. */
typedef void event_ready(void *context, void *owner, uint32_t events);

/* False and errno where the system gives no more files; close it anyway. */
bool event_loop_open(struct event_loop *loop);
void event_loop_close(struct event_loop *loop);

/* EPOLL_CTL_ADD or EPOLL_CTL_MOD: reports `events` on a file, under its owner (not NULL). */
bool event_loop_watch(struct event_loop *loop, int operation, int fd, uint32_t events, void *owner);

/*
 * Closes a file that the loop watches. close() alone is not enough: while a child process that is being
 * started holds a copy, epoll goes on reporting the file, under an owner that may be freed by then.
 */
void event_loop_close_file(struct event_loop *loop, int fd);

/* When the loop wakes by itself, on now_ns()'s clock; 0: not. Costs nothing where it stays the same. */
void event_loop_set_timer(struct event_loop *loop, uint64_t due_ns);

/* To be called before the last look for something to do, ahead of event_loop_wait. */
void event_loop_will_sleep(struct event_loop *loop);

/* Hands over what is ready; where nothing is, waits for it if it may. */
void event_loop_wait(struct event_loop *loop, bool may_wait, event_ready *ready, void *context);

/* From any thread: the loop's wait ends, now or when it next begins. */
void event_loop_wake(struct event_loop *loop);

/* The same, where the loop sleeps; nothing else wakes later. */
void event_loop_wake_sleeping(struct event_loop *loop);

#endif
