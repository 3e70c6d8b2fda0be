/*
 * A stand-in for libnvidia-ml.so.1, told what to be by the environment variable DYNO_FAKE_NVML:
 * "key=value;key=value", read at the first nvmlInit_v2. Times count from there. Its layouts, ids and
 * codes are those of NVIDIA's header (nvml_numbers.h), which it is also built with where that can be had.
 *   card=a100                  a100, a10, h100, vgpu, jetson, gb10: what such a one refuses (h900)
 *   driver=535.54.03           its version; 535.43 to 535.86 write longer process records (999.1)
 *   devices=2                  how many (1)
 *   bad_handle=1:15            device 1 cannot be opened, with this code
 *   power_mw=100000,300000/50  values taken in turn, each for 50 ms; a single value stays
 *   utilization=…  temperature=…  memory_used_mb=…  sm_clock=…  memory_temperature=…    likewise
 *   energy_step_ms=20          the energy counter is power over time, in steps of 20 ms
 *   pcie_start=4294960000      where the PCIe counters begin; of 32 bits, or with pcie_bits=64 of 64
 *   pcie_bytes_per_ms=1000     what they grow by
 *   processes=12:1048576,34:-1 pids and bytes (-1: not told)
 *   clears=1                   the driver clears all the room for processes before it writes there
 *   board_on_parts=1           a MIG part's handle answers with the board's power, energy and the like
 *   error=nvmlDeviceGetFanSpeed:3,186:3    functions and field ids that answer an error
 *   error_after_s=0.5          from when on they do (0)
 *   lost=1@0.5-0.9             device 1 is lost after half a second, and there again after 0.9
 *   call_us=20                 every call takes so long
 *   mig=1                      device 0 is in MIG mode, with two parts
 *   init=9                     nvmlInit_v2 answers this error
 * A missing symbol is one that the build hides (see fixtures.ts).
 */
#include "fake_script.h"

#define SLOWDOWN_CELSIUS 90
#define GPU_MAX_CELSIUS 85
#define MEMORY_MAX_CELSIUS 95
#define TOTAL_BYTES (80ull << 30)
#define RESERVED_BYTES (1ull << 20)

/* Of a MIG part, unless the script says otherwise. */
#define NOT_OF_PARTS(d)                                                                 \
    do {                                                                                \
        if ((d)->part && number("board_on_parts", 0) == 0) return NVML_ERROR_NOT_SUPPORTED; \
    } while (0)

