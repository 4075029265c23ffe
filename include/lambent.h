/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lambent.h - run AWS Lambda functions from your own program
 *
 * A struct lambent is an engine: functions, their execution environments, their logs, kept in a data dir. It has no
 * thread towards the caller, installs no signal handler and never blocks: put lambent_fd() into your event loop (poll,
 * epoll, libuv, GLib…), call lambent_turn() when it is readable or when lambent_timeout_ms() has passed, and the callbacks
 * come from inside lambent_turn(). One struct lambent belongs to one thread; it may be another one for each.
 * One data dir belongs to one engine at a time.
 *
 * Errors: 0 is success; negative numbers are errno values, with a sentence for a human in *ret_problem where there is
 * one (free() it). Strings and bytes given to a call are copied; those given to a callback live until it returns.
 *
 *     struct lambent *l;
 *     lambent_open(&(struct lambent_options){ .size = sizeof(struct lambent_options), .data_dir = dir }, &l, &problem);
 *     lambent_deploy(l, &function, on_deployed, ctx);
 *     while (running) { poll(&(struct pollfd){ lambent_fd(l), POLLIN }, 1, lambent_timeout_ms(l)); lambent_turn(l); }
 *     lambent_close(l);
 *
 * The behaviour of functions, their environment and every error text follow AWS Lambda's developer guide
 * (https://docs.aws.amazon.com/lambda/latest/dg/).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LAMBENT_PUBLIC __attribute__((visibility("default")))

struct lambent;

struct lambent_options {
        size_t size;              /* sizeof(struct lambent_options): lets it grow */
        const char *data_dir;     /* made when missing; required */
        const char *libexec_dir;  /* of lambent-launcher and lambent-archive; NULL: beside the library */
        const char *runtimes_dir; /* of our runtime clients; NULL: likewise */
        const char *region;       /* NULL: "us-east-1" */
        const char *account;      /* twelve digits; NULL: "000000000000" */
        uint32_t idle_ttl_s;      /* an idle environment is stopped after this; 0: 300 */
        uint32_t freeze_after_ms; /* and frozen after this; 0: 50 */
        size_t environments_max;  /* 0: what descriptors and memory allow */
        bool strict_runtimes;     /* refuse to run on another version of the interpreter */
};

/* -EBUSY: another engine has this data dir. */
LAMBENT_PUBLIC int lambent_open(const struct lambent_options *options, struct lambent **ret_lambent,
                                char **ret_problem);
/* Kills every environment. No callback comes any more. NULL is legal. */
LAMBENT_PUBLIC void lambent_close(struct lambent *l);

/* The loop. */
LAMBENT_PUBLIC int lambent_fd(const struct lambent *l);
LAMBENT_PUBLIC int lambent_timeout_ms(const struct lambent *l); /* as for poll(2): -1 none */
LAMBENT_PUBLIC int lambent_turn(struct lambent *l);             /* does what is due, never waits */

/* Functions. */
struct lambent_variable {
        const char *name, *value;
};

struct lambent_function {
        size_t size;         /* sizeof(struct lambent_function) */
        const char *name;    /* 1 to 64 of [A-Za-z0-9_-] */
        const char *runtime; /* "provided.al2023", "python3.13", "nodejs22.x"… */
        const char *handler; /* as for AWS; any word for provided.* */
        const void *zip;     /* the deployment package, at most 50 MB */
        size_t zip_len;
        const struct lambent_variable *variables;
        size_t variable_count;
        uint32_t timeout_s; /* 1 to 900; 0: 3 */
        uint32_t memory_mb; /* 128 to 10240; 0: 128 */
        uint32_t tmp_mb;    /* 512 to 10240; 0: 512 */
};

/* r: 0 when the function can be invoked, else -errno and why. */
typedef void (*lambent_deployed_fn)(void *ctx, int r, const char *problem);

/* Creates the function, or updates it: running invocations end on the old code. -EINVAL at once for values out of range. */
LAMBENT_PUBLIC int lambent_deploy(struct lambent *l, const struct lambent_function *function,
                                  lambent_deployed_fn deployed, void *ctx);
/* -ENOENT. Environments that are busy finish. */
LAMBENT_PUBLIC int lambent_remove(struct lambent *l, const char *name);

/* Invocations. */
struct lambent_answer {
        bool function_error; /* what AWS tells by X-Amz-Function-Error */
        const char *payload; /* of a streamed answer that went well: nothing is left */
        size_t payload_len;
        const char *log_tail; /* with LAMBENT_TAIL: at most 4 KiB */
        size_t log_tail_len;
        const char *refused; /* NULL, or why it never ran: throttled, pending, failed, stopping */
};

struct lambent_events {
        /* With LAMBENT_STREAM: bytes as they come. Call lambent_credit when they are used up, else the function is held back. */
        void (*chunk)(void *ctx, const char *data, size_t len);
        void (*answered)(void *ctx, const struct lambent_answer *answer); /* the last one, always */
};

enum { LAMBENT_STREAM = 1, LAMBENT_TAIL = 2 };

struct lambent_invocation;

/* payload: valid JSON of at most 6,291,456 bytes; empty means {}. The events come from later turns. -ENOENT: no such
 * function; -EINVAL: not JSON; -E2BIG. */
LAMBENT_PUBLIC int lambent_invoke(struct lambent *l, const char *name, const void *payload, size_t len,
                                  unsigned flags, const struct lambent_events *events, void *ctx,
                                  struct lambent_invocation **ret_invocation);
LAMBENT_PUBLIC void lambent_credit(struct lambent_invocation *i, size_t len);
/* No event comes any more. What was delivered to the function runs on. */
LAMBENT_PUBLIC void lambent_abandon(struct lambent_invocation *i);

/* Environments. */
struct lambent_environment {
        const char *id, *function, *version, *state; /* "starting", "idle", "frozen", "busy", "stopping" */
        double age_s, idle_s;
        uint64_t invocations;
        int pid;
        uint64_t memory_bytes;
};

LAMBENT_PUBLIC void lambent_environments(struct lambent *l,
                                         void (*each)(void *ctx, const struct lambent_environment *e),
                                         void *ctx);
/* name NULL: of all functions. Busy ones finish first unless now. How many there were. */
LAMBENT_PUBLIC size_t lambent_evict(struct lambent *l, const char *name, bool now);

#ifdef __cplusplus
}
#endif
