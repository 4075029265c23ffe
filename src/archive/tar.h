/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tar - a folder as a tar stream, for engines that do not share our file system
 *
 * POSIX.1-2001: ustar headers, and a pax header where a name, a link or a size does not fit one. Everything belongs to
 * root and is as readable as it was. Links are written as links and never followed; what is neither folder,
 * file nor link is left out. Blocks: for worker threads.
 */
#pragma once
#include <sys/types.h>

#include "base/util.h"

/* The folder at path, its entries below prefix ("" or "dir/"), without the end mark. 0 or -errno. */
int tar_write_folder(int out, const char *path, const char *prefix);
/* One file under a name of its own. */
int tar_write_file(int out, const char *path, const char *name, mode_t mode);
int tar_write_end(int out);
