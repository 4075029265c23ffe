/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The skeleton root: built once, in the launcher's own mount namespace; every cell inherits it by copying
 * that namespace.
 *
 * A tmpfs with directories, copies of a few files of /etc, and read-only binds of /usr and the like; an
 * allow-list, so that nothing of the host is inside unless it stands here. Its superblock is shared by all
 * cells, which is why a changed resolv.conf reaches also those that run.
 */
#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "sandbox/native/kernel.h"
#include "sandbox/native/launcher.h"

#define READ_ONLY (K_ATTR_RDONLY | K_ATTR_NOSUID | K_ATTR_NODEV)
#define COPY_MAX (4 * MIB)

int write_file(const char *path, const char *text) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), r = 0;

        if (fd < 0)
                return -errno;
        if (write(fd, text, strlen(text)) < 0)
                r = -errno;
        fd_close(fd);
        return r;
}

int bind_tree(const char *source, const char *target, uint64_t attributes) {
        struct k_mount_attr attr = { .attr_set = attributes, .propagation = K_MS_PRIVATE };
        int tree = k_open_tree(AT_FDCWD, source, K_OPEN_TREE_CLONE | K_AT_RECURSIVE), r;

        if (tree < 0)
                return tree;
        r = k_mount_setattr(tree, "", AT_EMPTY_PATH | K_AT_RECURSIVE, &attr);
        if (!r)
                r = k_move_mount(tree, AT_FDCWD, target);
        fd_close(tree);
        return r;
}

/* Copies a small file when the host has it. */
static void copy_file(const char *from, const char *to) {
        int source = open(from, O_RDONLY | O_CLOEXEC), target;
        char chunk[16 * KIB];
        size_t sum = 0;
        ssize_t n;

        if (source < 0)
                return;
        target = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        while (target >= 0 && sum < COPY_MAX && (n = read(source, chunk, sizeof(chunk))) > 0) {
                if (write(target, chunk, (size_t)n) != n)
                        break;
                sum += (size_t)n;
        }
        fd_close(source);
        fd_close(target);
}

static int bind_if_there(const char *source, const char *target) {
        struct stat st;

        if (stat(source, &st) < 0 || !S_ISDIR(st.st_mode))
                return 0;
        if (mkdir(target, 0755) < 0 && errno != EEXIST)
                return -errno;
        return bind_tree(source, target, READ_ONLY);
}

/* /bin, /lib64…: a link into /usr on most hosts, a directory of its own on some. */
static int add_usr(void) {
        static const char *const words[] = { "bin", "sbin", "lib", "lib32", "lib64", "libx32" };
        char path[16], link[256];
        int r = bind_if_there("/usr", "usr");

        for (size_t i = 0; i < ARRAY_SIZE(words) && !r; ++i) {
                ssize_t n;

                snprintf(path, sizeof(path), "/%s", words[i]);
                n = readlink(path, link, sizeof(link) - 1);
                if (n < 0) {
                        r = bind_if_there(path, words[i]);
                        continue;
                }
                link[n] = '\0';
                if (symlink(link, words[i]) < 0)
                        r = -errno;
        }
        return r;
}

static void copy_resolver(void) {
        /* Made aside and renamed: a running function never reads half a file. */
        write_file("etc/.resolv.conf", "");
        copy_file("/etc/resolv.conf", "etc/.resolv.conf");
        rename("etc/.resolv.conf", "etc/resolv.conf");
}

/* openssl.cnf: a Node.js that cannot read the one it was built for refuses to start. */
const char *const etc_shown[] = {
        "/etc/ld.so.cache",   "/etc/ld.so.conf",          "/etc/ld.so.conf.d",
        "/etc/localtime",     "/etc/mime.types",          "/etc/nsswitch.conf",
        "/etc/alternatives",  "/etc/ca-certificates",     "/etc/ca-certificates.conf",
        "/etc/ssl/certs",     "/etc/ssl/openssl.cnf",     "/etc/pki/ca-trust/extracted",
        "/etc/pki/tls/certs", "/etc/pki/tls/openssl.cnf", NULL,
};

