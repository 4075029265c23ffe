/* SPDX-License-Identifier: Apache-2.0 */
/*
 * package - a function's folder or zip on this machine: its bytes, and what it probably is
 *
 * A folder is zipped by lambent-archive (same bytes for the same content). Handler and runtime are guessed
 * only where the files leave one answer; otherwise the caller has to ask for --handler or --runtime.
 */
#pragma once
#include "base/buf.h"
#include "cli/option.h"

#define PACKAGE_BYTES_MAX (256 * MIB)

struct package {
        char *path; /* absolute */
        bool is_folder;
        struct strings names; /* of files at the top level */
};

enum package_family { FAMILY_NONE, FAMILY_PROVIDED, FAMILY_PYTHON, FAMILY_NODEJS };

struct package_guess {
        enum package_family family;
        char *handler; /* NULL when several answers are possible */
};

/* 0, or -errno after a complaint. */
int package_open(struct package *package, const char *path);
void package_close(struct package *package);
/* The zip. 0, or -errno after a complaint. level: 0 stores, 1 … 9 deflates. */
int package_zip(const struct package *package, int level, struct buf *ret_zip);
/* The folder's or the zip's own name, with what a function's name may not hold replaced. Malloc'ed. */
char *package_function_name(const struct package *package);

void package_guess(const struct package *package, struct package_guess *ret_guess);
/* "python", "nodejs", "provided"; the runtime identifiers of the family begin with it. */
const char *package_family_name(enum package_family family);
enum package_family package_family_of_runtime(const char *runtime);
