/* SPDX-License-Identifier: Apache-2.0 */
#include "api/service.h"

#include <stdarg.h>
#include <stdio.h>

#include "api/request.h"
#include "api/xml.h"
#include "base/json.h"

/* A message quotes at most the request, whose parts are capped, and escapes grow a byte to six. */
#define ANSWER_MAX_BYTES (16 * MIB)

/* ---- which one ---- */

static void name_is(struct service *s, const char *name, size_t len) {
        if (len > CREDENTIAL_PART_MAX)
                return;
        memcpy(s->name, name, len);
        s->name[len] = '\0';
}

static bool ends_with(const char *s, size_t len, const char *suffix) {
        size_t suffix_len = strlen(suffix);

        return len > suffix_len && memcmp(s + len - suffix_len, suffix, suffix_len) == 0;
}

/* "iam.amazonaws.com", "sts.eu-west-1.amazonaws.com", "bucket.s3.eu-west-1.amazonaws.com". */
static void from_host(const char *host, struct service *s) {
        size_t len = strcspn(host, ":"), first = strcspn(host, ".");

        if (ends_with(host, len, ".amazonaws.com.cn"))
                len -= strlen(".cn");
        if (!ends_with(host, len, ".amazonaws.com"))
                return;
        if (str_starts(host, "s3.") || strstr(host, ".s3.") || strstr(host, ".s3-"))
                name_is(s, "s3", 2);
        else
                name_is(s, host, first);
}

static bool is_form(const struct http_exchange *x) {
        const char *type = http_header(x, "content-type");

        return type && str_starts(type, "application/x-www-form-urlencoded");
}

static void from_target(const char *target, struct service *s) {
        if (str_starts(target, "Logs_"))
                name_is(s, "logs", 4);
        else
                name_is(s, target, strcspn(target, "_."));
}

static enum protocol protocol_of(const struct http_exchange *x, const char *name) {
        static const char *const rest_xml[] = { "s3", "s3express", "route53", "cloudfront" };

        for (size_t i = 0; i < ARRAY_SIZE(rest_xml); i++)
                if (streq(name, rest_xml[i]))
                        return PROTOCOL_REST_XML;
        if (http_header(x, "x-amz-target"))
                return PROTOCOL_JSON;
        if (streq(name, "ec2"))
                return PROTOCOL_EC2;
        return streq(x->path, "/") && (is_form(x) || strstr(x->query, "Action=")) ? PROTOCOL_QUERY
                                                                                  : PROTOCOL_REST_JSON;
}

void service_find(const struct http_exchange *x, const struct credential *credential,
                  struct service *ret_service) {
        const char *target = http_header(x, "x-amz-target"), *host = http_header(x, "host");
        struct service *s = ret_service;

        *s = (struct service){};
        /* Most requests are this. */
        if (streq(credential->service, SERVICE_LAMBDA)) {
                name_is(s, SERVICE_LAMBDA, strlen(SERVICE_LAMBDA));
                return;
        }
        if (*credential->service)
                name_is(s, credential->service, strlen(credential->service));
        else if (target)
                from_target(target, s);
        else if (host)
                from_host(host, s);
        s->protocol = protocol_of(x, s->name);
        if (!*s->name && s->protocol != PROTOCOL_QUERY)
                name_is(s, SERVICE_LAMBDA, strlen(SERVICE_LAMBDA));
}

bool service_is_lambda(const struct service *s) {
        return streq(s->name, SERVICE_LAMBDA);
}

/* ---- refusals ---- */

struct refusal {
        const char *code, *message;
        bool ours; /* not the sender's fault */
};

static void write_xml(const struct api_request *r, const struct refusal *refusal, struct buf *body) {
        struct xml_writer w = XML_WRITER(body);

        switch (r->service.protocol) {
        case PROTOCOL_QUERY:
                xml_open(&w, "ErrorResponse", r->xmlns);
                xml_open(&w, "Error", NULL);
                xml_text(&w, "Type", refusal->ours ? "Receiver" : "Sender");
                xml_text(&w, "Code", refusal->code);
                xml_text(&w, "Message", refusal->message);
                xml_close(&w, "Error");
                xml_text(&w, "RequestId", r->request_id);
                xml_close(&w, "ErrorResponse");
                break;
        case PROTOCOL_EC2:
                xml_open(&w, "Response", NULL);
                xml_open(&w, "Errors", NULL);
                xml_open(&w, "Error", NULL);
                xml_text(&w, "Code", refusal->code);
                xml_text(&w, "Message", refusal->message);
                xml_close(&w, "Error");
                xml_close(&w, "Errors");
                xml_text(&w, "RequestID", r->request_id);
                xml_close(&w, "Response");
                break;
        case PROTOCOL_REST_XML:
        case PROTOCOL_REST_JSON:
        case PROTOCOL_JSON:
                xml_open(&w, "Error", NULL);
                xml_text(&w, "Code", refusal->code);
                xml_text(&w, "Message", refusal->message);
                xml_text(&w, "RequestId", r->request_id);
                xml_close(&w, "Error");
                break;
        }
        must(xml_writer_end(&w) == 0);
}

static void write_json(const struct api_request *r, const struct refusal *refusal, struct buf *body) {
        struct json_writer w = JSON_WRITER(body);

        json_open_object(&w, NULL);
        if (r->service.protocol == PROTOCOL_JSON)
                json_str(&w, "__type", refusal->code);
        json_str(&w, "message", refusal->message);
        json_close_object(&w);
        must(json_writer_end(&w) == 0);
}

/* Version 1.0 and 1.1 differ in nothing else. */
static const char *content_type(const struct api_request *r) {
        const char *type = http_header(r->exchange, "content-type");

        if (r->service.protocol == PROTOCOL_REST_JSON)
                return "application/json";
        return type && str_starts(type, "application/x-amz-json-1.0") ? "application/x-amz-json-1.0"
                                                                      : "application/x-amz-json-1.1";
}

void service_refuse(struct api_request *r, int status, const char *code, const char *format, ...) {
        const bool json = r->service.protocol == PROTOCOL_REST_JSON || r->service.protocol == PROTOCOL_JSON;
        AUTO(buf) struct buf body = BUF_NULL(ANSWER_MAX_BYTES);
        AUTO(str) char *fields = json ? xasprintf("x-amzn-ErrorType: %s\r\n", code) : NULL;
        AUTO(str) char *message = NULL;
        struct refusal refusal = { code, NULL, status >= 500 };
        va_list ap;

        va_start(ap, format);
        must(vasprintf(&message, format, ap) >= 0);
        va_end(ap);
        refusal.message = message;
        if (json)
                write_json(r, &refusal, &body);
        else
                write_xml(r, &refusal, &body);
        api_reply(r, status, json ? content_type(r) : "text/xml", fields, buf_data(&body), body.len);
}
