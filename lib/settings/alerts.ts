/** The thresholds at which a run reports a problem of the host. */
import { z } from "zod";

/**
 * Limits above which an alert is raised.
 *
 * @internal
 */
export const alertSettings = z.strictObject({
  /** GPU temperature, °C, for a device that does not report at what temperature it slows down. */
  gpu_temperature_celsius: z.number().default(90)
    .describe("GPU temperature, where the device does not report at which one it slows down"),
  /** Any other sensor, °C, such as a GPU's memory, when the device does not report its limit. */
  temperature_celsius: z.number().default(95)
    .describe("any other sensor; a GPU's memory where the device does not report its limit"),
  /** Used share of memory, percent. */
  memory_percent: z.number().default(90).describe("used share of memory"),
  /** Tests without an answer, percent of the finished ones (once there are at least ten). */
  error_rate_percent: z.number().default(20)
    .describe("tests without an answer, of the finished ones (of ten at least)"),
});
