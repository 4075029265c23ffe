/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What llhttp tells and what we make of it. llhttp knows the grammar; this file adds what it leaves to its
 * user: which versions and codings we speak, that a target has a path, that Host is there once, that lines
 * end in CR LF and are not folded (RFC 9112 sections 2.2, 3.2 and 5.2: what two parsers read differently is
 * how requests are smuggled).
 */
#include "http/conn.h"

#include <strings.h>

static struct conn *conn_of_parser(const llhttp_t *parser) {
        return parser->data;
}

static int note(struct conn *c, int r) {
        if (!r)
                return 0;
        c->refusal = r == -E2BIG ? 431 : r == -EBADMSG ? 400 : 503;
        return HPE_USER;
}

static int on_url(llhttp_t *parser, const char *at, size_t len) {
        struct conn *c = conn_of_parser(parser);

        return note(c, head_add_text(&c->head, at, len));
}

static int on_url_complete(llhttp_t *parser) {
        struct conn *c = conn_of_parser(parser);

        return note(c, head_end_text(&c->head));
}

static struct head *head_now(struct conn *c) {
        return c->active || c->phase == PHASE_DROP ? &c->trailers : &c->head;
}

static int on_field(llhttp_t *parser, const char *at, size_t len) {
        struct conn *c = conn_of_parser(parser);

        return note(c, head_add_name(head_now(c), at, len));
}

static int on_field_complete(llhttp_t *parser) {
        struct conn *c = conn_of_parser(parser);

        return note(c, head_end_name(head_now(c)));
}

static int on_value(llhttp_t *parser, const char *at, size_t len) {
        struct conn *c = conn_of_parser(parser);

        return note(c, head_add_value(head_now(c), at, len));
}

static int on_headers_complete(llhttp_t *parser) {
        conn_of_parser(parser)->parsed = PARSED_HEAD;
        return HPE_PAUSED;
}

static int on_body(llhttp_t *parser, const char *at, size_t len) {
        struct conn *c = conn_of_parser(parser);

        c->parsed = PARSED_BODY;
        c->span = at;
        c->span_len = len;
        return HPE_PAUSED;
}

static int on_message_complete(llhttp_t *parser) {
        conn_of_parser(parser)->parsed = PARSED_END;
        return HPE_PAUSED;
}

const llhttp_settings_t request_settings = {
        .on_url = on_url,
        .on_url_complete = on_url_complete,
        .on_header_field = on_field,
        .on_header_field_complete = on_field_complete,
        .on_header_value = on_value,
        .on_headers_complete = on_headers_complete,
        .on_body = on_body,
        .on_message_complete = on_message_complete,
};

void request_begin(struct conn *c) {
        llhttp_init(&c->parser, HTTP_REQUEST, &request_settings);
        c->parser.data = c;
        head_init(&c->head, c->room, sizeof(c->room));
        c->overhead = 0;
        c->last = 0;
        c->refusal = 0;
}

bool request_lines_ok(struct conn *c, const char *data, size_t len) {
        const char *at = data, *end = data + len;

        if (!len)
                return true;
        if (c->last == '\n' && (*data == ' ' || *data == '\t'))
                return false;
        while ((at = memchr(at, '\n', (size_t)(end - at)))) {
                if ((at == data ? c->last : at[-1]) != '\r')
                        return false;
                if (++at == end)
                        break;
                if (*at == ' ' || *at == '\t')
                        return false;
        }
        c->last = end[-1];
        return true;
}

int request_status_of_error(const struct conn *c, int parser_error) {
        if (c->refusal)
                return c->refusal;
        if (parser_error == HPE_INVALID_VERSION || parser_error == HPE_PAUSED_H2_UPGRADE)
                return 505;
        return 400;
}

static enum http_method method_of(uint8_t method) {
        static const uint8_t known[] = {
                [HTTP_GET] = HTTP_GET_ + 1,         [HTTP_HEAD] = HTTP_HEAD_ + 1,
                [HTTP_POST] = HTTP_POST_ + 1,       [HTTP_PUT] = HTTP_PUT_ + 1,
                [HTTP_DELETE] = HTTP_DELETE_ + 1,   [HTTP_PATCH] = HTTP_PATCH_ + 1,
                [HTTP_OPTIONS] = HTTP_OPTIONS_ + 1,
        };

        return method < sizeof(known) && known[method] ? (enum http_method)(known[method] - 1) : HTTP_OTHER_;
}

