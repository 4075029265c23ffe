/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/command.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "runtime/place.h"
#include "sandbox/engine/image.h"

static const char *keep(struct command *c, char *s) {
        must(c->string_count < ARRAY_SIZE(c->strings));
        c->strings[c->string_count++] = s;
        return s;
}

static bool parse_runtime(const char *runtime, enum language *ret_language, unsigned *ret_major,
                          unsigned *ret_minor) {
        char rest;

        *ret_minor = 0;
        if (sscanf(runtime, "python%u.%u%c", ret_major, ret_minor, &rest) == 2) {
                *ret_language = LANGUAGE_PYTHON;
                return true;
        }
        if (sscanf(runtime, "nodejs%u.%c%c", ret_major, &rest, &rest) == 2) {
                *ret_language = LANGUAGE_NODE;
                return true;
        }
        return false;
}

bool command_needs_interpreter(const char *runtime) {
        enum language language;
        unsigned major, minor;

        return parse_runtime(runtime, &language, &major, &minor);
}

/* "python3.13" is called python:3.13 in INIT_START; the ARN is made up, stable, and account-less as AWS's are. */
static void name_version(struct command *c, const struct version *v) {
        const char *runtime = v->config.runtime;
        size_t word = strcspn(runtime, "0123456789.");
        const char *rest = runtime + word + (runtime[word] == '.');
        struct sha256 hash;
        unsigned char digest[SHA256_LEN];
        char hex[SHA256_HEX_LEN + 1];
        int rest_len = (int)strlen(rest);

        if (rest_len > 2 && streq(rest + rest_len - 2, ".x"))
                rest_len -= 2;
        sha256_init(&hash);
        sha256_update(&hash, runtime, strlen(runtime));
        sha256_final(&hash, digest);
        hex_encode(digest, sizeof(digest), hex);
        c->base.version_name = keep(c, xasprintf("%.*s:%.*s.v1", (int)word, runtime, rest_len, rest));
        c->base.version_arn = keep(
                c, xasprintf("arn:%s:lambda:%s::runtime:%s", region_partition(v->region), v->region, hex));
}

/* A function that is not run as on AWS says so in its log. */
static void warn(struct command *c, const struct version *v, bool exact) {
        const struct interpreter *in = c->interpreter;
        bool python = in && in->language == LANGUAGE_PYTHON;
        AUTO(str) char *version = NULL, *machine = NULL;
        struct utsname host;

        uname(&host);
        if (!exact)
                version =
                        python ? xasprintf(
                                         "%s is not installed on this machine; running on Python %u.%u (%s)",
                                         v->config.runtime, in->major, in->minor, in->path)
                               : xasprintf("%s is not installed on this machine; running on Node.js %u (%s)",
                                           v->config.runtime, in->major, in->path);
        if (streq(v->config.architecture, "arm64") != streq(host.machine, "aarch64"))
                machine = xasprintf(
                        "the function is for %s, and this machine is %s: what is compiled in it will not run",
                        v->config.architecture, host.machine);
        if (version || machine)
                c->base.notice = keep(c, xasprintf("LAMBENT_WARNING: %s%s%s", version ?: "",
                                                   version && machine ? "; " : "", machine ?: ""));
}

int command_find(const struct interpreters *i, const struct version *v, bool strict,
                 struct command *ret_command, char **ret_problem) {
        const char *runtime = v->config.runtime;
        struct command *c = ret_command;
        enum language language;
        unsigned major, minor;
        bool exact;

        *c = (struct command){};
        name_version(c, v);
        if (streq(runtime, "provided.al2023") || streq(runtime, "provided.al2") ||
            streq(runtime, "provided")) {
                warn(c, v, true);
                return 0;
        }
        if (!parse_runtime(runtime, &language, &major, &minor)) {
                *ret_problem = xasprintf(
                        "lambent cannot run %s natively yet: it runs provided.*, python3.* and nodejs*",
                        runtime);
                command_clear(c);
                return -ENOENT;
        }
        c->base.execution_env = keep(c, xasprintf("AWS_Lambda_%s", runtime));
        c->interpreter = interpreters_find(i, language, major, minor, &exact);
        if (!c->interpreter || (strict && !exact)) {
                *ret_problem =
                        xasprintf("%s is not installed on this machine%s; install it, or put it in PATH",
                                  runtime, c->interpreter ? " and --strict-runtimes is set" : "");
                command_clear(c);
                return -ENOENT;
        }
        warn(c, v, exact);
        return 0;
}

