/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root file system of one cell. root_prepare does what needs no knowledge of the function and may be done
 * ahead; root_open adds code, layers and /tmp, and then leaves the host behind.
 *
 * The working directory is the root of the skeleton all the time, so "proc" is the environment's /proc and
 * "/" is still the host's; ".." is the state directory.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>

#include "sandbox/native/kernel.h"
#include "sandbox/native/launcher.h"

#define READ_ONLY (K_ATTR_RDONLY | K_ATTR_NOSUID | K_ATTR_NODEV)

/* A namespace of less privilege than its parent gets the parent's mounts locked together, and a locked mount
 * cannot become the root: so the skeleton is bound over itself, which gives a top mount of our own. */
static int unlock_root(void) {
        int tree = k_open_tree(AT_FDCWD, ".", K_OPEN_TREE_CLONE | K_AT_RECURSIVE), r;

        if (tree < 0)
                return tree;
        r = k_move_mount(tree, AT_FDCWD, ".");
        if (!r && fchdir(tree) < 0)
                r = -errno;
        fd_close(tree);
        return r;
}

static int map_ids(void) {
        char map[32];
        int r = write_file("/proc/self/setgroups", "deny");

        snprintf(map, sizeof(map), "%d %d 1", SANDBOX_UID, SANDBOX_UID);
        r = r ?: write_file("/proc/self/uid_map", map);
        snprintf(map, sizeof(map), "%d %d 1", SANDBOX_GID, SANDBOX_GID);
        return r ?: write_file("/proc/self/gid_map", map);
}

static int mount_proc(void) {
        int r = k_mount("proc", "proc", "proc", K_MS_NOSUID | K_MS_NODEV | K_MS_NOEXEC, NULL);

        /* Inside a container parts of /proc are masked, and the kernel then refuses a fresh one. */
        if (r == -EPERM)
                r = bind_tree("/proc", "proc", K_ATTR_NOSUID | K_ATTR_NODEV | K_ATTR_NOEXEC);
        return r;
}

static int bind_slot_file(const struct cell *cell, const char *name) {
        char source[64], target[32];

        snprintf(source, sizeof(source), "../" SLOTS_DIR "/%s.%zu", name, cell->slot);
        snprintf(target, sizeof(target), "etc/%s", name);
        return bind_tree(source, target, READ_ONLY | K_ATTR_NOEXEC);
}

int root_prepare(struct cell *cell) {
        int r = 0;

        if (cell->launcher->tier == 3)
                return 0;
        if (cell->launcher->tier == 2) {
                r = cell_step(cell, "map user ids", map_ids());
                r = r ?: cell_step(cell, "bind the root file system", unlock_root());
        }
        r = r ?: cell_step(cell, "mount /proc", mount_proc());
        if (!r && cell->launcher->tier == 1) {
                r = cell_step(cell, "bind /etc/passwd", bind_slot_file(cell, "passwd"));
                r = r ?: cell_step(cell, "bind /etc/group", bind_slot_file(cell, "group"));
        }
        return r ?: cell_step(cell, "set the host name", k_sethostname("lambda"));
}

/* Binds a directory that the daemon names and shows: the descriptor proves that the daemon itself may reach
 * it, whatever we may. */
static int bind_shown(const char *path, int shown, const char *target) {
        struct k_mount_attr attr = { .attr_set = READ_ONLY, .propagation = K_MS_PRIVATE };
        struct stat here, there;
        int tree = k_open_tree(AT_FDCWD, path, K_OPEN_TREE_CLONE | K_AT_RECURSIVE), r = 0;

        if (tree < 0)
                return tree;
        if (fstat(tree, &here) < 0 || fstat(shown, &there) < 0)
                r = -errno;
        else if (here.st_dev != there.st_dev || here.st_ino != there.st_ino)
                r = -EXDEV;
        r = r ?: k_mount_setattr(tree, "", AT_EMPTY_PATH | K_AT_RECURSIVE, &attr);
        r = r ?: k_move_mount(tree, AT_FDCWD, target);
        fd_close(tree);
        return r;
}

static bool leads_up(const char *path) {
        return streq(path, "..") || str_starts(path, "../") || strstr(path, "/../") ||
               (strlen(path) >= 3 && streq(path + strlen(path) - 3, "/.."));
}

/* Makes the directories above and at an absolute path inside the skeleton. Other cells see them too, empty.
 */
static int make_path(char *path) {
        for (char *p = strchr(path, '/'); p; p = strchr(p + 1, '/')) {
                *p = '\0';
                if (mkdir(path, 0755) < 0 && errno != EEXIST)
                        return -errno;
                *p = '/';
        }
        return mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int mount_tmp(const struct cell *cell, uint64_t size) {
        char data[96];

        snprintf(data, sizeof(data), "mode=0700,uid=%u,gid=%u,size=%llu", cell->uid, cell->gid,
                 (unsigned long long)size);
        return k_mount("tmp", "tmp", "tmpfs", K_MS_NOSUID | K_MS_NODEV, data);
}

static int leave_host(void) {
        struct k_mount_attr attr = { .attr_set = K_ATTR_RDONLY | K_ATTR_NOSUID | K_ATTR_NODEV };
        int r = k_mount_setattr(AT_FDCWD, ".", 0, &attr);

        r = r ?: k_pivot_root(".", ".");
        r = r ?: k_umount(".", K_MNT_DETACH);
        return r ?: (chdir("/") < 0 ? -errno : 0);
}

int root_open(struct cell *cell, const struct wire_in *in) {
        enum { LANG = 3, PATHS = 6 };
        static const char *const targets[PATHS] = {
                "var/task", "opt", "var/runtime", NULL, "var/lang/bytecode/task", "var/lang/bytecode/opt"
        };
        static const char *const names[PATHS] = { "bind /var/task",
                                                  "bind /opt",
                                                  "bind /var/runtime",
                                                  "bind the language's folder",
                                                  "bind the bytecode of /var/task",
                                                  "bind the bytecode of /opt" };
        size_t shown = 0;
        char path[1024];
        int r;

        if (in->head.strings != PATHS)
                return cell_step(cell, "understand the daemon", -EPROTO);
        if (cell->launcher->tier == 3)
                return 0;
        r = cell_step(cell, "mount /tmp", mount_tmp(cell, in->head.open.tmp));
        for (size_t i = 0; i < PATHS && !r; ++i) {
                const char *target = i == LANG ? path : targets[i];

                if (!*in->strings[i])
                        continue;
                if (shown == in->fd_count)
                        return cell_step(cell, names[i], -EPROTO);
                if (i == LANG) {
                        if (snprintf(path, sizeof(path), "%s", in->strings[i] + 1) >= (int)sizeof(path))
                                return cell_step(cell, names[i], -ENAMETOOLONG);
                        if (in->strings[i][0] != '/' || leads_up(path))
                                return cell_step(cell, names[i], -EPROTO);
                        r = cell_step(cell, names[i], make_path(path));
                }
                r = r ?: cell_step(cell, names[i], bind_shown(in->strings[i], in->fds[shown++], target));
        }
        return r ?: cell_step(cell, "leave the host's root", leave_host());
}
