#include "wire.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "schedule.h"
#include "wire_parts.h"

#define RING_BYTES (16u * 1024 * 1024)
/* Holds the largest event and the records around it. */
#define RING_BYTES_MIN (8u * 1024 * 1024)
#define EVENTS 256
#define NS_PER_S 1000000000ull
#define FULL_SLEEP_NS 100000

double wire_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

void signal_fd(int fd)
{
    uint64_t one = 1;
    ssize_t ignored = write(fd, &one, sizeof one); /* a full counter wakes as well */
    (void)ignored;
}

static void wake_consumer(struct wire *wire)
{
    atomic_store(&wire->urgent, true);
    if (atomic_exchange(&wire->waited, false)) signal_fd(wire->ready_fd);
}

static bool is_ascii(const char *bytes, size_t count)
{
    uint64_t high = 0, word;
    size_t i = 0;
    for (; i + sizeof word <= count; i += sizeof word) {
        memcpy(&word, bytes + i, sizeof word);
        high |= word;
    }
    for (; i < count; i++) high |= (unsigned char)bytes[i];
    return (high & 0x8080808080808080u) == 0;
}

void wire_emit(struct wire *wire, uint32_t request, enum wire_kind kind, double t_ns,
               uint32_t lag_ns, const void *bytes, size_t count)
{
    uint32_t whole = (uint32_t)(sizeof(struct wire_record) + ((count + 7) & ~(size_t)7));
    while (stream_room(wire->stream) < whole) {
        if (atomic_load_explicit(&wire->stop, memory_order_relaxed)) return;
        wake_consumer(wire);
        struct timespec pause = {0, FULL_SLEEP_NS};
        double begin = wire_now();
        nanosleep(&pause, NULL);
        atomic_fetch_add_explicit(&wire->blocked_ns, (uint64_t)(wire_now() - begin),
                                  memory_order_relaxed);
    }
    struct wire_record *record = stream_claim(wire->stream);
    *record = (struct wire_record){
        .bytes = whole, .request = request, .t_ns = t_ns, .kind = kind,
        .length = (uint32_t)count, .lag_ns = lag_ns, .ascii = is_ascii(bytes, count),
    };
    if (count) memcpy(record + 1, bytes, count);
    stream_commit(wire->stream, whole);
    if (kind == WIRE_END || stream_used(wire->stream) > stream_bytes(wire->stream) / 4)
        wake_consumer(wire);
}

void wire_end_request(struct wire *wire, struct request *request, enum wire_failure failure,
                      const char *message)
{
    char text[sizeof(struct wire_end) + 160];
    struct wire_end *end = &request->end;
    end->failure = failure;
    if (failure != WIRE_OK || end->t_end_ns == 0) end->t_end_ns = wire_now();
    memcpy(text, end, sizeof *end);
    size_t said = strnlen(message, sizeof text - sizeof *end);
    memcpy(text + sizeof *end, message, said);
    if (request->in_flight) {
        wire->in_flight--;
        wire->slot_ns = end->t_end_ns;
    }
    table_remove(&wire->table, request);
    wire_emit(wire, request->head.request, WIRE_END, end->t_end_ns, WIRE_LAG_UNKNOWN, text,
              sizeof *end + said);
    atomic_fetch_add_explicit(&wire->ended, 1, memory_order_relaxed);
    free(request);
}

/* Sends what is due and has a place. */
static void start_due(struct wire *wire)
{
    uint32_t limit = atomic_load_explicit(&wire->limit, memory_order_relaxed);
    if (limit != wire->known_limit) {
        wire->known_limit = limit;
        wire->slot_ns = wire_now();
    }
    for (struct request *request; (request = waiting_first(&wire->waiting));) {
        double now = wire_now();
        if (request->head.t_send_ns > now) break;
        if (wire->in_flight >= limit) {
            wire->held = true;
            return;
        }
        waiting_remove(&wire->waiting, request);
        /* one that was handed over after its time is late, by the caller's fault */
        double ready = request->head.t_send_ns;
        if (ready == 0) ready = request->queued_ns;
        if (wire->held && ready < wire->slot_ns) ready = wire->slot_ns;
        request->end.t_ready_ns = ready;
        request->t_deadline_ns = now + request->head.timeout_ns;
        if (request->t_deadline_ns < wire->next_deadline_ns)
            wire->next_deadline_ns = request->t_deadline_ns;
        wire->in_flight++;
        request->in_flight = true;
        connection_start(wire, request);
    }
    wire->held = false;
}

