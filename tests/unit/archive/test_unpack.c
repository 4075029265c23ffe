/* SPDX-License-Identifier: Apache-2.0 */
/* What the helper makes of archives, good and evil, through the whole way: upload, process, confinement,
 * publication. */
#include <stdio.h>
#include <sys/stat.h>

#include "harness.h"

#define NONE \
        { 0 }
#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

struct evil {
        const char *what;
        struct zip_entry entries[5];
        enum archive_outcome outcome;
};

static const struct evil evils[] = {
        { "leads out", { { "../up", FILE_MODE(0644), "x" } }, ARCHIVE_UNSAFE },
        { "leads out later", { { "a/../../up", FILE_MODE(0644), "x" } }, ARCHIVE_UNSAFE },
        { "leads out and back", { { "a/../b", FILE_MODE(0644), "x" } }, ARCHIVE_UNSAFE },
        { "directory leads out", { { "../d/", DIRECTORY_MODE, NULL } }, ARCHIVE_UNSAFE },
        { "link leads out by name", { { "../l", LINK_MODE, "x" } }, ARCHIVE_UNSAFE },
        { "absolute", { { "/tmp/lambent-evil", FILE_MODE(0644), "x" } }, ARCHIVE_UNSAFE },
        { "backslash", { { "a/..\\b", FILE_MODE(0644), "x" } }, ARCHIVE_UNSAFE },
        { "NUL", { { "a\0b", FILE_MODE(0644), "x", .name_len = 3 } }, ARCHIVE_UNSAFE },
        { "long component", { { A64 A64 A64 A64, FILE_MODE(0644), "x" } }, ARCHIVE_UNSAFE },
        { "through a link",
          { { "l", LINK_MODE, "/tmp" }, { "l/lambent-evil", FILE_MODE(0644), "x" } },
          ARCHIVE_UNSAFE },
        { "through a link, file first",
          { { "l/lambent-evil", FILE_MODE(0644), "x" }, { "l", LINK_MODE, "/tmp" } },
          ARCHIVE_UNSAFE },
        { "link through a link", { { "l", LINK_MODE, "/tmp" }, { "l/m", LINK_MODE, "x" } }, ARCHIVE_UNSAFE },
        { "link without target", { { "l", LINK_MODE, "" } }, ARCHIVE_UNSAFE },
        { "file below a file",
          { { "a", FILE_MODE(0644), "x" }, { "a/b", FILE_MODE(0644), "x" } },
          ARCHIVE_UNSAFE },
        { "file on a directory",
          { { "a/b", FILE_MODE(0644), "x" }, { "a", FILE_MODE(0644), "x" } },
          ARCHIVE_UNSAFE },
        { "fifo",
          { { "f", 0010644, "" } },
          ARCHIVE_FINE }, /* the library makes a plain file of it, and so be it */
        { "encrypted", { { "f", FILE_MODE(0644), "123456789012", .flags = 1 } }, ARCHIVE_NOT_A_ZIP },
        { "wrong crc", { { "f", FILE_MODE(0644), "x", .wrong_crc = 1 } }, ARCHIVE_NOT_A_ZIP },
        { "nothing in it", { NONE }, ARCHIVE_EMPTY },
        { "dots and slashes", { { "./a//./b", FILE_MODE(0644), "x" } }, ARCHIVE_FINE },
        { "twice", { { "a", FILE_MODE(0644), "first" }, { "a", FILE_MODE(0644), "x" } }, ARCHIVE_FINE },
        { "two cases", { { "a", FILE_MODE(0644), "x" }, { "A", FILE_MODE(0644), "x" } }, ARCHIVE_FINE },
        { "link over a file", { { "a", FILE_MODE(0644), "x" }, { "a", LINK_MODE, "b" } }, ARCHIVE_FINE },
        { "link that points anywhere", { { "a", LINK_MODE, "../../../etc/passwd" } }, ARCHIVE_FINE },
        { "a directory named twice",
          { { "d/", DIRECTORY_MODE, NULL }, { "d/", DIRECTORY_MODE, NULL } },
          ARCHIVE_FINE },
};

static void evil_archives_write_nothing_outside(void **state) {
        struct bench *b = *state;

        for (size_t i = 0; i < ARRAY_SIZE(evils); ++i) {
                struct content_blob blob = bench_upload_zip(b, evils[i].entries);
                struct tree_answer answer;

                bench_unpack(b, blob.hex, &aws_limits, &answer);
                if (answer.tree.outcome != evils[i].outcome)
                        fail_msg("%s: outcome %d, reason %s", evils[i].what, answer.tree.outcome,
                                 answer.reason);
                assert_true(answer.tree.outcome == ARCHIVE_FINE || answer.reason[0]);
                assert_int_not_equal(access("/tmp/lambent-evil", F_OK), 0);
                content_remove(b->store, blob.hex);
                bench_settle(b);
        }
        assert_int_equal(count_names(b, "blobs"), 0);
        assert_int_equal(count_names(b, "trees"), 0);
}

