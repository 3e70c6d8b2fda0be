/*
 * The board holds the last value of every field. Each field is written by one thread; the sampling
 * thread copies the whole board into a record. A record is words of 8 bytes:
 *   t_ns, tick, nvml_ns   doubles
 *   valid, fresh          one bit a field, each rounded up to whole words
 *   values                one double a field, NaN where unknown
 */
#ifndef DYNO_BOARD_H
#define DYNO_BOARD_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

#define UNKNOWN ((double)NAN)
#define FIELDS_MAX 8192

enum kind { GAUGE, COUNTER };

struct board;

struct board *board_new(void);
void board_free(struct board *board);

/* Adds a field, before the first snapshot; a name already taken gets a number. -1 when full. */
__attribute__((format(printf, 5, 6))) int board_add(struct board *board, const char *source,
                                                    const char *unit, enum kind kind,
                                                    const char *name, ...);

/* Writes a value read at now_ns and keeps count of how often it changes. Field -1 is nowhere. */
void board_put(struct board *board, int field, double value, uint64_t now_ns);

/* The median time between the first changes of a field; 0 until there were two. */
uint64_t board_update_period_ns(const struct board *board, int field);

/* Notes that a series came to its end, once a series. Any thread. */
void board_end_series(struct board *board, const char *series, const char *reason,
                      uint64_t now_ns);

uint32_t board_record_bytes(const struct board *board);

/* Fills a record. Fresh: the value differs from the one in the record before. One thread only. */
void board_snapshot(struct board *board, void *record, double t_ns, double tick, double nvml_ns);

/* The header and the fields of a record, into an open object. */
void board_layout(const struct board *board, struct json *json);

/* Changes and update period of each field, and the series that ended, into an open object. */
void board_status(struct board *board, struct json *json, uint64_t start_ns);

#endif
