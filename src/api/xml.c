/* SPDX-License-Identifier: Apache-2.0 */
#include "api/xml.h"

#include <stdio.h>

#include "base/json_bytes.h"

static void put(struct xml_writer *w, const char *s, size_t len) {
        if (!w->error)
                w->error = buf_append(w->buf, s, len);
}

static void put_str(struct xml_writer *w, const char *s) {
        put(w, s, strlen(s));
}

#define REPLACEMENT "\xef\xbf\xbd"

/* What stands for a character that cannot be itself in text; NULL: it can. */
static const char *reference(unsigned char c) {
        switch (c) {
        case '&':
                return "&amp;";
        case '<':
                return "&lt;";
        case '>':
                return "&gt;";
        case '"':
                return "&quot;";
        case '\r': /* a parser would make a line end of it */
                return "&#xD;";
        case '\t':
        case '\n':
                return NULL;
        default:
                return c < 0x20 ? REPLACEMENT : NULL;
        }
}

static void escape(struct xml_writer *w, const char *s) {
        const char *plain = s, *end = s + strlen(s);

        while (s < end) {
                const unsigned char c = (unsigned char)*s;
                const size_t len = c < 0x80 ? 1 : json_utf8_len(s, end);
                const char *instead = len ? reference(c) : REPLACEMENT;

                if (instead) {
                        put(w, plain, (size_t)(s - plain));
                        put_str(w, instead);
                        plain = s + MAX(len, (size_t)1);
                }
                s += MAX(len, (size_t)1);
        }
        put(w, plain, (size_t)(s - plain));
}

void xml_open(struct xml_writer *w, const char *name, const char *xmlns) {
        put_str(w, "<");
        put_str(w, name);
        if (xmlns) {
                put_str(w, " xmlns=\"");
                escape(w, xmlns);
                put_str(w, "\"");
        }
        put_str(w, ">");
}

void xml_close(struct xml_writer *w, const char *name) {
        put_str(w, "</");
        put_str(w, name);
        put_str(w, ">");
}

void xml_text(struct xml_writer *w, const char *name, const char *value) {
        xml_open(w, name, NULL);
        escape(w, value);
        xml_close(w, name);
}

static void content(struct xml_writer *w, const json_t *tree) {
        char number[32];
        const char *key;
        json_t *value;
        size_t i;

        switch (json_typeof(tree)) {
        case JSON_OBJECT:
                json_object_foreach((json_t *)tree, key, value) xml_tree(w, key, value);
                break;
        case JSON_ARRAY:
                json_array_foreach(tree, i, value) xml_tree(w, "member", value);
                break;
        case JSON_STRING:
                escape(w, json_string_value(tree));
                break;
        case JSON_INTEGER:
                snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(tree));
                put_str(w, number);
                break;
        case JSON_REAL:
                snprintf(number, sizeof(number), "%.15g", json_real_value(tree));
                put_str(w, number);
                break;
        case JSON_TRUE:
        case JSON_FALSE:
                put_str(w, json_is_true(tree) ? "true" : "false");
                break;
        case JSON_NULL:
                break;
        }
}

void xml_tree(struct xml_writer *w, const char *name, const json_t *tree) {
        if (!tree || json_is_null(tree))
                return;
        xml_open(w, name, NULL);
        content(w, tree);
        xml_close(w, name);
}

int xml_writer_end(struct xml_writer *w) {
        return w->error;
}
