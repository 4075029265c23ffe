/* SPDX-License-Identifier: Apache-2.0 */
/* verdict - the words in which callers and logs hear how a process or an answer ended (docs/aws.md, failures) */
#pragma once
#include "base/buf.h"
#include "runtime/place.h"

/* The error's JSON. The first composes "RequestId: … Error: text". */
void verdict_write(struct buf *buf, const char *error_type, const char *request_id, const char *text);
void verdict_plain(struct buf *buf, const char *error_type, const char *message);

/* malloc'ed. The path is named where it could not be executed. */
char *verdict_exit_text(enum place_end end, int detail, const char *argv0);
char *verdict_extension_text(enum place_end end, int detail, const char *path);
const char *verdict_exit_type(enum place_end end);

/* Lambda-Runtime-Function-Error-Type as records show it. */
const char *verdict_reported_type(const char *header);
