#include "http/frames.h"

#include <stdint.h>
#include <string.h>

#define PRELUDE_BYTES 12 /* two lengths and their checksum */
#define SUM_BYTES 4
#define TEXT 7 /* a header's type; all headers that are read have it */

static uint32_t number_at(const char *bytes)
{
    const unsigned char *b = (const unsigned char *)bytes;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* CRC-32 of IEEE 802.3, half a byte at a time. */
static uint32_t checksum(const char *bytes, size_t count)
{
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    uint32_t sum = UINT32_MAX;
    for (size_t i = 0; i < count; i++) {
        sum ^= (unsigned char)bytes[i];
        sum = table[sum & 15] ^ sum >> 4;
        sum = table[sum & 15] ^ sum >> 4;
    }
    return ~sum;
}

struct part {
    const char *bytes;
    size_t count;
};

/* The value of a named header; empty if the headers are malformed. */
static struct part header(const char *at, const char *end, const char *name)
{
    static const unsigned char sizes[] = {0, 0, 1, 2, 4, 8, 0, 0, 8, 16};
    struct part none = {NULL, 0};
    while (at < end) {
        size_t name_bytes = (unsigned char)*at++;
        if ((size_t)(end - at) < name_bytes + 1) return none;
        bool found = name_bytes == strlen(name) && memcmp(at, name, name_bytes) == 0;
        at += name_bytes;
        unsigned char type = (unsigned char)*at++;
        if (type >= sizeof sizes) return none;
        size_t bytes = sizes[type];
        if (type == 6 || type == TEXT) {
            if (end - at < 2) return none;
            bytes = (size_t)(unsigned char)at[0] << 8 | (unsigned char)at[1];
            at += 2;
        }
        if ((size_t)(end - at) < bytes) return none;
        if (found && type == TEXT) return (struct part){at, bytes};
        at += bytes;
    }
    return none;
}

static bool is(struct part part, const char *word)
{
    return part.count == strlen(word) && memcmp(part.bytes, word, part.count) == 0;
}

static void add(struct sse *sse, const char *bytes, size_t count)
{
    if (!sse->fault) sse_append(sse, &sse->data, bytes, count);
}

static void tell(struct sse *sse, sse_event *event, void *owner, const char *frame, size_t total)
{
    size_t headers_bytes = number_at(frame + 4);
    const char *headers = frame + PRELUDE_BYTES, *payload = headers + headers_bytes;
    size_t count = total - PRELUDE_BYTES - headers_bytes - SUM_BYTES;
    struct part type = header(headers, payload, ":message-type");
    bool error = is(type, "exception") || is(type, "error");
    if (!error) {
        if (count > 0) event(owner, payload, count, false);
        return;
    }
    struct part kind = header(headers, payload, ":exception-type");
    if (!kind.bytes) kind = header(headers, payload, ":error-code");
    sse->data.count = 0;
    add(sse, "{\"error_type\":\"", 15);
    /* the name becomes JSON unescaped, so other characters are not allowed */
    for (size_t i = 0; i < kind.count; i++)
        if ((kind.bytes[i] | 32) >= 'a' && (kind.bytes[i] | 32) <= 'z') add(sse, kind.bytes + i, 1);
    add(sse, "\",\"error\":", 10);
    if (count > 0) {
        add(sse, payload, count);
    } else {
        struct part words = header(headers, payload, ":error-message");
        add(sse, "{\"message\":\"", 12);
        for (size_t i = 0; i < words.count; i++)
            if ((unsigned char)words.bytes[i] >= ' ' && words.bytes[i] != '"' && words.bytes[i] != '\\')
                add(sse, words.bytes + i, 1);
        add(sse, "\"}", 2);
    }
    add(sse, "}", 1);
    if (!sse->fault) event(owner, sse->data.bytes, sse->data.count, true);
}

/* The size of the frame that begins here; 0 if its prelude is incomplete, or on a fault. */
static size_t frame_bytes(struct sse *sse, const char *bytes, size_t count)
{
    if (count < PRELUDE_BYTES) return 0;
    size_t total = number_at(bytes), headers = number_at(bytes + 4);
    if (checksum(bytes, 8) != number_at(bytes + 8) || headers > total ||
        total - headers < PRELUDE_BYTES + SUM_BYTES)
        sse->fault = "an event with a wrong checksum or length";
    else if (total > SSE_EVENT_BYTES_MAX) sse->fault = "an event of more than 4 MB";
    return sse->fault ? 0 : total;
}

/* Reports the whole frames at the beginning; returns the number of bytes they used. */
static size_t take(struct sse *sse, sse_event *event, void *owner, const char *bytes, size_t count)
{
    size_t taken = 0;
    for (;;) {
        size_t total = frame_bytes(sse, bytes + taken, count - taken);
        if (total == 0 || total > count - taken) return taken;
        const char *frame = bytes + taken;
        if (checksum(frame, total - SUM_BYTES) != number_at(frame + total - SUM_BYTES)) {
            sse->fault = "an event with a wrong checksum or length";
            return taken;
        }
        tell(sse, event, owner, frame, total);
        if (sse->fault) return taken;
        taken += total;
    }
}

void frames_push(struct sse *sse, sse_event *event, void *owner, const char *bytes, size_t count)
{
    if (sse->line.count == 0) {
        size_t taken = take(sse, event, owner, bytes, count);
        if (!sse->fault && taken < count) sse_append(sse, &sse->line, bytes + taken, count - taken);
        return;
    }
    /* copy only what the frame lacks, so that the bytes after it are not copied repeatedly */
    while (count > 0 && !sse->fault) {
        size_t have = sse->line.count;
        size_t total = have < PRELUDE_BYTES ? PRELUDE_BYTES : number_at(sse->line.bytes);
        size_t lacking = total > have ? total - have : 1;
        size_t part = lacking < count ? lacking : count;
        sse_append(sse, &sse->line, bytes, part);
        bytes += part;
        count -= part;
        if (sse->fault) return;
        size_t taken = take(sse, event, owner, sse->line.bytes, sse->line.count);
        if (taken == 0) continue;
        sse->line.count = 0; /* it never holds more than one frame */
        frames_push(sse, event, owner, bytes, count);
        return;
    }
}
