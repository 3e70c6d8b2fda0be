/*
 * The wire against the paced server and against servers that misbehave, for the sanitizers: plainly,
 * or by TLS where a file with a certificate of 127.0.0.1 and its key is given. Prints one line a
 * scenario; ends with 1 and a reason where something is not as it must be.
 */
#include <signal.h>
#include <sys/wait.h>

#include "wire_fixture.h"

/* ---- scenarios ---- */

struct batch {
    struct wire *wire;
    uint32_t place, count;
};

static unsigned tokens_of(uint32_t request)
{
    return 5 + request % 17;
}

static void *send_batch(void *argument)
{
    const struct batch *batch = argument;
    for (uint32_t i = 0; i < batch->count; i++)
        ask(batch->wire, i, batch->place, i % 3 ? 0 : now_ns() + i * 1e5, 60e9, tokens_of(i));
    return NULL;
}

static void many(void)
{
    struct pace *pace = open_pace("interval_us=500");
    struct wire *wire = open_wire();
    struct batch batch = {wire, target(wire, pace_port(pace)), 200};
    pthread_t sender;
    wire_limit(wire, 50);
    REQUIRE(pthread_create(&sender, NULL, send_batch, &batch) == 0);
    drain_until(wire, batch.count, 0);
    pthread_join(sender, NULL);
    for (uint32_t i = 0; i < batch.count; i++) require_whole(i, tokens_of(i));
    REQUIRE(status(wire, "connections_opened") <= 50 && status(wire, "sent") == 200);
    wire_free(wire);
    pace_close(pace);
}

/* Connections that are made ahead of time are not made again where they are not ready in time. */
static void ahead(void)
{
    enum { COUNT = 60 };
    struct pace *pace = open_pace("interval_us=500");
    struct wire *wire = open_wire();
    uint32_t place = target(wire, pace_port(pace));
    wire_limit(wire, COUNT);
    double begin = now_ns() + 4e6;
    for (uint32_t i = 0; i < COUNT; i++) ask(wire, i, place, begin, 60e9, 20);
    drain_until(wire, COUNT, 0);
    for (uint32_t i = 0; i < COUNT; i++) {
        require_whole(i, 20);
        REQUIRE((answers[i].end.connect_ns > 0) == !(answers[i].end.flags & WIRE_REUSED));
    }
    REQUIRE(status(wire, "connections_opened") <= COUNT);
    wire_free(wire);
    pace_close(pace);
}

/* A slow server and a fast one, four in flight: two at each whenever there is a choice. */
static void balanced(void)
{
    struct pace *slow = open_pace("interval_us=20000"), *fast = open_pace("interval_us=200");
    struct wire *wire = open_wire();
    uint32_t one = target(wire, pace_port(slow)), other = target(wire, pace_port(fast));
    unsigned to_slow = 0;
    wire_limit(wire, 4);
    double begin = now_ns() + 50e6; /* connections are made ahead at both */
    for (uint32_t i = 0; i < 60; i++) ask_either(wire, i, one, other, begin, 60e9, 20);
    wire_cancel(wire, 59);
    drain_until(wire, 60, 0);
    for (uint32_t i = 0; i < 59; i++) {
        require_whole(i, 20);
        to_slow += answers[i].end.flags >> WIRE_PLACE_SHIFT == 0;
    }
    REQUIRE(to_slow >= 2 && to_slow <= 20);
    REQUIRE(status(wire, "connections_opened") == 4);
    struct wire_request none = {0, 1e9, 99, 0, 8, 2, WIRE_POOLED, 0}; /* its places are not there */
    char bytes[sizeof none + 8] = "";
    memcpy(bytes, &none, sizeof none);
    REQUIRE(wire_send(wire, bytes, sizeof bytes) < 0);
    wire_free(wire);
    pace_close(slow);
    pace_close(fast);
}

