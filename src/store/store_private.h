/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the store share; nobody else includes it. */
#pragma once
#include <sqlite3.h>

#include "store/store.h"

enum statement {
        SQL_BEGIN,
        SQL_COMMIT,
        SQL_ROLLBACK,
        SQL_PUT_FUNCTION,
        SQL_PUT_VERSION,
        SQL_DELETE_VERSION,
        SQL_DELETE_VERSIONS,
        SQL_DELETE_FUNCTION,
        SQL_ALL_FUNCTIONS,
        SQL_ALL_VERSIONS,
        SQL_NAMES_AFTER,
        SQL_NEXT_LAYER,
        SQL_RESERVE_LAYER,
        SQL_PUT_LAYER,
        SQL_DELETE_LAYER,
        SQL_LAYERS_AFTER,
        SQL_LAYER_VERSIONS,
        SQL_LAYER,
        SQL_LAYER_DIGESTS,
        SQL_PUT_DOCUMENT,
        SQL_GET_DOCUMENT,
        SQL_DELETE_DOCUMENT,
        SQL_DELETE_PART,
        SQL_DELETE_DOCUMENTS,
        SQL_PARTS_AFTER,
        SQL_OWNERS_AFTER,
        SQL_ALL_DOCUMENTS,
        SQL_PUT_ALIAS,
        SQL_DELETE_ALIAS,
        SQL_DELETE_ALIASES,
        SQL_ALL_ALIASES,
        STATEMENTS
};

struct store {
        sqlite3 *db;
        sqlite3_stmt *statements[STATEMENTS];
        char *path;
        int wal_pages;
};

/* SQLite's codes as errno. */
int store_errno(int code);
/* Binds by letters: t text or NULL, b text with a size_t length, i int64_t, d double. */
sqlite3_stmt *store_bind(struct store *s, enum statement statement, const char *letters, ...);
/* Runs a bound statement that has no rows of interest. 0 or -errno. */
int store_run(sqlite3_stmt *statement);
/* Steps to the next row: 1, 0 at the end, -errno. The statement is reset at the end and on failure. */
int store_next(sqlite3_stmt *statement);
/* Resets it before the end; answers r. */
int store_leave(sqlite3_stmt *statement, int r);
static inline const char *store_text(sqlite3_stmt *statement, int column) {
        return (const char *)sqlite3_column_text(statement, column);
}
