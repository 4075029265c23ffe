/* SPDX-License-Identifier: Apache-2.0 */
/* What an engine streams, cut at every place: attached output, pulls, events. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "sandbox/engine/attach.h"
#include "sandbox/engine/events.h"
#include "sandbox/engine/pull.h"

/* ---- attach ---- */

struct heard {
        char text[2][64];
        size_t len[2];
        bool stop;
};

static bool hear(void *owner, enum attach_stream stream, const char *data, size_t len) {
        struct heard *h = owner;
        size_t i = stream == ATTACH_ERROR;

        assert_true(h->len[i] + len < sizeof(h->text[i]));
        memcpy(h->text[i] + h->len[i], data, len);
        h->len[i] += len;
        return !h->stop;
}

static const char attached[] =
        "\1\0\0\0\0\0\0\5hello\2\0\0\0\0\0\0\3err\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\6 world";

static void test_attached_output_cut_anywhere(void **state) {
        for (size_t cut = 0; cut < sizeof(attached); ++cut) {
                struct heard h = {};
                struct attach a = {};

                assert_int_equal(attach_feed(&a, attached, cut, hear, &h), 0);
                assert_int_equal(attach_feed(&a, attached + cut, sizeof(attached) - 1 - cut, hear, &h), 0);
                assert_string_equal(h.text[0], "hello world");
                assert_string_equal(h.text[1], "err");
        }
}

static void test_what_is_no_attached_output(void **state) {
        static const char *const streams[] = { "plain text of a terminal", "\3\0\0\0\0\0\0\1x",
                                               "\1\0\1\0\0\0\0\1x" };

        for (size_t i = 0; i < ARRAY_SIZE(streams); ++i) {
                struct heard h = {};
                struct attach a = {};

                assert_int_equal(attach_feed(&a, streams[i], 9, hear, &h), -EPROTO);
        }
}

static void test_a_listener_that_has_enough(void **state) {
        struct heard h = { .stop = true };
        struct attach a = {};

        assert_int_equal(attach_feed(&a, attached, sizeof(attached) - 1, hear, &h), 0);
        assert_string_equal(h.text[0], "hello");
        assert_string_equal(h.text[1], "");
}

/* ---- pull ---- */

static const char pulled[] =
        "{\"status\":\"Pulling from lambda/python\",\"id\":\"3.13\"}\r\n"
        "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":10,\"total\":100},\"id\":\"aaa\"}\r\n"
        "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":50,\"total\":50},\"id\":\"bbb\"}\r\n"
        "not json\r\n"
        "{\"status\":\"Extracting\",\"progressDetail\":{\"current\":1,\"total\":50},\"id\":\"bbb\"}\r\n"
        "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":40,\"total\":100},\"id\":\"aaa\"}\r\n";

static void test_progress_cut_anywhere(void **state) {
        for (size_t cut = 0; cut < sizeof(pulled); ++cut) {
                uint64_t current, total;
                struct pull p;

                pull_init(&p);
                pull_feed(&p, pulled, cut);
                pull_feed(&p, pulled + cut, sizeof(pulled) - 1 - cut);
                pull_progress(&p, &current, &total);
                assert_int_equal(current, 90);
                assert_int_equal(total, 150);
                assert_null(p.error);
                pull_deinit(&p);
        }
}

static void test_a_pull_that_fails(void **state) {
        static const char line[] =
                "{\"errorDetail\":{\"message\":\"toomanyrequests: slow down\"},\"error\":\"x\"}\n";
        struct pull p;

        pull_init(&p);
        pull_feed(&p, line, sizeof(line) - 1);
        assert_string_equal(p.error, "toomanyrequests: slow down");
        pull_deinit(&p);
}

static void test_a_flood_of_layers_and_a_line_without_end(void **state) {
        char line[128];
        struct pull p;

        pull_init(&p);
        for (int i = 0; i < 2 * PULL_LAYERS_MAX; ++i) {
                int len =
                        snprintf(line, sizeof(line),
                                 "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":1,\"total\":1},"
                                 "\"id\":\"%d\"}\n",
                                 i);

                pull_feed(&p, line, (size_t)len);
        }
        assert_int_equal(p.layer_count, PULL_LAYERS_MAX);
        memset(line, 'x', sizeof(line));
        for (int i = 0; i < 2048; ++i)
                pull_feed(&p, line, sizeof(line));
        assert_true(p.line.capacity <= 128 * KIB);
        pull_deinit(&p);
}

static void test_what_may_pass(void **state) {
        static const struct {
                const char *error;
                int r;
        } table[] = {
                { "pull access denied for x, repository does not exist", -EACCES },
                { "manifest for x:y not found: manifest unknown: manifest unknown", -ENOENT },
                { "no matching manifest for linux/arm64/v8 in the manifest list entries", -EINVAL },
                { "unauthorized: authentication required", -EACCES },
                { "toomanyrequests: Rate exceeded", -EAGAIN },
                { "received unexpected HTTP status: 503 Service Unavailable", -EAGAIN },
                { "net/http: TLS handshake timeout", -EAGAIN },
                { "unexpected EOF", -EAGAIN },
                { "dial tcp: lookup x: no such host", -EHOSTUNREACH },
                /* Nobody makes room within the seconds that lie between two tries. */
                { "write /var/lib/docker/tmp/GetImageBlob1: no space left on device", -ENOSPC },
        };

        for (size_t i = 0; i < ARRAY_SIZE(table); ++i)
                assert_int_equal(pull_judge(table[i].error), table[i].r);
}

/* ---- events ---- */

static struct engine_event read_event(const char *line) {
        struct engine_event event;

        engine_event_read(line, strlen(line), &event);
        return event;
}

static void test_events(void **state) {
        struct engine_event event = read_event(
                "{\"status\":\"die\",\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"abc\","
                "\"Attributes\":{\"exitCode\":\"137\",\"dev.lambent.instance\":\"i\"}}}");

        assert_int_equal(event.kind, ENGINE_EVENT_DIED);
        assert_int_equal(event.exit_code, 137);
        assert_string_equal(event.id, "abc");
        assert_string_equal(event.instance, "i");
        assert_int_equal(read_event("{\"Action\":\"remove\",\"Actor\":{\"ID\":\"a\"}}").kind,
                         ENGINE_EVENT_REMOVED);
        assert_int_equal(read_event("{\"Action\":\"destroy\",\"Actor\":{\"ID\":\"a\"}}").kind,
                         ENGINE_EVENT_REMOVED);
        assert_int_equal(read_event("{\"Action\":\"destroy\"}").kind, ENGINE_EVENT_OTHER);
        assert_int_equal(read_event("{\"Action\":7,\"Actor\":{\"ID\":\"a\"}}").kind, ENGINE_EVENT_OTHER);
        assert_int_equal(
                read_event(
                        "{\"Action\":\"die\",\"Actor\":{\"ID\":\"a\",\"Attributes\":{\"exitCode\":\"x\"}}}")
                        .exit_code,
                -1);
        assert_int_equal(read_event("[").kind, ENGINE_EVENT_OTHER);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_attached_output_cut_anywhere),
                cmocka_unit_test(test_what_is_no_attached_output),
                cmocka_unit_test(test_a_listener_that_has_enough),
                cmocka_unit_test(test_progress_cut_anywhere),
                cmocka_unit_test(test_a_pull_that_fails),
                cmocka_unit_test(test_a_flood_of_layers_and_a_line_without_end),
                cmocka_unit_test(test_what_may_pass),
                cmocka_unit_test(test_events),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
