/* SPDX-License-Identifier: Apache-2.0 */
/* The calendar, held against the C library's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <time.h>

#include "base/date.h"

static void check(uint64_t seconds) {
        time_t time = (time_t)seconds;
        char expected[64], text[DATE_TEXT];
        struct date date;
        struct tm utc;

        gmtime_r(&time, &utc);
        date_of(seconds * SECOND + 7 * MILLISECOND, &date);
        assert_int_equal(date.weekday, utc.tm_wday);
        assert_int_equal(date.month, utc.tm_mon);
        assert_true(strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S.007Z", &utc) > 0);
        assert_string_equal(date_text(seconds * SECOND + 7 * MILLISECOND, text), expected);
}

/* Every day until 2200, at odd times of it. */
static void every_day(void **state) {
        for (uint64_t day = 0; day < 84000; ++day)
                check(day * 86400 + day * 7919 % 86400);
}

static void the_ends_of_days(void **state) {
        static const uint64_t days[] = { 0, 58, 59, 789, 11016, 11017, 20454, 47540, 47541 };

        for (size_t i = 0; i < ARRAY_SIZE(days); ++i) {
                check(days[i] * 86400);
                check(days[i] * 86400 + 86399);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_day),
                cmocka_unit_test(the_ends_of_days),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
