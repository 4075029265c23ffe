/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/json.h"

int json_tree_parse(const char *text, size_t len, json_t **ret_tree, char **ret_reason) {
        json_error_t error;
        json_t *tree;

        tree = json_loadb(text, len, JSON_DECODE_ANY, &error);
        if (!tree) {
                if (ret_reason)
                        *ret_reason =
                                xasprintf("line %d column %d: %s", error.line, error.column, error.text);
                return json_error_code(&error) == json_error_out_of_memory ? -ENOMEM : -EINVAL;
        }
        *ret_tree = tree;
        return 0;
}

static int append_some(const char *text, size_t len, void *owner) {
        return buf_append(owner, text, len);
}

/* Fifteen digits: what a client writes as 0.2 is written as 0.2 again. */
#define FLAGS (JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15))

int json_tree_append(const json_t *tree, struct buf *buf) {
        size_t before = buf->len;

        if (json_dump_callback(tree, append_some, buf, FLAGS) == 0)
                return 0;
        buf->len = before;
        return -E2BIG;
}

char *json_tree_text(const json_t *tree) {
        char *text = json_dumps(tree, FLAGS);

        must(text);
        return text;
}

json_t *json_tree_get(const json_t *object, const char *name) {
        json_t *value = json_object_get(object, name);

        return json_is_null(value) ? NULL : value;
}

const char *json_tree_str(const json_t *object, const char *name) {
        return json_string_value(json_object_get(object, name));
}

int64_t json_tree_int(const json_t *object, const char *name, int64_t otherwise) {
        json_t *value = json_object_get(object, name);

        return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

bool json_tree_bool(const json_t *object, const char *name, bool otherwise) {
        json_t *value = json_object_get(object, name);

        return json_is_boolean(value) ? json_is_true(value) : otherwise;
}
