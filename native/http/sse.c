#include "http/sse.h"

#include <stdlib.h>
#include <string.h>

/* Memory above this size is freed between streams. */
#define KEEP_BYTES (64 * 1024)

static void text_reset(struct sse_text *text)
{
    text->count = 0;
    if (text->room <= KEEP_BYTES) return;
    free(text->bytes);
    text->bytes = NULL;
    text->room = 0;
}

void sse_begin(struct sse *sse)
{
    text_reset(&sse->line);
    text_reset(&sse->data);
    sse->held = NULL;
    sse->data_lines = 0;
    sse->started = sse->after_cr = sse->error = false;
    sse->fault = NULL;
}

void sse_free(struct sse *sse)
{
    free(sse->line.bytes);
    free(sse->data.bytes);
    memset(sse, 0, sizeof *sse);
}

/* The limit applies to a line and to an event's data, however they are split into pieces. */
void sse_append(struct sse *sse, struct sse_text *text, const char *bytes, size_t count)
{
    if (text->count + count > SSE_EVENT_BYTES_MAX) {
        sse->fault = "an event of more than 4 MB";
        return;
    }
    if (text->count + count > text->room) {
        size_t room = text->room ? text->room : 1024;
        while (room < text->count + count) room *= 2;
        char *grown = realloc(text->bytes, room);
        if (!grown) {
            sse->fault = "no memory for an event";
            return;
        }
        text->bytes = grown;
        text->room = room;
    }
    if (count) memcpy(text->bytes + text->count, bytes, count);
    text->count += count;
}

/*
 * Copies the held line: its input is about to become invalid, or another line will be joined to it.
 */
static void keep_held(struct sse *sse)
{
    if (!sse->held) return;
    sse_append(sse, &sse->data, sse->held, sse->held_bytes);
    sse->held = NULL;
}

static void dispatch(struct sse *sse, sse_event *event, void *owner)
{
    bool error = sse->error;
    sse->error = false;
    if (sse->data_lines == 0) return;
    if (sse->held) event(owner, sse->held, sse->held_bytes, error);
    else event(owner, sse->data.count ? sse->data.bytes : "", sse->data.count, error);
    sse->held = NULL;
    sse->data.count = 0;
    sse->data_lines = 0;
}

static bool is(const char *bytes, size_t count, const char *word)
{
    return count == strlen(word) && memcmp(bytes, word, count) == 0;
}

/* Takes a line's value if the line has this field name. */
static bool take_field(const char **line, size_t *bytes, const char *name)
{
    size_t length = strlen(name);
    if (*bytes < length || memcmp(*line, name, length) != 0) return false;
    if (*bytes > length && (*line)[length] != ':') return false; /* another field: "database: …" */
    *line += length, *bytes -= length;
    if (*bytes) (*line)++, (*bytes)--;
    if (*bytes && **line == ' ') (*line)++, (*bytes)--;
    return true;
}

/* Whether a data line begins a new event, because the previous data is a complete object. */
static bool begins_event(const struct sse *sse, const char *line, size_t bytes)
{
    const char *data = sse->held ? sse->held : sse->data.bytes;
    size_t count = sse->held ? sse->held_bytes : sse->data.count;
    return sse->data_lines && count && data[count - 1] == '}' && bytes &&
           (*line == '{' || is(line, bytes, "[DONE]"));
}

/* Whether the bytes are one JSON object, or the end mark. */
static bool is_whole(const char *bytes, size_t count)
{
    if (is(bytes, count, "[DONE]")) return true;
    if (count == 0 || *bytes != '{') return false;
    bool text = false;
    size_t depth = 0;
    for (size_t i = 0; i < count; i++) {
        char c = bytes[i];
        if (text) {
            if (c == '\\') i++;
            else text = c != '"';
        } else if (c == '"') {
            text = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && --depth == 0) {
            return i + 1 == count;
        }
    }
    return false;
}

/* in_input: the line is in the caller's bytes, which stay valid until sse_push returns. */
static void take_line(struct sse *sse, sse_event *event, void *owner, const char *line,
                      size_t bytes, bool in_input)
{
    if (bytes > SSE_EVENT_BYTES_MAX) {
        sse->fault = "an event of more than 4 MB";
        return;
    }
    if (!sse->started) {
        sse->started = true;
        if (bytes >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) line += 3, bytes -= 3;
    }
    if (bytes == 0) {
        dispatch(sse, event, owner);
        return;
    }
    if (*line != '{' && !take_field(&line, &bytes, "data")) {
        if (take_field(&line, &bytes, "event")) {
            sse->error = is(line, bytes, "error");
            return;
        }
        if (!take_field(&line, &bytes, "error")) return; /* a comment, id or retry */
        sse->error = true;
    }
    if (begins_event(sse, line, bytes)) dispatch(sse, event, owner);
    if (sse->data_lines++ == 0 && in_input) {
        sse->held = line;
        sse->held_bytes = bytes;
        return;
    }
    keep_held(sse);
    if (sse->data_lines > 1) sse_append(sse, &sse->data, "\n", 1);
    if (!sse->fault) sse_append(sse, &sse->data, line, bytes);
}

/* The next line end in the input, or NULL. */
static const char *line_end(const char *at, const char *end)
{
    const char *lf = memchr(at, '\n', (size_t)(end - at));
    const char *cr = memchr(at, '\r', (size_t)((lf ? lf : end) - at));
    return cr ? cr : lf;
}

void sse_push(struct sse *sse, sse_event *event, void *owner, const char *bytes, size_t count)
{
    const char *at = bytes, *end = bytes + count;
    if (sse->after_cr && count) {
        if (*at == '\n') at++;
        sse->after_cr = false;
    }
    while (at < end && !sse->fault) {
        const char *stop = line_end(at, end);
        if (!stop) {
            sse_append(sse, &sse->line, at, (size_t)(end - at));
            break;
        }
        if (sse->line.count) {
            sse_append(sse, &sse->line, at, (size_t)(stop - at));
            struct sse_text whole = sse->line;
            sse->line.count = 0;
            if (!sse->fault) take_line(sse, event, owner, whole.bytes, whole.count, false);
        } else {
            take_line(sse, event, owner, at, (size_t)(stop - at), true);
        }
        at = stop + 1;
        if (*stop == '\r') {
            if (at == end) sse->after_cr = true;
            else if (*at == '\n') at++;
        }
    }
    if (!sse->fault) keep_held(sse);
}

void sse_end(struct sse *sse, sse_event *event, void *owner)
{
    if (sse->line.count) {
        struct sse_text last = sse->line;
        sse->line.count = 0;
        take_line(sse, event, owner, last.bytes, last.count, false);
    }
    if (!sse->fault && (sse->error || is_whole(sse->data.bytes, sse->data.count)))
        dispatch(sse, event, owner);
}
