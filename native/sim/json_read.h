/* Reads strict JSON into a tree that keeps line numbers. */
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
    char *key;  /* the key in an object, where it is unique */
    size_t key_bytes;
    char *text; /* for a string, NUL-terminated; it may also contain NULs */
    size_t text_bytes;
    struct json_value *first; /* the first member of an array or object */
    struct json_value *next;  /* the next member of the same parent */
};

/* Returns NULL on failure, with the line and what is wrong there. */
struct json_value *json_read(const char *text, size_t bytes, int *line, char *error,
                             size_t error_size);

void json_free(struct json_value *value);

/* "an object", "a number", ... */
const char *json_kind_name(enum json_kind kind);

#endif
