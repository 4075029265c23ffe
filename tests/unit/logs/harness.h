/* SPDX-License-Identifier: Apache-2.0 */
/* harness - logs in a directory of their own, on a loop whose clock and worker the test turns */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "logs/logs.h"

struct bench {
        struct loop *loop;
        struct logs *logs;
        char dir[64];
        struct logs_options options;
};

int bench_setup(void **state);
int bench_teardown(void **state);
void bench_open(struct bench *b);
void bench_shut(struct bench *b);
static inline void bench_reopen(struct bench *b) {
        bench_shut(b);
        bench_open(b);
}
void say(struct bench *b, struct logs_stream *stream, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

struct answer {
        struct logs_request request;
        bool done;
        int error;
        size_t count;
        struct {
                uint64_t seq, ms;
                char stream[64], text[64];
                size_t len;
        } records[512];
        uint64_t next;
        bool more;
};

/* Reads and waits for the answer. */
void ask(struct bench *b, const struct logs_query *query, struct answer *ret);
/* The texts of all the group's records, joined by blanks. The test frees it. */
char *all_texts(struct bench *b, const char *group);

struct list_answer {
        struct logs_request request;
        bool done;
        int r;
        size_t count;
        char names[64][LOGS_NAME_MAX + 1];
        struct logs_stream_info streams[64]; /* name points into names */
};

void ask_streams(struct bench *b, const char *group, struct list_answer *ret);
void ask_groups(struct bench *b, const char *scope, struct list_answer *ret);
int delete_group(struct bench *b, const char *group);
/* The path of the group's last segment; the test frees it. */
char *last_segment(const struct bench *b, const char *folder, unsigned *ret_count);
uint64_t folder_bytes(const struct bench *b, const char *folder);
char *slurp(const char *path, size_t *ret_len);
void spill(const char *path, const char *data, size_t len);
