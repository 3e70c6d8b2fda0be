/*
 * The binary heap of all queues by time: waiting requests, streams whose event is due, the
 * simulator's events. Members know their position, so any of them can be removed or moved in O(log
 * n). Keys are stored in the heap itself, so comparisons do not touch the members.
 */
#ifndef DYNO_HEAP_H
#define DYNO_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Embedded in every queued struct. */
struct heap_link {
    size_t place; /* 1-based; 0 if in no heap */
};

struct heap_entry {
    int64_t key;
    uint64_t sequence; /* if keys are equal, the smaller sequence goes first: the order is total */
    struct heap_link *link;
};

struct heap {
    struct heap_entry *entries;
    size_t count;
    size_t capacity;
};

/* False if memory is short: nothing was added then. */
bool heap_push(struct heap *heap, int64_t key, uint64_t sequence, struct heap_link *link);

/* The smallest entry, or NULL. */
static inline const struct heap_entry *heap_first(const struct heap *heap)
{
    return heap->count > 0 ? &heap->entries[0] : NULL;
}

/* Changes a member's key; its sequence stays the same. It must be in the heap. */
void heap_move(struct heap *heap, struct heap_link *link, int64_t key);

/* Does nothing for a link that is in no heap. */
void heap_remove(struct heap *heap, struct heap_link *link);

static inline bool heap_before(const struct heap_entry *a, const struct heap_entry *b)
{
    return a->key != b->key ? a->key < b->key : a->sequence < b->sequence;
}

void heap_free(struct heap *heap);

/* The struct that contains a link. */
#define HEAP_OWNER(pointer, type, member) \
    ((type *)(void *)((char *)(pointer) - offsetof(type, member)))

#endif