static void cancelled(void)
{
    struct pace *pace = open_pace("interval_us=10000");
    struct wire *wire = open_wire();
    uint32_t place = target(wire, pace_port(pace));
    wire_limit(wire, 4);
    for (uint32_t i = 0; i < 12; i++) ask(wire, i, place, 0, 60e9, i == 11 ? 3 : 100000);
    while (!(answers[0].events > 2 && answers[3].events > 2)) {
        wire_wait(wire, 50, 0);
        drain(wire);
    }
    wire_cancel(wire, 7); /* waits */
    wire_cancel(wire, 2); /* runs; the next one takes its place */
    wire_cancel(wire, 400);
    drain_until(wire, 2, 0);
    REQUIRE(answers[7].end.t_sent_ns == 0 && answers[7].events == 0 && answers[2].events > 0);
    REQUIRE(answers[7].end.failure == WIRE_CANCELLED && answers[2].end.failure == WIRE_CANCELLED);
    for (uint32_t i = 0; i < 11; i++) wire_cancel(wire, i);
    drain_until(wire, 12, 0);
    require_whole(11, 3);
    for (uint32_t i = 0; i < 11; i++) REQUIRE(answers[i].end.failure == WIRE_CANCELLED);
    wire_free(wire);
    pace_close(pace);
}

static void timed_out(void)
{
    uint16_t silent_port;
    int silent = bind_socket(1, &silent_port);
    struct pace *pace = open_pace("interval_us=10000");
    struct wire *wire = open_wire();
    uint32_t place = target(wire, pace_port(pace)), silence = target(wire, silent_port);
    wire_limit(wire, 3);
    ask(wire, 0, silence, 0, 100e6, 1); /* nobody accepts it */
    ask(wire, 1, place, 0, 200e6, 100000);
    ask(wire, 2, place, 0, 60e9, 20);
    ask(wire, 3, place, 0, 10e9, 2); /* its time begins when it is its turn */
    drain_until(wire, 4, 0);
    REQUIRE(answers[0].end.failure == WIRE_NO_ANSWER && answers[0].end.t_first_byte_ns == 0);
    REQUIRE(answers[1].end.failure == WIRE_UNENDED && answers[1].end.status == 200);
    double took = answers[0].end.t_end_ns - answers[0].end.t_ready_ns;
    REQUIRE(took >= 100e6 && took < 5e9);
    require_whole(2, 20);
    require_whole(3, 2);
    wire_limit(wire, 8);
    for (uint32_t i = 4; i < 12; i++) ask(wire, i, silence, 0, 100e6, 1); /* not even connected */
    drain_until(wire, 12, 0);
    for (uint32_t i = 4; i < 12; i++) REQUIRE(answers[i].end.failure == WIRE_NO_ANSWER);
    REQUIRE(answers[11].end.t_sent_ns == 0 && status(wire, "sent") < 12);
    wire_free(wire);
    pace_close(pace);
    close(silent);
}

/* Until the ring is full, as nobody drains it. */
static void until_blocked(struct wire *wire)
{
    double until = now_ns() + PATIENCE_NS;
    while (status(wire, "blocked_ns") == 0) {
        REQUIRE(now_ns() < until);
        pause_us(1000);
    }
}

#define UNREAD 13000 /* tokens; four times as many fill the ring */

static void slow_consumer(void)
{
    struct pace *pace = open_pace("interval_us=0\nburst=64");
    struct wire *wire = open_wire();
    uint32_t place = target(wire, pace_port(pace));
    for (uint32_t i = 0; i < 4; i++) ask(wire, i, place, 0, 60e9, UNREAD);
    until_blocked(wire);
    double blocked_ns = status(wire, "blocked_ns");
    drain_until(wire, 4, 20000);
    for (uint32_t i = 0; i < 4; i++) require_whole(i, UNREAD);
    REQUIRE(blocked_ns > 0 && status(wire, "blocked_ns") >= blocked_ns);
    REQUIRE(status(wire, "ring_high_water_bytes") > status(wire, "ring_bytes") * 0.9);
    wire_free(wire);
    pace_close(pace);
}

#define OK "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"

static const struct step STEPS[] = {
    {OK "ok", false, false},
    {NULL, true, false}, /* the kept connection is closed instead of an answer: sent again */
    {OK "ok", false, false},
    {NULL, true, false},
    {NULL, true, false}, /* the second time, on a new connection: given up */
    {OK "o", true, false},
    {"HTTP/1.1 200 OK\r\n", true, false},
    {"nonsense\r\n\r\n", true, false},
    {OK "ok and more", true, false}, /* not kept */
    {OK "ok", true, false},          /* closed while it is kept: no harm to the next */
    {OK "ok", true, false},
};

