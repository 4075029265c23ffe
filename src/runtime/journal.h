/* SPDX-License-Identifier: Apache-2.0 */
/* journal - the log of one environment: its processes' output in lines, and the platform's own lines around it */
#pragma once
#include "base/buf.h"

struct supervisor;
struct invocation_report;

/* Splits output into lines, stamps them, keeps the tail. */
struct journal {
        struct buf partial; /* a line without its end yet: its cap leaves room for that */
        struct buf tail;    /* of the invocation under way, when it is wanted */
        bool keep_tail;
};

#define JOURNAL_LINE_MAX (256 * KIB)

void journal_output(struct supervisor *s, const char *data, size_t len);
void journal_flush_partial(struct supervisor *s); /* a process ended in mid-line */
void journal_platform(struct supervisor *s, const char *format, ...)
        PRINTF_LIKE(2, 3); /* one whole line, newline added */
void journal_init_start(struct supervisor *s);
void journal_init_report(struct supervisor *s, nsec_t took, const char *phase, const char *status,
                         const char *error_type);
void journal_extensions(struct supervisor *s); /* how far INIT has brought each of them */
void journal_start(struct supervisor *s);
void journal_end(struct supervisor *s);
void journal_report(struct supervisor *s, const struct invocation_report *report);
void journal_keep_tail(struct journal *journal, const char *line, size_t len); /* while keep_tail says so */
void journal_deinit(struct journal *journal);
