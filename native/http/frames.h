/*
 * Frames of application/vnd.amazon.eventstream, as Bedrock streams its answers: a length of all, one
 * of the headers, their checksum, headers, a payload, a checksum of all; numbers are big-endian and
 * the checksums CRC-32. An event's data is its payload; that of one that its headers call an exception
 * or an error is {"error_type": its kind, "error": its payload}, of one without a payload
 * {"message": its header's words}.
 */
#ifndef DYNO_FRAMES_H
#define DYNO_FRAMES_H

#include "http/sse.h"

/* Takes the next bytes of a body of frames; calls event for each that they complete. The beginning of
 * one waits in sse->line; what is wrong is in sse->fault. */
void frames_push(struct sse *sse, sse_event *event, void *owner, const char *bytes, size_t count);

#endif
