/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interpreters - which Pythons and Nodes this machine has
 *
 * Looked for once, on the worker thread, when the first function needs one: in PATH, in the usual system folders, and where
 * version managers (pyenv, nvm, fnm, asdf, mise) keep what they install. Shims are never used: they cost a shell at every
 * cold start. A version is read from the file's resolved name where that has it, else asked for with --version.
 *
 * The folders are opened by interpreters_new, to look into them. A daemon that stops being root afterwards still finds
 * what is in them behind a home that is closed to it, and can show an installation to the sandbox; that is all that such
 * a descriptor is good for, since what lies around the folder stays closed.
 */
#pragma once
#include "loop/loop.h"

enum language { LANGUAGE_PYTHON, LANGUAGE_NODE, LANGUAGES };
const char *language_name(enum language language);

struct interpreter {
        enum language language;
        unsigned major, minor; /* runtimes of Node.js name the major only */
        char *path;            /* resolved */
        char *prefix;          /* what must be visible with it, when it lies outside /usr; NULL otherwise */
        int prefix_fd;         /* of prefix, when its path is closed to us; -1 otherwise */
};

struct interpreters;
struct interpreters *interpreters_new(struct loop *loop);
void interpreters_free(struct interpreters *i);

/* The sandbox may no more than we: what is closed to us by its path does not count. Before the first wait. */
void interpreters_only_open(struct interpreters *i);

/* Calls ready once the search is over: from the loop; at once is possible in the same turn. */
struct interpreters_wait {
        struct list link;
        struct defer soon;
        void (*ready)(struct interpreters_wait *wait);
};
void interpreters_await(struct interpreters *i, struct interpreters_wait *wait,
                        void (*ready)(struct interpreters_wait *wait));
void interpreters_wait_cancel(struct interpreters_wait *wait);
bool interpreters_are_known(const struct interpreters *i);

/* The one of exactly this version, else the nearest (a newer one before an older one at the same distance), else NULL. */
const struct interpreter *interpreters_find(const struct interpreters *i, enum language language,
                                            unsigned major, unsigned minor, bool *ret_exact);
const struct interpreter *interpreters_nth(const struct interpreters *i, size_t n); /* NULL past the end */
