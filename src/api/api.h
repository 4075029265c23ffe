/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api - what AWS clients speak: decode, ask the engine, encode
 *
 * One struct api serves every listener: the public one, and the one that each environment has for its Runtime
 * API (calls that a function makes through AWS_ENDPOINT_URL_LAMBDA). It holds no state of the domain:
 * functions, layers and code belong to the engine. Loop thread only.
 */
#pragma once
#include "http/http.h"
#include "loop/loop.h"

struct api;
struct engine;
struct aws_keys;
struct keys;

struct api_options {
        const char *const *allowed_hosts; /* --allow-host, see http/guard.h; borrowed */
        size_t allowed_host_count;
        const char *upstream; /* URL: who knows the other services; NULL: nobody; borrowed */
        const char *
                s3_endpoint; /* URL: where packages that requests name by bucket and key are; NULL: AWS; borrowed */
        bool layers_from_aws;            /* those of other accounts are fetched when a function names one */
        const char *lambda_endpoint;     /* URL: who is asked for them; NULL: AWS; borrowed */
        const struct aws_keys *aws_keys; /* whom lambent is to AWS and to the S3; NULL: nobody; borrowed */
        const struct keys *keys;         /* whose signatures count (signature.h); NULL: all; borrowed */
        const char *user,
                *why_root; /* who serves, and why root although nobody asked for it (NULL); borrowed */
};

struct api *api_new(struct loop *loop, struct engine *engine, const struct api_options *options);
/* Ends the streams that would go on for ever: followers of logs have seen the last line. */
void api_end_followers(struct api *api);
/* No exchange may be left. */
void api_free(struct api *api);
DEFINE_FREEP(api)

/* For http_listen: the listener's owner must be the struct api. */
const struct http_handler *api_handler(void);
/* For a listener that belongs to an environment: what it does not know itself. /_lambent/ and /metrics are
 * refused. */
void api_serve_function(struct api *api, struct http_exchange *x);

/* The busiest operations have a file of their own (invoke.c); operations.h has the others. */
struct api_request;
void api_invoke(struct api_request *r);
void api_invoke_stream(struct api_request *r);
