/* SPDX-License-Identifier: Apache-2.0 */
/* Bytecode of trees: what is compiled and what is not, how it goes, and what its maker may not do. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "archive/content_private.h"
#include "harness.h"

#define NONE \
        { 0 }

static const struct zip_entry modules[] = {
        { "app.py", FILE_MODE(0644), "import package.module\n" },
        { "package/__init__.py", FILE_MODE(0644), "" },
        { "package/deep/er/module.py", FILE_MODE(0644), "value = 1\n" },
        { "broken.py", FILE_MODE(0644), "def (:\n" },
        { "warns.py", FILE_MODE(0644), "value = () is ()\n" },
        { "data.txt", FILE_MODE(0644), "value = 1\n" },
        { "link.py", LINK_MODE, "app.py" },
        NONE,
};

static char python_path[PATH_MAX];
static struct content_python python = { python_path, NULL, -1 };

static void need_python(void) {
        if (!realpath("/usr/bin/python3", python_path))
                skip();
}

static char *unpacked(struct bench *b, struct content_blob *ret_blob) {
        struct tree_answer answer;

        *ret_blob = bench_upload_zip(b, modules);
        bench_unpack(b, ret_blob->hex, &aws_limits, &answer);
        assert_int_equal(answer.tree.outcome, ARCHIVE_FINE);
        return xstrdup(answer.path);
}

static char *ask(struct bench *b, const char *tree) {
        return content_bytecode(b->store, tree, "/var/task", &python);
}

/* Until nothing is being compiled, and nothing is on its way. */
static void settle(struct bench *b) {
        while (!list_is_empty(&b->store->compiling))
                assert_int_equal(loop_turn(b->loop, SECOND), 0);
        bench_settle(b);
}

static bool has(const char *folder, const char *name) {
        AUTO(str) char *path = xasprintf("%s/%s", folder, name);

        return access(path, F_OK) == 0;
}

