/*
 * The heap against an array that is searched: pushes, moves and removals drawn at random from few
 * keys, so that many are equal; then it is emptied in order. Prints how much was done.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/heap.h"

#define MEMBERS 300
#define STEPS 200000
#define KEYS 40

struct member {
    struct heap_link link;
    int64_t key;
    uint64_t sequence;
};

static struct member members[MEMBERS];

/* The member that must come first, found the slow way. */
static const struct member *least(void)
{
    const struct member *best = NULL;
    for (int i = 0; i < MEMBERS; i++) {
        const struct member *member = &members[i];
        if (member->link.place == 0) continue;
        if (!best || member->key < best->key ||
            (member->key == best->key && member->sequence < best->sequence))
            best = member;
    }
    return best;
}

static void check(const struct heap *heap)
{
    const struct heap_entry *first = heap_first(heap);
    const struct member *expected = least();
    const struct member *found = first ? HEAP_OWNER(first->link, struct member, link) : NULL;
    if (found == expected) return;
    fprintf(stderr, "the heap's first is not the least\n");
    exit(1);
}

int main(void)
{
    struct heap heap = {0};
    uint64_t sequence = 0;
    unsigned long pushes = 0, moves = 0, removals = 0;
    srand(1);
    for (int step = 0; step < STEPS; step++) {
        struct member *member = &members[rand() % MEMBERS];
        if (member->link.place == 0) {
            member->key = rand() % KEYS - KEYS / 2;
            member->sequence = sequence++;
            if (!heap_push(&heap, member->key, member->sequence, &member->link)) return 2;
            pushes++;
        } else if (rand() % 2) {
            member->key = rand() % KEYS - KEYS / 2;
            heap_move(&heap, &member->link, member->key);
            moves++;
        } else {
            heap_remove(&heap, &member->link);
            heap_remove(&heap, &member->link); /* gone: nothing happens */
            removals++;
        }
        check(&heap);
    }
    while (heap.count > 0) {
        check(&heap);
        heap_remove(&heap, heap_first(&heap)->link);
    }
    if (least()) return 3;
    heap_free(&heap);
    printf("pushed %lu moved %lu removed %lu\n", pushes, moves, removals);
    return 0;
}
