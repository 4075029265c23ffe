/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/process.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

static void a_status_comes_back_as_shells_say_it(void **state) {
        static const struct {
                const char *script;
                int status;
        } cases[] = { { "exit 0", 0 }, { "exit 7", 7 }, { "kill -TERM $$", 128 + SIGTERM } };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct child child;

                assert_int_equal(child_start(&child,
                                             &(struct child_plan){
                                                     .argv = (const char *const[]){ "sh", "-c",
                                                                                    cases[i].script, NULL },
                                             }),
                                 0);
                assert_int_equal(child_wait(&child), cases[i].status);
                child_release(&child);
        }
}

static void a_program_that_is_not_there_is_an_error_of_the_start(void **state) {
        struct child child;

        assert_int_equal(
                child_start(&child,
                            &(struct child_plan){ .argv = (const char *const[]){ "/nonexistent/x", NULL } }),
                -ENOENT);
        assert_int_equal(child.pidfd, -1);
}

static void descriptors_arrive_in_order_even_when_they_cross(void **state) {
        int first[2], second[2];
        struct child child;
        char text[16] = "";

        assert_int_equal(pipe2(first, O_CLOEXEC), 0);
        assert_int_equal(pipe2(second, O_CLOEXEC), 0);
        assert_int_equal(
                child_start(
                        &child,
                        &(struct child_plan){
                                .argv = (const char *const[]){ "sh", "-c", "echo one; echo two >&3", NULL },
                                .descriptors = (const int[]){ -1, second[1], STDERR_FILENO, first[1] },
                                .descriptor_count = 4,
                        }),
                0);
        assert_int_equal(child_wait(&child), 0);
        child_release(&child);
        assert_int_equal(read(second[0], text, sizeof(text)), 4);
        assert_memory_equal(text, "one\n", 4);
        assert_int_equal(read(first[0], text, sizeof(text)), 4);
        assert_memory_equal(text, "two\n", 4);
        for (int i = 0; i < 2; i++) {
                close(first[i]);
                close(second[i]);
        }
}

static void a_report_must_come_whole(void **state) {
        AUTO(fd) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        char report[4];

        assert_int_equal(process_ask((const char *const[]){ "printf", "abcd", NULL }, null, null, report,
                                     sizeof(report)),
                         0);
        assert_memory_equal(report, "abcd", 4);
        assert_int_equal(process_ask((const char *const[]){ "printf", "abc", NULL }, null, null, report,
                                     sizeof(report)),
                         -EPIPE);
        assert_int_equal(process_ask((const char *const[]){ "/nonexistent/x", NULL }, null, null, report,
                                     sizeof(report)),
                         -ENOENT);
}

static void a_folder_goes_with_all_that_is_in_it(void **state) {
        char folder[] = "/tmp/lambent-test-process-XXXXXX";
        AUTO(str) char *inner = NULL, *file = NULL, *link = NULL;

        assert_non_null(mkdtemp(folder));
        inner = xasprintf("%s/inner", folder);
        file = xasprintf("%s/file", inner);
        link = xasprintf("%s/link", folder);
        assert_int_equal(mkdir(inner, 0700), 0);
        close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0400));
        assert_int_equal(symlink("/etc", link), 0);
        assert_int_equal(chmod(inner, 0500), 0);
        assert_int_equal(folder_remove(folder), 0);
        assert_int_equal(access(folder, F_OK), -1);
        assert_int_equal(access("/etc/passwd", F_OK), 0);
        assert_int_equal(folder_remove(folder), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_status_comes_back_as_shells_say_it),
                cmocka_unit_test(a_program_that_is_not_there_is_an_error_of_the_start),
                cmocka_unit_test(descriptors_arrive_in_order_even_when_they_cross),
                cmocka_unit_test(a_report_must_come_whole),
                cmocka_unit_test(a_folder_goes_with_all_that_is_in_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
