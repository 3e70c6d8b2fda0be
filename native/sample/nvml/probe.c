/*
 * Makes every NVML call that is used here once, to show what a card really answers: the code, the
 * value with its type, and the duration of the call.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "sample/nvml/abi.h"

#define GPM_PAUSE_NS 120000000
#define PROCESSES_ROOM 256

struct probe {
    struct nvml *nvml;
    struct json *json;
    const char *series;
    uint64_t begin_ns;
};

static void begin(struct probe *probe)
{
    probe->begin_ns = now_ns();
}

/*
 * Writes one answer, without the value if the code is an error, and without the type if it is the
 * usual one.
 */
static void answer(struct probe *probe, const char *call, int code, double value, const char *type)
{
    double us = (double)(now_ns() - probe->begin_ns) / 1e3;
    struct json *json = probe->json;
    json_open(json, NULL, '{');
    json_text(json, "device", probe->series);
    json_string(json, "call", call);
    json_number(json, "code", code);
    json_string(json, "name", nvml_code_name(code));
    json_number(json, "value", code == NVML_OK ? value : UNKNOWN);
    json_text(json, "type", code == NVML_OK ? type : "");
    json_number(json, "us", us);
    json_close(json, '}');
    begin(probe);
}

#define PROBE(probe, name, symbol, value, ...)                          \
    do {                                                                \
        begin(probe);                                                   \
        int code = NVML_CALL((probe)->nvml, name, __VA_ARGS__);         \
        answer(probe, symbol, code, (double)(value), "");               \
    } while (0)

static void probe_identity(struct probe *probe, struct gpu *gpu)
{
    char text[NVML_NAME_SIZE];
    struct nvml_pci pci;
    uint32_t value = 0, pending = 0;
    int32_t major = 0, minor = 0;
    memset(&pci, 0, sizeof pci);
    PROBE(probe, name, "nvmlDeviceGetName", UNKNOWN, gpu->device, text, sizeof text);
    PROBE(probe, uuid, "nvmlDeviceGetUUID", UNKNOWN, gpu->device, text, sizeof text);
    PROBE(probe, pci, "nvmlDeviceGetPciInfo_v3", pci.device_id, gpu->device, &pci);
    PROBE(probe, architecture, "nvmlDeviceGetArchitecture", value, gpu->device, &value);
    PROBE(probe, compute_capability, "nvmlDeviceGetCudaComputeCapability", major * 10 + minor,
          gpu->device, &major, &minor);
    PROBE(probe, mig_mode, "nvmlDeviceGetMigMode", value, gpu->device, &value, &pending);
    PROBE(probe, mig_count, "nvmlDeviceGetMaxMigDeviceCount", value, gpu->device, &value);
    PROBE(probe, gpu_instance, "nvmlDeviceGetGpuInstanceId", value, gpu->device, &value);
    PROBE(probe, link_generation, "nvmlDeviceGetMaxPcieLinkGeneration", value, gpu->device,
          &value);
    PROBE(probe, link_width, "nvmlDeviceGetMaxPcieLinkWidth", value, gpu->device, &value);
}

static void probe_memory(struct probe *probe, struct gpu *gpu)
{
    struct nvml_memory_v1 older = {0, 0, 0};
    struct nvml_memory_v2 memory = {.version = NVML_VERSIONED(struct nvml_memory_v2, 2)};
    PROBE(probe, memory_v1, "nvmlDeviceGetMemoryInfo used", older.used, gpu->device, &older);
    PROBE(probe, memory_v2, "nvmlDeviceGetMemoryInfo_v2 used", memory.used, gpu->device, &memory);
    if (memory.total) answer(probe, "nvmlDeviceGetMemoryInfo_v2 reserved", NVML_OK,
                             (double)memory.reserved, "");
}

static void probe_temperatures(struct probe *probe, struct gpu *gpu)
{
    struct nvml_temperature now = {.version = NVML_VERSIONED(struct nvml_temperature, 1)};
    struct nvml_margin margin = {.version = NVML_VERSIONED(struct nvml_margin, 1)};
    uint32_t celsius = 0;
    PROBE(probe, temperature_v1, "nvmlDeviceGetTemperature", celsius, gpu->device, 0, &celsius);
    PROBE(probe, temperature, "nvmlDeviceGetTemperatureV", now.celsius, gpu->device, &now);
    PROBE(probe, margin, "nvmlDeviceGetMarginTemperature", margin.celsius, gpu->device, &margin);
    for (uint32_t type = 0; type <= THRESHOLD_GPU_MAX; type++) {
        char call[64];
        snprintf(call, sizeof call, "nvmlDeviceGetTemperatureThreshold %u", type);
        PROBE(probe, threshold, call, celsius, gpu->device, type, &celsius);
    }
}

static void probe_activity(struct probe *probe, struct gpu *gpu)
{
    struct nvml_utilization use = {0, 0};
    uint64_t wide = 0;
    uint32_t value = 0;
    PROBE(probe, utilization, "nvmlDeviceGetUtilizationRates", use.gpu, gpu->device, &use);
    PROBE(probe, power, "nvmlDeviceGetPowerUsage", value, gpu->device, &value);
    PROBE(probe, power_limit, "nvmlDeviceGetEnforcedPowerLimit", value, gpu->device, &value);
    PROBE(probe, requested_limit, "nvmlDeviceGetPowerManagementLimit", value, gpu->device, &value);
    PROBE(probe, energy, "nvmlDeviceGetTotalEnergyConsumption", wide, gpu->device, &wide);
    for (uint32_t type = 0; type < 4; type++) {
        char call[48];
        snprintf(call, sizeof call, "nvmlDeviceGetClockInfo %u", type);
        PROBE(probe, clock, call, value, gpu->device, type, &value);
    }
    PROBE(probe, fan, "nvmlDeviceGetFanSpeed", value, gpu->device, &value);
    PROBE(probe, reasons, "nvmlDeviceGetCurrentClocksEventReasons", wide, gpu->device, &wide);
    PROBE(probe, reasons_v1, "nvmlDeviceGetCurrentClocksThrottleReasons", wide, gpu->device, &wide);
}

