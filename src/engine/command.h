/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command - how the runtime of a version is started on this machine
 *
 * provided.* runs the package's own bootstrap (/var/task, then /opt); python3.* and nodejs* run the host's interpreter with our
 * client from runtimes/. Everything else is a problem said in one sentence.
 */
#pragma once
#include "engine/interpreters.h"
#include "function/function.h"
#include "runtime/supervisor.h"

struct place;

#define COMMAND_ARGV_MAX 80

struct command {
        struct runtime_command base;
        const char *argv[COMMAND_ARGV_MAX];
        struct env_var vars[6];
        const struct interpreter *interpreter; /* NULL for provided.* */
        char *strings[16];                     /* what the pointers above point to */
        size_t string_count;
};

/* Whether this runtime needs an interpreter to be looked for. */
bool command_needs_interpreter(const char *runtime);
/* 0, or -ENOENT with a sentence (malloc'ed): unknown runtime, no interpreter, or not this version and strict. */
int command_find(const struct interpreters *i, const struct version *v, bool strict,
                 struct command *ret_command, char **ret_problem);
/* Fills in argv with the paths of a place (v->task_dir and v->opt_dir are looked at on the host). */
void command_place(struct command *c, const struct version *v, const struct place *place);
/* In a container of this image: the image's own entrypoint with the handler, as AWS starts it, or what ImageConfig says
 * instead. The image must outlive c. emulated: the entrypoint is to start the emulator, also for provided.*. */
struct image;
void command_find_image(const struct version *v, const struct image *image, bool emulated,
                        struct command *ret_command);
void command_clear(struct command *c);