static void misbehaving(void)
{
    static const struct { enum wire_failure failure; uint32_t flags; } EXPECTED[] = {
        {WIRE_OK, 0},        {WIRE_OK, WIRE_RESENT}, {WIRE_LOST, WIRE_RESENT},
        {WIRE_TRUNCATED, 0}, {WIRE_TRUNCATED, 0},    {WIRE_MALFORMED, 0},
        {WIRE_OK, 0},        {WIRE_OK, 0},           {WIRE_OK, 0},
    };
    enum { COUNT = sizeof EXPECTED / sizeof *EXPECTED };
    struct server server;
    start_server(&server, STEPS, sizeof STEPS / sizeof *STEPS);
    struct wire *wire = open_wire();
    uint32_t place = target(wire, server.port);
    for (uint32_t i = 0; i < COUNT; i++) {
        ask(wire, i, place, 0, 20e9, 1);
        drain_until(wire, i + 1, 0);
        REQUIRE(answers[i].end.failure == EXPECTED[i].failure);
        if (i < COUNT - 1) REQUIRE((answers[i].end.flags & WIRE_RESENT) == EXPECTED[i].flags);
    }
    REQUIRE(status(wire, "resent") >= 2);
    if (pem) REQUIRE(status(wire, "tls_resumed") == status(wire, "connections_opened") - 1);
    wire_free(wire);
    end_server(&server);
}

#define UNTIL_CLOSE "HTTP/1.1 200 OK\r\n\r\n"

/* An answer that ends with its connection: by TLS it is whole only where TLS says so. */
static void cut(void)
{
    static const struct step steps[] = {
        {UNTIL_CLOSE "whole", true, false},
        {UNTIL_CLOSE "cut", true, true},
        {OK "ok", true, true}, /* its length says that it is whole */
    };
    struct server server;
    start_server(&server, steps, 3);
    struct wire *wire = open_wire();
    uint32_t place = target(wire, server.port);
    for (uint32_t i = 0; i < 3; i++) {
        ask(wire, i, place, 0, 20e9, 1);
        drain_until(wire, i + 1, 0);
    }
    REQUIRE(answers[0].end.failure == WIRE_OK && answers[0].end.body_bytes == 5);
    REQUIRE(answers[1].end.failure == (pem ? WIRE_TRUNCATED : WIRE_OK));
    REQUIRE(answers[2].end.failure == WIRE_OK);
    wire_free(wire);
    end_server(&server);
}

/* Requests of one session go on its own connection, new ones on one that is nobody else's. */
static void policies(void)
{
    static const uint32_t ASKED[] = {7, 8, 7, WIRE_NEW, 7 | WIRE_LAST, 7, WIRE_POOLED, WIRE_POOLED,
                                     WIRE_NEW};
    static const bool REUSED[] = {false, false, true, false, true, false, false, true, false};
    enum { COUNT = sizeof ASKED / sizeof *ASKED };
    struct pace *pace = open_pace("interval_us=100");
    struct wire *wire = open_wire();
    uint32_t place = target(wire, pace_port(pace));
    for (uint32_t i = 0; i < COUNT; i++) {
        policy = ASKED[i];
        ask(wire, i, place, 0, 20e9, 2);
        drain_until(wire, i + 1, 0);
        require_whole(i, 2);
        REQUIRE(!(answers[i].end.flags & WIRE_REUSED) == !REUSED[i]);
        REQUIRE((answers[i].end.connect_ns == 0) == REUSED[i]);
        REQUIRE((answers[i].end.tls_ns > 0) == (pem && !REUSED[i]));
        REQUIRE(answers[i].end.tls_ns <= answers[i].end.connect_ns);
    }
    policy = WIRE_POOLED;
    REQUIRE(status(wire, "connections_opened") == 6);
    wire_free(wire);
    pace_close(pace);
}

#define LARGE (8u << 20)

struct reader {
    int listener;
    bool early; /* answers before it has read the request */
    size_t read;
};

static void *read_slowly(void *argument)
{
    static char bytes[1 << 16];
    struct reader *reader = argument;
    struct tls_context *context = peer_context();
    struct peer client = peer_of(accept(reader->listener, NULL, NULL), context);
    if (reader->early) reader->read += (size_t)peer_recv(&client, bytes, 1);
    pause_us(50000);
    if (reader->early) peer_send(&client, OK "ok", strlen(OK "ok"));
    for (ssize_t count = 1; count > 0 && reader->read < LARGE; reader->read += (size_t)count)
        if ((count = peer_recv(&client, bytes, sizeof bytes)) < 0) break;
    if (!reader->early) peer_send(&client, OK "ok", strlen(OK "ok"));
    peer_close(&client, false);
    tls_context_free(context);
    return NULL;
}

