/* SPDX-License-Identifier: Apache-2.0 */
/* The store: uploads, restarts, removal, a full disk; and packing, which unpacking must undo. */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "archive/content_private.h"
#include "harness.h"

#define NONE \
        { 0 }

static const struct zip_entry hello[] = { { "app.py", FILE_MODE(0644), "print('hello')" }, NONE };

static void a_blob_bears_its_digest(void **state) {
        struct bench *b = *state;
        struct content_blob blob = bench_upload(b, "abc", 3);
        char path[128], *text;
        uint64_t size;
        int fd;

        assert_string_equal(blob.hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_string_equal(blob.base64, "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
        assert_int_equal(blob.size, 3);
        snprintf(path, sizeof(path), "blobs/%s", blob.hex);
        text = read_file(b->dir, path);
        assert_string_equal(text, "abc");
        free(text);
        assert_true(content_has_blob(b->store, blob.hex, &size));
        assert_int_equal(size, 3);
        fd = content_open_blob(b->store, blob.hex);
        assert_true(fd >= 0);
        close(fd);
        blob.hex[0] ^= 1;
        assert_int_equal(content_open_blob(b->store, blob.hex), -ENOENT);
        bench_settle(b);
}

/* The digest must not depend on how the bytes were cut on their way. */
static void any_slicing_gives_the_same_blob(void **state) {
        struct bench *b = *state;
        const size_t sizes[] = { 0, 1, 262143, 262144, 262145, 1000003 };
        char *data = xmalloc(1000003);

        for (size_t i = 0; i < 1000003; ++i)
                data[i] = (char)(i * 2654435761u >> 13);
        for (size_t i = 0; i < ARRAY_SIZE(sizes); ++i) {
                struct content_blob whole = bench_upload(b, data, sizes[i]);
                struct blob_answer sliced = {};
                struct content_upload *u = content_upload_new(b->store, MIB, &blob_answer_events, &sliced);

                for (size_t at = 0, step = 1; at < sizes[i]; at += step, step = step * 3 % 70001) {
                        step = MIN(step, sizes[i] - at);
                        assert_int_equal(content_upload_write(u, data + at, step), 0);
                }
                content_upload_finish(u);
                bench_until(b, &sliced.done);
                assert_int_equal(sliced.r, 0);
                assert_string_equal(sliced.blob.hex, whole.hex);
                assert_int_equal(sliced.blob.size, sizes[i]);
        }
        assert_int_equal(count_names(b, "blobs"), ARRAY_SIZE(sizes));
        bench_settle(b);
        free(data);
}

static void too_much_is_refused(void **state) {
        struct bench *b = *state;
        struct blob_answer answer = {};
        struct content_upload *u = content_upload_new(b->store, 10, &blob_answer_events, &answer);

        assert_int_equal(content_upload_write(u, "0123456789", 10), 0);
        assert_int_equal(content_upload_write(u, "x", 1), -E2BIG);
        content_upload_abort(u);
        bench_settle(b);
        assert_false(answer.done);
        assert_int_equal(count_names(b, "blobs"), 0);
}

/* The worker is through with the second upload when the only owner of the first gives the digest up. */
static void a_digest_given_up_while_it_comes_again_is_kept(void **state) {
        struct bench *b = *state;
        struct blob_answer first = {}, again = {};
        struct content_upload *u = content_upload_new(b->store, KIB, &blob_answer_events, &first);
        struct pollfd worker_done = { loop_fd(b->loop), POLLIN, 0 };

        assert_int_equal(content_upload_write(u, "the same", 8), 0);
        content_upload_finish(u);
        bench_until(b, &first.done);
        assert_int_equal(first.r, 0);
        u = content_upload_new(b->store, KIB, &blob_answer_events, &again);
        assert_int_equal(content_upload_write(u, "the same", 8), 0);
        while (content_upload_pending(u) > 8)
                assert_int_equal(loop_turn(b->loop, SECOND), 0);
        content_upload_finish(u);
        assert_int_equal(poll(&worker_done, 1, 10000), 1);
        content_remove(b->store, first.blob.hex);
        bench_until(b, &again.done);
        assert_int_equal(again.r, 0);
        assert_true(content_has_blob(b->store, first.blob.hex, NULL));
        fd_close(content_open_blob(b->store, first.blob.hex));
        assert_int_equal(count_names(b, "blobs"), 1);
        bench_settle(b);
        assert_int_equal(count_names(b, "tmp"), 0);
}

static void an_aborted_upload_leaves_nothing(void **state) {
        struct bench *b = *state;
        char *data = xcalloc(1, MIB);

        for (int finish = 0; finish < 2; ++finish)
                for (int turns = 0; turns < 5; ++turns) {
                        struct blob_answer answer = {};
                        struct content_upload *u =
                                content_upload_new(b->store, MIB, &blob_answer_events, &answer);

                        assert_int_equal(content_upload_write(u, data, MIB - (size_t)turns), 0);
                        if (finish)
                                content_upload_finish(u);
                        for (int i = 0; i < turns && !answer.done; ++i)
                                assert_int_equal(loop_turn(b->loop, MILLISECOND), 0);
                        if (!answer.done)
                                content_upload_abort(u);
                        bench_settle(b);
                }
        free(data);
}

static void a_paused_sender_is_told_to_go_on(void **state) {
        struct bench *b = *state;
        struct blob_answer answer = {};
        struct content_upload *u = content_upload_new(b->store, 64 * MIB, &blob_answer_events, &answer);
        char *data = xcalloc(1, 3 * MIB);
        bool drained = false;

        assert_int_equal(content_upload_write(u, data, 3 * MIB), 0);
        assert_true(content_upload_pending(u) > CONTENT_UPLOAD_HIGH);
        assert_int_equal(answer.drains, 0);
        while (!answer.drains)
                assert_int_equal(loop_turn(b->loop, SECOND), 0);
        drained = content_upload_pending(u) <= CONTENT_UPLOAD_LOW;
        assert_true(drained);
        content_upload_finish(u);
        bench_until(b, &answer.done);
        assert_int_equal(answer.drains, 1);
        free(data);
}

/* The largest zip AWS takes, while the loop has other things to do. */
static void a_large_upload_does_not_stall_the_loop(void **state) {
        struct bench *b = *state;
        struct blob_answer answer = {};
        struct content_upload *u = content_upload_new(b->store, 52428800, &blob_answer_events, &answer);
        char *data = xcalloc(1, 64 * KIB);
        nsec_t begin = loop_clock(b->loop);

        for (size_t sent = 0; sent < 52428800;) {
                while (content_upload_pending(u) < CONTENT_UPLOAD_HIGH && sent < 52428800) {
                        memcpy(data, &sent, sizeof(sent));
                        assert_int_equal(content_upload_write(u, data, 64 * KIB), 0);
                        sent += 64 * KIB;
                }
                assert_int_equal(loop_turn(b->loop, SECOND), 0);
        }
        content_upload_finish(u);
        bench_until(b, &answer.done);
        assert_int_equal(answer.r, 0);
        print_message("# 50 MB in %llu ms, longest stall %llu us\n",
                      (unsigned long long)((loop_clock(b->loop) - begin) / MILLISECOND),
                      (unsigned long long)(loop_longest_stall(b->loop) / MICROSECOND));
        /* Of ours is about a millisecond; the rest of this bound is for a busy machine. */
        assert_true(loop_longest_stall(b->loop) < 200 * MILLISECOND);
        free(data);
}

static void a_restart_finds_everything(void **state) {
        struct bench *b = *state;
        struct content_blob blob = bench_upload_zip(b, hello), loose = bench_upload(b, "zip", 3);
        struct tree_answer before, after;

        bench_unpack(b, blob.hex, &aws_limits, &before);
        bench_reopen(b);
        assert_true(content_has_blob(b->store, loose.hex, NULL));
        assert_true(content_has_tree(b->store, blob.hex));
        bench_unpack(b, blob.hex, &aws_limits, &after);
        assert_int_equal(after.tree.outcome, ARCHIVE_FINE);
        assert_int_equal(after.tree.bytes, before.tree.bytes);
        assert_int_equal(after.tree.entries, before.tree.entries);
        assert_string_equal(after.path, before.path);
}

static bool keep_one(const char *hex, void *owner) {
        return streq(hex, owner);
}

static void the_sweep_keeps_what_is_claimed(void **state) {
        struct bench *b = *state;
        struct content_blob one = bench_upload_zip(b, hello), two = bench_upload(b, "2", 1);
        struct tree_answer answer;

        bench_unpack(b, one.hex, &aws_limits, &answer);
        content_sweep(b->store, keep_one, one.hex);
        bench_settle(b);
        assert_true(content_has_tree(b->store, one.hex));
        assert_false(content_has_blob(b->store, two.hex, NULL));
        assert_int_equal(count_names(b, "blobs"), 1);
        content_sweep(b->store, keep_one, two.hex);
        bench_settle(b);
        assert_int_equal(count_names(b, "blobs") + count_names(b, "trees"), 0);
}

/* Whenever the removal comes, who waits gets one answer, and nothing stays; the same content may come again.
 */
static void removal_at_any_time(void **state) {
        struct bench *b = *state;

        for (int turns = 0; turns < 12; ++turns)
                for (int again = 0; again < 2; ++again) {
                        struct content_blob blob = bench_upload_zip(b, hello);
                        struct tree_answer answer = {};

                        content_unpack(b->store, blob.hex, &aws_limits, &answer.wait, tree_answer_fn);
                        for (int i = 0; i < turns; ++i)
                                assert_int_equal(loop_turn(b->loop, MILLISECOND), 0);
                        content_remove(b->store, blob.hex);
                        if (again) {
                                struct tree_answer second;

                                blob = bench_upload_zip(b, hello);
                                bench_unpack(b, blob.hex, &aws_limits, &second);
                                assert_true(second.tree.outcome == ARCHIVE_FINE ||
                                            second.tree.error == -ENOENT);
                                content_remove(b->store, blob.hex);
                        }
                        bench_until(b, &answer.done);
                        assert_true(answer.tree.outcome == ARCHIVE_FINE || answer.tree.error == -ENOENT);
                        bench_settle(b);
                        assert_int_equal(count_names(b, "blobs") + count_names(b, "trees"), 0);
                }
}

static void closing_at_any_time(void **state) {
        struct bench *b = *state;

        for (int turns = 0; turns < 8; ++turns) {
                struct content_blob blob = bench_upload_zip(b, hello);
                struct tree_answer answer = {};

                content_unpack(b->store, blob.hex, &aws_limits, &answer.wait, tree_answer_fn);
                for (int i = 0; i < turns; ++i)
                        assert_int_equal(loop_turn(b->loop, MILLISECOND), 0);
                bench_reopen(b);
                answer.done = false;
                bench_unpack(b, blob.hex, &aws_limits, &answer);
                assert_int_equal(answer.tree.outcome, ARCHIVE_FINE);
                content_remove(b->store, blob.hex);
                bench_settle(b);
        }
        content_close(TAKE(b->store));
        loop_free(TAKE(b->loop));
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* every helper was reaped */
}

static void what_is_not_there_is_said(void **state) {
        struct bench *b = *state;
        struct tree_answer answer;

        bench_unpack(b, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", &aws_limits,
                     &answer);
        assert_int_equal(answer.tree.outcome, ARCHIVE_BROKE_OFF);
        assert_int_equal(answer.tree.error, -ENOENT);
}

/* In a child with mounts of its own, so that nothing of it can stay behind. */
static int on_a_full_disk(const char *dir) {
        struct bench b = {};
        struct blob_answer answer = {};
        struct content_upload *u;
        struct tree_answer tree;
        struct content_blob blob;
        char *data = xcalloc(1, 2 * MIB);

        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("full", dir, "tmpfs", 0, "size=1m") < 0)
                return 77;
        snprintf(b.dir, sizeof(b.dir), "%s", dir);
        bench_reopen(&b);
        u = content_upload_new(b.store, 4 * MIB, &blob_answer_events, &answer);
        content_upload_write(u, data, 2 * MIB);
        content_upload_finish(u);
        bench_until(&b, &answer.done);
        if (answer.r != -ENOSPC)
                return 1;
        blob = bench_upload_zip(
                &b, (struct zip_entry[]){ { "a", FILE_MODE(0644), data, .data_len = 600 * KIB }, NONE });
        bench_unpack(&b, blob.hex, &aws_limits, &tree);
        if (tree.tree.outcome != ARCHIVE_BROKE_OFF || tree.tree.error != -ENOSPC)
                return 2;
        bench_settle(&b);
        blob = bench_upload_zip(&b, hello);
        bench_unpack(&b, blob.hex, &aws_limits, &tree);
        return tree.tree.outcome == ARCHIVE_FINE ? 0 : 3;
}

static void a_full_disk_is_an_error_that_passes(void **state) {
        char dir[] = "/tmp/lambent-test-XXXXXX";
        pid_t child;
        int status;

        assert_non_null(mkdtemp(dir));
        child = fork();
        if (child == 0)
                _exit(on_a_full_disk(dir));
        assert_int_equal(waitpid(child, &status, 0), child);
        rmdir(dir);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
                skip(); /* no right to mount */
        assert_int_equal(status, 0);
}

/* ---- packing ---- */

static void pack(const char *folder, struct buf *ret_zip) {
        const char *argv[] = { helper_path(), "pack", "6", NULL };
        AUTO(fd) int source = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        AUTO(fd) int zip = memfd_create("zip", MFD_CLOEXEC);
        struct helper_server server = HELPER_SERVER_NULL;
        struct helper_process process;
        struct archive_report report;
        char *tail;
        off_t len;

        assert_int_equal(helper_spawn(&server, argv, &(struct helper_fds){ .source = source, .target = zip },
                                      &process),
                         0);
        assert_true(helper_reap(&process));
        assert_int_equal(read(process.report_fd, &report, sizeof(report)), sizeof(report));
        helper_end(&process);
        helper_server_end(&server);
        assert_int_equal(report.outcome, ARCHIVE_FINE);
        len = lseek(zip, 0, SEEK_END);
        assert_int_equal(buf_reserve(ret_zip, (size_t)len, &tail), 0);
        assert_int_equal(pread(zip, tail, (size_t)len, 0), len);
        buf_commit(ret_zip, (size_t)len);
}

static void unpacking_undoes_packing(void **state) {
        struct bench *b = *state;
        const struct zip_entry entries[] = {
                { "b/deep/er/file", FILE_MODE(0644), "content" },
                { "a", FILE_MODE(0755), "run" },
                { "empty/", DIRECTORY_MODE, NULL },
                { "link", LINK_MODE, "b/deep" },
                { "\xc3\xa9t\xc3\xa9", FILE_MODE(0644), "x" },
                NONE,
        };
        struct content_blob first = bench_upload_zip(b, entries), second;
        struct buf one = BUF_NULL(MIB), two = BUF_NULL(MIB);
        struct tree_answer before, after;

        bench_unpack(b, first.hex, &aws_limits, &before);
        pack(before.path, &one);
        second = bench_upload(b, buf_data(&one), one.len);
        bench_unpack(b, second.hex, &aws_limits, &after);
        assert_int_equal(after.tree.outcome, ARCHIVE_FINE);
        assert_string_not_equal(before.path, after.path);
        pack(after.path, &two);
        assert_int_equal(one.len, two.len);
        assert_memory_equal(buf_data(&one), buf_data(&two), one.len);
        for (size_t i = 0; entries[i].name; ++i) {
                char path[4200];
                struct stat st;

                snprintf(path, sizeof(path), "%s/%s", after.path, entries[i].name);
                assert_int_equal(lstat(path, &st), 0);
                assert_int_equal(st.st_mode, entries[i].mode);
        }
        buf_deinit(&one);
        buf_deinit(&two);
}

/* What a hard link cannot do, across file systems or beyond the limit of links, is copied. */
static void layers_of_another_file_system_are_copied(void **state) {
        struct bench *b = *state;
        const char *argv[] = { helper_path(), "merge", "1", NULL };
        struct content_blob blob = bench_upload_zip(
                b, (struct zip_entry[]){
                           { "d/run", FILE_MODE(0755), "x" }, { "link", LINK_MODE, "d/run" }, NONE });
        char dir[] = "/dev/shm/lambent-test-XXXXXX", path[64], *text;
        struct helper_server server = HELPER_SERVER_NULL;
        struct helper_process process;
        struct tree_answer answer;
        struct stat st;
        int target, tree;

        if (!mkdtemp(dir))
                skip();
        bench_unpack(b, blob.hex, &aws_limits, &answer);
        target = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        tree = open(answer.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(helper_spawn(&server, argv, &(struct helper_fds){ -1, target, &tree, 1 }, &process),
                         0);
        assert_true(helper_reap(&process));
        helper_end(&process);
        helper_server_end(&server);
        close(tree);
        text = read_file(dir, "link");
        assert_string_equal(text, "x");
        free(text);
        snprintf(path, sizeof(path), "%s/d/run", dir);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode, 0100755);
        assert_int_equal(st.st_mtime, 1714953600);
        unlinkat(target, "d/run", 0);
        unlinkat(target, "link", 0);
        unlinkat(target, "d", AT_REMOVEDIR);
        close(target);
        assert_int_equal(rmdir(dir), 0);
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, bench_setup, bench_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                WITH_BENCH(a_blob_bears_its_digest),
                WITH_BENCH(any_slicing_gives_the_same_blob),
                WITH_BENCH(too_much_is_refused),
                WITH_BENCH(a_digest_given_up_while_it_comes_again_is_kept),
                WITH_BENCH(an_aborted_upload_leaves_nothing),
                WITH_BENCH(a_paused_sender_is_told_to_go_on),
                WITH_BENCH(a_large_upload_does_not_stall_the_loop),
                WITH_BENCH(a_restart_finds_everything),
                WITH_BENCH(the_sweep_keeps_what_is_claimed),
                WITH_BENCH(removal_at_any_time),
                WITH_BENCH(closing_at_any_time),
                WITH_BENCH(what_is_not_there_is_said),
                cmocka_unit_test(a_full_disk_is_an_error_that_passes),
                WITH_BENCH(unpacking_undoes_packing),
                WITH_BENCH(layers_of_another_file_system_are_copied),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
