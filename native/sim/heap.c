#include "heap.h"

#include <stdlib.h>

#include "memory.h"

bool heap_before(const struct heap_entry *a, const struct heap_entry *b)
{
    return a->key != b->key ? a->key < b->key : a->sequence < b->sequence;
}

static void put(struct heap *heap, size_t at, struct heap_entry entry)
{
    heap->entries[at] = entry;
    entry.link->place = at + 1;
}

static void sift_up(struct heap *heap, size_t at, struct heap_entry entry)
{
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (!heap_before(&entry, &heap->entries[parent])) break;
        put(heap, at, heap->entries[parent]);
        at = parent;
    }
    put(heap, at, entry);
}

static void sift_down(struct heap *heap, size_t at, struct heap_entry entry)
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

void heap_push(struct heap *heap, int64_t key, uint64_t sequence, struct heap_link *link)
{
    heap->entries =
        memory_grow(heap->entries, heap->count, &heap->capacity, sizeof *heap->entries);
    struct heap_entry entry = {.key = key, .sequence = sequence, .link = link};
    sift_up(heap, heap->count++, entry);
}

const struct heap_entry *heap_first(const struct heap *heap)
{
    return heap->count > 0 ? &heap->entries[0] : NULL;
}

void heap_remove(struct heap *heap, struct heap_link *link)
{
    if (link->place == 0) return;
    size_t at = link->place - 1;
    link->place = 0;
    struct heap_entry last = heap->entries[--heap->count];
    if (at == heap->count) return;
    if (at > 0 && heap_before(&last, &heap->entries[(at - 1) / 2]))
        sift_up(heap, at, last);
    else
        sift_down(heap, at, last);
}

void heap_free(struct heap *heap)
{
    free(heap->entries);
    *heap = (struct heap){0};
}
