/* How a thread that must be on time is scheduled. */
#ifndef DYNO_SCHEDULE_H
#define DYNO_SCHEDULE_H

#include <stdint.h>

enum scheduling { SCHEDULING_NONE, SCHEDULING_FIFO, SCHEDULING_NICE, SCHEDULING_NORMAL };

/* Asks for the best that this process may have: the real-time class, else a high priority. */
enum scheduling schedule_self(void);

/* "fifo", "nice", "normal"; "" before a thread has asked. */
const char *scheduling_name(enum scheduling scheduling);

#endif
