/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_private.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

/* "lmbt": so that a data dir with a foreign file says what is wrong. */
#define APPLICATION_ID 0x6c6d6274
/* Pages in the WAL (4 KiB each) before a checkpoint is worth its reads and writes. */
#define CHECKPOINT_PAGES 1000

/* Append only: what has been released never changes. user_version counts how many were applied. */
static const char *const migrations[] = {
        /* 1: functions and layers */
        "CREATE TABLE functions ("
        " account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL,"
        " last_number INTEGER NOT NULL, tags TEXT,"
        " PRIMARY KEY (account, region, name)) WITHOUT ROWID;"
        "CREATE TABLE versions ("
        " account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL, number INTEGER NOT NULL,"
        " config TEXT NOT NULL, state INTEGER NOT NULL, state_reason TEXT, state_reason_code TEXT,"
        " update_status INTEGER NOT NULL, update_reason TEXT, update_reason_code TEXT,"
        " revision_id TEXT NOT NULL, last_modified INTEGER NOT NULL, fingerprint TEXT,"
        " PRIMARY KEY (account, region, name, number)) WITHOUT ROWID;"
        "CREATE TABLE layers ("
        " account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL, last_number INTEGER NOT NULL,"
        " PRIMARY KEY (account, region, name)) WITHOUT ROWID;"
        "CREATE TABLE layer_versions ("
        " account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL, number INTEGER NOT NULL,"
        " description TEXT NOT NULL, license TEXT, runtimes TEXT NOT NULL, architectures TEXT NOT NULL,"
        " sha256 TEXT NOT NULL, size INTEGER NOT NULL, unzipped INTEGER NOT NULL, created INTEGER NOT NULL,"
        " PRIMARY KEY (account, region, name, number)) WITHOUT ROWID;",
        /* aliases */
        "CREATE TABLE aliases ("
        " account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL, alias TEXT NOT NULL,"
        " version TEXT NOT NULL, description TEXT NOT NULL, other TEXT, weight REAL NOT NULL,"
        " revision_id TEXT NOT NULL,"
        " PRIMARY KEY (account, region, name, alias)) WITHOUT ROWID;",
        /* documents */
        "CREATE TABLE documents ("
        " account TEXT NOT NULL, region TEXT NOT NULL, kind INTEGER NOT NULL, owner TEXT NOT NULL, part TEXT NOT NULL,"
        " text TEXT NOT NULL,"
        " PRIMARY KEY (account, region, kind, owner, part)) WITHOUT ROWID;",
};

#define OWNER "account = ?1 AND region = ?2"

static const char *const sql[STATEMENTS] = {
        [SQL_BEGIN] = "BEGIN IMMEDIATE",
        [SQL_COMMIT] = "COMMIT",
        [SQL_ROLLBACK] = "ROLLBACK",
        [SQL_PUT_FUNCTION] = "INSERT INTO functions VALUES (?1, ?2, ?3, ?4, ?5)"
                             " ON CONFLICT DO UPDATE SET last_number = ?4, tags = ?5",
        [SQL_PUT_VERSION] = "INSERT OR REPLACE INTO versions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, "
                            "?10, ?11, ?12, ?13, ?14)",
        [SQL_DELETE_VERSION] = "DELETE FROM versions WHERE " OWNER " AND name = ?3 AND number = ?4",
        [SQL_DELETE_VERSIONS] = "DELETE FROM versions WHERE " OWNER " AND name = ?3",
        [SQL_DELETE_FUNCTION] = "DELETE FROM functions WHERE " OWNER " AND name = ?3",
        [SQL_ALL_FUNCTIONS] = "SELECT account, region, name, last_number, tags FROM functions",
        [SQL_ALL_VERSIONS] =
                "SELECT account, region, name, number, config, state, state_reason, state_reason_code, "
                "update_status,"
                " update_reason, update_reason_code, revision_id, last_modified, fingerprint FROM versions"
                " ORDER BY account, region, name, number",
        [SQL_NAMES_AFTER] = "SELECT name FROM functions WHERE " OWNER " AND name > ?3 ORDER BY name",
        [SQL_NEXT_LAYER] = "INSERT INTO layers VALUES (?1, ?2, ?3, 1)"
                           " ON CONFLICT DO UPDATE SET last_number = last_number + 1 RETURNING last_number",
        [SQL_RESERVE_LAYER] = "INSERT INTO layers VALUES (?1, ?2, ?3, ?4)"
                              " ON CONFLICT DO UPDATE SET last_number = max(last_number, ?4)",
        [SQL_PUT_LAYER] =
                "INSERT INTO layer_versions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        [SQL_DELETE_LAYER] = "DELETE FROM layer_versions WHERE " OWNER " AND name = ?3 AND number = ?4",
        [SQL_LAYERS_AFTER] =
                "SELECT * FROM layer_versions WHERE " OWNER " AND name > ?3 ORDER BY name, number DESC",
        [SQL_LAYER_VERSIONS] =
                "SELECT * FROM layer_versions WHERE " OWNER " AND name = ?3 ORDER BY number DESC",
        [SQL_LAYER] = "SELECT * FROM layer_versions WHERE " OWNER " AND name = ?3 AND number = ?4",
        [SQL_LAYER_DIGESTS] = "SELECT sha256 FROM layer_versions",
        [SQL_PUT_DOCUMENT] = "INSERT OR REPLACE INTO documents VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        [SQL_GET_DOCUMENT] =
                "SELECT text FROM documents WHERE " OWNER " AND kind = ?3 AND owner = ?4 AND part = ?5",
        [SQL_DELETE_DOCUMENT] =
                "DELETE FROM documents WHERE " OWNER " AND kind = ?3 AND owner = ?4 AND part = ?5",
        [SQL_DELETE_PART] =
                "DELETE FROM documents WHERE " OWNER " AND kind < ?3 AND owner = ?4 AND part = ?5",
        [SQL_DELETE_DOCUMENTS] = "DELETE FROM documents WHERE " OWNER " AND kind < ?3 AND owner = ?4",
        [SQL_PARTS_AFTER] = "SELECT account, region, owner, part, text FROM documents"
                            " WHERE " OWNER " AND kind = ?3 AND owner = ?4 AND part > ?5 ORDER BY part",
        [SQL_OWNERS_AFTER] = "SELECT account, region, owner, part, text FROM documents"
                             " WHERE " OWNER " AND kind = ?3 AND owner > ?4 ORDER BY owner, part",
        [SQL_ALL_DOCUMENTS] = "SELECT account, region, owner, part, text FROM documents WHERE kind = ?1",
        [SQL_PUT_ALIAS] = "INSERT OR REPLACE INTO aliases VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        [SQL_DELETE_ALIAS] = "DELETE FROM aliases WHERE " OWNER " AND name = ?3 AND alias = ?4",
        [SQL_DELETE_ALIASES] = "DELETE FROM aliases WHERE " OWNER " AND name = ?3",
        [SQL_ALL_ALIASES] = "SELECT * FROM aliases ORDER BY account, region, name, alias",
};

