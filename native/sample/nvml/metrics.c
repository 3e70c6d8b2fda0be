/* Reads a device's metrics, each in the cheapest way that the driver offers. */
#include <string.h>

#include "base/clock.h"
#include "sample/nvml/abi.h"

const struct gpu_metric_row GPU_METRIC[GPU_METRICS] = {
    [GPU_UTILIZATION] = {"utilization_percent", "percent", GAUGE, PACE_FAST},
    [GPU_MEMORY_UTILIZATION] = {"memory_utilization_percent", "percent", GAUGE, PACE_FAST},
    [GPU_POWER] = {"power_w", "W", GAUGE, PACE_FAST},
    [GPU_POWER_INSTANT] = {"power_instant_w", "W", GAUGE, PACE_FAST},
    [GPU_POWER_AVERAGE] = {"power_average_w", "W", GAUGE, PACE_FAST},
    [GPU_ENERGY] = {"energy_j", "J", COUNTER, PACE_FAST},
    [GPU_SM_CLOCK] = {"sm_clock_mhz", "MHz", GAUGE, PACE_FAST},
    [GPU_MEMORY_CLOCK] = {"memory_clock_mhz", "MHz", GAUGE, PACE_FAST},
    [GPU_THROTTLE_REASONS] = {"throttle_reasons", "bits", GAUGE, PACE_FAST},
    [GPU_PCIE_SENT] = {"pcie_sent_bytes", "bytes", COUNTER, PACE_FAST},
    [GPU_PCIE_RECEIVED] = {"pcie_received_bytes", "bytes", COUNTER, PACE_FAST},
    [GPU_MEMORY_TOTAL] = {"memory_total_bytes", "bytes", GAUGE, PACE_SLOW},
    [GPU_MEMORY_FREE] = {"memory_free_bytes", "bytes", GAUGE, PACE_SLOW},
    [GPU_MEMORY_USED] = {"memory_used_bytes", "bytes", GAUGE, PACE_SLOW},
    [GPU_MEMORY_RESERVED] = {"memory_reserved_bytes", "bytes", GAUGE, PACE_SLOW},
    [GPU_TEMPERATURE] = {"temperature_celsius", "celsius", GAUGE, PACE_SLOW},
    [GPU_MEMORY_TEMPERATURE] = {"memory_temperature_celsius", "celsius", GAUGE, PACE_SLOW},
    [GPU_TEMPERATURE_MARGIN] = {"temperature_margin_celsius", "celsius", GAUGE, PACE_SLOW},
    [GPU_GRAPHICS_CLOCK] = {"graphics_clock_mhz", "MHz", GAUGE, PACE_SLOW},
    [GPU_VIDEO_CLOCK] = {"video_clock_mhz", "MHz", GAUGE, PACE_SLOW},
    [GPU_POWER_LIMIT] = {"power_limit_w", "W", GAUGE, PACE_SLOW},
    [GPU_POWER_REQUESTED_LIMIT] = {"power_requested_limit_w", "W", GAUGE, PACE_SLOW},
    [GPU_FAN] = {"fan_percent", "percent", GAUGE, PACE_SLOW},
    [GPU_THROTTLED_POWER] = {"throttled_power_s", "s", COUNTER, PACE_SLOW},
    [GPU_THROTTLED_SW_THERMAL] = {"throttled_sw_thermal_s", "s", COUNTER, PACE_SLOW},
    [GPU_THROTTLED_HW_THERMAL] = {"throttled_hw_thermal_s", "s", COUNTER, PACE_SLOW},
    [GPU_THROTTLED_BRAKE] = {"throttled_brake_s", "s", COUNTER, PACE_SLOW},
    [GPU_NVLINK_SENT] = {"nvlink_sent_bytes", "bytes", COUNTER, PACE_SLOW},
    [GPU_NVLINK_RECEIVED] = {"nvlink_received_bytes", "bytes", COUNTER, PACE_SLOW},
    [GPU_GPM_GRAPHICS] = {"gpm_graphics_percent", "percent", GAUGE, PACE_GPM},
    [GPU_GPM_SM] = {"gpm_sm_percent", "percent", GAUGE, PACE_GPM},
    [GPU_GPM_OCCUPANCY] = {"gpm_occupancy_percent", "percent", GAUGE, PACE_GPM},
    [GPU_GPM_TENSOR] = {"gpm_tensor_percent", "percent", GAUGE, PACE_GPM},
    [GPU_GPM_DRAM] = {"gpm_dram_percent", "percent", GAUGE, PACE_GPM},
    [GPU_GPM_PCIE_SENT] = {"gpm_pcie_sent_bytes_per_s", "bytes/s", GAUGE, PACE_GPM},
    [GPU_GPM_PCIE_RECEIVED] = {"gpm_pcie_received_bytes_per_s", "bytes/s", GAUGE, PACE_GPM},
    [GPU_GPM_NVLINK_RECEIVED] = {"gpm_nvlink_received_bytes_per_s", "bytes/s", GAUGE, PACE_GPM},
    [GPU_GPM_NVLINK_SENT] = {"gpm_nvlink_sent_bytes_per_s", "bytes/s", GAUGE, PACE_GPM},
};

