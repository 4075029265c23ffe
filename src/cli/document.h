/* SPDX-License-Identifier: Apache-2.0 */
/*
 * document - what the tables of commands and options say about themselves, in every form somebody reads
 *
 * --help, the man page (roff), docs/options.md (Markdown), and completions for bash, zsh and fish. Hidden
 * commands and options appear in none of them.
 */
#pragma once
#include <stdio.h>

#include "cli/command.h"

void document_help(FILE *out, const struct program *program);
void document_command_help(FILE *out, const struct command *command);
void document_man(FILE *out, const struct program *program);
void document_markdown(FILE *out, const struct program *program);
/* shell: bash, zsh or fish. 0, or -EINVAL for another one. */
int document_completions(FILE *out, const struct program *program, const char *shell);

/* lambent completions SHELL, lambent man, and lambent man --markdown for docs/options.md. */
extern const struct command completions_command, man_command;
