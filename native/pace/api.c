/* The exported functions of the paced server; a process has at most one. */
#include <errno.h>
#include <stdio.h>

#include "dyno.h"
#include "pace/pace.h"

static struct pace *pace;

int32_t dyno_pace_open(const char *options, char *error, uint32_t error_bytes)
{
    snprintf(error, error_bytes, "one is open; close it first");
    if (pace) return -EBUSY;
    pace = pace_open(options, error, error_bytes);
    return pace ? pace_port(pace) : -EINVAL;
}

int32_t dyno_pace_status(char *json, uint32_t json_bytes)
{
    return pace ? pace_status(pace, json, json_bytes) : -EBADF;
}

int32_t dyno_pace_close(void)
{
    if (pace) pace_close(pace);
    pace = NULL;
    return 0;
}
