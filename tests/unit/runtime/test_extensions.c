/* SPDX-License-Identifier: Apache-2.0 */
/* What extensions do to a generation's life: the order of INIT, the end of an invocation, errors in each phase. */
#include "scenes.h"

#include <signal.h>

#define OUTSIDE PROCESS_EXTENSION /* the process of "out" */
#define ALL "[\"INVOKE\",\"SHUTDOWN\"]"
#define EVENT_START "200 {\"eventType\":\"INVOKE\",\"deadlineMs\":"
#define EVENT_END ",\"requestId\":\"" REQUEST_ID "\",\"invokedFunctionArn\":\"" ARN "\"}"

static const char *const outside[] = { "out", NULL };

/* An environment with the external extension "out", and its three connections. */
struct cast {
        struct stage st;
        int runtime, out;
        char *out_id;
};

static void cast_begin(struct cast *c, const char *events) {
        *c = (struct cast){ .runtime = -1 };
        stage_set(&c->st);
        c->st.extensions = outside;
        stage_start(&c->st);
        c->out = runtime_connect(&c->st);
        if (events)
                c->out_id = extension_join(&c->st, c->out, "out", events);
}

static void runtime_polls(struct cast *c) {
        if (c->runtime < 0)
                c->runtime = runtime_connect(&c->st);
        runtime_ask(&c->st, c->runtime);
        stage_settle(&c->st);
}

static void out_polls(struct cast *c) {
        extension_ask(&c->st, c->out, c->out_id);
        stage_settle(&c->st);
}

static void cast_warm(struct cast *c, const char *events) {
        cast_begin(c, events);
        out_polls(c);
        runtime_polls(c);
        assert_string_equal(stage_events(&c->st), "started\nready\n");
        stage_log(&c->st);
        stage_asked(&c->st);
}

static void cast_end(struct cast *c) {
        close(c->runtime);
        close(c->out);
        free(c->out_id);
        stage_end(&c->st);
}

static void runtime_gets_and_answers(struct cast *c) {
        assert_string_equal(runtime_reply(&c->st, c->runtime), "200 {\"key\":1}");
        runtime_post(&c->st, c->runtime, RESPONSE, "", "1");
        assert_string_equal(runtime_reply(&c->st, c->runtime), "202 {\"status\":\"OK\"}\n");
}

static void check_invoke_event(const char *event) {
        size_t len = strlen(event), end = strlen(EVENT_END);

        assert_int_equal(strncmp(event, EVENT_START, strlen(EVENT_START)), 0);
        assert_true(len > end);
        assert_string_equal(event + len - end, EVENT_END);
}

static bool has_line(const char *text, const char *line) {
        AUTO(str) char *whole = xasprintf("\n%s\n", line);
        AUTO(str) char *in = xasprintf("\n%s", text);

        return strstr(in, whole) != NULL;
}

/* ---- INIT ---- */

/* All extensions, then the runtime, then all of them ready: INIT is over. */
static void the_order_of_init(void **state) {
        struct cast c;

        cast_begin(&c, NULL);
        assert_string_equal(stage_asked(&c.st), "spawn 1 /opt/extensions/out\n");
        assert_int_equal(c.st.spawns, 0);
        c.out_id = extension_join(&c.st, c.out, "out", ALL);
        assert_int_equal(c.st.spawns, 1);
        runtime_polls(&c);
        assert_string_equal(stage_events(&c.st), "started\n");
        out_polls(&c);
        assert_string_equal(stage_events(&c.st), "ready\n");
        assert_true(
                has_line(stage_log(&c.st), "EXTENSION\tName: out\tState: Ready\tEvents: [INVOKE, SHUTDOWN]"));
        cast_end(&c);
}

