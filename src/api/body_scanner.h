/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body_scanner - cuts the ZipFile out of a JSON body while it arrives
 *
 * A deployment package travels as one Base64 string of up to 70 MB inside a JSON object. The scanner passes
 * everything else through into a small capped buffer, which is parsed when the body is complete, and hands
 * the string's characters to a sink, JSON escapes undone, as they come; in the buffer an empty string stands
 * in its place. It validates nothing: what is malformed stays malformed in the buffer, where the parser finds
 * it.
 *
 * No I/O; bytes may be cut anywhere.
 */
#pragma once
#include "base/buf.h"

enum body_scanner_state { SCAN_OUTSIDE, SCAN_STRING, SCAN_ESCAPE, SCAN_HEX };

struct body_scanner {
        const char *parent; /* name of the member that holds the object with ZipFile; "": the body itself;
                               NULL: none */
        int (*on_zip)(void *owner, const char *text,
                      size_t len); /* 0, or -errno which body_scanner_feed passes on */
        void *owner;
        struct buf kept;

        enum body_scanner_state state;
        unsigned depth;
        bool is_object[3]; /* of the containers at depth 1 and 2 */
        bool expect_key, reading_key, in_zip, zip_seen;
        bool parent_here, zip_here; /* the member whose value comes next */
        unsigned hex_digits, hex;
        size_t key_len;
        char key[16];
};

void body_scanner_init(struct body_scanner *s, const char *parent, size_t kept_max,
                       int (*on_zip)(void *owner, const char *text, size_t len), void *owner);
/* 0, -E2BIG (too much besides the ZipFile), -EEXIST (a second ZipFile), or what the sink said. */
int body_scanner_feed(struct body_scanner *s, const char *data, size_t len);
void body_scanner_deinit(struct body_scanner *s);
