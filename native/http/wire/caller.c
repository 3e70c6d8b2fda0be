/* The caller's side of the wire: targets, requests, records. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/thread.h"
#include "http/wire/parts.h"

static bool parse_address(const char *line, struct address *address)
{
    char host[64];
    unsigned port;
    memset(address, 0, sizeof *address);
    if (strncmp(line, "unix ", 5) == 0) {
        if (strlen(line + 5) >= sizeof address->at.local.sun_path) return false;
        address->at.local.sun_family = AF_UNIX;
        strcpy(address->at.local.sun_path, line + 5);
        address->bytes = sizeof address->at.local;
        return true;
    }
    if (sscanf(line, "%63s %u", host, &port) != 2 || port > 65535) return false;
    if (inet_pton(AF_INET, host, &address->at.ipv4.sin_addr) == 1) {
        address->at.ipv4.sin_family = AF_INET;
        address->at.ipv4.sin_port = htons((uint16_t)port);
        address->bytes = sizeof address->at.ipv4;
        return true;
    }
    if (inet_pton(AF_INET6, host, &address->at.ipv6.sin6_addr) != 1) return false;
    address->at.ipv6.sin6_family = AF_INET6;
    address->at.ipv6.sin6_port = htons((uint16_t)port);
    address->bytes = sizeof address->at.ipv6;
    return true;
}

static int32_t refuse(char *error, size_t error_bytes, int32_t code, const char *why)
{
    snprintf(error, error_bytes, "%s", why);
    return code;
}

int32_t wire_target(struct wire *wire, const char *lines, char *error, size_t error_bytes)
{
    int number = atomic_load_explicit(&wire->target_count, memory_order_relaxed);
    if (number == TARGETS_MAX) return refuse(error, error_bytes, -ENOSPC, "too many places");
    struct target *target = &wire->targets[number];
    target->count = 0;
    while (*lines && strncmp(lines, "tls ", 4) != 0) {
        char line[160];
        size_t length = strcspn(lines, "\n");
        snprintf(line, sizeof line, "%.*s", (int)(length < 159 ? length : 159), lines);
        lines += length + (lines[length] == '\n');
        if (target->count == ADDRESSES_MAX) continue;
        if (!parse_address(line, &target->addresses[target->count]))
            return refuse(error, error_bytes, -EINVAL, "no address that can be connected to");
        target->count++;
    }
    if (target->count == 0) return refuse(error, error_bytes, -EINVAL, "no address");
    target->tls = *lines ? tls_client(lines, error, error_bytes) : NULL;
    if (*lines && !target->tls) return -EINVAL;
    atomic_store_explicit(&wire->target_count, number + 1, memory_order_release);
    return number;
}

static int32_t queue_command(struct wire *wire, struct command command)
{
    uint64_t head = atomic_load_explicit(&wire->commands_head, memory_order_relaxed);
    uint64_t tail = atomic_load_explicit(&wire->commands_tail, memory_order_acquire);
    if (head - tail == COMMANDS) return -EAGAIN;
    wire->commands[head & (COMMANDS - 1)] = command;
    atomic_store(&wire->commands_head, head + 1);
    event_loop_wake_sleeping(&wire->loop);
    return 0;
}

/* Whether a request includes all its places and a head for each. */
static bool check_places(const struct wire_request *head, const char *bytes, uint32_t targets)
{
    if (head->places == 0) return head->target < targets;
    size_t taken = head->places * sizeof(struct wire_place);
    if (head->places > TARGETS_MAX || taken > head->bytes) return false;
    for (uint32_t i = 0; i < head->places; i++) {
        struct wire_place place;
        memcpy(&place, bytes + i * sizeof place, sizeof place);
        taken += place.head_bytes;
        if (place.target >= targets || taken > head->bytes) return false;
    }
    return true;
}

int32_t wire_send(struct wire *wire, const void *bytes, uint32_t count)
{
    struct wire_request head;
    if (count < sizeof head) return -EINVAL;
    memcpy(&head, bytes, sizeof head);
    const char *rest = (const char *)bytes + sizeof head;
    int targets = atomic_load_explicit(&wire->target_count, memory_order_acquire);
    if (head.bytes != count - sizeof head) return -EINVAL;
    if (!check_places(&head, rest, (uint32_t)targets)) return -EINVAL;
    struct request *request = calloc(1, sizeof *request + head.bytes);
    if (!request) return -ENOMEM;
    request->head = head;
    request->queued_ns = wire_now();
    request->http = request->bytes;
    request->http_bytes = head.bytes;
    memcpy(request->bytes, rest, head.bytes);
    int32_t result = queue_command(wire, (struct command){.what = COMMAND_SEND, .request = request});
    if (result != 0) free(request);
    return result;
}

int32_t wire_cancel(struct wire *wire, uint32_t request)
{
    return queue_command(wire, (struct command){.what = COMMAND_CANCEL, .number = request});
}

int32_t wire_withdraw(struct wire *wire)
{
    return queue_command(wire, (struct command){.what = COMMAND_WITHDRAW});
}

void wire_limit(struct wire *wire, uint32_t in_flight)
{
    atomic_store(&wire->limit, in_flight);
    event_loop_wake(&wire->loop);
}

void wire_wait(struct wire *wire, uint32_t timeout_ms, uint32_t settle_us)
{
    struct pollfd ready = {.fd = wire->ready_fd, .events = POLLIN};
    atomic_store(&wire->waited, true);
    if (!atomic_exchange(&wire->urgent, false) && !atomic_load(&wire->stop))
        poll(&ready, 1, (int)timeout_ms);
    atomic_store(&wire->waited, false);
    uint64_t ignored;
    if (read(wire->ready_fd, &ignored, sizeof ignored) < 0) errno = 0;
    if (!atomic_exchange(&wire->urgent, false) || settle_us == 0) return;
    struct timespec settle = {0, (long)settle_us * 1000};
    if (stream_used(wire->stream) < stream_bytes(wire->stream) / 4) nanosleep(&settle, NULL);
}

int32_t wire_drain(struct wire *wire, void *records, uint32_t bytes)
{
    return stream_drain(wire->stream, records, bytes);
}

int32_t wire_status(struct wire *wire, char *text, uint32_t text_bytes)
{
    struct json json;
    json_begin(&json, text, text_bytes);
    json_open(&json, NULL, '{');
    json_number(&json, "sent", (double)atomic_load(&wire->sent));
    json_number(&json, "ended", (double)atomic_load(&wire->ended));
    json_number(&json, "resent", (double)atomic_load(&wire->resent));
    json_number(&json, "connections_opened", (double)atomic_load(&wire->opened));
    json_number(&json, "tls_resumed", (double)atomic_load(&wire->tls_resumed));
    json_number(&json, "reads", (double)atomic_load(&wire->reads));
    json_number(&json, "ring_bytes", stream_bytes(wire->stream));
    json_number(&json, "ring_high_water_bytes", stream_high_water(wire->stream));
    json_number(&json, "blocked_ns", (double)atomic_load(&wire->blocked_ns));
    json_number(&json, "cpu_ns",
                atomic_load(&wire->stop) ? 0 : (double)thread_cpu_ns(wire->thread));
    json_text(&json, "scheduling", scheduling_name((enum scheduling)atomic_load(&wire->scheduling)));
    json_bool(&json, "kernel_stamps", atomic_load(&wire->kernel_stamps));
    json_close(&json, '}');
    return json_end(&json);
}
