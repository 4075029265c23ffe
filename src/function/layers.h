/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layers - the versions of layers, kept in the store and read when somebody asks
 *
 * A published layer version is immutable. Its number is never used again, also after a deletion. Functions
 * keep using what they were given: a deleted layer version's code stays as long as a version of a function
 * names it.
 */
#pragma once
#include "function/registry.h"

/* AWS's own layers (awslayer) are of no account and in no region (""), and their number is 0. */
struct layer_version {
        char *account, *region, *name;
        uint64_t number;
        char *description, *license;              /* license NULL: not given */
        char *runtimes_json, *architectures_json; /* arrays */
        char sha256[SHA256_HEX_LEN + 1];
        uint64_t code_size, unzipped;
        nsec_t created;       /* wall */
        char *s3_object_json; /* as of a version of a function (function.h); NULL: a copy */
};

void layer_version_clear(struct layer_version *l);
static inline void layer_version_freep(struct layer_version *l) {
        layer_version_clear(l);
}

enum layers_outcome { LAYERS_NOT_FOUND = 1 };

/* Gives the layer its number and its date. 0 or -errno. */
int layers_publish(struct registry *r, struct layer_version *layer);
/* Of another account mostly: keeps its number, replaces what had it before, and gets its date. from: "file", "aws". */
int layers_import(struct registry *r, struct layer_version *layer, const char *from);
/* Whether that one was; region: the ARN's. */
bool layers_is_imported(struct registry *r, const char *region, const char *arn);
/* 0, LAYERS_NOT_FOUND, -errno. */
int layers_get(struct registry *r, const char *account, const char *region, const char *name, uint64_t number,
               struct layer_version *ret_layer);
/* 0 (also when there is none), -errno. */
int layers_delete(struct registry *r, const char *account, const char *region, const char *name,
                  uint64_t number);
/* Newest first within a layer; name NULL: all layers behind `after`, by name. The layer is borrowed. 0 or
 * -errno. */
int layers_each(struct registry *r, const char *account, const char *region, const char *name,
                const char *after, bool (*visit)(void *owner, const struct layer_version *layer),
                void *owner);
/* "arn:aws:lambda:REGION:ACCOUNT:layer:NAME" and, with a number, ":NUMBER"; of no account "arn:aws:lambda:::awslayer:NAME".
 * malloc'ed. */
char *layer_arn(const char *region, const char *account, const char *name, uint64_t number);
