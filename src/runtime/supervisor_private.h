/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the supervisor share; nobody else includes it. */
#pragma once
#include "loop/loop.h"
#include "runtime/extensions.h"
#include "runtime/http_api.h"
#include "runtime/journal.h"
#include "runtime/supervisor.h"
#include "runtime/verdict.h"

/* The environment as its owner sees it. */
enum env_state { ENV_NEW, ENV_STARTING, ENV_IDLE, ENV_FROZEN, ENV_BUSY, ENV_STOPPING, ENV_DEAD };

/* Its current generation of processes (generation.c has the picture). */
enum gen_state {
        GEN_NONE,       /* nothing runs; the next invocation starts one */
        GEN_EXTENSIONS, /* its external extensions were started and have not all registered */
        GEN_INIT,       /* the runtime was started; it or an extension has not asked for work yet */
        GEN_READY,      /* `next` is parked (or about to be) */
        GEN_RUNNING,    /* has an event, has not answered */
        GEN_ANSWERED,   /* has answered; it or an extension has not asked for more */
        GEN_SHUTDOWN,   /* may take leave; nothing of it counts any more */
        GEN_KILLING,    /* being killed */
};

static inline bool gen_is_starting(enum gen_state gen) {
        return gen == GEN_EXTENSIONS || gen == GEN_INIT;
}
static inline bool gen_is_ending(enum gen_state gen) {
        return gen == GEN_SHUTDOWN || gen == GEN_KILLING;
}

enum shutdown_reason { SHUTDOWN_SPINDOWN, SHUTDOWN_TIMEOUT, SHUTDOWN_FAILURE };

struct shutdown {
        enum shutdown_reason why;
        nsec_t deadline; /* loop time */
        bool extensions_told;
};

/* The answer of the runtime while it arrives. */
struct incoming {
        struct http_exchange *x; /* NULL: none */
        struct buf payload;
        bool error;      /* …/error, not …/response */
        bool init_error; /* init/error */
        bool streaming;  /* the response mode header said so */
        bool forward;    /* chunks go to the caller as they come */
        bool too_large;
        uint64_t received, unsettled; /* bytes in all; bytes that wait for credit */
        char *error_type, *content_type;
};

/* The invocation under way. */
struct current {
        bool active, answered, timed_out;
        struct invocation_order order; /* pointers are the caller's, valid until answered */
        char request_id[UUID_LEN + 1];
        nsec_t began; /* delivered (or begun to init) */
        nsec_t ended; /* its generation began to end; 0: it lives */
        bool start_logged;
        enum invocation_outcome outcome;
        char *error_type;
};

/* The runtime has ended while its answer was still on its way to us: an answer that is whole in the kernel's buffers
 * counts, so the end is acted on when the answer is over. Meanwhile the rest of the generation is killed, since a child
 * that holds the socket too could keep it open for ever. */
struct last_words {
        bool exited;  /* nothing is delivered any more */
        bool waiting; /* for the answer */
        bool killed, emptied;
        enum place_end end;
        int detail;
};

struct supervisor {
        struct environment base;
        struct loop *loop;
        struct place *place;
        struct http_listener *listener;
        void (*on_foreign_request)(struct http_exchange *x, void *owner);
        void *owner;

        /* Copies out of the options. */
        char *account, *function, *version, *region, *handler, *log_level, *system_log_level;
        char *notice, *missing_entry, *version_name, *version_arn, *cwd;
        char **argv, **envp, **extension_names;
        bool extensions_disabled;
        bool *runtime_only;  /* for each of envp: extensions do not see it */
        size_t api_var;      /* index in envp of AWS_LAMBDA_RUNTIME_API, known once the place is open */
        size_t endpoint_var; /* of AWS_ENDPOINT_URL_LAMBDA, or SIZE_MAX */
        uint32_t memory_mb;
        nsec_t timeout;
        bool provisioned;
        bool log_json;

