/* SPDX-License-Identifier: Apache-2.0 */
/* The driver of images with an emulator, against an engine that keeps books and an emulator that answers what the test says. */
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/base64.h"
#include "fake_engine.h"
#include "sandbox/rie/rie.h"
#include "stage.h"

#define ID "8f5a7c1e-0d3b-4a52-9f6e-1b2c3d4e5f60"
#define OTHER_ID "11111111-2222-3333-4444-555555555555"
#define THIRD_ID "99999999-8888-7777-6666-555555555555"
#define RIE_ERROR \
        "{\"errorType\":\"Runtime.ExitError\",\"errorMessage\":\"RequestId: " OTHER_ID \
        " Error: Runtime exited with error: "

/* What the emulator does with the next invocation. */
struct reply {
        int status;
        const char *body;
        const char *output;  /* on standard output, before the answer */
        const char *chatter; /* on standard error, before or, late, after the answer */
        bool breaks, hangs, late;
        const struct reply *then; /* what it does with the one after that; NULL: the same */
};

struct trial {
        struct stage stage;
        struct fake_engine fake;
        struct http_listener *emulator;
        struct http_exchange *hanging;
        struct reply reply;
        struct buf request; /* its headers and its body, as they came */
        struct buf log, answer, chunks;
        char *gone, *error_type;
        bool ready, answered, idle, headed;
        unsigned asked; /* of this invocation */
        enum invocation_outcome outcome, reported;
        nsec_t duration, init;
};

#define turn_until(t, claim) stage_until(&(t)->stage, claim)

/* ---- the emulator ---- */

static void answer_invocation(struct http_exchange *x) {
        struct trial *t = x->listener_owner;
        static const char *const kept[] = { "x-amzn-requestid", "x-amzn-trace-id", "x-amz-tenant-id",
                                            "x-amz-client-context" };

        for (size_t i = 0; i < ARRAY_SIZE(kept); ++i)
                assert_int_equal(buf_printf(&t->request, "%s\n", http_header(x, kept[i]) ?: "-"), 0);
        if (t->reply.output)
                fake_engine_say(&t->fake, 1, t->reply.output);
        if (t->reply.chatter && !t->reply.late)
                fake_engine_say(&t->fake, 2, t->reply.chatter);
        if (t->reply.breaks)
                http_abort(x);
        else if (t->reply.hangs)
                t->hanging = x;
        else
                http_respond(x, t->reply.status, NULL, t->reply.body, strlen(t->reply.body));
        ++t->asked;
        if (t->reply.then)
                t->reply = *t->reply.then;
}

static void on_request_end(struct http_exchange *x) {
        if (streq(x->path, "/2015-03-31/functions/function/invocations") && x->method == HTTP_POST_)
                answer_invocation(x);
        else
                http_respond(x, 404, NULL, "404 page not found\n", 19);
}

static void on_request_done(struct http_exchange *x, bool complete) {
        struct trial *t = x->listener_owner;

        if (t->hanging == x)
                t->hanging = NULL;
}

static void on_request_body(struct http_exchange *x, const char *data, size_t len) {
}

static const struct http_ops emulator_ops = { .on_body = on_request_body,
                                              .on_end = on_request_end,
                                              .on_done = on_request_done };

static void on_request(struct http_exchange *x) {
        x->ops = &emulator_ops;
        x->sink = &((struct trial *)x->listener_owner)->request;
}

static const struct http_handler emulator_handler = { .on_request = on_request };

