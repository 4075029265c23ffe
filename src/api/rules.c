/* SPDX-License-Identifier: Apache-2.0 */
#include "api/rules.h"

#include <ctype.h>
#include <stdio.h>

/* Values are quoted whole: what a body holds besides its ZipFile is capped before. */
#define VALUE_MAX (4 * MIB)

void checker_deinit(struct checker *c) {
        buf_deinit(&c->text);
}

/* "VpcConfig.SubnetIds" prints as vpcConfig.subnetIds. */
static int append_path(struct buf *buf, const char *path) {
        bool start = true;

        for (const char *s = path; *s; s++) {
                char c = start ? (char)tolower((unsigned char)*s) : *s;

                start = *s == '.';
                if (buf_append(buf, &c, 1))
                        return -E2BIG;
        }
        return 0;
}

void checker_add(struct checker *c, const char *value, const char *path, const char *constraint) {
        struct buf *b = &c->text;
        int r;

        r = c->count ? buf_append_str(b, "; ") : 0;
        c->count++;
        if (r == 0)
                r = value ? buf_printf(b, "Value '%s' at '", value) : buf_append_str(b, "Value null at '");
        if (r == 0)
                r = append_path(b, path);
        if (r == 0)
                buf_printf(b, "' failed to satisfy constraint: %s", constraint);
}

bool checker_end(struct checker *c, struct problem *ret_problem) {
        if (c->count == 0)
                return true;
        return problem_set(ret_problem, PROBLEM_VALIDATION, "%u validation error%s detected: %.*s", c->count,
                           c->count == 1 ? "" : "s", (int)c->text.len, buf_data(&c->text));
}

bool enumeration_has(const char *enumeration, const char *word) {
        size_t len = strlen(word);

        for (const char *s = enumeration; *s;) {
                size_t here = strcspn(s, ",");

                if (here == len && memcmp(s, word, len) == 0)
                        return true;
                s += here;
                s += strspn(s, ", ");
        }
        return false;
}

static void check_bounds(const struct rule *rule, const char *shown, int64_t measure, const char *what,
                         struct checker *c) {
        char constraint[96];

        if (!rule->bounded)
                return;
        if (measure > rule->max) {
                snprintf(constraint, sizeof(constraint), "Member must have %s less than or equal to %lld",
                         what, (long long)rule->max);
                checker_add(c, shown, rule->path, constraint);
        }
        if (measure < rule->min) {
                snprintf(constraint, sizeof(constraint), "Member must have %s greater than or equal to %lld",
                         what, (long long)rule->min);
                checker_add(c, shown, rule->path, constraint);
        }
}

static void add_formatted(struct checker *c, const char *value, const char *path, const char *before,
                          const char *text, const char *after) {
        AUTO(str) char *constraint = xasprintf("%s%s%s", before, text, after);

        checker_add(c, value, path, constraint);
}

/* AWS counts characters of UTF-16, as Java does. */
static int64_t java_length(const char *s) {
        int64_t length = 0;

        for (; *s; s++) {
                unsigned char c = (unsigned char)*s;

                length += c >= 0xf0 ? 2 : (c & 0xc0) != 0x80;
        }
        return length;
}

void rule_check_text(const struct rule *rule, const char *value, struct checker *c) {
        uint64_t number;

        if (!value) {
                if (rule->required)
                        checker_add(c, NULL, rule->path, "Member must not be null");
                return;
        }
        if (rule->type == RULE_INTEGER) {
                /* What is no number at all is below every bound. */
                check_bounds(rule, value, str_to_u64(value, INT64_MAX, &number) == 0 ? (int64_t)number : -1,
                             "value", c);
                return;
        }
        check_bounds(rule, value, java_length(value), "length", c);
        if (rule->pattern && !rule->matches(value))
                add_formatted(c, value, rule->path,
                              "Member must satisfy regular expression pattern: ", rule->pattern, "");
        if (rule->enumeration && !enumeration_has(rule->enumeration, value))
                add_formatted(c, value, rule->path, "Member must satisfy enum value set: [",
                              rule->enumeration, "]");
}

static void check_integer(const struct rule *rule, int64_t value, struct checker *c) {
        char shown[24];

        snprintf(shown, sizeof(shown), "%lld", (long long)value);
        check_bounds(rule, shown, value, "value", c);
}

static void check_list(const struct rule *rule, const json_t *list, struct checker *c) {
        AUTO(buf) struct buf shown = BUF_NULL(VALUE_MAX);
        bool bad = false;
        const json_t *item;
        size_t i;

        if (buf_append_str(&shown, "["))
                return;
        json_array_foreach(list, i, item) {
                const char *text = json_string_value(item);

                buf_printf(&shown, "%s%s", i ? ", " : "", text ? text : "null");
                bad |= rule->item_ok && (!text || !rule->item_ok(text));
        }
        buf_append(&shown, "]", 2);
        check_bounds(rule, buf_data(&shown), (int64_t)json_array_size(list), "length", c);
        if (bad)
                checker_add(c, buf_data(&shown), rule->path, rule->item_constraint);
}

