/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_private.h"

int store_put_alias(struct store *s, const struct alias_row *row) {
        return store_run(store_bind(s, SQL_PUT_ALIAS, "tttttttdt", row->account, row->region, row->name,
                                    row->alias, row->version, row->description, row->other, row->weight,
                                    row->revision_id));
}

int store_delete_alias(struct store *s, const char *account, const char *region, const char *name,
                       const char *alias) {
        int r = store_run(store_bind(s, SQL_DELETE_ALIAS, "tttt", account, region, name, alias));

        return r ? r
                 : store_run(store_bind(s, SQL_DELETE_PART, "ttitt", account, region, (int64_t)STORE_OWNED,
                                        name, alias));
}

struct walk {
        int (*visit)(void *owner, const struct alias_row *row);
        void *owner;
};

static int read_alias(void *context, sqlite3_stmt *stmt) {
        const struct alias_row row = {
                .account = store_text(stmt, 0),
                .region = store_text(stmt, 1),
                .name = store_text(stmt, 2),
                .alias = store_text(stmt, 3),
                .version = store_text(stmt, 4),
                .description = store_text(stmt, 5),
                .other = store_text(stmt, 6),
                .weight = sqlite3_column_double(stmt, 7),
                .revision_id = store_text(stmt, 8),
        };
        const struct walk *walk = context;

        return walk->visit(walk->owner, &row);
}

int store_each_alias(struct store *s, int (*visit)(void *owner, const struct alias_row *row), void *owner) {
        return store_walk(s->statements[SQL_ALL_ALIASES], read_alias, &(struct walk){ visit, owner });
}
