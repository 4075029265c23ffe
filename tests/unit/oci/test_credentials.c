/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>

#include "base/base64.h"
#include "oci/credentials.h"
#include "oci/runtime_image.h"

static int look_up(const char *text, const char *host, struct credentials *c) {
        return credentials_read(text, strlen(text), host, c);
}

static void test_entries(void **state) {
        /* user:secret */
        static const char config[] = "{\"auths\":{\"one.example\":{\"auth\":\"dXNlcjpzZWNyZXQ=\"},"
                                     "\"https://two.example/v1/\":{\"auth\":\"dXNlcjpzZWNyZXQ=\"},"
                                     "\"https://index.docker.io/v1/\":{\"auth\":\"dXNlcjpzZWNyZXQ=\"},"
                                     "\"three.example\":{\"identitytoken\":\"t\"},\"four.example\":{}},"
                                     "\"credHelpers\":{\"five.example\":\"mine\"}}";
        static const char *const known[] = { "one.example", "two.example", "docker.io" };
        struct credentials c;

        for (size_t i = 0; i < ARRAY_SIZE(known); ++i) {
                assert_int_equal(look_up(config, known[i], &c), 0);
                assert_string_equal(c.user, "user");
                assert_string_equal(c.secret, "secret");
                credentials_clear(&c);
        }
        assert_int_equal(look_up(config, "three.example", &c), 0);
        assert_string_equal(c.user, "<token>");
        credentials_clear(&c);
        assert_int_equal(look_up(config, "five.example", &c), 0);
        assert_string_equal(c.helper, "mine");
        credentials_clear(&c);
        assert_int_equal(look_up(config, "four.example", &c), -ENOENT);
        assert_int_equal(look_up(config, "six.example", &c), -ENOENT);
        assert_int_equal(look_up("{\"auths\":{\"a\":{\"auth\":\"?\"}}}", "a", &c), -ENOENT);
        assert_int_equal(look_up("{", "a", &c), -EINVAL);
        assert_int_equal(look_up("{\"credsStore\":\"desktop\"}", "a", &c), 0);
        assert_string_equal(c.helper, "desktop");
        credentials_clear(&c);
}

static void put_helper(const char *folder, const char *script) {
        AUTO(str) char *path = xasprintf("%s/docker-credential-trial", folder);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

        assert_int_equal(write(fd, script, strlen(script)), strlen(script));
        fd_close(fd);
}

static void test_helpers(void **state) {
        char folder[] = "/tmp/credentials-XXXXXX";
        AUTO(str) char *old = xstrdup(getenv("PATH"));
        AUTO(str) char *path = NULL;
        AUTO(str) char *file = NULL;
        struct credentials c;

        assert_non_null(mkdtemp(folder));
        path = xasprintf("%s:%s", folder, old);
        setenv("PATH", path, 1);
        put_helper(
                folder,
                "#!/bin/sh\nhost=$(cat)\n[ \"$1\" = get ] && echo \"{\\\"Username\\\":\\\"$host\\\",\\\"Secret\\\":\\\"s\\\"}\"\n");
        assert_int_equal(credentials_ask("trial", "one.example", &c), 0);
        assert_string_equal(c.user, "one.example");
        credentials_clear(&c);
        assert_int_equal(credentials_ask("trial", "docker.io", &c), 0);
        assert_string_equal(c.user, "https://index.docker.io/v1/");
        credentials_clear(&c);
        put_helper(folder, "#!/bin/sh\necho credentials not found in native keychain\nexit 1\n");
        assert_int_equal(credentials_ask("trial", "one.example", &c), -ENOENT);
        assert_int_equal(credentials_ask("absent", "one.example", &c), -ENOENT);
        assert_int_equal(credentials_ask("../trial", "one.example", &c), -ENOENT);
        setenv("PATH", old, 1);
        file = xasprintf("%s/docker-credential-trial", folder);
        unlink(file);
        rmdir(folder);
}

static void test_tokens(void **state) {
        struct credentials user = { .user = (char *)"u", .secret = (char *)"p?>" };
        struct credentials identity = { .user = (char *)"<token>", .secret = (char *)"t" };
        AUTO(str) char *first = credentials_token(&user, "h.example");
        AUTO(str) char *second = credentials_token(&identity, "docker.io");
        AUTO(buf) struct buf plain = BUF_NULL(KIB);

        /* The alphabet for URLs, as the Engine API asks for. */
        assert_null(strpbrk(first, "+/"));
        for (char *at = first; *at; ++at)
                *at = *at == '-' ? '+' : *at == '_' ? '/' : *at;
        assert_int_equal(base64_decode(first, strlen(first), &plain), 0);
        assert_int_equal(buf_append(&plain, "", 1), 0);
        assert_string_equal(buf_data(&plain),
                            "{\"username\":\"u\",\"password\":\"p?>\",\"serveraddress\":\"h.example\"}");
        buf_clear(&plain);
        assert_int_equal(base64_decode(second, strlen(second), &plain), 0);
        assert_int_equal(buf_append(&plain, "", 1), 0);
        assert_string_equal(buf_data(&plain),
                            "{\"identitytoken\":\"t\",\"serveraddress\":\"https://index.docker.io/v1/\"}");
}

static void test_images_of_runtimes(void **state) {
        static const struct {
                const char *runtime, *mirror, *image;
        } images[] = {
                { "python3.13", NULL, "public.ecr.aws/lambda/python:3.13" },
                { "java8.al2", "", "public.ecr.aws/lambda/java:8.al2" },
                { "go1.x", NULL, "public.ecr.aws/lambda/go:1" },
                { "provided", NULL, "public.ecr.aws/lambda/provided:alami" },
                { "nodejs26.x", "mirror.local:5000/aws", "mirror.local:5000/aws/nodejs:26-preview" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(images); ++i) {
                AUTO(str) char *image = runtime_image(images[i].runtime, images[i].mirror);

                assert_string_equal(image, images[i].image);
        }
        assert_null(runtime_image("nodejs8.10", NULL));
        assert_null(runtime_image("cobol1", NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_entries),
                cmocka_unit_test(test_helpers),
                cmocka_unit_test(test_tokens),
                cmocka_unit_test(test_images_of_runtimes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
