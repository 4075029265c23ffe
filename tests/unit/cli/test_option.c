/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/option.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct values {
        bool flag;
        char *text, *choice;
        uint64_t count, bytes;
        nsec_t span;
        struct strings list;
};

#define AT(field) OPTION_AT(struct values, field)

static const struct option table[] = {
        { "flag", 'f', "T_FLAG", OPTION_FLAG, "", NULL, "", AT(flag) },
        { "text", 't', "T_TEXT T_OTHER", OPTION_TEXT, "TEXT", "initial", "", AT(text) },
        { "choice", 0, "T_CHOICE", OPTION_CHOICE, "auto|native", "auto", "", AT(choice) },
        { "count", 0, "T_COUNT", OPTION_COUNT, "N", "7", "", AT(count), .most = 100 },
        { "bytes", 0, "T_BYTES", OPTION_BYTES, "SIZE", NULL, "", AT(bytes) },
        { "span", 0, "T_SPAN", OPTION_SPAN, "TIME", NULL, "", AT(span) },
        { "list", 'l', "T_LIST", OPTION_LIST, "ITEM", "one", "", AT(list) },
        { "only-argv", 0, NULL, OPTION_TEXT, "TEXT", NULL, "", AT(text) },
        {},
};

static bool is_known(const char *name) {
        return option_find(table, name, strlen(name)) || streq(name, "elsewhere");
}

struct outcome {
        struct values values;
        struct strings operands;
        char *problem;
        int r;
};

/* argv, then the environment, then the file with this content (NULL: none), then the defaults. */
static struct outcome fill(const char *file, bool stop_at_operand, ...) {
        struct outcome o = {};
        struct option_fill f = { .table = table, .values = &o.values };
        char *argv[16] = { (char *)"test" }, path[] = "/tmp/lambent-test-option-XXXXXX";
        int argc = 1, fd;
        va_list args;

        va_start(args, stop_at_operand);
        while ((argv[argc] = va_arg(args, char *)))
                argc++;
        va_end(args);
        o.r = option_fill_argv(&f, argc, argv, stop_at_operand, &o.operands, &o.problem);
        if (!o.r)
                o.r = option_fill_environment(&f, &o.problem);
        if (!o.r && file) {
                fd = mkstemp(path);
                assert_int_equal(write(fd, file, strlen(file)), strlen(file));
                close(fd);
                o.r = option_fill_file(&f, path, is_known, &o.problem);
                unlink(path);
        }
        if (!o.r)
                o.r = option_fill_initial(&f, &o.problem);
        return o;
}

static void release(struct outcome *o) {
        option_release(table, &o->values);
        strings_release(&o->operands);
        free(o->problem);
}

static void the_command_line_wins_then_environment_then_file(void **state) {
        struct outcome o;

        setenv("T_TEXT", "environment", 1);
        o = fill("text = file\ncount = 9\n", false, "--text", "argv", NULL);
        assert_string_equal(o.values.text, "argv");
        assert_int_equal(o.values.count, 9);
        assert_string_equal(o.values.choice, "auto");
        release(&o);
        o = fill("text = file\n", false, NULL);
        assert_string_equal(o.values.text, "environment");
        release(&o);
        unsetenv("T_TEXT");
        setenv("T_OTHER", "second name", 1);
        o = fill("text = file\n", false, NULL);
        assert_string_equal(o.values.text, "second name");
        release(&o);
        setenv("T_OTHER", "", 1);
        o = fill("  text   =  file with spaces  \n", false, NULL);
        assert_string_equal(o.values.text, "file with spaces");
        release(&o);
        unsetenv("T_OTHER");
        o = fill(NULL, false, NULL);
        assert_string_equal(o.values.text, "initial");
        release(&o);
}

static void every_spelling_of_an_option_is_taken(void **state) {
        struct outcome o =
                fill(NULL, false, "--text=a", "-f", "operand", "-lx", "-l", "y", "--count", "3", NULL);

        assert_int_equal(o.r, 0);
        assert_string_equal(o.values.text, "a");
        assert_true(o.values.flag);
        assert_int_equal(o.values.count, 3);
        assert_int_equal(o.values.list.count, 2);
        assert_string_equal(o.values.list.items[1], "y");
        assert_int_equal(o.operands.count, 1);
        assert_string_equal(o.operands.items[0], "operand");
        release(&o);
        setenv("T_FLAG", "yes", 1);
        o = fill(NULL, false, "--no-flag", NULL);
        assert_false(o.values.flag);
        release(&o);
        unsetenv("T_FLAG");
}

static void a_list_is_replaced_as_a_whole(void **state) {
        struct outcome o;

        setenv("T_LIST", "a, b c", 1);
        o = fill(NULL, false, NULL);
        assert_int_equal(o.values.list.count, 3);
        assert_string_equal(o.values.list.items[2], "c");
        release(&o);
        o = fill(NULL, false, "--list", "only", NULL);
        assert_int_equal(o.values.list.count, 1);
        release(&o);
        unsetenv("T_LIST");
}

