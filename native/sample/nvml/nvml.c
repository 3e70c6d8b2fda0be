#include "sample/nvml/abi.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROCESSES_AT_FIRST 64
#define PID_MOST (1u << 22) /* PID_MAX_LIMIT of Linux */
#define INSTANCE_MOST 1024u
#define NOT_WRITTEN 0xA5

const char *nvml_error(const struct nvml *nvml, int code)
{
    const char *text = nvml->error_string ? nvml->error_string(code) : NULL;
    if (text) return text;
    return code == NVML_FUNCTION_NOT_FOUND ? "Function Not Found" : "NVML error";
}

const char *nvml_code_name(int code)
{
    static const char *const NAMES[] = {
        "SUCCESS",             "UNINITIALIZED",       "INVALID_ARGUMENT",
        "NOT_SUPPORTED",       "NO_PERMISSION",       "ALREADY_INITIALIZED",
        "NOT_FOUND",           "INSUFFICIENT_SIZE",   "INSUFFICIENT_POWER",
        "DRIVER_NOT_LOADED",   "TIMEOUT",             "IRQ_ISSUE",
        "LIBRARY_NOT_FOUND",   "FUNCTION_NOT_FOUND",  "CORRUPTED_INFOROM",
        "GPU_IS_LOST",         "RESET_REQUIRED",      "OPERATING_SYSTEM",
        "LIB_RM_VERSION_MISMATCH", "IN_USE",          "MEMORY",
        "NO_DATA",             "VGPU_ECC_NOT_SUPPORTED", "INSUFFICIENT_RESOURCES",
        "FREQ_NOT_SUPPORTED",  "ARGUMENT_VERSION_MISMATCH", "DEPRECATED",
        "NOT_READY",           "GPU_NOT_FOUND",       "INVALID_STATE",
        "RESET_TYPE_NOT_SUPPORTED",
    };
    if (code == NVML_UNKNOWN) return "UNKNOWN";
    return code >= 0 && code < (int)(sizeof NAMES / sizeof NAMES[0]) ? NAMES[code] : "";
}

void nvml_say(const struct nvml *nvml, const char *call, int code, char *text, size_t size)
{
    const char *name = nvml_code_name(code), *colon = call[0] ? ": " : "";
    if (name[0]) snprintf(text, size, "%s%s%s (%s)", call, colon, nvml_error(nvml, code), name);
    else snprintf(text, size, "%s%s%s (%d)", call, colon, nvml_error(nvml, code), code);
}

void nvml_say_failures(const struct nvml *nvml, char *text, size_t size)
{
    text[0] = '\0';
    if (nvml->count_code != NVML_OK) {
        nvml_say(nvml, "nvmlDeviceGetCount_v2", nvml->count_code, text, size);
        return;
    }
    for (int i = 0; i < nvml->failure_count; i++) {
        const struct nvml_failure *failure = &nvml->failures[i];
        size_t used = strlen(text);
        char why[160];
        nvml_say(nvml, failure->call, failure->code, why, sizeof why);
        snprintf(text + used, size - used, "%s%s cannot be used: %s", used ? "; " : "",
                 failure->series, why);
    }
}

bool nvml_is_lost(int code)
{
    return code == NVML_GPU_IS_LOST || code == NVML_RESET_REQUIRED;
}

int nvml_gpu_count(const struct nvml *nvml)
{
    return nvml->gpu_count;
}

struct gpu *nvml_gpu(struct nvml *nvml, int index)
{
    return index >= 0 && index < nvml->gpu_count ? &nvml->gpus[index] : NULL;
}

static void add_failure(struct nvml *nvml, unsigned index, const char *call, int code)
{
    if (nvml->failure_count == GPUS_MAX) return;
    struct nvml_failure *failure = &nvml->failures[nvml->failure_count++];
    snprintf(failure->series, sizeof failure->series, "gpu%u", index);
    failure->call = call;
    failure->code = code;
}

