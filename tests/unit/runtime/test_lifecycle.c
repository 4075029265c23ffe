/* SPDX-License-Identifier: Apache-2.0 */
/* How invocations end, and what happens between them (docs/aws.md, lifecycle). */
#include "scenes.h"

#include <signal.h>
#include <stdio.h>

#define MS MILLISECOND

static void invocations_time_out(void **state) {
        struct stage st;
        const char *log;
        nsec_t before;
        int fd;

        stage_set(&st);
        fd = stage_warm(&st);
        st.order.timeout = 30 * MS;
        st.late_output = "late";
        before = loop_now(st.loop); /* which the deadline is counted from */
        stage_invoke(&st);
        runtime_reply(&st, fd);
        stage_await(&st, "idle timeout Sandbox.Timedout");
        assert_in_range(loop_clock(st.loop) - before, 29 * MS, 500 * MS);
        assert_int_equal(st.kills, 1);
        assert_string_equal(stage_events(&st),
                            "answered timeout Sandbox.Timedout - " FAILED(
                                    "Sandbox.Timedout",
                                    "Task timed out after 0.03 seconds") "\n"
                                                                         "idle timeout Sandbox.Timedout\n");
        assert_int_equal(st.report.duration, 30 * MS);
        assert_true(st.report.billed >= 30 * MS);
        log = stage_log(&st);
        assert_non_null(strstr(log, "\nlate\n20"));
        assert_non_null(strstr(log, "Z " REQUEST_ID " Task timed out after 0.03 seconds\nEND RequestId: "));
        assert_non_null(strstr(log, "\tDuration: 30.00 ms\t"));
        assert_non_null(strstr(log, "\tStatus: timeout\n"));
        close(fd);

        stage_invoke(&st); /* the next one begins with INIT, and has time for that */
        st.order.timeout = SECOND;
        assert_int_equal(st.spawns, 2);
        fd = runtime_connect(&st);
        runtime_ask(&st, fd);
        assert_string_equal(runtime_reply(&st, fd), "200 {\"key\":1}");
        close(fd);
        stage_end(&st);
}

/* The caller has its answer; only `next` never comes: REPORT says timeout, the answer stands. */
static void a_runtime_that_does_not_come_back(void **state) {
        struct stage st;
        int fd;

        stage_set(&st);
        fd = stage_warm(&st);
        st.order.timeout = 30 * MS;
        stage_invoke(&st);
        runtime_reply(&st, fd);
        runtime_post(&st, fd, RESPONSE, "", "1");
        stage_await(&st, "idle timeout");
        assert_string_equal(stage_events(&st), "answered success - - 1\nidle timeout\n");
        close(fd);
        stage_end(&st);
}

static void a_suppressed_init_times_out(void **state) {
        struct stage st;
        const char *log;
        int fd;

        stage_set(&st);
        enter_scene(&st, SCENE_DEAD_IDLE, &fd);
        st.hold_empty = false;
        st.order.timeout = 30 * MS;
        stage_invoke(&st);
        stage_await(&st, "idle timeout Sandbox.Timedout");
        log = stage_log(&st);
        assert_non_null(strstr(log, "\tPhase: invoke\tStatus: timeout\nSTART RequestId: "));
        assert_int_equal(count_of(log, "START RequestId"), 1);
        stage_end(&st);
}

static const struct exit_case {
        enum place_end end;
        int detail;
        const char *line; /* of the answer */
} exits[] = {
        { PLACE_EXITED, 0,
          "answered exit Runtime.ExitError - " FAILED("Runtime.ExitError",
                                                      "Runtime exited without providing a reason") },
        { PLACE_EXITED, 127,
          "answered exit Runtime.ExitError - " FAILED("Runtime.ExitError",
                                                      "Runtime exited with error: exit status 127") },
        { PLACE_SIGNALED, SIGSEGV,
          "answered exit Runtime.ExitError - " FAILED(
                  "Runtime.ExitError", "Runtime exited with error: signal: segmentation fault") },
        { PLACE_SIGNALED, SIGABRT,
          "answered exit Runtime.ExitError - " FAILED("Runtime.ExitError",
                                                      "Runtime exited with error: signal: aborted") },
        { PLACE_OOM_KILLED, SIGKILL,
          "answered out-of-memory Runtime.OutOfMemory - " FAILED(
                  "Runtime.OutOfMemory", "Runtime exited with error: signal: killed") },
};

static void exits_under_an_invocation(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(exits); ++i) {
                struct stage st;
                const char *log;
                int fd;

                stage_set(&st);
                fd = stage_warm(&st);
                stage_invoke(&st);
                runtime_reply(&st, fd);
                stage_exit(&st, exits[i].end, exits[i].detail);
                stage_await(&st, "idle");
                assert_int_equal(strncmp(stage_events(&st), exits[i].line, strlen(exits[i].line)), 0);
                log = stage_log(&st);
                assert_non_null(strstr(log, "\nRequestId: " REQUEST_ID " Error: Runtime exited "));
                assert_non_null(strstr(log, "\tStatus: error\tError Type: Runtime."));
                close(fd);
                stage_invoke(&st);
                assert_int_equal(st.spawns, 2);
                stage_end(&st);
        }
}

