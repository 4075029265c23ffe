/* SPDX-License-Identifier: Apache-2.0 */
/* INIT: its limit, its errors, and its repetition inside an invocation (docs/aws.md, lifecycle). */
#include "scenes.h"

#include <signal.h>

#define MS MILLISECOND

static void init_is_limited_then_repeated(void **state) {
        struct stage st;
        int fd;

        stage_set(&st);
        st.init_limit = 20 * MS;
        stage_start(&st);
        stage_await(&st, "ready failed");
        assert_int_equal(st.kills, 1);
        assert_non_null(strstr(stage_log(&st),
                               "INIT_REPORT Init Duration: 20.00 ms\tPhase: init\tStatus: timeout\n"));
        stage_invoke(&st);
        assert_int_equal(st.spawns, 2);
        if (!stage_is_linked) /* over a link it is told with the next `idle` */
                assert_int_equal(st.e->generation, 2);
        fd = runtime_connect(&st);
        runtime_ask(&st, fd);
        assert_string_equal(runtime_reply(&st, fd), "200 {\"key\":1}");
        assert_string_equal(stage_log(&st), "START RequestId: " REQUEST_ID " Version: $LATEST\n");
        close(fd);
        stage_end(&st);
}

/* Opening the place is not the function's time: INIT's limit counts from the start of its process. */
static void init_is_limited_after_a_slow_opening(void **state) {
        struct stage st;
        nsec_t before;

        if (stage_is_linked) /* opening has a time of its own there */
                return;
        stage_set(&st);
        st.init_limit = 20 * MS;
        st.hold_open = true;
        stage_new(&st);
        assert_int_equal(st.e->ops->start(st.e), 0);
        before = loop_now(st.loop);
        while (loop_next_due(st.loop) != NSEC_NEVER)
                assert_int_equal(loop_turn(st.loop, SECOND), 0);
        assert_true(loop_clock(st.loop) - before >= 20 * MS);
        stage_open_now(&st);
        stage_await(&st, "ready failed");
        stage_end(&st);
}

static void init_errors(void **state) {
        static const struct {
                enum place_end end;
                int detail;
                const char *type, *text;
                const char *outcome;
        } cases[] = {
                { PLACE_EXITED, 1, "Runtime.ExitError", "Runtime exited with error: exit status 1",
                  "init-error" },
                { PLACE_EXITED, 0, "Runtime.ExitError", "Runtime exited without providing a reason",
                  "init-error" },
                { PLACE_SIGNALED, SIGKILL, "Runtime.ExitError", "Runtime exited with error: signal: killed",
                  "init-error" },
                { PLACE_OOM_KILLED, SIGKILL, "Runtime.OutOfMemory",
                  "Runtime exited with error: signal: killed", "out-of-memory" },
                { PLACE_EXEC_FAILED, EACCES, "Runtime.InvalidEntrypoint",
                  "fork/exec /var/task/bootstrap: permission denied", "init-error" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); ++i) {
                AUTO(str)
                char *answer = xasprintf(
                        "answered %s %s - {\"errorType\":\"%s\",\"errorMessage\":\"RequestId: " REQUEST_ID
                        " Error: %s\"}\nidle %s %s\n",
                        cases[i].outcome, cases[i].type, cases[i].type, cases[i].text, cases[i].outcome,
                        cases[i].type);
                AUTO(str) char *before = xasprintf("Error: %s\n%s\n", cases[i].text, cases[i].type);
                AUTO(str)
                char *during =
                        xasprintf("RequestId: " REQUEST_ID " Error: %s\n%s\n", cases[i].text, cases[i].type);
                AUTO(str) char *status = xasprintf("Status: error\tError Type: %s\nEND", cases[i].type);
                const char *log;
                struct stage st;

                stage_set(&st);
                stage_start(&st);
                stage_exit(&st, cases[i].end, cases[i].detail);
                stage_await(&st, "ready failed");
                log = stage_log(&st);
                assert_non_null(strstr(log, before));
                assert_non_null(strstr(log, "\tPhase: init\tStatus: error\tError Type: "));
                stage_events(&st);
                stage_invoke(&st); /* repeats it, and fails again */
                stage_exit(&st, cases[i].end, cases[i].detail);
                stage_await(&st, "idle");
                assert_string_equal(stage_events(&st), answer);
                log = stage_log(&st);
                assert_int_equal(strncmp(log, during, strlen(during)), 0);
                assert_non_null(strstr(log, "\tPhase: invoke\tStatus: error\tError Type: "));
                assert_int_equal(count_of(log, "START RequestId"), 1);
                assert_null(strstr(log, status));
                stage_end(&st);
        }
}

