/* SPDX-License-Identifier: Apache-2.0 */
/* What the disk has, and what of it is believed after a power cut. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>

#include "archive/content_private.h"
#include "harness.h"

#define NONE \
        { 0 }

static const struct zip_entry hello[] = { { "app.py", FILE_MODE(0644), "print('hello')" }, NONE };

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

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, bench_setup, bench_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                WITH_BENCH(trees_of_an_earlier_boot_must_have_reached_the_disk),
                WITH_BENCH(packages_that_a_power_cut_has_spoilt_are_thrown_away),
                WITH_BENCH(what_has_reached_the_disk_is_not_marked),
                WITH_BENCH(the_mark_of_a_package_that_comes_again_is_its_own),
                WITH_BENCH(the_mark_of_a_package_that_comes_again_while_it_is_unpacked_is_its_own),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
