/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the emulator share; nobody else includes it. */
#pragma once
#include <netinet/in.h>

#include "http/http.h"
#include "init/emulator.h"
#include "init/termination.h"
#include "runtime/supervisor.h"

/* What the command line and the variables say. */
struct emulator_settings {
        struct sockaddr_in listen, runtime_api;
        const char *function, *version, *region, *handler;
        uint32_t memory_mb;
        nsec_t timeout;
        const char *const *argv; /* NULL-terminated, not empty */
        const char *cwd;         /* malloc'ed */
};

/* 0; -EINVAL after telling on standard error what is wrong. */
int emulator_read_settings(int argc, char **argv, struct emulator_settings *ret_settings);

struct emulator {
        const struct emulator_settings *settings;
        struct loop *loop;
        struct http_listener *listener;
        struct environment *e;
        struct list waiting; /* requests, oldest first */
        struct request *now; /* the one under way */
        char *arn;
        bool idle, stopping;
        struct termination termination;
        int status;
};

extern const struct http_handler emulator_handler;
void emulator_next(struct emulator *emulator); /* serves who waits, if nobody is being served */
/* Events of the environment that belong to the request under way. */
void request_head(struct request *request, const char *content_type);
void request_chunk(struct request *request, const char *data, size_t len);
void request_answered(struct request *request, struct invocation_answer *answer);
void request_drop(struct request *request); /* of a client that has gone; NULL is legal */
