/* SPDX-License-Identifier: Apache-2.0 */
/* The container driver against an engine that only keeps books: whatever goes wrong, nothing stays in them. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <cmocka.h>

#include "fake_engine.h"
#include "made_environment.h"
#include "sandbox/engine/containers.h"
#include "sandbox/engine/lease.h"

#define HOME "00112233445566778899aabbccddeeff"

struct trial {
        struct loop *loop;
        struct fake_engine fake;
        struct containers *containers;
        struct containers_wait wait;
        struct image_ask ask;
        struct image *image;
        struct environment *environment;
        char *state_dir, *init, *problem, *gone;
        bool answered, image_answered;
        unsigned gone_times;
        size_t spares;
};

#define turn_until(t, claim) \
        do { \
                nsec_t give_up_ = loop_now((t)->loop) + 20 * SECOND; \
                while (!(claim)) { \
                        assert_int_equal(loop_turn((t)->loop, 20 * MILLISECOND), 0); \
                        assert_true(loop_now((t)->loop) < give_up_); \
                } \
        } while (0)

static void make_containers(struct trial *t) {
        struct containers_options options = {
                .choice = "docker",
                .init_dir = t->fake.folder,
                .state_dir = t->state_dir,
                .home = HOME,
                .spares = t->spares,
                .spare_ttl = 300 * SECOND,
                .owner = t,
        };

        t->containers = containers_new(t->loop, &options);
}

static void trial_open(struct trial *t) {
        AUTO(str) char *host = NULL;
        int fd;

        *t = (struct trial){};
        assert_int_equal(loop_new(&t->loop), 0);
        fake_engine_open(&t->fake, t->loop);
        host = xasprintf("unix://%s", t->fake.socket);
        setenv("DOCKER_HOST", host, 1);
        unsetenv("LAMBENT_CONTAINER_CLI");
        t->state_dir = xasprintf("%s/state", t->fake.folder);
        t->init = xasprintf("%s/lambent-init", t->fake.folder);
        fd = open(t->init, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
        assert_int_equal(write(fd, "init", 4), 4);
        fd_close(fd);
        make_containers(t);
}

/* Nothing of the trial may be left: not in the engine's books, not in our folder. */
static void trial_close(struct trial *t) {
        containers_close(t->containers);
        image_unref(t->image);
        assert_int_equal(fake_engine_containers(&t->fake), 0);
        assert_true(rmdir(t->state_dir) == 0 || errno == ENOENT);
        unlink(t->init);
        fake_engine_close(&t->fake);
        assert_int_equal(rmdir(t->fake.folder), 0);
        loop_free(t->loop);
        free(t->state_dir);
        free(t->init);
        free(t->problem);
        free(t->gone);
}

static void on_engine(struct containers_wait *wait, const struct containers_engine *engine,
                      const char *problem) {
        struct trial *t = container_of(wait, struct trial, wait);

        t->answered = true;
        assert_true(!engine == !!problem);
        free(t->problem);
        t->problem = problem ? xstrdup(problem) : NULL;
}

static bool find_engine(struct trial *t) {
        t->answered = false;
        containers_want(t->containers, &t->wait, on_engine);
        turn_until(t, t->answered);
        return !t->problem;
}

