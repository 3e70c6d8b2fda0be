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
    HTTP_CHUNK_BLANK, /* behind the size: only blanks, an extension or the line's end */
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
    enum { HTTP_OTHER, HTTP_EVENTS, HTTP_FILE } type; /* of the body: what its content type says */
    const char *fault; /* what is malformed; NULL while nothing is */
    char *head;        /* as it came, but with folded lines joined; owned */
    size_t head_bytes, head_room;
    size_t line_start; /* of the head's last line */
    uint32_t interim;  /* responses of 1xx so far */
    uint64_t remaining;
    uint32_t digits;     /* of the chunk size so far */
    uint32_t line_bytes; /* of the chunk's line or of the trailers so far */
    bool line_empty, after_cr; /* of the trailers' last line */
};

/* Called as parts come; the slices are the parser's input, good during the call only. */
struct http_sink {
    void *owner;
    void (*head)(void *owner, const struct http *http);
    void (*body)(void *owner, const char *bytes, size_t count);
};

/* Ready for the next response; keeps its memory. */
void http_begin(struct http *http);
void http_free(struct http *http);

/*
 * Takes the next bytes, at most until the response's end. Returns how many it took: less than count
 * at the end of the response (HTTP_DONE) or at a fault.
 */
size_t http_push(struct http *http, const struct http_sink *sink, const char *bytes, size_t count);

/* The peer closed: whether that completes the response. */
bool http_closed(struct http *http);

#endif
