/** Whether to send telemetry to OpenTelemetry. A small file, as every command loads it. */
import process from "node:process";

/**
 * Returns whether the environment requests OpenTelemetry, and why nothing would be sent; null for
 * no problem.
 */
export function telemetryAsked(env: Record<string, string | undefined> = process.env): {
  asked: boolean;
  problem: string | null;
} {
  if (env.OTEL_SDK_DISABLED === "true") return { asked: false, problem: null };
  const exporter = env.OTEL_DENO === "true" || env.OTEL_DENO === "1";
  const endpoint = Object.keys(env).some((name) => /^OTEL_EXPORTER_OTLP_.*ENDPOINT$/.test(name));
  const needsDeno = process.versions.deno !== undefined && endpoint && !exporter;
  return {
    asked: exporter || endpoint,
    problem: needsDeno
      ? "OTEL_EXPORTER_OTLP_ENDPOINT is set, but Deno sends nothing without OTEL_DENO=true"
      : null,
  };
}
