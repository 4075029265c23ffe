/* SPDX-License-Identifier: Apache-2.0 */
/* The container driver over an engine that has only a command: whatever goes wrong, no container stays, and no process. */
#include <stdio.h>
#include <sys/socket.h>

#include "command_trial.h"

static bool find_engine(struct trial *t) {
        return stage_find_engine(&t->stage);
}

static bool find_image(struct trial *t) {
        return stage_find_image(&t->stage);
}

static void begin_start(struct trial *t) {
        stage_start(&t->stage);
}

/* The daemon has said something to its init. */
static bool is_linked(const struct trial *t) {
        char some;

        for (size_t i = 0; i < t->knocks; ++i)
                if (recv(t->connections[i], &some, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
                        return true;
        return false;
}

static void cold_start(struct trial *t) {
        begin_start(t);
        turn_until(t, is_linked(t) || t->stage.gone_times);
}

static void test_cold_start(void **state) {
        AUTO(str) char *id = NULL;
        struct trial t;

        trial_open(&t);
        put(&t, "no-image", "", 0600);
        assert_true(find_engine(&t));
        assert_string_equal(t.stage.where, t.address);
        assert_true(find_image(&t));
        assert_true(was_called(&t, "pull --platform linux/"));
        cold_start(&t);
        assert_int_equal(t.stage.gone_times, 0);
        id = containers_find(t.stage.containers, t.stage.environment->id);
        assert_int_equal(strlen(id), 64);
        t.stage.environment->ops->free(t.stage.environment);
        trial_close(&t);
}

static void test_image_that_cannot_be_pulled(void **state) {
        struct trial t;

        trial_open(&t);
        put(&t, "no-image", "pull access denied for x", 0600);
        assert_true(find_engine(&t));
        assert_false(find_image(&t));
        assert_non_null(strstr(t.stage.problem, "pull access denied for x"));
        trial_close(&t);
}

static void sweep(const char *trouble) {
        for (unsigned n = 1;; ++n) {
                AUTO(str) char *order = xasprintf("%u %s\n", n, trouble);
                struct trial t;
                bool hit;

                trial_open(&t);
                put(&t, "trouble", order, 0600);
                if (find_engine(&t) && find_image(&t)) {
                        cold_start(&t);
                        t.stage.environment->ops->free(t.stage.environment);
                } else {
                        assert_non_null(t.stage.problem);
                }
                containers_close(TAKE(t.stage.containers));
                hit = calls(&t) >= n;
                put(&t, "trouble", "0 none\n", 0600);
                if (knock(&t)) {
                        make_containers(&t);
                        assert_true(find_engine(&t));
                        turn_until(&t, knock(&t) == 0);
                }
                trial_close(&t);
                if (!hit)
                        return;
        }
}

static void test_every_call_refused(void **state) {
        sweep("refuses");
}

static void test_every_answer_lost(void **state) {
        sweep("loses");
}

static void test_given_up_at_every_moment(void **state) {
        bool linked = false;

        for (unsigned n = 1; !linked; n += 3) {
                struct trial t;

                trial_open(&t);
                assert_true(find_engine(&t) && find_image(&t));
                begin_start(&t);
                for (unsigned i = 0; i < n; ++i) {
                        assert_int_equal(loop_turn(t.stage.loop, MILLISECOND), 0);
                        knock(&t);
                }
                linked = is_linked(&t);
                t.stage.environment->ops->free(t.stage.environment);
                trial_close(&t);
        }
}

static void test_its_end_is_heard_of(void **state) {
        AUTO(str) char *id = NULL;
        AUTO(str) char *event = NULL;
        AUTO(str) char *path = NULL;
        struct trial t;
        FILE *books;

        trial_open(&t);
        assert_true(find_engine(&t) && find_image(&t));
        cold_start(&t);
        id = containers_find(t.stage.containers, t.stage.environment->id);
        path = book(&t, "events");
        books = fopen(path, "ae");
        fprintf(books, "{\"Action\":\"die\",\"Actor\":{\"ID\":\"%s\",\"Attributes\":{\"exitCode\":\"3\"}}}\n",
                id);
        fclose(books);
        turn_until(&t, t.stage.gone_times);
        assert_string_equal(t.stage.gone, "the container ended with status 3");
        t.stage.environment->ops->free(t.stage.environment);
        trial_close(&t);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cold_start),
                cmocka_unit_test(test_image_that_cannot_be_pulled),
                cmocka_unit_test(test_every_call_refused),
                cmocka_unit_test(test_every_answer_lost),
                cmocka_unit_test(test_given_up_at_every_moment),
                cmocka_unit_test(test_its_end_is_heard_of),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
