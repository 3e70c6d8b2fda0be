/* agent_sched_sim: simulates how a scheduling policy performs on workflows of model calls. */
#include <inttypes.h>
#include <stdio.h>

#include "sim/config.h"
#include "sim/engine.h"
#include "sim/options.h"
#include "sim/output.h"
#include "sim/trace.h"

#define ERROR_BYTES 1024
#define BAD_ARGUMENTS 2

static const char *yes_no(bool value)
{
    return value ? "true" : "false";
}

static void print_config(const struct options *options)
{
    printf("agent_sched_sim config:\n");
    printf("  workflows=%" PRId64 "\n", options->workflows);
    printf("  pdfs=%" PRId64 "\n", options->pdfs);
    printf("  iters=%" PRId64 "\n", options->iters);
    printf("  subqueries=%" PRId64 "\n", options->subqueries);
    printf("  policy=%s\n", POLICY_TEXTS[options->policy]);
    printf("  seed=%" PRIu64 "\n", options->seed);
    printf("  time_scale=%.15g\n", options->time_scale);
    printf("  out_dir=%s\n", options->out_dir);
    printf("  heavy_tail_prob=%.15g\n", options->heavy_tail_prob);
    printf("  heavy_tail_mult=%.15g\n", options->heavy_tail_mult);
    printf("  enable_model_routing=%s\n", yes_no(options->enable_model_routing));
    printf("  disable_hedging=%s\n", yes_no(options->disable_hedging));
    printf("  disable_escalation=%s\n", yes_no(options->disable_escalation));
    printf("  disable_dag_priority=%s\n", yes_no(options->disable_dag_priority));
    printf("  arrival_rate=%.15g\n", options->arrival_rate);
    printf("  config=%s\n", options->config ? options->config : "");
    printf("  trace=%s\n", options->trace ? "json" : "none");
}

static void print_summary(const struct engine *engine, const struct summary *summary,
                          const struct output *output, const struct options *options)
{
    printf("summary:\n");
    printf("  makespan_mean_ms=%.6f\n", summary->makespan_mean);
    printf("  makespan_p95_ms=%.6f\n", summary->makespan_p95);
    printf("  cost_mean=%.9f\n", summary->cost_mean);
    printf("  failed_workflows=%" PRId64 "\n", engine->failed);
    printf("  live_workflows_peak=%" PRId64 "\n", engine->live_peak);
    printf("  events=%" PRIu64 "\n", engine->events_seen);
    printf("  summary_csv=%s\n", output->summary_path);
    printf("  workflows_csv=%s\n", output->workflows_path);
    printf("  tiers_csv=%s\n", output->tiers_path);
    if (options->trace) printf("  trace_json=%s\n", output->trace_path);
}

static int bad_arguments(const char *error)
{
    fprintf(stderr, "Error: %s\n", error);
    options_usage(stderr);
    return BAD_ARGUMENTS;
}

int main(int count, char **arguments)
{
    static struct config config;
    static struct engine engine;
    static struct output output;
    struct options options;
    char error[ERROR_BYTES];
    if (!options_parse(&options, count, arguments, error, sizeof error))
        return bad_arguments(error);
    if (options.help) {
        options_usage(stdout);
        return 0;
    }
    config_defaults(&config);
    if (options.config && !config_read(&config, options.config, error, sizeof error))
        return bad_arguments(error);
    print_config(&options);
    fflush(stdout);
    output_open(&output, options.out_dir);
    struct trace *trace = options.trace ? trace_open(output.trace_path, &config) : NULL;
    engine_run(&engine, &options, &config, &output, trace);
    trace_close(trace);
    output_tiers(&output, engine.providers, config.provider_count, engine.now);
    struct summary summary = output_close(&output);
    print_summary(&engine, &summary, &output, &options);
    engine_close(&engine);
    return fflush(stdout) == 0 ? 0 : 1;
}
