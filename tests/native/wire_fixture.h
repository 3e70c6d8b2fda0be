/* What the scenarios of wire_program.c share: the wire, the paced server, and what came of requests. */
#ifndef DYNO_WIRE_FIXTURE_H
#define DYNO_WIRE_FIXTURE_H

#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "http/tls/tls.h"
#include "http/wire/wire.h"
#include "pace/pace.h"

#define REQUESTS_MAX 512
#define DRAIN_BYTES (1 << 20)
#define RING "ring_bytes=8388608" /* the smallest: full soonest */
#define PATIENCE_NS 60e9
#define FINAL_EVENTS 2 /* the finish reason and [DONE] */

#define REQUIRE(condition) ((condition) ? (void)0 : broken(#condition, __FILE__, __LINE__))

static void broken(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, condition);
    exit(1);
}

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void pause_us(long us)
{
    struct timespec time = {us / 1000000, us % 1000000 * 1000};
    nanosleep(&time, NULL);
}

/* ---- what came of the requests ---- */

struct answer {
    unsigned heads, events, ends;
    double t_last_ns, stamp; /* the newest read; what the newest event tells of its sending */
    bool done;               /* [DONE] has come */
    struct wire_end end;
};

static struct answer answers[REQUESTS_MAX];
static unsigned ended; /* of the answers */

static void take_event(struct answer *answer, const char *text, size_t bytes)
{
    char data[512] = "";
    REQUIRE(bytes < sizeof data && answer->ends == 0 && !answer->done);
    memcpy(data, text, bytes);
    answer->events++;
    answer->done = strcmp(data, "[DONE]") == 0;
    const char *stamp = strstr(data, "\"content\":\" ");
    if (!stamp) return;
    double sent_ns = strtod(stamp + 12, NULL);
    REQUIRE(sent_ns >= answer->stamp && sent_ns <= answer->t_last_ns);
    answer->stamp = sent_ns;
}

static void take_record(const struct wire_record *record)
{
    REQUIRE(record->request < REQUESTS_MAX && record->bytes % 8 == 0);
    REQUIRE(record->bytes >= sizeof *record + record->length);
    struct answer *answer = &answers[record->request];
    const char *bytes = (const char *)(record + 1);
    REQUIRE(answer->ends == 0);
    if (record->kind == WIRE_END) {
        REQUIRE(record->length >= sizeof answer->end);
        memcpy(&answer->end, bytes, sizeof answer->end);
        answer->ends++;
        ended++;
        REQUIRE(answer->end.events == answer->events || answer->end.failure != WIRE_OK);
        return;
    }
    REQUIRE(record->t_ns >= answer->t_last_ns);
    answer->t_last_ns = record->t_ns;
    if (record->kind == WIRE_HEAD) REQUIRE(++answer->heads == 1);
    if (record->kind == WIRE_EVENT) take_event(answer, bytes, record->length);
}

static int32_t drain(struct wire *wire)
{
    static double room[DRAIN_BYTES / 8];
    int32_t bytes = wire_drain(wire, room, sizeof room);
    REQUIRE(bytes >= 0);
    for (int32_t at = 0; at < bytes;) {
        const struct wire_record *record = (const void *)((const char *)room + at);
        take_record(record);
        at += (int32_t)record->bytes;
    }
    return bytes;
}

/* Drains until so many requests have ended; pauses between two drains. */
static void drain_until(struct wire *wire, unsigned count, long pause)
{
    double until = now_ns() + PATIENCE_NS;
    while (ended < count) {
        REQUIRE(now_ns() < until);
        if (pause) pause_us(pause);
        else wire_wait(wire, 50, 100);
        while (drain(wire) > 0 && !pause) continue;
    }
}

/* ---- the two ends ---- */

/* A file with the certificate and the key of both ends, for all over TLS; NULL: plain HTTP. */
static const char *pem;

static struct wire *open_wire(void)
{
    char error[256] = "";
    memset(answers, 0, sizeof answers);
    ended = 0;
    struct wire *wire = wire_open(RING, error, sizeof error);
    REQUIRE(wire);
    return wire;
}

static struct pace *open_pace(const char *options)
{
    char error[256] = "", lines[512];
    snprintf(lines, sizeof lines, "%s%s%s%s", options, pem && *options ? "\n" : "",
             pem ? "cert=" : "", pem ? pem : "");
    struct pace *pace = pace_open(lines, error, sizeof error);
    if (!pace) fprintf(stderr, "%s\n", error);
    REQUIRE(pace);
    return pace;
}

