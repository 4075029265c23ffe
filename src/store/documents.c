/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_private.h"

int store_put_document(struct store *s, const struct document_row *row) {
        return store_run(store_bind(s, SQL_PUT_DOCUMENT, "ttittt", row->account, row->region,
                                    (int64_t)row->kind, row->owner, row->part, row->text));
}

int store_delete_document(struct store *s, const struct document_row *row) {
        return store_run(store_bind(s, SQL_DELETE_DOCUMENT, "ttitt", row->account, row->region,
                                    (int64_t)row->kind, row->owner, row->part));
}

int store_get_document(struct store *s, const struct document_row *row,
                       void (*visit)(void *owner, const char *text), void *owner) {
        sqlite3_stmt *stmt = store_bind(s, SQL_GET_DOCUMENT, "ttitt", row->account, row->region,
                                        (int64_t)row->kind, row->owner, row->part);
        int r = store_next(stmt);

        if (r <= 0)
                return r < 0 ? r : -ENOENT;
        visit(owner, store_text(stmt, 0));
        sqlite3_reset(stmt);
        return 0;
}

static int visit_documents(sqlite3_stmt *stmt, int kind,
                           bool (*visit)(void *owner, const struct document_row *row), void *owner) {
        int r;

        while ((r = store_next(stmt)) > 0) {
                const struct document_row row = {
                        .account = store_text(stmt, 0),
                        .region = store_text(stmt, 1),
                        .kind = kind,
                        .owner = store_text(stmt, 2),
                        .part = store_text(stmt, 3),
                        .text = store_text(stmt, 4),
                };

                if (!visit(owner, &row))
                        return store_leave(stmt, 0);
        }
        return r;
}

int store_each_document(struct store *s, const struct document_row *row, const char *after,
                        bool (*visit)(void *owner, const struct document_row *row), void *owner) {
        const char *from = after ? after : "";
        sqlite3_stmt *stmt = row->owner ? store_bind(s, SQL_PARTS_AFTER, "ttitt", row->account, row->region,
                                                     (int64_t)row->kind, row->owner, from)
                                        : store_bind(s, SQL_OWNERS_AFTER, "ttit", row->account, row->region,
                                                     (int64_t)row->kind, from);

        return visit_documents(stmt, row->kind, visit, owner);
}

int store_each_document_of(struct store *s, int kind,
                           bool (*visit)(void *owner, const struct document_row *row), void *owner) {
        return visit_documents(store_bind(s, SQL_ALL_DOCUMENTS, "i", (int64_t)kind), kind, visit, owner);
}
