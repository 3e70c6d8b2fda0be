/* The transfer over a connection: the request out, the answer in. */
#include <errno.h>
#include <linux/net_tstamp.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "http/wire/parts.h"

static const char CLOSED[] = "closed by the server";
static const char CLOSED_EARLY[] = "closed by the server during TLS's handshake";
/*
 * Without TLS's end notice, an answer that ends with the connection may have been cut by an
 * attacker.
 */
static const char CUT[] = "closed by the server without TLS's own end: it may be cut";

void watch_connection(struct wire *wire, struct connection *connection, int operation,
                      bool writing)
{
    uint32_t events = EPOLLIN | EPOLLRDHUP | (writing ? (uint32_t)EPOLLOUT : 0);
    event_loop_watch(&wire->loop, operation, connection->fd, events, connection);
    connection->writing = writing;
}

/* Bytes that the socket accepted: 0 if it is full, -1 and errno if it is gone. */
static ssize_t send_some(const struct connection *connection, const char *bytes, size_t count)
{
    ssize_t sent;
    do sent = send(connection->fd, bytes, count, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 && errno == EAGAIN ? 0 : sent;
}

/* 1: all of TLS's output was sent; 0: the socket is full; -1 and errno: it is gone. */
static int flush(const struct connection *connection)
{
    const char *bytes;
    for (size_t count; (count = tls_output(connection->tls, &bytes)) > 0;) {
        ssize_t sent = send_some(connection, bytes, count);
        if (sent <= 0) return (int)sent;
        tls_sent(connection->tls, (size_t)sent);
    }
    return 1;
}

bool send_output(struct wire *wire, struct connection *connection, int *error)
{
    int sent = flush(connection);
    if (sent < 0) *error = errno;
    else if (connection->writing != (sent == 0))
        watch_connection(wire, connection, EPOLL_CTL_MOD, sent == 0);
    return sent >= 0;
}

/*
 * Like flush(), for a part of the request. TLS may need bytes from the peer first: reading resumes
 * it then.
 */
static int send_part(struct connection *connection)
{
    const struct request *request = connection->request;
    const char *bytes = request->http + connection->written;
    size_t count = request->http_bytes - connection->written, taken = 0;
    if (!connection->tls) {
        ssize_t sent = send_some(connection, bytes, count);
        if (sent > 0) connection->written += (size_t)sent;
        return sent > 0 ? 1 : (int)sent;
    }
    int flushed = flush(connection);
    if (flushed <= 0) return flushed;
    enum tls_result result = tls_write(connection->tls, bytes, count, &taken);
    connection->written += taken;
    if (result == TLS_FAULT || result == TLS_CLOSED) return -1;
    flushed = flush(connection);
    return flushed > 0 && result == TLS_WAITS ? 0 : flushed;
}

static void note_sending(struct wire *wire, struct connection *connection)
{
    struct wire_end *end = &connection->request->end;
    connection->noted = true;
    end->t_sent_ns = wire_now();
    if (connection->reused) end->flags |= WIRE_REUSED;
    else if (connection->ahead) end->flags |= WIRE_AHEAD;
    if (!connection->reused) {
        end->connect_ns = connection->ahead ? connection->connect_ns
                                            : end->t_sent_ns - connection->t_connect_ns;
        end->tls_ns = connection->tls_ns;
    }
    atomic_fetch_add_explicit(&wire->sent, 1, memory_order_relaxed);
}

static bool has_output(const struct connection *connection)
{
    const char *bytes;
    return connection->tls && tls_output(connection->tls, &bytes) > 0;
}

void write_request(struct wire *wire, struct connection *connection)
{
    struct request *request = connection->request;
    if (!connection->noted) note_sending(wire, connection);
    int went = 1;
    while (went > 0 && connection->written < request->http_bytes) went = send_part(connection);
    if (went > 0 && has_output(connection)) went = flush(connection);
    if (went < 0 && !connection->tls) {
        connection_lost(wire, connection, strerror(errno));
        return;
    } /* with TLS the peer may have sent a reason: reading finds it */
    bool full = went == 0 && (!connection->tls || has_output(connection));
    if (connection->writing != full) watch_connection(wire, connection, EPOLL_CTL_MOD, full);
}

struct reading {
    struct wire *wire;
    struct connection *connection;
};

static void on_head(void *owner, const struct http *http)
{
    struct reading *reading = owner;
    struct connection *connection = reading->connection;
    body_begin(&connection->body, http);
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

/* Whether the next request may use the same connection. */
static bool may_stay(const struct connection *connection)
{
    const struct request *request = connection->request;
    uint32_t policy = request->head.connection;
    return connection->http.keep_alive && connection->written == request->http_bytes &&
           !has_output(connection) && !(policy & WIRE_LAST);
}

/* The answer is complete: keeps or closes the connection and ends the request. */
static void answer_complete(struct wire *wire, struct connection *connection, bool clean)
{
    struct request *request = connection->request;
    struct reading reading = {wire, connection};
    struct body_sink sink = {&reading, on_event, on_whole};
    body_end(&connection->body, &sink);
    bool stays = clean && may_stay(connection);
    connection->request = NULL;
    if (stays) {
        connection->served = true;
        connection->busy = false;
        connection->target->spare++;
        keep_idle(connection);
    } else {
        close_connection(wire, connection);
    }
    wire_end_request(wire, request, WIRE_OK, "");
}

static void parse_answer(struct wire *wire, struct connection *connection, const char *bytes,
                         size_t count)
{
    struct request *request = connection->request;
    struct reading reading = {wire, connection};
    struct http_sink sink = {&reading, on_head, on_body};
    if (request->end.t_first_byte_ns == 0) request->end.t_first_byte_ns = connection->t_read_ns;
    struct http *http = &connection->http;
    size_t taken = http_push(http, &sink, bytes, count);
    request->end.status = (uint32_t)http->status;
    request->end.t_end_ns = connection->t_read_ns;
    if (http->fault) fail_connection(wire, connection, WIRE_MALFORMED, http->fault);
    else if (http->state == HTTP_DONE) answer_complete(wire, connection, taken == count);
}

static void transfer_failed(struct wire *wire, struct connection *connection, const char *why)
{
    if (connection->handshaking) give_up_connecting(wire, connection, why);
    else connection_lost(wire, connection, why);
}

/* The peer sends no more; `ended` if the peer is known to have said so itself. */
static void answer_ended(struct wire *wire, struct connection *connection, bool ended)
{
    if (connection->request && ended && http_closed(&connection->http)) {
        connection->request->end.t_end_ns = connection->t_read_ns;
        answer_complete(wire, connection, false);
    } else {
        const struct request *request = connection->request;
        bool answered = request && request->end.t_first_byte_ns != 0;
        const char *why = connection->handshaking ? CLOSED_EARLY : answered && !ended ? CUT : CLOSED;
        transfer_failed(wire, connection, why);
    }
}

/* The time since the kernel received the newest byte of a read. */
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

/* The lag of a stamp that is taken later than the read. */
static uint32_t later_lag_ns(uint32_t lag_ns, double later_ns)
{
    if (lag_ns == WIRE_LAG_UNKNOWN) return lag_ns;
    double lag = lag_ns + later_ns;
    return lag < WIRE_LAG_UNKNOWN ? (uint32_t)lag : WIRE_LAG_UNKNOWN - 1;
}

/* Decrypts what was read: whole records, each stamped when it was decrypted. */
static void read_records(struct wire *wire, struct connection *connection)
{
    double t_socket_ns = connection->t_read_ns;
    uint32_t lag_ns = connection->lag_ns;
    int error = 0;
    do {
        size_t count = 0;
        enum tls_result result = tls_read(connection->tls, wire->plain, TLS_RECORD_BYTES, &count);
        if (result == TLS_WAITS) break; /* the bytes were TLS's own messages, or part of a record */
        if (result == TLS_FAULT) {
            send_output(wire, connection, &error);
            connection_lost(wire, connection, tls_fault(connection->tls));
            return;
        }
        if (result == TLS_CLOSED || !connection->request) { /* or data arrived without a request */
            answer_ended(wire, connection, true);
            return;
        }
        connection->t_read_ns = wire_now();
        connection->lag_ns = later_lag_ns(lag_ns, connection->t_read_ns - t_socket_ns);
        parse_answer(wire, connection, wire->plain, count);
        if (connection->fd < 0) return;
    } while (tls_has_more(connection->tls));
    if (!send_output(wire, connection, &error)) connection_lost(wire, connection, strerror(error));
    else if (connection->request && connection->written < connection->request->http_bytes)
        write_request(wire, connection); /* it may have waited for these bytes */
}

static void bytes_came(struct wire *wire, struct connection *connection, size_t count)
{
    if (!connection->tls) {
        parse_answer(wire, connection, wire->input, count);
    } else if (!tls_feed(connection->tls, wire->input, count)) {
        transfer_failed(wire, connection, tls_fault(connection->tls));
    } else {
        if (connection->handshaking) go_on_with_handshake(wire, connection);
        if (connection->fd >= 0 && !connection->handshaking && tls_has_more(connection->tls))
            read_records(wire, connection);
    }
}

static void socket_readable(struct wire *wire, struct connection *connection)
{
    char control[256];
    struct iovec part = {wire->input, READ_BYTES};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1,
                             .msg_control = control, .msg_controllen = sizeof control};
    ssize_t count = recvmsg(connection->fd, &message, 0);
    if (count < 0) {
        if (errno != EAGAIN && errno != EINTR)
            transfer_failed(wire, connection, strerror(errno));
        return;
    }
    atomic_fetch_add_explicit(&wire->reads, 1, memory_order_relaxed);
    connection->t_read_ns = wire_now();
    if (count > 0) {
        connection->lag_ns = kernel_lag_ns(wire, &message);
        bytes_came(wire, connection, (size_t)count);
    } else {
        answer_ended(wire, connection, connection->tls == NULL);
    }
}

/* The socket accepts bytes again. */
static void socket_writable(struct wire *wire, struct connection *connection)
{
    int error = 0;
    if (connection->request && !connection->handshaking) write_request(wire, connection);
    else if (!send_output(wire, connection, &error))
        transfer_failed(wire, connection, strerror(error));
}

void connection_ready(struct wire *wire, struct connection *connection, uint32_t events)
{
    if (connection->fd < 0) return; /* closed since epoll named it */
    if (connection->connecting) {
        if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) connect_ended(wire, connection);
        return;
    }
    if (!connection->request && !connection->tls) {
        close_connection(wire, connection); /* an idle one: closed, or it says what nobody asked for */
        return;
    }
    bool had_request = connection->request != NULL;
    if (connection->writing && (events & EPOLLOUT)) {
        socket_writable(wire, connection);
        if (connection->fd < 0 || (had_request && !connection->request)) return;
    }
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) socket_readable(wire, connection);
}
