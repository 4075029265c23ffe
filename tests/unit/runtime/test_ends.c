/* SPDX-License-Identifier: Apache-2.0 */
/* Stopped, lost and freed in every state; the dying do not count, the dead are silent. */
#include "scenes.h"

#include <signal.h>

/* Whatever ends it: the invocation is answered once, is idle once, and gone comes last and once. */
static void check_end(struct stage *st, enum scene scene, const char *why) {
        const char *events = stage_events(st), *log = stage_log(st);
        AUTO(str) char *gone = xasprintf("gone %s\n", why);
        size_t len = strlen(events);

        if (count_of(events, "answered ") != scene_has_invocation(scene) ||
            count_of(events, "idle ") != scene_has_invocation(scene) ||
            count_of(log, "START RequestId") != scene_has_invocation(scene) ||
            count_of(log, "END RequestId") != scene_has_invocation(scene) ||
            count_of(log, "REPORT RequestId") != scene_has_invocation(scene) ||
            count_of(events, "gone ") != 1 || len < strlen(gone) ||
            !streq(events + len - strlen(gone), gone)) {
                print_error("scene %s:\n%s---\n%s", scene_names[scene], events, log);
                fail();
        }
}

static void stopped_in_every_state(void **state) {
        for (enum scene scene = 0; scene < SCENES; ++scene) {
                struct stage st;
                int fd;

                stage_set(&st);
                enter_scene(&st, scene, &fd);
                st.hold_empty = false;
                st.e->ops->stop(st.e);
                if (st.e)
                        st.e->ops->stop(st.e); /* twice is once */
                if (scene == SCENE_INIT_KILLED || scene == SCENE_CRASHED || scene == SCENE_STOPPING) {
                        stage_settle(&st);
                        stage_empty_now(&st);
                }
                stage_await(&st, "gone");
                check_end(&st, scene, "stopped");
                close(fd);
                stage_end(&st);
        }
}

static void lost_in_every_state(void **state) {
        for (enum scene scene = SCENE_OPENING; scene < SCENES; ++scene) {
                struct stage st;
                int fd;

                stage_set(&st);
                enter_scene(&st, scene, &fd);
                stage_lose(&st, "somebody killed it");
                check_end(&st, scene, "somebody killed it");
                close(fd);
                stage_end(&st);
        }
}

static void freed_in_every_state(void **state) {
        for (enum scene scene = 0; scene < SCENES; ++scene) {
                struct environment *e;
                struct stage st;
                int fd;

                stage_set(&st);
                enter_scene(&st, scene, &fd);
                stage_events(&st);
                e = TAKE(st.e);
                e->ops->free(e);
                stage_settle(&st);
                assert_string_equal(stage_events(&st), "");
                close(fd);
                stage_end(&st);
        }
}

/* The owner that is told `idle` by a lost place may not be tempted: ending says that gone follows. */
static void note_ending(struct stage *st) {
        assert_int_equal(buf_printf(&st->events, "ending %d\n", st->e->ending), 0);
}

static void the_last_idle_is_marked(void **state) {
        struct stage st;
        int fd;

        stage_set(&st);
        enter_scene(&st, SCENE_RUNNING, &fd);
        st.in_idle = note_ending;
        stage_lose(&st, "broken");
        assert_non_null(strstr(stage_events(&st), "ending 1\ngone broken\n"));
        close(fd);
        stage_end(&st);

        stage_set(&st);
        enter_scene(&st, SCENE_ANSWERED, &fd);
        st.in_idle = note_ending;
        runtime_ask(&st, fd);
        stage_await(&st, "ending 0");
        close(fd);
        stage_end(&st);
}

/* After gone nothing is said, even if the owner frees later and the place (or a runtime) goes on speaking. */
static void silence_after_gone(void **state) {
        struct stage st;
        int fd;

        stage_set(&st);
        st.keep_on_gone = true;
        enter_scene(&st, SCENE_RUNNING, &fd);
        stage_lose(&st, "broken");
        stage_events(&st);
        stage_log(&st);
        stage_output(&st, "late\n");
        stage_exit(&st, PLACE_EXITED, 0);
        stage_empty_now(&st);
        stage_lose(&st, "again");
        stage_open_now(&st);
        st.e->ops->stop(st.e);
        runtime_post(&st, fd, RESPONSE, "", "1");
        stage_settle(&st);
        assert_string_equal(stage_events(&st), "");
        assert_string_equal(stage_log(&st), "");
        close(fd);
        stage_end(&st);
}

