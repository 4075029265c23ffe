/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's end of a link alone, with a hand-turned clock: the test plays a lambent-init that dies, hangs, lies
 * or says nothing, and an owner that listens. What it says well is tested with a real far end (stage_link.c).
 */
#include "runtime/remote_private.h"
#include "witness.h"

#define ID "8476a536-e9f4-11e8-9739-2dfe598c3fcd"

struct near {
        struct loop *loop;
        struct witness witness;
        struct buf sent; /* what init was told, not taken apart yet */
        size_t room;     /* bytes that the transport still takes */
        unsigned opens, removes, closes, link_losses;
        int open_error;
        bool lose_in_open, stream, json;
        const char *why_lost; /* told in link_lost */
        enum remote_loss how_lost;
        struct iovec event;
};

/* ---- the place's maker ---- */

static int ports_open(void *owner) {
        struct near *n = owner;

        ++n->opens;
        if (n->lose_in_open)
                remote_lost(n->witness.e, REMOTE_BROKEN, "no such image");
        return -n->open_error;
}

static void ports_link_lost(void *owner) {
        struct near *n = owner;

        ++n->link_losses;
        if (n->why_lost)
                remote_lost(n->witness.e, n->how_lost, n->why_lost);
}

static void ports_remove(void *owner) {
        ++((struct near *)owner)->removes;
}

static const struct remote_ports ports = { .open = ports_open,
                                           .link_lost = ports_link_lost,
                                           .remove = ports_remove };

/* ---- the transport ---- */

static ssize_t transport_write(void *owner, const void *data, size_t len) {
        struct near *n = owner;
        size_t taken = MIN(len, n->room);

        assert_int_equal(buf_append(&n->sent, data, taken), 0);
        n->room -= taken;
        return (ssize_t)taken;
}

static void transport_close(void *owner) {
        ++((struct near *)owner)->closes;
}

static const struct line_transport transport = { .write = transport_write, .close = transport_close };

static const char *heard(struct near *n) {
        static char text[64 * 1024];

        assert_true(n->witness.events.len < sizeof(text));
        memcpy(text, n->witness.events.len ? buf_data(&n->witness.events) : "", n->witness.events.len);
        text[n->witness.events.len] = 0;
        buf_clear(&n->witness.events);
        return text;
}

/* ---- scenes ---- */

static void set(struct near *n) {
        struct remote_options options = { .ports = &ports, .owner = n };

        n->sent = BUF_NULL(64 * MIB);
        n->room = SIZE_MAX;
        n->loop = loop_new_manual();
        options.loop = n->loop;
        witness_make(&n->witness, &options, n->json);
}

static void end(struct near *n) {
        witness_end(&n->witness);
        assert_int_equal(n->removes, n->opens > 0);
        assert_int_equal(loop_next_due(n->loop), NSEC_NEVER);
        loop_free(n->loop);
        buf_deinit(&n->sent);
}

static void say(struct near *n, struct link_message m) {
        AUTO(buf) struct buf frame = BUF_NULL(4 * MIB);

        assert_int_equal(link_encode(&frame, &m), 0);
        if (n->witness.e)
                remote_feed(n->witness.e, buf_data(&frame), frame.len);
        loop_advance(n->loop, 0);
}

/* The next message that init is told. */
static bool next(struct near *n, struct link_message *ret_message) {
        static char kept[8 * 1024 * 1024];
        size_t size;

        loop_advance(n->loop, 0);
        if (link_decode(buf_data(&n->sent), n->sent.len, LINK_DAEMON, ret_message, &size) != LINK_WHOLE)
                return false;
        memcpy(kept, buf_data(&n->sent), size);
        assert_int_equal(link_decode(kept, size, LINK_DAEMON, ret_message, &size), LINK_WHOLE);
        buf_consume(&n->sent, size);
        return true;
}

static void expect(struct near *n, enum link_type type) {
        struct link_message m;

        assert_true(next(n, &m));
        assert_string_equal(link_type_name(m.type), link_type_name(type));
}

#define SAY(n, kind, ...) say(n, (struct link_message){ .type = kind, ##__VA_ARGS__ })

static void connect_init(struct near *n) {
        assert_int_equal(n->witness.e->ops->start(n->witness.e), 0);
        remote_attach(n->witness.e, &transport, n);
        expect(n, LINK_HELLO);
        expect(n, LINK_START);
        SAY(n, LINK_HELLO, .hello = { LINK_MAGIC, LINK_VERSION });
}

