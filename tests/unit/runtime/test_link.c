/* SPDX-License-Identifier: Apache-2.0 */
/* Frames: there and back, in pieces, too short, too long, out of shape. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>

#include "runtime/link.h"

#define ID "00112233445566778899aabbccddeeff"

static const char vars[] = "NAME\0value\0OTHER\0";
static const char argv[] = "/lambda-entrypoint.sh\0app.handler";

/* One of each, with every field set. */
static const struct link_message samples[] = {
        { .type = LINK_HELLO, .hello = { LINK_MAGIC, LINK_VERSION } },
        { .type = LINK_START,
          .start = { .spec = { .id = ID,
                               .account = "000000000000",
                               .region = "eu-west-1",
                               .function = "f",
                               .version = "$LATEST",
                               .runtime = "python3.13",
                               .handler = "app.handler",
                               .memory_mb = 128,
                               .tmp_mb = 512,
                               .timeout = 3 * SECOND,
                               .log_group = "/aws/lambda/f",
                               .log_stream = "s",
                               .log_json = true,
                               .provisioned = true,
                               .log_level = "INFO",
                               .system_log_level = "WARN",
                               .access_key_id = "a",
                               .secret_access_key = "b",
                               .session_token = "c" },
                     .command = { .cwd = "/var/task",
                                  .execution_env = "AWS_Lambda_python3.13",
                                  .notice = "careful",
                                  .missing_entry = "none",
                                  .version_name = "n",
                                  .version_arn = "arn" },
                     .vars = { vars, sizeof(vars) },
                     .command_vars = { "A\0b", 4 },
                     .has_command = true,
                     .argv = { argv, sizeof(argv) },
                     .init_limit = 10 * SECOND,
                     .site = { .api_port = 9001,
                               .shared_network = true,
                               .serves_api = true,
                               .uid = 993,
                               .gid = 990,
                               .ports = { "5432\0"
                                          "6379",
                                          10 } } } },
        { .type = LINK_OPEN, .open = { .api_port = 9001, .uid = 993, .ports = { "5432", 5 } } },
        { .type = LINK_SPAWN, .spawn = { 0, { argv, sizeof(argv) }, { "A=b", 4 }, "/var/task" } },
        { .type = LINK_SIGNAL, .signal = { 3, SIGTERM } },
        { .type = LINK_KILL },
        { .type = LINK_INVOKE,
          .invoke = { 7,
                      { .request_id = "id",
                        .arn = "arn",
                        .trace_id = "Root=1",
                        .client_context = "{}",
                        .cognito_identity = "who",
                        .tenant_id = "t",
                        .content_type = "application/json",
                        .timeout = 900 * SECOND,
                        .stream = true },
                      42 } },
        { .type = LINK_EVENT, .part = { 7, { "{\"key\":1}", 9 } } },
        { .type = LINK_CREDIT, .credit = { 7, 65536 } },
        { .type = LINK_FREEZE },
        { .type = LINK_THAW },
        { .type = LINK_ASK_STATS },
        { .type = LINK_STOP },
        { .type = LINK_STARTED },
        { .type = LINK_READY, .ready = { 2, 123 * MILLISECOND, true, true } },
        { .type = LINK_HEAD, .head = { 7, "text/plain" } },
        { .type = LINK_CHUNK, .part = { 7, { "a\0b", 3 } } },
        { .type = LINK_PAYLOAD, .part = { 7, { "x", 1 } } },
        { .type = LINK_ANSWERED,
          .answered = { 7, OUTCOME_TIMEOUT, true, "application/json", "Sandbox.Timedout" } },
        { .type = LINK_IDLE,
          .idle = { 7, 3, OUTCOME_EXIT, true, true, 1, 2, 3, 128, 64, "Runtime.ExitError" } },
        { .type = LINK_LOG, .log = { 1767225600 * SECOND, { "line\n", 5 } } },
        { .type = LINK_STATS, .stats = { 1 << 20, 1 << 22 } },
        { .type = LINK_OPENED,
          .opened = { 1u << HANDED_LISTENER | 1u << HANDED_MEMORY | 1u << HANDED_DIAG,
                      993,
                      9002,
                      { "IMAGE\0"
                        "1",
                        8 },
                      { "agent", 6 },
                      true } },
        { .type = LINK_KEPT, .gone = { "no memory file" } },
        { .type = LINK_EXIT, .exit = { 10, PLACE_EXEC_FAILED, 2 } },
        { .type = LINK_EMPTIED },
        { .type = LINK_GONE, .gone = { "stopped" } },
        { .type = LINK_TUNNEL_OPEN, .tunnel_open = { 1, TUNNEL_PORT, 5432 } },
        { .type = LINK_TUNNEL_DATA, .tunnel_data = { 1, { "SELECT 1", 8 } } },
        { .type = LINK_TUNNEL_CREDIT, .tunnel = { 1, 4096 } },
        { .type = LINK_TUNNEL_END, .tunnel = { 1 } },
        { .type = LINK_TUNNEL_CLOSE, .tunnel = { 1 } },
};