/* One from inside the runtime holds INIT up, too: until it asks, or for ever. */
static void an_internal_one_belongs_to_init(void **state) {
        AUTO(str) char *id = NULL;
        struct stage st;
        int fd, runtime;

        stage_set(&st);
        st.spec.log_json = true;
        stage_start(&st);
        fd = runtime_connect(&st);
        runtime = runtime_connect(&st);
        id = extension_join(&st, fd, "inside", "[\"INVOKE\"]");
        runtime_ask(&st, runtime);
        stage_settle(&st);
        assert_string_equal(stage_events(&st), "started\n");
        extension_ask(&st, fd, id);
        stage_await(&st, "ready");
        assert_non_null(strstr(stage_log(&st),
                               "\"type\":\"platform.extension\",\"record\":{\"name\":\"inside\","
                               "\"state\":\"Ready\",\"events\":[\"INVOKE\"]}}\n"));
        close(fd);
        close(runtime);
        stage_end(&st);
}

/* The limit covers them: one that never registers, and one that never asks. */
static void init_is_limited(void **state) {
        for (int registers = 0; registers < 2; ++registers) {
                struct stage st;
                int fd = -1;

                stage_set(&st);
                st.extensions = outside;
                st.init_limit = 50 * MILLISECOND;
                stage_start(&st);
                if (registers) {
                        fd = runtime_connect(&st);
                        free(extension_join(&st, fd, "out", "[]"));
                }
                while (!strstr(stage_asked(&st), "SIG"))
                        assert_int_equal(loop_turn(st.loop, SECOND), 0);
                assert_true(has_line(stage_log(&st),
                                     "INIT_REPORT Init Duration: 50.00 ms\tPhase: init\tStatus: timeout"));
                assert_int_equal(st.spawns, registers);
                if (registers)
                        stage_exit(&st, PLACE_SIGNALED, SIGTERM);
                stage_exit_of(&st, OUTSIDE, PLACE_SIGNALED, SIGKILL);
                stage_await(&st, "ready failed");
                close(fd);
                stage_end(&st);
        }
}

static void what_extensions_see_of_the_environment(void **state) {
        static const struct env_var own[] = { { "PLAIN", "mine" }, { "NODE_PATH", "mine" } };
        static const struct env_var commands[] = { { "PYTHONPATH", "p" }, { "NODE_PATH", "n" } };
        static const char *const seen[] = {
                "PLAIN=mine",      "NODE_PATH=mine",        "AWS_REGION=us-east-1",
                "TZ=:UTC",         "AWS_ACCESS_KEY_ID=key", "AWS_LAMBDA_FUNCTION_NAME=f",
                "LANG=en_US.UTF-8"
        };
        static const char *const hidden[] = {
                "\n_",         "PYTHONPATH=",       "AWS_EXECUTION_ENV=", "AWS_XRAY_",
                "_LOG_GROUP_", "LAMBDA_TASK_ROOT=", "LAMBDA_RUNTIME_DIR="
        };
        struct stage st;

        stage_set(&st);
        st.extensions = outside;
        st.spec.vars = own;
        st.spec.var_count = ARRAY_SIZE(own);
        st.command.vars = commands;
        st.command.var_count = ARRAY_SIZE(commands);
        st.command.execution_env = "AWS_Lambda_x";
        stage_start(&st);
        assert_int_equal(buf_append(&st.extension_env, "", 1), 0);
        for (size_t i = 0; i < ARRAY_SIZE(seen); ++i)
                assert_true(has_line(buf_data(&st.extension_env), seen[i]));
        for (size_t i = 0; i < ARRAY_SIZE(hidden); ++i)
                assert_null(strstr(buf_data(&st.extension_env), hidden[i]));
        assert_non_null(strstr(buf_data(&st.extension_env), "AWS_LAMBDA_RUNTIME_API=127.0.0.1:"));
        stage_end(&st);
}

/* ---- invocations ---- */

