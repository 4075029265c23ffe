/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/log_lines.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct seen {
        struct log_lines lines;
        char messages[8][64];
        double times[8];
        size_t count;
};

static void on_record(void *owner, const struct log_record *record, const char *line, size_t len) {
        struct seen *seen = owner;

        assert_true(seen->count < ARRAY_SIZE(seen->messages));
        assert_true(len && line[len - 1] == '}');
        strncpy(seen->messages[seen->count], record->message, sizeof(seen->messages[0]) - 1);
        seen->times[seen->count++] = record->time_ms;
}

#define SEEN(name) \
        struct seen name = { .lines = { .held = BUF_NULL(256), .on_record = on_record, .owner = &name } }

static const char text[] = "{\"time\":1700000000123,\"stream\":\"s\",\"message\":\"START\\n\"}\n\n"
                           "{\"time\":1700000000124,\"stream\":\"s\",\"message\":\"gr\\u00f6\\u00dfe\"}\n";

static void records_come_whole_however_the_bytes_are_cut(void **state) {
        for (size_t piece = 1; piece < sizeof(text); piece++) {
                SEEN(seen);

                for (size_t at = 0; at < sizeof(text) - 1; at += piece)
                        assert_true(
                                log_lines_take(&seen.lines, text + at, MIN(piece, sizeof(text) - 1 - at)));
                assert_int_equal(seen.count, 2);
                assert_string_equal(seen.messages[0], "START");
                assert_string_equal(seen.messages[1], "größe");
                assert_true(seen.times[1] == 1700000000124.0);
                buf_deinit(&seen.lines.held);
        }
}

static void what_is_no_record_is_refused(void **state) {
        static const char *const wrong[] = { "<html>\n", "{\"time\":1}\n", "[]\n", "{\"message\":7}\n" };

        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                SEEN(seen);

                assert_false(log_lines_take(&seen.lines, wrong[i], strlen(wrong[i])));
                assert_int_equal(seen.count, 0);
                buf_deinit(&seen.lines.held);
        }
}

static void a_line_without_end_is_refused_at_the_cap(void **state) {
        char bytes[257];
        SEEN(seen);

        memset(bytes, 'x', sizeof(bytes));
        assert_true(log_lines_take(&seen.lines, bytes, 256));
        assert_false(log_lines_take(&seen.lines, bytes, 1));
        buf_deinit(&seen.lines.held);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(records_come_whole_however_the_bytes_are_cut),
                cmocka_unit_test(what_is_no_record_is_refused),
                cmocka_unit_test(a_line_without_end_is_refused_at_the_cap),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
