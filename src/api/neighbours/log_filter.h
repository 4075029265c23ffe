/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_filter - which events a FilterLogEvents request wants: by their stream, and by a filter pattern of terms
 *
 * Terms are words or "phrases" that a message contains: all of those given, none of those behind a minus, and of those
 * behind a question mark, if nothing else is given, at least one. Patterns that look into JSON, into columns or with
 * regular expressions are not known here. A filter is never changed once made: it is used by the worker thread.
 */
#pragma once
#include "lib/json.h"
#include "logs/logs.h"

struct log_filter;

enum log_filter_outcome { LOG_FILTER_UNKNOWN = 1, LOG_FILTER_BROKEN };

/* streams: an array of names; prefix, pattern: as in the request; each may be NULL. */
int log_filter_new(const json_t *streams, const char *prefix, const char *pattern,
                   struct log_filter **ret_filter);
void log_filter_free(struct log_filter *filter);
DEFINE_FREEP(log_filter)
bool log_filter_takes(const struct log_filter *filter, const struct logs_record *record);