static void cancel(struct wire *wire, uint32_t number)
{
    struct request *request = table_find(&wire->table, number);
    if (!request) return;
    if (request->connection) {
        connection_fail(wire, request->connection, WIRE_CANCELLED, "");
    } else {
        waiting_remove(&wire->waiting, request);
        wire_end_request(wire, request, WIRE_CANCELLED, "");
    }
}

/* Ends all that were not sent yet. */
static void withdraw(struct wire *wire)
{
    for (struct request *request; (request = waiting_first(&wire->waiting));) {
        waiting_remove(&wire->waiting, request);
        wire_end_request(wire, request, WIRE_CANCELLED, "");
    }
}

static void take(struct wire *wire, struct request *request)
{
    request->sequence = wire->sequence++;
    if (table_add(&wire->table, request)) {
        if (waiting_push(&wire->waiting, request)) return;
        table_remove(&wire->table, request);
    }
    wire_end_request(wire, request, WIRE_CONNECT, "no memory for the request");
}

static void take_commands(struct wire *wire)
{
    uint64_t tail = atomic_load_explicit(&wire->commands_tail, memory_order_relaxed);
    uint64_t head = atomic_load_explicit(&wire->commands_head, memory_order_acquire);
    while (tail < head) {
        struct command command = wire->commands[tail & (COMMANDS - 1)];
        atomic_store_explicit(&wire->commands_tail, ++tail, memory_order_release);
        if (command.what == COMMAND_SEND) take(wire, command.request);
        else if (command.what == COMMAND_CANCEL) cancel(wire, command.number);
        else withdraw(wire);
    }
}

/* Ends the requests whose time is up. */
static void check_deadlines(struct wire *wire)
{
    double now = wire_now();
    if (now < wire->next_deadline_ns) return;
    double next = 1e300;
    for (size_t i = wire->connection_count; i-- > 0;) {
        struct connection *connection = wire->connections[i];
        struct request *request = connection->request;
        if (!request) continue;
        if (request->t_deadline_ns > now) {
            if (request->t_deadline_ns < next) next = request->t_deadline_ns;
        } else {
            bool answered = request->end.t_first_byte_ns != 0;
            connection_fail(wire, connection, answered ? WIRE_UNENDED : WIRE_NO_ANSWER, "");
        }
    }
    wire->next_deadline_ns = next;
}

/* Sets the timer to what is due next. */
static void set_timer(struct wire *wire)
{
    double next = wire->next_deadline_ns;
    const struct request *first = waiting_first(&wire->waiting);
    bool may_send =
        wire->in_flight < atomic_load_explicit(&wire->limit, memory_order_relaxed);
    if (first && may_send && first->head.t_send_ns < next) next = first->head.t_send_ns;
    if (next >= 1e300) next = 0;
    if (next == wire->timer_ns) return;
    wire->timer_ns = next;
    uint64_t ns = next == 0 ? 0 : next < 1 ? 1 : (uint64_t)next;
    struct itimerspec time = {.it_value = {(time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S)}};
    timerfd_settime(wire->timer, TFD_TIMER_ABSTIME, &time, NULL);
}

static int wait_for_events(struct wire *wire, struct epoll_event *events)
{
    atomic_store(&wire->sleeping, true);
    bool more = atomic_load(&wire->commands_head) !=
                atomic_load_explicit(&wire->commands_tail, memory_order_relaxed);
    int count = epoll_wait(wire->epoll, events, EVENTS,
                           more || atomic_load(&wire->stop) ? 0 : -1);
    atomic_store(&wire->sleeping, false);
    return count;
}