static const struct link_message *sample_of(enum link_type type) {
        for (size_t i = 0; i < ARRAY_SIZE(samples); ++i)
                if (samples[i].type == type)
                        return &samples[i];
        fail();
        return NULL;
}

static enum link_side sender_of(enum link_type type) {
        return type >= LINK_STARTED ? LINK_INIT : LINK_DAEMON;
}

static int decode(const struct buf *buf, enum link_side from, struct link_message *ret_message) {
        size_t total = 0;
        int r = link_decode(buf_data(buf), buf->len, from, ret_message, &total);

        if (r == LINK_WHOLE)
                assert_int_equal(total, buf->len);
        return r;
}

static void encode(struct buf *buf, const struct link_message *m) {
        buf_clear(buf);
        assert_int_equal(link_encode(buf, m), 0);
}

/* Read, and written again, it is the same bytes: nothing was lost on the way. */
static void all_messages_return(void **state) {
        AUTO(buf) struct buf first = BUF_NULL(MIB);
        AUTO(buf) struct buf second = BUF_NULL(MIB);
        struct link_message m;

        assert_int_equal(ARRAY_SIZE(samples), LINK_TYPES - 1);
        for (size_t i = 0; i < ARRAY_SIZE(samples); ++i) {
                encode(&first, &samples[i]);
                assert_int_equal(decode(&first, sender_of(samples[i].type), &m), LINK_WHOLE);
                assert_int_equal(m.type, samples[i].type);
                encode(&second, &m);
                assert_int_equal(second.len, first.len);
                assert_memory_equal(buf_data(&second), buf_data(&first), first.len);
        }
}

static void fields_arrive(void **state) {
        AUTO(buf) struct buf buf = BUF_NULL(MIB);
        struct link_message m;
        const char *at;

        encode(&buf, &samples[1]);
        assert_int_equal(decode(&buf, LINK_DAEMON, &m), LINK_WHOLE);
        assert_string_equal(m.start.spec.id, ID);
        assert_string_equal(m.start.spec.handler, "app.handler");
        assert_string_equal(m.start.command.cwd, "/var/task");
        assert_int_equal(m.start.spec.timeout, 3 * SECOND);
        assert_int_equal(m.start.site.gid, 990);
        assert_true(m.start.spec.log_json && m.start.spec.provisioned && m.start.site.serves_api);
        assert_int_equal(link_list_count(&m.start.vars), 4);
        at = link_list_next(&m.start.vars, NULL);
        assert_string_equal(at, "NAME");
        at = link_list_next(&m.start.vars, at);
        assert_string_equal(at, "value");
        at = link_list_next(&m.start.vars, link_list_next(&m.start.vars, at));
        assert_string_equal(at, "");
        assert_null(link_list_next(&m.start.vars, at));
}

/* The bytes of the wire, by hand: both ends may be of different builds. */
static void the_wire_is_what_the_header_says(void **state) {
        static const char hello[] = "\x09\0\0\0\x01lbnt\x02\0\0\0",
                          head[] = "\x0b\0\0\0\x10\x07\0\0\0\x02\0\0\0t";
        const struct link_message m = { .type = LINK_HEAD, .head = { 7, "t" } };
        AUTO(buf) struct buf buf = BUF_NULL(MIB);

        encode(&buf, &samples[0]);
        assert_int_equal(buf.len, 13);
        assert_memory_equal(buf_data(&buf), hello, 13);
        encode(&buf, &m);
        assert_int_equal(buf.len, 15);
        assert_memory_equal(buf_data(&buf), head, 15);
}

