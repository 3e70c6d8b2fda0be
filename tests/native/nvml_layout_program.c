/*
 * The ABI as NVIDIA's header has it (built with NVML_HEADER) or as nvml_numbers.h writes it down:
 * prints every layout and number that is used, so that the two can be compared. That libdyno's own
 * structures and numbers are the same is asserted as this is compiled.
 */
#ifdef NVML_HEADER
#include NVML_HEADER
#else
#include "nvml_numbers.h"
#endif

#include <stddef.h>
#include <stdio.h>

/* libdyno's own names of codes would clash with none of NVML's: those begin with NVML_ERROR_. */
#include "sample/nvml/abi.h"

#define SAME(ours, theirs) _Static_assert((long long)(ours) == (long long)(theirs), #ours)
#define SAME_SIZE(ours, theirs) SAME(sizeof(ours), sizeof(theirs))
#define SAME_PLACE(ours, member, theirs, their_member) \
    SAME(offsetof(ours, member), offsetof(theirs, their_member)); \
    SAME(sizeof(((ours *)0)->member), sizeof(((theirs *)0)->their_member))

SAME_SIZE(struct nvml_utilization, nvmlUtilization_t);
SAME_PLACE(struct nvml_utilization, memory, nvmlUtilization_t, memory);
SAME_SIZE(struct nvml_memory_v1, nvmlMemory_t);
SAME_PLACE(struct nvml_memory_v1, free, nvmlMemory_t, free);
SAME_PLACE(struct nvml_memory_v1, used, nvmlMemory_t, used);
SAME(NVML_VERSIONED(struct nvml_memory_v2, 2), nvmlMemory_v2);
SAME_PLACE(struct nvml_memory_v2, total, nvmlMemory_v2_t, total);
SAME_PLACE(struct nvml_memory_v2, reserved, nvmlMemory_v2_t, reserved);
SAME_PLACE(struct nvml_memory_v2, free, nvmlMemory_v2_t, free);
SAME_PLACE(struct nvml_memory_v2, used, nvmlMemory_v2_t, used);
SAME(NVML_VERSIONED(struct nvml_temperature, 1), nvmlTemperature_v1);
SAME_PLACE(struct nvml_temperature, sensor, nvmlTemperature_t, sensorType);
SAME_PLACE(struct nvml_temperature, celsius, nvmlTemperature_t, temperature);
SAME(NVML_VERSIONED(struct nvml_margin, 1), nvmlMarginTemperature_v1);
SAME_PLACE(struct nvml_margin, celsius, nvmlMarginTemperature_t, marginTemperature);
SAME_SIZE(struct nvml_process, nvmlProcessInfo_t);
SAME_PLACE(struct nvml_process, memory_bytes, nvmlProcessInfo_t, usedGpuMemory);
SAME_PLACE(struct nvml_process, gpu_instance, nvmlProcessInfo_t, gpuInstanceId);
SAME_PLACE(struct nvml_process, compute_instance, nvmlProcessInfo_t, computeInstanceId);
SAME_SIZE(struct nvml_process_535, nvmlProcessDetail_v1_t);
SAME_SIZE(struct nvml_pci, nvmlPciInfo_t);
SAME_PLACE(struct nvml_pci, bus_id, nvmlPciInfo_t, busId);
SAME_SIZE(struct nvml_field, nvmlFieldValue_t);
SAME_PLACE(struct nvml_field, scope, nvmlFieldValue_t, scopeId);
SAME_PLACE(struct nvml_field, timestamp_us, nvmlFieldValue_t, timestamp);
SAME_PLACE(struct nvml_field, latency_us, nvmlFieldValue_t, latencyUsec);
SAME_PLACE(struct nvml_field, value_type, nvmlFieldValue_t, valueType);
SAME_PLACE(struct nvml_field, code, nvmlFieldValue_t, nvmlReturn);
SAME_PLACE(struct nvml_field, value, nvmlFieldValue_t, value);
SAME_SIZE(struct nvml_gpm_support, nvmlGpmSupport_t);
SAME_SIZE(struct nvml_gpm_metric, nvmlGpmMetric_t);
SAME_PLACE(struct nvml_gpm_metric, code, nvmlGpmMetric_t, nvmlReturn);
SAME_PLACE(struct nvml_gpm_metric, value, nvmlGpmMetric_t, value);
SAME_PLACE(struct nvml_gpm_request, count, nvmlGpmMetricsGet_t, numMetrics);
SAME_PLACE(struct nvml_gpm_request, sample2, nvmlGpmMetricsGet_t, sample2);
SAME(offsetof(struct nvml_gpm_request, metrics), offsetof(nvmlGpmMetricsGet_t, metrics));
_Static_assert(sizeof(struct nvml_gpm_request) >= sizeof(nvmlGpmMetricsGet_t), "room for all");

