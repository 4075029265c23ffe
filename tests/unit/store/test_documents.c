/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "store/store.h"

static int setup(void **state) {
        struct store *s;

        assert_int_equal(store_open(":memory:", &s, NULL), 0);
        *state = s;
        return 0;
}

static int teardown(void **state) {
        store_free(*state);
        return 0;
}

static void put(struct store *s, const char *account, int kind, const char *owner, const char *part,
                const char *text) {
        assert_int_equal(
                store_put_document(s, &(struct document_row){ account, "r", kind, owner, part, text }), 0);
}

static bool see(void *owner, const struct document_row *row) {
        char *text = owner;
        size_t len = strlen(text);

        snprintf(text + len, 256 - len, "%s:%s/%s=%s ", row->account, row->owner, row->part, row->text);
        return true;
}

static bool see_one(void *owner, const struct document_row *row) {
        see(owner, row);
        return false;
}

static void look(struct store *s, const char *owner, int kind, const char *after, const char *expected) {
        char text[256] = "";

        assert_int_equal(
                store_each_document(s, &(struct document_row){ "1", "r", kind, owner }, after, see, text), 0);
        assert_string_equal(text, expected);
}

static void take(void *owner, const char *text) {
        snprintf(owner, 64, "%s", text);
}

static void documents_come_in_order(void **state) {
        struct store *s = *state;
        char text[256] = "";

        put(s, "1", 5, "f", "b", "{2}");
        put(s, "1", 5, "f", "a", "{1}");
        put(s, "1", 5, "g", "", "{3}");
        put(s, "1", 6, "f", "a", "{4}");
        put(s, "2", 5, "f", "a", "{5}");
        put(s, "1", 5, "f", "b", "{6}"); /* replaces */
        look(s, "f", 5, NULL, "1:f/a={1} 1:f/b={6} ");
        look(s, "f", 5, "a", "1:f/b={6} ");
        look(s, NULL, 5, NULL, "1:f/a={1} 1:f/b={6} 1:g/={3} ");
        look(s, NULL, 5, "f", "1:g/={3} ");
        assert_int_equal(
                store_each_document(s, &(struct document_row){ "1", "r", 5, NULL }, NULL, see_one, text), 0);
        assert_string_equal(text, "1:f/a={1} ");
        text[0] = '\0';
        assert_int_equal(store_each_document_of(s, 5, see, text), 0);
        assert_non_null(strstr(text, "2:f/a={5}"));
        assert_int_equal(store_get_document(s, &(struct document_row){ "1", "r", 6, "f", "a" }, take, text),
                         0);
        assert_string_equal(text, "{4}");
        assert_int_equal(store_get_document(s, &(struct document_row){ "1", "s", 6, "f", "a" }, take, text),
                         -ENOENT);
        assert_int_equal(store_delete_document(s, &(struct document_row){ "1", "r", 5, "f", "a" }), 0);
        assert_int_equal(store_delete_document(s, &(struct document_row){ "1", "r", 5, "f", "a" }), 0);
        look(s, "f", 5, NULL, "1:f/b={6} ");
}

static void documents_go_with_their_owner(void **state) {
        static const struct alias_row alias = { "1", "r", "f", "live", "1", "", NULL, 0, "id" };
        struct store *s = *state;

        assert_int_equal(store_put_alias(s, &alias), 0);
        for (int kind = 1; kind <= STORE_OWNED; kind += STORE_OWNED - 1) {
                put(s, "1", kind, "f", "", "{}");
                put(s, "1", kind, "f", "7", "{}");
                put(s, "1", kind, "f", "live", "{}");
                put(s, "1", kind, "g", "live", "{}");
        }
        assert_int_equal(store_delete_alias(s, "1", "r", "f", "live"), 0);
        look(s, NULL, 1, NULL, "1:f/={} 1:f/7={} 1:g/live={} ");
        assert_int_equal(store_delete_version(s, "1", "r", "f", 7), 0);
        look(s, NULL, 1, NULL, "1:f/={} 1:g/live={} ");
        assert_int_equal(store_delete_version(s, "1", "r", "f", STORE_SERVING), 0);
        assert_int_equal(store_delete_function(s, "1", "r", "f"), 0);
        look(s, NULL, 1, NULL, "1:g/live={} ");
        look(s, NULL, STORE_OWNED, NULL, "1:f/={} 1:f/7={} 1:f/live={} 1:g/live={} ");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(documents_come_in_order, setup, teardown),
                cmocka_unit_test_setup_teardown(documents_go_with_their_owner, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
