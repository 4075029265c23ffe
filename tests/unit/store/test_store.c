/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "faulty.h"
#include "store/store.h"

struct bench {
        char dir[64], path[96];
        struct store *store;
};

static void open_store(struct bench *b) {
        AUTO(str) char *problem = NULL;

        assert_int_equal(store_open(b->path, &b->store, &problem), 0);
        assert_null(problem);
}

static int setup(void **state) {
        struct bench *b = xcalloc(1, sizeof(*b));

        faulty_install();
        snprintf(b->dir, sizeof(b->dir), "/tmp/lambent-store-XXXXXX");
        assert_non_null(mkdtemp(b->dir));
        snprintf(b->path, sizeof(b->path), "%s/db", b->dir);
        open_store(b);
        *state = b;
        return 0;
}

static int teardown(void **state) {
        struct bench *b = *state;
        static const char *const suffixes[] = { "", "-wal", "-shm" };

        faulty_fail_at(0);
        store_free(b->store);
        for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
                AUTO(str) char *path = xasprintf("%s%s", b->path, suffixes[i]);

                unlink(path);
        }
        assert_int_equal(rmdir(b->dir), 0);
        free(b);
        return 0;
}

static int put(struct store *s, const char *name, int64_t number, const char *config) {
        struct function_row function = { "1", "r", name, number > 0 ? (uint64_t)number : 0, NULL };
        struct version_row version = { .account = "1",
                                       .region = "r",
                                       .name = name,
                                       .number = number,
                                       .config = config,
                                       .config_len = strlen(config),
                                       .state = 1,
                                       .update = 2,
                                       .state_reason = "why",
                                       .revision_id = "id",
                                       .last_modified = 1234567890123456789 };
        int r = store_begin(s);

        if (r == 0)
                r = store_put_function(s, &function);
        if (r == 0)
                r = store_put_version(s, &version);
        if (r == 0)
                r = store_commit(s);
        if (r)
                store_rollback(s);
        return r;
}

struct seen {
        unsigned functions, versions;
        char text[4096];
};

static int see_function(void *owner, const struct function_row *row) {
        ((struct seen *)owner)->functions++;
        return 0;
}

static int see_version(void *owner, const struct version_row *row) {
        struct seen *seen = owner;
        size_t len = strlen(seen->text);

        seen->versions++;
        snprintf(seen->text + len, sizeof(seen->text) - len, "%s:%lld=%.*s ", row->name,
                 (long long)row->number, (int)row->config_len, row->config);
        return 0;
}

static struct seen look(struct store *s) {
        struct seen seen = {};

        assert_int_equal(store_each_function(s, see_function, &seen), 0);
        assert_int_equal(store_each_version(s, see_version, &seen), 0);
        return seen;
}

static int see_all_members(void *owner, const struct version_row *row) {
        assert_string_equal(row->account, "1");
        assert_string_equal(row->region, "r");
        assert_int_equal(row->state, 1);
        assert_int_equal(row->update, 2);
        assert_string_equal(row->state_reason, "why");
        assert_null(row->state_reason_code);
        assert_null(row->update_reason);
        assert_null(row->fingerprint);
        assert_string_equal(row->revision_id, "id");
        assert_int_equal(row->last_modified, 1234567890123456789);
        return -ECANCELED;
}

static void rows_come_back(void **state) {
        struct bench *b = *state;
        struct seen seen;

        assert_int_equal(put(b->store, "b", 0, "{1}"), 0);
        assert_int_equal(put(b->store, "a", 2, "{2}"), 0);
        assert_int_equal(put(b->store, "a", STORE_SERVING, "{3}"), 0);
        assert_int_equal(put(b->store, "a", 0, "{4}"), 0);
        assert_int_equal(put(b->store, "a", 10, "{5}"), 0);
        assert_int_equal(put(b->store, "b", 0, "{6}"), 0); /* replaces */
        store_free(b->store);
        open_store(b);
        seen = look(b->store);
        assert_int_equal(seen.functions, 2);
        assert_string_equal(seen.text, "a:-1={3} a:0={4} a:2={2} a:10={5} b:0={6} ");
        assert_int_equal(store_each_version(b->store, see_all_members, NULL), -ECANCELED);

        assert_int_equal(store_delete_version(b->store, "1", "r", "a", 2), 0);
        assert_int_equal(store_delete_function(b->store, "1", "other", "b"), 0); /* another region's */
        assert_int_equal(store_delete_function(b->store, "1", "r", "b"), 0);
        assert_string_equal(look(b->store).text, "a:-1={3} a:0={4} a:10={5} ");
}

