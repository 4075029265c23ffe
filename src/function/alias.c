/* SPDX-License-Identifier: Apache-2.0 */
#include "function/alias.h"

#include "function/provisioned.h"
#include "function/registry_private.h"

void alias_free(struct alias *a) {
        if (!a)
                return;
        list_unlink(&a->link);
        free(a->name);
        free(a->description);
        free(a->version);
        free(a->other);
        free(a);
}

struct alias *function_alias(const struct function *f, const char *name) {
        struct alias *a;

        list_each(a, &f->aliases, link)
                if (streq(a->name, name))
                        return a;
        return NULL;
}

struct alias *alias_of_version(const struct function *f, const char *number) {
        struct alias *a;

        list_each(a, &f->aliases, link)
                if (streq(a->version, number) || (a->other && streq(a->other, number)))
                        return a;
        return NULL;
}

const char *alias_draw(const struct alias *a) {
        uint32_t drawn;

        if (!a->other)
                return a->version;
        random_bytes(&drawn, sizeof(drawn));
        return drawn < a->weight * 4294967296.0 ? a->other : a->version;
}

static void set_text(char **text, const char *value) {
        char *copy = value ? xstrdup(value) : NULL; /* value may be what is replaced */

        free(*text);
        *text = copy;
}

static struct alias *alias_new(const char *name) {
        struct alias *a = xcalloc(1, sizeof(*a));

        list_init(&a->link);
        a->name = xstrdup(name);
        a->description = xstrdup("");
        return a;
}

static void insert_by_name(struct function *f, struct alias *a) {
        struct alias *at;

        list_each(at, &f->aliases, link) {
                if (strcmp(at->name, a->name) > 0) {
                        list_push_back(&at->link, &a->link); /* before it */
                        return;
                }
        }
        list_push_back(&f->aliases, &a->link);
}

/* What the alias would be. */
static struct alias *changed(const struct alias *a, const struct alias_change *change) {
        struct alias *after = alias_new(a->name);

        set_text(&after->description, change->description ? change->description : a->description);
        set_text(&after->version, change->version ? change->version : a->version);
        set_text(&after->other, change->routed ? change->other : a->other);
        after->weight = change->routed ? change->weight : a->weight;
        random_uuid(after->revision_id);
        return after;
}

static int check(const struct function *f, const struct alias *a, const struct alias_change *change,
                 const char **ret_version) {
        /* A number, or $LATEST: neither can be an alias. */
        if (!function_version(f, a->version)) {
                *ret_version = change->version ? change->version : "";
                return ALIAS_NO_VERSION;
        }
        if (!a->other)
                return 0;
        if (streq(a->version, "$LATEST"))
                return ALIAS_LATEST_WITH_OTHER;
        if (streq(a->version, a->other))
                return ALIAS_SAME_VERSION;
        if (!function_version(f, a->other)) {
                *ret_version = change->other;
                return ALIAS_NO_VERSION;
        }
        return 0;
}

int alias_save(struct registry *r, const struct function *f, const struct alias *a) {
        return store_put_alias(r->store, &(struct alias_row){ .account = f->account,
                                                              .region = f->region,
                                                              .name = f->name,
                                                              .alias = a->name,
                                                              .version = a->version,
                                                              .description = a->description,
                                                              .other = a->other,
                                                              .weight = a->weight,
                                                              .revision_id = a->revision_id });
}

static int save(struct registry *r, const struct function *f, const struct alias *a) {
        int result = store_begin(r->store);

        if (result == 0)
                result = alias_save(r, f, a);
        if (result == 0)
                result = registry_commit(r);
        if (result)
                store_rollback(r->store);
        return result;
}

int alias_create(struct registry *r, struct function *f, const char *name, const struct alias_change *change,
                 struct alias **ret_alias, const char **ret_version) {
        struct alias *before, *a;
        int result;

        if (function_alias(f, name))
                return ALIAS_EXISTS;
        before = alias_new(name);
        a = changed(before, change);
        alias_free(before);
        result = check(f, a, change, ret_version);
        if (result == 0)
                result = save(r, f, a);
        if (result) {
                alias_free(a);
                return result < 0 ? fault(result) : result;
        }
        insert_by_name(f, a);
        *ret_alias = a;
        return 0;
}

int alias_update(struct registry *r, struct function *f, struct alias *a, const struct alias_change *change,
                 const char **ret_version) {
        struct alias *after = changed(a, change);
        int result = check(f, after, change, ret_version);

        if (result == 0)
                result = save(r, f, after);
        if (result == 0) {
                set_text(&a->description, after->description);
                set_text(&a->version, after->version);
                set_text(&a->other, after->other);
                a->weight = after->weight;
                memcpy(a->revision_id, after->revision_id, sizeof(a->revision_id));
                result = provisioned_apply(r, f);
        }
        alias_free(after);
        return result < 0 ? fault(result) : result;
}

int alias_delete(struct registry *r, struct function *f, struct alias *a) {
        int result = store_begin(r->store);

        if (result == 0)
                result = store_delete_alias(r->store, f->account, f->region, f->name, a->name);
        if (result == 0)
                result = registry_commit(r);
        if (result) {
                store_rollback(r->store);
                return fault(result);
        }
        alias_free(a);
        return provisioned_apply(r, f);
}

int alias_load(struct function *f, const struct alias_row *row) {
        struct alias *a;

        if (strlen(row->revision_id) != UUID_LEN)
                return fault(-EUCLEAN);
        a = alias_new(row->alias);
        set_text(&a->description, row->description);
        set_text(&a->version, row->version);
        set_text(&a->other, row->other);
        a->weight = row->weight;
        memcpy(a->revision_id, row->revision_id, sizeof(a->revision_id));
        list_push_back(&f->aliases, &a->link);
        return 0;
}
