/* SPDX-License-Identifier: Apache-2.0 */
/*
 * images - where the images of functions come from, as the domain asks for them
 *
 * A function of package type Image names its image by a URI with a tag that may move. Two questions are asked
 * about it, of whoever knows engines and registries (struct image_source, given to engine_set_images):
 *
 *   resolve  which image is that now? Asked while CreateFunction or UpdateFunctionCode waits, so it should look
 *            at a manifest and not pull. The digest it answers becomes part of the version: a tag that moves
 *            later does not change a deployed function.
 *   fetch    make that image be here, ready to run. Asked once for each version that is to be prepared, after
 *            the answer to the client (the function is Pending, its update InProgress), and again after a
 *            restart. It may take minutes; one pull serves all who wait for the same image.
 *
 * A question may be answered within the call. Answers, and the texts in a request, are borrowed for the time of
 * the call. The wait belongs to the asker; the source keeps it on a list of its own until it answers, and
 * image_wait_cancel takes it off: the source must look at its list again before it answers. Everything
 * about an image has to be found again from uri, sha256 and architecture alone, for these are what the store keeps.
 * Loop thread only.
 */
#pragma once
#include "base/list.h"
#include "base/sha256.h"
#include "base/util.h"

enum image_outcome {
        IMAGE_FINE,
        IMAGE_NOT_FOUND,   /* no such repository, tag or digest, and none on this machine */
        IMAGE_DENIED,      /* the registry wants other credentials */
        IMAGE_UNSUPPORTED, /* no image that runs here: its media type, or another architecture */
        IMAGE_UNREACHABLE, /* no registry, a time-out, a full disk */
        IMAGE_NO_ENGINE,   /* nothing on this machine runs images; asking again will not help */
};

struct image_request {
        const char *uri;          /* as the client gave it; image_name_parse takes it */
        const char *architecture; /* "x86_64" or "arm64" */
        const char *sha256;       /* fetch: what resolve answered; resolve: NULL */
};

struct image_answer {
        enum image_outcome outcome;
        const char *reason; /* a sentence with the cause for the user and the log; "" when fine */
        /* Hex; of the manifest, or of the configuration of an image that was never in a registry. */
        const char *sha256;
};

/* Embedded in whoever waits. Zeroed when idle. */
struct image_wait {
        struct list link;
        void (*fn)(struct image_wait *wait, const struct image_answer *answer);
};

struct image_source {
        void (*resolve)(void *owner, const struct image_request *request, struct image_wait *wait);
        void (*fetch)(void *owner, const struct image_request *request, struct image_wait *wait);
        /* No version names this digest any more: what was added to the engine for it (tags) may go. Called for
         * digests of zips as well. */
        void (*forget)(void *owner, const char *sha256);
        void *owner;
};

static inline void image_wait_cancel(struct image_wait *wait) { /* legal on an idle one */
        list_unlink(&wait->link);
}
/* For sources: takes the wait off its list and calls it. */
static inline void image_wait_answer(struct image_wait *wait, const struct image_answer *answer) {
        list_unlink(&wait->link);
        wait->fn(wait, answer);
}
