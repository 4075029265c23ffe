/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void text_reserve(struct text *text, size_t more) {
        size_t cap = text->cap ? text->cap : 4096;

        while (cap - text->len < more)
                cap *= 2;
        if (cap == text->cap)
                return;
        text->data = realloc(text->data, cap);
        if (!text->data)
                abort();
        text->cap = cap;
}

void text_add(struct text *text, const void *data, size_t len) {
        text_reserve(text, len);
        memcpy(text->data + text->len, data, len);
        text->len += len;
}

void text_str(struct text *text, const char *str) {
        text_add(text, str, strlen(str));
}

char *put_num(char *at, unsigned long long number) {
        char digits[20];
        int n = 0;

        do {
                digits[n++] = (char)('0' + number % 10);
                number /= 10;
        } while (number);
        while (n)
                *at++ = digits[--n];
        return at;
}

void text_num(struct text *text, long long number) {
        char digits[24], *at = digits;

        if (number < 0)
                *at++ = '-';
        at = put_num(at, number < 0 ? 0ULL - (unsigned long long)number : (unsigned long long)number);
        text_add(text, digits, (size_t)(at - digits));
}

void text_json(struct text *text, const char *data, size_t len) {
        static const char hex[] = "0123456789abcdef";

        text_add(text, "\"", 1);
        for (size_t i = 0; i < len; i++) {
                unsigned char c = (unsigned char)data[i];

                if (c == '"' || c == '\\') {
                        text_add(text, (char[]){ '\\', (char)c }, 2);
                } else if (c < 0x20) {
                        text_add(text, (char[]){ '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] }, 6);
                } else {
                        text_add(text, &data[i], 1);
                }
        }
        text_add(text, "\"", 1);
}

int text_read(struct text *text, int fd) {
        for (;;) {
                ssize_t n;

                text_reserve(text, 65536);
                n = read(fd, text->data + text->len, 65536);
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return 0;
                text->len += (size_t)n;
        }
}

void text_clear(struct text *text) {
        text->len = 0;
}

const char *errno_word(int error) {
        const char *word = strerrorname_np(error);

        return word ? word : "unknown";
}
