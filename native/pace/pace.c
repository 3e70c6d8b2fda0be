#include "pace/pace.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/event_loop.h"
#include "base/json.h"
#include "base/thread.h"
#include "pace/parts.h"

/* Streams to serve before checking the sockets again. */
#define STREAMS_AT_ONCE 256

struct pace {
    pthread_t thread;
    _Atomic bool stop;
    struct event_loop loop;
    int listener;
    uint16_t port;
    struct pace_options set;
    struct tls_context *tls; /* NULL: plain HTTP */
    struct heap due; /* clients by the time of their next event */
    struct client *open, *closed; /* closed ones are freed when no event can refer to them */
    _Atomic uint64_t requests, events, clients, late_ns;
    _Atomic int scheduling;
    struct pace_times first, gaps; /* as sent: up to the first event, and between two events */
};

/* ---- writing ---- */

static void close_client(struct pace *pace, struct client *client)
{
    if (client->fd < 0) return;
    heap_remove(&pace->due, &client->due);
    event_loop_close_file(&pace->loop, client->fd);
    client->fd = -1;
    if (client->before) client->before->next = client->next;
    else pace->open = client->next;
    if (client->next) client->next->before = client->before;
    client->next = pace->closed;
    pace->closed = client;
}

static void watch(struct pace *pace, struct client *client, int operation)
{
    uint32_t events = EPOLLIN | (client->blocked ? (uint32_t)EPOLLOUT : 0);
    event_loop_watch(&pace->loop, operation, client->fd, events, client);
}

/* Sends bytes, and keeps what the socket does not accept. False if the client is gone. */
static bool send_bytes(struct pace *pace, struct client *client, const char *bytes, size_t count)
{
    ssize_t sent = send(client->fd, bytes, count, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        close_client(pace, client);
        return false;
    }
    size_t done = sent < 0 ? 0 : (size_t)sent;
    if (done == count) return true;
    client->unsent = malloc(count - done);
    if (!client->unsent) {
        close_client(pace, client);
        return false;
    }
    memcpy(client->unsent, bytes + done, count - done);
    client->unsent_bytes = count - done;
    heap_remove(&pace->due, &client->due);
    client->blocked = true;
    watch(pace, client, EPOLL_CTL_MOD);
    return true;
}

/* The same for TLS's output, unless something already waits for the socket: that must go first. */
static bool send_output(struct pace *pace, struct client *client)
{
    const char *bytes;
    size_t count = client->blocked ? 0 : tls_output(client->tls, &bytes);
    if (count == 0) return true;
    if (!send_bytes(pace, client, bytes, count)) return false;
    tls_sent(client->tls, count);
    return true;
}

/* The same for plain text. */
static bool send_or_keep(struct pace *pace, struct client *client, const char *bytes, size_t count)
{
    if (!client->tls) return send_bytes(pace, client, bytes, count);
    if (pace_encrypt(client, bytes, count)) return send_output(pace, client);
    close_client(pace, client);
    return false;
}

/* Sends the next events of a stream; the end of the stream is sent with the last one. */
static void send_due_events(struct pace *pace, struct client *client)
{
    static _Thread_local char out[PACE_EVENT_BYTES * (PACE_BURST_MAX + 4)];
    uint64_t now = now_ns();
    size_t bytes = 0;
    uint32_t events = client->tokens - client->sent;
    if (events > pace->set.burst) events = pace->set.burst;
    for (uint32_t i = 0; i < events; i++) bytes += pace_token(out + bytes, now);
    if (client->sent == 0) pace_times_add(&pace->first, now - client->received_ns);
    else pace_times_add(&pace->gaps, now - client->sent_ns);
    client->sent_ns = now;
    client->sent += events;
    if (pace->set.interval_ns && now - client->due_ns > atomic_load(&pace->late_ns))
        atomic_store(&pace->late_ns, now - client->due_ns);
    bool last = client->sent == client->tokens;
    if (last) {
        bytes += pace_ending(out + bytes, client->tokens, client->usage);
        heap_remove(&pace->due, &client->due);
        client->streaming = false;
    }
    atomic_fetch_add_explicit(&pace->events, events, memory_order_relaxed);
    if (!send_or_keep(pace, client, out, bytes) || last || client->blocked) return;
    client->due_ns = pace->set.interval_ns ? client->due_ns + pace->set.interval_ns : now;
    heap_move(&pace->due, &client->due, (int64_t)client->due_ns);
}

/* ---- requests ---- */

static void send_plain_answer(struct pace *pace, struct client *client, const char *status,
                           const char *body)
{
    char out[PACE_EVENT_BYTES * 2];
    int bytes = snprintf(out, sizeof out,
                         "HTTP/1.1 %s\r\ncontent-type: application/json\r\n"
                         "content-length: %zu\r\n\r\n%s",
                         status, strlen(body), body);
    send_or_keep(pace, client, out, (size_t)bytes);
}

