/* SPDX-License-Identifier: Apache-2.0 */
#include "init/image_vars.h"

/* A function on AWS has none of these. */
static bool is_of_the_container(const char *name) {
        static const char *const names[] = { "HOME",  "HOSTNAME", "PWD",       "OLDPWD",
                                             "SHLVL", "TERM",     "container", "_" };

        for (size_t i = 0; i < ARRAY_SIZE(names); ++i)
                if (streq(names[i], name))
                        return true;
        return false;
}

static size_t count_strings(const char *const *strings) {
        size_t count = 0;

        while (strings && strings[count] && count < IMAGE_VARS_MAX)
                ++count;
        return count;
}

void image_vars_read(struct image_vars *image, const char *const *variables, const struct env_var *own,
                     size_t own_count) {
        size_t count = count_strings(variables);

        *image = (struct image_vars){
                .vars = xcalloc(count + own_count + 1, sizeof(*image->vars)),
                .names = xcalloc(count + 1, sizeof(*image->names)),
        };
        for (size_t i = 0; i < count; ++i) {
                const char *equals = strchr(variables[i], '=');
                char *name = equals ? xstrndup(variables[i], (size_t)(equals - variables[i])) : NULL;

                if (!name || is_of_the_container(name)) {
                        free(name);
                        continue;
                }
                image->names[image->count] = name;
                image->vars[image->count++] = (struct env_var){ name, equals + 1 };
        }
        for (size_t i = 0; i < own_count; ++i)
                image->vars[image->count++] = own[i];
}

void image_vars_clear(struct image_vars *image) {
        for (char **name = image->names; name && *name; ++name)
                free(*name);
        free(image->names);
        free(image->vars);
        *image = (struct image_vars){};
}
