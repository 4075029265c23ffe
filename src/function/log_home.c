/* SPDX-License-Identifier: Apache-2.0 */
/* log_home - whose a log group is, of those that an older lambent kept by name alone */
#include "function/document.h"
#include "function/registry_private.h"

#define LAMBDA_GROUPS "/aws/lambda/"

struct home {
        const char *group;
        char **account, **region;
};

static bool logs_to(const struct function *f, const char *group) {
        const char *own = f->latest->config.log_group;

        if (own)
                return streq(own, group);
        return str_starts(group, LAMBDA_GROUPS) && streq(group + strlen(LAMBDA_GROUPS), f->name);
}

static bool note_document(void *owner, const struct document_row *row) {
        struct home *home = owner;

        if (!streq(row->owner, home->group))
                return true;
        *home->account = xstrdup(row->account);
        *home->region = xstrdup(row->region);
        return false;
}

int registry_log_home(struct registry *r, const char *group, char **ret_account, char **ret_region) {
        struct home home = { group, ret_account, ret_region };

        for (struct map_node *node = NULL; (node = map_next(&r->functions, node));) {
                const struct function *f = map_entry(node, struct function, node);

                if (!logs_to(f, group))
                        continue;
                *ret_account = xstrdup(f->account);
                *ret_region = xstrdup(f->region);
                return 0;
        }
        return store_each_document_of(r->store, DOCUMENT_LOG_GROUP, note_document, &home);
}
