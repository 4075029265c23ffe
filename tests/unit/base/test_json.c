/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Each text lies at the very end of its own allocation, so that reading past it is seen by a sanitizer. */
static int validate(const char *text, size_t len, struct json_error *error) {
        char *copy = malloc(len ? len : 1);
        int r;

        assert_non_null(copy);
        if (len)
                memcpy(copy, text, len);
        r = json_validate(copy, len, error);
        free(copy);
        return r;
}

static const char *const accepted[] = {
        "null",
        "true",
        "false",
        "0",
        "-0",
        "12",
        "-1.5",
        "1e9",
        "1E+9",
        "0.1e-07",
        "1e400",
        "123456789012345678901234567890",
        "\"\"",
        "\"a\"",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "\"\x7f\"",
        "\"\xc2\x80\xdf\xbf\"",
        "\"\xe0\xa0\x80\xef\xbf\xbf\"",
        "\"\xed\x9f\xbf\xee\x80\x80\"",
        "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"",
        "[]",
        "{}",
        " [ ] ",
        "\t\r\n{ }\n",
        "[1,2]",
        "[1 , [2 , {}] ]",
        "{\"a\":1}",
        "{\"a\" : {\"b\":[true,null]} , \"a\":2}",
        "{\"\":0}",
        "[[[[[]]]]]",
        "\"0123456789abcdef0123456789abcdef\"",
        "[{},{}]",
};

static const struct {
        const char *text;
        size_t offset;
        const char *reason;
} refused[] = {
        { "", 0, "unexpected end" },
        { "  ", 2, "unexpected end" },
        { "nul", 3, "unexpected end" },
        { "nulL", 3, "unknown word" },
        { "truefalse", 4, "text behind the value" },
        { "True", 0, "expected a value" },
        { "NaN", 0, "expected a value" },
        { "01", 1, "text behind the value" },
        { "-", 1, "unexpected end" },
        { "+1", 0, "expected a value" },
        { ".5", 0, "expected a value" },
        { "1.", 2, "unexpected end" },
        { "1.e5", 2, "expected a digit" },
        { "1e", 2, "unexpected end" },
        { "1e+x", 3, "expected a digit" },
        { "0x10", 1, "text behind the value" },
        { "--1", 1, "expected a digit" },
        { "\"", 1, "unexpected end" },
        { "\"a", 2, "unexpected end" },
        { "'a'", 0, "expected a value" },
        { "\"\\", 2, "unexpected end" },
        { "\"\\x\"", 2, "bad escape" },
        { "\"\\u12g4\"", 5, "bad \\u escape" },
        { "\"\\u12", 5, "unexpected end" },
        { "\"a\nb\"", 2, "control character in a string" },
        { "\"0123456789abcdef0123456789ab\tdef\"", 29, "control character in a string" },
        { "\"\x80\"", 1, "invalid UTF-8" },
        { "\"\xc0\x80\"", 1, "invalid UTF-8" },
        { "\"\xc1\xbf\"", 1, "invalid UTF-8" },
        { "\"\xc3\"", 1, "invalid UTF-8" },
        { "\"ab\xc3", 3, "invalid UTF-8" },
        { "\"\xe0\x9f\xbf\"", 1, "invalid UTF-8" },
        { "\"\xed\xa0\x80\"", 1, "invalid UTF-8" },
        { "\"\xe2\x82", 1, "invalid UTF-8" },
        { "\"\xf0\x8f\xbf\xbf\"", 1, "invalid UTF-8" },
        { "\"\xf4\x90\x80\x80\"", 1, "invalid UTF-8" },
        { "\"\xf5\x80\x80\x80\"", 1, "invalid UTF-8" },
        { "\"\xf0\x90\x80\"", 1, "invalid UTF-8" },
        { "\"\xff\"", 1, "invalid UTF-8" },
        { "\xef\xbb\xbf{}", 0, "expected a value" },
        { "\xc2\xa0{}", 0, "expected a value" },
        { "\f1", 0, "expected a value" },
        { "[", 1, "unexpected end" },
        { "]", 0, "expected a value" },
        { "[1", 2, "unexpected end" },
        { "[1,]", 3, "expected a value" },
        { "[,1]", 1, "expected a value" },
        { "[1 2]", 3, "expected ',' or ']'" },
        { "[1}", 2, "expected ',' or ']'" },
        { "{", 1, "unexpected end" },
        { "{]", 1, "expected a name in quotes" },
        { "{a:1}", 1, "expected a name in quotes" },
        { "{1:1}", 1, "expected a name in quotes" },
        { "{\"a\"}", 4, "expected ':'" },
        { "{\"a\" 1}", 5, "expected ':'" },
        { "{\"a\":}", 5, "expected a value" },
        { "{\"a\":1,}", 7, "expected a name in quotes" },
        { "{\"a\":1]", 6, "expected ',' or '}'" },
        { "{\"a\":1 \"b\":2}", 7, "expected ',' or '}'" },
        { "{}x", 2, "text behind the value" },
        { "1 // c", 2, "text behind the value" },
};