static void what_is_no_zip_is_called_so(void **state) {
        struct bench *b = *state;
        struct buf zip = BUF_NULL(MIB);
        struct tree_answer answer;
        struct content_blob blob;

        zip_make((struct zip_entry[]){ { "a", FILE_MODE(0644), "hello" },
                                       { "b", FILE_MODE(0644), "world" },
                                       NONE },
                 &zip);
        for (size_t len = 0; len < zip.len; ++len) {
                blob = bench_upload(b, buf_data(&zip), len);
                bench_unpack(b, blob.hex, &aws_limits, &answer);
                assert_int_equal(answer.tree.outcome, ARCHIVE_NOT_A_ZIP);
        }
        /* Bytes before and after a zip do no harm: a self-extractor, a comment that a download tool added. */
        blob = bench_upload(b, buf_data(&zip), zip.len);
        bench_unpack(b, blob.hex, &aws_limits, &answer);
        assert_int_equal(answer.tree.outcome, ARCHIVE_FINE);
        assert_int_equal(answer.tree.entries, 2);
        buf_deinit(&zip);
}

static void size_is_counted_not_believed(void **state) {
        struct bench *b = *state;
        const struct archive_limits small = { .bytes = 100000, .entries = 3 };
        char *zeros = xcalloc(1, 200000);
        struct tree_answer answer;
        const struct {
                struct zip_entry entries[5];
                enum archive_outcome outcome;
        } cases[] = {
                { { { "a", FILE_MODE(0644), zeros, .data_len = 100000 } }, ARCHIVE_FINE },
                { { { "a", FILE_MODE(0644), zeros, .data_len = 100001 } }, ARCHIVE_TOO_LARGE },
                { { { "a", FILE_MODE(0644), zeros, .data_len = 60000 },
                    { "b", FILE_MODE(0644), zeros, .data_len = 60000 } },
                  ARCHIVE_TOO_LARGE },
                { { { "lies", FILE_MODE(0644), zeros, .data_len = 200000, .claimed_size = 10 } },
                  ARCHIVE_TOO_LARGE },
                { { { "1/", DIRECTORY_MODE, NULL },
                    { "2/", DIRECTORY_MODE, NULL },
                    { "3/", DIRECTORY_MODE, NULL } },
                  ARCHIVE_FINE },
                { { { "1/", DIRECTORY_MODE, NULL },
                    { "2", LINK_MODE, "x" },
                    { "3", LINK_MODE, "x" },
                    { "4/", DIRECTORY_MODE, NULL } },
                  ARCHIVE_TOO_LARGE },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); ++i) {
                struct content_blob blob = bench_upload_zip(b, cases[i].entries);

                bench_unpack(b, blob.hex, &small, &answer);
                if (answer.tree.outcome != cases[i].outcome)
                        fail_msg("case %zu: outcome %d, reason %s", i, answer.tree.outcome, answer.reason);
        }
        bench_settle(b);
        free(zeros);
}

static mode_t mode_of(const char *folder, const char *name) {
        char path[4200];
        struct stat st;

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        assert_int_equal(lstat(path, &st), 0);
        return st.st_mode;
}

static void files_come_out_as_they_went_in(void **state) {
        struct bench *b = *state;
        const struct zip_entry entries[] = {
                { "app.py", FILE_MODE(0644), "print(1)" },
                { "bin/run", FILE_MODE(0755), "#!/bin/sh" },
                { "private", FILE_MODE(0600), "x" },
                { "windows", 0, "x" },
                { "suid", FILE_MODE(06755), "x" },
                { "dir/", DIRECTORY_MODE, NULL },
                { "dir/link", LINK_MODE, "../app.py" },
                { "d\xc3\xa9j\xc3\xa0", FILE_MODE(0644), "vu", .flags = 0x800 },
                NONE,
        };
        struct content_blob blob = bench_upload_zip(b, entries);
        struct tree_answer answer;
        struct stat st;
        char path[4200];
        char *text;

        bench_unpack(b, blob.hex, &aws_limits, &answer);
        assert_int_equal(answer.tree.outcome, ARCHIVE_FINE);
        assert_int_equal(answer.tree.entries, 8);
        assert_int_equal(answer.tree.bytes, 8 + 9 + 1 + 1 + 1 + 2);
        assert_int_equal(mode_of(answer.path, "."), 040755);
        assert_int_equal(mode_of(answer.path, "dir"), 040755);
        assert_int_equal(mode_of(answer.path, "app.py"), 0100644);
        assert_int_equal(mode_of(answer.path, "bin/run"), 0100755);
        assert_int_equal(mode_of(answer.path, "private"), 0100644);
        assert_int_equal(mode_of(answer.path, "suid"), 0100755);
        assert_true(S_ISLNK(mode_of(answer.path, "dir/link")));
        /* AWS would refuse these two to the function: said, not done. */
        assert_int_equal(answer.tree.unreadable, 1);
        assert_string_equal(answer.reason, "private");
        text = read_file(answer.path, "dir/link");
        assert_string_equal(text, "print(1)");
        free(text);
        text = read_file(answer.path, "d\xc3\xa9j\xc3\xa0");
        assert_string_equal(text, "vu");
        free(text);
        snprintf(path, sizeof(path), "%s/app.py", answer.path);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mtime, 1714953600); /* 2024-05-06, as stored */
}