static bool take_two(void *owner, const char *name) {
        struct seen *seen = owner;

        strcat(seen->text, name);
        return ++seen->functions < 2;
}

static void names_come_in_order(void **state) {
        static const char *const names[] = { "d", "b", "a", "c", "B" };
        struct bench *b = *state;
        struct seen seen = {};

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                assert_int_equal(put(b->store, names[i], 0, "{}"), 0);
        assert_int_equal(store_each_name(b->store, "1", "r", NULL, take_two, &seen), 0);
        assert_string_equal(seen.text, "Ba");
        seen = (struct seen){};
        assert_int_equal(store_each_name(b->store, "1", "r", "b", take_two, &seen), 0);
        assert_string_equal(seen.text, "cd");
        seen = (struct seen){};
        assert_int_equal(store_each_name(b->store, "2", "r", NULL, take_two, &seen), 0);
        assert_string_equal(seen.text, "");
}

static int put_layer(struct store *s, const char *name, uint64_t *ret_number) {
        struct layer_row row = { .account = "1",
                                 .region = "r",
                                 .name = name,
                                 .description = "",
                                 .runtimes = "[]",
                                 .architectures = "[]",
                                 .sha256 = "s",
                                 .size = 1,
                                 .unzipped = 2,
                                 .created = 3 };
        int r = store_begin(s);

        if (r == 0)
                r = store_next_layer_number(s, "1", "r", name, &row.number);
        if (r == 0)
                r = store_put_layer(s, &row);
        if (r == 0)
                r = store_commit(s);
        if (r)
                store_rollback(s);
        *ret_number = row.number;
        return r;
}

static bool see_layer(void *owner, const struct layer_row *row) {
        struct seen *seen = owner;
        size_t len = strlen(seen->text);

        assert_int_equal(row->size, 1);
        assert_int_equal(row->unzipped, 2);
        assert_int_equal(row->created, 3);
        assert_null(row->license);
        snprintf(seen->text + len, sizeof(seen->text) - len, "%s:%llu ", row->name,
                 (unsigned long long)row->number);
        return true;
}

static void see_one_layer(void *owner, const struct layer_row *row) {
        see_layer(owner, row);
}

static void layers_are_numbered_once(void **state) {
        struct bench *b = *state;
        struct seen seen = {};
        uint64_t number;

        for (uint64_t i = 1; i <= 2; i++) {
                assert_int_equal(put_layer(b->store, "x", &number), 0);
                assert_int_equal(number, i);
        }
        assert_int_equal(put_layer(b->store, "w", &number), 0);
        assert_int_equal(store_each_layer(b->store, "1", "r", NULL, NULL, see_layer, &seen), 0);
        assert_string_equal(seen.text, "w:1 x:2 x:1 ");
        assert_int_equal(store_delete_layer(b->store, "1", "r", "x", 2), 0);
        assert_int_equal(store_get_layer(b->store, "1", "r", "x", 2, see_one_layer, &seen), -ENOENT);
        assert_int_equal(put_layer(b->store, "x", &number), 0);
        assert_int_equal(number, 3);
        seen = (struct seen){};
        assert_int_equal(store_each_layer(b->store, "1", "r", "x", NULL, see_layer, &seen), 0);
        assert_int_equal(store_each_layer(b->store, "1", "r", NULL, "w", see_layer, &seen), 0);
        assert_int_equal(store_get_layer(b->store, "1", "r", "w", 1, see_one_layer, &seen), 0);
        assert_string_equal(seen.text, "x:3 x:1 x:3 x:1 w:1 ");
}

/* Every write of a change fails once: the change is either refused and invisible, or done; the next one
 * works. */
static void a_failed_change_leaves_nothing(void **state) {
        struct bench *b = *state;
        unsigned n = 1;
        bool done = false;

        assert_int_equal(put(b->store, "before", 0, "{}"), 0);
        for (; !done; n++) {
                struct seen seen;
                int r;

                faulty_fail_at(n);
                r = put(b->store, "new", 0, "{}");
                done = !faulty_has_failed();
                faulty_fail_at(0);
                assert_true(done ? r == 0 : r < 0);
                seen = look(b->store);
                assert_string_equal(seen.text, r == 0 ? "before:0={} new:0={} " : "before:0={} ");
                assert_int_equal(seen.functions, r == 0 ? 2 : 1);
        }
        assert_true(n > 2);
        store_free(b->store);
        open_store(b);
        assert_string_equal(look(b->store).text, "before:0={} new:0={} ");
}

