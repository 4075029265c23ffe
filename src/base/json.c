/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scanner is a small machine over "what may come next", with one bit per open bracket instead of a stack
 * of calls. Nearly all bytes of a real payload are inside strings and are skipped sixteen at a time.
 */
#include "base/json.h"

#include <math.h>
#include <stdio.h>

#include "base/json_bytes.h"

struct scan {
        const char *at, *end;
        const char *reason;
        uint64_t objects[(JSON_DEPTH_MAX + 64) / 64]; /* bit set: an object is open at that depth */
        size_t depth;
};

enum expect { EXPECT_VALUE, EXPECT_VALUE_OR_END, EXPECT_KEY, EXPECT_KEY_OR_END, EXPECT_COMMA_OR_END };

static bool stop(struct scan *s, const char *reason) {
        s->reason = s->at == s->end ? "unexpected end" : reason;
        return false;
}

static void skip_space(struct scan *s) {
        while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
                ++s->at;
}

static int hex_value(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool scan_escape(struct scan *s) {
        if (++s->at == s->end)
                return stop(s, NULL);
        switch (*s->at) {
        case '"':
        case '\\':
        case '/':
        case 'b':
        case 'f':
        case 'n':
        case 'r':
        case 't':
                ++s->at;
                return true;
        case 'u':
                ++s->at;
                for (int i = 0; i < 4; ++i, ++s->at)
                        if (s->at == s->end || hex_value(*s->at) < 0)
                                return stop(s, "bad \\u escape");
                return true;
        default:
                return stop(s, "bad escape");
        }
}

/* Behind the opening quote; leaves behind the closing one. */
static bool scan_string(struct scan *s) {
        for (;;) {
                s->at = json_skip_plain(s->at, s->end, false);
                if (s->at == s->end)
                        return stop(s, NULL);
                if (*s->at == '"') {
                        ++s->at;
                        return true;
                }
                if (*s->at == '\\') {
                        if (!scan_escape(s))
                                return false;
                } else if (*s->at & 0x80) {
                        do {
                                size_t n = json_utf8_len(s->at, s->end);

                                if (!n)
                                        return s->reason = "invalid UTF-8", false;
                                s->at += n;
                        } while (s->at < s->end && *s->at & 0x80);
                } else {
                        return stop(s, "control character in a string");
                }
        }
}

static bool scan_digits(struct scan *s) {
        const char *from = s->at;

        while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
                ++s->at;
        return s->at > from || stop(s, "expected a digit");
}

static bool scan_number(struct scan *s) {
        if (*s->at == '-')
                ++s->at;
        if (s->at < s->end && *s->at == '0')
                ++s->at;
        else if (!scan_digits(s))
                return false;
        if (s->at < s->end && *s->at == '.') {
                ++s->at;
                if (!scan_digits(s))
                        return false;
        }
        if (s->at < s->end && (*s->at | 0x20) == 'e') {
                ++s->at;
                if (s->at < s->end && (*s->at == '+' || *s->at == '-'))
                        ++s->at;
                return scan_digits(s);
        }
        return true;
}

static bool scan_word(struct scan *s, const char *word) {
        for (; *word; ++word, ++s->at)
                if (s->at == s->end || *s->at != *word)
                        return stop(s, "unknown word");
        return true;
}

static bool in_object(const struct scan *s) {
        return s->objects[(s->depth - 1) / 64] >> ((s->depth - 1) % 64) & 1;
}

static bool open_bracket(struct scan *s, bool object) {
        uint64_t bit = (uint64_t)1 << (s->depth % 64);

        if (s->depth == JSON_DEPTH_MAX)
                return stop(s, "nested too deeply");
        if (object)
                s->objects[s->depth / 64] |= bit;
        else
                s->objects[s->depth / 64] &= ~bit;
        ++s->depth;
        ++s->at;
        return true;
}

static enum expect close_bracket(struct scan *s) {
        --s->depth;
        ++s->at;
        return EXPECT_COMMA_OR_END;
}

/* A name and its colon; *ret_len covers the name with its quotes. */
static bool scan_key(struct scan *s, size_t *ret_len) {
        const char *from = s->at++;

        if (!scan_string(s))
                return false;
        *ret_len = (size_t)(s->at - from);
        skip_space(s);
        if (s->at == s->end || *s->at != ':')
                return stop(s, "expected ':'");
        ++s->at;
        return true;
}

/* A value that is no bracket, or the bracket that opens one; tells in *expect what may follow. */
static bool scan_start(struct scan *s, enum expect *expect) {
        *expect = EXPECT_COMMA_OR_END;
        switch (*s->at) {
        case '"':
                ++s->at;
                return scan_string(s);
        case '{':
                *expect = EXPECT_KEY_OR_END;
                return open_bracket(s, true);
        case '[':
                *expect = EXPECT_VALUE_OR_END;
                return open_bracket(s, false);
        case 't':
                return scan_word(s, "true");
        case 'f':
                return scan_word(s, "false");
        case 'n':
                return scan_word(s, "null");
        default:
                if (*s->at == '-' || (*s->at >= '0' && *s->at <= '9'))
                        return scan_number(s);
                return stop(s, "expected a value");
        }
}

/* One whole value; white space before it is skipped. */
static bool scan_value(struct scan *s) {
        enum expect expect = EXPECT_VALUE;
        size_t floor = s->depth;

        for (;;) {
                if (expect == EXPECT_COMMA_OR_END && s->depth == floor)
                        return true;
                skip_space(s);
                if (s->at == s->end)
                        return stop(s, NULL);
                switch (expect) {
                case EXPECT_VALUE_OR_END:
                        if (*s->at == ']') {
                                expect = close_bracket(s);
                                break;
                        }
                        __attribute__((fallthrough));
                case EXPECT_VALUE:
                        if (!scan_start(s, &expect))
                                return false;
                        break;
                case EXPECT_KEY_OR_END:
                        if (*s->at == '}') {
                                expect = close_bracket(s);
                                break;
                        }
                        __attribute__((fallthrough));
                case EXPECT_KEY:
                        if (*s->at != '"')
                                return stop(s, "expected a name in quotes");
                        if (!scan_key(s, &(size_t){ 0 }))
                                return false;
                        expect = EXPECT_VALUE;
                        break;
                case EXPECT_COMMA_OR_END:
                        if (*s->at == ',') {
                                ++s->at;
                                expect = in_object(s) ? EXPECT_KEY : EXPECT_VALUE;
                        } else if (*s->at == (in_object(s) ? '}' : ']')) {
                                expect = close_bracket(s);
                        } else {
                                return stop(s, in_object(s) ? "expected ',' or '}'" : "expected ',' or ']'");
                        }
                        break;
                }
        }
}

static void locate(const char *text, const struct scan *s, struct json_error *ret_error) {
        const char *line = text, *at;

        *ret_error = (struct json_error){
                .offset = (size_t)(s->at - text), .line = 1, .column = 1, .reason = s->reason
        };
        for (at = text; at < s->at; ++at)
                if (*at == '\n') {
                        ++ret_error->line;
                        line = at + 1;
                }
        for (at = line; at < s->at; ++at)
                ret_error->column += (*at & 0xc0) != 0x80;
}

int json_validate(const char *text, size_t len, struct json_error *ret_error) {
        struct scan s = { .at = text, .end = text + len };
        bool ok = scan_value(&s);

        if (ok) {
                skip_space(&s);
                ok = s.at == s.end;
                if (!ok)
                        s.reason = "text behind the value";
        }
        if (!ok && ret_error)
                locate(text, &s, ret_error);
        return ok ? 0 : -EINVAL;
}

static bool key_is(const char *literal, size_t len, const char *name, size_t name_len) {
        struct buf plain = BUF_NULL(name_len);
        bool is;

        if (!memchr(literal, '\\', len))
                return len == name_len + 2 && memcmp(literal + 1, name, name_len) == 0;
        is = json_unquote(literal, len, &plain) == 0 && plain.len == name_len &&
             (!name_len || memcmp(buf_data(&plain), name, name_len) == 0);
        buf_deinit(&plain);
        return is;
}

int json_member(const char *text, size_t len, const char *name, const char **ret_value, size_t *ret_len) {
        struct scan s = { .at = text, .end = text + len };
        size_t name_len = strlen(name);
        int r = -ENOENT;

        skip_space(&s);
        if (s.at == s.end || *s.at != '{')
                return -EINVAL;
        ++s.at;
        s.depth = 1;
        s.objects[0] = 1;
        skip_space(&s);
        if (s.at < s.end && *s.at == '}')
                return -ENOENT;
        for (;;) {
                const char *key, *value;
                size_t key_len;
                bool hit;

                skip_space(&s);
                key = s.at;
                if (s.at == s.end || *s.at != '"' || !scan_key(&s, &key_len))
                        return -EINVAL;
                hit = key_is(key, key_len, name, name_len);
                skip_space(&s);
                value = s.at;
                if (!scan_value(&s))
                        return -EINVAL;
                /* The last one wins when a name comes twice, as with the runtimes' own parsers. */
                if (hit) {
                        *ret_value = value;
                        *ret_len = (size_t)(s.at - value);
                        r = 0;
                }
                skip_space(&s);
                if (s.at == s.end || (*s.at != ',' && *s.at != '}'))
                        return -EINVAL;
                if (*s.at++ == '}')
                        return r;
        }
}

static uint32_t hex4(const char *at) {
        return (uint32_t)(hex_value(at[0]) << 12 | hex_value(at[1]) << 8 | hex_value(at[2]) << 4 |
                          hex_value(at[3]));
}

/* Behind \u; a surrogate without its other half becomes U+FFFD. Returns what it took in. */
static size_t unescape_unicode(const char *at, const char *end, char *to, size_t *ret_len) {
        uint32_t c = hex4(at), low;
        size_t taken = 4;

        if (c >= 0xd800 && c < 0xdc00 && end - at >= 10 && at[4] == '\\' && at[5] == 'u') {
                low = hex4(at + 6);
                if (low >= 0xdc00 && low < 0xe000) {
                        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
                        taken = 10;
                }
        }
        *ret_len = json_utf8_encode(c >= 0xd800 && c < 0xe000 ? 0xfffd : c, to);
        return taken;
}

/* What follows a backslash. */
static size_t unescape(const char *at, const char *end, char *to, size_t *ret_len) {
        static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
        const char *letter;

        if (*at == 'u')
                return 1 + unescape_unicode(at + 1, end, to, ret_len);
        letter = strchr(letters, *at);
        *to = letter ? meanings[letter - letters] : *at;
        *ret_len = 1;
        return 1;
}

int json_unquote(const char *literal, size_t len, struct buf *buf) {
        struct scan s = { .at = literal + 1, .end = literal + len };
        const char *at = literal + 1, *end = literal + len - 1;
        size_t was = buf->len;
        char *tail;
        int r = 0;

        if (len < 2 || *literal != '"' || !scan_string(&s) || s.at != s.end)
                return -EINVAL;
        /* Room for all at once; when only the escapes are too many for the cap, the text may fit all the
         * same. */
        if (buf_reserve(buf, len - 2, &tail) == -ENOMEM)
                return -ENOMEM;
        while (!r && at < end) {
                const char *escape = memchr(at, '\\', (size_t)(end - at));
                size_t n = (size_t)((escape ? escape : end) - at);
                char plain[4];

                r = buf_append(buf, at, n);
                at += n;
                if (escape && !r) {
                        at += 1 + unescape(at + 1, end, plain, &n);
                        r = buf_append(buf, plain, n);
                }
        }
        if (r)
                buf->len = was;
        return r;
}

/* ---- writing ---- */

/* What stands for the byte, or for the malformed or special character, at `at`; returns the input it covers.
 */
static size_t quote_one(const char *at, const char *end, bool html, char *to, size_t *ret_len) {
        static const char specials[] = "\"\\\n\r\t\b\f", letters[] = "\"\\nrtbf",
                          digits[] = "0123456789abcdef";
        const char *special = *at ? strchr(specials, *at) : NULL;
        size_t n;

        if (special) {
                to[0] = '\\';
                to[1] = letters[special - specials];
                *ret_len = 2;
                return 1;
        }
        if (*at & 0x80) {
                n = json_utf8_len(at, end);
                if (n) {
                        memcpy(to, at, n);
                        *ret_len = n;
                        /* U+2028 and U+2029 end a line in JavaScript; Go's encoder escapes them with the
                         * rest. */
                        if (html && n == 3 && memcmp(at, "\xe2\x80", 2) == 0 &&
                            ((unsigned char)at[2] & 0xfe) == 0xa8) {
                                memcpy(to, at[2] == (char)0xa8 ? "\\u2028" : "\\u2029", 6);
                                *ret_len = 6;
                        }
                        return n;
                }
                n = html ? 6 : 3;
                memcpy(to, html ? "\\ufffd" : "\xef\xbf\xbd", n);
                *ret_len = n;
                return 1;
        }
        memcpy(to, "\\u00", 4);
        to[4] = digits[*at >> 4 & 15];
        to[5] = digits[*at & 15];
        *ret_len = 6;
        return 1;
}

int json_quote(struct buf *buf, const char *s, size_t len, bool html) {
        const char *at = s, *end = s + len;
        size_t was = buf->len;
        char *tail;
        int r;

        if (len > SIZE_MAX - 2)
                return -E2BIG;
        r = buf_reserve(buf, len + 2, &tail);
        if (!r)
                r = buf_append(buf, "\"", 1);
        while (!r && at < end) {
                const char *run = json_skip_plain(at, end, html);
                char escaped[6];
                size_t n;

                r = buf_append(buf, at, (size_t)(run - at));
                at = run;
                if (at < end && !r) {
                        at += quote_one(at, end, html, escaped, &n);
                        r = buf_append(buf, escaped, n);
                }
        }
        if (!r)
                r = buf_append(buf, "\"", 1);
        if (r)
                buf->len = was;
        return r;
}

static void put(struct json_writer *w, const char *text, size_t len) {
        if (!w->error)
                w->error = buf_append(w->buf, text, len);
}

static void put_quoted(struct json_writer *w, const char *s, size_t len) {
        if (!w->error)
                w->error = json_quote(w->buf, s, len, w->html);
}

/* The comma and the name before a value. */
static void lead_in(struct json_writer *w, const char *name) {
        if (w->comma)
                put(w, ",", 1);
        if (name) {
                put_quoted(w, name, strlen(name));
                put(w, ":", 1);
        }
        w->comma = true;
}

static void open_with(struct json_writer *w, const char *name, const char *bracket) {
        lead_in(w, name);
        put(w, bracket, 1);
        ++w->depth;
        w->comma = false;
}

static void close_with(struct json_writer *w, const char *bracket) {
        must(w->depth);
        --w->depth;
        put(w, bracket, 1);
        w->comma = true;
}

void json_open_object(struct json_writer *w, const char *name) {
        open_with(w, name, "{");
}

void json_close_object(struct json_writer *w) {
        close_with(w, "}");
}

void json_open_array(struct json_writer *w, const char *name) {
        open_with(w, name, "[");
}

void json_close_array(struct json_writer *w) {
        close_with(w, "]");
}

void json_str(struct json_writer *w, const char *name, const char *value) {
        if (value)
                json_strn(w, name, value, strlen(value));
        else
                json_write_null(w, name);
}

void json_strn(struct json_writer *w, const char *name, const char *value, size_t len) {
        lead_in(w, name);
        put_quoted(w, value, len);
}

static void put_digits(struct json_writer *w, const char *name, bool negative, uint64_t value) {
        char digits[24];
        size_t at = sizeof(digits);

        do
                digits[--at] = (char)('0' + value % 10);
        while (value /= 10);
        if (negative)
                digits[--at] = '-';
        json_raw(w, name, digits + at, sizeof(digits) - at);
}

void json_int(struct json_writer *w, const char *name, int64_t value) {
        put_digits(w, name, value < 0, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void json_uint(struct json_writer *w, const char *name, uint64_t value) {
        put_digits(w, name, false, value);
}

/* JSON has neither infinities nor NaN. */
void json_double(struct json_writer *w, const char *name, double value, int decimals) {
        char text[352];
        size_t len = 0;

        must(decimals >= 0 && decimals <= 17);
        if (!isfinite(value)) {
                json_write_null(w, name);
                return;
        }
        snprintf(text, sizeof(text), "%.*f", decimals, value);
        /* The decimal point is the locale's, and may be several bytes. */
        for (const char *at = text; *at; ++at) {
                if ((*at >= '0' && *at <= '9') || *at == '-')
                        text[len++] = *at;
                else if (text[len - 1] != '.')
                        text[len++] = '.';
        }
        json_raw(w, name, text, len);
}

void json_bool(struct json_writer *w, const char *name, bool value) {
        json_raw(w, name, value ? "true" : "false", value ? 4 : 5);
}

void json_write_null(struct json_writer *w, const char *name) {
        json_raw(w, name, "null", 4);
}

void json_raw(struct json_writer *w, const char *name, const char *json, size_t len) {
        lead_in(w, name);
        put(w, json, len);
}

int json_writer_end(struct json_writer *w) {
        must(w->error || !w->depth);
        return w->error;
}
