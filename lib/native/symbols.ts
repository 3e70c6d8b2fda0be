/**
 * libdyno's exported functions, as both runtimes need them. Only numbers and buffers cross the
 * bridge, and a buffer is used only during the call: native threads never write to JavaScript's
 * memory.
 */

/** The types that a native function can receive or return. */
export type NativeType = "i32" | "u32" | "buffer";

/** The signature of one native function. */
export interface NativeSignature {
  readonly parameters: readonly NativeType[];
  readonly result: "i32" | "u32";
  /** The call may block, so it runs on another thread and returns a promise. */
  readonly nonblocking?: true;
}

/** The ABI that these signatures belong to: `DYNO_ABI` in native/dyno.h. */
export const ABI = 4;

/** The functions of native/dyno.h, which documents their arguments. */
export const SYMBOLS = {
  dyno_abi: { parameters: [], result: "u32" },
  dyno_sampler_open: { parameters: ["buffer", "buffer", "u32"], result: "i32" },
  dyno_sampler_layout: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  dyno_sampler_start: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  dyno_sampler_drain: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  dyno_sampler_status: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  dyno_sampler_stop: { parameters: ["i32"], result: "i32" },
  dyno_sampler_close: { parameters: ["i32"], result: "i32" },
  dyno_nvml_open: { parameters: ["buffer", "buffer", "u32"], result: "i32" },
  dyno_nvml_describe: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  dyno_nvml_read: { parameters: ["i32", "u32", "buffer", "buffer", "u32"], result: "i32" },
  dyno_nvml_probe: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  dyno_nvml_processes: { parameters: ["i32", "u32", "buffer", "u32"], result: "i32" },
  dyno_nvml_error: { parameters: ["i32", "i32", "buffer", "u32"], result: "i32" },
  dyno_nvml_close: { parameters: ["i32"], result: "i32" },
  dyno_wire_open: { parameters: ["buffer", "buffer", "u32"], result: "i32" },
  dyno_tls_library: { parameters: ["buffer", "u32"], result: "i32" },
  dyno_wire_target: { parameters: ["i32", "buffer", "buffer", "u32"], result: "i32" },
  dyno_wire_send: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  dyno_wire_cancel: { parameters: ["i32", "u32"], result: "i32" },
  dyno_wire_withdraw: { parameters: ["i32"], result: "i32" },
  dyno_wire_limit: { parameters: ["i32", "u32"], result: "i32" },
  dyno_wire_wait: { parameters: ["i32", "u32", "u32"], result: "i32", nonblocking: true },
  dyno_wire_drain: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  dyno_wire_status: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  dyno_wire_stop: { parameters: ["i32"], result: "i32" },
  dyno_wire_close: { parameters: ["i32"], result: "i32" },
  dyno_pace_open: { parameters: ["buffer", "buffer", "u32"], result: "i32" },
  dyno_pace_status: { parameters: ["buffer", "u32"], result: "i32" },
  dyno_pace_close: { parameters: [], result: "i32" },
} as const satisfies Record<string, NativeSignature>;

type Argument<T> = T extends "buffer" ? ArrayBufferView<ArrayBuffer> : number;
type Arguments<P extends readonly NativeType[]> = { -readonly [I in keyof P]: Argument<P[I]> };

/** The functions, ready to be called. */
export type NativeCalls = {
  readonly [Name in keyof typeof SYMBOLS]: (
    ...parameters: Arguments<(typeof SYMBOLS)[Name]["parameters"]>
  ) => (typeof SYMBOLS)[Name] extends { nonblocking: true } ? Promise<number> : number;
};
