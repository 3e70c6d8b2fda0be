/*
 * The whole library through its exported functions, for the sanitizers and for runs as another
 * user: sampler_program OPTIONS SECONDS. Options are separated by blanks. Prints one JSON object.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dyno.h"

#define TEXT_BYTES (1 << 20)
#define RECORDS_BYTES (1 << 18)

static char text[TEXT_BYTES];

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    return 1;
}

static void pause_ms(long ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static long drain(int32_t sampler)
{
    static double records[RECORDS_BYTES / 8];
    long count = 0;
    int32_t some;
    while ((some = dyno_sampler_drain(sampler, records, RECORDS_BYTES)) > 0) count += some;
    return count;
}

static void read_gpus(void)
{
    char error[256];
    double values[64];
    int32_t codes[64];
    int32_t nvml = dyno_nvml_open("", error, sizeof error);
    if (nvml < 0) return;
    dyno_nvml_describe(nvml, text, sizeof text);
    dyno_nvml_read(nvml, 0, values, codes, 64);
    dyno_nvml_probe(nvml, text, sizeof text);
    dyno_nvml_processes(nvml, 0, text, sizeof text);
    dyno_nvml_error(nvml, 15, text, sizeof text);
    dyno_nvml_close(nvml);
}

int main(int argc, char **argv)
{
    char error[512] = "", small[16];
    if (argc != 3) return fail("usage", "sampler_program OPTIONS SECONDS");
    for (char *c = argv[1]; *c; c++)
        if (*c == ' ') *c = '\n';
    int32_t sampler = dyno_sampler_open(argv[1], error, sizeof error);
    if (sampler < 0) return fail("open", error);
    if (dyno_sampler_layout(sampler, small, sizeof small) <= (int32_t)sizeof small)
        return fail("layout", "a text cut short must say so");
    dyno_sampler_layout(sampler, text, sizeof text);
    printf("{\"layout\":%s,", text);
    if (dyno_sampler_start(sampler, error, sizeof error) < 0) return fail("start", error);
    if (dyno_sampler_start(sampler, error, sizeof error) >= 0) return fail("start", "twice");
    long records = 0;
    for (long left_ms = (long)(strtod(argv[2], NULL) * 1e3); left_ms > 0; left_ms -= 20) {
        pause_ms(20);
        records += drain(sampler);
        dyno_sampler_status(sampler, text, sizeof text);
    }
    read_gpus();
    dyno_sampler_stop(sampler);
    records += drain(sampler);
    dyno_sampler_status(sampler, text, sizeof text);
    printf("\"status\":%s,\"drained\":%ld}\n", text, records);
    if (dyno_sampler_close(sampler) != 0) return fail("close", "a thread did not end");
    if (dyno_sampler_drain(sampler, text, 64) >= 0) return fail("drain", "of a closed sampler");
    return 0;
}
