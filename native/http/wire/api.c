/*
 * The exported functions of the wire. A wire has one caller, so only the table of wires needs a
 * lock.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "dyno.h"
#include "http/wire/wire.h"

#define OPEN_MAX 32

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct wire *wires[OPEN_MAX];

static struct wire *wire_of(int32_t number)
{
    pthread_mutex_lock(&lock);
    struct wire *wire = number >= 1 && number <= OPEN_MAX ? wires[number - 1] : NULL;
    pthread_mutex_unlock(&lock);
    return wire;
}

int32_t dyno_wire_open(const char *options, char *error, uint32_t error_bytes)
{
    int32_t result = -EMFILE;
    snprintf(error, error_bytes, "%d are open; close one first", OPEN_MAX);
    pthread_mutex_lock(&lock);
    for (int32_t i = 0; i < OPEN_MAX && result == -EMFILE; i++) {
        if (wires[i]) continue;
        wires[i] = wire_open(options, error, error_bytes);
        result = wires[i] ? i + 1 : -EINVAL;
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int32_t dyno_wire_target(int32_t number, const char *lines, char *error, uint32_t error_bytes)
{
    struct wire *wire = wire_of(number);
    return wire ? wire_target(wire, lines, error, error_bytes) : -EBADF;
}

int32_t dyno_wire_send(int32_t number, const void *request, uint32_t bytes)
{
    struct wire *wire = wire_of(number);
    return wire ? wire_send(wire, request, bytes) : -EBADF;
}

int32_t dyno_wire_cancel(int32_t number, uint32_t request)
{
    struct wire *wire = wire_of(number);
    return wire ? wire_cancel(wire, request) : -EBADF;
}

int32_t dyno_wire_withdraw(int32_t number)
{
    struct wire *wire = wire_of(number);
    return wire ? wire_withdraw(wire) : -EBADF;
}

int32_t dyno_wire_limit(int32_t number, uint32_t in_flight)
{
    struct wire *wire = wire_of(number);
    if (wire) wire_limit(wire, in_flight);
    return wire ? 0 : -EBADF;
}

int32_t dyno_wire_wait(int32_t number, uint32_t timeout_ms, uint32_t settle_us)
{
    struct wire *wire = wire_of(number);
    if (wire) wire_wait(wire, timeout_ms, settle_us);
    return wire ? 0 : -EBADF;
}

int32_t dyno_wire_drain(int32_t number, void *records, uint32_t bytes)
{
    struct wire *wire = wire_of(number);
    return wire ? wire_drain(wire, records, bytes) : 0;
}

int32_t dyno_wire_status(int32_t number, char *json, uint32_t json_bytes)
{
    struct wire *wire = wire_of(number);
    return wire ? wire_status(wire, json, json_bytes) : -EBADF;
}

int32_t dyno_wire_stop(int32_t number)
{
    struct wire *wire = wire_of(number);
    if (wire) wire_stop(wire);
    return wire ? 0 : -EBADF;
}

int32_t dyno_wire_close(int32_t number)
{
    struct wire *wire = wire_of(number);
    if (!wire) return -EBADF;
    pthread_mutex_lock(&lock);
    wires[number - 1] = NULL;
    pthread_mutex_unlock(&lock);
    wire_free(wire);
    return 0;
}
