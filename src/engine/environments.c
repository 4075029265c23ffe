/* SPDX-License-Identifier: Apache-2.0 */
/* Makes environments for the pools: spec, runtime command, place and supervisor come together here. */
#include <stdio.h>
#include <time.h>

#include "base/log.h"
#include "engine/engine_private.h"
#include "logs/logs.h"
#include "runtime/extensions.h"

/* What the pools keep for us beside an environment. */
struct env_tag {
        struct engine *engine;
        struct logs_stream *stream;
};

static void serve_foreign(struct http_exchange *x, void *owner) {
        struct engine *e = owner;

        e->serve(x, e->serve_owner);
}

/* "2026/11/23/[$LATEST]<id>"; a group of the user's own gets the function's name in it (facts/environment.md 1.1). */
static char *stream_name(const struct engine *e, const struct version *v, const char *id) {
        time_t now = (time_t)(loop_wall(e->loop) / SECOND);
        char day[16];
        struct tm utc;

        gmtime_r(&now, &utc);
        strftime(day, sizeof(day), "%Y/%m/%d", &utc);
        return xasprintf("%s/%s[%s]%s", day, v->config.log_group ? v->name : "", v->number, id);
}

static struct place *new_place(struct engine *e, const struct version *v, const struct command *c,
                               const char *id) {
        AUTO(str) char *client = NULL;
        struct native_place_spec spec = {
                .task_dir = v->task_dir,
                .opt_dir = v->opt_dir,
                .memory_mb = v->config.memory_mb,
                .tmp_mb = v->config.tmp_mb,
                .timeout_ms = (uint64_t)v->config.timeout_s * 1000,
        };

        memcpy(spec.id, id, sizeof(spec.id));
        if (c->interpreter) {
                client = xasprintf("%s/%s", e->options.runtimes_dir, language_name(c->interpreter->language));
                spec.runtime_dir = compiled_dir(e->compiled, c->interpreter) ?: client;
                spec.lang_dir = c->interpreter->prefix;
                spec.lang_fd = MAX(c->interpreter->prefix_fd, 0);
        }
        return native_place_new(e->native, &spec);
}

static struct environment *make_supervisor(struct engine *e, const struct version *v, struct command *c,
                                           const char *id, bool provisioned, const char *group,
                                           const char *stream) {
        const struct version_config *config = &v->config;
        struct env_var *vars = xcalloc(config->var_count, sizeof(*vars));
        struct environment_spec spec = {
                .account = v->account,
                .region = v->region,
                .function = v->name,
                .version = v->number,
                .runtime = config->runtime,
                .handler = config->handler,
                .vars = vars,
                .var_count = config->var_count,
                .memory_mb = config->memory_mb,
                .tmp_mb = config->tmp_mb,
                .timeout = config->timeout_s * SECOND,
                .provisioned = provisioned,
                .log_group = group,
                .log_stream = stream,
                .log_json = config->log_format && streq(config->log_format, "JSON"),
                .log_level = config->log_level,
                .system_log_level = config->system_log_level,
                .task_dir = v->task_dir,
                .opt_dir = v->opt_dir,
                /* Calls of the function come back as calls of its own account (house rule: a key of 12 digits names it). */
                .access_key_id = v->account,
                .secret_access_key = "lambent",
                .session_token = "lambent",
        };
        struct supervisor_options options = {
                .loop = e->loop, .spec = &spec, .command = &c->base, .owner = e
        };
        struct environment *environment;
        char **extensions = NULL;

        memcpy(spec.id, id, sizeof(spec.id));
        for (size_t i = 0; i < config->var_count; ++i)
                vars[i] = (struct env_var){ config->vars[i].name, config->vars[i].value };
        if (v->opt_dir) {
                extensions = extension_files(v->opt_dir);
                options.extensions = (const char *const *)extensions;
                options.extensions_disabled = extension_files_disabled(v->opt_dir);
        }
        options.place_consume = new_place(e, v, c, id);
        options.on_foreign_request = e->serve ? serve_foreign : NULL;
        command_place(c, v, options.place_consume);
        environment = supervisor_new(&options);
        extension_files_free(extensions);
        free(vars);
        return environment;
}

static struct environment *make(void *owner, struct version *v, const char *id, bool provisioned,
                                void **ret_tag, char **ret_problem) {
        struct engine *e = owner;
        struct command command;
        struct environment *environment;
        struct env_tag *tag;
        AUTO(str) char *group = NULL;
        AUTO(str) char *stream = NULL;

        if (version_config_is_image(&v->config)) {
                *ret_problem = xstrdup(IMAGES_ABSENT);
                return NULL;
        }
        if (command_find(e->interpreters, v, e->options.strict_runtimes, &command, ret_problem))
                return NULL;
        group = v->config.log_group ? xstrdup(v->config.log_group) : xasprintf("/aws/lambda/%s", v->name);
        stream = stream_name(e, v, id);
        environment = make_supervisor(e, v, &command, id, provisioned, group, stream);
        command_clear(&command);
        tag = xcalloc(1, sizeof(*tag));
        tag->engine = e;
        tag->stream = logs_stream_open(e->logs, group, stream);
        *ret_tag = tag;
        return environment;
}

static void unmake(void *owner, void *tag_pointer) {
        struct env_tag *tag = tag_pointer;

        logs_stream_close(tag->stream);
        free(tag);
}

static void append_log(void *owner, void *tag_pointer, nsec_t wall, const char *line, size_t len) {
        struct env_tag *tag = tag_pointer;

        logs_append(tag->stream, wall, line, len);
}

const struct pools_ports engine_pools_ports = { .make = make, .unmake = unmake, .log = append_log };