/* A link counts as it is: where it leads is known only inside. */
static bool exists(const char *folder, const char *name) {
        AUTO(str) char *path = folder ? xasprintf("%s/%s", folder, name) : NULL;

        return path && faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The first bootstrap there is; whether it can be executed, execve will say in its own words. */
static void place_provided(struct command *c, const struct version *v, const char *task_root,
                           const char *opt_root) {
        if (exists(v->task_dir, "bootstrap"))
                c->argv[0] = keep(c, xasprintf("%s/bootstrap", task_root));
        else if (exists(v->opt_dir, "bootstrap"))
                c->argv[0] = keep(c, xasprintf("%s/bootstrap", opt_root));
        else
                c->base.missing_entry =
                        "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]";
}

static unsigned python_minor(const struct version *v) {
        enum language language;
        unsigned major, minor;

        return parse_runtime(v->config.runtime, &language, &major, &minor) ? minor : 0;
}

static const char *variable(const struct version *v, const char *name) {
        for (size_t i = 0; i < v->config.var_count; ++i)
                if (streq(v->config.vars[i].name, name))
                        return v->config.vars[i].value;
        return NULL;
}

/* The flags of AWS's own bootstrap: heap sizes by the function's memory, and the loaders as they were before Node.js
 * 20.19 began to guess (runtimes/README.md). */
static size_t add_node_flags(struct command *c, const struct version *v, size_t n) {
        static const char *const unguessing[] = { "--no-experimental-require-module",
                                                  "--no-experimental-detect-module" };
        const char *options = variable(v, "NODE_OPTIONS");
        unsigned memory = v->config.memory_mb, major = c->interpreter->major;

        c->argv[n++] = "--expose-gc";
        c->argv[n++] = keep(c, xasprintf("--max-semi-space-size=%u", MAX(memory * 5 / 100, 1u)));
        c->argv[n++] = keep(c, xasprintf("--max-old-space-size=%u", memory * 90 / 100));
        for (size_t i = 0; i < ARRAY_SIZE(unguessing); ++i) {
                const char *word = unguessing[i] + strlen("--no-");

                if (major > 20 || (major == 20 && c->interpreter->minor >= 19))
                        if (!options || !strstr(options, word))
                                c->argv[n++] = unguessing[i];
        }
        return n;
}

static void place_client(struct command *c, const struct version *v, const struct place *place) {
        const char *dir = place->runtime_dir, *wrapper = variable(v, "AWS_LAMBDA_EXEC_WRAPPER");
        size_t n = 0, vars = 0;

        if (wrapper && *wrapper) {
                c->argv[n++] = "/bin/sh";
                c->argv[n++] = keep(c, xasprintf("%s/bootstrap", dir));
        }
        c->argv[n++] = c->interpreter->path;
        if (c->interpreter->language == LANGUAGE_PYTHON) {
                c->argv[n++] = "-S";
                c->argv[n++] = keep(c, xasprintf("%s/bootstrap.py", dir));
                c->vars[vars++] = (struct env_var){ "PYTHONPATH", dir };
                if (place->task_bytecode)
                        c->vars[vars++] = (struct env_var){ "LAMBENT_TASK_BYTECODE", place->task_bytecode };
                if (place->opt_bytecode)
                        c->vars[vars++] = (struct env_var){ "LAMBENT_OPT_BYTECODE", place->opt_bytecode };
                if (python_minor(v) >= 12)
                        c->vars[vars++] = (struct env_var){ "LC_CTYPE", "C.UTF-8" };
        } else {
                n = add_node_flags(c, v, n);
                c->argv[n++] = keep(c, xasprintf("%s/index.cjs", dir));
                c->vars[vars++] = (struct env_var){
                        "NODE_PATH",
                        keep(c,
                             xasprintf(
                                     "%s/nodejs/node%u/node_modules:%s/nodejs/node_modules:%s/node_modules:%s:%s",
                                     place->opt_root, c->interpreter->major, place->opt_root, dir, dir,
                                     place->task_root)),
                };
        }
        c->base.vars = c->vars;
        c->base.var_count = vars;
}

void command_place(struct command *c, const struct version *v, const struct place *place) {
        if (c->interpreter)
                place_client(c, v, place);
        else
                place_provided(c, v, place->task_root, place->opt_root);
        c->base.argv = c->argv[0] ? c->argv : NULL;
        c->base.cwd = place->task_root;
}

/* ---- in a container ---- */

static size_t add_words(struct command *c, size_t n, char *const *words, size_t count) {
        for (size_t i = 0; i < count && words[i] && n < COMMAND_ARGV_MAX - 1; ++i)
                c->argv[n++] = words[i];
        return n;
}

/* Each part of ImageConfig replaces the image's own (docs/aws.md, images). */
static void run_image(struct command *c, const struct version_config *config, const struct image *image) {
        const struct text_list *entry = &config->entry_point, *command = &config->command;
        size_t n = entry->count ? add_words(c, 0, entry->items, entry->count)
                                : add_words(c, 0, image->entrypoint, COMMAND_ARGV_MAX);

        if (command->count)
                add_words(c, n, command->items, command->count);
        else
                add_words(c, n, image->command, COMMAND_ARGV_MAX);
        c->base.version_name = c->base.version_arn = "";
        c->base.cwd = config->working_directory ? config->working_directory
                      : *image->working_dir     ? image->working_dir
                                                : "/";
        if (!c->argv[0])
                c->base.missing_entry = "the image has neither an entrypoint nor a command";
}

/* AWS's entrypoint script wants the handler, and starts the runtime client at once where AWS_LAMBDA_RUNTIME_API is set. */
static void run_zip(struct command *c, const struct version_config *config, const struct image *image) {
        size_t n = add_words(c, 0, image->entrypoint, COMMAND_ARGV_MAX - 2);

        c->argv[n++] = config->handler;
        c->base.cwd = "/var/task";
        if (n == 1) {
                c->argv[0] = NULL;
                c->base.missing_entry = "the image of the runtime has no entrypoint";
        }
}

void command_find_image(const struct version *v, const struct image *image, bool emulated,
                        struct command *ret_command) {
        const struct version_config *config = &v->config;
        struct command *c = ret_command;

        *c = (struct command){};
        if (version_config_is_image(config)) {
                run_image(c, config, image);
        } else {
                name_version(c, v);
                bool provided = str_starts(config->runtime, "provided");

                if (!provided)
                        c->base.execution_env = keep(c, xasprintf("AWS_Lambda_%s", config->runtime));
                if (!provided || emulated) {
                        run_zip(c, config, image);
                } else {
                        place_provided(c, v, "/var/task", "/opt");
                        c->base.cwd = "/var/task";
                }
        }
        c->base.argv = c->argv[0] ? c->argv : NULL;
}

void command_clear(struct command *c) {
        for (size_t i = 0; i < c->string_count; ++i)
                free(c->strings[i]);
        *c = (struct command){};
}
