#include "http/http_response.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEAD_BYTES_MAX (64 * 1024)
#define LINE_BYTES_MAX (4 * 1024)
#define INTERIM_MAX 32
/* The first byte of a TLS server's answer to plain HTTP. */
#define TLS_ALERT 0x15
#define CHUNK_DIGITS_MAX 12
#define LENGTH_DIGITS_MAX 15

void http_begin(struct http *http)
{
    http->state = HTTP_HEAD;
    http->status = 0;
    http->keep_alive = false;
    http->type = HTTP_OTHER;
    http->fault = NULL;
    http->head_bytes = http->line_start = 0;
    http->interim = 0;
    http->remaining = 0;
    http->digits = http->line_bytes = 0;
    http->line_empty = http->after_cr = false;
}

void http_free(struct http *http)
{
    free(http->head);
    http->head = NULL;
    http->head_room = 0;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A header's value, as it is in the head. */
struct text {
    const char *start;
    size_t bytes;
};

static bool text_is(struct text text, const char *word)
{
    return text.bytes == strlen(word) && strncasecmp(text.start, word, text.bytes) == 0;
}

static bool text_begins(struct text text, const char *words)
{
    size_t bytes = strlen(words);
    return text.bytes >= bytes && strncasecmp(text.start, words, bytes) == 0;
}

static struct text trimmed(struct text text)
{
    while (text.bytes && is_space(*text.start)) text.start++, text.bytes--;
    while (text.bytes && is_space(text.start[text.bytes - 1])) text.bytes--;
    return text;
}

/*
 * Removes the first item from a comma-separated list; the list's start is NULL after the last item.
 */
static struct text next_item(struct text *list)
{
    const char *comma = memchr(list->start, ',', list->bytes);
    struct text item = {list->start, comma ? (size_t)(comma - list->start) : list->bytes};
    list->start = comma ? comma + 1 : NULL;
    list->bytes = comma ? list->bytes - item.bytes - 1 : 0;
    return trimmed(item);
}

static bool text_lists(struct text list, const char *word)
{
    while (list.start)
        if (text_is(next_item(&list), word)) return true;
    return false;
}

struct headers {
    bool http11, chunked, has_length, has_type, close, keep_alive, events, file, encoded;
    uint64_t length;
};

static const char *take_length(struct headers *headers, struct text value)
{
    uint64_t length = 0;
    if (value.bytes == 0 || value.bytes > LENGTH_DIGITS_MAX) return "content-length is no number";
    for (size_t i = 0; i < value.bytes; i++) {
        if (value.start[i] < '0' || value.start[i] > '9') return "content-length is no number";
        length = length * 10 + (uint64_t)(value.start[i] - '0');
    }
    if (headers->has_length && headers->length != length) return "two lengths that differ";
    headers->has_length = true;
    headers->length = length;
    return NULL;
}

/* One length, or the same one several times: "5, 5" (RFC 9110, 8.6). */
static const char *take_lengths(struct headers *headers, struct text value)
{
    const char *fault;
    struct text item;
    do {
        item = next_item(&value);
        fault = take_length(headers, item);
    } while (!fault && value.start);
    return fault;
}

static const char *take_header(struct headers *headers, const char *line, size_t bytes)
{
    const char *colon = memchr(line, ':', bytes);
    if (!colon || colon == line) return NULL;
    struct text name = {line, (size_t)(colon - line)};
    struct text value = trimmed((struct text){colon + 1, bytes - name.bytes - 1});
    name = trimmed(name);
    if (text_is(name, "content-length")) return take_lengths(headers, value);
    if (text_is(name, "transfer-encoding")) {
        if (headers->chunked || !text_is(value, "chunked"))
            return "a transfer-encoding other than chunked";
        headers->chunked = true;
    } else if (text_is(name, "connection")) {
        headers->close |= text_lists(value, "close");
        headers->keep_alive |= text_lists(value, "keep-alive");
    } else if (text_is(name, "content-type")) {
        static const char *const files[] = {"audio/", "image/", "video/",
                                            "application/octet-stream"};
        if (!headers->has_type) {
            headers->events = text_begins(value, "text/event-stream");
            for (size_t i = 0; i < sizeof files / sizeof *files; i++)
                headers->file |= text_begins(value, files[i]);
        }
        headers->has_type = true;
    } else if (text_is(name, "content-encoding")) {
        while (value.start) {
            struct text item = next_item(&value);
            headers->encoded |= item.bytes > 0 && !text_is(item, "identity");
        }
    }
    return NULL;
}

/* "HTTP/1.x NNN", then a space or the end of the line. */
static int status_of(const char *head, size_t bytes, bool *http11)
{
    if (bytes < 14 || memcmp(head, "HTTP/1.", 7) != 0) return 0;
    if ((head[7] != '0' && head[7] != '1') || head[8] != ' ') return 0;
    if (head[12] != ' ' && head[12] != '\n' && (head[12] != '\r' || head[13] != '\n')) return 0;
    int status = 0;
    for (int i = 9; i < 12; i++) {
        if (head[i] < '0' || head[i] > '9') return 0;
        status = status * 10 + head[i] - '0';
    }
    *http11 = head[7] == '1';
    return status >= 100 ? status : 0;
}

/* A line that begins with a blank continues the one before (RFC 9112, 5.2). */
static void join_folded(char *head, size_t bytes)
{
    for (size_t i = 1; i + 1 < bytes; i++) {
        if (head[i] != '\n' || (head[i + 1] != ' ' && head[i + 1] != '\t')) continue;
        head[i] = ' ';
        if (head[i - 1] == '\r') head[i - 1] = ' ';
    }
}

/* Decides from a complete head how the body ends. */
static void begin_body(struct http *http, const struct http_sink *sink)
{
    struct headers headers = {0};
    join_folded(http->head, http->head_bytes);
    int status = status_of(http->head, http->head_bytes, &headers.http11);
    if (!status) {
        http->fault = "no HTTP/1.1 status line";
        return;
    }
    if (status < 200) { /* an interim response: the real one follows */
        http->head_bytes = http->line_start = 0;
        if (++http->interim > INTERIM_MAX) http->fault = "more than 32 interim responses";
        return;
    }
    const char *end = http->head + http->head_bytes;
    const char *line = memchr(http->head, '\n', http->head_bytes);
    while (line && ++line < end) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        size_t bytes = (size_t)((next ? next : end) - line);
        if ((http->fault = take_header(&headers, line, bytes))) return;
        line = next;
    }
    http->status = status;
    http->type = headers.events ? HTTP_EVENTS : headers.file ? HTTP_FILE : HTTP_OTHER;
    http->keep_alive = headers.http11 ? !headers.close : headers.keep_alive && !headers.close;
    if (headers.encoded) {
        http->fault = "the server compressed its answer though asked not to";
    } else if (status == 204 || status == 304) {
        http->state = HTTP_DONE;
    } else if (headers.chunked) {
        http->state = HTTP_CHUNK_SIZE;
        /* both headers, or HTTP/1.0: an attack or a fault (RFC 9112, 6.1) */
        http->keep_alive &= headers.http11 && !headers.has_length;
    } else if (headers.has_length) {
        http->remaining = headers.length;
        http->state = headers.length ? HTTP_LENGTH : HTTP_DONE;
    } else {
        http->state = HTTP_UNTIL_CLOSE;
        http->keep_alive = false;
    }
    sink->head(sink->owner, http);
}

