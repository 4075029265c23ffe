/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHUTDOWN's times, on a clock that the test turns (docs/aws.md, lifecycle). Nobody speaks HTTP here:
 * what extensions have said is put into their states.
 */
#include "stage.h"

#include <signal.h>

#define MS MILLISECOND

static const char *const outside[] = { "patient", "uninterested", NULL };

static struct supervisor *supervisor_in(struct stage *st) {
        return supervisor_of(st->e);
}

static void pass(struct stage *st, nsec_t time) {
        loop_advance(st->loop, time);
}

/* Ready and idle, with these external extensions, or with one from inside. */
static void open_stage(struct stage *st, const char *const *names, bool internal) {
        struct extension *e;
        struct supervisor *s;

        stage_set(st);
        loop_free(st->loop);
        st->loop = loop_new_manual();
        st->no_listener = true;
        st->hold_empty = true;
        st->extensions = names;
        stage_new(st);
        assert_int_equal(st->e->ops->start(st->e), 0);
        pass(st, 0);
        s = supervisor_in(st);
        if (internal)
                assert_int_equal(extensions_add_internal(&s->extensions, "inside", &e), 0);
        for (size_t i = 0; i < s->extensions.count; ++i)
                s->extensions.all[i].state = EXTENSION_READY;
        if (names)
                s->extensions.all[0].events = EXTENSION_INVOKE | EXTENSION_SHUTDOWN;
        generation_advance(s);
        generation_asked(s);
        assert_int_equal(s->gen, GEN_READY);
        stage_asked(st);
        stage_events(st);
}

static void close_stage(struct stage *st) {
        assert_int_equal(st->kills, 1);
        stage_empty_now(st);
        pass(st, 0);
        assert_string_equal(stage_events(st), "gone stopped\n");
        stage_end(st);
}

static void stop(struct stage *st) {
        st->e->ops->stop(st->e);
        pass(st, 0);
}

/* Without extensions there is no SHUTDOWN: killed at once, never SIGTERM. */
static void without_extensions(void **state) {
        struct stage st;

        open_stage(&st, NULL, false);
        stop(&st);
        assert_string_equal(stage_asked(&st), "");
        close_stage(&st);
}

/* One inside only: SIGTERM, and 500 ms that are all the runtime's. */
static void internal_ones_only(void **state) {
        for (int in_time = 0; in_time < 2; ++in_time) {
                struct stage st;

                open_stage(&st, NULL, true);
                stop(&st);
                assert_string_equal(stage_asked(&st), "SIGTERM 0\n");
                pass(&st, 499 * MS);
                assert_int_equal(st.kills, 0);
                if (in_time)
                        stage_exit(&st, PLACE_EXITED, 0);
                else
                        pass(&st, 1 * MS);
                assert_string_equal(stage_asked(&st), "");
                close_stage(&st);
        }
}

/* The runtime first, 300 ms at most; then the extensions, all within 2000 ms. */
static void external_ones_that_stay(void **state) {
        struct stage st;

        open_stage(&st, outside, false);
        stop(&st);
        assert_string_equal(stage_asked(&st), "SIGTERM 0\n");
        pass(&st, 299 * MS);
        assert_string_equal(stage_asked(&st), "");
        pass(&st, 1 * MS);
        assert_string_equal(stage_asked(&st), "SIGKILL 0\nSIGKILL 2\n"); /* and the event to the first */
        assert_true(supervisor_in(&st)->extensions.all[0].owed);
        stage_exit(&st, PLACE_SIGNALED, SIGKILL);
        stage_exit_of(&st, PROCESS_EXTENSION + 1, PLACE_SIGNALED, SIGKILL);
        pass(&st, 1699 * MS);
        assert_int_equal(st.kills, 0);
        pass(&st, 1 * MS);
        close_stage(&st);
}

/* Nobody waits for a deadline when all have gone. */
static void external_ones_that_go(void **state) {
        struct stage st;

        open_stage(&st, outside, true);
        stop(&st);
        pass(&st, 10 * MS);
        stage_exit(&st, PLACE_EXITED, 0);
        assert_string_equal(stage_asked(&st), "SIGTERM 0\nSIGKILL 2\n");
        stage_exit_of(&st, PROCESS_EXTENSION + 1, PLACE_SIGNALED, SIGKILL);
        assert_int_equal(st.kills, 0);
        stage_exit_of(&st, PROCESS_EXTENSION, PLACE_EXITED, 0);
        close_stage(&st);
}

/* The frozen cannot take leave. */
static void thawed_before(void **state) {
        struct stage st;

        open_stage(&st, outside, false);
        st.e->ops->freeze(st.e);
        assert_int_equal(st.freezes, 1);
        stop(&st);
        assert_true(st.thaws > 0);
        assert_string_equal(stage_asked(&st), "SIGTERM 0\n");
        pass(&st, 2000 * MS);
        close_stage(&st);
}

/* In the middle of a reset's SHUTDOWN: its deadline stands, and there is no second one. */
static void stopped_while_it_is_being_reset(void **state) {
        struct stage st;

        open_stage(&st, outside, false);
        stage_exit(&st, PLACE_EXITED, 1);
        assert_string_equal(stage_asked(&st), "SIGKILL 2\n");
        pass(&st, 1000 * MS);
        stop(&st);
        assert_string_equal(stage_asked(&st), "");
        pass(&st, 999 * MS);
        assert_int_equal(st.kills, 0);
        pass(&st, 1 * MS);
        close_stage(&st);
}

/* An invocation that comes meanwhile waits for the next generation, under its own timeout. */
static void invoked_while_it_is_being_reset(void **state) {
        struct stage st;

        open_stage(&st, outside, false);
        stage_exit(&st, PLACE_EXITED, 1);
        st.order.timeout = 1500 * MS;
        stage_invoke(&st);
        stage_asked(&st);
        pass(&st, 1499 * MS);
        assert_string_equal(stage_events(&st), "");
        pass(&st, 1 * MS);
        assert_int_equal(strncmp(stage_events(&st), "answered timeout Sandbox.Timedout", 33), 0);
        pass(&st, 500 * MS);
        assert_int_equal(st.kills, 1);
        stage_empty_now(&st);
        pass(&st, 0);
        assert_string_equal(stage_events(&st), "idle timeout Sandbox.Timedout\n");
        stop(&st);
        assert_string_equal(stage_events(&st), "gone stopped\n");
        stage_end(&st);
}

/* What took leave slowly is no time of the invocation. */
static void the_reports_time_ends_with_the_failure(void **state) {
        struct stage st;

        open_stage(&st, outside, false);
        stage_invoke(&st);
        supervisor_in(&st)->gen = GEN_RUNNING;
        pass(&st, 70 * MS);
        stage_exit(&st, PLACE_EXITED, 1);
        pass(&st, 2000 * MS);
        stage_empty_now(&st);
        assert_int_equal(st.report.duration, 70 * MS);
        stop(&st);
        stage_end(&st);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(without_extensions),
                cmocka_unit_test(internal_ones_only),
                cmocka_unit_test(external_ones_that_stay),
                cmocka_unit_test(external_ones_that_go),
                cmocka_unit_test(thawed_before),
                cmocka_unit_test(stopped_while_it_is_being_reset),
                cmocka_unit_test(invoked_while_it_is_being_reset),
                cmocka_unit_test(the_reports_time_ends_with_the_failure),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
