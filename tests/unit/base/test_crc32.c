/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crc32.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void known_values(void **state) {
        assert_int_equal(crc32_update(0, "", 0), 0);
        assert_int_equal(crc32_update(0, "a", 1), 0xe8b7be43);
        assert_int_equal(crc32_update(0, "123456789", 9),
                         0xcbf43926); /* the check value of CRC-32/ISO-HDLC */
        assert_int_equal(crc32_update(0, "The quick brown fox jumps over the lazy dog", 43), 0x414fa339);
}

static uint32_t bit_by_bit(const unsigned char *data, size_t len) {
        uint32_t crc = ~0u;

        for (size_t i = 0; i < len; ++i) {
                crc ^= data[i];
                for (int bit = 0; bit < 8; ++bit)
                        crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
        }
        return ~crc;
}

static void pieces_and_offsets(void **state) {
        unsigned char data[200];

        for (size_t i = 0; i < sizeof(data); ++i)
                data[i] = (unsigned char)(i * 167 + 13);
        for (size_t from = 0; from < 9; ++from)
                for (size_t len = 0; from + len <= sizeof(data); ++len)
                        assert_int_equal(crc32_update(0, data + from, len), bit_by_bit(data + from, len));
        for (size_t cut = 0; cut <= sizeof(data); ++cut)
                assert_int_equal(crc32_update(crc32_update(0, data, cut), data + cut, sizeof(data) - cut),
                                 bit_by_bit(data, sizeof(data)));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(known_values),
                cmocka_unit_test(pieces_and_offsets),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