/* Files are copied, so that a link among them needs no target inside. */
static int show_etc(const char *path) {
        struct stat st;

        if (stat(path, &st) < 0)
                return 0;
        if (S_ISDIR(st.st_mode))
                return bind_if_there(path, path + 1);
        if (S_ISREG(st.st_mode))
                copy_file(path, path + 1);
        return 0;
}

static int add_etc(void) {
        static const char *const parents[] = { "etc", "etc/ssl", "etc/pki", "etc/pki/ca-trust",
                                               "etc/pki/tls" };
        char passwd[256], group[128];
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(parents); ++i)
                if (mkdir(parents[i], 0755) < 0)
                        return -errno;
        for (size_t i = 0; etc_shown[i] && !r; ++i)
                r = show_etc(etc_shown[i]);
        snprintf(passwd, sizeof(passwd),
                 "root:x:0:0:root:/root:/sbin/nologin\n%s:x:%d:%d::/home/%s:/sbin/nologin\n", SANDBOX_USER,
                 SANDBOX_UID, SANDBOX_GID, SANDBOX_USER);
        snprintf(group, sizeof(group), "root:x:0:\n%s:x:%d:\n", SANDBOX_USER, SANDBOX_GID);
        r = r ?: write_file("etc/passwd", passwd);
        r = r ?: write_file("etc/group", group);
        r = r ?: write_file("etc/hosts", "127.0.0.1 localhost lambda\n::1 localhost\n");
        r = r ?: write_file("etc/hostname", "lambda\n");
        copy_resolver();
        return r;
}

static int add_device(const char *name, unsigned int minor_number) {
        char host[24], path[24];
        int fd;

        snprintf(host, sizeof(host), "/dev/%s", name);
        snprintf(path, sizeof(path), "dev/%s", name);
        if (mknod(path, S_IFCHR | 0666, makedev(1, minor_number)) == 0)
                return chmod(path, 0666) < 0 ? -errno : 0;
        /* In a user namespace nobody may make devices; those of the host are bound. */
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
        if (fd < 0)
                return -errno;
        fd_close(fd);
        return bind_tree(host, path, K_ATTR_NOSUID | K_ATTR_NOEXEC);
}

/* No shm, no pts, no tty: Python's multiprocessing fails as it does on AWS (docs/aws.md, files). */
static int add_dev(void) {
        static const char *const links[][2] = { { "/proc/self/fd", "dev/fd" },
                                                { "/proc/self/fd/0", "dev/stdin" },
                                                { "/proc/self/fd/1", "dev/stdout" },
                                                { "/proc/self/fd/2", "dev/stderr" } };
        static const struct {
                const char *name;
                unsigned int minor_number;
        } devices[] = {
                { "null", 3 }, { "zero", 5 }, { "full", 7 }, { "random", 8 }, { "urandom", 9 },
        };
        /* Not recursive: the read-only flag would also reach the binds, and nodev would disable them. */
        struct k_mount_attr attr = { .attr_set = K_ATTR_RDONLY | K_ATTR_NOSUID | K_ATTR_NOEXEC };
        int r = k_mount("dev", "dev", "tmpfs", K_MS_NOSUID | K_MS_NOEXEC, "mode=0755,size=64k");

        for (size_t i = 0; i < ARRAY_SIZE(devices) && !r; ++i)
                r = add_device(devices[i].name, devices[i].minor_number);
        for (size_t i = 0; i < ARRAY_SIZE(links) && !r; ++i)
                r = symlink(links[i][0], links[i][1]) < 0 ? -errno : 0;
        return r ?: k_mount_setattr(AT_FDCWD, "dev", 0, &attr);
}

/* T2: our own user namespace, in which the cells' namespaces nest; ids inside are AWS's. */
static int enter_user_namespace(const struct launcher *launcher) {
        char map[64];
        int r;

        if (unshare(CLONE_NEWUSER) < 0)
                return -errno;
        r = write_file("/proc/self/setgroups", "deny");
        snprintf(map, sizeof(map), "%d %u 1", SANDBOX_UID, launcher->caller_uid);
        r = r ?: write_file("/proc/self/uid_map", map);
        snprintf(map, sizeof(map), "%d %u 1", SANDBOX_GID, launcher->caller_gid);
        return r ?: write_file("/proc/self/gid_map", map);
}