static void absent_strings_stay_absent(void **state) {
        const struct link_message in = { .type = LINK_ANSWERED,
                                         .answered = { 1, OUTCOME_OK, false, NULL, NULL } };
        AUTO(buf) struct buf buf = BUF_NULL(MIB);
        struct link_message out;

        encode(&buf, &in);
        assert_int_equal(decode(&buf, LINK_INIT, &out), LINK_WHOLE);
        assert_null(out.answered.content_type);
        assert_null(out.answered.error_type);
}

/* Cut anywhere it is the beginning of a message; with its length made to fit it is none. */
static void cut_at_each_byte(void **state) {
        AUTO(buf) struct buf buf = BUF_NULL(MIB);
        struct link_message m;
        size_t total;

        for (size_t i = 0; i < ARRAY_SIZE(samples); ++i) {
                encode(&buf, &samples[i]);
                for (size_t len = 0; len < buf.len; ++len) {
                        char *copy = xmemdup(buf_data(&buf), len); /* sanitizers see a read past its end */

                        assert_int_equal(link_decode(copy, len, sender_of(samples[i].type), &m, &total),
                                         LINK_MORE);
                        if (len >= 5) {
                                copy[0] = (char)(len - 4);
                                copy[1] = (char)((len - 4) >> 8);
                                assert_int_equal(
                                        link_decode(copy, len, sender_of(samples[i].type), &m, &total),
                                        -EPROTO);
                        }
                        free(copy);
                }
        }
}

static void a_byte_too_many(void **state) {
        AUTO(buf) struct buf buf = BUF_NULL(MIB);
        struct link_message m;

        for (size_t i = 0; i < ARRAY_SIZE(samples); ++i) {
                size_t len;

                encode(&buf, &samples[i]);
                len = buf.len - 4 + 1;
                assert_int_equal(buf_append(&buf, "", 1), 0);
                buf_data(&buf)[0] = (char)len;
                buf_data(&buf)[1] = (char)(len >> 8);
                assert_int_equal(decode(&buf, sender_of(samples[i].type), &m), -EPROTO);
        }
}

/* Each side may say only what is its own. */
static void the_wrong_side(void **state) {
        AUTO(buf) struct buf buf = BUF_NULL(MIB);
        struct link_message m;

        for (size_t i = 0; i < ARRAY_SIZE(samples); ++i) {
                enum link_type type = samples[i].type;
                bool both = type == LINK_HELLO || type == LINK_STOP || type >= LINK_TUNNEL_DATA;

                encode(&buf, &samples[i]);
                assert_int_equal(decode(&buf, sender_of(type) == LINK_INIT ? LINK_DAEMON : LINK_INIT, &m),
                                 both ? LINK_WHOLE : -EPROTO);
        }
}

/* The head alone decides: nobody waits for a megabyte that will not be taken. */
static void impossible_heads(void **state) {
        static const char *const heads[] = { "\0\0\0\0", "\x01\0\x10\0", "\xff\xff\xff\xff" };
        struct link_message m;
        size_t total;

        for (size_t i = 0; i < ARRAY_SIZE(heads); ++i)
                assert_int_equal(link_decode(heads[i], 4, LINK_INIT, &m, &total), -EPROTO);
        for (unsigned type = 0; type < 256; ++type) {
                const char head[] = { 1, 0, 0, 0, (char)type };

                if (type == 0 || type >= LINK_TYPES)
                        assert_int_equal(link_decode(head, 5, LINK_INIT, &m, &total), -EPROTO);
        }
}

