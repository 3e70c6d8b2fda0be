/* Describes each kind of failure in plain words. */
#include <stdio.h>

#include "http/tls/parts.h"

static const char *certificate_fault(long code)
{
    switch (code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "its certificate has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "its certificate is not valid yet";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return "its certificate is signed by itself, and not trusted here";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return "its certificate is signed by one that is not trusted here";
    case X509_V_ERR_CERT_REVOKED:
        return "its certificate was revoked";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return "its certificate is of another host";
    default:
        return NULL;
    }
}

static const char *alert_fault(unsigned long alert)
{
    switch (alert) {
    case ALERT_HANDSHAKE_FAILURE:
        return "the server refused the TLS handshake (no common cipher, or it wants a client "
               "certificate)";
    case ALERT_BAD_CERTIFICATE:
    case ALERT_CERTIFICATE_UNKNOWN:
        return "the server does not take the client certificate";
    case ALERT_CERTIFICATE_EXPIRED:
        return "the server says that the client certificate has expired";
    case ALERT_UNKNOWN_CA:
        return "the server does not know who signed the client certificate";
    case ALERT_PROTOCOL_VERSION:
        return "the server speaks no TLS from 1.2 on";
    case ALERT_UNRECOGNIZED_NAME:
        return "the server does not know this host's name";
    case ALERT_CERTIFICATE_REQUIRED:
        return "the server demands a client certificate";
    case ALERT_NO_APPLICATION_PROTOCOL:
        return "no application protocol in common: it speaks HTTP/2 only";
    default:
        return NULL;
    }
}

void tls_explain(struct tls *tls)
{
    const struct openssl *openssl = tls->openssl;
    unsigned long code = openssl->error_next(), reason = code & ERR_REASON_MASK;
    const char *said = NULL, *text = code ? openssl->error_reason(code) : NULL;
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        long why = openssl->ssl_verified(tls->ssl);
        said = certificate_fault(why);
        if (!said) {
            snprintf(tls->fault, sizeof tls->fault, "its certificate is not trusted: %s",
                     openssl->verify_text(why));
            return;
        }
    } else if (reason == SSL_R_WRONG_VERSION_NUMBER) {
        said = "it does not speak TLS";
    } else if (reason == SSL_R_UNSUPPORTED_PROTOCOL) {
        said = alert_fault(ALERT_PROTOCOL_VERSION);
    } else if (reason > SSL_R_ALERT && reason < SSL_R_ALERT + 256) {
        said = alert_fault(reason - SSL_R_ALERT);
    }
    if (said) snprintf(tls->fault, sizeof tls->fault, "%s", said);
    else snprintf(tls->fault, sizeof tls->fault, "TLS failed: %s", text ? text : "no reason told");
}
