/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service - which AWS service a request is for, and the shape in which its clients read a refusal
 *
 * All services come to one address. The signature's scope says whom the client means; without one X-Amz-Target says it,
 * or a Host below amazonaws.com, or the form of a Query request; what says nothing is Lambda's, and so is everything
 * that nobody else claims by one of these.
 */
#pragma once
#include "api/credential.h"
#include "http/http.h"

struct api_request;

enum protocol {
        PROTOCOL_REST_JSON, /* Lambda's own */
        PROTOCOL_JSON,      /* X-Amz-Target and JSON */
        PROTOCOL_QUERY,     /* a form with Action, answered in XML */
        PROTOCOL_EC2,       /* nearly the same */
        PROTOCOL_REST_XML   /* S3 and some others */
};

#define SERVICE_LAMBDA "lambda"

struct service {
        char name[CREDENTIAL_PART_MAX + 1]; /* as in signatures; "": the form will tell */
        enum protocol protocol;
};

void service_find(const struct http_exchange *x, const struct credential *credential,
                  struct service *ret_service);
bool service_is_lambda(const struct service *s);

/* Answers with an error in the service's shape. code: the name of the error, without a namespace. */
void service_refuse(struct api_request *r, int status, const char *code, const char *format, ...)
        PRINTF_LIKE(4, 5);
