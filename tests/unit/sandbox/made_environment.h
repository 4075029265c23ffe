/* SPDX-License-Identifier: Apache-2.0 */
/* made_environment - one environment as the tests of the container driver want it: a function whose code is task_dir */
#pragma once
#include "sandbox/engine/containers.h"

/* Not started. */
struct environment *made_environment(struct containers *containers, struct image *image,
                                     const char *task_dir);
