/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

void bench_open(struct bench *b) {
        b->loop = loop_new_manual();
        assert_int_equal(logs_open(b->loop, b->dir, &b->options, &b->logs), 0);
}

void bench_shut(struct bench *b) {
        logs_close(TAKE(b->logs));
        loop_free(TAKE(b->loop));
}

int bench_setup(void **state) {
        struct bench *b = xcalloc(1, sizeof(*b));

        strcpy(b->dir, "/tmp/lambent-test-XXXXXX");
        assert_non_null(mkdtemp(b->dir));
        bench_open(b);
        *state = b;
        return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        return remove(path);
}

int bench_teardown(void **state) {
        struct bench *b = *state;

        bench_shut(b);
        nftw(b->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        free(b);
        return 0;
}

void say(struct bench *b, struct logs_stream *stream, const char *format, ...) {
        char text[1024];
        va_list args;

        va_start(args, format);
        vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        logs_append(stream, loop_wall(b->loop), text, strlen(text));
}

static void take_page(struct logs_request *request, const struct logs_page *page) {
        struct answer *a = container_of(request, struct answer, request);

        assert_false(a->done);
        a->done = true;
        a->error = page->error;
        a->next = page->next;
        a->more = page->more;
        assert_true(page->count <= ARRAY_SIZE(a->records));
        for (size_t i = 0; i < page->count; ++i) {
                const struct logs_record *record = &page->records[i];

                a->records[i].seq = record->seq;
                a->records[i].ms = record->ms;
                a->records[i].len = record->len;
                snprintf(a->records[i].stream, sizeof(a->records[i].stream), "%s", record->stream);
                snprintf(a->records[i].text, sizeof(a->records[i].text), "%.*s", (int)record->len,
                         record->data);
        }
        a->count = page->count;
}

void ask(struct bench *b, const struct logs_query *query, struct answer *ret) {
        memset(ret, 0, sizeof(*ret));
        logs_read(b->logs, query, &ret->request, take_page);
        assert_false(ret->done);
        loop_advance(b->loop, 0);
        assert_true(ret->done);
}

char *all_texts(struct bench *b, const char *group) {
        struct answer *a = xmalloc(sizeof(*a));
        char *texts = xcalloc(1, ARRAY_SIZE(a->records) * 65);

        ask(b, &(struct logs_query){ .group = group }, a);
        for (size_t i = 0; i < a->count; ++i)
                sprintf(texts + strlen(texts), "%s%s", i ? " " : "", a->records[i].text);
        free(a);
        return texts;
}

static void take_streams(struct logs_request *request, int r, const struct logs_stream_info *streams,
                         size_t count) {
        struct list_answer *a = container_of(request, struct list_answer, request);

        a->done = true;
        a->r = r;
        a->count = count;
        assert_true(count <= ARRAY_SIZE(a->streams));
        for (size_t i = 0; i < count; ++i) {
                a->streams[i] = streams[i];
                a->streams[i].name = strcpy(a->names[i], streams[i].name);
        }
}

void ask_streams(struct bench *b, const char *group, struct list_answer *ret) {
        memset(ret, 0, sizeof(*ret));
        logs_list_streams(b->logs, group, &ret->request, take_streams);
        loop_advance(b->loop, 0);
        assert_true(ret->done);
}

static void take_groups(struct logs_request *request, const struct logs_group_info *groups, size_t count) {
        struct list_answer *a = container_of(request, struct list_answer, request);

        a->done = true;
        a->count = count;
        assert_true(count <= ARRAY_SIZE(a->streams));
        for (size_t i = 0; i < count; ++i) {
                strcpy(a->names[i], groups[i].name);
                a->streams[i].bytes = groups[i].bytes;
                a->streams[i].created_ms = groups[i].created_ms;
        }
}

void ask_groups(struct bench *b, const char *scope, struct list_answer *ret) {
        memset(ret, 0, sizeof(*ret));
        logs_list_groups(b->logs, scope, &ret->request, take_groups);
        loop_advance(b->loop, 0);
        assert_true(ret->done);
}

static void take_deleted(struct logs_request *request, int r) {
        struct list_answer *a = container_of(request, struct list_answer, request);

        a->done = true;
        a->r = r;
}

int delete_group(struct bench *b, const char *group) {
        struct list_answer a = {};

        logs_delete_group(b->logs, group, &a.request, take_deleted);
        loop_advance(b->loop, 0);
        assert_true(a.done);
        return a.r;
}

char *last_segment(const struct bench *b, const char *folder, unsigned *ret_count) {
        AUTO(str) char *path = xasprintf("%s/%s", b->dir, folder);
        DIR *dir = opendir(path);
        char last[NAME_MAX + 1] = "";
        struct dirent *entry;
        unsigned count = 0;

        while (dir && (entry = readdir(dir))) {
                if (entry->d_name[0] == '.')
                        continue;
                ++count;
                if (strcmp(entry->d_name, last) > 0)
                        strcpy(last, entry->d_name);
        }
        if (dir)
                closedir(dir);
        if (ret_count)
                *ret_count = count;
        return count ? xasprintf("%s/%s", path, last) : NULL;
}

uint64_t folder_bytes(const struct bench *b, const char *folder) {
        AUTO(str) char *path = xasprintf("%s/%s", b->dir, folder);
        DIR *dir = opendir(path);
        struct dirent *entry;
        uint64_t bytes = 0;
        struct stat st;

        while (dir && (entry = readdir(dir)))
                if (fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 && S_ISREG(st.st_mode))
                        bytes += (uint64_t)st.st_size;
        if (dir)
                closedir(dir);
        return bytes;
}

char *slurp(const char *path, size_t *ret_len) {
        int fd = open(path, O_RDONLY);
        struct stat st;
        char *data;

        assert_true(fd >= 0 && fstat(fd, &st) == 0);
        data = xmalloc((size_t)st.st_size);
        assert_int_equal(read(fd, data, (size_t)st.st_size), st.st_size);
        close(fd);
        *ret_len = (size_t)st.st_size;
        return data;
}

void spill(const char *path, const char *data, size_t len) {
        int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0600);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, data, len), (ssize_t)len);
        close(fd);
}
