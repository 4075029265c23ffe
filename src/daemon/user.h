/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user - as whom the daemon serves when root has started it
 *
 * Root is needed for two things only: ports below 1024, and the launcher of the sandbox's best tier. When both are there
 * the daemon becomes somebody else, for good: no groups, no capabilities, none to be had by any program either. Who that
 * is, --user says; else it is the owner of the data dir, a system user "lambent", or an id that nobody has.
 *
 * The data dir is handed to the user before: each file whose owner had the folder, never through a link, and only when
 * nothing but ours is in it. Where the user cannot get at what the daemon needs, the daemon stays root and says why, or
 * does not start when the user was asked for.
 */
#pragma once
#include <sys/types.h>

#include "base/util.h"

struct user {
        uid_t uid;
        gid_t gid;
        bool asked;     /* by --user */
        char *name;     /* "lambent (uid 999)" */
        char *why_root; /* stays root although nobody asked for that: a sentence; NULL */
};

/* What the user must get at; absolute paths. */
struct user_needs {
        const char *data_dir;     /* exists */
        const char *libexec_dir;  /* to execute */
        const char *runtimes_dir; /* to read */
        bool removes_data_dir;    /* at the end */
};

/* option: NAME or UID, NULL for the default; data_dir need not exist yet. 0, or -EINVAL with a sentence; user_release in
 * either case. */
int user_choose(struct user *user, const char *option, const char *data_dir, char **ret_problem);
/* Sees that the user can do without root, and hands the data dir over. 0, or -errno with a sentence. */
int user_prepare(struct user *user, const struct user_needs *needs, char **ret_problem);
/* There is no way back. One thread only. 0, or -errno with a sentence. */
int user_become(const struct user *user, char **ret_problem);
void user_release(struct user *user);
