/*
 * A stand-in for libnvidia-ml.so.1, told what to be by the environment variable DYNO_FAKE_NVML:
 * "key=value;key=value", read at the first nvmlInit_v2. Times count from there.
 *   devices=2                  how many (1)
 *   power_mw=100000,300000/50  values taken in turn, each for 50 ms; a single value stays
 *   utilization=…  temperature=…  memory_used_mb=…  sm_clock=…      likewise
 *   energy_step_ms=20          the energy counter is power over time, in steps of 20 ms
 *   pcie_start=4294960000      where the 32-bit PCIe counters begin; they grow by 1,000 a ms
 *   processes=12:1048576,34:-1 pids and bytes (-1: not told)
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

int nvmlInit_v2(void)
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
    return code;
}
int nvmlShutdown(void)
{
    pthread_mutex_lock(&lock);
    users--;
    pthread_mutex_unlock(&lock);
    return 0;
}
const char *nvmlErrorString(int code)
{
    switch (code) {
    case 0: return "Success";
    case 2: return "Invalid Argument";
    case 3: return "Not Supported";
    case 4: return "Insufficient Permissions";
    case 9: return "Driver Not Loaded";
    case 13: return "Function Not Found";
    case 15: return "GPU is lost";
    case 25: return "Argument Version Mismatch";
    default: return "Unknown Error";
    }
}
int nvmlSystemGetDriverVersion(char *text, uint32_t size)
{
    ENTER(NULL);
    snprintf(text, size, "999.1");
    return 0;
}
int nvmlSystemGetNVMLVersion(char *text, uint32_t size)
{
    ENTER(NULL);
    snprintf(text, size, "13.999.1");
    return 0;
}
int nvmlDeviceGetCount_v2(uint32_t *count)
{
    ENTER(NULL);
    *count = (uint32_t)number("devices", 1);
    return 0;
}
int nvmlDeviceGetHandleByIndex_v2(uint32_t index, device *d)
{
    ENTER(NULL);
    *d = &devices[index];
    return 0;
}
int nvmlDeviceGetName(device d, char *text, uint32_t size)
{
    ENTER(d);
    snprintf(text, size, d->part ? "Fake \"H900\" MIG part %d" : "Fake \"H900\" %d",
             d->part ? d->part : d->index);
    return 0;
}
int nvmlDeviceGetUUID(device d, char *text, uint32_t size)
{
    ENTER(d);
    snprintf(text, size, "%s-%d-%d", d->part ? "MIG" : "GPU", d->index, d->part);
    return 0;
}
int nvmlDeviceGetUtilizationRates(device d, uint32_t use[2])
{
    ENTER(d);
    if (d->part || (d->index == 0 && number("mig", 0) > 0)) return 3;
    use[0] = (uint32_t)at("utilization", 50);
    use[1] = 7;
    return 0;
}

static uint64_t used_bytes(device d)
{
    return (uint64_t)at("memory_used_mb", 1024) * 1048576 / (d->part ? 2 : 1);
}
int nvmlDeviceGetMemoryInfo(device d, uint64_t memory[3])
{
    ENTER(d);
    memory[0] = 80ull << 30;
    memory[2] = used_bytes(d);
    memory[1] = memory[0] - memory[2];
    return 0;
}
struct memory_v2 {
    uint32_t version;
    uint64_t total, reserved, free, used;
};
int nvmlDeviceGetMemoryInfo_v2(device d, struct memory_v2 *memory)
{
    ENTER(d);
    if (memory->version != 0x02000028) return 25;
    memory->total = 80ull << 30;
    memory->reserved = 1 << 20;
    memory->used = used_bytes(d);
    memory->free = memory->total - memory->used;
    return 0;
}
int nvmlDeviceGetTemperature(device d, uint32_t sensor, uint32_t *celsius)
{
    ENTER(d);
    if (d->part) return 3;
    if (sensor != 0) return 2;
    *celsius = (uint32_t)at("temperature", 55);
    return 0;
}
struct temperature {
    uint32_t version, sensor;
    int32_t celsius;
};
int nvmlDeviceGetTemperatureV(device d, struct temperature *t)
{
    ENTER(d);
    if (d->part) return 3;
    if (t->version != 0x0100000C) return 25;
    t->celsius = (int32_t)at("temperature", 55);
    return 0;
}
int nvmlDeviceGetTemperatureThreshold(device d, uint32_t type, uint32_t *celsius)
{
    ENTER(d);
    if (type != 1) return 2;
    *celsius = SLOWDOWN_CELSIUS;
    return 0;
}
int nvmlDeviceGetPowerUsage(device d, uint32_t *mw)
{
    ENTER(d);
    if (d->part) return 3;
    *mw = (uint32_t)at("power_mw", 100000);
    return 0;
}
int nvmlDeviceGetEnforcedPowerLimit(device d, uint32_t *mw)
{
    ENTER(d);
    if (d->part) return 3;
    *mw = 700000;
    return 0;
}

/* Power over time up to the last step of the counter. */
static uint64_t energy_mj(void)
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
    return (uint64_t)mj;
}
int nvmlDeviceGetTotalEnergyConsumption(device d, uint64_t *mj)
{
    ENTER(d);
    if (d->part) return 3;
    *mj = energy_mj();
    return 0;
}
int nvmlDeviceGetClockInfo(device d, uint32_t type, uint32_t *mhz)
{
    ENTER(d);
    if (d->part) return 3;
    *mhz = type == 2 ? 2619 : (uint32_t)at("sm_clock", 1980);
    return 0;
}
int nvmlDeviceGetFanSpeed(device d, uint32_t *percent)
{
    ENTER(d);
    if (d->part) return 3;
    *percent = 30;
    return 0;
}
int nvmlDeviceGetCurrentClocksEventReasons(device d, uint64_t *bits)
{
    ENTER(d);
    if (d->part) return 3;
    *bits = 4;
    return 0;
}
int nvmlDeviceGetCurrentClocksThrottleReasons(device d, uint64_t *bits)
{
    ENTER(d);
    if (d->part) return 3;
    *bits = 5;
    return 0;
}