/* The caller has its answer as soon as the runtime has posted it; idle is when all have asked again. */
static void the_end_of_an_invocation(void **state) {
        for (int runtime_first = 0; runtime_first < 2; ++runtime_first) {
                struct cast c;

                cast_warm(&c, ALL);
                c.st.order.trace_id = NULL;
                stage_invoke(&c.st);
                check_invoke_event(runtime_reply(&c.st, c.out));
                assert_non_null(strcasestr(c.st.head, "\r\nLambda-Extension-Event-Identifier: "));
                runtime_gets_and_answers(&c);
                assert_int_equal(strncmp(stage_events(&c.st), "answered success", 16), 0);
                if (runtime_first)
                        runtime_polls(&c);
                else
                        out_polls(&c);
                assert_string_equal(stage_events(&c.st), "");
                if (runtime_first)
                        out_polls(&c);
                else
                        runtime_polls(&c);
                assert_string_equal(stage_events(&c.st), "idle success\n");
                assert_string_equal(stage_asked(&c.st), "");
                cast_end(&c);
        }
}

static void tracing_is_told(void **state) {
        struct cast c;

        cast_warm(&c, ALL);
        c.st.order.trace_id = "Root=1-2-3;Sampled=1";
        stage_invoke(&c.st);
        assert_non_null(
                strstr(runtime_reply(&c.st, c.out),
                       ",\"tracing\":{\"type\":\"X-Amzn-Trace-Id\",\"value\":\"Root=1-2-3;Sampled=1\"}}"));
        cast_end(&c);
}

/* Go's helper for SIGTERM registers for nothing and asks once: it is parked for ever and delays nobody. */
static void one_without_events(void **state) {
        for (int external = 0; external < 2; ++external) {
                AUTO(str) char *id = NULL;
                struct stage st;
                int fd, runtime;

                stage_set(&st);
                st.extensions = external ? outside : NULL;
                stage_start(&st);
                fd = runtime_connect(&st);
                id = extension_join(&st, fd, external ? "out" : "GoLangEnableSIGTERM", "[]");
                extension_ask(&st, fd, id);
                runtime = runtime_connect(&st);
                runtime_ask(&st, runtime);
                stage_await(&st, "ready");
                for (unsigned i = 0; i < 2; ++i) {
                        stage_invoke(&st);
                        runtime_reply(&st, runtime);
                        runtime_post(&st, runtime, RESPONSE, "", "1");
                        runtime_reply(&st, runtime);
                        runtime_ask(&st, runtime);
                        stage_await(&st, "idle success");
                        stage_events(&st);
                }
                assert_false(runtime_has_reply(&st, fd));
                close(fd);
                close(runtime);
                stage_end(&st);
        }
}

/* It hung up: the event waits for it, and so does the invocation. */
static void an_event_is_not_lost(void **state) {
        struct cast c;

        cast_warm(&c, ALL);
        close(c.out);
        stage_settle(&c.st);
        stage_invoke(&c.st);
        runtime_gets_and_answers(&c);
        runtime_polls(&c);
        assert_null(strstr(stage_events(&c.st), "idle"));
        c.out = runtime_connect(&c.st);
        out_polls(&c);
        check_invoke_event(runtime_reply(&c.st, c.out));
        out_polls(&c);
        assert_string_equal(stage_events(&c.st), "idle success\n");
        cast_end(&c);
}

/* Its time counts: the answer stands, the report says timeout, and everybody is shut down. */
static void the_timeout_covers_extensions(void **state) {
        struct cast c;

        cast_warm(&c, ALL);
        c.st.order.timeout = 100 * MILLISECOND;
        stage_invoke(&c.st);
        check_invoke_event(runtime_reply(&c.st, c.out));
        runtime_gets_and_answers(&c);
        runtime_polls(&c);
        assert_int_equal(strncmp(stage_events(&c.st), "answered success", 16), 0);
        while (!strstr(stage_asked(&c.st), "SIGTERM 0\n"))
                assert_int_equal(loop_turn(c.st.loop, SECOND), 0);
        stage_exit(&c.st, PLACE_EXITED, 0);
        out_polls(&c);
        assert_non_null(strstr(runtime_reply(&c.st, c.out), ",\"shutdownReason\":\"timeout\"}"));
        stage_exit_of(&c.st, OUTSIDE, PLACE_EXITED, 0);
        stage_await(&c.st, "idle timeout");
        assert_int_equal(c.st.report.duration, 100 * MILLISECOND);
        cast_end(&c);
}