static void a_killed_writer_leaves_whole_changes(void **state) {
        struct bench *b = *state;
        struct seen seen;
        int pipe_fds[2], status;
        char byte;
        pid_t child;

        store_free(TAKE(b->store));
        assert_int_equal(pipe(pipe_fds), 0);
        child = fork();
        if (child == 0) {
                struct store *s;

                if (store_open(b->path, &s, NULL))
                        _exit(1);
                for (int i = 0; i < 8; i++) {
                        char name[16];

                        snprintf(name, sizeof(name), "f%d", i);
                        if (put(s, name, 0, "{}") || write(pipe_fds[1], "x", 1) != 1)
                                _exit(1);
                }
                store_begin(s);
                store_put_function(s, &(struct function_row){ "1", "r", "half", 0, NULL });
                raise(SIGKILL);
        }
        close(pipe_fds[1]);
        for (int i = 0; i < 8; i++)
                assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        close(pipe_fds[0]);
        open_store(b);
        seen = look(b->store);
        assert_int_equal(seen.functions, 8);
        assert_int_equal(seen.versions, 8);
}

static void change_file(const char *path, const char *sql) {
        sqlite3 *db;

        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
}

static void foreign_files_are_refused(void **state) {
        struct bench *b = *state;
        AUTO(str) char *problem = NULL;
        AUTO(str) char *other = NULL;
        AUTO(str) char *garbage = NULL;
        FILE *f;

        store_free(TAKE(b->store));
        change_file(b->path, "PRAGMA user_version = 1000");
        assert_int_equal(store_open(b->path, &b->store, &problem), -EPROTO);
        assert_non_null(strstr(problem, "newer lambent (schema 1000"));
        change_file(b->path, "PRAGMA user_version = 1; PRAGMA application_id = 7");
        assert_int_equal(store_open(b->path, &b->store, &other), -EUCLEAN);
        assert_non_null(strstr(other, "another program"));
        f = fopen(b->path, "w");
        for (int i = 0; i < 1000; i++)
                fputs("no database at all", f);
        fclose(f);
        assert_int_equal(store_open(b->path, &b->store, &garbage), -EUCLEAN);
        assert_non_null(strstr(garbage, b->path));
        b->store = NULL;
}

static void a_checkpoint_is_wanted_and_helps(void **state) {
        struct bench *b = *state;
        char config[4000];
        unsigned i = 0;

        memset(config, 'x', sizeof(config) - 1);
        config[sizeof(config) - 1] = '\0';
        for (; !store_wants_checkpoint(b->store); i++) {
                char name[16];

                assert_true(i < 2000);
                snprintf(name, sizeof(name), "f%u", i);
                assert_int_equal(put(b->store, name, 0, config), 0);
        }
        assert_int_equal(store_checkpoint(store_path(b->store)), 0);
        /* The WAL starts over with the next change. */
        assert_int_equal(put(b->store, "after", 0, config), 0);
        assert_false(store_wants_checkpoint(b->store));
        assert_int_equal(look(b->store).functions, i + 1);
}

/* Whatever the folder's mode: variables of functions are in it. An older file is mended. */
static void others_cannot_read_it(void **state) {
        static const char *const suffixes[] = { "", "-wal", "-shm" };
        struct bench *b = *state;

        for (int again = 0; again < 2; again++) {
                for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
                        AUTO(str) char *path = xasprintf("%s%s", b->path, suffixes[i]);
                        struct stat st;

                        assert_int_equal(stat(path, &st), 0);
                        assert_int_equal(st.st_mode & 0777, 0600);
                }
                store_free(TAKE(b->store));
                assert_int_equal(chmod(b->path, 0644), 0);
                open_store(b);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(rows_come_back, setup, teardown),
                cmocka_unit_test_setup_teardown(names_come_in_order, setup, teardown),
                cmocka_unit_test_setup_teardown(layers_are_numbered_once, setup, teardown),
                cmocka_unit_test_setup_teardown(a_failed_change_leaves_nothing, setup, teardown),
                cmocka_unit_test_setup_teardown(a_killed_writer_leaves_whole_changes, setup, teardown),
                cmocka_unit_test_setup_teardown(foreign_files_are_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(a_checkpoint_is_wanted_and_helps, setup, teardown),
                cmocka_unit_test_setup_teardown(others_cannot_read_it, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
