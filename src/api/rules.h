/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules - the constraints of the API's model, and AWS's sentences about what breaks them
 *
 * A table says of each member of a body what it may be; rules_check collects everything that is wrong into
 * one checker, because AWS reports all violations at once: "N validation errors detected: Value '…' at '…'
 * failed to satisfy constraint: …; …" (facts/control-plane.md section 2). Members that no rule names are
 * ignored, as AWS ignores them. A value of the wrong JSON type ends the check at once with a
 * SerializationException.
 */
#pragma once
#include "api/problem.h"
#include "lib/json.h"

struct checker {
        struct buf text;
        unsigned count;
};

#define CHECKER_NULL ((struct checker){ .text = BUF_NULL(8 * MIB) })

void checker_deinit(struct checker *c);
static inline void checker_freep(struct checker *c) {
        checker_deinit(c);
}
/* value NULL prints null. */
void checker_add(struct checker *c, const char *value, const char *path, const char *constraint);
/* True when nothing was wrong; else *ret_problem. */
bool checker_end(struct checker *c, struct problem *ret_problem);

enum rule_type { RULE_STRING, RULE_INTEGER, RULE_BOOLEAN, RULE_OBJECT, RULE_LIST, RULE_MAP };

struct rule {
        const char *path; /* "VpcConfig.SubnetIds": printed with small initials */
        enum rule_type type;
        bool required; /* when the object around it is there */
        bool bounded;  /* min and max hold: length of a string or list, value of a number */
        int64_t min, max;
        const char *enumeration;           /* "A, B": the allowed words, as printed */
        const char *pattern;               /* as printed */
        bool (*matches)(const char *text); /* for pattern */
        /* For the items of a list of strings, or the keys of a map. */
        bool (*item_ok)(const char *text);
        const char *item_constraint; /* as printed */
};

/* body NULL is an empty object. False: *ret_problem tells of a wrong type. */
bool rules_check(const struct rule *rules, size_t count, const json_t *body, struct checker *c,
                 struct problem *ret_problem);
/* One value that did not come in a body. value NULL: absent. */
void rule_check_text(const struct rule *rule, const char *value, struct checker *c);

bool enumeration_has(const char *enumeration, const char *word);
