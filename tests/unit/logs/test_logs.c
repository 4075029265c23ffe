/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "harness.h"

#define GROUP "/aws/lambda/hello"
#define FOLDER "%2Faws%2Flambda%2Fhello"

static void what_was_said_can_be_read(void **state) {
        struct bench *b = *state;
        struct logs_stream *one = logs_stream_open(b->logs, GROUP, "2026/11/23/[$LATEST]1");
        struct logs_stream *two = logs_stream_open(b->logs, GROUP, "2026/11/23/[$LATEST]2");
        static struct answer a;

        say(b, one, "a");
        say(b, two, "b");
        loop_advance(b->loop, 5 * MILLISECOND);
        say(b, one, "c");
        ask(b, &(struct logs_query){ .group = GROUP }, &a);
        assert_int_equal(a.error, 0);
        assert_int_equal(a.count, 3);
        assert_string_equal(a.records[0].text, "a");
        assert_string_equal(a.records[1].text, "b");
        assert_string_equal(a.records[2].text, "c");
        assert_string_equal(a.records[1].stream, "2026/11/23/[$LATEST]2");
        assert_int_equal(a.records[2].ms - a.records[0].ms, 5);
        assert_int_equal(a.records[2].seq - a.records[0].seq, 2);
        assert_int_equal(a.next, a.records[2].seq + 1);
        assert_false(a.more);
        ask(b, &(struct logs_query){ .group = GROUP, .stream = "2026/11/23/[$LATEST]1" }, &a);
        assert_int_equal(a.count, 2);
        ask(b, &(struct logs_query){ .group = GROUP, .stream = "2026/11/23/[$LATEST]" }, &a);
        assert_int_equal(a.count, 0);
        ask(b, &(struct logs_query){ .group = "/aws/lambda/hell" }, &a);
        assert_int_equal(a.error, -ENOENT);
        logs_stream_close(one);
        logs_stream_close(two);
}

static void nothing_is_written_before_its_time(void **state) {
        struct bench *b = *state;
        struct logs_stream *s = logs_stream_open(b->logs, GROUP, "s");
        char *path;

        say(b, s, "a");
        loop_advance(b->loop, 99 * MILLISECOND);
        assert_null(last_segment(b, FOLDER, NULL));
        loop_advance(b->loop, 1 * MILLISECOND);
        path = last_segment(b, FOLDER, NULL);
        assert_non_null(path);
        free(path);
        assert_int_equal(logs_pending(b->logs), 0);
        logs_stream_close(s);
}

static bool has_seven(const struct logs_record *record, void *arg) {
        return memchr(record->data, *(char *)arg, record->len);
}

static unsigned dropped;

static void drop_arg(void *arg) {
        ++dropped;
}

static void queries_choose(void **state) {
        struct bench *b = *state;
        struct logs_stream *s = logs_stream_open(b->logs, GROUP, "s");
        static struct answer a;
        uint64_t first, ms;

        for (int i = 0; i < 100; ++i) {
                say(b, s, "%02d", i);
                loop_advance(b->loop, 10 * MILLISECOND);
        }
        ask(b, &(struct logs_query){ .group = GROUP, .max_records = 30 }, &a);
        assert_int_equal(a.count, 30);
        assert_true(a.more);
        first = a.records[0].seq;
        ms = a.records[0].ms;
        ask(b, &(struct logs_query){ .group = GROUP, .from = a.next, .max_records = 70 }, &a);
        assert_int_equal(a.count, 70);
        assert_string_equal(a.records[0].text, "30");
        assert_false(a.more);
        ask(b, &(struct logs_query){ .group = GROUP, .from = a.next }, &a);
        assert_int_equal(a.count, 0);
        ask(b, &(struct logs_query){ .group = GROUP, .last = true, .max_records = 3 }, &a);
        assert_int_equal(a.count, 3);
        assert_string_equal(a.records[0].text, "97");
        assert_int_equal(a.next, first + 100);
        ask(b,
            &(struct logs_query){
                    .group = GROUP, .last = true, .max_records = 3, .before = a.records[0].seq },
            &a);
        assert_string_equal(a.records[0].text, "94");
        assert_string_equal(a.records[2].text, "96");
        ask(b, &(struct logs_query){ .group = GROUP, .from_ms = ms + 20, .end_ms = ms + 50 }, &a);
        assert_int_equal(a.count, 3);
        assert_string_equal(a.records[0].text, "02");
        ask(b, &(struct logs_query){ .group = GROUP, .max_bytes = 5 }, &a);
        assert_int_equal(a.count, 2);
        assert_true(a.more);
        ask(b, &(struct logs_query){ .group = GROUP, .max_bytes = 1 }, &a);
        assert_int_equal(a.count, 1);
        ask(b, &(struct logs_query){ .group = GROUP, .last = true, .max_bytes = 5 }, &a);
        assert_int_equal(a.count, 2);
        assert_string_equal(a.records[1].text, "99");
        dropped = 0;
        ask(b, &(struct logs_query){ .group = GROUP, .match = has_seven, .arg = "7", .drop = drop_arg }, &a);
        assert_int_equal(a.count, 19);
        assert_int_equal(dropped, 1);
        logs_stream_close(s);
}

