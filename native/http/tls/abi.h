/*
 * The part of OpenSSL 1.1 and 3 that is used. It is declared here because the library is loaded at
 * run time and its headers are not needed at build time. Numbers and signatures are those of
 * openssl/ssl.h, bio.h, err.h and x509_vfy.h; both versions agree on all of them.
 */
#ifndef DYNO_TLS_ABI_H
#define DYNO_TLS_ABI_H

#include <stddef.h>
#include <stdint.h>

/* Do not clean up at exit, when threads may still run (1.1.1b and later). */
#define OPENSSL_INIT_NO_ATEXIT 0x00080000ull
#define OPENSSL_VERSION_TEXT 0

#define SSL_FILETYPE_PEM 1
#define SSL_CTRL_MODE 33
#define SSL_CTRL_SET_SESS_CACHE_MODE 44
#define SSL_CTRL_SET_TLSEXT_HOSTNAME 55
#define SSL_CTRL_SET_MIN_PROTO_VERSION 123
#define TLSEXT_NAMETYPE_HOST_NAME 0
#define TLS1_2_VERSION 0x0303
#define SSL_MODE_ENABLE_PARTIAL_WRITE 0x1
#define SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER 0x2
#define SSL_MODE_RELEASE_BUFFERS 0x10
#define SSL_SESS_CACHE_CLIENT 0x1
#define SSL_SESS_CACHE_NO_INTERNAL 0x300
#define SSL_VERIFY_NONE 0
#define SSL_VERIFY_PEER 1

#define SSL_ERROR_WANT_READ 2
#define SSL_ERROR_WANT_WRITE 3
#define SSL_ERROR_ZERO_RETURN 6

#define BIO_CTRL_INFO 3
#define BIO_CTRL_PENDING 10

#define X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS 0x4

/* Results of verification. */
#define X509_V_OK 0
#define X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT 2
#define X509_V_ERR_CERT_NOT_YET_VALID 9
#define X509_V_ERR_CERT_HAS_EXPIRED 10
#define X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT 18
#define X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN 19
#define X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY 20
#define X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE 21
#define X509_V_ERR_CERT_REVOKED 23
#define X509_V_ERR_HOSTNAME_MISMATCH 62
#define X509_V_ERR_IP_ADDRESS_MISMATCH 64

/* Error reasons; an alert from the peer is 1000 plus its number (RFC 8446, 6). */
#define ERR_REASON_MASK 0xFFF
#define SSL_R_CERTIFICATE_VERIFY_FAILED 134
#define SSL_R_WRONG_VERSION_NUMBER 267
#define SSL_R_UNSUPPORTED_PROTOCOL 258
#define SSL_R_ALERT 1000
#define ALERT_HANDSHAKE_FAILURE 40
#define ALERT_BAD_CERTIFICATE 42
#define ALERT_CERTIFICATE_EXPIRED 45
#define ALERT_CERTIFICATE_UNKNOWN 46
#define ALERT_UNKNOWN_CA 48
#define ALERT_PROTOCOL_VERSION 70
#define ALERT_UNRECOGNIZED_NAME 112
#define ALERT_CERTIFICATE_REQUIRED 116
#define ALERT_NO_APPLICATION_PROTOCOL 120

typedef int openssl_new_session(void *ssl, void *session);
typedef int openssl_password(char *room, int bytes, int writing, void *context);