/* It answered and then died: the caller keeps the answer, REPORT tells, the next invocation pays a new INIT.
 */
static void an_exit_after_the_answer(void **state) {
        struct stage st;
        int fd;

        stage_set(&st);
        enter_scene(&st, SCENE_ANSWERED, &fd);
        stage_exit(&st, PLACE_EXITED, 3);
        stage_settle(&st);
        stage_empty_now(&st);
        assert_string_equal(stage_events(&st), "answered success - - 1\nidle exit Runtime.ExitError\n");
        assert_non_null(strstr(stage_log(&st), "Status: error\tError Type: Runtime.ExitError\n"));
        close(fd);
        stage_end(&st);
}

/* The last words of a process come before its exit, even when all of it is there at once. */
static void an_answer_and_an_exit_at_once(void **state) {
        struct stage st;
        int fd;

        stage_set(&st);
        enter_scene(&st, SCENE_RUNNING, &fd);
        runtime_reply(&st, fd);
        runtime_post(&st, fd, RESPONSE, "", "1");
        stage_settle(&st);
        stage_exit(&st, PLACE_EXITED, 0);
        assert_string_equal(stage_events(&st), "answered success - - 1\n");
        close(fd);
        stage_end(&st);
}

static void a_crash_while_idle_costs_the_caller_nothing(void **state) {
        static const enum scene scenes[] = { SCENE_IDLE, SCENE_HUNG_UP, SCENE_FROZEN };

        for (size_t i = 0; i < ARRAY_SIZE(scenes); ++i)
                for (int early = 0; early < 2; ++early) {
                        struct stage st;
                        int fd;

                        stage_set(&st);
                        enter_scene(&st, scenes[i], &fd);
                        stage_exit(&st, PLACE_SIGNALED, SIGKILL);
                        if (!early)
                                stage_empty_now(&st);
                        if (scenes[i] == SCENE_FROZEN)
                                st.e->ops->thaw(st.e);
                        stage_invoke(&st); /* perhaps while the rest of the generation is being killed */
                        if (early)
                                stage_empty_now(&st);
                        assert_int_equal(st.spawns, 2);
                        close(fd);
                        fd = runtime_connect(&st);
                        runtime_ask(&st, fd);
                        assert_string_equal(runtime_reply(&st, fd), "200 {\"key\":1}");
                        assert_string_equal(stage_events(&st), "");
                        close(fd);
                        stage_end(&st);
                }
}

/* Its end is noticed only after it was given an invocation that it cannot have seen. */
static void a_crash_before_the_event_was_seen(void **state) {
        struct stage st;
        int fd;

        stage_set(&st);
        enter_scene(&st, SCENE_UNSEEN, &fd);
        stage_exit(&st, PLACE_SIGNALED, SIGKILL);
        stage_empty_now(&st);
        assert_int_equal(st.spawns, 2);
        fd = runtime_connect(&st);
        runtime_ask(&st, fd);
        assert_string_equal(runtime_reply(&st, fd), "200 {\"key\":1}");
        assert_string_equal(stage_events(&st), "");
        close(fd);
        stage_end(&st);
}

/* The old generation does not want to die: the function's timeout holds all the same. */
static void a_timeout_while_the_old_generation_dies(void **state) {
        struct stage st;
        int fd;

        stage_set(&st);
        enter_scene(&st, SCENE_IDLE, &fd);
        stage_exit(&st, PLACE_EXITED, 1);
        st.order.timeout = 20 * MS;
        stage_invoke(&st);
        stage_await(&st, "answered timeout");
        stage_empty_now(&st);
        stage_await(&st, "idle timeout");
        assert_int_equal(count_of(stage_log(&st), "START RequestId"), 1);
        close(fd);
        stage_end(&st);
}

static unsigned encores;

static void invoke_again(struct stage *st) {
        if (encores && encores--)
                stage_invoke(st);
}

/* The owner invokes again from inside `idle`, also after a crash. */
static void invoked_from_inside_idle(void **state) {
        struct stage st;
        int fd;

        stage_set(&st);
        fd = stage_warm(&st);
        encores = 3;
        st.in_idle = invoke_again;
        stage_invoke(&st);
        for (unsigned i = 0; i < 3; ++i) {
                assert_string_equal(runtime_reply(&st, fd), "200 {\"key\":1}");
                runtime_post(&st, fd, RESPONSE, "", "1");
                runtime_reply(&st, fd);
                runtime_ask(&st, fd);
        }
        assert_string_equal(runtime_reply(&st, fd), "200 {\"key\":1}");
        encores = 1;
        stage_exit(&st, PLACE_EXITED, 1);
        stage_settle(&st);
        assert_int_equal(st.spawns, 2);
        close(fd);
        stage_end(&st);
}

/* ---- the place's own failures ---- */

