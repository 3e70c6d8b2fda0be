#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void put(struct json *json, const char *text, size_t length)
{
    if (json->used + length < json->size) memcpy(json->out + json->used, text, length);
    json->used += length;
}

static void quoted(struct json *json, const char *text)
{
    put(json, "\"", 1);
    for (const char *c = text; *c; c++) {
        char escaped[8];
        if (*c == '"' || *c == '\\') {
            int n = snprintf(escaped, sizeof escaped, "\\%c", *c);
            put(json, escaped, (size_t)n);
        } else if ((unsigned char)*c < 0x20) {
            int n = snprintf(escaped, sizeof escaped, "\\u%04x", *c);
            put(json, escaped, (size_t)n);
        } else {
            put(json, c, 1);
        }
    }
    put(json, "\"", 1);
}

static void begin_value(struct json *json, const char *key)
{
    if (json->comma) put(json, ",", 1);
    json->comma = true;
    if (!key) return;
    quoted(json, key);
    put(json, ":", 1);
}

void json_begin(struct json *json, char *out, size_t size)
{
    *json = (struct json){.out = out, .size = size};
}

int32_t json_end(struct json *json)
{
    if (json->size > 0) json->out[json->used < json->size ? json->used : json->size - 1] = '\0';
    return (int32_t)(json->used + 1);
}

void json_open(struct json *json, const char *key, char bracket)
{
    begin_value(json, key);
    put(json, &bracket, 1);
    json->comma = false;
}

void json_close(struct json *json, char bracket)
{
    put(json, &bracket, 1);
    json->comma = true;
}

void json_string(struct json *json, const char *key, const char *value)
{
    begin_value(json, key);
    quoted(json, value);
}

void json_number(struct json *json, const char *key, double value)
{
    char digits[32];
    begin_value(json, key);
    int n = isfinite(value) ? snprintf(digits, sizeof digits, "%.17g", value)
                            : snprintf(digits, sizeof digits, "null");
    put(json, digits, (size_t)n);
}

void json_bool(struct json *json, const char *key, bool value)
{
    begin_value(json, key);
    put(json, value ? "true" : "false", value ? 4 : 5);
}

void json_null(struct json *json, const char *key)
{
    begin_value(json, key);
    put(json, "null", 4);
}

void json_text(struct json *json, const char *key, const char *value)
{
    if (value[0])
        json_string(json, key, value);
    else
        json_null(json, key);
}

void json_digits(struct json *json, const char *key, uint64_t value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    json_string(json, key, digits);
}