SAME(TYPE_DOUBLE, NVML_VALUE_TYPE_DOUBLE);
SAME(TYPE_U32, NVML_VALUE_TYPE_UNSIGNED_INT);
SAME(TYPE_ULONG, NVML_VALUE_TYPE_UNSIGNED_LONG);
SAME(TYPE_U64, NVML_VALUE_TYPE_UNSIGNED_LONG_LONG);
SAME(TYPE_I64, NVML_VALUE_TYPE_SIGNED_LONG_LONG);
SAME(TYPE_I32, NVML_VALUE_TYPE_SIGNED_INT);
SAME(TYPE_U16, NVML_VALUE_TYPE_UNSIGNED_SHORT);
SAME(THRESHOLD_SLOWDOWN, NVML_TEMPERATURE_THRESHOLD_SLOWDOWN);
SAME(THRESHOLD_MEMORY_MAX, NVML_TEMPERATURE_THRESHOLD_MEM_MAX);
SAME(THRESHOLD_GPU_MAX, NVML_TEMPERATURE_THRESHOLD_GPU_MAX);
SAME(ARCHITECTURE_AMPERE, NVML_DEVICE_ARCH_AMPERE);
SAME(ARCHITECTURE_UNKNOWN, NVML_DEVICE_ARCH_UNKNOWN);
SAME(NVML_OK, NVML_SUCCESS);

/* X(libdyno's name, NVML's name): both are asserted to be the same, and printed. */
#define NUMBERS(X)                                                                       \
    X(FIELD_THROTTLED_POWER, NVML_FI_DEV_PERF_POLICY_POWER)                              \
    X(FIELD_MEMORY_TEMPERATURE, NVML_FI_DEV_MEMORY_TEMP)                                 \
    X(FIELD_ENERGY, NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION)                                \
    X(FIELD_NVLINK_SENT, NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_TX)                          \
    X(FIELD_NVLINK_RECEIVED, NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_RX)                      \
    X(FIELD_POWER_AVERAGE, NVML_FI_DEV_POWER_AVERAGE)                                    \
    X(FIELD_POWER_INSTANT, NVML_FI_DEV_POWER_INSTANT)                                    \
    X(FIELD_SHUTDOWN_MARGIN, NVML_FI_DEV_TEMPERATURE_SHUTDOWN_TLIMIT)                    \
    X(FIELD_SLOWDOWN_MARGIN, NVML_FI_DEV_TEMPERATURE_SLOWDOWN_TLIMIT)                    \
    X(FIELD_MEMORY_MAX_MARGIN, NVML_FI_DEV_TEMPERATURE_MEM_MAX_TLIMIT)                   \
    X(FIELD_GPU_MAX_MARGIN, NVML_FI_DEV_TEMPERATURE_GPU_MAX_TLIMIT)                      \
    X(FIELD_PCIE_SENT, NVML_FI_DEV_PCIE_COUNT_TX_BYTES)                                  \
    X(FIELD_PCIE_RECEIVED, NVML_FI_DEV_PCIE_COUNT_RX_BYTES)                              \
    X(FIELD_THROTTLED_SW_THERMAL, NVML_FI_DEV_CLOCKS_EVENT_REASON_SW_THERM_SLOWDOWN)     \
    X(FIELD_THROTTLED_HW_THERMAL, NVML_FI_DEV_CLOCKS_EVENT_REASON_HW_THERM_SLOWDOWN)     \
    X(FIELD_THROTTLED_BRAKE, NVML_FI_DEV_CLOCKS_EVENT_REASON_HW_POWER_BRAKE_SLOWDOWN)    \
    X(NVML_UNINITIALIZED, NVML_ERROR_UNINITIALIZED)                                      \
    X(NVML_INVALID_ARGUMENT, NVML_ERROR_INVALID_ARGUMENT)                                \
    X(NVML_NOT_SUPPORTED, NVML_ERROR_NOT_SUPPORTED)                                      \
    X(NVML_NO_PERMISSION, NVML_ERROR_NO_PERMISSION)                                      \
    X(NVML_NOT_FOUND, NVML_ERROR_NOT_FOUND)                                              \
    X(NVML_INSUFFICIENT_SIZE, NVML_ERROR_INSUFFICIENT_SIZE)                              \
    X(NVML_FUNCTION_NOT_FOUND, NVML_ERROR_FUNCTION_NOT_FOUND)                            \
    X(NVML_GPU_IS_LOST, NVML_ERROR_GPU_IS_LOST)                                          \
    X(NVML_RESET_REQUIRED, NVML_ERROR_RESET_REQUIRED)                                    \
    X(NVML_VERSION_MISMATCH, NVML_ERROR_LIB_RM_VERSION_MISMATCH)                         \
    X(NVML_ARGUMENT_VERSION_MISMATCH, NVML_ERROR_ARGUMENT_VERSION_MISMATCH)              \
    X(NVML_UNKNOWN, NVML_ERROR_UNKNOWN)
