/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the library's face share; nobody else includes it. */
#pragma once
#include "engine/engine_private.h"
#include "lambent.h"

struct lambent {
        struct loop *loop;
        struct engine *engine;
        struct list deploys, invocations;
        void (*stopped)(void *ctx);
        void *stopped_ctx;
};

/* A caller's struct as this version has it: what is missing at its end is zero. least is the size of the first version's.
 * -EINVAL: no version has one like this. */
int lambent_take(void *ret_ours, size_t ours, const void *theirs, size_t size, size_t least);

/* lambent_error.c: AWS's codes and our outcomes as the library's errors. */
/* Whether anything can run this identifier, here or elsewhere. */
bool lambent_knows_runtime(const char *runtime);
/* Why v could not be prepared; code is that of its state. */
enum lambent_error lambent_error_of_state(const struct lambent *l, const struct version *v, const char *code);
/* LAMBENT_OK, or LAMBENT_UNSUPPORTED_RUNTIME with a sentence (malloc'ed): it has been prepared, and there is nothing to run it on. */
enum lambent_error lambent_error_of_runtime(const struct lambent *l, const struct version *v,
                                            char **ret_problem);
enum lambent_error lambent_error_of_answer(const struct lambent *l, const struct version *v,
                                           const struct invocation_answer *answer);
enum lambent_error lambent_error_of_image(enum image_outcome outcome);

/* lambent_deploy.c */
void lambent_deploys_cancel(struct lambent *l);