static void modules_are_compiled_once(void **state) {
        struct bench *b = *state;
        struct content_blob blob;
        AUTO(str) char *tree = NULL, *folder = NULL, *again = NULL, *text = NULL;
        struct stat st;

        need_python();
        tree = unpacked(b, &blob);
        assert_null(ask(b, tree));
        assert_null(ask(b, tree));
        settle(b);
        folder = ask(b, tree);
        assert_non_null(folder);
        assert_true(has(folder, "app.pyc"));
        assert_true(has(folder, "package/__init__.pyc"));
        assert_true(has(folder, "package/deep/er/module.pyc"));
        /* What must be said or refused at run time, is. */
        assert_false(has(folder, "broken.pyc"));
        assert_false(has(folder, "warns.pyc"));
        assert_false(has(folder, "link.pyc"));
        assert_false(has(folder, "data.txtc"));
        /* Functions run as other users. */
        assert_int_equal(stat(folder, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0755);
        /* The name that tracebacks show. */
        text = xasprintf("grep -q /var/task/app.py %s/app.pyc", folder);
        assert_int_equal(system(text), 0);
        bench_reopen(b);
        again = ask(b, tree);
        assert_string_equal(again, folder);
}

static void it_goes_with_the_tree(void **state) {
        struct bench *b = *state;
        struct content_blob blob;
        AUTO(str) char *tree = NULL, *other = NULL, *folder = NULL;

        need_python();
        tree = unpacked(b, &blob);
        assert_null(ask(b, tree));
        settle(b);
        folder = ask(b, tree);
        content_remove(b->store, blob.hex);
        settle(b);
        assert_int_equal(access(folder, F_OK), -1);
        assert_int_equal(count_names(b, "trees"), 0);
        /* The same digest again is a tree without bytecode. */
        other = unpacked(b, &blob);
        assert_string_equal(other, tree);
        assert_null(ask(b, tree));
}

/* Waiting, starting, running, publishing: by the number of turns. */
static void a_tree_may_go_while_it_is_compiled(void **state) {
        struct bench *b = *state;

        need_python();
        for (int turns = 0; turns < 8; ++turns) {
                struct content_blob blob;
                AUTO(str) char *tree = unpacked(b, &blob), *folder = NULL;

                assert_null(ask(b, tree));
                for (int i = 0; i < turns; ++i)
                        assert_int_equal(loop_turn(b->loop, SECOND), 0);
                content_remove(b->store, blob.hex);
                settle(b);
                assert_int_equal(count_names(b, "trees"), 0);
        }
}

static void closing_at_any_time(void **state) {
        struct bench *b = *state;

        need_python();
        for (int turns = 0; turns < 8; ++turns) {
                struct content_blob blob;
                AUTO(str) char *tree = unpacked(b, &blob);

                free(ask(b, tree));
                for (int i = 0; i < turns; ++i)
                        assert_int_equal(loop_turn(b->loop, MILLISECOND), 0);
                bench_reopen(b);
                settle(b);
        }
}

static void what_cannot_be_compiled_is_not_tried_again(void **state) {
        struct bench *b = *state;
        struct content_python absent = { "/nowhere/python3", NULL, -1 };
        struct content_blob blob;
        AUTO(str) char *tree = unpacked(b, &blob);

        for (int i = 0; i < 2; ++i) {
                assert_null(content_bytecode(b->store, tree, "/var/task", &absent));
                settle(b);
        }
        assert_true(list_is_empty(&b->store->compiling));
}

/* They keep descriptors; whoever asks again later gets his turn. */
static void a_crowd_waits_outside(void **state) {
        struct bench *b = *state;
        struct content_python absent = { "/nowhere/python3", NULL, -1 };
        size_t first = 0;

        for (int round = 0; round < 3; ++round) {
                for (int i = 0; i < 150; ++i) {
                        AUTO(str) char *tree = xasprintf("%s/trees/%064d/root", b->store->dir, i);

                        assert_null(content_bytecode(b->store, tree, "/var/task", &absent));
                }
                assert_true(b->store->compiling_count <= 64);
                if (!round)
                        first = b->store->compiling_count;
                settle(b);
        }
        assert_int_equal(first, 64);
        assert_int_equal(b->store->bytecodes.count, 150);
        assert_int_equal(b->store->compiling_count, 0);
}

/* An interpreter that is somebody else's: what it could do, it notes down in the target. */
static const char probe[] = "#!/bin/sh\n"
                            "out=/proc/self/fd/3\n"
                            "echo >$out/ran\n"
                            "read line </proc/self/fd/5/app.py && echo >$out/tree\n"
                            "{ read line </etc/passwd; } 2>&- && echo >$out/etc\n"
                            "{ echo >/tmp/lambent-test-escaped; } 2>&- && echo >$out/tmp\n"
                            "{ echo >/proc/self/fd/5/new; } 2>&- && echo >$out/changed\n"
                            "{ kill -0 $PPID; } 2>&- && echo >$out/kill\n"
                            "exit 0\n";

static void its_maker_sees_little_and_writes_less(void **state) {
        struct bench *b = *state;
        AUTO(str) char *prefix = xasprintf("%s/prefix", b->dir), *bin = xasprintf("%s/bin", prefix),
                       *path = xasprintf("%s/probe", bin), *tree = NULL, *folder = NULL;
        struct content_python stranger = { path, prefix, -1 };
        struct content_blob blob;
        int fd;

        if (syscall(444 /* landlock_create_ruleset */, NULL, 0, 1) < 1)
                skip();
        assert_int_equal(mkdir(prefix, 0755), 0);
        assert_int_equal(mkdir(bin, 0755), 0);
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
        assert_int_equal(write(fd, probe, strlen(probe)), strlen(probe));
        close(fd);
        tree = unpacked(b, &blob);
        assert_null(content_bytecode(b->store, tree, "/var/task", &stranger));
        settle(b);
        folder = content_bytecode(b->store, tree, "/var/task", &stranger);
        assert_non_null(folder);
        assert_true(has(folder, "ran"));
        assert_true(has(folder, "tree"));
        assert_false(has(folder, "etc"));
        assert_false(has(folder, "tmp"));
        assert_false(has(folder, "changed"));
/* Builds with a sanitizer have no filter of system calls. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        assert_false(has(folder, "kill"));
#endif
        assert_int_equal(access("/tmp/lambent-test-escaped", F_OK), -1);
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, bench_setup, bench_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                WITH_BENCH(modules_are_compiled_once),
                WITH_BENCH(it_goes_with_the_tree),
                WITH_BENCH(a_tree_may_go_while_it_is_compiled),
                WITH_BENCH(closing_at_any_time),
                WITH_BENCH(what_cannot_be_compiled_is_not_tried_again),
                WITH_BENCH(a_crowd_waits_outside),
                WITH_BENCH(its_maker_sees_little_and_writes_less),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
