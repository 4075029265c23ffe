/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/crc32.h"

const struct archive_limits aws_limits = { .bytes = 262144000, .entries = 100000 };

/* ---- zips ---- */

static void put(struct buf *buf, uint64_t value, unsigned bytes) {
        for (; bytes; --bytes, value >>= 8)
                assert_int_equal(buf_append(buf, &(unsigned char){ (unsigned char)value }, 1), 0);
}

struct written {
        uint32_t offset, crc, packed, size;
};

static void put_common(struct buf *zip, const struct zip_entry *e, const struct written *w) {
        put(zip, 20, 2);
        put(zip, e->flags, 2);
        put(zip, e->claimed_size ? 8 : 0, 2);
        put(zip, 0, 2);
        put(zip, 44 << 9 | 5 << 5 | 6, 2); /* 2024-05-06 */
        put(zip, w->crc, 4);
        put(zip, w->packed, 4);
        put(zip, w->size, 4);
        put(zip, e->name_len ? e->name_len : strlen(e->name), 2);
        put(zip, 0, 2);
}

static void put_blocks(struct buf *zip, const char *data, size_t len) {
        do {
                size_t n = MIN(len, (size_t)65535);

                put(zip, n == len, 1);
                put(zip, n, 2);
                put(zip, ~n, 2);
                assert_int_equal(buf_append(zip, data, n), 0);
                data += n;
                len -= n;
        } while (len);
}

static void put_entry(struct buf *zip, const struct zip_entry *e, struct written *ret) {
        size_t name_len = e->name_len ? e->name_len : strlen(e->name);
        size_t len = e->data_len ? e->data_len : e->data ? strlen(e->data) : 0;

        *ret = (struct written){
                .offset = (uint32_t)zip->len,
                .crc = crc32_update(0, e->data, len) ^ e->wrong_crc,
                .packed = (uint32_t)(e->claimed_size ? len + (len + 65534) / 65535 * 5 : len),
                .size = e->claimed_size ? e->claimed_size : (uint32_t)len,
        };
        put(zip, 0x04034b50, 4);
        put_common(zip, e, ret);
        assert_int_equal(buf_append(zip, e->name, name_len), 0);
        if (e->claimed_size)
                put_blocks(zip, e->data, len);
        else if (len)
                assert_int_equal(buf_append(zip, e->data, len), 0);
}

void zip_make(const struct zip_entry *entries, struct buf *zip) {
        struct written *written;
        size_t count = 0, directory;

        while (entries[count].name)
                ++count;
        written = xcalloc(count, sizeof(*written));
        for (size_t i = 0; i < count; ++i)
                put_entry(zip, &entries[i], &written[i]);
        directory = zip->len;
        for (size_t i = 0; i < count; ++i) {
                put(zip, 0x02014b50, 4);
                put(zip, entries[i].mode ? 3 << 8 | 20 : 20, 2);
                put_common(zip, &entries[i], &written[i]);
                put(zip, 0, 2);
                put(zip, 0, 2);
                put(zip, 0, 2);
                put(zip, (uint64_t)entries[i].mode << 16, 4);
                put(zip, written[i].offset, 4);
                assert_int_equal(
                        buf_append(zip, entries[i].name,
                                   entries[i].name_len ? entries[i].name_len : strlen(entries[i].name)),
                        0);
        }
        free(written);
        put(zip, 0x06054b50, 4);
        put(zip, 0, 4);
        put(zip, count, 2);
        put(zip, count, 2);
        put(zip, zip->len - directory - 12, 4);
        put(zip, directory, 4);
        put(zip, 0, 2);
}

/* ---- store ---- */

const char *helper_path(void) {
        static char path[PATH_MAX];
        const char *given = getenv("LAMBENT_ARCHIVE");
        ssize_t n;

        if (given)
                return given;
        n = readlink("/proc/self/exe", path, sizeof(path) - 64);
        assert_true(n > 0);
        path[n] = 0;
        strcpy(strrchr(path, '/'), "/../src/archive/lambent-archive");
        if (access(path, X_OK) < 0)
                fail_msg("no helper at %s", path);
        return path;
}

void bench_reopen(struct bench *b) {
        const struct content_options options = { .helper = helper_path() };

        content_close(TAKE(b->store));
        loop_free(TAKE(b->loop));
        assert_int_equal(loop_new(&b->loop), 0);
        assert_int_equal(content_open(b->loop, b->dir, &options, &b->store), 0);
}

void bench_open(struct bench *b) {
        *b = (struct bench){ .dir = "/tmp/lambent-test-XXXXXX" };
        assert_non_null(mkdtemp(b->dir));
        bench_reopen(b);
}