static void one_unpacking_serves_all_who_wait(void **state) {
        struct bench *b = *state;
        struct content_blob blob =
                bench_upload_zip(b, (struct zip_entry[]){ { "a", FILE_MODE(0644), "x" }, NONE });
        struct tree_answer answers[5] = {};

        for (size_t i = 0; i < ARRAY_SIZE(answers); ++i)
                content_unpack(b->store, blob.hex, &aws_limits, &answers[i].wait, tree_answer_fn);
        content_wait_cancel(&answers[1].wait);
        for (size_t i = 0; i < ARRAY_SIZE(answers); ++i)
                if (i != 1)
                        bench_until(b, &answers[i].done);
        assert_false(answers[1].done);
        for (size_t i = 0; i < ARRAY_SIZE(answers); ++i)
                assert_int_equal(answers[i].tree.outcome, ARCHIVE_FINE);
        assert_int_equal(count_names(b, "trees"), 1);
        assert_int_equal(count_names(b, "tmp"), 0);
}

static struct content_blob layer(struct bench *b, const char *own, const char *text) {
        return bench_upload_zip(b, (struct zip_entry[]){
                                           { own, FILE_MODE(0644), text },
                                           { "python/shared.py", FILE_MODE(0644), text },
                                           { "bin/tool", FILE_MODE(0755), text },
                                           NONE,
                                   });
}

static void later_layers_win(void **state) {
        struct bench *b = *state;
        struct content_blob one = layer(b, "python/one.py", "one"), two = layer(b, "python/two.py", "two");
        struct content_blob file =
                bench_upload_zip(b, (struct zip_entry[]){ { "bin", FILE_MODE(0644), "flat" }, NONE });
        const char *orders[][3] = { { one.hex, two.hex },
                                    { two.hex, one.hex },
                                    { one.hex, two.hex, file.hex } };
        const char *shared[] = { "two", "one", "two" };

        for (size_t i = 0; i < ARRAY_SIZE(orders); ++i) {
                struct tree_answer answer = {};
                char *text;

                content_merge(b->store, orders[i], orders[i][2] ? 3 : 2, &aws_limits, &answer.wait,
                              tree_answer_fn);
                bench_until(b, &answer.done);
                assert_int_equal(answer.tree.outcome, ARCHIVE_FINE);
                text = read_file(answer.path, "python/shared.py");
                assert_string_equal(text, shared[i]);
                free(text);
                text = read_file(answer.path, "python/one.py");
                assert_string_equal(text, "one");
                free(text);
                assert_int_equal(mode_of(answer.path, "bin"), orders[i][2] ? 0100644 : 040755);
        }
        assert_int_equal(count_names(b, "opt"), 3);
        content_remove(b->store, two.hex);
        bench_settle(b);
        assert_int_equal(count_names(b, "opt"), 0);
        assert_int_equal(count_names(b, "trees"), 2);
}

static void one_layer_needs_no_merging(void **state) {
        struct bench *b = *state;
        struct content_blob one = layer(b, "a", "one");
        struct tree_answer answer = {};
        char *path;

        content_merge(b->store, (const char *[]){ one.hex }, 1, &aws_limits, &answer.wait, tree_answer_fn);
        bench_until(b, &answer.done);
        path = content_tree_path(b->store, one.hex);
        assert_string_equal(answer.path, path);
        assert_int_equal(count_names(b, "opt"), 0);
        free(path);
}

static void a_broken_layer_fails_the_merge(void **state) {
        struct bench *b = *state;
        struct content_blob one = layer(b, "a", "one"), bad = bench_upload(b, "no zip", 6);
        struct tree_answer answer = {};

        content_merge(b->store, (const char *[]){ one.hex, bad.hex }, 2, &aws_limits, &answer.wait,
                      tree_answer_fn);
        bench_until(b, &answer.done);
        assert_int_equal(answer.tree.outcome, ARCHIVE_NOT_A_ZIP);
        bench_settle(b);
        assert_int_equal(count_names(b, "opt"), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(evil_archives_write_nothing_outside, bench_setup,
                                                bench_teardown),
                cmocka_unit_test_setup_teardown(what_is_no_zip_is_called_so, bench_setup, bench_teardown),
                cmocka_unit_test_setup_teardown(size_is_counted_not_believed, bench_setup, bench_teardown),
                cmocka_unit_test_setup_teardown(files_come_out_as_they_went_in, bench_setup, bench_teardown),
                cmocka_unit_test_setup_teardown(one_unpacking_serves_all_who_wait, bench_setup,
                                                bench_teardown),
                cmocka_unit_test_setup_teardown(later_layers_win, bench_setup, bench_teardown),
                cmocka_unit_test_setup_teardown(one_layer_needs_no_merging, bench_setup, bench_teardown),
                cmocka_unit_test_setup_teardown(a_broken_layer_fails_the_merge, bench_setup, bench_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
