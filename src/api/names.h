/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names - the forms in which clients name functions and layers
 *
 * name, name:qualifier, account:function:name[:qualifier], full and partial ARNs: docs/aws.md, names.
 * The parts are those that AWS's pattern would capture, optional parts greedily first; a string
 * the pattern refuses is refused here. api/constraints.h has the words for that; this is the way of every invocation.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* Spans of the text; start NULL where a part is absent. */
struct name_part {
        const char *start;
        size_t len;
};

struct function_name {
        struct name_part region, account, name, qualifier;
};

bool function_name_parse(const char *text, bool namespaced, struct function_name *ret_name);
/* Which function a text means to who is in an account and a region: what it does not say is theirs, and what is no name
 * is taken for one that nothing has. */
struct function_place {
        char *account, *region, *name;
};

void function_place_read(const char *text, const char *account, const char *region,
                         struct function_place *ret_place);
void function_place_freep(struct function_place *place);
bool qualifier_is_valid(const char *text);
/* A word that can only be an alias. */
bool qualifier_is_alias(const char *text);

struct layer_name {
        struct name_part region, account,
                name; /* region and account only of an ARN, empty of one of AWS's own */
};

bool layer_name_parse(const char *text, struct layer_name *ret_name);
/* arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION, or AWS's own, arn:aws:lambda:::awslayer:NAME: that is in no region
 * and of no account, whatever its partition, and its number is 0. */
bool layer_version_arn_parse(const char *text, struct layer_name *ret_name, unsigned long long *ret_number);
static inline bool layer_name_is_awslayer(const struct layer_name *name) {
        return name->account.start && name->account.len == 0;
}
