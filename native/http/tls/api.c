/* The exported function for TLS. */
#include <errno.h>

#include "dyno.h"
#include "http/tls/tls.h"

int32_t dyno_tls_library(char *text, uint32_t text_bytes)
{
    return tls_library(text, text_bytes) ? 0 : -ENOENT;
}
