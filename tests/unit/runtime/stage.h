/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage - a supervisor on a real loop, over a place that the test plays, with a runtime that is a bare socket
 *
 * The place opens, spawns and empties when asked (each can be held or made to fail) and writes down what was
 * asked of it. What the supervisor tells its owner is written into `events`, a line each; the log into `log`;
 * streamed bytes into `chunks`. Nothing sleeps: every wait turns the loop until what is waited for is there.
 */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/supervisor_private.h"

#define REQUEST_ID "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
#define ARN "arn:aws:lambda:us-east-1:000000000000:function:f"

struct stage {
        struct loop *loop;
        struct environment *e;
        struct place place;
        struct environment_spec spec;
        struct runtime_command command;
        nsec_t init_limit;
        const char *const *extensions; /* names of external ones; NULL: none */
        bool extensions_disabled;
        void (*foreign)(struct http_exchange *x, void *owner);
        struct defer opened, emptied;
        unsigned opens, spawns, kills, freezes, thaws, drains, frees;
        int open_error, spawn_error, freeze_error;
        bool hold_open, hold_empty, refuse_peers, gone;
        bool bad_listener, no_listener; /* the latter for a loop with a hand-turned clock */
        int port;
        uint64_t peak;
        char **envp;             /* of the last spawn */
        const char *late_output; /* delivered by the next drain */
        struct buf events, log, chunks, tail;
        struct buf asked;         /* what was asked of the place about single processes, a line each */
        struct buf extension_env; /* of the last extension that was started */
        unsigned spawn_error_of;  /* starting this extension fails; 0: none */
        char head[8192];          /* of the last reply */
        /* Callers that act inside an event. */
        void (*in_idle)(struct stage *st);
        struct invocation_order order;
        struct iovec event;
        struct invocation_report report; /* of the last idle */
        bool keep_on_gone, auto_credit;
        /* Of stage_link.c; where the place is lent (stage_is_lent), what a test says of it shows in descriptors. */
        int output_fd, memory_fd, peak_fd;
        struct carrier *carrier;
        const struct environment_ops *near_ops;
        unsigned turning;
        size_t awaited; /* of events */
};

/* How the environment is made: stage_local.c, a supervisor on the place; stage_link.c, either one at the far end of a link
 * (stage_there.c) or one here, which is lent the place of the far end (stage_lent.c): so the same tests say that nobody can
 * tell the three apart. */
struct environment *stage_make(struct stage *st, const struct supervisor_options *options);
void stage_unmake(struct stage *st);
extern const bool stage_is_linked, stage_is_lent;
/* What was done has arrived at both ends; inside an event it has not. */
void stage_arrive(struct stage *st);

/* Between these a test may change spec, command and the place's behaviour. */
void stage_set(struct stage *st);
void stage_new(struct stage *st); /* supervisor_new */
void stage_end(struct stage *st);

void stage_start(struct stage *st);  /* start, opened, spawned */
int stage_warm(struct stage *st);    /* all of it up to the parked `next`; the runtime's connection */
void stage_invoke(struct stage *st); /* with st->order */
void stage_settle(struct stage *st); /* turns until nothing is due */
/* Turns until the last line of events starts so. */
void stage_await(struct stage *st, const char *event);
const char *stage_events(struct stage *st); /* since the last call */
const char *stage_log(struct stage *st);    /* the same */
const char *stage_asked(struct stage *st);  /* the same */

/* The place speaks. */
void stage_open_now(struct stage *st);
void stage_empty_now(struct stage *st);
void stage_exit(struct stage *st, enum place_end end, int detail); /* of the runtime */
void stage_exit_of(struct stage *st, unsigned process, enum place_end end, int detail);
void stage_output(struct stage *st, const char *text);
void stage_lose(struct stage *st, const char *why);

/* The runtime speaks. */
int runtime_connect(struct stage *st);
void runtime_send(struct stage *st, int fd, const char *text);
void runtime_write(struct stage *st, int fd, const char *data, size_t len);
void runtime_ask(struct stage *st, int fd); /* GET next */
/* POST <rest>, e.g. "init/error"; fields are complete lines, or "". */
void runtime_post(struct stage *st, int fd, const char *rest, const char *fields, const char *body);
#define RESPONSE "invocation/" REQUEST_ID "/response"
#define ERROR "invocation/" REQUEST_ID "/error"
/* The next reply as "<status> <body>"; st->head has its head. */
const char *runtime_reply(struct stage *st, int fd);
bool runtime_has_reply(struct stage *st, int fd); /* without waiting */
bool runtime_is_closed(struct stage *st, int fd); /* waits for the end */

/* An extension speaks: each a request on fd, with its reply. */
const char *extension_register(struct stage *st, int fd, const char *name, const char *list);
/* Registered well; the identifier. malloc'ed. */
char *extension_join(struct stage *st, int fd, const char *name, const char *list);
void extension_ask(struct stage *st, int fd, const char *id); /* GET event/next, without the reply */
/* "init/error", "exit/error"; id and type may be NULL: without the field. */
const char *extension_fail(struct stage *st, int fd, const char *rest, const char *id, const char *type);
