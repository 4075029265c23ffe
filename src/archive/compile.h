/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compile - how lambent-archive becomes the Python that compiles a tree
 *
 * Every module of the tree is compiled, upper folders first, and written to the same place in the target with a "c"
 * behind its name: a .pyc (PEP 552, unchecked) whose hash is that of the code behind the header, so that a reader can tell
 * when the disk has lost a part of it. Left out is whatever would not be the same at run time: modules that do not
 * compile, that warn when they are compiled (the warning belongs into the function's log), whose bytecode the package
 * brings itself and Python would take, and links. So is what comes after the limits: it is compiled at run time.
 */
#pragma once
#include <stddef.h>

/* Where the prefix of an interpreter is shown, and so the beginning of its path, when it is not below /usr. */
#define COMPILE_PREFIX "/proc/self/fd/4"

/* Puts the descriptors where the Python wants them: the tree at COMPILE_TREE_FD, nothing at 0 and 2. 0 or -errno. */
#define COMPILE_TREE_FD 5
int compile_arrange(void);
/* inside: where functions see the tree. Does not return unless it cannot: -errno. */
int compile_exec(const char *python, const char *inside);