        enum env_state state;
        enum gen_state gen;
        enum api_state api;
        struct timer timer;     /* INIT's limit, or the invocation's: the state gives it meaning */
        struct timer gen_timer; /* SHUTDOWN's deadlines; before, EXIT_PATIENCE with `leaving` or last_words */
        unsigned leaving;       /* the process that has posted an error */
        struct defer soon;      /* what must not happen inside a call of the owner */
        struct http_exchange *poll; /* the parked `next` */
        struct incoming incoming;
        struct extensions extensions;
        struct shutdown shutdown;
        bool runtime_alive;
        struct current now;
        struct journal journal;
        nsec_t started, spawned, init_time, start_time;
        nsec_t init_limit;
        int spawn_error;       /* a positive errno: why the generation could not be started */
        unsigned spawn_failed; /* and which process of it */
        nsec_t pending_init;   /* of the on-demand INIT, for the first REPORT */
        char *init_error_body; /* posted to init/error during a suppressed init */
        size_t init_error_len;
        char *init_error_type;
        nsec_t memory_read_at;
        uint64_t peak;
        uint32_t deliveries;
        bool has_been_ready; /* in any generation */
        struct last_words last_words;
        bool lost;
        char *lost_why;
};

#define INIT_LIMIT (10 * SECOND)
/* Between an error that a process has posted and the exit that should follow it, or the other way round. */
#define EXIT_PATIENCE SECOND

static inline struct supervisor *supervisor_of(struct environment *e) {
        return container_of(e, struct supervisor, base);
}

/* supervisor.c */
extern const struct place_events supervisor_place_events;
void supervisor_enter(struct supervisor *s, enum env_state state);
/* Its place is gone, and the invocation under way fails in these words; may free s. */
void supervisor_lose(struct supervisor *s, enum invocation_outcome outcome, const char *error_type,
                     const char *text, const char *why);
void supervisor_on_soon(struct defer *defer); /* what a call of the owner, or of the runtime, has put off */

/* generation.c */
void generation_start(struct supervisor *s);
void generation_enter(struct supervisor *s, enum gen_state state);
void generation_cannot_start(struct supervisor *s, unsigned process, int error); /* it fails, later */
void generation_asked(struct supervisor *s);   /* `next` has come, s->poll is set */
void generation_advance(struct supervisor *s); /* an extension has done something */
void generation_deliver(struct supervisor *s); /* the invocation, if the runtime waits for it */
void generation_kill(struct supervisor *s);
/* What it has said before it ended counts; then it has failed, or is part of SHUTDOWN. */
void generation_process_ended(struct supervisor *s, unsigned process, enum place_end end, int detail);
void generation_answer_over(struct supervisor *s); /* nothing of an answer is on its way any more */
char *extension_path(const struct supervisor *s, const struct extension *e); /* malloc'ed */

/* shutdown.c */
void generation_end(struct supervisor *s, enum shutdown_reason why);
void shutdown_process_ended(struct supervisor *s);
void shutdown_on_timer(struct supervisor *s);

/* failures.c */
void failure_process_ended(struct supervisor *s, unsigned process, enum place_end end, int detail);
void failure_init_error(struct supervisor *s); /* init/error: s->incoming is complete */
void failure_extension_error(struct supervisor *s, const struct extension *e); /* init/error, exit/error */
void failure_on_timer(struct timer *timer);
void failure_on_gen_timer(struct timer *timer);

/* answers.c: of the invocation under way */
void answer_log_start(struct supervisor *s); /* once, before its answer */
void answer_give(struct supervisor *s, enum invocation_outcome outcome, struct buf *payload,
                 const char *content_type, const char *error_type);
void answer_failure(struct supervisor *s, enum invocation_outcome outcome, const char *error_type,
                    const char *text);
void answer_from_runtime(struct supervisor *s); /* s->incoming is complete */
/* The runtime answered, but so that the caller gets an error; it may go on and ask for more. */
void answer_refused(struct supervisor *s, const char *error_type, const char *message);
nsec_t answer_billed(nsec_t duration, nsec_t init); /* whole milliseconds, at least one */
void supervisor_conclude(struct supervisor *s, struct invocation_report *ret_report);
void supervisor_become_idle(struct supervisor *s, const struct invocation_report *report);
void answer_log_crash(struct supervisor *s, const char *error_type, const char *text);
/* Fails the invocation under way, if there is one; the environment cannot go on. */
void supervisor_abandon(struct supervisor *s, enum invocation_outcome outcome, const char *error_type,
                        const char *text);

/* environ.c */
void environ_build(struct supervisor *s, const struct environment_spec *spec,
                   const struct runtime_command *command);
void environ_set_api(struct supervisor *s, const char *address);
const char **environ_for_extensions(const struct supervisor *s); /* free() it; the strings are s's */
