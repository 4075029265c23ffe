/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json - trees of JSON for the control plane, on jansson
 *
 * The flags are decided once, here: NUL inside strings is refused, a later duplicate of a member wins (as in
 * Jackson, which AWS's front ends use), any value may be the outermost one, depth is limited by jansson.
 * Documents of ours (the store's) are read and written with the same calls. Output of answers is
 * base/json.h's writer.
 */
#pragma once
#include <jansson.h>

#include "base/buf.h"

static inline void json_tree_freep(json_t **tree) {
        json_decref(*tree);
}

/* 0, or -EINVAL with a malloc'ed reason ("line 1 column 2: …"; ret_reason may be NULL), -ENOMEM. */
int json_tree_parse(const char *text, size_t len, json_t **ret_tree, char **ret_reason);
/* Appends compact text, members in the order of insertion. 0, -E2BIG, -ENOMEM. */
int json_tree_append(const json_t *tree, struct buf *buf);
/* As a malloc'ed string. */
char *json_tree_text(const json_t *tree);

/* The value of a member; NULL for one that is absent or null. */
json_t *json_tree_get(const json_t *object, const char *name);
/* NULL when absent or no string. */
const char *json_tree_str(const json_t *object, const char *name);
/* otherwise when absent or no integer. */
int64_t json_tree_int(const json_t *object, const char *name, int64_t otherwise);
bool json_tree_bool(const json_t *object, const char *name, bool otherwise);
