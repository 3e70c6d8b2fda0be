/*
 * The contrast of the load bench: as little as a client can do that keeps N streams in a closed
 * loop against the paced server, finds every event and says how late it was. JSON on stdout.
 *   epoll_client PORT STREAMS WARMUP_S SECONDS
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 256
#define READ_BYTES (64 * 1024)
#define LINE_BYTES 1024
#define STEP_BITS 6
#define BUCKETS ((33 - STEP_BITS) << STEP_BITS)

struct stream {
    int fd;
    bool last; /* the line before the last chunk was read */
    size_t kept;
    char line[LINE_BYTES]; /* the start of a line whose end has not arrived */
};

static const char STAMP[] = "\"content\":\" ";
static char request[512];
static size_t request_bytes;
static uint64_t start_ns, end_ns, events, requests, failures, lag_max;
static uint32_t lags[BUCKETS];

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static double cpu_s(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

/* Not ru_maxrss, which starts with the value of the program before exec. */
static unsigned long long peak_rss_bytes(void)
{
    char line[128];
    unsigned long long kb = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "VmHWM: %llu", &kb) == 1) break;
    if (status) fclose(status);
    return kb * 1024;
}

static void keep_lag(uint64_t lag)
{
    if (lag > UINT32_MAX) lag = UINT32_MAX;
    if (lag > lag_max) lag_max = lag;
    int shift = lag ? 31 - STEP_BITS - __builtin_clz((uint32_t)lag) : 0;
    if (shift < 0) shift = 0;
    lags[((unsigned)shift << STEP_BITS) + (lag >> shift)]++;
}

static double lag_quantile(double q)
{
    double left = q * (double)events;
    unsigned bucket = 0;
    while (bucket < BUCKETS - 1 && (left -= lags[bucket]) > 0) bucket++;
    unsigned shift = bucket >> STEP_BITS ? (bucket >> STEP_BITS) - 1 : 0;
    return ((double)(bucket - (shift << STEP_BITS)) + (shift ? 0.5 : 0)) * (double)(1ull << shift);
}

static void take_event(const char *data, size_t bytes, uint64_t now)
{
    const char *at = memmem(data, bytes, STAMP, sizeof STAMP - 1);
    if (!at) return;
    uint64_t stamp = 0;
    for (at += sizeof STAMP - 1; *at >= '0' && *at <= '9'; at++)
        stamp = stamp * 10 + (uint64_t)(*at - '0');
    if (now < start_ns || now >= end_ns) return;
    events++;
    keep_lag(now - stamp);
}

static void ask(struct stream *stream)
{
    stream->last = false;
    stream->kept = 0;
    if (send(stream->fd, request, request_bytes, MSG_NOSIGNAL) != (ssize_t)request_bytes)
        failures++;
}

static void take_line(struct stream *stream, const char *line, size_t bytes, uint64_t now)
{
    if (bytes > 6 && memcmp(line, "data: ", 6) == 0) {
        take_event(line + 6, bytes - 6, now);
    } else if (stream->last) {
        requests++;
        ask(stream);
    } else {
        stream->last = bytes == 2 && memcmp(line, "0\r", 2) == 0;
    }
}

static void hear(struct stream *stream)
{
    static char input[LINE_BYTES + READ_BYTES];
    ssize_t count = recv(stream->fd, input + LINE_BYTES, READ_BYTES, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
        failures++;
        close(stream->fd);
        return;
    }
    uint64_t now = now_ns();
    const char *at = input + LINE_BYTES - stream->kept, *end = input + LINE_BYTES + count;
    memcpy(input + LINE_BYTES - stream->kept, stream->line, stream->kept);
    for (const char *lf; (lf = memchr(at, '\n', (size_t)(end - at))); at = lf + 1)
        take_line(stream, at, (size_t)(lf - at), now);
    stream->kept = (size_t)(end - at) < LINE_BYTES ? (size_t)(end - at) : 0;
    memcpy(stream->line, at, stream->kept);
}

static bool begin(int epoll, struct stream *stream, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = stream};
    int one = 1;
    stream->fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(stream->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(stream->fd, (struct sockaddr *)&address, sizeof address) != 0) return false;
    epoll_ctl(epoll, EPOLL_CTL_ADD, stream->fd, &event);
    ask(stream);
    return true;
}

static void set_timer(int timer, uint64_t due)
{
    struct itimerspec time = {.it_value = {(time_t)(due / 1000000000), (long)(due % 1000000000)}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &time, NULL);
}

/* The same scheduling as the wire's thread requests. */
static void schedule_self(void)
{
    struct sched_param lowest = {.sched_priority = sched_get_priority_min(SCHED_FIFO)};
    prctl(PR_SET_TIMERSLACK, 1);
    if (sched_setscheduler(0, SCHED_FIFO, &lowest) != 0 && setpriority(PRIO_PROCESS, 0, -20) != 0)
        errno = 0;
}

int main(int count, char **words)
{
    if (count != 5) return 2;
    int port = atoi(words[1]), streams = atoi(words[2]), begun = 0;
    double warmup_s = atof(words[3]), seconds = atof(words[4]);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    schedule_self();
    static const char BODY[] = "{\"model\":\"pace\",\"messages\":[{\"role\":\"user\",\"content\":"
                               "\"Count.\"}],\"stream\":true}";
    request_bytes = (size_t)snprintf(
        request, sizeof request,
        "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:%d\r\ncontent-type: "
        "application/json\r\naccept: text/event-stream\r\ncontent-length: %zu\r\n\r\n%s",
        port, sizeof BODY - 1, BODY);
    struct stream *all = calloc((size_t)streams, sizeof *all);
    int epoll = epoll_create1(0), timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct epoll_event ready[EVENTS], on_time = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &on_time);
    uint64_t zero_ns = now_ns(), now;
    start_ns = zero_ns + (uint64_t)(warmup_s * 1e9);
    end_ns = start_ns + (uint64_t)(seconds * 1e9);
    double before_s = -1;
    while ((now = now_ns()) < end_ns) {
        uint64_t due = zero_ns + (uint64_t)(warmup_s * 1e9 * begun / streams);
        while (begun < streams && due <= now) {
            if (!begin(epoll, &all[begun], port)) failures++;
            due = zero_ns + (uint64_t)(warmup_s * 1e9 * ++begun / streams);
        }
        if (before_s < 0 && now >= start_ns) before_s = cpu_s();
        if (before_s < 0) set_timer(timer, begun < streams ? due : start_ns);
        int found = epoll_wait(epoll, ready, EVENTS, 100);
        for (int i = 0; i < found; i++) {
            uint64_t ignored;
            if (ready[i].data.ptr) hear(ready[i].data.ptr);
            else if (read(timer, &ignored, sizeof ignored) < 0) errno = 0;
        }
    }
    double used_s = cpu_s() - before_s;
    printf("{\"events\":%llu,\"requests\":%llu,\"failures\":%llu,\"seconds\":%.6f,\"cpu_s\":%.6f,"
           "\"process_cpu_s\":%.6f,"
           "\"lags\":{\"p50\":%.0f,\"p99\":%.0f,\"p99_9\":%.0f,\"max\":%llu},"
           "\"peak_rss_bytes\":%llu,\"thread_cpu_s\":null,\"blocked_s\":null}\n",
           (unsigned long long)events, (unsigned long long)requests, (unsigned long long)failures,
           (double)(now - start_ns) / 1e9, used_s, cpu_s(), lag_quantile(0.5), lag_quantile(0.99),
           lag_quantile(0.999), (unsigned long long)lag_max,
           peak_rss_bytes());
    return 0;
}
