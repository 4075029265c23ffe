/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include <sys/random.h>

static unsigned char pool[1024];
static size_t pool_left;

static void draw(void *data, size_t len) {
        while (len) {
                ssize_t n = getrandom(data, len, 0);

                if (n < 0 && errno == EINTR)
                        continue;
                must(n > 0); /* cannot fail once the kernel has booted */
                data = (char *)data + n;
                len -= (size_t)n;
        }
}

void random_bytes(void *data, size_t len) {
        if (len > sizeof(pool)) {
                draw(data, len);
                return;
        }
        if (len > pool_left) {
                draw(pool, sizeof(pool));
                pool_left = sizeof(pool);
        }
        pool_left -= len;
        memcpy(data, pool + pool_left, len);
        memset(pool + pool_left, 0, len); /* never handed out twice */
}

void hex_encode(const void *data, size_t len, char *ret_hex) {
        static const char digits[] = "0123456789abcdef";
        const unsigned char *bytes = data;

        for (size_t i = 0; i < len; ++i) {
                *ret_hex++ = digits[bytes[i] >> 4];
                *ret_hex++ = digits[bytes[i] & 15];
        }
        *ret_hex = 0;
}

void random_uuid(char ret_uuid[static UUID_LEN + 1]) {
        unsigned char b[16];
        char hex[33];

        random_bytes(b, sizeof(b));
        b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
        b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
        hex_encode(b, sizeof(b), hex);
        memcpy(ret_uuid, hex, 8);
        ret_uuid[8] = '-';
        memcpy(ret_uuid + 9, hex + 8, 4);
        ret_uuid[13] = '-';
        memcpy(ret_uuid + 14, hex + 12, 4);
        ret_uuid[18] = '-';
        memcpy(ret_uuid + 19, hex + 16, 4);
        ret_uuid[23] = '-';
        memcpy(ret_uuid + 24, hex + 20, 13);
}

bool uuid_is_one(const char *text) {
        for (size_t i = 0; i < UUID_LEN; ++i) {
                bool dash = i == 8 || i == 13 || i == 18 || i == 23;

                if (dash ? text[i] != '-' : !strchr("0123456789abcdefABCDEF", text[i]) || !text[i])
                        return false;
        }
        return text[UUID_LEN] == '\0';
}

void random_hex_id(char ret_id[static HEX_ID_LEN + 1]) {
        unsigned char b[HEX_ID_LEN / 2];

        random_bytes(b, sizeof(b));
        hex_encode(b, sizeof(b), ret_id);
}
