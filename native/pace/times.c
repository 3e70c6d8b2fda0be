/* The arrival times of requests, and durations counted in steps of 10 us for quantiles. */
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "pace/parts.h"

/* When the kernel received the data, on our clock; the present time if the kernel does not say. */
static uint64_t received_ns(struct msghdr *message)
{
    struct cmsghdr *part = CMSG_FIRSTHDR(message);
    struct timespec stamp, real;
    if (!part || part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_TIMESTAMPNS)
        return now_ns();
    memcpy(&stamp, CMSG_DATA(part), sizeof stamp);
    clock_gettime(CLOCK_REALTIME, &real);
    int64_t ago = (real.tv_sec - stamp.tv_sec) * (int64_t)NS_PER_S + real.tv_nsec - stamp.tv_nsec;
    return now_ns() - (uint64_t)(ago > 0 ? ago : 0);
}

ssize_t pace_receive(struct client *client, char *into, size_t room)
{
    char control[CMSG_SPACE(sizeof(struct timespec))];
    struct iovec part = {.iov_base = into, .iov_len = room};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
                             .msg_controllen = sizeof control};
    ssize_t count = recvmsg(client->fd, &message, 0);
    if (count > 0) client->received_ns = received_ns(&message);
    return count;
}

void pace_times_add(struct pace_times *times, uint64_t ns)
{
    uint64_t step = ns / PACE_STEP_NS;
    if (step >= PACE_STEPS) step = PACE_STEPS - 1;
    atomic_fetch_add_explicit(&times->counts[step], 1, memory_order_relaxed);
}

double pace_times_quantile(const struct pace_times *times, double share)
{
    uint64_t count = 0, passed = 0;
    for (size_t i = 0; i < PACE_STEPS; i++)
        count += atomic_load_explicit(&times->counts[i], memory_order_relaxed);
    for (size_t i = 0; i < PACE_STEPS; i++) {
        passed += atomic_load_explicit(&times->counts[i], memory_order_relaxed);
        if (passed > 0 && (double)passed >= share * (double)count)
            return ((double)i + 0.5) * PACE_STEP_NS;
    }
    return 0;
}
