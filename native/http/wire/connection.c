/* One connection: connecting, writing the request, reading the answer. */
#include <errno.h>
#include <linux/net_tstamp.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "http/wire/parts.h"

static void watch(struct wire *wire, struct connection *connection, int operation, bool writing)
{
    uint32_t events = EPOLLIN | EPOLLRDHUP | (writing ? (uint32_t)EPOLLOUT : 0);
    event_loop_watch(&wire->loop, operation, connection->fd, events, connection);
    connection->writing = writing;
}

static bool add_connection(struct wire *wire, struct connection *connection)
{
    if (wire->connection_count == wire->connection_room) {
        size_t room = wire->connection_room ? wire->connection_room * 2 : 64;
        struct connection **grown = realloc(wire->connections, room * sizeof *grown);
        if (!grown) return false;
        wire->connections = grown;
        wire->connection_room = room;
    }
    connection->place = wire->connection_count;
    wire->connections[wire->connection_count++] = connection;
    return true;
}

void close_connection(struct wire *wire, struct connection *connection)
{
    struct connection **at = &connection->target->idle;
    while (*at && *at != connection) at = &(*at)->next;
    if (*at) *at = connection->next;
    if (!connection->busy) connection->target->spare--;
    if (connection->fd >= 0) close(connection->fd);
    connection->fd = -1;
    struct connection *last = wire->connections[--wire->connection_count];
    wire->connections[connection->place] = last;
    last->place = connection->place;
    connection->next = wire->closed;
    wire->closed = connection;
}

void free_closed_connections(struct wire *wire)
{
    while (wire->closed) {
        struct connection *connection = wire->closed;
        wire->closed = connection->next;
        http_free(&connection->http);
        body_free(&connection->body);
        free(connection);
    }
}

void fail_connection(struct wire *wire, struct connection *connection, enum wire_failure failure,
                     const char *message)
{
    struct request *request = connection->request;
    connection->request = NULL;
    close_connection(wire, connection);
    wire_end_request(wire, request, failure, message);
}

/* The connection is gone, with an errno or 0 for closed by the server. */
static void connection_lost(struct wire *wire, struct connection *connection, int error)
{
    struct request *request = connection->request;
    if (!request) {
        close_connection(wire, connection);
        return;
    }
    bool answered = request->end.t_first_byte_ns != 0;
    if ((connection->reused || connection->ahead) && !answered && !request->resent) {
        /* servers close idle connections; one was taken that was just being closed */
        request->resent = true;
        request->end.flags |= WIRE_RESENT;
        request->end.flags &= ~(uint32_t)(WIRE_REUSED | WIRE_AHEAD);
        connection->request = NULL;
        close_connection(wire, connection);
        atomic_fetch_add_explicit(&wire->resent, 1, memory_order_relaxed);
        send_on_connection(wire, request);
        return;
    }
    fail_connection(wire, connection, answered ? WIRE_TRUNCATED : WIRE_LOST,
                    error ? strerror(error) : "closed by the server");
}

static void write_request(struct wire *wire, struct connection *connection)
{
    struct request *request = connection->request;
    if (connection->written == 0) {
        request->end.t_sent_ns = wire_now();
        if (connection->reused) request->end.flags |= WIRE_REUSED;
        else if (connection->ahead) request->end.flags |= WIRE_AHEAD;
        if (!connection->reused)
            request->end.connect_ns = connection->ahead
                ? connection->connect_ns
                : request->end.t_sent_ns - connection->t_connect_ns;
        atomic_fetch_add_explicit(&wire->sent, 1, memory_order_relaxed);
    }
    while (connection->written < request->http_bytes) {
        ssize_t count = send(connection->fd, request->http + connection->written,
                             request->http_bytes - connection->written, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && errno == EAGAIN) {
            if (!connection->writing) watch(wire, connection, EPOLL_CTL_MOD, true);
            return;
        }
        if (count < 0) {
            connection_lost(wire, connection, errno);
            return;
        }
        connection->written += (size_t)count;
    }
    if (connection->writing) watch(wire, connection, EPOLL_CTL_MOD, false);
}

