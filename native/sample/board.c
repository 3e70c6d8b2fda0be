#include "sample/board.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_WORDS 3
#define ENDINGS_MAX 64
#define INTERVALS_MAX 63

struct field {
    char name[96];
    const char *source;
    const char *unit;
    enum kind kind;
};

/* How often a field changes; written by the field's own thread, read by status. */
struct changes {
    uint64_t last_ns;
    _Atomic uint64_t count;
    _Atomic uint32_t intervals;
    _Atomic uint32_t interval_us[INTERVALS_MAX]; /* between the first changes */
};

struct ending {
    char series[64];
    char reason[96];
    uint64_t at_ns;
};

struct board {
    int count;
    struct field fields[FIELDS_MAX];
    _Atomic uint64_t values[FIELDS_MAX]; /* the bits of a double */
    uint64_t recorded[FIELDS_MAX];       /* the values of the previous record */
    struct changes changes[FIELDS_MAX];
    pthread_mutex_t endings_lock;
    int endings_count;
    struct ending endings[ENDINGS_MAX];
};

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double value_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

struct board *board_new(void)
{
    struct board *board = calloc(1, sizeof *board); /* untouched pages cost nothing */
    if (board) pthread_mutex_init(&board->endings_lock, NULL);
    return board;
}

void board_free(struct board *board)
{
    if (!board) return;
    pthread_mutex_destroy(&board->endings_lock);
    free(board);
}

static bool taken(const struct board *board, const char *name)
{
    for (int i = 0; i < board->count; i++)
        if (strcmp(board->fields[i].name, name) == 0) return true;
    return false;
}

int board_add(struct board *board, const char *source, const char *unit, enum kind kind,
              const char *name, ...)
{
    if (board->count == FIELDS_MAX) return -1;
    struct field *field = &board->fields[board->count];
    char plain[80], unique[96];
    va_list arguments;
    va_start(arguments, name);
    vsnprintf(plain, sizeof plain, name, arguments);
    va_end(arguments);
    for (char *c = plain; *c; c++)
        if (*c <= ' ' || *c == ',' || *c == '"') *c = '_';
    snprintf(unique, sizeof unique, "%s", plain);
    for (int n = 2; taken(board, unique); n++) snprintf(unique, sizeof unique, "%s.%d", plain, n);
    memcpy(field->name, unique, sizeof unique);
    field->source = source;
    field->unit = unit;
    field->kind = kind;
    atomic_store_explicit(&board->values[board->count], bits_of(UNKNOWN), memory_order_relaxed);
    board->recorded[board->count] = bits_of(UNKNOWN);
    return board->count++;
}

static void add_interval(struct changes *changes, uint64_t ns)
{
    uint32_t count = atomic_load_explicit(&changes->intervals, memory_order_relaxed);
    if (count == INTERVALS_MAX) return;
    uint32_t us = ns / 1000 < UINT32_MAX ? (uint32_t)(ns / 1000) : UINT32_MAX;
    atomic_store_explicit(&changes->interval_us[count], us, memory_order_relaxed);
    atomic_store_explicit(&changes->intervals, count + 1, memory_order_release);
}

void board_put(struct board *board, int field, double value, uint64_t now_ns)
{
    if (field < 0) return;
    if (isnan(value)) value = UNKNOWN; /* use one NaN only, so that bits can be compared */
    uint64_t bits = bits_of(value);
    uint64_t before = atomic_load_explicit(&board->values[field], memory_order_relaxed);
    if (bits == before) return;
    atomic_store_explicit(&board->values[field], bits, memory_order_relaxed);

    struct changes *changes = &board->changes[field];
    if (isnan(value) || isnan(value_of(before))) {
        changes->last_ns = 0; /* no interval is known across a gap */
        return;
    }
    atomic_fetch_add_explicit(&changes->count, 1, memory_order_relaxed);
    if (changes->last_ns) add_interval(changes, now_ns - changes->last_ns);
    changes->last_ns = now_ns;
}

