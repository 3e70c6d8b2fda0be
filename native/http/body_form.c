#include "http/body_form.h"

#include "http/frames.h"

#include <string.h>

void body_begin(struct body *body, const struct http *http)
{
    sse_begin(&body->sse);
    /*
     * A response that is not a success is passed on as one text, whatever its form: it explains the
     * error.
     */
    bool good = http->status >= 200 && http->status < 300;
    body->form = good && http->type != HTTP_FILE ? BODY_UNTOLD : BODY_WHOLE;
    body->typed = http->type == HTTP_EVENTS;
    body->first_count = 0;
}

void body_free(struct body *body)
{
    sse_free(&body->sse);
}

static void deliver(struct body *body, const struct body_sink *sink, const char *bytes,
                    size_t count)
{
    if (count == 0) return;
    if (body->form == BODY_EVENTS) sse_push(&body->sse, sink->event, sink->owner, bytes, count);
    else if (body->form == BODY_FRAMES) frames_push(&body->sse, sink->event, sink->owner, bytes, count);
    else sink->whole(sink->owner, bytes, count);
}

/* Whitespace and the bytes of a byte order mark: they say nothing about the form. */
static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\xef' || c == '\xbb' ||
           c == '\xbf';
}

/*
 * With an event content type, a body that begins an object, a list or a page is not events. With
 * any other type, a body that begins with an SSE field is events.
 */
static void tell(struct body *body)
{
    static const char *const fields[] = {":", "data:", "event:", "id:", "retry:"};
    const char *first = body->first;
    size_t count = body->first_count;
    if (*first == '\0') { /* the length of a frame; no text begins with NUL */
        body->form = BODY_FRAMES;
        return;
    }
    if (body->typed) {
        bool whole = *first == '{' || *first == '[' || *first == '<';
        body->form = whole ? BODY_WHOLE : BODY_EVENTS;
        return;
    }
    while (count && is_blank(*first)) first++, count--;
    bool may_be = false;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        size_t bytes = strlen(fields[i]);
        if (memcmp(first, fields[i], count < bytes ? count : bytes) != 0) continue;
        may_be = true;
        if (count >= bytes) body->form = BODY_EVENTS;
    }
    if (!may_be || (body->form == BODY_UNTOLD && body->first_count == BODY_FIRST_BYTES))
        body->form = BODY_WHOLE;
}

void body_push(struct body *body, const struct body_sink *sink, const char *bytes, size_t count)
{
    if (body->form == BODY_UNTOLD) {
        while (count && body->form == BODY_UNTOLD) {
            body->first[body->first_count++] = *bytes++;
            count--;
            tell(body);
        }
        if (body->form == BODY_UNTOLD) return;
        deliver(body, sink, body->first, body->first_count);
    }
    if (!body->sse.fault) deliver(body, sink, bytes, count);
}

void body_end(struct body *body, const struct body_sink *sink)
{
    if (body->form == BODY_UNTOLD) {
        body->form = BODY_WHOLE;
        deliver(body, sink, body->first, body->first_count);
    } else if (body->form == BODY_EVENTS) {
        sse_end(&body->sse, sink->event, sink->owner);
    }
}
