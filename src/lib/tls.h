/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls - HTTPS outwards: connections that libcurl makes, for the client of http/client.h
 *
 * libcurl looks the name up, goes through a proxy (HTTPS_PROXY, ALL_PROXY, NO_PROXY; never for loopback addresses), shakes
 * hands and checks the certificate; after that the bytes of HTTP pass through it. So there stays one HTTP implementation,
 * and what is delicate in TLS belongs to a library that is looked after. It is loaded at the first connection, on the
 * worker thread, because linking it would cost every start 5 ms and 7 MB; LAMBENT_LIBCURL names another file than the
 * usual ones. Name resolution and handshakes wait on the loop and never block it. TLS 1.2 at least, HTTP/1.1 only.
 * libcurl does not tell whether a connection was closed in TLS's own words or cut off, so that the end of a body without
 * a length says as little here as it does without TLS.
 *
 * What calls end with beside the errnos of http/client.h; http_client_problem has libcurl's own sentence:
 *   -EKEYREJECTED  the peer's certificate: expired, for another name, signed by nobody that is trusted
 *   -ENOKEY        a file of ours (ca_file, cert_file, key_file) cannot be used
 *   -EPROTO        the handshake failed otherwise: no TLS over there, no version or cipher in common, a proxy that refuses…
 *   -ELIBACC       there is no libcurl, or none that speaks TLS; the sentence names the package
 */
#pragma once
#include "http/client.h"

struct tls;

struct tls_settings {
        /* Whose signature a peer's certificate must bear (PEM). NULL: AWS_CA_BUNDLE, else SSL_CERT_FILE and SSL_CERT_DIR, else
         * the system's. */
        const char *ca_file;
        const char *cert_file, *key_file; /* our own certificate, PEM; NULL: none */
        bool any_peer;                    /* certificates are not checked */
        nsec_t patience;                  /* until a connection stands; 0: 30 s */
};

/* settings: copied; NULL: nothing special. Loads nothing yet. */
struct tls *tls_new(struct loop *loop, const struct tls_settings *settings);
void tls_free(struct tls *tls); /* its clients must be gone */
DEFINE_FREEP(tls)
/* address: "host:port" or "[::1]:port". The Host that the client writes by itself bears the port, also 443: where a
 * signature covers another, give it among the fields. */
struct http_client *tls_client_new(struct tls *tls, const char *address);
