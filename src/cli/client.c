/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client.h"

#include <ctype.h>
#include <stdio.h>
#include <time.h>

#include "lib/sigv4.h"

/* A streamed answer is at most 200 MiB on AWS and is not held; this holds lists, and answers of 6 MiB. */
#define ANSWER_BODY_MAX (64 * MIB)

#define CANONICAL_MAX MIB
#define SIGNED_HEADERS "host;x-amz-date"

static const char *environment(const char *name, const char *otherwise) {
        const char *value = getenv(name);

        return value && *value ? value : otherwise;
}

/* Authorization and what belongs to it, by the keys of the environment; malloc'ed. */
static char *signature_fields(const struct client *client, enum http_method method, const char *target,
                              const void *body, size_t len) {
        const char *key = environment("AWS_ACCESS_KEY_ID", "lambent"), *query = strchr(target, '?'),
                   *token = environment("AWS_SESSION_TOKEN", NULL);
        AUTO(str) char *path = xstrndup(target, strcspn(target, "?"));
        char time_text[32], date[16], payload[SHA256_HEX_LEN + 1], hex[SIGV4_HEX_LEN + 1];
        const struct http_field fields[] = {
                { "host", client->authority, strlen("host"), strlen(client->authority) },
                { "x-amz-date", time_text, strlen("x-amz-date"), strlen("YYYYMMDDTHHMMSSZ") },
        };
        const struct sigv4_request request = {
                http_method_name(method), path,    query ? query + 1 : "", fields, ARRAY_SIZE(fields),
                SIGNED_HEADERS,           payload,
        };
        const struct sigv4_scope scope = { time_text, date, client->region, "lambda" };
        AUTO(buf) struct buf canonical = BUF_NULL(CANONICAL_MAX);
        time_t now = time(NULL);
        struct tm day;

        gmtime_r(&now, &day);
        strftime(time_text, sizeof(time_text), "%Y%m%dT%H%M%SZ", &day);
        strftime(date, sizeof(date), "%Y%m%d", &day);
        sigv4_sha256_hex(body, len, payload);
        /* What cannot be signed is refused by the daemon, which knows the words. */
        sigv4_canonical(&request, &canonical);
        sigv4_signature(environment("AWS_SECRET_ACCESS_KEY", "lambent"), &scope, &canonical, hex);
        return xasprintf("X-Amz-Date: %s\r\n%s%s%sAuthorization: " SIGV4_ALGORITHM
                         " Credential=%s/%s/%s/lambda/aws4_request, "
                         "SignedHeaders=" SIGNED_HEADERS ", Signature=%s\r\n",
                         time_text, token ? "X-Amz-Security-Token: " : "", token ? token : "",
                         token ? "\r\n" : "", key, date, client->region, hex);
}

int client_open(struct client *client, const struct client_options *options) {
        const char *at = options->endpoint;
        AUTO(str) char *authority = NULL;
        int r;

        *client = (struct client){};
        if (!str_starts(at, "http://")) {
                complain("--endpoint %s: lambent speaks plain HTTP, so it must begin with http://", at);
                return -EINVAL;
        }
        at += strlen("http://");
        authority = xstrndup(at, strcspn(at, "/"));
        if (!*authority || strpbrk(authority, "\r\n@ ")) {
                complain("--endpoint %s: there is no host in it", options->endpoint);
                return -EINVAL;
        }
        /* A bare host means port 80, as in every URL. */
        if (!strrchr(authority, ':') || authority[strlen(authority) - 1] == ']') {
                char *with_port = xasprintf("%s:80", authority);

                free(authority);
                authority = with_port;
        }
        if (options->region && strpbrk(options->region, "\r\n/ ")) {
                complain("--region \"%s\" is not a region's name", options->region);
                return -EINVAL;
        }
        r = loop_new(&client->loop);
        if (r) {
                complain("cannot make an event loop: %s", strerror(-r));
                return r;
        }
        client->http = http_client_new(client->loop, authority);
        client->endpoint = xstrdup(options->endpoint);
        client->region = options->region ? xstrdup(options->region) : NULL;
        client->authority = TAKE(authority);
        return 0;
}

void client_close(struct client *client) {
        if (client->http)
                http_client_free(client->http);
        if (client->loop)
                loop_free(client->loop);
        free(client->endpoint);
        free(client->authority);
        free(client->region);
        *client = (struct client){};
}

void answer_release(struct answer *answer) {
        free(answer->error_type);
        free(answer->function_error);
        free(answer->request_id);
        free(answer->log_result);
        free(answer->version);
        free(answer->content_type);
        buf_deinit(&answer->body);
        *answer = (struct answer){};
}

struct call {
        struct client *client;
        struct answer *answer;
        client_some_fn on_some;
        void *owner;
        int r;
        bool ended, broken_off;
};

