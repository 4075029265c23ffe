/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/native/family.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

static size_t add_children_of_thread(const char *path, pid_t *family, size_t count) {
        FILE *file = fopen(path, "re");
        int child;

        while (file && count < FAMILY_MAX && fscanf(file, "%d", &child) == 1)
                family[count++] = child;
        if (file)
                fclose(file);
        return count;
}

size_t family_add_children(pid_t pid, pid_t *family, size_t count) {
        struct dirent *entry;
        char path[96];
        DIR *tasks;

        snprintf(path, sizeof(path), "/proc/%d/task", pid);
        tasks = opendir(path);
        while (tasks && (entry = readdir(tasks))) {
                if (entry->d_name[0] == '.')
                        continue;
                snprintf(path, sizeof(path), "/proc/%d/task/%.16s/children", pid, entry->d_name);
                count = add_children_of_thread(path, family, count);
        }
        if (tasks)
                closedir(tasks);
        return count;
}

size_t family_add_descendants(pid_t *family, size_t count) {
        for (size_t i = 0; i < count; ++i)
                count = family_add_children(family[i], family, count);
        return count;
}

size_t family_find(pid_t pid, pid_t family[static FAMILY_MAX]) {
        return family_add_descendants(family, family_add_children(pid, family, 0));
}
