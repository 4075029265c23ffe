/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upstream - another server that knows the services lambent is not (--upstream URL)
 *
 * A request goes there as it came, its Host and its signature too, without what belongs to one connection only (RFC 9110
 * section 7.6.1). Bodies flow both ways as they come, no faster than the other side takes them, so their size costs no
 * memory. What breaks before the answer's head is refused with 502 in the shape of the service; what breaks after it
 * breaks the client's connection, because nothing else tells a client that it has not got everything.
 */
#pragma once
#include "api/request.h"

struct upstream;

/* url: "http://HOST[:PORT][/]" or https; must be one that endpoint_parse takes. */
struct upstream *upstream_new(struct loop *loop, const char *url);
void upstream_free(struct upstream *u); /* requests must be gone; NULL is legal */

bool upstream_exists(const struct api *api);
/* Begins to pass the request on; request->state and request->cancel are the upstream's from now on. What has come of the
 * body by now is copied. */
void upstream_begin(struct api_request *r, const struct buf *body);
bool upstream_has(const struct api_request *r);
/* The callbacks of the exchange. */
void upstream_body(struct api_request *r, const char *data, size_t len);
void upstream_end(struct api_request *r);
void upstream_drained(struct api_request *r);