static bool keep_head(struct http *http, const char *bytes, size_t count)
{
    if (http->head_bytes + count > HEAD_BYTES_MAX) {
        http->fault = "headers of more than 64 KB";
        return false;
    }
    if (http->head_bytes + count > http->head_room) {
        size_t room = http->head_room ? http->head_room : 1024;
        while (room < http->head_bytes + count) room *= 2;
        char *grown = realloc(http->head, room);
        if (!grown) {
            http->fault = "no memory for the headers";
            return false;
        }
        http->head = grown;
        http->head_room = room;
    }
    memcpy(http->head + http->head_bytes, bytes, count);
    http->head_bytes += count;
    return true;
}

/* Consumes at most one line of the head. */
static size_t push_head(struct http *http, const struct http_sink *sink, const char *bytes,
                        size_t count)
{
    const char *lf = memchr(bytes, '\n', count);
    size_t taken = lf ? (size_t)(lf - bytes) + 1 : count;
    if (!keep_head(http, bytes, taken)) return taken;
    if (*http->head == '\0') http->fault = "it speaks HTTP/2, and not HTTP/1.1";
    if (*http->head == TLS_ALERT) http->fault = "it speaks TLS: give the endpoint as https://";
    if (http->fault || !lf) return taken;
    size_t line = http->head_bytes - http->line_start;
    bool empty = line == 1 || (line == 2 && http->head[http->line_start] == '\r');
    http->line_start = http->head_bytes;
    if (empty) begin_body(http, sink);
    return taken;
}

