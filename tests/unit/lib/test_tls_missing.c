/* SPDX-License-Identifier: Apache-2.0 */
/* What calls end with when there is no libcurl; it is looked for once in a process, so this one is of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/tls.h"

struct ending {
        struct http_client *client;
        int count, result;
        char problem[256];
};

static void on_end(void *owner, int r) {
        struct ending *e = owner;

        ++e->count;
        e->result = r;
        str_fit(e->problem, sizeof(e->problem), http_client_problem(e->client, r));
}

static void test_it_names_the_package(void **state) {
        static const struct http_client_ops ops = { .on_end = on_end };
        AUTO(loop) struct loop *loop = NULL;
        struct ending ends[2] = {};
        struct tls *tls;

        assert_int_equal(loop_new(&loop), 0);
        tls = tls_new(loop, NULL);
        for (int round = 1; round <= 2; ++round) {
                for (size_t i = 0; i < ARRAY_SIZE(ends); ++i) {
                        if (!ends[i].client)
                                ends[i].client = tls_client_new(tls, "localhost:1");
                        assert_int_equal(http_client_call(ends[i].client, HTTP_GET_, "/", NULL, NULL, 0,
                                                          NSEC_NEVER, &ops, &ends[i]),
                                         0);
                        assert_int_equal(ends[i].count, round - 1);
                }
                while (ends[0].count < round || ends[1].count < round)
                        assert_int_equal(loop_turn(loop, SECOND), 0);
        }
        for (size_t i = 0; i < ARRAY_SIZE(ends); ++i) {
                assert_int_equal(ends[i].count, 2);
                assert_int_equal(ends[i].result, -ELIBACC);
                assert_non_null(strstr(ends[i].problem, "install the package libcurl4"));
                http_client_free(ends[i].client);
        }
        tls_free(tls);
}

/* Everything may go while the library is still looked for. */
static void test_given_up_before_it_is_known(void **state) {
        static const struct http_client_ops ops = { .on_end = on_end };
        AUTO(loop) struct loop *loop = NULL;
        struct ending e = {};
        struct tls *tls;

        assert_int_equal(loop_new(&loop), 0);
        tls = tls_new(loop, NULL);
        e.client = tls_client_new(tls, "localhost:1");
        assert_int_equal(http_client_call(e.client, HTTP_GET_, "/", NULL, NULL, 0, NSEC_NEVER, &ops, &e), 0);
        http_client_free(e.client);
        tls_free(tls);
        assert_int_equal(loop_turn(loop, 0), 0);
        assert_int_equal(e.count, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_given_up_before_it_is_known),
                cmocka_unit_test(test_it_names_the_package),
        };

        setenv("LAMBENT_LIBCURL", "/nowhere/libcurl.so.4", 1);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
