/* SPDX-License-Identifier: Apache-2.0 */
/* aws_get over servers that never say a word, and what it reads: URLs and files of credentials. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <stdio.h>

#include "lib/aws_get.h"

struct rig {
        struct loop *loop;
        struct endpoint endpoint;
        struct aws_get *get;
        int fd, error;
        bool ended, free_at_end;
        char problem[128];
};

static bool on_begin(void *owner, int64_t length) {
        fail();
        return false;
}

static bool on_body(void *owner, const char *data, size_t len) {
        fail();
        return false;
}

static void on_end(void *owner, const struct aws_get_result *result) {
        struct rig *rig = owner;

        assert_false(rig->ended);
        rig->ended = true;
        rig->error = result->error;
        snprintf(rig->problem, sizeof(rig->problem), "%s", result->problem);
        if (rig->free_at_end)
                aws_get_free(TAKE(rig->get));
}

/* Connections wait in the backlog for ever. */
static int open_rig(void **state) {
        struct rig *rig = calloc(1, sizeof(*rig));
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t len = sizeof(at);
        char url[64];

        *state = rig;
        rig->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (loop_new(&rig->loop) || bind(rig->fd, (struct sockaddr *)&at, len) || listen(rig->fd, 64) ||
            getsockname(rig->fd, (struct sockaddr *)&at, &len))
                return -1;
        snprintf(url, sizeof(url), "http://127.0.0.1:%u", ntohs(at.sin_port));
        return endpoint_parse(url, &rig->endpoint);
}

static int close_rig(void **state) {
        struct rig *rig = *state;

        aws_get_free(rig->get);
        endpoint_clear(&rig->endpoint);
        loop_free(rig->loop);
        close(rig->fd);
        free(rig);
        return 0;
}

static void begin(struct rig *rig, const struct aws_get_limits *limits) {
        static const struct aws_get_events events = { on_begin, on_body, on_end };
        static const struct aws_keys keys = { (char *)"k", (char *)"s", NULL };
        const struct aws_get_request request = { .loop = rig->loop,
                                                 .endpoint = &rig->endpoint,
                                                 .target = "/b/k?versionId=1",
                                                 .service = "s3",
                                                 .region = "us-east-1",
                                                 .keys = &keys,
                                                 .limits = limits };

        rig->get = aws_get_new(&request, &events, rig);
        assert_false(rig->ended);
}

static void run(struct rig *rig) {
        while (!rig->ended)
                assert_int_equal(loop_turn(rig->loop, NSEC_NEVER), 0);
}

static void test_every_attempt_connects(void **state) {
        struct rig *rig = *state;

        begin(rig, &(struct aws_get_limits){ 3, MILLISECOND, 5 * MILLISECOND, 60 * SECOND });
        rig->free_at_end = true;
        run(rig);
        assert_null(rig->get);
        assert_int_equal(rig->error, -ETIMEDOUT);
        assert_string_equal(rig->problem, "no byte came for too long");
        for (size_t i = 0; i < 3; i++) {
                int one = accept4(rig->fd, NULL, NULL, SOCK_CLOEXEC);

                assert_true(one >= 0);
                close(one);
        }
        assert_int_equal(fcntl(rig->fd, F_SETFL, O_NONBLOCK), 0);
        assert_int_equal(accept4(rig->fd, NULL, NULL, SOCK_CLOEXEC), -1);
}

static void test_the_budget_holds_for_all(void **state) {
        struct rig *rig = *state;

        begin(rig, &(struct aws_get_limits){ 1000, MILLISECOND, 60 * SECOND, 20 * MILLISECOND });
        run(rig);
        assert_int_equal(rig->error, -ETIMEDOUT);
        assert_string_equal(rig->problem, "it took too long");
}

static void test_a_pause_between_attempts_counts(void **state) {
        struct rig *rig = *state;

        begin(rig, &(struct aws_get_limits){ 1000, 60 * SECOND, MILLISECOND, 20 * MILLISECOND });
        run(rig);
        assert_string_equal(rig->problem, "it took too long");
}

