/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint - where a service is, as a URL says it, and a client for it */
#pragma once
#include "http/client.h"

struct tls;

struct endpoint {
        bool tls;
        char *address; /* "host:port", for the client */
        char *host;    /* as the header Host has it: without the port that the scheme implies */
};

/* "http://HOST[:PORT][/]", or https. 0, or -EINVAL; whether there is such a host shows later. */
int endpoint_parse(const char *url, struct endpoint *ret_endpoint);
void endpoint_clear(struct endpoint *e);
static inline void endpoint_freep(struct endpoint *e) {
        endpoint_clear(e);
}
void endpoint_copy(const struct endpoint *e, struct endpoint *ret_copy);
/* tls: for an endpoint with TLS; borrowed. */
struct http_client *endpoint_client(const struct endpoint *e, struct loop *loop, struct tls *tls);
