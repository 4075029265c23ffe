/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request - one request of an AWS client, between the HTTP exchange and the operation that answers it
 *
 * Life: the router makes it when the head of the request is there, having checked the guard, and fills in who
 * asks (account, region), the operation and the decoded labels of the path. exchange->owner is the request
 * and exchange->ops are the API's own. Then, by the kind of the route:
 *
 * ROUTE_PLAIN  no body matters: run() is called at the end of the request.
 * ROUTE_JSON   the body is read (a ZipFile streams into the content store while it arrives), then run() is called with
 *              request->body (NULL without a body).
 * ROUTE_RAW    run() is called at once, with the head; it sets exchange->ops to its own (exchange->owner stays the
 *              request, request->state is its own) and calls api_request_free as the last thing in its on_done. Without
 *              ops of its own it must answer at once.
 *
 * A body of more than API_BODY_MAX bytes is refused when that is known, read or not; the raw ones have limits of their
 * own. run() answers by api_reply, api_reply_json or api_fail, now or later; every answer carries x-amzn-RequestId. The
 * request lives until the exchange's on_done, also when its peer is gone: then answers go nowhere, and what the operation
 * waits for is called off by request->cancel.
 */
#pragma once
#include "api/credential.h"
#include "api/problem.h"
#include "api/service.h"
#include "base/random.h"
#include "function/function.h"
#include "http/http.h"
#include "lib/json.h"

struct api;
struct api_body;
struct api_fetch;
struct api_image;
struct api_layers;
struct api_request;
struct api_upload;
struct session;
struct signature;
struct engine;
struct model_operation;

#define API_LABELS_MAX 3
#define API_BODY_MAX ((int64_t)70167211) /* docs/aws.md, limits */
#define ACCOUNT_LEN 12

enum route_kind { ROUTE_PLAIN, ROUTE_JSON, ROUTE_RAW };

struct api_route {
        enum http_method method;
        const char *pattern;   /* "/2015-03-31/functions/{}/code"; a final "?find=LayerVersion" demands that
                                  parameter */
        const char *operation; /* the name in the model */
        void (*run)(struct api_request *r); /* NULL: lambent has no such operation, and says so (501) */
        enum route_kind kind;
        const char *zip_parent; /* ROUTE_JSON: where ZipFile is: "Code", "Content", "" for the top; NULL:
                                   nowhere */
        bool internal;          /* ours, not AWS's: refused to functions */
        const struct model_operation *model; /* NULL: none of AWS's */
};

struct api_request {
        struct api *api;
        struct engine *engine;
        struct http_exchange *exchange;
        const struct api_route *route;
        const char *operation;
        char request_id[UUID_LEN + 1];
        char account[ACCOUNT_LEN + 1]; /* who asks: facts and reasons in credential.h */
        char region[CREDENTIAL_REGION_MAX + 1];
        char *labels[API_LABELS_MAX]; /* percent-decoded */
        size_t label_count;
        struct service service;      /* whom it is for; set with the head */
        const char *xmlns;           /* of its answers, when they are XML; NULL: none */
        struct session *session;     /* whose temporary credentials they are; NULL: the account's own */
        struct signature *signature; /* while it is to be checked: signature.h */
        json_t *body;                /* ROUTE_JSON: an object, or NULL without a body */
        struct api_upload
                *upload; /* ROUTE_JSON: what arrived as ZipFile, or from S3; NULL when there was none */
        struct api_fetch *fetch;   /* while an object of S3 comes, and after: code_source.h */
        struct api_layers *layers; /* while layers of other accounts come, and after: foreign_layers.h */
        struct api_image *image;   /* while an ImageUri is looked up, and after: image_code.h */
        struct api_body *reading;  /* while the body arrives: json_body.c */
        int64_t body_len;          /* ROUTE_PLAIN, ROUTE_JSON: what has come of it */
        bool from_function;        /* came through an environment's own listener */
        bool answered;

        void *state; /* the operation's own */
        void (*cancel)(struct api_request
                               *); /* gives state back at the request's end, answered or not; may be NULL */
};

void api_request_free(struct api_request *r);
/* The request keeps the constraints of the model. False: it has been answered. Requests of ROUTE_RAW ask for it
 * themselves, all others have been asked before run(). */
bool api_validate(struct api_request *r);

/* Answers. fields: further header lines, each ended by \r\n, or NULL. */
void api_reply(struct api_request *r, int status, const char *content_type, const char *fields,
               const void *body, size_t len);
/* Takes the bytes out of body. */
void api_reply_json(struct api_request *r, int status, struct buf *body);
void api_fail(struct api_request *r, enum problem_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);
/* With the problem as it was made; clears it. */
void api_fail_with(struct api_request *r, struct problem *problem_consume);
void api_throttle(struct api_request *r, const char *reason); /* 429 "Rate Exceeded." */
/* The tree as the body. */
void api_reply_tree(struct api_request *r, int status, json_t *tree_consume);
/* False: a negative errno of the store, which is answered. */
bool api_stored(struct api_request *r, int result);
/* Appends the header lines every answer has (request id) for those who respond on the exchange themselves. */
void api_common_fields(const struct api_request *r, struct buf *fields);

/* Which function a request is about: "{FunctionName}" in all its forms (docs/aws.md, names) and
 * ?Qualifier. */
struct function_ref {
        char account[ACCOUNT_LEN + 1];
        const char *region; /* the request's */
        char *name;
        char *qualifier; /* NULL: none was given */
};

enum { REF_QUALIFIER = 1 /* ?Qualifier counts */ };

/* Reads label 0. False: the request has been answered with AWS's error. name and qualifier are owned by *ret_ref. */
bool api_function_ref(struct api_request *r, unsigned flags, struct function_ref *ret_ref);
void function_ref_clear(struct function_ref *ref);
static inline void function_ref_freep(struct function_ref *ref) {
        function_ref_clear(ref);
}
/* The function that label 0 names, whatever ?Qualifier says. NULL: the request has been answered. ret_ref may be NULL. */
struct function *api_function(struct api_request *r, struct function_ref *ret_ref);

/* What a request is about: a function's qualifier. */
struct subject {
        struct function_ref ref;
        struct function *function; /* NULL: there is none */
        struct version *version;   /* what the qualifier names; NULL: nothing */
        const char *qualifier;     /* "$LATEST" when none was given */
};

/* False: answered, because the name is none. */
bool api_subject(struct api_request *r, struct subject *ret_subject);
static inline void subject_freep(struct subject *s) {
        function_ref_clear(&s->ref);
}
/* Its ARN with the qualifier; malloc'ed. */
char *subject_arn(const struct subject *s);
/* The same of a name that did not come in the path. */
bool api_name_ref(struct api_request *r, const char *text, const char *qualifier,
                  struct function_ref *ret_ref);
/* 404 "Function not found: ARN", with the qualifier given here (NULL: without). */
void api_fail_no_function(struct api_request *r, const struct function_ref *ref, const char *qualifier);
/* 404 "Cannot find alias arn: ARN". */
void api_fail_no_alias(struct api_request *r, const struct function_ref *ref, const char *alias);
/* 412; call: the operation that tells the last revision. */
void api_fail_revision(struct api_request *r, const char *call);
