/* SPDX-License-Identifier: Apache-2.0 */
/* roots_own - whether nobody but root decides what a path leads to */
#pragma once
#include <limits.h>
#include <sys/types.h>

#include "base/util.h"

/*
 * Each folder and each symbolic link on the way is root's, and so is what is at the end. Others can write to none of it, but to
 * a folder like /tmp on the way, where what is root's is safe from them, and to a socket at the end. It holds for as long as root
 * does not change it.
 *
 * 0, with the path free of links; -EPERM: somebody else has a say; or why it leads nowhere (-ENOENT, -ELOOP…).
 */
int roots_own(const char *path, char ret_real[static PATH_MAX]);
/* The same with one more user whose things are as good as root's, for tests. */
int owners_own(uid_t owner, const char *path, char ret_real[static PATH_MAX]);
