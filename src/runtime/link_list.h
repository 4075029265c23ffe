/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_list - lists as a link carries them: strings back to back, each with its NUL
 *
 * What is taken out of a list points into it.
 */
#pragma once
#include "base/buf.h"

struct env_var;

/* Bytes, or a list. */
struct link_bytes {
        const char *data;
        size_t len;
};

/* Walks a list: the string behind `at`, NULL at its end; start with NULL. */
const char *link_list_next(const struct link_bytes *list, const char *at);
size_t link_list_count(const struct link_bytes *list);
/* Its strings, which stay where they are, with a NULL behind; free() it. */
const char **link_list_strings(const struct link_bytes *list);
/* Of a list of names and values; free() it. */
struct env_var *link_list_vars(const struct link_bytes *list, size_t *ret_count);
/* Appends a string to a list that is being made in buf. 0, -E2BIG, -ENOMEM. */
int link_list_add(struct buf *buf, const char *string);
