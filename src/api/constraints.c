/* SPDX-License-Identifier: Apache-2.0 */
#include "api/constraints.h"

#include <ctype.h>
#include <stdio.h>

/* Values are quoted whole: what a body holds besides its ZipFile is capped before. */
#define VALUE_MAX (4 * MIB)

/* Where a value is, from the inside out; printed as vpcConfig.subnetIds, fileSystemConfigs.1.member.arn. */
struct spot {
        const struct spot *outer;
        const char *name; /* NULL: an item of the list outside */
        size_t item;      /* from 1 */
};

bool checker_end(struct checker *c, struct problem *ret_problem) {
        if (c->count == 0)
                return true;
        return problem_set(ret_problem, PROBLEM_VALIDATION, "%u validation error%s detected: %.*s", c->count,
                           c->count == 1 ? "" : "s", (int)c->text.len, buf_data(&c->text));
}

bool words_have(const char *words, const char *word) {
        size_t len = strlen(word);

        for (const char *s = words; *s;) {
                size_t here = strcspn(s, ",");

                if (here == len && memcmp(s, word, len) == 0)
                        return true;
                s += here;
                s += strspn(s, ", ");
        }
        return false;
}

const char *real_text(double value, char ret_text[static REAL_TEXT]) {
        for (int digits = 1; digits <= 17; digits++) {
                snprintf(ret_text, REAL_TEXT - 2, "%.*g", digits, value);
                if (strtod(ret_text, NULL) == value)
                        break;
        }
        if (!strpbrk(ret_text, ".en"))
                stpcpy(ret_text + strlen(ret_text), ".0");
        return ret_text;
}

/* ---- printing ---- */

static void append_name(struct buf *buf, const char *name) {
        char first = (char)tolower((unsigned char)name[0]);

        buf_append(buf, &first, 1);
        buf_append_str(buf, name + 1);
}

static void append_spot(struct buf *buf, const struct spot *spot) {
        if (spot->outer) {
                append_spot(buf, spot->outer);
                buf_append_str(buf, ".");
        }
        if (spot->name)
                append_name(buf, spot->name);
        else
                buf_printf(buf, "%zu.member", spot->item);
}

static void append_value(struct buf *buf, const struct model_shape *shape, const json_t *value);

static void append_list(struct buf *buf, const struct model_shape *shape, const json_t *list) {
        const json_t *item;
        size_t i;

        buf_append_str(buf, "[");
        json_array_foreach(list, i, item) {
                buf_append_str(buf, i ? ", " : "");
                append_value(buf, shape->item, item);
        }
        buf_append_str(buf, "]");
}

static void append_map(struct buf *buf, const struct model_shape *shape, const json_t *map) {
        bool first = true;
        const char *key;
        json_t *value;

        buf_append_str(buf, "{");
        json_object_foreach((json_t *)map, key, value) {
                buf_append_strs(buf, first ? "" : ", ", key, "=", NULL);
                append_value(buf, shape->item, value);
                first = false;
        }
        buf_append_str(buf, "}");
}

/* As the objects of Lambda's own code print themselves: OnSuccess(destination=…). */
static void append_structure(struct buf *buf, const struct model_shape *shape, const json_t *object) {
        buf_append_strs(buf, shape->name ? shape->name : "", "(", NULL);
        for (size_t i = 0; i < shape->member_count; i++) {
                buf_append_str(buf, i ? ", " : "");
                append_name(buf, shape->members[i].name);
                buf_append_str(buf, "=");
                append_value(buf, shape->members[i].shape, json_tree_get(object, shape->members[i].name));
        }
        buf_append_str(buf, ")");
}

static void append_value(struct buf *buf, const struct model_shape *shape, const json_t *value) {
        char text[REAL_TEXT];

        if (!value || json_is_null(value))
                buf_append_str(buf, "null");
        else if (shape->type == SHAPE_LIST)
                append_list(buf, shape, value);
        else if (shape->type == SHAPE_MAP)
                append_map(buf, shape, value);
        else if (shape->type == SHAPE_STRUCTURE)
                append_structure(buf, shape, value);
        else if (json_is_string(value))
                buf_append_str(buf, json_string_value(value));
        else if (shape->type == SHAPE_DOUBLE)
                buf_append_str(buf, real_text(json_number_value(value), text));
        else if (json_is_integer(value))
                buf_printf(buf, "%lld", (long long)json_integer_value(value));
        else
                buf_append_str(buf, json_is_true(value) ? "true" : "false");
}

