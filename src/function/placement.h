/* SPDX-License-Identifier: Apache-2.0 */
/*
 * placement - where the environments of a version run, and why there: decided when the version is prepared
 *
 * Shared by versions with the same code and configuration. What the engine needs beside (an image) hangs on it and
 * is given back with it.
 */
#pragma once
#include "base/util.h"

struct placement {
        unsigned refs;
        const char *sandbox; /* "native", "docker", "podman" */
        char *why;           /* a sentence */
        void *image;         /* the engine's; NULL */
        void (*release)(void *image);
};

/* Takes image over. */
struct placement *placement_new(const char *sandbox, char *why_consume, void *image,
                                void (*release)(void *image));
struct placement *placement_ref(struct placement *p); /* NULL is legal */
void placement_unref(struct placement *p);            /* NULL is legal */
