/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the supervisor share; nobody else includes it. */
#pragma once
#include "loop/loop.h"
#include "runtime/supervisor.h"

/* The Runtime API's own states, by the names its refusals use (facts/runtime-api.md 2.2). */
enum api_state {
        API_STARTED,
        API_INIT_ERROR,
        API_READY,
        API_RUNNING,
        API_RESPONSE,
        API_ERROR_RESPONSE,
        API_RESPONSE_SENT,
};

/* The environment as its owner sees it. */
enum env_state { ENV_NEW, ENV_STARTING, ENV_IDLE, ENV_FROZEN, ENV_BUSY, ENV_STOPPING, ENV_DEAD };

/* Its current generation of processes. */
enum gen_state {
        GEN_NONE,     /* nothing runs; the next invocation starts one */
        GEN_INIT,     /* started, has not asked for work yet */
        GEN_READY,    /* `next` is parked (or about to be) */
        GEN_RUNNING,  /* has an event, has not answered */
        GEN_ANSWERED, /* has answered, has not asked for more */
        GEN_KILLING,  /* being killed; nothing of it counts any more */
};

/* Splits output into lines, stamps them, keeps the tail. */
struct journal {
        struct buf partial; /* a line without its end yet: its cap leaves room for that */
        struct buf tail;    /* of the invocation under way, when it is wanted */
        bool keep_tail;
};

#define JOURNAL_LINE_MAX (256 * KIB)

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
        nsec_t began, init; /* delivered (or begun to init); suppressed init's time */
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
        char *function, *version, *region, *handler, *log_level, *system_log_level;
        char *notice, *missing_entry, *version_name, *version_arn, *cwd;
        char **argv, **envp;
        size_t api_var;      /* index in envp of AWS_LAMBDA_RUNTIME_API, known once the place is open */
        size_t endpoint_var; /* of AWS_ENDPOINT_URL_LAMBDA, or SIZE_MAX */
        uint32_t memory_mb;
        nsec_t timeout;
        bool log_json;

        enum env_state state;
        enum gen_state gen;
        enum api_state api;
        struct timer timer; /* INIT's limit, the invocation's, or SHUTDOWN's: the state gives it meaning */
        struct defer soon;  /* what must not happen inside a call of the owner */
        struct http_exchange *poll; /* the parked `next` */
        struct incoming incoming;
        struct current now;
        struct journal journal;
        nsec_t started, spawned, init_time, start_time;
        nsec_t init_limit;
        int spawn_error;       /* a positive errno: why the generation could not be started */
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

static inline struct supervisor *supervisor_of(struct environment *e) {
        return container_of(e, struct supervisor, base);
}

/* supervisor.c */
extern const struct place_events supervisor_place_events;
void supervisor_enter(struct supervisor *s, enum env_state state);
void supervisor_on_soon(struct defer *defer); /* what a call of the owner, or of the runtime, has put off */

/* generation.c */
void generation_spawn(struct supervisor *s);
void generation_asked(struct supervisor *s); /* `next` has come, s->poll is set */
void generation_deliver(struct supervisor *s);
void generation_kill(struct supervisor *s);
void generation_exited(struct supervisor *s, enum place_end end, int detail); /* the runtime has */
void generation_answer_over(struct supervisor *s); /* nothing of an answer is on its way any more */

/* failures.c */
void generation_fail(struct supervisor *s, enum place_end end, int detail); /* its runtime has ended */
void failure_init_error(struct supervisor *s); /* init/error: s->incoming is complete */
void failure_on_timer(struct timer *timer);

/* answers.c: of the invocation under way */
void answer_log_start(struct supervisor *s); /* once, before its answer */
void answer_give(struct supervisor *s, enum invocation_outcome outcome, struct buf *payload,
                 const char *content_type, const char *error_type);
void answer_failure(struct supervisor *s, enum invocation_outcome outcome, const char *error_type,
                    const char *text);
void answer_from_runtime(struct supervisor *s); /* s->incoming is complete */
/* The runtime answered, but so that the caller gets an error; it may go on and ask for more. */
void answer_refused(struct supervisor *s, const char *error_type, const char *message);
void supervisor_conclude(struct supervisor *s, struct invocation_report *ret_report);
void supervisor_become_idle(struct supervisor *s, const struct invocation_report *report);
void supervisor_abandon(struct supervisor *s, const char *text);

/* runtime_api.c */
extern const struct http_handler runtime_api_handler;
void runtime_api_deliver(struct supervisor *s); /* answers s->poll with the current order */
void runtime_api_drop(
        struct supervisor *s); /* forgets the parked poll and the incoming answer of a dead generation */
void runtime_api_drop_answer(struct supervisor *s); /* only the latter */
void incoming_clear(struct incoming *in);
const char *api_state_name(enum api_state state);

/* environ.c */
void environ_build(struct supervisor *s, const struct environment_spec *spec,
                   const struct runtime_command *command);
void environ_set_api(struct supervisor *s, const char *address);

/* journal.c */
void journal_output(struct supervisor *s, const char *data, size_t len);
void journal_flush_partial(struct supervisor *s); /* a process ended in mid-line */
void journal_platform(struct supervisor *s, const char *format, ...)
        PRINTF_LIKE(2, 3); /* one whole line, newline added */
void journal_init_start(struct supervisor *s);
void journal_init_report(struct supervisor *s, nsec_t took, const char *phase, const char *status,
                         const char *error_type);
void journal_start(struct supervisor *s);
void journal_end(struct supervisor *s);
void journal_report(struct supervisor *s, const struct invocation_report *report);
void journal_deinit(struct journal *journal);

/* verdict.c: error bodies as the caller sees them (facts/runtime-api.md section 6) */
void verdict_write(struct buf *buf, const char *error_type, const char *request_id,
                   const char *text); /* "RequestId: … Error: text" */
void verdict_plain(struct buf *buf, const char *error_type, const char *message);
char *verdict_exit_text(enum place_end end, int detail, const char *argv0); /* malloc'ed */
const char *verdict_exit_type(enum place_end end);
const char *
verdict_reported_type(const char *header); /* Lambda-Runtime-Function-Error-Type as records show it */
