/** From when on a host is said to be unwell while a run goes on. */
import { z } from "zod";

/**
 * Limits above which an alert is given.
 *
 * @internal
 */
export const alertSettings = z.strictObject({
  /** GPU temperature, °C, where the device does not tell from when it slows itself down. */
  gpu_temperature_celsius: z.number().default(90)
    .describe("GPU temperature, where the device does not tell from when it slows itself down"),
  /** Any other sensor, °C; a GPU's memory where the device does not tell its limit. */
  temperature_celsius: z.number().default(95)
    .describe("any other sensor; a GPU's memory where the device does not tell its limit"),
  /** Used share of memory, percent. */
  memory_percent: z.number().default(90).describe("used share of memory"),
  /** Tests without an answer, percent of the finished ones (of ten at least). */
  error_rate_percent: z.number().default(20)
    .describe("tests without an answer, of the finished ones (of ten at least)"),
});
