/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scribe - answers and log, in AWS's words, of an environment whose supervisor is not ours
 *
 * Somebody else runs the function, an emulator that an image brings for example; the driver watches it, and the scribe
 * tells: the log's lines and its START, END and REPORT, the error's JSON, and the events answered and idle. The
 * environment is the scribe's, its ops and its life are the driver's. Loop thread only.
 */
#pragma once
#include "loop/loop.h"
#include "runtime/environment.h"

/* An environment with these ops; spec is copied. scribe_free is for its ops->free. */
struct environment *scribe_new(struct loop *loop, const struct environment_spec *spec,
                               const struct environment_ops *ops, void *driver);
void scribe_free(struct environment *e);
void *scribe_driver(const struct environment *e);

/* One invocation: begin, lines, an answer, conclude. */
void scribe_begin(struct environment *e, const struct invocation_order *order);
const struct invocation_order *scribe_order(const struct environment *e); /* valid until it is answered */
bool scribe_is_busy(const struct environment *e);                         /* begun and not concluded */
bool scribe_is_answered(const struct environment *e);
void scribe_start(struct environment *e); /* START, once; it comes before the answer at the latest */
/* Output of the function: whole lines are told as they are, at any time. */
void scribe_output(struct environment *e, const char *data, size_t len);

/* What the function itself answered. error_type NULL: no error. */
void scribe_answer(struct environment *e, struct buf *payload, const char *error_type);
/* A failure whose JSON is there already, or is composed of its type and a text; the log tells it too. With an answer given
 * already only REPORT tells. */
void scribe_fail(struct environment *e, enum invocation_outcome outcome, const char *error_type,
                 struct buf *payload, const char *text);

/* What is known of an invocation from elsewhere; 0 where it is not. */
struct scribe_measures {
        nsec_t duration, init;
        uint32_t max_memory_mb;
};
/* END, REPORT, and the event idle, inside which the next may begin. */
void scribe_conclude(struct environment *e, const struct scribe_measures *measures);
