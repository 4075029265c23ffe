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

int store_each_alias(struct store *s, int (*visit)(void *owner, const struct alias_row *row), void *owner) {
        sqlite3_stmt *stmt = s->statements[SQL_ALL_ALIASES];
        int r;

        while ((r = store_next(stmt)) > 0) {
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

                r = visit(owner, &row);
                if (r)
                        return store_leave(stmt, r);
        }
        return r;
}