static size_t push_counted(struct http *http, const struct http_sink *sink, const char *bytes,
                           size_t count)
{
    size_t taken = count < http->remaining ? count : (size_t)http->remaining;
    sink->body(sink->owner, bytes, taken);
    http->remaining -= taken;
    if (http->remaining == 0) {
        http->state = http->state == HTTP_CHUNK ? HTTP_CHUNK_END : HTTP_DONE;
        http->line_bytes = 0;
    }
    return taken;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte of the line before a chunk: blanks, digits, blanks, and an optional ";extension". */
static void push_chunk_line(struct http *http, char c)
{
    int digit = hex_digit(c);
    if (++http->line_bytes > LINE_BYTES_MAX) {
        http->fault = "a chunk header without an end";
    } else if (c == '\n') {
        if (!http->digits) http->fault = "a chunk without a size";
        http->state = http->remaining ? HTTP_CHUNK : HTTP_TRAILER;
        http->digits = http->line_bytes = 0;
        http->line_empty = true;
        http->after_cr = false;
    } else if (http->state == HTTP_CHUNK_EXTENSION) {
        return;
    } else if (c == ';') {
        http->state = HTTP_CHUNK_EXTENSION;
    } else if (is_space(c)) {
        if (http->digits) http->state = HTTP_CHUNK_BLANK;
    } else if (digit < 0 || http->state == HTTP_CHUNK_BLANK) {
        http->fault = "a chunk size that is no number";
    } else {
        http->remaining = http->digits ? http->remaining * 16 + (uint64_t)digit : (uint64_t)digit;
        if (++http->digits > CHUNK_DIGITS_MAX) http->fault = "a chunk size that is too long";
    }
}

static void push_chunk_end(struct http *http, char c)
{
    if (c == '\n') {
        http->state = HTTP_CHUNK_SIZE;
        http->line_bytes = 0;
    } else if (c != '\r' || ++http->line_bytes > 1) {
        http->fault = "a chunk that is longer than its size";
    }
}

static void push_trailer(struct http *http, char c)
{
    if (++http->line_bytes > HEAD_BYTES_MAX) {
        http->fault = "trailers of more than 64 KB";
    } else if (c == '\n') {
        if (http->line_empty) http->state = HTTP_DONE;
        http->line_empty = true;
        http->after_cr = false;
    } else {
        http->line_empty &= c == '\r' && !http->after_cr;
        http->after_cr = true;
    }
}

size_t http_push(struct http *http, const struct http_sink *sink, const char *bytes, size_t count)
{
    size_t taken = 0;
    while (taken < count && http->state != HTTP_DONE && !http->fault) {
        switch (http->state) {
        case HTTP_HEAD:
            taken += push_head(http, sink, bytes + taken, count - taken);
            break;
        case HTTP_LENGTH:
        case HTTP_CHUNK:
            taken += push_counted(http, sink, bytes + taken, count - taken);
            break;
        case HTTP_UNTIL_CLOSE:
            sink->body(sink->owner, bytes + taken, count - taken);
            taken = count;
            break;
        case HTTP_CHUNK_SIZE:
        case HTTP_CHUNK_BLANK:
        case HTTP_CHUNK_EXTENSION:
            push_chunk_line(http, bytes[taken++]);
            break;
        case HTTP_CHUNK_END:
            push_chunk_end(http, bytes[taken++]);
            break;
        case HTTP_TRAILER:
            push_trailer(http, bytes[taken++]);
            break;
        case HTTP_DONE:
            break;
        }
    }
    return taken;
}

bool http_closed(struct http *http)
{
    if (http->state == HTTP_UNTIL_CLOSE) http->state = HTTP_DONE;
    return http->state == HTTP_DONE;
}
