/*
 * TLS 1.2 and 1.3 by the OpenSSL that the host has, loaded at the first use. It moves bytes between
 * memory and memory: the sockets, and the times at which they were read, stay with the caller.
 */
#ifndef DYNO_TLS_H
#define DYNO_TLS_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of plain text in one record, which is what tls_read gives at most. */
#define TLS_RECORD_BYTES (16 * 1024)

/* What is trusted, who is expected, and the session that connections to one host share. */
struct tls_context;

/* One connection's. */
struct tls;

enum tls_result {
    TLS_OK,
    TLS_WAITS,  /* for bytes of the other side */
    TLS_CLOSED, /* the other side has said that nothing follows */
    TLS_FAULT,  /* tls_fault says what */
};

/* The name and version of the library. False and why it is not available. */
bool tls_library(char *text, size_t text_bytes);

/*
 * The settings of connections to one place, line by line; paths are those of PEM files:
 *   tls HOST      the name or address that the certificate must have, and is asked for by
 *   ca PATH       further certificates to trust, beside the host's
 *   cert PATH     the client's own certificate, with its chain
 *   key PATH      its key (the file of the certificate)
 *   insecure      any certificate is taken
 * NULL and a message where a file is not what it should be, or there is no library.
 */
struct tls_context *tls_client(const char *lines, char *error, size_t error_bytes);

/* What a server shows: a certificate with its chain, and its key. */
struct tls_context *tls_server(const char *cert, const char *key, char *error, size_t error_bytes);

/* Once no connection of it is left. */
void tls_context_free(struct tls_context *context);

/* NULL when memory is short. */
struct tls *tls_new(struct tls_context *context);
void tls_free(struct tls *tls);

/* Takes bytes that came from the socket. False: memory is short, or it is no TLS; tls_fault. */
bool tls_feed(struct tls *tls, const void *bytes, size_t count);

enum tls_result tls_handshake(struct tls *tls);

/* Whether the handshake went by the session of an earlier connection. */
bool tls_resumed(const struct tls *tls);

/* Plain text, at most of one record; the number of its bytes is set where the result is TLS_OK. */
enum tls_result tls_read(struct tls *tls, void *bytes, size_t room, size_t *count);

/* Whether another tls_read may give something without more bytes of the socket. */
bool tls_has_more(const struct tls *tls);

/* Encrypts at most a record; how much of it is set where the result is TLS_OK. */
enum tls_result tls_write(struct tls *tls, const void *bytes, size_t count, size_t *taken);

/* Bytes that wait for the socket; good until the next call. */
size_t tls_output(const struct tls *tls, const char **bytes);

/* How many of them went. */
void tls_sent(struct tls *tls, size_t count);

/* Adds to the output that nothing follows. */
void tls_close(struct tls *tls);

/* What is wrong, in a sentence that goes on after "cannot connect: ". */
const char *tls_fault(const struct tls *tls);

#endif
