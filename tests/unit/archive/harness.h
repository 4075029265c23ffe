/* SPDX-License-Identifier: Apache-2.0 */
/* harness - zips made byte by byte, and a content store on a real loop with the real helper process */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "archive/content.h"
#include "base/buf.h"

/* ---- zips ---- */

#define FILE_MODE(mode) (0100000u | (mode))
#define LINK_MODE (0120777u)
#define DIRECTORY_MODE (040755u)

struct zip_entry {
        const char *name;
        uint32_t mode; /* as Unix stores it; 0: none, as from Windows */
        const char *data;
        size_t name_len;       /* 0: strlen */
        size_t data_len;       /* 0: strlen */
        uint32_t claimed_size; /* 0: the truth */
        uint16_t flags;        /* 1: encrypted */
        uint32_t wrong_crc;
};

/* Ends with an entry without name. Stored, not deflated, unless claimed_size lies: then in stored blocks of
 * deflate. */
void zip_make(const struct zip_entry *entries, struct buf *zip);

/* ---- store ---- */

struct bench {
        struct loop *loop;
        struct content_store *store;
        char dir[64];
};

/* The path of lambent-archive: $LAMBENT_ARCHIVE, or where the build puts it. */
const char *helper_path(void);

void bench_open(struct bench *b);   /* a new directory */
void bench_reopen(struct bench *b); /* the same one, as after kill -9 */
void bench_close(struct bench *b);  /* and removes it */
int bench_setup(void **state);
int bench_teardown(void **state);
/* Turns the loop until *done; fails the test after a minute. */
void bench_until(struct bench *b, const bool *done);
/* Waits until every job submitted so far is done and trash and tmp are empty. */
void bench_settle(struct bench *b);

struct blob_answer {
        bool done;
        int r;
        struct content_blob blob;
        unsigned drains;
};

extern const struct content_upload_events blob_answer_events;

/* Uploads all of it in one go; the digest. */
struct content_blob bench_upload(struct bench *b, const void *data, size_t len);
struct content_blob bench_upload_zip(struct bench *b, const struct zip_entry *entries);

struct tree_answer {
        struct content_wait wait;
        bool done;
        struct content_tree tree;
        char reason[ARCHIVE_REASON_SIZE], path[4096];
};

void tree_answer_fn(struct content_wait *wait, const struct content_tree *tree);

extern const struct archive_limits aws_limits;

void bench_unpack(struct bench *b, const char *hex, const struct archive_limits *limits,
                  struct tree_answer *ret);
unsigned count_names(const struct bench *b, const char *folder);
/* The file's content as a string that the test frees. */
char *read_file(const char *folder, const char *name);