int store_errno(int code) {
        switch (code & 0xff) {
        case SQLITE_OK:
        case SQLITE_ROW:
        case SQLITE_DONE:
                return 0;
        case SQLITE_FULL:
                return -ENOSPC;
        case SQLITE_NOMEM:
                return -ENOMEM;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return -EBUSY;
        case SQLITE_READONLY:
                return -EROFS;
        case SQLITE_PERM:
        case SQLITE_AUTH:
        case SQLITE_CANTOPEN:
                return -EACCES;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
                return -EUCLEAN;
        default:
                return -EIO;
        }
}

sqlite3_stmt *store_bind(struct store *s, enum statement statement, const char *letters, ...) {
        sqlite3_stmt *stmt = s->statements[statement];
        const char *text;
        va_list ap;
        int i = 0, r = SQLITE_OK;

        va_start(ap, letters);
        for (const char *l = letters; *l && r == SQLITE_OK; l++) {
                i++;
                if (*l == 'i') {
                        r = sqlite3_bind_int64(stmt, i, va_arg(ap, int64_t));
                } else if (*l == 'd') {
                        r = sqlite3_bind_double(stmt, i, va_arg(ap, double));
                } else if (*l == 'b') {
                        text = va_arg(ap, const char *);
                        r = sqlite3_bind_text64(stmt, i, text, va_arg(ap, size_t), SQLITE_STATIC,
                                                SQLITE_UTF8);
                } else {
                        text = va_arg(ap, const char *);
                        r = text ? sqlite3_bind_text(stmt, i, text, -1, SQLITE_STATIC)
                                 : sqlite3_bind_null(stmt, i);
                }
        }
        va_end(ap);
        must(r == SQLITE_OK);
        return stmt;
}

int store_next(sqlite3_stmt *statement) {
        int r = sqlite3_step(statement);

        if (r == SQLITE_ROW)
                return 1;
        /* Reset at once: an open read transaction would keep the checkpoint from advancing. */
        sqlite3_reset(statement);
        return r == SQLITE_DONE ? 0 : fault(store_errno(r));
}

int store_leave(sqlite3_stmt *statement, int r) {
        sqlite3_reset(statement);
        return r;
}

int store_run(sqlite3_stmt *statement) {
        int r = store_next(statement);

        return r > 0 ? store_leave(statement, 0) : r;
}

static int on_wal(void *owner, sqlite3 *db, const char *name, int pages) {
        struct store *s = owner;

        s->wal_pages = pages;
        return SQLITE_OK;
}

static int read_number(sqlite3 *db, const char *question, int64_t *ret_number) {
        sqlite3_stmt *stmt = NULL;
        int r = sqlite3_prepare_v2(db, question, -1, &stmt, NULL);

        if (r == SQLITE_OK && (r = sqlite3_step(stmt)) == SQLITE_ROW) {
                *ret_number = sqlite3_column_int64(stmt, 0);
                r = SQLITE_OK;
        }
        sqlite3_finalize(stmt);
        return store_errno(r);
}

