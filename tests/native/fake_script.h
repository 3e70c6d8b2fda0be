/* What the fake NVML reads from its script: values over time, errors, losses. */
#ifndef FAKE_SCRIPT_H
#define FAKE_SCRIPT_H

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DEVICES_MAX 8
#define VALUES_MAX 16

typedef struct device {
    int index;
    int part; /* of a MIG device; 0 for the whole */
} *device;

struct series {
    double values[VALUES_MAX];
    int count;
    double step_ms;
};

static struct device devices[DEVICES_MAX];
static struct device parts[2] = {{0, 1}, {0, 2}};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int users; /* sessions of one process share the library */
static char script[4096];
static double start_ms;

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static const char *setting(const char *key)
{
    size_t length = strlen(key);
    for (const char *c = script; c; c = strchr(c, ';'), c = c ? c + 1 : NULL)
        if (strncmp(c, key, length) == 0 && c[length] == '=') return c + length + 1;
    return NULL;
}

static double number(const char *key, double otherwise)
{
    const char *text = setting(key);
    return text ? strtod(text, NULL) : otherwise;
}

static struct series series(const char *key, double otherwise)
{
    struct series s = {{otherwise}, 1, 1e12};
    const char *text = setting(key);
    if (!text) return s;
    s.count = 0;
    char *end;
    do s.values[s.count++] = strtod(text, &end);
    while (*end == ',' && (text = end + 1) && s.count < VALUES_MAX);
    if (*end == '/') s.step_ms = strtod(end + 1, NULL);
    return s;
}

static double at(const char *key, double otherwise)
{
    struct series s = series(key, otherwise);
    return s.values[(int64_t)((now_ms() - start_ms) / s.step_ms) % s.count];
}

/* Whether an error is scripted for a function's name or a field's id. */
static int scripted_error(const char *name)
{
    if (now_ms() - start_ms < number("error_after_s", 0) * 1e3) return 0;
    size_t length = strlen(name);
    const char *text = setting("error");
    while (text && *text && *text != ';') {
        if (strncmp(text, name, length) == 0 && text[length] == ':') return atoi(text + length + 1);
        text = text + strcspn(text, ",;");
        if (*text == ',') text++;
    }
    return 0;
}

static int enter(const char *function, device d)
{
    double us = number("call_us", 0);
    struct timespec pause = {0, (long)(us * 1e3)};
    if (us > 0) nanosleep(&pause, NULL);
    const char *lost = setting("lost");
    const char *when = lost ? strchr(lost, '@') : NULL;
    if (d && when && atoi(lost) == d->index) {
        char *end;
        double at_s = (now_ms() - start_ms) / 1e3;
        double from_s = strtod(when + 1, &end);
        if (at_s >= from_s && (*end != '-' || at_s < strtod(end + 1, NULL))) return 15;
    }
    return scripted_error(function);
}

#define ENTER(d)                            \
    do {                                    \
        int code = enter(__func__, d);      \
        if (code) return code;              \
    } while (0)

#endif
