/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_api - the two APIs that processes of an environment speak: runtime_api.c has the listener and the Runtime
 * API, extensions_api.c the Extensions API. What they share, and what the supervisor asks of them.
 */
#pragma once
#include "http/http.h"

struct supervisor;
struct incoming;

/* The Runtime API's own states, by the names its refusals use (docs/aws.md, runtime-api). */
enum api_state {
        API_STARTED,
        API_INIT_ERROR,
        API_READY,
        API_RUNNING,
        API_RESPONSE,
        API_ERROR_RESPONSE,
        API_RESPONSE_SENT,
};
const char *api_state_name(enum api_state state);

/* runtime_api.c */
extern const struct http_handler runtime_api_handler;
void runtime_api_deliver(struct supervisor *s); /* answers s->poll with the current order */
void runtime_api_drop(struct supervisor *s);    /* forgets what is parked or arrives of a dead generation */
void runtime_api_drop_answer(struct supervisor *s); /* only the latter */
void incoming_clear(struct incoming *in);

/* Answers. */
void api_refuse(struct http_exchange *x, int status, const char *type, const char *message);
void api_accept(struct http_exchange *x);
void api_not_found(struct http_exchange *x);
void api_quiet_body(struct http_exchange *x, const char *data, size_t len);
void api_quiet_end(struct http_exchange *x);

/* extensions_api.c */
void extensions_api_route(struct supervisor *s, struct http_exchange *x, const char *rest);
void extensions_api_no_telemetry(struct http_exchange *x, bool logs);
void extensions_api_invoke(struct supervisor *s); /* the INVOKE event to whoever subscribed to it */
void extensions_api_shutdown(struct supervisor *s, nsec_t deadline, const char *reason);
void extensions_api_drop(struct supervisor *s); /* forgets those of a dead generation */
