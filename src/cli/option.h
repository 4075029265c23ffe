/* SPDX-License-Identifier: Apache-2.0 */
/*
 * option - the settings of a command as one table, filled from argv, then the environment, then a config file
 *
 * Each command has a table of struct option and a struct of its own that the values go into (offset).
 * Whatever names a setting reads this table: the parser, --help, the shell completions, the man page,
 * docs/options.md (document.h). The first source that names a setting wins: the command line, then the
 * environment variables of `env` in their order, then the config files in the order in which they were read,
 * then `initial`. A list is replaced as a whole, never joined over sources.
 *
 * Strings in the filled struct are malloc'ed; option_release frees them. Errors are sentences (malloc'ed)
 * that say where the bad value came from and what a good one looks like.
 */
#pragma once
#include "base/util.h"

enum option_type {
        OPTION_FLAG,   /* bool; --name and --no-name */
        OPTION_TEXT,   /* char * */
        OPTION_PATH,   /* char *, completed as a file name */
        OPTION_COUNT,  /* uint64_t, at most `most` */
        OPTION_SPAN,   /* nsec_t: 50ms, 5s, 2m, 1h; a bare number is seconds; "never" is NSEC_NEVER */
        OPTION_BYTES,  /* uint64_t: 512, 64k, 10m, 1g (powers of 1024) */
        OPTION_CHOICE, /* char *, one of `value` split at '|' */
        OPTION_LIST    /* struct strings; may be repeated; split at white space and commas in env and file */
};

struct strings {
        char **items;
        size_t count;
};

struct option {
        const char *name; /* without dashes; NULL ends the table */
        char letter;      /* -f; 0 for none */
        const char *env;  /* twins in the environment, split at spaces; NULL: command line only, not in config
                             files */
        enum option_type type;
        const char *value;   /* what help calls the value: "DIR", "auto|native" */
        const char *initial; /* the default as text; NULL: none */
        const char *help;
        size_t offset;
        uint64_t most;
        bool hidden;
};

#define OPTION_AT(type, field) .offset = offsetof(type, field)

void strings_add(struct strings *list, const char *item);
void strings_release(struct strings *list);

/* One value from text into values. 0, or -EINVAL with a sentence that begins with `source`. */
int option_set(const struct option *option, void *values, const char *source, const char *text,
               char **ret_problem);

/* Remembers per table which settings were named already. */
struct option_fill {
        const struct option *table;
        void *values;
        uint64_t named; /* bit per row; tables have at most 64 rows */
};

/* Takes the options out of argv (argv[0] is skipped). Operands stay, in order, in ret_operands (borrowed).
 * With stop_at_operand everything from the first operand on is one; "--" always ends the options. */
int option_fill_argv(struct option_fill *fill, int argc, char **argv, bool stop_at_operand,
                     struct strings *ret_operands, char **ret_problem);
int option_fill_environment(struct option_fill *fill, char **ret_problem);
/* Lines `name = value`, '#' begins a comment line. A name that `known` says no to is an error; one that is
 * known but not in the table is passed over. 0, -ENOENT (and no sentence) when there is no such file, other
 * -errno. */
int option_fill_file(struct option_fill *fill, const char *path, bool (*known)(const char *name),
                     char **ret_problem);
int option_fill_initial(struct option_fill *fill, char **ret_problem);
void option_release(const struct option *table, void *values);

const struct option *option_find(const struct option *table, const char *name, size_t len);
/* "nearest name in the table" for a misspelt one; NULL when nothing is near. */
const char *word_nearest(const char *word, const char *(*at)(const void *words, size_t i), const void *words);
