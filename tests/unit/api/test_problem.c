/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "api/problem.h"

static void problems_have_aws_bodies(void **state) {
        static const struct {
                enum problem_kind kind;
                const char *reason, *body;
        } bodies[] = {
                { PROBLEM_VALIDATION, NULL, "{\"message\":\"m\"}" },
                { PROBLEM_INVALID_PARAMETER, NULL, "{\"Type\":\"User\",\"message\":\"m\"}" },
                { PROBLEM_NOT_FOUND, NULL, "{\"Type\":\"User\",\"Message\":\"m\"}" },
                { PROBLEM_ENTITY_TOO_LARGE, NULL, "{\"Message\":\"m\"}" },
                { PROBLEM_SERVICE, NULL, "{\"Type\":\"Service\",\"Message\":\"m\"}" },
                { PROBLEM_TOO_MANY_REQUESTS, "R", "{\"Reason\":\"R\",\"Type\":\"User\",\"message\":\"m\"}" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
                AUTO(buf) struct buf body = BUF_NULL(KIB);
                AUTO(problem) struct problem problem = PROBLEM_NULL;

                problem_set(&problem, bodies[i].kind, "m");
                problem.reason = bodies[i].reason;
                problem_write(&problem, &body);
                assert_int_equal(body.len, strlen(bodies[i].body));
                assert_memory_equal(buf_data(&body), bodies[i].body, body.len);
        }
        for (enum problem_kind kind = 0; kind < PROBLEM_KINDS; kind++) {
                assert_non_null(problem_exception(kind));
                assert_true(problem_status(kind) >= 400);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(problems_have_aws_bodies),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
