#include "sim/trace.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "sim/memory.h"

#define BUFFER_BYTES (1 << 20)
#define NS_PER_US 1000

struct trace {
    FILE *file;
    const char *path;
    const struct config *config;
    char *buffer;
    bool comma;
};

struct trace *trace_open(const char *path, const struct config *config)
{
    struct trace *trace = memory_new(1, sizeof *trace);
    trace->path = path;
    trace->config = config;
    trace->file = fopen(path, "w");
    if (!trace->file) die("%s: cannot be written: %m", path);
    trace->buffer = memory_new(BUFFER_BYTES, 1);
    setvbuf(trace->file, trace->buffer, _IOFBF, BUFFER_BYTES);
    fputs("[", trace->file);
    return trace;
}

void trace_close(struct trace *trace)
{
    if (!trace) return;
    fputs("\n]\n", trace->file);
    bool bad = ferror(trace->file) != 0;
    if (fclose(trace->file) != 0 || bad) die("%s: cannot be written: %m", trace->path);
    free(trace->buffer);
    free(trace);
}

/*
 * Instant events: the process is a workflow, the thread a node. Times are microseconds with
 * nanosecond digits.
 */
static void begin(struct trace *trace, const char *name, int64_t now, int64_t workflow,
                  uint64_t node)
{
    fprintf(trace->file,
            "%s\n{\"name\":\"%s\",\"ph\":\"i\",\"s\":\"t\",\"ts\":%" PRId64 ".%03d,"
            "\"pid\":%" PRId64 ",\"tid\":%" PRIu64 ",\"args\":{\"workflow\":%" PRId64,
            trace->comma ? "," : "", name, now / NS_PER_US, (int)(now % NS_PER_US), workflow, node,
            workflow);
    trace->comma = true;
}

static void begin_node(struct trace *trace, const char *name, int64_t now,
                       const struct node *node)
{
    begin(trace, name, now, node->workflow->id, node->number);
    fprintf(trace->file,
            ",\"node\":%" PRIu64 ",\"type\":\"%s\",\"iter\":%d,\"pdf\":%d,\"subquery\":%d",
            node->number, NODE_NAMES[node->type], node->iter, node->pdf, node->subquery);
}

static void put_tier(struct trace *trace, const struct tier *tier)
{
    fprintf(trace->file, ",\"provider\":\"%s\",\"tier\":%d",
            trace->config->providers[tier->provider].name, tier->id);
}

static void begin_attempt(struct trace *trace, const char *name, int64_t now,
                          const struct attempt *attempt)
{
    begin_node(trace, name, now, attempt->node);
    put_tier(trace, attempt->tier);
    fprintf(trace->file, ",\"attempt\":%d,\"hedge\":%s", attempt->number,
            attempt->is_hedge ? "true" : "false");
}

static void put_ran(struct trace *trace, int64_t now, const struct attempt *attempt)
{
    fprintf(trace->file, ",\"ran_ms\":%.6f", (double)(now - attempt->started) / NS_PER_MS);
}

static void end(struct trace *trace)
{
    fputs("}}", trace->file);
}

void trace_queued(struct trace *trace, int64_t now, const struct node *node)
{
    if (!trace) return;
    begin_node(trace, "NodeQueued", now, node);
    fprintf(trace->file, ",\"failures\":%d", node->failures);
    end(trace);
}

void trace_start(struct trace *trace, int64_t now, const struct attempt *attempt)
{
    if (!trace) return;
    begin_attempt(trace, "AttemptStart", now, attempt);
    fprintf(trace->file, ",\"cost\":%.9f,\"workflow_cost\":%.9f",
            (double)attempt->tier->config->price / MONEY_UNITS,
            (double)attempt->node->workflow->cost / MONEY_UNITS);
    end(trace);
}

void trace_finish(struct trace *trace, int64_t now, const struct attempt *attempt)
{
    if (!trace) return;
    begin_attempt(trace, "AttemptFinish", now, attempt);
    put_ran(trace, now, attempt);
    end(trace);
}

void trace_fail(struct trace *trace, int64_t now, const struct attempt *attempt)
{
    if (!trace) return;
    begin_attempt(trace, "AttemptFail", now, attempt);
    put_ran(trace, now, attempt);
    fprintf(trace->file, ",\"reason\":\"%s\"",
            attempt->outcome == ATTEMPT_TIMES_OUT ? "timeout" : "error");
    end(trace);
}

void trace_cancel(struct trace *trace, int64_t now, const struct attempt *attempt,
                  const char *reason)
{
    if (!trace) return;
    begin_attempt(trace, "AttemptCancel", now, attempt);
    put_ran(trace, now, attempt);
    fprintf(trace->file, ",\"reason\":\"%s\"", reason);
    end(trace);
}

void trace_hedge(struct trace *trace, int64_t now, const struct attempt *straggler,
                 const struct tier *tier)
{
    if (!trace) return;
    begin_node(trace, "HedgeLaunched", now, straggler->node);
    put_tier(trace, tier);
    fprintf(trace->file, ",\"straggler\":%d", straggler->number);
    put_ran(trace, now, straggler);
    end(trace);
}

void trace_done(struct trace *trace, int64_t now, const struct workflow *workflow,
                const char *reason)
{
    if (!trace) return;
    begin(trace, "WorkflowDone", now, workflow->id, 0);
    fprintf(trace->file,
            ",\"arrived_ms\":%.6f,\"makespan_ms\":%.6f,\"cost\":%.9f,\"failed\":%s,"
            "\"reason\":\"%s\"",
            (double)workflow->arrived / NS_PER_MS, (double)(now - workflow->arrived) / NS_PER_MS,
            (double)workflow->cost / MONEY_UNITS, workflow->failed ? "true" : "false", reason);
    end(trace);
}