static int apply_migration(sqlite3 *db, size_t index) {
        char after[80];
        int r;

        snprintf(after, sizeof(after), "PRAGMA user_version = %zu; PRAGMA application_id = %d; COMMIT",
                 index + 1, APPLICATION_ID);
        r = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
        if (r == SQLITE_OK)
                r = sqlite3_exec(db, migrations[index], NULL, NULL, NULL);
        if (r == SQLITE_OK)
                r = sqlite3_exec(db, after, NULL, NULL, NULL);
        if (r != SQLITE_OK)
                sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
        return store_errno(r);
}

static int execute(sqlite3 *db, const char *text) {
        return store_errno(sqlite3_exec(db, text, NULL, NULL, NULL));
}

static int use_wal(sqlite3 *db) {
        return execute(db, "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0");
}

static int sync_normally(sqlite3 *db) {
        return execute(db, "PRAGMA synchronous = NORMAL");
}

/*
 * The making of a new database is not synced: it holds nothing yet, and six syncs are most of the time of a
 * first start. If the power fails then, an empty file is left, which SQLite takes for a new database.
 */
static int begin_journal(sqlite3 *db) {
        int64_t pages;
        int r = read_number(db, "PRAGMA page_count", &pages);

        if (!r)
                r = pages ? sync_normally(db) : execute(db, "PRAGMA synchronous = OFF");
        return r ? r : use_wal(db);
}

static int migrate(struct store *s, char **ret_problem) {
        int64_t version = 0, application = 0;
        int r;

        r = read_number(s->db, "PRAGMA user_version", &version);
        if (r == 0)
                r = read_number(s->db, "PRAGMA application_id", &application);
        if (r)
                return r;
        if (application != 0 && application != APPLICATION_ID) {
                *ret_problem = xasprintf("%s is a SQLite file of another program; choose another data dir.",
                                         s->path);
                return -EUCLEAN;
        }
        if ((uint64_t)version > ARRAY_SIZE(migrations)) {
                *ret_problem = xasprintf(
                        "%s was written by a newer lambent (schema %lld, this one knows up to %zu). "
                        "Use that lambent, or another data dir.",
                        s->path, (long long)version, ARRAY_SIZE(migrations));
                return -EPROTO;
        }
        r = begin_journal(s->db);
        for (size_t i = (size_t)version; !r && i < ARRAY_SIZE(migrations); i++)
                r = apply_migration(s->db, i);
        return r ? r : sync_normally(s->db);
}

static int prepare_statements(struct store *s) {
        for (size_t i = 0; i < STATEMENTS; i++) {
                int r = sqlite3_prepare_v3(s->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &s->statements[i],
                                           NULL);

                if (r != SQLITE_OK)
                        return store_errno(r);
        }
        return 0;
}

static int open_connection(const char *path, sqlite3 **ret_db) {
        int r = sqlite3_open_v2(path, ret_db,
                                SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);

        if (r != SQLITE_OK)
                return store_errno(r);
        sqlite3_busy_timeout(*ret_db, 2000);
        return 0;
}

/* Variables of functions are secrets, and the folder may be one that others can read. SQLite gives the files beside it
 * the same mode. What is wrong with the path SQLite will say better. */
static void keep_private(const char *path) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

        if (fd >= 0)
                fchmod(fd, 0600);
        fd_close(fd);
}

int store_open(const char *path, struct store **ret_store, char **ret_problem) {
        struct store *s = xcalloc(1, sizeof(*s));
        char *problem = NULL;
        int r;

        s->path = xstrdup(path);
        keep_private(path);
        r = open_connection(path, &s->db);
        if (r == 0)
                r = migrate(s, &problem);
        if (r == 0)
                r = prepare_statements(s);
        if (r) {
                if (!problem)
                        problem = xasprintf("%s cannot be used: %s (%s).", path, sqlite3_errmsg(s->db),
                                            strerror(-r));
                if (ret_problem)
                        *ret_problem = TAKE(problem);
                free(problem);
                store_free(s);
                return fault(r);
        }
        sqlite3_wal_hook(s->db, on_wal, s);
        *ret_store = s;
        return 0;
}

void store_free(struct store *s) {
        if (!s)
                return;
        for (size_t i = 0; i < STATEMENTS; i++)
                sqlite3_finalize(s->statements[i]);
        sqlite3_close(s->db);
        free(s->path);
        free(s);
}

int store_begin(struct store *s) {
        return store_run(s->statements[SQL_BEGIN]);
}

int store_commit(struct store *s) {
        return store_run(s->statements[SQL_COMMIT]);
}

void store_rollback(struct store *s) {
        /* Some failures (a full disk) roll back by themselves. */
        if (!sqlite3_get_autocommit(s->db))
                store_run(s->statements[SQL_ROLLBACK]);
}

bool store_wants_checkpoint(const struct store *s) {
        return s->wal_pages >= CHECKPOINT_PAGES;
}

const char *store_path(const struct store *s) {
        return s->path;
}

int store_checkpoint(const char *path) {
        sqlite3 *db = NULL;
        int r = open_connection(path, &db);

        if (r == 0)
                r = sync_normally(db);
        if (r == 0)
                r = use_wal(db);
        if (r == 0)
                r = store_errno(sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL));
        sqlite3_close(db);
        return r;
}
