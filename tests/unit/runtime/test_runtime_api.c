/* SPDX-License-Identifier: Apache-2.0 */
/* The Runtime API on the wire: exact statuses, bodies and headers (docs/aws.md, runtime-api). */
#include "stage.h"

#include <stdio.h>
#include <sys/socket.h>

#define OK_202 "202 {\"status\":\"OK\"}\n"
#define TRANSITION(from, to) \
        "403 {\"errorMessage\":\"State transition from " from " to " to \
        " failed for runtime. Error: State transition is not " \
        "allowed\",\"errorType\":\"InvalidStateTransition\"}\n"
#define BAD_ID "400 {\"errorMessage\":\"Invalid request ID\",\"errorType\":\"InvalidRequestID\"}\n"

/* A runtime that has its event; returns its connection. */
static int stage_running(struct stage *st) {
        int fd = stage_warm(st);

        stage_invoke(st);
        assert_string_equal(runtime_reply(st, fd), "200 {\"key\":1}");
        return fd;
}

static void answer_and_ask(struct stage *st, int fd) {
        runtime_post(st, fd, RESPONSE, "", "\"hi\"");
        assert_string_equal(runtime_reply(st, fd), OK_202);
        runtime_ask(st, fd);
        stage_await(st, "idle");
}

static void a_warm_invocation(void **state) {
        struct stage st;
        int fd;

        stage_set(&st);
        fd = stage_running(&st);
        runtime_post(&st, fd, RESPONSE, "Content-Type: application/json\r\n", "\"hi\"");
        assert_string_equal(runtime_reply(&st, fd), OK_202);
        assert_non_null(strstr(st.head, "Content-Type: application/json\r\n"));
        assert_string_equal(stage_events(&st), "answered success - application/json \"hi\"\n");
        runtime_ask(&st, fd);
        stage_await(&st, "idle");
        assert_string_equal(stage_events(&st), "idle success\n");
        close(fd);
        stage_end(&st);
}

static const char *field(struct stage *st, const char *name) {
        static char value[4096];
        const char *at = strstr(st->head, name);
        size_t len;

        if (!at)
                return NULL;
        at += strlen(name) + 2;
        len = (size_t)(strstr(at, "\r\n") - at);
        snprintf(value, sizeof(value), "%.*s", (int)len, at);
        return value;
}

