/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisor - a struct environment whose Runtime API is ours (docs/aws.md, runtime-api, lifecycle, failures)
 *
 * It owns a place (where the processes live) and the HTTP listener they talk to. It runs INIT under its 10 s limit, delivers
 * an invocation as the answer to the runtime's parked `next`, reads the response while it comes, enforces the
 * function's timeout, writes START, END and REPORT around the output, and repeats INIT inside the next invocation after a crash or a
 * timeout. The same code serves in the daemon (native sandbox) and in PID 1 of a container.
 *
 * Loop thread only.
 */
#pragma once
#include "http/http.h"
#include "runtime/environment.h"
#include "runtime/place.h"

/* What starts the runtime. Paths are those inside the place. */
struct runtime_command {
        const char *const *argv; /* NULL when there is nothing to start: see problem */
        const char *cwd;
        const struct env_var
                *vars; /* added for this runtime (PYTHONPATH, NODE_PATH…); the function's own win */
        size_t var_count;
        const char *execution_env; /* AWS_EXECUTION_ENV; NULL for provided.* */
        const char *notice; /* a warning for the log at each INIT, e.g. a version that the host lacks; NULL */
        const char *missing_entry; /* no argv: the text of Runtime.InvalidEntrypoint */
        const char *version_name;  /* for INIT_START: "python:3.13"; "": the line is not written (images) */
        const char *version_arn;
};

struct supervisor_options {
        struct loop *loop;
        struct place *place_consume;
        const struct environment_spec *spec;   /* copied */
        const struct runtime_command *command; /* copied */
        /* Requests that are not the Runtime API: the AWS API that AWS_ENDPOINT_URL_LAMBDA leads to. NULL: 404. */
        void (*on_foreign_request)(struct http_exchange *x, void *owner);
        void *owner;
        /* What runtime/extensions.h finds in the layers; copied. */
        const char *const *extensions; /* files in opt_root/extensions, NULL-terminated; NULL: none */
        bool extensions_disabled;
        nsec_t init_limit; /* of INIT before the first invocation; 0: AWS's 10 s */
};

struct environment *supervisor_new(const struct supervisor_options *options);
