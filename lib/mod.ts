/**
 * What dyno's commands are made of, as a library.
 *
 * A suite or a load needs what to do and where; every result is saved under `out` as it comes.
 *
 * @example
 * ```ts
 * import { runLoad, runSuite } from "@dyno/dyno";
 *
 * const endpoint = "http://127.0.0.1:8000/v1";
 * const load = await runLoad({ endpoint, concurrency: 16, duration: "60s" });
 * const run = await runSuite({ suite: "suite.json", endpoint, model: "my-model" });
 * console.log(load.results.total.requests_per_s, run.results.aggregate.avg_hit_rate);
 * ```
 * @module
 */
export { InputError, isFault } from "./errors.ts";
export { CancelledError } from "./execute/scope.ts";
export { clockAnchor, nowNs } from "./native/clock.ts";
export type { ClockAnchor } from "./native/clock.ts";

export { loadSuite, parseSuite } from "./settings/load_suite.ts";
export { openSuite } from "./suite/open_suite.ts";
export type { LoadedSuite } from "./settings/load_suite.ts";
export type { EvaluatorChoice, Message, Suite, TestCase } from "./settings/suite.ts";

export { configureApi } from "./endpoint/api.ts";
export { detectApiType } from "./endpoint/api_type.ts";
export type { APIConfiguration, ApiOptions } from "./endpoint/api.ts";
export type { ApiType } from "./endpoint/forms/forms.ts";
export { EndpointClient } from "./endpoint/client.ts";
export type { ClientReply, FailedAttempt } from "./endpoint/client.ts";
export { EndpointError } from "./endpoint/errors.ts";
export type { FailureClass } from "./endpoint/errors.ts";
export { openTransport } from "./endpoint/open_transport.ts";
export type { HttpExchange, HttpRequest, Transport } from "./endpoint/transport.ts";

export { runSuite } from "./suite/run_suite.ts";
export type { SuiteGiven, SuiteRun, SuiteRunOptions } from "./suite/run_suite.ts";
export { testIdsByCategory } from "./suite/selection.ts";
export { readResults } from "./suite/resume.ts";
export type { CategoryHandler } from "./suite/execution.ts";
export type {
  Answer,
  Evaluator,
  EvaluatorReturn,
  Judgement,
  OptionsForm,
} from "./suite/evaluator.ts";
export type { ExecutionProgress } from "./suite/progress.ts";
export type { Aggregate, ResultItem, SuiteResults } from "./suite/results.ts";

export { planLoad } from "./load/plan_load.ts";
export type { LoadPlan } from "./load/plan_load.ts";
export type { Counting } from "./load/questions.ts";
export type { TokenCounter } from "./load/prompts/tokenizer.ts";
export type { LoadRunOptions } from "./load/run_load.ts";
export { measureLoad, preflight, runLoad, runLoads } from "./load/run_loads.ts";
export type { LoadGiven, LoadsProgress } from "./load/run_loads.ts";
export type { LoadsOptions } from "./load/loads_options.ts";
export type { CapacityObjective } from "./load/capacity_objectives.ts";
export { findLoadCapacity } from "./load/capacity.ts";
export type {
  Capacity,
  CapacityPlan,
  CapacityProbe,
  CurvePoint,
  LoadCapacity,
  LoadCapacitySearch,
} from "./load/capacity.ts";
export type { LiveFigures, LiveLatency } from "./load/live_load.ts";
export type { LoadProgress } from "./load/time_left.ts";
export { resumeLoad } from "./load/resume.ts";
export type { LoadRun } from "./load/conclude_run.ts";
export type { LoadResults, ShardResults, StageResults } from "./load/results.ts";
export type { LoadShare } from "./load/share.ts";
export { localShards } from "./load/shards/local.ts";
export { slurmShards } from "./load/shards/slurm.ts";
export { kubernetesShards } from "./load/shards/kubernetes.ts";
export type { KubernetesRequest } from "./load/shards/kubernetes.ts";
export type { PodRequest } from "./load/shards/job_manifest.ts";
export type { SlurmRequest } from "./execute/slurm.ts";
export type { LoadSpread, ShardExecutor, ShardJob, ShardWork } from "./load/shards/executor.ts";
export type { LoadSettings, LoadStageSettings } from "./settings/load.ts";
export type { LoadExperiment } from "./settings/load_experiment.ts";
export { writeLoadReport } from "./report/load/load_report.ts";

export { loadProblems, selectRange } from "./coding/problems/load_problems.ts";
export type {
  Problem,
  ProblemLanguage,
  ProgramTests,
  PythonTests,
} from "./coding/problems/problem.ts";
export { extractCode } from "./coding/extract/extract_code.ts";
export { runCoding } from "./coding/run_coding.ts";
export type { CodingRun, CodingRunOptions } from "./coding/run_coding.ts";
export { Sandbox } from "./coding/sandbox/sandbox.ts";
export type { Outcome, Program } from "./coding/sandbox/outcome.ts";

