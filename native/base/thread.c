#include "base/thread.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

int thread_start(pthread_t *thread, void *(*run)(void *), void *argument)
{
    sigset_t all, before;
    const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    sigfillset(&all);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) sigdelset(&all, own[i]);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(thread, NULL, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

uint64_t thread_cpu_ns(pthread_t thread)
{
    clockid_t clock;
    struct timespec time;
    if (pthread_getcpuclockid(thread, &clock) != 0 || clock_gettime(clock, &time) != 0) return 0;
    return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

enum scheduling thread_schedule_self(void)
{
    struct sched_param lowest = {.sched_priority = sched_get_priority_min(SCHED_FIFO)};
    prctl(PR_SET_TIMERSLACK, 1);
    if (pthread_setschedparam(pthread_self(), SCHED_FIFO, &lowest) == 0) return SCHEDULING_FIFO;
    if (setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), -20) == 0) return SCHEDULING_NICE;
    return SCHEDULING_NORMAL;
}

const char *scheduling_name(enum scheduling scheduling)
{
    static const char *const NAME[] = {"", "fifo", "nice", "normal"};
    return NAME[scheduling];
}
