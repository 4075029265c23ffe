/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sigv4 - AWS's signature of HTTP requests, version 4, with HMAC-SHA256
 *
 * What is signed is a canonical form of the request and the digest of its body; the key is derived from a secret, day,
 * region and service. This is the arithmetic alone: who may sign, and when, is for the caller. HMAC is twenty lines on
 * base's SHA-256, which uses the CPU's instructions: libcrypto would be a large library in the daemon for no more than
 * that.
 */
#pragma once
#include "base/sha256.h"
#include "http/http.h"

void hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                 unsigned char ret_digest[static SHA256_LEN]);

#define SIGV4_ALGORITHM "AWS4-HMAC-SHA256"
#define SIGV4_HEX_LEN SHA256_HEX_LEN
#define SIGV4_EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct sigv4_request {
        const char *method, *path, *query; /* path and query as they are sent */
        const struct http_field *fields;   /* in the order in which they are sent, names in lower case */
        size_t field_count;
        const char *signed_headers; /* "host;x-amz-date" */
        const char *payload_sha256; /* in hex, or a word like UNSIGNED-PAYLOAD */
        bool path_as_is;            /* S3 signs the path as it is sent; everybody else escapes it once more */
};

struct sigv4_scope {
        const char *time; /* "20150830T123600Z" */
        const char *date, *region, *service;
};

/* Appends the canonical form. A parameter X-Amz-Signature is left out. 0, -EINVAL (a bad percent escape), -E2BIG. */
int sigv4_canonical(const struct sigv4_request *request, struct buf *canonical);
/* In hex, NUL-terminated. */
void sigv4_signature(const char *secret, const struct sigv4_scope *scope, const struct buf *canonical,
                     char ret_hex[static SIGV4_HEX_LEN + 1]);
void sigv4_sha256_hex(const void *data, size_t len, char ret_hex[static SHA256_HEX_LEN + 1]);

/* Appends the text with everything but A-Z a-z 0-9 - . _ ~ (and '/', if it may stay) percent-encoded. */
int sigv4_escape(struct buf *buf, const char *s, size_t len, bool keep_slash);
