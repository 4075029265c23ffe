/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"

static void numbers_from_text(void **state) {
        static const struct {
                const char *text;
                uint64_t max, value;
                int r;
        } cases[] = {
                { "0", 10, 0, 0 },
                { "10", 10, 10, 0 },
                { "0010", 10, 10, 0 },
                { "11", 10, 0, -EINVAL },
                { "", 10, 0, -EINVAL },
                { "-1", 10, 0, -EINVAL },
                { "+1", 10, 0, -EINVAL },
                { " 1", 10, 0, -EINVAL },
                { "1 ", 10, 0, -EINVAL },
                { "1a", 10, 0, -EINVAL },
                { "0x1", 10, 0, -EINVAL },
                { "18446744073709551615", UINT64_MAX, UINT64_MAX, 0 },
                { "18446744073709551616", UINT64_MAX, 0, -EINVAL },
                { "99999999999999999999999", UINT64_MAX, 0, -EINVAL },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); ++i) {
                uint64_t value = 77;

                assert_int_equal(str_to_u64(cases[i].text, cases[i].max, &value), cases[i].r);
                assert_int_equal(value, cases[i].r ? 77 : cases[i].value);
        }
}

static void copies(void **state) {
        AUTO(str)
        char *all = xstrdup("abc"), *some = xstrndup("abcdef", 2), *bytes = xmemdup("a\0b", 3),
             *none = xmemdup(NULL, 0), *made = xasprintf("%d-%s", 5, "x");
        char *nothing = xmalloc(0);

        assert_string_equal(all, "abc");
        assert_string_equal(some, "ab");
        assert_memory_equal(bytes, "a\0b", 4);
        assert_string_equal(none, "");
        assert_string_equal(made, "5-x");
        assert_non_null(nothing);
        free(nothing);
        free(xcalloc(0, 0));
        free(xrealloc(NULL, 0));
}

static void handing_over(void **state) {
        char *s = xstrdup("x"), *taken = TAKE(s);
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), other = TAKE_FD(fd);

        assert_null(s);
        assert_string_equal(taken, "x");
        free(taken);
        assert_int_equal(fd, -1);
        errno = EPERM;
        assert_int_equal(fd_close(other), -1);
        assert_int_equal(errno, EPERM);
        assert_int_equal(fcntl(other, F_GETFD), -1);
        errno = EPERM;
        assert_int_equal(fd_close(-1), -1);
        assert_int_equal(errno, EPERM);
        assert_true(str_starts("abc", "ab") && str_starts("abc", "") && !str_starts("ab", "abc"));
        assert_int_equal(MIN(3, 2), 2);
        assert_int_equal(MAX(3, 2), 3);
}

/* Runs log_write with standard error in a pipe. */
static size_t logged(enum log_level level, const char *text, char *ret_line, size_t size) {
        int pipes[2], saved = dup(STDERR_FILENO);
        ssize_t n;

        assert_int_equal(pipe2(pipes, O_CLOEXEC | O_NONBLOCK), 0);
        assert_true(dup2(pipes[1], STDERR_FILENO) >= 0);
        errno = EPERM;
        log_at(level, "text=\"%s\"", text);
        assert_int_equal(errno, EPERM);
        dup2(saved, STDERR_FILENO);
        n = read(pipes[0], ret_line, size - 1);
        fd_close(pipes[0]);
        fd_close(pipes[1]);
        fd_close(saved);
        ret_line[MAX(n, 0)] = 0;
        return (size_t)MAX(n, 0);
}

static void log_lines(void **state) {
        enum log_level level;
        char line[8192], long_text[4096];
        size_t len;

        assert_int_equal(log_level_from_name("debug", &level), 0);
        assert_int_equal(level, LOG_DEBUG);
        assert_int_equal(log_level_from_name("loud", &level), -EINVAL);
        assert_string_equal(log_level_name(LOG_WARN), "warn");
        assert_int_equal(logged(LOG_DEBUG, "x", line, sizeof(line)), 0);
        len = logged(LOG_WARN, "x", line, sizeof(line));
        assert_int_equal(len, strlen("2026-01-01T00:00:00.000Z warn  text=\"x\"\n"));
        assert_string_equal(line + 23, "Z warn  text=\"x\"\n");
        memset(long_text, 'y', sizeof(long_text) - 1);
        long_text[sizeof(long_text) - 1] = 0;
        len = logged(LOG_ERROR, long_text, line, sizeof(line));
        assert_true(len > 2000 && len <= 2048);
        assert_ptr_equal(strchr(line, '\n'), line + len - 1);
}

/* What comes from outside may hold anything: a line stays one line, and nothing in it moves the cursor. */
static void log_lines_stay_lines(void **state) {
        char line[8192];

        logged(LOG_ERROR, "a\nb\r\x1b[2J\x7f\xc3\xa4", line, sizeof(line));
        assert_string_equal(line + 31, "text=\"a b  [2J \xc3\xa4\"\n");
}

static void numbers_from_files(void **state) {
        static const struct {
                const char *text;
                uint64_t value;
        } cases[] = { { "", 0 }, { "max\n", 0 }, { "0\n", 0 }, { "5242880\n", 5242880 }, { "12 34\n", 12 } };

        for (size_t i = 0; i < ARRAY_SIZE(cases); ++i) {
                AUTO(fd) int fd = memfd_create("number", MFD_CLOEXEC);
                const size_t len = strlen(cases[i].text);

                assert_int_equal(write(fd, cases[i].text, len), len);
                for (unsigned again = 0; again < 2; ++again)
                        assert_int_equal(fd_read_number(fd), cases[i].value);
        }
        assert_int_equal(fd_read_number(-1), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(numbers_from_text),
                cmocka_unit_test(numbers_from_files),
                cmocka_unit_test(copies),
                cmocka_unit_test(handing_over),
                cmocka_unit_test(log_lines),
                cmocka_unit_test(log_lines_stay_lines),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
