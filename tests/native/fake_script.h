/* What the fake NVML reads from its script: values over time, errors, losses. */
#ifndef FAKE_SCRIPT_H
#define FAKE_SCRIPT_H

#ifdef NVML_HEADER
#include NVML_HEADER
#else
#include "nvml_numbers.h"
#endif

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DEVICES_MAX 8
#define VALUES_MAX 16

struct nvmlDevice_st {
    int index;
    int part; /* of a MIG device; 0 for the whole */
};

struct series {
    double values[VALUES_MAX];
    int count;
    double step_ms;
};

static struct nvmlDevice_st devices[DEVICES_MAX];
static struct nvmlDevice_st parts[2] = {{0, 1}, {0, 2}};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int users; /* sessions of one process share the library */
static char script[16384];
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

/* What a kind of card, or of driver, does not offer: functions and field ids. */
static const struct card {
    const char *name, *model;
    int architecture, major, minor, generation;
    const char *refuses;
} CARDS[] = {
    {"h900", "Fake \"H900\"", NVML_DEVICE_ARCH_HOPPER, 9, 0, 3, "|194|195|196|"},
    {"a100", "NVIDIA A100-SXM4-80GB", NVML_DEVICE_ARCH_AMPERE, 8, 0, 4,
     "|185|194|195|196|nvmlDeviceGetMarginTemperature|"},
    {"a10", "NVIDIA A10", NVML_DEVICE_ARCH_AMPERE, 8, 6, 4,
     "|194|195|196|nvmlDeviceGetMarginTemperature|"},
    {"h100", "NVIDIA H100 80GB HBM3", NVML_DEVICE_ARCH_HOPPER, 9, 0, 5,
     "|nvmlDeviceGetTemperatureThreshold|"},
    {"vgpu", "GRID A100-10C", NVML_DEVICE_ARCH_AMPERE, 8, 0, 4,
     "|185|186|83|82|194|195|196|197|198|74|138|nvmlDeviceGetPowerUsage|"
     "nvmlDeviceGetTotalEnergyConsumption|nvmlDeviceGetTemperature|nvmlDeviceGetTemperatureV|"
     "nvmlDeviceGetTemperatureThreshold|nvmlDeviceGetMarginTemperature|nvmlDeviceGetFanSpeed|"
     "nvmlDeviceGetEnforcedPowerLimit|nvmlDeviceGetPowerManagementLimit|"},
    {"jetson", "Orin (nvgpu)", NVML_DEVICE_ARCH_AMPERE, 8, 7, 0,
     "|185|186|83|82|194|195|196|197|198|74|138|nvmlDeviceGetPowerUsage|"
     "nvmlDeviceGetTotalEnergyConsumption|nvmlDeviceGetMemoryInfo|nvmlDeviceGetMemoryInfo_v2|"
     "nvmlDeviceGetTemperatureThreshold|nvmlDeviceGetMarginTemperature|nvmlDeviceGetFanSpeed|"
     "nvmlDeviceGetEnforcedPowerLimit|nvmlDeviceGetPowerManagementLimit|"
     "nvmlDeviceGetMaxPcieLinkGeneration|nvmlDeviceGetMaxPcieLinkWidth|"},
    {"gb10", "NVIDIA GB10", NVML_DEVICE_ARCH_BLACKWELL, 12, 1, 5,
     "|82|138|nvmlDeviceGetMemoryInfo|nvmlDeviceGetMemoryInfo_v2|nvmlDeviceGetFanSpeed|"
     "nvmlDeviceGetEnforcedPowerLimit|nvmlDeviceGetPowerManagementLimit|"
     "nvmlDeviceGetTemperatureThreshold|"},
};

static const struct card *card(void)
{
    const char *name = setting("card");
    for (size_t i = 0; name && i < sizeof CARDS / sizeof CARDS[0]; i++) {
        size_t length = strlen(CARDS[i].name);
        if (strncmp(name, CARDS[i].name, length) == 0 && strchr(";", name[length]))
            return &CARDS[i];
    }
    return &CARDS[0];
}

static int refused(const char *what)
{
    char word[80];
    snprintf(word, sizeof word, "|%s|", what);
    return strstr(card()->refuses, word) != NULL;
}

static int enter(const char *function, nvmlDevice_t d)
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
        if (at_s >= from_s && (*end != '-' || at_s < strtod(end + 1, NULL)))
            return NVML_ERROR_GPU_IS_LOST;
    }
    if (refused(function)) return NVML_ERROR_NOT_SUPPORTED;
    return scripted_error(function);
}

#define ENTER(d)                                         \
    do {                                                 \
        int code = enter(__func__, d);                   \
        if (code) return (nvmlReturn_t)code;             \
    } while (0)

#endif