export { energiesOver, energyOver, idlePower, shareEnergy } from "./hardware/energy.ts";
export type { Energy, EnergyUser } from "./hardware/energy.ts";
export { startSampler } from "./hardware/sampler.ts";
export type { Sampler } from "./hardware/sampler.ts";
export { collectSweep } from "./sweep/collect.ts";
export { sweepConfigOf } from "./sweep/config.ts";
export { runSweep } from "./sweep/run_sweep.ts";
export { writeSweepReport } from "./report/sweep/sweep_report.ts";
export { withRunIndex } from "./run/index.ts";
export type { IndexedRun, RunIndex } from "./run/index.ts";
export type { RunFilter } from "./run/index_filter.ts";
export { EXPORT_FORMS, exportAs } from "./formats/export_as.ts";
export { importRuns } from "./formats/import_runs.ts";
export type { ImportedRun, ImportOptions, ImportReport } from "./formats/import_runs.ts";
export { readRunDirectory } from "./run/read_run.ts";
export { editTags } from "./run/tags.ts";
export type { ReadRun, RunItem, RunSummary, SourceForm } from "./run/summary.ts";
export { uploadFolder } from "./upload/upload.ts";
export type { UploadOptions, UploadProgress, UploadResult } from "./upload/upload.ts";
export { compareRuns } from "./compare/compare.ts";
export type { ComparedRun, RunComparison } from "./compare/compare.ts";
export { checkPaired, gateResult } from "./compare/gate.ts";
export type { GateCheck, GateResult } from "./compare/gate.ts";
export { readGateSide, runGate } from "./compare/gate_sides.ts";
export type { GateQuestions, GateSide } from "./compare/gate_sides.ts";
export type { LoadSample, ReadGaps } from "./compare/load_sample.ts";
export type { TurnFigures } from "./load/by_turn.ts";
export type { GapsOf } from "./load/rates.ts";
export { Budget, BudgetSpentError } from "./run/budget.ts";
export type { BudgetLimits, Reservation, Spent } from "./run/budget.ts";
export { loadBatch } from "./settings/batch.ts";
export { openBatch } from "./schedule/open_batch.ts";
export type { BatchOpening, OpenBatch } from "./schedule/open_batch.ts";
export { runBatch } from "./schedule/run_batch.ts";
export type { BatchRunOptions, SlotOutcome } from "./schedule/run_batch.ts";
export type { BatchClock } from "./schedule/clock.ts";
export type { BatchFolder } from "./schedule/folder.ts";
export type { SlotParts } from "./schedule/run_slot.ts";
export type { Slot } from "./schedule/slots.ts";
export type { BatchSession } from "./schedule/session.ts";
export type { BatchState, SlotState } from "./schedule/state.ts";
export type { BatchUpload } from "./schedule/upload.ts";
export type { Batch, BatchModel, BatchQuestion, IndustryQuestion } from "./settings/batch.ts";
export { MockEndpoint } from "./mock/server.ts";
export { perfettoTrace } from "./report/perfetto.ts";
export { writeComparedReport } from "./report/compare/compared_report.ts";
export { writeSuiteReport } from "./report/suite/suite_report.ts";