static void operands_end_the_options_where_they_should(void **state) {
        struct outcome o = fill(NULL, true, "-f", "command", "--text", "-x", NULL);

        assert_int_equal(o.r, 0);
        assert_int_equal(o.operands.count, 3);
        assert_string_equal(o.operands.items[1], "--text");
        release(&o);
        o = fill(NULL, false, "--", "--text", "-", NULL);
        assert_int_equal(o.operands.count, 2);
        assert_string_equal(o.operands.items[0], "--text");
        release(&o);
}

static void spans_and_sizes_have_units(void **state) {
        static const struct {
                const char *text;
                nsec_t span;
        } spans[] = { { "300", 300 * SECOND },        { "50ms", 50 * MILLISECOND },
                      { "1.5s", 1500 * MILLISECOND }, { "2m", 120 * SECOND },
                      { "1h", 3600 * SECOND },        { "0", 0 },
                      { "250us", 250 * MICROSECOND }, { "never", NSEC_NEVER } };
        static const struct {
                const char *text;
                uint64_t bytes;
        } sizes[] = { { "512", 512 }, { "64k", 65536 }, { "1MiB", 1048576 }, { "2g", UINT64_C(2) << 30 } };

        for (size_t i = 0; i < ARRAY_SIZE(spans); i++) {
                struct outcome o = fill(NULL, false, "--span", spans[i].text, NULL);

                assert_int_equal(o.r, 0);
                assert_int_equal(o.values.span, spans[i].span);
                release(&o);
        }
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                struct outcome o = fill(NULL, false, "--bytes", sizes[i].text, NULL);

                assert_int_equal(o.r, 0);
                assert_int_equal(o.values.bytes, sizes[i].bytes);
                release(&o);
        }
}

static void a_wrong_value_is_told_with_its_source(void **state) {
        static const struct {
                const char *file, *option, *value, *problem;
        } cases[] = {
                { NULL, "--span", "soon",
                  "--span: \"soon\" is not a time span such as 50ms, 5s, 2m or never" },
                { NULL, "--span", "-1", "--span: \"-1\" is not a time span such as 50ms, 5s, 2m or never" },
                { NULL, "--span", "99999999999999999999",
                  "--span: \"99999999999999999999\" is not a time span such as "
                  "50ms, 5s, 2m or never" },
                { NULL, "--count", "101", "--count: \"101\" is not a whole number of at most 100" },
                { NULL, "--count", "1x", "--count: \"1x\" is not a whole number of at most 100" },
                { NULL, "--bytes", "1q", "--bytes: \"1q\" is not a size such as 512k, 64m or 1g" },
                { NULL, "--choice", "nativ", "--choice: \"nativ\" is not one of auto|native" },
                { NULL, "--choice", "", "--choice: \"\" is not one of auto|native" },
                { NULL, "--flag=perhaps", NULL, "--flag: \"perhaps\" is not yes or no" },
                { NULL, "--text", NULL, "--text needs a value (TEXT)" },
                { NULL, "--txet", NULL, "there is no option --txet; did you mean --text?" },
                { NULL, "--entirely-else", NULL, "there is no option --entirely-else; --help lists them" },
                { NULL, "--no-text", NULL, "there is no option --no-text; did you mean --text?" },
                { NULL, "-x", NULL, "there is no option -x; --help lists them" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct outcome o = fill(cases[i].file, false, cases[i].option, cases[i].value, NULL);

                assert_int_equal(o.r, -EINVAL);
                assert_string_equal(o.problem, cases[i].problem);
                release(&o);
        }
}

static void a_file_is_told_by_name_and_line(void **state) {
        static const struct {
                const char *file, *problem;
        } cases[] = {
                { "# fine\n\ncount = many\n", ":3: \"many\" is not a whole number of at most 100" },
                { "count\n", ":1: \"count\" is not of the form name = value" },
                { "colour = red\n", ":1: there is no setting \"colour\"; lambent man lists them" },
        };
        struct outcome o;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                o = fill(cases[i].file, false, NULL);
                assert_int_equal(o.r, -EINVAL);
                assert_string_equal(strchr(o.problem, ':'), cases[i].problem);
                release(&o);
        }
        o = fill("elsewhere = another command's\n", false, NULL);
        assert_int_equal(o.r, 0);
        release(&o);
}

static void a_missing_file_says_nothing(void **state) {
        struct values values = {};
        struct option_fill f = { .table = table, .values = &values };
        char *problem = NULL;

        assert_int_equal(option_fill_file(&f, "/nonexistent/lambent", is_known, &problem), -ENOENT);
        assert_null(problem);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_command_line_wins_then_environment_then_file),
                cmocka_unit_test(every_spelling_of_an_option_is_taken),
                cmocka_unit_test(a_list_is_replaced_as_a_whole),
                cmocka_unit_test(operands_end_the_options_where_they_should),
                cmocka_unit_test(spans_and_sizes_have_units),
                cmocka_unit_test(a_wrong_value_is_told_with_its_source),
                cmocka_unit_test(a_file_is_told_by_name_and_line),
                cmocka_unit_test(a_missing_file_says_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
