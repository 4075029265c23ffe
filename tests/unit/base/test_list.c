/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/list.h"

struct item {
        struct list link;
        char name;
};

static const char *names(struct list *head) {
        static char text[32];
        struct item *item;
        size_t len = 0;

        list_each(item, head, link)
                text[len++] = item->name;
        text[len] = 0;
        return text;
}

static void both_ends(void **state) {
        struct item a = { .name = 'a' }, b = { .name = 'b' }, c = { .name = 'c' };
        struct list head;

        list_init(&head);
        assert_true(list_is_empty(&head));
        assert_null(list_first(&head, struct item, link));
        assert_null(list_last(&head, struct item, link));
        assert_false(list_is_linked(&a.link)); /* all zero */
        list_unlink(&a.link);
        assert_false(list_is_linked(&a.link)); /* points at itself */
        list_push_back(&head, &b.link);
        list_push_front(&head, &a.link);
        list_push_back(&head, &c.link);
        assert_string_equal(names(&head), "abc");
        assert_ptr_equal(list_first(&head, struct item, link), &a);
        assert_ptr_equal(list_last(&head, struct item, link), &c);
        list_unlink(&b.link);
        list_unlink(&b.link); /* twice is legal */
        assert_string_equal(names(&head), "ac");
        list_link_after(&a.link, &b.link);
        assert_string_equal(names(&head), "abc");
        assert_true(list_is_linked(&b.link));
        list_unlink(&a.link);
        list_unlink(&b.link);
        list_unlink(&c.link);
        assert_true(list_is_empty(&head));
}

static void a_zeroed_head_is_empty(void **state) {
        struct list head = {};

        assert_true(list_is_empty(&head));
        assert_null(list_first(&head, struct item, link));
}

static void walkers_may_free_where_they_stand(void **state) {
        struct list head;
        struct item *item;

        list_init(&head);
        for (char name = 'a'; name <= 'j'; ++name) {
                item = xcalloc(1, sizeof(*item));
                item->name = name;
                list_push_back(&head, &item->link);
        }
        list_each(item, &head, link)
                if ((item->name - 'a') % 2) {
                        list_unlink(&item->link);
                        free(item);
                }
        assert_string_equal(names(&head), "acegi");
        list_each(item, &head, link) {
                list_unlink(&item->link);
                free(item);
        }
        assert_true(list_is_empty(&head));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(both_ends),
                cmocka_unit_test(a_zeroed_head_is_empty),
                cmocka_unit_test(walkers_may_free_where_they_stand),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