enum clock_type { CLOCK_TYPE_GRAPHICS, CLOCK_TYPE_SM, CLOCK_TYPE_MEMORY, CLOCK_TYPE_VIDEO };

/* Metrics read through nvmlDeviceGetFieldValues, and the unit of each. */
static const struct {
    enum gpu_metric metric;
    uint32_t id;
    uint32_t scope;
    double scale;
} FIELDS[] = {
    {GPU_POWER_INSTANT, FIELD_POWER_INSTANT, 0, 1e-3},
    {GPU_POWER_AVERAGE, FIELD_POWER_AVERAGE, 0, 1e-3},
    {GPU_ENERGY, FIELD_ENERGY, 0, 1e-3},
    {GPU_PCIE_SENT, FIELD_PCIE_SENT, 0, 1},
    {GPU_PCIE_RECEIVED, FIELD_PCIE_RECEIVED, 0, 1},
    {GPU_MEMORY_TEMPERATURE, FIELD_MEMORY_TEMPERATURE, 0, 1},
    {GPU_THROTTLED_POWER, FIELD_THROTTLED_POWER, 0, 1e-9},
    {GPU_THROTTLED_SW_THERMAL, FIELD_THROTTLED_SW_THERMAL, 0, 1e-9},
    {GPU_THROTTLED_HW_THERMAL, FIELD_THROTTLED_HW_THERMAL, 0, 1e-9},
    {GPU_THROTTLED_BRAKE, FIELD_THROTTLED_BRAKE, 0, 1e-9},
    {GPU_NVLINK_SENT, FIELD_NVLINK_SENT, UINT32_MAX, 1024},
    {GPU_NVLINK_RECEIVED, FIELD_NVLINK_RECEIVED, UINT32_MAX, 1024},
};
#define FIELDS_COUNT ((int)(sizeof FIELDS / sizeof FIELDS[0]))

static bool offers(const struct gpu *gpu, enum gpu_metric metric)
{
    return !(gpu->absent >> metric & 1);
}

static void put(struct gpu_reading *reading, enum gpu_metric metric, int code, double value)
{
    reading->code[metric] = code;
    reading->value[metric] = code == NVML_OK ? value : UNKNOWN;
}

double nvml_field_value(const struct nvml_field *field)
{
    switch (field->value_type) {
    case TYPE_DOUBLE: return field->value.f64;
    case TYPE_U32: return field->value.u32;
    case TYPE_ULONG:
    case TYPE_U64: return (double)field->value.u64;
    case TYPE_I64: return (double)field->value.i64;
    case TYPE_I32: return field->value.i32;
    case TYPE_U16: return field->value.u16;
    default: return UNKNOWN;
    }
}

/* A 32-bit PCIe counter wraps every tenth of a second under load. */
static double unwrapped(const struct gpu *gpu, struct wrapping *counter,
                        const struct nvml_field *field)
{
    counter->narrow = field->value_type == TYPE_U32;
    if (!counter->narrow) return nvml_field_value(field);
    uint64_t value = field->value.u32, now = now_ns();
    bool first = counter->read_ns == 0;
    bool late = !first && now - counter->read_ns >= gpu->wrap_ns;
    counter->sum = first  ? (double)value
                   : late ? 0
                          : counter->sum + (double)((value - counter->last) & UINT32_MAX);
    counter->last = value;
    counter->read_ns = now;
    return late ? UNKNOWN : counter->sum;
}

