/* SPDX-License-Identifier: Apache-2.0 */
/* kill -9 of the daemon in the middle of uploads and unpackings: what is left is whole, or in tmp and swept.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "harness.h"

#define FILES 400

static char names[FILES][32];
static struct zip_entry entries[FILES + 1];

static void make_entries(void) {
        for (int i = 0; i < FILES; ++i) {
                snprintf(names[i], sizeof(names[i]), "d%d/f%d", i % 17, i);
                entries[i] = (struct zip_entry){ names[i], FILE_MODE(0644), "some content" };
        }
}

static void drained(void *owner) {
}

static void unpack_next(void *owner, int r, const struct content_blob *blob);

static const struct content_upload_events child_events = { drained, unpack_next };

struct child_record {
        char hex[65]; /* the last upload it acknowledged */
};

struct child {
        struct bench b;
        struct content_wait wait;
        struct buf zip;
        unsigned round;
        int progress_fd;
};

static void upload_next(struct child *c) {
        struct content_upload *u = content_upload_new(c->b.store, MIB, &child_events, c);

        /* A comment at the end makes another digest of the same files. */
        ++c->round;
        if (content_upload_write(u, buf_data(&c->zip), c->zip.len - 2) ||
            content_upload_write(u, (char[]){ 4, 0 }, 2) || content_upload_write(u, &c->round, 4))
                _exit(1);
        content_upload_finish(u);
}

static void unpacked(struct content_wait *wait, const struct content_tree *tree) {
        struct child *c = container_of(wait, struct child, wait);

        if (write(c->progress_fd, "u", 1) != 1)
                _exit(1);
        upload_next(c);
}

static void unpack_next(void *owner, int r, const struct content_blob *blob) {
        struct child *c = owner;

        if (write(c->progress_fd, blob->hex, 64) != 64) /* acknowledged: it must not be lost */
                _exit(1);
        content_unpack(c->b.store, blob->hex, &aws_limits, &c->wait, unpacked);
}

static void live(const char *dir, int progress_fd) {
        struct child *c = xcalloc(1, sizeof(*c));

        snprintf(c->b.dir, sizeof(c->b.dir), "%s", dir);
        c->progress_fd = progress_fd;
        c->zip = BUF_NULL(MIB);
        c->round = (unsigned)getpid() << 12;
        zip_make(entries, &c->zip);
        bench_reopen(&c->b);
        upload_next(c);
        loop_run(c->b.loop);
        _exit(0);
}

/* How many files there are below; what vanishes meanwhile does not count. */
static unsigned count_files(const char *path, bool whole) {
        DIR *dir = opendir(path);
        struct dirent *entry;
        unsigned count = 0;

        assert_true(dir || !whole);
        while (dir && (entry = readdir(dir))) {
                AUTO(str) char *below = xasprintf("%s/%s", path, entry->d_name);
                struct stat st;

                if (entry->d_name[0] == '.' || lstat(below, &st) < 0)
                        continue;
                if (S_ISDIR(st.st_mode)) {
                        count += count_files(below, whole);
                } else {
                        if (whole)
                                assert_int_equal(st.st_size, strlen("some content"));
                        ++count;
                }
        }
        if (dir)
                closedir(dir);
        return count;
}

static unsigned every_tree_is_whole(const struct bench *b) {
        AUTO(str) char *trees = xasprintf("%s/trees", b->dir);
        DIR *dir = opendir(trees);
        struct dirent *entry;
        unsigned count = 0;

        while ((entry = readdir(dir))) {
                AUTO(str) char *root = xasprintf("%s/%s/root", trees, entry->d_name);

                if (entry->d_name[0] == '.')
                        continue;
                assert_int_equal(count_files(root, true), FILES);
                ++count;
        }
        closedir(dir);
        return count;
}

/* Lets the child acknowledge `uploads` uploads, and then unpack `files` files, before it is killed. */
static void kill_at(const char *dir, unsigned uploads, unsigned files, struct child_record *record) {
        AUTO(str) char *tmp = xasprintf("%s/tmp", dir);
        int ends[2], status;
        pid_t child;

        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        child = fork();
        if (child == 0)
                live(dir, ends[1]);
        close(ends[1]);
        while (uploads) {
                char byte;

                assert_int_equal(read(ends[0], &byte, 1), 1);
                if (byte == 'u')
                        continue;
                record->hex[0] = byte;
                for (size_t n = 1; n < 64;) {
                        ssize_t more = read(ends[0], record->hex + n, 64 - n);

                        assert_true(more > 0);
                        n += (size_t)more;
                }
                --uploads;
        }
        /* The child goes on for ever, so some unpacking will be seen that far. */
        while (files && count_files(tmp, false) < files)
                ;
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        close(ends[0]);
}

/* The helpers of the dead daemon are gone too: nothing is written any more. */
static void the_store_is_whole(struct bench *b, const char *acknowledged) {
        bench_reopen(b);
        bench_settle(b);
        every_tree_is_whole(b);
        if (*acknowledged) {
                struct tree_answer answer;

                assert_true(content_has_blob(b->store, acknowledged, NULL));
                bench_unpack(b, acknowledged, &aws_limits, &answer);
                assert_int_equal(answer.tree.outcome, ARCHIVE_FINE);
                assert_int_equal(count_files(answer.path, true), FILES);
        }
        content_close(TAKE(b->store));
        loop_free(TAKE(b->loop));
}

static void kill_9_leaves_nothing_half_made(void **state) {
        const struct {
                unsigned uploads, files;
        } moments[] = { { 0, 0 }, { 1, 0 }, { 2, 0 }, { 3, 0 }, { 0, 1 }, { 1, 20 }, { 1, 200 }, { 1, 390 } };
        struct bench b = { .dir = "/tmp/lambent-test-XXXXXX" };

        make_entries();
        assert_non_null(mkdtemp(b.dir));
        for (size_t i = 0; i < ARRAY_SIZE(moments); ++i) {
                struct child_record record = {};

                kill_at(b.dir, moments[i].uploads, moments[i].files, &record);
                the_store_is_whole(&b, record.hex);
        }
        bench_reopen(&b);
        assert_true(every_tree_is_whole(&b) > 0);
        bench_close(&b);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(kill_9_leaves_nothing_half_made),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
