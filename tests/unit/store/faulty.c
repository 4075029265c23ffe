/* SPDX-License-Identifier: Apache-2.0 */
#include "faulty.h"

#include <sqlite3.h>
#include <string.h>

struct faulty_file {
        sqlite3_file base;
        sqlite3_file *real; /* behind this struct */
};

static sqlite3_vfs *below;
static sqlite3_vfs faulty;
static unsigned countdown;
static int failed;

static sqlite3_file *real_of(sqlite3_file *f) {
        return ((struct faulty_file *)f)->real;
}

/* The WAL's index is memory shared through a file; only what reaches the disk fails. */
static int due(void) {
        if (countdown == 0)
                return 0;
        if (countdown > 1) {
                countdown--;
                return 0;
        }
        failed = 1;
        return 1;
}

static int f_close(sqlite3_file *f) {
        return real_of(f)->pMethods->xClose(real_of(f));
}
static int f_read(sqlite3_file *f, void *data, int n, sqlite3_int64 at) {
        return real_of(f)->pMethods->xRead(real_of(f), data, n, at);
}
static int f_write(sqlite3_file *f, const void *data, int n, sqlite3_int64 at) {
        return due() ? SQLITE_FULL : real_of(f)->pMethods->xWrite(real_of(f), data, n, at);
}
static int f_truncate(sqlite3_file *f, sqlite3_int64 size) {
        return due() ? SQLITE_IOERR_TRUNCATE : real_of(f)->pMethods->xTruncate(real_of(f), size);
}
static int f_sync(sqlite3_file *f, int flags) {
        return due() ? SQLITE_IOERR_FSYNC : real_of(f)->pMethods->xSync(real_of(f), flags);
}
static int f_size(sqlite3_file *f, sqlite3_int64 *size) {
        return real_of(f)->pMethods->xFileSize(real_of(f), size);
}
static int f_lock(sqlite3_file *f, int lock) {
        return real_of(f)->pMethods->xLock(real_of(f), lock);
}
static int f_unlock(sqlite3_file *f, int lock) {
        return real_of(f)->pMethods->xUnlock(real_of(f), lock);
}
static int f_reserved(sqlite3_file *f, int *out) {
        return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}
static int f_control(sqlite3_file *f, int op, void *arg) {
        return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}
static int f_sector(sqlite3_file *f) {
        return real_of(f)->pMethods->xSectorSize(real_of(f));
}
static int f_traits(sqlite3_file *f) {
        return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}
static int f_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out) {
        return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, out);
}
static int f_shm_lock(sqlite3_file *f, int offset, int n, int flags) {
        return real_of(f)->pMethods->xShmLock(real_of(f), offset, n, flags);
}
static void f_shm_barrier(sqlite3_file *f) {
        real_of(f)->pMethods->xShmBarrier(real_of(f));
}
static int f_shm_unmap(sqlite3_file *f, int remove) {
        return real_of(f)->pMethods->xShmUnmap(real_of(f), remove);
}

static const sqlite3_io_methods methods = {
        2,        f_close,   f_read,     f_write,       f_truncate,  f_sync,
        f_size,   f_lock,    f_unlock,   f_reserved,    f_control,   f_sector,
        f_traits, f_shm_map, f_shm_lock, f_shm_barrier, f_shm_unmap,
};

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out) {
        struct faulty_file *file = (struct faulty_file *)f;
        int r;

        file->real = (sqlite3_file *)(file + 1);
        r = below->xOpen(below, name, file->real, flags, out);
        file->base.pMethods = r == SQLITE_OK ? &methods : NULL;
        return r;
}

void faulty_install(void) {
        if (below)
                return;
        below = sqlite3_vfs_find(NULL);
        faulty = *below;
        faulty.zName = "faulty";
        faulty.szOsFile = (int)sizeof(struct faulty_file) + below->szOsFile;
        faulty.xOpen = open_file;
        sqlite3_vfs_register(&faulty, 1);
}

void faulty_fail_at(unsigned n) {
        countdown = n;
        failed = 0;
}

int faulty_has_failed(void) {
        return failed;
}
