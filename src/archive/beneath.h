/* SPDX-License-Identifier: Apache-2.0 */
/*
 * beneath - file system calls that cannot leave a directory
 *
 * Names are relative, without "", "." and ".." components. The kernel refuses symbolic links on the way
 * (-ELOOP) and anything that would lead out (-EXDEV). Where openat2 is unknown (before Linux 5.6, or an older
 * container's seccomp filter) the same is done component by component with O_NOFOLLOW.
 */
#pragma once
#include <sys/types.h>

/* A new file for writing; descriptor or -errno (-EEXIST, -ENOENT without its parents). */
int beneath_create(int root, const char *name, mode_t mode);
/* A directory that exists; descriptor or -errno. */
int beneath_open_directory(int root, const char *name);
/* Makes the directory and its parents, 0755; 0 when it is there already. */
int beneath_mkdirs(int root, const char *name);
int beneath_make_parents(int root, const char *name);
/* Replaces what is not a directory. The parents must exist. */
int beneath_symlink(int root, const char *name, const char *target);
