#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int open_under(const char *root, const char *format, va_list arguments)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s", root);
    if (length < 0 || (size_t)length >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int rest = vsnprintf(path + length, sizeof path - (size_t)length, format, arguments);
    if (rest < 0 || (size_t)(length + rest) >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return open(path, O_RDONLY | O_CLOEXEC);
}

int file_open(const char *root, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int fd = open_under(root, format, arguments);
    va_end(arguments);
    return fd;
}

ssize_t file_read(int fd, char *text, size_t size)
{
    size_t length = 0;
    while (length + 1 < size) {
        ssize_t n = pread(fd, text + length, size - 1 - length, (off_t)length);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        length += (size_t)n;
        /*
         * procfs returns at most one page of lines per call; if half a page is left, that was
         * everything
         */
        if (n < 2048) break;
    }
    text[length] = '\0';
    return (ssize_t)length;
}

bool file_read_u64(int fd, uint64_t *value)
{
    char text[32];
    return file_read(fd, text, sizeof text) > 0 && parse_u64(text, value);
}

bool file_line(char *line, size_t size, const char *root, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int fd = open_under(root, format, arguments);
    va_end(arguments);
    if (fd < 0) return false;
    ssize_t length = file_read(fd, line, size);
    close(fd);
    if (length < 0) return false;
    line[strcspn(line, "\n")] = '\0';
    return true;
}

const char *parse_u64(const char *text, uint64_t *value)
{
    while (*text == ' ' || *text == '\t') text++;
    if (*text < '0' || *text > '9') return NULL;
    uint64_t number = 0;
    for (; *text >= '0' && *text <= '9'; text++) number = number * 10 + (uint64_t)(*text - '0');
    *value = number;
    return text;
}

bool find_u64(const char *text, const char *key, uint64_t *value)
{
    size_t length = strlen(key);
    for (; text; text = next_line(text))
        if (strncmp(text, key, length) == 0) return parse_u64(text + length, value) != NULL;
    return false;
}

const char *next_line(const char *text)
{
    const char *end = strchr(text, '\n');
    return end && end[1] ? end + 1 : NULL;
}
