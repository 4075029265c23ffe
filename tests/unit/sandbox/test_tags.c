/* SPDX-License-Identifier: Apache-2.0 */
/* Names that are given to images, against an engine that keeps books: ours go, whatever happens; those of others stay. */
#include <fcntl.h>
#include <stdio.h>

#include "fake_engine.h"
#include "stage.h"

#define AWS "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app"
#define NAME AWS ":1"
#define OTHER AWS ":2"
#define ONE "sha256:1111"
#define TWO "sha256:2222"

struct trial {
        struct stage stage;
        struct fake_engine fake;
        char *path;
};

#define turn_until(t, claim) stage_until(&(t)->stage, claim)

static const struct image one = { .id = (char *)ONE };
static const struct image two = { .id = (char *)TWO };

static void begin(struct trial *t) {
        stage_make_containers(&t->stage);
        assert_true(stage_find_engine(&t->stage));
}

static void trial_open(struct trial *t) {
        *t = (struct trial){};
        assert_int_equal(loop_new(&t->stage.loop), 0);
        fake_engine_open(&t->fake, t->stage.loop);
        stage_open(&t->stage, t->fake.folder, "docker");
        t->path = xasprintf("%s/state/tags", t->fake.folder);
        begin(t);
}

/* The file of our tags is gone too, or its folder could not be removed. */
static void trial_close(struct trial *t) {
        if (t->stage.containers)
                stage_close_containers(&t->stage);
        stage_close(&t->stage);
        fake_engine_close(&t->fake);
        assert_int_equal(rmdir(t->fake.folder), 0);
        loop_free(t->stage.loop);
        free(t->path);
}

static bool means(struct trial *t, const char *name, const char *id) {
        const char *now = fake_engine_image(&t->fake, name);

        return id ? now && streq(now, id) : !now;
}

/* All that was begun has ended. */
static void settle(struct trial *t) {
        unsigned calls;

        do {
                calls = t->fake.calls;
                for (int i = 0; i < 20; ++i)
                        stage_turn(&t->stage, MILLISECOND);
        } while (calls != t->fake.calls);
}

/* kill -9: nothing is undone. The file is what a daemon leaves, kept from the orderly end. */
static void kill_and_begin_again(struct trial *t) {
        AUTO(str) char *kept = xasprintf("%s/kept", t->fake.folder);
        const char *held = fake_engine_image(&t->fake, NAME);
        AUTO(str) char *id = held ? xstrdup(held) : NULL;

        assert_int_equal(link(t->path, kept), 0);
        containers_close(TAKE(t->stage.containers));
        assert_int_equal(rename(kept, t->path), 0);
        fake_engine_tag(&t->fake, NAME, id);
        begin(t);
}

static void test_until_its_digest_is_forgotten(void **state) {
        struct trial t;

        trial_open(&t);
        containers_tag(t.stage.containers, NAME, &one, "aa");
        containers_tag(t.stage.containers, OTHER, &two, "bb");
        turn_until(&t, means(&t, NAME, ONE) && means(&t, OTHER, TWO));
        containers_untag(t.stage.containers, "cc");
        containers_untag(t.stage.containers, "bb");
        turn_until(&t, means(&t, OTHER, NULL));
        settle(&t);
        assert_true(means(&t, NAME, ONE));
        stage_close_containers(&t.stage);
        assert_true(means(&t, NAME, NULL));
        trial_close(&t);
}

static void test_names_of_others_stay(void **state) {
        struct trial t;

        trial_open(&t);
        fake_engine_tag(&t.fake, NAME, TWO);
        fake_engine_tag(&t.fake, OTHER, ONE); /* the very image, but not through us */
        containers_tag(t.stage.containers, NAME, &one, "aa");
        containers_tag(t.stage.containers, OTHER, &one, "aa");
        settle(&t);
        assert_true(means(&t, NAME, TWO) && means(&t, OTHER, ONE));
        containers_untag(t.stage.containers, "aa");
        settle(&t);
        stage_close_containers(&t.stage);
        assert_true(means(&t, NAME, TWO) && means(&t, OTHER, ONE));
        trial_close(&t);
}

