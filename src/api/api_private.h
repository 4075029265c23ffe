/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the API's entrance share. */
#pragma once
#include "api/api.h"
#include "api/pattern.h"
#include "api/request.h"
#include "lib/aws_get.h"

struct api {
        struct loop *loop;
        struct engine *engine;
        struct api_options options;
        struct list followers; /* of logs, see read_logs.c */
        struct routes *routes;
        struct upstream *upstream;     /* NULL: there is none */
        struct pattern_cache patterns; /* of the model */
        struct tls *tls;
        struct endpoint s3_endpoint, lambda_endpoint; /* zeroed: AWS */
        unsigned char secret[32]; /* signs download Locations; a new one with every start */
};

/* A body of that many bytes is none that AWS would refuse unread (-1: nobody has said how many). False: it has been
 * answered. */
bool api_body_fits(struct api_request *r, int64_t len);
/* The same of what has come of it by now, of which these are the last bytes. */
bool api_body_came(struct api_request *r, size_t len);
/* The HTTP operations of a ROUTE_JSON request: reads the body, then runs the route. False: it has been
 * answered. */
bool api_body_begin(struct api_request *r);
/* Gives back what reading holds. */
void api_body_free(struct api_request *r);
/* The exchange is over. */
void api_request_done(struct http_exchange *x, bool complete);
/* The scheme and authority for Locations: what the client reached us by. malloc'ed. */
char *api_endpoint_of(const struct api_request *r);
