/* What the files of the wire share: the thread's state, its connections, its requests. */
#ifndef DYNO_WIRE_PARTS_H
#define DYNO_WIRE_PARTS_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/un.h>

#include "http.h"
#include "sse.h"
#include "stream.h"
#include "wire.h"

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
    struct connection *idle; /* newest first */
};

struct request {
    struct wire_request head;
    struct connection *connection; /* NULL while it waits */
    size_t place;                  /* in the heap while it waits */
    uint64_t sequence;             /* first come, first served among equal times */
    double queued_ns;
    struct wire_end end;
    double t_deadline_ns;
    bool in_flight, resent;
    struct request *chained; /* in the table's bucket */
    char bytes[];
};

struct connection {
    int fd;
    struct target *target;
    int address;          /* which of the target's is in use */
    struct request *request;
    struct connection *next;      /* among the target's idle ones, or the closed ones */
    size_t place;                 /* in the wire's list */
    bool connecting, reused, writing;
    size_t written;
    double t_connect_ns, t_read_ns;
    uint32_t lag_ns;
    struct http http;
    struct sse sse;
};

/* Requests that wait, the earliest time first; among equals in the order of their coming. */
struct waiting {
    struct request **heap;
    size_t count, room;
};

bool waiting_push(struct waiting *waiting, struct request *request);
struct request *waiting_first(const struct waiting *waiting);
void waiting_remove(struct waiting *waiting, struct request *request);

/* Requests by their number. */
struct table {
    struct request **buckets;
    size_t count, room; /* a power of two */
};

bool table_add(struct table *table, struct request *request);
struct request *table_find(const struct table *table, uint32_t number);
void table_remove(struct table *table, struct request *request);

struct wire {
    pthread_t thread;
    _Atomic bool stop;
    int epoll, timer, wake_fd, ready_fd;

    /* From the caller. */
    struct command {
        enum { COMMAND_SEND, COMMAND_CANCEL, COMMAND_WITHDRAW } what;
        struct request *request; /* to be sent */
        uint32_t number;         /* to be cancelled */
    } *commands;
    _Alignas(64) _Atomic uint64_t commands_head;
    _Alignas(64) _Atomic uint64_t commands_tail;
    _Atomic bool sleeping; /* in epoll_wait: commands must wake it */
    _Atomic bool waited;   /* the consumer waits */
    _Atomic bool urgent;   /* there is something that it should see soon */
    _Atomic uint32_t limit;

    struct target targets[TARGETS_MAX];
    _Atomic int target_count;
    struct stream *stream;

    /* The thread's own. */
    struct waiting waiting;
    struct table table;
    struct connection **connections;
    size_t connection_count, connection_room;
    struct connection *closed; /* freed when epoll's batch, which may still name them, is done */
    uint32_t in_flight;
    uint64_t sequence;
    uint32_t known_limit;
    bool held;               /* the limit keeps back a request whose time has come */
    double slot_ns;          /* when a place in flight last became free */
    double next_deadline_ns; /* no request's time is up before */
    double timer_ns;         /* what the timer is set to; 0: nothing */
    char *input;

    /* For the status. */
    _Atomic uint64_t sent, ended, opened, blocked_ns, reads, resent;
    _Atomic int scheduling;
    _Atomic bool kernel_stamps;
};

double wire_now(void);

/* Wakes whoever waits for an eventfd. */
void signal_fd(int fd);

/* Puts a record on the ring; waits while it is full, so that a slow consumer slows the reading. */
void wire_emit(struct wire *wire, uint32_t request, enum wire_kind kind, double t_ns,
               uint32_t lag_ns, const void *bytes, size_t count);

/* Ends a request: its record, its place, its memory. */
void wire_end_request(struct wire *wire, struct request *request, enum wire_failure failure,
                      const char *message);

/* Gives a request a connection, kept alive or new, and sends it. */
void connection_start(struct wire *wire, struct request *request);

/* What epoll found. */
void connection_ready(struct wire *wire, struct connection *connection, uint32_t events);

/* Ends the request on it. */
void connection_fail(struct wire *wire, struct connection *connection, enum wire_failure failure,
                     const char *message);

/* Closes; its memory stays until connections_bury. No request may be on it. */
void connection_close(struct wire *wire, struct connection *connection);

void connections_bury(struct wire *wire);

#endif
