/* Settings shared by all connections to a host. */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/tls/parts.h"

#define PATH_BYTES 4096

/* Never prompts for the password of a key. */
static int no_password(char *room, int bytes, int writing, void *context)
{
    (void)room, (void)bytes, (void)writing, (void)context;
    return -1;
}

/* Keeps the newest session for the next connection. */
static int keep_session(void *ssl, void *session)
{
    const struct openssl *openssl = openssl_load(NULL, 0);
    struct tls *tls = openssl->ssl_data(ssl, 0);
    struct tls_context *context = tls->context;
    if (context->session) openssl->session_free(context->session);
    context->session = session;
    return 1;
}

static bool refuse(const struct openssl *openssl, char *error, size_t error_bytes,
                   const char *form, ...)
{
    va_list parts;
    unsigned long code = openssl->error_next();
    const char *reason = code ? openssl->error_reason(code) : NULL;
    va_start(parts, form);
    vsnprintf(error, error_bytes, form, parts);
    va_end(parts);
    size_t used = strlen(error);
    if (reason) snprintf(error + used, error_bytes - used, " (%s)", reason);
    openssl->error_clear();
    return false;
}

static struct tls_context *new_context(bool server, char *error, size_t error_bytes)
{
    const struct openssl *openssl = openssl_load(error, error_bytes);
    if (!openssl) return NULL;
    struct tls_context *context = calloc(1, sizeof *context);
    openssl->error_clear();
    void *ctx = openssl->ctx_new(server ? openssl->server_method() : openssl->client_method());
    if (!context || !ctx) {
        snprintf(error, error_bytes, "no memory for TLS");
        free(context);
        if (ctx) openssl->ctx_free(ctx);
        return NULL;
    }
    context->openssl = openssl;
    context->ctx = ctx;
    context->server = server;
    openssl->ctx_set_password(ctx, no_password);
    openssl->ctx_ctrl(ctx, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, NULL);
    openssl->ctx_ctrl(ctx, SSL_CTRL_MODE,
                      SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                          SSL_MODE_RELEASE_BUFFERS,
                      NULL);
    return context;
}

static bool use_certificate(struct tls_context *context, const char *cert, const char *key,
                            char *error, size_t error_bytes)
{
    const struct openssl *openssl = context->openssl;
    if (!*key) key = cert;
    if (openssl->ctx_use_chain(context->ctx, cert) != 1)
        return refuse(openssl, error, error_bytes, "%s: holds no certificate in PEM", cert);
    if (openssl->ctx_use_key(context->ctx, key, SSL_FILETYPE_PEM) != 1)
        return refuse(openssl, error, error_bytes,
                      "%s: holds no key in PEM that needs no password", key);
    if (openssl->ctx_check_key(context->ctx) != 1)
        return refuse(openssl, error, error_bytes, "%s: is not the key of %s", key, cert);
    return true;
}

/* Reads one line of settings; the paths of the certificate and its key are kept for later. */
static bool take_line(struct tls_context *context, const char *line, char *cert, char *key,
                      char *error, size_t error_bytes)
{
    const struct openssl *openssl = context->openssl;
    unsigned char address[sizeof(struct in6_addr)];
    if (strncmp(line, "tls ", 4) == 0) {
        if (strlen(line + 4) >= sizeof context->host)
            return refuse(openssl, error, error_bytes, "a host's name of more than 255 bytes");
        strcpy(context->host, line + 4);
        context->numeric = inet_pton(AF_INET, context->host, address) == 1 ||
                           inet_pton(AF_INET6, context->host, address) == 1;
    } else if (strncmp(line, "ca ", 3) == 0) {
        if (openssl->ctx_load_ca(context->ctx, line + 3, NULL) != 1)
            return refuse(openssl, error, error_bytes, "%s: holds no certificate in PEM", line + 3);
    } else if (strncmp(line, "cert ", 5) == 0) {
        snprintf(cert, PATH_BYTES, "%s", line + 5);
    } else if (strncmp(line, "key ", 4) == 0) {
        snprintf(key, PATH_BYTES, "%s", line + 4);
    } else if (strcmp(line, "insecure") == 0) {
        context->insecure = true;
    }
    return true;
}

static bool set_client(struct tls_context *context, const char *lines, char *error,
                       size_t error_bytes)
{
    static const unsigned char ALPN[] = "\x08http/1.1";
    const struct openssl *openssl = context->openssl;
    char line[PATH_BYTES], cert[PATH_BYTES] = "", key[PATH_BYTES] = "";
    openssl->ctx_default_paths(context->ctx); /* a host without default paths trusts only what is named */
    openssl->error_clear();
    while (*lines) {
        size_t length = strcspn(lines, "\n");
        snprintf(line, sizeof line, "%.*s", (int)length, lines);
        if (!take_line(context, line, cert, key, error, error_bytes)) return false;
        lines += length + (lines[length] == '\n');
    }
    if (*cert && !use_certificate(context, cert, key, error, error_bytes)) return false;
    openssl->ctx_set_verify(context->ctx, context->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                            NULL);
    openssl->ctx_set_alpn(context->ctx, ALPN, sizeof ALPN - 1);
    openssl->ctx_ctrl(context->ctx, SSL_CTRL_SET_SESS_CACHE_MODE,
                      SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL, NULL);
    openssl->ctx_on_session(context->ctx, keep_session);
    return true;
}

struct tls_context *tls_client(const char *lines, char *error, size_t error_bytes)
{
    struct tls_context *context = new_context(false, error, error_bytes);
    if (!context || set_client(context, lines, error, error_bytes)) return context;
    tls_context_free(context);
    return NULL;
}

struct tls_context *tls_server(const char *cert, const char *key, char *error, size_t error_bytes)
{
    struct tls_context *context = new_context(true, error, error_bytes);
    if (!context || use_certificate(context, cert, key, error, error_bytes)) return context;
    tls_context_free(context);
    return NULL;
}

void tls_context_free(struct tls_context *context)
{
    if (!context) return;
    if (context->session) context->openssl->session_free(context->session);
    context->openssl->ctx_free(context->ctx);
    free(context);
}
