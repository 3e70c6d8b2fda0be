/* Allocation that ends the program with a message instead of returning NULL. */
#ifndef SIM_MEMORY_H
#define SIM_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "base/heap.h"

/* Prints "Error: ..." and exits with 1, for errors after which the run cannot continue. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The memory is zeroed. */
void *memory_new(size_t count, size_t size);

/* Makes room for one more item than `count`; doubles the capacity when it is used up. */
void *memory_grow(void *items, size_t count, size_t *capacity, size_t size);

/* Like heap_push, but never fails. */
void queue_push(struct heap *heap, int64_t key, uint64_t sequence, struct heap_link *link);

#endif
