/* TLS for the paced server: encrypts and decrypts the plain text. */
#include "pace/parts.h"

bool pace_encrypt(struct client *client, const char *bytes, size_t count)
{
    for (size_t taken = 0; count > 0; bytes += taken, count -= taken)
        if (tls_write(client->tls, bytes, count, &taken) != TLS_OK) return false;
    return true;
}

bool pace_decrypt(struct client *client, const char *bytes, size_t count)
{
    if (!tls_feed(client->tls, bytes, count)) return false;
    if (!client->ready) {
        enum tls_result result = tls_handshake(client->tls);
        client->ready = result == TLS_OK;
        if (!client->ready) return result == TLS_WAITS;
    }
    while (client->request_bytes < REQUEST_BYTES && tls_has_more(client->tls)) {
        size_t read = 0;
        enum tls_result result = tls_read(client->tls, client->request + client->request_bytes,
                                          REQUEST_BYTES - client->request_bytes, &read);
        if (result != TLS_OK) return result == TLS_WAITS;
        client->request_bytes += read;
    }
    return true;
}