/* ---- the answer races with the end ---- */

/* The end comes in the middle of the answer: the rest of it, or its breaking off, is nobody's answer any
 * more. */
static void an_end_in_the_middle_of_the_answer(void **state) {
        static const enum scene scenes[] = { SCENE_ANSWERING, SCENE_STREAMING };

        for (size_t i = 0; i < ARRAY_SIZE(scenes); ++i)
                for (int broken = 0; broken < 2; ++broken) {
                        char rest[96];
                        struct stage st;
                        int fd;

                        memset(rest, 'r', sizeof(rest));
                        stage_set(&st);
                        enter_scene(&st, scenes[i], &fd);
                        stage_exit(&st, PLACE_OOM_KILLED, SIGKILL);
                        stage_await(&st, "answered out-of-memory Runtime.OutOfMemory");
                        if (broken)
                                close(fd);
                        else
                                runtime_write(&st, fd, rest, sizeof(rest));
                        stage_settle(&st);
                        stage_empty_now(&st);
                        stage_await(&st, "idle out-of-memory");
                        assert_int_equal(count_of(stage_events(&st), "answered"), 1);
                        if (!broken)
                                close(fd);
                        stage_end(&st);
                }
}

/* Files in /tmp outlive a reset and count as memory: an environment that has no room to start any more is given
 * up. One that never had any is kept, for another would be no better. */
static void a_memory_that_stays_full(void **state) {
        for (int once_ready = 0; once_ready < 2; ++once_ready) {
                struct stage st;
                int fd = -1;

                stage_set(&st);
                if (once_ready) {
                        fd = stage_warm(&st);
                        stage_invoke(&st);
                } else {
                        stage_start(&st);
                }
                stage_exit(&st, PLACE_OOM_KILLED, SIGKILL);
                stage_await(&st, once_ready ? "idle out-of-memory" : "ready failed");
                assert_false(st.e->ending);
                stage_invoke(&st);
                stage_exit(&st, PLACE_OOM_KILLED, SIGKILL);
                if (once_ready)
                        stage_await(&st, "gone what it keeps leaves too little memory to start in");
                else
                        stage_await(&st, "idle out-of-memory");
                assert_int_equal(st.gone, once_ready);
                close(fd);
                stage_end(&st);
        }
}

/* Stop is asked in the same breath in which the runtime asks for more: it is not forgotten. */
static void a_stop_and_a_poll_at_once(void **state) {
        struct stage st;
        int fd;

        stage_set(&st);
        enter_scene(&st, SCENE_ANSWERED, &fd);
        st.hold_empty = false;
        runtime_ask(&st, fd); /* in the socket, not read yet */
        st.e->ops->stop(st.e);
        stage_await(&st, "gone stopped");
        check_end(&st, SCENE_ANSWERED, "stopped");
        close(fd);
        stage_end(&st);
}

/* The dying generation still speaks: nothing of it counts. */
static void what_the_dying_say(void **state) {
        struct stage st;
        int fd;

        stage_set(&st);
        enter_scene(&st, SCENE_INIT_KILLED, &fd);
        fd = runtime_connect(&st);
        runtime_post(&st, fd, "init/error", "", "{}");
        assert_int_equal(strncmp(runtime_reply(&st, fd), "403", 3), 0);
        runtime_ask(&st, fd);
        stage_settle(&st);
        assert_string_equal(stage_events(&st), "started\n");
        stage_empty_now(&st);
        stage_await(&st, "ready failed");
        assert_true(runtime_is_closed(&st, fd));
        close(fd);
        fd = runtime_connect(&st); /* came out of the backlog after all */
        runtime_post(&st, fd, "init/error", "", "{}");
        assert_int_equal(strncmp(runtime_reply(&st, fd), "403", 3), 0);
        assert_int_equal(loop_next_due(st.loop), NSEC_NEVER);
        close(fd);
        stage_end(&st);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(stopped_in_every_state),
                cmocka_unit_test(lost_in_every_state),
                cmocka_unit_test(freed_in_every_state),
                cmocka_unit_test(the_last_idle_is_marked),
                cmocka_unit_test(silence_after_gone),
                cmocka_unit_test(an_end_in_the_middle_of_the_answer),
                cmocka_unit_test(a_memory_that_stays_full),
                cmocka_unit_test(a_stop_and_a_poll_at_once),
                cmocka_unit_test(what_the_dying_say),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
