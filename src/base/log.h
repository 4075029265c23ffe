/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log - the daemon's own log: one line per event on standard error, key=value fields
 *
 * Library rooms log at debug only; daemon and api speak at info and above. Each line names what it is about
 * (function=, request=, environment=). A function's own output never comes here: see logs/.
 */
#pragma once
#include "base/util.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

extern enum log_level log_level_now;

/* From now on nothing is logged, errors included: for a library, which has no standard error of its own. */
void log_silence(void);

/* 0, or -EINVAL for a word that is none of error, warn, info, debug. */
int log_level_from_name(const char *name, enum log_level *ret_level);
const char *log_level_name(enum log_level level);

static inline bool log_enabled(enum log_level level) {
        return (int)level <= (int)log_level_now;
}

void log_write(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

#define log_at(level, ...) (log_enabled(level) ? log_write(level, __VA_ARGS__) : (void)0)
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)
