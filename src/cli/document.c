/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/document.h"

#include <ctype.h>

#define HELP_WIDTH 100

/* Prints words with a hanging indent; the cursor stands in column `at`. A newline in text begins a paragraph.
 */
static void print_wrapped(FILE *out, const char *text, int at, int indent) {
        int gap = 0;

        while (*text) {
                int len = (int)strcspn(text, " \n");

                if (at + gap + len > HELP_WIDTH && at > indent) {
                        fprintf(out, "\n%*s", indent, "");
                        at = indent;
                        gap = 0;
                }
                at += fprintf(out, "%*s%.*s", gap, "", len, text);
                text += len;
                gap = *text == ' ';
                if (*text == '\n') {
                        fprintf(out, "\n\n%*s", indent, "");
                        at = indent;
                }
                text += *text != '\0';
        }
        fputc('\n', out);
}

static const struct option *next_visible(const struct option *option) {
        while (option->name && option->hidden)
                option++;
        return option->name ? option : NULL;
}

static const struct command *next_command(const struct command *command) {
        while (command->name && command->hidden)
                command++;
        return command->name ? command : NULL;
}

void document_help(FILE *out, const struct program *program) {
        fprintf(out, "%s - %s\n\nusage: %s COMMAND [options] [operands]\n\n", program->name, program->summary,
                program->name);
        for (const struct command *c = next_command(program->commands); c; c = next_command(c + 1))
                fprintf(out, "  %-12s %s\n", c->name, c->summary);
        fprintf(out, "\n%s COMMAND --help tells more; %s man has everything on one page.\n", program->name,
                program->name);
}

static void print_option_head(FILE *out, const struct option *option) {
        char head[80];
        int len = snprintf(head, sizeof(head), "  %c%c%s--%s%s%s", option->letter ? '-' : ' ',
                           option->letter ? option->letter : ' ', option->letter ? ", " : "  ", option->name,
                           option->type == OPTION_FLAG ? "" : " ",
                           option->type == OPTION_FLAG ? "" : option->value);

        fprintf(out, "%s", head);
        if (len > 32)
                fprintf(out, "\n%34s", "");
        else
                fprintf(out, "%*s", 34 - len, "");
}

/* "$A, $B" of "A B". */
static char *environment_text(const struct option *option) {
        char *text = xstrdup("");

        for (const char *at = option->env; at && *at;) {
                size_t len = strcspn(at, " ");
                char *longer = xasprintf("%s%s$%.*s", text, *text ? ", " : " ", (int)len, at);

                free(text);
                text = longer;
                at += len + strspn(at + len, " ");
        }
        return text;
}

static char *option_text(const struct option *option) {
        AUTO(str) char *environment = environment_text(option);
        AUTO(str)
        char *initial = option->initial && option->type != OPTION_FLAG ? xasprintf(" [%s]", option->initial)
                                                                       : xstrdup("");

        return xasprintf("%s%s%s%s", option->help, option->type == OPTION_LIST ? " (may be repeated)" : "",
                         initial, environment);
}

void document_command_help(FILE *out, const struct command *command) {
        fprintf(out, "lambent %s - %s\n\nusage: lambent %s%s %s\n", command->name, command->summary,
                command->name, next_visible(command->options) ? " [options]" : "", command->operands);
        if (command->details) {
                fputc('\n', out);
                print_wrapped(out, command->details, 0, 0);
        }
        if (next_visible(command->options))
                fputc('\n', out);
        for (const struct option *o = next_visible(command->options); o; o = next_visible(o + 1)) {
                AUTO(str) char *text = option_text(o);

                print_option_head(out, o);
                print_wrapped(out, text, 34, 34);
        }
}

/* roff: a leading dot or quote is a request, a backslash escapes, a plain hyphen would become a typographic
 * one. */
static void print_roff(FILE *out, const char *text) {
        if (*text == '.' || *text == '\'')
                fputs("\\&", out);
        for (; *text; text++) {
                if (*text == '\\')
                        fputs("\\e", out);
                else if (*text == '-')
                        fputs("\\-", out);
                else if (*text == '\n')
                        fputs("\n.PP\n", out);
                else
                        fputc(*text, out);
        }
}

static void print_roff_option(FILE *out, const struct option *option) {
        AUTO(str) char *text = option_text(option);

        fputs(".TP\n", out);
        if (option->letter)
                fprintf(out, "\\fB\\-%c\\fR, ", option->letter);
        fputs("\\fB\\-\\-", out);
        print_roff(out, option->name);
        fputs("\\fR", out);
        if (option->type != OPTION_FLAG)
                fprintf(out, " \\fI%s\\fR", option->value);
        fputc('\n', out);
        print_roff(out, text);
        fputc('\n', out);
}

