/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alias - a name for a version of a function, or for two between which invocations are drawn
 *
 * Aliases are in memory, because invocations ask for them; every change is one transaction of the store, made
 * before the call returns. An alias may point to $LATEST, then to nothing else beside it.
 */
#pragma once
#include "function/registry.h"

struct alias {
        struct list link; /* on function->aliases, in the order of names */
        char *name, *description;
        char *version; /* "$LATEST" or a number */
        char *other;   /* NULL: all invocations go to version */
        double weight; /* the share of other, 0 to 1 */
        char revision_id[UUID_LEN + 1];
};

/* What is to be changed; NULL stays as it is. */
struct alias_change {
        const char *version, *description;
        bool routed; /* other and weight are meant, other NULL: none from now on */
        const char *other;
        double weight;
};

enum alias_outcome {
        ALIAS_EXISTS = 1,       /* the name is taken */
        ALIAS_NO_VERSION,       /* a version does not exist: *ret_version is its number */
        ALIAS_SAME_VERSION,     /* other is version itself */
        ALIAS_LATEST_WITH_OTHER /* $LATEST beside another version */
};

struct alias *function_alias(const struct function *f, const char *name);
/* 0, enum alias_outcome, -errno. */
int alias_create(struct registry *r, struct function *f, const char *name, const struct alias_change *change,
                 struct alias **ret_alias, const char **ret_version);
int alias_update(struct registry *r, struct function *f, struct alias *a, const struct alias_change *change,
                 const char **ret_version);
int alias_delete(struct registry *r, struct function *f, struct alias *a);
/* An alias that points to the version; NULL: none does. */
struct alias *alias_of_version(const struct function *f, const char *number);

/* The registry's own: the number of the version that an invocation goes to. */
const char *alias_draw(const struct alias *a);
void alias_free(struct alias *a);
struct alias_row;
/* Between store_begin and store_commit. */
int alias_save(struct registry *r, const struct function *f, const struct alias *a);
/* As stored. 0, -EUCLEAN. */
int alias_load(struct function *f, const struct alias_row *row);