/* Opens a socket to the first of the remaining addresses that does not refuse at once. */
static bool open_socket(struct wire *wire, struct connection *connection, int *error)
{
    const struct target *target = connection->target;
    for (; connection->address < target->count; connection->address++) {
        const struct address *address = &target->addresses[connection->address];
        int family = address->at.any.sa_family;
        int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0) {
            *error = errno;
            return false; /* too many open files: another address would not help */
        }
        int one = 1, stamps = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
        if (family != AF_UNIX) {
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &stamps, sizeof stamps);
        }
        connection->fd = fd;
        int result = connect(fd, &address->at.any, address->bytes);
        if (result == 0 || errno == EINPROGRESS) {
            connection->connecting = result != 0;
            watch(wire, connection, EPOLL_CTL_ADD, connection->connecting);
            atomic_fetch_add_explicit(&wire->opened, 1, memory_order_relaxed);
            return true;
        }
        *error = errno;
        close(fd);
        connection->fd = -1;
    }
    return false;
}

/* It waits for a request. */
static void keep_idle(struct connection *connection)
{
    connection->next = connection->target->idle;
    connection->target->idle = connection;
}

static void connected(struct wire *wire, struct connection *connection)
{
    if (connection->busy) {
        write_request(wire, connection);
        return;
    }
    connection->connect_ns = wire_now() - connection->t_connect_ns;
    if (connection->writing) watch(wire, connection, EPOLL_CTL_MOD, false);
    keep_idle(connection);
}

static void connect_next(struct wire *wire, struct connection *connection, int error)
{
    if (open_socket(wire, connection, &error)) {
        if (!connection->connecting) connected(wire, connection);
    } else if (connection->busy) {
        fail_connection(wire, connection, WIRE_CONNECT, strerror(error));
    } else {
        close_connection(wire, connection); /* a request will try again, and tell why */
    }
}

static void attach_request(struct connection *connection, struct request *request)
{
    connection->request = request;
    connection->busy = true;
    request->connection = connection;
    connection->written = 0;
    http_begin(&connection->http);
}

/* NULL when memory is short. */
static struct connection *new_connection(struct wire *wire, struct target *target)
{
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection) return NULL;
    connection->fd = -1;
    connection->target = target;
    connection->t_connect_ns = wire_now();
    if (add_connection(wire, connection)) return connection;
    free(connection);
    return NULL;
}

void connect_ahead(struct wire *wire, struct target *target, uint32_t count)
{
    while (target->spare < count) {
        uint32_t before = target->spare;
        struct connection *connection = new_connection(wire, target);
        if (!connection) return;
        connection->ahead = true;
        target->spare++;
        connect_next(wire, connection, ECONNREFUSED);
        if (target->spare == before) return; /* refused at once */
    }
}

void send_on_connection(struct wire *wire, struct request *request)
{
    struct target *target = &wire->targets[request->head.target];
    struct connection *connection = request->resent ? NULL : target->idle;
    if (connection) {
        target->idle = connection->next;
        target->spare--;
        connection->next = NULL;
        connection->reused = connection->served;
        attach_request(connection, request);
        write_request(wire, connection);
        return;
    }
    connection = new_connection(wire, target);
    if (!connection) {
        wire_end_request(wire, request, WIRE_CONNECT, "no memory for a connection");
        return;
    }
    attach_request(connection, request);
    connect_next(wire, connection, ECONNREFUSED);
}

struct reading {
    struct wire *wire;
    struct connection *connection;
};

static void on_head(void *owner, const struct http *http)
{
    struct reading *reading = owner;
    struct connection *connection = reading->connection;
    body_begin(&connection->body, http->status, http->event_stream);
    wire_emit(reading->wire, connection->request->head.request, WIRE_HEAD, connection->t_read_ns,
              connection->lag_ns, http->head, http->head_bytes);
}

static void on_event(void *owner, const char *data, size_t bytes, bool error)
{
    struct reading *reading = owner;
    struct connection *connection = reading->connection;
    connection->request->end.events++;
    wire_emit(reading->wire, connection->request->head.request, error ? WIRE_ERROR : WIRE_EVENT,
              connection->t_read_ns, connection->lag_ns, data, bytes);
}

static void on_whole(void *owner, const char *bytes, size_t count)
{
    struct reading *reading = owner;
    struct connection *connection = reading->connection;
    if (connection->request->end.body_bytes > BODY_BYTES_MAX)
        connection->http.fault = "an answer of more than 64 MB";
    else
        wire_emit(reading->wire, connection->request->head.request, WIRE_BODY,
                  connection->t_read_ns, connection->lag_ns, bytes, count);
}