static void what_next_says(void **state) {
        struct stage st;
        uint64_t deadline;
        nsec_t now;
        int fd;

        stage_set(&st);
        fd = stage_running(&st);
        assert_string_equal(field(&st, "Lambda-Runtime-Aws-Request-Id"), REQUEST_ID);
        assert_string_equal(field(&st, "Lambda-Runtime-Invoked-Function-Arn"), ARN);
        assert_string_equal(field(&st, "Content-Type"), "application/json");
        assert_int_equal(str_to_u64(field(&st, "Lambda-Runtime-Deadline-Ms"), UINT64_MAX, &deadline), 0);
        now = loop_wall(st.loop) / MILLISECOND;
        assert_in_range(deadline, now + 2000, now + 3000);
        assert_null(strstr(st.head, "Trace-Id"));
        assert_null(strstr(st.head, "Client-Context"));
        assert_null(strstr(st.head, "Cognito"));
        assert_null(strstr(st.head, "Tenant"));
        answer_and_ask(&st, fd);

        st.order = (struct invocation_order){
                .request_id = "01234567-e9f4-41e8-9739-2dfe598c3fcd",
                .arn = ARN ":live",
                .trace_id = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1",
                .client_context = "{\"client\":{}}",
                .cognito_identity = "{\"cognitoIdentityId\":\"i\",\"cognitoIdentityPoolId\":\"p\"}",
                .tenant_id = "blue",
                .content_type = "text/plain",
                .event = (struct iovec[]){ { (void *)"one", 3 }, { (void *)"two", 3 } },
                .event_parts = 2,
                .timeout = SECOND,
        };
        stage_invoke(&st);
        assert_string_equal(runtime_reply(&st, fd), "200 onetwo");
        assert_string_equal(field(&st, "Lambda-Runtime-Aws-Request-Id"),
                            "01234567-e9f4-41e8-9739-2dfe598c3fcd");
        assert_string_equal(field(&st, "Lambda-Runtime-Invoked-Function-Arn"), ARN ":live");
        assert_string_equal(field(&st, "Lambda-Runtime-Trace-Id"),
                            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1");
        assert_string_equal(field(&st, "Lambda-Runtime-Client-Context"), "{\"client\":{}}");
        assert_string_equal(field(&st, "Lambda-Runtime-Cognito-Identity"),
                            "{\"cognitoIdentityId\":\"i\",\"cognitoIdentityPoolId\":\"p\"}");
        assert_string_equal(field(&st, "Lambda-Runtime-Aws-Tenant-Id"), "blue");
        assert_string_equal(field(&st, "Content-Type"), "text/plain");
        close(fd);
        stage_end(&st);
}

/* What is refused in which state. The second column is said by another connection while the first is as the
 * state has it. */
enum scene { STARTED, READY, RUNNING, ANSWERED, INIT_ERROR, SCENES };

static const struct refusal_case {
        enum scene scene;
        const char *method, *path, *fields, *reply;
} refusals[] = {
        { STARTED, "POST", RESPONSE, "", BAD_ID },
        { STARTED, "POST", ERROR, "", BAD_ID },
        { READY, "POST", RESPONSE, "", BAD_ID },
        { READY, "POST", ERROR, "", BAD_ID },
        { READY, "POST", "init/error", "", TRANSITION("Ready", "InitError") },
        { RUNNING, "POST", "invocation/nonsense/response", "", BAD_ID },
        { RUNNING, "POST", "invocation//response", "", BAD_ID },
        { RUNNING, "POST", "invocation/" REQUEST_ID "0/response", "", BAD_ID },
        { RUNNING, "POST", "invocation/8476a536/error", "", BAD_ID },
        { RUNNING, "POST", "init/error", "", TRANSITION("Running", "InitError") },
        { ANSWERED, "POST", RESPONSE, "", TRANSITION("RuntimeResponseSentState", "InvocationResponse") },
        { ANSWERED, "POST", ERROR, "", TRANSITION("RuntimeResponseSentState", "InvocationErrorResponse") },
        { ANSWERED, "POST", "invocation/nonsense/response", "", BAD_ID },
        { INIT_ERROR, "GET", "invocation/next", "", TRANSITION("InitError", "Ready") },
        { INIT_ERROR, "POST", "init/error", "", TRANSITION("InitError", "InitError") },
        { READY, "GET", "restore/next", "", "404 404 page not found\n" },
        { READY, "POST", "restore/error", "", "404 404 page not found\n" },
        { READY, "GET", "invocation/nowhere", "", "404 404 page not found\n" },
        { READY, "POST", "invocation/next", "", "404 404 page not found\n" },
        { READY, "GET", "invocation/next", "Origin: http://evil.example\r\n",
          "403 {\"errorMessage\":\"The Runtime API is for this environment's processes only\","
          "\"errorType\":\"AccessDenied\"}\n" },
        { READY, "GET", "../ping", "", "200 pong" },
};

static void what_is_refused(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(refusals); ++i) {
                const struct refusal_case *c = &refusals[i];
                AUTO(str)
                char *request = xasprintf(
                        "%s /2018-06-01/%s%s HTTP/1.1\r\nHost: 127.0.0.1:9001\r\nContent-Length: 0\r\n%s\r\n",
                        c->method, streq(c->path, "../ping") ? "" : "runtime/",
                        streq(c->path, "../ping") ? "ping" : c->path, c->fields);
                struct stage st;
                int fd = -1, other;

                stage_set(&st);
                switch (c->scene) {
                case STARTED:
                        stage_start(&st);
                        break;
                case READY:
                        fd = stage_warm(&st);
                        break;
                case RUNNING:
                        fd = stage_running(&st);
                        break;
                case ANSWERED:
                        fd = stage_running(&st);
                        runtime_post(&st, fd, RESPONSE, "", "1");
                        runtime_reply(&st, fd);
                        break;
                case INIT_ERROR:
                        stage_start(&st);
                        fd = runtime_connect(&st);
                        runtime_post(&st, fd, "init/error", "", "{}");
                        runtime_reply(&st, fd);
                        break;
                case SCENES:
                        break;
                }
                other = runtime_connect(&st);
                runtime_send(&st, other, request);
                assert_string_equal(runtime_reply(&st, other), c->reply);
                if (c->scene == RUNNING) /* none of it harmed the invocation */
                        answer_and_ask(&st, fd);
                close(other);
                if (fd >= 0)
                        close(fd);
                stage_end(&st);
        }
}

