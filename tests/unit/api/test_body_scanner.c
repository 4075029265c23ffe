/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "api/body_scanner.h"

static int take(void *owner, const char *text, size_t len) {
        return buf_append(owner, text, len);
}

struct expectation {
        const char *parent, *body, *kept, *zip; /* zip NULL: none was seen */
};

static const struct expectation cases[] = {
        { "Code", "{\"Code\":{\"ZipFile\":\"UEsD\"}}", "{\"Code\":{\"ZipFile\":\"\"}}", "UEsD" },
        { "", "{ \"ZipFile\" : \"UEsD\" , \"Publish\":true}", "{ \"ZipFile\" : \"\" , \"Publish\":true}",
          "UEsD" },
        { "Content",
          "{\"Description\":\"a\\\"b\",\"Content\":{\"S3Key\":\"k\",\"ZipFile\":\"QQ==\"},\"x\":[1]}",
          "{\"Description\":\"a\\\"b\",\"Content\":{\"S3Key\":\"k\",\"ZipFile\":\"\"},\"x\":[1]}", "QQ==" },
        /* Escapes in the value and in the name. */
        { "Code", "{\"\\u0043ode\":{\"Zip\\u0046ile\":\"a\\/b\\u003D\\u003d\\n\"}}",
          "{\"\\u0043ode\":{\"Zip\\u0046ile\":\"\"}}", "a/b==\n" },
        { "Code", "{\"Code\":{\"ZipFile\":\"\"}}", "{\"Code\":{\"ZipFile\":\"\"}}", "" },
        { "Code", "{\"Code\":{\"ZipFile\":\"\xc3\xa9\\u00e9\"}}", "{\"Code\":{\"ZipFile\":\"\"}}",
          "\xc3\xa9\x7f" },
        /* The same name elsewhere is somebody else's. */
        { "Code", "{\"ZipFile\":\"a\"}", "{\"ZipFile\":\"a\"}", NULL },
        { "", "{\"Code\":{\"ZipFile\":\"a\"}}", "{\"Code\":{\"ZipFile\":\"a\"}}", NULL },
        { "Code", "{\"Tags\":{\"ZipFile\":\"a\"},\"Code\":{\"S\":{\"ZipFile\":\"b\"}}}",
          "{\"Tags\":{\"ZipFile\":\"a\"},\"Code\":{\"S\":{\"ZipFile\":\"b\"}}}", NULL },
        { "Code", "{\"Code\":[{\"ZipFile\":\"a\"}]}", "{\"Code\":[{\"ZipFile\":\"a\"}]}", NULL },
        { "Code", "{\"Code\":[\"ZipFile\",\"a\"]}", "{\"Code\":[\"ZipFile\",\"a\"]}", NULL },
        { "Code", "{\"Codes\":{\"ZipFile\":\"a\"}}", "{\"Codes\":{\"ZipFile\":\"a\"}}", NULL },
        { "Code", "{\"Code\":{\"ZipFileOfALongName\":\"a\"}}", "{\"Code\":{\"ZipFileOfALongName\":\"a\"}}",
          NULL },
        { NULL, "{\"ZipFile\":\"a\"}", "{\"ZipFile\":\"a\"}", NULL },
        { "", "{\"ZipFile\":null,\"X\":\"b\"}", "{\"ZipFile\":null,\"X\":\"b\"}", NULL },
        { "", "{\"ZipFile\":[\"b\"],\"X\":\"ZipFile\"}", "{\"ZipFile\":[\"b\"],\"X\":\"ZipFile\"}", NULL },
        /* A value that looks like a name, and names in the value of another. */
        { "", "{\"X\":\"ZipFile\",\"Y\":\"c\"}", "{\"X\":\"ZipFile\",\"Y\":\"c\"}", NULL },
        /* Broken bodies stay broken. */
        { "", "{\"ZipFile\":\"abc", "{\"ZipFile\":\"", "abc" },
        { "", "]}{\"ZipFile\":\"abc\"", "]}{\"ZipFile\":\"\"", "abc" },
        { "", "", "", NULL },
        { "", "\"ZipFile\"", "\"ZipFile\"", NULL },
};

static void check(const struct expectation *e, size_t cut, size_t step) {
        AUTO(buf) struct buf zip = BUF_NULL(KIB);
        size_t len = strlen(e->body);
        struct body_scanner s;

        body_scanner_init(&s, e->parent, KIB, take, &zip);
        if (step) {
                for (size_t i = 0; i < len; i += step)
                        assert_int_equal(body_scanner_feed(&s, e->body + i, MIN(step, len - i)), 0);
        } else {
                assert_int_equal(body_scanner_feed(&s, e->body, cut), 0);
                assert_int_equal(body_scanner_feed(&s, e->body + cut, len - cut), 0);
        }
        assert_int_equal(s.kept.len, strlen(e->kept));
        assert_memory_equal(buf_data(&s.kept), e->kept, s.kept.len);
        assert_int_equal(s.zip_seen, e->zip != NULL);
        if (e->zip) {
                assert_int_equal(zip.len, strlen(e->zip));
                assert_memory_equal(buf_data(&zip), e->zip, zip.len);
        }
        body_scanner_deinit(&s);
}

static void a_body_may_be_cut_anywhere(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                for (size_t cut = 0; cut <= strlen(cases[i].body); cut++)
                        check(&cases[i], cut, 0);
                for (size_t step = 1; step < 8; step++)
                        check(&cases[i], 0, step);
        }
}

static void a_second_zip_is_refused(void **state) {
        static const char body[] = "{\"ZipFile\":\"a\",\"ZipFile\":\"b\"}";
        AUTO(buf) struct buf zip = BUF_NULL(KIB);
        struct body_scanner s;

        body_scanner_init(&s, "", KIB, take, &zip);
        assert_int_equal(body_scanner_feed(&s, body, sizeof(body) - 1), -EEXIST);
        body_scanner_deinit(&s);
}

static void what_is_kept_has_a_cap_and_the_zip_none(void **state) {
        AUTO(buf) struct buf zip = BUF_NULL(MIB);
        char chunk[1000];
        struct body_scanner s;

        memset(chunk, 'A', sizeof(chunk));
        body_scanner_init(&s, "", 100, take, &zip);
        assert_int_equal(body_scanner_feed(&s, "{\"ZipFile\":\"", 12), 0);
        for (int i = 0; i < 100; i++)
                assert_int_equal(body_scanner_feed(&s, chunk, sizeof(chunk)), 0);
        assert_int_equal(zip.len, 100 * sizeof(chunk));
        assert_int_equal(body_scanner_feed(&s, "\",\"X\":\"", 7), 0);
        assert_int_equal(body_scanner_feed(&s, chunk, sizeof(chunk)), -E2BIG);
        body_scanner_deinit(&s);
}

static int refuse(void *owner, const char *text, size_t len) {
        return -ENOSPC;
}

static void what_the_sink_says_is_passed_on(void **state) {
        struct body_scanner s;

        body_scanner_init(&s, "", KIB, refuse, NULL);
        assert_int_equal(body_scanner_feed(&s, "{\"ZipFile\":\"a", 13), -ENOSPC);
        body_scanner_deinit(&s);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_body_may_be_cut_anywhere),
                cmocka_unit_test(a_second_zip_is_refused),
                cmocka_unit_test(what_is_kept_has_a_cap_and_the_zip_none),
                cmocka_unit_test(what_the_sink_says_is_passed_on),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