/* A sentence of its own; the constraint follows. */
static void begin_violation(struct checker *c, const struct model_shape *shape, const json_t *value,
                            const struct spot *spot) {
        AUTO(buf) struct buf shown = BUF_NULL(VALUE_MAX);
        struct buf *b = &c->text;

        if (c->count++)
                buf_append_str(b, "; ");
        if (!value) {
                buf_append_str(b, "Value null at '");
        } else if (shape->secret) {
                buf_append_str(b, "Value at '");
        } else {
                append_value(&shown, shape, value);
                buf_append_str(b, "Value '");
                buf_append(b, buf_data(&shown), shown.len);
                buf_append_str(b, "' at '");
        }
        append_spot(b, spot);
        buf_append_str(b, "' failed to satisfy constraint: ");
}

/* ---- the constraints of one shape, each with its phrase ---- */

enum constraint { CONSTRAINT_MAX, CONSTRAINT_MIN, CONSTRAINT_PATTERN, CONSTRAINT_WORDS, CONSTRAINTS };

static bool has_constraint(const struct model_shape *shape, enum constraint which) {
        switch (which) {
        case CONSTRAINT_MAX:
                return shape->has_max;
        case CONSTRAINT_MIN:
                return shape->has_min;
        case CONSTRAINT_PATTERN:
                return shape->pattern;
        case CONSTRAINT_WORDS:
                return shape->words;
        case CONSTRAINTS:
                break;
        }
        return false;
}

static bool is_number(const struct model_shape *shape) {
        return shape->type == SHAPE_INTEGER || shape->type == SHAPE_LONG || shape->type == SHAPE_DOUBLE;
}

static int64_t max_of(const struct checker *c, const struct model_shape *shape) {
        return c->wide && shape->wide_max ? shape->wide_max : shape->max;
}

static void append_phrase(struct buf *buf, const struct model_shape *shape, enum constraint which,
                          int64_t max) {
        const char *what = is_number(shape) ? "value" : "length",
                   *point = shape->type == SHAPE_DOUBLE ? ".0" : "";

        switch (which) {
        case CONSTRAINT_MAX:
                buf_printf(buf, "Member must have %s less than or equal to %lld%s", what, (long long)max,
                           point);
                break;
        case CONSTRAINT_MIN:
                buf_printf(buf, "Member must have %s greater than or equal to %lld%s", what,
                           (long long)shape->min, point);
                break;
        case CONSTRAINT_PATTERN:
                buf_append_strs(buf, "Member must satisfy regular expression pattern: ", shape->pattern,
                                NULL);
                break;
        case CONSTRAINT_WORDS:
                buf_append_strs(buf, "Member must satisfy enum value set: [", shape->words, "]", NULL);
                break;
        case CONSTRAINTS:
                break;
        }
}

/* AWS counts characters of UTF-16, as Java does. */
static double java_length(const char *s) {
        size_t length = 0;

        for (; *s; s++) {
                unsigned char c = (unsigned char)*s;

                length += c >= 0xf0 ? 2 : (c & 0xc0) != 0x80;
        }
        return (double)length;
}

static double measure(const struct model_shape *shape, const json_t *value) {
        if (is_number(shape))
                return json_number_value(value);
        if (shape->type == SHAPE_LIST)
                return (double)json_array_size(value);
        if (shape->type == SHAPE_MAP)
                return (double)json_object_size(value);
        return java_length(json_string_value(value));
}

static bool is_kept(struct checker *c, const struct model_shape *shape, enum constraint which,
                    const json_t *value) {
        const char *text = json_string_value(value);

        switch (which) {
        case CONSTRAINT_MAX:
                return measure(shape, value) <= (double)max_of(c, shape);
        case CONSTRAINT_MIN:
                return measure(shape, value) >= (double)shape->min;
        case CONSTRAINT_PATTERN:
                return pattern_cache_matches(c->patterns, shape->pattern, text);
        case CONSTRAINT_WORDS:
                return words_have(shape->words, text) || (shape->tacit && words_have(shape->tacit, text));
        case CONSTRAINTS:
                break;
        }
        return true;
}

/* Whether an item of a list or a map keeps everything that is demanded of it. */
static bool is_fine(struct checker *c, const struct model_shape *shape, const json_t *value) {
        const json_t *item;
        size_t i;

        if (json_is_null(value))
                return false;
        for (enum constraint which = 0; which < CONSTRAINTS; which++)
                if (has_constraint(shape, which) && !is_kept(c, shape, which, value))
                        return false;
        if (shape->type == SHAPE_LIST)
                json_array_foreach(value, i, item) if (!is_fine(c, shape->item, item)) return false;
        return true;
}

