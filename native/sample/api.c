/* The exported functions: number samplers and NVML sessions, and guard them with one lock. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dyno.h"
#include "base/json.h"
#include "sample/nvml/nvml.h"
#include "sample/sampler.h"

#define OPEN_MAX 32

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct sampler *samplers[OPEN_MAX];
static struct nvml *sessions[OPEN_MAX];
static pthread_once_t at_exit_once = PTHREAD_ONCE_INIT;

/* Threads must end before the drivers they call are unloaded. */
static void stop_all(void)
{
    if (pthread_mutex_trylock(&lock) != 0) return;
    for (int i = 0; i < OPEN_MAX; i++)
        if (samplers[i]) sampler_stop(samplers[i]);
    pthread_mutex_unlock(&lock);
}

static void register_at_exit(void)
{
    atexit(stop_all);
}

static int32_t free_slot(void *const slots[OPEN_MAX], char *error, uint32_t error_bytes)
{
    for (int32_t i = 0; i < OPEN_MAX; i++)
        if (!slots[i]) return i;
    snprintf(error, error_bytes, "%d are open; close one first", OPEN_MAX);
    return -EMFILE;
}

static struct sampler *sampler_of(int32_t number)
{
    return number >= 1 && number <= OPEN_MAX ? samplers[number - 1] : NULL;
}

static struct nvml *session_of(int32_t number)
{
    return number >= 1 && number <= OPEN_MAX ? sessions[number - 1] : NULL;
}

uint32_t dyno_abi(void)
{
    return DYNO_ABI;
}

int32_t dyno_sampler_open(const char *options, char *error, uint32_t error_bytes)
{
    pthread_once(&at_exit_once, register_at_exit);
    pthread_mutex_lock(&lock);
    int32_t slot = free_slot((void *const *)samplers, error, error_bytes);
    if (slot >= 0) {
        samplers[slot] = sampler_open(options, error, error_bytes);
        slot = samplers[slot] ? slot + 1 : -EINVAL;
    }
    pthread_mutex_unlock(&lock);
    return slot;
}

int32_t dyno_sampler_layout(int32_t number, char *json, uint32_t json_bytes)
{
    pthread_mutex_lock(&lock);
    const struct sampler *sampler = sampler_of(number);
    int32_t result = sampler ? sampler_layout(sampler, json, json_bytes) : -EBADF;
    pthread_mutex_unlock(&lock);
    return result;
}

int32_t dyno_sampler_start(int32_t number, char *error, uint32_t error_bytes)
{
    pthread_mutex_lock(&lock);
    struct sampler *sampler = sampler_of(number);
    int32_t result = -EBADF;
    if (sampler) result = sampler_start(sampler, error, error_bytes) ? 0 : -EAGAIN;
    pthread_mutex_unlock(&lock);
    return result;
}

int32_t dyno_sampler_drain(int32_t number, void *records, uint32_t bytes)
{
    pthread_mutex_lock(&lock);
    struct sampler *sampler = sampler_of(number);
    int32_t result = sampler ? (int32_t)sampler_drain(sampler, records, bytes) : -EBADF;
    pthread_mutex_unlock(&lock);
    return result;
}

int32_t dyno_sampler_status(int32_t number, char *json, uint32_t json_bytes)
{
    pthread_mutex_lock(&lock);
    struct sampler *sampler = sampler_of(number);
    int32_t result = sampler ? sampler_status(sampler, json, json_bytes) : -EBADF;
    pthread_mutex_unlock(&lock);
    return result;
}

int32_t dyno_sampler_stop(int32_t number)
{
    pthread_mutex_lock(&lock);
    struct sampler *sampler = sampler_of(number);
    int32_t result = -EBADF;
    if (sampler) result = sampler_stop(sampler) ? 0 : -ETIMEDOUT;
    pthread_mutex_unlock(&lock);
    return result;
}

