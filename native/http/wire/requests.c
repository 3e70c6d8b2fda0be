/* All requests of a wire, by number. */
#include <stdlib.h>
#include <string.h>

#include "http/wire/parts.h"

struct wire_place request_place(const struct request *request, uint32_t n, size_t *head)
{
    struct wire_place place = {0, 0};
    *head = request->head.places * sizeof place;
    for (uint32_t i = 0; i <= n; i++) {
        *head += place.head_bytes;
        memcpy(&place, request->bytes + i * sizeof place, sizeof place);
    }
    return place;
}

static struct request **bucket(const struct request_table *table, uint32_t number)
{
    return &table->buckets[(number * 2654435761u) & (table->room - 1)];
}

static bool grow(struct request_table *table)
{
    struct request_table larger = {.room = table->room ? table->room * 2 : 256};
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

bool request_table_add(struct request_table *table, struct request *request)
{
    if (table->count == table->room && !grow(table)) return false;
    struct request **home = bucket(table, request->head.request);
    request->chained = *home;
    *home = request;
    table->count++;
    return true;
}

struct request *request_table_find(const struct request_table *table, uint32_t number)
{
    if (!table->room) return NULL;
    struct request *request = *bucket(table, number);
    while (request && request->head.request != number) request = request->chained;
    return request;
}

void request_table_remove(struct request_table *table, struct request *request)
{
    struct request **at = bucket(table, request->head.request);
    while (*at && *at != request) at = &(*at)->chained;
    if (!*at) return;
    *at = request->chained;
    table->count--;
}