/* http://authority/path: the path is served, and the authority counts instead of Host (RFC 9112
 * section 3.2.2). */
static int reduce_absolute_form(struct http_exchange *x, char *target, struct http_field *host) {
        char *authority, *path;

        if (strncasecmp(target, "http://", 7) != 0)
                return 400;
        authority = target + 7;
        path = authority + strcspn(authority, "/?");
        if (path == authority || memchr(authority, '@', (size_t)(path - authority)))
                return 400;
        if (host) {
                /* Moved one to the left to make room for its NUL; the path may begin right behind it. */
                memmove(authority - 1, authority, (size_t)(path - authority));
                path[-1] = 0;
                host->value = authority - 1;
                host->value_len = (size_t)(path - authority);
        }
        x->path = *path == '/' ? path : "/";
        x->query = *path == '?' ? path + 1 : "";
        return 0;
}

static int accept_target(struct http_exchange *x, char *target, struct http_field *host) {
        char *mark;
        int status = 0;

        x->path = target;
        x->query = "";
        if (strchr(target, '#'))
                return 400;
        if (*target != '/' && !(streq(target, "*") && x->method == HTTP_OPTIONS_))
                status = reduce_absolute_form(x, target, host);
        mark = strchr(x->path, '?');
        if (mark && !status) {
                *mark = 0;
                x->query = mark + 1;
        }
        return status;
}

struct seen {
        struct http_field *host;
        unsigned hosts, codings;
        bool foreign_coding, foreign_expectation;
};

static void look_at(struct conn *c, struct http_field *field, struct seen *seen) {
        switch (field->name_len) {
        case 4:
                if (memcmp(field->name, "host", 4) == 0) {
                        seen->host = field;
                        ++seen->hosts;
                }
                break;
        case 6:
                if (memcmp(field->name, "expect", 6) != 0)
                        break;
                if (strcasecmp(field->value, "100-continue") == 0)
                        c->expects_continue = true;
                else
                        seen->foreign_expectation = true;
                break;
        case 17:
                if (memcmp(field->name, "transfer-encoding", 17) != 0)
                        break;
                ++seen->codings;
                if (strcasecmp(field->value, "chunked") != 0)
                        seen->foreign_coding = true;
                break;
        default:
                break;
        }
}

static int judge(struct conn *c, const struct seen *seen) {
        const llhttp_t *p = &c->parser;

        if (p->http_major != 1 || p->http_minor > 1)
                return 505;
        if (seen->hosts > 1 || (!seen->hosts && p->http_minor == 1))
                return 400;
        /* A coding in HTTP/1.0 is faulty framing (RFC 9112 section 6.1), beside a length it is an attack. */
        if (seen->codings && (p->http_minor == 0 || (p->flags & F_CONTENT_LENGTH)))
                return 400;
        if (seen->foreign_coding || seen->codings > 1)
                return 501;
        if (p->content_length > INT64_MAX)
                return 400;
        if (p->method == HTTP_CONNECT || p->method == HTTP_SOURCE || p->method >= HTTP_PRI)
                return 501;
        if (seen->foreign_expectation)
                return 417;
        return 0;
}

int request_accept(struct conn *c) {
        struct http_exchange *x = &c->x;
        const llhttp_t *p = &c->parser;
        struct http_field *fields;
        struct seen seen = {};
        int status;

        if (head_finish(&c->head))
                return 503;
        fields = head_fields(&c->head);
        c->expects_continue = false;
        for (size_t i = 0; i < c->head.count; ++i)
                look_at(c, &fields[i], &seen);
        status = judge(c, &seen);
        if (status)
                return status;
        *x = (struct http_exchange){
                .method = method_of(p->method),
                .method_name = llhttp_method_name((llhttp_method_t)p->method),
                .fields = fields,
                .field_count = c->head.count,
                .content_length = p->flags & F_CHUNKED ? -1 : (int64_t)p->content_length,
                .peer = x->peer,
                .listener_owner = c->listener->owner,
        };
        x->has_body = x->content_length != 0;
        c->old_peer = p->http_minor == 0;
        c->keep_alive = llhttp_should_keep_alive(p);
        c->expects_continue = c->expects_continue && !c->old_peer && x->has_body;
        c->body_left = x->content_length > 0 ? (uint64_t)x->content_length : 0;
        return accept_target(x, c->head.block, seen.host);
}