/* A request that the socket does not take at once. */
static void large(bool early)
{
    uint16_t port;
    pthread_t thread;
    struct reader reader = {.listener = bind_socket(64, &port), .early = early};
    REQUIRE(pthread_create(&thread, NULL, read_slowly, &reader) == 0);
    struct wire *wire = open_wire();
    struct wire_request head = {0, 60e9, 0, target(wire, port), LARGE, 0, WIRE_POOLED, 0};
    char *bytes = calloc(1, sizeof head + LARGE);
    REQUIRE(bytes);
    memcpy(bytes, &head, sizeof head);
    REQUIRE(wire_send(wire, bytes, sizeof head + LARGE) == 0);
    free(bytes);
    drain_until(wire, 1, 0);
    REQUIRE(answers[0].end.failure == WIRE_OK && answers[0].end.body_bytes == 2);
    REQUIRE(status(wire, "sent") == 1);
    wire_free(wire);
    pthread_join(thread, NULL);
    REQUIRE(early || reader.read == LARGE);
    close(reader.listener);
}

static void refused(void)
{
    uint16_t port;
    char addresses[64];
    int fd = bind_socket(0, &port);
    struct pace *pace = open_pace("");
    struct wire *wire = open_wire();
    ask(wire, 0, target(wire, port), 0, 20e9, 1);
    snprintf(addresses, sizeof addresses, "127.0.0.1 %u\n127.0.0.1 %u", port, pace_port(pace));
    ask(wire, 1, place_of(wire, addresses), 0, 20e9, 1);
    ask(wire, 2, place_of(wire, "unix /nowhere"), 0, 20e9, 1);
    drain_until(wire, 3, 0);
    REQUIRE(answers[0].end.failure == WIRE_CONNECT && answers[2].end.failure == WIRE_CONNECT);
    require_whole(1, 1);
    char error[256];
    REQUIRE(wire_target(wire, "localhost 80", error, sizeof error) < 0);
    REQUIRE(wire_target(wire, "", error, sizeof error) < 0);
    REQUIRE(wire_target(wire, "127.0.0.1 1\ntls a\nca /nowhere", error, sizeof error) < 0);
    REQUIRE(strstr(error, "/nowhere"));
    REQUIRE(wire_send(wire, "", 0) < 0);
    wire_free(wire);
    pace_close(pace);
    close(fd);
}

/* Waiting, running and unread requests; the thread may hang on a full ring. */
static void stopped(bool full, bool free_at_once)
{
    struct pace *pace = open_pace(full ? "interval_us=0\nburst=64" : "interval_us=5000");
    struct wire *wire = open_wire();
    uint32_t place = target(wire, pace_port(pace));
    wire_limit(wire, full ? 10 : 50);
    for (uint32_t i = 0; i < 100; i++) ask(wire, i, place, 0, 60e9, 1000000);
    if (full) until_blocked(wire);
    else pause_us(50000);
    for (uint32_t i = 0; i < 100; i += 5) wire_cancel(wire, i);
    for (uint32_t i = 100; i < 150; i++) ask(wire, i, place, now_ns() + 1e9, 60e9, 5);
    if (!free_at_once) {
        wire_stop(wire);
        wire_stop(wire);
        wire_wait(wire, 1000, 0);
        while (drain(wire) > 0) continue;
        status(wire, "ended");
    }
    wire_free(wire);
    pace_close(pace);
}

static void server_gone(void)
{
    struct pace *pace = open_pace("interval_us=5000");
    struct wire *wire = open_wire();
    uint32_t place = target(wire, pace_port(pace));
    for (uint32_t i = 0; i < 40; i++) ask(wire, i, place, 0, 60e9, 1000000);
    while (answers[39].events == 0) {
        wire_wait(wire, 50, 0);
        drain(wire);
    }
    pace_close(pace);
    drain_until(wire, 40, 0);
    for (uint32_t i = 0; i < 40; i++) REQUIRE(answers[i].end.failure == WIRE_TRUNCATED);
    wire_free(wire);
}

#define CHURN 500

