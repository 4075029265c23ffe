/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/date.h"
#include "http/conn.h"

const char *http_method_name(enum http_method method) {
        static const char *const names[] = {
                [HTTP_GET_] = "GET",         [HTTP_HEAD_] = "HEAD",     [HTTP_POST_] = "POST",
                [HTTP_PUT_] = "PUT",         [HTTP_DELETE_] = "DELETE", [HTTP_PATCH_] = "PATCH",
                [HTTP_OPTIONS_] = "OPTIONS", [HTTP_OTHER_] = "OTHER",
        };

        return names[method];
}

const char *http_reason(int status) {
        static const struct {
                int status;
                const char *reason;
        } reasons[] = {
                { 200, "OK" },
                { 201, "Created" },
                { 202, "Accepted" },
                { 204, "No Content" },
                { 206, "Partial Content" },
                { 301, "Moved Permanently" },
                { 302, "Found" },
                { 303, "See Other" },
                { 304, "Not Modified" },
                { 307, "Temporary Redirect" },
                { 308, "Permanent Redirect" },
                { 400, "Bad Request" },
                { 401, "Unauthorized" },
                { 403, "Forbidden" },
                { 404, "Not Found" },
                { 405, "Method Not Allowed" },
                { 406, "Not Acceptable" },
                { 408, "Request Timeout" },
                { 409, "Conflict" },
                { 410, "Gone" },
                { 411, "Length Required" },
                { 412, "Precondition Failed" },
                { 413, "Content Too Large" },
                { 414, "URI Too Long" },
                { 415, "Unsupported Media Type" },
                { 416, "Range Not Satisfiable" },
                { 417, "Expectation Failed" },
                { 421, "Misdirected Request" },
                { 422, "Unprocessable Content" },
                { 424, "Failed Dependency" },
                { 426, "Upgrade Required" },
                { 429, "Too Many Requests" },
                { 431, "Request Header Fields Too Large" },
                { 500, "Internal Server Error" },
                { 501, "Not Implemented" },
                { 502, "Bad Gateway" },
                { 503, "Service Unavailable" },
                { 504, "Gateway Timeout" },
                { 505, "HTTP Version Not Supported" },
                { 507, "Insufficient Storage" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(reasons); ++i)
                if (reasons[i].status == status)
                        return reasons[i].reason;
        return "";
}

const char *http_date_line(nsec_t wall, size_t *ret_len) {
        static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
        static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
        static _Thread_local char line[64];
        static _Thread_local size_t len;
        static _Thread_local uint64_t made_for = UINT64_MAX;
        uint64_t now = wall / SECOND;

        if (now != made_for) {
                struct date d;

                date_of(wall, &d);
                len = (size_t)snprintf(line, sizeof(line), "Date: %s, %02u %s %04u %02u:%02u:%02u GMT\r\n",
                                       days[d.weekday], d.day, months[d.month], d.year, d.hour, d.minute,
                                       d.second);
                made_for = now;
        }
        *ret_len = len;
        return line;
}

const char *http_header(const struct http_exchange *x, const char *lower_name) {
        return head_find(x->fields, x->field_count, lower_name);
}

const char *http_trailer(const struct http_exchange *x, const char *lower_name) {
        const struct conn *c = conn_of(x);

        return x->request_done ? head_find(head_fields(&c->trailers), c->trailers.count, lower_name) : NULL;
}

static int hex_value(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One character of the text at *at, which moves behind it; -EINVAL for a bad escape and for NUL. */
static int decode_one(const char **at, const char *end, bool form) {
        char c = *(*at)++;

        if (c == '%') {
                int high = end - *at >= 2 ? hex_value((*at)[0]) : -1,
                    low = high >= 0 ? hex_value((*at)[1]) : -1;

                if (low < 0)
                        return -EINVAL;
                c = (char)(high << 4 | low);
                *at += 2;
        } else if (c == '+' && form) {
                c = ' ';
        }
        return c ? (unsigned char)c : -EINVAL;
}

int http_percent_decode(const char *s, size_t len, bool form, struct buf *buf) {
        const char *end = s + len;
        size_t plain_len = 0;
        char *tail;
        int r;

        for (const char *at = s; at < end; ++plain_len)
                if (decode_one(&at, end, form) < 0)
                        return -EINVAL;
        r = buf_reserve(buf, plain_len, &tail);
        if (r)
                return r;
        for (const char *at = s; at < end;)
                *tail++ = (char)decode_one(&at, end, form);
        buf_commit(buf, plain_len);
        return 0;
}

bool http_query_is_sound(const struct http_exchange *x) {
        const char *at = x->query, *end = at + strlen(at);

        while (at < end)
                if (decode_one(&at, end, true) < 0)
                        return false;
        return true;
}

static bool param_is(const char *key, size_t len, const char *name) {
        struct buf plain = BUF_NULL(len);
        bool is = http_percent_decode(key, len, true, &plain) == 0 && plain.len == strlen(name) &&
                  memcmp(buf_data(&plain), name, plain.len) == 0;

        buf_deinit(&plain);
        return is;
}

char *http_query_param(const struct http_exchange *x, const char *name) {
        return http_query_param_at(x, name, 0);
}

char *http_query_param_at(const struct http_exchange *x, const char *name, size_t nth) {
        const char *at = x->query;

        while (*at) {
                size_t len = strcspn(at, "&"), key_len = 0;

                while (key_len < len && at[key_len] != '=')
                        ++key_len;
                if (key_len && param_is(at, key_len, name) && nth-- == 0) {
                        const char *value = at + key_len + (key_len < len);
                        struct buf plain = BUF_NULL(len + 1);
                        char *s = NULL;

                        if (http_percent_decode(value, len - (size_t)(value - at), true, &plain) == 0)
                                s = buf_take_str(&plain, NULL);
                        buf_deinit(&plain);
                        return s;
                }
                at += len + (at[len] == '&');
        }
        return NULL;
}