/* The number after a key, anywhere in the body. */
static uint32_t number_after(const char *body, const char *key, uint32_t otherwise)
{
    const char *at = strstr(body, key);
    if (!at) return otherwise;
    at += strlen(key);
    at += strspn(at, "\": ");
    return *at >= '1' && *at <= '9' ? (uint32_t)strtoul(at, NULL, 10) : otherwise;
}

/* Adds the client to the queue of those with events due. */
static void begin_stream(struct pace *pace, struct client *client)
{
    client->streaming = heap_push(&pace->due, (int64_t)client->due_ns, 0, &client->due);
    if (!client->streaming) close_client(pace, client);
}

static void answer_request(struct pace *pace, struct client *client, const char *body)
{
    if (strncmp(client->request, "GET", 3) == 0) {
        send_plain_answer(pace, client, "200 OK",
                       "{\"object\":\"list\",\"data\":[{\"id\":\"pace\",\"object\":\"model\"}]}");
        return;
    }
    client->tokens = number_after(body, "\"max_completion_tokens", 0);
    if (!client->tokens) client->tokens = number_after(body, "\"max_tokens", pace->set.tokens);
    client->usage = strstr(body, "\"include_usage\"") != NULL;
    client->sent = 0;
    client->due_ns = now_ns() + pace->set.delay_ns;
    atomic_fetch_add_explicit(&pace->requests, 1, memory_order_relaxed);
    if (!send_or_keep(pace, client, PACE_HEAD, sizeof PACE_HEAD - 1)) return;
    if (client->blocked) client->streaming = true;
    else begin_stream(pace, client);
}

/* Answers one whole request; keeps the bytes after it. */
static void answer_next_request(struct pace *pace, struct client *client)
{
    client->request[client->request_bytes] = '\0';
    char *end = strstr(client->request, "\r\n\r\n");
    if (!end || client->streaming || client->blocked) return;
    const char *length = strcasestr(client->request, "\r\ncontent-length:");
    size_t body = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
    size_t whole = (size_t)(end + 4 - client->request) + body;
    if (whole > REQUEST_BYTES) close_client(pace, client);
    if (client->request_bytes < whole || client->fd < 0) return;
    char after = client->request[whole];
    client->request[whole] = '\0';
    answer_request(pace, client, end + 4);
    client->request[whole] = after;
    client->request_bytes -= whole;
    memmove(client->request, client->request + whole, client->request_bytes);
}

static void tls_readable(struct pace *pace, struct client *client)
{
    static _Thread_local char in[TLS_RECORD_BYTES];
    ssize_t count = pace_receive(client, in, sizeof in);
    if (count < 0 && errno == EAGAIN) return;
    bool good = count > 0 && pace_decrypt(client, in, (size_t)count);
    if (!send_output(pace, client)) return;
    if (good) answer_next_request(pace, client);
    else close_client(pace, client);
}

static void socket_readable(struct pace *pace, struct client *client)
{
    if (client->tls) {
        tls_readable(pace, client);
        return;
    }
    ssize_t count = pace_receive(client, client->request + client->request_bytes,
                                 REQUEST_BYTES - client->request_bytes);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
        close_client(pace, client);
        return;
    }
    client->request_bytes += (size_t)count;
    answer_next_request(pace, client);
}

/* The socket accepts bytes again. */
static void socket_writable(struct pace *pace, struct client *client)
{
    char *unsent = client->unsent;
    size_t bytes = client->unsent_bytes;
    bool streaming = client->streaming;
    client->blocked = client->streaming = false;
    client->unsent = NULL;
    if (send_bytes(pace, client, unsent, bytes) && !client->blocked) {
        watch(pace, client, EPOLL_CTL_MOD);
        if (pace->set.interval_ns == 0) client->due_ns = now_ns();
        if (streaming) begin_stream(pace, client);
        else answer_next_request(pace, client);
    } else {
        client->streaming = streaming;
    }
    free(unsent);
}