static void accepts(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(accepted); ++i)
                if (validate(accepted[i], strlen(accepted[i]), NULL))
                        fail_msg("refused: %s", accepted[i]);
}

static void refuses(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(refused); ++i) {
                struct json_error error = {};

                if (validate(refused[i].text, strlen(refused[i].text), &error) != -EINVAL ||
                    error.offset != refused[i].offset || !streq(error.reason, refused[i].reason))
                        fail_msg("%s: %zu %s", refused[i].text, error.offset,
                                 error.reason ? error.reason : "accepted");
        }
        assert_int_equal(validate("\"a\0b\"", 5, NULL), -EINVAL);
        assert_int_equal(validate("1\0", 2, NULL), -EINVAL);
}

/* No prefix of a bracketed value is a value. */
static void prefixes(void **state) {
        static const char text[] = "{\"k\\u00e9\": [1.5e-3, \"\xe2\x82\xac\", {\"x\": null}], \"t\": true}";

        assert_int_equal(validate(text, sizeof(text) - 1, NULL), 0);
        for (size_t len = 0; len < sizeof(text) - 1; ++len)
                assert_int_equal(validate(text, len, NULL), -EINVAL);
}

/* A byte that needs looking at, at every place of strings around the widths of the vectors. */
static void every_place(void **state) {
        for (size_t len = 1; len <= 260; ++len)
                for (size_t at = 0; at < len; ++at) {
                        char text[272];
                        struct json_error error;

                        memset(text, 'x', sizeof(text));
                        text[0] = text[len + 1] = '"';
                        assert_int_equal(validate(text, len + 2, NULL), 0);
                        text[1 + at] = 0x1f;
                        assert_int_equal(validate(text, len + 2, &error), -EINVAL);
                        assert_int_equal(error.offset, 1 + at);
                        text[1 + at] = (char)0x80;
                        assert_int_equal(validate(text, len + 2, &error), -EINVAL);
                        assert_int_equal(error.offset, 1 + at);
                        text[1 + at] = '"';
                        assert_int_equal(validate(text, len + 2, &error), -EINVAL);
                        assert_int_equal(error.offset, 2 + at);
                }
}

static void depth(void **state) {
        static char text[2 * JSON_DEPTH_MAX + 2];
        struct json_error error;

        for (size_t n = JSON_DEPTH_MAX - 1; n <= JSON_DEPTH_MAX + 1; ++n) {
                int expected = n <= JSON_DEPTH_MAX ? 0 : -EINVAL;

                memset(text, '[', n);
                memset(text + n, ']', n);
                assert_int_equal(validate(text, 2 * n, &error), expected);
                if (expected) {
                        assert_int_equal(error.offset, JSON_DEPTH_MAX);
                        assert_string_equal(error.reason, "nested too deeply");
                }
        }
        /* A bracket of the other kind at the deepest place. */
        memset(text, '[', JSON_DEPTH_MAX);
        memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
        text[JSON_DEPTH_MAX] = '}';
        assert_int_equal(validate(text, 2 * JSON_DEPTH_MAX, NULL), -EINVAL);
}

static void places(void **state) {
        struct json_error error;
        static const char text[] = "{\n  \"\xc3\xa9\xe2\x82\xac\": 1,\n  \"b\xc3\xa9\": tru\n}";

        assert_int_equal(json_validate(text, sizeof(text) - 1, &error), -EINVAL);
        assert_int_equal(error.line, 3);
        assert_int_equal(error.column, 12); /* characters, not bytes */
        assert_int_equal(json_validate("[1,\r\n2", 6, &error), -EINVAL);
        assert_int_equal(error.offset, 6);
        assert_int_equal(error.line, 2);
        assert_int_equal(error.column, 2);
}