static void test_one_that_moves(void **state) {
        struct trial t;

        trial_open(&t);
        containers_tag(t.stage.containers, NAME, &one, "aa");
        containers_tag(t.stage.containers, NAME, &two, "bb");
        turn_until(&t, means(&t, NAME, TWO));
        containers_tag(t.stage.containers, NAME, &one, "aa");
        turn_until(&t, means(&t, NAME, ONE));
        containers_untag(t.stage.containers, "bb"); /* no longer what it is for */
        settle(&t);
        assert_true(means(&t, NAME, ONE));
        /* From now on it is somebody else's. */
        fake_engine_tag(&t.fake, NAME, TWO);
        containers_untag(t.stage.containers, "aa");
        settle(&t);
        assert_true(means(&t, NAME, TWO));
        trial_close(&t);
}

static void test_after_a_kill(void **state) {
        struct trial t;

        trial_open(&t);
        containers_tag(t.stage.containers, NAME, &one, "aa");
        settle(&t);
        kill_and_begin_again(&t);
        turn_until(&t, means(&t, NAME, NULL));
        /* Or it is wanted again, and stays. */
        containers_tag(t.stage.containers, NAME, &one, "aa");
        settle(&t);
        kill_and_begin_again(&t);
        containers_tag(t.stage.containers, NAME, &one, "aa");
        settle(&t);
        assert_true(means(&t, NAME, ONE));
        /* Or somebody has moved it meanwhile. */
        kill_and_begin_again(&t);
        fake_engine_tag(&t.fake, NAME, TWO);
        settle(&t);
        assert_true(means(&t, NAME, TWO));
        trial_close(&t);
}

/* What the file says of another engine is for when that is used again, unless it is this one by another address. */
static void test_another_engine(void **state) {
        static const char line[] = AWS ":9 " ONE " unix:/somewhere/else.sock\n";
        static const char here[] = AWS ":8 " ONE " unix:/another/name of it.sock\n";
        char text[256] = "";
        struct trial t;
        int fd;

        trial_open(&t);
        containers_close(TAKE(t.stage.containers));
        fd = open(t.path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_int_equal(write(fd, line, sizeof(line) - 1), sizeof(line) - 1);
        assert_int_equal(write(fd, here, sizeof(here) - 1), sizeof(here) - 1);
        fd_close(fd);
        fake_engine_tag(&t.fake, AWS ":9", TWO);
        fake_engine_tag(&t.fake, AWS ":8", ONE);
        begin(&t);
        containers_tag(t.stage.containers, NAME, &one, "aa");
        settle(&t);
        containers_close(TAKE(t.stage.containers));
        assert_true(means(&t, AWS ":9", TWO) && means(&t, AWS ":8", NULL) && means(&t, NAME, NULL));
        fd = open(t.path, O_RDONLY | O_CLOEXEC);
        assert_int_equal(read(fd, text, sizeof(text)), sizeof(line) - 1);
        fd_close(fd);
        assert_string_equal(text, line);
        unlink(t.path);
        trial_close(&t);
}

/* Each call in turn is refused, or its answer is lost after it took effect: then the next daemon takes away what is left. */
static void test_every_trouble(void **state) {
        for (int trouble = FAKE_REFUSES; trouble <= FAKE_LOSES_ANSWER; ++trouble)
                for (unsigned n = 1; n <= 4; ++n) {
                        struct trial t;

                        trial_open(&t);
                        settle(&t);
                        t.fake.trouble = (enum fake_trouble)trouble;
                        t.fake.trouble_at = t.fake.calls + n;
                        containers_tag(t.stage.containers, NAME, &one, "aa");
                        settle(&t);
                        containers_untag(t.stage.containers, "aa");
                        settle(&t);
                        assert_true(t.fake.calls >= t.fake.trouble_at || n > 2);
                        containers_close(TAKE(t.stage.containers));
                        t.fake.trouble_at = 0;
                        begin(&t);
                        settle(&t);
                        assert_true(means(&t, NAME, NULL));
                        trial_close(&t);
                }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_until_its_digest_is_forgotten),
                cmocka_unit_test(test_names_of_others_stay),
                cmocka_unit_test(test_one_that_moves),
                cmocka_unit_test(test_after_a_kill),
                cmocka_unit_test(test_another_engine),
                cmocka_unit_test(test_every_trouble),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
