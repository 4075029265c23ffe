/* SPDX-License-Identifier: Apache-2.0 */
#include "function/policy_decision.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* ---- texts ---- */

static bool same_byte(char a, char b, bool any_case) {
        return a == b || (any_case && tolower((unsigned char)a) == tolower((unsigned char)b));
}

/* The last star takes one byte more whenever what follows it does not fit: nothing before it need ever be tried again. */
static bool matches(const char *pattern, size_t pattern_len, const char *text, size_t text_len,
                    bool any_case) {
        size_t p = 0, t = 0, star = SIZE_MAX, resume = 0;

        while (t < text_len) {
                if (p < pattern_len && pattern[p] == '*') {
                        star = p++;
                        resume = t;
                } else if (p < pattern_len &&
                           (pattern[p] == '?' || same_byte(pattern[p], text[t], any_case))) {
                        p++;
                        t++;
                } else if (star != SIZE_MAX) {
                        p = star + 1;
                        t = ++resume;
                } else {
                        return false;
                }
        }
        while (p < pattern_len && pattern[p] == '*')
                p++;
        return p == pattern_len;
}

bool policy_matches(const char *pattern, const char *text, bool any_case) {
        return matches(pattern, strlen(pattern), text, strlen(text), any_case);
}

/* Part by part, so that no wildcard reaches over a colon; the sixth is the rest. */
static bool arn_matches(const char *pattern, const char *text) {
        for (int part = 0; part < 5; part++) {
                size_t p = strcspn(pattern, ":"), t = strcspn(text, ":");

                if (!matches(pattern, p, text, t, false) || (pattern[p] == ':') != (text[t] == ':'))
                        return false;
                if (!pattern[p])
                        return true;
                pattern += p + 1;
                text += t + 1;
        }
        return policy_matches(pattern, text, false);
}

/* ---- a value, or a list of them ---- */

static size_t count_of(const json_t *values) {
        return json_is_array(values) ? json_array_size(values) : values != NULL;
}

static const json_t *item_of(const json_t *values, size_t i) {
        return json_is_array(values) ? json_array_get(values, i) : values;
}

static bool any_matches(const json_t *patterns, const char *text, bool any_case) {
        for (size_t i = 0; i < count_of(patterns); i++) {
                const char *pattern = json_string_value(item_of(patterns, i));

                if (pattern && policy_matches(pattern, text, any_case))
                        return true;
        }
        return false;
}

/* ---- who, what, with what ---- */

static bool is_account(const char *text, const char *account) {
        size_t len = strlen(text), own = strlen(account);

        if (streq(text, account))
                return true;
        /* "arn:PARTITION:iam::ACCOUNT:root" */
        return str_starts(text, "arn:") && len > own + 12 && streq(text + len - 5, ":root") &&
               memcmp(text + len - 5 - own, account, own) == 0 &&
               memcmp(text + len - 5 - own - 6, ":iam::", 6) == 0;
}

static bool is_principal(const char *text, const struct policy_question *q) {
        if (streq(text, "*") || is_account(text, q->account))
                return true;
        for (size_t i = 0; i < q->name_count; i++)
                if (streq(text, q->names[i]))
                        return true;
        return false;
}

/* Services and federated users are other principals than those who call here. */
static bool has_principal(const json_t *principal, const struct policy_question *q) {
        const json_t *names = json_is_object(principal) ? json_tree_get(principal, "AWS") : principal;

        for (size_t i = 0; i < count_of(names); i++) {
                const char *text = json_string_value(item_of(names, i));

                if (text && is_principal(text, q))
                        return true;
        }
        return false;
}

static bool is_of_principal(const json_t *statement, const struct policy_question *q) {
        const json_t *no = json_tree_get(statement, "NotPrincipal");

        return no ? !has_principal(no, q) : has_principal(json_tree_get(statement, "Principal"), q);
}

static bool is_of_action(const json_t *statement, const struct policy_question *q) {
        const json_t *no = json_tree_get(statement, "NotAction");

        return no ? !any_matches(no, q->action, true)
                  : any_matches(json_tree_get(statement, "Action"), q->action, true);
}

/* A policy is of one resource, so a statement may do without. */
static bool is_of_resource(const json_t *statement, const struct policy_question *q) {
        const json_t *no = json_tree_get(statement, "NotResource");
        const json_t *yes = json_tree_get(statement, "Resource");

        if (no)
                return !any_matches(no, q->resource, false);
        return !yes || any_matches(yes, q->resource, false);
}

/* ---- conditions ---- */

enum judgement { NO, YES, UNKNOWN };

static bool text_equals(const char *wanted, const char *value) {
        return streq(wanted, value);
}

static bool text_equals_any_case(const char *wanted, const char *value) {
        return strcasecmp(wanted, value) == 0;
}

static bool text_like(const char *wanted, const char *value) {
        return policy_matches(wanted, value, false);
}

static bool read_numbers(const char *wanted, const char *value, double *ret_wanted, double *ret_value) {
        char *wanted_end, *value_end;

        *ret_wanted = strtod(wanted, &wanted_end);
        *ret_value = strtod(value, &value_end);
        return *wanted && *value && !*wanted_end && !*value_end;
}

#define NUMERIC(name, comparison) \
        static bool name(const char *wanted, const char *value) { \
                double w, v; \
\
                return read_numbers(wanted, value, &w, &v) && v comparison w; \
        }
