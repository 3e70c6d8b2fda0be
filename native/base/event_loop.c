#include "base/event_loop.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"

#define EVENTS_AT_ONCE 256

bool event_loop_open(struct event_loop *loop)
{
    loop->timer_ns = 0;
    atomic_init(&loop->sleeping, false);
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return loop->epoll >= 0 && loop->timer >= 0 && loop->wake_fd >= 0 &&
           event_loop_watch(loop, EPOLL_CTL_ADD, loop->timer, EPOLLIN, NULL) &&
           event_loop_watch(loop, EPOLL_CTL_ADD, loop->wake_fd, EPOLLIN, NULL);
}

void event_loop_close(struct event_loop *loop)
{
    int files[] = {loop->epoll, loop->timer, loop->wake_fd};
    for (int i = 0; i < 3; i++)
        if (files[i] >= 0) close(files[i]);
}

bool event_loop_watch(struct event_loop *loop, int operation, int fd, uint32_t events, void *owner)
{
    struct epoll_event event = {.events = events, .data.ptr = owner};
    return epoll_ctl(loop->epoll, operation, fd, &event) == 0;
}

void event_loop_close_file(struct event_loop *loop, int fd)
{
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL);
    close(fd);
}

void event_loop_set_timer(struct event_loop *loop, uint64_t due_ns)
{
    if (due_ns == loop->timer_ns) return;
    loop->timer_ns = due_ns;
    struct itimerspec time = {.it_value = {(time_t)(due_ns / NS_PER_S),
                                           (long)(due_ns % NS_PER_S)}};
    timerfd_settime(loop->timer, TFD_TIMER_ABSTIME, &time, NULL);
}

void event_loop_will_sleep(struct event_loop *loop)
{
    atomic_store(&loop->sleeping, true);
}

/* Resets the timer and the wake counter, one of which was ready. */
static void read_own_files(struct event_loop *loop)
{
    uint64_t ignored;
    if (read(loop->wake_fd, &ignored, sizeof ignored) < 0) errno = 0;
    if (read(loop->timer, &ignored, sizeof ignored) > 0) loop->timer_ns = 0;
}

void event_loop_wait(struct event_loop *loop, bool may_wait, event_ready *ready, void *context)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int count = epoll_wait(loop->epoll, events, EVENTS_AT_ONCE, may_wait ? -1 : 0);
    atomic_store(&loop->sleeping, false);
    for (int i = 0; i < count; i++) {
        if (!events[i].data.ptr) read_own_files(loop);
        ready(context, events[i].data.ptr, events[i].events);
    }
}

void event_loop_wake(struct event_loop *loop)
{
    uint64_t one = 1;
    ssize_t ignored = write(loop->wake_fd, &one, sizeof one); /* if the counter is full, it wakes the loop anyway */
    (void)ignored;
}

void event_loop_wake_sleeping(struct event_loop *loop)
{
    if (atomic_load(&loop->sleeping)) event_loop_wake(loop);
}