static void remove_below(int at, const char *name) {
        int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *entry;

        while (dir && (entry = readdir(dir))) {
                if (streq(entry->d_name, ".") || streq(entry->d_name, ".."))
                        continue;
                if (unlinkat(fd, entry->d_name, 0) < 0)
                        remove_below(fd, entry->d_name);
        }
        if (dir)
                closedir(dir);
        unlinkat(at, name, AT_REMOVEDIR);
}

void bench_close(struct bench *b) {
        content_close(TAKE(b->store));
        loop_free(TAKE(b->loop));
        remove_below(AT_FDCWD, b->dir);
}

int bench_setup(void **state) {
        struct bench *b = xcalloc(1, sizeof(*b));

        bench_open(b);
        *state = b;
        return 0;
}

int bench_teardown(void **state) {
        bench_close(*state);
        free(*state);
        return 0;
}

void bench_until(struct bench *b, const bool *done) {
        nsec_t end = loop_clock(b->loop) + 60 * SECOND;

        while (!*done) {
                if (loop_clock(b->loop) > end)
                        fail_msg("nothing came within a minute");
                assert_int_equal(loop_turn(b->loop, 100 * MILLISECOND), 0);
        }
}

unsigned count_names(const struct bench *b, const char *folder) {
        char path[PATH_MAX];
        struct dirent *entry;
        unsigned count = 0;
        DIR *dir;

        snprintf(path, sizeof(path), "%s/%s", b->dir, folder);
        dir = opendir(path);
        assert_non_null(dir);
        while ((entry = readdir(dir)))
                count += entry->d_name[0] != '.';
        closedir(dir);
        return count;
}

struct barrier {
        struct job job;
        bool done;
};

static void barrier_run(struct job *job) {
}

static void barrier_done(struct job *job) {
        container_of(job, struct barrier, job)->done = true;
}

void bench_settle(struct bench *b) {
        struct barrier barrier = {
                .job = { .run = barrier_run, .done = barrier_done, .discard = barrier_done }
        };
        nsec_t end = loop_clock(b->loop) + 60 * SECOND;

        job_submit(b->loop, &barrier.job); /* behind all that is on its way */
        bench_until(b, &barrier.done);
        while (count_names(b, "tmp") || count_names(b, "trash")) {
                if (loop_clock(b->loop) > end)
                        fail_msg("tmp: %u, trash: %u", count_names(b, "tmp"), count_names(b, "trash"));
                assert_int_equal(loop_turn(b->loop, 10 * MILLISECOND), 0);
        }
}

static void blob_drained(void *owner) {
        struct blob_answer *answer = owner;

        ++answer->drains;
}

static void blob_done(void *owner, int r, const struct content_blob *blob) {
        struct blob_answer *answer = owner;

        assert_false(answer->done);
        answer->done = true;
        answer->r = r;
        answer->blob = *blob;
}

const struct content_upload_events blob_answer_events = { blob_drained, blob_done };

struct content_blob bench_upload(struct bench *b, const void *data, size_t len) {
        struct blob_answer answer = {};
        struct content_upload *u = content_upload_new(b->store, 64 * MIB, &blob_answer_events, &answer);

        assert_int_equal(content_upload_write(u, data, len), 0);
        content_upload_finish(u);
        assert_false(answer.done);
        bench_until(b, &answer.done);
        assert_int_equal(answer.r, 0);
        return answer.blob;
}

struct content_blob bench_upload_zip(struct bench *b, const struct zip_entry *entries) {
        struct buf zip = BUF_NULL(64 * MIB);
        struct content_blob blob;

        zip_make(entries, &zip);
        blob = bench_upload(b, buf_data(&zip), zip.len);
        buf_deinit(&zip);
        return blob;
}

void tree_answer_fn(struct content_wait *wait, const struct content_tree *tree) {
        struct tree_answer *answer = container_of(wait, struct tree_answer, wait);

        assert_false(answer->done);
        answer->done = true;
        answer->tree = *tree;
        snprintf(answer->reason, sizeof(answer->reason), "%s", tree->reason);
        snprintf(answer->path, sizeof(answer->path), "%s", tree->path ? tree->path : "");
}

void bench_unpack(struct bench *b, const char *hex, const struct archive_limits *limits,
                  struct tree_answer *ret) {
        *ret = (struct tree_answer){};
        content_unpack(b->store, hex, limits, &ret->wait, tree_answer_fn);
        assert_false(ret->done);
        bench_until(b, &ret->done);
}

char *read_file(const char *folder, const char *name) {
        char path[PATH_MAX], text[4096];
        ssize_t n;
        int fd;

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        fd = open(path, O_RDONLY);
        if (fd < 0)
                return NULL;
        n = read(fd, text, sizeof(text));
        close(fd);
        assert_true(n >= 0);
        return xmemdup(text, (size_t)n);
}