static struct gpu *add_gpu(struct nvml *nvml, void *device)
{
    if (nvml->gpu_count == GPUS_MAX) return NULL;
    struct gpu *gpu = &nvml->gpus[nvml->gpu_count++];
    gpu->device = device;
    gpu->thresholds = (struct gpu_thresholds){UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN};
    if (NVML_CALL(nvml, name, device, gpu->name, sizeof gpu->name) != NVML_OK) gpu->name[0] = '\0';
    if (NVML_CALL(nvml, uuid, device, gpu->uuid, sizeof gpu->uuid) != NVML_OK) gpu->uuid[0] = '\0';
    return gpu;
}

static void add_mig_parts(struct nvml *nvml, struct gpu *whole, unsigned index)
{
    uint32_t room = 0;
    if (NVML_CALL(nvml, mig_count, whole->device, &room) != NVML_OK) return;
    for (uint32_t i = 0; i < room; i++) {
        void *device;
        uint32_t instance = 0;
        if (NVML_CALL(nvml, mig_by_index, whole->device, i, &device) != NVML_OK) continue;
        if (NVML_CALL(nvml, gpu_instance, device, &instance) != NVML_OK) continue;
        struct gpu *part = add_gpu(nvml, device);
        if (!part) return;
        part->parent = whole->device;
        part->gpu_instance = instance;
        memcpy(part->pci_bus_id, whole->pci_bus_id, sizeof part->pci_bus_id);
        snprintf(part->series, sizeof part->series, "gpu%u.mig%u", index, i);
    }
}

/* Bytes per second of one PCIe lane, by generation; an unknown generation counts as the newest. */
static double lane_bytes_per_s(uint32_t generation)
{
    static const double RATE[] = {7.56e9, 0.25e9, 0.5e9, 0.985e9, 1.97e9, 3.94e9, 7.56e9};
    return RATE[generation < sizeof RATE / sizeof RATE[0] ? generation : 0];
}

static void read_link(struct nvml *nvml, struct gpu *gpu)
{
    uint32_t generation = 0, width = 0;
    if (NVML_CALL(nvml, link_generation, gpu->device, &generation) != NVML_OK) generation = 0;
    if (NVML_CALL(nvml, link_width, gpu->device, &width) != NVML_OK || width == 0) width = 16;
    gpu->wrap_ns = (uint64_t)(4294967296.0 / (lane_bytes_per_s(generation) * width) * 1e9);
    struct nvml_pci pci;
    memset(&pci, 0, sizeof pci);
    if (NVML_CALL(nvml, pci, gpu->device, &pci) == NVML_OK)
        snprintf(gpu->pci_bus_id, sizeof gpu->pci_bus_id, "%.31s", pci.bus_id);
}

static void add_device(struct nvml *nvml, uint32_t index, void *device)
{
    struct gpu *gpu = add_gpu(nvml, device);
    if (!gpu) return;
    uint32_t mig = 0, pending = 0;
    snprintf(gpu->series, sizeof gpu->series, "gpu%u", index);
    read_link(nvml, gpu);
    nvml_read_thresholds(nvml, gpu);
    gpu->mig = NVML_CALL(nvml, mig_mode, device, &mig, &pending) == NVML_OK && mig == 1;
    if (gpu->mig) add_mig_parts(nvml, gpu, index);
}

static void add_devices(struct nvml *nvml)
{
    uint32_t count = 0;
    nvml->count_code = NVML_CALL(nvml, device_count, &count);
    if (nvml->count_code != NVML_OK) return;
    for (uint32_t i = 0; i < count; i++) {
        void *device;
        int code = NVML_CALL(nvml, device_by_index, i, &device);
        if (code == NVML_OK) add_device(nvml, i, device);
        else add_failure(nvml, i, "nvmlDeviceGetHandleByIndex_v2", code);
    }
}

/* Under WSL (Windows' Linux) the library is in a folder that the loader does not search. */
static void *load(const char *path, char *error, size_t error_size)
{
    static const char *const PATHS[] = {"libnvidia-ml.so.1", "/usr/lib/wsl/lib/libnvidia-ml.so.1"};
    const char *named = path[0] ? path : getenv("DYNO_NVML");
    if (named && named[0]) {
        void *library = dlopen(named, RTLD_NOW | RTLD_LOCAL);
        if (!library) snprintf(error, error_size, "%s", dlerror());
        return library;
    }
    for (size_t i = 0; i < sizeof PATHS / sizeof PATHS[0]; i++) {
        void *library = dlopen(PATHS[i], RTLD_NOW | RTLD_LOCAL);
        if (library) return library;
    }
    snprintf(error, error_size, "libnvidia-ml.so.1 is not installed: no NVIDIA driver here");
    return NULL;
}

