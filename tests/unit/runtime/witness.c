/* SPDX-License-Identifier: Apache-2.0 */
#include "witness.h"

static void note(struct environment *e, const char *text, const char *more) {
        struct witness *w = e->owner;

        assert_int_equal(buf_append_strs(&w->events, text, more, "\n", NULL), 0);
}

static void on_started(struct environment *e) {
        note(e, "started", "");
}

static void on_ready(struct environment *e, nsec_t start, nsec_t init, bool failed) {
        ((struct witness *)e->owner)->start = start;
        note(e, "ready", failed ? " failed" : "");
}

static void on_head(struct environment *e, const char *content_type) {
        note(e, "head ", content_type ?: "-");
}

static void on_chunk(struct environment *e, const char *data, size_t len) {
        ((struct witness *)e->owner)->chunks += len;
}

static void on_answered(struct environment *e, struct invocation_answer *a) {
        AUTO(str)
        char *text = xasprintf("%s %s %.*s", invocation_outcome_name(a->outcome), a->error_type ?: "-",
                               (int)a->payload->len, a->payload->len ? buf_data(a->payload) : "");

        note(e, "answered ", text);
}

static void on_idle(struct environment *e, const struct invocation_report *report) {
        struct witness *w = e->owner;

        if (w->want_tail) {
                assert_int_equal(report->log_tail_len, w->log.len);
                assert_memory_equal(report->log_tail, buf_data(&w->log), w->log.len);
        }
        note(e, "idle ", invocation_outcome_name(report->outcome));
}

static void on_log(struct environment *e, nsec_t wall, const char *line, size_t len) {
        assert_int_equal(buf_append(&((struct witness *)e->owner)->log, line, len), 0);
}

static void on_gone(struct environment *e, const char *why) {
        note(e, "gone ", why);
        TAKE(((struct witness *)e->owner)->e)->ops->free(e);
}

static const struct environment_events events = {
        .started = on_started,
        .ready = on_ready,
        .head = on_head,
        .chunk = on_chunk,
        .answered = on_answered,
        .idle = on_idle,
        .log = on_log,
        .gone = on_gone,
};

void witness_make(struct witness *w, const struct remote_options *options, bool log_json) {
        static const char *const argv[] = { "/bootstrap", NULL };
        const struct environment_spec spec = { .account = "000000000000",
                                               .region = "us-east-1",
                                               .function = "f",
                                               .version = "$LATEST",
                                               .runtime = "provided.al2023",
                                               .log_group = "g",
                                               .log_stream = "s",
                                               .log_json = log_json,
                                               .memory_mb = 128,
                                               .timeout = 3 * SECOND,
                                               .id = "00112233445566778899aabbccddeeff" };
        const struct runtime_command command = {
                .argv = argv, .cwd = "/", .version_name = "v", .version_arn = "a"
        };
        struct remote_options whole = *options;

        whole.spec = &spec;
        whole.command = &command;
        w->events = w->log = BUF_NULL(64 * MIB);
        w->e = remote_new(&whole);
        w->e->events = &events;
        w->e->owner = w;
}

const char *witness_text_of(struct buf *buf) {
        assert_int_equal(buf_append(buf, "", 1), 0);
        buf->len -= 1;
        return buf_data(buf);
}

void witness_end(struct witness *w) {
        if (w->e)
                w->e->ops->free(w->e);
        buf_deinit(&w->events);
        buf_deinit(&w->log);
}