static void read_fields(struct nvml *nvml, struct gpu *gpu, enum pace pace,
                        struct gpu_reading *reading)
{
    struct nvml_field fields[FIELDS_COUNT];
    int which[FIELDS_COUNT], count = 0;
    memset(fields, 0, sizeof fields);
    for (int i = 0; i < FIELDS_COUNT; i++) {
        enum gpu_metric metric = FIELDS[i].metric;
        if (GPU_METRIC[metric].pace != pace || !offers(gpu, metric)) continue;
        fields[count].id = FIELDS[i].id;
        fields[count].scope = FIELDS[i].scope;
        which[count++] = i;
    }
    if (count == 0) return;
    int code = NVML_CALL(nvml, fields, gpu->device, count, fields);
    for (int i = 0; i < count; i++) {
        enum gpu_metric metric = FIELDS[which[i]].metric;
        int one = code == NVML_OK ? fields[i].code : code;
        double value = UNKNOWN;
        if (one == NVML_OK)
            value = metric == GPU_PCIE_SENT || metric == GPU_PCIE_RECEIVED
                        ? unwrapped(gpu, &gpu->pcie[metric == GPU_PCIE_RECEIVED], &fields[i])
                        : nvml_field_value(&fields[i]);
        put(reading, metric, one, value * FIELDS[which[i]].scale);
    }
}

static void read_utilization(struct nvml *nvml, struct gpu *gpu, struct gpu_reading *reading)
{
    if (!offers(gpu, GPU_UTILIZATION)) return;
    struct nvml_utilization use = {0, 0};
    int code = NVML_CALL(nvml, utilization, gpu->device, &use);
    put(reading, GPU_UTILIZATION, code, use.gpu);
    put(reading, GPU_MEMORY_UTILIZATION, code, use.memory);
}

/*
 * The value of nvmlDeviceGetPowerUsage: a one-second mean if the device has one (field 185), else
 * the power at the moment (field 186). If neither field has a value, the function itself is called.
 */
static void read_power(struct nvml *nvml, struct gpu *gpu, struct gpu_reading *reading)
{
    static const enum gpu_metric SAME[] = {GPU_POWER_AVERAGE, GPU_POWER_INSTANT};
    if (!offers(gpu, GPU_POWER)) return;
    for (int i = 0; i < 2; i++) {
        if (!offers(gpu, SAME[i])) continue;
        put(reading, GPU_POWER, reading->code[SAME[i]], reading->value[SAME[i]]);
        if (reading->code[SAME[i]] == NVML_OK) return;
    }
    uint32_t mw = 0;
    int code = NVML_CALL(nvml, power, gpu->device, &mw);
    put(reading, GPU_POWER, code, mw / 1e3);
}

/* The same counter as field 83, for drivers that answer only the call. */
static void read_energy(struct nvml *nvml, struct gpu *gpu, struct gpu_reading *reading)
{
    if (!offers(gpu, GPU_ENERGY) || reading->code[GPU_ENERGY] == NVML_OK) return;
    uint64_t mj = 0;
    int code = NVML_CALL(nvml, energy, gpu->device, &mj);
    put(reading, GPU_ENERGY, code, (double)mj / 1e3);
}

static void read_clock(struct nvml *nvml, struct gpu *gpu, enum gpu_metric metric,
                       enum clock_type type, struct gpu_reading *reading)
{
    if (!offers(gpu, metric)) return;
    uint32_t mhz = 0;
    int code = NVML_CALL(nvml, clock, gpu->device, type, &mhz);
    put(reading, metric, code, mhz);
}

static void read_reasons(struct nvml *nvml, struct gpu *gpu, struct gpu_reading *reading)
{
    if (!offers(gpu, GPU_THROTTLE_REASONS)) return;
    uint64_t bits = 0;
    int code = NVML_CALL(nvml, reasons, gpu->device, &bits);
    if (code == NVML_FUNCTION_NOT_FOUND) code = NVML_CALL(nvml, reasons_v1, gpu->device, &bits);
    put(reading, GPU_THROTTLE_REASONS, code, (double)bits);
}

/*
 * Memory in use is everything that is not free, including the driver's own. Only the second version
 * of the call reports the driver's share separately, so this is the only definition that means the
 * same in both.
 */
static void read_memory(struct nvml *nvml, struct gpu *gpu, struct gpu_reading *reading)
{
    if (!offers(gpu, GPU_MEMORY_USED)) return;
    struct nvml_memory_v2 memory = {.version = NVML_VERSIONED(struct nvml_memory_v2, 2)};
    int code = NVML_CALL(nvml, memory_v2, gpu->device, &memory), reserved_code = code;
    if (code != NVML_OK && !nvml_is_lost(code)) {
        struct nvml_memory_v1 older = {0, 0, 0};
        code = NVML_CALL(nvml, memory_v1, gpu->device, &older);
        memory.total = older.total;
        memory.free = older.free;
    }
    put(reading, GPU_MEMORY_TOTAL, code, (double)memory.total);
    put(reading, GPU_MEMORY_FREE, code, (double)memory.free);
    put(reading, GPU_MEMORY_USED, code, (double)(memory.total - memory.free));
    put(reading, GPU_MEMORY_RESERVED, reserved_code, (double)memory.reserved);
}

