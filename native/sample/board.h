/*
 * The board holds the last value of every field. Each field is written by one thread; the sampling
 * thread copies the whole board into a record. A record is words of 8 bytes:
 *   t_ns, tick, nvml_ns   doubles
 * valid, fresh          one bit per field, each rounded up to whole words
 * values                one double per field, NaN if unknown
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

/*
 * Adds a field, before the first snapshot. A number is appended to a name that is taken. -1 when
 * full.
 */
__attribute__((format(printf, 5, 6))) int board_add(struct board *board, const char *source,
                                                    const char *unit, enum kind kind,
                                                    const char *name, ...);

/* Writes a value read at now_ns and counts how often it changes. Field -1 is ignored. */
void board_put(struct board *board, int field, double value, uint64_t now_ns);

/* The median time between the first changes of a field; 0 until there are two. */
uint64_t board_update_period_ns(const struct board *board, int field);

/* Records that a series has ended, once per series. Any thread may call it. */
void board_end_series(struct board *board, const char *series, const char *reason,
                      uint64_t now_ns);

uint32_t board_record_bytes(const struct board *board);

/*
 * Fills a record. Fresh: the value differs from the previous record's. Only one thread may call it.
 */
void board_snapshot(struct board *board, void *record, double t_ns, double tick, double nvml_ns);

/* Writes the header and the fields of a record into an open object. */
void board_layout(const struct board *board, struct json *json);

/* Writes each field's changes and update period, and the ended series, into an open object. */
void board_status(struct board *board, struct json *json, uint64_t start_ns);

#endif
