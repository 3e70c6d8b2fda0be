/* trace.json: every decision as it is made, an array that trace viewers can open directly. */
#ifndef SIM_TRACE_H
#define SIM_TRACE_H

#include <stdint.h>
#include <stdio.h>

#include "sim/attempt.h"
#include "sim/workflow.h"

/* Writes nothing if the trace is NULL, here and below. */
struct trace;

struct trace *trace_open(const char *path, const struct config *config);
void trace_close(struct trace *trace);

void trace_queued(struct trace *trace, int64_t now, const struct node *node);
void trace_start(struct trace *trace, int64_t now, const struct attempt *attempt);
void trace_finish(struct trace *trace, int64_t now, const struct attempt *attempt);
void trace_fail(struct trace *trace, int64_t now, const struct attempt *attempt);
void trace_cancel(struct trace *trace, int64_t now, const struct attempt *attempt,
                  const char *reason);
void trace_hedge(struct trace *trace, int64_t now, const struct attempt *straggler,
                 const struct tier *tier);
void trace_done(struct trace *trace, int64_t now, const struct workflow *workflow,
                const char *reason);

#endif