static void other_roots_are_not_here(void **state) {
        static const char *const paths[] = { "/2020-01-01/extension/register", "/2022-07-01/telemetry", "/",
                                             "/2015-03-31/functions" };
        struct stage st;
        int fd;

        stage_set(&st);
        stage_start(&st);
        fd = runtime_connect(&st);
        for (size_t i = 0; i < ARRAY_SIZE(paths); ++i) {
                AUTO(str) char *request = xasprintf("GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", paths[i]);

                runtime_send(&st, fd, request);
                assert_string_equal(runtime_reply(&st, fd), "404 404 page not found\n");
        }
        if (stage_is_lent) { /* there the kernel is asked */
                close(fd);
                stage_end(&st);
                return;
        }
        st.refuse_peers = true;
        close(fd);
        fd = runtime_connect(&st);
        runtime_ask(&st, fd);
        assert_true(runtime_is_closed(&st, fd));
        close(fd);
        stage_end(&st);
}

/* Asked again without an answer: the same event again, also on a new connection. */
static void asking_again_while_running(void **state) {
        struct stage st;
        int fd, other;

        stage_set(&st);
        fd = stage_running(&st);
        runtime_ask(&st, fd);
        assert_string_equal(runtime_reply(&st, fd), "200 {\"key\":1}");
        other = runtime_connect(&st);
        runtime_ask(&st, other);
        assert_string_equal(runtime_reply(&st, other), "200 {\"key\":1}");
        assert_string_equal(field(&st, "Lambda-Runtime-Aws-Request-Id"), REQUEST_ID);
        assert_null(strstr(strstr(stage_log(&st), "START") + 1, "START"));
        answer_and_ask(&st, other);
        close(fd);
        close(other);
        stage_end(&st);
}

/* A second poll while one is parked: the first one's connection is given up. */
static void asking_twice_while_ready(void **state) {
        struct stage st;
        int fd, other;

        stage_set(&st);
        fd = stage_warm(&st);
        other = runtime_connect(&st);
        runtime_ask(&st, other);
        assert_true(runtime_is_closed(&st, fd));
        stage_invoke(&st);
        assert_string_equal(runtime_reply(&st, other), "200 {\"key\":1}");
        close(fd);
        close(other);
        stage_end(&st);
}

/* The runtime hangs up while it waits, and asks again when there is an event already. */
static void a_poll_that_was_hung_up(void **state) {
        struct stage st;
        int fd;

        stage_set(&st);
        fd = stage_warm(&st);
        close(fd);
        stage_settle(&st);
        stage_invoke(&st);
        fd = runtime_connect(&st);
        runtime_ask(&st, fd);
        assert_string_equal(runtime_reply(&st, fd), "200 {\"key\":1}");
        answer_and_ask(&st, fd);
        close(fd);
        stage_end(&st);
}

/* ---- errors that the runtime reports ---- */

static const struct error_case {
        const char *type_field, *type; /* what the header says, what the record says */
} error_types[] = {
        { "", "Runtime.Unknown" },
        { "Lambda-Runtime-Function-Error-Type: Runtime.ImportModuleError\r\n", "Runtime.ImportModuleError" },
        { "lambda-runtime-function-error-type: Function.MyError\r\n", "Function.MyError" },
        { "Lambda-Runtime-Function-Error-Type: unhandled\r\n", "Runtime.Unknown" },
        { "Lambda-Runtime-Function-Error-Type: Function.lower\r\n", "Function.Unknown" },
        { "Lambda-Runtime-Function-Error-Type: Function.A\r\n", "Function.Unknown" },
};

static void handler_errors(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(error_types); ++i) {
                AUTO(str)
                char *expected = xasprintf("answered handler-error %s - {\"errorMessage\":\"<&>\"}\n",
                                           error_types[i].type);
                struct stage st;
                int fd;

                stage_set(&st);
                fd = stage_running(&st);
                runtime_post(&st, fd, ERROR, error_types[i].type_field, "{\"errorMessage\":\"<&>\"}");
                assert_string_equal(runtime_reply(&st, fd), OK_202);
                assert_string_equal(stage_events(&st), expected);
                runtime_ask(&st, fd);
                stage_await(&st, "idle handler-error");
                assert_int_equal(st.kills, 0); /* the environment is kept */
                close(fd);
                stage_end(&st);
        }
}

