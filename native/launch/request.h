/* The requests that come on standard input. */
#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct request {
    bool stop;
    int64_t id, timeout_ms, memory_bytes;
    /* folder, standard output, standard error, program, arguments, NULL; valid until the next one */
    char **texts;
};

struct requests {
    char *bytes;
    size_t length, size, done;
    char **texts;
};

/* Reads the available input; false at its end. */
bool requests_read(struct requests *requests, int fd);

/* The next whole request; false if there is none. A malformed one ends the program. */
bool requests_next(struct requests *requests, struct request *request);

void requests_free(struct requests *requests);

#endif
