/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard - whether a request may come from a web page
 *
 * A server on loopback is reachable by every page that the developer opens; without this check a page could
 * create and run functions here. A request is refused when its Host is not ours (DNS rebinding) or when a
 * browser marks it as coming from a page: an Origin header, or Sec-Fetch-Site other than "none". Ours are IP
 * literals, localhost, *.localhost, names without a dot, host.docker.internal, host.containers.internal,
 * *.amazonaws.com, *.on.aws, *.amazonaws.com.cn, and what
 * --allow-host adds (a leading dot means "and everything below").
 */
#pragma once
#include "http/http.h"

enum guard_verdict { GUARD_OK, GUARD_FOREIGN_HOST, GUARD_FROM_PAGE };

enum guard_verdict guard_check(const struct http_exchange *x, const char *const *allowed,
                               size_t allowed_count);
bool guard_host_is_ours(const char *host, const char *const *allowed, size_t allowed_count);