static void warm(struct near *n) {
        set(n);
        connect_init(n);
        SAY(n, LINK_STARTED);
        SAY(n, LINK_READY, .ready = { 1, MILLISECOND, false });
        assert_string_equal(heard(n), "started\nready\n");
}

static void invoke(struct near *n) {
        struct invocation_order order = { .request_id = ID,
                                          .arn = "arn",
                                          .event = &n->event,
                                          .event_parts = 1,
                                          .timeout = 3 * SECOND,
                                          .stream = n->stream,
                                          .want_tail = n->witness.want_tail };

        if (!n->event.iov_base)
                n->event = (struct iovec){ (char *)"{}", 2 };
        n->witness.e->ops->invoke(n->witness.e, &order);
}

static void run(struct near *n) {
        warm(n);
        invoke(n);
        expect(n, LINK_INVOKE);
        expect(n, LINK_EVENT);
}

/* ---- losses ---- */

#define BODY(type, text) "{\"errorType\":\"" type "\",\"errorMessage\":\"RequestId: " ID " Error: " text "\"}"

static const struct loss_case {
        enum remote_loss loss;
        const char *why, *heard, *log;
} losses[] = {
        { REMOTE_BROKEN, "somebody removed the container",
          "answered sandbox-failure Sandbox.Failure " BODY(
                  "Sandbox.Failure",
                  "somebody removed the container") "\n"
                                                    "idle sandbox-failure\ngone somebody removed the container\n",
          "Status: failure\tError Type: Sandbox.Failure\n" },
        { REMOTE_EXITED, "Runtime exited with error: signal: killed",
          "answered exit Runtime.ExitError " BODY(
                  "Runtime.ExitError",
                  "Runtime exited with error: signal: killed") "\n"
                                                               "idle exit\ngone Runtime exited with error: signal: killed\n",
          "Error: Runtime exited with error: signal: killed\nRuntime.ExitError\nEND " },
        { REMOTE_OUT_OF_MEMORY, "the container ran out of memory",
          "answered out-of-memory Runtime.OutOfMemory " BODY(
                  "Runtime.OutOfMemory",
                  "Runtime exited with error: signal: killed") "\n"
                                                               "idle out-of-memory\ngone the container ran out of memory\n",
          "Status: error\tError Type: Runtime.OutOfMemory\n" },
};

/* The caller hears at once, the log is whole: START, END and REPORT once each, in the tail as well. */
static void lost_under_an_invocation(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(losses); ++i)
                for (unsigned start_seen = 0; start_seen < 2; ++start_seen) {
                        struct near n = { .witness.want_tail = true };
                        const char *log;

                        run(&n);
                        if (start_seen)
                                SAY(&n, LINK_LOG,
                                    .log = { 1, { "START RequestId: " ID " Version: 1\n", 60 - 5 } });
                        remote_lost(n.witness.e, losses[i].loss, losses[i].why);
                        assert_string_equal(heard(&n), ""); /* never inside a call */
                        loop_advance(n.loop, 0);
                        assert_string_equal(heard(&n), losses[i].heard);
                        log = witness_text_of(&n.witness.log);
                        assert_true(strncmp(log, "START RequestId: " ID, 20) == 0);
                        assert_null(strstr(log + 1, "START"));
                        assert_non_null(strstr(log, "\nEND RequestId: " ID "\nREPORT RequestId: " ID));
                        assert_non_null(strstr(log, losses[i].log));
                        assert_int_equal(n.closes, 1);
                        end(&n);
                }
}

/* Said in the answer's middle, or when the answer is out and only idle is missing. */
static void lost_after_the_answer(void **state) {
        struct near n = {};

        run(&n);
        SAY(&n, LINK_PAYLOAD, .part = { 1, { "half", 4 } });
        remote_lost(n.witness.e, REMOTE_BROKEN, "gone");
        loop_advance(n.loop, 0);
        assert_string_equal(heard(&n),
                            "answered sandbox-failure Sandbox.Failure " BODY(
                                    "Sandbox.Failure", "gone") "\n"
                                                               "idle sandbox-failure\ngone gone\n");
        end(&n);

        n = (struct near){};
        run(&n);
        SAY(&n, LINK_PAYLOAD, .part = { 1, { "1", 1 } });
        SAY(&n, LINK_ANSWERED, .answered = { 1, OUTCOME_OK });
        remote_lost(n.witness.e, REMOTE_EXITED, "Runtime exited");
        loop_advance(n.loop, 0);
        assert_string_equal(heard(&n), "answered success - 1\nidle exit\ngone Runtime exited\n");
        end(&n);
}

