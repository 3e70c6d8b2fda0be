/* An incremental HTTP/1.1 response parser (RFC 9112): bytes in, the head and slices of the body out. */
#ifndef DYNO_HTTP_RESPONSE_H
#define DYNO_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http_state {
    HTTP_HEAD,
    HTTP_LENGTH,
    HTTP_UNTIL_CLOSE,
    HTTP_CHUNK_SIZE,
    HTTP_CHUNK_BLANK, /* after the size: only blanks, an extension or the line's end are allowed */
    HTTP_CHUNK_EXTENSION,
    HTTP_CHUNK,
    HTTP_CHUNK_END,
    HTTP_TRAILER,
    HTTP_DONE,
};

struct http {
    enum http_state state;
    int status;        /* 0 until the head is complete; interim responses are skipped */
    bool keep_alive;   /* whether the connection may carry another request after this one */
    enum { HTTP_OTHER, HTTP_EVENTS, HTTP_FILE } type; /* the body's type, by its content type */
    const char *fault; /* what is malformed; NULL if nothing is */
    char *head;        /* as received, but with folded lines joined; owned */
    size_t head_bytes, head_room;
    size_t line_start; /* of the head's last line */
    uint32_t interim;  /* 1xx responses so far */
    uint64_t remaining;
    uint32_t digits;     /* of the chunk size so far */
    uint32_t line_bytes; /* of the chunk line or the trailers so far */
    bool line_empty, after_cr; /* of the trailers' last line */
};

/*
 * Called as parts arrive; the slices point into the parser's input and are valid only during the
 * call.
 */
struct http_sink {
    void *owner;
    void (*head)(void *owner, const struct http *http);
    void (*body)(void *owner, const char *bytes, size_t count);
};

/* Prepares for the next response; keeps the allocated memory. */
void http_begin(struct http *http);
void http_free(struct http *http);

/*
 * Processes the next bytes, at most up to the response's end. Returns how many it used: fewer than
 * count at the end of the response (HTTP_DONE) or on a fault.
 */
size_t http_push(struct http *http, const struct http_sink *sink, const char *bytes, size_t count);

/* The peer closed the connection. Returns whether that completes the response. */
bool http_closed(struct http *http);

#endif