static void a_cancelled_request_never_answers(void **state) {
        struct bench *b = *state;
        struct logs_stream *s = logs_stream_open(b->logs, GROUP, "s");
        struct answer *a = xcalloc(1, sizeof(*a));

        say(b, s, "a");
        logs_read(b->logs, &(struct logs_query){ .group = GROUP }, &a->request, NULL);
        logs_request_cancel(&a->request);
        logs_request_cancel(&a->request);
        free(a);
        loop_advance(b->loop, SECOND);
        logs_stream_close(s);
}

static void logs_survive_a_restart(void **state) {
        struct bench *b = *state;
        static struct answer a;
        char *texts;

        for (int i = 0; i < 4; ++i) {
                struct logs_stream *s = logs_stream_open(b->logs, GROUP, i % 2 ? "odd" : "even");

                say(b, s, "%d", i);
                logs_stream_close(s);
                bench_reopen(b); /* closing writes what has gathered */
        }
        texts = all_texts(b, GROUP);
        assert_string_equal(texts, "0 1 2 3");
        free(texts);
        ask(b, &(struct logs_query){ .group = GROUP, .stream = "odd" }, &a);
        assert_int_equal(a.count, 2);
        assert_string_equal(a.records[1].text, "3");
        assert_int_equal(a.records[1].seq - a.records[0].seq, 2);
}

static void groups_and_streams_are_listed(void **state) {
        struct bench *b = *state;
        const char *names[] = { "/aws/lambda/b", "/aws/lambda/a", "custom" };
        static struct list_answer list;

        for (size_t i = 0; i < ARRAY_SIZE(names); ++i) {
                struct logs_stream *s = logs_stream_open(b->logs, names[i], "s2");
                struct logs_stream *t = logs_stream_open(b->logs, names[i], "s1");

                say(b, s, "hello");
                loop_advance(b->loop, 7 * MILLISECOND);
                say(b, s, "again");
                say(b, t, "x");
                logs_stream_close(s);
                logs_stream_close(t);
        }
        for (int round = 0; round < 2; ++round) {
                ask_groups(b, NULL, &list);
                assert_int_equal(list.count, 3);
                assert_string_equal(list.names[0], "/aws/lambda/a");
                assert_string_equal(list.names[1], "/aws/lambda/b");
                assert_string_equal(list.names[2], "custom");
                assert_true(list.streams[0].bytes > 0 && list.streams[0].created_ms > 0);
                ask_streams(b, "custom", &list);
                assert_int_equal(list.count, 2);
                assert_string_equal(list.names[0], "s1");
                assert_string_equal(list.names[1], "s2");
                assert_int_equal(list.streams[1].events, 2);
                assert_int_equal(list.streams[1].bytes, 10);
                assert_int_equal(list.streams[1].last_ms - list.streams[1].first_ms, 7);
                bench_reopen(b);
        }
        ask_streams(b, "absent", &list);
        assert_int_equal(list.r, -ENOENT);
}

static void names_cannot_leave_the_directory(void **state) {
        struct bench *b = *state;
        char longest[LOGS_NAME_MAX + 1], other[LOGS_NAME_MAX + 1];
        const char *names[] = { "..", ".", "../../etc", "a/b", "a%2Fb", "a b", "\xc3\xa9", longest, other };
        static struct list_answer list;

        memset(longest, '/', LOGS_NAME_MAX);
        longest[LOGS_NAME_MAX] = 0;
        strcpy(other, longest);
        other[LOGS_NAME_MAX - 1] = 'x';
        for (size_t i = 0; i < ARRAY_SIZE(names); ++i) {
                struct logs_stream *s = logs_stream_open(b->logs, names[i], names[i]);

                say(b, s, "%zu", i);
                logs_stream_close(s);
        }
        bench_reopen(b);
        ask_groups(b, NULL, &list);
        assert_int_equal(list.count, ARRAY_SIZE(names));
        for (size_t i = 0; i < ARRAY_SIZE(names); ++i) {
                char *texts = all_texts(b, names[i]), number[8];

                snprintf(number, sizeof(number), "%zu", i);
                assert_string_equal(texts, number);
                free(texts);
        }
}