static int enter_root(void) {
        int r;

        /* What the host mounts later still arrives (slave); what we mount never leaves. */
        r = k_mount(NULL, "/", NULL, K_MS_SLAVE | K_MS_REC, NULL);
        if (r)
                return r;
        /* For the files that differ between cells. */
        if (mkdir(SLOTS_DIR, 0700) < 0 && errno != EEXIST)
                return -errno;
        r = k_mount("slots", SLOTS_DIR, "tmpfs", K_MS_NOSUID | K_MS_NODEV | K_MS_NOEXEC,
                    "mode=0755,size=64m");
        if (!r && mkdir(SKELETON_DIR, 0700) < 0 && errno != EEXIST)
                r = -errno;
        r = r ?: k_mount("lambent", SKELETON_DIR, "tmpfs", K_MS_NOSUID | K_MS_NODEV, "mode=0755,size=64m");
        r = r ?: k_mount(NULL, SKELETON_DIR, NULL, K_MS_PRIVATE, NULL);
        return r ?: (chdir(SKELETON_DIR) < 0 ? -errno : 0);
}

void skeleton_leave(void) {
        if (chdir("..") < 0)
                return;
        k_umount(SKELETON_DIR, K_MNT_DETACH);
        k_umount(SLOTS_DIR, K_MNT_DETACH);
        rmdir(SKELETON_DIR);
        rmdir(SLOTS_DIR);
}

int skeleton_make(struct launcher *launcher, const char **ret_step) {
        static const char *const dirs[] = { "usr",
                                            "proc",
                                            "dev",
                                            "tmp",
                                            "mnt",
                                            "opt",
                                            "var",
                                            "var/task",
                                            "var/runtime",
                                            "var/lang",
                                            "var/lang/bytecode",
                                            "var/lang/bytecode/task",
                                            "var/lang/bytecode/opt" };
        int r = 0;

        if (launcher->tier == 2) {
                *ret_step = "create a user namespace";
                r = enter_user_namespace(launcher);
                if (r)
                        return r;
        }
        *ret_step = "create a mount namespace";
        if (unshare(CLONE_NEWNS) < 0)
                return -errno;
        *ret_step = "mount the root file system";
        r = enter_root();
        for (size_t i = 0; i < ARRAY_SIZE(dirs) && !r; ++i)
                r = mkdir(dirs[i], 0755) < 0 ? -errno : 0;
        if (r)
                return r;
        *ret_step = "bind /usr";
        r = add_usr();
        if (r)
                return r;
        *ret_step = "make /etc";
        r = add_etc();
        if (r)
                return r;
        *ret_step = "make /dev";
        return add_dev();
}

/* Reads away what inotify says; every time the host's file may have changed it is copied again. */
void skeleton_refresh_resolver(struct launcher *launcher) {
        char events[4 * KIB];

        while (read(launcher->resolver_watch, events, sizeof(events)) > 0)
                ;
        copy_resolver();
}

/* passwd and group of a T1 slot, whose ids are its own. Written when the slot is first used. */
int skeleton_slot_files(struct launcher *launcher, size_t slot) {
        char path[64], text[256];
        uid_t id = launcher->uid_base + (uid_t)slot;
        int r;

        snprintf(path, sizeof(path), "../" SLOTS_DIR "/passwd.%zu", slot);
        if (access(path, F_OK) == 0)
                return 0;
        snprintf(text, sizeof(text),
                 "root:x:0:0:root:/root:/sbin/nologin\n%s:x:%u:%u::/home/%s:/sbin/nologin\n", SANDBOX_USER,
                 id, id, SANDBOX_USER);
        r = write_file(path, text);
        snprintf(path, sizeof(path), "../" SLOTS_DIR "/group.%zu", slot);
        snprintf(text, sizeof(text), "root:x:0:\n%s:x:%u:\n", SANDBOX_USER, id);
        return r ?: write_file(path, text);
}
