/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/map.h"

#define ITEMS 1000

struct item {
        struct map_node node;
        char key[16];
        bool in, seen;
};

static struct item items[ITEMS];

static void check(const struct map *map, size_t count) {
        size_t seen = 0;

        assert_int_equal(map->count, count);
        for (size_t i = 0; i < ITEMS; ++i) {
                struct item *found = map_entry(map_find(map, items[i].key), struct item, node);

                items[i].seen = false;
                assert_ptr_equal(found, items[i].in ? &items[i] : NULL);
        }
        for (struct map_node *node = map_next(map, NULL); node; node = map_next(map, node)) {
                struct item *item = map_entry(node, struct item, node);

                assert_true(item->in);
                assert_false(item->seen);
                item->seen = true;
                ++seen;
        }
        assert_int_equal(seen, count);
}

static void everything_is_found(void **state) {
        size_t count = 0;
        struct map map;

        map_init(&map);
        for (size_t i = 0; i < ITEMS; ++i)
                snprintf(items[i].key, sizeof(items[i].key), "%zu", i * i);
        check(&map, 0);
        for (size_t i = 0; i < ITEMS; ++i) {
                items[i].in = true;
                map_add(&map, &items[i].node, items[i].key);
                ++count;
                if (i < 40 || i % 100 == 0)
                        check(&map, count);
        }
        for (size_t i = 0; i < ITEMS; i += 3) {
                items[i].in = false;
                map_remove(&map, &items[i].node);
                --count;
        }
        check(&map, count);
        for (size_t i = 0; i < ITEMS; i += 6) {
                items[i].in = true;
                map_add(&map, &items[i].node, items[i].key);
                ++count;
        }
        check(&map, count);
        assert_null(map_find(&map, ""));
        for (size_t i = 0; i < ITEMS; ++i)
                if (items[i].in) {
                        items[i].in = false;
                        map_remove(&map, &items[i].node);
                }
        check(&map, 0);
        map_deinit(&map);
        map_deinit(&map);
}

/* Keys of every length around the hash's word, and keys that differ in one byte only. */
static void keys_of_every_length(void **state) {
        static struct item many[40];
        struct map map;

        map_init(&map);
        for (size_t i = 0; i < ARRAY_SIZE(many) / 4; ++i) {
                memset(many[i].key, 'k', i);
                map_add(&map, &many[i].node, many[i].key);
        }
        for (size_t i = 0; i < ARRAY_SIZE(many) / 4; ++i)
                assert_ptr_equal(map_find(&map, many[i].key), &many[i].node);
        assert_null(map_find(&map, "kkkx"));
        assert_null(map_find(&map, "kkkkkkkkx"));
        map_deinit(&map);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(everything_is_found),
                cmocka_unit_test(keys_of_every_length),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
