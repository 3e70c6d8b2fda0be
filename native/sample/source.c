#include "sample/source.h"

#include <stdarg.h>
#include <stdio.h>

struct source *source_add(struct opening *opening, const char *name, const char *where,
                          enum lane_name lane, uint64_t period_ns)
{
    if (opening->count == SOURCES_MAX) return NULL;
    struct source *source = &opening->sources[opening->count++];
    source->name = name;
    source->where = where;
    source->lane = lane;
    source->board = opening->board;
    atomic_init(&source->period_ns, period_ns);
    return source;
}

void source_note(struct source *source, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(source->note, sizeof source->note, format, arguments);
    va_end(arguments);
}

void source_ready(struct source *source, void *state, void (*read)(struct source *, uint64_t),
                  void (*close)(struct source *))
{
    source->state = state;
    source->read = read;
    source->close = close;
    source->available = true;
    read(source, now_ns());
}
