/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/endpoint.h"

#include "http/address.h"
#include "lib/tls.h"

void endpoint_clear(struct endpoint *e) {
        free(e->address);
        free(e->host);
        *e = (struct endpoint){};
}

void endpoint_copy(const struct endpoint *e, struct endpoint *ret_copy) {
        *ret_copy = (struct endpoint){ e->tls, xstrdup(e->address), xstrdup(e->host) };
}

static bool is_host(const char *host, size_t len) {
        if (!len || memchr(host, '@', len))
                return false;
        for (size_t i = 0; i < len; i++)
                if (host[i] <= ' ' || host[i] == 127)
                        return false;
        return true;
}

int endpoint_parse(const char *url, struct endpoint *ret_endpoint) {
        const bool tls = str_starts(url, "https://");
        const char *host = url + (tls ? 8 : 7);
        AUTO(str) char *address = NULL;
        bool has_port;
        size_t len;

        *ret_endpoint = (struct endpoint){};
        if (!tls && !str_starts(url, "http://"))
                return -EINVAL;
        len = strcspn(host, "/?#");
        if (!is_host(host, len) || (host[len] && !streq(host + len, "/")))
                return -EINVAL;
        has_port = host[len - 1] != ']' && memchr(host, ':', len);
        address = xasprintf("%.*s%s", (int)len, host, has_port ? "" : tls ? ":443" : ":80");
        if (!address_is_sound(address))
                return -EINVAL;
        *ret_endpoint = (struct endpoint){ tls, TAKE(address), xstrndup(host, len) };
        return 0;
}

struct http_client *endpoint_client(const struct endpoint *e, struct loop *loop, struct tls *tls) {
        return e->tls ? tls_client_new(tls, e->address) : http_client_new(loop, e->address);
}
