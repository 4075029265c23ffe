/* SPDX-License-Identifier: Apache-2.0 */
#include "archive/beneath.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/util.h"

static bool openat2_is_missing;

/* Walks to the last component without passing a link; a descriptor of its directory and its name. */
static int walk(int root, const char *name, const char **ret_leaf) {
        int at = fcntl(root, F_DUPFD_CLOEXEC, 3);

        for (; at >= 0;) {
                size_t n = strcspn(name, "/");
                char part[NAME_MAX + 1];
                int next;

                if (!name[n])
                        break;
                if (n > NAME_MAX) {
                        fd_close(at);
                        return -ENAMETOOLONG;
                }
                memcpy(part, name, n);
                part[n] = 0;
                next = openat(at, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                fd_close(at);
                at = next;
                name += n + 1;
        }
        *ret_leaf = name;
        return at < 0 ? -errno : at;
}

static int open_stepwise(int root, const char *name, int flags, mode_t mode) {
        const char *leaf;
        AUTO(fd) int at = walk(root, name, &leaf);
        int fd;

        if (at < 0)
                return at;
        fd = openat(at, leaf, flags | O_NOFOLLOW | O_CLOEXEC, mode);
        return fd < 0 ? -errno : fd;
}

static int open_beneath(int root, const char *name, int flags, mode_t mode) {
        struct open_how how = {
                .flags = (uint64_t)flags | O_CLOEXEC,
                .mode = flags & O_CREAT ? mode : 0,
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
        };
        long fd;

        if (openat2_is_missing)
                return open_stepwise(root, name, flags, mode);
        fd = syscall(SYS_openat2, root, name, &how, sizeof(how));
        if (fd >= 0)
                return (int)fd;
        if (errno != ENOSYS && errno != EPERM)
                return -errno;
        openat2_is_missing = true;
        return open_stepwise(root, name, flags, mode);
}

int beneath_create(int root, const char *name, mode_t mode) {
        return open_beneath(root, name, O_CREAT | O_EXCL | O_WRONLY, mode);
}

int beneath_open_directory(int root, const char *name) {
        return open_beneath(root, name, O_RDONLY | O_DIRECTORY, 0);
}

static int make_one(int root, const char *name) {
        AUTO(fd) int fd = -1;

        if (mkdirat(root, name, 0755) == 0)
                return 0;
        if (errno != EEXIST)
                return -errno;
        fd = beneath_open_directory(root, name);
        return fd < 0 ? fd : 0;
}

int beneath_mkdirs(int root, const char *name) {
        int r;

        r = make_one(root, name);
        if (r != -ENOENT)
                return r;
        r = beneath_make_parents(root, name);
        return r ? r : make_one(root, name);
}

int beneath_make_parents(int root, const char *name) {
        const char *slash = strrchr(name, '/');
        AUTO(str) char *parent = NULL;

        if (!slash)
                return 0;
        parent = xstrndup(name, (size_t)(slash - name));
        return beneath_mkdirs(root, parent);
}

int beneath_symlink(int root, const char *name, const char *target) {
        const char *leaf = strrchr(name, '/');
        AUTO(str) char *parent = leaf ? xstrndup(name, (size_t)(leaf - name)) : NULL;
        AUTO(fd) int fd = -1;
        int at = root;

        leaf = leaf ? leaf + 1 : name;
        if (parent) {
                fd = beneath_open_directory(root, parent);
                if (fd < 0)
                        return fd;
                at = fd;
        }
        if (symlinkat(target, at, leaf) == 0)
                return 0;
        if (errno != EEXIST)
                return -errno;
        if (unlinkat(at, leaf, 0) < 0)
                return -errno;
        return symlinkat(target, at, leaf) < 0 ? -errno : 0;
}
