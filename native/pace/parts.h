/* What the files of the paced server share. */
#ifndef DYNO_PACE_PARTS_H
#define DYNO_PACE_PARTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/heap.h"
#include "http/tls/tls.h"

/* Of a request with its body. */
#define REQUEST_BYTES (256 * 1024)

/* Room for any one event with its chunk header. */
#define PACE_EVENT_BYTES 512

#define PACE_HEAD \
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"

#define PACE_BURST_MAX 64

/* As in pace.h. */
struct pace_options {
    uint32_t tokens, burst;
    uint64_t interval_ns, delay_ns;
    unsigned port;
    char cert[4096], key[4096];
};

/* Reads lines of options, and sets the others to what holds without them. */
bool pace_read_options(struct pace_options *set, const char *options, char *error,
                       size_t error_bytes);

struct client {
    int fd;
    struct tls *tls; /* NULL: plain HTTP */
    bool ready;      /* TLS's handshake is over */
    bool streaming, blocked, usage;
    char *request;
    size_t request_bytes;
    uint32_t tokens, sent;
    uint64_t due_ns;
    uint64_t received_ns, sent_ns; /* the kernel had the request; the last event was handed over */
    struct heap_link due; /* in the queue of events while streaming */
    char *unsent;
    size_t unsent_bytes;
    struct client *next, *before; /* among the open ones, or the closed ones */
};

/* Encrypts all of it; what is to be sent is TLS's output then. False: the client is of no more use. */
bool pace_encrypt(struct client *client, const char *bytes, size_t count);

/* Takes bytes of the socket: continues the handshake, or adds what they say to the request. */
bool pace_decrypt(struct client *client, const char *bytes, size_t count);

#define PACE_STEP_NS 10000
#define PACE_STEPS 50000

struct pace_times {
    _Atomic uint32_t counts[PACE_STEPS];
};

void pace_times_add(struct pace_times *times, uint64_t ns);

/* Receives, and notes when the kernel had it. As recv(). */
ssize_t pace_receive(struct client *client, char *into, size_t room);

/* The nearest rank, in nanoseconds; 0 where nothing was counted. */
double pace_times_quantile(const struct pace_times *times, double share);

/* An event that tells the time; its bytes. */
size_t pace_token(char *out, uint64_t now);

/* The last events, with the usage where it was asked for, and the end of the body. */
size_t pace_ending(char *out, uint32_t tokens, bool usage);

#endif