static void lost_before_there_is_a_link(void **state) {
        struct near n = { .lose_in_open = true };

        set(&n);
        assert_int_equal(n.witness.e->ops->start(n.witness.e), 0);
        assert_string_equal(heard(&n), "");
        loop_advance(n.loop, 0);
        assert_string_equal(heard(&n), "gone no such image\n");
        end(&n);

        n = (struct near){ .open_error = ENOMEM };
        set(&n);
        assert_int_equal(n.witness.e->ops->start(n.witness.e), -ENOMEM);
        end(&n);

        n = (struct near){};
        set(&n);
        assert_int_equal(n.witness.e->ops->start(n.witness.e), 0);
        n.witness.e->ops->stop(n.witness.e);
        remote_attach(n.witness.e, &transport, &n); /* it comes too late, or not at all */
        loop_advance(n.loop, 0);
        assert_string_equal(heard(&n), "gone stopped\n");
        assert_int_equal(n.closes, 1);
        end(&n);
}

/* The reason comes after the end of the link, or never. */
static void the_link_ends_first(void **state) {
        struct near n = { .why_lost = "killed", .how_lost = REMOTE_OUT_OF_MEMORY };

        run(&n);
        remote_ended(n.witness.e);
        loop_advance(n.loop, 0);
        assert_true(strncmp(heard(&n), "answered out-of-memory", 22) == 0);
        assert_int_equal(n.link_losses, 1);
        end(&n);

        n = (struct near){};
        run(&n);
        remote_ended(n.witness.e);
        loop_advance(n.loop, REMOTE_PATIENCE - 1);
        assert_string_equal(heard(&n), "");
        loop_advance(n.loop, 1);
        assert_string_equal(heard(&n),
                            "answered sandbox-failure Sandbox.Failure " BODY(
                                    "Sandbox.Failure",
                                    "the link has ended") "\n"
                                                          "idle sandbox-failure\ngone the link has ended\n");
        end(&n);

        n = (struct near){}; /* nobody waits: nothing to find out */
        warm(&n);
        remote_ended(n.witness.e);
        assert_string_equal(heard(&n), "gone the link has ended\n");
        assert_int_equal(n.link_losses, 0);
        end(&n);
}

/* ---- an init that hangs ---- */

static void an_init_that_says_nothing(void **state) {
        struct near n = {};

        set(&n);
        connect_init(&n);
        loop_advance(n.loop, REMOTE_GRACE);
        assert_string_equal(heard(&n), "gone lambent-init did not answer in time\n");
        end(&n);

        n = (struct near){};
        set(&n);
        connect_init(&n);
        SAY(&n, LINK_STARTED);
        loop_advance(n.loop, INIT_LIMIT + REMOTE_GRACE);
        assert_string_equal(heard(&n), "started\ngone lambent-init did not answer in time\n");
        end(&n);

        n = (struct near){};
        run(&n);
        loop_advance(n.loop, 3 * SECOND + REMOTE_GRACE - 1);
        assert_string_equal(heard(&n), "");
        loop_advance(n.loop, 1);
        assert_true(strncmp(heard(&n), "answered sandbox-failure", 24) == 0);
        end(&n);

        n = (struct near){};
        run(&n);
        n.witness.e->ops->stop(n.witness.e);
        expect(&n, LINK_STOP);
        loop_advance(n.loop, REMOTE_GRACE);
        assert_string_equal(
                heard(&n),
                "answered sandbox-failure Sandbox.Failure " BODY(
                        "Sandbox.Failure",
                        "the execution environment was stopped") "\n"
                                                                 "idle sandbox-failure\ngone stopped\n");
        end(&n);
}

/* ---- an init that lies ---- */

static const struct lie {
        const char *what;
        bool running, stream;
        struct link_message message;
} lies[] = {
        { "started twice", false, false, { .type = LINK_STARTED } },
        { "ready twice", false, false, { .type = LINK_READY } },
        { "an answer to nothing", false, false, { .type = LINK_ANSWERED, .answered = { 1, OUTCOME_OK } } },
        { "idle without an answer", true, false, { .type = LINK_IDLE, .idle = { 1, 1 } } },
        { "the number of another invocation",
          true,
          false,
          { .type = LINK_ANSWERED, .answered = { 2, OUTCOME_OK } } },
        { "a payload of another", true, false, { .type = LINK_PAYLOAD, .part = { 0, { "x", 1 } } } },
        { "a head for who wants no stream", true, false, { .type = LINK_HEAD, .head = { 1, NULL } } },
        { "a chunk without a head", true, true, { .type = LINK_CHUNK, .part = { 1, { "x", 1 } } } },
        { "a second greeting", true, true, { .type = LINK_HELLO, .hello = { LINK_MAGIC, LINK_VERSION } } },
};