// Types that the signatures above name.
export type { MetricComparison, PairedMetric } from "./compare/compare.ts";
export type { GateVerdict, Tolerance } from "./compare/gate.ts";
export type { Reply, TokenSource } from "./endpoint/answer.ts";
export type { JsonObject } from "./json_fields.ts";
export { latencies } from "./endpoint/latency.ts";
export type { Latencies, Stamps, TokenStamps } from "./endpoint/latency.ts";
export type { UsageDetails } from "./endpoint/usage.ts";
export type { Question } from "./endpoint/question.ts";
export type { Media } from "./endpoint/said.ts";
export type { ReadPaths, RequestTemplate } from "./settings/request_template.ts";
export type { ExchangeListener, TransportStatus } from "./endpoint/transport.ts";
export type { JsonFile } from "./settings/json_file.ts";
export type { IdlePower } from "./hardware/energy.ts";
export type { HealthThresholds } from "./hardware/health.ts";
export type { SamplerOptions } from "./hardware/sampler.ts";
export type { SamplesDescription } from "./hardware/samples.ts";
export type { FieldIndex, Series } from "./hardware/series.ts";
export type { ArrivalPattern } from "./load/arrival.ts";
export type { PromptSource } from "./load/prompts/prompts.ts";
export type { LaterStep, LoadPrompt, LoadQuestion } from "./load/prompts/session.ts";
export type { MediaFigures, Metric } from "./load/results.ts";
export type { ServerMetricsSummary } from "./load/server/server_summary.ts";
export type { Slo, SloMetric } from "./load/slo.ts";
export type { LoadStage } from "./load/stages.ts";
export type { CalibrationCited, ClientCost, Verdict } from "./load/verdict.ts";
export type { Window } from "./load/window.ts";
export type { ErrorMode } from "./mock/faults/error_mode.ts";
export type { ParsedRequest } from "./mock/http_request.ts";
export type { MockBehaviour } from "./mock/behaviour.ts";
export type { MockRequest } from "./mock/server.ts";
export type { ClockSource } from "./native/clock.ts";
export type {
  SampleField,
  SampleMask,
  SamplerLayout,
  SampleSource,
} from "./native/sample_batch.ts";
export type { SweepReport } from "./report/sweep/sweep_report.ts";
export type { RunDirectory } from "./run/directory.ts";
export type { RunOutcomes } from "./run/index.ts";
export type { Attempt, Tried } from "./run/attempt.ts";
export type { CodingEvent } from "./run/events.ts";
export type {
  BatchEvent,
  BatchRecord,
  BatchStart,
  PendingRun,
  Rehearsal,
  SlotTimes,
  Timeliness,
} from "./run/batch_events.ts";
export { PriceTable } from "./run/prices.ts";
export type { Price } from "./run/prices.ts";
export type { RunReading } from "./run/read_run.ts";
export type { ExportedFile } from "./formats/exported_file.ts";
export type { Estimate } from "./stats/interval.ts";
export type { BlockedSample } from "./stats/quantile_difference.ts";
export type { Distribution } from "./stats/quantile.ts";
export type { CodingSettings, Mode } from "./coding/problems_suite.ts";
export type {
  BenchmarkSummary,
  CodingStatistics,
  ExperimentResult,
  ModeSummary,
  SummaryStats,
} from "./coding/summary.ts";
export type { DeviceEnergy } from "./suite/results.ts";
export type { RunEnergy } from "./suite/results.ts";
export type { HandlerContext, Listeners } from "./suite/execution.ts";
export type { CodeProblem, CodeReply, ExtractedCode } from "./coding/extract/extract_code.ts";
export type { CategorySummary, SuiteStatistics } from "./suite/results.ts";
export type { CommandProgram } from "./coding/sandbox/command_trial.ts";
export type { OutcomeClass } from "./coding/sandbox/outcome.ts";
export type { Selection } from "./suite/selection.ts";
export type { CollectSummary } from "./sweep/collect.ts";
export type { Ablation, SweepConfig } from "./sweep/sweep.ts";
export type { SweepStop } from "./sweep/executor.ts";
export type { Exact, Float } from "./sweep/exact_json.ts";
export type { JobKind } from "./sweep/sweep.ts";
export type { RunOutcome } from "./sweep/run_one.ts";
export type { SweepOptions, SweepPlan, SweepProgress, SweepSummary } from "./sweep/run_sweep.ts";
export type {
  CodingOutcome,
  ErrorClass,
  Evaluation,
  ResultTiming,
  TestResult,
} from "./run/test_result.ts";
export type {
  ClientReading,
  DriveProgress,
  RequestRecord,
  ServerMetricsReading,
} from "./run/request_record.ts";
export type { Checks } from "./run/attempt.ts";
export type { PerformanceMetrics } from "./hardware/performance.ts";

// The schemas that those types are made of.
export { apiOptionsSchema } from "./endpoint/api.ts";
export { batchModelSchema, batchSchema, questionsSchema } from "./settings/batch.ts";
export { priceSchema } from "./run/prices.ts";
export { loadSettingsSchema, loadStageSchema } from "./settings/load.ts";
export { alertSettings } from "./settings/alerts.ts";
export { sweepSettings } from "./settings/sweep.ts";
export { evaluatorSchema, messageSchema, suiteSchema, testSchema } from "./settings/suite.ts";
export type { InputOf, OutputOf } from "./settings/setting.ts";
export type { Turnover } from "./load/rates.ts";
export type { SampledGpu } from "./hardware/samples.ts";
export type { GpuDescription } from "./native/nvml.ts";
export type { OutcomeItem } from "./run/index.ts";
export type { ModeFigures } from "./run/problems.ts";
export type { ToldError } from "./errors.ts";
export type { RequestOver } from "./endpoint/client.ts";
export type { AnswerTokens } from "./mock/answer.ts";
export type { Books, LedgerTotals } from "./run/ledger_totals.ts";
export type { Asker, LedgerEntry, PriceRow, TokenCounts } from "./run/ledger_entry.ts";
export type { Spending } from "./run/summary.ts";
export type { KeyOrigin } from "./endpoint/key_origins.ts";
export type { AskModel, ModelChoice, ModelQuestion } from "./suite/evaluator.ts";
export type { JudgedStatement, Statement } from "./load/statement.ts";
export type { ExportableRun } from "./formats/exported_file.ts";
export type { StatedFigures } from "./run/summary.ts";
export type { EpochStatistics } from "./suite/epochs.ts";
export type { TimedAnswer, Vote } from "./run/test_result.ts";
export type { Balance } from "./settings/endpoint.ts";
export type { TlsSettings } from "./endpoint/tls.ts";
export type { WireConnection } from "./native/wire.ts";
export type { EndpointSummary } from "./suite/results.ts";
export type { Cancellation } from "./load/cancel.ts";
export type { ProbeFigures } from "./load/probes.ts";
export type { RecordedPages } from "./load/telemetry/telemetry.ts";
export type { ModelSpending } from "./run/summary.ts";
export { EventSpan } from "./endpoint/event_span.ts";
export type { Cut } from "./load/cancel.ts";
export type { TelemetryFigure } from "./load/telemetry/telemetry.ts";
export type { PageCount } from "./run/request_record.ts";
