/* SPDX-License-Identifier: Apache-2.0 */
#include "http/guard.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char *const allowed[] = { "lambda.example.org", ".corp.example" };

static const char *const ours[] = {
        "127.0.0.1",
        "127.0.0.1:9000",
        "10.1.2.3:1",
        "[::1]",
        "[::1]:9000",
        "[fe80::1%25eth0]:80",
        "localhost",
        "LocalHost:9000",
        "localhost.",
        "x.localhost",
        "a.b.localhost:1",
        "lambent",
        "lambent:80",
        "my-host",
        "host.docker.internal:9000",
        "host.containers.internal",
        "lambda.us-east-1.amazonaws.com",
        "lambda.cn-north-1.amazonaws.com.cn:443",
        "abc.lambda-url.eu-west-1.on.aws",
        "lambda.example.org",
        "LAMBDA.example.org:8",
        "a.corp.example",
        "a.b.corp.example.",
        "localhost:",
};

static const char *const foreign[] = {
        "",
        ".",
        ":80",
        "evil.example",
        "evil.example:9000",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evillocalhost.com",
        "amazonaws.com.evil.example",
        "evilamazonaws.com",
        "amazonaws.com",
        "on.aws",
        "xon.aws",
        "x.lambda.example.org",
        "corp.example",
        "evilcorp.example",
        "xhost.docker.internal",
        "localhost:x",
        "localhost:99999",
        "localhost:1:2",
        "[::1",
        "[::1]x",
        "[::1]:x",
        "[evil.example]",
        "[127.0.0.1]",
        "[]",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "127.1",
        "user@localhost.x",
};

static void hosts(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(ours); ++i)
                if (!guard_host_is_ours(ours[i], allowed, ARRAY_SIZE(allowed)))
                        fail_msg("refused: %s", ours[i]);
        for (size_t i = 0; i < ARRAY_SIZE(foreign); ++i)
                if (guard_host_is_ours(foreign[i], allowed, ARRAY_SIZE(allowed)))
                        fail_msg("let in: %s", foreign[i]);
        assert_false(guard_host_is_ours("lambda.example.org", NULL, 0));
}

static void long_hosts(void **state) {
        char host[400];

        memset(host, 'a', sizeof(host));
        host[253] = 0;
        assert_true(guard_host_is_ours(host, NULL, 0));
        host[253] = 'a';
        host[254] = 0;
        assert_false(guard_host_is_ours(host, NULL, 0));
        host[254] = 'a';
        host[0] = '[';
        host[398] = ']';
        host[399] = 0;
        assert_false(guard_host_is_ours(host, NULL, 0));
}

static enum guard_verdict check(const char *host, const char *name, const char *value) {
        struct http_field fields[2];
        struct http_exchange x = { .fields = fields };

        if (host)
                fields[x.field_count++] = (struct http_field){ "host", host, 4, strlen(host) };
        if (name)
                fields[x.field_count++] = (struct http_field){ name, value, strlen(name), strlen(value) };
        return guard_check(&x, allowed, ARRAY_SIZE(allowed));
}

static void verdicts(void **state) {
        assert_int_equal(check("localhost:9000", NULL, NULL), GUARD_OK);
        assert_int_equal(check(NULL, NULL, NULL), GUARD_OK);
        assert_int_equal(check("a.corp.example", NULL, NULL), GUARD_OK);
        assert_int_equal(check("evil.example", NULL, NULL), GUARD_FOREIGN_HOST);
        assert_int_equal(check("evil.example", "origin", "http://evil.example"), GUARD_FOREIGN_HOST);
        assert_int_equal(check("localhost", "origin", "http://localhost"), GUARD_FROM_PAGE);
        assert_int_equal(check("localhost", "origin", "null"), GUARD_FROM_PAGE);
        assert_int_equal(check(NULL, "origin", "null"), GUARD_FROM_PAGE);
        assert_int_equal(check("localhost", "sec-fetch-site", "none"), GUARD_OK);
        assert_int_equal(check("localhost", "sec-fetch-site", "same-origin"), GUARD_FROM_PAGE);
        assert_int_equal(check("localhost", "sec-fetch-site", "cross-site"), GUARD_FROM_PAGE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(hosts),
                cmocka_unit_test(long_hosts),
                cmocka_unit_test(verdicts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
