/* SPDX-License-Identifier: Apache-2.0 */
/* log_lines - the daemon's stream of log records: one JSON object a line, {"time": ms, "stream": …,
 * "message": …}. */
#pragma once
#include "base/buf.h"

#define LOG_LINE_MAX (2 * MIB)

struct log_record {
        double time_ms;
        const char *stream, *message; /* message without its newline; valid during the call */
};

struct log_lines {
        struct buf held;
        void (*on_record)(void *owner, const struct log_record *record, const char *line, size_t len);
        void *owner;
};

/* Bytes in any pieces. False for what is no such stream. */
bool log_lines_take(struct log_lines *lines, const char *data, size_t len);
