/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A growing piece of text, for answers that are put together: numbers, JSON strings, whole files. It never
 * fails: a guest that runs out of memory while it talks about itself aborts. No stdio anywhere: the guest is
 * part of what benchmarks measure.
 */
#include <stddef.h>

struct text {
        char *data;
        size_t len;
        size_t cap;
};

void text_add(struct text *text, const void *data, size_t len);
void text_str(struct text *text, const char *str);
void text_num(struct text *text, long long number);
/* A JSON string with its quotes; bytes below 0x20 become \u00xx, all others pass as they are. */
void text_json(struct text *text, const char *data, size_t len);
/* Everything that can be read from the descriptor; 0 or a negative errno. */
int text_read(struct text *text, int fd);
void text_clear(struct text *text);

/* Writes the decimal digits of a number at `at` and returns the place behind them. */
char *put_num(char *at, unsigned long long number);
/* "ENOENT" and its like: the same word on every libc, which strerror() does not promise. */
const char *errno_word(int error);
