/* A binary heap whose members know their place, so that any of them can leave in O(log n). */
#ifndef SIM_HEAP_H
#define SIM_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Embedded in whatever is queued. */
struct heap_link {
    size_t place; /* 1-based; 0 while in no heap */
};

struct heap_entry {
    int64_t key;
    uint64_t sequence; /* among equal keys the smaller goes first: the order is total */
    struct heap_link *link;
};

struct heap {
    struct heap_entry *entries;
    size_t count;
    size_t capacity;
};

void heap_push(struct heap *heap, int64_t key, uint64_t sequence, struct heap_link *link);

/* The least entry, or NULL. */
const struct heap_entry *heap_first(const struct heap *heap);

/* Nothing happens to a link that is in no heap. */
void heap_remove(struct heap *heap, struct heap_link *link);

bool heap_before(const struct heap_entry *a, const struct heap_entry *b);

void heap_free(struct heap *heap);

/* The struct around a link. */
#define HEAP_OWNER(pointer, type, member) \
    ((type *)(void *)((char *)(pointer) - offsetof(type, member)))

#endif
