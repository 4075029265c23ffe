/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/assembly.h"

#include <stdio.h>

bool assembly_has_endpoint(const struct env_var *vars, size_t count) {
        for (size_t i = 0; i < count; ++i)
                if (streq(vars[i].name, "AWS_ENDPOINT_URL_LAMBDA") || streq(vars[i].name, "AWS_ENDPOINT_URL"))
                        return true;
        return false;
}

/* An image that stands for a runtime knows less than AWS, which gives these to zip packages; its own are often others. */
static bool is_of_the_platform(const char *name) {
        return streq(name, "LANG") || streq(name, "TZ");
}

/* The image's, the function's, and where the API is unless one of them has said so. free() it. */
static struct env_var *all_vars(const struct assembly *a, char url[static 40], size_t *ret_count) {
        bool is_zip = *a->start->spec.runtime;
        size_t count = 0, own_count;
        struct env_var *own = link_list_vars(&a->start->vars, &own_count);
        struct env_var *vars = xcalloc(a->image_var_count + own_count + 1, sizeof(*vars));

        for (size_t i = 0; i < a->image_var_count; ++i)
                if (!is_zip || !is_of_the_platform(a->image_vars[i].name))
                        vars[count++] = a->image_vars[i];
        for (size_t i = 0; i < own_count; ++i)
                vars[count++] = own[i];
        free(own);
        if (a->endpoint_port && !assembly_has_endpoint(vars, count)) {
                snprintf(url, 40, "http://127.0.0.1:%u", a->endpoint_port);
                vars[count++] = (struct env_var){ "AWS_ENDPOINT_URL_LAMBDA", url };
        }
        *ret_count = count;
        return vars;
}

struct environment *assembly_supervisor(const struct assembly *a) {
        struct environment_spec spec = a->start->spec;
        struct runtime_command command = a->start->command;
        const struct supervisor_options options = {
                .loop = a->loop,
                .place_consume = a->place_consume,
                .spec = &spec,
                .command = &command,
                .init_limit = a->start->init_limit,
                .extensions = a->extensions,
                .extensions_disabled = a->extensions_disabled,
        };
        char url[40];
        struct env_var *vars = all_vars(a, url, &spec.var_count);
        struct env_var *command_vars = link_list_vars(&a->start->command_vars, &command.var_count);
        const char **argv = link_list_strings(&a->start->argv);
        struct environment *e;

        spec.vars = vars;
        command.vars = command_vars;
        command.argv = a->start->has_command ? argv : NULL;
        e = supervisor_new(&options);
        free(vars);
        free(command_vars);
        free(argv);
        return e;
}