#define ASSERT_SAME(ours, theirs) SAME(ours, theirs);
NUMBERS(ASSERT_SAME)

#define TYPES(X)                                                                             \
    X(nvmlUtilization_t) X(nvmlMemory_t) X(nvmlMemory_v2_t) X(nvmlTemperature_t)             \
    X(nvmlMarginTemperature_t) X(nvmlPciInfo_t) X(nvmlProcessInfo_t) X(nvmlProcessInfo_v2_t) \
    X(nvmlProcessDetail_v1_t) X(nvmlFieldValue_t) X(nvmlGpmSupport_t) X(nvmlGpmMetric_t)     \
    X(nvmlGpmMetricsGet_t)

#define MEMBERS(X)                                                                       \
    X(nvmlProcessDetail_v1_t, usedGpuCcProtectedMemory)                                  \
    X(nvmlGpmMetric_t, metricInfo.unit)                                                  \
    X(nvmlPciInfo_t, pciSubSystemId)

#define OTHERS(X)                                                                        \
    X(NVML_GPM_METRIC_GRAPHICS_UTIL) X(NVML_GPM_METRIC_SM_UTIL)                          \
    X(NVML_GPM_METRIC_SM_OCCUPANCY) X(NVML_GPM_METRIC_ANY_TENSOR_UTIL)                   \
    X(NVML_GPM_METRIC_DRAM_BW_UTIL) X(NVML_GPM_METRIC_PCIE_TX_PER_SEC)                   \
    X(NVML_GPM_METRIC_PCIE_RX_PER_SEC) X(NVML_GPM_METRIC_NVLINK_TOTAL_RX_PER_SEC)        \
    X(NVML_GPM_METRIC_NVLINK_TOTAL_TX_PER_SEC) X(NVML_GPM_METRIC_MAX)                    \
    X(NVML_DEVICE_ARCH_HOPPER) X(NVML_DEVICE_ARCH_BLACKWELL) X(NVML_CLOCK_SM)            \
    X(NVML_CLOCK_MEM) X(NVML_CLOCK_VIDEO) X(NVML_ERROR_DRIVER_NOT_LOADED)                \
    X(NVML_TEMPERATURE_GPU) X(NVML_GPM_SUPPORT_VERSION) X(NVML_GPM_METRICS_GET_VERSION)

int main(void)
{
#define PRINT_SIZE(type) printf("%s %zu\n", #type, sizeof(type));
    TYPES(PRINT_SIZE)
#define PRINT_PLACE(type, member) printf("%s.%s %zu\n", #type, #member, offsetof(type, member));
    MEMBERS(PRINT_PLACE)
#define PRINT_PAIR(ours, theirs) printf("%s %lld\n", #theirs, (long long)(theirs));
    NUMBERS(PRINT_PAIR)
#define PRINT(name) printf("%s %lld\n", #name, (long long)(name));
    OTHERS(PRINT)
    return 0;
}
