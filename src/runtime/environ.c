/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The environment variables of the runtime and, fewer of them, of external extensions (docs/aws.md, variables
 * and extensions).
 *
 * Three layers, later ones win: defaults that the function may replace, the function's own, and what the platform
 * reserves. HOME, PWD and SHLVL are not set, as on AWS for a process that no shell has started.
 */
#include <stdio.h>

#include "runtime/supervisor_private.h"

#define VARS_MAX 4096 /* the function's own are bounded to 4 KB of JSON by the API */

struct env_block {
        char **vars;
        size_t count, room;
};

static size_t find(const struct env_block *b, const char *name) {
        size_t len = strlen(name);

        for (size_t i = 0; i < b->count; ++i)
                if (strncmp(b->vars[i], name, len) == 0 && b->vars[i][len] == '=')
                        return i;
        return SIZE_MAX;
}

static bool is_named(const char *var, size_t len, const char *name) {
        return strlen(name) == len && memcmp(var, name, len) == 0;
}

/* Returns the place of the variable. */
static size_t set(struct env_block *b, const char *name, const char *value) {
        size_t i = find(b, name);

        if (!value)
                return SIZE_MAX;
        if (i == SIZE_MAX) {
                if (b->count + 1 >= b->room) {
                        b->room = MAX(b->room * 2, (size_t)48);
                        b->vars = xrealloc(b->vars, b->room * sizeof(*b->vars));
                }
                i = b->count++;
                b->vars[b->count] = NULL;
        } else {
                free(b->vars[i]);
        }
        b->vars[i] = xasprintf("%s=%s", name, value);
        return i;
}

static void set_defaults(struct env_block *b, const struct environment_spec *spec,
                         const struct place *place) {
        bool lang = !streq(spec->runtime, "provided.al2"); /* the one image without it */
        AUTO(str) char *libraries = xasprintf(
                "%s/lib64:/usr/lib64:%s:%s/lib:%s:%s/lib:%s/lib", lang ? "/var/lang/lib:" : "",
                place->runtime_dir, place->runtime_dir, place->task_root, place->task_root, place->opt_root);
        AUTO(str) char *path = xasprintf("%s/usr/local/bin:/usr/bin/:/bin:%s/bin",
                                         lang ? "/var/lang/bin:" : "", place->opt_root);

        set(b, "LANG", "en_US.UTF-8");
        set(b, "TZ", ":UTC");
        set(b, "PATH", path);
        set(b, "LD_LIBRARY_PATH", libraries);
        set(b, "AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR");
        set(b, "AWS_XRAY_DAEMON_ADDRESS", "169.254.100.1:2000");
        if (spec->log_json) {
                set(b, "AWS_LAMBDA_LOG_FORMAT", "JSON");
                set(b, "AWS_LAMBDA_LOG_LEVEL", spec->log_level);
        }
}

static void set_reserved(struct env_block *b, const struct environment_spec *spec,
                         const struct place *place) {
        char memory[16];

        snprintf(memory, sizeof(memory), "%u", spec->memory_mb);
        set(b, "_HANDLER", spec->handler);
        set(b, "AWS_REGION", spec->region);
        set(b, "AWS_DEFAULT_REGION", spec->region);
        set(b, "AWS_LAMBDA_FUNCTION_NAME", spec->function);
        set(b, "AWS_LAMBDA_FUNCTION_VERSION", spec->version);
        set(b, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory);
        set(b, "AWS_LAMBDA_INITIALIZATION_TYPE", spec->provisioned ? "provisioned-concurrency" : "on-demand");
        set(b, "AWS_LAMBDA_LOG_GROUP_NAME", spec->log_group);
        set(b, "AWS_LAMBDA_LOG_STREAM_NAME", spec->log_stream);
        set(b, "AWS_ACCESS_KEY_ID", spec->access_key_id);
        set(b, "AWS_SECRET_ACCESS_KEY", spec->secret_access_key);
        set(b, "AWS_SESSION_TOKEN", spec->session_token);
        set(b, "LAMBDA_TASK_ROOT", place->task_root);
        set(b, "LAMBDA_RUNTIME_DIR", place->runtime_dir);
        set(b, "_AWS_XRAY_DAEMON_ADDRESS", "169.254.100.1");
        set(b, "_AWS_XRAY_DAEMON_PORT", "2000");
}

/* Is set for the runtime alone: by the platform, or by what starts the runtime. */
static bool is_runtime_only(const char *var, const struct environment_spec *spec,
                            const struct runtime_command *command) {
        static const char *const names[] = {
                "AWS_XRAY_CONTEXT_MISSING",  "AWS_XRAY_DAEMON_ADDRESS",    "AWS_EXECUTION_ENV",
                "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "LAMBDA_TASK_ROOT",
                "LAMBDA_RUNTIME_DIR",
        };
        size_t len = strcspn(var, "=");

        if (*var == '_')
                return true;
        for (size_t i = 0; i < ARRAY_SIZE(names); ++i)
                if (is_named(var, len, names[i]))
                        return true;
        for (size_t i = 0; i < spec->var_count; ++i)
                if (is_named(var, len, spec->vars[i].name))
                        return false;
        for (size_t i = 0; i < command->var_count; ++i)
                if (is_named(var, len, command->vars[i].name))
                        return true;
        return false;
}

const char **environ_for_extensions(const struct supervisor *s) {
        size_t count = 0, kept = 0;
        const char **envp;

        while (s->envp[count])
                ++count;
        envp = xcalloc(count + 1, sizeof(*envp));
        for (size_t i = 0; i < count; ++i)
                if (!s->runtime_only[i])
                        envp[kept++] = s->envp[i];
        return envp;
}

void environ_build(struct supervisor *s, const struct environment_spec *spec,
                   const struct runtime_command *command) {
        struct env_block b = {};

        must(spec->var_count <= VARS_MAX);
        set_defaults(&b, spec, s->place);
        for (size_t i = 0; i < command->var_count; ++i)
                set(&b, command->vars[i].name, command->vars[i].value);
        for (size_t i = 0; i < spec->var_count; ++i)
                set(&b, spec->vars[i].name, spec->vars[i].value);
        set_reserved(&b, spec, s->place);
        set(&b, "AWS_EXECUTION_ENV", command->execution_env);
        if (!streq(s->place->opt_root, "/opt"))
                set(&b, "LAMBENT_OPT_DIR", s->place->opt_root);
        /* Calls of the Lambda API lead home where somebody answers them, unless the function chose an endpoint itself. */
        s->endpoint_var = SIZE_MAX;
        if (s->on_foreign_request && find(&b, "AWS_ENDPOINT_URL_LAMBDA") == SIZE_MAX &&
            find(&b, "AWS_ENDPOINT_URL") == SIZE_MAX)
                s->endpoint_var = set(&b, "AWS_ENDPOINT_URL_LAMBDA", "");
        s->api_var = set(&b, "AWS_LAMBDA_RUNTIME_API", "");
        s->envp = b.vars;
        s->runtime_only = xcalloc(b.count, sizeof(*s->runtime_only));
        for (size_t i = 0; i < b.count; ++i)
                s->runtime_only[i] = is_runtime_only(b.vars[i], spec, command);
}

void environ_set_api(struct supervisor *s, const char *address) {
        free(s->envp[s->api_var]);
        s->envp[s->api_var] = xasprintf("AWS_LAMBDA_RUNTIME_API=%s", address);
        if (s->endpoint_var != SIZE_MAX) {
                free(s->envp[s->endpoint_var]);
                s->envp[s->endpoint_var] = xasprintf("AWS_ENDPOINT_URL_LAMBDA=http://%s", address);
        }
}