static const struct bad {
        const char *what;
        enum link_type type;
        size_t offset; /* of the byte in the frame that is changed */
        char byte;
} bads[] = {
        { "magic", LINK_HELLO, 5, 'x' },
        { "an id that is not hex", LINK_START, 9, 'G' },
        { "an id in upper case", LINK_START, 9, 'A' },
        { "a string without its end", LINK_HEAD, 4 + 1 + 4 + 4 + 10, 'x' },
        { "a NUL inside a string", LINK_HEAD, 4 + 1 + 4 + 4 + 3, 0 },
        { "no such outcome", LINK_ANSWERED, 9, OUTCOME_SANDBOX_FAILURE + 1 },
        { "an error that is a success", LINK_ANSWERED, 9, OUTCOME_OK },
        { "a bool of 2", LINK_READY, 4 + 1 + 4 + 8, 2 },
        { "a log line without its newline", LINK_LOG, 4 + 1 + 8 + 4 + 4, 'x' },
        { "no such kind of tunnel", LINK_TUNNEL_OPEN, 9, 2 },
        { "a port above 65535", LINK_TUNNEL_OPEN, 4 + 1 + 4 + 4 + 2, 1 },
        { "a length past the frame", LINK_TUNNEL_DATA, 9, 9 },
        { "no such process", LINK_SPAWN, 5, PROCESS_NUMBERS },
        { "a signal that is none of the two", LINK_SIGNAL, 9, 1 },
        { "no such end", LINK_EXIT, 9, PLACE_EXEC_FAILED + 1 },
        { "a detail below zero", LINK_EXIT, 16, (char)0x80 },
        { "no listener among what is handed over", LINK_OPENED, 5, 1 << HANDED_MEMORY },
        { "no memory among what is handed over", LINK_OPENED, 5, 1 << HANDED_LISTENER },
        { "something unknown is handed over", LINK_OPENED, 5, 0x1f },
};

static void fields_out_of_shape(void **state) {
        AUTO(buf) struct buf buf = BUF_NULL(MIB);
        struct link_message m;

        for (size_t i = 0; i < ARRAY_SIZE(bads); ++i) {
                encode(&buf, sample_of(bads[i].type));
                buf_data(&buf)[bads[i].offset] = bads[i].byte;
                if (decode(&buf, sender_of(bads[i].type), &m) != -EPROTO)
                        fail_msg("%s was taken", bads[i].what);
        }
}

/* What is too long is not written; what a function chose is cut. */
static void too_long_to_write(void **state) {
        AUTO(buf) struct buf buf = BUF_NULL(4 * MIB);
        AUTO(str) char *text = xmalloc(2 * MIB);
        struct link_message m = { .type = LINK_INVOKE, .invoke.order = { .request_id = text, .arn = "" } },
                            out;
        const struct link_message empty = { .type = LINK_CHUNK };

        memset(text, 'x', 2 * MIB);
        text[2 * MIB - 1] = 0;
        assert_int_equal(link_encode(&buf, &m), -E2BIG);
        assert_int_equal(buf.len, 0);
        m = (struct link_message){ .type = LINK_CHUNK, .part.bytes = { text, LINK_CHUNK_MAX + 1 } };
        assert_int_equal(link_encode(&buf, &m), -E2BIG);
        assert_int_equal(link_encode(&buf, &empty), -E2BIG);
        m = (struct link_message){ .type = LINK_HEAD, .head.content_type = text };
        encode(&buf, &m);
        assert_int_equal(decode(&buf, LINK_INIT, &out), LINK_WHOLE);
        assert_int_equal(strlen(out.head.content_type), LINK_TEXT_MAX - 1);
        text[LINK_TEXT_MAX - 1] = 0; /* the longest that is whole */
        m = (struct link_message){ .type = LINK_INVOKE, .invoke.order = { .request_id = text, .arn = "" } };
        encode(&buf, &m);
        assert_int_equal(decode(&buf, LINK_DAEMON, &out), LINK_WHOLE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(all_messages_return),
                cmocka_unit_test(fields_arrive),
                cmocka_unit_test(the_wire_is_what_the_header_says),
                cmocka_unit_test(absent_strings_stay_absent),
                cmocka_unit_test(cut_at_each_byte),
                cmocka_unit_test(a_byte_too_many),
                cmocka_unit_test(the_wrong_side),
                cmocka_unit_test(impossible_heads),
                cmocka_unit_test(fields_out_of_shape),
                cmocka_unit_test(too_long_to_write),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
