/* Files of /proc and /sys that stay open and are read repeatedly from the start. */
#ifndef DYNO_FILE_H
#define DYNO_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* root replaces "/": "" on a real host, a fixture's folder in tests. -1 and errno on failure. */
__attribute__((format(printf, 2, 3))) int file_open(const char *root, const char *format, ...);

/*
 * Reads the whole text from the start, NUL-terminated, cut at size - 1. Returns its length, or -1
 * and errno.
 */
ssize_t file_read(int fd, char *text, size_t size);

/* The first number in the file. */
bool file_read_u64(int fd, uint64_t *value);

/* Opens, reads one line without its end, closes. */
__attribute__((format(printf, 4, 5))) bool file_line(char *line, size_t size, const char *root,
                                                     const char *format, ...);

/* Skips blanks and reads digits; returns where they end, or NULL if there are none. */
const char *parse_u64(const char *text, uint64_t *value);

/* The value of "key value" at the start of a line of text. */
bool find_u64(const char *text, const char *key, uint64_t *value);

/* The start of the next line, or NULL at the end of the text. */
const char *next_line(const char *text);

#endif