/* "Member must …, Member must …": everything that is demanded of the items of `of`. */
static void append_demands(struct buf *buf, const struct model_shape *of, const struct model_shape *shape) {
        bool first = true;

        for (enum constraint which = 0; which < CONSTRAINTS; which++) {
                if (!has_constraint(shape, which))
                        continue;
                buf_append_str(buf, first ? "" : ", ");
                append_phrase(buf, shape, which, shape->max);
                first = false;
        }
        if (shape->type == SHAPE_LIST) {
                buf_append_strs(buf, first ? "" : ", ", "Member must satisfy constraint: [", NULL);
                append_demands(buf, shape, shape->item);
                buf_append_str(buf, "]");
                first = false;
        }
        if (!of->tacit_null)
                buf_append_strs(buf, first ? "" : ", ", "Member must not be null", NULL);
}

/* ---- types ---- */

static const char *const found_names[] = {
        [JSON_OBJECT] = "START_OBJECT",  [JSON_ARRAY] = "START_ARRAY",  [JSON_STRING] = "STRING_VALUE",
        [JSON_INTEGER] = "NUMBER_VALUE", [JSON_REAL] = "DECIMAL_VALUE", [JSON_TRUE] = "TRUE_VALUE",
        [JSON_FALSE] = "FALSE_VALUE",    [JSON_NULL] = "NULL_VALUE",
};

static const char *const wanted_names[] = {
        [SHAPE_STRING] = "a String",       [SHAPE_INTEGER] = "an Integer",    [SHAPE_LONG] = "a Long",
        [SHAPE_DOUBLE] = "a Double",       [SHAPE_BOOLEAN] = "a Boolean",     [SHAPE_BLOB] = "a Blob",
        [SHAPE_LIST] = "a list",           [SHAPE_TIMESTAMP] = "a Timestamp", [SHAPE_MAP] = "a map",
        [SHAPE_STRUCTURE] = "a structure",
};

static bool has_type(const struct model_shape *shape, const json_t *value) {
        switch (shape->type) {
        case SHAPE_STRING:
        case SHAPE_BLOB:
                return json_is_string(value);
        case SHAPE_INTEGER:
                return json_is_integer(value) &&
                       json_integer_value(value) == (int32_t)json_integer_value(value);
        case SHAPE_LONG:
                return json_is_integer(value);
        case SHAPE_DOUBLE:
        case SHAPE_TIMESTAMP:
                return json_is_number(value);
        case SHAPE_BOOLEAN:
                return json_is_boolean(value);
        case SHAPE_LIST:
                return json_is_array(value);
        case SHAPE_MAP:
        case SHAPE_STRUCTURE:
                return json_is_object(value);
        }
        return false;
}

static bool check_type(const struct model_shape *shape, json_t *value, struct problem *ret_problem) {
        const char *key;
        json_t *item;
        size_t i;

        if (!has_type(shape, value))
                return problem_set(ret_problem, PROBLEM_SERIALIZATION, "%s can not be converted to %s",
                                   found_names[json_typeof(value)], wanted_names[shape->type]);
        if (shape->type == SHAPE_LIST)
                json_array_foreach(value, i,
                                   item) if (!json_is_null(item) &&
                                             !check_type(shape->item, item, ret_problem)) return false;
        if (shape->type == SHAPE_MAP)
                json_object_foreach(value, key,
                                    item) if (!json_is_null(item) &&
                                              !check_type(shape->item, item, ret_problem)) return false;
        for (size_t m = 0; m < shape->member_count; m++) {
                item = json_tree_get(value, shape->members[m].name);
                if (item && !check_type(shape->members[m].shape, item, ret_problem))
                        return false;
        }
        return true;
}

/* ---- the walk ---- */

static void check_value(struct checker *c, const struct model_shape *shape, json_t *value,
                        const struct spot *spot);

static void check_member(struct checker *c, const struct model_member *member, json_t *value,
                         const struct spot *outer) {
        const struct spot spot = { outer, member->shown ? member->shown : member->name, 0 };

        if (value) {
                check_value(c, member->shape, value, &spot);
        } else if (member->required) {
                begin_violation(c, member->shape, NULL, &spot);
                buf_append_str(&c->text, "Member must not be null");
        }
}

