/*
 * Server-sent events from bytes (WHATWG HTML, 9.2.6); only the data of each event is kept, and
 * whether it is called an error. Lines end with LF, CRLF or CR; a byte order mark and comments are
 * dropped; several data lines are joined by LF.
 *
 * Beyond the standard, for servers that are: a line that begins with a brace is data; a JSON object
 * and the beginning of another are two events, though no empty line is between them; a field
 * "error" is an event of that name; and a last event without its empty line counts if it is whole.
 */
#ifndef DYNO_SSE_H
#define DYNO_SSE_H

#include <stdbool.h>
#include <stddef.h>

/* Of a line, and of an event's data. */
#define SSE_EVENT_BYTES_MAX (4u * 1024 * 1024)

/* Bytes that grow as needed and stay allocated. */
struct sse_text {
    char *bytes;
    size_t count, room;
};

struct sse {
    struct sse_text line;  /* the beginning of a line whose end has not come */
    struct sse_text data;  /* the event's data so far */
    const char *held;      /* or its only data line, where it lies in the input */
    size_t held_bytes;
    unsigned data_lines;
    bool started, after_cr;
    bool error;        /* the event is called so */
    const char *fault; /* NULL while nothing is wrong */
};

/* error: the event is called so. */
typedef void sse_event(void *owner, const char *data, size_t bytes, bool error);

/* Ready for the next stream; keeps its memory. */
void sse_begin(struct sse *sse);
void sse_free(struct sse *sse);

/* Adds bytes to a text of it; sse->fault where they are too many or there is no memory. */
void sse_append(struct sse *sse, struct sse_text *text, const char *bytes, size_t count);

/* Takes the next bytes; calls event for each event that they complete. */
void sse_push(struct sse *sse, sse_event *event, void *owner, const char *bytes, size_t count);

/* The stream has ended, and not cut: what is left of it may be an event. */
void sse_end(struct sse *sse, sse_event *event, void *owner);

#endif