void document_man(FILE *out, const struct program *program) {
        fprintf(out, ".TH LAMBENT 1 \"\" \"%s %s\" \"User Commands\"\n", program->name, program->version);
        fprintf(out, ".SH NAME\n%s \\- ", program->name);
        print_roff(out, program->summary);
        fprintf(out, "\n.SH SYNOPSIS\n.B %s\n.I COMMAND\n[options] [operands]\n.SH COMMANDS\n",
                program->name);
        for (const struct command *c = next_command(program->commands); c; c = next_command(c + 1)) {
                fprintf(out, ".SS %s %s\n", c->name,
                        *c->operands == '-' ? "\\-\\- COMMAND [ARGUMENT...]" : c->operands);
                print_roff(out, c->summary);
                fputs(".\n", out);
                if (c->details) {
                        fputs(".PP\n", out);
                        print_roff(out, c->details);
                        fputc('\n', out);
                }
                for (const struct option *o = next_visible(c->options); o; o = next_visible(o + 1))
                        print_roff_option(out, o);
        }
        fputs(".SH CONFIGURATION\n"
              "Options that name an environment variable may also stand in a config file, one\n"
              ".I name = value\n"
              "per line, lines that begin with # are comments. Read are the file named by\n"
              ".BR \\-\\-config ,\n"
              "or else $XDG_CONFIG_HOME/lambent/config and /etc/lambent/config.\n"
              "The command line wins over the environment, the environment over files, the user's file over "
              "the system's.\n"
              ".SH EXIT STATUS\n"
              "0: done. 1: it did not work; a sentence on standard error says why. 2: wrong usage.\n",
              out);
}

static void print_markdown_text(FILE *out, const char *text) {
        for (; *text; text++) {
                if (*text == '|' || *text == '<' || *text == '*' || *text == '_')
                        fputc('\\', out);
                fputc(*text, out);
        }
}

static void print_markdown_option(FILE *out, const struct option *option) {
        fputs("| `", out);
        if (option->letter)
                fprintf(out, "-%c`, `", option->letter);
        fprintf(out, "--%s", option->name);
        if (option->type != OPTION_FLAG) {
                fputc(' ', out);
                for (const char *at = option->value; *at; at++)
                        fprintf(out, "%s%c", *at == '|' ? "\\" : "", *at);
        }
        fputs("` | ", out);
        for (const char *at = option->env; at && *at;) {
                size_t len = strcspn(at, " ");

                fprintf(out, "%s`%.*s`", at == option->env ? "" : ", ", (int)len, at);
                at += len + strspn(at + len, " ");
        }
        fputs(" | ", out);
        if (option->initial && option->type != OPTION_FLAG)
                fprintf(out, "`%s`", option->initial);
        fputs(" | ", out);
        print_markdown_text(out, option->help);
        fputs(option->type == OPTION_LIST ? " (may be repeated) |\n" : " |\n", out);
}

void document_markdown(FILE *out, const struct program *program) {
        fprintf(out,
                "<!-- Generated by `%s man --markdown`; a test compares. -->\n"
                "# Options\n\n"
                "Every setting can be given on the command line, most also in the environment or in a config "
                "file\n"
                "(`name = value`, one per line, `#` begins a comment line). The command line wins over the "
                "environment, the\n"
                "environment over files, `$XDG_CONFIG_HOME/lambent/config` over `/etc/lambent/config`. "
                "`--config FILE` or\n"
                "`LAMBENT_CONFIG` names one file to be read instead of the two.\n",
                program->name);
        for (const struct command *c = next_command(program->commands); c; c = next_command(c + 1)) {
                fprintf(out, "\n## %s %s%s%s\n\n", program->name, c->name, *c->operands ? " " : "",
                        c->operands);
                fprintf(out, "%c%s.\n", toupper((unsigned char)*c->summary), c->summary + 1);
                if (c->details) {
                        fputc('\n', out);
                        for (const char *at = c->details; *at; at++)
                                fputs(*at == '\n' ? "\n\n" : (char[]){ *at, '\0' }, out);
                        fputc('\n', out);
                }
                if (!next_visible(c->options))
                        continue;
                fputs("\n| option | environment | default | |\n|---|---|---|---|\n", out);
                for (const struct option *o = next_visible(c->options); o; o = next_visible(o + 1))
                        print_markdown_option(out, o);
        }
}

