/* SPDX-License-Identifier: Apache-2.0 */
/*
 * extensions - who takes part in the Extensions API in one generation, and what each is doing
 * (docs/aws.md, extensions)
 *
 * External extensions are processes of their own: the generation starts one for each file in /opt/extensions,
 * and the runtime only when all have registered. Internal ones are threads or children of the runtime that
 * register by themselves while INIT lasts. Either says by its next `event/next` that it is done with what it
 * was told before.
 *
 * This is the book-keeping: states, names, identifiers. extensions_api.c speaks HTTP, generation.c and
 * shutdown.c decide what follows. Loop thread only.
 */
#pragma once
#include "base/buf.h"
#include "base/random.h"
#include "runtime/place.h"

#define EXTENSION_NAME_MAX ((size_t)255)

/* The events that one can subscribe to. */
enum { EXTENSION_INVOKE = 1 << 0, EXTENSION_SHUTDOWN = 1 << 1 };

/* By the names that refusals and the log use. */
enum extension_state {
        EXTENSION_STARTED,    /* its process was started, it has not registered */
        EXTENSION_REGISTERED, /* it has, and has not asked for an event */
        EXTENSION_READY,      /* its `event/next` is parked (or was, and hung up) */
        EXTENSION_RUNNING,    /* has an event */
        EXTENSION_INIT_ERROR, /* posted init/error: its exit should follow */
        EXTENSION_EXIT_ERROR, /* posted exit/error: its exit should follow */
        EXTENSION_LAUNCH_ERROR,
        EXTENSION_STATES
};
const char *extension_state_name(enum extension_state state);

enum extension_call {
        EXTENSION_CALL_REGISTER,
        EXTENSION_CALL_NEXT,
        EXTENSION_CALL_INIT_ERROR,
        EXTENSION_CALL_EXIT_ERROR,
        EXTENSION_CALLS
};

struct http_exchange;

struct extension {
        char *name; /* of an external one: its file's */
        char id[UUID_LEN + 1];
        enum extension_state state;
        unsigned events; /* subscribed to */
        bool external;   /* has a process of its own */
        bool alive;      /* external: it runs */
        bool owed;       /* it did not ask when the last event came: its next `event/next` gets it */
        struct http_exchange *poll; /* the parked `event/next` */
        char *error_type;           /* what it posted, or why it could not be launched; NULL */
};

struct extensions {
        struct extension
                all[EXTENSIONS_MAX + 1]; /* the external ones first; one more than may be: see begin */
        size_t count, externals;
        bool closed;       /* registration: INIT's runtime is ready */
        const char *fatal; /* the first error that one of them posted, as a failure's type; NULL */
        struct buf event;  /* the body of the last event */
        bool event_is_invoke;
};

/* A new generation. More names than EXTENSIONS_MAX: one beyond is kept, in EXTENSION_LAUNCH_ERROR. names may
 * be NULL. */
void extensions_begin(struct extensions *x, const char *const *names);
/* Forgets all; nobody may have a poll. */
void extensions_clear(struct extensions *x);

struct extension *extensions_by_id(struct extensions *x, const char *id); /* NULL: unknown */
struct extension *extensions_by_name(struct extensions *x, const char *name);

/* An internal one comes: 0 with *ret_extension, or why not. */
enum { EXTENSION_CLOSED = 1, EXTENSION_TOO_MANY, EXTENSION_NAME_TAKEN };
int extensions_add_internal(struct extensions *x, const char *name, struct extension **ret_extension);

/* What a call makes of the state: false when the state does not allow it. */
bool extension_call(struct extension *e, enum extension_call call);
/* Where the call leads, as the refusal's text says it. */
const char *extension_call_target(enum extension_call call);

bool extensions_have_registered(const struct extensions *x); /* all external ones */
bool extensions_are_ready(const struct extensions *x);       /* all wait for their first event */
bool extensions_are_done(const struct extensions *x);        /* with the INVOKE event, all who got it */
bool extensions_want(const struct extensions *x, unsigned event);
bool extensions_any_alive(const struct extensions *x);

/* extension_files.c */
/* The names of the files in <opt>/extensions: sorted, NULL-terminated, no more than EXTENSIONS_MAX + 1; NULL
 * without any. Reads the folder: for whoever makes a supervisor. */
char **extension_files(const char *opt_dir);
void extension_files_free(char **names);
/* Whether a layer holds the file that switches extensions off. */
bool extension_files_disabled(const char *opt_dir);