static void read_temperature(struct nvml *nvml, struct gpu *gpu, struct gpu_reading *reading)
{
    if (!offers(gpu, GPU_TEMPERATURE)) return;
    struct nvml_temperature now = {.version = NVML_VERSIONED(struct nvml_temperature, 1)};
    int code = NVML_CALL(nvml, temperature, gpu->device, &now);
    if (code != NVML_OK && !nvml_is_lost(code)) {
        uint32_t celsius = 0;
        code = NVML_CALL(nvml, temperature_v1, gpu->device, 0, &celsius);
        now.celsius = (int32_t)celsius;
    }
    put(reading, GPU_TEMPERATURE, code, now.celsius);
}

static void read_margin(struct nvml *nvml, struct gpu *gpu, struct gpu_reading *reading)
{
    if (!offers(gpu, GPU_TEMPERATURE_MARGIN)) return;
    struct nvml_margin margin = {.version = NVML_VERSIONED(struct nvml_margin, 1)};
    int code = NVML_CALL(nvml, margin, gpu->device, &margin);
    put(reading, GPU_TEMPERATURE_MARGIN, code, margin.celsius);
}

static void read_limits_and_fan(struct nvml *nvml, struct gpu *gpu, struct gpu_reading *reading)
{
    uint32_t value = 0;
    if (offers(gpu, GPU_POWER_LIMIT)) {
        int code = NVML_CALL(nvml, power_limit, gpu->device, &value);
        put(reading, GPU_POWER_LIMIT, code, value / 1e3);
    }
    if (offers(gpu, GPU_POWER_REQUESTED_LIMIT)) {
        int code = NVML_CALL(nvml, requested_limit, gpu->device, &value);
        put(reading, GPU_POWER_REQUESTED_LIMIT, code, value / 1e3);
    }
    if (offers(gpu, GPU_FAN)) {
        int code = NVML_CALL(nvml, fan, gpu->device, &value);
        put(reading, GPU_FAN, code, value);
    }
}

int nvml_read(struct nvml *nvml, struct gpu *gpu, enum pace pace, struct gpu_reading *reading)
{
    for (int i = 0; i < GPU_METRICS; i++)
        if (GPU_METRIC[i].pace == pace) {
            reading->value[i] = UNKNOWN;
            reading->code[i] = offers(gpu, (enum gpu_metric)i) ? (int)NVML_NOT_FOUND
                                                               : gpu->absent_code[i];
        }
    if (pace == PACE_GPM) return gpm_read(nvml, gpu, reading);
    read_fields(nvml, gpu, pace, reading);
    if (pace == PACE_FAST) {
        read_energy(nvml, gpu, reading);
        read_power(nvml, gpu, reading);
        read_utilization(nvml, gpu, reading);
        read_clock(nvml, gpu, GPU_SM_CLOCK, CLOCK_TYPE_SM, reading);
        read_clock(nvml, gpu, GPU_MEMORY_CLOCK, CLOCK_TYPE_MEMORY, reading);
        read_reasons(nvml, gpu, reading);
    } else {
        read_memory(nvml, gpu, reading);
        read_temperature(nvml, gpu, reading);
        read_clock(nvml, gpu, GPU_GRAPHICS_CLOCK, CLOCK_TYPE_GRAPHICS, reading);
        read_clock(nvml, gpu, GPU_VIDEO_CLOCK, CLOCK_TYPE_VIDEO, reading);
        read_margin(nvml, gpu, reading);
        read_limits_and_fan(nvml, gpu, reading);
    }
    for (int i = 0; i < GPU_METRICS; i++)
        if (GPU_METRIC[i].pace == pace && nvml_is_lost(reading->code[i])) return reading->code[i];
    return NVML_OK;
}

/* Whether a code means that the metric will never be available. */
static bool is_final(int code)
{
    return code == NVML_NOT_SUPPORTED || code == NVML_FUNCTION_NOT_FOUND ||
           code == NVML_INVALID_ARGUMENT || code == NVML_NO_PERMISSION ||
           code == NVML_NOT_FOUND || code == NVML_VERSION_MISMATCH ||
           code == NVML_ARGUMENT_VERSION_MISMATCH;
}