static void resolve(struct nvml *nvml)
{
#define RESOLVE(field, symbol, parameters) *(void **)&nvml->field = dlsym(nvml->library, symbol);
    NVML_FUNCTIONS(RESOLVE)
#undef RESOLVE
    *(void **)&nvml->error_string = dlsym(nvml->library, "nvmlErrorString");
}

struct nvml *nvml_open(const char *path, char *error, size_t error_size)
{
    void *library = load(path, error, error_size);
    if (!library) return NULL;
    struct nvml *nvml = calloc(1, sizeof *nvml);
    if (!nvml) {
        snprintf(error, error_size, "out of memory");
        dlclose(library);
        return NULL;
    }
    nvml->library = library;
    resolve(nvml);
    int code = NVML_CALL(nvml, init);
    if (code != NVML_OK) {
        nvml_say(nvml, "nvmlInit_v2", code, error, error_size);
        nvml_close(nvml);
        return NULL;
    }
    nvml->initialized = true;
    Dl_info found;
    if (dladdr(*(void **)&nvml->init, &found) && found.dli_fname)
        snprintf(nvml->path, sizeof nvml->path, "%s", found.dli_fname);
    if (NVML_CALL(nvml, driver_version, nvml->driver, sizeof nvml->driver) != NVML_OK)
        nvml->driver[0] = '\0';
    if (NVML_CALL(nvml, library_version, nvml->version, sizeof nvml->version) != NVML_OK)
        nvml->version[0] = '\0';
    add_devices(nvml);
    return nvml;
}

void nvml_close(struct nvml *nvml)
{
    if (!nvml) return;
    for (int i = 0; i < nvml->gpu_count; i++) gpm_close(nvml, &nvml->gpus[i]);
    if (nvml->initialized) (void)NVML_CALL(nvml, shutdown);
    dlclose(nvml->library);
    free(nvml);
}

/* Whether records of this stride look like valid processes. */
static bool plausible(const unsigned char *records, uint32_t count, size_t stride)
{
    for (uint32_t i = 0; i < count; i++) {
        struct nvml_process process;
        memcpy(&process, records + i * stride, sizeof process);
        if (process.pid == 0 || process.pid > PID_MOST) return false;
        if (process.gpu_instance > INSTANCE_MOST && process.gpu_instance != UINT32_MAX) return false;
        if (process.compute_instance > INSTANCE_MOST && process.compute_instance != UINT32_MAX)
            return false;
    }
    return true;
}

static bool written(const unsigned char *bytes, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (bytes[i] != NOT_WRITTEN) return true;
    return false;
}

/*
 * The distance between the driver's records: 24 bytes by NVML's definition, 32 with drivers 535.43
 * to 535.86. Returns the stride at which they look like processes. If both do, it is 32 when the
 * driver wrote up to the end of 32-byte records but not beyond.
 */
size_t nvml_process_stride(const void *bytes, uint32_t count, uint32_t room)
{
    const unsigned char *records = bytes;
    const size_t narrow = sizeof(struct nvml_process), wide = sizeof(struct nvml_process_535);
    bool as_narrow = plausible(records, count, narrow), as_wide = plausible(records, count, wide);
    if (as_narrow != as_wide) return as_narrow ? narrow : wide;
    return written(records, count * narrow, count * wide) &&
                   !written(records, count * wide, room * wide)
               ? wide
               : narrow;
}

int nvml_ask_processes(struct nvml *nvml, struct gpu *gpu, void *records, uint32_t *count)
{
    uint32_t room = *count;
    memset(records, NOT_WRITTEN, room * sizeof(struct nvml_process_535));
    int code = NVML_CALL(nvml, processes, gpu->device, count, records);
    if (code != NVML_FUNCTION_NOT_FOUND) return code;
    *count = room;
    return NVML_CALL(nvml, processes_v2, gpu->device, count, records);
}

