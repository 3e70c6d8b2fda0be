/*
 * A paced server of event streams. The text of each event is the time at which it was handed to the
 * kernel, so a client's measurements can be compared with what was sent.
 */
#ifndef DYNO_PACE_H
#define DYNO_PACE_H

#include <stddef.h>
#include <stdint.h>

struct pace;

/*
 * Options are lines of "key=value":
 * tokens=N        events in one answer, if the request has no max_tokens (200)
 *   interval_us=N   between two events; 0 sends them as fast as the client reads (20,000)
 *   delay_us=N      from the request to the first event (0)
 * burst=N         events per write (1)
 * port=N          0 takes any free port (0)
 * cert=PATH       use TLS with this certificate (PEM)
 *   key=PATH        and its key (the file of the certificate)
 * Listens on 127.0.0.1. Returns NULL and a message on failure.
 */
struct pace *pace_open(const char *options, char *error, size_t error_bytes);

uint16_t pace_port(const struct pace *pace);

/* Events sent, lateness and CPU time, as JSON. */
int32_t pace_status(struct pace *pace, char *json, uint32_t json_bytes);

void pace_close(struct pace *pace);

#endif
