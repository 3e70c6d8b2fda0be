#include "schedule.h"

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum scheduling schedule_self(void)
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
