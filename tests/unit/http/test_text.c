/* SPDX-License-Identifier: Apache-2.0 */
/* Percent escapes, query parameters, dates, names; and the room that a message's head is gathered in. */
#include "http/conn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

static void percent(void **state) {
        static const struct {
                const char *text;
                bool form;
                const char *plain; /* NULL: -EINVAL */
        } table[] = {
                { "", false, "" },
                { "abc", false, "abc" },
                { "a%20b%2Fc", false, "a b/c" },
                { "%c3%A9", false, "\xc3\xa9" },
                { "a+b", false, "a+b" },
                { "a+b%2B", true, "a b+" },
                { "%", false, NULL },
                { "%2", false, NULL },
                { "a%2", false, NULL },
                { "%zz", false, NULL },
                { "%2x", false, NULL },
                { "%00", false, NULL },
                { "%%41", false, NULL },
                { "%41%", false, NULL },
                { "%2541", false, "%41" },
                { "%+1", true, NULL },
                { "% 1", false, NULL },
        };

        for (size_t i = 0; i < ARRAY_SIZE(table); ++i) {
                struct buf plain = BUF_NULL(100);
                int r = http_percent_decode(table[i].text, strlen(table[i].text), table[i].form, &plain);

                assert_int_equal(r, table[i].plain ? 0 : -EINVAL);
                assert_int_equal(plain.len, table[i].plain ? strlen(table[i].plain) : 0);
                if (plain.len)
                        assert_memory_equal(buf_data(&plain), table[i].plain, plain.len);
                buf_deinit(&plain);
        }
}

static void percent_into_little_room(void **state) {
        struct buf exact = BUF_NULL(4), small = BUF_NULL(3);

        assert_int_equal(http_percent_decode("%41b%43d", 8, false, &exact), 0);
        assert_int_equal(exact.len, 4);
        assert_memory_equal(buf_data(&exact), "AbCd", 4);
        assert_int_equal(http_percent_decode("%41b%43d", 8, false, &small), -E2BIG);
        assert_int_equal(small.len, 0);
        assert_int_equal(http_percent_decode("abcd%%", 6, false, &small), -EINVAL);
        buf_deinit(&exact);
        buf_deinit(&small);
}

static void param_is(const char *query, const char *name, const char *expected) {
        struct http_exchange x = { .query = query };
        AUTO(str) char *value = http_query_param(&x, name);

        if (!expected)
                assert_null(value);
        else if (!value || !streq(value, expected))
                fail_msg("%s of %s: %s", name, query, value ? value : "absent");
}

static void query_params(void **state) {
        param_is("a=1&b=2", "a", "1");
        param_is("a=1&b=2", "b", "2");
        param_is("a=1&b=2", "c", NULL);
        param_is("aa=1", "a", NULL);
        param_is("a", "a", "");
        param_is("a=", "a", "");
        param_is("a=1&a=2", "a", "1");
        param_is("x&&a=1", "a", "1");
        param_is("=1&a=2", "a", "2");
        param_is("a=b=c", "a", "b=c");
        param_is("%61=x+y%26", "a", "x y&");
        param_is("Qualifier=%24LATEST", "Qualifier", "$LATEST");
        param_is("a=%zz", "a", NULL);
        param_is("%zz=1&a=2", "a", "2");
        param_is("", "a", NULL);
        param_is("&", "a", NULL);
}

static void query_params_that_are_repeated(void **state) {
        struct http_exchange x = { .query = "a=1&b=2&a=&a=%203" };
        static const char *const expected[] = { "1", "", " 3", NULL };

        for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
                AUTO(str) char *value = http_query_param_at(&x, "a", i);

                assert_int_equal(value != NULL, expected[i] != NULL);
                if (value)
                        assert_string_equal(value, expected[i]);
        }
}

static void queries_that_cannot_be_decoded(void **state) {
        static const char *const sound[] = { "", "&", "a", "a=1&b=%20", "%61=%2B+", "a=%ff" },
                                 *const unsound[] = { "%", "a=1&b=%", "a=%2", "a=%zz", "%00=1", "a=%2&b=1" };

        for (size_t i = 0; i < ARRAY_SIZE(sound); i++)
                assert_true(http_query_is_sound(&(struct http_exchange){ .query = sound[i] }));
        for (size_t i = 0; i < ARRAY_SIZE(unsound); i++)
                assert_false(http_query_is_sound(&(struct http_exchange){ .query = unsound[i] }));
}