/* Of addresses; with TLS the certificate is trusted. */
static uint32_t place_of(struct wire *wire, const char *addresses)
{
    char lines[512], error[256] = "";
    snprintf(lines, sizeof lines, "%s%s%s", addresses, pem ? "\ntls 127.0.0.1\nca " : "",
             pem ? pem : "");
    int32_t number = wire_target(wire, lines, error, sizeof error);
    if (number < 0) fprintf(stderr, "%s\n", error);
    REQUIRE(number >= 0);
    return (uint32_t)number;
}

static uint32_t target(struct wire *wire, uint16_t port)
{
    char address[64];
    snprintf(address, sizeof address, "127.0.0.1 %u", port);
    return place_of(wire, address);
}

/* On which connection the next requests go. */
static uint32_t policy = WIRE_POOLED;

/* A request for so many tokens, `t_send_ns` and `timeout_ns` as in wire.h. */
static void ask(struct wire *wire, uint32_t request, uint32_t place, double t_send_ns,
                double timeout_ns, unsigned tokens)
{
    static char bytes[512];
    char body[64];
    struct wire_request head = {t_send_ns, timeout_ns, request, place, 0, 0, policy, 0};
    int length = snprintf(body, sizeof body, "{\"max_tokens\":%u}", tokens);
    int count = snprintf(bytes + sizeof head, sizeof bytes - sizeof head,
                         "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\n"
                         "content-length: %d\r\n\r\n%s", length, body);
    head.bytes = (uint32_t)count;
    memcpy(bytes, &head, sizeof head);
    REQUIRE(wire_send(wire, bytes, (uint32_t)(sizeof head) + head.bytes) == 0);
}

/* The same of either of two places; their heads differ in length. */
static void ask_either(struct wire *wire, uint32_t request, uint32_t one, uint32_t other,
                       double t_send_ns, double timeout_ns, unsigned tokens)
{
    static char bytes[512];
    char body[64], heads[2][128];
    int length = snprintf(body, sizeof body, "{\"max_tokens\":%u}", tokens);
    struct wire_place places[2] = {{one, 0}, {other, 0}};
    for (int i = 0; i < 2; i++)
        places[i].head_bytes = (uint32_t)snprintf(
            heads[i], sizeof heads[i],
            "POST /v1/chat/completions HTTP/1.1\r\nhost: %s\r\ncontent-length: %d\r\n\r\n",
            i ? "other.example" : "a", length);
    struct wire_request head = {t_send_ns, timeout_ns, request, 0, 0, 2, policy, 0};
    size_t at = sizeof head;
    memcpy(bytes + at, places, sizeof places);
    at += sizeof places;
    for (int i = 0; i < 2; i++) {
        memcpy(bytes + at, heads[i], places[i].head_bytes);
        at += places[i].head_bytes;
    }
    memcpy(bytes + at, body, (size_t)length);
    at += (size_t)length;
    head.bytes = (uint32_t)(at - sizeof head);
    memcpy(bytes, &head, sizeof head);
    REQUIRE(wire_send(wire, bytes, (uint32_t)at) == 0);
}

/* A number of the wire's status. */
static double status(struct wire *wire, const char *key)
{
    char json[1024], quoted[64];
    REQUIRE(wire_status(wire, json, sizeof json) <= (int32_t)sizeof json);
    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    const char *at = strstr(json, quoted);
    REQUIRE(at);
    return strtod(at + strlen(quoted), NULL);
}

static void require_whole(uint32_t request, unsigned tokens)
{
    const struct answer *answer = &answers[request];
    const struct wire_end *end = &answer->end;
    REQUIRE(answer->ends == 1 && end->failure == WIRE_OK && end->status == 200);
    REQUIRE(answer->heads == 1 && answer->done && answer->events == tokens + FINAL_EVENTS);
    REQUIRE(end->t_ready_ns > 0 && end->t_sent_ns >= end->t_ready_ns);
    REQUIRE(end->t_first_byte_ns > end->t_sent_ns && end->t_end_ns >= end->t_first_byte_ns);
}

/* ---- the other end of one connection, which waits for what it does ---- */