static void error_cause_bodies(void **state) {
        static const char *const cases[][2] = {
                { "{\"errorMessage\":\"m\",\"errorType\":\"t\",\"stackTrace\":[1,{}],\"errorCause\":{\"x\":1}"
                  "}",
                  "{\"errorMessage\":\"m\",\"errorType\":\"t\",\"stackTrace\":[1,{}]}" },
                { "{\"errorCause\":{}}", "{}" },
                { "{broken", "\"Invalid error body\"" },
                { "", "\"Invalid error body\"" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); ++i) {
                struct stage st;
                int fd;

                stage_set(&st);
                fd = stage_running(&st);
                runtime_post(&st, fd, ERROR, "Content-Type: application/vnd.aws.lambda.error.cause+json\r\n",
                             cases[i][0]);
                assert_string_equal(runtime_reply(&st, fd), OK_202);
                assert_non_null(strstr(stage_events(&st), cases[i][1]));
                close(fd);
                stage_end(&st);
        }
}

static void an_error_without_a_body(void **state) {
        struct stage st;
        int fd;

        stage_set(&st);
        fd = stage_running(&st);
        runtime_post(&st, fd, ERROR, "", "");
        assert_string_equal(runtime_reply(&st, fd), OK_202);
        assert_string_equal(stage_events(&st), "answered handler-error Runtime.Unknown - \n");
        close(fd);
        stage_end(&st);
}

/* ---- sizes ---- */

static void a_response_at_the_limit_and_past_it(void **state) {
        char *big = xcalloc(1, ANSWER_MAX + 1);

        memset(big, '7', ANSWER_MAX + 1);
        for (int chunked = 0; chunked < 2; ++chunked)
                for (size_t over = 0; over < 2; ++over) {
                        AUTO(str)
                        char *head = xasprintf(chunked ? "POST /2018-06-01/runtime/" RESPONSE
                                                         " HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                                                         "Transfer-Encoding: chunked\r\n\r\n%zx\r\n"
                                                       : "POST /2018-06-01/runtime/" RESPONSE
                                                         " HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                                                         "Content-Length: %zu\r\n\r\n",
                                               ANSWER_MAX + over);
                        struct stage st;
                        int fd;

                        stage_set(&st);
                        fd = stage_running(&st);
                        runtime_send(&st, fd, head);
                        runtime_write(&st, fd, big, ANSWER_MAX + over);
                        if (chunked)
                                runtime_send(&st, fd, "\r\n0\r\n\r\n");
                        assert_string_equal(runtime_reply(&st, fd),
                                            over ? "413 {\"errorMessage\":\"Exceeded maximum allowed payload "
                                                   "size (6291556 bytes).\","
                                                   "\"errorType\":\"RequestEntityTooLarge\"}\n"
                                                 : OK_202);
                        assert_string_equal(stage_events(&st),
                                            over ? "answered bad-answer Function.ResponseSizeTooLarge - "
                                                   "{\"errorType\":\"Function.ResponseSizeTooLarge\","
                                                   "\"errorMessage\":\"Response "
                                                   "payload size exceeded maximum allowed payload size "
                                                   "(6291556 bytes).\"}\n"
                                                 : "answered success - - (6291556 bytes)\n");
                        close(fd);
                        fd = runtime_connect(&st);
                        runtime_ask(&st, fd); /* the environment is kept, too large or not */
                        stage_await(&st, "idle");
                        assert_int_equal(st.kills, 0);
                        close(fd);
                        stage_end(&st);
                }
        free(big);
}

static void a_wrong_response_mode(void **state) {
        static const char *const modes[] = { "buffered", "", "stream" };

        for (size_t i = 0; i < ARRAY_SIZE(modes); ++i) {
                AUTO(str) char *mode = xasprintf("Lambda-Runtime-Function-Response-Mode: %s\r\n", modes[i]);
                struct stage st;
                int fd;

                stage_set(&st);
                fd = stage_running(&st);
                runtime_post(&st, fd, RESPONSE, mode, "{}");
                assert_string_equal(runtime_reply(&st, fd),
                                    "400 {\"errorMessage\":\"Invalid function response mode\","
                                    "\"errorType\":\"InvalidFunctionResponseMode\"}\n");
                assert_non_null(strstr(stage_events(&st),
                                       "answered bad-answer Runtime.InvalidResponseModeHeader - "
                                       "{\"errorType\":\"Runtime.InvalidResponseModeHeader\""));
                close(fd);
                stage_end(&st);
        }
}