static void dates(void **state) {
        static const struct {
                uint64_t at;
                const char *line;
        } table[] = {
                { 784111777, "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n" }, /* the example of RFC 9110 */
                { 0, "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n" },
                { 951782400, "Date: Tue, 29 Feb 2000 00:00:00 GMT\r\n" },
                { 4102444799, "Date: Thu, 31 Dec 2099 23:59:59 GMT\r\n" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(table); ++i)
                for (nsec_t part = 0; part < 2; ++part) {
                        size_t len;
                        const char *line = http_date_line(table[i].at * SECOND + part * 999999999, &len);

                        assert_int_equal(len, strlen(table[i].line));
                        assert_memory_equal(line, table[i].line, len);
                }
}

/* Every day for 400 years, against the calendar of libc. */
static void all_days(void **state) {
        for (time_t day = 0; day < 146097 + 10; ++day) {
                time_t at = day * 86400 + day % 86400;
                char expected[64];
                const char *line;
                struct tm tm;
                size_t len;

                assert_non_null(gmtime_r(&at, &tm));
                strftime(expected, sizeof(expected), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
                line = http_date_line((nsec_t)at * SECOND, &len);
                assert_int_equal(len, strlen(expected));
                assert_memory_equal(line, expected, len);
        }
}

static void names(void **state) {
        assert_string_equal(http_method_name(HTTP_GET_), "GET");
        assert_string_equal(http_method_name(HTTP_OTHER_), "OTHER");
        assert_string_equal(http_reason(200), "OK");
        assert_string_equal(http_reason(505), "HTTP Version Not Supported");
        assert_string_equal(http_reason(299), "");
}

/* Text, names and values in pieces of every size, in rooms of every size: what is found must not depend on
 * either. */
static void gather(size_t room_size, size_t piece) {
        static const char *const fields[][2] = {
                { "Host", "example" },
                { "X-Empty", "" },
                { "X-Spaces", "a b  " },
                { "X-Tab", "\t" },
                { "Long-Name-Of-A-Field", "0123456789" },
        };
        static const char *const found[][2] = {
                { "host", "example" },
                { "x-empty", "" },
                { "x-spaces", "a b" },
                { "x-tab", "" },
                { "long-name-of-a-field", "0123456789" },
        };
        char *room = malloc(room_size + 1);
        struct head head;

        assert_non_null(room);
        head_init(&head, room, room_size);
        for (size_t at = 0; at < 9; at += piece)
                assert_int_equal(head_add_text(&head, "/the/path" + at, MIN(piece, 9 - at)), 0);
        assert_int_equal(head_end_text(&head), 0);
        for (size_t i = 0; i < ARRAY_SIZE(fields); ++i) {
                size_t name_len = strlen(fields[i][0]), value_len = strlen(fields[i][1]);

                for (size_t at = 0; at < name_len; at += piece)
                        assert_int_equal(head_add_name(&head, fields[i][0] + at, MIN(piece, name_len - at)),
                                         0);
                assert_int_equal(head_end_name(&head), 0);
                for (size_t at = 0; at < value_len; at += piece)
                        assert_int_equal(head_add_value(&head, fields[i][1] + at, MIN(piece, value_len - at)),
                                         0);
        }
        assert_int_equal(head_finish(&head), 0);
        assert_string_equal(head.block, "/the/path");
        assert_int_equal(head.count, ARRAY_SIZE(found));
        for (size_t i = 0; i < ARRAY_SIZE(found); ++i) {
                const struct http_field *field = head_fields(&head) + i;

                assert_string_equal(field->name, found[i][0]);
                assert_string_equal(field->value, found[i][1]);
                assert_int_equal(field->name_len, strlen(found[i][0]));
                assert_int_equal(field->value_len, strlen(found[i][1]));
                assert_ptr_equal(head_find(head_fields(&head), head.count, found[i][0]), field->value);
        }
        assert_null(head_find(head_fields(&head), head.count, "x-spac"));
        head_deinit(&head);
        free(room);
}

static void heads_in_any_room(void **state) {
        for (size_t room = 0; room < 400; ++room)
                for (size_t piece = 1; piece <= 20; piece += piece < 4 ? 1 : 8)
                        gather(room, piece);
}

static void heads_without_fields(void **state) {
        struct head head = {};

        assert_int_equal(head_finish(&head), 0);
        assert_null(head_fields(&head));
        assert_null(head_find(head_fields(&head), head.count, "host"));
        head_deinit(&head);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(percent),
                cmocka_unit_test(percent_into_little_room),
                cmocka_unit_test(query_params),
                cmocka_unit_test(query_params_that_are_repeated),
                cmocka_unit_test(queries_that_cannot_be_decoded),
                cmocka_unit_test(dates),
                cmocka_unit_test(all_days),
                cmocka_unit_test(names),
                cmocka_unit_test(heads_in_any_room),
                cmocka_unit_test(heads_without_fields),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