NUMERIC(number_equals, ==)
NUMERIC(number_less, <)
NUMERIC(number_less_equals, <=)
NUMERIC(number_greater, >)
NUMERIC(number_greater_equals, >=)

static const struct comparison {
        const char *name;
        bool (*holds)(const char *wanted, const char *value);
        bool negated;
} comparisons[] = {
        { "StringEquals", text_equals, false },
        { "StringNotEquals", text_equals, true },
        { "StringEqualsIgnoreCase", text_equals_any_case, false },
        { "StringNotEqualsIgnoreCase", text_equals_any_case, true },
        { "StringLike", text_like, false },
        { "StringNotLike", text_like, true },
        { "ArnEquals", arn_matches, false },
        { "ArnLike", arn_matches, false },
        { "ArnNotEquals", arn_matches, true },
        { "ArnNotLike", arn_matches, true },
        { "Bool", text_equals_any_case, false },
        { "NumericEquals", number_equals, false },
        { "NumericNotEquals", number_equals, true },
        { "NumericLessThan", number_less, false },
        { "NumericLessThanEquals", number_less_equals, false },
        { "NumericGreaterThan", number_greater, false },
        { "NumericGreaterThanEquals", number_greater_equals, false },
};

/* An operator, taken apart: "ForAnyValue:StringLikeIfExists". */
struct operator{
        const struct comparison *comparison; /* NULL: of another kind */
        bool is_null, if_exists, for_all, for_any;
};

static struct operator read_operator(const char *text) {
        static const char all[] = "ForAllValues:", any[] = "ForAnyValue:", suffix[] = "IfExists";
        struct operator o = { .for_all = str_starts(text, all), .for_any = str_starts(text, any) };
        size_t len;

        text += o.for_all ? sizeof(all) - 1 : o.for_any ? sizeof(any) - 1 : 0;
        len = strlen(text);
        o.if_exists = len > sizeof(suffix) - 1 && streq(text + len - (sizeof(suffix) - 1), suffix);
        len -= o.if_exists ? sizeof(suffix) - 1 : 0;
        o.is_null = len == 4 && memcmp(text, "Null", len) == 0 && !o.if_exists;
        for (size_t i = 0; i < ARRAY_SIZE(comparisons); i++)
                if (strlen(comparisons[i].name) == len && memcmp(comparisons[i].name, text, len) == 0)
                        o.comparison = &comparisons[i];
        return o;
}

static const char *fact_of(const struct policy_question *q, const char *key) {
        for (size_t i = 0; i < q->fact_count; i++)
                if (strcasecmp(q->facts[i].key, key) == 0)
                        return q->facts[i].value;
        return NULL;
}

/* Numbers and booleans are compared as they are written; malloc'ed, NULL: no such value. */
static char *wanted_text(const json_t *value) {
        if (json_is_string(value))
                return xstrdup(json_string_value(value));
        return json_is_number(value) || json_is_boolean(value) ? json_tree_text(value) : NULL;
}

static bool any_holds(const struct comparison *c, const json_t *wanted, const char *value) {
        for (size_t i = 0; i < count_of(wanted); i++) {
                AUTO(str) char *text = wanted_text(item_of(wanted, i));

                if (text && c->holds(text, value))
                        return true;
        }
        return false;
}

static enum judgement judge_key(const struct operator* o, const json_t *wanted, const char *value) {
        if (o->is_null) {
                AUTO(str) char *text = wanted_text(item_of(wanted, 0));

                return text && strcasecmp(text, value ? "false" : "true") == 0 ? YES : NO;
        }
        if (!o->comparison)
                return UNKNOWN;
        if (!value)
                return o->if_exists || o->for_all || (o->comparison->negated && !o->for_any) ? YES : NO;
        return any_holds(o->comparison, wanted, value) != o->comparison->negated ? YES : NO;
}

/* All of them. */
static enum judgement judge(const json_t *conditions, const struct policy_question *q) {
        enum judgement all = YES;
        const char *name, *key;
        json_t *group, *wanted;

        if (!conditions)
                return YES;
        if (!json_is_object(conditions))
                return UNKNOWN;
        json_object_foreach((json_t *)conditions, name, group) {
                const struct operator o = read_operator(name);

                if (!json_is_object(group))
                        all = all == NO ? NO : UNKNOWN;
                json_object_foreach(group, key, wanted) {
                        enum judgement one = judge_key(&o, wanted, fact_of(q, key));

                        if (one != YES && all != NO)
                                all = one;
                }
        }
        return all;
}

/* ---- the decision ---- */

static enum policy_decision decide_one(const json_t *statement, const struct policy_question *q) {
        const char *effect = json_tree_str(statement, "Effect");
        enum judgement condition;

        if (!effect || !is_of_principal(statement, q) || !is_of_action(statement, q) ||
            !is_of_resource(statement, q))
                return POLICY_SILENT;
        condition = judge(json_tree_get(statement, "Condition"), q);
        if (streq(effect, "Deny"))
                return condition == NO ? POLICY_SILENT : POLICY_DENIES;
        return streq(effect, "Allow") && condition == YES ? POLICY_ALLOWS : POLICY_SILENT;
}

enum policy_decision policy_decide(const json_t *statements, const struct policy_question *q) {
        enum policy_decision decision = POLICY_SILENT;

        for (size_t i = 0; i < json_array_size(statements); i++) {
                enum policy_decision one = decide_one(json_array_get(statements, i), q);

                decision = one > decision ? one : decision;
        }
        return decision;
}
