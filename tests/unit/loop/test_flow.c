/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "loop/flow.h"

/* What each step's begin answers; the transcript has + for a begin and - for an undo. */
struct story {
        struct flow flow;
        struct loop *loop;
        int answers[3];
        bool answer_inside[3], cancel_inside[3];
        int inside; /* what is answered inside begin */
        char text[64];
        unsigned done;
        int outcome;
};

static struct story *story_of(struct flow *flow) {
        return container_of(flow, struct story, flow);
}

static void note(struct story *s, const char *text) {
        size_t len = strlen(s->text);

        snprintf(s->text + len, sizeof(s->text) - len, "%s", text);
}

static int begin(struct flow *flow, size_t i) {
        static const char *const texts[] = { "+a", "+b", "+c" };
        struct story *s = story_of(flow);

        note(s, texts[i]);
        if (s->answer_inside[i])
                flow_go_on(flow, s->inside);
        if (s->cancel_inside[i])
                flow_cancel(flow);
        return s->answers[i];
}

static int begin_a(struct flow *flow) {
        return begin(flow, 0);
}

static int begin_b(struct flow *flow) {
        return begin(flow, 1);
}

static int begin_c(struct flow *flow) {
        return begin(flow, 2);
}

static void undo_a(struct flow *flow) {
        note(story_of(flow), "-a");
}

static void undo_c(struct flow *flow) {
        note(story_of(flow), "-c");
}

static const struct flow_step steps[] = {
        { "a", begin_a, undo_a, 0 },
        { "b", begin_b, NULL, 5 * SECOND },
        { "c", begin_c, undo_c, SECOND },
        {},
};

static void done(struct flow *flow, int outcome) {
        struct story *s = story_of(flow);

        ++s->done;
        s->outcome = outcome;
        note(s, ".");
}

static void start(struct story *s, int a, int b, int c) {
        *s = (struct story){ .loop = loop_new_manual(), .answers = { a, b, c } };
        flow_cancel(&s->flow); /* legal on a zeroed one */
        flow_start(&s->flow, s->loop, steps, done);
        assert_int_equal(s->done, 0); /* never inside flow_start */
}

static void end(struct story *s, const char *text, int outcome) {
        loop_advance(s->loop, 100 * SECOND);
        assert_string_equal(s->text, text);
        assert_int_equal(s->done, strchr(text, '.') != NULL);
        if (s->done)
                assert_int_equal(s->outcome, outcome);
        assert_false(flow_is_active(&s->flow));
        assert_int_equal(loop_next_due(s->loop), NSEC_NEVER);
        flow_cancel(&s->flow); /* afterwards it does nothing */
        flow_go_on(&s->flow, 0);
        loop_advance(s->loop, SECOND);
        assert_string_equal(s->text, text);
        loop_free(s->loop);
}

static void success(void **state) {
        struct story s;

        start(&s, FLOW_NEXT, FLOW_NEXT, FLOW_NEXT);
        end(&s, "+a+b+c.", 0);
        start(&s, FLOW_WAIT, FLOW_NEXT, FLOW_WAIT);
        assert_string_equal(s.text, "+a");
        loop_advance(s.loop, 1000 * SECOND); /* no budget: it waits for ever */
        flow_go_on(&s.flow, 0);
        assert_string_equal(s.text, "+a+b+c");
        loop_advance(s.loop, SECOND - 1);
        flow_go_on(&s.flow, 0);
        assert_int_equal(s.done, 0); /* from the loop */
        end(&s, "+a+b+c.", 0);
}

static void failure_at_once(void **state) {
        struct story s;

        start(&s, -EIO, FLOW_NEXT, FLOW_NEXT);
        end(&s, "+a-a.", -EIO);
        start(&s, FLOW_NEXT, -EPERM, FLOW_NEXT);
        end(&s, "+a+b-a.", -EPERM);
        start(&s, FLOW_NEXT, FLOW_NEXT, -ENOENT);
        end(&s, "+a+b+c-c-a.", -ENOENT);
}