int nvml_processes(struct nvml *nvml, struct gpu *gpu, struct gpu_process *processes,
                   uint32_t *count)
{
    unsigned char *records = NULL;
    uint32_t there = PROCESSES_AT_FIRST, room;
    int code;
    do { /* if the room is too small NVML reports how much it needs; more processes may start in between */
        room = there;
        unsigned char *more = realloc(records, room * sizeof(struct nvml_process_535));
        if (!more) {
            free(records);
            return NVML_INSUFFICIENT_SIZE;
        }
        records = more;
        code = nvml_ask_processes(nvml, gpu, records, &there);
    } while (code == NVML_INSUFFICIENT_SIZE && there > room && there <= GPU_PROCESSES_MAX);
    if (code == NVML_OK) {
        if (there > room) there = room;
        size_t stride = nvml_process_stride(records, there, room);
        if (there < *count) *count = there;
        for (uint32_t i = 0; i < *count; i++) {
            struct nvml_process process;
            memcpy(&process, records + i * stride, sizeof process);
            bool told = process.memory_bytes != UINT64_MAX;
            processes[i].pid = process.pid;
            processes[i].memory_bytes = told ? (double)process.memory_bytes : UNKNOWN;
        }
    }
    free(records);
    return code;
}

static void describe_gpu(struct nvml *nvml, const struct gpu *gpu, struct json *json)
{
    static const char *const POWER_KIND[] = {"", "instant", "average"};
    json_open(json, NULL, '{');
    json_string(json, "series", gpu->series);
    json_text(json, "name", gpu->name);
    json_text(json, "uuid", gpu->uuid);
    json_bool(json, "mig", gpu->mig);
    json_text(json, "pci_bus_id", gpu->pci_bus_id);
    json_text(json, "power_kind", POWER_KIND[gpu->power_kind]);
    if (gpu->parent) json_number(json, "gpu_instance", gpu->gpu_instance);
    else json_null(json, "gpu_instance");
    json_number(json, "slowdown_celsius", gpu->thresholds.slowdown_celsius);
    json_number(json, "gpu_max_celsius", gpu->thresholds.gpu_max_celsius);
    json_number(json, "memory_max_celsius", gpu->thresholds.memory_max_celsius);
    json_number(json, "slowdown_margin_celsius", gpu->thresholds.slowdown_margin_celsius);
    json_number(json, "gpu_max_margin_celsius", gpu->thresholds.gpu_max_margin_celsius);
    json_number(json, "memory_max_margin_celsius", gpu->thresholds.memory_max_margin_celsius);
    json_open(json, "absent", '{');
    for (int i = 0; i < GPU_METRICS; i++)
        if (gpu->absent >> i & 1 && gpu->absent_code[i] != NVML_OK)
            json_string(json, GPU_METRIC[i].name, nvml_error(nvml, gpu->absent_code[i]));
    json_close(json, '}');
    json_close(json, '}');
}

void nvml_describe(struct nvml *nvml, struct json *json)
{
    json_text(json, "path", nvml->path);
    json_text(json, "driver_version", nvml->driver);
    json_text(json, "nvml_version", nvml->version);
    json_open(json, "gpus", '[');
    for (int i = 0; i < nvml->gpu_count; i++) describe_gpu(nvml, &nvml->gpus[i], json);
    json_close(json, ']');
    char why[200] = "";
    if (nvml->count_code != NVML_OK)
        nvml_say(nvml, "nvmlDeviceGetCount_v2", nvml->count_code, why, sizeof why);
    json_text(json, "error", why);
    json_open(json, "failed", '[');
    for (int i = 0; i < nvml->failure_count; i++) {
        const struct nvml_failure *failure = &nvml->failures[i];
        nvml_say(nvml, failure->call, failure->code, why, sizeof why);
        json_open(json, NULL, '{');
        json_string(json, "series", failure->series);
        json_string(json, "error", why);
        json_close(json, '}');
    }
    json_close(json, ']');
}
