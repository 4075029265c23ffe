/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model - the requests of the Lambda API as a table: operations, where their members are, what they may hold
 *
 * The table (model_table.c) is made by tools/make_model.py from AWS's own model. Routes come from it (routes.h)
 * and the checks of every request (constraints.h), so an operation that AWS adds is routed and checked as soon
 * as the table is made anew. Constraints are written as AWS prints them.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/http.h"

enum shape_type {
        SHAPE_STRING,
        SHAPE_INTEGER,
        SHAPE_LONG,
        SHAPE_DOUBLE,
        SHAPE_BOOLEAN,
        SHAPE_BLOB, /* Base64 in a body */
        SHAPE_TIMESTAMP,
        SHAPE_LIST,
        SHAPE_MAP,
        SHAPE_STRUCTURE
};

struct model_member;

struct model_shape {
        enum shape_type type;
        bool has_min, has_max;
        int64_t min, max;    /* of a number its value, else the length or the count */
        int64_t wide_max;    /* max where that is wider (constraints.h); 0: the same everywhere */
        const char *pattern; /* as AWS prints it: pattern.h reads it; NULL: any */
        const char *words;   /* "A, B": all that it may be; NULL: anything */
        const char *tacit;   /* further words, which AWS takes and does not print; NULL: none */
        bool bare;           /* of a list: the items' constraint is printed without a frame */
        bool tacit_null;     /* its items may not be null, and the constraint does not say so */
        bool secret;         /* its value is not printed */
        const struct model_shape *key, *item; /* of a map; of a list or a map */
        const char *name;                     /* of a structure */
        const struct model_member *members;
        size_t member_count;
};

enum member_place { AT_BODY, AT_LABEL, AT_QUERY, AT_HEADER, AT_PAYLOAD };

struct model_member {
        const char *name; /* as it travels */
        const struct model_shape *shape;
        enum member_place place;
        unsigned label;    /* AT_LABEL: the how manieth of the path */
        const char *shown; /* as errors call it, when that is not name */
        bool required;     /* when what it is a member of is there */
};

struct model_operation {
        const char *name;
        enum http_method method;
        const char *path; /* "/2015-03-31/functions/{}/code"; a final "?List=ALL" demands that parameter */
        int status;       /* of the answer */
        const struct model_member *members; /* of the request, in the order in which violations are told */
        size_t member_count;
};

extern const struct model_operation model_operations[];
extern const size_t model_operation_count;

/* In a table in the order of names. NULL: there is none of that name. */
const struct model_operation *model_find(const struct model_operation *table, size_t count, const char *name);
/* Of Lambda. */
const struct model_operation *model_operation(const char *name);
