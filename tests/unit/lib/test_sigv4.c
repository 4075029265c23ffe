/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signatures are AWS's: "Signature Version 4 test suite" (one secret, one moment, one service) and the example of
 * ListUsers in the IAM documentation. tests/wire/test_signatures.py has botocore's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/random.h"
#include "lib/sigv4.h"

#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define TIME "20150830T123600Z"

static struct http_field field(const char *name, const char *value) {
        return (struct http_field){ name, value, strlen(name), strlen(value) };
}

static char *canonical_of(const char *method, const char *path, const char *query, bool path_as_is) {
        const struct http_field fields[] = { field("host", "example.amazonaws.com"),
                                             field("x-amz-date", TIME) };
        const struct sigv4_request request = {
                method,    path, query, fields, ARRAY_SIZE(fields), "host;x-amz-date", SIGV4_EMPTY_SHA256,
                path_as_is
        };
        struct buf canonical = BUF_NULL(64 * KIB);

        assert_int_equal(sigv4_canonical(&request, &canonical), 0);
        return buf_take_str(&canonical, NULL);
}

static void test_published_signatures(void **state) {
        static const struct {
                const char *method, *path, *query, *signature;
        } cases[] = {
                { "GET", "/", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
                { "GET", "/", "Param2=value2&Param1=value1",
                  "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500" },
                { "POST", "/", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b" },
        };
        const struct sigv4_scope scope = { TIME, "20150830", "us-east-1", "service" };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                AUTO(str) char *text = canonical_of(cases[i].method, cases[i].path, cases[i].query, false);
                AUTO(buf) struct buf canonical = BUF_NULL(64 * KIB);
                char hex[SIGV4_HEX_LEN + 1];

                buf_append_str(&canonical, text);
                sigv4_signature(SECRET, &scope, &canonical, hex);
                assert_string_equal(hex, cases[i].signature);
        }
}

static void test_the_documentations_example(void **state) {
        const struct http_field fields[] = { field("content-type",
                                                   "application/x-www-form-urlencoded; charset=utf-8"),
                                             field("host", "iam.amazonaws.com"), field("x-amz-date", TIME) };
        const struct sigv4_request request = { "GET",
                                               "/",
                                               "Action=ListUsers&Version=2010-05-08",
                                               fields,
                                               ARRAY_SIZE(fields),
                                               "content-type;host;x-amz-date",
                                               SIGV4_EMPTY_SHA256 };
        const struct sigv4_scope scope = { TIME, "20150830", "us-east-1", "iam" };
        AUTO(buf) struct buf canonical = BUF_NULL(64 * KIB);
        char hex[SIGV4_HEX_LEN + 1];

        assert_int_equal(sigv4_canonical(&request, &canonical), 0);
        sigv4_sha256_hex(buf_data(&canonical), canonical.len, hex);
        assert_string_equal(hex, "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59");
        sigv4_signature(SECRET, &scope, &canonical, hex);
        assert_string_equal(hex, "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

/* RFC 4231, test cases 2 and 6. */
static void test_hmac(void **state) {
        static const char words[] = "Test Using Larger Than Block-Size Key - Hash Key First";
        unsigned char digest[SHA256_LEN], key[131];
        char hex[SHA256_HEX_LEN + 1];

        hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, digest);
        hex_encode(digest, sizeof(digest), hex);
        assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        memset(key, 0xaa, sizeof(key));
        hmac_sha256(key, sizeof(key), words, strlen(words), digest);
        hex_encode(digest, sizeof(digest), hex);
        assert_string_equal(hex, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

/* The canonical form by its definition: "Create a signed AWS API request" in the IAM documentation. */
static void test_canonical_forms(void **state) {
        static const struct {
                const char *path, *query, *canonical_path, *canonical_query;
                bool as_is;
        } cases[] = {
                { "/", "", "/", "" },
                { "", "", "/", "" },
                { "/a/b", "", "/a/b", "" },
                { "/a/b/", "", "/a/b/", "" },
                { "//a//b", "", "/a/b", "" },
                { "/a/./b", "", "/a/b", "" },
                { "/a/../b", "", "/b", "" },
                { "/a/b/..", "", "/a/", "" },
                { "/../..", "", "/", "" },
                { "/a%20b", "", "/a%2520b", "" },
                { "/a%20b//.", "", "/a%20b//.", "", true },
                { "/arn:aws:x", "", "/arn%3Aaws%3Ax", "" },
                { "/", "b=2&a=1", "/", "a=1&b=2" },
                { "/", "a=2&a=1&a", "/", "a=&a=1&a=2" },
                { "/", "ab=1&a=2", "/", "a=2&ab=1" },
                { "/", "a=x%7ey%2fz", "/", "a=x~y%2Fz" },
                { "/", "a=b+c", "/", "a=b%2Bc" },
                { "/", "a=b=c", "/", "a=b%3Dc" },
                { "/", "&&a=1&", "/", "a=1" },
                { "/", "X-Amz-Signature=x&X-Amz-Date=y", "/", "X-Amz-Date=y" },
                { "/", "%E1%88%B4=bar", "/", "%E1%88%B4=bar" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                AUTO(str) char *got = canonical_of("GET", cases[i].path, cases[i].query, cases[i].as_is);
                AUTO(str) char *wanted = xasprintf("GET\n%s\n%s\nhost:example.amazonaws.com\nx-amz-date:" TIME
                                                   "\n\nhost;x-amz-date\n" SIGV4_EMPTY_SHA256,
                                                   cases[i].canonical_path, cases[i].canonical_query);

                assert_string_equal(got, wanted);
        }
}

static void test_headers(void **state) {
        const struct http_field fields[] = { field("my-header1", "  a   b \t c  "), field("host", "h"),
                                             field("my-header1", "d"), field("other", "x") };
        const struct sigv4_request request = {
                "GET", "/", "", fields, ARRAY_SIZE(fields), "absent;host;my-header1", "P"
        };
        AUTO(buf) struct buf canonical = BUF_NULL(KIB);

        assert_int_equal(sigv4_canonical(&request, &canonical), 0);
        buf_append(&canonical, "", 1);
        assert_string_equal(buf_data(&canonical),
                            "GET\n/\n\nabsent:\nhost:h\nmy-header1:a b c,d\n\nabsent;host;my-header1\nP");
}

static void test_what_cannot_be_signed(void **state) {
        struct sigv4_request request = { "GET", "/", "a=%zz", NULL, 0, "", "P" };
        AUTO(buf) struct buf canonical = BUF_NULL(KIB), small = BUF_NULL(8);

        assert_int_equal(sigv4_canonical(&request, &canonical), -EINVAL);
        request.query = "a=b";
        assert_int_equal(sigv4_canonical(&request, &small), -E2BIG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_published_signatures),
                cmocka_unit_test(test_the_documentations_example),
                cmocka_unit_test(test_hmac),
                cmocka_unit_test(test_canonical_forms),
                cmocka_unit_test(test_headers),
                cmocka_unit_test(test_what_cannot_be_signed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
