/* SPDX-License-Identifier: Apache-2.0 */
/* The store: uploads, restarts, removal, failures of disk and helper; and packing, which unpacking must undo.
 */
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

#define EARLIER_BOOT "00000000-0000-0000-0000-000000000000"

static void rewrite_info(const struct bench *b, const char *hex, const char *from, const char *to) {
        AUTO(str) char *path = xasprintf("%s/trees/%s/info", b->dir, hex);
        AUTO(str) char *text = read_file("", path), *at = NULL;
        FILE *f;

        at = xstrdup(strstr(text, from) + strlen(from));
        *strstr(text, from) = 0;
        f = fopen(path, "w");
        assert_non_null(f);
        fprintf(f, "%s%s%s", text, to, at);
        fclose(f);
}

/* Until then a mark that is on its way may replace what the test has written into the info. */
static void await_synced(struct bench *b, const char *info) {
        for (bool synced = false; !synced;) {
                AUTO(str) char *text = read_file("", info);

                synced = strstr(text, "synced 1");
                if (!synced)
                        assert_int_equal(loop_turn(b->loop, 20 * MILLISECOND), 0);
        }
}

/* After a power cut a tree may be full of empty files: only what the disk is known to have is trusted then.
 */
static void trees_of_an_earlier_boot_must_have_reached_the_disk(void **state) {
        struct bench *b = *state;
        struct content_blob blob = bench_upload_zip(b, hello);
        struct tree_answer answer;
        AUTO(fd) int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY);
        char boot[UUID_LEN + 1] = "";
        AUTO(str) char *info = NULL;

        assert_int_equal(read(fd, boot, UUID_LEN), UUID_LEN);
        info = xasprintf("%s/trees/%s/info", b->dir, blob.hex);
        bench_unpack(b, blob.hex, &aws_limits, &answer);
        await_synced(b, info);
        rewrite_info(b, blob.hex, boot, EARLIER_BOOT);
        bench_reopen(b);
        assert_true(content_has_tree(b->store, blob.hex));
        rewrite_info(b, blob.hex, "synced 1", "synced 0");
        bench_reopen(b);
        assert_false(content_has_tree(b->store, blob.hex));
        bench_settle(b);
        bench_unpack(b, blob.hex, &aws_limits, &answer);
        assert_int_equal(answer.tree.outcome, ARCHIVE_FINE);
        await_synced(b, info);
        rewrite_info(b, blob.hex, "bytes", "rubbish");
        bench_reopen(b);
        assert_false(content_has_tree(b->store, blob.hex));
}

static void write_file(const char *path, const char *text) {
        FILE *f = fopen(path, "w");

        assert_non_null(f);
        fputs(text, f);
        assert_int_equal(fclose(f), 0);
}

/* A package that the disk did not have when the power went is known by its digest; one whose mark was left behind by a
 * kill alone, or that came through, stays. */
static void packages_that_a_power_cut_has_spoilt_are_thrown_away(void **state) {
        struct bench *b = *state;
        static const struct {
                const char *boot, *text;
                bool stays, is_marked;
        } cases[] = {
                { NULL, "text", true, true },       { EARLIER_BOOT, "text", true, false },
                { "", "text", true, false },        { EARLIER_BOOT, "tex", false, false },
                { EARLIER_BOOT, "", false, false }, { "", "", false, false },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); ++i) {
                struct content_blob blob = bench_upload(b, "text", 4);
                AUTO(str) char *mark = xasprintf("%s/unsynced/%s", b->dir, blob.hex);
                AUTO(str) char *path = xasprintf("%s/blobs/%s", b->dir, blob.hex);

                assert_int_equal(access(mark, F_OK), 0);
                if (cases[i].boot)
                        write_file(mark, cases[i].boot);
                write_file(path, cases[i].text);
                bench_reopen(b);
                assert_int_equal(content_has_blob(b->store, blob.hex, NULL), cases[i].stays);
                assert_int_equal(access(mark, F_OK), cases[i].is_marked ? 0 : -1);
                content_remove(b->store, blob.hex);
                bench_settle(b);
                assert_int_equal(access(mark, F_OK), -1);
                assert_int_equal(access(path, F_OK), -1);
        }
}

/* The same package again changes nothing. */
static void what_has_reached_the_disk_is_not_marked(void **state) {
        struct bench *b = *state;
        struct content_blob blob = bench_upload_zip(b, hello);
        AUTO(str) char *mark = xasprintf("%s/unsynced/%s", b->dir, blob.hex);
        AUTO(str) char *info = xasprintf("%s/trees/%s/info", b->dir, blob.hex);
        struct tree_answer answer;

        assert_int_equal(access(mark, F_OK), 0);
        bench_unpack(b, blob.hex, &aws_limits, &answer);
        await_synced(b, info);
        bench_settle(b);
        assert_int_equal(access(mark, F_OK), -1);
        bench_upload_zip(b, hello);
        assert_int_equal(access(mark, F_OK), -1);
        bench_settle(b);
}

