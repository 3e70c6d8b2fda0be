#include "http/wire/wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/thread.h"
#include "http/wire/parts.h"

#define RING_BYTES (16u * 1024 * 1024)
/* Holds the largest event and the records around it. */
#define RING_BYTES_MIN (8u * 1024 * 1024)
#define NEVER_NS 1e300
/* No connection is opened ahead in the last moment before a request is due. */
#define AHEAD_NS 1e6
#define FULL_SLEEP_NS 100000

static void signal_consumer(struct wire *wire)
{
    uint64_t one = 1;
    ssize_t ignored = write(wire->ready_fd, &one, sizeof one); /* a full counter wakes as well */
    (void)ignored;
}

static void wake_consumer(struct wire *wire)
{
    atomic_store(&wire->urgent, true);
    if (atomic_exchange(&wire->waited, false)) signal_consumer(wire);
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
        wire->targets[request->head.target].in_flight--;
        wire->slot_ns = end->t_end_ns;
    }
    request_table_remove(&wire->table, request);
    wire_emit(wire, request->head.request, WIRE_END, end->t_end_ns, WIRE_LAG_UNKNOWN, text,
              sizeof *end + said);
    atomic_fetch_add_explicit(&wire->ended, 1, memory_order_relaxed);
    free(request);
}

static struct request *first_waiting(const struct wire *wire)
{
    const struct heap_entry *first = heap_first(&wire->waiting);
    return first ? HEAP_OWNER(first->link, struct request, waiting) : NULL;
}

/* Removes a request from the waiting ones. */
static void take_waiting(struct wire *wire, struct request *request)
{
    heap_remove(&wire->waiting, &request->waiting);
    wire->targets[request->head.target].waiting--;
}

/*
 * Chooses the place with the fewest requests in flight; if several have the fewest, the one that
 * has received the fewest so far.
 */
static void choose_place(struct wire *wire, struct request *request)
{
    if (request->head.places == 0) return;
    uint32_t best = 0;
    size_t head;
    struct wire_place chosen = request_place(request, 0, &head);
    size_t chosen_head = head;
    for (uint32_t i = 1; i < request->head.places; i++) {
        struct wire_place place = request_place(request, i, &head);
        const struct target *target = &wire->targets[place.target];
        const struct target *least = &wire->targets[chosen.target];
        if (target->in_flight > least->in_flight) continue;
        if (target->in_flight == least->in_flight && target->given >= least->given) continue;
        best = i;
        chosen = place;
        chosen_head = head;
    }
    size_t last_head;
    struct wire_place last = request_place(request, request->head.places - 1, &last_head);
    size_t body = last_head + last.head_bytes;
    memmove(request->bytes + body - chosen.head_bytes, request->bytes + chosen_head,
            chosen.head_bytes);
    request->http = request->bytes + body - chosen.head_bytes;
    request->http_bytes = request->head.bytes - body + chosen.head_bytes;
    request->head.target = chosen.target;
    request->end.flags = best << WIRE_PLACE_SHIFT;
}

/* Requests that begin together must not wait for each other's connections. */
static void connect_all_ahead(struct wire *wire, uint32_t limit)
{
    uint64_t all = wire->waiting.count, first = all < limit ? all : limit;
    int targets = atomic_load_explicit(&wire->target_count, memory_order_acquire);
    for (int i = 0; i < targets; i++) {
        struct target *target = &wire->targets[i];
        if (target->waiting)
            connect_ahead(wire, target, (uint32_t)((first * target->waiting + all / 2) / all));
    }
}

/* Sends the requests that are due and have a place in flight. */
static void start_due(struct wire *wire)
{
    uint32_t limit = atomic_load_explicit(&wire->limit, memory_order_relaxed);
    if (limit != wire->known_limit) {
        wire->known_limit = limit;
        wire->slot_ns = wire_now();
    }
    for (struct request *request; (request = first_waiting(wire));) {
        double now = wire_now();
        if (request->head.t_send_ns > now) {
            if (wire->in_flight == 0 && limit != UINT32_MAX && request->head.t_send_ns > now + AHEAD_NS)
                connect_all_ahead(wire, limit);
            break;
        }
        if (wire->in_flight >= limit) {
            wire->held = true;
            return;
        }
        take_waiting(wire, request);
        choose_place(wire, request);
        /* a request handed over after its time is late because of the caller */
        double ready = request->head.t_send_ns;
        if (ready == 0) ready = request->queued_ns;
        if (wire->held && ready < wire->slot_ns) ready = wire->slot_ns;
        request->end.t_ready_ns = ready;
        request->t_deadline_ns = now + request->head.timeout_ns;
        if (request->t_deadline_ns < wire->next_deadline_ns)
            wire->next_deadline_ns = request->t_deadline_ns;
        wire->in_flight++;
        wire->targets[request->head.target].in_flight++;
        wire->targets[request->head.target].given++;
        request->in_flight = true;
        send_on_connection(wire, request);
    }
    wire->held = false;
}

static void cancel_request(struct wire *wire, uint32_t number)
{
    struct request *request = request_table_find(&wire->table, number);
    if (!request) return;
    if (request->connection) {
        fail_connection(wire, request->connection, WIRE_CANCELLED, "");
    } else {
        take_waiting(wire, request);
        wire_end_request(wire, request, WIRE_CANCELLED, "");
    }
}

/* Ends all requests that were not sent yet. */
static void cancel_waiting(struct wire *wire)
{
    for (struct request *request; (request = first_waiting(wire));) {
        take_waiting(wire, request);
        wire_end_request(wire, request, WIRE_CANCELLED, "");
    }
}