nvmlReturn_t nvmlInit_v2(void)
{
    const char *text = getenv("DYNO_FAKE_NVML");
    pthread_mutex_lock(&lock);
    if (users == 0) {
        snprintf(script, sizeof script, "%s", text ? text : "");
        for (int i = 0; i < DEVICES_MAX; i++) devices[i].index = i;
        start_ms = now_ms();
    }
    int code = (int)number("init", 0);
    users += code == 0;
    pthread_mutex_unlock(&lock);
    return (nvmlReturn_t)code;
}
nvmlReturn_t nvmlShutdown(void)
{
    pthread_mutex_lock(&lock);
    users--;
    pthread_mutex_unlock(&lock);
    return NVML_SUCCESS;
}
const char *nvmlErrorString(nvmlReturn_t code)
{
    switch (code) {
    case NVML_SUCCESS: return "Success";
    case NVML_ERROR_INVALID_ARGUMENT: return "Invalid Argument";
    case NVML_ERROR_NOT_SUPPORTED: return "Not Supported";
    case NVML_ERROR_NO_PERMISSION: return "Insufficient Permissions";
    case NVML_ERROR_DRIVER_NOT_LOADED: return "Driver Not Loaded";
    case NVML_ERROR_FUNCTION_NOT_FOUND: return "Function Not Found";
    case NVML_ERROR_GPU_IS_LOST: return "GPU is lost";
    case NVML_ERROR_ARGUMENT_VERSION_MISMATCH: return "Argument Version Mismatch";
    default: return "Unknown Error";
    }
}
nvmlReturn_t nvmlSystemGetDriverVersion(char *text, unsigned int size)
{
    ENTER(NULL);
    const char *version = setting("driver");
    snprintf(text, size, "%.*s", version ? (int)strcspn(version, ";") : 5,
             version ? version : "999.1");
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlSystemGetNVMLVersion(char *text, unsigned int size)
{
    ENTER(NULL);
    snprintf(text, size, "13.999.1");
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetCount_v2(unsigned int *count)
{
    ENTER(NULL);
    *count = (unsigned)number("devices", 1);
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned int index, nvmlDevice_t *d)
{
    ENTER(NULL);
    const char *bad = setting("bad_handle"), *code = bad ? strchr(bad, ':') : NULL;
    if (code && (unsigned)atoi(bad) == index) return (nvmlReturn_t)atoi(code + 1);
    *d = &devices[index];
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t d, char *text, unsigned int size)
{
    ENTER(d);
    if (d->part) snprintf(text, size, "%s MIG %dg.%dgb", card()->model, d->part, d->part * 10);
    else if (card()->name[1] == '9') snprintf(text, size, "%s %d", card()->model, d->index);
    else snprintf(text, size, "%s", card()->model);
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t d, char *text, unsigned int size)
{
    ENTER(d);
    snprintf(text, size, "%s-%d-%d", d->part ? "MIG" : "GPU", d->index, d->part);
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t d, nvmlPciInfo_t *pci)
{
    ENTER(d);
    memset(pci, 0, sizeof *pci);
    pci->bus = 0x10u + (unsigned)d->index;
    snprintf(pci->busIdLegacy, sizeof pci->busIdLegacy, "0000:%02X:00.0", pci->bus);
    snprintf(pci->busId, sizeof pci->busId, "00000000:%02X:00.0", pci->bus);
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetArchitecture(nvmlDevice_t d, nvmlDeviceArchitecture_t *architecture)
{
    ENTER(d);
    *architecture = (nvmlDeviceArchitecture_t)card()->architecture;
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetCudaComputeCapability(nvmlDevice_t d, int *major, int *minor)
{
    ENTER(d);
    *major = card()->major;
    *minor = card()->minor;
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetMaxPcieLinkGeneration(nvmlDevice_t d, unsigned int *generation)
{
    ENTER(d);
    *generation = (unsigned)card()->generation;
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetMaxPcieLinkWidth(nvmlDevice_t d, unsigned int *width)
{
    ENTER(d);
    *width = 16;
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t d, nvmlUtilization_t *use)
{
    ENTER(d);
    if (d->part || (d->index == 0 && number("mig", 0) > 0)) return NVML_ERROR_NOT_SUPPORTED;
    use->gpu = (unsigned)at("utilization", 50);
    use->memory = 7;
    return NVML_SUCCESS;
}

static unsigned long long allocated_bytes(nvmlDevice_t d)
{
    return (unsigned long long)at("memory_used_mb", 1024) * 1048576 / (d->part ? 2 : 1);
}
static unsigned long long reserved_bytes(nvmlDevice_t d)
{
    return d->part ? 0 : RESERVED_BYTES;
}
nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t d, nvmlMemory_t *memory)
{
    ENTER(d);
    memory->total = TOTAL_BYTES;
    memory->used = reserved_bytes(d) + allocated_bytes(d);
    memory->free = memory->total - memory->used;
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t d, nvmlMemory_v2_t *memory)
{
    ENTER(d);
    if (memory->version != nvmlMemory_v2) return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    memory->total = TOTAL_BYTES;
    memory->reserved = reserved_bytes(d);
    memory->used = allocated_bytes(d);
    memory->free = memory->total - memory->reserved - memory->used;
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t d, nvmlTemperatureSensors_t sensor,
                                      unsigned int *celsius)
{
    ENTER(d);
    NOT_OF_PARTS(d);
    if (sensor != NVML_TEMPERATURE_GPU) return NVML_ERROR_INVALID_ARGUMENT;
    *celsius = (unsigned)at("temperature", 55);
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetTemperatureV(nvmlDevice_t d, nvmlTemperature_t *t)
{
    ENTER(d);
    NOT_OF_PARTS(d);
    if (t->version != nvmlTemperature_v1) return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    t->temperature = (int)at("temperature", 55);
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetTemperatureThreshold(nvmlDevice_t d, nvmlTemperatureThresholds_t type,
                                               unsigned int *celsius)
{
    ENTER(d);
    switch (type) {
    case NVML_TEMPERATURE_THRESHOLD_SLOWDOWN: *celsius = SLOWDOWN_CELSIUS; break;
    case NVML_TEMPERATURE_THRESHOLD_GPU_MAX: *celsius = GPU_MAX_CELSIUS; break;
    case NVML_TEMPERATURE_THRESHOLD_MEM_MAX: *celsius = MEMORY_MAX_CELSIUS; break;
    default: return NVML_ERROR_INVALID_ARGUMENT;
    }
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetMarginTemperature(nvmlDevice_t d, nvmlMarginTemperature_t *margin)
{
    ENTER(d);
    NOT_OF_PARTS(d);
    if (margin->version != nvmlMarginTemperature_v1) return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    margin->marginTemperature = GPU_MAX_CELSIUS - (int)at("temperature", 55);
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetPowerUsage(nvmlDevice_t d, unsigned int *mw)
{
    ENTER(d);
    NOT_OF_PARTS(d);
    *mw = (unsigned)at("power_mw", 100000);
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetEnforcedPowerLimit(nvmlDevice_t d, unsigned int *mw)
{
    ENTER(d);
    NOT_OF_PARTS(d);
    *mw = 650000;
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetPowerManagementLimit(nvmlDevice_t d, unsigned int *mw)
{
    ENTER(d);
    NOT_OF_PARTS(d);
    *mw = 700000;
    return NVML_SUCCESS;
}

/* Power over time up to the last step of the counter. */
static unsigned long long energy_mj(void)
{
    struct series power = series("power_mw", 100000);
    double step = number("energy_step_ms", 20);
    double until = (double)(int64_t)((now_ms() - start_ms) / step) * step;
    double mj = 1e6; /* since the driver was loaded */
    for (int64_t i = 0; (double)i * power.step_ms < until; i++) {
        double rest = until - (double)i * power.step_ms;
        double ms = rest < power.step_ms ? rest : power.step_ms;
        mj += power.values[i % power.count] * ms / 1e3;
    }
    return (unsigned long long)mj;
}
nvmlReturn_t nvmlDeviceGetTotalEnergyConsumption(nvmlDevice_t d, unsigned long long *mj)
{
    ENTER(d);
    NOT_OF_PARTS(d);
    *mj = energy_mj();
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetClockInfo(nvmlDevice_t d, nvmlClockType_t type, unsigned int *mhz)
{
    ENTER(d);
    NOT_OF_PARTS(d);
    *mhz = type == NVML_CLOCK_MEM ? 2619 : (unsigned)at("sm_clock", 1980);
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetFanSpeed(nvmlDevice_t d, unsigned int *percent)
{
    ENTER(d);
    NOT_OF_PARTS(d);
    *percent = 30;
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetCurrentClocksEventReasons(nvmlDevice_t d, unsigned long long *bits)
{
    ENTER(d);
    NOT_OF_PARTS(d);
    *bits = 4;
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetCurrentClocksThrottleReasons(nvmlDevice_t d, unsigned long long *bits)
{
    ENTER(d);
    NOT_OF_PARTS(d);
    *bits = 5;
    return NVML_SUCCESS;
}

static void put_u32(nvmlFieldValue_t *field, unsigned int value)
{
    field->valueType = NVML_VALUE_TYPE_UNSIGNED_INT;
    field->value.uiVal = value;
}
static void put_u64(nvmlFieldValue_t *field, unsigned long long value)
{
    field->valueType = NVML_VALUE_TYPE_UNSIGNED_LONG_LONG;
    field->value.ullVal = value;
}
static void put_i32(nvmlFieldValue_t *field, int value)
{
    field->valueType = NVML_VALUE_TYPE_SIGNED_INT;
    field->value.siVal = value;
}
static void put_pcie(nvmlFieldValue_t *field)
{
    double ms = now_ms() - start_ms;
    unsigned long long bytes =
        (unsigned long long)(number("pcie_start", 0) + ms * number("pcie_bytes_per_ms", 1000));
    if (number("pcie_bits", 32) == 64) put_u64(field, bytes);
    else put_u32(field, (unsigned)bytes);
}
static void fill(nvmlFieldValue_t *field)
{
    switch (field->fieldId) {
    case NVML_FI_DEV_POWER_INSTANT: put_u32(field, (unsigned)at("power_mw", 100000)); break;
    case NVML_FI_DEV_POWER_AVERAGE: put_u32(field, 123000); break;
    case NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION: put_u64(field, energy_mj()); break;
    case NVML_FI_DEV_MEMORY_TEMP: put_u32(field, (unsigned)at("memory_temperature", 61)); break;
    case NVML_FI_DEV_PCIE_COUNT_TX_BYTES:
    case NVML_FI_DEV_PCIE_COUNT_RX_BYTES: put_pcie(field); break;
    case NVML_FI_DEV_PERF_POLICY_POWER: put_u64(field, 2500000000ull); break;
    case NVML_FI_DEV_TEMPERATURE_SLOWDOWN_TLIMIT: put_i32(field, -2); break;
    case NVML_FI_DEV_TEMPERATURE_GPU_MAX_TLIMIT: put_i32(field, 0); break;
    case NVML_FI_DEV_TEMPERATURE_MEM_MAX_TLIMIT: put_i32(field, 0); break;
    case NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_TX:
        put_u64(field, field->scopeId == UINT32_MAX ? 4 : 1);
        break;
    default: field->nvmlReturn = NVML_ERROR_NOT_SUPPORTED;
    }
}
nvmlReturn_t nvmlDeviceGetFieldValues(nvmlDevice_t d, int count, nvmlFieldValue_t *fields)
{
    ENTER(d);
    for (int i = 0; i < count; i++) {
        char id[16];
        snprintf(id, sizeof id, "%u", fields[i].fieldId);
        bool foreign = d->part && number("board_on_parts", 0) == 0;
        int code = foreign || refused(id) ? NVML_ERROR_NOT_SUPPORTED : scripted_error(id);
        fields[i].nvmlReturn = (nvmlReturn_t)code;
        if (code == NVML_SUCCESS) fill(&fields[i]);
    }
    return NVML_SUCCESS;
}

/* Records of `size` bytes, of which only so many are written. */
static nvmlReturn_t list_processes(unsigned int *count, void *records, size_t size)
{
    unsigned int room = *count;
    *count = 0;
    if (number("clears", 0) > 0) memset(records, 0, room * size);
    for (const char *text = setting("processes"); text && *text && *text != ';';) {
        char *end;
        nvmlProcessDetail_v1_t process = {.pid = (unsigned)strtoul(text, &end, 10),
                                          .gpuInstanceId = UINT32_MAX,
                                          .computeInstanceId = UINT32_MAX};
        process.usedGpuMemory = (unsigned long long)strtoll(end + 1, &end, 10);
        if (*count < room) memcpy((char *)records + *count * size, &process, size);
        ++*count;
        text = *end == ',' ? end + 1 : end;
    }
    return *count > room ? NVML_ERROR_INSUFFICIENT_SIZE : NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t d, unsigned int *count,
                                                     nvmlProcessInfo_t *processes)
{
    ENTER(d);
    const char *version = setting("driver");
    int minor = version && strncmp(version, "535.", 4) == 0 ? atoi(version + 4) : 0;
    bool wide = minor >= 43 && minor <= 86;
    return list_processes(count, processes,
                          wide ? sizeof(nvmlProcessDetail_v1_t) : sizeof(nvmlProcessInfo_v2_t));
}
nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v2(nvmlDevice_t d, unsigned int *count,
                                                     nvmlProcessInfo_v2_t *processes)
{
    ENTER(d);
    return list_processes(count, processes, sizeof(nvmlProcessInfo_v2_t));
}

nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t d, unsigned int *current, unsigned int *pending)
{
    ENTER(d);
    *current = *pending = d->index == 0 && number("mig", 0) > 0;
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t d, unsigned int *count)
{
    ENTER(d);
    *count = 7;
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t d, unsigned int index,
                                                 nvmlDevice_t *part)
{
    ENTER(d);
    if (index >= 2) return NVML_ERROR_NOT_FOUND;
    *part = &parts[index];
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetGpuInstanceId(nvmlDevice_t d, unsigned int *id)
{
    ENTER(d);
    *id = (unsigned)d->part;
    return NVML_SUCCESS;
}

#include "fake_gpm.h"
