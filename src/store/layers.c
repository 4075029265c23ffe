/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_private.h"

int store_next_layer_number(struct store *s, const char *account, const char *region, const char *name,
                            uint64_t *ret_number) {
        sqlite3_stmt *stmt = store_bind(s, SQL_NEXT_LAYER, "ttt", account, region, name);
        int r = store_next(stmt);

        if (r < 0)
                return r;
        must(r == 1);
        *ret_number = (uint64_t)sqlite3_column_int64(stmt, 0);
        sqlite3_reset(stmt);
        return 0;
}

int store_reserve_layer_number(struct store *s, const char *account, const char *region, const char *name,
                               uint64_t number) {
        return store_run(store_bind(s, SQL_RESERVE_LAYER, "ttti", account, region, name, (int64_t)number));
}

int store_put_layer(struct store *s, const struct layer_row *row) {
        return store_run(store_bind(s, SQL_PUT_LAYER, "tttitttttiii", row->account, row->region, row->name,
                                    (int64_t)row->number, row->description, row->license, row->runtimes,
                                    row->architectures, row->sha256, (int64_t)row->size,
                                    (int64_t)row->unzipped, (int64_t)row->created));
}

int store_delete_layer(struct store *s, const char *account, const char *region, const char *name,
                       uint64_t number) {
        return store_run(store_bind(s, SQL_DELETE_LAYER, "ttti", account, region, name, (int64_t)number));
}

static struct layer_row read_layer(sqlite3_stmt *stmt) {
        return (struct layer_row){
                .account = store_text(stmt, 0),
                .region = store_text(stmt, 1),
                .name = store_text(stmt, 2),
                .number = (uint64_t)sqlite3_column_int64(stmt, 3),
                .description = store_text(stmt, 4),
                .license = store_text(stmt, 5),
                .runtimes = store_text(stmt, 6),
                .architectures = store_text(stmt, 7),
                .sha256 = store_text(stmt, 8),
                .size = (uint64_t)sqlite3_column_int64(stmt, 9),
                .unzipped = (uint64_t)sqlite3_column_int64(stmt, 10),
                .created = (uint64_t)sqlite3_column_int64(stmt, 11),
        };
}

int store_each_layer(struct store *s, const char *account, const char *region, const char *name,
                     const char *after, bool (*visit)(void *owner, const struct layer_row *row),
                     void *owner) {
        sqlite3_stmt *stmt =
                name ? store_bind(s, SQL_LAYER_VERSIONS, "ttt", account, region, name)
                     : store_bind(s, SQL_LAYERS_AFTER, "ttt", account, region, after ? after : "");
        int r;

        while ((r = store_next(stmt)) > 0) {
                const struct layer_row row = read_layer(stmt);

                if (!visit(owner, &row))
                        return store_leave(stmt, 0);
        }
        return r;
}

int store_each_layer_digest(struct store *s, int (*visit)(void *owner, const char *sha256), void *owner) {
        sqlite3_stmt *stmt = s->statements[SQL_LAYER_DIGESTS];
        int r;

        while ((r = store_next(stmt)) > 0) {
                r = visit(owner, store_text(stmt, 0));
                if (r)
                        return store_leave(stmt, r);
        }
        return r;
}

int store_get_layer(struct store *s, const char *account, const char *region, const char *name,
                    uint64_t number, void (*visit)(void *owner, const struct layer_row *row), void *owner) {
        sqlite3_stmt *stmt = store_bind(s, SQL_LAYER, "ttti", account, region, name, (int64_t)number);
        struct layer_row row;
        int r = store_next(stmt);

        if (r < 0)
                return r;
        if (r == 0)
                return -ENOENT;
        row = read_layer(stmt);
        visit(owner, &row);
        sqlite3_reset(stmt);
        return 0;
}
