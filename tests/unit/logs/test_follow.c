/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "harness.h"

#define GROUP "g"

struct heard {
        struct bench *b;
        struct logs_follower *follower, *victim;
        struct logs_stream *speaks;
        char texts[65536];
        unsigned count;
        unsigned leave_after;
};

static void hear(struct logs_follower *follower, const struct logs_record *record) {
        struct heard *h = logs_follower_owner(follower);

        sprintf(h->texts + strlen(h->texts), "%s%.*s", h->count ? " " : "", (int)record->len, record->data);
        ++h->count;
        if (h->victim)
                logs_unfollow(TAKE(h->victim));
        if (h->speaks)
                say(h->b, TAKE(h->speaks), "echo");
        if (h->count == h->leave_after)
                logs_unfollow(TAKE(h->follower));
}

static void follow(struct bench *b, struct heard *h, const char *stream, const struct logs_query *query) {
        *h = (struct heard){ .b = b };
        h->follower = logs_follow(b->logs, GROUP, stream, query, hear, h);
}

static void live_records_come_in_order(void **state) {
        struct bench *b = *state;
        struct logs_stream *s = logs_stream_open(b->logs, GROUP, "s"),
                           *t = logs_stream_open(b->logs, GROUP, "t");
        struct logs_stream *other = logs_stream_open(b->logs, "other", "s");
        static struct heard all, only_t;

        say(b, s, "before");
        follow(b, &all, NULL, NULL);
        follow(b, &only_t, "t", NULL);
        say(b, s, "1");
        say(b, t, "2");
        say(b, other, "x");
        assert_int_equal(all.count, 0); /* never from inside logs_append */
        loop_advance(b->loop, 0);
        assert_string_equal(all.texts, "1 2");
        assert_string_equal(only_t.texts, "2");
        loop_advance(b->loop, SECOND);
        say(b, s, "3");
        loop_advance(b->loop, 0);
        assert_string_equal(all.texts, "1 2 3");
        logs_unfollow(all.follower);
        say(b, t, "4");
        loop_advance(b->loop, 0);
        assert_string_equal(all.texts, "1 2 3");
        assert_string_equal(only_t.texts, "2 4");
        logs_unfollow(only_t.follower);
        logs_stream_close(s);
        logs_stream_close(t);
        logs_stream_close(other);
}

static void the_past_joins_the_present_without_a_seam(void **state) {
        struct bench *b = *state;
        struct logs_stream *s = logs_stream_open(b->logs, GROUP, "s");
        static struct heard all, tail;
        static char expected[65536];
        int i;

        /* Some on the disk, some in memory, some while the past is being read, some after it. */
        for (i = 0; i < 40; ++i) {
                say(b, s, "%d", i);
                if (i == 20)
                        loop_advance(b->loop, SECOND);
        }
        follow(b, &all, NULL, &(struct logs_query){});
        follow(b, &tail, NULL, &(struct logs_query){ .last = true, .max_records = 5 });
        for (; i < 60; ++i)
                say(b, s, "%d", i);
        for (; i < 100; ++i) {
                loop_advance(b->loop, i % 3 ? 0 : 60 * MILLISECOND);
                say(b, s, "%d", i);
        }
        loop_advance(b->loop, SECOND);
        for (i = 0; i < 100; ++i)
                sprintf(expected + strlen(expected), "%s%d", i ? " " : "", i);
        assert_string_equal(all.texts, expected);
        /* What was said between the call and the reading counts as past: the last five of it come. */
        assert_string_equal(tail.texts, strstr(expected, "55 56"));
        logs_unfollow(all.follower);
        logs_unfollow(tail.follower);
        logs_stream_close(s);
}

struct flood {
        struct logs_stream *stream;
        char text[30000];
        unsigned said, heard;
};

static void flood_say(struct flood *f) {
        snprintf(f->text, sizeof(f->text), "%u ", f->said++);
        logs_append(f->stream, 0, f->text, sizeof(f->text));
}

static void flood_hear(struct logs_follower *follower, const struct logs_record *record) {
        struct flood *f = logs_follower_owner(follower);

        assert_int_equal(strtoul(record->data, NULL, 10), f->heard);
        ++f->heard;
}

/* A real worker: records pile up while it reads, more than a follower may hold back. */
static void a_flood_while_the_past_is_read_is_not_lost(void **state) {
        struct bench *b = *state;
        AUTO(loop) struct loop *loop = NULL;
        struct flood *f = xcalloc(1, sizeof(*f));
        struct logs_follower *follower;
        struct logs *logs;
        nsec_t end;

        bench_shut(b);
        assert_int_equal(loop_new(&loop), 0);
        assert_int_equal(
                logs_open(loop, b->dir, &(struct logs_options){ .pending_bytes_max = 64 * MIB }, &logs), 0);
        f->stream = logs_stream_open(logs, GROUP, "s");
        while (f->said < 100)
                flood_say(f);
        follower = logs_follow(logs, GROUP, NULL, &(struct logs_query){}, flood_hear, f);
        for (int burst = 0; burst < 5; ++burst) {
                assert_int_equal(loop_turn(loop, 0), 0);
                for (int i = 0; i < 50; ++i)
                        flood_say(f);
        }
        end = loop_clock(loop) + 60 * SECOND;
        while (f->heard < f->said) {
                assert_true(loop_clock(loop) < end);
                assert_int_equal(loop_turn(loop, 100 * MILLISECOND), 0);
        }
        flood_say(f);
        assert_int_equal(loop_turn(loop, 0), 0);
        assert_int_equal(f->heard, f->said);
        logs_unfollow(follower);
        logs_stream_close(f->stream);
        assert_int_equal(logs_lost(logs), 0);
        logs_close(logs);
        free(f);
        bench_open(b);
}

static void callbacks_may_unfollow_anyone(void **state) {
        struct bench *b = *state;
        struct logs_stream *s = logs_stream_open(b->logs, GROUP, "s");
        static struct heard one, two, three;

        for (int past = 0; past < 2; ++past) {
                const struct logs_query query = { .from_ms = UINT64_MAX };

                follow(b, &one, NULL, past ? &query : NULL);
                follow(b, &two, NULL, past ? &query : NULL);
                follow(b, &three, NULL, past ? &query : NULL);
                loop_advance(b->loop, 0);
                one.victim = TAKE(two.follower);
                one.leave_after = 2;
                one.speaks = s;
                say(b, s, "a");
                loop_advance(b->loop, 0);
                assert_string_equal(one.texts, "a echo");
                assert_string_equal(two.texts, "");
                assert_null(one.follower);
                assert_string_equal(three.texts, "a echo");
                three.leave_after = 3;
                say(b, s, "b");
                loop_advance(b->loop, 0);
                assert_null(three.follower);
                loop_advance(b->loop, SECOND);
        }
        logs_stream_close(s);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(live_records_come_in_order, bench_setup, bench_teardown),
                cmocka_unit_test_setup_teardown(the_past_joins_the_present_without_a_seam, bench_setup,
                                                bench_teardown),
                cmocka_unit_test_setup_teardown(a_flood_while_the_past_is_read_is_not_lost, bench_setup,
                                                bench_teardown),
                cmocka_unit_test_setup_teardown(callbacks_may_unfollow_anyone, bench_setup, bench_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
