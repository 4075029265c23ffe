/* SPDX-License-Identifier: Apache-2.0 */
/* As realpath(3) walks, with a look at each step before it is taken: what has been passed cannot be changed behind us. */
#include "sandbox/broker/roots_own.h"

#include <sys/stat.h>

#define LINKS_MAX 40
#define OTHERS_WRITE (S_IWGRP | S_IWOTH)

struct walk {
        uid_t owner;
        char *done; /* PATH_MAX: free of links; "" is the root */
        char rest[2 * PATH_MAX];
        unsigned links;
};

static bool is_theirs(const struct walk *w, const struct stat *st) {
        return st->st_uid == 0 || st->st_uid == w->owner;
}

static bool is_for_others(const struct stat *st) {
        return st->st_mode & OTHERS_WRITE && !S_ISLNK(st->st_mode) && !S_ISSOCK(st->st_mode);
}

static int look(const struct walk *w, struct stat *ret_st) {
        if (lstat(*w->done ? w->done : "/", ret_st) < 0)
                return -errno;
        if (!is_theirs(w, ret_st))
                return -EPERM;
        return is_for_others(ret_st) && !(S_ISDIR(ret_st->st_mode) && ret_st->st_mode & S_ISVTX) ? -EPERM : 0;
}

/* What the link at the end of `done` says stands before the rest. */
static int follow(struct walk *w) {
        size_t left = strlen(w->rest);
        char target[PATH_MAX];
        ssize_t len = readlink(w->done, target, sizeof(target));

        if (len < 0)
                return -errno;
        if (++w->links > LINKS_MAX)
                return -ELOOP;
        if ((size_t)len + left >= sizeof(w->rest))
                return -ENAMETOOLONG;
        memmove(w->rest + len, w->rest, left + 1);
        memcpy(w->rest, target, (size_t)len);
        *(*target == '/' ? w->done : strrchr(w->done, '/')) = '\0';
        return 0;
}

static int enter(struct walk *w, const char *part, size_t len) {
        size_t done = strlen(w->done);
        struct stat st;
        int r;

        if (done + 1 + len >= PATH_MAX)
                return -ENAMETOOLONG;
        w->done[done] = '/';
        memcpy(w->done + done + 1, part, len);
        w->done[done + 1 + len] = '\0';
        r = look(w, &st);
        return r || !S_ISLNK(st.st_mode) ? r : follow(w);
}

/* The next part of the rest. */
static int step(struct walk *w) {
        size_t skip = strspn(w->rest, "/"), len = strcspn(w->rest + skip, "/");
        char part[PATH_MAX];

        if (len >= sizeof(part))
                return -ENAMETOOLONG;
        memcpy(part, w->rest + skip, len);
        part[len] = '\0';
        memmove(w->rest, w->rest + skip + len, strlen(w->rest + skip + len) + 1);
        if (!len || streq(part, "."))
                return 0;
        if (!streq(part, ".."))
                return enter(w, part, len);
        if (*w->done)
                *strrchr(w->done, '/') = '\0';
        return 0;
}

int owners_own(uid_t owner, const char *path, char ret_real[static PATH_MAX]) {
        struct walk w = { .owner = owner, .done = ret_real };
        struct stat st;
        int r;

        *ret_real = '\0';
        if (*path != '/')
                return -EINVAL;
        if (strlen(path) >= PATH_MAX)
                return -ENAMETOOLONG;
        str_fit(w.rest, sizeof(w.rest), path);
        r = look(&w, &st);
        while (!r && *w.rest)
                r = step(&w);
        r = r ?: look(&w, &st);
        if (!r && is_for_others(&st))
                r = -EPERM;
        if (!*ret_real)
                str_fit(ret_real, PATH_MAX, "/");
        return r;
}

int roots_own(const char *path, char ret_real[static PATH_MAX]) {
        return owners_own(0, path, ret_real);
}
