/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each step of building an environment fails in turn: the sandbox says which one, chooses no tier that does
 * not hold, and leaves nothing behind. The first argument is the tier.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "trial.h"

#define STEPS_MAX 40

static enum native_tier tier;

static void expect_nothing_left(const struct trial *trial) {
        struct traces after;

        while (wait(NULL) > 0 || errno == EINTR)
                ;
        after = traces_count(trial, "");
        assert_int_equal(after.processes, 0);
        assert_int_equal(after.mounts, 0);
}

/* The probe walks every step, so a failing one shows as a tier that does not hold. */
static void every_step_may_fail(void **state) {
        struct native_options options = { .limit_memory = true };
        struct trial trial;
        int r;

        for (options.fail_step = 1;; ++options.fail_step) {
                assert_true(options.fail_step < STEPS_MAX);
                r = trial_open(&trial, tier, &options);
                trial_end_native(&trial);
                expect_nothing_left(&trial);
                trial_close(&trial);
                if (r == 0)
                        break;
                if (r != -EIO && r != -EOPNOTSUPP)
                        fail_msg("step %u: %d", options.fail_step, r);
        }
        assert_true(options.fail_step > 5);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_step_may_fail),
        };
        struct trial trial;
        int r;

        tier = argc > 1 ? (enum native_tier)atoi(argv[1]) : NATIVE_T1;
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        r = trial_open(&trial, tier, NULL);
        trial_close(&trial);
        return r ? 77 : cmocka_run_group_tests(tests, NULL, NULL);
}