static void *run(void *argument)
{
    struct wire *wire = argument;
    struct epoll_event events[EVENTS];
    atomic_store_explicit(&wire->scheduling, (int)schedule_self(), memory_order_relaxed);
    while (!atomic_load_explicit(&wire->stop, memory_order_relaxed)) {
        take_commands(wire);
        start_due(wire);
        check_deadlines(wire);
        start_due(wire);
        set_timer(wire);
        int count = wait_for_events(wire, events);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (!connection) { /* the timer, or a command */
                uint64_t ignored;
                if (read(wire->wake_fd, &ignored, sizeof ignored) < 0) errno = 0;
                if (read(wire->timer, &ignored, sizeof ignored) > 0) wire->timer_ns = 0;
                take_commands(wire);
            } else {
                connection_ready(wire, connection, events[i].events);
            }
            start_due(wire);
        }
        connections_bury(wire);
    }
    return NULL;
}

/* One connection a stream: the soft limit of open files is often 1,024. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static bool watch_own(struct wire *wire, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    return fd >= 0 && epoll_ctl(wire->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool start(struct wire *wire)
{
    wire->epoll = epoll_create1(EPOLL_CLOEXEC);
    wire->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    wire->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    wire->ready_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    wire->input = malloc(READ_BYTES);
    wire->commands = calloc(COMMANDS, sizeof *wire->commands);
    if (wire->epoll < 0 || wire->ready_fd < 0 || !wire->stream || !wire->input || !wire->commands)
        return false;
    if (!watch_own(wire, wire->timer) || !watch_own(wire, wire->wake_fd)) return false;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&wire->thread, NULL, run, wire);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = failed;
    return failed == 0;
}

static void release(struct wire *wire)
{
    int files[] = {wire->epoll, wire->timer, wire->wake_fd, wire->ready_fd};
    for (int i = 0; i < 4; i++)
        if (files[i] >= 0) close(files[i]);
    stream_free(wire->stream);
    free(wire->input);
    free(wire->commands);
    free(wire->connections);
    free(wire->waiting.heap);
    free(wire->table.buckets);
    free(wire);
}

struct wire *wire_open(const char *options, char *error, size_t error_bytes)
{
    uint32_t ring_bytes = RING_BYTES;
    if (*options && sscanf(options, "ring_bytes=%u", &ring_bytes) != 1) {
        snprintf(error, error_bytes, "\"%s\": expected ring_bytes=N", options);
        return NULL;
    }
    struct wire *wire = aligned_alloc(64, (sizeof *wire + 63) & ~(size_t)63);
    if (!wire) return NULL;
    memset(wire, 0, sizeof *wire);
    wire->epoll = wire->timer = wire->wake_fd = wire->ready_fd = -1;
    wire->next_deadline_ns = 1e300;
    wire->limit = UINT32_MAX;
    wire->stream = stream_new(ring_bytes < RING_BYTES_MIN ? RING_BYTES_MIN : ring_bytes);
    raise_file_limit();
    if (start(wire)) return wire;
    snprintf(error, error_bytes, "%s", strerror(errno));
    release(wire);
    return NULL;
}

void wire_stop(struct wire *wire)
{
    if (atomic_exchange(&wire->stop, true)) return;
    signal_fd(wire->wake_fd);
    signal_fd(wire->ready_fd);
    pthread_join(wire->thread, NULL);
}

void wire_free(struct wire *wire)
{
    wire_stop(wire);
    take_commands(wire);
    while (wire->connection_count) {
        struct connection *connection = wire->connections[0];
        free(connection->request);
        connection_close(wire, connection);
    }
    connections_bury(wire);
    for (size_t i = 0; i < wire->waiting.count; i++) free(wire->waiting.heap[i]);
    release(wire);
}