static void lies_end_it(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(lies); ++i) {
                struct near n = { .stream = lies[i].stream };
                const char *events_now;

                if (lies[i].running)
                        run(&n);
                else
                        warm(&n);
                say(&n, lies[i].message);
                loop_advance(n.loop, REMOTE_PATIENCE);
                events_now = heard(&n);
                if (!strstr(events_now, "gone ") || !strstr(events_now, "answered ") != !lies[i].running)
                        fail_msg("%s: %s", lies[i].what, events_now);
                end(&n);
        }
}

static void bytes_that_are_no_message(void **state) {
        struct near n = {};

        run(&n);
        remote_feed(n.witness.e, "\xff\xff\xff\xff rubbish", 12);
        loop_advance(n.loop, REMOTE_PATIENCE);
        assert_non_null(strstr(heard(&n), "gone the other end of the link sent what is no message\n"));
        end(&n);
}

static void another_version(void **state) {
        struct near n = {};

        set(&n);
        assert_int_equal(n.witness.e->ops->start(n.witness.e), 0);
        remote_attach(n.witness.e, &transport, &n);
        SAY(&n, LINK_HELLO, .hello = { LINK_MAGIC, LINK_VERSION + 1 });
        loop_advance(n.loop, REMOTE_PATIENCE);
        assert_string_equal(heard(&n), "gone the other end speaks version 3 of the link, this one 2\n");
        end(&n);
}

/* Memory is bounded: one answer, one window. */
static void more_than_it_may(void **state) {
        static char data[LINK_CHUNK_MAX];
        struct near n = {};
        size_t fed = 0;

        run(&n);
        for (; fed < ANSWER_MAX + 2 * sizeof(data) && n.witness.e; fed += sizeof(data))
                SAY(&n, LINK_PAYLOAD, .part = { 1, { data, sizeof(data) } });
        loop_advance(n.loop, REMOTE_PATIENCE);
        assert_non_null(strstr(heard(&n), "gone lambent-init sent an answer that is too large\n"));
        end(&n);

        n = (struct near){ .stream = true };
        run(&n);
        SAY(&n, LINK_HEAD, .head = { 1, NULL });
        for (fed = 0; fed < 64 * sizeof(data); fed += sizeof(data))
                SAY(&n, LINK_CHUNK, .part = { 1, { data, sizeof(data) } });
        loop_advance(n.loop, REMOTE_PATIENCE);
        assert_true(n.witness.chunks <= ENVIRONMENT_WINDOW + 4 * LOOP_SCRATCH);
        assert_non_null(strstr(heard(&n), "gone lambent-init sent more of a streamed answer than it may\n"));
        end(&n);
}

/* ---- flow ---- */

/* Small credits are gathered, all of them are told in the end; what belongs to an invocation that is over is not. */
static void credit_is_passed_on(void **state) {
        static char data[LINK_CHUNK_MAX];
        struct near n = { .stream = true };
        struct link_message m;
        size_t told = 0;

        run(&n);
        SAY(&n, LINK_HEAD, .head = { 1, "text/plain" });
        for (unsigned i = 0; i < 64; ++i) {
                SAY(&n, LINK_CHUNK, .part = { 1, { data, sizeof(data) } });
                for (unsigned k = 0; k < 16; ++k)
                        n.witness.e->ops->credit(n.witness.e, sizeof(data) / 16);
                while (next(&n, &m)) {
                        assert_int_equal(m.type, LINK_CREDIT);
                        assert_int_equal(m.credit.number, 1);
                        assert_true(m.credit.len >= ENVIRONMENT_WINDOW / 8);
                        told += m.credit.len;
                }
        }
        assert_in_range(told, n.witness.chunks - ENVIRONMENT_WINDOW / 8, n.witness.chunks);
        SAY(&n, LINK_ANSWERED, .answered = { 1, OUTCOME_OK });
        n.witness.e->ops->credit(n.witness.e, MIB);
        assert_false(next(&n, &m));
        end(&n);
}

