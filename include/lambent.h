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
 * It has child processes and learns from each how it ended. So SIGCHLD must be neither ignored nor handled with SA_NOCLDWAIT,
 * and the program waits for its own children by their pids: waitpid(-1) would take ours. A handler is no matter.
 * A process that it forks leaves the engine alone: calls there, lambent_close as well, would end what is the program's.
 *
 * Errors: 0 is success; negative numbers are errno values, with a sentence for a human in *ret_problem where there is
 * one (free() it); positive ones are enum lambent_error: what can happen to a function. Strings and bytes given to a
 * call are copied; those given to a callback live until it returns.
 *
 * A struct that begins with `size` grows at its end in later versions: set size to its sizeof and zero what you do not
 * use, and a program built with this header runs on a later library. The structs that callbacks are given grow at their end, too.
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

/* What can go wrong with a function, beyond errno. The numbers never change; later versions may add some, so treat one that you do not
 * know as LAMBENT_INVOCATION_FAILED. */
enum lambent_error {
        LAMBENT_OK = 0,
        LAMBENT_NO_CODE = 1,             /* deployed without package and image */
        LAMBENT_UNSUPPORTED_RUNTIME = 2, /* no such runtime, or neither this machine nor a container has it */
        LAMBENT_START_FAILED = 3,        /* no sandbox or container could be made; nothing was delivered */
        LAMBENT_INVOCATION_FAILED = 4,   /* the runtime ended under way, or its answer was unusable */
        LAMBENT_BAD_ZIP = 5,             /* the package is no zip, is damaged, or is too large unpacked */
        LAMBENT_HANDLER_ERROR = 16,      /* the function's own: it raised an error */
        LAMBENT_TIMED_OUT = 17,          /* it took longer than timeout_s */
        LAMBENT_OUT_OF_MEMORY = 18,      /* it wanted more than memory_mb */
        LAMBENT_INIT_ERROR = 19,         /* its code could not be loaded, or its runtime ended at once */
        LAMBENT_THROTTLED = 20,          /* every environment is busy, and no more may start */
        LAMBENT_PENDING = 21,            /* the package is still being unpacked, the image pulled */
        LAMBENT_IMAGE_UNAVAILABLE = 22,  /* not there, refused, not for this machine, out of reach */
        LAMBENT_NO_ENGINE = 23,          /* a container is needed, and no Docker or Podman answers */
        LAMBENT_STOPPING = 24,           /* after lambent_stop_all */
        LAMBENT_INTERNAL = 25, /* lambent could not do its work: a full disk, a helper that was killed */
};
/* "no-code", "timed-out"…; of a number that is none "unknown". */
LAMBENT_PUBLIC const char *lambent_error_name(enum lambent_error error);

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
        /* Where functions run. "native": in namespaces of this kernel; "docker", "podman": in containers; "auto" or NULL: natively
         * where this machine has exactly the runtime, else in a container. The engine is found as by `lambent serve`. */
        const char *sandbox;
        const char *image_pull;        /* "missing", "always", "never"; NULL: "missing" */
        const char *image_mirror;      /* stands for public.ecr.aws/lambda; NULL: nothing does */
        const char *private_registry;  /* HOST:PORT instead of AWS's private registries; NULL: none */
        const char *container_network; /* of the engine; NULL: its default one */
        int container_spares;          /* started before they are wanted; 0: at most 4, negative: none */
};

/* -EBUSY: another engine has this data dir. */
LAMBENT_PUBLIC int lambent_open(const struct lambent_options *options, struct lambent **ret_lambent,
                                char **ret_problem);
/* Ends every environment, busy ones too. Blocks: those with extensions have AWS's two seconds to take leave (four are the most that
 * close waits for them), and an engine has a few to remove its containers. No callback comes any more. NULL is legal. */
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
        const char *runtime; /* "provided.al2023", "python3.13", "nodejs22.x"…; NULL with image_uri */
        const char *handler; /* as for AWS; any word for provided.* */
        const void *zip;     /* the deployment package, at most 50 MB; NULL with image_uri */
        size_t zip_len;
        const struct lambent_variable *variables;
        size_t variable_count;
        uint32_t timeout_s; /* 1 to 900; 0: 3 */
        uint32_t memory_mb; /* 128 to 10240; 0: 128 */
        uint32_t tmp_mb;    /* 512 to 10240; 0: 512 */
        /* A function that is a container image, which needs an engine. A tag is resolved now: if it moves later, the function stays
         * what it is. The rest is AWS's ImageConfig: without items, or NULL, the image's own. */
        const char *image_uri;
        const char *const *entry_point;
        size_t entry_point_count;
        const char *const *command;
        size_t command_count;
        const char *working_directory;
};

/* r: 0 when the function can be invoked, else enum lambent_error or -errno, and why. */
typedef void (*lambent_deployed_fn)(void *ctx, int r, const char *problem);

/* Creates the function, or updates it: running invocations end on the old code. At once, and then without the event: -EINVAL for
 * values out of range, -E2BIG, LAMBENT_NO_CODE without zip and image_uri, LAMBENT_UNSUPPORTED_RUNTIME for a runtime that AWS never
 * had, LAMBENT_NO_ENGINE for an image with the sandbox "native". A function whose deployment failed later is there and refuses to
 * run, as on AWS: deploy it again or remove it. */
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
        const char *refused;      /* NULL, or why it never ran: throttled, pending, failed, stopping */
        enum lambent_error error; /* LAMBENT_OK: it went well */
        const char *problem; /* of a refusal: a sentence for a human; of an error: NULL, for payload tells */
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
        const char *sandbox;   /* "native", "docker", "podman" */
        const char *container; /* the engine's id; NULL: not in a container, or it has not been made yet */
        const char *runtime;   /* as deployed; NULL: an image */
};

LAMBENT_PUBLIC void lambent_environments(struct lambent *l,
                                         void (*each)(void *ctx, const struct lambent_environment *e),
                                         void *ctx);
/* name NULL: of all functions. Busy ones finish first unless now. How many there were. */
LAMBENT_PUBLIC size_t lambent_evict(struct lambent *l, const char *name, bool now);
/* For the end of a program: from now on invocations are refused as stopping, idle environments stop, busy ones finish first unless
 * now. stopped comes once, from a later turn, when nothing is under way any more; then only lambent_close is left to be called. How
 * many environments there were. */
LAMBENT_PUBLIC size_t lambent_stop_all(struct lambent *l, bool now, void (*stopped)(void *ctx), void *ctx);

#ifdef __cplusplus
}
#endif
