/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* RFC 4648 section 10, and the two last letters. */
static const char *const pairs[][2] = {
        { "", "" },
        { "f", "Zg==" },
        { "fo", "Zm8=" },
        { "foo", "Zm9v" },
        { "foob", "Zm9vYg==" },
        { "fooba", "Zm9vYmE=" },
        { "foobar", "Zm9vYmFy" },
        { "\xfb\xff\xbf", "+/+/" },
};

static void known_pairs(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(pairs); ++i) {
                struct buf text = BUF_NULL(100), plain = BUF_NULL(100);
                size_t len = strlen(pairs[i][0]);

                assert_int_equal(base64_append(&text, pairs[i][0], len), 0);
                assert_int_equal(text.len, base64_encoded_len(len));
                assert_int_equal(text.len, strlen(pairs[i][1]));
                if (text.len)
                        assert_memory_equal(buf_data(&text), pairs[i][1], text.len);
                assert_int_equal(base64_decode(pairs[i][1], strlen(pairs[i][1]), &plain), 0);
                assert_int_equal(plain.len, len);
                if (len)
                        assert_memory_equal(buf_data(&plain), pairs[i][0], len);
                buf_deinit(&text);
                buf_deinit(&plain);
        }
}

static void refused(void **state) {
        static const char *const bad[] = { "Z",     "Zg",     "Zg=",     "=",     "====", "Z===", "Zg==Zg==",
                                           "Zg=g",  "Zm9=v",  "Zm8==",   "Zm9v=", "Zm9-", "Zm9_", "Zm\n9v",
                                           " Zm9v", "Zm9v\n", "Zm9\xff", "Z g=",  "\0m9v" };

        for (size_t i = 0; i < ARRAY_SIZE(bad); ++i) {
                struct buf plain = BUF_NULL(100);
                struct base64_decoder d = BASE64_DECODER_NULL;
                size_t len = *bad[i] ? strlen(bad[i]) : 4, n;
                char out[32];

                assert_int_equal(base64_decode(bad[i], len, &plain), -EINVAL);
                assert_int_equal(plain.len, 0);
                assert_true(base64_decode_some(&d, bad[i], len, out, &n) == -EINVAL ||
                            base64_decode_end(&d) == -EINVAL);
                buf_deinit(&plain);
        }
}

static void caps(void **state) {
        struct buf plain = BUF_NULL(5), text = BUF_NULL(8);

        assert_int_equal(base64_decode("Zm9vYmFy", 8, &plain), -E2BIG);
        assert_int_equal(base64_decode("Zm9vYmE=", 8, &plain), 0);
        assert_int_equal(plain.len, 5);
        assert_int_equal(base64_append(&text, "1234567", 7), -E2BIG);
        assert_int_equal(base64_append(&text, "123456", 6), 0);
        buf_deinit(&plain);
        buf_deinit(&text);
}

/* Three pieces, cut at every pair of places, for every length modulo three; the output room is exactly as
 * promised. */
static void cut_anywhere(void **state) {
        unsigned char data[17];
        char text[24];

        for (size_t i = 0; i < sizeof(data); ++i)
                data[i] = (unsigned char)(i * 91 + 200);
        for (size_t len = 0; len <= sizeof(data); ++len) {
                size_t chars = base64_encoded_len(len);

                base64_encode(data, len, text);
                for (size_t a = 0; a <= chars; ++a)
                        for (size_t b = a; b <= chars; ++b) {
                                const size_t cuts[] = { 0, a, b, chars };
                                struct base64_decoder d = BASE64_DECODER_NULL;
                                struct buf all = BUF_NULL(100);

                                for (size_t i = 0; i < 3; ++i) {
                                        size_t n = cuts[i + 1] - cuts[i], got;
                                        char *out = malloc(n / 4 * 3 + 3);

                                        assert_non_null(out);
                                        assert_int_equal(base64_decode_some(&d, text + cuts[i], n, out, &got),
                                                         0);
                                        assert_int_equal(buf_append(&all, out, got), 0);
                                        free(out);
                                }
                                assert_int_equal(base64_decode_end(&d), 0);
                                assert_int_equal(all.len, len);
                                if (len)
                                        assert_memory_equal(buf_data(&all), data, len);
                                buf_deinit(&all);
                        }
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(known_pairs),
                cmocka_unit_test(refused),
                cmocka_unit_test(caps),
                cmocka_unit_test(cut_anywhere),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
