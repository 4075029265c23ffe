/* SPDX-License-Identifier: Apache-2.0 */
/* What is written is read by tar itself, and compared with what was there. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "archive/tar.h"

static void PRINTF_LIKE(1, 2) shell(const char *format, ...) {
        AUTO(str) char *command = NULL;
        va_list args;

        va_start(args, format);
        assert_true(vasprintf(&command, format, args) > 0);
        va_end(args);
        if (system(command))
                fail_msg("%s", command);
}

static void test_round_trip(void **state) {
        char folder[] = "/tmp/tar-XXXXXX";
        AUTO(str) char *from = NULL;
        AUTO(str) char *file = NULL;
        int fd;

        assert_non_null(mkdtemp(folder));
        from = xasprintf("%s/from", folder);
        file = xasprintf("%s/t.tar", folder);
        shell("mkdir -p %s/a/b %s/empty && cd %s && echo hello >a/file && chmod 755 a/file && ln -s file a/link && ln -s /nowhere dangling && "
              "head -c 1000000 /dev/urandom >a/b/big && : >a/b/none && mkfifo a/pipe && printf x >'a/name with  spaces' && "
              "d=$(printf 'd%%.0s' $(seq 120)) && mkdir -p \"$d/$d\" && echo deep >\"$d/$d/file\" && ln -s \"$d/$d/file\" far && chmod 500 empty",
              from, from, from);
        fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_int_equal(tar_write_folder(fd, from, "below/"), 0);
        assert_int_equal(tar_write_file(fd, "/proc/self/exe", "program", 0755), 0);
        assert_int_equal(tar_write_end(fd), 0);
        fd_close(fd);
        shell("cd %s && mkdir to && tar -C to -xpf t.tar && rm from/a/pipe && diff -r --no-dereference from to/below",
              folder);
        shell("cd %s/to && [ -x program ] && [ -x below/a/file ] && [ ! -x below/a/b/big ] && [ \"$(stat -c %%a below/empty)\" = 500 ]",
              folder);
        shell("chmod -R u+w %s && rm -r %s", folder, folder);
}

static void test_what_cannot_be_read(void **state) {
        assert_int_equal(tar_write_folder(-1, "/nowhere/at/all", ""), -ENOENT);
        assert_int_equal(tar_write_file(-1, "/nowhere/at/all", "x", 0644), -ENOENT);
}

static void test_a_full_disk(void **state) {
        int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

        assert_int_equal(tar_write_file(full, "/proc/self/exe", "x", 0644), -ENOSPC);
        fd_close(full);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_round_trip),
                cmocka_unit_test(test_what_cannot_be_read),
                cmocka_unit_test(test_a_full_disk),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
