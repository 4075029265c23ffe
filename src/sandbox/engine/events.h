/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events - what an engine tells of the containers of one label, as it happens
 *
 * One stream of GET /events; when it ends (the engine was restarted, perhaps) it is opened again, with growing
 * pauses, and whoever listens is told to look what was missed. Loop thread only.
 */
#pragma once
#include "sandbox/engine/docker.h"

enum engine_event_kind {
        ENGINE_EVENT_OTHER,
        ENGINE_EVENT_CREATED,
        ENGINE_EVENT_OOM,
        ENGINE_EVENT_DIED,
        ENGINE_EVENT_REMOVED
};

struct engine_event {
        enum engine_event_kind kind;
        char id[65];       /* of the container; "" when it is about none */
        int exit_code;     /* -1: not told */
        char instance[33]; /* which lambent had it made, as its label says; "" */
};

struct engine_events {
        struct docker *docker; /* NULL: not followed */
        struct docker_call call;
        struct timer again;
        struct buf line;
        char *target;
        unsigned failures; /* in a row */
        bool open;
        void (*on_event)(struct engine_events *events, const struct engine_event *event);
        /* The stream is open (again). */
        void (*on_open)(struct engine_events *events);
};

/* label: "NAME=VALUE". The callbacks are set before. */
void engine_events_follow(struct engine_events *events, struct loop *loop, struct docker *docker,
                          const char *label);
void engine_events_stop(struct engine_events *events); /* legal on a zeroed one */

/* One line of the stream. */
void engine_event_read(const char *line, size_t len, struct engine_event *ret_event);
