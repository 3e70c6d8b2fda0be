/* The options of the paced server. */
#include <stdio.h>
#include <string.h>

#include "pace/parts.h"

/* The rest of a line, if the line begins with this key. */
static bool take_path(const char *line, const char *key, char *path, size_t path_bytes)
{
    size_t name = strlen(key);
    if (strncmp(line, key, name) != 0) return false;
    snprintf(path, path_bytes, "%.*s", (int)strcspn(line + name, "\n"), line + name);
    return true;
}

static bool take_number(struct pace_options *set, const char *line, char *error, size_t error_bytes)
{
    char key[32];
    unsigned long value;
    if (sscanf(line, "%31[a-z_]=%lu", key, &value) != 2) {
        snprintf(error, error_bytes, "\"%.40s\": expected key=number", line);
        return false;
    }
    if (strcmp(key, "tokens") == 0) set->tokens = (uint32_t)value;
    else if (strcmp(key, "interval_us") == 0) set->interval_ns = value * 1000;
    else if (strcmp(key, "delay_us") == 0) set->delay_ns = value * 1000;
    else if (strcmp(key, "burst") == 0) set->burst = (uint32_t)value;
    else if (strcmp(key, "port") == 0) set->port = (unsigned)value;
    else {
        snprintf(error, error_bytes, "%s: no such option", key);
        return false;
    }
    return true;
}

bool pace_read_options(struct pace_options *set, const char *options, char *error,
                       size_t error_bytes)
{
    set->tokens = 200;
    set->burst = 1;
    set->interval_ns = 20 * 1000 * 1000;
    while (*options) {
        if (!take_path(options, "cert=", set->cert, sizeof set->cert) &&
            !take_path(options, "key=", set->key, sizeof set->key) &&
            !take_number(set, options, error, error_bytes))
            return false;
        options += strcspn(options, "\n");
        options += *options == '\n';
    }
    if (set->tokens >= 1 && set->burst >= 1 && set->burst <= PACE_BURST_MAX) return true;
    snprintf(error, error_bytes, "tokens: at least 1; burst: 1 to %d", PACE_BURST_MAX);
    return false;
}