int32_t dyno_sampler_close(int32_t number)
{
    pthread_mutex_lock(&lock);
    struct sampler *sampler = sampler_of(number);
    int32_t result = -EBADF;
    if (sampler) {
        result = sampler_stop(sampler) ? 0 : -ETIMEDOUT;
        if (result == 0) sampler_free(sampler); /* else its thread still uses it: leak it */
        samplers[number - 1] = NULL;
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int32_t dyno_nvml_open(const char *path, char *error, uint32_t error_bytes)
{
    pthread_mutex_lock(&lock);
    int32_t slot = free_slot((void *const *)sessions, error, error_bytes);
    if (slot >= 0) {
        struct nvml *nvml = nvml_open(path, error, error_bytes);
        for (int i = 0; nvml && i < nvml_gpu_count(nvml); i++)
            nvml_find_offer(nvml, nvml_gpu(nvml, i), false);
        sessions[slot] = nvml;
        slot = nvml ? slot + 1 : -ENOENT;
    }
    pthread_mutex_unlock(&lock);
    return slot;
}

int32_t dyno_nvml_describe(int32_t number, char *text, uint32_t text_bytes)
{
    pthread_mutex_lock(&lock);
    struct nvml *nvml = session_of(number);
    int32_t result = -EBADF;
    if (nvml) {
        struct json json;
        json_begin(&json, text, text_bytes);
        json_open(&json, NULL, '{');
        nvml_describe(nvml, &json);
        json_open(&json, "metrics", '[');
        for (int i = 0; i < GPU_METRICS && GPU_METRIC[i].pace != PACE_GPM; i++) {
            json_open(&json, NULL, '{');
            json_string(&json, "name", GPU_METRIC[i].name);
            json_string(&json, "unit", GPU_METRIC[i].unit);
            json_close(&json, '}');
        }
        json_close(&json, ']');
        json_close(&json, '}');
        result = json_end(&json);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int32_t dyno_nvml_read(int32_t number, uint32_t gpu, double *values, int32_t *codes,
                       uint32_t count)
{
    pthread_mutex_lock(&lock);
    struct nvml *nvml = session_of(number);
    struct gpu *device = nvml ? nvml_gpu(nvml, (int)gpu) : NULL;
    int32_t result = nvml ? -ENODEV : -EBADF;
    if (device) {
        struct gpu_reading reading;
        nvml_read(nvml, device, PACE_FAST, &reading);
        nvml_read(nvml, device, PACE_SLOW, &reading);
        for (result = 0; result < GPU_METRICS && (uint32_t)result < count; result++) {
            if (GPU_METRIC[result].pace == PACE_GPM) break;
            values[result] = reading.value[result];
            codes[result] = reading.code[result];
        }
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int32_t dyno_nvml_probe(int32_t number, char *text, uint32_t text_bytes)
{
    pthread_mutex_lock(&lock);
    struct nvml *nvml = session_of(number);
    int32_t result = -EBADF;
    if (nvml) {
        struct json json;
        json_begin(&json, text, text_bytes);
        json_open(&json, NULL, '[');
        nvml_probe(nvml, &json);
        json_close(&json, ']');
        result = json_end(&json);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int32_t dyno_nvml_processes(int32_t number, uint32_t gpu, char *text, uint32_t text_bytes)
{
    static struct gpu_process processes[GPU_PROCESSES_MAX]; /* guarded by the lock */
    pthread_mutex_lock(&lock);
    struct nvml *nvml = session_of(number);
    struct gpu *device = nvml ? nvml_gpu(nvml, (int)gpu) : NULL;
    int32_t result = nvml ? -ENODEV : -EBADF;
    if (device) {
        uint32_t count = GPU_PROCESSES_MAX;
        int code = nvml_processes(nvml, device, processes, &count);
        struct json json;
        json_begin(&json, text, text_bytes);
        json_open(&json, NULL, '{');
        char why[200] = "";
        if (code != NVML_OK) nvml_say(nvml, "", code, why, sizeof why);
        json_text(&json, "error", why);
        json_open(&json, "processes", '[');
        for (uint32_t i = 0; code == NVML_OK && i < count; i++) {
            json_open(&json, NULL, '{');
            json_number(&json, "pid", processes[i].pid);
            json_number(&json, "memory_bytes", processes[i].memory_bytes);
            json_close(&json, '}');
        }
        json_close(&json, ']');
        json_close(&json, '}');
        result = json_end(&json);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int32_t dyno_nvml_error(int32_t number, int32_t code, char *text, uint32_t text_bytes)
{
    pthread_mutex_lock(&lock);
    const struct nvml *nvml = session_of(number);
    int32_t result = nvml ? snprintf(text, text_bytes, "%s", nvml_error(nvml, code)) + 1 : -EBADF;
    pthread_mutex_unlock(&lock);
    return result;
}

int32_t dyno_nvml_close(int32_t number)
{
    pthread_mutex_lock(&lock);
    struct nvml *nvml = session_of(number);
    if (nvml) {
        nvml_close(nvml);
        sessions[number - 1] = NULL;
    }
    pthread_mutex_unlock(&lock);
    return nvml ? 0 : -EBADF;
}