static void a_truncated_response(void **state) {
        static const char *const framings[] = { "Content-Length: 100\r\n\r\nhalf",
                                                "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n" };

        for (int stream = 0; stream < 2; ++stream)
                for (size_t i = 0; i < ARRAY_SIZE(framings); ++i) {
                        AUTO(str)
                        char *request = xasprintf("POST /2018-06-01/runtime/" RESPONSE
                                                  " HTTP/1.1\r\nHost: 127.0.0.1\r\n%s",
                                                  framings[i]);
                        struct stage st;
                        int fd;

                        stage_set(&st);
                        fd = stage_warm(&st);
                        st.order.stream = stream;
                        stage_invoke(&st);
                        runtime_reply(&st, fd);
                        runtime_send(&st, fd, request);
                        stage_settle(&st);
                        close(fd);
                        stage_await(&st, "answered bad-answer Runtime.TruncatedResponse");
                        fd = runtime_connect(&st);
                        runtime_ask(&st, fd);
                        stage_await(&st, "idle bad-answer Runtime.TruncatedResponse");
                        close(fd);
                        stage_end(&st);
                }
}

/* ---- streams ---- */

#define STREAM_HEAD \
        "POST /2018-06-01/runtime/" RESPONSE \
        " HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n" \
        "Lambda-Runtime-Function-Response-Mode: streaming\r\nContent-Type: text/event-stream\r\n" \
        "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n"

static const struct stream_case {
        bool stream;
        const char *body, *events, *chunks;
} streams[] = {
        { true, "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n",
          "head text/event-stream\nanswered success - text/event-stream \n", "onetwo" },
        { false, "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n", "answered success - text/event-stream onetwo\n", "" },
        { true, "0\r\n\r\n", "head text/event-stream\nanswered success - text/event-stream \n", "" },
        { true,
          "3\r\none\r\n0\r\nLambda-Runtime-Function-Error-Type: Function.Oops\r\n"
          "Lambda-Runtime-Function-Error-Body: eyJhIjoxfQ==\r\n\r\n",
          "head text/event-stream\nanswered handler-error Function.Oops text/event-stream {\"a\":1}\n",
          "one" },
        { false,
          "3\r\none\r\n0\r\nlambda-runtime-function-error-type: Function.Oops\r\n"
          "lambda-runtime-function-error-body: eyJhIjoxfQ==\r\n\r\n",
          "answered handler-error Function.Oops text/event-stream {\"a\":1}\n", "" },
        { true,
          "3\r\none\r\n0\r\nLambda-Runtime-Function-Error-Type: Function.Oops\r\n"
          "Lambda-Runtime-Function-Error-Body: !!!\r\n\r\n",
          "head text/event-stream\nanswered handler-error Function.Oops text/event-stream \n", "one" },
        /* Go declares and sends both, empty, with every answer. */
        { false,
          "3\r\none\r\n0\r\nLambda-Runtime-Function-Error-Type: \r\nLambda-Runtime-Function-Error-Body: "
          "\r\n\r\n",
          "answered success - text/event-stream one\n", "" },
        { true,
          "3\r\none\r\n0\r\nLambda-Runtime-Function-Error-Type:\r\nLambda-Runtime-Function-Error-Body:"
          "\r\n\r\n",
          "head text/event-stream\nanswered success - text/event-stream \n", "one" },
};

static void streamed_answers(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(streams); ++i) {
                struct stage st;
                int fd;

                stage_set(&st);
                fd = stage_warm(&st);
                st.order.stream = streams[i].stream;
                stage_invoke(&st);
                runtime_reply(&st, fd);
                runtime_send(&st, fd, STREAM_HEAD);
                runtime_send(&st, fd, streams[i].body);
                assert_string_equal(runtime_reply(&st, fd), OK_202);
                assert_string_equal(stage_events(&st), streams[i].events);
                assert_int_equal(st.chunks.len, strlen(streams[i].chunks));
                assert_memory_equal(buf_data(&st.chunks), streams[i].chunks, st.chunks.len);
                runtime_ask(&st, fd);
                stage_await(&st, "idle");
                close(fd);
                stage_end(&st);
        }
}

