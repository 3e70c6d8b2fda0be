/*
 * Parses server-sent events from bytes (WHATWG HTML, 9.2.6). Only the data of each event is kept,
 * and whether its name is "error". Lines end with LF, CRLF or CR. A byte order mark and comments
 * are dropped. Several data lines are joined by LF.
 *
 * Four extensions to the standard, for servers that need them: a line that begins with a brace is
 * data; a JSON object and the start of another are two events, even without an empty line between
 * them; a field "error" is an event of that name; and a last event without its empty line counts if
 * it is complete.
 */
#ifndef DYNO_SSE_H
#define DYNO_SSE_H

#include <stdbool.h>
#include <stddef.h>

/* Limit for a line, and for an event's data. */
#define SSE_EVENT_BYTES_MAX (4u * 1024 * 1024)

/* Bytes that grow as needed and stay allocated. */
struct sse_text {
    char *bytes;
    size_t count, room;
};

struct sse {
    struct sse_text line;  /* the start of a line whose end has not arrived */
    struct sse_text data;  /* the event's data so far */
    const char *held;      /* or its only data line, still in the input */
    size_t held_bytes;
    unsigned data_lines;
    bool started, after_cr;
    bool error;        /* the event's name is "error" */
    const char *fault; /* NULL if nothing is wrong */
};

/* error: the event's name is "error". */
typedef void sse_event(void *owner, const char *data, size_t bytes, bool error);

/* Prepares for the next stream; keeps the allocated memory. */
void sse_begin(struct sse *sse);
void sse_free(struct sse *sse);

/*
 * Appends bytes to one of its texts. Sets sse->fault if there are too many bytes or memory is
 * short.
 */
void sse_append(struct sse *sse, struct sse_text *text, const char *bytes, size_t count);

/* Processes the next bytes; calls event for each event that they complete. */
void sse_push(struct sse *sse, sse_event *event, void *owner, const char *bytes, size_t count);

/* The stream has ended normally: what is left may be an event. */
void sse_end(struct sse *sse, sse_event *event, void *owner);

#endif
