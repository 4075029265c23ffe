/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include <stdarg.h>
#include <stdio.h>

#include "cli/document.h"

static const struct program *program_now;

const struct program *command_program(void) {
        return program_now;
}

int complain(const char *format, ...) {
        va_list args;

        fflush(stdout);
        fputs("lambent: ", stderr);
        va_start(args, format);
        vfprintf(stderr, format, args);
        va_end(args);
        fputc('\n', stderr);
        return 1;
}

static int usage_error(const struct command *command, const char *problem) {
        if (command)
                complain("%s\nusage: lambent %s [options] %s", problem, command->name, command->operands);
        else
                complain("%s", problem);
        return 2;
}

static const struct command *command_find(const char *name) {
        for (const struct command *c = program_now->commands; c->name; c++) {
                if (streq(c->name, name))
                        return c;
        }
        return NULL;
}

static const char *command_name_at(const void *words, size_t i) {
        return ((const struct command *)words)[i].name;
}

/* One config file serves all commands, so a name may belong to another one. */
static bool setting_is_known(const char *name) {
        for (const struct command *c = program_now->commands; c->name; c++) {
                const struct option *option = option_find(c->options, name, strlen(name));

                if (option && option->env)
                        return true;
        }
        return false;
}

/* --config FILE, or LAMBENT_CONFIG: that file and no other. */
static const char *named_config(int argc, char **argv) {
        for (int i = 1; i < argc && !streq(argv[i], "--"); i++) {
                if (str_starts(argv[i], "--config="))
                        return argv[i] + strlen("--config=");
                if (streq(argv[i], "--config") && i + 1 < argc)
                        return argv[i + 1];
        }
        return getenv("LAMBENT_CONFIG");
}

static int fill_files(struct option_fill *fill, const char *named, char **ret_problem) {
        const char *home = getenv("HOME"), *config_home = getenv("XDG_CONFIG_HOME");
        AUTO(str) char *own = NULL;
        int r;

        if (named && *named) {
                r = option_fill_file(fill, named, setting_is_known, ret_problem);
                if (r && !*ret_problem)
                        *ret_problem = xasprintf("config file %s: %s", named, strerror(-r));
                return r;
        }
        if (config_home && *config_home)
                own = xasprintf("%s/lambent/config", config_home);
        else if (home && *home)
                own = xasprintf("%s/.config/lambent/config", home);
        r = own ? option_fill_file(fill, own, setting_is_known, ret_problem) : 0;
        if (!r || !*ret_problem)
                r = option_fill_file(fill, "/etc/lambent/config", setting_is_known, ret_problem);
        return *ret_problem ? r : 0; /* files that are not there, or not ours to read, say nothing */
}

static int command_fill(const struct command *command, void *values, int argc, char **argv,
                        struct strings *ret_operands, char **ret_problem) {
        struct option_fill fill = { .table = command->options, .values = values };
        int r = option_fill_argv(&fill, argc, argv, command->rest, ret_operands, ret_problem);

        if (!r)
                r = option_fill_environment(&fill, ret_problem);
        if (!r)
                r = fill_files(&fill,
                               option_find(command->options, "config", 6) ? named_config(argc, argv) : NULL,
                               ret_problem);
        if (!r)
                r = option_fill_initial(&fill, ret_problem);
        if (!r && ret_operands->count < command->operands_least) {
                *ret_problem = xasprintf("%s needs %s", command->name, command->operands);
                r = -EINVAL;
        }
        if (!r && !command->rest && ret_operands->count > command->operands_most) {
                *ret_problem = xasprintf("%s does not take \"%s\"", command->name,
                                         ret_operands->items[command->operands_most]);
                r = -EINVAL;
        }
        return r;
}

static bool asks_for_help(const struct command *command, int argc, char **argv) {
        for (int i = 1; i < argc && !streq(argv[i], "--"); i++) {
                if (streq(argv[i], "--help") || streq(argv[i], "-h"))
                        return true;
                if (command->rest && argv[i][0] != '-')
                        return false;
        }
        return false;
}

static int command_run(const struct command *command, int argc, char **argv) {
        void *values = xcalloc(1, MAX(command->values_size, (size_t)1));
        struct strings operands = {};
        AUTO(str) char *problem = NULL;
        int r;

        if (asks_for_help(command, argc, argv)) {
                document_command_help(stdout, command);
                r = 0;
        } else if (command_fill(command, values, argc, argv, &operands, &problem)) {
                r = usage_error(command, problem);
        } else {
                r = command->run(values, &operands);
        }
        strings_release(&operands);
        option_release(command->options, values);
        free(values);
        return r;
}

int command_main(const struct program *program, int argc, char **argv) {
        const struct command *command;
        AUTO(str) char *problem = NULL;
        const char *nearest;
        int r;

        program_now = program;
        if (argc < 2) {
                document_help(stderr, program);
                return 2;
        }
        if (streq(argv[1], "--version") || streq(argv[1], "version")) {
                printf("%s %s\n", program->name, program->version);
                return 0;
        }
        if (streq(argv[1], "--help") || streq(argv[1], "-h") || streq(argv[1], "help")) {
                command = argc > 2 ? command_find(argv[2]) : NULL;
                if (command)
                        document_command_help(stdout, command);
                else
                        document_help(stdout, program);
                return 0;
        }
        command = command_find(argv[1]);
        if (!command) {
                nearest = word_nearest(argv[1], command_name_at, program->commands);
                problem =
                        nearest ? xasprintf("there is no command \"%s\"; did you mean %s?", argv[1], nearest)
                                : xasprintf("there is no command \"%s\"; lambent --help lists them", argv[1]);
                return usage_error(NULL, problem);
        }
        r = command_run(command, argc - 1, argv + 1);
        /* A full disk or a closed pipe must not look like success. */
        if (fflush(stdout) || ferror(stdout))
                return r ? r : 1;
        return r;
}
