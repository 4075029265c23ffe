/* SPDX-License-Identifier: Apache-2.0 */
/* The log: lines out of output, the platform's lines around it, the tail, JSON (docs/aws.md, logs). */
#include "stage.h"

#include <stdio.h>

#include "base/json.h"

/* Replaces every number that time made by N, so that whole lines can be compared. */
static const char *without_times(const char *log, char *ret_text) {
        static const char *const before[] = { "Duration: ", "Ms\":", "\"time\":\"" };
        char *to = ret_text;

        while (*log) {
                size_t i;

                for (i = 0; i < ARRAY_SIZE(before); ++i)
                        if (str_starts(log, before[i]))
                                break;
                if (i == ARRAY_SIZE(before)) {
                        *to++ = *log++;
                        continue;
                }
                memcpy(to, log, strlen(before[i]));
                to += strlen(before[i]);
                log += strlen(before[i]);
                log += strspn(log, "0123456789.-:TZ");
                *to++ = 'N';
        }
        *to = 0;
        return ret_text;
}

static int one_invocation(struct stage *st) {
        int fd;

        stage_start(st);
        fd = runtime_connect(st);
        runtime_ask(st, fd);
        stage_await(st, "ready");
        stage_invoke(st);
        runtime_reply(st, fd);
        stage_output(st, "hello\n");
        runtime_post(st, fd, RESPONSE, "", "1");
        runtime_reply(st, fd);
        runtime_ask(st, fd);
        stage_await(st, "idle");
        return fd;
}

static void lines_around_an_invocation(void **state) {
        char text[4096];
        struct stage st;
        int fd;

        stage_set(&st);
        fd = one_invocation(&st);
        assert_string_equal(without_times(stage_log(&st), text),
                            "INIT_START Runtime Version: provided:al2023.v1\tRuntime Version ARN: arn\n"
                            "START RequestId: " REQUEST_ID " Version: $LATEST\n"
                            "hello\n"
                            "END RequestId: " REQUEST_ID "\n"
                            "REPORT RequestId: " REQUEST_ID
                            "\tDuration: N ms\tBilled Duration: N ms\tMemory Size: 128 MB\t"
                            "Max Memory Used: 36 MB\tInit Duration: N ms\t\n");
        assert_true(st.report.init > 0);
        assert_int_equal(st.report.billed % MILLISECOND, 0);
        assert_in_range(st.report.billed, st.report.duration + st.report.init,
                        st.report.duration + st.report.init + MILLISECOND);

        stage_invoke(&st); /* warm: nothing about INIT */
        runtime_reply(&st, fd);
        runtime_post(&st, fd, RESPONSE, "", "1");
        runtime_reply(&st, fd);
        runtime_ask(&st, fd);
        stage_await(&st, "idle");
        assert_string_equal(without_times(stage_log(&st), text),
                            "START RequestId: " REQUEST_ID " Version: $LATEST\n"
                            "END RequestId: " REQUEST_ID "\n"
                            "REPORT RequestId: " REQUEST_ID
                            "\tDuration: N ms\tBilled Duration: N ms\tMemory Size: 128 MB\t"
                            "Max Memory Used: 36 MB\t\n");
        assert_int_equal(st.report.init, 0);
        close(fd);
        stage_end(&st);
}

static void memory_is_rounded_up_and_bounded(void **state) {
        static const struct {
                uint64_t peak;
                uint32_t mb;
        } cases[] = { { 0, 0 }, { 1, 1 }, { 36 * MIB, 36 }, { 36 * MIB + 1, 37 }, { 900 * MIB, 128 } };

        for (size_t i = 0; i < ARRAY_SIZE(cases); ++i) {
                struct stage st;
                int fd;

                stage_set(&st);
                st.peak = cases[i].peak;
                fd = one_invocation(&st);
                assert_int_equal(st.report.max_memory_mb, cases[i].mb);
                assert_int_equal(st.report.memory_mb, 128);
                close(fd);
                stage_end(&st);
        }
}

/* However the bytes are cut, the lines are the same. */
static void output_is_cut_into_lines(void **state) {
        static const char output[] = "one\n\ntwo\r\nthree \xc2\xa0\n\nfour";
        struct stage st;

        for (size_t piece = 1; piece <= sizeof(output); ++piece) {
                stage_set(&st);
                stage_start(&st);
                stage_log(&st);
                for (size_t at = 0; at < sizeof(output) - 1; at += piece) {
                        AUTO(str) char *part = xstrndup(output + at, MIN(piece, sizeof(output) - 1 - at));

                        stage_output(&st, part);
                }
                assert_string_equal(stage_log(&st), "one\n\ntwo\r\nthree \xc2\xa0\n\n");
                stage_exit(&st, PLACE_EXITED, 0); /* what it had not ended is ended for it */
                assert_true(str_starts(stage_log(&st), "four\n"));
                stage_end(&st);
        }
}

