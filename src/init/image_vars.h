/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_vars - the variables that an image brings: those of PID 1, without what an engine or a shell adds to them
 *
 * On AWS they are a function's variables like those of its configuration, which come after them and win.
 */
#pragma once
#include "runtime/environment.h"

#define IMAGE_VARS_MAX 2048 /* the rest is left out */

struct image_vars {
        struct env_var *vars; /* with room for one more */
        size_t count;
        char **names; /* our copies; the values are borrowed */
};

/* variables: NULL-terminated "K=V", or NULL; it and own are borrowed. */
void image_vars_read(struct image_vars *image, const char *const *variables, const struct env_var *own,
                     size_t own_count);
void image_vars_clear(struct image_vars *image);