/* One field per call, so that each has its own duration. */
static void probe_fields(struct probe *probe, struct gpu *gpu)
{
    static const uint32_t IDS[] = {
        FIELD_THROTTLED_POWER, FIELD_MEMORY_TEMPERATURE, FIELD_ENERGY, FIELD_NVLINK_SENT,
        FIELD_NVLINK_RECEIVED, FIELD_POWER_AVERAGE, FIELD_POWER_INSTANT, FIELD_SHUTDOWN_MARGIN,
        FIELD_SLOWDOWN_MARGIN, FIELD_MEMORY_MAX_MARGIN, FIELD_GPU_MAX_MARGIN, FIELD_PCIE_SENT,
        FIELD_PCIE_RECEIVED, FIELD_THROTTLED_SW_THERMAL, FIELD_THROTTLED_HW_THERMAL,
        FIELD_THROTTLED_BRAKE,
    };
    static const char *const TYPES[] = {"f64", "u32", "ulong", "u64", "i64", "i32", "u16"};
    for (size_t i = 0; i < sizeof IDS / sizeof IDS[0]; i++) {
        struct nvml_field field;
        char call[48];
        memset(&field, 0, sizeof field);
        field.id = IDS[i];
        bool nvlink = IDS[i] == FIELD_NVLINK_SENT || IDS[i] == FIELD_NVLINK_RECEIVED;
        field.scope = nvlink ? UINT32_MAX : 0;
        snprintf(call, sizeof call, "nvmlDeviceGetFieldValues %u", IDS[i]);
        begin(probe);
        int code = NVML_CALL(probe->nvml, fields, gpu->device, 1, &field);
        if (code == NVML_OK) code = field.code;
        bool known = field.value_type < sizeof TYPES / sizeof TYPES[0];
        answer(probe, call, code, nvml_field_value(&field), known ? TYPES[field.value_type] : "?");
    }
}

static void probe_processes(struct probe *probe, struct gpu *gpu)
{
    size_t bytes = PROCESSES_ROOM * sizeof(struct nvml_process_535);
    unsigned char *records = malloc(bytes);
    uint32_t count = PROCESSES_ROOM;
    if (!records) return;
    begin(probe);
    int code = nvml_ask_processes(probe->nvml, gpu, records, &count);
    answer(probe, "nvmlDeviceGetComputeRunningProcesses_v3", code, count, "");
    if (code == NVML_OK && count > 0 && count <= PROCESSES_ROOM)
        answer(probe, "nvmlDeviceGetComputeRunningProcesses_v3 stride", NVML_OK,
               (double)nvml_process_stride(records, count, PROCESSES_ROOM), "");
    count = PROCESSES_ROOM;
    memset(records, 0, bytes);
    begin(probe);
    code = NVML_CALL(probe->nvml, processes_v2, gpu->device, &count, records);
    answer(probe, "nvmlDeviceGetComputeRunningProcesses_v2", code, count, "");
    free(records);
}

static void probe_gpm(struct probe *probe, struct gpu *gpu)
{
    struct gpu_reading reading;
    struct timespec pause = {0, GPM_PAUSE_NS};
    bool opened = gpu->gpm != NULL;
    begin(probe);
    int code = opened ? NVML_OK : gpm_open(probe->nvml, gpu);
    answer(probe, "nvmlGpmQueryDeviceSupport", code, 1, "");
    if (code != NVML_OK) return;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < GPU_METRICS; i++) reading.code[i] = NVML_NOT_FOUND;
        begin(probe);
        gpm_read(probe->nvml, gpu, &reading);
        if (round == 0) nanosleep(&pause, NULL);
    }
    for (int i = 0; i < GPU_METRICS; i++)
        if (GPU_METRIC[i].pace == PACE_GPM)
            answer(probe, GPU_METRIC[i].name, reading.code[i], reading.value[i], "f64");
    if (!opened) gpm_close(probe->nvml, gpu);
}

void nvml_probe(struct nvml *nvml, struct json *json)
{
    struct probe probe = {.nvml = nvml, .json = json, .series = ""};
    char text[NVML_NAME_SIZE];
    uint32_t count = 0;
    PROBE(&probe, driver_version, "nvmlSystemGetDriverVersion", UNKNOWN, text, sizeof text);
    PROBE(&probe, library_version, "nvmlSystemGetNVMLVersion", UNKNOWN, text, sizeof text);
    PROBE(&probe, device_count, "nvmlDeviceGetCount_v2", count, &count);
    for (int i = 0; i < nvml->failure_count; i++) {
        probe.series = nvml->failures[i].series;
        begin(&probe);
        answer(&probe, nvml->failures[i].call, nvml->failures[i].code, UNKNOWN, "");
    }
    for (int i = 0; i < nvml->gpu_count; i++) {
        struct gpu *gpu = &nvml->gpus[i];
        probe.series = gpu->series;
        probe_identity(&probe, gpu);
        probe_memory(&probe, gpu);
        probe_temperatures(&probe, gpu);
        probe_activity(&probe, gpu);
        probe_fields(&probe, gpu);
        probe_processes(&probe, gpu);
        probe_gpm(&probe, gpu);
    }
}
