/* SPDX-License-Identifier: Apache-2.0 */
/*
 * form - the requests of the Query protocol: "Action=CreateRole&RoleName=r&Tags.member.1.Key=k&…"
 *
 * Which members a request has, and of which type, says the model; from that and the flat names a tree of JSON is made,
 * as if the request had been JSON.
 */
#pragma once
#include "api/model.h"
#include "lib/json.h"

struct form {
        json_t *values; /* by name; of a name that comes twice the last */
};

void form_clear(struct form *form);
static inline void form_freep(struct form *form) {
        form_clear(form);
}
/* Adds what the text says. 0, -EINVAL, -E2BIG. */
int form_read(struct form *form, const char *text, size_t len);
const char *form_value(const struct form *form, const char *name); /* NULL: absent */
/* An object; NULL: a value has the wrong type. */
json_t *form_members(const struct form *form, const struct model_member *members, size_t count);