/* Holds the worker up until it is opened. */
struct gate {
        struct job job;
        int ends[2];
};

static void gate_run(struct job *job) {
        char byte;

        assert_int_equal(read(container_of(job, struct gate, job)->ends[0], &byte, 1), 0);
}

static void gate_done(struct job *job) {
        close(container_of(job, struct gate, job)->ends[0]);
}

static void gate_close(struct bench *b, struct gate *gate) {
        gate->job = (struct job){ .run = gate_run, .done = gate_done, .discard = gate_done };
        assert_int_equal(pipe2(gate->ends, O_CLOEXEC), 0);
        job_submit(b->loop, &gate->job);
}

static void gate_open(struct gate *gate) {
        close(gate->ends[1]);
}

static void upload_again(struct bench *b, const struct buf *zip, struct blob_answer *answer) {
        struct content_upload *u = content_upload_new(b->store, MIB, &blob_answer_events, answer);

        assert_int_equal(content_upload_write(u, buf_data(zip), zip->len), 0);
        content_upload_finish(u);
}

/* A mark is one upload's: what has brought an earlier one to the disk says nothing of it. */
static void the_mark_of_a_package_that_comes_again_is_its_own(void **state) {
        struct bench *b = *state;
        AUTO(buf) struct buf zip = BUF_NULL(MIB);
        struct gate before, behind;
        struct tree_answer answer;
        struct blob_answer again = {};
        AUTO(str) char *mark = NULL;
        struct content_blob blob;

        zip_make(hello, &zip);
        blob = bench_upload(b, buf_data(&zip), zip.len);
        mark = xasprintf("%s/unsynced/%s", b->dir, blob.hex);
        bench_unpack(b, blob.hex, &aws_limits, &answer);
        gate_close(b, &before);
        upload_again(b, &zip, &again);
        gate_close(b, &behind);
        while (!list_is_empty(&b->store->tasks))
                assert_int_equal(loop_turn(b->loop, SECOND), 0);
        content_remove(b->store, blob.hex);
        gate_open(&before);
        bench_until(b, &again.done);
        assert_int_equal(again.r, 0);
        gate_open(&behind);
        bench_settle(b);
        assert_int_equal(access(mark, F_OK), 0);
}

