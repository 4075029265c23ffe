/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client - asking a daemon, one blocking call at a time, on a loop of our own
 *
 * Every call either answers or has complained on standard error with what to do about it. Requests are
 * signed for the region with the keys of the environment, so that the commands see the functions that `aws` with the
 * same environment sees.
 */
#pragma once
#include <jansson.h>

#include "cli/command.h"
#include "http/client.h"

struct client_options {
        char *endpoint, *region;
        bool json;
};

/* Rows for the table of a command whose values hold a struct client_options named client. */
#define CLIENT_OPTIONS(type) \
        { "endpoint", \
          0, \
          "LAMBENT_ENDPOINT AWS_ENDPOINT_URL_LAMBDA AWS_ENDPOINT_URL", \
          OPTION_TEXT, \
          "URL", \
          "http://127.0.0.1:4566", \
          "the daemon to ask", \
          OPTION_AT(type, client.endpoint) }, \
                { "region", \
                  0, \
                  "AWS_REGION AWS_DEFAULT_REGION LAMBENT_REGION", \
                  OPTION_TEXT, \
                  "REGION", \
                  NULL, \
                  "the region whose functions are meant (default: the daemon's)", \
                  OPTION_AT(type, client.region) }, \
        { \
                "json", 0, NULL, OPTION_FLAG, "", NULL, "print JSON, for programs", \
                        OPTION_AT(type, client.json) \
        }

struct client {
        struct loop *loop;
        struct http_client *http;
        char *endpoint;
        char *authority; /* "host:port" */
        char *region;    /* NULL: requests are not signed */
};

struct answer {
        int status;
        char *error_type, *function_error, *request_id, *log_result, *version,
                *content_type; /* headers; NULL */
        struct buf body;
};

/* 0, or -EINVAL after a complaint about the URL. */
int client_open(struct client *client, const struct client_options *options);
void client_close(struct client *client);

void answer_release(struct answer *answer);

/* The whole answer, whatever its status: 0, or 1 after a complaint (nothing answers, broken off). fields may
 * be NULL. */
int client_call(struct client *client, enum http_method method, const char *target, const char *fields,
                const void *body, size_t len, struct answer *ret_answer);
/* As above; a status of 300 or more is complained about as well. */
int client_get(struct client *client, enum http_method method, const char *target, const json_t *body,
               json_t **ret_json);
/* The sentence of an error answer. Answers 1. */
int client_complain(const struct client *client, const struct answer *answer);
/* Answers 1; r is -errno from the connection. */
int client_complain_broken(const struct client *client, int r);

/* A body that is used as it comes. on_some answers false to break off (no complaint then). */
typedef bool (*client_some_fn)(void *owner, const char *data, size_t len);
int client_stream(struct client *client, enum http_method method, const char *target, const char *fields,
                  const void *body, size_t len, client_some_fn on_some, void *owner,
                  struct answer *ret_answer);

/* "name" with everything percent-escaped that a path or query segment may not hold. */
char *url_escape(const char *text);
/* json's text with a newline on standard output. */
void print_json(const json_t *json);
const char *json_text(const json_t *object, const char *name); /* "" when absent or no string */