static void member_is(const char *text, const char *name, const char *value) {
        const char *found;
        size_t len;
        int r = json_member(text, strlen(text), name, &found, &len);

        if (!value) {
                assert_int_equal(r, -ENOENT);
                return;
        }
        assert_int_equal(r, 0);
        if (len != strlen(value) || memcmp(found, value, len) != 0)
                fail_msg("%s of %s: %.*s", name, text, (int)len, found);
}

static void members(void **state) {
        static const char text[] =
                " { \"a\" : 1 , \"b\":{\"a\":[2]}, \"\\u0063\\\"\" :\"x\\\"y\" , \"\": null } ";
        static const char *const bad[] = { "",        "[]",       "1",          "{",          "{\"a\"",
                                           "{\"a\":", "{\"a\":1", "{\"a\":1,}", "{\"a\":01}", "{a:1}" };
        const char *value;
        size_t len;

        member_is(text, "a", "1");
        member_is(text, "b", "{\"a\":[2]}");
        member_is(text, "c\"", "\"x\\\"y\"");
        member_is(text, "", "null");
        member_is(text, "c", NULL);
        member_is(text, "aa", NULL);
        member_is("{ }", "a", NULL);
        member_is("{\"a\":1,\"a\":[2 ]}", "a", "[2 ]");
        for (size_t i = 0; i < ARRAY_SIZE(bad); ++i)
                assert_int_equal(json_member(bad[i], strlen(bad[i]), "a", &value, &len), -EINVAL);
}

