/* All connections of a wire: creating, keeping, choosing and closing them. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "http/wire/parts.h"

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

struct connection *new_connection(struct wire *wire, struct target *target)
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

/* Tells the peer that nothing follows, if the socket accepts that immediately. */
static void say_goodbye(struct connection *connection)
{
    const char *bytes;
    tls_close(connection->tls);
    size_t count = tls_output(connection->tls, &bytes);
    if (count && send(connection->fd, bytes, count, MSG_NOSIGNAL) > 0) tls_sent(connection->tls, count);
}

void close_connection(struct wire *wire, struct connection *connection)
{
    struct connection **at = &connection->target->idle;
    while (*at && *at != connection) at = &(*at)->next;
    if (*at) *at = connection->next;
    if (!connection->busy) connection->target->spare--;
    if (connection->tls && connection->fd >= 0) say_goodbye(connection);
    if (connection->fd >= 0) event_loop_close_file(&wire->loop, connection->fd);
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
        tls_free(connection->tls);
        http_free(&connection->http);
        body_free(&connection->body);
        free(connection);
    }
}

void keep_idle(struct connection *connection)
{
    connection->next = connection->target->idle;
    connection->target->idle = connection;
}

/* Whether a request may use the connection; `own` means that no other one would fit better. */
static bool fits(const struct connection *connection, uint32_t policy, bool *own)
{
    uint32_t session = policy & ~WIRE_LAST;
    *own = true;
    if (policy == WIRE_NEW) return !connection->served;
    if (session == WIRE_POOLED || connection->session == session)
        return connection->session == session;
    *own = false;
    return !connection->served;
}

struct connection *take_idle(struct target *target, const struct request *request)
{
    uint32_t policy = request->head.connection;
    struct connection **found = NULL;
    bool own = false;
    for (struct connection **at = &target->idle; *at && !own; at = &(*at)->next) {
        bool better;
        if (!fits(*at, policy, &better) || (found && !better)) continue;
        found = at;
        own = better;
    }
    if (!found) return NULL;
    struct connection *connection = *found;
    *found = connection->next;
    connection->next = NULL;
    target->spare--;
    return connection;
}

struct connection *take_connecting(struct wire *wire, struct target *target)
{
    if (target->spare == 0) return NULL;
    for (size_t i = 0; i < wire->connection_count; i++) {
        struct connection *connection = wire->connections[i];
        if (connection->target != target || connection->busy) continue;
        if (!connection->connecting && !connection->handshaking) continue;
        connection->ahead = false; /* it is no longer ahead: the request has its turn */
        target->spare--;
        return connection;
    }
    return NULL;
}

void fail_connection(struct wire *wire, struct connection *connection, enum wire_failure failure,
                     const char *message)
{
    struct request *request = connection->request;
    connection->request = NULL;
    close_connection(wire, connection);
    wire_end_request(wire, request, failure, message);
}

void connection_lost(struct wire *wire, struct connection *connection, const char *why)
{
    struct request *request = connection->request;
    if (!request) {
        close_connection(wire, connection);
        return;
    }
    bool answered = request->end.t_first_byte_ns != 0;
    if ((connection->reused || connection->ahead) && !answered && !request->resent) {
        /* servers close idle connections; this one was being closed as it was taken */
        request->resent = true;
        request->end.flags |= WIRE_RESENT;
        request->end.flags &= ~(uint32_t)(WIRE_REUSED | WIRE_AHEAD);
        connection->request = NULL;
        close_connection(wire, connection);
        atomic_fetch_add_explicit(&wire->resent, 1, memory_order_relaxed);
        send_on_connection(wire, request);
        return;
    }
    fail_connection(wire, connection, answered ? WIRE_TRUNCATED : WIRE_LOST, why);
}