static void scopes_are_apart(void **state) {
        struct bench *b = *state;
        static const char *const groups[] = { "one.eu:" GROUP, "two.eu:" GROUP, "one.us:" GROUP, GROUP };
        static struct list_answer list;
        static struct answer a;

        for (size_t i = 0; i < ARRAY_SIZE(groups); ++i) {
                struct logs_stream *s = logs_stream_open(b->logs, groups[i], "s");

                say(b, s, "%zu", i);
                logs_stream_close(s);
        }
        for (int times = 0; times < 2; ++times) {
                for (size_t i = 0; i < ARRAY_SIZE(groups); ++i) {
                        ask(b, &(struct logs_query){ .group = groups[i] }, &a);
                        assert_int_equal(a.count, 1);
                        assert_int_equal(a.records[0].text[0], '0' + (char)i);
                }
                ask_groups(b, "one.eu", &list);
                assert_int_equal(list.count, 1);
                assert_string_equal(list.names[0], GROUP);
                ask_groups(b, NULL, &list);
                assert_int_equal(list.count, 1);
                ask_groups(b, "one.e", &list);
                assert_int_equal(list.count, 0);
                bench_reopen(b);
        }
        assert_int_equal(delete_group(b, "one.eu:" GROUP), 0);
        bench_reopen(b);
        assert_int_equal(delete_group(b, "one.eu:" GROUP), -ENOENT);
        ask(b, &(struct logs_query){ .group = "one.us:" GROUP }, &a);
        assert_int_equal(a.count, 1);
}

/* What somebody else left among the scopes is not looked into. */
static void folders_that_no_scope_has(void **state) {
        static const char *const folders[] = { "@%3A", "@%00", "@%zz", "@a%2", "@a.b" };
        struct bench *b = *state;
        static struct list_answer list;
        char path[128];

        bench_shut(b);
        for (size_t i = 0; i < ARRAY_SIZE(folders); ++i) {
                snprintf(path, sizeof(path), "%s/%s", b->dir, folders[i]);
                assert_int_equal(mkdir(path, 0700), 0);
                snprintf(path, sizeof(path), "%s/%s/g", b->dir, folders[i]);
                assert_int_equal(mkdir(path, 0700), 0);
        }
        bench_open(b);
        ask_groups(b, NULL, &list);
        assert_int_equal(list.count, 0);
        for (size_t i = 0; i < ARRAY_SIZE(folders); ++i) {
                snprintf(path, sizeof(path), "%s/%s/g", b->dir, folders[i]);
                assert_int_equal(rmdir(path), 0);
                snprintf(path, sizeof(path), "%s/%s", b->dir, folders[i]);
                assert_int_equal(rmdir(path), 0);
        }
}

static char *its_own_scope(void *owner, const char *group) {
        ++*(int *)owner;
        return streq(group, "stays") ? NULL : xstrdup(streq(group, GROUP) ? "two.eu" : "one.us");
}

/* An older lambent's: whatever was said is there, and goes on. */
static void groups_move_to_scopes(void **state) {
        static const char *const before[] = { GROUP, "other", "stays" };
        struct bench *b = *state;
        struct logs_stream *s;
        static struct answer a;
        int asked = 0;
        char *texts;

        for (size_t i = 0; i < ARRAY_SIZE(before); ++i) {
                s = logs_stream_open(b->logs, before[i], "s");
                say(b, s, "%s", before[i]);
                logs_stream_close(s);
        }
        bench_shut(b);
        assert_int_equal(logs_move_to_scopes(b->dir, its_own_scope, &asked), 0);
        assert_int_equal(asked, 3);
        /* Killed in the midst and begun again: what has moved is not asked for. */
        assert_int_equal(logs_move_to_scopes(b->dir, its_own_scope, &asked), 0);
        assert_int_equal(asked, 4);
        bench_open(b);
        ask(b, &(struct logs_query){ .group = GROUP }, &a);
        assert_int_equal(a.error, -ENOENT);
        texts = all_texts(b, "one.us:other");
        assert_string_equal(texts, "other");
        free(texts);
        texts = all_texts(b, "stays");
        assert_string_equal(texts, "stays");
        free(texts);
        s = logs_stream_open(b->logs, "two.eu:" GROUP, "s");
        say(b, s, "more");
        logs_stream_close(s);
        bench_reopen(b);
        texts = all_texts(b, "two.eu:" GROUP);
        assert_string_equal(texts, GROUP " more");
        free(texts);
        /* One that is there already is not lost either. */
        s = logs_stream_open(b->logs, GROUP, "s");
        say(b, s, "again");
        logs_stream_close(s);
        bench_shut(b);
        assert_int_equal(logs_move_to_scopes(b->dir, its_own_scope, &asked), 0);
        bench_open(b);
        texts = all_texts(b, GROUP);
        assert_string_equal(texts, "again");
        free(texts);
        assert_int_equal(logs_move_to_scopes("/nowhere/at/all", its_own_scope, &asked), 0);
}