static void failure_later(void **state) {
        struct story s;

        start(&s, FLOW_NEXT, FLOW_NEXT, FLOW_WAIT);
        flow_go_on(&s.flow, -EIO);
        assert_string_equal(s.text, "+a+b+c-c-a");
        flow_go_on(&s.flow, 0); /* late */
        end(&s, "+a+b+c-c-a.", -EIO);
}

static void a_budget_is_spent(void **state) {
        struct story s;

        start(&s, FLOW_NEXT, FLOW_WAIT, FLOW_NEXT);
        loop_advance(s.loop, 5 * SECOND - 1);
        assert_string_equal(s.text, "+a+b");
        loop_advance(s.loop, 1);
        flow_go_on(&s.flow, 0); /* the completion comes after all */
        end(&s, "+a+b-a.", -ETIMEDOUT);
        start(&s, FLOW_NEXT, FLOW_WAIT, FLOW_WAIT);
        loop_advance(s.loop, 4 * SECOND);
        flow_go_on(&s.flow, 0); /* the next step has a budget of its own */
        loop_advance(s.loop, SECOND - 1);
        assert_string_equal(s.text, "+a+b+c");
        end(&s, "+a+b+c-c-a.", -ETIMEDOUT);
}

static void cancelled(void **state) {
        struct story s;

        start(&s, FLOW_NEXT, FLOW_WAIT, FLOW_NEXT);
        flow_cancel(&s.flow); /* half-way */
        assert_string_equal(s.text, "+a+b-a");
        end(&s, "+a+b-a", 0);
        start(&s, FLOW_NEXT, FLOW_NEXT, FLOW_NEXT);
        flow_cancel(&s.flow); /* between success and done: all of it is taken back */
        end(&s, "+a+b+c-c-a", 0);
        start(&s, FLOW_NEXT, -EIO, FLOW_NEXT);
        flow_cancel(&s.flow); /* between failure and done: once is enough */
        end(&s, "+a+b-a", 0);
        start(&s, FLOW_NEXT, FLOW_NEXT, FLOW_NEXT);
        loop_advance(s.loop, 0);
        flow_cancel(&s.flow); /* after done: what was built is the owner's */
        end(&s, "+a+b+c.", 0);
}

/* What begin starts may answer, fail or cancel before begin returns, whatever begin returns then. */
static void answered_inside_begin(void **state) {
        static const struct {
                size_t step;
                int inside, returned;
                bool cancel;
                const char *text;
                int outcome;
        } cases[] = {
                { 1, 0, FLOW_WAIT, false, "+a+b+c.", 0 },
                { 1, 0, FLOW_NEXT, false, "+a+b+c.", 0 },
                { 1, -EIO, FLOW_WAIT, false, "+a+b-a.", -EIO },
                { 1, -EIO, -EIO, false, "+a+b-a.", -EIO },
                { 2, 0, FLOW_WAIT, false, "+a+b+c.", 0 },
                { 2, -EIO, -EPERM, false, "+a+b+c-c-a.", -EIO },
                { 1, 0, FLOW_NEXT, true, "+a+b-a", 0 },
                { 2, 0, -EIO, true, "+a+b+c-c-a", 0 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); ++i) {
                struct story s = { .loop = loop_new_manual(), .inside = cases[i].inside };

                s.answers[cases[i].step] = cases[i].returned;
                s.answer_inside[cases[i].step] = !cases[i].cancel;
                s.cancel_inside[cases[i].step] = cases[i].cancel;
                flow_start(&s.flow, s.loop, steps, done);
                end(&s, cases[i].text, cases[i].outcome);
        }
}

static void free_in_done(struct flow *flow, int outcome) {
        struct story *s = story_of(flow);

        loop_quit(s->loop);
        free(s);
}

static void done_may_free(void **state) {
        struct story *s = xcalloc(1, sizeof(*s));
        struct loop *loop = loop_new_manual();

        s->loop = loop;
        flow_start(&s->flow, loop, steps, free_in_done);
        loop_advance(loop, 0);
        loop_free(loop);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(success),       cmocka_unit_test(failure_at_once),
                cmocka_unit_test(failure_later), cmocka_unit_test(a_budget_is_spent),
                cmocka_unit_test(cancelled),     cmocka_unit_test(answered_inside_begin),
                cmocka_unit_test(done_may_free),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
