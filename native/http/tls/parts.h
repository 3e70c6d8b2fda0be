/* Declarations shared by the TLS files. */
#ifndef DYNO_TLS_PARTS_H
#define DYNO_TLS_PARTS_H

#include "http/tls/abi.h"
#include "http/tls/tls.h"

struct tls_context {
    const struct openssl *openssl;
    void *ctx;
    void *session; /* the newest one from the server; NULL for none */
    bool server, insecure, numeric;
    char host[256];
};

struct tls {
    const struct openssl *openssl;
    struct tls_context *context;
    void *ssl;
    void *in, *out; /* memory BIOs, owned by the SSL */
    bool heard, ready, closed;
    bool failed;
    char fault[192];
};

/* Describes in words why an operation failed, from OpenSSL's error queue. */
void tls_explain(struct tls *tls);

#endif
