/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack - writes a folder (or one file) as a zip, the same bytes for the same content (runs in
 * lambent-archive)
 *
 * Entries are sorted by name, times are 1980-01-01 as other deployment tools write them, modes keep their
 * permission bits, links stay links, directories have entries of their own. Sockets, fifos and devices are
 * left out.
 */
#pragma once
#include "archive/helper.h"

/* source: a directory, or a regular file that becomes the entry `name`. level: 0 stores, 1 … 9 deflates. */
void pack_zip(int source, const char *name, int level, int zip_fd, struct archive_report *ret_report);
