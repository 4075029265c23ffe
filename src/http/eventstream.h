/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eventstream - frames of application/vnd.amazon.eventstream (docs/aws.md, streams)
 *
 * Writing: eventstream_frame fills a head (prelude and headers) and a tail (checksum) around a payload that
 * is not copied: send the three with one writev. Reading: a decoder for the command line and the tests.
 */
#pragma once
#include "base/buf.h"
#include "http/http.h"

struct eventstream_header {
        const char *name, *value; /* type 7, strings */
};

#define EVENTSTREAM_HEAD_MAX 512

struct eventstream_frame {
        char head[EVENTSTREAM_HEAD_MAX];
        size_t head_len;
        char tail[4];
};

/* payload at most 16 MiB, headers within EVENTSTREAM_HEAD_MAX (must). */
void eventstream_frame(struct eventstream_frame *frame, const struct eventstream_header *headers,
                       size_t count, const void *payload, size_t len);

/* Sends one event of a response stream on a response that has begun. */
void eventstream_send(struct http_exchange *x, const char *event, const char *content_type,
                      const void *payload, size_t len);

struct eventstream_message {
        const char *headers, *payload; /* spans of the input */
        size_t headers_len, payload_len, total_len;
};

enum eventstream_result { EVENTSTREAM_MESSAGE = 1, EVENTSTREAM_MORE = 2 };

/* Looks for a whole message at the start of data: EVENTSTREAM_MESSAGE, EVENTSTREAM_MORE, or -EBADMSG. */
int eventstream_parse(const char *data, size_t len, struct eventstream_message *ret_message);
/* The value of a string header: 0, -ENOENT, -EBADMSG. */
int eventstream_header_value(const struct eventstream_message *m, const char *name, const char **ret_value,
                             size_t *ret_len);
