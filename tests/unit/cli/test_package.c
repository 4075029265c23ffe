/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/package.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "cli/process.h"
#include "cli/zip_names.h"

struct file {
        const char *name, *content;
};

static char *folder_of(const struct file *files, size_t count) {
        char *folder = xstrdup("/tmp/lambent-test-package-XXXXXX");

        assert_non_null(mkdtemp(folder));
        for (size_t i = 0; i < count; i++) {
                AUTO(str) char *path = xasprintf("%s/%s", folder, files[i].name);
                FILE *file = fopen(path, "we");

                assert_non_null(file);
                fputs(files[i].content, file);
                fclose(file);
        }
        return folder;
}

static void check(const struct file *files, size_t count, enum package_family family, const char *handler) {
        AUTO(str) char *folder = folder_of(files, count);
        struct package package;
        struct package_guess guess;

        assert_int_equal(package_open(&package, folder), 0);
        package_guess(&package, &guess);
        assert_int_equal(guess.family, family);
        if (handler)
                assert_string_equal(guess.handler, handler);
        else
                assert_null(guess.handler);
        free(guess.handler);
        package_close(&package);
        assert_int_equal(folder_remove(folder), 0);
}

#define CHECK(family, handler, ...) \
        check((const struct file[]){ __VA_ARGS__ }, \
              sizeof((const struct file[]){ __VA_ARGS__ }) / sizeof(struct file), family, handler)

static void one_answer_is_a_guess(void **state) {
        CHECK(FAMILY_PYTHON, "lambda_function.lambda_handler",
              { "lambda_function.py", "import os\ndef lambda_handler(event, context):\n" },
              { "helper.py", "" });
        CHECK(FAMILY_PYTHON, "only.handler", { "only.py", "def handler(e, c):\n pass\n" });
        CHECK(FAMILY_NODEJS, "index.handler", { "index.mjs", "export const handler = async () => 1;\n" });
        CHECK(FAMILY_NODEJS, "app.lambdaHandler", { "app.js", "exports.lambdaHandler = () => 1;\n" },
              { "b.js", "" }, { "package.json", "{}" });
        CHECK(FAMILY_PROVIDED, "bootstrap", { "bootstrap", "#!/bin/sh\n" }, { "lib.py", "" });
}

static void several_answers_are_none(void **state) {
        /* Which of two files, which function, which language. */
        CHECK(FAMILY_PYTHON, NULL, { "one.py", "\ndef handler(e, c):\n" },
              { "two.py", "\ndef handler(e, c):\n" });
        CHECK(FAMILY_PYTHON, NULL, { "app.py", "\ndef handlers(e, c):\n" });
        CHECK(FAMILY_NONE, NULL, { "app.py", "" }, { "app.js", "" });
        CHECK(FAMILY_NONE, NULL, { "README", "" });
}

static void a_function_is_called_like_its_folder(void **state) {
        struct package folder = { .path = (char *)"/a/my function.zip", .is_folder = true };
        struct package zip = { .path = (char *)"/a/orders.ZIP" };
        AUTO(str) char *folder_name = package_function_name(&folder), *zip_name = package_function_name(&zip);

        assert_string_equal(folder_name, "my-function-zip");
        assert_string_equal(zip_name, "orders");
}

/* A zip of two stored, empty files, "bootstrap" and "lib/x", made by hand from APPNOTE.TXT 4.3. */
static const unsigned char two_files[] = "PK\1\2\24\3\24\0\0\0\0\0\0\0\41\0\0\0\0\0\0\0\0\0\0\0\0\0\11\0\0\0"
                                         "\0\0\0\0\0\0\0\0\355\201\0\0\0\0bootstrap"
                                         "PK\1\2\24\3\24\0\0\0\0\0\0\0\41\0\0\0\0\0\0\0\0\0\0\0\0\0\5\0\0\0\0"
                                         "\0\0\0\0\0\0\0\244\201\0\0\0\0lib/x"
                                         "PK\5\6\0\0\0\0\2\0\2\0\152\0\0\0\0\0\0\0\0\0";

static void a_zip_tells_its_names(void **state) {
        struct strings names = {};

        assert_int_equal(zip_names((const char *)two_files, sizeof(two_files) - 1, &names), 0);
        assert_int_equal(names.count, 1);
        assert_string_equal(names.items[0], "bootstrap");
        strings_release(&names);
}

static void a_broken_zip_is_refused_wherever_it_ends(void **state) {
        for (size_t len = 0; len < sizeof(two_files) - 1; len++) {
                AUTO(str) char *copy = xmemdup(two_files, len);
                struct strings names = {};

                assert_int_equal(zip_names(copy, len, &names), -EBADMSG);
                strings_release(&names);
        }
        /* Any byte may lie; reading past the end is for the sanitizer to find. */
        for (size_t at = 0; at < sizeof(two_files) - 1; at++) {
                AUTO(str) char *copy = xmemdup(two_files, sizeof(two_files) - 1);
                struct strings names = {};
                int r;

                copy[at] ^= (char)0xff;
                r = zip_names(copy, sizeof(two_files) - 1, &names);
                assert_true(r == 0 || r == -EBADMSG);
                strings_release(&names);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(one_answer_is_a_guess),
                cmocka_unit_test(several_answers_are_none),
                cmocka_unit_test(a_function_is_called_like_its_folder),
                cmocka_unit_test(a_zip_tells_its_names),
                cmocka_unit_test(a_broken_zip_is_refused_wherever_it_ends),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
