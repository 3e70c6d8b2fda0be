/* What the files of TLS share. */
#ifndef DYNO_TLS_PARTS_H
#define DYNO_TLS_PARTS_H

#include "http/tls/abi.h"
#include "http/tls/tls.h"

struct tls_context {
    const struct openssl *openssl;
    void *ctx;
    void *session; /* the newest that the server gave; NULL for none */
    bool server, insecure, numeric;
    char host[256];
};

struct tls {
    const struct openssl *openssl;
    struct tls_context *context;
    void *ssl;
    void *in, *out; /* memory; the SSL's own */
    bool heard, ready, closed;
    bool failed;
    char fault[192];
};

/* Puts into words what an operation failed by, from OpenSSL's queue of errors. */
void tls_explain(struct tls *tls);

#endif
