#include "pace.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "json.h"
#include "pace_parts.h"
#include "schedule.h"
#include "source.h"

#define REQUEST_BYTES (256 * 1024)
#define BURST_MAX 64
#define EVENTS 256

struct pace {
    pthread_t thread;
    _Atomic bool stop;
    int epoll, timer, wake, listener;
    uint16_t port;
    uint32_t tokens, burst;
    uint64_t interval_ns, delay_ns;
    struct due due;
    struct client *open, *closed;
    _Atomic uint64_t requests, events, clients, late_ns;
    _Atomic int scheduling;
};

/* ---- writing ---- */

static void hang_up(struct pace *pace, struct client *client)
{
    if (client->fd < 0) return;
    if (client->streaming && !client->blocked) due_remove(&pace->due, client);
    close(client->fd);
    client->fd = -1;
    if (client->before) client->before->next = client->next;
    else pace->open = client->next;
    if (client->next) client->next->before = client->before;
    client->next = pace->closed;
    pace->closed = client;
}

static void watch(struct pace *pace, struct client *client, int operation)
{
    struct epoll_event event = {
        .events = EPOLLIN | (client->blocked ? (uint32_t)EPOLLOUT : 0),
        .data.ptr = client,
    };
    epoll_ctl(pace->epoll, operation, client->fd, &event);
}

/* Sends, and keeps what the socket does not take. False when the client is gone. */
static bool say(struct pace *pace, struct client *client, const char *bytes, size_t count)
{
    ssize_t sent = send(client->fd, bytes, count, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        hang_up(pace, client);
        return false;
    }
    size_t done = sent < 0 ? 0 : (size_t)sent;
    if (done == count) return true;
    client->unsent = malloc(count - done);
    if (!client->unsent) {
        hang_up(pace, client);
        return false;
    }
    memcpy(client->unsent, bytes + done, count - done);
    client->unsent_bytes = count - done;
    if (client->streaming) due_remove(&pace->due, client);
    client->blocked = true;
    watch(pace, client, EPOLL_CTL_MOD);
    return true;
}

/* The next events of a stream; the last ones bring its end along. */
static void play(struct pace *pace, struct client *client)
{
    static _Thread_local char out[PACE_EVENT_BYTES * (BURST_MAX + 4)];
    uint64_t now = now_ns();
    size_t bytes = 0;
    uint32_t events = client->tokens - client->sent;
    if (events > pace->burst) events = pace->burst;
    for (uint32_t i = 0; i < events; i++) bytes += pace_token(out + bytes, now);
    client->sent += events;
    if (pace->interval_ns && now - client->due_ns > atomic_load(&pace->late_ns))
        atomic_store(&pace->late_ns, now - client->due_ns);
    bool last = client->sent == client->tokens;
    if (last) {
        bytes += pace_ending(out + bytes, client->tokens, client->usage);
        due_remove(&pace->due, client);
        client->streaming = false;
    }
    atomic_fetch_add_explicit(&pace->events, events, memory_order_relaxed);
    if (!say(pace, client, out, bytes) || last || client->blocked) return;
    client->due_ns = pace->interval_ns ? client->due_ns + pace->interval_ns : now;
    due_move(&pace->due, client);
}

/* ---- requests ---- */

static void answer_plainly(struct pace *pace, struct client *client, const char *status,
                           const char *body)
{
    char out[PACE_EVENT_BYTES * 2];
    int bytes = snprintf(out, sizeof out,
                         "HTTP/1.1 %s\r\ncontent-type: application/json\r\n"
                         "content-length: %zu\r\n\r\n%s",
                         status, strlen(body), body);
    say(pace, client, out, (size_t)bytes);
}

/* The number behind a key, wherever in the body the key is. */
static uint32_t number_after(const char *body, const char *key, uint32_t otherwise)
{
    const char *at = strstr(body, key);
    if (!at) return otherwise;
    at += strlen(key);
    at += strspn(at, "\": ");
    return *at >= '1' && *at <= '9' ? (uint32_t)strtoul(at, NULL, 10) : otherwise;
}

/* From here on the client has its place among those whose events are due. */
static void begin_stream(struct pace *pace, struct client *client)
{
    client->streaming = due_add(&pace->due, client);
    if (!client->streaming) hang_up(pace, client);
}

