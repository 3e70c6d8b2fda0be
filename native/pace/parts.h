/* What the files of the paced server share. */
#ifndef DYNO_PACE_PARTS_H
#define DYNO_PACE_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/heap.h"

/* Room for any one event with its chunk header. */
#define PACE_EVENT_BYTES 512

#define PACE_HEAD \
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"

struct client {
    int fd;
    bool streaming, blocked, usage;
    char *request;
    size_t request_bytes;
    uint32_t tokens, sent;
    uint64_t due_ns;
    struct heap_link due; /* in the queue of events while streaming */
    char *unsent;
    size_t unsent_bytes;
    struct client *next, *before; /* among the open ones, or the closed ones */
};

/* An event that tells the time; its bytes. */
size_t pace_token(char *out, uint64_t now);

/* The last events, with the usage where it was asked for, and the end of the body. */
size_t pace_ending(char *out, uint32_t tokens, bool usage);

#endif