static void the_mark_of_a_package_that_comes_again_while_it_is_unpacked_is_its_own(void **state) {
        struct bench *b = *state;
        AUTO(buf) struct buf zip = BUF_NULL(MIB);
        struct gate before, behind;
        struct tree_answer first = {}, second = {};
        struct blob_answer again = {};
        AUTO(str) char *mark = NULL;
        struct content_blob blob;

        zip_make(hello, &zip);
        blob = bench_upload(b, buf_data(&zip), zip.len);
        mark = xasprintf("%s/unsynced/%s", b->dir, blob.hex);
        content_unpack(b->store, blob.hex, &aws_limits, &first.wait, tree_answer_fn);
        gate_close(b, &before);
        upload_again(b, &zip, &again);
        gate_close(b, &behind);
        while (b->store->helpers) /* until its report is there */
                assert_int_equal(loop_turn(b->loop, SECOND), 0);
        content_remove(b->store, blob.hex);
        gate_open(&before);
        bench_until(b, &again.done);
        assert_int_equal(again.r, 0);
        content_unpack(b->store, blob.hex, &aws_limits, &second.wait, tree_answer_fn);
        gate_open(&behind);
        bench_until(b, &second.done);
        assert_true(first.done);
        assert_int_equal(second.tree.outcome, ARCHIVE_FINE);
        while (!list_is_empty(&b->store->tasks))
                assert_int_equal(loop_turn(b->loop, SECOND), 0);
        bench_settle(b);
        assert_int_equal(access(mark, F_OK), 0);
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

static void a_broken_helper_is_an_error_not_a_hang(void **state) {
        struct bench *b = *state;
        const char *helpers[] = { "/nonexistent", "/bin/true", "/bin/false" };

        for (size_t i = 0; i < ARRAY_SIZE(helpers); ++i) {
                const struct content_options options = { .helper = helpers[i] };
                struct content_blob blob;
                struct tree_answer answer;

                content_close(TAKE(b->store));
                assert_int_equal(content_open(b->loop, b->dir, &options, &b->store), 0);
                blob = bench_upload_zip(b, hello);
                bench_unpack(b, blob.hex, &aws_limits, &answer);
                assert_int_equal(answer.tree.outcome, ARCHIVE_BROKE_OFF);
                assert_int_equal(answer.tree.error, i ? -EIO : -ENOENT);
                assert_false(content_has_tree(b->store, blob.hex));
        }
        bench_reopen(b);
        bench_settle(b);
}

static void a_fork_server_that_died_is_replaced(void **state) {
        struct bench *b = *state;
        struct content_blob first = bench_upload_zip(b, hello);
        struct content_blob second =
                bench_upload_zip(b, (struct zip_entry[]){ { "other", FILE_MODE(0644), "another" }, NONE });
        struct tree_answer answer;
        siginfo_t info;
        pid_t before;

        bench_unpack(b, first.hex, &aws_limits, &answer);
        assert_int_equal(answer.tree.outcome, ARCHIVE_FINE);
        before = b->store->root->server.pid;
        assert_int_equal(kill(before, SIGKILL), 0);
        assert_int_equal(waitid(P_PID, (id_t)before, &info, WEXITED | WNOWAIT), 0);
        bench_unpack(b, second.hex, &aws_limits, &answer);
        assert_int_equal(answer.tree.outcome, ARCHIVE_FINE);
        assert_int_not_equal(b->store->root->server.pid, before);
        bench_settle(b);
}

/* A program that uses us may have descriptors that are not closed at exec; the fork server lives as long as it does. */
static void a_fork_server_keeps_nothing_of_the_programs(void **state) {
        struct bench *b = *state;
        struct content_blob blob = bench_upload_zip(b, hello);
        struct tree_answer answer;
        int ends[2];
        char byte;

        assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
        bench_unpack(b, blob.hex, &aws_limits, &answer);
        bench_settle(b);
        close(ends[1]);
        assert_int_equal(read(ends[0], &byte, 1), 0);
        close(ends[0]);
}

/* A program that uses us may have forked: then there is another one that holds what we close. */
static void a_fork_server_ends_whoever_else_has_its_socket(void **state) {
        const char *argv[] = { helper_path(), "no-such-verb", NULL };
        struct helper_server server = HELPER_SERVER_NULL;
        AUTO(fd) int target = memfd_create("target", MFD_CLOEXEC);
        struct helper_process process = HELPER_PROCESS_NULL;
        AUTO(fd) int elsewhere = -1;
        siginfo_t info;

        assert_int_equal(helper_spawn(&server, argv, &(struct helper_fds){ -1, target, NULL, 0 }, &process),
                         0);
        helper_end(&process);
        elsewhere = fcntl(server.socket, F_DUPFD_CLOEXEC, 0);
        assert_true(elsewhere >= 0);
        alarm(60);
        helper_server_end(&server);
        alarm(0);
        assert_int_equal(waitid(P_PID, (id_t)server.pid, &info, WEXITED | WNOHANG), -1);
}

static void a_helper_is_not_told_more_than_it_can_hear(void **state) {
        static char word[sizeof(struct helper_request)];
        const char *argv[] = { helper_path(), "pack", word, NULL };
        struct helper_server server = HELPER_SERVER_NULL;
        AUTO(fd) int target = memfd_create("zip", MFD_CLOEXEC);
        struct helper_process process = HELPER_PROCESS_NULL;

        memset(word, 'x', sizeof(word) - 1);
        assert_int_equal(helper_spawn(&server, argv, &(struct helper_fds){ -1, target, NULL, 0 }, &process),
                         -E2BIG);
        assert_int_equal(process.pid, 0);
        argv[1] = "no-such-verb";
        argv[2] = NULL;
        assert_int_equal(helper_spawn(&server, argv, &(struct helper_fds){ -1, target, NULL, 0 }, &process),
                         0);
        assert_false(helper_reap(&process));
        helper_end(&process);
        helper_server_end(&server);
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
                WITH_BENCH(trees_of_an_earlier_boot_must_have_reached_the_disk),
                WITH_BENCH(packages_that_a_power_cut_has_spoilt_are_thrown_away),
                WITH_BENCH(what_has_reached_the_disk_is_not_marked),
                WITH_BENCH(the_mark_of_a_package_that_comes_again_is_its_own),
                WITH_BENCH(the_mark_of_a_package_that_comes_again_while_it_is_unpacked_is_its_own),
                WITH_BENCH(the_sweep_keeps_what_is_claimed),
                WITH_BENCH(removal_at_any_time),
                WITH_BENCH(closing_at_any_time),
                WITH_BENCH(a_broken_helper_is_an_error_not_a_hang),
                WITH_BENCH(a_fork_server_that_died_is_replaced),
                WITH_BENCH(a_fork_server_keeps_nothing_of_the_programs),
                cmocka_unit_test(a_fork_server_ends_whoever_else_has_its_socket),
                cmocka_unit_test(a_helper_is_not_told_more_than_it_can_hear),
                WITH_BENCH(what_is_not_there_is_said),
                cmocka_unit_test(a_full_disk_is_an_error_that_passes),
                WITH_BENCH(unpacking_undoes_packing),
                WITH_BENCH(layers_of_another_file_system_are_copied),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
