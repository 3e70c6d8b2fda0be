/*
 * The ring between two threads, for ThreadSanitizer: a producer that never waits, a consumer that
 * drains in batches of changing size. Each record must come whole and in order, and every record
 * must be accounted for: drained or overrun.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/ring_buffer.h"

#define RECORDS 300000
#define WORDS 7
#define BATCH 64

static struct ring *ring;
static _Atomic int done;

static void *produce(void *unused)
{
    (void)unused;
    for (uint64_t sequence = 1; sequence <= RECORDS; sequence++) {
        uint64_t *record = ring_claim(ring);
        if (!record) continue;
        for (int i = 0; i < WORDS; i++) record[i] = sequence * (uint64_t)(i + 1);
        ring_commit(ring);
    }
    atomic_store(&done, 1);
    return NULL;
}

static uint64_t check(const uint64_t *records, uint32_t count, uint64_t last)
{
    for (uint32_t r = 0; r < count; r++) {
        const uint64_t *record = records + r * WORDS;
        if (record[0] <= last) exit(fprintf(stderr, "out of order\n"));
        for (int i = 0; i < WORDS; i++)
            if (record[i] != record[0] * (uint64_t)(i + 1)) exit(fprintf(stderr, "torn\n"));
        last = record[0];
    }
    return last;
}

int main(void)
{
    static uint64_t records[BATCH * WORDS];
    pthread_t producer;
    uint64_t drained = 0, last = 0;
    ring = ring_new(100, WORDS * 8);
    if (!ring || ring_slots(ring) != 128) return 1;
    pthread_create(&producer, NULL, produce, NULL);
    for (uint32_t batch = 1;; batch = batch % BATCH + 1) {
        int finished = atomic_load(&done);
        uint32_t count = ring_drain(ring, records, batch);
        last = check(records, count, last);
        drained += count;
        if (finished && count == 0) break;
    }
    pthread_join(producer, NULL);
    uint64_t overruns = ring_overruns(ring);
    printf("drained %llu overruns %llu\n", (unsigned long long)drained,
           (unsigned long long)overruns);
    int whole = drained + overruns == RECORDS && ring_committed(ring) == drained;
    ring_free(ring);
    return whole && drained > 128 ? 0 : 1;
}
