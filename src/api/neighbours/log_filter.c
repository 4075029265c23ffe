/* SPDX-License-Identifier: Apache-2.0 */
#include "api/neighbours/log_filter.h"

#define TERMS_MAX 512 /* a pattern has at most 1024 characters */

enum term_kind { TERM_PLAIN, TERM_WITHOUT, TERM_ANY };

struct term {
        enum term_kind kind;
        char *text;
        size_t len;
};

struct log_filter {
        char **streams;
        size_t stream_count;
        char *prefix;
        struct term terms[TERMS_MAX];
        size_t term_count;
        bool has_plain; /* terms that may be missing count only among themselves */
};

void log_filter_free(struct log_filter *filter) {
        if (!filter)
                return;
        for (size_t i = 0; i < filter->stream_count; i++)
                free(filter->streams[i]);
        for (size_t i = 0; i < filter->term_count; i++)
                free(filter->terms[i].text);
        free(filter->streams);
        free(filter->prefix);
        free(filter);
}

/* One term, and the end of it; NULL: a quote is missing, or nothing is there. */
static const char *read_term(const char *s, struct term *ret_term) {
        AUTO(buf) struct buf text = BUF_NULL(4 * KIB);
        const bool quoted = *s == '"';

        s += quoted;
        while (*s && (quoted ? *s != '"' : !strchr(" \t\r\n", *s))) {
                if (quoted && *s == '\\' && s[1])
                        s++;
                buf_append(&text, s++, 1);
        }
        if ((quoted && *s != '"') || !text.len)
                return NULL;
        ret_term->len = text.len;
        ret_term->text = xmemdup(buf_data(&text), text.len);
        return s + quoted;
}

static int read_pattern(struct log_filter *filter, const char *s) {
        s += strspn(s, " \t\r\n");
        if (*s && strchr("{[%", *s))
                return LOG_FILTER_UNKNOWN;
        for (; *s; s += strspn(s, " \t\r\n")) {
                struct term *term = &filter->terms[filter->term_count];

                if (filter->term_count == TERMS_MAX)
                        return LOG_FILTER_BROKEN;
                term->kind = *s == '-' ? TERM_WITHOUT : *s == '?' ? TERM_ANY : TERM_PLAIN;
                s = read_term(s + (term->kind != TERM_PLAIN), term);
                if (!s)
                        return LOG_FILTER_BROKEN;
                filter->has_plain |= term->kind == TERM_PLAIN;
                filter->term_count++;
        }
        return 0;
}

int log_filter_new(const json_t *streams, const char *prefix, const char *pattern,
                   struct log_filter **ret_filter) {
        AUTO(log_filter) struct log_filter *filter = xcalloc(1, sizeof(*filter));
        const json_t *name;
        size_t i;
        int r;

        filter->streams = xcalloc(json_array_size(streams) + 1, sizeof(*filter->streams));
        json_array_foreach(streams, i, name) filter->streams[filter->stream_count++] =
                xstrdup(json_string_value(name));
        filter->prefix = prefix ? xstrdup(prefix) : NULL;
        r = read_pattern(filter, pattern ? pattern : "");
        if (!r)
                *ret_filter = TAKE(filter);
        return r;
}

static bool takes_stream(const struct log_filter *filter, const char *stream) {
        bool listed = filter->stream_count == 0;

        for (size_t i = 0; i < filter->stream_count && !listed; i++)
                listed = streq(filter->streams[i], stream);
        return listed && (!filter->prefix || str_starts(stream, filter->prefix));
}

bool log_filter_takes(const struct log_filter *filter, const struct logs_record *record) {
        bool some = false, may_some = false;

        if (!takes_stream(filter, record->stream))
                return false;
        for (size_t i = 0; i < filter->term_count; i++) {
                const struct term *term = &filter->terms[i];
                bool has = memmem(record->data, record->len, term->text, term->len) != NULL;

                if (term->kind == TERM_ANY) {
                        may_some = true;
                        some = some || has;
                } else if (has != (term->kind == TERM_PLAIN)) {
                        return false;
                }
        }
        return some || !may_some || filter->has_plain;
}