/* ---- ends ---- */

enum { STARTED, REGISTERED, PARKED, IDLE, RUNNING, TAKING_LEAVE, POINTS };

static void bring_to(struct cast *c, unsigned point) {
        if (point <= PARKED)
                cast_begin(c, point == STARTED ? NULL : ALL);
        else
                cast_warm(c, ALL);
        if (point == PARKED)
                out_polls(c);
        if (point >= RUNNING) {
                stage_invoke(&c->st);
                runtime_reply(&c->st, c->out);
        }
        if (point == TAKING_LEAVE) {
                stage_exit(&c->st, PLACE_EXITED, 1);
                stage_settle(&c->st);
        }
        stage_events(&c->st);
}

/* Stopped, lost and freed at any point: said once, and nothing is left (stage_end looks). */
static void ended_at_every_point(void **state) {
        for (unsigned point = 0; point < POINTS; ++point)
                for (unsigned how = 0; how < 3; ++how) {
                        struct cast c;
                        const char *said;

                        bring_to(&c, point);
                        if (how == 1)
                                stage_lose(&c.st, "broken");
                        if (how == 2) {
                                c.st.e->ops->stop(c.st.e);
                                stage_settle(&c.st);
                                stage_exit(&c.st, PLACE_SIGNALED, SIGTERM);
                                stage_exit_of(&c.st, OUTSIDE, PLACE_EXITED, 0);
                                stage_settle(&c.st);
                        }
                        said = stage_events(&c.st);
                        assert_int_equal(count_of(said, "gone"), how > 0);
                        assert_int_equal(count_of(said, "idle"), how > 0 && point >= RUNNING);
                        assert_int_equal(count_of(said, "answered"), how > 0 && point == RUNNING);
                        cast_end(&c);
                }
}

/* ---- failures ---- */

static void dies_in_init(void **state) {
        static const struct {
                enum place_end end;
                int detail;
                const char *type, *text, *line;
        } cases[] = {
                { PLACE_EXITED, 0, "Extension.Crash", "exit code 0", "State: Started\tEvents: []" },
                { PLACE_EXITED, 3, "Extension.Crash", "exit status 3", "State: Started\tEvents: []" },
                { PLACE_SIGNALED, SIGSEGV, "Extension.Crash", "signal: segmentation fault",
                  "State: Started\tEvents: []" },
                { PLACE_EXEC_FAILED, EACCES, "Extension.LaunchError",
                  "fork/exec /opt/extensions/out: permission denied",
                  "State: LaunchError\tEvents: []\tError Type: PermissionDenied" },
                { PLACE_EXEC_FAILED, ENOEXEC, "Extension.LaunchError",
                  "fork/exec /opt/extensions/out: exec format error",
                  "State: LaunchError\tEvents: []\tError Type: UnknownError" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); ++i) {
                AUTO(str)
                char *answer = xasprintf("answered init-error %s - {\"errorType\":\"%s\",\"errorMessage\":"
                                         "\"RequestId: " REQUEST_ID " Error: %s\"}\nidle init-error %s\n",
                                         cases[i].type, cases[i].type, cases[i].text, cases[i].type);
                AUTO(str) char *lines = xasprintf("Error: %s\n%s\nEXTENSION\tName: out\t%s\nINIT_REPORT",
                                                  cases[i].text, cases[i].type, cases[i].line);
                struct cast c;

                cast_begin(&c, NULL);
                stage_exit_of(&c.st, OUTSIDE, cases[i].end, cases[i].detail);
                stage_await(&c.st, "ready failed");
                assert_non_null(strstr(stage_log(&c.st), lines));
                stage_events(&c.st);
                stage_invoke(&c.st); /* INIT again, inside: the caller sees why */
                stage_exit_of(&c.st, OUTSIDE, cases[i].end, cases[i].detail);
                stage_await(&c.st, "idle");
                assert_string_equal(stage_events(&c.st), answer);
                assert_int_equal(c.st.spawns, 0);
                cast_end(&c);
        }
}