static void check_items(struct checker *c, const struct model_shape *shape, json_t *list,
                        const struct spot *spot) {
        bool fine = true;
        json_t *item;
        size_t i;

        json_array_foreach(list, i, item) {
                const struct spot inner = { spot, NULL, i + 1 };

                if (shape->item->type == SHAPE_STRUCTURE && !json_is_null(item))
                        check_value(c, shape->item, item, &inner);
                else
                        fine = fine && is_fine(c, shape->item, item);
        }
        if (fine)
                return;
        begin_violation(c, shape, list, spot);
        if (shape->bare) {
                append_phrase(&c->text, shape->item, CONSTRAINT_WORDS, 0);
                return;
        }
        buf_append_str(&c->text, "Member must satisfy constraint: [");
        append_demands(&c->text, shape, shape->item);
        buf_append_str(&c->text, "]");
}

static void check_entries(struct checker *c, const struct model_shape *shape, json_t *map,
                          const struct spot *spot) {
        bool keys_fine = true, values_fine = true;
        const char *key;
        json_t *value;

        json_object_foreach(map, key, value) {
                AUTO(json_tree) json_t *name = json_string(key);

                keys_fine = keys_fine && is_fine(c, shape->key, name);
                values_fine = values_fine && is_fine(c, shape->item, value);
        }
        if (!keys_fine) {
                begin_violation(c, shape, map, spot);
                buf_append_str(&c->text, "Map keys must satisfy constraint: [");
                append_demands(&c->text, shape, shape->key);
                buf_append_str(&c->text, "]");
        }
        if (!values_fine) {
                begin_violation(c, shape, map, spot);
                buf_append_str(&c->text, "Map value must satisfy constraint: [");
                append_demands(&c->text, shape, shape->item);
                buf_append_str(&c->text, "]");
        }
}

static void check_value(struct checker *c, const struct model_shape *shape, json_t *value,
                        const struct spot *spot) {
        for (enum constraint which = 0; which < CONSTRAINTS; which++) {
                if (!has_constraint(shape, which) || is_kept(c, shape, which, value))
                        continue;
                begin_violation(c, shape, value, spot);
                append_phrase(&c->text, shape, which, max_of(c, shape));
        }
        if (shape->type == SHAPE_LIST)
                check_items(c, shape, value, spot);
        if (shape->type == SHAPE_MAP)
                check_entries(c, shape, value, spot);
        for (size_t i = 0; i < shape->member_count; i++)
                check_member(c, &shape->members[i], json_tree_get(value, shape->members[i].name), spot);
}

/* What travels as text is read as what it means; an empty number is none. */
static bool read_text(const struct model_shape *shape, json_t **value, struct problem *ret_problem) {
        const char *text = json_string_value(*value);
        char *end;

        if (!text || shape->type == SHAPE_STRING || shape->type == SHAPE_TIMESTAMP ||
            shape->type == SHAPE_BLOB)
                return true;
        if (shape->type == SHAPE_BOOLEAN && (streq(text, "true") || streq(text, "false"))) {
                json_t *flag = json_boolean(streq(text, "true"));

                json_decref(*value);
                *value = flag;
                return true;
        }
        if (is_number(shape) && !*text) {
                json_decref(TAKE(*value));
                return true;
        }
        if (is_number(shape) && !isspace((unsigned char)*text)) {
                json_t *number;

                errno = 0;
                number = json_integer(strtoll(text, &end, 10));
                if (!errno && !*end && has_type(shape, number)) {
                        json_decref(*value);
                        *value = number;
                        return true;
                }
                json_decref(number);
        }
        return problem_set(ret_problem, PROBLEM_SERIALIZATION, "STRING_VALUE can not be converted to %s",
                           wanted_names[shape->type]);
}

static bool check_types(const struct model_operation *operation, const json_t *body,
                        struct problem *ret_problem) {
        for (size_t i = 0; i < operation->member_count; i++) {
                const struct model_member *m = &operation->members[i];
                json_t *value = m->place == AT_BODY ? json_tree_get(body, m->name) : NULL;

                if (value && !check_type(m->shape, value, ret_problem))
                        return false;
        }
        return true;
}

bool constraints_check(const struct model_operation *operation, const struct request_values *values,
                       struct checker *c, struct problem *ret_problem) {
        if (!check_types(operation, values->body, ret_problem))
                return false;
        for (size_t i = 0; i < operation->member_count; i++) {
                const struct model_member *m = &operation->members[i];

                if (m->place == AT_BODY) {
                        check_member(c, m, json_tree_get(values->body, m->name), NULL);
                } else if (m->place != AT_PAYLOAD) {
                        AUTO(json_tree) json_t *value = values->outside(values->owner, m);

                        if (value && !read_text(m->shape, &value, ret_problem))
                                return false;
                        check_member(c, m, value, NULL);
                }
        }
        return true;
}
