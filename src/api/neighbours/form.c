/* SPDX-License-Identifier: Apache-2.0 */
#include "api/neighbours/form.h"

#define VALUES_MAX 2000
#define NAME_MAX_LEN 256
#define VALUE_MAX_LEN (512 * KIB)

void form_clear(struct form *form) {
        json_decref(form->values);
        *form = (struct form){};
}

static int decode(const char *s, size_t len, size_t most, char **ret_text) {
        AUTO(buf) struct buf text = BUF_NULL(most);
        int r = http_percent_decode(s, len, true, &text);

        if (!r)
                *ret_text = xmemdup(text.len ? buf_data(&text) : "", text.len);
        return r;
}

static int read_pair(struct form *form, const char *s, size_t len) {
        const char *equals = memchr(s, '=', len);
        size_t name_len = equals ? (size_t)(equals - s) : len;
        AUTO(str) char *name = NULL, *value = NULL;
        int r = decode(s, name_len, NAME_MAX_LEN, &name);

        if (!r && equals)
                r = decode(equals + 1, len - name_len - 1, VALUE_MAX_LEN, &value);
        if (r)
                return r;
        if (json_object_size(form->values) >= VALUES_MAX)
                return -E2BIG;
        return json_object_set_new(form->values, name, json_string(value ? value : "")) ? -EINVAL : 0;
}

int form_read(struct form *form, const char *text, size_t len) {
        const char *end = text + len;
        int r = 0;

        if (!form->values)
                form->values = json_object();
        for (const char *s = text; len && s < end && !r;) {
                const char *and = memchr(s, '&', (size_t)(end - s)), *stop = and? and : end;

                if (stop > s)
                        r = read_pair(form, s, (size_t)(stop - s));
                s = stop + 1;
        }
        return r;
}

const char *form_value(const struct form *form, const char *name) {
        return json_tree_str(form->values, name);
}

/* A new reference in *ret_value, or NULL there when the form has nothing of that name. False: the wrong type. */
static bool read_shape(const struct form *form, const struct model_shape *shape, const char *name,
                       json_t **ret_value);

static bool read_list(const struct form *form, const struct model_shape *shape, const char *name,
                      json_t **ret_value) {
        AUTO(json_tree) json_t *list = json_array();

        for (unsigned i = 1; i <= VALUES_MAX; i++) {
                AUTO(str) char *item_name = xasprintf("%s.member.%u", name, i);
                json_t *item = NULL;

                if (!read_shape(form, shape->item, item_name, &item))
                        return false;
                if (!item)
                        break;
                json_array_append_new(list, item);
        }
        /* An empty list travels as its bare name. */
        if (json_array_size(list) || form_value(form, name))
                *ret_value = TAKE(list);
        return true;
}

static bool read_members(const struct form *form, const struct model_member *members, size_t count,
                         const char *prefix, json_t *object) {
        for (size_t i = 0; i < count; i++) {
                AUTO(str) char *name = xstrcat(prefix, *prefix ? "." : "", members[i].name, NULL);
                json_t *value = NULL;

                if (!read_shape(form, members[i].shape, name, &value))
                        return false;
                if (value)
                        json_object_set_new(object, members[i].name, value);
        }
        return true;
}

static bool read_number(const char *text, json_t **ret_value) {
        char *end;
        long long number;

        errno = 0;
        number = strtoll(text, &end, 10);
        if (errno || end == text || *end)
                return false;
        *ret_value = json_integer(number);
        return true;
}

static bool read_shape(const struct form *form, const struct model_shape *shape, const char *name,
                       json_t **ret_value) {
        const char *text = form_value(form, name);

        switch (shape->type) {
        case SHAPE_LIST:
                return read_list(form, shape, name, ret_value);
        case SHAPE_STRUCTURE: {
                AUTO(json_tree) json_t *object = json_object();

                if (!read_members(form, shape->members, shape->member_count, name, object))
                        return false;
                if (json_object_size(object))
                        *ret_value = TAKE(object);
                return true;
        }
        case SHAPE_BOOLEAN:
                if (text && !streq(text, "true") && !streq(text, "false"))
                        return false;
                *ret_value = text ? json_boolean(streq(text, "true")) : NULL;
                return true;
        case SHAPE_INTEGER:
        case SHAPE_LONG:
                return !text || read_number(text, ret_value);
        case SHAPE_STRING:
        case SHAPE_BLOB:
        case SHAPE_DOUBLE:
        case SHAPE_TIMESTAMP:
        case SHAPE_MAP:
                *ret_value = text ? json_string(text) : NULL;
                return true;
        }
        return false;
}

json_t *form_members(const struct form *form, const struct model_member *members, size_t count) {
        AUTO(json_tree) json_t *object = json_object();

        return read_members(form, members, count, "", object) ? TAKE(object) : NULL;
}
