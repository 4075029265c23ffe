/* SPDX-License-Identifier: Apache-2.0 */
/* scopes - groups of a directory that an older lambent wrote, when there were no scopes */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/log.h"
#include "logs/logs_private.h"

static char *read_bare(int dir, const char *folder) {
        int fd = openat(dir, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        DIR *entries = fd < 0 ? NULL : fdopendir(fd);
        char name[LOGS_NAME_MAX + 1];
        uint64_t created;
        bool found;

        if (!entries) {
                fd_close(fd);
                return NULL;
        }
        found = disk_read_name(entries, name, &created);
        closedir(entries);
        return found ? xstrdup(name) : NULL;
}

/* One rename: whoever is killed here has it in one place or the other. */
static int move(int dir, const char *from, const char *name) {
        AUTO(str) char *to = disk_folder(name), *above = xstrndup(to, strcspn(to, "/"));

        if (mkdirat(dir, above, 0700) < 0 && errno != EEXIST)
                return fault(-errno);
        if (renameat(dir, from, dir, to) == 0)
                return 0;
        /* It is there already: this one stays where nobody looks, and is not lost. */
        if (errno != ENOTEMPTY && errno != EEXIST)
                return fault(-errno);
        log_warn("logs group=%s stays in %s: there is another", name, from);
        return 0;
}

static int move_group(int dir, const char *folder, char *(*scope_of)(void *owner, const char *group),
                      void *owner) {
        AUTO(str) char *bare = read_bare(dir, folder), *scope = bare ? scope_of(owner, bare) : NULL;
        AUTO(str) char *name = scope ? xstrcat(scope, ":", bare, NULL) : NULL;

        return name ? move(dir, folder, name) : 0;
}

int logs_move_to_scopes(const char *dir, char *(*scope_of)(void *owner, const char *group), void *owner) {
        int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
        DIR *entries = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *entry;

        if (!entries) {
                r = -errno;
                fd_close(fd);
                return r == -ENOENT ? 0 : fault(r);
        }
        while (r == 0 && (entry = readdir(entries)))
                if (entry->d_name[0] != '@' && entry->d_name[0] != '.')
                        r = move_group(dirfd(entries), entry->d_name, scope_of, owner);
        closedir(entries);
        return r;
}
