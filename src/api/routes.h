/* SPDX-License-Identifier: Apache-2.0 */
/*
 * routes - which operation a request asks for
 *
 * Every operation of AWS's model has its route, also those that lambent does not do: so the refusal can name it.
 * The routes are a tree of the paths' segments, so finding one costs a lookup a segment, however many there are.
 * A final slash is optional (docs/aws.md, requests). Labels are cut before they are
 * decoded, because a function's ARN may hold an encoded slash or colon.
 */
#pragma once
#include "api/request.h"

enum route_outcome { ROUTE_NO_PATH = 1 };

struct routes;

struct routes *routes_new(void);
void routes_free(struct routes *routes);
DEFINE_FREEP(routes)

struct route_labels {
        struct {
                const char *start;
                size_t len;
        } label[API_LABELS_MAX];
        size_t count;
};

/* 0 or ROUTE_NO_PATH. query decides between routes that share method and path. */
int route_find(const struct routes *routes, enum http_method method, const char *path, const char *query,
               const struct api_route **ret_route, struct route_labels *ret_labels);
/* For tests: all there are. */
const struct api_route *routes_all(const struct routes *routes, size_t *ret_count);
