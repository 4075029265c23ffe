/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"

#define IDS 2000

static int by_text(const void *a, const void *b) {
        return strcmp(a, b);
}

static void request_ids(void **state) {
        static char ids[IDS][UUID_LEN + 1];

        for (size_t i = 0; i < IDS; ++i) {
                random_uuid(ids[i]);
                assert_int_equal(strlen(ids[i]), UUID_LEN);
                for (size_t k = 0; k < UUID_LEN; ++k)
                        if (k == 8 || k == 13 || k == 18 || k == 23)
                                assert_int_equal(ids[i][k], '-');
                        else
                                assert_non_null(strchr("0123456789abcdef", ids[i][k]));
                assert_int_equal(ids[i][14], '4');
                assert_non_null(strchr("89ab", ids[i][19]));
        }
        qsort(ids, IDS, sizeof(ids[0]), by_text);
        for (size_t i = 1; i < IDS; ++i)
                assert_string_not_equal(ids[i - 1], ids[i]);
}

static void what_is_a_uuid(void **state) {
        static const char *const others[] = { "",
                                              "1c8ca55f-ce5d-4d34-ae2c-af98c32429b",
                                              "1c8ca55f-ce5d-4d34-ae2c-af98c32429bee",
                                              "1c8ca55f-ce5d-4d34-ae2c+af98c32429be",
                                              "1c8ca55fece5d-4d34-ae2c-af98c32429be",
                                              "1c8ca55f-ce5d-4d34-ae2c-af98c32429bg" };
        char own[UUID_LEN + 1];

        random_uuid(own);
        assert_true(uuid_is_one(own));
        assert_true(uuid_is_one("1C8CA55F-CE5D-1D34-AE2C-AF98C32429BE"));
        for (size_t i = 0; i < ARRAY_SIZE(others); ++i)
                assert_false(uuid_is_one(others[i]));
}

static void environment_ids(void **state) {
        char one[HEX_ID_LEN + 1], two[HEX_ID_LEN + 1];

        random_hex_id(one);
        random_hex_id(two);
        assert_int_equal(strspn(one, "0123456789abcdef"), HEX_ID_LEN);
        assert_string_not_equal(one, two);
}

/* Every byte is written, also where a request is longer than what is drawn at once; none outside is. */
static void every_byte_is_drawn(void **state) {
        static const size_t lens[] = { 0, 1, 7, 1023, 1024, 1025, 5000 };

        for (size_t i = 0; i < ARRAY_SIZE(lens); ++i) {
                unsigned char *bytes = xcalloc(1, lens[i] + 2), *seen = xcalloc(1, lens[i] + 2);

                bytes[0] = bytes[lens[i] + 1] = 0xa5;
                for (unsigned run = 0; run < 64; ++run) {
                        random_bytes(bytes + 1, lens[i]);
                        for (size_t k = 1; k <= lens[i]; ++k)
                                seen[k] |= bytes[k] != 0;
                }
                for (size_t k = 1; k <= lens[i]; ++k)
                        assert_true(seen[k]);
                assert_int_equal(bytes[0], 0xa5);
                assert_int_equal(bytes[lens[i] + 1], 0xa5);
                free(bytes);
                free(seen);
        }
}

static void hex(void **state) {
        char text[9];

        hex_encode("\x00\x7f\x80\xff", 4, text);
        assert_string_equal(text, "007f80ff");
        hex_encode("", 0, text);
        assert_string_equal(text, "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(request_ids),
                cmocka_unit_test(what_is_a_uuid),
                cmocka_unit_test(environment_ids),
                cmocka_unit_test(every_byte_is_drawn),
                cmocka_unit_test(hex),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
