/* SPDX-License-Identifier: Apache-2.0 */
/*
 * choice - where the environments of one version will run
 *
 * --sandbox native, docker and podman say it. auto takes the native sandbox when the package brings its own runtime
 * (provided.*) or this machine has exactly the interpreter; else a container, when an engine and the image are to be
 * had; else the native sandbox on the nearest version, which warns in the function's log. A function that
 * is an image needs an engine, whatever is said. The image is fetched here: a version that has its placement can start.
 */
#pragma once
#include "engine/interpreters.h"
#include "function/function.h"
#include "function/placement.h"
#include "sandbox/engine/containers.h"

struct engine;

struct choice {
        struct engine *engine; /* NULL while idle */
        struct version *version;
        struct interpreters_wait interpreters;
        struct containers_wait containers;
        struct image_ask image;
        /* placement is the receiver's (NULL: nothing is known, of images without an engine of ours); or code and reason, as a
         * state that has failed tells them. */
        void (*done)(struct choice *choice, struct placement *placement, const char *code,
                     const char *reason);
};

/* done may come from inside. The version is borrowed until then. */
void choice_begin(struct choice *choice, struct engine *e, struct version *v,
                  void (*done)(struct choice *choice, struct placement *placement, const char *code,
                               const char *reason));
void choice_cancel(struct choice *choice); /* legal on a zeroed one */
