/*
 * The wire: a thread that owns HTTP/1.1 connections, with or without TLS, sends each request at its
 * time, and stamps every event of the answers when it is read from the socket (with TLS: when it is
 * decrypted). It has one producer of requests and one consumer of records.
 */
#ifndef DYNO_WIRE_H
#define DYNO_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a caller hands over to send a request. The bytes of the HTTP request follow. If `places` is
 * not 0, that number of struct wire_place come first, then the head for each place, then the body
 * that they share.
 */
struct wire_request {
    double t_send_ns;   /* CLOCK_MONOTONIC; not sent before this. 0: as soon as the limit allows */
    double timeout_ns;  /* from its turn on, including connecting */
    uint32_t request;   /* the caller's number, repeated in every record about it */
    uint32_t target;    /* with `places` any */
    uint32_t bytes;     /* that follow */
    uint32_t places;    /* it goes to the one with the fewest in flight when its time comes */
    uint32_t connection; /* WIRE_POOLED, WIRE_NEW, or the session whose connection it is */
    uint32_t reserved;
};

/* A place that a request may go to. */
struct wire_place {
    uint32_t target;
    uint32_t head_bytes;
};

/* Which connection a request goes on. */
#define WIRE_POOLED 0u
#define WIRE_NEW UINT32_MAX         /* one that no other request uses */
#define WIRE_LAST 0x80000000u       /* with a session: its last request */

/* WIRE_ERROR: an event whose name is "error". */
enum wire_kind { WIRE_HEAD = 1, WIRE_EVENT, WIRE_BODY, WIRE_END, WIRE_ERROR };

#define WIRE_LAG_UNKNOWN UINT32_MAX

/* Every record begins like this; `length` bytes follow, padded to a multiple of eight. */
struct wire_record {
    uint32_t bytes;    /* of the whole record */
    uint32_t request;
    double t_ns;       /* of the socket read; with TLS, when its record was decrypted */
    uint32_t kind;
    uint32_t length;
    uint32_t lag_ns;   /* from the kernel's receipt of the last byte to t_ns */
    uint32_t ascii;    /* 1: every byte is below 0x80 */
};

enum wire_failure {
    WIRE_OK,
    WIRE_CONNECT,   /* no connection */
    WIRE_LOST,      /* the connection ended before an answer */
    WIRE_NO_ANSWER, /* the timeout passed before an answer */
    WIRE_UNENDED,   /* the timeout passed during the answer */
    WIRE_TRUNCATED, /* the connection ended during the answer */
    WIRE_MALFORMED,
    WIRE_CANCELLED,
};

enum wire_flags {
    WIRE_REUSED = 1, /* on a connection that was kept alive */
    WIRE_RESENT = 2, /* sent again, as the kept connection was being closed */
    WIRE_AHEAD = 4,  /* on a connection that was opened before its turn */
};

/* The bits above the flags: which of the request's places was used. */
#define WIRE_PLACE_SHIFT 8

/* The content of WIRE_END; a message follows if the request failed. */
struct wire_end {
    uint32_t failure;
    uint32_t status;     /* HTTP; 0 for none */
    uint32_t events;
    uint32_t flags;
    double t_ready_ns;   /* its turn: its time had come and the limit allowed it */
    double t_sent_ns;    /* the first byte was handed to the kernel; 0: never */
    double t_first_byte_ns; /* 0: none */
    double t_end_ns;
    double connect_ns;   /* including TLS; 0: on a connection that was kept alive */
    double body_bytes;
    double tls_ns;       /* the part of connect_ns for the TLS handshake; 0: none */
};

struct wire;

/*
 * Options are lines of "key=value": ring_bytes=N (16 MiB). NULL and a message if it cannot start.
 */
struct wire *wire_open(const char *options, char *error, size_t error_bytes);

/*
 * Adds a place to connect to: lines of "ADDRESS PORT" with numeric addresses, or "unix PATH"; for
 * TLS, the lines of http/tls/tls.h follow. Returns its number, or a negative errno and a message.
 */
int32_t wire_target(struct wire *wire, const char *lines, char *error, size_t error_bytes);

/* Queues a request. Returns -EAGAIN if the queue is full. */
int32_t wire_send(struct wire *wire, const void *request, uint32_t bytes);

/* Ends a request in any state; its WIRE_END is always sent. */
int32_t wire_cancel(struct wire *wire, uint32_t request);

/* Ends every request that was not sent yet. */
int32_t wire_withdraw(struct wire *wire);

/* Sets the most requests in flight at once. */
void wire_limit(struct wire *wire, uint32_t in_flight);

/*
 * Waits until a request has ended, the ring is a quarter full, or the time is up; then waits
 * settle_us more, so that one drain finds many records. Only the consumer may call it.
 */
void wire_wait(struct wire *wire, uint32_t timeout_ms, uint32_t settle_us);

int32_t wire_drain(struct wire *wire, void *records, uint32_t bytes);

int32_t wire_status(struct wire *wire, char *json, uint32_t json_bytes);

/* Stops the thread and closes every connection. */
void wire_stop(struct wire *wire);

void wire_free(struct wire *wire);

#endif