/* init/error: cached before an invocation, the caller's answer inside one; the exit that follows changes
 * nothing. */
static void posted_init_errors(void **state) {
        static const char body[] = "{\"errorMessage\":\"no "
                                   "module\",\"errorType\":\"Runtime.ImportModuleError\",\"stackTrace\":[]}";
        struct stage st;
        const char *log;
        int fd;

        stage_set(&st);
        stage_start(&st);
        fd = runtime_connect(&st);
        runtime_post(&st, fd, "init/error",
                     "Lambda-Runtime-Function-Error-Type: Runtime.ImportModuleError\r\n", body);
        assert_string_equal(runtime_reply(&st, fd), "202 {\"status\":\"OK\"}\n");
        stage_output(&st, "Traceback\n");
        stage_exit(&st, PLACE_EXITED, 1);
        stage_await(&st, "ready failed");
        log = stage_log(&st);
        assert_non_null(strstr(log, "Traceback\nINIT_REPORT Init Duration: "));
        assert_non_null(strstr(log, "Phase: init\tStatus: error\tError Type: Runtime.ImportModuleError\n"));
        assert_null(strstr(log, "ExitError"));
        close(fd);

        stage_events(&st);
        stage_invoke(&st);
        fd = runtime_connect(&st);
        runtime_post(&st, fd, "init/error",
                     "Lambda-Runtime-Function-Error-Type: Runtime.ImportModuleError\r\n", body);
        assert_string_equal(runtime_reply(&st, fd), "202 {\"status\":\"OK\"}\n");
        assert_string_equal(stage_events(&st), ""); /* its exit tells */
        stage_exit(&st, PLACE_EXITED, 1);
        stage_await(&st, "idle init-error Runtime.ImportModuleError");
        log = stage_events(&st);
        assert_int_equal(strncmp(log, "answered init-error Runtime.ImportModuleError - ", 47), 0);
        assert_non_null(strstr(log, body));
        log = stage_log(&st);
        assert_non_null(strstr(
                log,
                "Phase: invoke\tStatus: error\tError Type: Runtime.ImportModuleError\nSTART RequestId: "));
        assert_non_null(strstr(log, "Status: error\tError Type: Runtime.ImportModuleError\n"));
        close(fd);
        stage_end(&st);
}

/* A runtime that reports its init error and stays is ended after a second, in INIT and in an invocation. */
static void an_init_error_without_an_exit(void **state) {
        struct stage st;
        nsec_t before;
        int fd;

        stage_set(&st);
        stage_start(&st);
        fd = runtime_connect(&st);
        runtime_post(&st, fd, "init/error", "", "{\"a\":1}");
        runtime_reply(&st, fd);
        before = loop_clock(st.loop);
        stage_await(&st, "ready failed");
        assert_in_range(loop_clock(st.loop) - before, 900 * MS, 1500 * MS);
        close(fd);
        stage_invoke(&st);
        fd = runtime_connect(&st);
        runtime_post(&st, fd, "init/error", "", "{\"a\":1}");
        runtime_reply(&st, fd);
        stage_await(&st, "idle init-error");
        assert_non_null(strstr(stage_events(&st), "answered init-error Runtime.Unknown - {\"a\":1}\n"));
        close(fd);
        stage_end(&st);
}

static void nothing_to_start(void **state) {
        struct stage st;

        stage_set(&st);
        st.command.argv = NULL;
        st.command.missing_entry = "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]";
        stage_start(&st);
        stage_await(&st, "ready failed");
        assert_int_equal(st.spawns, 0);
        stage_events(&st);
        stage_invoke(&st);
        stage_await(&st, "idle");
        assert_string_equal(stage_events(&st),
                            "answered init-error Runtime.InvalidEntrypoint - " FAILED(
                                    "Runtime.InvalidEntrypoint",
                                    "Couldn't find valid bootstrap(s): [/var/task/bootstrap "
                                    "/opt/bootstrap]") "\n"
                                                       "idle init-error Runtime.InvalidEntrypoint\n");
        stage_end(&st);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(init_is_limited_then_repeated),
                cmocka_unit_test(init_is_limited_after_a_slow_opening),
                cmocka_unit_test(init_errors),
                cmocka_unit_test(posted_init_errors),
                cmocka_unit_test(an_init_error_without_an_exit),
                cmocka_unit_test(nothing_to_start),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
