/*
 * Frames of application/vnd.amazon.eventstream, in which Bedrock streams its answers: the total
 * length, the length of the headers, a checksum of both, the headers, the payload, a checksum of
 * everything. Numbers are big-endian and checksums are CRC-32. An event's data is its payload. If
 * the headers call the event an exception or an error, its data is {"error_type": its kind,
 * "error": its payload}, or, without a payload, {"message": the header's text} as the error.
 */
#ifndef DYNO_FRAMES_H
#define DYNO_FRAMES_H

#include "http/sse.h"

/*
 * Processes the next bytes of a body of frames; calls event for each frame that they complete. An
 * incomplete frame waits in sse->line; a fault is reported in sse->fault.
 */
void frames_push(struct sse *sse, sse_event *event, void *owner, const char *bytes, size_t count);

#endif
