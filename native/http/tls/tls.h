/*
 * TLS 1.2 and 1.3 through the host's OpenSSL, loaded at the first use. It works between memory
 * buffers only: the caller owns the sockets and the times at which they were read.
 */
#ifndef DYNO_TLS_H
#define DYNO_TLS_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of plain text in one record, the most that tls_read returns. */
#define TLS_RECORD_BYTES (16 * 1024)

/* What is trusted, which peer is expected, and the session that connections to one host share. */
struct tls_context;

/* The state of one connection. */
struct tls;

enum tls_result {
    TLS_OK,
    TLS_WAITS,  /* for bytes from the peer */
    TLS_CLOSED, /* the peer has announced the end */
    TLS_FAULT,  /* see tls_fault */
};

/* The name and version of the library. False, with the reason, if it is not available. */
bool tls_library(char *text, size_t text_bytes);

/*
 * The settings for connections to one place, one per line; paths name PEM files:
 * tls HOST      the name or address to ask for, which the certificate must have
 * ca PATH       further certificates to trust, in addition to the host's
 *   cert PATH     the client's own certificate, with its chain
 *   key PATH      its key (the file of the certificate)
 * insecure      accept any certificate
 * Returns NULL and a message if a file is invalid or the library is missing.
 */
struct tls_context *tls_client(const char *lines, char *error, size_t error_bytes);

/* A server's settings: a certificate with its chain, and its key. */
struct tls_context *tls_server(const char *cert, const char *key, char *error, size_t error_bytes);

/* Call this when no connection uses it any more. */
void tls_context_free(struct tls_context *context);

/* NULL when memory is short. */
struct tls *tls_new(struct tls_context *context);
void tls_free(struct tls *tls);

/*
 * Adds bytes that came from the socket. False if memory is short or they are not TLS; see
 * tls_fault.
 */
bool tls_feed(struct tls *tls, const void *bytes, size_t count);

enum tls_result tls_handshake(struct tls *tls);

/* Whether the handshake resumed the session of an earlier connection. */
bool tls_resumed(const struct tls *tls);

/* Reads plain text, at most one record; the number of bytes is set if the result is TLS_OK. */
enum tls_result tls_read(struct tls *tls, void *bytes, size_t room, size_t *count);

/* Whether another tls_read may return something without more bytes from the socket. */
bool tls_has_more(const struct tls *tls);

/* Encrypts at most one record; the number of bytes used is set if the result is TLS_OK. */
enum tls_result tls_write(struct tls *tls, const void *bytes, size_t count, size_t *taken);

/* Bytes to send to the socket; valid until the next call. */
size_t tls_output(const struct tls *tls, const char **bytes);

/* Says how many of them were sent. */
void tls_sent(struct tls *tls, size_t count);

/* Adds a notice to the output that nothing follows. */
void tls_close(struct tls *tls);

/* What is wrong, phrased to follow "cannot connect: ". */
const char *tls_fault(const struct tls *tls);

#endif