static void mark_absent(struct gpu *gpu, enum gpu_metric metric, int code)
{
    gpu->absent |= 1ull << metric;
    gpu->absent_code[metric] = code;
}

/*
 * The only metrics that are a MIG part's own; its handle may return the whole board's values for
 * the rest.
 */
static bool is_of_parts(enum gpu_metric metric)
{
    return GPU_METRIC[metric].pace == PACE_GPM || metric == GPU_MEMORY_TOTAL ||
           metric == GPU_MEMORY_FREE || metric == GPU_MEMORY_USED ||
           metric == GPU_MEMORY_RESERVED;
}

/* On GA100 and before Ampere the reported power is that of the moment (NVML's documentation). */
static enum power_kind power_kind(struct nvml *nvml, const struct gpu *gpu)
{
    uint32_t architecture = ARCHITECTURE_UNKNOWN;
    int32_t major = 0, minor = 0;
    if (!offers(gpu, GPU_POWER)) return POWER_UNKNOWN;
    if (offers(gpu, GPU_POWER_AVERAGE)) return POWER_AVERAGE;
    if (offers(gpu, GPU_POWER_INSTANT)) return POWER_INSTANT;
    if (NVML_CALL(nvml, architecture, gpu->device, &architecture) != NVML_OK ||
        architecture == ARCHITECTURE_UNKNOWN)
        return POWER_UNKNOWN;
    if (architecture < ARCHITECTURE_AMPERE) return POWER_INSTANT;
    if (architecture > ARCHITECTURE_AMPERE) return POWER_AVERAGE;
    if (NVML_CALL(nvml, compute_capability, gpu->device, &major, &minor) != NVML_OK)
        return POWER_UNKNOWN;
    return minor == 0 ? POWER_INSTANT : POWER_AVERAGE;
}

static double threshold(struct nvml *nvml, const struct gpu *gpu, enum threshold which)
{
    uint32_t celsius = 0;
    int code = NVML_CALL(nvml, threshold, gpu->device, which, &celsius);
    return code == NVML_OK && celsius > 0 ? celsius : UNKNOWN;
}

void nvml_read_thresholds(struct nvml *nvml, struct gpu *gpu)
{
    struct gpu_thresholds *found = &gpu->thresholds;
    struct nvml_field fields[3];
    memset(fields, 0, sizeof fields);
    fields[0].id = FIELD_SLOWDOWN_MARGIN;
    fields[1].id = FIELD_GPU_MAX_MARGIN;
    fields[2].id = FIELD_MEMORY_MAX_MARGIN;
    double *margins[] = {&found->slowdown_margin_celsius, &found->gpu_max_margin_celsius,
                         &found->memory_max_margin_celsius};
    int code = NVML_CALL(nvml, fields, gpu->device, 3, fields);
    for (int i = 0; i < 3; i++)
        if (code == NVML_OK && fields[i].code == NVML_OK) *margins[i] = nvml_field_value(&fields[i]);
    found->slowdown_celsius = threshold(nvml, gpu, THRESHOLD_SLOWDOWN);
    found->gpu_max_celsius = threshold(nvml, gpu, THRESHOLD_GPU_MAX);
    found->memory_max_celsius = threshold(nvml, gpu, THRESHOLD_MEMORY_MAX);
}

void nvml_find_offer(struct nvml *nvml, struct gpu *gpu, bool gpm)
{
    struct gpu_reading reading;
    int gpm_code = gpm ? gpm_open(nvml, gpu) : (int)NVML_OK;
    for (int i = 0; i < GPU_METRICS && gpu->parent; i++)
        if (!is_of_parts((enum gpu_metric)i))
            mark_absent(gpu, (enum gpu_metric)i, NVML_NOT_SUPPORTED);
    memset(&reading, 0, sizeof reading);
    nvml_read(nvml, gpu, PACE_FAST, &reading);
    nvml_read(nvml, gpu, PACE_SLOW, &reading);
    for (int i = 0; i < GPU_METRICS; i++) {
        enum gpu_metric metric = (enum gpu_metric)i;
        if (GPU_METRIC[i].pace == PACE_GPM) {
            if (!gpu->gpm) mark_absent(gpu, metric, gpm_code);
        } else if (is_final(reading.code[i])) {
            mark_absent(gpu, metric, reading.code[i]);
        }
    }
    gpu->power_kind = power_kind(nvml, gpu);
}
