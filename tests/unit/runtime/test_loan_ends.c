/* SPDX-License-Identifier: Apache-2.0 */
/* How an environment ends whose place is lent: lost, stopped, given up, freed, in each state. */
#include "lender.h"

#include <signal.h>

static const struct loss_case {
        enum remote_loss loss;
        const char *why, *answered, *idle, *log;
} losses[] = {
        { REMOTE_BROKEN, "somebody removed the container",
          "answered sandbox-failure Sandbox.Failure {\"errorType\":\"Sandbox.Failure\",\"errorMessage\":\"RequestId: " ID
          " Error: somebody removed the container\"}\n",
          "idle sandbox-failure\n", "Status: failure\tError Type: Sandbox.Failure\n" },
        { REMOTE_EXITED, "the container was killed",
          "answered exit Runtime.ExitError {\"errorType\":\"Runtime.ExitError\",\"errorMessage\":\"RequestId: " ID
          " Error: the container was killed\"}\n",
          "idle exit\n", "Error: the container was killed\nRuntime.ExitError\nEND " },
        { REMOTE_OUT_OF_MEMORY, "the container ran out of memory",
          "answered out-of-memory Runtime.OutOfMemory {\"errorType\":\"Runtime.OutOfMemory\",\"errorMessage\":\"RequestId: " ID
          " Error: Runtime exited with error: signal: killed\"}\n",
          "idle out-of-memory\n", "Status: error\tError Type: Runtime.OutOfMemory\n" },
};

/* In any state, whoever tells it, and whether the link's end is seen first: one answer, one idle, gone. */
static void it_is_lost(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(losses); ++i)
                for (enum scene scene = OPENING; scene < SCENES; ++scene)
                        for (unsigned link_first = 0; link_first < 2; ++link_first) {
                                struct near n = { .asks_why = true,
                                                  .why_lost = losses[i].why,
                                                  .how_lost = losses[i].loss };
                                const char *heard;

                                lender_enter(&n, scene);
                                assert_true(n.output < 0 || write(n.output, "last words", 10) == 10);
                                if (link_first)
                                        line_deinit(&n.init);
                                else
                                        remote_lost(n.witness.e, losses[i].loss, losses[i].why);
                                lender_await(&n, "gone ");
                                heard = witness_text_of(&n.witness.events);
                                assert_int_equal(strstr(heard, losses[i].answered) != NULL, scene == RUNNING);
                                if (scene == RUNNING)
                                        assert_non_null(strstr(heard, losses[i].idle));
                                if (scene == RUNNING) {
                                        assert_non_null(
                                                strstr(witness_text_of(&n.witness.log), "last words"));
                                        assert_non_null(
                                                strstr(witness_text_of(&n.witness.log), losses[i].log));
                                }
                                if (scene == ANSWERED)
                                        assert_non_null(strstr(heard, "answered success - {}\nidle "));
                                /* What nobody waits for needs no reason. */
                                assert_int_equal(n.link_losses,
                                                 link_first && scene != IDLE && scene != ANSWERED);
                                lender_end(&n);
                        }
}

/* Nobody says why: after a while it is the sandbox's failure. */
static void nobody_knows_why(void **state) {
        struct near n = { .asks_why = true };

        lender_enter(&n, RUNNING);
        line_deinit(&n.init);
        lender_await(&n, "gone the link has ended\n");
        assert_non_null(
                strstr(witness_text_of(&n.witness.events), "answered sandbox-failure Sandbox.Failure "));
        lender_end(&n);
}

/* The link is gone, and before anybody says why the owner wants the end. */
static void stopped_while_the_reason_is_awaited(void **state) {
        struct near n = { .asks_why = true };

        lender_enter(&n, RUNNING);
        line_deinit(&n.init);
        lender_turn(&n);
        assert_int_equal(n.link_losses, 1);
        n.witness.e->ops->stop(n.witness.e);
        lender_await(&n, "gone the link has ended\n");
        assert_non_null(strstr(witness_text_of(&n.witness.events), "the execution environment was stopped"));
        lender_end(&n);
}

static void stopped(void **state) {
        for (enum scene scene = OPENING; scene < SCENES; ++scene) {
                struct near n = {};

                lender_enter(&n, scene);
                n.witness.e->ops->stop(n.witness.e);
                lender_await_said(&n, scene == OPENING ? LINK_STOP : LINK_KILL);
                if (scene == OPENING) {
                        lender_opened(&n); /* it had not heard of that yet */
                        SAY(&n, LINK_GONE, .gone = { "stopped" });
                } else {
                        SAY(&n, LINK_EXIT, .exit = { PROCESS_RUNTIME, PLACE_SIGNALED, SIGKILL });
                        SAY(&n, LINK_EMPTIED);
                }
                lender_await(&n, "gone stopped\n");
                lender_turn(&n);
                assert_string_equal(n.init_why, "the link has ended"); /* and so init goes */
                lender_end(&n);
        }
}

static void stopped_before_there_is_a_link(void **state) {
        struct near n = { .connects_nothing = true };

        lender_begin(&n);
        n.witness.e->ops->stop(n.witness.e);
        lender_await(&n, "gone stopped\n");
        lender_end(&n);
}

/* Somebody has asked the container to end, as `docker stop` does. */
static void asked_to_stop_by_init(void **state) {
        struct near n = {};

        lender_enter(&n, RUNNING);
        SAY(&n, LINK_STOP);
        lender_await_said(&n, LINK_KILL);
        SAY(&n, LINK_EMPTIED);
        lender_await(&n, "gone stopped\n");
        assert_non_null(strstr(witness_text_of(&n.witness.events), "the execution environment was stopped"));
        lender_end(&n);
}

/* It cannot open: nothing is lent, and nothing else is tried. */
static void it_cannot_open(void **state) {
        struct near n = {};

        lender_begin(&n);
        SAY(&n, LINK_GONE, .gone = { "Address already in use" });
        lender_await(&n, "gone Address already in use\n");
        lender_end(&n);
}

/* An init that kills nobody is given up. */
static void a_kill_without_an_answer(void **state) {
        struct near n = {};

        lender_enter(&n, RUNNING);
        SAY(&n, LINK_EXIT, .exit = { PROCESS_RUNTIME, PLACE_EXITED, 3 });
        lender_await_said(&n, LINK_KILL);
        lender_await(&n, "gone lambent-init did not answer in time\n");
        assert_non_null(strstr(witness_text_of(&n.witness.events), "answered exit Runtime.ExitError "));
        lender_end(&n);
}

static void it_is_freed(void **state) {
        for (enum scene scene = OPENING; scene < SCENES; ++scene) {
                struct near n = {};
                struct environment *e;

                lender_enter(&n, scene);
                e = TAKE(n.witness.e);
                e->ops->free(e);
                lender_turn(&n);
                assert_string_equal(n.init_why, "the link has ended");
                lender_end(&n);
        }
}
int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(it_is_lost),
                cmocka_unit_test(nobody_knows_why),
                cmocka_unit_test(stopped_while_the_reason_is_awaited),
                cmocka_unit_test(stopped),
                cmocka_unit_test(stopped_before_there_is_a_link),
                cmocka_unit_test(asked_to_stop_by_init),
                cmocka_unit_test(it_cannot_open),
                cmocka_unit_test(a_kill_without_an_answer),
                cmocka_unit_test(it_is_freed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
