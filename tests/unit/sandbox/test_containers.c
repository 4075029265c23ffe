/* SPDX-License-Identifier: Apache-2.0 */
/* The container driver against an engine that only keeps books: whatever goes wrong, nothing stays in them. */
#include "fake_engine.h"
#include "sandbox/engine/lease.h"
#include "stage.h"

#define HOME "00112233445566778899aabbccddeeff"

struct trial {
        struct stage stage;
        struct fake_engine fake;
};

#define turn_until(t, claim) stage_until(&(t)->stage, claim)

static void make_containers(struct trial *t) {
        stage_make_containers(&t->stage);
}

static void trial_open(struct trial *t) {
        *t = (struct trial){};
        assert_int_equal(loop_new(&t->stage.loop), 0);
        fake_engine_open(&t->fake, t->stage.loop);
        stage_open(&t->stage, t->fake.folder, "docker");
        make_containers(t);
}

static void trial_open_with_spares(struct trial *t) {
        trial_open(t);
        stage_close_containers(&t->stage);
        t->stage.options.spares = 1;
        make_containers(t);
}

/* Nothing of the trial may be left: not in the engine's books, not in our folder. */
static void trial_close(struct trial *t) {
        stage_close_containers(&t->stage);
        assert_int_equal(fake_engine_containers(&t->fake), 0);
        stage_close(&t->stage);
        fake_engine_close(&t->fake);
        assert_int_equal(rmdir(t->fake.folder), 0);
        loop_free(t->stage.loop);
}

static bool find_engine(struct trial *t) {
        return stage_find_engine(&t->stage);
}

static bool find_image(struct trial *t) {
        return stage_find_image(&t->stage);
}

static void start_environment(struct trial *t) {
        stage_start(&t->stage);
}

static bool is_linked(struct trial *t) {
        return !list_is_empty(&t->fake.connections) && t->stage.environment->ops;
}

static void cold_start(struct trial *t) {
        start_environment(t);
        turn_until(t, is_linked(t) || t->stage.gone_times);
}

/* ---- tests ---- */

static void test_cold_start(void **state) {
        struct trial t;
        AUTO(str) char *id = NULL;

        trial_open(&t);
        assert_true(find_engine(&t) && find_image(&t));
        cold_start(&t);
        assert_int_equal(t.stage.gone_times, 0);
        id = containers_find(t.stage.containers, t.stage.environment->id);
        assert_true(fake_engine_has(&t.fake, id));
        assert_non_null(strstr(t.fake.last_create, "\"ReadonlyRootfs\":true"));
        t.stage.environment->ops->free(t.stage.environment);
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
                        if (t.stage.gone_times)
                                assert_int_equal(t.stage.gone_times, 1);
                        t.stage.environment->ops->free(t.stage.environment);
                } else {
                        assert_non_null(t.stage.problem);
                }
                containers_close(TAKE(t.stage.containers));
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
                        assert_int_equal(loop_turn(t.stage.loop, MILLISECOND), 0);
                linked = is_linked(&t);
                t.stage.environment->ops->free(t.stage.environment);
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
                turn_until(&t, t.stage.gone_times);
                assert_string_equal(t.stage.gone, ends[i].words);
                t.stage.environment->ops->free(t.stage.environment);
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
                assert_false(containers_init_is_impossible(t.stage.containers, t.stage.image));
                start_environment(&t);
                turn_until(&t, t.fake.started && t.fake.events);
                fake_engine_kill(&t.fake, exit_code, false);
                turn_until(&t, t.stage.gone_times);
                assert_int_equal(containers_init_is_impossible(t.stage.containers, t.stage.image),
                                 exit_code < 128);
                t.stage.environment->ops->free(t.stage.environment);
                trial_close(&t);
        }
}

/* Nor is there one for another architecture than this one's. */
static void test_no_init_for_it(void **state) {
        const struct image image = { .architecture = (char *)"other" };
        struct trial t;

        trial_open(&t);
        assert_true(containers_init_is_impossible(t.stage.containers, &image));
        trial_close(&t);
}