struct field {
    uint32_t id, scope;
    int64_t timestamp, latency;
    uint32_t type;
    int32_t code;
    union {
        double f64;
        uint32_t u32;
        uint64_t u64;
    } value;
};
static void put_u32(struct field *field, uint32_t value)
{
    field->type = 1;
    field->value.u32 = value;
}
static void put_u64(struct field *field, uint64_t value)
{
    field->type = 3;
    field->value.u64 = value;
}
static void fill(struct field *field)
{
    uint64_t ms = (uint64_t)(now_ms() - start_ms);
    switch (field->id) {
    case 186: put_u32(field, (uint32_t)at("power_mw", 100000)); break;
    case 185: put_u32(field, 123000); break;
    case 83: put_u64(field, energy_mj()); break;
    case 82: put_u32(field, 61); break;
    case 197:
    case 198: put_u32(field, (uint32_t)((uint64_t)number("pcie_start", 0) + ms * 1000)); break;
    case 74: put_u64(field, 2500000000ull); break;
    case 138: put_u64(field, field->scope == UINT32_MAX ? 4 : 1); break;
    default: field->code = 3;
    }
}
int nvmlDeviceGetFieldValues(device d, int32_t count, struct field *fields)
{
    ENTER(d);
    for (int i = 0; i < count; i++) {
        char id[16];
        snprintf(id, sizeof id, "%u", fields[i].id);
        fields[i].code = d->part ? 3 : scripted_error(id);
        if (fields[i].code == 0) fill(&fields[i]);
    }
    return 0;
}

struct process {
    uint32_t pid;
    uint64_t bytes;
    uint32_t gpu_instance, compute_instance;
};
int nvmlDeviceGetComputeRunningProcesses_v3(device d, uint32_t *count, struct process *processes)
{
    ENTER(d);
    uint32_t room = *count;
    *count = 0;
    for (const char *text = setting("processes"); text && *text && *text != ';';) {
        char *end;
        struct process process = {(uint32_t)strtoul(text, &end, 10), 0, 0, 0};
        process.bytes = (uint64_t)strtoll(end + 1, &end, 10);
        if (*count < room) processes[*count] = process;
        ++*count;
        text = *end == ',' ? end + 1 : end;
    }
    return *count > room ? 7 : 0;
}

int nvmlDeviceGetMigMode(device d, uint32_t *current, uint32_t *pending)
{
    ENTER(d);
    *current = *pending = d->index == 0 && number("mig", 0) > 0;
    return 0;
}
int nvmlDeviceGetMaxMigDeviceCount(device d, uint32_t *count)
{
    ENTER(d);
    *count = 7;
    return 0;
}
int nvmlDeviceGetMigDeviceHandleByIndex(device d, uint32_t index, device *part)
{
    ENTER(d);
    if (index >= 2) return 6;
    *part = &parts[index];
    return 0;
}
int nvmlDeviceGetGpuInstanceId(device d, uint32_t *id)
{
    ENTER(d);
    *id = (uint32_t)d->part;
    return 0;
}

struct gpm_support {
    uint32_t version, supported;
};
int nvmlGpmQueryDeviceSupport(device d, struct gpm_support *support)
{
    ENTER(d);
    if (support->version != 1) return 25;
    support->supported = 1;
    return 0;
}
struct gpm_sample {
    double ms;
    int instance;
};
int nvmlGpmSampleAlloc(struct gpm_sample **sample)
{
    *sample = calloc(1, sizeof **sample);
    return 0;
}
int nvmlGpmSampleFree(struct gpm_sample *sample)
{
    free(sample);
    return 0;
}
int nvmlGpmSampleGet(device d, struct gpm_sample *sample)
{
    ENTER(d);
    sample->ms = now_ms();
    sample->instance = 0;
    return 0;
}
int nvmlGpmMigSampleGet(device d, uint32_t instance, struct gpm_sample *sample)
{
    ENTER(d);
    sample->ms = now_ms();
    sample->instance = (int)instance;
    return 0;
}
struct gpm_metric {
    uint32_t id;
    int32_t code;
    double value;
    const char *names[3];
};
struct gpm_request {
    uint32_t version, count;
    struct gpm_sample *before, *after;
    struct gpm_metric metrics[333];
};
int nvmlGpmMetricsGet(struct gpm_request *request)
{
    ENTER(NULL);
    if (request->version != 1) return 25;
    if (request->after->ms - request->before->ms < 100) return 2;
    for (uint32_t i = 0; i < request->count; i++) {
        struct gpm_metric *metric = &request->metrics[i];
        metric->code = metric->id == 61 ? 3 : 0;
        metric->value = metric->id + 100.0 * request->after->instance;
    }
    return 0;
}
