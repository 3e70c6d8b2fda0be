/*
 * The functions, structures and numbers of NVML's ABI that are used here, under our own names.
 * tests/native/nvml_layout_program.c checks them against NVIDIA's header.
 */
#ifndef DYNO_NVML_ABI_H
#define DYNO_NVML_ABI_H

#include <stdint.h>

#include "sample/nvml/nvml.h"

/* A version word combines the structure's size and its version number. */
#define NVML_VERSIONED(type, version) ((uint32_t)(sizeof(type) | (version) << 24))

struct nvml_utilization {
    uint32_t gpu, memory;
};
struct nvml_memory_v1 {
    uint64_t total, free, used;
};
struct nvml_memory_v2 {
    uint32_t version;
    uint64_t total, reserved, free, used;
};
struct nvml_temperature {
    uint32_t version, sensor;
    int32_t celsius;
};
struct nvml_margin {
    uint32_t version;
    int32_t celsius; /* degrees left to the nearest slowdown threshold */
};
struct nvml_process {
    uint32_t pid;
    uint64_t memory_bytes;
    uint32_t gpu_instance, compute_instance;
};
/* The same structure as drivers 535.43 to 535.86 write it, under the other's name and version. */
struct nvml_process_535 {
    struct nvml_process process;
    uint64_t protected_bytes;
};
struct nvml_pci {
    char legacy_bus_id[16];
    uint32_t domain, bus, device, device_id, subsystem_id;
    char bus_id[32];
};

/* For nvmlDeviceGetFieldValues. */
enum field_id {
    FIELD_THROTTLED_POWER = 74,
    FIELD_MEMORY_TEMPERATURE = 82,
    FIELD_ENERGY = 83,
    FIELD_NVLINK_SENT = 138,
    FIELD_NVLINK_RECEIVED = 139,
    FIELD_POWER_AVERAGE = 185,
    FIELD_POWER_INSTANT = 186,
    FIELD_SHUTDOWN_MARGIN = 193,
    FIELD_SLOWDOWN_MARGIN = 194,
    FIELD_MEMORY_MAX_MARGIN = 195,
    FIELD_GPU_MAX_MARGIN = 196,
    FIELD_PCIE_SENT = 197,
    FIELD_PCIE_RECEIVED = 198,
    FIELD_THROTTLED_SW_THERMAL = 269,
    FIELD_THROTTLED_HW_THERMAL = 270,
    FIELD_THROTTLED_BRAKE = 271,
};

/* For nvmlDeviceGetTemperatureThreshold. */
enum threshold { THRESHOLD_SLOWDOWN = 1, THRESHOLD_MEMORY_MAX = 2, THRESHOLD_GPU_MAX = 3 };

/* For nvmlDeviceGetArchitecture. */
#define ARCHITECTURE_AMPERE 7
#define ARCHITECTURE_UNKNOWN UINT32_MAX

enum value_type { TYPE_DOUBLE, TYPE_U32, TYPE_ULONG, TYPE_U64, TYPE_I64, TYPE_I32, TYPE_U16 };

struct nvml_field {
    uint32_t id, scope;
    int64_t timestamp_us, latency_us;
    uint32_t value_type;
    int32_t code;
    union {
        double f64;
        uint32_t u32;
        uint64_t u64;
        int64_t i64;
        int32_t i32;
        uint16_t u16;
    } value;
};
_Static_assert(sizeof(struct nvml_field) == 40, "NVML's field value");
_Static_assert(sizeof(struct nvml_memory_v2) == 40, "NVML's memory, version 2");
_Static_assert(sizeof(struct nvml_process) == 24, "NVML's process");
_Static_assert(sizeof(struct nvml_process_535) == 32, "NVML's process with protected memory");
_Static_assert(sizeof(struct nvml_pci) == 68, "NVML's PCI information");

struct nvml_gpm_support {
    uint32_t version, supported;
};
struct nvml_gpm_metric {
    uint32_t id;
    int32_t code;
    double value;
    const char *names[3];
};
/*
 * The array in NVIDIA's header grows with each release; the driver uses only count entries of it.
 */
#define GPM_METRICS_ROOM 512
struct nvml_gpm_request {
    uint32_t version, count;
    void *sample1, *sample2;
    struct nvml_gpm_metric metrics[GPM_METRICS_ROOM];
};
_Static_assert(sizeof(struct nvml_gpm_request) == 24 + 40 * GPM_METRICS_ROOM, "NVML's GPM request");

