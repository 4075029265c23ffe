/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/user.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/rights.h"
#include "sandbox/native/uids.h"

#define SYSTEM_USER "lambent"

/* ---- who ---- */

static void set(struct user *user, uid_t uid, gid_t gid, const char *name) {
        user->uid = uid;
        user->gid = gid;
        free(user->name);
        user->name = name ? xasprintf("%s (uid %u)", name, uid) : xasprintf("uid %u", uid);
}

static int look_up(struct user *user, const char *option, char **ret_problem) {
        const struct passwd *entry;
        uint64_t uid;

        user->asked = true;
        if (str_to_u64(option, UINT32_MAX - 1, &uid) == 0) {
                entry = getpwuid((uid_t)uid);
                set(user, (uid_t)uid, entry ? entry->pw_gid : (gid_t)uid, entry ? entry->pw_name : NULL);
                return 0;
        }
        entry = getpwnam(option);
        if (!entry) {
                *ret_problem = xasprintf("--user: there is no user \"%s\" here", option);
                return -EINVAL;
        }
        set(user, entry->pw_uid, entry->pw_gid, entry->pw_name);
        return 0;
}

/* In the file itself: asking for a name that is not there may wake services that take longer than all of our start. */
static bool take_system_user(struct user *user) {
        FILE *file = fopen("/etc/passwd", "re");
        const struct passwd *entry;
        bool found = false;

        while (file && !found && (entry = fgetpwent(file)))
                if (streq(entry->pw_name, SYSTEM_USER) && entry->pw_uid) {
                        set(user, entry->pw_uid, entry->pw_gid, entry->pw_name);
                        found = true;
                }
        if (file)
                fclose(file);
        return found;
}

int user_choose(struct user *user, const char *option, const char *data_dir, char **ret_problem) {
        struct stat st;
        int r = 0;

        *user = (struct user){};
        if (option)
                r = look_up(user, option, ret_problem);
        if (!r && geteuid() != 0 && option && user->uid != geteuid()) {
                *ret_problem = xstrdup("--user: only root can serve as another user");
                r = -EINVAL;
        }
        if (r || option)
                return r;
        if (geteuid() != 0)
                set(user, geteuid(), getegid(), NULL);
        else if (stat(data_dir, &st) == 0 && st.st_uid != 0)
                set(user, st.st_uid, st.st_gid, NULL);
        else if (!take_system_user(user))
                set(user, UID_OF_DAEMON, UID_OF_DAEMON, NULL);
        return 0;
}

void user_release(struct user *user) {
        free(user->name);
        free(user->why_root);
        *user = (struct user){};
}

/* ---- what is in the way ---- */

/* The first folder of an absolute path that may not be passed through; NULL: none. */
static char *closed_folder(const char *path) {
        AUTO(str) char *part = xstrdup(path);

        for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                if (faccessat(AT_FDCWD, part, X_OK, AT_EACCESS) < 0)
                        return TAKE(part);
                *slash = '/';
        }
        return NULL;
}

static char *complain_about_path(const char *path, int mode, const char *remedy) {
        AUTO(str) char *closed = closed_folder(path);

        if (closed)
                return xasprintf("may not pass through %s to %s: %s, or open that folder (chmod o+x %s)",
                                 closed, path, remedy, closed);
        if (faccessat(AT_FDCWD, path, mode, AT_EACCESS) < 0)
                return xasprintf("may not use %s: %s", path, remedy);
        return NULL;
}

static char *look_around(const struct user_needs *needs) {
        static const char elsewhere[] = "choose another data dir (--data-dir; $TMPDIR for a temporary one)";
        static const char install[] = "install lambent where all may read it";
        const char *slash = strrchr(needs->data_dir, '/');
        AUTO(str) char *around = xstrndup(needs->data_dir, MAX((size_t)(slash - needs->data_dir), (size_t)1));
        AUTO(str) char *helper = xasprintf("%s/lambent-archive", needs->libexec_dir);
        char *problem = complain_about_path(needs->data_dir, F_OK, elsewhere);

        if (!problem && needs->removes_data_dir)
                problem = complain_about_path(around, W_OK, elsewhere);
        problem = problem ?: complain_about_path(helper, X_OK, install);
        return problem ?: complain_about_path(needs->runtimes_dir, R_OK | X_OK, install);
}

/* As the user for a moment: the effective ids decide about files. */
static char *look_around_as(const struct user *user, const struct user_needs *needs) {
        gid_t groups[NGROUPS_MAX];
        int count = getgroups(NGROUPS_MAX, groups);
        char *problem;

        if (count < 0 || setgroups(0, NULL) < 0 || setegid(user->gid) < 0 || seteuid(user->uid) < 0)
                problem = xasprintf("cannot be taken on here (%s): choose one that can (--user)",
                                    strerror(errno));
        else
                problem = look_around(needs);
        must(seteuid(0) == 0 && setegid(0) == 0);
        if (count > 0)
                setgroups((size_t)count, groups);
        prctl(PR_SET_DUMPABLE, 1); /* as it was before the ids changed */
        return problem;
}

/* ---- the data dir ---- */