static void open_emulator(struct trial *t) {
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t len = sizeof(at);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
        assert_int_equal(listen(fd, 16), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
        t->fake.port = ntohs(at.sin_port);
        assert_int_equal(http_listen(t->stage.loop, fd, &emulator_handler, &http_limits_api, t, &t->emulator),
                         0);
}

/* ---- events ---- */

static void on_started(struct environment *e) {
}

static void on_ready(struct environment *e, nsec_t start, nsec_t init, bool failed) {
        ((struct trial *)e->owner)->ready = !failed;
}

static void on_head(struct environment *e, const char *content_type) {
        ((struct trial *)e->owner)->headed = true;
}

static void on_chunk(struct environment *e, const char *data, size_t len) {
        struct trial *t = e->owner;

        assert_true(t->headed && !t->answered);
        assert_int_equal(buf_append(&t->chunks, data, len), 0);
        e->ops->credit(e, len);
}

static void on_answered(struct environment *e, struct invocation_answer *answer) {
        struct trial *t = e->owner;

        assert_false(t->answered);
        t->answered = true;
        t->outcome = answer->outcome;
        assert_int_equal(answer->is_error, answer->outcome != OUTCOME_OK);
        t->error_type = answer->error_type ? xstrdup(answer->error_type) : NULL;
        assert_int_equal(buf_append(&t->answer, buf_data(answer->payload), answer->payload->len), 0);
}

static void on_idle(struct environment *e, const struct invocation_report *report) {
        struct trial *t = e->owner;

        assert_true(t->answered && !t->idle);
        t->idle = true;
        t->reported = report->outcome;
        t->duration = report->duration;
        t->init = report->init;
}

static void on_log(struct environment *e, nsec_t wall, const char *line, size_t len) {
        assert_int_equal(buf_append(&((struct trial *)e->owner)->log, line, len), 0);
}

static void on_gone(struct environment *e, const char *why) {
        struct trial *t = e->owner;

        assert_null(t->gone);
        t->gone = xstrdup(why);
}

static const struct environment_events events = { .started = on_started,
                                                  .ready = on_ready,
                                                  .head = on_head,
                                                  .chunk = on_chunk,
                                                  .answered = on_answered,
                                                  .idle = on_idle,
                                                  .log = on_log,
                                                  .gone = on_gone };

/* ---- the stage ---- */

static void new_environment(struct trial *t, nsec_t ready_time) {
        static const char *const argv[] = { "/lambda-entrypoint.sh", "app.handler", NULL };
        const struct env_var vars[] = { { "CACHE", "redis://localhost:6379" } };
        struct environment_spec spec = {
                .id = "0123456789abcdef0123456789abcdef",
                .account = "000000000000",
                .region = "us-east-1",
                .function = "fn",
                .version = "$LATEST",
                .runtime = "python3.13",
                .handler = "app.handler",
                .vars = vars,
                .var_count = 1,
                .memory_mb = 128,
                .tmp_mb = 512,
                .timeout = 3 * SECOND,
                .log_group = "g",
                .log_stream = "s",
                .access_key_id = "a",
                .secret_access_key = "b",
                .session_token = "c",
        };

        t->stage.environment = rie_environment_new(t->stage.loop, t->stage.containers,
                                                   &(struct rie_spec){ .environment = &spec,
                                                                       .image = t->stage.image,
                                                                       .argv = argv,
                                                                       .working_dir = "/var/task",
                                                                       .ready_time = ready_time });
        t->stage.environment->events = &events;
        t->stage.environment->owner = t;
        assert_int_equal(t->stage.environment->ops->start(t->stage.environment), 0);
}

static void trial_open_for(struct trial *t, nsec_t ready_time) {
        *t = (struct trial){ .request = BUF_NULL(MIB),
                             .log = BUF_NULL(MIB),
                             .answer = BUF_NULL(MIB),
                             .chunks = BUF_NULL(MIB) };
        assert_int_equal(loop_new(&t->stage.loop), 0);
        fake_engine_open(&t->fake, t->stage.loop);
        open_emulator(t);
        stage_open(&t->stage, t->fake.folder, "docker");
        stage_make_containers(&t->stage);
        assert_true(stage_find_engine(&t->stage) && stage_find_image(&t->stage));
        new_environment(t, ready_time);
}

static void trial_open(struct trial *t) {
        trial_open_for(t, 0);
}

/* Nothing may be left in the engine's books. */
static void trial_close(struct trial *t) {
        t->stage.environment->ops->free(t->stage.environment);
        stage_close_containers(&t->stage);
        assert_int_equal(fake_engine_containers(&t->fake), 0);
        stage_close(&t->stage);
        http_listener_free(t->emulator);
        fake_engine_close(&t->fake);
        assert_int_equal(rmdir(t->fake.folder), 0);
        loop_free(t->stage.loop);
        buf_deinit(&t->request);
        buf_deinit(&t->log);
        buf_deinit(&t->answer);
        buf_deinit(&t->chunks);
        free(t->gone);
        free(t->error_type);
}

static const struct iovec event = { "{\"a\":1}", 7 };

static void begin_within(struct trial *t, nsec_t timeout, bool stream, const struct reply *reply) {
        const struct invocation_order order = {
                .request_id = ID,
                .arn = "arn:aws:lambda:us-east-1:000000000000:function:fn",
                .trace_id = "Root=1-2-3",
                .client_context = "{\"custom\":{}}",
                .tenant_id = "blue",
                .event = &event,
                .event_parts = 1,
                .timeout = timeout,
                .stream = stream,
        };

        t->reply = *reply;
        t->answered = t->idle = t->headed = false;
        t->asked = 0;
        buf_clear(&t->answer);
        buf_clear(&t->log);
        buf_clear(&t->request);
        free(TAKE(t->error_type));
        t->stage.environment->ops->invoke(t->stage.environment, &order);
}

static void begin(struct trial *t, bool stream, const struct reply *reply) {
        begin_within(t, 3 * SECOND, stream, reply);
}

static void invoke(struct trial *t, const struct reply *reply) {
        turn_until(t, t->ready);
        begin(t, false, reply);
        turn_until(t, t->idle);
}

static void assert_text(struct buf *buf, const char *want) {
        assert_int_equal(buf_append(buf, "", 1), 0);
        assert_string_equal(buf_data(buf), want);
        --buf->len;
}

static bool says(struct buf *buf, const char *words) {
        const char *text = buf_data(buf); /* NULL while nothing was ever in it */

        return text && memmem(text, buf->len, words, strlen(words)) != NULL;
}

#define RAPID "29 Nov 2026 10:11:12,345 [INFO] (rapid) "
#define INIT_FAILED RAPID "INIT RTDONE(status: error)\n"
#define TOLD \
        " Version: $LATEST\nhello\nhalf\nEND RequestId: " ID "\nREPORT RequestId: " ID \
        "\tDuration: 12.34 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\tMax Memory Used: 128 MB\tInit " \
        "Duration: 0.25 ms\t\n"
#define WORDS(id) \
        "START RequestId: " id " Version: $LATEST\nhello\nhalfEND RequestId: " id "\nREPORT RequestId: " id \
        "\tInit Duration: 0.25 ms\tDuration: 12.34 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\tMax Memory Used: 128 MB\t\n"

/* ---- tests ---- */

static void test_an_invocation(void **state) {
        struct trial t;

        trial_open(&t);
        invoke(&t, &(struct reply){ 200, "{\"x\":1}", WORDS(ID) });
        assert_int_equal(t.outcome, OUTCOME_OK);
        assert_text(&t.answer, "{\"x\":1}");
        assert_text(&t.request, "{\"a\":1}" ID "\nRoot=1-2-3\nblue\neyJjdXN0b20iOnt9fQ==\n");
        assert_true(t.duration == 12340 * MICROSECOND && t.init == 250 * MICROSECOND);
        assert_text(&t.log,
                    "START RequestId: " ID " Version: $LATEST\nhello\nhalf\nEND RequestId: " ID
                    "\nREPORT RequestId: " ID "\tDuration: 12.34 ms\tBilled Duration: 13 ms\tMemory Size: "
                    "128 MB\tMax Memory Used: 128 MB\tInit Duration: 0.25 ms\t\n");
        assert_null(t.gone);
        /* The next goes to the same container. */
        invoke(&t, &(struct reply){ 200, "2", WORDS(ID) });
        assert_text(&t.answer, "2");
        assert_int_equal(t.fake.made, 2); /* one only to find out what is shared */
        trial_close(&t);
}

static void test_how_the_container_is_made(void **state) {
        struct trial t;

        trial_open(&t);
        turn_until(&t, t.ready);
        assert_non_null(
                strstr(t.fake.last_create, "\"Entrypoint\":[\"/lambda-entrypoint.sh\",\"app.handler\"]"));
        assert_non_null(
                strstr(t.fake.last_create, "\"8080/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"\"}]"));
        assert_non_null(strstr(t.fake.last_create, "\"AWS_LAMBDA_FUNCTION_TIMEOUT=3\""));
        assert_non_null(strstr(t.fake.last_create, "\"CACHE=redis://host.docker.internal:6379\""));
        assert_null(strstr(t.fake.last_create, "/lambent/init"));
        trial_close(&t);
}

/* An older emulator makes up its own id. */
static void test_an_emulator_of_its_own_mind(void **state) {
        struct trial t;

        trial_open(&t);
        invoke(&t, &(struct reply){ 200, "1", WORDS(OTHER_ID) });
        assert_false(says(&t.log, OTHER_ID));
        assert_true(says(&t.log, "START RequestId: " ID));
        assert_true(t.duration == 12340 * MICROSECOND);
        trial_close(&t);
}

static void test_a_handlers_error(void **state) {
        static const char body[] =
                "{\"errorType\":\"Runtime.Oops\",\"errorMessage\":\"why\",\"stackTrace\":[]}";
        struct trial t;

        trial_open(&t);
        invoke(&t, &(struct reply){ 200, body, WORDS(ID) });
        assert_int_equal(t.outcome, OUTCOME_HANDLER_ERROR);
        assert_string_equal(t.error_type, "Runtime.Oops");
        assert_text(&t.answer, body);
        assert_null(t.gone);
        /* What only looks alike is an answer. */
        invoke(&t, &(struct reply){ 200, "{\"errorCount\":0}", WORDS(ID) });
        assert_int_equal(t.outcome, OUTCOME_OK);
        trial_close(&t);
}

/* Whatever is worse ends the container, and is told in AWS's words. */
static void test_failures(void **state) {
        static const struct {
                struct reply reply;
                enum invocation_outcome outcome;
                const char *type, *answer;
        } table[] = {
                { { 200, "Task timed out after 3.00 seconds", WORDS(ID) },
                  OUTCOME_TIMEOUT,
                  "Sandbox.Timedout",
                  "{\"errorType\":\"Sandbox.Timedout\",\"errorMessage\":\"RequestId: " ID
                  " Error: Task timed out after 3.00 seconds\"}" },
                { { 502, RIE_ERROR "exit status 3\"}", NULL },
                  OUTCOME_EXIT,
                  "Runtime.ExitError",
                  "{\"errorType\":\"Runtime.ExitError\",\"errorMessage\":\"RequestId: " ID
                  " Error: Runtime exited with error: exit status 3\"}" },
                { { 502, "", NULL },
                  OUTCOME_EXIT,
                  "Runtime.ExitError",
                  "{\"errorType\":\"Runtime.ExitError\",\"errorMessage\":\"RequestId: " ID
                  " Error: Runtime exited without providing a reason\"}" },
                { { 502, "{\"errorType\":\"Runtime.ImportModuleError\",\"errorMessage\":\"no module\"}",
                    NULL },
                  OUTCOME_INIT_ERROR,
                  "Runtime.ImportModuleError",
                  "{\"errorType\":\"Runtime.ImportModuleError\",\"errorMessage\":\"no module\"}" },
                { { 500, "", NULL },
                  OUTCOME_SANDBOX_FAILURE,
                  "Sandbox.Failure",
                  "{\"errorType\":\"Sandbox.Failure\",\"errorMessage\":\"RequestId: " ID
                  " Error: the emulator in the image answered 500\"}" },
                /* Nothing, and no REPORT: the runtime died before the event reached it. */
                { { 200, "", NULL },
                  OUTCOME_EXIT,
                  "Runtime.ExitError",
                  "{\"errorType\":\"Runtime.ExitError\",\"errorMessage\":\"RequestId: " ID
                  " Error: Runtime exited without providing a reason\"}" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(table); ++i) {
                struct trial t;

                trial_open(&t);
                invoke(&t, &table[i].reply);
                assert_int_equal(t.outcome, table[i].outcome);
                assert_int_equal(t.reported, table[i].outcome);
                assert_string_equal(t.error_type, table[i].type);
                assert_text(&t.answer, table[i].answer);
                assert_true(says(&t.log, "START RequestId: " ID) && says(&t.log, "END RequestId: " ID));
                turn_until(&t, t.gone);
                assert_int_equal(t.fake.killed, 1);
                trial_close(&t);
        }
}

/* With an empty 502 the emulator may have shown the event to nobody: INIT has failed, which AWS would try once more. */
static void test_a_failed_init_is_tried_again(void **state) {
        static const struct reply well = { 200, "1", WORDS(THIRD_ID),
                                           .chatter = RAPID "INIT RTDONE(status: success)\n" };
        static const struct reply with_both = { 200, "1",
                                                "START RequestId: " OTHER_ID
                                                " Version: $LATEST\n" WORDS(THIRD_ID) };
        static const struct reply replies[] = {
                { 502, "", "dying\nSTART RequestId: " OTHER_ID " Version: $LATEST\n", INIT_FAILED,
                  .then = &well },
                { 502, "", "dying\nSTART RequestId: " THIRD_ID " Version: $LATEST\n", INIT_FAILED,
                  .then = &well },
                { 502, "", "dying\nSTART RequestId: " OTHER_ID " Version: $LATEST\n", INIT_FAILED,
                  .late = true, .then = &well },
                { 502, "", "dying\n", INIT_FAILED, .then = &with_both },
        };

        for (size_t i = 0; i < ARRAY_SIZE(replies); ++i) {
                struct trial t;

                trial_open(&t);
                turn_until(&t, t.ready);
                begin(&t, false, &replies[i]);
                turn_until(&t, t.asked);
                if (replies[i].late)
                        fake_engine_say(&t.fake, 2, replies[i].chatter);
                turn_until(&t, t.idle);
                assert_int_equal(t.outcome, OUTCOME_OK);
                assert_text(&t.answer, "1");
                assert_int_equal(t.asked, 2);
                assert_text(&t.request, "{\"a\":1}" ID "\nRoot=1-2-3\nblue\neyJjdXN0b20iOnt9fQ==\n"
                                        "{\"a\":1}" ID "\nRoot=1-2-3\nblue\neyJjdXN0b20iOnt9fQ==\n");
                assert_text(&t.log, "dying\nSTART RequestId: " ID TOLD);
                assert_null(t.gone);
                /* It is as good as any other. */
                invoke(&t, &(struct reply){ 200, "2", WORDS(OTHER_ID) });
                assert_text(&t.answer, "2");
                assert_int_equal(t.asked, 1);
                trial_close(&t);
        }
}

/* Once, for who has not answered before, and when the emulator says that INIT it was: one that has the event may also end
 * without a word. */
static void test_what_is_not_tried_again(void **state) {
        static const struct reply different = { 502, RIE_ERROR "exit status 3\"}", NULL };
        static const struct {
                struct reply reply;
                unsigned cold; /* how often it is asked */
        } table[] = {
                { { 502, "", NULL, INIT_FAILED }, 2 },
                { { 502, "", NULL, INIT_FAILED, .then = &different }, 2 },
                { { 502, RIE_ERROR "exit status 3\"}", NULL, INIT_FAILED }, 1 },
                { { 502, "", NULL, RAPID "INIT RTDONE(status: success)\n" }, 1 },
                { { 502, "", NULL, RAPID "INIT RTDONE(status: success)\n" INIT_FAILED }, 1 },
                { { 502, "", NULL, "INIT RTDONE(status: error)\n" }, 1 },
                { { 502, "", NULL }, 1 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(table); ++i)
                for (int warm = 0; warm < 2; ++warm) {
                        struct trial t;

                        trial_open(&t);
                        if (warm)
                                invoke(&t, &(struct reply){ 200, "1", WORDS(ID) });
                        invoke(&t, &table[i].reply);
                        assert_int_equal(t.outcome, OUTCOME_EXIT);
                        assert_string_equal(t.error_type, "Runtime.ExitError");
                        assert_int_equal(t.asked, warm ? 1 : table[i].cold);
                        turn_until(&t, t.gone);
                        assert_int_equal(t.fake.killed, 1);
                        trial_close(&t);
                }
}

/* What ended it is the engine's to say, while one waits for the emulator's word as well. */
static void test_a_doubt_that_the_engine_ends(void **state) {
        struct trial t;

        trial_open(&t);
        turn_until(&t, t.ready);
        begin(&t, false, &(struct reply){ 502, "", NULL });
        turn_until(&t, t.asked);
        fake_engine_kill(&t.fake, 137, true);
        turn_until(&t, t.idle);
        assert_int_equal(t.outcome, OUTCOME_OUT_OF_MEMORY);
        assert_int_equal(t.asked, 1);
        trial_close(&t);
}

static void test_an_empty_answer(void **state) {
        struct trial t;

        trial_open(&t);
        invoke(&t, &(struct reply){ 200, "", WORDS(ID) });
        assert_int_equal(t.outcome, OUTCOME_OK);
        assert_null(t.gone);
        trial_close(&t);
}

/* Whoever has its answer finds the environment idle; one that prints no REPORT is waited for once. */
static void test_when_the_caller_is_answered(void **state) {
        struct trial t;

        trial_open(&t);
        turn_until(&t, t.ready);
        begin(&t, false, &(struct reply){ 200, "1", NULL });
        turn_until(&t, t.request.len);
        assert_int_equal(loop_turn(t.stage.loop, MILLISECOND), 0);
        assert_false(t.answered);
        fake_engine_say(&t.fake, 1, WORDS(ID));
        turn_until(&t, t.answered);
        assert_true(t.idle);
        invoke(&t, &(struct reply){ 200, "2", NULL });
        assert_text(&t.answer, "2");
        assert_int_equal(t.outcome, OUTCOME_OK);
        assert_true(says(&t.log, "REPORT RequestId: " ID));
        assert_null(t.gone);
        trial_close(&t);
}

/* The emulator knows of a signal; that memory ran out the engine tells. */
static void test_out_of_memory(void **state) {
        struct trial t;

        trial_open(&t);
        turn_until(&t, t.ready && t.fake.events);
        begin(&t, false, &(struct reply){ .hangs = true });
        turn_until(&t, t.hanging);
        fake_engine_kill(&t.fake, 137, true);
        turn_until(&t, t.gone);
        assert_int_equal(t.outcome, OUTCOME_OUT_OF_MEMORY);
        assert_text(&t.answer, "{\"errorType\":\"Runtime.OutOfMemory\",\"errorMessage\":\"RequestId: " ID
                               " Error: Runtime exited with error: signal: killed\"}");
        trial_close(&t);
}

static void test_a_connection_that_breaks(void **state) {
        struct trial t;

        trial_open(&t);
        invoke(&t, &(struct reply){ .breaks = true });
        assert_int_equal(t.outcome, OUTCOME_SANDBOX_FAILURE);
        assert_true(says(&t.answer, "the emulator in the image broke off"));
        turn_until(&t, t.gone);
        trial_close(&t);
}

static void test_stopped_in_mid_call(void **state) {
        struct trial t;

        trial_open(&t);
        turn_until(&t, t.ready);
        begin(&t, false, &(struct reply){ .hangs = true });
        turn_until(&t, t.hanging);
        t.stage.environment->ops->stop(t.stage.environment);
        turn_until(&t, t.gone);
        assert_true(t.idle && t.outcome == OUTCOME_SANDBOX_FAILURE);
        assert_string_equal(t.gone, "stopped");
        trial_close(&t);
}

static void test_streams(void **state) {
        static const char error[] = "{\"errorMessage\":\"why\",\"errorType\":\"Oops\"}";
        struct trial t;

        trial_open(&t);
        turn_until(&t, t.ready);
        begin(&t, true, &(struct reply){ 200, "plain words", WORDS(ID) });
        turn_until(&t, t.idle);
        assert_int_equal(t.outcome, OUTCOME_OK);
        assert_text(&t.chunks, "plain words");
        assert_text(&t.answer, "");
        buf_clear(&t.chunks);
        begin(&t, true, &(struct reply){ 200, error, WORDS(ID) });
        turn_until(&t, t.idle);
        assert_int_equal(t.outcome, OUTCOME_HANDLER_ERROR);
        assert_false(t.headed);
        assert_text(&t.answer, error);
        trial_close(&t);
}

static void test_chatter(void **state) {
        struct trial t;

        trial_open(&t);
        turn_until(&t, t.ready);
        buf_clear(&t.log);
        fake_engine_say(&t.fake, 2,
                        "29 Nov 2026 10:11:12,345 [INFO] (rapid) INIT START\n29 Nov 2026 10:11:12,345 ");
        fake_engine_say(&t.fake, 2, "[WARNING] (rapid) odd\nmine\n");
        turn_until(&t, says(&t.log, "mine\n"));
        assert_text(&t.log, "29 Nov 2026 10:11:12,345 [WARNING] (rapid) odd\nmine\n");
        trial_close(&t);
}

/* Nobody listens where the port leads. */
static void test_never_ready(void **state) {
        struct trial t;

        trial_open_for(&t, 300 * MILLISECOND);
        t.fake.port = 1;
        turn_until(&t, t.gone);
        assert_non_null(strstr(t.gone, "the emulator in the image did not answer on port 8080"));
        assert_false(t.ready);
        trial_close(&t);
}

/* It does not keep the timeout that it was told. */
static void test_an_emulator_that_hangs(void **state) {
        struct trial t;

        trial_open(&t);
        turn_until(&t, t.ready);
        begin_within(&t, MILLISECOND, false, &(struct reply){ .hangs = true });
        turn_until(&t, t.idle);
        assert_int_equal(t.outcome, OUTCOME_TIMEOUT);
        assert_string_equal(t.error_type, "Sandbox.Timedout");
        turn_until(&t, t.gone);
        trial_close(&t);
}

static void test_given_up_at_every_moment(void **state) {
        for (unsigned n = 1;; ++n) {
                struct trial t;
                bool done;

                trial_open(&t);
                for (unsigned i = 0; i < n; ++i) {
                        assert_int_equal(loop_turn(t.stage.loop, MILLISECOND), 0);
                        if (t.ready && !t.reply.status)
                                begin(&t, false, &(struct reply){ 200, "1", WORDS(ID) });
                }
                done = t.idle;
                trial_close(&t);
                if (done)
                        return;
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_an_invocation),
                cmocka_unit_test(test_how_the_container_is_made),
                cmocka_unit_test(test_an_emulator_of_its_own_mind),
                cmocka_unit_test(test_a_handlers_error),
                cmocka_unit_test(test_failures),
                cmocka_unit_test(test_a_failed_init_is_tried_again),
                cmocka_unit_test(test_what_is_not_tried_again),
                cmocka_unit_test(test_a_doubt_that_the_engine_ends),
                cmocka_unit_test(test_an_empty_answer),
                cmocka_unit_test(test_when_the_caller_is_answered),
                cmocka_unit_test(test_out_of_memory),
                cmocka_unit_test(test_a_connection_that_breaks),
                cmocka_unit_test(test_stopped_in_mid_call),
                cmocka_unit_test(test_streams),
                cmocka_unit_test(test_chatter),
                cmocka_unit_test(test_never_ready),
                cmocka_unit_test(test_an_emulator_that_hangs),
                cmocka_unit_test(test_given_up_at_every_moment),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