/* X(our name, NVML's name, parameters) */
#define NVML_FUNCTIONS(X)                                                                         \
    X(init, "nvmlInit_v2", (void))                                                                \
    X(shutdown, "nvmlShutdown", (void))                                                           \
    X(driver_version, "nvmlSystemGetDriverVersion", (char *, uint32_t))                           \
    X(library_version, "nvmlSystemGetNVMLVersion", (char *, uint32_t))                            \
    X(device_count, "nvmlDeviceGetCount_v2", (uint32_t *))                                        \
    X(device_by_index, "nvmlDeviceGetHandleByIndex_v2", (uint32_t, void **))                      \
    X(name, "nvmlDeviceGetName", (void *, char *, uint32_t))                                      \
    X(uuid, "nvmlDeviceGetUUID", (void *, char *, uint32_t))                                      \
    X(utilization, "nvmlDeviceGetUtilizationRates", (void *, struct nvml_utilization *))          \
    X(memory_v1, "nvmlDeviceGetMemoryInfo", (void *, struct nvml_memory_v1 *))                    \
    X(memory_v2, "nvmlDeviceGetMemoryInfo_v2", (void *, struct nvml_memory_v2 *))                 \
    X(temperature_v1, "nvmlDeviceGetTemperature", (void *, uint32_t, uint32_t *))                 \
    X(temperature, "nvmlDeviceGetTemperatureV", (void *, struct nvml_temperature *))              \
    X(threshold, "nvmlDeviceGetTemperatureThreshold", (void *, uint32_t, uint32_t *))             \
    X(power, "nvmlDeviceGetPowerUsage", (void *, uint32_t *))                                     \
    X(power_limit, "nvmlDeviceGetEnforcedPowerLimit", (void *, uint32_t *))                       \
    X(requested_limit, "nvmlDeviceGetPowerManagementLimit", (void *, uint32_t *))                 \
    X(margin, "nvmlDeviceGetMarginTemperature", (void *, struct nvml_margin *))                   \
    X(pci, "nvmlDeviceGetPciInfo_v3", (void *, struct nvml_pci *))                                \
    X(link_generation, "nvmlDeviceGetMaxPcieLinkGeneration", (void *, uint32_t *))                \
    X(link_width, "nvmlDeviceGetMaxPcieLinkWidth", (void *, uint32_t *))                          \
    X(architecture, "nvmlDeviceGetArchitecture", (void *, uint32_t *))                            \
    X(compute_capability, "nvmlDeviceGetCudaComputeCapability", (void *, int32_t *, int32_t *))   \
    X(energy, "nvmlDeviceGetTotalEnergyConsumption", (void *, uint64_t *))                        \
    X(clock, "nvmlDeviceGetClockInfo", (void *, uint32_t, uint32_t *))                            \
    X(fan, "nvmlDeviceGetFanSpeed", (void *, uint32_t *))                                         \
    X(reasons, "nvmlDeviceGetCurrentClocksEventReasons", (void *, uint64_t *))                    \
    X(reasons_v1, "nvmlDeviceGetCurrentClocksThrottleReasons", (void *, uint64_t *))              \
    X(fields, "nvmlDeviceGetFieldValues", (void *, int32_t, struct nvml_field *))                 \
    X(processes, "nvmlDeviceGetComputeRunningProcesses_v3", (void *, uint32_t *, void *))         \
    X(processes_v2, "nvmlDeviceGetComputeRunningProcesses_v2", (void *, uint32_t *, void *))      \
    X(mig_mode, "nvmlDeviceGetMigMode", (void *, uint32_t *, uint32_t *))                         \
    X(mig_count, "nvmlDeviceGetMaxMigDeviceCount", (void *, uint32_t *))                          \
    X(mig_by_index, "nvmlDeviceGetMigDeviceHandleByIndex", (void *, uint32_t, void **))           \
    X(gpu_instance, "nvmlDeviceGetGpuInstanceId", (void *, uint32_t *))                           \
    X(gpm_support, "nvmlGpmQueryDeviceSupport", (void *, struct nvml_gpm_support *))              \
    X(gpm_alloc, "nvmlGpmSampleAlloc", (void **))                                                 \
    X(gpm_free, "nvmlGpmSampleFree", (void *))                                                    \
    X(gpm_sample, "nvmlGpmSampleGet", (void *, void *))                                           \
    X(gpm_mig_sample, "nvmlGpmMigSampleGet", (void *, uint32_t, void *))                          \
    X(gpm_metrics, "nvmlGpmMetricsGet", (struct nvml_gpm_request *))

#define DECLARE(name, symbol, parameters) int(*name) parameters;
struct nvml {
    void *library;
    NVML_FUNCTIONS(DECLARE)
    const char *(*error_string)(int);
    bool initialized;
    char driver[80], version[80], path[256];
    int gpu_count;
    struct gpu gpus[GPUS_MAX];
    int count_code; /* the code of the call that counts the devices */
    int failure_count;
    struct nvml_failure failures[GPUS_MAX];
};
#undef DECLARE

/* Calls an optional function. */
#define NVML_CALL(nvml, name, ...) \
    ((nvml)->name ? (nvml)->name(__VA_ARGS__) : (int)NVML_FUNCTION_NOT_FOUND)

/* nvml.c: the processes as the driver writes them, and the distance between their records. */
int nvml_ask_processes(struct nvml *nvml, struct gpu *gpu, void *records, uint32_t *count);
size_t nvml_process_stride(const void *records, uint32_t count, uint32_t room);

/* metrics.c: a field's value, whatever its type. */
double nvml_field_value(const struct nvml_field *field);

/* metrics.c: called once, when a device is found. */
void nvml_read_thresholds(struct nvml *nvml, struct gpu *gpu);

/* gpm.c: the metrics of Hopper and later, from pairs of samples at least 100 ms apart. */
struct gpm;
int gpm_open(struct nvml *nvml, struct gpu *gpu);
void gpm_close(struct nvml *nvml, struct gpu *gpu);
int gpm_read(struct nvml *nvml, struct gpu *gpu, struct gpu_reading *reading);

#endif
