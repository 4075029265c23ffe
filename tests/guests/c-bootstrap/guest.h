/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One guest: a runtime that does what the word in _HANDLER says, "name" or "name:argument". README.md lists
 * the words. The three families of modes: answers (answer.c) show every way to answer an invocation, right
 * and wrong; probes (probe.c) tell what the program sees of the world around it; fates (fate.c) are ways to
 * end or to stall, at start or inside an invocation.
 */
#include <stdbool.h>

#include "api.h"
#include "text.h"

struct guest {
        struct api api;
        /* What follows the colon, or "". */
        const char *arg;
        struct reply event;
        char id[64];
        unsigned long count;
        /* For answers that are put together; empty when a mode starts. */
        struct text text;
        /* The body of mode "fixed", made at start. */
        char *fixed;
        size_t fixed_len;
};

/* A mode answers the invocation at hand, or does not live on. */
struct mode {
        const char *name;
        void (*run)(struct guest *guest);
};

extern const struct mode answer_modes[];
extern const struct mode probe_modes[];
extern const struct mode fate_modes[];

/* Answers with guest->text. */
void guest_answer_text(struct guest *guest);
/* A JSON string of exactly `len` bytes (a digit for 1, nothing for 0); the caller frees it. */
char *filler_new(size_t len);
/* Ends or stalls the process as `what` says (exit:N, abort, segv, hang, sleep-ms:N); false for an unknown
 * word. */
bool fate_befall(const char *what);