static bool is_ours(const char *name) {
        static const char *const names[] = { "lock",
                                             "lambent.db",
                                             "lambent.db-wal",
                                             "lambent.db-shm",
                                             "lambent.db-journal",
                                             "content",
                                             "logs",
                                             "sandbox",
                                             "runtimes",
                                             "containers",
                                             "home",
                                             "lost+found",
                                             ".",
                                             ".." };

        for (size_t i = 0; i < ARRAY_SIZE(names); ++i)
                if (streq(name, names[i]))
                        return true;
        return false;
}

static DIR *open_folder(int parent, const char *name) {
        int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);

        if (!dir)
                fd_close(fd);
        return dir;
}

static bool has_foreign(const char *data_dir) {
        DIR *dir = open_folder(AT_FDCWD, data_dir);
        struct dirent *entry;
        bool found = false;

        while (dir && !found && (entry = readdir(dir)))
                found = !is_ours(entry->d_name);
        if (dir)
                closedir(dir);
        return found;
}

/* What a folder holds before the folder, so that the next start goes on when this one is cut short. Files of third users
 * stay theirs: nobody is given what somebody else has linked into the folder. */
static int hand_over(int parent, const char *name, uid_t from, const struct user *to) {
        struct dirent *entry;
        struct stat st;
        DIR *dir;
        int r = 0;

        if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        if (st.st_uid != from)
                return 0;
        if (S_ISDIR(st.st_mode)) {
                dir = open_folder(parent, name);
                if (!dir)
                        return -errno;
                while (!r && (entry = readdir(dir)))
                        if (!streq(entry->d_name, ".") && !streq(entry->d_name, ".."))
                                r = hand_over(dirfd(dir), entry->d_name, from, to);
                closedir(dir);
        }
        if (!r && fchownat(parent, name, to->uid, to->gid, AT_SYMLINK_NOFOLLOW) < 0)
                r = -errno;
        return r;
}

/* The two that root has just made in a folder of the user's. A file with a second name may be anybody's. */
static int hand_over_new(const char *data_dir, const struct user *to) {
        static const char *const names[] = { "lock", "sandbox" };
        DIR *dir = open_folder(AT_FDCWD, data_dir);
        struct stat st;
        int r = 0;

        for (size_t i = 0; dir && !r && i < ARRAY_SIZE(names); ++i) {
                if (fstatat(dirfd(dir), names[i], &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_uid == to->uid ||
                    (!S_ISDIR(st.st_mode) && st.st_nlink > 1))
                        continue;
                if (fchownat(dirfd(dir), names[i], to->uid, to->gid, AT_SYMLINK_NOFOLLOW) < 0)
                        r = -errno;
        }
        if (!dir)
                return -errno;
        closedir(dir);
        return r;
}

/* ---- the steps ---- */

static char *why_not(const struct user *user, const struct user_needs *needs, uid_t owner) {
        if (owner != user->uid && has_foreign(needs->data_dir))
                return xasprintf(
                        "does not own the data dir %s, and it holds more than lambent's own: choose an empty one "
                        "(--data-dir)",
                        needs->data_dir);
        return look_around_as(user, needs);
}

static int settle_who(struct user *user, const struct user_needs *needs, uid_t owner, char **ret_problem) {
        AUTO(str) char *problem = user->uid ? why_not(user, needs, owner) : NULL;

        if (!problem)
                return 0;
        if (user->asked) {
                *ret_problem = xasprintf("--user: %s %s", user->name, problem);
                return -EACCES;
        }
        user->why_root = xasprintf("%s %s", user->name, problem);
        log_warn("serving as root, because %s; or say --user root to have it so", user->why_root);
        set(user, 0, 0, "root");
        return 0;
}

int user_prepare(struct user *user, const struct user_needs *needs, char **ret_problem) {
        struct stat st;
        int r;

        if (geteuid() != 0)
                return 0;
        if (stat(needs->data_dir, &st) < 0)
                return -errno;
        r = settle_who(user, needs, st.st_uid, ret_problem);
        if (r)
                return r;
        if (st.st_uid != user->uid && (user->uid || !has_foreign(needs->data_dir)))
                r = hand_over(AT_FDCWD, needs->data_dir, st.st_uid, user);
        r = r ?: hand_over_new(needs->data_dir, user);
        if (r)
                *ret_problem = xasprintf(
                        "cannot give the data dir %s to %s: %s; choose another one with --data-dir, or "
                        "say --user root",
                        needs->data_dir, user->name, strerror(-r));
        return r;
}

int user_become(const struct user *user, char **ret_problem) {
        int r;

        if (geteuid() != 0 || !user->uid)
                return 0;
        r = rights_never_more();
        /* In a container that has taken CAP_SETPCAP away; no_new_privs is enough of a lock. */
        if (r == -EPERM)
                r = 0;
        if (!r && (setgroups(0, NULL) < 0 || setresgid(user->gid, user->gid, user->gid) < 0 ||
                   setresuid(user->uid, user->uid, user->uid) < 0))
                r = -errno;
        r = r ?: rights_keep(0);
        /* In the lower tiers functions have our uid: they must not look into us. */
        if (!r && prctl(PR_SET_DUMPABLE, 0) < 0)
                r = -errno;
        if (r)
                *ret_problem = xasprintf("cannot become %s: %s; say --user root to stay root", user->name,
                                         strerror(-r));
        else
                log_info("serving as %s", user->name);
        return r;
}
