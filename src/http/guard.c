/* SPDX-License-Identifier: Apache-2.0 */
#include "http/guard.h"

#include <arpa/inet.h>
#include <strings.h>

#define NAME_MAX_LEN 253 /* RFC 1035 */

static bool is_port(const char *s) {
        uint64_t port;

        return !*s || streq(s, ":") || (*s == ':' && str_to_u64(s + 1, UINT16_MAX, &port) == 0);
}

static bool is_ip_literal(const char *name) {
        return inet_pton(AF_INET, name, &(struct in_addr){}) == 1;
}

static bool ends_with(const char *name, size_t len, const char *suffix) {
        size_t suffix_len = strlen(suffix);

        return len > suffix_len && strcasecmp(name + len - suffix_len, suffix) == 0;
}

static bool is_listed(const char *name, size_t len, const char *const *list, size_t count) {
        for (size_t i = 0; i < count; ++i)
                if (*list[i] == '.' ? ends_with(name, len, list[i]) : strcasecmp(name, list[i]) == 0)
                        return true;
        return false;
}

/* [address]:port; a zone (fe80::1%25eth0) names an interface of this machine and is no matter here. */
static bool is_bracketed_ip(const char *host) {
        const char *close = strchr(host, ']');
        char address[INET6_ADDRSTRLEN];
        size_t len;

        if (!close || !is_port(close + 1))
                return false;
        len = strcspn(host + 1, "%]");
        if (len >= sizeof(address))
                return false;
        memcpy(address, host + 1, len);
        address[len] = 0;
        return inet_pton(AF_INET6, address, &(struct in6_addr){}) == 1;
}

bool guard_host_is_ours(const char *host, const char *const *allowed, size_t allowed_count) {
        static const char *const ours[] = {
                ".localhost",     "host.docker.internal", "host.containers.internal",
                ".amazonaws.com", ".amazonaws.com.cn",    ".on.aws",
        };
        char name[NAME_MAX_LEN + 1];
        size_t len = strcspn(host, ":");

        if (*host == '[')
                return is_bracketed_ip(host);
        if (!len || len > NAME_MAX_LEN || !is_port(host + len))
                return false;
        memcpy(name, host, len);
        /* A fully qualified name may end in a dot. */
        if (len > 1 && name[len - 1] == '.')
                --len;
        name[len] = 0;
        return !strchr(name, '.') || is_ip_literal(name) || is_listed(name, len, ours, ARRAY_SIZE(ours)) ||
               is_listed(name, len, allowed, allowed_count);
}

static inline bool is_named(const struct http_field *field, const char *name) {
        return field->name_len == strlen(name) && memcmp(field->name, name, field->name_len) == 0;
}

enum guard_verdict guard_check(const struct http_exchange *x, const char *const *allowed,
                               size_t allowed_count) {
        enum guard_verdict verdict = GUARD_OK;

        /* Only HTTP/1.0 comes without a Host, and no browser speaks that. */
        for (size_t i = 0; i < x->field_count; ++i) {
                const struct http_field *field = &x->fields[i];

                if (is_named(field, "host") && !guard_host_is_ours(field->value, allowed, allowed_count))
                        return GUARD_FOREIGN_HOST;
                if (is_named(field, "origin") ||
                    (is_named(field, "sec-fetch-site") && !streq(field->value, "none")))
                        verdict = GUARD_FROM_PAGE;
        }
        return verdict;
}
