/* SPDX-License-Identifier: Apache-2.0 */
#include "http/address.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void address_is(const char *hosts, const char *text, int index, const char *expected) {
        struct address list[ADDRESSES_MAX];
        char name[INET6_ADDRSTRLEN];
        size_t count = 0;
        const void *raw;

        if (!expected) {
                assert_int_equal(address_find_in(hosts, text, list, &count), -EHOSTUNREACH);
                return;
        }
        assert_int_equal(address_find_in(hosts, text, list, &count), 0);
        assert_true((size_t)index < count);
        raw = list[index].at.ss_family == AF_INET
                      ? (void *)&((struct sockaddr_in *)&list[index].at)->sin_addr
                      : (void *)&((struct sockaddr_in6 *)&list[index].at)->sin6_addr;
        assert_non_null(inet_ntop(list[index].at.ss_family, raw, name, sizeof(name)));
        assert_string_equal(name, expected);
        assert_int_equal(ntohs(((struct sockaddr_in *)&list[index].at)->sin_port), 80);
}

static void addresses(void **state) {
        static const char text[] =
                "# comment 9.9.9.9 one\n10.0.0.1 one alias # two\n\n\t::2\tone\nbad two\n10.0.0.3 three";
        char path[] = "/tmp/lambent-test-XXXXXX";
        int fd = mkstemp(path);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        close(fd);
        address_is(path, "one:80", 0, "10.0.0.1");
        address_is(path, "ONE:80", 1, "::2");
        address_is(path, "alias:80", 0, "10.0.0.1");
        address_is(path, "two:80", 0, NULL);
        address_is(path, "three:80", 0, "10.0.0.3");
        address_is(path, "comment:80", 0, NULL);
        address_is(path, "10.9.8.7:80", 0, "10.9.8.7");
        address_is(path, "[::1]:80", 0, "::1");
        address_is(path, "localhost:80", 0, "127.0.0.1");
        address_is(path, "localhost:80", 1, "::1");
        address_is("/nonexistent", "localhost:80", 0, "127.0.0.1");
        address_is("/nonexistent", "one:80", 0, NULL);
        unlink(path);
}

/* Whether an address is one at all does not hang on the names there are. */
static void forms(void **state) {
        static const char *const sound[] = { "nobody-knows:80", "10.9.8.7:1", "[::1]:65535", "unix:/a" };
        static const char *const not [] = { "",        "a",       ":80",   "a:",     "a:0",
                                            "a:65536", "a:x",     "a:1:2", "::1:80", "[]:80",
                                            "[a]:80",  "[::1:80", "[::1]", "unix:" };
        struct address list[ADDRESSES_MAX];
        size_t count;

        for (size_t i = 0; i < ARRAY_SIZE(sound); ++i) {
                assert_true(address_is_sound(sound[i]));
                assert_int_not_equal(address_find_in("/nonexistent", sound[i], list, &count), -EINVAL);
        }
        for (size_t i = 0; i < ARRAY_SIZE(not ); ++i) {
                assert_false(address_is_sound(not [i]));
                assert_int_equal(address_find_in("/nonexistent", not [i], list, &count), -EINVAL);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(addresses),
                cmocka_unit_test(forms),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
