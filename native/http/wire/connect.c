/*
 * Finds a connection for a request: an idle one, or a new socket, connected and with the TLS
 * handshake done.
 */
#include <errno.h>
#include <linux/net_tstamp.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/wire/parts.h"

/* Opens a socket to the first remaining address that does not refuse immediately. */
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
            watch_connection(wire, connection, EPOLL_CTL_ADD, connection->connecting);
            atomic_fetch_add_explicit(&wire->opened, 1, memory_order_relaxed);
            return true;
        }
        *error = errno;
        close(fd);
        connection->fd = -1;
    }
    return false;
}

/* Gives the connection to the request that waits for it, or keeps it idle for one. */
static void connection_made(struct wire *wire, struct connection *connection)
{
    if (connection->busy) {
        write_request(wire, connection);
        return;
    }
    connection->connect_ns = wire_now() - connection->t_connect_ns;
    if (connection->writing) watch_connection(wire, connection, EPOLL_CTL_MOD, false);
    keep_idle(connection);
}

void give_up_connecting(struct wire *wire, struct connection *connection, const char *why)
{
    if (connection->busy) fail_connection(wire, connection, WIRE_CONNECT, why);
    else close_connection(wire, connection);
}

void go_on_with_handshake(struct wire *wire, struct connection *connection)
{
    int error = 0;
    enum tls_result result = tls_handshake(connection->tls);
    bool sent = send_output(wire, connection, &error); /* on failure this sends an alert too */
    if (result == TLS_FAULT) {
        give_up_connecting(wire, connection, tls_fault(connection->tls));
    } else if (!sent) {
        give_up_connecting(wire, connection, strerror(error));
    } else if (result == TLS_OK) {
        connection->handshaking = false;
        connection->tls_ns = wire_now() - connection->t_connected_ns;
        if (tls_resumed(connection->tls))
            atomic_fetch_add_explicit(&wire->tls_resumed, 1, memory_order_relaxed);
        connection_made(wire, connection);
    } else if (result == TLS_CLOSED) {
        give_up_connecting(wire, connection, "closed by the server during TLS's handshake");
    }
}

static void connected(struct wire *wire, struct connection *connection)
{
    connection->t_connected_ns = wire_now();
    if (!connection->target->tls) {
        connection_made(wire, connection);
        return;
    }
    connection->tls = tls_new(connection->target->tls);
    if (!connection->tls) {
        give_up_connecting(wire, connection, "no memory for TLS");
        return;
    }
    connection->handshaking = true;
    go_on_with_handshake(wire, connection);
}

static void connect_next(struct wire *wire, struct connection *connection, int error)
{
    if (!open_socket(wire, connection, &error)) give_up_connecting(wire, connection, strerror(error));
    else if (!connection->connecting) connected(wire, connection);
}

void connect_ended(struct wire *wire, struct connection *connection)
{
    int error = 0;
    socklen_t bytes = sizeof error;
    getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &bytes);
    connection->connecting = false;
    if (!error) {
        connected(wire, connection);
        return;
    }
    event_loop_close_file(&wire->loop, connection->fd);
    connection->fd = -1;
    connection->address++;
    connect_next(wire, connection, error);
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
        if (target->spare == before) return; /* refused immediately */
    }
}

static void attach_request(struct connection *connection, struct request *request)
{
    uint32_t policy = request->head.connection;
    connection->session = policy == WIRE_NEW ? WIRE_POOLED : policy & ~WIRE_LAST;
    connection->request = request;
    connection->busy = true;
    request->connection = connection;
    connection->written = 0;
    connection->noted = false;
    http_begin(&connection->http);
}

void send_on_connection(struct wire *wire, struct request *request)
{
    struct target *target = &wire->targets[request->head.target];
    struct connection *connection = request->resent ? NULL : take_idle(target, request);
    if (connection) {
        connection->reused = connection->served;
        attach_request(connection, request);
        write_request(wire, connection);
        return;
    }
    connection = take_connecting(wire, target);
    if (connection) {
        attach_request(connection, request);
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
