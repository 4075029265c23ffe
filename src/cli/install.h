/* SPDX-License-Identifier: Apache-2.0 */
/*
 * install - where the other parts of lambent lie, seen from the running executable
 *
 * In a build tree the helpers lie beside it; installed, in ../libexec/lambent and ../share/lambent.
 * LAMBENT_LIBEXEC_DIR and LAMBENT_SHARE_DIR name other places. All strings are malloc'ed, absolute and free
 * of symbolic links.
 */
#pragma once
#include "base/util.h"

/* The executable itself. */
char *install_self(void);
/* The folder of lambent-launcher and lambent-archive. NULL, with a sentence, when it is incomplete. */
char *install_libexec(char **ret_problem);
/* The folder of our runtime clients (python/, nodejs/). */
char *install_runtimes(char **ret_problem);
