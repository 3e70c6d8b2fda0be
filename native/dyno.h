/*
 * libdyno: the functions that JavaScript may call. Every argument is a number or a caller's buffer
 * that is used only during the call: threads write to native memory, and the caller copies data out
 * of it.
 *
 * Samplers, NVML sessions and wires are identified by small positive numbers. A negative result is an
 * error: a negated errno. Calls that return text write a NUL-terminated string and return the
 * number of bytes it needs, including the NUL. If that is more than the buffer holds, the text was
 * cut: call again with a larger buffer.
 */
#ifndef DYNO_H
#define DYNO_H

#include <stdint.h>

/* Increase this when an exported function, an option or the format of a text changes. */
#define DYNO_ABI 4

#define DYNO_EXPORT __attribute__((visibility("default")))

DYNO_EXPORT uint32_t dyno_abi(void);

/*
 * Opens a sampler with its sources, fields and ring, but starts no thread. Options are lines of
 * "key=value":
 *   rate_hz=1..10000          records per second (100)
 *   metrics=cpu,memory,…      source names (all but gpm); see sample/source.h
 *   pids=1,2                  processes whose own CPU time and memory to follow
 *   root=PATH                 folder that stands for / (tests)
 *   nvml=PATH                 NVML library (environment DYNO_NVML, else libnvidia-ml.so.1)
 *   gpu_hz=1..1000            polls per second of the GPU's fast counters (from its update period)
 *   ring_records=N            capacity of the ring (two seconds' worth, at least 1,024)
 * Returns the sampler, or a negative errno with a message in error.
 */
DYNO_EXPORT int32_t dyno_sampler_open(const char *options, char *error, uint32_t error_bytes);

/* The record's layout and what each source offers, as JSON. It does not change after open. */
DYNO_EXPORT int32_t dyno_sampler_layout(int32_t sampler, char *json, uint32_t json_bytes);

/* Starts the threads. A sampler can be started only once. */
DYNO_EXPORT int32_t dyno_sampler_start(int32_t sampler, char *error, uint32_t error_bytes);

/* Copies out as many whole records as fit, oldest first. Returns their count. */
DYNO_EXPORT int32_t dyno_sampler_drain(int32_t sampler, void *records, uint32_t bytes);

/* Counts, costs, scheduling, update periods and ended series so far, as JSON. */
DYNO_EXPORT int32_t dyno_sampler_status(int32_t sampler, char *json, uint32_t json_bytes);

/* Stops the threads. Records left in the ring can still be drained. */
DYNO_EXPORT int32_t dyno_sampler_stop(int32_t sampler);

/* Stops the sampler and frees it. */
DYNO_EXPORT int32_t dyno_sampler_close(int32_t sampler);

/* Opens NVML; an empty path means the environment's DYNO_NVML, else libnvidia-ml.so.1. */
DYNO_EXPORT int32_t dyno_nvml_open(const char *path, char *error, uint32_t error_bytes);

/* Driver, devices and the metrics that each device offers, as JSON. */
DYNO_EXPORT int32_t dyno_nvml_describe(int32_t nvml, char *json, uint32_t json_bytes);

/*
 * Reads every metric of one device now, in the order of the description's "metrics": a value (NaN
 * where it could not be read) and NVML's return code for it. Returns the number written.
 */
DYNO_EXPORT int32_t dyno_nvml_read(int32_t nvml, uint32_t gpu, double *values, int32_t *codes,
                                   uint32_t count);

/*
 * Calls every NVML function once, including GPM, and returns each answer as JSON: device, call,
 * code, name of the code, value, type, microseconds. Takes a fraction of a second per device.
 */
DYNO_EXPORT int32_t dyno_nvml_probe(int32_t nvml, char *json, uint32_t json_bytes);

/* The compute processes on one device and their memory, as JSON. */
DYNO_EXPORT int32_t dyno_nvml_processes(int32_t nvml, uint32_t gpu, char *json,
                                        uint32_t json_bytes);

/* NVML's text for a return code. */
DYNO_EXPORT int32_t dyno_nvml_error(int32_t nvml, int32_t code, char *text, uint32_t text_bytes);

DYNO_EXPORT int32_t dyno_nvml_close(int32_t nvml);

/* The wire: an HTTP/1.1 client in a thread; options, requests and records as in http/wire/wire.h. */
DYNO_EXPORT int32_t dyno_wire_open(const char *options, char *error, uint32_t error_bytes);

/* Adds a place to connect to, from lines as in http/wire/wire.h. Returns its number. */
DYNO_EXPORT int32_t dyno_wire_target(int32_t wire, const char *lines, char *error,
                                     uint32_t error_bytes);

/*
 * The name and version of the OpenSSL that is used for TLS (environment DYNO_OPENSSL, else
 * libssl.so.3 or libssl.so.1.1). Negative, with the reason, if none was found: only plain HTTP is
 * possible then.
 */
DYNO_EXPORT int32_t dyno_tls_library(char *text, uint32_t text_bytes);

/* Queues a struct wire_request, which is followed by the bytes of the HTTP request. */
DYNO_EXPORT int32_t dyno_wire_send(int32_t wire, const void *request, uint32_t bytes);
DYNO_EXPORT int32_t dyno_wire_cancel(int32_t wire, uint32_t request);
DYNO_EXPORT int32_t dyno_wire_withdraw(int32_t wire);
DYNO_EXPORT int32_t dyno_wire_limit(int32_t wire, uint32_t in_flight);

/* Waits for records. This is the only call that blocks, so do not make it on the main thread. */
DYNO_EXPORT int32_t dyno_wire_wait(int32_t wire, uint32_t timeout_ms, uint32_t settle_us);

/*
 * Copies whole records out. Returns their bytes, or the negated size of the first one if it does
 * not fit.
 */
DYNO_EXPORT int32_t dyno_wire_drain(int32_t wire, void *records, uint32_t bytes);

DYNO_EXPORT int32_t dyno_wire_status(int32_t wire, char *json, uint32_t json_bytes);

/* Stops the thread, closes every connection and wakes any waiting caller. */
DYNO_EXPORT int32_t dyno_wire_stop(int32_t wire);

/* Stops the wire and frees it. No thread may be waiting on it. */
DYNO_EXPORT int32_t dyno_wire_close(int32_t wire);

/*
 * Starts a paced server of event streams in a thread; options as in pace/pace.h. Returns its port.
 * Only one can run at a time.
 */
DYNO_EXPORT int32_t dyno_pace_open(const char *options, char *error, uint32_t error_bytes);
DYNO_EXPORT int32_t dyno_pace_status(char *json, uint32_t json_bytes);
DYNO_EXPORT int32_t dyno_pace_close(void);

#endif
