/*
 * The parsers of HTTP and of event streams over responses from standard input: each a length (four
 * bytes, little-endian) and its bytes, behind which the peer closes. Each is parsed whole, cut in
 * two at every byte (a long one at many), and byte by byte (a long one by more); all must come to
 * the same. Prints one JSON object a response.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/body_form.h"
#include "http/http_response.h"

#define EVERY_BYTE_MAX 8192
#define EDGE 16
#define STEPS 4
#define PIECE 61

/* Bytes that grow. */
struct text {
    char *bytes;
    size_t count, room;
};

struct outcome {
    struct http http;
    struct body answer;
    struct text body, events; /* an event: eight digits of its length, its bytes; an error's after "!" */
    unsigned heads;
    bool fed_after_end, closed;
};

static void die(const char *why)
{
    fprintf(stderr, "%s\n", why);
    exit(1);
}

static void append(struct text *text, const char *bytes, size_t count)
{
    if (text->count + count > text->room) {
        text->room = (text->count + count) * 2;
        text->bytes = realloc(text->bytes, text->room);
        if (!text->bytes) die("no memory");
    }
    if (count) memcpy(text->bytes + text->count, bytes, count);
    text->count += count;
}

static void on_head(void *owner, const struct http *http)
{
    struct outcome *outcome = owner;
    outcome->heads++;
    if (http->head_bytes < 4 || http->status < 200) die("a head that is none");
    body_begin(&outcome->answer, http);
}

static void on_event(void *owner, const char *data, size_t bytes, bool error)
{
    struct outcome *outcome = owner;
    char length[16];
    snprintf(length, sizeof length, "%08zu", bytes + error);
    append(&outcome->events, length, 8);
    if (error) append(&outcome->events, "!", 1);
    append(&outcome->events, data, bytes);
}

static void on_whole(void *owner, const char *bytes, size_t count)
{
    struct outcome *outcome = owner;
    append(&outcome->body, bytes, count);
}

static void on_body(void *owner, const char *bytes, size_t count)
{
    struct outcome *outcome = owner;
    struct body_sink sink = {outcome, on_event, on_whole};
    body_push(&outcome->answer, &sink, bytes, count);
    if (outcome->answer.sse.fault) outcome->http.fault = outcome->answer.sse.fault;
}

/* The piece lies in memory of its own, so that the sanitizer sees a read beyond it or after it. */
static void feed(struct outcome *outcome, const char *bytes, size_t count)
{
    struct http_sink sink = {outcome, on_head, on_body};
    struct http *http = &outcome->http;
    char single, *piece = count > 1 ? malloc(count) : &single;
    if (!piece) die("no memory");
    memcpy(piece, bytes, count);
    size_t taken = http_push(http, &sink, piece, count);
    if (taken > count) die("more was taken than was there");
    if (taken < count && http->state != HTTP_DONE && !http->fault) die("bytes were left");
    if (taken < count && !http->fault) outcome->fed_after_end = true;
    if (piece != &single) free(piece);
}

static void begin(struct outcome *outcome)
{
    http_begin(&outcome->http);
    body_begin(&outcome->answer, &outcome->http);
    outcome->body.count = outcome->events.count = 0;
    outcome->heads = 0;
    outcome->fed_after_end = outcome->closed = false;
}

static void finish(struct outcome *outcome)
{
    struct body_sink sink = {outcome, on_event, on_whole};
    outcome->closed = http_closed(&outcome->http) && !outcome->http.fault;
    if (outcome->closed) body_end(&outcome->answer, &sink);
}

static void release(struct outcome *outcome)
{
    http_free(&outcome->http);
    body_free(&outcome->answer);
    free(outcome->body.bytes);
    free(outcome->events.bytes);
}

static bool same_text(const struct text *a, const struct text *b)
{
    return a->count == b->count && (a->count == 0 || memcmp(a->bytes, b->bytes, a->count) == 0);
}

static bool same(const struct outcome *a, const struct outcome *b)
{
    const char *fault = a->http.fault ? a->http.fault : "";
    return a->closed == b->closed && a->fed_after_end == b->fed_after_end &&
           a->heads == b->heads && a->http.status == b->http.status &&
           a->http.keep_alive == b->http.keep_alive &&
           strcmp(fault, b->http.fault ? b->http.fault : "") == 0 &&
           same_text(&a->body, &b->body) && same_text(&a->events, &b->events);
}

static void print_text(const char *bytes, size_t count)
{
    putchar('"');
    for (size_t i = 0; i < count; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c < 0x20 || c > 0x7e || c == '"' || c == '\\') printf("\\u%04x", c);
        else putchar(c);
    }
    putchar('"');
}

static void print(const struct outcome *outcome, long ways, long differs)
{
    const struct http *http = &outcome->http;
    printf("{\"ending\":\"%s\",\"status\":%d,\"keep_alive\":%s,\"fault\":",
           http->fault ? "malformed" : outcome->closed ? "whole" : "cut", http->status,
           outcome->closed && http->keep_alive && !outcome->fed_after_end ? "true" : "false");
    print_text(http->fault ? http->fault : "", http->fault ? strlen(http->fault) : 0);
    printf(",\"ways\":%ld,\"differs\":%ld,\"body\":", ways, differs);
    print_text(outcome->body.bytes, outcome->body.count);
    printf(",\"events\":[");
    for (size_t at = 0; at < outcome->events.count;) {
        char length[9] = "";
        memcpy(length, outcome->events.bytes + at, 8);
        size_t bytes = strtoul(length, NULL, 10);
        if (at) putchar(',');
        print_text(outcome->events.bytes + at + 8, bytes);
        at += 8 + bytes;
    }
    puts("]}");
}

/* The next place to cut a response of so many bytes. */
static size_t next_cut(size_t cut, size_t bytes)
{
    if (bytes <= EVERY_BYTE_MAX || cut < EDGE || cut + EDGE >= bytes) return cut + 1;
    size_t next = cut + bytes / STEPS;
    return next + EDGE < bytes ? next : bytes - EDGE;
}

static void take(const char *bytes, size_t count)
{
    static struct outcome whole, other;
    const size_t piece = count <= EVERY_BYTE_MAX ? 1 : PIECE;
    long ways = 1, differs = -1;
    begin(&whole);
    feed(&whole, bytes, count);
    finish(&whole);
    for (size_t cut = 0; cut <= count; cut = next_cut(cut, count), ways++) {
        begin(&other);
        feed(&other, bytes, cut);
        feed(&other, bytes + cut, count - cut);
        finish(&other);
        if (differs < 0 && !same(&whole, &other)) differs = (long)cut;
    }
    begin(&other);
    for (size_t at = 0; at < count; at += piece)
        feed(&other, bytes + at, piece < count - at ? piece : count - at);
    finish(&other);
    if (differs < 0 && !same(&whole, &other)) differs = (long)count + 1;
    print(&whole, ways + 1, differs);
    release(&whole);
    release(&other);
    memset(&whole, 0, sizeof whole);
    memset(&other, 0, sizeof other);
}

int main(void)
{
    unsigned char length[4];
    while (fread(length, 1, 4, stdin) == 4) {
        size_t count = length[0] | (size_t)length[1] << 8 | (size_t)length[2] << 16 |
                       (size_t)length[3] << 24;
        char *bytes = malloc(count + 1);
        if (!bytes || fread(bytes, 1, count, stdin) != count) die("a response that is cut");
        take(bytes, count);
        free(bytes);
    }
    return 0;
}
