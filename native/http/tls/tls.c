/* One connection: socket bytes in, plain text out, and the reverse. */
#include "http/tls/tls.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/tls/parts.h"

/* The start of a plain HTTP server's answer to a request that it does not understand. */
static const char PLAIN[] = "HTTP/";

static void expect_host(struct tls *tls)
{
    const struct openssl *openssl = tls->openssl;
    struct tls_context *context = tls->context;
    if (!context->numeric) /* an address is not allowed in SNI (RFC 6066, 3) */
        openssl->ssl_ctrl(tls->ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_HOST_NAME,
                          context->host);
    if (context->insecure) return;
    void *param = openssl->ssl_param(tls->ssl);
    openssl->param_set_flags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (context->numeric) openssl->param_set_ip(param, context->host);
    else openssl->param_set_host(param, context->host, 0);
}

struct tls *tls_new(struct tls_context *context)
{
    const struct openssl *openssl = context->openssl;
    struct tls *tls = calloc(1, sizeof *tls);
    if (!tls) return NULL;
    tls->openssl = openssl;
    tls->context = context;
    tls->ssl = openssl->ssl_new(context->ctx);
    tls->in = openssl->bio_new(openssl->bio_memory());
    tls->out = openssl->bio_new(openssl->bio_memory());
    if (!tls->ssl || !tls->in || !tls->out) {
        openssl->bio_free(tls->in);
        openssl->bio_free(tls->out);
        openssl->ssl_free(tls->ssl);
        free(tls);
        return NULL;
    }
    openssl->ssl_set_bio(tls->ssl, tls->in, tls->out);
    openssl->ssl_set_data(tls->ssl, 0, tls);
    if (context->server) {
        openssl->ssl_accepts(tls->ssl);
        return tls;
    }
    openssl->ssl_connects(tls->ssl);
    expect_host(tls);
    if (context->session) openssl->ssl_set_session(tls->ssl, context->session);
    return tls;
}

void tls_free(struct tls *tls)
{
    if (!tls) return;
    tls->openssl->ssl_free(tls->ssl);
    free(tls);
}

static bool fail(struct tls *tls, const char *why)
{
    tls->failed = true;
    snprintf(tls->fault, sizeof tls->fault, "%s", why);
    return false;
}

bool tls_feed(struct tls *tls, const void *bytes, size_t count)
{
    if (!tls->heard && count >= sizeof PLAIN - 1 && memcmp(bytes, PLAIN, sizeof PLAIN - 1) == 0)
        return fail(tls, "it speaks plain HTTP, and no TLS: give the endpoint as http://");
    tls->heard |= count > 0;
    if (tls->openssl->bio_write(tls->in, bytes, (int)count) == (int)count) return true;
    return fail(tls, "no memory for TLS");
}

/* What it means when an operation returned no bytes. */
static enum tls_result result_of(struct tls *tls, int result)
{
    switch (tls->openssl->ssl_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return TLS_WAITS;
    case SSL_ERROR_ZERO_RETURN:
        tls->closed = true;
        return TLS_CLOSED;
    default:
        tls->failed = true;
        tls_explain(tls);
        return TLS_FAULT;
    }
}

enum tls_result tls_handshake(struct tls *tls)
{
    tls->openssl->error_clear();
    int result = tls->openssl->ssl_handshake(tls->ssl);
    tls->ready = result == 1;
    return tls->ready ? TLS_OK : result_of(tls, result);
}

bool tls_resumed(const struct tls *tls)
{
    return tls->openssl->ssl_resumed(tls->ssl) == 1;
}

enum tls_result tls_read(struct tls *tls, void *bytes, size_t room, size_t *count)
{
    tls->openssl->error_clear();
    int result = tls->openssl->ssl_read(tls->ssl, bytes, room < INT_MAX ? (int)room : INT_MAX);
    if (result <= 0) return result_of(tls, result);
    *count = (size_t)result;
    return TLS_OK;
}

bool tls_has_more(const struct tls *tls)
{
    return tls->openssl->bio_ctrl(tls->in, BIO_CTRL_PENDING, 0, NULL) > 0 ||
           tls->openssl->ssl_pending(tls->ssl) > 0;
}

enum tls_result tls_write(struct tls *tls, const void *bytes, size_t count, size_t *taken)
{
    tls->openssl->error_clear();
    if (count > TLS_RECORD_BYTES) count = TLS_RECORD_BYTES;
    int result = tls->openssl->ssl_write(tls->ssl, bytes, (int)count);
    if (result <= 0) return result_of(tls, result);
    *taken = (size_t)result;
    return TLS_OK;
}

size_t tls_output(const struct tls *tls, const char **bytes)
{
    long count = tls->openssl->bio_ctrl(tls->out, BIO_CTRL_INFO, 0, (void *)bytes);
    return count > 0 ? (size_t)count : 0;
}

void tls_sent(struct tls *tls, size_t count)
{
    char gone[4096];
    while (count > 0) {
        int part = count < sizeof gone ? (int)count : (int)sizeof gone;
        if (tls->openssl->bio_read(tls->out, gone, part) != part) return;
        count -= (size_t)part;
    }
}

void tls_close(struct tls *tls)
{
    if (!tls->ready || tls->failed) return;
    tls->openssl->error_clear();
    tls->openssl->ssl_shutdown(tls->ssl);
}

const char *tls_fault(const struct tls *tls)
{
    return tls->fault;
}