/* The container that is tried out is nobody else's, also when all are counted in that moment. */
static void test_a_census_during_the_trial(void **state) {
        struct trial t;
        unsigned lists;

        trial_open(&t);
        t.fake.holds_looks = true;
        assert_true(find_engine(&t) && find_image(&t));
        start_environment(&t);
        turn_until(&t, t.fake.look && t.fake.events);
        lists = t.fake.lists;
        fake_engine_break_events(&t.fake);
        turn_until(&t, t.fake.lists > lists);
        for (int i = 0; i < 10; ++i)
                assert_int_equal(loop_turn(t.stage.loop, MILLISECOND), 0);
        assert_int_equal(t.fake.removed, 0);
        fake_engine_let_look(&t.fake);
        turn_until(&t, is_linked(&t));
        assert_string_equal(containers_shares(t.stage.containers), "files and sockets");
        t.stage.environment->ops->free(t.stage.environment);
        trial_close(&t);
}

static void test_image_removed_meanwhile(void **state) {
        struct trial t;

        trial_open(&t);
        assert_true(find_engine(&t) && find_image(&t));
        containers_learn(t.stage.containers, t.stage.image);
        turn_until(&t, streq(containers_shares(t.stage.containers), "files and sockets"));
        t.fake.has_image = false;
        cold_start(&t);
        assert_int_equal(t.stage.gone_times, 0);
        assert_int_equal(t.fake.pulls, 1);
        t.stage.environment->ops->free(t.stage.environment);
        trial_close(&t);
}

static void test_image_that_cannot_be_pulled(void **state) {
        struct trial t;

        trial_open(&t);
        t.fake.has_image = false;
        t.fake.pull_error = "pull access denied for x";
        assert_true(find_engine(&t));
        assert_false(find_image(&t));
        assert_non_null(strstr(t.stage.problem, "pull access denied for x"));
        assert_int_equal(t.fake.pulls, 1);
        trial_close(&t);
}

static void on_no_image(struct image_ask *ask, struct image *image, int r, const char *problem) {
        fail_msg("nobody waits for it any more");
}

static void test_one_pull_for_all(void **state) {
        struct image_ask asks[5];
        struct trial t;

        trial_open(&t);
        t.fake.has_image = false;
        assert_true(find_engine(&t));
        for (size_t i = 0; i < ARRAY_SIZE(asks); ++i)
                images_want(containers_images(t.stage.containers), "a.example/b:c", NULL, "none", &asks[i],
                            on_no_image);
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

        trial_open_with_spares(&t);
        assert_true(find_engine(&t) && find_image(&t));
        cold_start(&t);
        /* The trial, the one that serves, the spare. */
        turn_until(&t, t.fake.made == 3 && connection_count(&t) == 2);
        for (int i = 0; i < 10; ++i)
                assert_int_equal(loop_turn(t.stage.loop, MILLISECOND), 0);
        t.stage.environment->ops->free(t.stage.environment);
        start_environment(&t);
        id = containers_find(t.stage.containers, t.stage.environment->id);
        assert_string_equal(id, "id3");
        assert_int_equal(t.stage.gone_times, 0);
        t.stage.environment->ops->free(t.stage.environment);
        trial_close(&t);
        assert_int_equal(t.fake.made, t.fake.removed);
}

static void test_a_spare_that_dies(void **state) {
        struct trial t;

        trial_open_with_spares(&t);
        assert_true(find_engine(&t) && find_image(&t));
        cold_start(&t);
        turn_until(&t, t.fake.made == 3 && connection_count(&t) == 2 && t.fake.events);
        fake_engine_kill(&t.fake, 1, false);
        for (int i = 0; i < 10; ++i)
                stage_turn(&t.stage, MILLISECOND);
        t.stage.environment->ops->free(t.stage.environment);
        start_environment(&t);
        turn_until(&t, fake_engine_links(&t.fake) || t.stage.gone_times);
        assert_int_equal(t.stage.gone_times, 0);
        t.stage.environment->ops->free(t.stage.environment);
        trial_close(&t);
}

/* One environment has come and gone; a spare is about to be begun for the next. */
static void await_quiet(struct trial *t) {
        trial_open_with_spares(t);
        assert_true(find_engine(t) && find_image(t));
        cold_start(t);
        turn_until(t, t->fake.events && fake_engine_links(&t->fake) == 1);
        t->stage.environment->ops->free(t->stage.environment);
        turn_until(t, t->fake.removed == 2);
}

