/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pull - what an engine says while it pulls an image: lines of JSON, cut anywhere
 *
 * {"status":"Downloading","progressDetail":{"current":1,"total":9},"id":"layer"} per layer, {"error":…} when it
 * failed (the status of the answer was 200 long before). Bounded in the line and in the layers it counts.
 */
#pragma once
#include "base/buf.h"

#define PULL_LAYERS_MAX 256

struct pull_layer {
        char id[16];
        uint64_t current, total;
};

struct pull {
        struct buf line;
        struct pull_layer *layers;
        size_t layer_count;
        char *error; /* what the engine said; NULL */
};

void pull_init(struct pull *p);
void pull_deinit(struct pull *p); /* legal on a zeroed one */
void pull_feed(struct pull *p, const char *data, size_t len);
/* Bytes of all layers seen so far. */
void pull_progress(const struct pull *p, uint64_t *ret_current, uint64_t *ret_total);

/* What a pull's failure is: -EACCES (denied), -ENOENT (no such image), -EINVAL (not for this platform), -ENOSPC (the engine's disk
 * is full), -EHOSTUNREACH (no registry), else -EAGAIN: it may pass. */
int pull_judge(const char *error);