/* A full stream holds the event back, a few frames at a time; what overtakes it does. */
static void a_slow_stream(void **state) {
        static char event[PAYLOAD_MAX];
        struct near n = { .event = { event, sizeof(event) } };
        struct link_message m;
        size_t got = 0;

        warm(&n);
        n.room = 100;
        invoke(&n);
        n.witness.e->ops->stop(n.witness.e);
        loop_advance(n.loop, 0);
        assert_true(line_backlog(&remote_of(n.witness.e)->line) < 3 * LINK_CHUNK_MAX);
        n.room = 3 * LINK_CHUNK_MAX + 1000;
        remote_writable(n.witness.e);
        expect(&n, LINK_INVOKE);
        while (next(&n, &m) && m.type == LINK_EVENT)
                got += m.part.bytes.len;
        assert_int_equal(m.type, LINK_STOP);
        assert_true(got < 3 * LINK_CHUNK_MAX);
        n.room = SIZE_MAX;
        remote_writable(n.witness.e);
        for (; next(&n, &m); got += m.part.bytes.len)
                assert_int_equal(m.type, LINK_EVENT);
        assert_int_equal(got, sizeof(event));
        SAY(&n, LINK_GONE, .gone = { "stopped" });
        assert_true(strncmp(heard(&n), "answered sandbox-failure", 24) == 0);
        end(&n);
}

/* Who reads LOOP_SCRATCH at a time finds whole frames, so that none has to be put together. */
static void an_event_is_whole_in_each_read(void **state) {
        static char event[MIB];
        struct near n = { .event = { event, sizeof(event) } };
        struct link_message m;
        size_t read = 0, got = 0, before, size;

        warm(&n);
        invoke(&n);
        loop_advance(n.loop, 0);
        for (before = n.sent.len; next(&n, &m); before = n.sent.len) {
                size = before - n.sent.len;
                if (m.type == LINK_EVENT)
                        got += m.part.bytes.len;
                assert_true(read + size <= LOOP_SCRATCH);
                read = (read + size) % LOOP_SCRATCH;
        }
        assert_int_equal(got, sizeof(event));
        end(&n);
}

/* Messages that come late, and together, do not make INIT's time count twice. */
static void what_is_not_init_is_the_start(void **state) {
        struct near n = {};

        set(&n);
        connect_init(&n);
        loop_advance(n.loop, 300 * MILLISECOND);
        SAY(&n, LINK_STARTED);
        SAY(&n, LINK_READY, .ready = { 1, 250 * MILLISECOND, false });
        assert_int_equal(n.witness.start, 50 * MILLISECOND);
        end(&n);
}

/* Frames cut anywhere are put together again. */
static void bytes_in_pieces(void **state) {
        AUTO(buf) struct buf frames = BUF_NULL(MIB);
        const struct link_message said[] = {
                { .type = LINK_LOG, .log = { 1, { "line\n", 5 } } },
                { .type = LINK_PAYLOAD, .part = { 1, { "\"a\"", 3 } } },
                { .type = LINK_ANSWERED, .answered = { 1, OUTCOME_OK } },
                { .type = LINK_IDLE, .idle = { 1, 1 } },
        };

        for (size_t i = 0; i < ARRAY_SIZE(said); ++i)
                assert_int_equal(link_encode(&frames, &said[i]), 0);
        for (size_t step = 1; step < frames.len; ++step) {
                struct near n = {};

                run(&n);
                for (size_t at = 0; at < frames.len; at += step)
                        remote_feed(n.witness.e, buf_data(&frames) + at, MIN(step, frames.len - at));
                assert_string_equal(heard(&n), "answered success - \"a\"\nidle success\n");
                assert_string_equal(witness_text_of(&n.witness.log), "line\n");
                end(&n);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(lost_under_an_invocation),
                cmocka_unit_test(lost_after_the_answer),
                cmocka_unit_test(lost_before_there_is_a_link),
                cmocka_unit_test(the_link_ends_first),
                cmocka_unit_test(an_init_that_says_nothing),
                cmocka_unit_test(lies_end_it),
                cmocka_unit_test(bytes_that_are_no_message),
                cmocka_unit_test(another_version),
                cmocka_unit_test(more_than_it_may),
                cmocka_unit_test(credit_is_passed_on),
                cmocka_unit_test(a_slow_stream),
                cmocka_unit_test(an_event_is_whole_in_each_read),
                cmocka_unit_test(what_is_not_init_is_the_start),
                cmocka_unit_test(bytes_in_pieces),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
