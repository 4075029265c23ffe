/* SPDX-License-Identifier: Apache-2.0 */
/* tree - what lambent-archive does with directories that are unpacked already: lay them over each other,
 * remove them */
#pragma once
#include "archive/helper.h"

/* Fills the empty directory `target` with hard links into the trees (copies where the file system refuses a
 * link); a later tree wins, name by name. */
void tree_merge(int target, const int *trees, int count, struct archive_report *ret_report);
/* Removes everything in the directory, but not the directory. */
void tree_clear(int directory, struct archive_report *ret_report);
