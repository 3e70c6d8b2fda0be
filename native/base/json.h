/*
 * Writes JSON into a caller's buffer. What does not fit is still counted, so that the caller can
 * try again with a larger one.
 */
#ifndef DYNO_JSON_H
#define DYNO_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json {
    char *out;
    size_t size; /* of out */
    size_t used; /* bytes that the text needs, without its NUL */
    bool comma;
};

void json_begin(struct json *json, char *out, size_t size);

/* Ends the text; returns the bytes it needs, including the NUL. */
int32_t json_end(struct json *json);

/* The key is NULL inside an array and at the top level. Brackets: '{' or '['. */
void json_open(struct json *json, const char *key, char bracket);
void json_close(struct json *json, char bracket);
void json_string(struct json *json, const char *key, const char *value);

/* NaN and infinities become null. */
void json_number(struct json *json, const char *key, double value);
void json_bool(struct json *json, const char *key, bool value);
void json_null(struct json *json, const char *key);

/* A string, or null for an empty one. */
void json_text(struct json *json, const char *key, const char *value);

/* Digits in quotes, because numbers above 2^53 are not exact in JSON. */
void json_digits(struct json *json, const char *key, uint64_t value);

#endif
