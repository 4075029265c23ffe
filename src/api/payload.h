/* SPDX-License-Identifier: Apache-2.0 */
/* payload - what an invocation may carry, and AWS's words when it may not (docs/aws.md, invocations) */
#pragma once
#include "api/request.h"

/* False: the request was answered with InvalidRequestContentException. An empty payload is fine. */
bool payload_check(struct api_request *r, const char *text, size_t len);
/* The X-Amz-Client-Context header, decoded into *ret_json (malloc'ed, NULL without one). False: answered. */
bool payload_client_context(struct api_request *r, char **ret_json);
/* The value for X-Amzn-Trace-Id: the caller's, continued, or a new unsampled one. malloc'ed. */
char *payload_trace_id(const struct api_request *r);
