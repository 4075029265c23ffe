/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach - the stream of an attached container without a terminal, taken apart
 *
 * Each piece has a header of eight bytes: which stream (1 standard output, 2 standard error), three zeros, the
 * length (big-endian). Pieces are cut anywhere; what they hold is passed on as it comes and never kept.
 */
#pragma once
#include "base/util.h"

enum attach_stream { ATTACH_STDIN = 0, ATTACH_OUTPUT = 1, ATTACH_ERROR = 2 };

struct attach {
        unsigned char head[8];
        size_t head_len;
        uint32_t left; /* of the piece under way */
};

/* Calls each for every run of bytes; false from it ends the feeding (whatever holds the struct may be gone).
 * 0, or -EPROTO: this is no such stream. */
int attach_feed(struct attach *a, const char *data, size_t len,
                bool (*each)(void *owner, enum attach_stream stream, const char *data, size_t len),
                void *owner);
