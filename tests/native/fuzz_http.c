/*
 * libFuzzer over the parsers of HTTP and of event streams. The first byte of an input chooses the
 * sizes of the pieces and whether the rest is a response or the body of an event stream alone.
 * What comes of it must be the same in one piece and in many, and within the limits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/body_form.h"
#include "http/http_response.h"

#define HEAD_BYTES_MAX (64 * 1024)

struct outcome {
    struct http http;
    struct body answer;
    uint64_t body_hash, event_hash, whole_hash;
    size_t body_bytes, event_bytes, whole_bytes, events;
    unsigned heads;
    bool whole;
};

#define REQUIRE(condition) ((condition) ? (void)0 : broken(#condition, __LINE__))

static void broken(const char *condition, int line)
{
    fprintf(stderr, "line %d: not so: %s\n", line, condition);
    abort();
}

static uint64_t hash(uint64_t so_far, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) so_far = (so_far ^ (unsigned char)bytes[i]) * 0x100000001b3;
    return so_far;
}

static void on_head(void *owner, const struct http *http)
{
    struct outcome *outcome = owner;
    REQUIRE(++outcome->heads == 1);
    body_begin(&outcome->answer, http);
    REQUIRE(http->status >= 200 && http->status <= 999);
    REQUIRE(http->head_bytes >= 14 && http->head_bytes <= HEAD_BYTES_MAX);
    REQUIRE(http->head[http->head_bytes - 1] == '\n');
}

static void on_event(void *owner, const char *data, size_t bytes, bool error)
{
    struct outcome *outcome = owner;
    REQUIRE(bytes <= SSE_EVENT_BYTES_MAX);
    REQUIRE(outcome->answer.form == BODY_FRAMES || !memchr(data, '\r', bytes));
    outcome->events++;
    outcome->event_bytes += bytes;
    outcome->event_hash = hash(outcome->event_hash, (const char *)&bytes, sizeof bytes);
    outcome->event_hash = hash(outcome->event_hash, (const char *)&error, sizeof error);
    outcome->event_hash = hash(outcome->event_hash, data, bytes);
}

static void on_whole(void *owner, const char *bytes, size_t count)
{
    struct outcome *outcome = owner;
    outcome->whole_bytes += count;
    outcome->whole_hash = hash(outcome->whole_hash, bytes, count);
}

static void on_body(void *owner, const char *bytes, size_t count)
{
    struct outcome *outcome = owner;
    struct body_sink sink = {outcome, on_event, on_whole};
    REQUIRE(outcome->heads == 1 && outcome->http.state != HTTP_DONE);
    outcome->body_bytes += count;
    outcome->body_hash = hash(outcome->body_hash, bytes, count);
    body_push(&outcome->answer, &sink, bytes, count);
    const struct sse *sse = &outcome->answer.sse;
    REQUIRE(sse->line.count + sse->data.count <= 2 * SSE_EVENT_BYTES_MAX);
    REQUIRE(!outcome->whole_bytes || !outcome->events);
    if (outcome->answer.sse.fault) outcome->http.fault = outcome->answer.sse.fault;
}

static void feed(struct outcome *outcome, const char *bytes, size_t count)
{
    struct http_sink sink = {outcome, on_head, on_body};
    struct http *http = &outcome->http;
    size_t taken = http_push(http, &sink, bytes, count);
    REQUIRE(taken <= count);
    REQUIRE(taken == count || http->state == HTTP_DONE || http->fault);
    REQUIRE(http->head_bytes <= HEAD_BYTES_MAX && http->head_room <= 2 * HEAD_BYTES_MAX);
}

/* A piece in memory of its own: a read beyond it, or of it later, is found. */
static void feed_copy(struct outcome *outcome, const char *bytes, size_t count, bool stream)
{
    char *piece = malloc(count);
    REQUIRE(piece);
    memcpy(piece, bytes, count);
    if (stream) sse_push(&outcome->answer.sse, on_event, outcome, piece, count);
    else feed(outcome, piece, count);
    free(piece);
}

static void begin(struct outcome *outcome)
{
    http_begin(&outcome->http);
    body_begin(&outcome->answer, &outcome->http);
    outcome->body_hash = outcome->event_hash = outcome->whole_hash = 0xcbf29ce484222325;
    outcome->whole_bytes = 0;
    outcome->body_bytes = outcome->event_bytes = outcome->events = 0;
    outcome->heads = 0;
}

/* In pieces of 1 to piece_max bytes; 0: in one. */
static void parse(struct outcome *outcome, const char *bytes, size_t count, bool stream,
                  uint32_t random, size_t piece_max)
{
    begin(outcome);
    for (size_t at = 0, piece; at < count; at += piece) {
        random = random * 1664525 + 1013904223;
        piece = piece_max ? 1 + (random >> 8) % piece_max : count;
        if (piece > count - at) piece = count - at;
        feed_copy(outcome, bytes + at, piece, stream);
    }
    struct body_sink sink = {outcome, on_event, on_whole};
    outcome->whole = http_closed(&outcome->http) && !outcome->http.fault;
    if (stream) sse_end(&outcome->answer.sse, on_event, outcome);
    else if (outcome->whole) body_end(&outcome->answer, &sink);
    REQUIRE(outcome->event_bytes <= count && outcome->body_bytes <= count);
    REQUIRE(outcome->events <= count);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t count)
{
    static struct outcome whole, split; /* kept, as on a connection: what is left over is found */
    if (count < 2) return 0;
    const char *bytes = (const char *)data + 1;
    bool stream = data[0] & 0x80;
    parse(&whole, bytes, count - 1, stream, 0, 0);
    parse(&split, bytes, count - 1, stream, data[0] * 2654435761u, (size_t)1 << (data[0] & 7));
    REQUIRE(whole.whole == split.whole && whole.heads == split.heads);
    REQUIRE(whole.http.status == split.http.status);
    REQUIRE(whole.http.keep_alive == split.http.keep_alive);
    REQUIRE(same_text(whole.http.fault, split.http.fault));
    REQUIRE(same_text(whole.answer.sse.fault, split.answer.sse.fault));
    REQUIRE(whole.whole_bytes == split.whole_bytes && whole.whole_hash == split.whole_hash);
    /* what follows a frame that is damaged is not fed any more */
    if (!whole.answer.sse.fault)
        REQUIRE(whole.body_bytes == split.body_bytes && whole.body_hash == split.body_hash);
    REQUIRE(whole.events == split.events && whole.event_hash == split.event_hash);
    return 0;
}
