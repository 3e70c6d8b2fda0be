/*
 * A source reads one file, sensor or device and writes its fields to the board. It belongs to one
 * thread: the fast one (read for each record, cheap reads of /proc), the slow one (sensors that may
 * call the firmware) or the GPU's (NVML, whose calls can block for milliseconds).
 */
#ifndef DYNO_SOURCE_H
#define DYNO_SOURCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "sample/board.h"
#include "sample/options.h"

#define SOURCES_MAX 24

enum lane_name { LANE_FAST, LANE_SLOW, LANE_GPU, LANES };

struct source {
    const char *name;  /* as in the option metrics */
    const char *where; /* the file or library that is read */
    enum lane_name lane;
    struct board *board;
    _Atomic uint64_t period_ns; /* 0: every tick of its thread */
    uint64_t due_ns;
    bool available;
    char note[240]; /* why it is missing, or what it lacks; "" when all is well */
    void *state;
    void (*read)(struct source *source, uint64_t now_ns);
    void (*close)(struct source *source);
    _Atomic uint64_t reads;
    _Atomic uint64_t read_ns; /* spent in all reads */
};

/* The arguments of an opening function: the options, and where to put its sources. */
struct opening {
    const struct options *options;
    struct board *board;
    struct source *sources;
    int count;
};

/* Adds a source, which is unavailable until it has a read function. NULL if there are too many. */
struct source *source_add(struct opening *opening, const char *name, const char *where,
                          enum lane_name lane, uint64_t period_ns);

/* Sets the note that says why a source is missing, or what it lacks. */
__attribute__((format(printf, 2, 3))) void source_note(struct source *source, const char *format,
                                                       ...);

/* Sets a source's functions and reads it once, so that the first record is complete. */
void source_ready(struct source *source, void *state, void (*read)(struct source *, uint64_t),
                  void (*close)(struct source *));

/* Each of these adds the sources of its metrics that the options ask for. */
void cpu_open(struct opening *opening);
void memory_open(struct opening *opening);
void pressure_open(struct opening *opening);
void disk_open(struct opening *opening);
void network_open(struct opening *opening);
void frequency_open(struct opening *opening);
void temperature_open(struct opening *opening);
void rapl_open(struct opening *opening);
void process_open(struct opening *opening);
void cgroup_open(struct opening *opening);
void gpu_open(struct opening *opening);

#endif