static int by_size(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

/* The median, because one late read makes one interval too long and the next too short. */
uint64_t board_update_period_ns(const struct board *board, int field)
{
    uint32_t sorted[INTERVALS_MAX];
    if (field < 0) return 0;
    const struct changes *changes = &board->changes[field];
    uint32_t count = atomic_load_explicit(&changes->intervals, memory_order_acquire);
    if (count == 0) return 0;
    for (uint32_t i = 0; i < count; i++)
        sorted[i] = atomic_load_explicit(&changes->interval_us[i], memory_order_relaxed);
    qsort(sorted, count, sizeof sorted[0], by_size);
    return (uint64_t)sorted[count / 2] * 1000;
}

void board_end_series(struct board *board, const char *series, const char *reason,
                      uint64_t now_ns)
{
    pthread_mutex_lock(&board->endings_lock);
    bool known = board->endings_count == ENDINGS_MAX;
    for (int i = 0; i < board->endings_count; i++)
        if (strcmp(board->endings[i].series, series) == 0) known = true;
    if (!known) {
        struct ending *ending = &board->endings[board->endings_count++];
        snprintf(ending->series, sizeof ending->series, "%s", series);
        snprintf(ending->reason, sizeof ending->reason, "%s", reason);
        ending->at_ns = now_ns;
    }
    pthread_mutex_unlock(&board->endings_lock);
}

static uint32_t mask_words(const struct board *board)
{
    return ((uint32_t)board->count + 63) / 64;
}

uint32_t board_record_bytes(const struct board *board)
{
    return 8 * (HEADER_WORDS + 2 * mask_words(board) + (uint32_t)board->count);
}

void board_snapshot(struct board *board, void *record, double t_ns, double tick, double nvml_ns)
{
    uint64_t *words = record;
    words[0] = bits_of(t_ns);
    words[1] = bits_of(tick);
    words[2] = bits_of(nvml_ns);
    uint32_t masks = mask_words(board);
    uint64_t *valid = words + HEADER_WORDS;
    uint64_t *fresh = valid + masks;
    uint64_t *values = fresh + masks;
    memset(valid, 0, (size_t)masks * 16);
    uint64_t unknown = bits_of(UNKNOWN);
    for (int i = 0; i < board->count; i++) {
        uint64_t bits = atomic_load_explicit(&board->values[i], memory_order_relaxed);
        uint64_t is_valid = bits != unknown;
        uint64_t is_fresh = is_valid & (bits != board->recorded[i]);
        valid[i / 64] |= is_valid << (i % 64);
        fresh[i / 64] |= is_fresh << (i % 64);
        values[i] = bits;
        board->recorded[i] = bits;
    }
}

static void one_field(struct json *json, const char *name, const char *unit, const char *source,
                      enum kind kind, uint32_t offset)
{
    json_open(json, NULL, '{');
    json_string(json, "name", name);
    json_string(json, "unit", unit);
    json_string(json, "kind", kind == COUNTER ? "counter" : "gauge");
    json_string(json, "type", "f64");
    json_number(json, "offset", offset);
    json_string(json, "source", source);
    json_close(json, '}');
}

static void mask(struct json *json, const char *key, uint32_t offset, uint32_t bytes)
{
    json_open(json, key, '{');
    json_number(json, "offset", offset);
    json_number(json, "bytes", bytes);
    json_close(json, '}');
}

void board_layout(const struct board *board, struct json *json)
{
    uint32_t masks = mask_words(board);
    json_number(json, "record_bytes", board_record_bytes(board));
    json_open(json, "header", '[');
    one_field(json, "t_ns", "ns", "clock", COUNTER, 0);
    one_field(json, "tick", "1", "clock", COUNTER, 8);
    one_field(json, "nvml_ns", "ns", "gpu", GAUGE, 16);
    json_close(json, ']');
    mask(json, "valid", 8 * HEADER_WORDS, 8 * masks);
    mask(json, "fresh", 8 * (HEADER_WORDS + masks), 8 * masks);
    json_open(json, "fields", '[');
    for (int i = 0; i < board->count; i++) {
        const struct field *field = &board->fields[i];
        one_field(json, field->name, field->unit, field->source, field->kind,
                  8 * (HEADER_WORDS + 2 * masks + (uint32_t)i));
    }
    json_close(json, ']');
}

void board_status(struct board *board, struct json *json, uint64_t start_ns)
{
    json_open(json, "fields", '[');
    for (int i = 0; i < board->count; i++) {
        const struct changes *changes = &board->changes[i];
        uint64_t period = board_update_period_ns(board, i);
        json_open(json, NULL, '{');
        json_string(json, "name", board->fields[i].name);
        json_number(json, "changes",
                    (double)atomic_load_explicit(&changes->count, memory_order_relaxed));
        json_number(json, "update_period_ns", period ? (double)period : UNKNOWN);
        json_close(json, '}');
    }
    json_close(json, ']');
    json_open(json, "ended", '[');
    pthread_mutex_lock(&board->endings_lock);
    for (int i = 0; i < board->endings_count; i++) {
        const struct ending *ending = &board->endings[i];
        json_open(json, NULL, '{');
        json_string(json, "series", ending->series);
        json_number(json, "t_ns", (double)ending->at_ns - (double)start_ns);
        json_string(json, "reason", ending->reason);
        json_close(json, '}');
    }
    pthread_mutex_unlock(&board->endings_lock);
    json_close(json, ']');
}
