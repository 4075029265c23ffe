/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_engine - a container engine that only keeps books: images, containers, who called what
 *
 * It answers the Engine API on a unix socket, on the loop of the test. A container that is started has nobody inside; the
 * engine itself connects to the door that was bound into it, as an init would. One call of the test's choice goes
 * wrong: it is refused, or its answer is lost after it took effect.
 */
#pragma once
#include "http/http.h"

enum fake_trouble { FAKE_REFUSES, FAKE_LOSES_ANSWER };

struct fake_engine {
        struct loop *loop;
        struct http_listener *listener;
        struct list containers; /* of struct fake_container */
        struct http_exchange *events;
        struct http_exchange *attach; /* the last one; NULL: it has ended */
        struct http_exchange *look;   /* of a trial, while it is held */
        bool holds_looks;
        uint16_t port;              /* where the published port of a container leads */
        char folder[64];            /* everything of the test is below */
        char *socket;               /* path */
        unsigned calls, trouble_at; /* the number of the call that goes wrong; 0: none */
        enum fake_trouble trouble;
        bool has_image, shares_files, connects;
        const char *pull_error;
        unsigned made, started, removed, killed, pulls, lists, next_id;
        struct list connections; /* of struct fake_connection */
        char *last_create;       /* the body of the last POST /containers/create */
        struct list tags;        /* of struct fake_tag: what images of AWS's private registries it has */
};

/* And has it found: DOCKER_HOST is its socket. */
void fake_engine_open(struct fake_engine *f, struct loop *loop);
void fake_engine_close(struct fake_engine *f);
size_t fake_engine_containers(const struct fake_engine *f);
/* A container of somebody else's making; labels: JSON. */
void fake_engine_add(struct fake_engine *f, const char *id, const char *labels);
bool fake_engine_has(const struct fake_engine *f, const char *id);
/* Somebody calls an image so; id NULL: nobody does any more. */
void fake_engine_tag(struct fake_engine *f, const char *name, const char *id);
/* NULL: no image is called so. */
const char *fake_engine_image(const struct fake_engine *f, const char *name);
/* The one that is attached to says something; stream: 1 standard output, 2 standard error. */
void fake_engine_say(struct fake_engine *f, int stream, const char *text);
/* Whoever follows the events has to begin again. */
void fake_engine_break_events(struct fake_engine *f);
/* What was looked for is there. */
void fake_engine_let_look(struct fake_engine *f);
/* Inits to which a daemon has said something. */
size_t fake_engine_links(const struct fake_engine *f);
/* The init that came last breaks its connection off, and nobody says why. */
void fake_engine_hang_up(struct fake_engine *f);
/* The last one made ends by itself: the engine tells, and removes it. */
void fake_engine_kill(struct fake_engine *f, int exit_code, bool oom);