/* Names of functions are asked of the server at the moment of completion; a server that is away completes
 * nothing. */
static bool takes_function(const struct command *command) {
        return strstr(command->operands, "NAME") != NULL;
}

static bool takes_file(const struct command *command) {
        return strstr(command->operands, "PATH") != NULL || command->rest;
}

static void complete_bash(FILE *out, const struct program *program) {
        fputs("_lambent() {\n"
              "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
              "  COMPREPLY=()\n"
              "  if ((COMP_CWORD == 1)); then\n"
              "    COMPREPLY=($(compgen -W '",
              out);
        for (const struct command *c = next_command(program->commands); c; c = next_command(c + 1))
                fprintf(out, "%s ", c->name);
        fputs("help' -- \"$word\"))\n    return\n  fi\n  case ${COMP_WORDS[1]}:$before in\n", out);
        for (const struct command *c = next_command(program->commands); c; c = next_command(c + 1)) {
                for (const struct option *o = next_visible(c->options); o; o = next_visible(o + 1)) {
                        if (o->type == OPTION_CHOICE)
                                fprintf(out,
                                        "    %s:--%s) COMPREPLY=($(IFS='|' compgen -W '%s' -- "
                                        "\"$word\")); return ;;\n",
                                        c->name, o->name, o->value);
                        else if (o->type == OPTION_PATH)
                                fprintf(out,
                                        "    %s:--%s) COMPREPLY=($(compgen -f -- \"$word\")); return "
                                        ";;\n",
                                        c->name, o->name);
                }
        }
        fputs("  esac\n  case ${COMP_WORDS[1]} in\n", out);
        for (const struct command *c = next_command(program->commands); c; c = next_command(c + 1)) {
                fprintf(out,
                        "    %s)\n      if [[ $word == -* ]]; then\n        COMPREPLY=($(compgen -W "
                        "'",
                        c->name);
                for (const struct option *o = next_visible(c->options); o; o = next_visible(o + 1))
                        fprintf(out, "--%s ", o->name);
                fputs("--help' -- \"$word\"))\n", out);
                if (takes_function(c))
                        fputs("      else\n        COMPREPLY=($(compgen -W \"$(lambent functions --names "
                              "2>/dev/null)\" -- \"$word\"))\n",
                              out);
                else if (takes_file(c))
                        fputs("      else\n        COMPREPLY=($(compgen -f -- \"$word\"))\n", out);
                else if (streq(c->name, "completions"))
                        fputs("      else\n        COMPREPLY=($(compgen -W 'bash zsh fish' -- \"$word\"))\n",
                              out);
                fputs("      fi ;;\n", out);
        }
        fputs("  esac\n}\ncomplete -o filenames -F _lambent lambent\n", out);
}

/* In zsh's _arguments a colon, a bracket or a quote in a description ends it. */
static void print_zsh_text(FILE *out, const char *text) {
        for (; *text; text++) {
                if (*text == '\'')
                        fputs("'\\''", out);
                else if (strchr("[]:\\", *text))
                        fprintf(out, "\\%c", *text);
                else
                        fputc(*text, out);
        }
}

static void print_zsh_option(FILE *out, const struct option *option) {
        fprintf(out, "        '%s--%s[", option->type == OPTION_LIST ? "*" : "", option->name);
        print_zsh_text(out, option->help);
        fputc(']', out);
        if (option->type == OPTION_CHOICE) {
                fputs(":value:(", out);
                for (const char *at = option->value; *at; at++)
                        fputc(*at == '|' ? ' ' : *at, out);
                fputc(')', out);
        } else if (option->type == OPTION_PATH) {
                fputs(":file:_files", out);
        } else if (option->type != OPTION_FLAG) {
                fputs(":value:", out);
        }
        fputs("' \\\n", out);
}

