/* The paced server's output: chat completion events, each in its own HTTP chunk. */
#include <stdio.h>
#include <string.h>

#include "pace/parts.h"

static size_t chunk(char *out, const char *data)
{
    return (size_t)sprintf(out, "%zx\r\ndata: %s\n\n\r\n", strlen(data) + 8, data);
}

size_t pace_token(char *out, uint64_t now)
{
    char data[PACE_EVENT_BYTES];
    snprintf(data, sizeof data,
             "{\"id\":\"chatcmpl-pace\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"
             "\"model\":\"pace\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" %019llu\"},"
             "\"logprobs\":null,\"finish_reason\":null}]}",
             (unsigned long long)now);
    return chunk(out, data);
}

size_t pace_ending(char *out, uint32_t tokens, bool usage)
{
    char data[PACE_EVENT_BYTES];
    size_t bytes = chunk(out, "{\"id\":\"chatcmpl-pace\",\"object\":\"chat.completion.chunk\","
                              "\"created\":1700000000,\"model\":\"pace\",\"choices\":[{\"index\":0,"
                              "\"delta\":{},\"logprobs\":null,\"finish_reason\":\"length\"}]}");
    if (usage) {
        snprintf(data, sizeof data,
                 "{\"id\":\"chatcmpl-pace\",\"object\":\"chat.completion.chunk\",\"created\":"
                 "1700000000,\"model\":\"pace\",\"choices\":[],\"usage\":{\"prompt_tokens\":16,"
                 "\"completion_tokens\":%u,\"total_tokens\":%u}}",
                 tokens, tokens + 16);
        bytes += chunk(out + bytes, data);
    }
    bytes += chunk(out + bytes, "[DONE]");
    memcpy(out + bytes, "0\r\n\r\n", 5);
    return bytes + 5;
}
