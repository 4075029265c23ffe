/* SPDX-License-Identifier: Apache-2.0 */
/* Crashes, full disks, slow disks. */
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "harness.h"

#define GROUP "g"

static unsigned count_texts(const char *texts, const char *word) {
        unsigned count = 0;

        for (const char *at = texts; (at = strstr(at, word)); at += strlen(word))
                ++count;
        return count;
}

/* Ten records, then damage at every place of the segment in turn, then life goes on. */
static void after_damage(struct bench *b, bool cut) {
        struct logs_stream *s = logs_stream_open(b->logs, GROUP, "s");
        AUTO(str) char *path = NULL;
        AUTO(str) char *whole = NULL;
        size_t len;

        for (int i = 0; i < 10; ++i)
                say(b, s, "r%d", i);
        logs_stream_close(s);
        bench_shut(b);
        path = last_segment(b, GROUP, NULL);
        whole = slurp(path, &len);
        for (size_t at = 0; at < len; ++at) {
                AUTO(str) char *texts = NULL;
                unsigned kept;

                whole[at] ^= 0x10;
                spill(path, whole, cut ? at : len);
                whole[at] ^= 0x10;
                bench_open(b);
                s = logs_stream_open(b->logs, GROUP, "t");
                say(b, s, "new");
                logs_stream_close(s);
                bench_reopen(b);
                texts = all_texts(b, GROUP);
                kept = count_texts(texts, "r");
                assert_true(kept < 10);
                assert_int_equal(count_texts(texts, "new"), 1);
                for (unsigned i = 0; i < kept; ++i) {
                        char word[16];

                        snprintf(word, sizeof(word), "r%u", i);
                        assert_int_equal(count_texts(texts, word), 1);
                }
                assert_int_equal(delete_group(b, GROUP), 0);
                bench_shut(b);
                *strrchr(path, '/') = 0;
                assert_int_equal(mkdir(path, 0700), 0);
                path[strlen(path)] = '/';
        }
        bench_open(b);
}

static void a_torn_tail_is_cut_off(void **state) {
        after_damage(*state, true);
}

static void a_damaged_record_ends_its_segment(void **state) {
        after_damage(*state, false);
}

/* The worker of a manual loop stands still until the loop is turned: a disk that takes no more. */
static void a_slow_disk_costs_the_oldest_and_it_is_said(void **state) {
        struct bench *b = *state;
        struct logs_stream *s, *gone;
        static struct answer a;
        uint64_t lost;
        unsigned said = 0;

        b->options = (struct logs_options){ .pending_bytes_max = 4 * 64 * KIB };
        bench_reopen(b);
        s = logs_stream_open(b->logs, GROUP, "s");
        gone = logs_stream_open(b->logs, GROUP, "gone");
        say(b, gone, "x");
        logs_stream_close(gone);
        while (logs_lost(b->logs) < 100)
                say(b, s, "%06u %01000d", said++, 0);
        assert_in_range(logs_pending(b->logs), 1, 4 * 64 * KIB);
        lost = logs_lost(b->logs);
        loop_advance(b->loop, SECOND);
        assert_int_equal(logs_pending(b->logs), 0);
        ask(b, &(struct logs_query){ .group = GROUP }, &a);
        /* The newest are there, in order; the stream that was closed meanwhile says it too. */
        assert_int_equal(a.count, said + 1 - lost + 2);
        assert_int_equal(strtoul(a.records[a.count - 3].text, NULL, 10), said - 1);
        assert_string_equal(a.records[a.count - 2].stream, "gone");
        assert_string_equal(a.records[a.count - 2].text, "lambent: 1 log records were lost here\n");
        assert_string_equal(a.records[a.count - 1].stream, "s");
        assert_int_equal(strtoul(a.records[a.count - 1].text + strlen("lambent: "), NULL, 10), lost - 1);
        logs_stream_close(s);
}

static void set_file_limit(rlim_t most) {
        struct rlimit limit;

        assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
        limit.rlim_cur = most;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The write that fails is cut short in the middle of a record first, wherever that is. */
static void a_failed_write_leaves_the_segment_sound(void **state) {
        struct bench *b = *state;
        struct rlimit before;

        signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
        for (rlim_t most = 0; most < 400; most += 7) {
                struct logs_stream *s = logs_stream_open(b->logs, GROUP, "s");
                AUTO(str) char *texts = NULL;
                unsigned kept, lost = 0;
                const char *notice;

                set_file_limit(most);
                for (int i = 0; i < 5; ++i) {
                        say(b, s, "word%d-a", i);
                        say(b, s, "word%d-b", i);
                        loop_advance(b->loop, 100 * MILLISECOND);
                }
                set_file_limit(before.rlim_cur);
                say(b, s, "after");
                loop_advance(b->loop, SECOND);
                texts = all_texts(b, GROUP);
                kept = count_texts(texts, "word");
                notice = strstr(texts, "lambent: ");
                if (notice)
                        lost = (unsigned)strtoul(notice + strlen("lambent: "), NULL, 10);
                assert_int_equal(kept + lost, 10);
                assert_int_equal(count_texts(texts, "after"), 1);
                logs_stream_close(s);
                assert_int_equal(delete_group(b, GROUP), 0);
                bench_reopen(b);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_torn_tail_is_cut_off, bench_setup, bench_teardown),
                cmocka_unit_test_setup_teardown(a_damaged_record_ends_its_segment, bench_setup,
                                                bench_teardown),
                cmocka_unit_test_setup_teardown(a_slow_disk_costs_the_oldest_and_it_is_said, bench_setup,
                                                bench_teardown),
                cmocka_unit_test_setup_teardown(a_failed_write_leaves_the_segment_sound, bench_setup,
                                                bench_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