static void unquotes(void **state) {
        static const struct {
                const char *literal, *plain;
        } table[] = {
                { "\"\"", "" },
                { "\"abc\"", "abc" },
                { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
                { "\"\\u0041\\u00e9\\u20ac\"", "A\xc3\xa9\xe2\x82\xac" },
                { "\"\\ud83d\\ude00!\"", "\xf0\x9f\x98\x80!" },
                { "\"\\ud83d\"", "\xef\xbf\xbd" },
                { "\"\\ude00x\"", "\xef\xbf\xbdx" },
                { "\"\\ud83d\\u0041\"", "\xef\xbf\xbd"
                                        "A" },
                { "\"\\ud83d\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80" },
                { "\"\\ud83d\\n\"", "\xef\xbf\xbd\n" },
        };
        static const char *const bad[] = { "",         "\"",     "abc",     "\"a",    "a\"",
                                           "\"a\"b\"", "\"\\\"", "\"\\q\"", "\"\n\"", "\"\x80\"" };
        struct buf plain = BUF_NULL(100), small = BUF_NULL(3);

        for (size_t i = 0; i < ARRAY_SIZE(table); ++i) {
                buf_clear(&plain);
                assert_int_equal(json_unquote(table[i].literal, strlen(table[i].literal), &plain), 0);
                assert_int_equal(plain.len, strlen(table[i].plain));
                if (plain.len)
                        assert_memory_equal(buf_data(&plain), table[i].plain, plain.len);
        }
        for (size_t i = 0; i < ARRAY_SIZE(bad); ++i)
                assert_int_equal(json_unquote(bad[i], strlen(bad[i]), &plain), -EINVAL);
        assert_int_equal(json_unquote("\"\\u0041\\u0042\\u0043\"", 20, &small), 0);
        assert_int_equal(small.len, 3);
        buf_clear(&small);
        assert_int_equal(json_unquote("\"ab\\n\\n\"", 8, &small), -E2BIG);
        assert_int_equal(small.len, 0);
        buf_deinit(&plain);
        buf_deinit(&small);
}

static void quotes(void **state) {
        static const struct {
                const char *plain;
                bool html;
                const char *literal;
        } table[] = {
                { "", false, "\"\"" },
                { "a\"b\\c/", false, "\"a\\\"b\\\\c/\"" },
                { "\n\r\t\b\f\x01\x1f\x7f", false, "\"\\n\\r\\t\\b\\f\\u0001\\u001f\x7f\"" },
                { "<&>\xe2\x80\xa8\xe2\x80\xa9", false, "\"<&>\xe2\x80\xa8\xe2\x80\xa9\"" },
                { "<&>\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa", true,
                  "\"\\u003c\\u0026\\u003e\\u2028\\u2029\xe2\x80\xaa\"" },
                { "\xc3\xa9\xf0\x9f\x98\x80", true, "\"\xc3\xa9\xf0\x9f\x98\x80\"" },
                { "a\xff\xc3", false, "\"a\xef\xbf\xbd\xef\xbf\xbd\"" },
                { "a\xff\xc3", true, "\"a\\ufffd\\ufffd\"" },
                { "\xed\xa0\x80", false, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
                { "0123456789abcde<0123456789abcdef\"", true,
                  "\"0123456789abcde\\u003c0123456789abcdef\\\"\"" },
        };
        struct buf literal = BUF_NULL(100), small = BUF_NULL(6);

        for (size_t i = 0; i < ARRAY_SIZE(table); ++i) {
                buf_clear(&literal);
                assert_int_equal(json_quote(&literal, table[i].plain, strlen(table[i].plain), table[i].html),
                                 0);
                assert_int_equal(literal.len, strlen(table[i].literal));
                assert_memory_equal(buf_data(&literal), table[i].literal, literal.len);
                assert_int_equal(validate(buf_data(&literal), literal.len, NULL), 0);
        }
        buf_clear(&literal);
        assert_int_equal(json_quote(&literal, "a\0b", 3, false), 0);
        assert_int_equal(literal.len, 10);
        assert_memory_equal(buf_data(&literal), "\"a\\u0000b\"", 10);
        assert_int_equal(json_quote(&small, "1234", 4, false), 0);
        buf_clear(&small);
        assert_int_equal(json_quote(&small, "12345", 5, false), -E2BIG);
        assert_int_equal(json_quote(&small, "123\n", 4, false), -E2BIG);
        assert_int_equal(small.len, 0);
        buf_deinit(&literal);
        buf_deinit(&small);
}

static void write_all(struct json_writer *w) {
        json_open_object(w, NULL);
        json_str(w, "s", "x\"y");
        json_str(w, "none", NULL);
        json_strn(w, "n\n", "abc", 2);
        json_int(w, "min", INT64_MIN);
        json_int(w, "max", INT64_MAX);
        json_uint(w, "u", UINT64_MAX);
        json_uint(w, "zero", 0);
        json_double(w, "d", 1.005, 2);
        json_double(w, "half", -2.5, 0);
        json_double(w, "inf", INFINITY, 2);
        json_bool(w, "t", true);
        json_open_array(w, "list");
        json_bool(w, NULL, false);
        json_write_null(w, NULL);
        json_open_object(w, NULL);
        json_close_object(w);
        json_raw(w, NULL, "[1]", 3);
        json_close_array(w);
        json_open_array(w, "empty");
        json_close_array(w);
        json_close_object(w);
}

static const char written[] =
        "{\"s\":\"x\\\"y\",\"none\":null,\"n\\n\":\"ab\",\"min\":-9223372036854775808,"
        "\"max\":9223372036854775807,\"u\":18446744073709551615,\"zero\":0,\"d\":1.00,\"half\":-2,"
        "\"inf\":null,\"t\":true,\"list\":[false,null,{},[1]],\"empty\":[]}";

static void writes(void **state) {
        struct buf text = BUF_NULL(1000);
        struct json_writer w = JSON_WRITER(&text);

        write_all(&w);
        assert_int_equal(json_writer_end(&w), 0);
        assert_int_equal(text.len, sizeof(written) - 1);
        assert_memory_equal(buf_data(&text), written, text.len);
        assert_int_equal(validate(buf_data(&text), text.len, NULL), 0);
        buf_deinit(&text);
}

/* Whatever the cap, the failure is told once and nothing is written behind it. */
static void writer_overflows(void **state) {
        for (size_t cap = 0; cap < sizeof(written) - 1; ++cap) {
                struct buf text = BUF_NULL(cap);
                struct json_writer w = JSON_WRITER(&text);

                write_all(&w);
                assert_int_equal(json_writer_end(&w), -E2BIG);
                assert_true(text.len <= cap);
                if (text.len)
                        assert_memory_equal(buf_data(&text), written, text.len);
                buf_deinit(&text);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(accepts),
                cmocka_unit_test(refuses),
                cmocka_unit_test(prefixes),
                cmocka_unit_test(every_place),
                cmocka_unit_test(depth),
                cmocka_unit_test(places),
                cmocka_unit_test(members),
                cmocka_unit_test(unquotes),
                cmocka_unit_test(quotes),
                cmocka_unit_test(writes),
                cmocka_unit_test(writer_overflows),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
