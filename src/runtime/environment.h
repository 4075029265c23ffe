/* SPDX-License-Identifier: Apache-2.0 */
/*
 * environment - one execution environment, wherever it runs: the one interface between the pool and the drivers
 *
 * A driver makes a struct environment; its owner (the pool) calls start once, then invoke whenever it is idle, and stop in
 * the end. What happens comes back as events. Arguments are plain values: durations, not clock times, and no pointers
 * that outlive the call (except where said), because for containers every message travels over a link.
 *
 * One environment takes one invocation at a time; between `ready`/`idle` and `invoke` it may be frozen. Flow control: a streamed
 * answer may run ahead of the credit given by ENVIRONMENT_WINDOW bytes, then the driver stops reading the runtime
 * until environment_credit. A reset (crash, timeout) is the driver's own business: the environment stays, its next
 * invocation pays a new init.
 *
 * Life: after `gone` or environment_free no event comes. Events are never delivered inside a call to the environment,
 * except `idle`/`answer` chains that start on the loop.
 */
#pragma once
#include <sys/types.h>
#include <sys/uio.h>

#include "base/buf.h"
#include "base/random.h"
#include "base/util.h"

#define ENVIRONMENT_WINDOW (256 * KIB)
#define PAYLOAD_MAX ((size_t)6291456)         /* a synchronous request: docs/aws.md, limits */
#define ANSWER_MAX ((size_t)6291556)          /* a buffered answer */
#define STREAM_ANSWER_MAX ((size_t)209715200) /* a streamed answer */
#define LOG_TAIL_MAX ((size_t)4096)

struct environment;

/* One invocation as the driver needs it. Strings and event are borrowed until `answered`; NULL where absent. */
struct invocation_order {
        const char *request_id; /* UUID */
        const char *arn;        /* as invoked */
        const char *trace_id, *client_context, *cognito_identity, *tenant_id, *content_type;
        const struct iovec *event; /* the payload, validated JSON */
        size_t event_parts;
        nsec_t timeout; /* the function's */
        bool stream;    /* the caller takes bytes as they come */
        bool want_tail; /* keep the last LOG_TAIL_MAX bytes of the log for the report */
};

enum invocation_outcome {
        OUTCOME_OK,
        OUTCOME_HANDLER_ERROR, /* the runtime posted …/error; the environment is kept */
        OUTCOME_TIMEOUT,
        OUTCOME_EXIT, /* the runtime exited or was killed */
        OUTCOME_OUT_OF_MEMORY,
        OUTCOME_INIT_ERROR,     /* the suppressed init failed or posted init/error */
        OUTCOME_BAD_ANSWER,     /* too large, truncated, wrong response mode */
        OUTCOME_SANDBOX_FAILURE /* ours: Sandbox.Failure */
};
const char *invocation_outcome_name(enum invocation_outcome outcome);

/* The end of an answer. payload: the whole answer of a buffered invocation or of any failure (the error's JSON as the caller
 * sees it, docs/aws.md, failures); of a stream what was not sent as chunks (nothing, on success). */
struct invocation_answer {
        enum invocation_outcome outcome;
        bool is_error;            /* X-Amz-Function-Error: Unhandled */
        bool undelivered;         /* of a failure: no environment was to be had; set by the pools */
        struct buf *payload;      /* the receiver may take its bytes */
        const char *content_type; /* what the runtime said; NULL */
        const char *error_type;   /* for logs and records; NULL */
};

/* What REPORT says, and the phases. */
struct invocation_report {
        enum invocation_outcome outcome;
        nsec_t duration, billed;
        nsec_t init; /* 0 unless this invocation paid for one */
        uint32_t memory_mb, max_memory_mb;
        const char *error_type; /* NULL */
        const char *log_tail;   /* with want_tail: the last LOG_TAIL_MAX bytes of this invocation's log */
        size_t log_tail_len;
};

struct environment_events {
        /* The place exists and its processes were told to start: what is left of INIT is their own work. */
        void (*started)(struct environment *e);
        /* INIT is over, well or not (then the next invocation repeats it). init: how long the processes took to their first `next`. */
        void (*ready)(struct environment *e, nsec_t start, nsec_t init, bool failed);
        /* The runtime began a streamed answer (only when the order said stream). */
        void (*head)(struct environment *e, const char *content_type);
        void (*chunk)(struct environment *e, const char *data, size_t len);
        /* The caller can be answered. */
        void (*answered)(struct environment *e, struct invocation_answer *answer);
        /* END and REPORT are written; the environment takes the next invocation. Always follows answered. */
        void (*idle)(struct environment *e, const struct invocation_report *report);
        /* One line of the log (with its newline), stamped on arrival. */
        void (*log)(struct environment *e, nsec_t wall, const char *line, size_t len);
        /* It is no more: could not be opened, broke, or was stopped. why: a sentence. Free it (now, if you like). An invocation under
         * way was answered before. */
        void (*gone)(struct environment *e, const char *why);
};

struct environment_stats {
        pid_t pid;                    /* of the runtime, the host's numbering; 0 none */
        uint64_t memory, memory_peak; /* bytes; 0 unknown */
};

struct environment_ops {
        int (*start)(struct environment *e); /* 0 or -errno */
        void (*invoke)(struct environment *e, const struct invocation_order *order);
        void (*credit)(struct environment *e, size_t len);
        void (*freeze)(struct environment *e);
        void (*thaw)(struct environment *e);
        /* SHUTDOWN (docs/aws.md, lifecycle), then gone. With an invocation under way: it is killed and answered. */
        void (*stop)(struct environment *e);
        void (*stats)(struct environment *e, struct environment_stats *ret_stats);
        void (*free)(struct environment *e);
};

struct environment {
        const struct environment_ops *ops;
        const struct environment_events *events; /* the owner sets these two before start */
        void *owner;
        char id[HEX_ID_LEN + 1]; /* also the suffix of its log stream's name; never reused */
        uint32_t generation;     /* rises with every reset */
        bool ending;         /* set before the last `idle`: takes no invocation any more, `gone` follows */
        bool has_extensions; /* stop takes time: up to SHUTDOWN's 2 s */
        /* Set before `gone`: it ended before it was ready, by an accident that the next one is not likely to meet. */
        bool accident;
};

/* What an environment is made for: everything the processes can see, so everything that keys a pool. */
struct env_var {
        const char *name, *value;
};

struct environment_spec {
        char id[HEX_ID_LEN + 1];
        const char *account, *region, *function, *version;
        const char *runtime; /* identifier, e.g. "provided.al2023" */
        const char *handler;
        const struct env_var *vars; /* the function's own Environment */
        size_t var_count;
        uint32_t memory_mb, tmp_mb;
        nsec_t timeout;
        const char *log_group, *log_stream;
        bool provisioned; /* started before anybody asked */
        bool log_json;
        const char *log_level, *system_log_level; /* with log_json */
        const char *task_dir,
                *opt_dir; /* host paths of unpacked code and merged layers; opt_dir NULL: none */
        const char *access_key_id, *secret_access_key, *session_token;
};