static void on_body(void *owner, const char *bytes, size_t count)
{
    struct reading *reading = owner;
    struct connection *connection = reading->connection;
    struct body_sink sink = {reading, on_event, on_whole};
    connection->request->end.body_bytes += (double)count;
    body_push(&connection->body, &sink, bytes, count);
    if (connection->body.sse.fault) connection->http.fault = connection->body.sse.fault;
}

/* The answer is whole: the connection is kept or closed, the request ends. */
static void answer_complete(struct wire *wire, struct connection *connection, bool clean)
{
    struct request *request = connection->request;
    struct reading reading = {wire, connection};
    struct body_sink sink = {&reading, on_event, on_whole};
    body_end(&connection->body, &sink);
    connection->request = NULL;
    if (clean && connection->http.keep_alive && connection->written == request->http_bytes) {
        connection->served = true;
        connection->busy = false;
        connection->target->spare++;
        keep_idle(connection);
    } else {
        close_connection(wire, connection);
    }
    wire_end_request(wire, request, WIRE_OK, "");
}

static void parse_answer(struct wire *wire, struct connection *connection, size_t count)
{
    struct request *request = connection->request;
    struct reading reading = {wire, connection};
    struct http_sink sink = {&reading, on_head, on_body};
    if (request->end.t_first_byte_ns == 0) request->end.t_first_byte_ns = connection->t_read_ns;
    struct http *http = &connection->http;
    size_t taken = http_push(http, &sink, wire->input, count);
    request->end.status = (uint32_t)http->status;
    request->end.t_end_ns = connection->t_read_ns;
    if (http->fault) fail_connection(wire, connection, WIRE_MALFORMED, http->fault);
    else if (http->state == HTTP_DONE) answer_complete(wire, connection, taken == count);
}

/* How long ago the kernel received the newest byte of a read. */
static uint32_t kernel_lag_ns(struct wire *wire, struct msghdr *message)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_TIMESTAMPING) continue;
        struct timespec received, now;
        memcpy(&received, CMSG_DATA(part), sizeof received);
        if (received.tv_sec == 0) continue;
        clock_gettime(CLOCK_REALTIME, &now);
        int64_t lag = (now.tv_sec - received.tv_sec) * 1000000000ll + now.tv_nsec -
                      received.tv_nsec;
        atomic_store_explicit(&wire->kernel_stamps, true, memory_order_relaxed);
        return lag < 0 ? 0 : lag < WIRE_LAG_UNKNOWN ? (uint32_t)lag : WIRE_LAG_UNKNOWN - 1;
    }
    return WIRE_LAG_UNKNOWN;
}

static void socket_readable(struct wire *wire, struct connection *connection)
{
    char control[256];
    struct iovec part = {wire->input, READ_BYTES};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1,
                             .msg_control = control, .msg_controllen = sizeof control};
    ssize_t count = recvmsg(connection->fd, &message, 0);
    if (count < 0) {
        if (errno != EAGAIN && errno != EINTR) connection_lost(wire, connection, errno);
        return;
    }
    atomic_fetch_add_explicit(&wire->reads, 1, memory_order_relaxed);
    connection->t_read_ns = wire_now();
    if (count > 0) {
        connection->lag_ns = kernel_lag_ns(wire, &message);
        parse_answer(wire, connection, (size_t)count);
    } else if (http_closed(&connection->http)) {
        connection->request->end.t_end_ns = connection->t_read_ns;
        answer_complete(wire, connection, false);
    } else {
        connection_lost(wire, connection, 0);
    }
}

static void connect_ended(struct wire *wire, struct connection *connection)
{
    int error = 0;
    socklen_t bytes = sizeof error;
    getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &bytes);
    connection->connecting = false;
    if (!error) {
        connected(wire, connection);
        return;
    }
    close(connection->fd);
    connection->fd = -1;
    connection->address++;
    connect_next(wire, connection, error);
}

void connection_ready(struct wire *wire, struct connection *connection, uint32_t events)
{
    if (connection->fd < 0) return; /* closed since epoll named it */
    if (connection->connecting) {
        if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) connect_ended(wire, connection);
        return;
    }
    if (!connection->request) { /* an idle one: closed, or it says what nobody asked for */
        close_connection(wire, connection);
        return;
    }
    if (connection->writing && (events & EPOLLOUT)) {
        write_request(wire, connection);
        if (connection->fd < 0 || !connection->request) return;
    }
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) socket_readable(wire, connection);
}