static void a_deleted_group_may_come_back(void **state) {
        struct bench *b = *state;
        struct logs_stream *s = logs_stream_open(b->logs, GROUP, "s");
        static struct answer a;
        uint64_t cursor;

        assert_int_equal(delete_group(b, GROUP), -ENOENT);
        for (int i = 0; i < 50; ++i)
                say(b, s, "old");
        ask(b, &(struct logs_query){ .group = GROUP }, &a);
        cursor = a.next;
        loop_advance(b->loop, SECOND);
        assert_int_equal(delete_group(b, GROUP), 0);
        ask(b, &(struct logs_query){ .group = GROUP }, &a);
        assert_int_equal(a.error, -ENOENT);
        assert_int_equal(folder_bytes(b, FOLDER), 0);
        say(b, s, "new");
        /* A reader that still holds the old cursor must not miss it. */
        ask(b, &(struct logs_query){ .group = GROUP, .from = cursor }, &a);
        assert_int_equal(a.count, 1);
        assert_string_equal(a.records[0].text, "new");
        logs_stream_close(s);
}

static void oldest_segments_go_first(void **state) {
        struct bench *b = *state;
        struct logs_stream *s;
        static struct answer a;
        unsigned segments;
        uint64_t last;

        b->options = (struct logs_options){ .group_bytes_max = 8000, .segment_bytes = 1000 };
        bench_reopen(b);
        s = logs_stream_open(b->logs, GROUP, "s");
        for (int i = 0; i < 2000; ++i) {
                say(b, s, "%05d-%080d", i, 0);
                if (i % 7 == 0)
                        loop_advance(b->loop, 100 * MILLISECOND);
        }
        ask(b, &(struct logs_query){ .group = GROUP }, &a);
        assert_in_range(folder_bytes(b, FOLDER), 5000, 8000 + 1000);
        free(last_segment(b, FOLDER, &segments));
        assert_in_range(segments, 5, 9);
        assert_true(a.count > 30);
        assert_memory_equal(a.records[a.count - 1].text, "01999-", 6);
        for (size_t i = 1; i < a.count; ++i)
                assert_int_equal(a.records[i].seq, a.records[i - 1].seq + 1);
        last = a.records[a.count - 1].seq;
        logs_stream_close(s);
        bench_reopen(b);
        ask(b, &(struct logs_query){ .group = GROUP, .last = true, .max_records = 5 }, &a);
        assert_int_equal(a.count, 5);
        assert_int_equal(a.records[4].seq, last);
        ask(b, &(struct logs_query){ .group = GROUP, .from = last - 3 }, &a);
        assert_int_equal(a.count, 4);
}

static void all_groups_together_are_bounded(void **state) {
        struct bench *b = *state;
        static struct list_answer list;
        uint64_t bytes = 0;

        b->options = (struct logs_options){ .total_bytes_max = 20000, .segment_bytes = 1000 };
        bench_reopen(b);
        for (int i = 0; i < 60; ++i) {
                AUTO(str) char *name = xasprintf("g%02d", i);
                struct logs_stream *s = logs_stream_open(b->logs, name, "s");

                for (int k = 0; k < 10; ++k)
                        say(b, s, "%0100d", k);
                logs_stream_close(s);
                if (i % 9 == 0) /* several groups in one write, too */
                        loop_advance(b->loop, 100 * MILLISECOND);
        }
        ask_groups(b, NULL, &list);
        for (size_t i = 0; i < list.count; ++i) {
                bytes += list.streams[i].bytes;
                assert_int_equal(list.streams[i].bytes, folder_bytes(b, list.names[i]));
        }
        assert_in_range(bytes, 15000, 20000);
        assert_int_equal(folder_bytes(b, "g00"), 0);
        assert_true(folder_bytes(b, "g59") > 1000);
}

