#include "launch/request.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEAST_ROOM 65536
#define LEAST_TEXTS 4
#define MALFORMED 2

bool requests_read(struct requests *requests, int fd)
{
    if (requests->done > 0) {
        requests->length -= requests->done;
        memmove(requests->bytes, requests->bytes + requests->done, requests->length);
        requests->done = 0;
    }
    if (requests->size - requests->length < LEAST_ROOM) {
        requests->size = 2 * requests->size + LEAST_ROOM;
        requests->bytes = realloc(requests->bytes, requests->size);
        if (!requests->bytes) abort();
    }
    ssize_t got = read(fd, requests->bytes + requests->length, requests->size - requests->length);
    if (got < 0) return errno == EINTR;
    requests->length += (size_t)got;
    return got > 0;
}

/* Points `texts` at `count` texts after `at`; NULL if not all have arrived. */
static char *take_texts(struct requests *requests, char *at, int64_t count)
{
    char *end = requests->bytes + requests->length;
    requests->texts = realloc(requests->texts, ((size_t)count + 1) * sizeof *requests->texts);
    if (!requests->texts) abort();
    for (int64_t i = 0; i < count; i++) {
        char *ended = memchr(at, '\0', (size_t)(end - at));
        if (!ended) return NULL;
        requests->texts[i] = at;
        at = ended + 1;
    }
    requests->texts[count] = NULL;
    return at;
}

bool requests_next(struct requests *requests, struct request *request)
{
    if (requests->done == requests->length) return false;
    char *head = requests->bytes + requests->done;
    char *line_end = memchr(head, '\n', requests->length - requests->done);
    if (!line_end) return false;
    int64_t count = 0;
    *request = (struct request){0};
    *line_end = '\0';
    if (sscanf(head, "stop %" SCNd64, &request->id) == 1) {
        request->stop = true;
    } else if (sscanf(head, "run %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64, &request->id,
                      &request->timeout_ms, &request->memory_bytes, &count) != 4 ||
               count < LEAST_TEXTS) {
        fprintf(stderr, "launch: malformed request: %s\n", head);
        exit(MALFORMED);
    }
    char *end = take_texts(requests, line_end + 1, count);
    if (!end) {
        *line_end = '\n';
        return false;
    }
    request->texts = requests->texts;
    requests->done = (size_t)(end - requests->bytes);
    return true;
}

void requests_free(struct requests *requests)
{
    free(requests->bytes);
    free(requests->texts);
}