static void complete_zsh(FILE *out, const struct program *program) {
        fputs("#compdef lambent\n_lambent() {\n  local -a commands functions\n  commands=(\n", out);
        for (const struct command *c = next_command(program->commands); c; c = next_command(c + 1)) {
                fprintf(out, "    '%s:", c->name);
                print_zsh_text(out, c->summary);
                fputs("'\n", out);
        }
        fputs("  )\n  if (( CURRENT == 2 )); then\n    _describe command commands\n    return\n  fi\n"
              "  shift words; (( CURRENT-- ))\n  case $words[1] in\n",
              out);
        for (const struct command *c = next_command(program->commands); c; c = next_command(c + 1)) {
                fprintf(out, "    %s)\n", c->name);
                if (takes_function(c))
                        fputs("      functions=(${(f)\"$(lambent functions --names "
                              "2>/dev/null)\"})\n",
                              out);
                fputs("      _arguments \\\n", out);
                for (const struct option *o = next_visible(c->options); o; o = next_visible(o + 1))
                        print_zsh_option(out, o);
                fprintf(out, "        '%s' ;;\n",
                        takes_function(c)               ? "*:function:($functions)"
                        : takes_file(c)                 ? "*:file:_files"
                        : streq(c->name, "completions") ? "1:shell:(bash zsh fish)"
                                                        : "--help[say how it is used]");
        }
        fputs("  esac\n}\ncompdef _lambent lambent\n", out);
}

static void print_fish_text(FILE *out, const char *text) {
        fputc('\'', out);
        for (; *text; text++)
                fprintf(out, "%s%c", *text == '\'' || *text == '\\' ? "\\" : "", *text);
        fputc('\'', out);
}

static void complete_fish(FILE *out, const struct program *program) {
        for (const struct command *c = next_command(program->commands); c; c = next_command(c + 1)) {
                fprintf(out, "complete -c lambent -n __fish_use_subcommand -f -a %s -d ", c->name);
                print_fish_text(out, c->summary);
                fputc('\n', out);
        }
        for (const struct command *c = next_command(program->commands); c; c = next_command(c + 1)) {
                if (takes_function(c))
                        fprintf(out,
                                "complete -c lambent -n '__fish_seen_subcommand_from %s' -f -a "
                                "'(lambent functions --names 2>/dev/null)'\n",
                                c->name);
                else if (streq(c->name, "completions"))
                        fputs("complete -c lambent -n '__fish_seen_subcommand_from completions' -f "
                              "-a 'bash zsh fish'\n",
                              out);
                for (const struct option *o = next_visible(c->options); o; o = next_visible(o + 1)) {
                        fprintf(out, "complete -c lambent -n '__fish_seen_subcommand_from %s' -l %s", c->name,
                                o->name);
                        if (o->letter)
                                fprintf(out, " -s %c", o->letter);
                        if (o->type == OPTION_CHOICE) {
                                fputs(" -x -a '", out);
                                for (const char *at = o->value; *at; at++)
                                        fputc(*at == '|' ? ' ' : *at, out);
                                fputc('\'', out);
                        } else if (o->type != OPTION_FLAG) {
                                fputs(o->type == OPTION_PATH ? " -r" : " -x", out);
                        }
                        fputs(" -d ", out);
                        print_fish_text(out, o->help);
                        fputc('\n', out);
                }
        }
}

int document_completions(FILE *out, const struct program *program, const char *shell) {
        if (streq(shell, "bash"))
                complete_bash(out, program);
        else if (streq(shell, "zsh"))
                complete_zsh(out, program);
        else if (streq(shell, "fish"))
                complete_fish(out, program);
        else
                return -EINVAL;
        return 0;
}

static int run_completions(void *values, const struct strings *operands) {
        if (document_completions(stdout, command_program(), operands->items[0])) {
                complain("there are completions for bash, zsh and fish, not for \"%s\"", operands->items[0]);
                return 2;
        }
        return 0;
}

static const struct option no_options[] = { {} };

const struct command completions_command = {
        .name = "completions",
        .operands = "SHELL",
        .summary = "print the completions for bash, zsh or fish",
        .details = "For bash: source <(lambent completions bash). For zsh: lambent completions zsh > a file "
                   "_lambent on your fpath. "
                   "For fish: lambent completions fish | source.",
        .options = no_options,
        .operands_least = 1,
        .operands_most = 1,
        .run = run_completions,
};

struct man_options {
        bool markdown;
};

static int run_man(void *values, const struct strings *operands) {
        const struct man_options *options = values;

        if (options->markdown)
                document_markdown(stdout, command_program());
        else
                document_man(stdout, command_program());
        return 0;
}

static const struct option man_options[] = {
        { .name = "markdown",
          .type = OPTION_FLAG,
          .help = "as docs/options.md has it",
          OPTION_AT(struct man_options, markdown),
          .hidden = true },
        {},
};

const struct command man_command = {
        .name = "man",
        .operands = "",
        .summary = "print the manual page (lambent man | man -l -)",
        .options = man_options,
        .values_size = sizeof(struct man_options),
        .run = run_man,
};
