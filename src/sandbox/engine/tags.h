/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tags - names that we give to images of the engine, and take away again
 *
 * A name that the engine knows already is somebody else's, whatever image it means: it is never touched. What is added is
 * written down before, in a file of ours, so that it goes after a kill as well: the next daemon with this data dir takes away
 * what the file says. A name that means an image of nobody's but somebody else's by then has been moved, and stays.
 * Loop thread only.
 */
#pragma once
#include "base/util.h"

struct docker;
struct loop;
struct tags;

struct tags_options {
        struct loop *loop;
        struct docker *docker;
        const char *path; /* of the file; copied */
        /* A sentence on what went wrong, for the log; may be NULL. */
        void (*note)(void *owner, const char *text);
        void *owner;
};

/* Begins to take away what a daemon before us has left. */
struct tags *tags_new(const struct tags_options *options);
void tags_free(struct tags *tags); /* calls under way are given up, the file stays; NULL is legal */
DEFINE_FREEP(tags)

/* name: "REGISTRY/REPOSITORY:TAG". image_id: "sha256:…". sha256: what tags_forget will name. A name of ours moves. */
void tags_add(struct tags *tags, const char *name, const char *image_id, const char *sha256);
void tags_forget(struct tags *tags, const char *sha256);
void tags_forget_all(struct tags *tags);
/* Nothing is under way. */
bool tags_are_quiet(const struct tags *tags);