/* An endless line is cut, a long one is not; each piece ends with a newline and nothing is lost or added. */
static void endless_lines(void **state) {
        static const size_t lengths[] = { JOURNAL_LINE_MAX - 1, JOURNAL_LINE_MAX, JOURNAL_LINE_MAX + 1,
                                          2 * JOURNAL_LINE_MAX, 2 * JOURNAL_LINE_MAX + 5 };
        static const size_t pieces[] = { 1000, 64 * KIB, JOURNAL_LINE_MAX, 4 * JOURNAL_LINE_MAX };

        for (size_t i = 0; i < ARRAY_SIZE(lengths); ++i)
                for (size_t k = 0; k < ARRAY_SIZE(pieces); ++k) {
                        size_t len = lengths[i], lines = (len + JOURNAL_LINE_MAX - 1) / JOURNAL_LINE_MAX,
                               newlines = 0;
                        char *line = xmalloc(len + 2);
                        const char *log;
                        struct stage st;

                        memset(line, 'y', len);
                        memcpy(line + len, "\n", 2);
                        stage_set(&st);
                        stage_start(&st);
                        stage_log(&st);
                        stage_output(&st, "x");
                        stage_output(&st, "\n");
                        for (size_t at = 0; at <= len; at += pieces[k]) {
                                AUTO(str) char *part = xstrndup(line + at, MIN(pieces[k], len + 1 - at));

                                stage_output(&st, part);
                        }
                        log = stage_log(&st);
                        assert_true(str_starts(log, "x\n"));
                        log += 2;
                        for (const char *at = strchr(log, '\n'); at; at = strchr(at + 1, '\n'))
                                ++newlines;
                        assert_int_equal(newlines, lines);
                        assert_int_equal(strlen(log), len + lines);
                        free(line);
                        stage_end(&st);
                }
}

static void the_tail(void **state) {
        char numbered[32];
        struct stage st;
        const char *log;
        int fd;

        stage_set(&st);
        st.order.want_tail = true;
        fd = stage_warm(&st);
        st.order.want_tail = true;
        stage_invoke(&st);
        runtime_reply(&st, fd);
        stage_output(&st, "short\n");
        runtime_post(&st, fd, RESPONSE, "", "1");
        runtime_reply(&st, fd);
        runtime_ask(&st, fd);
        stage_await(&st, "idle");
        log = stage_log(&st);
        assert_int_equal(st.tail.len, strlen(log)); /* from START to REPORT */
        assert_memory_equal(buf_data(&st.tail), log, st.tail.len);

        stage_invoke(&st);
        st.order.want_tail = false;
        runtime_reply(&st, fd);
        runtime_post(&st, fd, RESPONSE, "", "1");
        runtime_reply(&st, fd);
        runtime_ask(&st, fd);
        stage_settle(&st);
        assert_int_equal(st.tail.len, 0); /* nobody wanted it */
        stage_log(&st);
        stage_events(&st);

        stage_invoke(&st);
        st.order.want_tail = true;
        close(fd);
        stage_end(&st);

        stage_set(&st);
        fd = stage_warm(&st);
        st.order.want_tail = true;
        stage_invoke(&st);
        runtime_reply(&st, fd);
        for (unsigned i = 0; i < 1000; ++i) {
                snprintf(numbered, sizeof(numbered), "line %u\n", i);
                stage_output(&st, numbered);
        }
        runtime_post(&st, fd, RESPONSE, "", "1");
        runtime_reply(&st, fd);
        runtime_ask(&st, fd);
        stage_await(&st, "idle");
        log = stage_log(&st);
        assert_int_equal(st.tail.len, LOG_TAIL_MAX);
        assert_memory_equal(buf_data(&st.tail), log + strlen(log) - LOG_TAIL_MAX, LOG_TAIL_MAX);
        close(fd);
        stage_end(&st);
}

static void one_line_longer_than_the_tail(void **state) {
        char *line = xmalloc(10001);
        struct stage st;
        const char *log;
        int fd;

        memset(line, 'z', 10000);
        memcpy(line + 9999, "\n", 2);
        stage_set(&st);
        fd = stage_warm(&st);
        st.order.want_tail = true;
        stage_invoke(&st);
        runtime_reply(&st, fd);
        stage_output(&st, line);
        runtime_post(&st, fd, RESPONSE, "", "1");
        runtime_reply(&st, fd);
        runtime_ask(&st, fd);
        stage_await(&st, "idle");
        log = stage_log(&st);
        assert_int_equal(st.tail.len, LOG_TAIL_MAX);
        assert_memory_equal(buf_data(&st.tail), log + strlen(log) - LOG_TAIL_MAX, LOG_TAIL_MAX);
        free(line);
        close(fd);
        stage_end(&st);
}

/* What the runtime wrote before it asked for more is drained before END, however late it is read. */
static void late_output_comes_before_the_end(void **state) {
        struct stage st;
        const char *log;
        int fd;

        stage_set(&st);
        fd = stage_warm(&st);
        stage_invoke(&st);
        runtime_reply(&st, fd);
        runtime_post(&st, fd, RESPONSE, "", "1");
        runtime_reply(&st, fd);
        st.late_output = "late\n";
        runtime_ask(&st, fd);
        stage_await(&st, "idle");
        log = stage_log(&st);
        assert_non_null(strstr(log, "\nlate\nEND RequestId"));
        close(fd);
        stage_end(&st);
}