static void cannot_be_spawned(void **state) {
        struct stage st;

        stage_set(&st);
        st.extensions = outside;
        st.spawn_error_of = OUTSIDE;
        stage_start(&st);
        stage_await(&st, "ready failed");
        assert_non_null(strstr(stage_log(&st), "Extension.LaunchError\n"));
        stage_end(&st);
}

static void too_many_files(void **state) {
        static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", NULL };
        struct stage st;
        const char *log;

        stage_set(&st);
        st.extensions = names;
        stage_start(&st);
        while (!strstr(stage_log(&st), "k\tState: LaunchError\tEvents: []\tError Type: TooManyExtensions\n"))
                assert_int_equal(loop_turn(st.loop, SECOND), 0);
        log = stage_asked(&st);
        assert_int_equal(count_of(log, "spawn"), 10);
        assert_int_equal(count_of(log, "SIGKILL"), 10); /* none has asked for SHUTDOWN */
        for (unsigned i = 0; i < 10; ++i)
                stage_exit_of(&st, PROCESS_EXTENSION + i, PLACE_SIGNALED, SIGKILL);
        stage_await(&st, "ready failed");
        stage_end(&st);
}

/* After its own word the exit that follows is only the end of it; without one, patience ends. */
static void says_that_it_cannot_start(void **state) {
        for (int exits = 0; exits < 2; ++exits) {
                struct cast c;
                const char *log;

                cast_begin(&c, "[\"SHUTDOWN\"]");
                assert_string_equal(extension_fail(&c.st, c.out, "init/error", c.out_id, "Extension.NoKey"),
                                    "202 {\"status\":\"OK\"}\n");
                if (exits) {
                        stage_exit_of(&c.st, OUTSIDE, PLACE_EXITED, 1);
                } else {
                        while (!strstr(stage_asked(&c.st), "SIGTERM 0\n"))
                                assert_int_equal(loop_turn(c.st.loop, 2 * SECOND), 0);
                        stage_exit_of(&c.st, OUTSIDE, PLACE_EXITED, 1);
                }
                stage_exit(&c.st, PLACE_EXITED, 0);
                stage_await(&c.st, "ready failed");
                log = stage_log(&c.st);
                assert_non_null(strstr(log, "Error: exit status 1\nExtension.InitError\n"));
                assert_true(has_line(
                        log,
                        "EXTENSION\tName: out\tState: InitError\tEvents: [SHUTDOWN]\tError Type: Extension.NoKey"));
                assert_non_null(strstr(log, "Phase: init\tStatus: error\tError Type: Extension.InitError\n"));
                cast_end(&c);
        }
}

