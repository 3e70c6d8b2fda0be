/*
 * An answer's body: events, frames of events, or one whole, told by its first bytes, since servers leave the content
 * type out, or say another.
 */
#ifndef DYNO_BODY_FORM_H
#define DYNO_BODY_FORM_H

#include "http/http_response.h"
#include "http/sse.h"

/* Enough to tell by, with some blanks before. */
#define BODY_FIRST_BYTES 16

struct body {
    struct sse sse;
    enum { BODY_UNTOLD, BODY_WHOLE, BODY_EVENTS, BODY_FRAMES } form;
    bool typed; /* the content type says events */
    char first[BODY_FIRST_BYTES];
    unsigned first_count;
};

/* Called as parts come; the bytes are good during the call only. */
struct body_sink {
    void *owner;
    sse_event *event;
    void (*whole)(void *owner, const char *bytes, size_t count);
};

/* Ready for the body after a head; keeps its memory. */
void body_begin(struct body *body, const struct http *http);
void body_free(struct body *body);

/* Takes the next bytes. A fault is in body->sse.fault. */
void body_push(struct body *body, const struct body_sink *sink, const char *bytes, size_t count);

/* All has come. */
void body_end(struct body *body, const struct body_sink *sink);

#endif
