/* The clients of the paced server by the time of their next event: a heap. */
#include <stdlib.h>

#include "pace_parts.h"

static void put(struct due *due, size_t place, struct client *client)
{
    due->heap[place] = client;
    client->place = place;
}

static void sift(struct due *due, size_t place, struct client *client)
{
    while (place > 0 && client->due_ns < due->heap[(place - 1) / 2]->due_ns) {
        put(due, place, due->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    for (size_t child; (child = place * 2 + 1) < due->count; place = child) {
        if (child + 1 < due->count && due->heap[child + 1]->due_ns < due->heap[child]->due_ns)
            child++;
        if (due->heap[child]->due_ns >= client->due_ns) break;
        put(due, place, due->heap[child]);
    }
    put(due, place, client);
}

bool due_add(struct due *due, struct client *client)
{
    if (due->count == due->room) {
        size_t room = due->room ? due->room * 2 : 64;
        struct client **grown = realloc(due->heap, room * sizeof *grown);
        if (!grown) return false;
        due->heap = grown;
        due->room = room;
    }
    sift(due, due->count++, client);
    return true;
}

void due_remove(struct due *due, struct client *client)
{
    struct client *last = due->heap[--due->count];
    if (last != client) sift(due, client->place, last);
}

void due_move(struct due *due, struct client *client)
{
    sift(due, client->place, client);
}
