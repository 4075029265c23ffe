/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random - bytes from the kernel, drawn in bulk so that a request id costs no system call of its own
 *
 * Loop thread only (the pool of drawn bytes is one per process and not locked).
 */
#pragma once
#include "base/util.h"

#define UUID_LEN 36
#define HEX_ID_LEN 32

void random_bytes(void *data, size_t len);
/* A version 4 UUID in lower case, as AWS's request ids are; NUL-terminated. */
void random_uuid(char ret_uuid[static UUID_LEN + 1]);
/* Whether text is a UUID of any version, in either case. */
bool uuid_is_one(const char *text);
/* 32 hex digits: environment ids, log stream suffixes. */
void random_hex_id(char ret_id[static HEX_ID_LEN + 1]);
/* Writes 2 * len hex digits and a NUL. */
void hex_encode(const void *data, size_t len, char *ret_hex);
