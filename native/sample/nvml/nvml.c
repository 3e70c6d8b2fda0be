#include "sample/nvml/abi.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THRESHOLD_SLOWDOWN 1
#define PROCESSES_AT_FIRST 64

const char *nvml_error(const struct nvml *nvml, int code)
{
    const char *text = nvml->error_string ? nvml->error_string(code) : NULL;
    if (text) return text;
    return code == NVML_FUNCTION_NOT_FOUND ? "Function Not Found" : "NVML error";
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

static struct gpu *add_gpu(struct nvml *nvml, void *device)
{
    if (nvml->gpu_count == GPUS_MAX) return NULL;
    struct gpu *gpu = &nvml->gpus[nvml->gpu_count++];
    gpu->device = device;
    gpu->slowdown_celsius = UNKNOWN;
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
        snprintf(part->series, sizeof part->series, "gpu%u.mig%u", index, i);
    }
}

static void add_devices(struct nvml *nvml)
{
    uint32_t count = 0;
    if (NVML_CALL(nvml, device_count, &count) != NVML_OK) return;
    for (uint32_t i = 0; i < count; i++) {
        void *device;
        uint32_t mig = 0, pending = 0, celsius = 0;
        if (NVML_CALL(nvml, device_by_index, i, &device) != NVML_OK) continue;
        struct gpu *gpu = add_gpu(nvml, device);
        if (!gpu) return;
        snprintf(gpu->series, sizeof gpu->series, "gpu%u", i);
        if (NVML_CALL(nvml, threshold, device, THRESHOLD_SLOWDOWN, &celsius) == NVML_OK)
            gpu->slowdown_celsius = celsius;
        gpu->mig = NVML_CALL(nvml, mig_mode, device, &mig, &pending) == NVML_OK && mig == 1;
        if (gpu->mig) add_mig_parts(nvml, gpu, i);
    }
}

/* On Windows' Linux the library is where the loader does not look. */
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
        snprintf(error, error_size, "nvmlInit_v2: %s", nvml_error(nvml, code));
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

static int ask_processes(struct nvml *nvml, struct gpu *gpu, struct nvml_process *found,
                         uint32_t *count)
{
    uint32_t room = *count;
    int code = NVML_CALL(nvml, processes, gpu->device, count, found);
    if (code != NVML_FUNCTION_NOT_FOUND) return code;
    *count = room;
    return NVML_CALL(nvml, processes_v2, gpu->device, count, found);
}

int nvml_processes(struct nvml *nvml, struct gpu *gpu, struct gpu_process *processes,
                   uint32_t *count)
{
    struct nvml_process *found = NULL;
    uint32_t there = PROCESSES_AT_FIRST, room;
    int code;
    do { /* with too little room NVML tells how much it takes; more may come in between */
        room = there;
        struct nvml_process *more = realloc(found, room * sizeof *found);
        if (!more) {
            free(found);
            return NVML_INSUFFICIENT_SIZE;
        }
        found = more;
        code = ask_processes(nvml, gpu, found, &there);
    } while (code == NVML_INSUFFICIENT_SIZE && there > room && there <= GPU_PROCESSES_MAX);
    if (code == NVML_OK) {
        if (there < *count) *count = there;
        for (uint32_t i = 0; i < *count; i++) {
            bool told = found[i].memory_bytes != UINT64_MAX;
            processes[i].pid = found[i].pid;
            processes[i].memory_bytes = told ? (double)found[i].memory_bytes : UNKNOWN;
        }
    }
    free(found);
    return code;
}

static void describe_gpu(struct nvml *nvml, const struct gpu *gpu, struct json *json)
{
    json_open(json, NULL, '{');
    json_string(json, "series", gpu->series);
    json_text(json, "name", gpu->name);
    json_text(json, "uuid", gpu->uuid);
    json_bool(json, "mig", gpu->mig);
    json_number(json, "slowdown_celsius", gpu->slowdown_celsius);
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
}