static void call_on_head(void *owner, int status, const struct http_field *fields, size_t count) {
        struct answer *answer = ((struct call *)owner)->answer;
        const struct {
                const char *name;
                char **value;
        } wanted[] = {
                { "x-amzn-errortype", &answer->error_type },
                { "x-amz-function-error", &answer->function_error },
                { "x-amzn-requestid", &answer->request_id },
                { "x-amz-log-result", &answer->log_result },
                { "x-amz-executed-version", &answer->version },
                { "content-type", &answer->content_type },
        };

        answer->status = status;
        for (size_t i = 0; i < count; i++) {
                for (size_t j = 0; j < ARRAY_SIZE(wanted); j++) {
                        if (strcasecmp(fields[i].name, wanted[j].name) == 0 && !*wanted[j].value)
                                *wanted[j].value = xstrdup(fields[i].value);
                }
        }
}

static void call_on_body(void *owner, const char *data, size_t len) {
        struct call *call = owner;

        if (call->broken_off || call->r)
                return;
        /* An error's body is small, and is told as a whole. */
        if (!call->on_some || call->answer->status >= 300)
                call->r = buf_append(&call->answer->body, data, len);
        else
                call->broken_off = !call->on_some(call->owner, data, len);
}

static void call_on_end(void *owner, int r) {
        struct call *call = owner;

        call->r = call->r ? call->r : r;
        call->ended = true;
}

static const struct http_client_ops call_ops = {
        .on_head = call_on_head,
        .on_body = call_on_body,
        .on_end = call_on_end,
};

int client_complain_broken(const struct client *client, int r) {
        if (r == -ECONNREFUSED)
                return complain("nothing listens at %s: start the daemon with \"lambent serve\", or name "
                                "another one with "
                                "--endpoint URL",
                                client->endpoint);
        if (r == -E2BIG)
                return complain("%s answered more than fits into memory here", client->endpoint);
        if (r == -EBADMSG)
                return complain("%s does not speak HTTP: is it a lambent?", client->endpoint);
        return complain("%s: %s", client->endpoint, strerror(-r));
}

int client_stream(struct client *client, enum http_method method, const char *target, const char *fields,
                  const void *body, size_t len, client_some_fn on_some, void *owner,
                  struct answer *ret_answer) {
        struct call call = { .client = client, .answer = ret_answer, .on_some = on_some, .owner = owner };
        AUTO(str) char *signature =
                client->region ? signature_fields(client, method, target, body, len) : NULL;
        AUTO(str) char *all_fields = xstrcat(signature ? signature : "", fields ? fields : "", NULL);
        int r;

        *ret_answer = (struct answer){ .body = BUF_NULL(ANSWER_BODY_MAX) };
        r = http_client_call(client->http, method, target, all_fields, body, len, NSEC_NEVER, &call_ops,
                             &call);
        while (!r && !call.ended && !call.broken_off)
                r = loop_turn(client->loop, NSEC_NEVER);
        r = r ? r : call.r;
        return r ? client_complain_broken(client, r) : 0;
}

int client_call(struct client *client, enum http_method method, const char *target, const char *fields,
                const void *body, size_t len, struct answer *ret_answer) {
        return client_stream(client, method, target, fields, body, len, NULL, NULL, ret_answer);
}

int client_complain(const struct client *client, const struct answer *answer) {
        json_t *body = json_loadb(buf_data(&answer->body), answer->body.len, 0, NULL);
        const char *message = json_text(body, "Message");
        AUTO(str)
        char *type =
                answer->error_type ? xstrndup(answer->error_type, strcspn(answer->error_type, ":")) : NULL;

        if (!*message)
                message = json_text(body, "message");
        if (*message)
                complain("%s%s%s", type ? type : "", type ? ": " : "", message);
        else
                complain("%s answered with status %d%s", client->endpoint, answer->status,
                         answer->status == 404 ? ": is it a lambent, and of this version?" : "");
        json_decref(body);
        return 1;
}

int client_get(struct client *client, enum http_method method, const char *target, const json_t *body,
               json_t **ret_json) {
        AUTO(str) char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
        struct answer answer;
        int r = client_call(client, method, target, text ? "Content-Type: application/json\r\n" : NULL, text,
                            text ? strlen(text) : 0, &answer);

        *ret_json = NULL;
        if (!r && answer.status >= 300)
                r = client_complain(client, &answer);
        if (!r && answer.body.len) {
                *ret_json = json_loadb(buf_data(&answer.body), answer.body.len, 0, NULL);
                if (!*ret_json)
                        r = client_complain_broken(client, -EBADMSG);
        }
        answer_release(&answer);
        return r;
}

char *url_escape(const char *text) {
        char *escaped = xmalloc(strlen(text) * 3 + 1), *at = escaped;

        for (; *text; text++) {
                if (isalnum((unsigned char)*text) || strchr("-._~", *text))
                        *at++ = *text;
                else
                        at += snprintf(at, 4, "%%%02X", (unsigned char)*text);
        }
        *at = '\0';
        return escaped;
}

void print_json(const json_t *json) {
        /* 17 digits, the default, would show 0.032 as 0.032000000000000001. */
        json_dumpf(json, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        putchar('\n');
}

const char *json_text(const json_t *object, const char *name) {
        const char *text = json_string_value(json_object_get(object, name));

        return text ? text : "";
}
