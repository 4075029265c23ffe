/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "oci/name.h"

#define HEX "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A128 A64 A64
#define A256 A128 A128

static void assert_text(const char *is, const char *shall) {
        if (shall)
                assert_string_equal(is, shall);
        else
                assert_null(is);
}

static void names_in_parts(void **state) {
        static const struct {
                const char *text, *registry, *repository, *tag, *sha256;
        } cases[] = {
                { "public.ecr.aws/lambda/python:3.12", "public.ecr.aws", "lambda/python", "3.12", NULL },
                { "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app@sha256:" HEX,
                  "123456789012.dkr.ecr.eu-west-1.amazonaws.com", "team/app", NULL, HEX },
                { "localhost:5000/app", "localhost:5000", "app", NULL, NULL },
                { "localhost/app:v1", "localhost", "app", "v1", NULL },
                { "[::1]:5000/app:v1", "[::1]:5000", "app", "v1", NULL },
                { "app", NULL, "app", NULL, NULL },
                { "app:v1@sha256:" HEX, NULL, "app", "v1", HEX },
                /* Not a host, so it is the first part of the repository. */
                { "library/app:v1", NULL, "library/app", "v1", NULL },
                { "a.b/c__d/e--f.g_h:V_1.0-x", "a.b", "c__d/e--f.g_h", "V_1.0-x", NULL },
                { "app:" A128, NULL, "app", A128, NULL },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                AUTO(image_name) struct image_name name = {};

                assert_int_equal(image_name_parse(cases[i].text, &name), 0);
                assert_text(name.registry, cases[i].registry);
                assert_string_equal(name.repository, cases[i].repository);
                assert_text(name.tag, cases[i].tag);
                assert_text(name.sha256, cases[i].sha256);
        }
}

static void what_is_no_name(void **state) {
        static const char *const cases[] = {
                "",
                ":tag",
                "/app",
                "app/",
                "a//b",
                "App",
                "app:",
                "app:-tag",
                "app:.tag",
                "app:a b",
                "app:" A128 "a",
                "app@",
                "app@sha256:",
                "app@sha256:" A64 "a",
                "app@sha256:AAAA" A64,
                "app@md5:" A64,
                "app_",
                "-app",
                "a___b",
                "a._b",
                "https://example.com/app",
                "example.com:port/app",
                "example.com:/app",
                "-example.com/app",
                "example..com/app",
                "example.com./app",
                "[::1/app",
                "[]/app",
                "app\n",
                A256,
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct image_name name;

                assert_int_equal(image_name_parse(cases[i], &name), -EINVAL);
                assert_null(name.repository);
        }
}

static void pinned_and_tagged(void **state) {
        static const struct {
                const char *text, *pinned, *tagged;
        } cases[] = {
                { "localhost:5000/a/b", "localhost:5000/a/b@sha256:" HEX, "localhost:5000/a/b:latest" },
                { "app:v1", "app@sha256:" HEX, "app:v1" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                AUTO(image_name) struct image_name name = {};
                AUTO(str) char *pinned = NULL;
                AUTO(str) char *tagged = NULL;

                assert_int_equal(image_name_parse(cases[i].text, &name), 0);
                pinned = image_name_pinned(&name, HEX);
                tagged = image_name_tagged(&name);
                assert_string_equal(pinned, cases[i].pinned);
                assert_string_equal(tagged, cases[i].tagged);
        }
}

static void one_repository(void **state) {
        static const struct {
                const char *one, *other;
                bool same;
        } cases[] = {
                { "a.b:5000/c:v1", "a.b:5000/c@sha256:" HEX, true },
                { "a.b:5000/c", "a.b:5001/c", false },
                { "a.b/c", "a.b/c/d", false },
                { "c:v1", "docker.io/library/c@sha256:" HEX, true },
                { "team/c", "docker.io/team/c", true },
                { "team/c", "index.docker.io/team/c", true },
                { "c", "localhost/c:latest", true },
                { "docker.io/library/c", "localhost/c", false },
                { "a.b/c", "c", false },
                { "a.b/library/c", "a.b/c", false },
                { "localhost/library/c", "localhost/c", false },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                AUTO(image_name) struct image_name one = {};
                AUTO(image_name) struct image_name other = {};

                assert_int_equal(image_name_parse(cases[i].one, &one), 0);
                assert_int_equal(image_name_parse(cases[i].other, &other), 0);
                assert_int_equal(image_name_same_repository(&one, &other), cases[i].same);
                assert_int_equal(image_name_same_repository(&other, &one), cases[i].same);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(names_in_parts),
                cmocka_unit_test(what_is_no_name),
                cmocka_unit_test(pinned_and_tagged),
                cmocka_unit_test(one_repository),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