static void dies_under_an_invocation(void **state) {
        for (int says = 0; says < 2; ++says) {
                const char *type = says ? "Extension.ExitError" : "Extension.Crash";
                AUTO(str)
                char *answer = xasprintf(
                        "answered exit %s - {\"errorType\":\"%s\",\"errorMessage\":\"RequestId: " REQUEST_ID
                        " Error: exit status 7\"}\n",
                        type, type);
                AUTO(str) char *idle = xasprintf("idle exit %s\n", type);
                struct cast c;

                cast_warm(&c, ALL);
                stage_invoke(&c.st);
                runtime_reply(&c.st, c.out);
                if (says)
                        extension_fail(&c.st, c.out, "exit/error", c.out_id, "Extension.Gone");
                stage_exit_of(&c.st, OUTSIDE, PLACE_EXITED, 7);
                stage_settle(&c.st);
                assert_string_equal(stage_events(&c.st), answer);
                assert_string_equal(stage_asked(&c.st), "SIGTERM 0\n");
                stage_exit(&c.st, PLACE_SIGNALED, SIGTERM);
                stage_settle(&c.st);
                assert_string_equal(stage_events(&c.st), idle);
                /* The next one begins again. */
                stage_invoke(&c.st);
                assert_string_equal(stage_asked(&c.st), "spawn 1 /opt/extensions/out\n");
                cast_end(&c);
        }
}

/* The caller keeps its answer; the report tells. */
static void dies_after_the_answer(void **state) {
        struct cast c;

        cast_warm(&c, ALL);
        stage_invoke(&c.st);
        runtime_reply(&c.st, c.out);
        runtime_gets_and_answers(&c);
        runtime_polls(&c);
        stage_exit_of(&c.st, OUTSIDE, PLACE_EXITED, 7);
        stage_exit(&c.st, PLACE_SIGNALED, SIGTERM);
        stage_await(&c.st, "idle exit Extension.Crash");
        assert_non_null(strstr(stage_events(&c.st), "answered success - "));
        assert_true(has_line(stage_log(&c.st), "Extension.Crash"));
        cast_end(&c);
}

/* Said and gone at once: what was said counts although the end is heard first. */
static void last_words_of_an_extension(void **state) {
        struct cast c;
        AUTO(str) char *text = NULL;

        cast_warm(&c, ALL);
        stage_invoke(&c.st);
        runtime_reply(&c.st, c.out);
        text = xasprintf(
                "POST /2020-01-01/extension/exit/error HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                "Lambda-Extension-Identifier: %s\r\nLambda-Extension-Function-Error-Type: E.X\r\n\r\n",
                c.out_id);
        runtime_send(&c.st, c.out, text); /* in the socket, not read yet */
        stage_exit_of(&c.st, OUTSIDE, PLACE_EXITED, 7);
        stage_exit(&c.st, PLACE_SIGNALED, SIGTERM);
        stage_await(&c.st, "idle exit Extension.ExitError");
        cast_end(&c);
}

