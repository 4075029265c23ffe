/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_private.h"

#include <stdio.h>

int store_put_function(struct store *s, const struct function_row *row) {
        return store_run(store_bind(s, SQL_PUT_FUNCTION, "tttit", row->account, row->region, row->name,
                                    (int64_t)row->last_number, row->tags));
}

int store_put_version(struct store *s, const struct version_row *row) {
        return store_run(store_bind(s, SQL_PUT_VERSION, "tttibittitttit", row->account, row->region,
                                    row->name, row->number, row->config, row->config_len, (int64_t)row->state,
                                    row->state_reason, row->state_reason_code, (int64_t)row->update,
                                    row->update_reason, row->update_reason_code, row->revision_id,
                                    (int64_t)row->last_modified, row->fingerprint));
}

int store_delete_version(struct store *s, const char *account, const char *region, const char *name,
                         int64_t number) {
        char part[24] = "$LATEST.PUBLISHED";
        int r = store_run(store_bind(s, SQL_DELETE_VERSION, "ttti", account, region, name, number));

        if (r || number == 0 || number == STORE_SERVING)
                return r;
        if (number != STORE_LATEST_PUBLISHED)
                snprintf(part, sizeof(part), "%lld", (long long)number);
        return store_run(
                store_bind(s, SQL_DELETE_PART, "ttitt", account, region, (int64_t)STORE_OWNED, name, part));
}

int store_delete_function(struct store *s, const char *account, const char *region, const char *name) {
        static const enum statement parts[] = { SQL_DELETE_ALIASES, SQL_DELETE_VERSIONS,
                                                SQL_DELETE_FUNCTION };
        int r = store_run(
                store_bind(s, SQL_DELETE_DOCUMENTS, "ttit", account, region, (int64_t)STORE_OWNED, name));

        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(parts); i++)
                r = store_run(store_bind(s, parts[i], "ttt", account, region, name));
        return r;
}

int store_each_function(struct store *s, int (*visit)(void *owner, const struct function_row *row),
                        void *owner) {
        sqlite3_stmt *stmt = s->statements[SQL_ALL_FUNCTIONS];
        int r;

        while ((r = store_next(stmt)) > 0) {
                const struct function_row row = {
                        .account = store_text(stmt, 0),
                        .region = store_text(stmt, 1),
                        .name = store_text(stmt, 2),
                        .last_number = (uint64_t)sqlite3_column_int64(stmt, 3),
                        .tags = store_text(stmt, 4),
                };

                r = visit(owner, &row);
                if (r)
                        return store_leave(stmt, r);
        }
        return r;
}

int store_each_version(struct store *s, int (*visit)(void *owner, const struct version_row *row),
                       void *owner) {
        sqlite3_stmt *stmt = s->statements[SQL_ALL_VERSIONS];
        int r;

        while ((r = store_next(stmt)) > 0) {
                const struct version_row row = {
                        .account = store_text(stmt, 0),
                        .region = store_text(stmt, 1),
                        .name = store_text(stmt, 2),
                        .number = sqlite3_column_int64(stmt, 3),
                        .config = store_text(stmt, 4),
                        .config_len = (size_t)sqlite3_column_bytes(stmt, 4),
                        .state = sqlite3_column_int(stmt, 5),
                        .state_reason = store_text(stmt, 6),
                        .state_reason_code = store_text(stmt, 7),
                        .update = sqlite3_column_int(stmt, 8),
                        .update_reason = store_text(stmt, 9),
                        .update_reason_code = store_text(stmt, 10),
                        .revision_id = store_text(stmt, 11),
                        .last_modified = (uint64_t)sqlite3_column_int64(stmt, 12),
                        .fingerprint = store_text(stmt, 13),
                };

                r = visit(owner, &row);
                if (r)
                        return store_leave(stmt, r);
        }
        return r;
}

int store_each_name(struct store *s, const char *account, const char *region, const char *after,
                    bool (*visit)(void *owner, const char *name), void *owner) {
        sqlite3_stmt *stmt = store_bind(s, SQL_NAMES_AFTER, "ttt", account, region, after ? after : "");
        int r;

        while ((r = store_next(stmt)) > 0)
                if (!visit(owner, store_text(stmt, 0)))
                        return store_leave(stmt, 0);
        return r;
}
