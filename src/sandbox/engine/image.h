/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image - the images of one engine: found, pulled when that is the policy, remembered
 *
 * One fetch per name and architecture, however many wait. A pull shows its progress, is tried again when what went
 * wrong may pass, and falls back to a copy that the engine already has; an image that exists only there
 * is enough. What is handed out is a snapshot: containers are made from its id, so a tag that moves
 * meanwhile changes nothing. Loop thread only.
 */
#pragma once
#include "base/list.h"
#include "base/util.h"

struct docker;
struct loop;

enum image_policy { IMAGE_IF_MISSING, IMAGE_ALWAYS, IMAGE_NEVER };

struct image {
        unsigned refs;
        char *name; /* full, as it was asked for */
        char *id;   /* "sha256:…": of its configuration */
        char *digest; /* "HOST/PATH@sha256:…" of the repository in its name; NULL: it has the name here only */
        char *architecture; /* as Lambda calls it: "x86_64", "arm64" */
        char **entrypoint;  /* NULL-terminated, perhaps empty */
        char **command;
        char *working_dir; /* "" when the image names none */
        uint64_t size;
        bool refuses_init; /* it has been seen that lambent-init does not run in it */
};

struct image *image_ref(struct image *image);
void image_unref(struct image *image); /* NULL is legal */

struct images;
struct images_options {
        enum image_policy policy;
        bool has_distribution; /* the engine can look at a registry without pulling: Docker's can */
        /* A sentence on what is going on, for the log; may be NULL. */
        void (*note)(void *owner, const char *text);
        void *owner;
};

struct images *images_new(struct loop *loop, struct docker *docker, const struct images_options *options);
void images_free(struct images *images); /* nobody who waits hears anything */
DEFINE_FREEP(images)

/* Embedded in whoever waits. */
struct image_ask {
        struct list link;
        /* image (ref it to keep it), or NULL and why: -EINVAL no name of an image, -ENOENT there is none,
         * -EACCES the registry refuses, -ENOEXEC another architecture, else the engine's failure. */
        void (*fn)(struct image_ask *ask, struct image *image, int r, const char *problem);
};

/* architecture: "x86_64" or "arm64". id: the hex of an image that will do if the engine has it, whatever its names
 * are now; NULL. fn comes from the loop, never from inside. */
void images_want(struct images *images, const char *name, const char *id, const char *architecture,
                 struct image_ask *ask,
                 void (*fn)(struct image_ask *ask, struct image *image, int r, const char *problem));
/* Only what the name means now, as quickly as can be: of the image that is told nothing but the digest need be there. */
void images_resolve(struct images *images, const char *name, const char *architecture, struct image_ask *ask,
                    void (*fn)(struct image_ask *ask, struct image *image, int r, const char *problem));
void image_ask_cancel(struct image_ask *ask); /* legal on a zeroed one */
