/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_get - fetches one thing from a service of AWS's, or from one that stands for it, while it arrives
 *
 * A signed GET whose body flows through callbacks and is never held. What may be better the next time (nobody answers,
 * the connection breaks, the body ends too early or stands still, 429, 500, 502, 503, 504) is tried again from the
 * beginning, after a pause that doubles; so `begin` may come several times. Redirects are not followed: they would carry
 * the signature elsewhere. Callbacks may free the fetch; none comes from inside aws_get_new.
 */
#pragma once
#include "lib/aws_keys.h"
#include "lib/endpoint.h"

struct aws_get;

struct aws_get_limits {
        unsigned attempts;
        nsec_t pause;    /* before the second attempt */
        nsec_t patience; /* without a byte */
        nsec_t budget;   /* for all attempts; what runs then is broken off */
};
extern const struct aws_get_limits aws_get_limits; /* 4, 200 ms, 20 s, 5 min */

struct aws_get_request {
        struct loop *loop;
        struct tls *tls; /* for an endpoint with TLS; borrowed */
        const struct endpoint *endpoint;
        const char *target; /* path and query as they are sent */
        const char *service, *region;
        const struct aws_keys *keys; /* NULL: it goes unsigned; borrowed */
        const struct aws_get_limits *limits;
};

/* The last attempt's. Strings live until the callback returns. */
struct aws_get_result {
        int error; /* 0: there is a whole answer; else -errno, and `problem` says it in a sentence */
        const char *problem;
        int status;
        const char *region;  /* x-amz-bucket-region: where a bucket really is; NULL */
        const char *version; /* x-amz-version-id: of the object, where versions are kept; NULL */
        const char *body; /* of an answer that is not 200: its beginning, AWS_GET_ERROR_MAX bytes at most */
        size_t len;
};

#define AWS_GET_ERROR_MAX (64 * KIB)

struct aws_get_events {
        /* An answer of 200 begins. length -1: not told. False: not wanted, and nothing comes any more. */
        bool (*begin)(void *owner, int64_t length);
        /* False: as above. */
        bool (*body)(void *owner, const char *data, size_t len);
        void (*end)(void *owner, const struct aws_get_result *result);
};

/* The request is copied. */
struct aws_get *aws_get_new(const struct aws_get_request *request, const struct aws_get_events *events,
                            void *owner);
void aws_get_free(struct aws_get *g); /* cancels, silently; NULL is legal */
DEFINE_FREEP(aws_get)
/* A slow consumer. While it is paused nobody's patience runs out but the budget's. */
void aws_get_pause(struct aws_get *g);
void aws_get_resume(struct aws_get *g);
