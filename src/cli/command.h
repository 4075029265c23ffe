/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command - a verb of the lambent program: what it is called, what it takes, what it does
 *
 * The program is a table of commands. command_main finds the verb, fills its options (option.h) and runs it;
 * exit statuses: 0 done, 1 it did not work (a sentence on standard error says why and what to do), 2 wrong
 * usage.
 */
#pragma once
#include "cli/option.h"

struct command {
        const char *name;     /* NULL ends the table */
        const char *operands; /* "NAME", "[NAME]", "-- COMMAND [ARGUMENT...]"; "" for none */
        const char *summary;  /* one line, lower case, no full stop */
        const char *details;  /* paragraphs for the man page and --help; NULL */
        const struct option *options;
        size_t values_size;
        size_t operands_least, operands_most;
        bool rest; /* everything from the first operand on belongs to it */
        bool hidden;
        int (*run)(void *values, const struct strings *operands);
};

struct program {
        const char *name, *version, *summary;
        const struct command *commands;
};

/* The program that command_main was given; for commands that print about it. */
const struct program *command_program(void);

int command_main(const struct program *program, int argc, char **argv);

/* "lambent: …" on standard error; answers 1, so that `return complain(…)` reads well. */
int complain(const char *format, ...) PRINTF_LIKE(1, 2);
