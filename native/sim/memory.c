#include "sim/memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_CAPACITY 16

void die(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    fputs("Error: ", stderr);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
    exit(1);
}

void *memory_new(size_t count, size_t size)
{
    void *items = calloc(count ? count : 1, size);
    if (!items) die("out of memory (%zu items of %zu bytes)", count, size);
    return items;
}

void *memory_grow(void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) return items;
    if (*capacity > SIZE_MAX / 2 / size) die("out of memory (more than %zu items)", count);
    size_t larger = *capacity ? *capacity * 2 : FIRST_CAPACITY;
    void *moved = realloc(items, larger * size);
    if (!moved) die("out of memory (%zu items of %zu bytes)", larger, size);
    *capacity = larger;
    return moved;
}

void queue_push(struct heap *heap, int64_t key, uint64_t sequence, struct heap_link *link)
{
    if (!heap_push(heap, key, sequence, link))
        die("out of memory (a queue of %zu entries)", heap->count);
}