/* The send time as a key of the heap: 0 for as soon as possible. */
static int64_t key_of(double t_send_ns)
{
    if (!(t_send_ns > 0)) return 0;
    return t_send_ns < 9e18 ? (int64_t)t_send_ns : INT64_MAX;
}

static void queue_request(struct wire *wire, struct request *request)
{
    if (request_table_add(&wire->table, request)) {
        int64_t key = key_of(request->head.t_send_ns);
        uint64_t number = wire->sequence++;
        if (request->head.places) { /* connections are opened ahead as if the places took turns */
            size_t head;
            request->head.target =
                request_place(request, (uint32_t)(number % request->head.places), &head).target;
        }
        if (heap_push(&wire->waiting, key, number, &request->waiting)) {
            wire->targets[request->head.target].waiting++;
            return;
        }
        request_table_remove(&wire->table, request);
    }
    wire_end_request(wire, request, WIRE_CONNECT, "no memory for the request");
}

static void run_commands(struct wire *wire)
{
    uint64_t tail = atomic_load_explicit(&wire->commands_tail, memory_order_relaxed);
    uint64_t head = atomic_load_explicit(&wire->commands_head, memory_order_acquire);
    while (tail < head) {
        struct command command = wire->commands[tail & (COMMANDS - 1)];
        atomic_store_explicit(&wire->commands_tail, ++tail, memory_order_release);
        if (command.what == COMMAND_SEND) queue_request(wire, command.request);
        else if (command.what == COMMAND_CANCEL) cancel_request(wire, command.number);
        else cancel_waiting(wire);
    }
}

/* Ends the requests that have timed out. */
static void check_deadlines(struct wire *wire)
{
    double now = wire_now();
    if (now < wire->next_deadline_ns) return;
    double next = NEVER_NS;
    for (size_t i = wire->connection_count; i-- > 0;) {
        struct connection *connection = wire->connections[i];
        struct request *request = connection->request;
        if (!request) continue;
        if (request->t_deadline_ns > now) {
            if (request->t_deadline_ns < next) next = request->t_deadline_ns;
        } else {
            bool answered = request->end.t_first_byte_ns != 0;
            fail_connection(wire, connection, answered ? WIRE_UNENDED : WIRE_NO_ANSWER, "");
        }
    }
    wire->next_deadline_ns = next;
}

/* Sets the timer to the next event that is due. */
static void set_timer(struct wire *wire)
{
    double next = wire->next_deadline_ns;
    const struct request *first = first_waiting(wire);
    bool may_send =
        wire->in_flight < atomic_load_explicit(&wire->limit, memory_order_relaxed);
    if (first && may_send && first->head.t_send_ns < next) next = first->head.t_send_ns;
    bool none = next >= NEVER_NS;
    event_loop_set_timer(&wire->loop, none ? 0 : next < 1 ? 1 : (uint64_t)next);
}

static void file_ready(void *context, void *owner, uint32_t events)
{
    struct wire *wire = context;
    if (owner) connection_ready(wire, owner, events);
    else run_commands(wire);
    start_due(wire);
}

static void *run(void *argument)
{
    struct wire *wire = argument;
    atomic_store_explicit(&wire->scheduling, (int)thread_schedule_self(), memory_order_relaxed);
    while (!atomic_load_explicit(&wire->stop, memory_order_relaxed)) {
        run_commands(wire);
        start_due(wire);
        check_deadlines(wire);
        start_due(wire);
        set_timer(wire);
        event_loop_will_sleep(&wire->loop);
        bool more = atomic_load(&wire->commands_head) !=
                    atomic_load_explicit(&wire->commands_tail, memory_order_relaxed);
        event_loop_wait(&wire->loop, !more && !atomic_load(&wire->stop), file_ready, wire);
        free_closed_connections(wire);
    }
    return NULL;
}

/* Each stream needs one connection, and the soft limit of open files is often 1,024. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static bool start(struct wire *wire)
{
    wire->ready_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    wire->input = malloc(READ_BYTES);
    wire->plain = malloc(TLS_RECORD_BYTES);
    wire->commands = calloc(COMMANDS, sizeof *wire->commands);
    if (!event_loop_open(&wire->loop) || wire->ready_fd < 0) return false;
    if (!wire->stream || !wire->input || !wire->plain || !wire->commands) return false;
    errno = thread_start(&wire->thread, run, wire);
    return errno == 0;
}

static void release(struct wire *wire)
{
    event_loop_close(&wire->loop);
    if (wire->ready_fd >= 0) close(wire->ready_fd);
    stream_free(wire->stream);
    free(wire->input);
    free(wire->plain);
    for (int i = 0; i < atomic_load(&wire->target_count); i++)
        tls_context_free(wire->targets[i].tls);
    free(wire->commands);
    free(wire->connections);
    heap_free(&wire->waiting);
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
    wire->next_deadline_ns = NEVER_NS;
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
    event_loop_wake(&wire->loop);
    signal_consumer(wire);
    pthread_join(wire->thread, NULL);
}

void wire_free(struct wire *wire)
{
    wire_stop(wire);
    run_commands(wire);
    while (wire->connection_count) {
        struct connection *connection = wire->connections[0];
        free(connection->request);
        close_connection(wire, connection);
    }
    free_closed_connections(wire);
    for (struct request *request; (request = first_waiting(wire)); free(request))
        heap_remove(&wire->waiting, &request->waiting);
    release(wire);
}
