/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rie - an execution environment whose container brings AWS's Runtime Interface Emulator, and runs it itself
 *
 * For images that start the emulator whatever one says, and for those in which our init cannot run. The emulator listens
 * on port 8080, which is reached through a port of loopback (sandbox/engine/guest.h); an invocation is one POST
 * to it. It is ready when HTTP answers. Everything that the emulator says is read: its status, its plain text of a timeout,
 * its START, END and REPORT, which are told in AWS's words instead of its own (runtime/scribe.h).
 *
 * It is less than what our init does, because the emulator is: INIT happens inside the first invocation and its timeout;
 * an answer arrives when it is complete, also a streamed one; a handler's error is known only by its JSON; the ARN
 * that the function sees is the emulator's own; there is no freezing. After anything worse than a handler's error the
 * container is replaced. Loop thread only.
 */
#pragma once
#include "sandbox/engine/containers.h"

#define RIE_PORT 8080
#define RIE_READY_TIME (10 * SECOND)

struct rie_spec {
        const struct environment_spec *environment;
        struct image *image;     /* its own reference is taken */
        const char *const *argv; /* the whole command line; NULL: nothing can be started */
        const char *working_dir;
        const char *execution_env; /* AWS_EXECUTION_ENV; NULL: it is not set */
        bool runtime_is_task;
        nsec_t ready_time; /* from the start of the container to the first answer; 0: RIE_READY_TIME */
};

/* Whether this command line starts the emulator: one of its words names it. */
bool rie_is_started_by(const char *const *argv);

/* Not started. NULL when there is no engine. */
struct environment *rie_environment_new(struct loop *loop, struct containers *c, const struct rie_spec *spec);
