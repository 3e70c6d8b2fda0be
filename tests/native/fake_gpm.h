/* The fake NVML's GPM: a metric is its own number, and a hundred more for each GPU instance. */
#ifndef FAKE_GPM_H
#define FAKE_GPM_H

#include "fake_script.h"

nvmlReturn_t nvmlGpmQueryDeviceSupport(nvmlDevice_t d, nvmlGpmSupport_t *support)
{
    ENTER(d);
    if (support->version != NVML_GPM_SUPPORT_VERSION) return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    support->isSupportedDevice = card()->architecture >= NVML_DEVICE_ARCH_HOPPER;
    return NVML_SUCCESS;
}
struct nvmlGpmSample_st {
    double ms;
    unsigned int instance;
};
nvmlReturn_t nvmlGpmSampleAlloc(nvmlGpmSample_t *sample)
{
    *sample = calloc(1, sizeof **sample);
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlGpmSampleFree(nvmlGpmSample_t sample)
{
    free(sample);
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlGpmSampleGet(nvmlDevice_t d, nvmlGpmSample_t sample)
{
    ENTER(d);
    sample->ms = now_ms();
    sample->instance = 0;
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlGpmMigSampleGet(nvmlDevice_t d, unsigned int instance, nvmlGpmSample_t sample)
{
    ENTER(d);
    sample->ms = now_ms();
    sample->instance = instance;
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlGpmMetricsGet(nvmlGpmMetricsGet_t *request)
{
    ENTER(NULL);
    if (request->version != NVML_GPM_METRICS_GET_VERSION)
        return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    if (request->sample2->ms - request->sample1->ms < 100) return NVML_ERROR_INVALID_ARGUMENT;
    for (unsigned int i = 0; i < request->numMetrics; i++) {
        nvmlGpmMetric_t *metric = &request->metrics[i];
        bool told = metric->metricId != NVML_GPM_METRIC_NVLINK_TOTAL_TX_PER_SEC;
        metric->nvmlReturn = told ? NVML_SUCCESS : NVML_ERROR_NOT_SUPPORTED;
        metric->value = metric->metricId + 100.0 * request->sample2->instance;
    }
    return NVML_SUCCESS;
}

#endif