/* Making room for one group takes the segment that another was about to write to in the same go. */
static void room_may_come_from_a_group_that_is_being_written(void **state) {
        struct bench *b = *state;
        struct logs_stream *old, *new;
        char *texts;

        b->options = (struct logs_options){ .total_bytes_max = 3000 };
        bench_reopen(b);
        old = logs_stream_open(b->logs, "old", "s");
        new = logs_stream_open(b->logs, "new", "s");
        say(b, old, "%01000d", 0);
        loop_advance(b->loop, SECOND);
        say(b, new, "%01000d", 0);
        loop_advance(b->loop, SECOND);
        say(b, new, "%01000d", 1);
        say(b, new, "%01000d", 2);
        say(b, old, "word");
        loop_advance(b->loop, SECOND);
        say(b, old, "more");
        texts = all_texts(b, "old");
        assert_non_null(strstr(texts, "more"));
        free(texts);
        logs_stream_close(old);
        logs_stream_close(new);
}

static unsigned open_descriptors(void) {
        DIR *dir = opendir("/proc/self/fd");
        unsigned count = 0;

        while (readdir(dir))
                ++count;
        closedir(dir);
        return count;
}

static void a_thousand_idle_streams_hold_no_descriptor(void **state) {
        struct bench *b = *state;
        struct logs_stream *streams[1000];
        unsigned before = open_descriptors();

        for (size_t i = 0; i < ARRAY_SIZE(streams); ++i) {
                AUTO(str) char *group = xasprintf("g%zu", i % 30);
                AUTO(str) char *name = xasprintf("s%zu", i);

                streams[i] = logs_stream_open(b->logs, group, name);
                say(b, streams[i], "hello");
        }
        loop_advance(b->loop, SECOND);
        assert_int_equal(open_descriptors(), before);
        assert_int_equal(logs_pending(b->logs), 0);
        for (size_t i = 0; i < ARRAY_SIZE(streams); ++i)
                logs_stream_close(streams[i]);
}

static void long_and_empty_records(void **state) {
        struct bench *b = *state;
        struct logs_stream *s = logs_stream_open(b->logs, GROUP, "s");
        char *big = xcalloc(1, LOGS_RECORD_MAX + 1);
        static struct answer a;

        logs_append(s, 0, NULL, 0);
        logs_append(s, 0, big, LOGS_RECORD_MAX + 1);
        logs_append(s, 0, "x", 1);
        ask(b, &(struct logs_query){ .group = GROUP }, &a);
        assert_int_equal(a.count, 3);
        assert_int_equal(a.records[0].len, 0);
        assert_int_equal(a.records[1].len, LOGS_RECORD_MAX);
        assert_string_equal(a.records[2].text, "x");
        logs_stream_close(s);
        free(big);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(what_was_said_can_be_read, bench_setup, bench_teardown),
                cmocka_unit_test_setup_teardown(nothing_is_written_before_its_time, bench_setup,
                                                bench_teardown),
                cmocka_unit_test_setup_teardown(queries_choose, bench_setup, bench_teardown),
                cmocka_unit_test_setup_teardown(a_cancelled_request_never_answers, bench_setup,
                                                bench_teardown),
                cmocka_unit_test_setup_teardown(logs_survive_a_restart, bench_setup, bench_teardown),
                cmocka_unit_test_setup_teardown(groups_and_streams_are_listed, bench_setup, bench_teardown),
                cmocka_unit_test_setup_teardown(names_cannot_leave_the_directory, bench_setup,
                                                bench_teardown),
                cmocka_unit_test_setup_teardown(scopes_are_apart, bench_setup, bench_teardown),
                cmocka_unit_test_setup_teardown(folders_that_no_scope_has, bench_setup, bench_teardown),
                cmocka_unit_test_setup_teardown(groups_move_to_scopes, bench_setup, bench_teardown),
                cmocka_unit_test_setup_teardown(a_deleted_group_may_come_back, bench_setup, bench_teardown),
                cmocka_unit_test_setup_teardown(oldest_segments_go_first, bench_setup, bench_teardown),
                cmocka_unit_test_setup_teardown(all_groups_together_are_bounded, bench_setup, bench_teardown),
                cmocka_unit_test_setup_teardown(room_may_come_from_a_group_that_is_being_written, bench_setup,
                                                bench_teardown),
                cmocka_unit_test_setup_teardown(a_thousand_idle_streams_hold_no_descriptor, bench_setup,
                                                bench_teardown),
                cmocka_unit_test_setup_teardown(long_and_empty_records, bench_setup, bench_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