static void accept_clients(struct pace *pace)
{
    for (int fd; (fd = accept4(pace->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        int one = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct client *client = calloc(1, sizeof *client);
        char *request = malloc(REQUEST_BYTES + 1);
        struct tls *tls = pace->tls ? tls_new(pace->tls) : NULL;
        if (!client || !request || (pace->tls && !tls)) {
            close(fd);
            tls_free(tls);
            free(client);
            free(request);
            return;
        }
        client->fd = fd;
        client->tls = tls;
        client->request = request;
        client->next = pace->open;
        if (pace->open) pace->open->before = client;
        pace->open = client;
        atomic_fetch_add_explicit(&pace->clients, 1, memory_order_relaxed);
        watch(pace, client, EPOLL_CTL_ADD);
    }
}

/* When the next event of any stream is due; 0: none. */
static uint64_t next_due_ns(const struct pace *pace)
{
    const struct heap_entry *first = heap_first(&pace->due);
    return first ? (uint64_t)first->key : 0;
}

static void free_closed_clients(struct pace *pace)
{
    while (pace->closed) {
        struct client *client = pace->closed;
        pace->closed = client->next;
        tls_free(client->tls);
        free(client->request);
        free(client->unsent);
        free(client);
    }
}

static void file_ready(void *context, void *owner, uint32_t events)
{
    struct pace *pace = context;
    struct client *client = owner;
    if (owner == pace) accept_clients(pace);
    else if (!owner || client->fd < 0) return; /* woken by another thread, or closed since epoll reported it */
    else if (client->blocked && (events & EPOLLOUT)) socket_writable(pace, client);
    else socket_readable(pace, client);
}

static void *run(void *argument)
{
    struct pace *pace = argument;
    atomic_store(&pace->scheduling, (int)thread_schedule_self());
    while (!atomic_load_explicit(&pace->stop, memory_order_relaxed)) {
        uint64_t now = now_ns(), due_ns;
        for (int i = 0; i < STREAMS_AT_ONCE && (due_ns = next_due_ns(pace)) && due_ns <= now; i++)
            send_due_events(pace, HEAP_OWNER(heap_first(&pace->due)->link, struct client, due));
        due_ns = next_due_ns(pace);
        bool due = due_ns != 0 && due_ns <= now_ns();
        if (!due) event_loop_set_timer(&pace->loop, due_ns);
        event_loop_wait(&pace->loop, !due, file_ready, pace);
        free_closed_clients(pace);
    }
    return NULL;
}

/* ---- opening and closing ---- */

static bool start(struct pace *pace)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)pace->set.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;
    int one = 1;
    if (!event_loop_open(&pace->loop)) return false;
    pace->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(pace->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(pace->listener, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one); /* accepted sockets inherit this */
    if (bind(pace->listener, (struct sockaddr *)&address, sizeof address) != 0) return false;
    if (listen(pace->listener, 4096) != 0) return false;
    getsockname(pace->listener, (struct sockaddr *)&address, &bytes);
    pace->port = ntohs(address.sin_port);
    if (!event_loop_watch(&pace->loop, EPOLL_CTL_ADD, pace->listener, EPOLLIN, pace)) return false;
    errno = thread_start(&pace->thread, run, pace);
    return errno == 0;
}

static void release(struct pace *pace)
{
    while (pace->open) close_client(pace, pace->open);
    free_closed_clients(pace);
    event_loop_close(&pace->loop);
    if (pace->listener >= 0) close(pace->listener);
    heap_free(&pace->due);
    tls_context_free(pace->tls);
    free(pace);
}

struct pace *pace_open(const char *options, char *error, size_t error_bytes)
{
    struct pace *pace = calloc(1, sizeof *pace);
    if (!pace) return NULL;
    pace->loop = (struct event_loop){.epoll = -1, .timer = -1, .wake_fd = -1};
    pace->listener = -1;
    const struct pace_options *set = &pace->set;
    if (pace_read_options(&pace->set, options, error, error_bytes) &&
        (!*set->cert || (pace->tls = tls_server(set->cert, set->key, error, error_bytes)))) {
        if (start(pace)) return pace;
        snprintf(error, error_bytes, "port %u: %s", set->port, strerror(errno));
    }
    release(pace);
    return NULL;
}

uint16_t pace_port(const struct pace *pace)
{
    return pace->port;
}

int32_t pace_status(struct pace *pace, char *text, uint32_t text_bytes)
{
    struct json json;
    json_begin(&json, text, text_bytes);
    json_open(&json, NULL, '{');
    json_number(&json, "requests", (double)atomic_load(&pace->requests));
    json_number(&json, "events", (double)atomic_load(&pace->events));
    json_number(&json, "connections", (double)atomic_load(&pace->clients));
    json_number(&json, "worst_lateness_ns", (double)atomic_load(&pace->late_ns));
    json_number(&json, "first_p50_ns", pace_times_quantile(&pace->first, 0.5));
    json_number(&json, "first_p99_ns", pace_times_quantile(&pace->first, 0.99));
    json_number(&json, "gap_p50_ns", pace_times_quantile(&pace->gaps, 0.5));
    json_number(&json, "gap_p99_ns", pace_times_quantile(&pace->gaps, 0.99));
    json_number(&json, "cpu_ns", (double)thread_cpu_ns(pace->thread));
    json_text(&json, "scheduling", scheduling_name((enum scheduling)atomic_load(&pace->scheduling)));
    json_close(&json, '}');
    return json_end(&json);
}

void pace_close(struct pace *pace)
{
    atomic_store(&pace->stop, true);
    event_loop_wake(&pace->loop);
    pthread_join(pace->thread, NULL);
    release(pace);
}
