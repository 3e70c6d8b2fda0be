#include "base/heap.h"

#include <stdlib.h>

#define FIRST_CAPACITY 64

static void put(struct heap *heap, size_t at, struct heap_entry entry)
{
    heap->entries[at] = entry;
    entry.link->place = at + 1;
}

static void move_up(struct heap *heap, size_t at, struct heap_entry entry)
{
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (!heap_before(&entry, &heap->entries[parent])) break;
        put(heap, at, heap->entries[parent]);
        at = parent;
    }
    put(heap, at, entry);
}

static void move_down(struct heap *heap, size_t at, struct heap_entry entry)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= heap->count) break;
        if (child + 1 < heap->count &&
            heap_before(&heap->entries[child + 1], &heap->entries[child]))
            child++;
        if (!heap_before(&heap->entries[child], &entry)) break;
        put(heap, at, heap->entries[child]);
        at = child;
    }
    put(heap, at, entry);
}

/* Moves an entry to its position after another was removed there or its key has changed. */
static void settle(struct heap *heap, size_t at, struct heap_entry entry)
{
    if (at > 0 && heap_before(&entry, &heap->entries[(at - 1) / 2]))
        move_up(heap, at, entry);
    else
        move_down(heap, at, entry);
}

bool heap_push(struct heap *heap, int64_t key, uint64_t sequence, struct heap_link *link)
{
    if (heap->count == heap->capacity) {
        size_t larger = heap->capacity ? heap->capacity * 2 : FIRST_CAPACITY;
        if (larger > SIZE_MAX / sizeof *heap->entries) return false;
        struct heap_entry *moved = realloc(heap->entries, larger * sizeof *heap->entries);
        if (!moved) return false;
        heap->entries = moved;
        heap->capacity = larger;
    }
    struct heap_entry entry = {.key = key, .sequence = sequence, .link = link};
    move_up(heap, heap->count++, entry);
    return true;
}

void heap_move(struct heap *heap, struct heap_link *link, int64_t key)
{
    size_t at = link->place - 1;
    struct heap_entry entry = heap->entries[at];
    entry.key = key;
    settle(heap, at, entry);
}

void heap_remove(struct heap *heap, struct heap_link *link)
{
    if (link->place == 0) return;
    size_t at = link->place - 1;
    link->place = 0;
    struct heap_entry last = heap->entries[--heap->count];
    if (at != heap->count) settle(heap, at, last);
}

void heap_free(struct heap *heap)
{
    free(heap->entries);
    *heap = (struct heap){0};
}
