/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json - validate, pick and write JSON without building a tree
 *
 * Payloads of invocations pass through as bytes: they are validated (RFC 8259, strict UTF-8, depth at most
 * JSON_DEPTH_MAX) and never parsed into values. The writer makes JSON into a capped struct buf; an overflow
 * sticks and is reported once, by json_writer_end. Control-plane bodies are read with jansson elsewhere
 * (lib/).
 */
#pragma once
#include "base/buf.h"

#define JSON_DEPTH_MAX 1000

/* What stopped the validator, for error texts that name place and character. */
struct json_error {
        size_t offset;      /* of the offending byte; == len when the text ended too early */
        size_t line;        /* from 1 */
        size_t column;      /* from 1 */
        const char *reason; /* a static, short English reason */
};

/* One value with white space around it: 0, else -EINVAL and *ret_error (may be NULL). Fast: plain string
 * bytes are skipped 16 at a time. */
int json_validate(const char *text, size_t len, struct json_error *ret_error);

/* Finds the member of a top-level object: a span of valid JSON text inside text. 0, -ENOENT, -EINVAL. */
int json_member(const char *text, size_t len, const char *name, const char **ret_value, size_t *ret_len);
/* Decodes a JSON string literal (with its quotes) into buf. 0, -EINVAL, -E2BIG. */
int json_unquote(const char *literal, size_t len, struct buf *buf);

/* Appends s as a JSON string with its quotes. Invalid UTF-8 becomes U+FFFD. html escapes < > & as Go's
 * encoder does (docs/aws.md, runtime-api). */
int json_quote(struct buf *buf, const char *s, size_t len, bool html);

struct json_writer {
        struct buf *buf;
        int error; /* first failure, sticks */
        unsigned depth;
        bool comma, html;
};

#define JSON_WRITER(b) ((struct json_writer){ .buf = (b) })

/* Names are C strings of ours; pass NULL inside arrays and for the outermost value. */
void json_open_object(struct json_writer *w, const char *name);
void json_close_object(struct json_writer *w);
void json_open_array(struct json_writer *w, const char *name);
void json_close_array(struct json_writer *w);
void json_str(struct json_writer *w, const char *name, const char *value); /* NULL value writes null */
void json_strn(struct json_writer *w, const char *name, const char *value, size_t len);
void json_int(struct json_writer *w, const char *name, int64_t value);
void json_uint(struct json_writer *w, const char *name, uint64_t value);
void json_double(struct json_writer *w, const char *name, double value, int decimals);
void json_bool(struct json_writer *w, const char *name, bool value);
void json_write_null(struct json_writer *w, const char *name);
void json_raw(struct json_writer *w, const char *name, const char *json, size_t len); /* already valid JSON */
int json_writer_end(struct json_writer *w); /* 0 or the first failure */
