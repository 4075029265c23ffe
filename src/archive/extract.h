/* SPDX-License-Identifier: Apache-2.0 */
/*
 * extract - fills a directory from a zip that nobody trusts (runs in lambent-archive)
 *
 * Nothing is written outside the directory: absolute names, "..", backslashes and NUL are refused; every open
 * goes through openat2(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS); symbolic links are made last and never passed
 * through, so they may point anywhere (a function's own view of the tree gives them their meaning). A later
 * entry of the same name replaces the earlier one. Bytes are counted while they are inflated, not believed
 * from a header. Modes: permission bits as stored plus read for all; never setuid, setgid, sticky.
 * Directories are 0755.
 */
#pragma once
#include <stddef.h>

#include "archive/helper.h"

/* Reads the zip in fd (seekable) into the empty directory `root`. */
void extract_zip(int fd, int root, const struct archive_limits *limits, struct archive_report *ret_report);
/* The same from memory. */
void extract_zip_memory(const void *data, size_t len, int root, const struct archive_limits *limits,
                        struct archive_report *ret_report);
