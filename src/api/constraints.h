/* SPDX-License-Identifier: Apache-2.0 */
/*
 * constraints - requests against the model, and AWS's sentences about what breaks it
 *
 * Everything that is wrong with a request is collected into one checker, because AWS reports all violations at
 * once: "N validation errors detected: Value '…' at '…' failed to satisfy constraint: …; …"
 * (docs/aws.md, errors). Members that the model does not name are ignored, as AWS ignores them. A
 * value of the wrong type ends the check at once with a SerializationException: AWS reads the whole request
 * before it looks at a constraint.
 */
#pragma once
#include "api/model.h"
#include "api/pattern.h"
#include "api/problem.h"
#include "lib/json.h"

struct checker {
        struct pattern_cache *patterns;
        struct buf text;
        unsigned count;
        bool wide; /* it is about a function on instances of one's own, which have wider limits */
};

#define CHECKER(cache) ((struct checker){ .patterns = (cache), .text = BUF_NULL(8 * MIB) })

static inline void checker_freep(struct checker *c) {
        buf_deinit(&c->text);
}
/* True when nothing was wrong; else *ret_problem. */
bool checker_end(struct checker *c, struct problem *ret_problem);

/* What a request brings. */
struct request_values {
        const json_t *body; /* NULL: an empty object */
        /* A member that is not in the body: a string, or of a list an array of strings (a new reference); NULL: absent. */
        json_t *(*outside)(void *owner, const struct model_member *member);
        void *owner;
};

/* False: *ret_problem tells of a wrong type. Else violations are in the checker. */
bool constraints_check(const struct model_operation *operation, const struct request_values *values,
                       struct checker *c, struct problem *ret_problem);

/* "A, B" has the word. */
bool words_have(const char *words, const char *word);
/* The shortest decimal that reads back as the value, as Java prints it: 0.2, 1.0. */
#define REAL_TEXT 32
const char *real_text(double value, char ret_text[static REAL_TEXT]);
