/* SPDX-License-Identifier: Apache-2.0 */
/* What every tier must do, on the tier that the first argument names; 77 where it does not hold. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "trial.h"

static struct trial trial;
static enum native_tier tier;

static void a_program_runs_and_its_exit_comes_after_its_output(void **state) {
        struct guest guest;

        guest_open(&trial, &guest, NULL);
        guest_run(&guest, "many-lines", "2000");
        assert_int_equal(guest.exits[0].end, PLACE_EXITED);
        assert_int_equal(guest.exits[0].detail, 7);
        assert_non_null(strstr(guest.output, "line 1999\n"));
        assert_int_equal(guest.output_at_exit, guest.output_len);
        guest_close(&guest);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_program_runs_and_its_exit_comes_after_its_output),
        };
        int r;

        tier = (enum native_tier)atoi(argv[1]);
        r = trial_open(&trial, tier, NULL);
        if (!r)
                r = cmocka_run_group_tests(tests, NULL, NULL);
        else
                r = 77;
        trial_close(&trial);
        return r;
}
