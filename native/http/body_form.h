/*
 * An answer's body: server-sent events, frames of events, or one whole text. The form is detected
 * from the first bytes, since servers omit the content type or send a wrong one.
 */
#ifndef DYNO_BODY_FORM_H
#define DYNO_BODY_FORM_H

#include "http/http_response.h"
#include "http/sse.h"

/* Enough bytes to detect the form, with some leading whitespace. */
#define BODY_FIRST_BYTES 16

struct body {
    struct sse sse;
    enum { BODY_UNTOLD, BODY_WHOLE, BODY_EVENTS, BODY_FRAMES } form;
    bool typed; /* the content type is that of events */
    char first[BODY_FIRST_BYTES];
    unsigned first_count;
};

/* Called as parts arrive; the bytes are valid only during the call. */
struct body_sink {
    void *owner;
    sse_event *event;
    void (*whole)(void *owner, const char *bytes, size_t count);
};

/* Prepares for the body that follows a head; keeps the allocated memory. */
void body_begin(struct body *body, const struct http *http);
void body_free(struct body *body);

/* Processes the next bytes. A fault is reported in body->sse.fault. */
void body_push(struct body *body, const struct body_sink *sink, const char *bytes, size_t count);

/* The whole body has arrived. */
void body_end(struct body *body, const struct body_sink *sink);

#endif
