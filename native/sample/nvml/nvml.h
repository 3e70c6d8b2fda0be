/*
 * NVML, loaded at run time. The layouts are those of its public ABI (the same on x86-64 and arm64).
 * Every function is optional: one that a driver lacks returns NVML_FUNCTION_NOT_FOUND.
 */
#ifndef DYNO_NVML_H
#define DYNO_NVML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sample/board.h"
#include "base/json.h"

#define GPUS_MAX 64 /* devices and their MIG parts */
#define NVML_PROBE_NS 1000000000ull /* at start, to find how often the counters change */
#define GPU_PROCESSES_MAX 1024
#define NVML_NAME_SIZE 96

enum nvml_code {
    NVML_OK = 0,
    NVML_UNINITIALIZED = 1,
    NVML_INVALID_ARGUMENT = 2,
    NVML_NOT_SUPPORTED = 3,
    NVML_NO_PERMISSION = 4,
    NVML_NOT_FOUND = 6,
    NVML_INSUFFICIENT_SIZE = 7,
    NVML_FUNCTION_NOT_FOUND = 13,
    NVML_GPU_IS_LOST = 15,
    NVML_RESET_REQUIRED = 16,
    NVML_VERSION_MISMATCH = 18,
    NVML_ARGUMENT_VERSION_MISMATCH = 25,
    NVML_UNKNOWN = 999,
};

/* How often a metric is read. GPM is only read if it was requested. */
enum pace { PACE_FAST, PACE_SLOW, PACE_GPM };

/* The metrics of a device; metrics.c has their names and units in this order. */
enum gpu_metric {
    GPU_UTILIZATION,
    GPU_MEMORY_UTILIZATION,
    GPU_POWER,
    GPU_POWER_INSTANT,
    GPU_POWER_AVERAGE,
    GPU_ENERGY,
    GPU_SM_CLOCK,
    GPU_MEMORY_CLOCK,
    GPU_THROTTLE_REASONS,
    GPU_PCIE_SENT,
    GPU_PCIE_RECEIVED,
    GPU_MEMORY_TOTAL,
    GPU_MEMORY_FREE,
    GPU_MEMORY_USED,
    GPU_MEMORY_RESERVED,
    GPU_TEMPERATURE,
    GPU_MEMORY_TEMPERATURE,
    GPU_TEMPERATURE_MARGIN,
    GPU_GRAPHICS_CLOCK,
    GPU_VIDEO_CLOCK,
    GPU_POWER_LIMIT,
    GPU_POWER_REQUESTED_LIMIT,
    GPU_FAN,
    GPU_THROTTLED_POWER,
    GPU_THROTTLED_SW_THERMAL,
    GPU_THROTTLED_HW_THERMAL,
    GPU_THROTTLED_BRAKE,
    GPU_NVLINK_SENT,
    GPU_NVLINK_RECEIVED,
    GPU_GPM_GRAPHICS,
    GPU_GPM_SM,
    GPU_GPM_OCCUPANCY,
    GPU_GPM_TENSOR,
    GPU_GPM_DRAM,
    GPU_GPM_PCIE_SENT,
    GPU_GPM_PCIE_RECEIVED,
    GPU_GPM_NVLINK_RECEIVED,
    GPU_GPM_NVLINK_SENT,
    GPU_METRICS
};

struct gpu_metric_row {
    const char *name;
    const char *unit;
    enum kind kind;
    enum pace pace;
};
extern const struct gpu_metric_row GPU_METRIC[GPU_METRICS];

/* One reading: a value (NaN if unread) and NVML's code for each metric. */
struct gpu_reading {
    double value[GPU_METRICS];
    int code[GPU_METRICS];
};

struct gpu_process {
    uint32_t pid;
    double memory_bytes; /* NaN if the driver does not report it */
};

/*
 * A 32-bit counter, summed across its wraps. If it was read so late that it may have wrapped more
 * than once, the sum is unknown and starts again.
 */
struct wrapping {
    bool narrow; /* 32 bits, as the driver said at the last read */
    uint64_t last, read_ns; /* read_ns 0: not read yet */
    double sum;
};

/*
 * What nvmlDeviceGetPowerUsage returns: the power at the moment, or its mean over the last second.
 */
enum power_kind { POWER_UNKNOWN, POWER_INSTANT, POWER_AVERAGE };

/*
 * Where a device begins to slow itself down: temperatures, or on newer devices (Ada and later)
 * margins below which GPU_TEMPERATURE_MARGIN must fall. NaN if the device does not report it.
 */
struct gpu_thresholds {
    double slowdown_celsius, gpu_max_celsius, memory_max_celsius;
    double slowdown_margin_celsius, gpu_max_margin_celsius, memory_max_margin_celsius;
};

/* A device that cannot be used: "gpu1", the call that failed, and its code. */
struct nvml_failure {
    char series[32];
    const char *call;
    int code;
};

struct gpu {
    void *device;
    void *parent;          /* of a MIG part's device; NULL for a whole device */
    uint32_t gpu_instance; /* of a MIG part */
    bool mig;              /* a whole device split into MIG parts */
    char series[32];       /* "gpu0", "gpu0.mig1" */
    char name[NVML_NAME_SIZE];
    char uuid[NVML_NAME_SIZE];
    char pci_bus_id[32];
    struct gpu_thresholds thresholds;
    enum power_kind power_kind;
    uint64_t wrap_ns; /* a 32-bit PCIe counter cannot wrap in less time */
    uint64_t absent;         /* bit mask of the metrics that the device does not offer */
    int absent_code[GPU_METRICS]; /* why; NVML_OK: not requested, or another metric reports it */
    struct wrapping pcie[2];
    struct gpm *gpm;
};

struct nvml;

/* An empty path means DYNO_NVML, else libnvidia-ml.so.1. Returns NULL and a message on failure. */
struct nvml *nvml_open(const char *path, char *error, size_t error_size);
void nvml_close(struct nvml *nvml);

int nvml_gpu_count(const struct nvml *nvml);
struct gpu *nvml_gpu(struct nvml *nvml, int index);

/* NVML's text for a code: "GPU is lost". */
const char *nvml_error(const struct nvml *nvml, int code);

/* The code's name in nvml.h, without its prefix: "GPU_IS_LOST"; "" for an unknown code. */
const char *nvml_code_name(int code);

/* "nvmlDeviceGetCount_v2: GPU is lost (GPU_IS_LOST)"; the call may be "". */
void nvml_say(const struct nvml *nvml, const char *call, int code, char *text, size_t size);

/* Why there is no device, or which devices cannot be used; "" if all is well. */
void nvml_say_failures(const struct nvml *nvml, char *text, size_t size);

/* Whether the code means that the device is permanently lost. */
bool nvml_is_lost(int code);

/* Reads the metrics of one pace and leaves the others unchanged. Stops at NVML_GPU_IS_LOST. */
int nvml_read(struct nvml *nvml, struct gpu *gpu, enum pace pace, struct gpu_reading *reading);

/*
 * Reads the compute processes. count is the room before the call, and the number of processes
 * after.
 */
int nvml_processes(struct nvml *nvml, struct gpu *gpu, struct gpu_process *processes,
                   uint32_t *count);

/*
 * Reads everything once and notes what the device does not offer. GPM is included only on request.
 */
void nvml_find_offer(struct nvml *nvml, struct gpu *gpu, bool gpm);

/* Makes every call once and writes each answer as an object into an open array. */
void nvml_probe(struct nvml *nvml, struct json *json);

/* Writes driver, library and devices into an open object. */
void nvml_describe(struct nvml *nvml, struct json *json);

#endif
