/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

#include <signal.h>

static void how_ends_are_worded(void **state) {
        static const struct {
                enum place_end end;
                int detail;
                const char *text, *type;
        } cases[] = {
                { PLACE_EXITED, 0, "Runtime exited without providing a reason", "Runtime.ExitError" },
                { PLACE_EXITED, 255, "Runtime exited with error: exit status 255", "Runtime.ExitError" },
                { PLACE_SIGNALED, SIGHUP, "Runtime exited with error: signal: hangup", "Runtime.ExitError" },
                { PLACE_SIGNALED, SIGILL, "Runtime exited with error: signal: illegal instruction",
                  "Runtime.ExitError" },
                { PLACE_SIGNALED, SIGBUS, "Runtime exited with error: signal: bus error",
                  "Runtime.ExitError" },
                { PLACE_SIGNALED, SIGTERM, "Runtime exited with error: signal: terminated",
                  "Runtime.ExitError" },
                { PLACE_SIGNALED, SIGXCPU, "Runtime exited with error: signal: CPU time limit exceeded",
                  "Runtime.ExitError" },
                { PLACE_SIGNALED, SIGSYS, "Runtime exited with error: signal: bad system call",
                  "Runtime.ExitError" },
                { PLACE_SIGNALED, 34, "Runtime exited with error: signal: signal 34", "Runtime.ExitError" },
                { PLACE_SIGNALED, 0, "Runtime exited with error: signal: signal 0", "Runtime.ExitError" },
                { PLACE_OOM_KILLED, SIGKILL, "Runtime exited with error: signal: killed",
                  "Runtime.OutOfMemory" },
                { PLACE_EXEC_FAILED, ENOENT, "fork/exec /b: no such file or directory",
                  "Runtime.InvalidEntrypoint" },
                { PLACE_EXEC_FAILED, ENOEXEC, "fork/exec /b: exec format error",
                  "Runtime.InvalidEntrypoint" },
                { PLACE_EXEC_FAILED, EACCES, "fork/exec /b: permission denied", "Runtime.InvalidEntrypoint" },
                { PLACE_EXEC_FAILED, ETXTBSY, "fork/exec /b: text file busy", "Runtime.InvalidEntrypoint" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); ++i) {
                AUTO(str) char *text = verdict_exit_text(cases[i].end, cases[i].detail, "/b");

                assert_string_equal(text, cases[i].text);
                assert_string_equal(verdict_exit_type(cases[i].end), cases[i].type);
        }
}

static void which_types_are_taken_over(void **state) {
        static const char *const cases[][2] = {
                { "Runtime.ExitError", "Runtime.ExitError" },
                { "Function.ResponseSizeTooLarge", "Function.ResponseSizeTooLarge" },
                { "xRuntime.Ab", "xRuntime.Ab" }, /* the pattern is not anchored */
                { "Runtime.Runtime.Ab", "Runtime.Runtime.Ab" },
                { "Runtime.A", "Runtime.Unknown" },
                { "Runtime.ab", "Runtime.Unknown" },
                { "Runtime.A1", "Runtime.Unknown" },
                { "Function.1", "Function.Unknown" },
                { "Function.", "Function.Unknown" },
                { "unhandled", "Runtime.Unknown" },
                { "", "Runtime.Unknown" },
                { NULL, "Runtime.Unknown" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); ++i)
                assert_string_equal(verdict_reported_type(cases[i][0]), cases[i][1]);
}

static void bodies(void **state) {
        AUTO(buf) struct buf body = BUF_NULL(4 * KIB);

        verdict_write(&body, "Runtime.ExitError", "id", "a \"quoted\" <reason>");
        assert_int_equal(buf_append(&body, "", 1), 0);
        assert_string_equal(buf_data(&body),
                            "{\"errorType\":\"Runtime.ExitError\",\"errorMessage\":\"RequestId: id Error: "
                            "a \\\"quoted\\\" <reason>\"}");
        verdict_plain(&body, "T", "m");
        assert_int_equal(body.len, strlen("{\"errorType\":\"T\",\"errorMessage\":\"m\"}"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(how_ends_are_worded),
                cmocka_unit_test(which_types_are_taken_over),
                cmocka_unit_test(bodies),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
