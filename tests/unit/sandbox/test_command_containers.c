/* SPDX-License-Identifier: Apache-2.0 */
/* The container driver over an engine that has only a command: whatever goes wrong, no container stays, and no process. */
#include <stdio.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include "command_trial.h"
#include "made_environment.h"

static void on_engine(struct containers_wait *wait, const struct containers_engine *engine,
                      const char *problem) {
        struct trial *t = container_of(wait, struct trial, wait);

        t->answered = true;
        free(t->problem);
        free(t->where);
        t->problem = problem ? xstrdup(problem) : NULL;
        t->where = engine ? xstrdup(engine->address) : NULL;
}

static bool find_engine(struct trial *t) {
        t->answered = false;
        containers_want(t->containers, &t->wait, on_engine);
        turn_until(t, t->answered);
        return !t->problem;
}

static void on_image(struct image_ask *asked, struct image *image, int r, const char *problem) {
        struct trial *t = container_of(asked, struct trial, ask);

        t->image_answered = true;
        free(t->problem);
        t->problem = problem ? xstrdup(problem) : NULL;
        t->image = image ? image_ref(image) : NULL;
}

static bool find_image(struct trial *t) {
        struct utsname host;

        assert_int_equal(uname(&host), 0);
        t->image_answered = false;
        images_want(containers_images(t->containers), "public.ecr.aws/lambda/provided:al2023", NULL,
                    streq(host.machine, "aarch64") ? "arm64" : host.machine, &t->ask, on_image);
        turn_until(t, t->image_answered);
        return t->image != NULL;
}

static void on_gone(struct environment *e, const char *why) {
        struct trial *t = e->owner;

        ++t->gone_times;
        free(t->gone);
        t->gone = xstrdup(why);
}

static void on_started(struct environment *e) {
}

static void on_ready(struct environment *e, nsec_t start, nsec_t init, bool failed) {
}

static void on_log(struct environment *e, nsec_t wall, const char *line, size_t len) {
}

static const struct environment_events events = {
        .started = on_started, .ready = on_ready, .log = on_log, .gone = on_gone
};

static void begin_start(struct trial *t) {
        t->environment = made_environment(t->containers, t->image, t->folder);
        t->environment->events = &events;
        t->environment->owner = t;
        assert_int_equal(t->environment->ops->start(t->environment), 0);
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
        turn_until(t, is_linked(t) || t->gone_times);
}

static void test_cold_start(void **state) {
        AUTO(str) char *id = NULL;
        struct trial t;

        trial_open(&t);
        put(&t, "no-image", "", 0600);
        assert_true(find_engine(&t));
        assert_string_equal(t.where, t.address);
        assert_true(find_image(&t));
        assert_true(was_called(&t, "pull --platform linux/"));
        cold_start(&t);
        assert_int_equal(t.gone_times, 0);
        id = containers_find(t.containers, t.environment->id);
        assert_int_equal(strlen(id), 64);
        t.environment->ops->free(t.environment);
        trial_close(&t);
}

static void test_image_that_cannot_be_pulled(void **state) {
        struct trial t;

        trial_open(&t);
        put(&t, "no-image", "pull access denied for x", 0600);
        assert_true(find_engine(&t));
        assert_false(find_image(&t));
        assert_non_null(strstr(t.problem, "pull access denied for x"));
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
                        t.environment->ops->free(t.environment);
                } else {
                        assert_non_null(t.problem);
                }
                containers_close(TAKE(t.containers));
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
                        assert_int_equal(loop_turn(t.loop, MILLISECOND), 0);
                        knock(&t);
                }
                linked = is_linked(&t);
                t.environment->ops->free(t.environment);
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
        id = containers_find(t.containers, t.environment->id);
        path = book(&t, "events");
        books = fopen(path, "ae");
        fprintf(books, "{\"Action\":\"die\",\"Actor\":{\"ID\":\"%s\",\"Attributes\":{\"exitCode\":\"3\"}}}\n",
                id);
        fclose(books);
        turn_until(&t, t.gone_times);
        assert_string_equal(t.gone, "the container ended with status 3");
        t.environment->ops->free(t.environment);
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