static void the_place_fails(void **state) {
        struct stage st;
        int fd;

        stage_set(&st);
        st.open_error = EMFILE;
        stage_new(&st);
        assert_int_equal(st.e->ops->start(st.e), stage_is_linked ? 0 : -EMFILE);
        if (stage_is_linked)
                stage_await(&st, "gone Too many open files");
        stage_end(&st);

        stage_set(&st);
        stage_new(&st);
        st.hold_open = true;
        assert_int_equal(st.e->ops->start(st.e), 0);
        stage_lose(&st, "no room");
        assert_string_equal(stage_events(&st), "gone no room\n");
        stage_end(&st);

        stage_set(&st);
        stage_new(&st);
        st.bad_listener = true;
        assert_int_equal(st.e->ops->start(st.e), 0);
        stage_await(&st, "gone its Runtime API listener could not be registered");
        stage_end(&st);

        stage_set(&st);
        st.spawn_error = ENOEXEC;
        stage_start(&st);
        stage_await(&st, "ready failed");
        assert_non_null(strstr(stage_log(&st), "Error: fork/exec /var/task/bootstrap: exec format error\n"));
        st.spawn_error = 0;
        stage_invoke(&st);
        fd = runtime_connect(&st);
        runtime_ask(&st, fd);
        assert_string_equal(runtime_reply(&st, fd), "200 {\"key\":1}");
        close(fd);
        stage_end(&st);
}

static void freezing(void **state) {
        struct stage st;
        int fd;

        stage_set(&st);
        fd = stage_warm(&st);
        st.freeze_error = EBUSY;
        st.e->ops->freeze(st.e); /* it simply runs on */
        st.e->ops->thaw(st.e);
        assert_int_equal(st.thaws, 0);
        st.freeze_error = 0;
        st.e->ops->freeze(st.e);
        st.e->ops->thaw(st.e);
        assert_int_equal(st.freezes, 2);
        assert_int_equal(st.thaws, 1);
        stage_invoke(&st);
        st.e->ops->freeze(st.e); /* busy: not frozen */
        assert_int_equal(st.freezes, 2);
        assert_string_equal(runtime_reply(&st, fd), "200 {\"key\":1}");
        close(fd);
        stage_end(&st);
}

static const char *env_of(const struct stage *st, const char *name) {
        size_t len = strlen(name);

        for (char **at = st->envp; *at; ++at)
                if (strncmp(*at, name, len) == 0 && (*at)[len] == '=')
                        return *at + len + 1;
        return "(unset)";
}

static void answer_foreign(struct http_exchange *x, void *owner) {
        http_respond(x, 200, NULL, "home", 4);
}

static void the_process_is_told_where_the_api_is(void **state) {
        struct env_var vars[] = { { "MINE", "1" }, { "TZ", "Europe/Paris" }, { "AWS_REGION", "mars-1" } };
        char address[32], url[64];
        struct stage st;

        stage_set(&st);
        st.spec.vars = vars;
        st.spec.var_count = ARRAY_SIZE(vars);
        stage_start(&st);
        snprintf(address, sizeof(address), "127.0.0.1:%d", st.port);
        assert_string_equal(env_of(&st, "AWS_LAMBDA_RUNTIME_API"), address);
        assert_string_equal(env_of(&st, "AWS_ENDPOINT_URL_LAMBDA"), "(unset)"); /* nobody answers */
        assert_string_equal(env_of(&st, "MINE"), "1");
        assert_string_equal(env_of(&st, "TZ"), "Europe/Paris");
        assert_string_equal(env_of(&st, "AWS_REGION"), "us-east-1");
        assert_string_equal(env_of(&st, "_HANDLER"), "app.handler");
        stage_end(&st);

        if (stage_is_linked) /* there the API has a door of its own */
                return;
        stage_set(&st);
        st.foreign = answer_foreign;
        stage_start(&st);
        snprintf(url, sizeof(url), "http://127.0.0.1:%d", st.port);
        assert_string_equal(env_of(&st, "AWS_ENDPOINT_URL_LAMBDA"), url);
        stage_end(&st);
}

static void stats_come_from_the_place(void **state) {
        struct environment_stats stats;
        struct stage st;
        int fd;

        stage_set(&st);
        fd = stage_warm(&st);
        st.e->ops->stats(st.e, &stats);
        assert_int_equal(stats.pid, stage_is_linked ? getpid() : 77); /* of init */
        assert_int_equal(stats.memory, 5 * MIB);
        assert_int_equal(stats.memory_peak, 36 * MIB);
        close(fd);
        stage_end(&st);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(invocations_time_out),
                cmocka_unit_test(a_runtime_that_does_not_come_back),
                cmocka_unit_test(a_suppressed_init_times_out),
                cmocka_unit_test(exits_under_an_invocation),
                cmocka_unit_test(an_exit_after_the_answer),
                cmocka_unit_test(an_answer_and_an_exit_at_once),
                cmocka_unit_test(a_crash_while_idle_costs_the_caller_nothing),
                cmocka_unit_test(a_crash_before_the_event_was_seen),
                cmocka_unit_test(a_timeout_while_the_old_generation_dies),
                cmocka_unit_test(invoked_from_inside_idle),
                cmocka_unit_test(the_place_fails),
                cmocka_unit_test(freezing),
                cmocka_unit_test(the_process_is_told_where_the_api_is),
                cmocka_unit_test(stats_come_from_the_place),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