static void answer(struct pace *pace, struct client *client, const char *body)
{
    if (strncmp(client->request, "GET", 3) == 0) {
        answer_plainly(pace, client, "200 OK",
                       "{\"object\":\"list\",\"data\":[{\"id\":\"pace\",\"object\":\"model\"}]}");
        return;
    }
    client->tokens = number_after(body, "\"max_completion_tokens", 0);
    if (!client->tokens) client->tokens = number_after(body, "\"max_tokens", pace->tokens);
    client->usage = strstr(body, "\"include_usage\"") != NULL;
    client->sent = 0;
    client->due_ns = now_ns() + pace->delay_ns;
    atomic_fetch_add_explicit(&pace->requests, 1, memory_order_relaxed);
    if (!say(pace, client, PACE_HEAD, sizeof PACE_HEAD - 1)) return;
    if (client->blocked) client->streaming = true;
    else begin_stream(pace, client);
}

/* Answers a request that is whole; what came behind it stays. */
static void take_request(struct pace *pace, struct client *client)
{
    client->request[client->request_bytes] = '\0';
    char *end = strstr(client->request, "\r\n\r\n");
    if (!end || client->streaming || client->blocked) return;
    const char *length = strcasestr(client->request, "\r\ncontent-length:");
    size_t body = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
    size_t whole = (size_t)(end + 4 - client->request) + body;
    if (whole > REQUEST_BYTES) hang_up(pace, client);
    if (client->request_bytes < whole || client->fd < 0) return;
    char after = client->request[whole];
    client->request[whole] = '\0';
    answer(pace, client, end + 4);
    client->request[whole] = after;
    client->request_bytes -= whole;
    memmove(client->request, client->request + whole, client->request_bytes);
}

static void hear(struct pace *pace, struct client *client)
{
    ssize_t count = recv(client->fd, client->request + client->request_bytes,
                         REQUEST_BYTES - client->request_bytes, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
        hang_up(pace, client);
        return;
    }
    client->request_bytes += (size_t)count;
    take_request(pace, client);
}

/* The socket takes bytes again. */
static void unblock(struct pace *pace, struct client *client)
{
    char *unsent = client->unsent;
    size_t bytes = client->unsent_bytes;
    bool streaming = client->streaming;
    client->blocked = client->streaming = false;
    client->unsent = NULL;
    if (say(pace, client, unsent, bytes) && !client->blocked) {
        watch(pace, client, EPOLL_CTL_MOD);
        if (pace->interval_ns == 0) client->due_ns = now_ns();
        if (streaming) begin_stream(pace, client);
        else take_request(pace, client);
    } else {
        client->streaming = streaming;
    }
    free(unsent);
}