/* Many short answers, while any of them is cancelled, late or past its time. */
static void *send_churn(void *argument)
{
    const struct batch *batch = argument;
    uint32_t random = 1;
    for (uint32_t i = 0; i < batch->count; i++) {
        random = random * 1664525 + 1013904223;
        double wait_ns = (random >> 8) % 4 ? 0 : now_ns() + (random >> 12) % 20 * 1e6;
        double timeout_ns = (random >> 16) % 8 ? 60e9 : (random >> 20) % 10 * 1e6;
        unsigned tokens = 1 + (random >> 24) % 8;
        if (i % 5 == 0)
            ask_either(batch->wire, i, batch->place, batch->place, wait_ns, timeout_ns, tokens);
        else ask(batch->wire, i, batch->place, wait_ns, timeout_ns, tokens);
        if (i % 3 == 0) wire_cancel(batch->wire, (random >> 10) % (i + 1));
        if (i % 50 == 0) wire_limit(batch->wire, 1 + (random >> 14) % 40);
        if (i % 20 == 0) pause_us(1000);
    }
    return NULL;
}

static void churn(void)
{
    struct pace *pace = open_pace("interval_us=300");
    struct wire *wire = open_wire();
    struct batch batch = {wire, target(wire, pace_port(pace)), CHURN};
    unsigned whole = 0;
    pthread_t sender;
    REQUIRE(pthread_create(&sender, NULL, send_churn, &batch) == 0);
    drain_until(wire, batch.count, 0);
    pthread_join(sender, NULL);
    for (uint32_t i = 0; i < batch.count; i++) {
        enum wire_failure failure = (enum wire_failure)answers[i].end.failure;
        REQUIRE(failure == WIRE_OK || failure == WIRE_CANCELLED || failure == WIRE_NO_ANSWER ||
                failure == WIRE_UNENDED);
        REQUIRE((failure == WIRE_OK) == answers[i].done);
        whole += failure == WIRE_OK;
    }
    REQUIRE(whole > CHURN / 4 && whole < CHURN);
    REQUIRE(status(wire, "ended") == CHURN);
    wire_free(wire);
    pace_close(pace);
}

/* Connections that pace has had. */
static double accepted(struct pace *pace)
{
    char json[1024];
    REQUIRE(pace_status(pace, json, sizeof json) <= (int32_t)sizeof json);
    const char *at = strstr(json, "\"connections\":");
    REQUIRE(at);
    return strtod(at + strlen("\"connections\":"), NULL);
}

/*
 * A child process has a copy of every socket, as each has until it becomes another program: what is
 * closed here stays open there, and epoll goes on telling of it (epoll_ctl(2), and epoll(7): "Will
 * closing a file descriptor cause it to be removed from all epoll interest lists?").
 */
static void inherited(void)
{
    enum { COUNT = 20 };
    struct pace *pace = open_pace("interval_us=500");
    struct wire *wire = open_wire();
    uint32_t place = target(wire, pace_port(pace));
    for (uint32_t i = 0; i < COUNT; i++) ask(wire, i, place, 0, 60e9, 1000000);
    while (answers[COUNT - 1].events == 0) {
        wire_wait(wire, 50, 0);
        drain(wire);
    }
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(pace_port(pace)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(connect(other, (struct sockaddr *)&address, sizeof address) == 0);
    while (accepted(pace) < COUNT + 1) pause_us(1000);
    pid_t child = fork();
    REQUIRE(child >= 0);
    while (child == 0) pause();
    REQUIRE(shutdown(other, SHUT_WR) == 0); /* the server closes it */
    for (uint32_t i = 0; i < COUNT; i++) wire_cancel(wire, i);
    drain_until(wire, COUNT, 0);
    for (uint32_t i = COUNT; i < 2 * COUNT; i++) ask(wire, i, place, 0, 60e9, 50);
    drain_until(wire, 2 * COUNT, 0);
    for (uint32_t i = COUNT; i < 2 * COUNT; i++) require_whole(i, 50);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(other);
    wire_free(wire);
    pace_close(pace);
}

static void done(const char *scenario)
{
    puts(scenario);
    fflush(stdout);
}

int main(int count, char **words)
{
    pem = count > 1 ? words[1] : NULL;
    many();
    done("many");
    ahead();
    done("ahead");
    balanced();
    done("balanced");
    churn();
    done("churn");
    cancelled();
    done("cancelled");
    timed_out();
    done("timed out");
    slow_consumer();
    done("slow consumer");
    misbehaving();
    done("misbehaving");
    cut();
    done("cut");
    policies();
    done("policies");
    large(false);
    large(true);
    done("large");
    refused();
    done("refused");
    server_gone();
    done("server gone");
    inherited();
    done("inherited");
    for (int i = 0; i < 4; i++) stopped(i & 1, i & 2);
    done("stopped");
    return 0;
}