/* What was taken is lost by accident, if it is lost; the next one is started as if there had been none. */
static void expect_another(struct trial *t) {
        bool lost;

        turn_until(t, t->stage.gone_times || fake_engine_links(&t->fake));
        lost = t->stage.gone_times;
        assert_true(!lost || t->stage.accident);
        t->fake.trouble_at = 0;
        if (lost) {
                t->stage.environment->ops->free(t->stage.environment);
                start_environment(t);
                turn_until(t, t->stage.gone_times > 1 || fake_engine_links(&t->fake));
                assert_int_equal(t->stage.gone_times, 1);
        }
        t->stage.environment->ops->free(t->stage.environment);
        trial_close(t);
}

enum death { JUST_BEFORE, JUST_AFTER, WITHOUT_A_WORD };

static void take_at_every_moment(enum death death) {
        for (unsigned n = 0;; ++n) {
                struct trial t;
                bool ready;

                await_quiet(&t);
                turn_until(&t, t.fake.made == 3 && (death != WITHOUT_A_WORD || connection_count(&t)));
                for (unsigned i = 0; i < n; ++i)
                        stage_turn(&t.stage, MILLISECOND);
                ready = n > 20;
                assert_true(t.fake.made == 3 && (!ready || connection_count(&t) == 1));
                if (death == JUST_BEFORE)
                        fake_engine_kill(&t.fake, 137, false);
                start_environment(&t);
                if (death == JUST_AFTER)
                        fake_engine_kill(&t.fake, 137, false);
                else if (death == WITHOUT_A_WORD)
                        fake_engine_hang_up(&t.fake);
                turn_until(&t, t.stage.gone_times);
                expect_another(&t);
                if (ready)
                        return;
        }
}

static void test_a_spare_that_dies_before_it_is_taken(void **state) {
        take_at_every_moment(JUST_BEFORE);
}

static void test_a_spare_that_dies_when_it_is_taken(void **state) {
        take_at_every_moment(JUST_AFTER);
}

static void test_a_spare_whose_link_breaks(void **state) {
        take_at_every_moment(WITHOUT_A_WORD);
}

/* Each call of its start in turn goes wrong when it has been taken already: creating, attaching, starting. */
static void test_a_spare_that_cannot_be_started(void **state) {
        for (int trouble = FAKE_REFUSES; trouble <= FAKE_LOSES_ANSWER; ++trouble)
                for (unsigned n = 0; n < 3; ++n) {
                        struct trial t;

                        await_quiet(&t);
                        t.fake.trouble = (enum fake_trouble)trouble;
                        t.fake.trouble_at = t.fake.calls + 1 + n;
                        turn_until(&t, t.fake.calls == t.fake.trouble_at);
                        start_environment(&t);
                        turn_until(&t, t.stage.gone_times);
                        expect_another(&t);
                }
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
        containers_look(t.stage.containers);
        turn_until(&t, !fake_engine_has(&t.fake, "ours") && !fake_engine_has(&t.fake, "dead"));
        assert_true(fake_engine_has(&t.fake, "alive") && fake_engine_has(&t.fake, "strange"));
        containers_close(TAKE(t.stage.containers));
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
        assert_non_null(strstr(t.stage.problem, "/nowhere/at/all.sock"));
        setenv("DOCKER_HOST", "ssh://host", 1);
        assert_false(find_engine(&t));
        assert_non_null(strstr(t.stage.problem, "ssh://host"));
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
                cmocka_unit_test(test_a_census_during_the_trial),
                cmocka_unit_test(test_image_removed_meanwhile),
                cmocka_unit_test(test_image_that_cannot_be_pulled),
                cmocka_unit_test(test_one_pull_for_all),
                cmocka_unit_test(test_a_spare_is_taken),
                cmocka_unit_test(test_a_spare_that_dies),
                cmocka_unit_test(test_a_spare_that_dies_before_it_is_taken),
                cmocka_unit_test(test_a_spare_that_dies_when_it_is_taken),
                cmocka_unit_test(test_a_spare_whose_link_breaks),
                cmocka_unit_test(test_a_spare_that_cannot_be_started),
                cmocka_unit_test(test_whose_containers_go),
                cmocka_unit_test(test_no_engine),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
