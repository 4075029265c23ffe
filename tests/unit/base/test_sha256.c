/* SPDX-License-Identifier: Apache-2.0 */
/* The source itself is included, so that the plain code is tested also where the CPU has the instructions. */
#include "base/sha256.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/util.h"

typedef void (*blocks_fn)(uint32_t state[static 8], const unsigned char *data, size_t count);

static void digest(const void *data, size_t len, size_t cut, char ret_hex[static SHA256_HEX_LEN + 1]) {
        unsigned char raw[SHA256_LEN];
        struct sha256 ctx;

        sha256_init(&ctx);
        sha256_update(&ctx, data, cut);
        sha256_update(&ctx, (const char *)data + cut, len - cut);
        sha256_final(&ctx, raw);
        hex_encode(raw, sizeof(raw), ret_hex);
}

/* NIST: FIPS 180-4 examples and CAVP SHA256ShortMsg, SHA256LongMsg. */
static const struct {
        const char *text;
        size_t repeat;
        const char *hex;
} vectors[] = {
        { "", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
        { "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmn"
          "opqrstnopqrstu",
          1, "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
        { "\xd3", 1, "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1" },
        { "\x11\xaf", 1, "5ca7133fa735326081558ac312c620eeca9970d1e70a4b95533d956f072d1f98" },
        { "a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
};

static void check_vectors(void) {
        for (size_t i = 0; i < ARRAY_SIZE(vectors); ++i) {
                size_t one = strlen(vectors[i].text), len = one * vectors[i].repeat;
                char *data = malloc(len + 1), hex[SHA256_HEX_LEN + 1];

                assert_non_null(data);
                for (size_t at = 0; at < len; at += one)
                        memcpy(data + at, vectors[i].text, one);
                for (size_t cut = 0; cut <= MIN(len, (size_t)130); ++cut) {
                        digest(data, len, cut, hex);
                        assert_string_equal(hex, vectors[i].hex);
                        if (len > 1000 && cut >= 2)
                                break;
                }
                free(data);
        }
}

static void with_what_the_cpu_has(void **state) {
        check_vectors();
}

static void with_plain_code(void **state) {
        blocks_fn chosen = blocks;

        blocks = blocks_plain;
        check_vectors();
        blocks = chosen;
}

/* Every length around the padding's corner cases, both codes, cut everywhere. */
static void both_agree(void **state) {
        blocks_fn chosen = blocks;
        unsigned char data[200];

        for (size_t i = 0; i < sizeof(data); ++i)
                data[i] = (unsigned char)(i * 31 + 7);
        for (size_t len = 0; len <= sizeof(data); ++len) {
                char plain[SHA256_HEX_LEN + 1], fast[SHA256_HEX_LEN + 1];

                blocks = blocks_plain;
                digest(data, len, 0, plain);
                blocks = chosen;
                for (size_t cut = 0; cut <= len; ++cut) {
                        digest(data, len, cut, fast);
                        assert_string_equal(fast, plain);
                }
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(with_what_the_cpu_has),
                cmocka_unit_test(with_plain_code),
                cmocka_unit_test(both_agree),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
