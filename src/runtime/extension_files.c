/* SPDX-License-Identifier: Apache-2.0 */
/* What a merged /opt says about extensions; its owner is the function's author, so links are not followed. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "runtime/extensions.h"

#define FILES_MAX (EXTENSIONS_MAX + 1)

static bool is_folder(int dir_fd, const struct dirent *entry) {
        struct stat st;

        if (entry->d_type != DT_UNKNOWN)
                return entry->d_type == DT_DIR;
        return fstatat(dir_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISDIR(st.st_mode);
}

/* Keeps the first FILES_MAX of all names in their order, however many there are. */
static void keep_sorted(char **names, size_t *count, const char *name) {
        size_t at = *count;

        while (at && strcmp(names[at - 1], name) > 0)
                --at;
        if (at == FILES_MAX)
                return;
        if (*count == FILES_MAX)
                free(names[--*count]);
        memmove(names + at + 1, names + at, (*count - at) * sizeof(*names));
        names[at] = xstrdup(name);
        ++*count;
}

char **extension_files(const char *opt_dir) {
        AUTO(str) char *path = xasprintf("%s/extensions", opt_dir);
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *entry;
        size_t count = 0;
        char **names;

        if (!dir) {
                fd_close(fd);
                return NULL;
        }
        names = xcalloc(FILES_MAX + 1, sizeof(*names));
        while ((entry = readdir(dir)))
                if (!is_folder(fd, entry))
                        keep_sorted(names, &count, entry->d_name);
        closedir(dir);
        if (count) {
                names[count] = NULL;
                return names;
        }
        free(names);
        return NULL;
}

void extension_files_free(char **names) {
        for (char **at = names; at && *at; ++at)
                free(*at);
        free(names);
}

bool extension_files_disabled(const char *opt_dir) {
        AUTO(str) char *path = xasprintf("%s/disable-extensions-jwigqn8j", opt_dir);

        return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}
