/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct table_column columns[] = { { "NAME" },
                                               { "STATE", .whole = true },
                                               { "COUNT", .right = true } };

static char *printed(const struct table *table, size_t width) {
        char *text = NULL;
        size_t len;
        FILE *out = open_memstream(&text, &len);

        table_print(table, out, width);
        fclose(out);
        return text;
}

static void add(struct table *table, const char *name, const char *state, const char *count) {
        table_add_consume(table,
                          (char *const[]){ name ? xstrdup(name) : NULL, xstrdup(state), xstrdup(count) });
}

static void columns_are_as_wide_as_they_need(void **state) {
        struct table table = TABLE_OF(columns);
        AUTO(str) char *text = NULL;

        add(&table, "a-function", "idle", "7");
        add(&table, NULL, "busy", "1234");
        text = printed(&table, 0);
        assert_string_equal(text, "NAME        STATE  COUNT\n"
                                  "a-function  idle       7\n"
                                  "-           busy    1234\n");
        table_release(&table);
}

static void a_narrow_terminal_cuts_what_may_be_cut(void **state) {
        struct table table = TABLE_OF(columns);
        AUTO(str) char *text = NULL, *narrow = NULL;

        add(&table, "a-function-with-a-long-name", "starting", "7");
        text = printed(&table, 30);
        assert_string_equal(text, "NAME           STATE     COUNT\n"
                                  "a-function-w…  starting      7\n");
        /* Narrower than can be helped: still every column, none below six characters. */
        narrow = printed(&table, 5);
        assert_string_equal(narrow, "NAME    STATE     COUNT\n"
                                    "a-fun…  starting      7\n");
        table_release(&table);
}

static void characters_count_and_bytes_do_not(void **state) {
        struct table table = TABLE_OF(columns);
        AUTO(str) char *text = NULL;

        add(&table, "größe", "idle", "1");
        add(&table, "abc", "idle", "2");
        text = printed(&table, 0);
        assert_string_equal(text, "NAME   STATE  COUNT\n"
                                  "größe  idle       1\n"
                                  "abc    idle       2\n");
        table_release(&table);
}

static void a_name_cannot_steer_the_terminal(void **state) {
        struct table table = TABLE_OF(columns);
        AUTO(str) char *text = NULL;

        add(&table, "\033[2Jx\n", "idle", "1");
        text = printed(&table, 0);
        assert_null(strchr(text, '\033'));
        assert_non_null(strstr(text, "?[2Jx?"));
        table_release(&table);
}

static void quantities_read_well(void **state) {
        static const struct {
                double seconds;
                const char *text;
        } spans[] = { { 0.4, "0s" },     { 59.9, "59s" },    { 192, "3m 12s" },
                      { 7260, "2h 1m" }, { 90000, "1d 1h" }, { -1, "0s" } };
        AUTO(str)
        char *nothing = text_of_bytes(0), *tiny = text_of_bytes(1025), *small = text_of_bytes(MIB * 3 / 2),
             *large = text_of_bytes(64 * MIB);

        for (size_t i = 0; i < ARRAY_SIZE(spans); i++) {
                AUTO(str) char *text = text_of_seconds(spans[i].seconds);

                assert_string_equal(text, spans[i].text);
        }
        assert_string_equal(nothing, "-");
        assert_string_equal(tiny, "2 KB");
        assert_string_equal(small, "1.5 MB");
        assert_string_equal(large, "64 MB");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(columns_are_as_wide_as_they_need),
                cmocka_unit_test(a_narrow_terminal_cuts_what_may_be_cut),
                cmocka_unit_test(characters_count_and_bytes_do_not),
                cmocka_unit_test(a_name_cannot_steer_the_terminal),
                cmocka_unit_test(quantities_read_well),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
