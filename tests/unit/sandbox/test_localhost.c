/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/link.h"
#include "sandbox/engine/localhost.h"

/* One variable, and the ports that it speaks of (ended by 0). */
static void expect(const char *value, const uint16_t *want) {
        const struct env_var vars[] = { { "X", value } };
        uint16_t ports[TUNNEL_PORTS_MAX];
        size_t count = localhost_ports(vars, 1, ports, ARRAY_SIZE(ports));

        for (size_t i = 0; want[i] || i < count; ++i)
                if (i >= count || ports[i] != want[i])
                        fail_msg("\"%s\": port %zu is %u, not %u", value, i, i < count ? ports[i] : 0u,
                                 want[i]);
}

#define EXPECT(value, ...) expect(value, (const uint16_t[]){ __VA_ARGS__ __VA_OPT__(, ) 0 })

static void test_addresses(void **state) {
        EXPECT("http://localhost:8080/path", 8080);
        EXPECT("http://localhost/", 80);
        EXPECT("https://LOCALHOST", 443);
        EXPECT("http://127.0.0.1:3000", 3000);
        EXPECT("http://[::1]:3000/x?y", 3000);
        EXPECT("redis://:secret@localhost:6380/0", 6380);
        EXPECT("postgres://user:p%40ss@localhost/db", 5432);
        EXPECT("jdbc:postgresql://localhost:5433/db", 5433);
        EXPECT("mongodb://localhost:27017,localhost:27018/?replicaSet=rs", 27017, 27018);
        EXPECT("localhost:9092", 9092);
        EXPECT("127.0.0.1:1,127.0.0.1:2;localhost:1", 1, 2);
        EXPECT("host=localhost port=5432 dbname=x", 5432);
        EXPECT("{\"url\":\"http://localhost:4000\"}", 4000);
}

static void test_words_that_are_no_addresses(void **state) {
        EXPECT("");
        EXPECT("localhost");
        EXPECT("notlocalhost:80");
        EXPECT("localhost.example.com:80");
        EXPECT("localhost:8080x");
        EXPECT("localhost:0");
        EXPECT("localhost:65536");
        EXPECT("127.0.0.10:80");
        EXPECT("x127.0.0.1:80");
        EXPECT("http://example.com/?back=localhost");
        EXPECT("unknown://localhost/");
}

static void test_two_variables(void **state) {
        const struct env_var vars[] = {
                { "PGHOST", "localhost" }, { "PGPORT", "5432" },      { "DB_HOST_NAME", "::1" },
                { "DB_PORT_NAME", "7" },   { "CACHE_HOST", "cache" }, { "CACHE_PORT", "9" },
        };
        uint16_t ports[TUNNEL_PORTS_MAX];

        assert_int_equal(localhost_ports(vars, ARRAY_SIZE(vars), ports, ARRAY_SIZE(ports)), 2);
        assert_int_equal(ports[0], 5432);
        assert_int_equal(ports[1], 7);
}

static void test_no_more_than_there_is_room(void **state) {
        const struct env_var vars[] = { { "X", "localhost:1,localhost:2,localhost:3" } };
        uint16_t ports[2];

        assert_int_equal(localhost_ports(vars, 1, ports, ARRAY_SIZE(ports)), 2);
}

static void expect_rewritten(const char *name, const char *value, const char *want) {
        const struct env_var vars[] = { { name, value }, { "PGPORT", "5432" } };
        AUTO(str) char *rewritten = localhost_rewrite(vars, 2, &vars[0], "host.docker.internal");

        assert_string_equal(rewritten, want);
}

static void test_rewritten(void **state) {
        expect_rewritten("X", "redis://:pw@localhost:6379/0", "redis://:pw@host.docker.internal:6379/0");
        expect_rewritten("X", "127.0.0.1:1,[::1]:2", "host.docker.internal:1,host.docker.internal:2");
        expect_rewritten("X", "http://LOCALHOST/a", "http://host.docker.internal/a");
        expect_rewritten("PGHOST", "localhost", "host.docker.internal");
        expect_rewritten("X", "localhost", "localhost");
        expect_rewritten("X", "notlocalhost:1 localhost:8080x", "notlocalhost:1 localhost:8080x");
        expect_rewritten("X", "", "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_addresses),
                cmocka_unit_test(test_rewritten),
                cmocka_unit_test(test_words_that_are_no_addresses),
                cmocka_unit_test(test_two_variables),
                cmocka_unit_test(test_no_more_than_there_is_room),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