static void on_image(struct image_ask *ask, struct image *image, int r, const char *problem) {
        struct trial *t = container_of(ask, struct trial, ask);

        t->image_answered = true;
        assert_true(!image == !!r && !r == !problem);
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

/* ---- an environment ---- */

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

static void start_environment(struct trial *t) {
        t->environment = made_environment(t->containers, t->image, t->fake.folder);
        t->environment->events = &events;
        t->environment->owner = t;
        assert_int_equal(t->environment->ops->start(t->environment), 0);
}

static bool is_linked(struct trial *t) {
        return !list_is_empty(&t->fake.connections) && t->environment->ops;
}

static void cold_start(struct trial *t) {
        start_environment(t);
        turn_until(t, is_linked(t) || t->gone_times);
}

/* ---- tests ---- */

static void test_cold_start(void **state) {
        struct trial t;
        AUTO(str) char *id = NULL;

        trial_open(&t);
        assert_true(find_engine(&t) && find_image(&t));
        cold_start(&t);
        assert_int_equal(t.gone_times, 0);
        id = containers_find(t.containers, t.environment->id);
        assert_true(fake_engine_has(&t.fake, id));
        assert_non_null(strstr(t.fake.last_create, "\"ReadonlyRootfs\":true"));
        t.environment->ops->free(t.environment);
        trial_close(&t);
        assert_int_equal(t.fake.made, t.fake.removed);
}

/* Every call in turn is refused, and then every answer in turn is lost after the call took effect. */
static void sweep(enum fake_trouble trouble) {
        for (unsigned n = 1;; ++n) {
                struct trial t;
                bool hit;

                trial_open(&t);
                t.fake.trouble_at = n;
                t.fake.trouble = trouble;
                if (find_engine(&t) && find_image(&t)) {
                        cold_start(&t);
                        if (t.gone_times)
                                assert_int_equal(t.gone_times, 1);
                        t.environment->ops->free(t.environment);
                } else {
                        assert_non_null(t.problem);
                }
                containers_close(TAKE(t.containers));
                hit = t.fake.calls >= n;
                t.fake.trouble_at = 0;
                /* What a lost answer hid from this daemon the next one finds. */
                if (fake_engine_containers(&t.fake)) {
                        make_containers(&t);
                        assert_true(find_engine(&t));
                        turn_until(&t, fake_engine_containers(&t.fake) == 0);
                }
                trial_close(&t);
                if (!hit)
                        return;
        }
}

static void test_every_call_refused(void **state) {
        sweep(FAKE_REFUSES);
}

static void test_every_answer_lost(void **state) {
        sweep(FAKE_LOSES_ANSWER);
}

static void test_given_up_at_every_moment(void **state) {
        for (unsigned n = 1;; ++n) {
                struct trial t;
                bool linked;

                trial_open(&t);
                assert_true(find_engine(&t) && find_image(&t));
                start_environment(&t);
                for (unsigned i = 0; i < n; ++i)
                        assert_int_equal(loop_turn(t.loop, MILLISECOND), 0);
                linked = is_linked(&t);
                t.environment->ops->free(t.environment);
                trial_close(&t);
                if (linked)
                        return;
        }
}

static void test_why_it_ended(void **state) {
        static const struct {
                int exit_code;
                bool oom;
                const char *words;
        } ends[] = {
                { 137, false, "the container was killed" },
                { 137, true, "the container was killed" },
                { 3, false, "the container ended with status 3" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(ends); ++i) {
                struct trial t;

                trial_open(&t);
                assert_true(find_engine(&t) && find_image(&t));
                cold_start(&t);
                turn_until(&t, t.fake.events);
                fake_engine_kill(&t.fake, ends[i].exit_code, ends[i].oom);
                turn_until(&t, t.gone_times);
                assert_string_equal(t.gone, ends[i].words);
                t.environment->ops->free(t.environment);
                trial_close(&t);
        }
}

/* Init could not be executed in it: remembered with the image. */
static void test_an_image_that_refuses_init(void **state) {
        for (int exit_code = 126; exit_code <= 128; ++exit_code) {
                struct trial t;

                trial_open(&t);
                t.fake.connects = false;
                assert_true(find_engine(&t) && find_image(&t));
                assert_false(containers_init_is_impossible(t.containers, t.image));
                start_environment(&t);
                turn_until(&t, t.fake.started && t.fake.events);
                fake_engine_kill(&t.fake, exit_code, false);
                turn_until(&t, t.gone_times);
                assert_int_equal(containers_init_is_impossible(t.containers, t.image), exit_code < 128);
                t.environment->ops->free(t.environment);
                trial_close(&t);
        }
}

/* Nor is there one for another architecture than this one's. */
static void test_no_init_for_it(void **state) {
        const struct image image = { .architecture = (char *)"other" };
        struct trial t;

        trial_open(&t);
        assert_true(containers_init_is_impossible(t.containers, &image));
        trial_close(&t);
}

static void test_image_removed_meanwhile(void **state) {
        struct trial t;

        trial_open(&t);
        assert_true(find_engine(&t) && find_image(&t));
        containers_learn(t.containers, t.image);
        turn_until(&t, streq(containers_shares(t.containers), "files and sockets"));
        t.fake.has_image = false;
        cold_start(&t);
        assert_int_equal(t.gone_times, 0);
        assert_int_equal(t.fake.pulls, 1);
        t.environment->ops->free(t.environment);
        trial_close(&t);
}

static void test_image_that_cannot_be_pulled(void **state) {
        struct trial t;

        trial_open(&t);
        t.fake.has_image = false;
        t.fake.pull_error = "pull access denied for x";
        assert_true(find_engine(&t));
        assert_false(find_image(&t));
        assert_non_null(strstr(t.problem, "pull access denied for x"));
        assert_int_equal(t.fake.pulls, 1);
        trial_close(&t);
}

static void test_one_pull_for_all(void **state) {
        struct image_ask asks[5];
        struct trial t;

        trial_open(&t);
        t.fake.has_image = false;
        assert_true(find_engine(&t));
        for (size_t i = 0; i < ARRAY_SIZE(asks); ++i)
                images_want(containers_images(t.containers), "a.example/b:c", NULL, "none", &asks[i],
                            on_image);
        for (size_t i = 0; i < ARRAY_SIZE(asks); ++i)
                image_ask_cancel(&asks[i]);
        assert_true(find_image(&t));
        turn_until(&t, t.fake.pulls >= 1);
        assert_int_equal(t.fake.pulls, 1 + 1); /* two names were asked for */
        trial_close(&t);
}

static size_t connection_count(const struct trial *t) {
        struct list *at;
        size_t count = 0;

        for (at = t->fake.connections.next; at != &t->fake.connections; at = at->next)
                ++count;
        return count;
}

static void test_a_spare_is_taken(void **state) {
        AUTO(str) char *id = NULL;
        struct trial t;

        trial_open(&t);
        containers_close(t.containers);
        t.spares = 1;
        make_containers(&t);
        assert_true(find_engine(&t) && find_image(&t));
        cold_start(&t);
        /* The trial, the one that serves, the spare. */
        turn_until(&t, t.fake.made == 3 && connection_count(&t) == 2);
        for (int i = 0; i < 10; ++i)
                assert_int_equal(loop_turn(t.loop, MILLISECOND), 0);
        t.environment->ops->free(t.environment);
        start_environment(&t);
        id = containers_find(t.containers, t.environment->id);
        assert_string_equal(id, "id3");
        assert_int_equal(t.gone_times, 0);
        t.environment->ops->free(t.environment);
        trial_close(&t);
        assert_int_equal(t.fake.made, t.fake.removed);
}

static void test_a_spare_that_dies(void **state) {
        struct trial t;

        trial_open(&t);
        containers_close(t.containers);
        t.spares = 1;
        make_containers(&t);
        assert_true(find_engine(&t) && find_image(&t));
        cold_start(&t);
        turn_until(&t, t.fake.made == 3 && connection_count(&t) == 2 && t.fake.events);
        fake_engine_kill(&t.fake, 1, false);
        for (int i = 0; i < 10; ++i)
                assert_int_equal(loop_turn(t.loop, MILLISECOND), 0);
        t.environment->ops->free(t.environment);
        start_environment(&t);
        turn_until(&t, connection_count(&t) == 3 || t.gone_times);
        assert_int_equal(t.gone_times, 0);
        t.environment->ops->free(t.environment);
        trial_close(&t);
}

static void test_whose_containers_go(void **state) {
        AUTO(str) char *mine = lease_make();
        AUTO(str) char *others = xasprintf(
                "{\"dev.lambent.instance\":\"x\",\"dev.lambent.home\":\"y\",\"dev.lambent.lease\":\"%s\"}",
                mine);
        struct trial t;

        trial_open(&t);
        fake_engine_add(&t.fake, "ours",
                        "{\"dev.lambent.instance\":\"x\",\"dev.lambent.home\":\"" HOME "\"}");
        fake_engine_add(&t.fake, "dead",
                        "{\"dev.lambent.instance\":\"x\",\"dev.lambent.home\":\"y\",\"dev.lambent.lease\":"
                        "\"00000000-0000-0000-0000-000000000000/1/1/1\"}");
        fake_engine_add(&t.fake, "alive", others);
        fake_engine_add(&t.fake, "strange", "{\"dev.lambent.instance\":\"x\"}");
        containers_look(t.containers);
        turn_until(&t, !fake_engine_has(&t.fake, "ours") && !fake_engine_has(&t.fake, "dead"));
        assert_true(fake_engine_has(&t.fake, "alive") && fake_engine_has(&t.fake, "strange"));
        containers_close(TAKE(t.containers));
        assert_true(fake_engine_has(&t.fake, "alive") && fake_engine_has(&t.fake, "strange"));
        fake_engine_kill(&t.fake, 0, false);
        fake_engine_kill(&t.fake, 0, false);
        trial_close(&t);
}

static void test_no_engine(void **state) {
        struct trial t;

        trial_open(&t);
        setenv("DOCKER_HOST", "unix:///nowhere/at/all.sock", 1);
        assert_false(find_engine(&t));
        assert_non_null(strstr(t.problem, "/nowhere/at/all.sock"));
        setenv("DOCKER_HOST", "ssh://host", 1);
        assert_false(find_engine(&t));
        assert_non_null(strstr(t.problem, "ssh://host"));
        trial_close(&t);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cold_start),
                cmocka_unit_test(test_every_call_refused),
                cmocka_unit_test(test_every_answer_lost),
                cmocka_unit_test(test_given_up_at_every_moment),
                cmocka_unit_test(test_why_it_ended),
                cmocka_unit_test(test_an_image_that_refuses_init),
                cmocka_unit_test(test_no_init_for_it),
                cmocka_unit_test(test_image_removed_meanwhile),
                cmocka_unit_test(test_image_that_cannot_be_pulled),
                cmocka_unit_test(test_one_pull_for_all),
                cmocka_unit_test(test_a_spare_is_taken),
                cmocka_unit_test(test_a_spare_that_dies),
                cmocka_unit_test(test_whose_containers_go),
                cmocka_unit_test(test_no_engine),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
