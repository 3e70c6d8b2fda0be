/* Declarations shared by the wire's files: the thread's state, its connections, its requests. */
#ifndef DYNO_WIRE_PARTS_H
#define DYNO_WIRE_PARTS_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/event_loop.h"
#include "base/heap.h"
#include "base/stream.h"
#include "http/body_form.h"
#include "http/http_response.h"
#include "http/tls/tls.h"
#include "http/wire/wire.h"

#define TARGETS_MAX 64
#define ADDRESSES_MAX 8
#define COMMANDS 65536 /* a power of two */
#define READ_BYTES (64 * 1024)
#define BODY_BYTES_MAX (64u * 1024 * 1024)

struct address {
    socklen_t bytes;
    union {
        struct sockaddr any;
        struct sockaddr_in ipv4;
        struct sockaddr_in6 ipv6;
        struct sockaddr_un local;
    } at;
};

struct connection;

struct target {
    struct address addresses[ADDRESSES_MAX];
    int count;
    struct tls_context *tls; /* NULL: plain HTTP */
    struct connection *idle; /* newest first */
    uint32_t spare;          /* connections without a request: idle, or being opened ahead */
    uint32_t waiting;        /* requests that will come here */
    uint32_t in_flight;
    uint64_t given;          /* requests so far */
};

struct request {
    struct wire_request head;
    struct connection *connection; /* NULL while the request waits */
    struct heap_link waiting;      /* waits for its time and a place in flight */
    double queued_ns;
    struct wire_end end;
    double t_deadline_ns;
    bool in_flight, resent;
    struct request *chained; /* next in the same bucket of the table */
    const char *http;        /* the bytes to send, within those below */
    size_t http_bytes;
    char bytes[];
};

struct connection {
    int fd;
    struct target *target;
    int address;          /* which of the target's addresses is in use */
    struct request *request;
    struct connection *next;      /* in the list of the target's idle ones, or of the closed ones */
    size_t place;                 /* in the wire's list */
    struct tls *tls;              /* NULL without TLS, and before the socket is connected */
    uint32_t session;             /* the session that owns the connection; 0: any request may use it */
    bool connecting, handshaking, reused, writing;
    bool busy;            /* has a request, or had one when it was lost */
    bool noted;           /* the time its request was sent has been noted */
    bool served;          /* a whole answer has arrived on it */
    bool ahead;           /* opened before there was a request for it */
    double connect_ns;    /* for one opened ahead, once it is connected */
    double tls_ns;        /* how long its handshake took; 0: none */
    size_t written;       /* bytes of the request, without TLS's overhead */
    double t_connect_ns, t_connected_ns, t_read_ns;
    uint32_t lag_ns;
    struct http http;
    struct body body;
};

/* Requests by number. */
struct request_table {
    struct request **buckets;
    size_t count, room; /* a power of two */
};

bool request_table_add(struct request_table *table, struct request *request);
struct request *request_table_find(const struct request_table *table, uint32_t number);
void request_table_remove(struct request_table *table, struct request *request);

struct wire {
    pthread_t thread;
    _Atomic bool stop;
    struct event_loop loop;
    int ready_fd; /* wakes the consumer */

    /* Commands from the caller. */
    struct command {
        enum { COMMAND_SEND, COMMAND_CANCEL, COMMAND_WITHDRAW } what;
        struct request *request; /* to send */
        uint32_t number;         /* to cancel */
    } *commands;
    _Alignas(64) _Atomic uint64_t commands_head;
    _Alignas(64) _Atomic uint64_t commands_tail;
    _Atomic bool waited;   /* the consumer is waiting */
    _Atomic bool urgent;   /* the consumer should see something soon */
    _Atomic uint32_t limit;

    struct target targets[TARGETS_MAX];
    _Atomic int target_count;
    struct stream *stream;

    /* Used by the thread only. */
    struct heap waiting; /* requests, earliest first; equal times in order of arrival */
    struct request_table table;
    struct connection **connections;
    size_t connection_count, connection_room;
    struct connection *closed; /* freed when epoll's batch, which may still name them, is done */
    uint32_t in_flight;
    uint64_t sequence;
    uint32_t known_limit;
    bool held;               /* the limit holds back a request whose time has come */
    double slot_ns;          /* when a place in flight last became free */
    double next_deadline_ns; /* no request's time is up before this */
    char *input;             /* for one read */
    char *plain;             /* for one TLS record */

    /* For the status report. */
    _Atomic uint64_t sent, ended, opened, blocked_ns, reads, resent, tls_resumed;
    _Atomic int scheduling;
    _Atomic bool kernel_stamps;
};

static inline double wire_now(void)
{
    return (double)now_ns();
}

/* Puts a record on the ring. Waits while the ring is full, so a slow consumer slows the reading. */
void wire_emit(struct wire *wire, uint32_t request, enum wire_kind kind, double t_ns,
               uint32_t lag_ns, const void *bytes, size_t count);

/* Ends a request: emits its record, frees its place in flight and its memory. */
void wire_end_request(struct wire *wire, struct request *request, enum wire_failure failure,
                      const char *message);

/* A request's n-th place, which says where its head begins. */
struct wire_place request_place(const struct request *request, uint32_t n, size_t *head);

/* connection.c: all connections, and the idle ones. */

/* NULL when memory is short. */
struct connection *new_connection(struct wire *wire, struct target *target);

/* Its memory stays until free_closed_connections. It must have no request. */
void close_connection(struct wire *wire, struct connection *connection);

void free_closed_connections(struct wire *wire);

/* The connection waits for a request. */
void keep_idle(struct connection *connection);

/* An idle connection that this request may use; NULL for none. */
struct connection *take_idle(struct target *target, const struct request *request);

/* A connection to this place that is being opened without a request; NULL for none. */
struct connection *take_connecting(struct wire *wire, struct target *target);

/* Ends the connection's request. */
void fail_connection(struct wire *wire, struct connection *connection, enum wire_failure failure,
                     const char *message);

/*
 * The connection is no longer usable: its request is sent again if that is allowed, else it ends.
 */
void connection_lost(struct wire *wire, struct connection *connection, const char *why);

/* connect.c */

/* Gives a request a connection, kept alive or new, and sends it. */
void send_on_connection(struct wire *wire, struct request *request);

/* Opens connections for requests that are due later, until this many are idle. */
void connect_ahead(struct wire *wire, struct target *target, uint32_t count);

/* The socket has connected, or failed to. */
void connect_ended(struct wire *wire, struct connection *connection);

/* Continues the TLS handshake after received bytes were fed to it. */
void go_on_with_handshake(struct wire *wire, struct connection *connection);

/*
 * Connecting failed. Without a request nothing is reported: a later connection tries again and
 * reports why.
 */
void give_up_connecting(struct wire *wire, struct connection *connection, const char *why);

/* transfer.c */

/* Tells the event loop what to wait for. */
void watch_connection(struct wire *wire, struct connection *connection, int operation,
                      bool writing);

/* Sends TLS's own output. False, with an errno, if the connection is gone. */
bool send_output(struct wire *wire, struct connection *connection, int *error);

void write_request(struct wire *wire, struct connection *connection);

/* Handles what the event loop found. */
void connection_ready(struct wire *wire, struct connection *connection, uint32_t events);

#endif