static void an_error_instead_of_a_stream(void **state) {
        struct stage st;
        int fd;

        stage_set(&st);
        fd = stage_warm(&st);
        st.order.stream = true;
        stage_invoke(&st);
        runtime_reply(&st, fd);
        runtime_post(&st, fd, ERROR, "", "{\"errorType\":\"E\"}");
        assert_string_equal(runtime_reply(&st, fd), OK_202);
        assert_string_equal(stage_events(&st),
                            "answered handler-error Runtime.Unknown - {\"errorType\":\"E\"}\n");
        close(fd);
        stage_end(&st);
}

/* Without credit at most the window (and one read) runs ahead; credit lets the rest come. */
static void a_stream_waits_for_credit(void **state) {
        size_t total = 4 * MIB, sent = 0;
        char piece[16 * 1024 + 8];
        struct stage st;
        int fd;

        memset(piece, 'x', sizeof(piece));
        memcpy(piece, "4000\r\n", 6);
        memcpy(piece + 6 + 16 * 1024, "\r\n", 2);
        stage_set(&st);
        fd = stage_warm(&st);
        st.auto_credit = false;
        st.order.stream = true;
        st.order.timeout = 100 * SECOND;
        stage_invoke(&st);
        runtime_reply(&st, fd);
        runtime_send(&st, fd, STREAM_HEAD);
        while (sent < total) {
                size_t left = sizeof(piece), before;

                while (left) {
                        ssize_t n = send(fd, piece + sizeof(piece) - left, left, MSG_DONTWAIT | MSG_NOSIGNAL);

                        if (n > 0) {
                                left -= (size_t)n;
                                continue;
                        }
                        /* The socket is full: the supervisor reads no more than its window. */
                        stage_settle(&st);
                        assert_in_range(st.chunks.len, 1, ENVIRONMENT_WINDOW + LOOP_SCRATCH);
                        before = st.chunks.len;
                        stage_settle(&st);
                        assert_int_equal(st.chunks.len, before);
                        buf_clear(&st.chunks);
                        st.e->ops->credit(st.e, before);
                        stage_settle(&st);
                }
                sent += 16 * 1024;
        }
        st.auto_credit = true;
        st.e->ops->credit(st.e, SIZE_MAX / 2);
        runtime_send(&st, fd, "0\r\n\r\n");
        assert_string_equal(runtime_reply(&st, fd), OK_202);
        stage_await(&st, "answered success");
        st.e->ops->credit(st.e, 1); /* late: nothing to credit any more */
        close(fd);
        stage_end(&st);
}

static void a_buffered_answer_for_a_stream_is_bounded(void **state) {
        char *big = xcalloc(1, ANSWER_MAX + 1);
        AUTO(str)
        char *head = xasprintf("POST /2018-06-01/runtime/" RESPONSE " HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                               "Content-Length: %zu\r\n\r\n",
                               ANSWER_MAX + 1);
        struct stage st;
        int fd;

        stage_set(&st);
        fd = stage_warm(&st);
        st.order.stream = true;
        stage_invoke(&st);
        runtime_reply(&st, fd);
        runtime_send(&st, fd, head);
        runtime_write(&st, fd, big, ANSWER_MAX + 1);
        assert_int_equal(strncmp(runtime_reply(&st, fd), "413", 3), 0);
        stage_await(&st, "answered bad-answer Function.ResponseSizeTooLarge");
        close(fd);
        stage_end(&st);
        free(big);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_warm_invocation),
                cmocka_unit_test(what_next_says),
                cmocka_unit_test(what_is_refused),
                cmocka_unit_test(other_roots_are_not_here),
                cmocka_unit_test(asking_again_while_running),
                cmocka_unit_test(asking_twice_while_ready),
                cmocka_unit_test(a_poll_that_was_hung_up),
                cmocka_unit_test(handler_errors),
                cmocka_unit_test(error_cause_bodies),
                cmocka_unit_test(an_error_without_a_body),
                cmocka_unit_test(a_response_at_the_limit_and_past_it),
                cmocka_unit_test(a_wrong_response_mode),
                cmocka_unit_test(a_truncated_response),
                cmocka_unit_test(streamed_answers),
                cmocka_unit_test(an_error_instead_of_a_stream),
                cmocka_unit_test(a_stream_waits_for_credit),
                cmocka_unit_test(a_buffered_answer_for_a_stream_is_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
