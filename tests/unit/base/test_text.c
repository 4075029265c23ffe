/* SPDX-License-Identifier: Apache-2.0 */
/* The helpers that write text where printf would be too slow, held against printf. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"

static void appends_all_or_nothing(void **state) {
        struct buf buf = BUF_NULL(10);

        assert_int_equal(buf_append_strs(&buf, "ab", "", "cde", NULL), 0);
        assert_int_equal(buf_append_strs(&buf, "123", "456", NULL), -E2BIG);
        assert_int_equal(buf_append_strs(&buf, "123", "45", NULL), 0);
        assert_int_equal(buf.len, 10);
        assert_memory_equal(buf_data(&buf), "abcde12345", 10);
        buf_deinit(&buf);
}

/* Each length once: those that fit what is spare, and those that do not. */
static void printf_grows(void **state) {
        struct buf buf = BUF_NULL(64 * KIB);
        size_t before = 0;

        for (int width = 1; width < 300; ++width) {
                assert_int_equal(buf_printf(&buf, "%*d", width, 7), 0);
                assert_int_equal(buf.len, before + (size_t)width);
                assert_int_equal(buf_data(&buf)[buf.len - 1], '7');
                before = buf.len;
        }
        assert_int_equal(buf_data(&buf)[0], '7');
        assert_int_equal(buf_printf(&buf, "%*d", (int)(64 * KIB - buf.len) + 1, 7), -E2BIG);
        assert_int_equal(buf.len, before);
        buf_deinit(&buf);
}

static void concatenates(void **state) {
        AUTO(str) char *text = xstrcat("a", "", "bc", NULL);
        AUTO(str) char *nothing = xstrcat("", NULL);

        assert_string_equal(text, "abc");
        assert_string_equal(nothing, "");
}

static void writes_numbers(void **state) {
        static const uint64_t values[] = { 0, 9, 10, 4096, 99999, UINT32_MAX, UINT64_MAX };
        char text[U64_TEXT], expected[U64_TEXT];

        for (size_t i = 0; i < ARRAY_SIZE(values); ++i) {
                snprintf(expected, sizeof(expected), "%llu", (unsigned long long)values[i]);
                assert_string_equal(u64_text(values[i], text), expected);
        }
}

static void writes_milliseconds(void **state) {
        static const nsec_t values[] = { 0, 4999, 5001, 12 * MICROSECOND, 995001, 1234567890, 900 * SECOND };
        char text[U64_TEXT], expected[U64_TEXT];

        for (size_t i = 0; i < ARRAY_SIZE(values); ++i) {
                snprintf(expected, sizeof(expected), "%.2f", (double)values[i] / 1e6);
                assert_string_equal(ms_text(values[i], text), expected);
        }
        assert_true(strlen(ms_text(NSEC_NEVER, text)) < U64_TEXT);
}

static void cuts_to_fit(void **state) {
        char text[4];

        str_fit(text, sizeof(text), "ab");
        assert_string_equal(text, "ab");
        str_fit(text, sizeof(text), "abcdef");
        assert_string_equal(text, "abc");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(appends_all_or_nothing), cmocka_unit_test(printf_grows),
                cmocka_unit_test(concatenates),           cmocka_unit_test(writes_numbers),
                cmocka_unit_test(writes_milliseconds),    cmocka_unit_test(cuts_to_fit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