/* X(result, field, symbol, parameters) */
#define OPENSSL_FUNCTIONS(X) \
    X(int, init, "OPENSSL_init_ssl", (uint64_t options, const void *settings)) \
    X(const char *, version, "OpenSSL_version", (int what)) \
    X(const void *, client_method, "TLS_client_method", (void)) \
    X(const void *, server_method, "TLS_server_method", (void)) \
    X(void *, ctx_new, "SSL_CTX_new", (const void *method)) \
    X(void, ctx_free, "SSL_CTX_free", (void *ctx)) \
    X(long, ctx_ctrl, "SSL_CTX_ctrl", (void *ctx, int command, long number, void *pointer)) \
    X(void, ctx_set_verify, "SSL_CTX_set_verify", (void *ctx, int mode, void *callback)) \
    X(int, ctx_default_paths, "SSL_CTX_set_default_verify_paths", (void *ctx)) \
    X(int, ctx_load_ca, "SSL_CTX_load_verify_locations", \
      (void *ctx, const char *file, const char *folder)) \
    X(int, ctx_use_chain, "SSL_CTX_use_certificate_chain_file", (void *ctx, const char *file)) \
    X(int, ctx_use_key, "SSL_CTX_use_PrivateKey_file", (void *ctx, const char *file, int form)) \
    X(int, ctx_check_key, "SSL_CTX_check_private_key", (const void *ctx)) \
    X(void, ctx_set_password, "SSL_CTX_set_default_passwd_cb", \
      (void *ctx, openssl_password *callback)) \
    X(int, ctx_set_alpn, "SSL_CTX_set_alpn_protos", \
      (void *ctx, const unsigned char *names, unsigned bytes)) \
    X(void, ctx_on_session, "SSL_CTX_sess_set_new_cb", (void *ctx, openssl_new_session *callback)) \
    X(void *, ssl_new, "SSL_new", (void *ctx)) \
    X(void, ssl_free, "SSL_free", (void *ssl)) \
    X(long, ssl_ctrl, "SSL_ctrl", (void *ssl, int command, long number, void *pointer)) \
    X(void, ssl_set_bio, "SSL_set_bio", (void *ssl, void *in, void *out)) \
    X(void, ssl_connects, "SSL_set_connect_state", (void *ssl)) \
    X(void, ssl_accepts, "SSL_set_accept_state", (void *ssl)) \
    X(int, ssl_set_data, "SSL_set_ex_data", (void *ssl, int index, void *pointer)) \
    X(void *, ssl_data, "SSL_get_ex_data", (const void *ssl, int index)) \
    X(void *, ssl_param, "SSL_get0_param", (void *ssl)) \
    X(int, ssl_set_session, "SSL_set_session", (void *ssl, void *session)) \
    X(int, ssl_resumed, "SSL_session_reused", (const void *ssl)) \
    X(int, ssl_handshake, "SSL_do_handshake", (void *ssl)) \
    X(int, ssl_read, "SSL_read", (void *ssl, void *bytes, int room)) \
    X(int, ssl_write, "SSL_write", (void *ssl, const void *bytes, int count)) \
    X(int, ssl_pending, "SSL_pending", (const void *ssl)) \
    X(int, ssl_shutdown, "SSL_shutdown", (void *ssl)) \
    X(int, ssl_error, "SSL_get_error", (const void *ssl, int result)) \
    X(long, ssl_verified, "SSL_get_verify_result", (const void *ssl)) \
    X(void, session_free, "SSL_SESSION_free", (void *session)) \
    X(void, param_set_flags, "X509_VERIFY_PARAM_set_hostflags", (void *param, unsigned flags)) \
    X(int, param_set_host, "X509_VERIFY_PARAM_set1_host", \
      (void *param, const char *name, size_t bytes)) \
    X(int, param_set_ip, "X509_VERIFY_PARAM_set1_ip_asc", (void *param, const char *address)) \
    X(const char *, verify_text, "X509_verify_cert_error_string", (long code)) \
    X(void *, bio_new, "BIO_new", (const void *method)) \
    X(const void *, bio_memory, "BIO_s_mem", (void)) \
    X(int, bio_free, "BIO_free", (void *bio)) \
    X(int, bio_read, "BIO_read", (void *bio, void *bytes, int room)) \
    X(int, bio_write, "BIO_write", (void *bio, const void *bytes, int count)) \
    X(long, bio_ctrl, "BIO_ctrl", (void *bio, int command, long number, void *pointer)) \
    X(unsigned long, error_next, "ERR_get_error", (void)) \
    X(void, error_clear, "ERR_clear_error", (void)) \
    X(const char *, error_reason, "ERR_reason_error_string", (unsigned long code))

struct openssl {
#define DECLARE(result, field, symbol, parameters) result (*field) parameters;
    OPENSSL_FUNCTIONS(DECLARE)
#undef DECLARE
};

/* The library, loaded at the first call; NULL with the reason on failure. */
const struct openssl *openssl_load(char *error, size_t error_bytes);

#endif