struct peer {
    int fd;
    struct tls *tls; /* NULL: plain HTTP */
    bool ready;      /* TLS's handshake is over */
};

static struct peer peer_of(int fd, struct tls_context *context)
{
    REQUIRE(fd >= 0);
    struct peer peer = {fd, context ? tls_new(context) : NULL, false};
    REQUIRE(peer.tls || !context);
    return peer;
}

static void peer_flush(struct peer *peer)
{
    const char *bytes;
    for (size_t count; (count = tls_output(peer->tls, &bytes)) > 0;) {
        ssize_t sent = send(peer->fd, bytes, count, MSG_NOSIGNAL);
        if (sent <= 0) return;
        tls_sent(peer->tls, (size_t)sent);
    }
}

/* As recv(). */
static ssize_t peer_recv(struct peer *peer, char *bytes, size_t room)
{
    if (!peer->tls) return recv(peer->fd, bytes, room, 0);
    for (;;) {
        char in[TLS_RECORD_BYTES];
        size_t count = 0;
        enum tls_result result = peer->ready ? tls_read(peer->tls, bytes, room, &count)
                                             : tls_handshake(peer->tls);
        peer_flush(peer);
        if (result == TLS_OK && peer->ready) return (ssize_t)count;
        peer->ready |= result == TLS_OK;
        if (result == TLS_OK) continue;
        if (result != TLS_WAITS) return 0;
        ssize_t came = recv(peer->fd, in, sizeof in, 0);
        if (came <= 0) return came;
        REQUIRE(tls_feed(peer->tls, in, (size_t)came));
    }
}

static void peer_send(struct peer *peer, const char *bytes, size_t count)
{
    if (!peer->tls) {
        REQUIRE(send(peer->fd, bytes, count, MSG_NOSIGNAL) > 0);
        return;
    }
    for (size_t taken = 0; count > 0; bytes += taken, count -= taken)
        REQUIRE(tls_write(peer->tls, bytes, count, &taken) == TLS_OK);
    peer_flush(peer);
}

/* cut: without TLS's own end. */
static void peer_close(struct peer *peer, bool cut)
{
    if (peer->tls && !cut) {
        tls_close(peer->tls);
        peer_flush(peer);
    }
    tls_free(peer->tls);
    close(peer->fd);
    peer->fd = -1;
}

static struct tls_context *peer_context(void)
{
    char error[256] = "";
    if (!pem) return NULL;
    struct tls_context *context = tls_server(pem, "", error, sizeof error);
    if (!context) fprintf(stderr, "%s\n", error);
    REQUIRE(context);
    return context;
}

/* ---- a server that misbehaves ---- */

/* A server of one connection at a time that does as it is told, one step a request. */
struct step {
    const char *reply; /* NULL: none */
    bool close;        /* behind it */
    bool cut;          /* without TLS's own end */
};

struct server {
    pthread_t thread;
    int listener;
    uint16_t port;
    const struct step *steps;
    size_t count;
};

static void *serve(void *argument)
{
    struct server *server = argument;
    struct tls_context *context = peer_context();
    struct peer client = {-1, NULL, false};
    for (size_t i = 0; i < server->count;) {
        char request[4096];
        if (client.fd < 0) client = peer_of(accept(server->listener, NULL, NULL), context);
        if (peer_recv(&client, request, sizeof request) > 0) {
            const struct step *step = &server->steps[i++];
            if (step->reply) peer_send(&client, step->reply, strlen(step->reply));
            if (!step->close) continue;
            peer_close(&client, step->cut);
        } else peer_close(&client, false);
    }
    if (client.fd >= 0) peer_close(&client, false);
    tls_context_free(context);
    return NULL;
}

/* A socket at a free port; without a backlog it refuses connections. */
static int bind_socket(int backlog, uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(fd >= 0 && bind(fd, (struct sockaddr *)&address, bytes) == 0);
    REQUIRE(backlog == 0 || listen(fd, backlog) == 0);
    REQUIRE(getsockname(fd, (struct sockaddr *)&address, &bytes) == 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static void start_server(struct server *server, const struct step *steps, size_t count)
{
    server->steps = steps;
    server->count = count;
    server->listener = bind_socket(64, &server->port);
    REQUIRE(pthread_create(&server->thread, NULL, serve, server) == 0);
}

static void end_server(struct server *server)
{
    pthread_join(server->thread, NULL);
    close(server->listener);
}

#endif
