/* SPDX-License-Identifier: Apache-2.0 */
/* What is taken for an extension in a merged /opt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

#include "runtime/extensions.h"

static char opt[] = "/tmp/lambent-extension-files-XXXXXX";

static const char *below(const char *name) {
        static char path[256];

        snprintf(path, sizeof(path), "%s/%s", opt, name);
        return path;
}

static void make_file(const char *name) {
        int fd = open(below(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        close(fd);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where) {
        return remove(path);
}

static int set_up(void **state) {
        memcpy(opt + strlen(opt) - 6, "XXXXXX", 6);
        return mkdtemp(opt) ? 0 : -1;
}

static int tear_down(void **state) {
        return nftw(opt, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void no_folder_no_extensions(void **state) {
        assert_null(extension_files(opt));
        assert_int_equal(mkdir(below("extensions"), 0755), 0);
        assert_null(extension_files(opt));
}

/* Not executable ones, too: to start them is the error that AWS reports. Folders and what is in them not. */
static void all_files_in_order(void **state) {
        char **names;

        assert_int_equal(mkdir(below("extensions"), 0755), 0);
        assert_int_equal(mkdir(below("extensions/folder"), 0755), 0);
        make_file("extensions/folder/inner");
        make_file("extensions/b");
        make_file("extensions/.hidden");
        make_file("extensions/a b");
        assert_int_equal(symlink("/nowhere", below("extensions/link")), 0);
        names = extension_files(opt);
        assert_non_null(names);
        assert_string_equal(names[0], ".hidden");
        assert_string_equal(names[1], "a b");
        assert_string_equal(names[2], "b");
        assert_string_equal(names[3], "link");
        assert_null(names[4]);
        extension_files_free(names);
}

static void one_beyond_the_limit_is_kept(void **state) {
        char name[64];
        char **names;

        assert_int_equal(mkdir(below("extensions"), 0755), 0);
        for (unsigned i = 40; i-- > 0;) {
                snprintf(name, sizeof(name), "extensions/%02u", i * 7 % 40);
                make_file(name);
        }
        names = extension_files(opt);
        for (unsigned i = 0; i <= EXTENSIONS_MAX; ++i) {
                snprintf(name, sizeof(name), "%02u", i);
                assert_string_equal(names[i], name);
        }
        assert_null(names[EXTENSIONS_MAX + 1]);
        extension_files_free(names);
}

/* A layer must not make us read a folder of the host. */
static void a_link_is_not_followed(void **state) {
        assert_int_equal(mkdir(below("elsewhere"), 0755), 0);
        make_file("elsewhere/file");
        assert_int_equal(symlink("elsewhere", below("extensions")), 0);
        assert_null(extension_files(opt));
}

static void a_file_switches_them_off(void **state) {
        assert_false(extension_files_disabled(opt));
        make_file("disable-extensions-jwigqn8j");
        assert_true(extension_files_disabled(opt));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(no_folder_no_extensions, set_up, tear_down),
                cmocka_unit_test_setup_teardown(all_files_in_order, set_up, tear_down),
                cmocka_unit_test_setup_teardown(one_beyond_the_limit_is_kept, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_link_is_not_followed, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_file_switches_them_off, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