static void check_map(const struct rule *rule, json_t *map, struct checker *c) {
        const char *key;
        json_t *value;

        json_object_foreach(map, key, value) {
                if (!rule->item_ok || rule->item_ok(key))
                        continue;
                /* Here AWS does not print the value: keys and values may be secrets. */
                if (c->count++)
                        buf_append_str(&c->text, "; ");
                buf_append_str(&c->text, "Value at '");
                append_path(&c->text, rule->path);
                buf_printf(&c->text, "' failed to satisfy constraint: %s", rule->item_constraint);
                return;
        }
}

static const char *const type_names[] = {
        [JSON_OBJECT] = "START_OBJECT",  [JSON_ARRAY] = "START_ARRAY",  [JSON_STRING] = "STRING_VALUE",
        [JSON_INTEGER] = "NUMBER_VALUE", [JSON_REAL] = "DECIMAL_VALUE", [JSON_TRUE] = "TRUE_VALUE",
        [JSON_FALSE] = "FALSE_VALUE",    [JSON_NULL] = "NULL_VALUE",
};

static bool is_string(const json_t *v) {
        return json_is_string(v);
}
static bool is_integer(const json_t *v) {
        return json_is_integer(v);
}
static bool is_boolean(const json_t *v) {
        return json_is_boolean(v);
}
static bool is_object(const json_t *v) {
        return json_is_object(v);
}
static bool is_array(const json_t *v) {
        return json_is_array(v);
}

static const struct {
        const char *name;
        bool (*is)(const json_t *value);
} wanted[] = {
        [RULE_STRING] = { "String", is_string },    [RULE_INTEGER] = { "Integer", is_integer },
        [RULE_BOOLEAN] = { "Boolean", is_boolean }, [RULE_OBJECT] = { "structure", is_object },
        [RULE_LIST] = { "list", is_array },         [RULE_MAP] = { "map", is_object },
};

static bool items_are_strings(const struct rule *rule, json_t *value) {
        const char *key;
        json_t *item;
        size_t i;

        if (rule->type == RULE_MAP)
                json_object_foreach(value, key, item) if (!json_is_string(item)) return false;
        if (rule->type == RULE_LIST && rule->item_ok)
                json_array_foreach(value, i,
                                   item) if (!json_is_string(item) && !json_is_null(item)) return false;
        return true;
}

static bool check_value(const struct rule *rule, json_t *value, struct checker *c,
                        struct problem *ret_problem) {
        if (!wanted[rule->type].is(value))
                return problem_set(ret_problem, PROBLEM_SERIALIZATION, "%s can not be converted to %s %s",
                                   type_names[json_typeof(value)], rule->type == RULE_INTEGER ? "an" : "a",
                                   wanted[rule->type].name);
        if (!items_are_strings(rule, value))
                return problem_set(ret_problem, PROBLEM_SERIALIZATION, "%s must hold Strings only",
                                   rule->path);
        switch (rule->type) {
        case RULE_STRING:
                rule_check_text(rule, json_string_value(value), c);
                break;
        case RULE_INTEGER:
                check_integer(rule, json_integer_value(value), c);
                break;
        case RULE_LIST:
                check_list(rule, value, c);
                break;
        case RULE_MAP:
                check_map(rule, value, c);
                break;
        case RULE_BOOLEAN:
        case RULE_OBJECT:
                break;
        }
        return true;
}

/* The object that holds the member, and the member's own name; NULL when there is no such object. */
static const json_t *find_holder(const json_t *body, const char *path, const char **ret_name) {
        const char *dot;

        while ((dot = strchr(path, '.'))) {
                AUTO(str) char *name = xstrndup(path, (size_t)(dot - path));

                body = json_tree_get(body, name);
                if (!json_is_object(body))
                        return NULL;
                path = dot + 1;
        }
        *ret_name = path;
        return body;
}

bool rules_check(const struct rule *rules, size_t count, const json_t *body, struct checker *c,
                 struct problem *ret_problem) {
        for (size_t i = 0; i < count; i++) {
                const char *name = rules[i].path;
                const json_t *holder = find_holder(body, rules[i].path, &name);
                json_t *value = holder ? json_tree_get(holder, name) : NULL;

                if (value) {
                        if (!check_value(&rules[i], value, c, ret_problem))
                                return false;
                } else if (rules[i].required && (holder || !strchr(rules[i].path, '.'))) {
                        checker_add(c, NULL, rules[i].path, "Member must not be null");
                }
        }
        return true;
}
