/* Reads strict JSON into a tree that remembers lines. */
#ifndef SIM_JSON_READ_H
#define SIM_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_value {
    enum json_kind kind;
    int line;
    bool boolean;
    double number;
    char *key;  /* in an object: unique there */
    size_t key_bytes;
    char *text; /* of a string, NUL at its end; it may hold NULs too */
    size_t text_bytes;
    struct json_value *first; /* of an array's or object's members */
    struct json_value *next;  /* beside it */
};

/* NULL on failure, with the line and what is wrong there. */
struct json_value *json_read(const char *text, size_t bytes, int *line, char *error,
                             size_t error_size);

void json_free(struct json_value *value);

/* "an object", "a number", ... */
const char *json_kind_name(enum json_kind kind);

#endif
