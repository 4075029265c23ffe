/* SPDX-License-Identifier: Apache-2.0 */
/*
 * document - what belongs to a function or stands for itself, and is only asked for by name
 *
 * Policies, URLs, event source mappings and their like are kept as JSON in the store and read when somebody asks: no
 * invocation needs them, and thousands of them cost no memory. Documents of a function go with it, those of a version
 * or an alias with that.
 */
#pragma once
#include "function/registry.h"
#include "lib/json.h"

/* Stored: never renumber. Below 100: of a function; the part is a qualifier, or "" where there are no qualifiers. */
enum document_kind {
        DOCUMENT_POLICY = 1,   /* a list of statements; part "$LATEST", a version or an alias */
        DOCUMENT_RESERVED = 2, /* a number */
        DOCUMENT_URL = 3,
        DOCUMENT_EVENT_INVOKE = 4,
        DOCUMENT_PROVISIONED = 5,
        DOCUMENT_RUNTIME = 6,
        DOCUMENT_RECURSION = 7,
        DOCUMENT_SIGNED_BY = 8,           /* the ARN of a code signing configuration */
        DOCUMENT_SCALING = 9,             /* what clients call FunctionScalingConfig */
        DOCUMENT_LAYER_POLICY = 100,      /* owner: the layer; part: the version */
        DOCUMENT_EVENT_SOURCE = 101,      /* owner: the id */
        DOCUMENT_CODE_SIGNING = 102,      /* owner: the id */
        DOCUMENT_TAGS = 103,              /* of what is no function; owner: its ARN */
        DOCUMENT_ROLE = 104,              /* of IAM, in no region; owner: its name */
        DOCUMENT_MANAGED_POLICY = 105,    /* of IAM, in no region; owner: its ARN */
        DOCUMENT_LOG_GROUP = 106,         /* owner: its name */
        DOCUMENT_CAPACITY_PROVIDER = 107, /* owner: its name */
        DOCUMENT_IMPORTED_LAYER = 108,   /* of no account; owner: the layer version's ARN; where it is from */
        DOCUMENT_REFERENCED_LAYER = 109, /* owner: the layer; part: the version; its object in S3 */
};

/* Which one. */
struct document_name {
        const char *account, *region;
        enum document_kind kind;
        const char *owner, *part; /* part NULL: "" */
};

enum document_outcome { DOCUMENT_ABSENT = 1 };

/* 0 and a new reference, DOCUMENT_ABSENT, -errno. */
int document_get(struct registry *r, const struct document_name *name, json_t **ret_document);
int document_put(struct registry *r, const struct document_name *name, const json_t *document);
/* 0 (also when there is none), -errno. */
int document_delete(struct registry *r, const struct document_name *name);
/* In order, until visit says false: the parts of an owner behind `after`, or, without an owner, all owners behind it. */
int document_each(struct registry *r, const struct document_name *name, const char *after,
                  bool (*visit)(void *owner, const struct document_name *name, json_t *document),
                  void *owner);

/* The name of what belongs to a function. */
static inline struct document_name document_of(const struct function *f, enum document_kind kind,
                                               const char *part) {
        return (struct document_name){ f->account, f->region, kind, f->name, part };
}
