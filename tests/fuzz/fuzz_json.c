/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The validator against a second one that is as plain as the grammar (RFC 8259), and the properties that tie
 * the other calls together: what was unquoted and quoted again says the same, members lie inside their
 * object.
 */
#include "base/json.h"

struct plain {
        const unsigned char *at, *end;
        unsigned depth;
};

static bool plain_value(struct plain *p);

static void plain_space(struct plain *p) {
        while (p->at < p->end && strchr(" \t\r\n", *p->at) && *p->at)
                ++p->at;
}

static bool plain_take(struct plain *p, char c) {
        return p->at < p->end && *p->at == (unsigned char)c ? ++p->at, true : false;
}

static bool plain_hex4(struct plain *p) {
        for (int i = 0; i < 4; ++i, ++p->at)
                if (p->at == p->end || !*p->at || !strchr("0123456789abcdefABCDEF", *p->at))
                        return false;
        return true;
}

/* By decoding: the code point must need as many bytes as it got, be no surrogate, and lie within Unicode. */
static bool plain_character(struct plain *p) {
        static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
        int n = *p->at >= 0xf8 ? 0 : *p->at >= 0xf0 ? 4 : *p->at >= 0xe0 ? 3 : *p->at >= 0xc0 ? 2 : 0;
        uint32_t c;

        if (!n || p->end - p->at < n)
                return false;
        c = *p->at & (0x7f >> n);
        for (int i = 1; i < n; ++i) {
                if ((p->at[i] & 0xc0) != 0x80)
                        return false;
                c = c << 6 | (p->at[i] & 0x3f);
        }
        p->at += n;
        return c >= least[n] && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
}

static bool plain_string(struct plain *p) {
        if (!plain_take(p, '"'))
                return false;
        while (p->at < p->end && *p->at != '"') {
                if (*p->at < 0x20)
                        return false;
                if (*p->at & 0x80) {
                        if (!plain_character(p))
                                return false;
                } else if (*p->at++ == '\\') {
                        if (p->at == p->end || !*p->at || !strchr("\"\\/bfnrtu", *p->at))
                                return false;
                        if (*p->at++ == 'u' && !plain_hex4(p))
                                return false;
                }
        }
        return plain_take(p, '"');
}

static bool plain_digits(struct plain *p) {
        const unsigned char *from = p->at;

        while (p->at < p->end && *p->at >= '0' && *p->at <= '9')
                ++p->at;
        return p->at > from;
}

static bool plain_number(struct plain *p) {
        plain_take(p, '-');
        if (!plain_take(p, '0') && !plain_digits(p))
                return false;
        if (plain_take(p, '.') && !plain_digits(p))
                return false;
        if (plain_take(p, 'e') || plain_take(p, 'E')) {
                if (!plain_take(p, '+'))
                        plain_take(p, '-');
                return plain_digits(p);
        }
        return true;
}

static bool plain_list(struct plain *p, char close, bool named) {
        if (++p->depth > JSON_DEPTH_MAX)
                return false;
        plain_space(p);
        if (plain_take(p, close))
                return --p->depth, true;
        for (;;) {
                plain_space(p);
                if (named) {
                        if (!plain_string(p))
                                return false;
                        plain_space(p);
                        if (!plain_take(p, ':'))
                                return false;
                }
                if (!plain_value(p))
                        return false;
                plain_space(p);
                if (plain_take(p, close))
                        return --p->depth, true;
                if (!plain_take(p, ','))
                        return false;
        }
}

static bool plain_word(struct plain *p, const char *word) {
        while (*word)
                if (!plain_take(p, *word++))
                        return false;
        return true;
}

static bool plain_value(struct plain *p) {
        plain_space(p);
        if (p->at == p->end)
                return false;
        switch (*p->at) {
        case '{':
                ++p->at;
                return plain_list(p, '}', true);
        case '[':
                ++p->at;
                return plain_list(p, ']', false);
        case '"':
                return plain_string(p);
        case 't':
                return plain_word(p, "true");
        case 'f':
                return plain_word(p, "false");
        case 'n':
                return plain_word(p, "null");
        default:
                return plain_number(p);
        }
}

static void check_validator(const char *text, size_t len) {
        struct plain p = { (const unsigned char *)text, (const unsigned char *)text + len, 0 };
        struct json_error error;
        int r = json_validate(text, len, &error);
        bool ok = plain_value(&p);

        plain_space(&p);
        ok = ok && p.at == p.end;
        must((r == 0) == ok);
        if (r)
                must(error.offset <= len && error.line >= 1 && error.column >= 1 && error.reason);
}

static void check_member(const char *text, size_t len) {
        const char *value = NULL;
        size_t value_len = 0;

        if (json_member(text, len, "a", &value, &value_len) == 0) {
                must(value >= text && value_len && value + value_len <= text + len);
                must(json_validate(value, value_len, NULL) == 0);
        }
}

static void check_strings(const char *text, size_t len, bool html) {
        struct buf quoted = BUF_NULL(8 * len + 2), plain = BUF_NULL(8 * len + 2),
                   again = BUF_NULL(8 * len + 2);

        must(json_quote(&quoted, text, len, html) == 0);
        must(json_validate(buf_data(&quoted), quoted.len, NULL) == 0);
        must(json_unquote(buf_data(&quoted), quoted.len, &plain) == 0);
        must(json_quote(&again, plain.base ? buf_data(&plain) : "", plain.len, html) == 0);
        if (json_validate(buf_data(&again), again.len, NULL) != 0)
                must(false);
        buf_clear(&plain);
        must(json_unquote(buf_data(&again), again.len, &plain) == 0);
        buf_clear(&plain);
        if (len && *text == '"')
                json_unquote(text, len, &plain);
        buf_deinit(&quoted);
        buf_deinit(&plain);
        buf_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *text = (const char *)data;

        check_validator(text, size);
        check_member(text, size);
        check_strings(text, size, size & 1);
        return 0;
}
