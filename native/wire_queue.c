/* The requests that wait, and all requests by their number. */
#include <stdlib.h>

#include "wire_parts.h"

static bool before(const struct request *a, const struct request *b)
{
    if (a->head.t_send_ns != b->head.t_send_ns) return a->head.t_send_ns < b->head.t_send_ns;
    return a->sequence < b->sequence;
}

static void put(struct waiting *waiting, size_t place, struct request *request)
{
    waiting->heap[place] = request;
    request->place = place;
}

static void sift_up(struct waiting *waiting, size_t place, struct request *request)
{
    while (place > 0 && before(request, waiting->heap[(place - 1) / 2])) {
        put(waiting, place, waiting->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(waiting, place, request);
}

static void sift_down(struct waiting *waiting, size_t place, struct request *request)
{
    for (;;) {
        size_t child = place * 2 + 1;
        if (child >= waiting->count) break;
        if (child + 1 < waiting->count && before(waiting->heap[child + 1], waiting->heap[child]))
            child++;
        if (!before(waiting->heap[child], request)) break;
        put(waiting, place, waiting->heap[child]);
        place = child;
    }
    put(waiting, place, request);
}

bool waiting_push(struct waiting *waiting, struct request *request)
{
    if (waiting->count == waiting->room) {
        size_t room = waiting->room ? waiting->room * 2 : 256;
        struct request **grown = realloc(waiting->heap, room * sizeof *grown);
        if (!grown) return false;
        waiting->heap = grown;
        waiting->room = room;
    }
    sift_up(waiting, waiting->count++, request);
    return true;
}

struct request *waiting_first(const struct waiting *waiting)
{
    return waiting->count ? waiting->heap[0] : NULL;
}

void waiting_remove(struct waiting *waiting, struct request *request)
{
    size_t place = request->place;
    struct request *last = waiting->heap[--waiting->count];
    if (last == request) return;
    if (place > 0 && before(last, waiting->heap[(place - 1) / 2])) sift_up(waiting, place, last);
    else sift_down(waiting, place, last);
}

static struct request **bucket(const struct table *table, uint32_t number)
{
    return &table->buckets[(number * 2654435761u) & (table->room - 1)];
}

static bool grow(struct table *table)
{
    struct table larger = {.room = table->room ? table->room * 2 : 256};
    larger.buckets = calloc(larger.room, sizeof *larger.buckets);
    if (!larger.buckets) return false;
    for (size_t i = 0; i < table->room; i++)
        for (struct request *next, *request = table->buckets[i]; request; request = next) {
            next = request->chained;
            struct request **home = bucket(&larger, request->head.request);
            request->chained = *home;
            *home = request;
        }
    larger.count = table->count;
    free(table->buckets);
    *table = larger;
    return true;
}

bool table_add(struct table *table, struct request *request)
{
    if (table->count == table->room && !grow(table)) return false;
    struct request **home = bucket(table, request->head.request);
    request->chained = *home;
    *home = request;
    table->count++;
    return true;
}

struct request *table_find(const struct table *table, uint32_t number)
{
    if (!table->room) return NULL;
    struct request *request = *bucket(table, number);
    while (request && request->head.request != number) request = request->chained;
    return request;
}

void table_remove(struct table *table, struct request *request)
{
    struct request **at = bucket(table, request->head.request);
    while (*at && *at != request) at = &(*at)->chained;
    if (!*at) return;
    *at = request->chained;
    table->count--;
}
