/* Declarations shared by the paced server's files. */
#ifndef DYNO_PACE_PARTS_H
#define DYNO_PACE_PARTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/heap.h"
#include "http/tls/tls.h"

/* The largest request, including its body. */
#define REQUEST_BYTES (256 * 1024)

/* Room for the largest event with its chunk header. */
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

/* Reads lines of options; options that are not set get their defaults. */
bool pace_read_options(struct pace_options *set, const char *options, char *error,
                       size_t error_bytes);

struct client {
    int fd;
    struct tls *tls; /* NULL: plain HTTP */
    bool ready;      /* the TLS handshake is complete */
    bool streaming, blocked, usage;
    char *request;
    size_t request_bytes;
    uint32_t tokens, sent;
    uint64_t due_ns;
    uint64_t received_ns, sent_ns; /* when the kernel received the request; when the last event was handed over */
    struct heap_link due; /* in the queue of events while streaming */
    char *unsent;
    size_t unsent_bytes;
    struct client *next, *before; /* in the list of open clients, or of closed ones */
};

/*
 * Encrypts all bytes into TLS's output, which is then ready to send. False: the client is unusable.
 */
bool pace_encrypt(struct client *client, const char *bytes, size_t count);

/*
 * Processes bytes from the socket: continues the handshake, or adds the plain text to the request.
 */
bool pace_decrypt(struct client *client, const char *bytes, size_t count);

#define PACE_STEP_NS 10000
#define PACE_STEPS 50000

struct pace_times {
    _Atomic uint32_t counts[PACE_STEPS];
};

void pace_times_add(struct pace_times *times, uint64_t ns);

/* Receives, and notes when the kernel received the bytes. Arguments and result as for recv(). */
ssize_t pace_receive(struct client *client, char *into, size_t room);

/* A quantile by nearest rank, in nanoseconds; 0 if nothing was counted. */
double pace_times_quantile(const struct pace_times *times, double share);

/* Writes an event whose text is the time; returns its size in bytes. */
size_t pace_token(char *out, uint64_t now);

/* Writes the last events, with the usage if it was requested, and the end of the body. */
size_t pace_ending(char *out, uint32_t tokens, bool usage);

#endif