static void greet(struct pace *pace)
{
    for (int fd; (fd = accept4(pace->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        int one = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct client *client = calloc(1, sizeof *client);
        char *request = malloc(REQUEST_BYTES + 1);
        if (!client || !request) {
            close(fd);
            free(client);
            free(request);
            return;
        }
        client->fd = fd;
        client->request = request;
        client->next = pace->open;
        if (pace->open) pace->open->before = client;
        pace->open = client;
        atomic_fetch_add_explicit(&pace->clients, 1, memory_order_relaxed);
        watch(pace, client, EPOLL_CTL_ADD);
    }
}

static void set_timer(struct pace *pace)
{
    uint64_t due = pace->due.count ? pace->due.heap[0]->due_ns : 0;
    struct itimerspec time = {.it_value = {(time_t)(due / NS_PER_S), (long)(due % NS_PER_S)}};
    timerfd_settime(pace->timer, TFD_TIMER_ABSTIME, &time, NULL);
}

static void bury(struct pace *pace)
{
    while (pace->closed) {
        struct client *client = pace->closed;
        pace->closed = client->next;
        free(client->request);
        free(client->unsent);
        free(client);
    }
}

static void *run(void *argument)
{
    struct pace *pace = argument;
    struct epoll_event events[EVENTS];
    atomic_store(&pace->scheduling, (int)schedule_self());
    while (!atomic_load_explicit(&pace->stop, memory_order_relaxed)) {
        uint64_t now = now_ns();
        for (int i = 0; i < EVENTS && pace->due.count && pace->due.heap[0]->due_ns <= now; i++)
            play(pace, pace->due.heap[0]);
        bool due = pace->due.count && pace->due.heap[0]->due_ns <= now_ns();
        if (!due) set_timer(pace);
        int count = epoll_wait(pace->epoll, events, EVENTS, due ? 0 : -1);
        for (int i = 0; i < count; i++) {
            struct client *client = events[i].data.ptr;
            uint64_t ignored;
            if (client == (void *)pace) greet(pace);
            else if (!client && read(pace->timer, &ignored, sizeof ignored) < 0) errno = 0;
            else if (!client) continue;
            else if (client->fd >= 0 && client->blocked && (events[i].events & EPOLLOUT))
                unblock(pace, client);
            else if (client->fd >= 0) hear(pace, client);
        }
        bury(pace);
    }
    return NULL;
}

/* ---- opening and closing ---- */

static bool read_options(struct pace *pace, const char *options, unsigned *port, char *error,
                         size_t error_bytes)
{
    while (*options) {
        char key[32];
        unsigned long value;
        if (sscanf(options, "%31[a-z_]=%lu", key, &value) != 2) {
            snprintf(error, error_bytes, "\"%.40s\": expected key=number", options);
            return false;
        }
        if (strcmp(key, "tokens") == 0) pace->tokens = (uint32_t)value;
        else if (strcmp(key, "interval_us") == 0) pace->interval_ns = value * 1000;
        else if (strcmp(key, "delay_us") == 0) pace->delay_ns = value * 1000;
        else if (strcmp(key, "burst") == 0) pace->burst = (uint32_t)value;
        else if (strcmp(key, "port") == 0) *port = (unsigned)value;
        else {
            snprintf(error, error_bytes, "%s: no such option", key);
            return false;
        }
        options += strcspn(options, "\n");
        options += *options == '\n';
    }
    if (pace->tokens >= 1 && pace->burst >= 1 && pace->burst <= BURST_MAX) return true;
    snprintf(error, error_bytes, "tokens: at least 1; burst: 1 to %d", BURST_MAX);
    return false;
}

static bool watch_own(struct pace *pace, int fd, void *name)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = name};
    return fd >= 0 && epoll_ctl(pace->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool start(struct pace *pace, unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;
    int one = 1;
    pace->epoll = epoll_create1(EPOLL_CLOEXEC);
    pace->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    pace->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pace->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(pace->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(pace->listener, (struct sockaddr *)&address, sizeof address) != 0) return false;
    if (listen(pace->listener, 4096) != 0) return false;
    getsockname(pace->listener, (struct sockaddr *)&address, &bytes);
    pace->port = ntohs(address.sin_port);
    if (!watch_own(pace, pace->listener, pace) || !watch_own(pace, pace->timer, NULL) ||
        !watch_own(pace, pace->wake, NULL))
        return false;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    errno = pthread_create(&pace->thread, NULL, run, pace);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return errno == 0;
}

static void release(struct pace *pace)
{
    int files[] = {pace->epoll, pace->timer, pace->wake, pace->listener};
    while (pace->open) hang_up(pace, pace->open);
    bury(pace);
    for (int i = 0; i < 4; i++)
        if (files[i] >= 0) close(files[i]);
    free(pace->due.heap);
    free(pace);
}

struct pace *pace_open(const char *options, char *error, size_t error_bytes)
{
    struct pace *pace = calloc(1, sizeof *pace);
    unsigned port = 0;
    if (!pace) return NULL;
    pace->epoll = pace->timer = pace->wake = pace->listener = -1;
    pace->tokens = 200;
    pace->burst = 1;
    pace->interval_ns = 20 * 1000 * 1000;
    if (read_options(pace, options, &port, error, error_bytes)) {
        if (start(pace, port)) return pace;
        snprintf(error, error_bytes, "port %u: %s", port, strerror(errno));
    }
    release(pace);
    return NULL;
}

uint16_t pace_port(const struct pace *pace)
{
    return pace->port;
}

int32_t pace_status(struct pace *pace, char *text, uint32_t text_bytes)
{
    clockid_t clock;
    struct timespec cpu = {0};
    if (pthread_getcpuclockid(pace->thread, &clock) == 0) clock_gettime(clock, &cpu);
    struct json json;
    json_begin(&json, text, text_bytes);
    json_open(&json, NULL, '{');
    json_number(&json, "requests", (double)atomic_load(&pace->requests));
    json_number(&json, "events", (double)atomic_load(&pace->events));
    json_number(&json, "connections", (double)atomic_load(&pace->clients));
    json_number(&json, "worst_lateness_ns", (double)atomic_load(&pace->late_ns));
    json_number(&json, "cpu_ns", (double)cpu.tv_sec * 1e9 + (double)cpu.tv_nsec);
    json_text(&json, "scheduling", scheduling_name((enum scheduling)atomic_load(&pace->scheduling)));
    json_close(&json, '}');
    return json_end(&json);
}

void pace_close(struct pace *pace)
{
    uint64_t one = 1;
    atomic_store(&pace->stop, true);
    if (write(pace->wake, &one, sizeof one) < 0) errno = 0;
    pthread_join(pace->thread, NULL);
    release(pace);
}