/* The answer of a runtime that has ended is waited for, and no longer than for an exit: others may hold its socket. */
static void the_last_words_of_a_runtime(void **state) {
        for (int whole = 0; whole < 2; ++whole) {
                struct cast c;

                cast_warm(&c, ALL);
                stage_invoke(&c.st);
                runtime_reply(&c.st, c.out);
                runtime_reply(&c.st, c.runtime);
                runtime_send(&c.st, c.runtime,
                             "POST /2018-06-01/runtime/" RESPONSE " HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                             "Content-Length: 2\r\n\r\n1");
                stage_settle(&c.st);
                stage_exit(&c.st, PLACE_EXITED, 1);
                stage_settle(&c.st);
                assert_string_equal(stage_events(&c.st), "");
                if (whole)
                        runtime_send(&c.st, c.runtime, "2");
                out_polls(&c);
                assert_non_null(strstr(runtime_reply(&c.st, c.out), "\"shutdownReason\":\"failure\""));
                stage_exit_of(&c.st, OUTSIDE, PLACE_EXITED, 0);
                stage_await(&c.st, "idle exit Runtime.ExitError");
                assert_non_null(strstr(stage_events(&c.st), whole ? "answered success - - 12\n"
                                                                  : "answered exit Runtime.ExitError - "));
                assert_int_equal(c.st.kills, 1);
                cast_end(&c);
        }
}

static void dies_idle(void **state) {
        struct cast c;

        cast_warm(&c, ALL);
        stage_exit_of(&c.st, OUTSIDE, PLACE_EXITED, 7);
        assert_string_equal(stage_asked(&c.st), "SIGTERM 0\n");
        stage_exit(&c.st, PLACE_SIGNALED, SIGTERM);
        stage_settle(&c.st);
        stage_invoke(&c.st);
        stage_settle(&c.st);
        assert_string_equal(stage_asked(&c.st), "spawn 1 /opt/extensions/out\n");
        assert_string_equal(stage_events(&c.st), "");
        cast_end(&c);
}

/* The runtime fails, and the extension hears of it. */
static void the_runtime_dies(void **state) {
        struct cast c;

        cast_warm(&c, ALL);
        stage_invoke(&c.st);
        runtime_reply(&c.st, c.out);
        stage_exit(&c.st, PLACE_EXITED, 1);
        stage_settle(&c.st);
        assert_int_equal(strncmp(stage_events(&c.st), "answered exit Runtime.ExitError - ", 34), 0);
        assert_string_equal(stage_asked(&c.st), "");
        out_polls(&c);
        assert_int_equal(
                strncmp(runtime_reply(&c.st, c.out), "200 {\"eventType\":\"SHUTDOWN\",\"deadlineMs\":", 41),
                0);
        assert_null(strcasestr(c.st.head, "Lambda-Extension-Event-Identifier"));
        stage_exit_of(&c.st, OUTSIDE, PLACE_EXITED, 0);
        stage_await(&c.st, "idle exit Runtime.ExitError");
        cast_end(&c);
}

/* A suppressed INIT takes the same way, and its INVOKE comes when all are ready. */
static void a_suppressed_init(void **state) {
        struct cast c;

        cast_warm(&c, ALL);
        stage_exit(&c.st, PLACE_EXITED, 1);
        stage_exit_of(&c.st, OUTSIDE, PLACE_EXITED, 0);
        stage_settle(&c.st);
        close(c.runtime);
        close(c.out);
        free(c.out_id);
        stage_invoke(&c.st);
        c.out = runtime_connect(&c.st);
        c.out_id = extension_join(&c.st, c.out, "out", ALL);
        c.runtime = -1;
        runtime_polls(&c);
        assert_false(runtime_has_reply(&c.st, c.runtime));
        out_polls(&c);
        check_invoke_event(runtime_reply(&c.st, c.out));
        runtime_gets_and_answers(&c);
        out_polls(&c);
        runtime_polls(&c);
        assert_non_null(strstr(stage_events(&c.st), "idle success\n"));
        assert_non_null(strstr(stage_log(&c.st), "EXTENSION\tName: out\tState: Ready\tEvents: [INVOKE, "
                                                 "SHUTDOWN]\nSTART RequestId: "));
        cast_end(&c);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_order_of_init),
                cmocka_unit_test(an_internal_one_belongs_to_init),
                cmocka_unit_test(init_is_limited),
                cmocka_unit_test(what_extensions_see_of_the_environment),
                cmocka_unit_test(the_end_of_an_invocation),
                cmocka_unit_test(tracing_is_told),
                cmocka_unit_test(one_without_events),
                cmocka_unit_test(an_event_is_not_lost),
                cmocka_unit_test(the_timeout_covers_extensions),
                cmocka_unit_test(ended_at_every_point),
                cmocka_unit_test(dies_in_init),
                cmocka_unit_test(cannot_be_spawned),
                cmocka_unit_test(too_many_files),
                cmocka_unit_test(says_that_it_cannot_start),
                cmocka_unit_test(dies_under_an_invocation),
                cmocka_unit_test(dies_after_the_answer),
                cmocka_unit_test(last_words_of_an_extension),
                cmocka_unit_test(the_last_words_of_a_runtime),
                cmocka_unit_test(dies_idle),
                cmocka_unit_test(the_runtime_dies),
                cmocka_unit_test(a_suppressed_init),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