/* Nothing comes of a fetch that is gone; the sanitizers watch. */
static void test_freed_at_any_time(void **state) {
        struct rig *rig = *state;

        for (unsigned turns = 0; turns < 6; turns++) {
                begin(rig, &(struct aws_get_limits){ 2, MILLISECOND, MILLISECOND, 60 * SECOND });
                for (unsigned i = 0; i < turns; i++)
                        assert_int_equal(loop_turn(rig->loop, MILLISECOND), 0);
                aws_get_free(TAKE(rig->get));
                rig->ended = false;
        }
        assert_int_equal(loop_turn(rig->loop, 0), 0);
        assert_false(rig->ended);
}

static void test_urls(void **state) {
        static const struct {
                const char *url, *address, *host;
                bool tls;
        } fine[] = {
                { "http://127.0.0.1:9000", "127.0.0.1:9000", "127.0.0.1:9000", false },
                { "http://localhost", "localhost:80", "localhost", false },
                { "https://s3.local/", "s3.local:443", "s3.local", true },
                { "http://[::1]", "[::1]:80", "[::1]", false },
                { "https://[::1]:99", "[::1]:99", "[::1]:99", true },
        };
        static const char *const bad[] = { "",           "localhost",      "http://",    "ftp://a",
                                           "http:///",   "http://a/b",     "http://u@a", "http://a?b",
                                           "http://a b", "http://a\r\nb",  "http://:80", "http://a:0",
                                           "http://a:x", "http://a:65536", "http://[a]", "http://a:1:2" };

        for (size_t i = 0; i < ARRAY_SIZE(fine); i++) {
                AUTO(endpoint) struct endpoint e = {};

                assert_int_equal(endpoint_parse(fine[i].url, &e), 0);
                assert_string_equal(e.address, fine[i].address);
                assert_string_equal(e.host, fine[i].host);
                assert_int_equal(e.tls, fine[i].tls);
        }
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                AUTO(endpoint) struct endpoint e = {};

                assert_int_equal(endpoint_parse(bad[i], &e), -EINVAL);
        }
}

static int read_keys(const char *text, const char *profile, struct aws_keys *keys) {
        /* Without a NUL at its end, so that a reader who goes on is caught. */
        char *exact = xmalloc(strlen(text) + !*text);
        int r;

        memcpy(exact, text, strlen(text));
        r = aws_keys_read(exact, strlen(text), profile, keys);
        free(exact);
        return r;
}

static void test_credentials_files(void **state) {
        static const char text[] = "aws_access_key_id = outside\n[default]\n  aws_access_key_id = A \n"
                                   "aws_secret_access_key=s=/+\n# aws_session_token = comment\n\n"
                                   "[ other ]\r\naws_access_key_id=B\r\naws_secret_access_key=t\r\n"
                                   "aws_session_token = u\r\nregion\n[half]\naws_access_key_id = C\n[]\n[";
        AUTO(aws_keys) struct aws_keys keys = {};

        assert_int_equal(read_keys(text, "default", &keys), 0);
        assert_string_equal(keys.key, "A");
        assert_string_equal(keys.secret, "s=/+");
        assert_null(keys.token);
        aws_keys_clear(&keys);
        assert_int_equal(read_keys(text, "other", &keys), 0);
        assert_string_equal(keys.key, "B");
        assert_string_equal(keys.secret, "t");
        assert_string_equal(keys.token, "u");
        aws_keys_clear(&keys);
        assert_int_equal(read_keys(text, "half", &keys), -ENOENT);
        assert_int_equal(read_keys(text, "none", &keys), -ENOENT);
        assert_int_equal(read_keys("", "default", &keys), -ENOENT);
        assert_int_equal(
                read_keys("[default]\naws_access_key_id=\naws_secret_access_key=s", "default", &keys),
                -ENOENT);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_every_attempt_connects, open_rig, close_rig),
                cmocka_unit_test_setup_teardown(test_the_budget_holds_for_all, open_rig, close_rig),
                cmocka_unit_test_setup_teardown(test_a_pause_between_attempts_counts, open_rig, close_rig),
                cmocka_unit_test_setup_teardown(test_freed_at_any_time, open_rig, close_rig),
                cmocka_unit_test(test_urls),
                cmocka_unit_test(test_credentials_files),
        };

        return cmocka_run_group_tests_name("lib/aws_get", tests, NULL, NULL);
}
