/* SPDX-License-Identifier: Apache-2.0 */
/* Makes environments for the pools: spec, runtime command, place and supervisor come together here. */
#include <stdio.h>
#include <time.h>

#include "base/log.h"
#include "engine/engine_private.h"
#include "function/placement.h"
#include "logs/logs.h"
#include "runtime/extensions.h"
#include "sandbox/rie/rie.h"

/* What the pools keep for us beside an environment. */
struct env_tag {
        struct engine *engine;
        struct logs_stream *stream;
};

static void serve_foreign(struct http_exchange *x, void *owner) {
        struct engine *e = owner;

        e->serve(x, e->serve_owner);
}

/* "2026/11/23/[$LATEST]<id>"; a group of the user's own gets the function's name in it (docs/aws.md, variables). */
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
        AUTO(str) char *client = NULL, *task_bytecode = NULL, *opt_bytecode = NULL;
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
                engine_bytecode(e, v, c->interpreter, &task_bytecode, &opt_bytecode);
                spec.task_bytecode = task_bytecode;
                spec.opt_bytecode = opt_bytecode;
                spec.lang_dir = c->interpreter->prefix;
                spec.lang_fd = MAX(c->interpreter->prefix_fd, 0);
        }
        return native_place_new(e->native, &spec);
}

/* vars: room for config->var_count. */
static void fill_spec(struct engine *e, const struct version *v, const char *id, bool provisioned,
                      const char *group, const char *stream, struct env_var *vars,
                      struct environment_spec *ret_spec) {
        const struct version_config *config = &v->config;

        *ret_spec = (struct environment_spec){
                .account = v->account,
                .region = v->region,
                .function = v->name,
                .version = v->number,
                .runtime = config->runtime ? config->runtime : "",
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
        str_fit(ret_spec->id, sizeof(ret_spec->id), id);
        for (size_t i = 0; i < config->var_count; ++i)
                vars[i] = (struct env_var){ config->vars[i].name, config->vars[i].value };
}

static struct environment *make_native(struct engine *e, const struct version *v,
                                       const struct environment_spec *spec, char **ret_problem) {
        struct supervisor_options options = { .loop = e->loop, .spec = spec, .owner = e };
        struct environment *environment;
        struct command command;
        char **extensions = NULL;

        if (command_find(e->interpreters, v, e->options.strict_runtimes, &command, ret_problem))
                return NULL;
        if (v->opt_dir) {
                extensions = extension_files(v->opt_dir);
                options.extensions = (const char *const *)extensions;
                options.extensions_disabled = extension_files_disabled(v->opt_dir);
        }
        options.command = &command.base;
        options.place_consume = new_place(e, v, &command, spec->id);
        options.on_foreign_request = e->serve ? serve_foreign : NULL;
        command_place(&command, v, options.place_consume);
        environment = supervisor_new(&options);
        extension_files_free(extensions);
        command_clear(&command);
        return environment;
}

static bool brings_bootstrap(const struct version *v) {
        return v->config.runtime && str_starts(v->config.runtime, "provided");
}

/* The image's own emulator where it is to be, where the image starts nothing else, and where init cannot run. */
static bool is_emulated(const struct engine *e, const struct version *v) {
        const char *mode = e->options.container_mode;
        struct image *image = v->placement->image;
        struct command command;
        bool starts_it;

        if (mode && !streq(mode, "auto"))
                return streq(mode, "rie");
        command_find_image(v, image, true, &command);
        starts_it = rie_is_started_by(command.base.argv);
        command_clear(&command);
        return starts_it || containers_init_is_impossible(e->containers, image);
}

const char *engine_container_mode(const struct engine *e, const struct version *v) {
        if (!v->placement || !v->placement->image)
                return NULL;
        return is_emulated(e, v) ? "rie" : "init";
}

static struct environment *make_emulated(struct engine *e, const struct version *v,
                                         const struct environment_spec *spec) {
        struct image *image = v->placement->image;
        struct environment *environment;
        struct command command;

        command_find_image(v, image, true, &command);
        environment = rie_environment_new(e->loop, e->containers,
                                          &(struct rie_spec){
                                                  .environment = spec,
                                                  .image = image,
                                                  .argv = command.base.argv,
                                                  .working_dir = command.base.cwd,
                                                  .execution_env = command.base.execution_env,
                                                  .runtime_is_task = brings_bootstrap(v),
                                                  .ready_time = e->options.rie_ready_time,
                                          });
        command_clear(&command);
        return environment;
}

static struct environment *make_container(struct engine *e, const struct version *v,
                                          const struct environment_spec *spec) {
        struct image *image = v->placement->image;
        struct container_spec container = {
                .environment = spec,
                .image = image,
                .runtime_is_task = brings_bootstrap(v),
        };
        struct environment *environment;
        struct command command;

        if (is_emulated(e, v))
                return make_emulated(e, v, spec);
        command_find_image(v, image, false, &command);
        container.command = &command.base;
        environment = containers_environment_new(e->containers, &container);
        command_clear(&command);
        return environment;
}

void engine_expect(struct engine *e, const struct version *v) {
        struct env_var *vars;
        struct environment_spec spec;

        if (is_emulated(e, v))
                return; /* what an emulator is to know it knows from its beginning */
        vars = xcalloc(v->config.var_count, sizeof(*vars));
        fill_spec(e, v, "", false, "", "", vars, &spec);
        containers_expect(e->containers, &(struct container_spec){
                                                 .environment = &spec,
                                                 .image = v->placement->image,
                                                 .runtime_is_task = brings_bootstrap(v),
                                         });
        free(vars);
}

/* What keeps it from a container belongs to why it cannot run. */
static void add_why(const struct version *v, char **problem) {
        char *whole;

        if (!v->placement || !*problem || !strchr(v->placement->why, ':'))
                return;
        whole = xasprintf("%s; %s", *problem, v->placement->why);
        free(*problem);
        *problem = whole;
}

static struct environment *make(void *owner, struct version *v, const char *id, bool provisioned,
                                void **ret_tag, char **ret_problem) {
        struct engine *e = owner;
        bool contained = v->placement && v->placement->image;
        struct environment_spec spec;
        struct environment *environment;
        struct env_tag *tag;
        AUTO(str) char *group = NULL, *log = NULL;
        AUTO(str) char *stream = NULL;
        struct env_var *vars;

        if (!contained && version_config_is_image(&v->config)) {
                *ret_problem = xstrdup(IMAGES_ABSENT);
                return NULL;
        }
        group = v->config.log_group ? xstrdup(v->config.log_group) : xasprintf("/aws/lambda/%s", v->name);
        stream = stream_name(e, v, id);
        vars = xcalloc(v->config.var_count, sizeof(*vars));
        fill_spec(e, v, id, provisioned, group, stream, vars, &spec);
        environment = contained ? make_container(e, v, &spec) : make_native(e, v, &spec, ret_problem);
        free(vars);
        if (!environment) {
                add_why(v, ret_problem);
                return NULL;
        }
        tag = xcalloc(1, sizeof(*tag));
        tag->engine = e;
        log = engine_log_group(v->account, v->region, group);
        tag->stream = logs_stream_open(e->logs, log, stream);
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