static void a_notice_comes_with_each_init(void **state) {
        struct stage st;

        stage_set(&st);
        st.command.notice = "python3.99 is not here: python3.11 runs this";
        stage_start(&st);
        assert_non_null(strstr(stage_log(&st), "arn\npython3.99 is not here: python3.11 runs this\n"));
        stage_end(&st);
}

/* ---- JSON ---- */

static void each_line_is_json(const char *log) {
        while (*log) {
                const char *end = strchr(log, '\n');

                assert_non_null(end);
                assert_int_equal(json_validate(log, (size_t)(end - log), NULL), 0);
                log = end + 1;
        }
}

static void json_events(void **state) {
        static const struct {
                const char *level, *text;
        } cases[] = {
                { NULL,
                  "{\"time\":\"N\",\"type\":\"platform.initStart\",\"record\":{\"initializationType\":\"on-"
                  "demand\","
                  "\"phase\":\"init\",\"runtimeVersion\":\"provided:al2023.v1\",\"runtimeVersionArn\":"
                  "\"arn\","
                  "\"functionName\":\"f\",\"functionVersion\":\"$LATEST\",\"instanceMaxMemory\":134217728}}\n"
                  "{\"time\":\"N\",\"type\":\"platform.start\",\"record\":{\"requestId\":\"" REQUEST_ID
                  "\",\"functionArn\":\"" ARN "\",\"version\":\"$LATEST\"}}\n"
                  "hello\n"
                  "{\"time\":\"N\",\"type\":\"platform.report\",\"record\":{\"requestId\":\"" REQUEST_ID
                  "\",\"metrics\":{\"durationMs\":N,\"billedDurationMs\":N,\"memorySizeMB\":128,"
                  "\"maxMemoryUsedMB\":36,"
                  "\"initDurationMs\":N},\"status\":\"success\"}}\n" },
                { "WARN", "hello\n" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); ++i) {
                char text[4096];
                struct stage st;
                int fd;

                stage_set(&st);
                st.spec.log_json = true;
                st.spec.system_log_level = cases[i].level;
                fd = one_invocation(&st);
                assert_string_equal(without_times(stage_log(&st), text), cases[i].text);
                close(fd);
                stage_end(&st);
        }
}

static void json_tells_the_tenant(void **state) {
        struct stage st;
        int fd;

        stage_set(&st);
        st.spec.log_json = true;
        stage_start(&st);
        fd = runtime_connect(&st);
        runtime_ask(&st, fd);
        stage_await(&st, "ready");
        st.order.tenant_id = "ann@example";
        stage_invoke(&st);
        runtime_reply(&st, fd);
        runtime_post(&st, fd, RESPONSE, "", "1");
        runtime_reply(&st, fd);
        runtime_ask(&st, fd);
        stage_await(&st, "idle");
        assert_non_null(strstr(stage_log(&st), "\"version\":\"$LATEST\",\"tenantId\":\"ann@example\"}}\n"));
        close(fd);
        stage_end(&st);
}

static void json_failures(void **state) {
        char text[4096];
        struct stage st;
        const char *log;
        int fd;

        stage_set(&st);
        st.spec.log_json = true;
        st.spec.system_log_level = "WARN";
        st.init_limit = 10 * MILLISECOND;
        stage_start(&st);
        stage_await(&st, "ready failed");
        log = stage_log(&st);
        each_line_is_json(log);
        assert_string_equal(without_times(log, text),
                            "{\"time\":\"N\",\"type\":\"platform.initReport\",\"record\":{"
                            "\"initializationType\":\"on-demand\","
                            "\"phase\":\"init\",\"status\":\"timeout\",\"metrics\":{\"durationMs\":N}}}\n");
        stage_invoke(&st);
        fd = runtime_connect(&st);
        runtime_ask(&st, fd);
        runtime_reply(&st, fd);
        stage_exit(&st, PLACE_OOM_KILLED, 9);
        stage_await(&st, "idle");
        log = strstr(stage_log(&st), "{\"time\"");
        assert_non_null(log);
        each_line_is_json(log);
        assert_non_null(strstr(log, "\"status\":\"error\",\"errorType\":\"Runtime.OutOfMemory\"}}\n"));
        close(fd);
        stage_end(&st);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(lines_around_an_invocation),
                cmocka_unit_test(memory_is_rounded_up_and_bounded),
                cmocka_unit_test(output_is_cut_into_lines),
                cmocka_unit_test(endless_lines),
                cmocka_unit_test(the_tail),
                cmocka_unit_test(one_line_longer_than_the_tail),
                cmocka_unit_test(late_output_comes_before_the_end),
                cmocka_unit_test(a_notice_comes_with_each_init),
                cmocka_unit_test(json_events),
                cmocka_unit_test(json_tells_the_tenant),
                cmocka_unit_test(json_failures),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
