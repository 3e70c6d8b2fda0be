/*
 * GPM: activity of the units of Hopper and later GPUs, which the driver computes from two samples.
 */
#include <stdlib.h>
#include <string.h>

#include "sample/nvml/abi.h"
#include "sample/source.h"

#define GPM_VERSION 1
#define LEAST_INTERVAL_NS (NS_PER_S / 10)
#define MIB 1048576.0

static const struct {
    enum gpu_metric metric;
    uint32_t id;
    double scale;
} GPM[] = {
    {GPU_GPM_GRAPHICS, 1, 1},        {GPU_GPM_SM, 2, 1},
    {GPU_GPM_OCCUPANCY, 3, 1},       {GPU_GPM_TENSOR, 5, 1},
    {GPU_GPM_DRAM, 10, 1},           {GPU_GPM_PCIE_SENT, 20, MIB},
    {GPU_GPM_PCIE_RECEIVED, 21, MIB}, {GPU_GPM_NVLINK_RECEIVED, 60, MIB},
    {GPU_GPM_NVLINK_SENT, 61, MIB},
};
#define GPM_COUNT ((uint32_t)(sizeof GPM / sizeof GPM[0]))

struct gpm {
    void *samples[2]; /* the previous one, the newest */
    uint64_t before_ns;
    struct nvml_gpm_request request;
};

int gpm_open(struct nvml *nvml, struct gpu *gpu)
{
    struct nvml_gpm_support support = {.version = GPM_VERSION};
    void *asked = gpu->parent ? gpu->parent : gpu->device;
    int code = NVML_CALL(nvml, gpm_support, asked, &support);
    if (code != NVML_OK) return code;
    if (!support.supported || gpu->mig) return NVML_NOT_SUPPORTED; /* MIG: its parts offer it instead */
    struct gpm *gpm = calloc(1, sizeof *gpm);
    if (!gpm) return NVML_INSUFFICIENT_SIZE;
    gpu->gpm = gpm;
    for (int i = 0; i < 2 && code == NVML_OK; i++)
        code = NVML_CALL(nvml, gpm_alloc, &gpm->samples[i]);
    if (code != NVML_OK) gpm_close(nvml, gpu);
    return code;
}

void gpm_close(struct nvml *nvml, struct gpu *gpu)
{
    if (!gpu->gpm) return;
    for (int i = 0; i < 2; i++)
        if (gpu->gpm->samples[i]) (void)NVML_CALL(nvml, gpm_free, gpu->gpm->samples[i]);
    free(gpu->gpm);
    gpu->gpm = NULL;
}

static int take_sample(struct nvml *nvml, const struct gpu *gpu, void *sample)
{
    return gpu->parent
               ? NVML_CALL(nvml, gpm_mig_sample, gpu->parent, gpu->gpu_instance, sample)
               : NVML_CALL(nvml, gpm_sample, gpu->device, sample);
}

static void put_metrics(const struct gpm *gpm, int code, struct gpu_reading *reading)
{
    for (uint32_t i = 0; i < GPM_COUNT; i++) {
        const struct nvml_gpm_metric *metric = &gpm->request.metrics[i];
        int one = code == NVML_OK ? metric->code : code;
        reading->code[GPM[i].metric] = one;
        reading->value[GPM[i].metric] =
            one == NVML_OK ? metric->value * GPM[i].scale : UNKNOWN;
    }
}

int gpm_read(struct nvml *nvml, struct gpu *gpu, struct gpu_reading *reading)
{
    struct gpm *gpm = gpu->gpm;
    if (!gpm) return NVML_OK;
    uint64_t now = now_ns();
    bool first = gpm->before_ns == 0;
    if (!first && now - gpm->before_ns < LEAST_INTERVAL_NS) return NVML_OK;
    int code = take_sample(nvml, gpu, gpm->samples[1]);
    if (code == NVML_OK && !first) {
        memset(&gpm->request, 0, sizeof gpm->request);
        gpm->request.version = GPM_VERSION;
        gpm->request.count = GPM_COUNT;
        gpm->request.sample1 = gpm->samples[0];
        gpm->request.sample2 = gpm->samples[1];
        for (uint32_t i = 0; i < GPM_COUNT; i++) gpm->request.metrics[i].id = GPM[i].id;
        code = NVML_CALL(nvml, gpm_metrics, &gpm->request);
        put_metrics(gpm, code, reading);
    }
    if (code != NVML_OK) {
        put_metrics(gpm, code, reading);
        return nvml_is_lost(code) ? code : (int)NVML_OK;
    }
    void *before = gpm->samples[0];
    gpm->samples[0] = gpm->samples[1];
    gpm->samples[1] = before;
    gpm->before_ns = now;
    return NVML_OK;
}
