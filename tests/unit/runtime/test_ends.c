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

/* The end comes in the middle of the answer: what the kernel has of it decides, whether the end of the connection is
 * seen before that of the place or after. */
static void an_end_in_the_middle_of_the_answer(void **state) {
        static const enum scene scenes[] = { SCENE_ANSWERING, SCENE_STREAMING };

        for (size_t i = 0; i < ARRAY_SIZE(scenes); ++i)
                for (int whole = 0; whole < 2; ++whole)
                        for (int emptied_first = 0; emptied_first < 2; ++emptied_first) {
                                char rest[96];
                                struct stage st;
                                int fd;

                                memset(rest, 'r', sizeof(rest));
                                stage_set(&st);
                                enter_scene(&st, scenes[i], &fd);
                                if (whole)
                                        runtime_write(&st, fd, rest, sizeof(rest));
                                stage_exit(&st, PLACE_OOM_KILLED, SIGKILL);
                                assert_int_equal(st.kills, 1);
                                if (emptied_first)
                                        stage_empty_now(&st);
                                close(fd);
                                stage_await(&st, "answered");
                                if (!emptied_first)
                                        stage_empty_now(&st);
                                stage_await(&st, whole ? "idle exit Runtime.OutOfMemory"
                                                       : "idle out-of-memory Runtime.OutOfMemory");
                                assert_int_equal(st.kills, 1);
                                assert_int_equal(
                                        count_of(stage_events(&st),
                                                 whole ? "answered success" : "answered out-of-memory"),
                                        1);
                                stage_end(&st);
                        }
}

/* All of it was written before the end, and none of it has been read: more than is read in one turn. */
static void a_whole_answer_and_the_end_at_once(void **state) {
        const size_t len = 300000;
        char *text = xasprintf("POST /2018-06-01/runtime/" RESPONSE
                               " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: "
                               "%zu\r\n\r\n%0*d",
                               len, (int)len, 7);
        struct stage st;
        int fd;

        stage_set(&st);
        enter_scene(&st, SCENE_RUNNING, &fd);
        runtime_reply(&st, fd);
        runtime_write(&st, fd, text, strlen(text));
        close(fd);
        stage_exit(&st, PLACE_EXITED, 0);
        stage_await(&st, "answered success - - (300000 bytes)");
        stage_empty_now(&st);
        stage_await(&st, "idle exit Runtime.ExitError");
        assert_string_equal(stage_events(&st),
                            "answered success - - (300000 bytes)\nidle exit Runtime.ExitError\n");
        free(text);
        stage_end(&st);
}

/* init/error, and the exit that follows it is seen first: the caller of a suppressed init gets what was posted. */
static void an_init_error_and_the_end_at_once(void **state) {
        struct stage st;
        int fd;

        stage_set(&st);
        enter_scene(&st, SCENE_SUPPRESSED_INIT, &fd);
        st.hold_empty = false;
        fd = runtime_connect(&st);
        runtime_post(&st, fd, "init/error", "Lambda-Runtime-Function-Error-Type: Runtime.BadLuck\r\n",
                     "{\"errorType\":\"BadLuck\"}");
        close(fd);
        stage_exit(&st, PLACE_EXITED, 1);
        stage_await(&st, "idle init-error Runtime.BadLuck");
        assert_int_equal(count_of(stage_events(&st), "{\"errorType\":\"BadLuck\"}"), 1);
        stage_end(&st);
}

/* Somebody else has the socket, too, and the place does not become empty: the timeout holds. */
static void an_answer_that_never_ends(void **state) {
        struct stage st;
        int fd;

        stage_set(&st);
        st.hold_empty = true;
        fd = stage_warm(&st);
        st.order.timeout = 30 * MILLISECOND;
        stage_invoke(&st);
        runtime_reply(&st, fd);
        runtime_send(&st, fd,
                     "POST /2018-06-01/runtime/" RESPONSE
                     " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nhalf");
        stage_exit(&st, PLACE_EXITED, 0);
        stage_await(&st, "answered timeout Sandbox.Timedout");
        stage_empty_now(&st);
        stage_await(&st, "idle timeout");
        close(fd);
        stage_end(&st);
}

/* Asked for more and ended: what the owner gives it from inside `idle` is not for the dead. */
static void give_more(struct stage *st) {
        st->in_idle = NULL;
        stage_invoke(st);
}

static void a_poll_and_the_end_at_once(void **state) {
        struct stage st;
        int fd;

        if (stage_is_lent) /* there, as natively, the end is told by a message behind the poll */
                return;
        stage_set(&st);
        enter_scene(&st, SCENE_ANSWERED, &fd);
        st.hold_empty = false;
        st.in_idle = give_more;
        runtime_ask(&st, fd);
        stage_exit(&st, PLACE_EXITED, 0);
        close(fd);
        stage_settle(&st);
        assert_string_equal(stage_events(&st), "answered success - - 1\nidle success\n");
        assert_int_equal(st.spawns, 2);
        fd = runtime_connect(&st);
        runtime_ask(&st, fd);
        assert_string_equal(runtime_reply(&st, fd), "200 {\"key\":1}");
        close(fd);
        stage_end(&st);
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
                cmocka_unit_test(a_whole_answer_and_the_end_at_once),
                cmocka_unit_test(an_init_error_and_the_end_at_once),
                cmocka_unit_test(an_answer_that_never_ends),
                cmocka_unit_test(a_poll_and_the_end_at_once),
                cmocka_unit_test(a_memory_that_stays_full),
                cmocka_unit_test(a_stop_and_a_poll_at_once),
                cmocka_unit_test(what_the_dying_say),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
