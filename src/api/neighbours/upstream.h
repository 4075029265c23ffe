/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upstream - another server that knows the services lambent is not (--upstream URL)
 *
 * A request goes there as it came, its Host and its signature too, without what belongs to one connection only (RFC 9110
 * section 7.6.1); its body is held whole, at most UPSTREAM_BODY_MAX bytes, because a signature may cover it. The answer
 * flows back as it comes, no faster than the client takes it.
 */
#pragma once
#include "api/request.h"

#define UPSTREAM_BODY_MAX (64 * MIB)

bool upstream_exists(const struct api *api);
/* Answers the request, whose body is there. request->state and request->cancel are the upstream's from now on. */
void upstream_forward(struct api_request *r, struct buf *body_consume);
/* The client has taken what was queued for it. */
void upstream_drained(struct http_exchange *x);
