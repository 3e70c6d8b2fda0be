/* Writes JSON into a caller's buffer; what does not fit is counted, so the caller can ask again. */
#ifndef DYNO_JSON_H
#define DYNO_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json {
    char *out;
    size_t size; /* of out */
    size_t used; /* that the text needs, without its NUL */
    bool comma;
};

void json_begin(struct json *json, char *out, size_t size);

/* Ends the text; returns the bytes it needs with its NUL. */
int32_t json_end(struct json *json);

/* A key is NULL inside an array and at the top. Brackets: '{' or '['. */
void json_open(struct json *json, const char *key, char bracket);
void json_close(struct json *json, char bracket);
void json_string(struct json *json, const char *key, const char *value);

/* NaN and infinities become null. */
void json_number(struct json *json, const char *key, double value);
void json_bool(struct json *json, const char *key, bool value);
void json_null(struct json *json, const char *key);

/* A string, or null for an empty one. */
void json_text(struct json *json, const char *key, const char *value);

/* Digits in quotes: exact above 2^53. */
void json_digits(struct json *json, const char *key, uint64_t value);

#endif
